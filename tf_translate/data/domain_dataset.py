"""The door to images: batches for training, ordered images for everything else."""

from typing import Literal

import numpy as np
import tensorflow as tf

from tf_translate import images
from tf_translate.config.data import DataConfig
from tf_translate.data import augmentation, sampling
from tf_translate.data.cache.decoded_splits import Progress, StoredSplit, channels_of, decode_all
from tf_translate.data.cache.image_store import Store
from tf_translate.data.layouts.detect import find
from tf_translate.data.splits import digest_of
from tf_translate.errors import DataError

Shape = tuple[int, int, int]


def open_data(
    config: DataConfig, *, paired: bool | None = None, progress: Progress | None = None
) -> "ImageData":
    """Finds the images of a configuration and decodes each of them once.

    Args:
        config: Where they are and what form they get.
        paired: Whether training needs pairs. Pairs may be opened unpaired; then each domain
            is drawn by itself, and held-out pairs stay the truth. None takes what there is.
        progress: Called with (images done, images in all) while decoding.

    Returns:
        All splits, ready to be read in any order.

    Raises:
        DataError: If nothing is found, `paired` asks for pairs that are not there, images
            are broken (each is named, unless `on_error` is "skip"), or a split is left empty.
    """
    source = find(config)
    aligned = source.splits["train"].aligned
    if paired and not aligned:
        raise DataError(
            f"{source.description} has unpaired training images, but pairs are needed; use a "
            "method for unpaired images, or give files of a pair equal names and set layout to "
            "named_pairs"
        )
    stored, skipped = decode_all(source, config, progress)
    fingerprint = digest_of(
        source, str(config.size), str(config.load_size), str(channels_of(config)), *skipped
    )
    return ImageData(
        config,
        stored,
        paired=aligned if paired is None else paired,
        skipped=skipped,
        fingerprint=fingerprint,
        classes=source.classes,
    )


