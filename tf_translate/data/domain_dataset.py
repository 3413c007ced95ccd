"""Images of two domains: shuffled batches for training, ordered images for evaluation."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal

import numpy as np
import tensorflow as tf

from tf_translate import images
from tf_translate.config.data import DataConfig, check_data_config
from tf_translate.data import augmentation, sampling
from tf_translate.data.cache.decoded_splits import DecodedSplit, Progress, decode_splits
from tf_translate.data.cache.image_store import ImageStore, notices_of
from tf_translate.data.image_format import fingerprint_parts
from tf_translate.data.inventory import ImageIds, Inventory
from tf_translate.data.layouts.detect import find_domains
from tf_translate.data.splits import DomainSource, ImageList, fingerprint_source
from tf_translate.errors import DataError
from tf_translate.image_files import LeftOut, describe_splits

Shape = tuple[int, int, int]


def open_domain_dataset(
    config: DataConfig, *, paired: bool | None = None, progress: Progress | None = None
) -> "DomainDataset":
    """Finds the images of a configuration and decodes each once.

    Args:
        config: Where the images are and how they are preprocessed.
        paired: Whether training needs pairs. Pairs may be opened unpaired: then each domain
            is shuffled by itself, and held-out pairs remain ground truth. None: paired if
            the training images are pairs, except those of a table with `domain_column`.
        progress: Called with (images done, images in all) while decoding.

    Returns:
        All splits, readable in any order.

    Raises:
        DataError: If no images are found, `paired` is true but the images are unpaired, images
            are damaged (each is named, unless `on_error` is "skip"), or a split is left empty.

    Example:
        ```python
        data = open_domain_dataset(DataConfig(path="samples:flat_to_3d", size=(64, 64)))
        a, b = data.arrays("test")  # (n, 64, 64, 3) each, in [-1, 1]
        ```
    """
    check_data_config(config, "open_domain_dataset")
    source = find_domains(config)
    aligned = source.splits["train"].aligned
    if paired and not aligned:
        if config.domain_column:
            fix = (
                "name the column that both rows of a pair share in data.group_column; they must be "
                "equal in all columns but the image and the domain"
            )
        elif Path(config.path).is_file():
            fix = "give each row of the table an image of a and one of b"
        else:
            fix = "give both files of a pair the same name and set data.layout to named_pairs"
        raise DataError(
            f"{source.description} has unpaired training images, but pairs are needed; use a "
            f"method for unpaired images, or {fix}"
        )
    decoded, skipped, left_out = decode_splits(source, config, progress)
    fingerprint = fingerprint_source(source, *fingerprint_parts(config), *skipped)
    return DomainDataset(
        config,
        decoded,
        paired=aligned and not config.domain_column if paired is None else paired,
        skipped=skipped,
        fingerprint=fingerprint,
        classes=source.classes,
        left_out=left_out,
        notes=tuple(dict.fromkeys((*source.notes, *config.without_effect()))),
        inventory=_take_inventory(source, decoded),
    )


class DomainDataset:
    """The splits of two image domains.

    Attributes:
        paired: Whether a training batch holds pairs.
        shape_a, shape_b: `(height, width, channels)` of the model's images.
        splits: Split name -> number of images of a and of b.
        skipped: Images that were left out, as "file: reason".
        fingerprint: Hex digest of names, file sizes, splits and image format; the same on every
            machine. It changes when images are added, removed or change in size, but not
            when a file changes and keeps its number of bytes.
        epoch_size: Number of samples after which every training image was used.
        classes: Class names, shared by both domains; a label is an index into them. Empty
            without labels.
        left_out: Split name -> what was left out: files of other formats, hidden files, damaged
            images, and so on, with their number and the names of some.
        notes: What else the user should know, such as which file decides the splits.
        inventory: Which images are in which split and domain, to recognise the data set by.
    """

    def __init__(
        self,
        config: DataConfig,
        decoded: dict[str, DecodedSplit],
        *,
        paired: bool,
        skipped: tuple[str, ...],
        fingerprint: str,
        classes: tuple[str, ...] = (),
        left_out: Mapping[str, LeftOut] | None = None,
        notes: tuple[str, ...] = (),
        inventory: Inventory | None = None,
    ) -> None:
        self._decoded, self._config = decoded, config
        self._size = config.size
        self.paired, self.skipped, self.fingerprint = paired, skipped, fingerprint
        self.shape_a: Shape = (*config.size, config.channels_a)
        self.shape_b: Shape = (*config.size, config.channels_b)
        self.splits = {name: (len(split.a), len(split.b)) for name, split in decoded.items()}
        self.epoch_size = max(self.splits["train"])
        self.classes = classes
        self.left_out, self.notes = dict(left_out or {}), notes
        self.inventory = dict(inventory or {})

    def found_lines(self) -> list[str]:
        """Says how many images each split has, what was left out, and what decoding changed."""
        counts = {name: {"a": a, "b": b} for name, (a, b) in self.splits.items()}
        stores = [store for split in self._decoded.values() for store in (split.a, split.b)]
        found = describe_splits(counts, self.left_out)
        return [*found, *self.notes, *notices_of(stores).sentences()]

    def has_truth(self, split: str) -> bool:
        """Whether image i of a and image i of b show the same thing in this split."""
        return self._split(split).aligned

    def names(self, split: str, side: Literal["a", "b"]) -> tuple[str, ...]:
        """Returns the names of the images of one domain, in order."""
        return self._split(split).side(side).names

    def labels(
        self, split: str, side: Literal["a", "b"], *, limit: int | None = None
    ) -> np.ndarray | None:
        """Returns the labels of one domain of a split, in the order of `arrays`.

        Args:
            split: Name of the split.
            side: The domain.
            limit: As in `arrays`.

        Returns:
            Int32 `(count,)`, each below `len(classes)`; None if the domain has no labels.
        """
        store = self._split(split).side(side)
        labels = self._class_indices(store)
        return (
            None if labels is None else labels[list(sampling.spread_positions(len(store), limit))]
        )

    def training(
        self,
        *,
        batch_size: int,
        seed: int,
        start_step: int = 0,
        shard: sampling.BatchShard = sampling.WHOLE_BATCH,
    ) -> tf.data.Dataset:
        """Returns endless shuffled and augmented batches; the batch of step k depends on k alone.

        Each pass over a domain is a new permutation. Pairs are shuffled, cropped and mirrored
        together; unpaired domains are shuffled, cropped and mirrored separately.

        Args:
            batch_size: Images of each domain in a batch, over all devices.
            seed: Seed of order and augmentation.
            start_step: The step of the first batch. The batches are those that an
                uninterrupted run from step 0 gets from there on.
            shard: The part of each batch to produce here; whole batches by default.

        Returns:
            Batches `{"a": (batch, h, w, c), "b": ...}`, float32 in [-1, 1]. A domain with labels
            adds the labels of these images, `"label_a"` or `"label_b"`, int32 `(batch,)`.
        """
        return sampling.endless_batches(
            lambda sample: self._sample(sample, seed),
            batch_size=batch_size,
            start_step=start_step,
            shard=shard,
        )

    def ordered(self, split: str, *, batch_size: int) -> tf.data.Dataset:
        """Returns the pairs of a split once, in order, unaugmented; the last batch may be smaller.

        Raises:
            DataError: If the split holds no pairs; `side` reads one domain of it.
        """
        if not self.has_truth(split):
            raise DataError(
                f"the {split} images are unpaired: use side(split, 'a') and side(split, 'b')"
            )
        a, b = self._unaugmented(split, "a"), self._unaugmented(split, "b")
        pairs = tf.data.Dataset.zip({"a": a, "b": b})
        return sampling.set_pipeline_options(pairs.batch(batch_size))

    def side(self, split: str, side: Literal["a", "b"], *, batch_size: int) -> tf.data.Dataset:
        """Returns one domain of a split once, in order: batches `(batch, h, w, c)` in [-1, 1]."""
        return sampling.set_pipeline_options(self._unaugmented(split, side).batch(batch_size))

    def arrays(self, split: str, *, limit: int | None = None) -> tuple[np.ndarray, np.ndarray]:
        """Returns both domains of a split in order, unaugmented.

        Args:
            split: Name of the split.
            limit: Maximum number of images of each domain, spread evenly; the same positions
                for both images of a pair.

        Returns:
            Float32 `(count_a, h, w, c)` and `(count_b, h, w, c)` in [-1, 1].
        """
        split_images = self._split(split)
        a, b = (
            np.stack(
                [
                    self._read_for_evaluation(store, i)
                    for i in sampling.spread_positions(len(store), limit)
                ]
            )
            for store in (split_images.a, split_images.b)
        )
        return images.to_float(a), images.to_float(b)

    def images(
        self, split: str, side: Literal["a", "b"], at: Sequence[int] | np.ndarray
    ) -> np.ndarray:
        """Returns the images at some positions: float32 `(n, h, w, c)` in [-1, 1]."""
        store = self._split(split).side(side)
        return images.to_float(np.stack([self._read_for_evaluation(store, int(i)) for i in at]))

    def _split(self, split: str) -> DecodedSplit:
        if split not in self._decoded:
            raise DataError(f"there is no split {split!r}, only {', '.join(self._decoded)}")
        return self._decoded[split]

    def _sample(self, sample: tf.Tensor, seed: int) -> dict[str, tf.Tensor]:
        train = self._decoded["train"]
        sample_seed = augmentation.sample_seed(seed, sample)
        seeds = (
            (sample_seed, sample_seed)
            if self.paired
            else tuple(tf.unstack(augmentation.split_seed(sample_seed)))
        )
        domains = (0, 0) if self.paired else (0, 1)
        batch = {}
        for name, domain, image_seed in zip("ab", domains, seeds, strict=True):
            store = train.side(name)  # type: ignore[arg-type]
            position = sampling.shuffled_position(sample, len(store), seed, domain)
            batch[name] = sampling.augment_image(
                sampling.read_stored_image(store, position), image_seed, self._config
            )
            labels = self._class_indices(store)
            if labels is not None:
                batch[f"label_{name}"] = tf.gather(tf.constant(labels), position)
        return batch

    def _class_indices(self, store: ImageStore) -> np.ndarray | None:
        if store.labels is None:
            return None
        index_of = {name: index for index, name in enumerate(self.classes)}
        return np.array([index_of[name] for name in store.labels], np.int32)

    def _unaugmented(self, split: str, side: Literal["a", "b"]) -> tf.data.Dataset:
        store = self._split(split).side(side)
        shape = (*self._size, store.image_format.channels)

        def read(position: tf.Tensor) -> tf.Tensor:
            pixels = tf.numpy_function(
                lambda i: self._read_for_evaluation(store, int(i)),
                [position],
                tf.uint8,
                stateful=False,
            )
            return augmentation.to_float(tf.ensure_shape(pixels, shape))

        return tf.data.Dataset.range(len(store)).map(read, tf.data.AUTOTUNE)

    def _read_for_evaluation(self, store: ImageStore, position: int) -> np.ndarray:
        # Training images are stored at load_size for the crop, all others at size.
        return images.resize(
            store.read(position), self._size, interpolation=store.image_format.interpolation
        )


def _take_inventory(source: DomainSource, decoded: Mapping[str, DecodedSplit]) -> Inventory:
    """Identifies the images of each split that could be decoded."""
    return {
        name: {"a": _identify(source.splits[name].a, split.a.names)}
        | {"b": _identify(source.splits[name].b, split.b.names)}
        for name, split in decoded.items()
    }


def _identify(source: ImageList, decoded_names: Sequence[str]) -> ImageIds:
    decoded, files = set(decoded_names), source.fingerprints()
    labels = source.labels or ("",) * len(files)
    at = [i for i, name in enumerate(source.names) if name in decoded]
    return ImageIds.of([source.names[i] for i in at], [f"{files[i]}\0{labels[i]}" for i in at])
