"""The door to pictures: batches for training, ordered pictures for everything else."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import tensorflow as tf

from tf_translate import images
from tf_translate.config.data import DataConfig
from tf_translate.data import augment
from tf_translate.data.layout import find
from tf_translate.data.pictures import Source, Split, digest_of, listing
from tf_translate.data.store import MEMORY_LIMIT, Form, Place, Store, open_store
from tf_translate.errors import DataError

Shape = tuple[int, int, int]
Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class StoredSplit:
    """Two domains of one split, decoded; `aligned` if position i of both is a pair."""

    a: Store
    b: Store
    aligned: bool

    def side(self, domain: Literal["a", "b"]) -> Store:
        """One domain."""
        if domain not in ("a", "b"):
            raise ValueError(f'`side` must be "a" or "b", got {domain!r}')
        return self.a if domain == "a" else self.b


def open_data(
    config: DataConfig, *, paired: bool | None = None, progress: Progress | None = None
) -> "ImageData":
    """Finds the pictures of a configuration and decodes each of them once.

    Args:
        config: Where they are and what form they get.
        paired: Whether training needs pairs. Pairs may be opened unpaired; then each domain
            is drawn by itself, and held-out pairs stay the truth. None takes what there is.
        progress: Called with (pictures done, pictures in all) while decoding.

    Returns:
        All splits, ready to be read in any order.

    Raises:
        DataError: If nothing is found, `paired` asks for pairs that are not there, pictures
            are broken (each is named, unless `on_error` is "skip"), or a split is left empty.
    """
    source = find(config)
    aligned = source.splits["train"].aligned
    if paired and not aligned:
        raise DataError(
            f"{source.description} has unpaired training pictures, but pairs are needed; use a "
            "method for unpaired pictures, or give files of a pair equal names and set layout to "
            "named_pairs"
        )
    stored, skipped = _decode_all(source, config, progress)
    fingerprint = digest_of(
        source, str(config.size), str(config.load_size), str(_channels(config)), *skipped
    )
    return ImageData(
        config,
        stored,
        paired=aligned if paired is None else paired,
        skipped=skipped,
        fingerprint=fingerprint,
    )


class ImageData:
    """Pictures of two domains in splits.

    Attributes:
        paired: Whether a training batch holds pairs.
        shape_a, shape_b: `(height, width, channels)` of what the model sees.
        splits: Split to number of pictures of a and of b.
        skipped: What was left out, as "file: reason".
        fingerprint: Hex digest of names, file sizes, splits and form; the same on every
            machine. It changes when pictures come, go or change in size, not when a file
            changes within the same number of bytes.
        epoch_size: Samples after which every training picture has been seen.
    """

    def __init__(
        self,
        config: DataConfig,
        stored: dict[str, StoredSplit],
        *,
        paired: bool,
        skipped: tuple[str, ...],
        fingerprint: str,
    ) -> None:
        self._stored, self._config = stored, config
        self._size = config.size
        self.paired, self.skipped, self.fingerprint = paired, skipped, fingerprint
        channels_a, channels_b = _channels(config)
        self.shape_a: Shape = (*config.size, channels_a)
        self.shape_b: Shape = (*config.size, channels_b)
        self.splits = {name: (len(split.a), len(split.b)) for name, split in stored.items()}
        self.epoch_size = max(self.splits["train"])

    def has_truth(self, split: str) -> bool:
        """Whether picture i of a and picture i of b show the same thing in this split."""
        return self._split(split).aligned

    def names(self, split: str, side: Literal["a", "b"]) -> tuple[str, ...]:
        """Names of the pictures of one domain, in order."""
        return self._split(split).side(side).names

    def training(self, *, batch_size: int, seed: int, start_step: int = 0) -> tf.data.Dataset:
        """Endless shuffled and augmented batches; what step k gets depends on k alone.

        Each pass over a domain is a new permutation. Pairs are shuffled, cropped and mirrored
        together, unpaired domains each by itself.

        Args:
            batch_size: Pictures of each domain in a batch, over all devices.
            seed: Of order and augmentation.
            start_step: The step whose batch comes first; an unbroken run from 0 gives the
                same batches from there on.

        Returns:
            Batches `{"a": (batch, h, w, c), "b": ...}`, float32 in [-1, 1].
        """
        if batch_size < 1 or start_step < 0:
            raise ValueError(
                "`batch_size` must be at least 1 and `start_step` at least 0, "
                f"got {batch_size} and {start_step}"
            )
        dataset = tf.data.Dataset.counter(start=start_step * batch_size)
        dataset = dataset.map(lambda sample: self._sample(sample, seed), tf.data.AUTOTUNE)
        return _with_options(dataset.batch(batch_size, drop_remainder=True))

    def ordered(self, split: str, *, batch_size: int) -> tf.data.Dataset:
        """The pairs of a split once, in order, as they are; the last batch may be smaller.

        Raises:
            DataError: If the split holds no pairs; `side` gives each of its domains.
        """
        if not self.has_truth(split):
            raise DataError(f"the {split} pictures are unpaired: take side(split, 'a') and 'b'")
        a, b = self._plain(split, "a"), self._plain(split, "b")
        pairs = tf.data.Dataset.zip({"a": a, "b": b})
        return _with_options(pairs.batch(batch_size))

    def side(self, split: str, side: Literal["a", "b"], *, batch_size: int) -> tf.data.Dataset:
        """One domain of a split once, in order: batches `(batch, h, w, c)` in [-1, 1]."""
        return _with_options(self._plain(split, side).batch(batch_size))

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
            np.stack([self._evaluated(store, i) for i in _spread(len(store), limit)])
            for store in (stored.a, stored.b)
        )
        return images.to_float(a), images.to_float(b)

    def _split(self, split: str) -> StoredSplit:
        if split not in self._stored:
            raise DataError(f"there is no split {split!r}, there are {', '.join(self._stored)}")
        return self._stored[split]

    def _sample(self, sample: tf.Tensor, seed: int) -> dict[str, tf.Tensor]:
        train = self._stored["train"]
        own = augment.sample_seed(seed, sample)
        seeds = (own, own) if self.paired else tuple(tf.unstack(augment.split_seed(own)))
        domains = (0, 0) if self.paired else (0, 1)
        return {
            name: self._augmented(
                _lookup(store, _shuffled(sample, len(store), seed, domain)), own_seed
            )
            for name, store, domain, own_seed in zip(
                "ab", (train.a, train.b), domains, seeds, strict=True
            )
        }

    def _augmented(self, pixels: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
        load_size = self._config.load_size or self._size
        if load_size != self._size:
            offset = augment.crop_offset(seed, load_size, self._size)
            pixels = augment.crop(pixels, offset, self._size)
        if self._config.flip == "horizontal":
            pixels = augment.mirror(pixels, augment.is_mirrored(seed))
        return augment.to_float(pixels)

    def _plain(self, split: str, side: Literal["a", "b"]) -> tf.data.Dataset:
        store = self._split(split).side(side)
        shape = (*self._size, store.form.channels)

        def read(position: tf.Tensor) -> tf.Tensor:
            pixels = tf.numpy_function(
                lambda i: self._evaluated(store, int(i)), [position], tf.uint8, stateful=False
            )
            return augment.to_float(tf.ensure_shape(pixels, shape))

        return tf.data.Dataset.range(len(store)).map(read, tf.data.AUTOTUNE)

    def _evaluated(self, store: Store, position: int) -> np.ndarray:
        # Only training pictures are stored larger, for the crop.
        return images.resize(store.read(position), self._size)


def _decode_all(
    source: Source, config: DataConfig, progress: Progress | None
) -> tuple[dict[str, StoredSplit], tuple[str, ...]]:
    place = _place(source, config)
    tick = _counter(source, progress)
    opened = {}
    for name, split in source.splits.items():
        forms = _forms(config, name)
        a = open_store(split.a, forms[0], place, progress=tick)
        b = open_store(split.b, forms[1], place, progress=tick)
        opened[name] = StoredSplit(a, b, split.aligned)
    reasons = _reasons(opened)
    if reasons and config.on_error == "stop":
        raise DataError(
            f"{len(reasons)} pictures of {source.description} cannot be used; repair or remove "
            f'them, or set on_error to "skip" to leave them out:{listing(reasons)}'
            if len(reasons) > 1
            else f'{reasons[0]}; repair or remove it, or set on_error to "skip" to leave it out'
        )
    stored = {name: _without_problems(split) for name, split in opened.items()}
    _check_not_empty(stored, source)
    return stored, tuple(reasons)


def _reasons(opened: dict[str, StoredSplit]) -> list[str]:
    """Every reason once: the halves of one file share theirs."""
    stores = [store for split in opened.values() for store in (split.a, split.b)]
    return list(dict.fromkeys(why for store in stores for why in store.problems.values()))


def _without_problems(split: StoredSplit) -> StoredSplit:
    bad_a, bad_b = set(split.a.problems), set(split.b.problems)
    if split.aligned:
        bad_a = bad_b = bad_a | bad_b
    if not bad_a and not bad_b:
        return split
    a = split.a.pick([i for i in range(len(split.a)) if i not in bad_a])
    b = split.b.pick([i for i in range(len(split.b)) if i not in bad_b])
    return StoredSplit(a, b, split.aligned)


def _check_not_empty(stored: dict[str, StoredSplit], source: Source) -> None:
    for name, split in stored.items():
        for domain in ("a", "b"):
            if not len(split.side(domain)):  # type: ignore[arg-type]
                raise DataError(
                    f"no usable picture of {domain} is left in the {name} split of "
                    f"{source.description}"
                )


def _place(source: Source, config: DataConfig) -> Place:
    if config.cache != "auto":
        return config.cache
    needed = 0
    for name, split in source.splits.items():
        form_a, form_b = _forms(config, name)
        needed += form_a.bytes_of(split.a) + form_b.bytes_of(split.b)
    return "memory" if needed <= MEMORY_LIMIT else "disk"


def _forms(config: DataConfig, split: str) -> tuple[Form, Form]:
    size = config.load_size if config.load_size and split == "train" else config.size
    channels_a, channels_b = _channels(config)
    return Form(size, channels_a), Form(size, channels_b)


def _channels(config: DataConfig) -> tuple[int, int]:
    return config.channels_a, config.channels_b


def _counter(source: Source, progress: Progress | None) -> Callable[[], None]:
    if progress is None:
        return lambda: None
    total = sum(_count(split) for split in source.splits.values())
    done = iter(range(1, total + 1))
    return lambda: progress(next(done), total)


def _count(split: Split) -> int:
    return len(split.a.names) + len(split.b.names)


def _spread(count: int, limit: int | None) -> Sequence[int]:
    if limit is None or limit >= count:
        return range(count)
    if limit < 1:
        raise ValueError(f"`limit` must be at least 1, got {limit}")
    return np.linspace(0, count - 1, limit).round().astype(int).tolist()


def _shuffled(sample: tf.Tensor, count: int, seed: int, domain: int) -> tf.Tensor:
    """Position of a numbered sample: every pass over `count` pictures is a new permutation."""
    sample = tf.cast(sample, tf.int64)
    pass_seed = tf.random.fold_in(tf.stack([seed, sample // count]), domain)
    last = tf.constant(count - 1, tf.int64)
    return tf.random.experimental.index_shuffle(sample % count, tf.cast(pass_seed, tf.int64), last)


def _lookup(store: Store, position: tf.Tensor) -> tf.Tensor:
    pixels = tf.numpy_function(lambda i: store.read(int(i)), [position], tf.uint8, stateful=False)
    return tf.ensure_shape(pixels, store.form.shape)


def _with_options(dataset: tf.data.Dataset) -> tf.data.Dataset:
    options = tf.data.Options()
    options.deterministic = True
    shard = tf.data.experimental.AutoShardPolicy.DATA
    options.experimental_distribute.auto_shard_policy = shard
    return dataset.prefetch(tf.data.AUTOTUNE).with_options(options)