class ImageData:
    """Images of two domains in splits.

    Attributes:
        paired: Whether a training batch holds pairs.
        shape_a, shape_b: `(height, width, channels)` of what the model sees.
        splits: Split to number of images of a and of b.
        skipped: What was left out, as "file: reason".
        fingerprint: Hex digest of names, file sizes, splits and form; the same on every
            machine. It changes when images come, go or change in size, not when a file
            changes within the same number of bytes.
        epoch_size: Samples after which every training image has been seen.
        classes: Names of the classes that labels count, shared by both domains; empty
            without labels.
    """

    def __init__(
        self,
        config: DataConfig,
        stored: dict[str, StoredSplit],
        *,
        paired: bool,
        skipped: tuple[str, ...],
        fingerprint: str,
        classes: tuple[str, ...] = (),
    ) -> None:
        self._stored, self._config = stored, config
        self._size = config.size
        self.paired, self.skipped, self.fingerprint = paired, skipped, fingerprint
        channels_a, channels_b = channels_of(config)
        self.shape_a: Shape = (*config.size, channels_a)
        self.shape_b: Shape = (*config.size, channels_b)
        self.splits = {name: (len(split.a), len(split.b)) for name, split in stored.items()}
        self.epoch_size = max(self.splits["train"])
        self.classes = classes

    def has_truth(self, split: str) -> bool:
        """Whether image i of a and image i of b show the same thing in this split."""
        return self._split(split).aligned

    def names(self, split: str, side: Literal["a", "b"]) -> tuple[str, ...]:
        """Names of the images of one domain, in order."""
        return self._split(split).side(side).names

    def labels(
        self, split: str, side: Literal["a", "b"], *, limit: int | None = None
    ) -> np.ndarray | None:
        """Labels of one domain of a split, in the order of `arrays`.

        Args:
            split: Its name.
            side: The domain.
            limit: As in `arrays`.

        Returns:
            Int32 `(count,)`, each below `len(classes)`; None if the domain has no labels.
        """
        store = self._split(split).side(side)
        numbers = self._numbers(store)
        return None if numbers is None else numbers[list(sampling.spread(len(store), limit))]

    def training(
        self,
        *,
        batch_size: int,
        seed: int,
        start_step: int = 0,
        share: sampling.Share = sampling.WHOLE,
    ) -> tf.data.Dataset:
        """Endless shuffled and augmented batches; what step k gets depends on k alone.

        Each pass over a domain is a new permutation. Pairs are shuffled, cropped and mirrored
        together, unpaired domains each by itself.

        Args:
            batch_size: Images of each domain in a batch, over all devices.
            seed: Of order and augmentation.
            start_step: The step whose batch comes first; an unbroken run from 0 gives the
                same batches from there on.
            share: The pieces of each batch that are drawn here; whole batches by default.

        Returns:
            Batches `{"a": (batch, h, w, c), "b": ...}`, float32 in [-1, 1]; of a domain with
            labels also those of the very images, `"label_a"` or `"label_b"`, int32 `(batch,)`.
        """
        return sampling.endless(
            lambda sample: self._sample(sample, seed),
            batch_size=batch_size,
            start_step=start_step,
            share=share,
        )

    def ordered(self, split: str, *, batch_size: int) -> tf.data.Dataset:
        """The pairs of a split once, in order, as they are; the last batch may be smaller.

        Raises:
            DataError: If the split holds no pairs; `side` gives each of its domains.
        """
        if not self.has_truth(split):
            raise DataError(f"the {split} images are unpaired: take side(split, 'a') and 'b'")
        a, b = self._plain(split, "a"), self._plain(split, "b")
        pairs = tf.data.Dataset.zip({"a": a, "b": b})
        return sampling.with_options(pairs.batch(batch_size))

    def side(self, split: str, side: Literal["a", "b"], *, batch_size: int) -> tf.data.Dataset:
        """One domain of a split once, in order: batches `(batch, h, w, c)` in [-1, 1]."""
        return sampling.with_options(self._plain(split, side).batch(batch_size))

    def arrays(self, split: str, *, limit: int | None = None) -> tuple[np.ndarray, np.ndarray]:
        """Both domains of a split in order, as they are.

        Args:
            split: Its name.
            limit: At most so many of each, spread evenly; the same positions for pairs.

        Returns:
            Float32 `(count_a, h, w, c)` and `(count_b, h, w, c)` in [-1, 1].
        """
        stored = self._split(split)
        a, b = (
            np.stack([self._evaluated(store, i) for i in sampling.spread(len(store), limit)])
            for store in (stored.a, stored.b)
        )
        return images.to_float(a), images.to_float(b)

    def _split(self, split: str) -> StoredSplit:
        if split not in self._stored:
            raise DataError(f"there is no split {split!r}, there are {', '.join(self._stored)}")
        return self._stored[split]

    def _sample(self, sample: tf.Tensor, seed: int) -> dict[str, tf.Tensor]:
        train = self._stored["train"]
        own = augmentation.sample_seed(seed, sample)
        seeds = (own, own) if self.paired else tuple(tf.unstack(augmentation.split_seed(own)))
        domains = (0, 0) if self.paired else (0, 1)
        batch = {}
        for name, domain, own_seed in zip("ab", domains, seeds, strict=True):
            store = train.side(name)  # type: ignore[arg-type]
            position = sampling.shuffled(sample, len(store), seed, domain)
            batch[name] = sampling.augmented(
                sampling.lookup(store, position), own_seed, self._config
            )
            numbers = self._numbers(store)
            if numbers is not None:
                batch[f"label_{name}"] = tf.gather(tf.constant(numbers), position)
        return batch

    def _numbers(self, store: Store) -> np.ndarray | None:
        if store.labels is None:
            return None
        number_of = {name: number for number, name in enumerate(self.classes)}
        return np.array([number_of[name] for name in store.labels], np.int32)

    def _plain(self, split: str, side: Literal["a", "b"]) -> tf.data.Dataset:
        store = self._split(split).side(side)
        shape = (*self._size, store.form.channels)

        def read(position: tf.Tensor) -> tf.Tensor:
            pixels = tf.numpy_function(
                lambda i: self._evaluated(store, int(i)), [position], tf.uint8, stateful=False
            )
            return augmentation.to_float(tf.ensure_shape(pixels, shape))

        return tf.data.Dataset.range(len(store)).map(read, tf.data.AUTOTUNE)

    def _evaluated(self, store: Store, position: int) -> np.ndarray:
        # Only training images are stored larger, for the crop.
        return images.resize(store.read(position), self._size)
