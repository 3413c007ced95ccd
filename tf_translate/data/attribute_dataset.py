"""One set of images with attributes: batches for training, ordered images for the rest."""

from dataclasses import dataclass

import numpy as np
import tensorflow as tf

from tf_translate.config.attributes import Attributes
from tf_translate.config.data import DataConfig
from tf_translate.data import augmentation, sampling
from tf_translate.data.cache.decoded_splits import Progress
from tf_translate.data.cache.image_store import Store
from tf_translate.data.image_dataset import ImageSet
from tf_translate.data.layouts.age_filenames import read_ages
from tf_translate.data.layouts.attribute_table import SUFFIXES, Row, Rows, Table, named
from tf_translate.data.single_set import Decoded, decode, open_table, splits_of
from tf_translate.data.splits import digest, listing
from tf_translate.errors import DataError

_WANTED = (
    f"a table ({', '.join(SUFFIXES)}) of image -> columns, samples:NAME or a folder of images "
    "whose names say ages"
)


@dataclass(frozen=True)
class LabelledSplit:
    """Images of a split with their attributes.

    Attributes:
        store: The images.
        values: Float32 `(count, columns)`, the attributes of each.
        twins: What each shows beside the attributes, or None where the data does not say.
    """

    store: Store
    values: np.ndarray
    twins: tuple[str, ...] | None


def open_attribute_dataset(
    config: DataConfig, *, progress: Progress | None = None
) -> "LabelledData":
    """Finds the images of a configuration with `attributes` and decodes each of them once.

    Raises:
        DataError: If there is no such table or folder, a column is missing, a cell is no value
            of its attribute, a image is broken (unless `on_error` is "skip"), or the train
            split is empty.
    """
    if not config.attributes:
        raise DataError(
            "data.attributes must say which attributes the images have and their values, for "
            'example --set \'data.attributes.glasses=["0", "1"]\''
        )
    table = open_table(config, read_ages, _WANTED)
    attributes = Attributes(config.attributes)
    table.check(
        {f"attributes.{one.name}": one.name for one in attributes.each}
        | {f"where.{column}": column for column in config.where}
        | {"group_column": config.group_column}
    )
    rows = _checked(table, table.where(config.where), attributes)
    decoded, broken = decode(table, splits_of(table, rows, config), config, progress)
    opened = {name: _labelled(table, found, config) for name, found in decoded.items()}
    parts = [
        f"{name}:{decoded[name].identity}:{split.values.tobytes().hex()}"
        for name, split in opened.items()
    ]
    fingerprint = digest([*parts, str(config.size), str(config.load_size), *broken])
    skipped = (*table.skipped, *broken)
    return LabelledData(config, opened, skipped=skipped, fingerprint=fingerprint)


class LabelledData(ImageSet):
    """Images of one set in splits, each with its attributes.

    A training batch holds `"image"` and float32 `(batch, columns)`: `"attributes"`, its own;
    `"other_attributes"`, those of a training image that differ from its own;
    `"drawn_attributes"`, those of any.

    Attributes:
        attributes: Which there are.
    """

    def __init__(
        self,
        config: DataConfig,
        stored: dict[str, LabelledSplit],
        *,
        skipped: tuple[str, ...],
        fingerprint: str,
    ) -> None:
        stores = {name: split.store for name, split in stored.items()}
        super().__init__(config, stores, skipped=skipped, fingerprint=fingerprint)
        self._stored = stored
        self.attributes = Attributes(config.attributes)
        train = stored["train"].values
        # Training rows sorted by their attributes: rows that differ from one are those
        # before and after its own group.
        kinds, self._kind = np.unique(train, axis=0, return_inverse=True)
        self._kind = self._kind.reshape(-1)
        self._sorted = np.argsort(self._kind, kind="stable")
        self._ends = np.cumsum(np.bincount(self._kind, minlength=len(kinds)))
        if len(kinds) < 2:
            raise DataError(
                f"all training images have the attributes {kinds[0].tolist()}: there is nothing "
                "to tell apart; check data.attributes and data.where"
            )

    def values(self, split: str) -> np.ndarray:
        """Attributes of the images of a split in order: float32 `(n, columns)`."""
        return self._split(split).values

    def twins(self, split: str) -> tuple[str, ...] | None:
        """What each image shows beside its attributes, in order; None where data do not say.

        Two images with equal words differ in attributes only.
        """
        return self._split(split).twins

    def _split(self, split: str) -> LabelledSplit:
        self._store(split)  # refuses an unknown one
        return self._stored[split]

    def _sample(self, sample: tf.Tensor, seed: int) -> dict[str, tf.Tensor]:
        train = self._stored["train"]
        own = augmentation.sample_seed(seed, sample)
        position = sampling.shuffled(sample, len(train.store), seed, 0)
        values = tf.constant(train.values)
        drawn = tf.random.stateless_uniform([2], tf.random.fold_in(own, 2))
        return {
            **super()._sample(sample, seed),
            "attributes": tf.gather(values, position),
            "other_attributes": tf.gather(values, self._differing(position, drawn[0])),
            "drawn_attributes": tf.gather(values, _place(drawn[1], len(train.values))),
        }

    def _differing(self, position: tf.Tensor, drawn: tf.Tensor) -> tf.Tensor:
        """A training row whose attributes are others, each equally likely."""
        kind = tf.gather(tf.constant(self._kind), position)
        end = tf.gather(tf.constant(self._ends), kind)
        size = tf.gather(tf.constant(np.diff(self._ends, prepend=0)), kind)
        place = _place(drawn, len(self._kind) - size)
        place += tf.where(place >= end - size, size, tf.zeros_like(size))
        return tf.gather(tf.constant(self._sorted), place)


def _place(drawn: tf.Tensor, count) -> tf.Tensor:
    """A whole number below `count` from one in [0, 1)."""
    count = tf.cast(count, tf.int64)
    place = tf.cast(tf.cast(drawn, tf.float64) * tf.cast(count, tf.float64), tf.int64)
    return tf.minimum(place, count - 1)


def _checked(table: Table, rows: Rows, attributes: Attributes) -> Rows:
    if not rows:
        raise DataError(f"data.where leaves no row of the table {table.path}")
    problems = []
    for place, row in rows:
        try:
            attributes.encode(row)
        except ValueError as error:
            problems.append(f"{place}: {error}")
    if problems:
        first = attributes.each[0].name
        known = sorted({row[first] for _, row in rows})
        raise DataError(
            f"the table {table.path} has values that data.attributes does not name ({first} has "
            f"{named(known)}); name them, or leave rows out by data.where:{listing(problems)}"
        )
    return rows


def _labelled(table: Table, decoded: Decoded, config: DataConfig) -> LabelledSplit:
    attributes, rows = Attributes(config.attributes), [row for _, row in decoded.rows]
    values = np.array([attributes.encode(row) for row in rows], np.float32)
    return LabelledSplit(decoded.store, values, _twins(table, rows, config))


def _twins(table: Table, rows: list[Row], config: DataConfig) -> tuple[str, ...] | None:
    """What each row shows: all it says but image, split and the attributes that are edited."""
    if config.group_column is None:
        return None
    edited = {"image", "split", *config.attributes}
    kept = [column for column in table.columns if column not in edited]
    return tuple("\n".join(row[column] for column in kept) for row in rows)
