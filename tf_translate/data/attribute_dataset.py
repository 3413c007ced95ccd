"""One image set with attributes: shuffled batches for training, ordered images for evaluation."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import tensorflow as tf

from tf_translate.config.attributes import Attributes
from tf_translate.config.data import DataConfig, check_data_config
from tf_translate.data import augmentation, sampling
from tf_translate.data.cache.decoded_splits import Progress
from tf_translate.data.cache.image_store import ImageStore
from tf_translate.data.holdout import notes_of_table
from tf_translate.data.image_dataset import ImageDataset, left_out_of
from tf_translate.data.image_format import fingerprint_parts
from tf_translate.data.inventory import ImageIds, Inventory
from tf_translate.data.layouts.age_filenames import read_ages
from tf_translate.data.layouts.attribute_table import (
    AttributeTable,
    LocatedRows,
    Row,
    list_names,
)
from tf_translate.data.layouts.table_files import SUFFIXES
from tf_translate.data.splits import digest, format_list
from tf_translate.data.table_splits import DecodedRows, assign_splits, decode_rows, open_table
from tf_translate.errors import DataError
from tf_translate.image_files import LeftOut

_ACCEPTED_PATHS = (
    f"a table ({', '.join(SUFFIXES)}) with a column image, samples:NAME or a folder of images "
    "whose file names hold ages"
)


@dataclass(frozen=True)
class AttributeSplit:
    """Images of a split with their attributes.

    Attributes:
        store: The images.
        values: Float32 `(count, columns)`, the encoded attributes of each image.
        groups: Key of what each image shows apart from its attributes; None without a
            `group_column`.
    """

    store: ImageStore
    values: np.ndarray
    groups: tuple[str, ...] | None


def open_attribute_dataset(
    config: DataConfig, *, progress: Progress | None = None
) -> "AttributeDataset":
    """Finds the images of a configuration with `attributes` and decodes each once.

    Args:
        config: Its `path` is a table with a column image, a folder of images that are named by
            age, or samples:NAME; its `attributes` name columns and their values.
        progress: Called with (images done, images in all) while decoding.

    Returns:
        All splits, with an attribute vector for each image, readable in any order.

    Raises:
        DataError: If there is no such table or folder, a column is missing, a cell holds no
            value of its attribute, an image is damaged (unless `on_error` is "skip"), or the
            train split is empty.

    Example:
        ```python
        config = DataConfig(
            path="samples:avatars", size=(64, 64), attributes={"glasses": ["0", "1"]}
        )
        data = open_attribute_dataset(config)
        images = data.images("test", at=range(8))  # (8, 64, 64, 3), in [-1, 1]
        glasses = data.values("test")[:8]  # (8, 1), 0 or 1
        ```
    """
    check_data_config(config, "open_attribute_dataset")
    if not config.attributes:
        raise DataError(
            "data.attributes must name the attributes of the images and their values, for "
            'example --set \'data.attributes.glasses=["0", "1"]\''
        )
    table = open_table(config, read_ages, _ACCEPTED_PATHS)
    attributes = Attributes(config.attributes)
    table.check(
        {f"attributes.{attribute.name}": attribute.name for attribute in attributes.definitions}
        | {f"where.{column}": column for column in config.where}
        | {"group_column": config.group_column}
    )
    rows = _check_rows(table, table.where(config.where), attributes)
    decoded, damaged = decode_rows(table, assign_splits(table, rows, config), config, progress)
    splits = {name: _add_attributes(table, found, config) for name, found in decoded.items()}
    parts = [
        f"{name}:{decoded[name].fingerprint}:{split.values.tobytes().hex()}"
        for name, split in splits.items()
    ]
    fingerprint = digest([*parts, *fingerprint_parts(config), *damaged])
    skipped = (*table.skipped, *damaged)
    return AttributeDataset(
        config,
        splits,
        skipped=skipped,
        fingerprint=fingerprint,
        left_out=left_out_of(table, decoded),
        notes=notes_of_table(table, config),
        inventory={
            name: {"": _identify(decoded[name], split.values)} for name, split in splits.items()
        },
    )


class AttributeDataset(ImageDataset):
    """The splits of one image set, each image with its attributes.

    A training batch holds `"image"` and three float32 arrays `(batch, columns)`. `"attributes"`
    are those of the image. `"other_attributes"` are those of a random training image that
    differ from them. `"sampled_attributes"` are those of any random training image.

    Attributes:
        attributes: The attributes and their encoding.
    """

    def __init__(
        self,
        config: DataConfig,
        attribute_splits: dict[str, AttributeSplit],
        *,
        skipped: tuple[str, ...],
        fingerprint: str,
        left_out: Mapping[str, LeftOut] | None = None,
        notes: tuple[str, ...] = (),
        inventory: Inventory | None = None,
    ) -> None:
        stores = {name: split.store for name, split in attribute_splits.items()}
        super().__init__(
            config,
            stores,
            skipped=skipped,
            fingerprint=fingerprint,
            left_out=left_out,
            notes=notes,
            inventory=inventory,
        )
        self._attribute_splits = attribute_splits
        self.attributes = Attributes(config.attributes)
        train = attribute_splits["train"].values
        # Training rows sorted by their attributes (their kind): rows that differ from one
        # are those before and after the rows of its kind.
        kinds, self._kind = np.unique(train, axis=0, return_inverse=True)
        self._kind = self._kind.reshape(-1)
        self._sorted = np.argsort(self._kind, kind="stable")
        self._ends = np.cumsum(np.bincount(self._kind, minlength=len(kinds)))
        if len(kinds) < 2:
            raise DataError(
                f"all training images have the attributes {kinds[0].tolist()}: there is nothing "
                "to learn; check data.attributes and data.where"
            )

    def values(self, split: str) -> np.ndarray:
        """Returns the encoded attributes of a split in order: float32 `(n, columns)`."""
        return self._split(split).values

    def groups(self, split: str) -> tuple[str, ...] | None:
        """Returns the group of each image of a split in order; None without `group_column`.

        Two images of one group differ in their attributes only.
        """
        return self._split(split).groups

    def _split(self, split: str) -> AttributeSplit:
        self._store(split)  # raises if there is no such split
        return self._attribute_splits[split]

    def _sample(self, sample: tf.Tensor, seed: int) -> dict[str, tf.Tensor]:
        train = self._attribute_splits["train"]
        own_seed = augmentation.sample_seed(seed, sample)
        position = sampling.shuffled_position(sample, len(train.store), seed, 0)
        values = tf.constant(train.values)
        uniform = tf.random.stateless_uniform([2], tf.random.fold_in(own_seed, 2))
        return {
            **super()._sample(sample, seed),
            "attributes": tf.gather(values, position),
            "other_attributes": tf.gather(
                values, self._row_with_other_attributes(position, uniform[0])
            ),
            "sampled_attributes": tf.gather(values, _scale_to_index(uniform[1], len(train.values))),
        }

    def _row_with_other_attributes(self, position: tf.Tensor, uniform: tf.Tensor) -> tf.Tensor:
        """Samples a training row with other attributes, each row equally likely."""
        kind = tf.gather(tf.constant(self._kind), position)
        end = tf.gather(tf.constant(self._ends), kind)
        size = tf.gather(tf.constant(np.diff(self._ends, prepend=0)), kind)
        index = _scale_to_index(uniform, len(self._kind) - size)
        index += tf.where(index >= end - size, size, tf.zeros_like(size))
        return tf.gather(tf.constant(self._sorted), index)


def _scale_to_index(uniform: tf.Tensor, count) -> tf.Tensor:
    """Converts a value in [0, 1) to an index below `count`."""
    count = tf.cast(count, tf.int64)
    index = tf.cast(tf.cast(uniform, tf.float64) * tf.cast(count, tf.float64), tf.int64)
    return tf.minimum(index, count - 1)


def _check_rows(table: AttributeTable, rows: LocatedRows, attributes: Attributes) -> LocatedRows:
    if not rows:
        raise DataError(f"data.where leaves no row of the table {table.path}")
    problems = []
    for location, row in rows:
        try:
            attributes.encode(row)
        except ValueError as error:
            problems.append(f"{location}: {error}")
    if problems:
        first = attributes.definitions[0].name
        known = sorted({row[first] for _, row in rows})
        raise DataError(
            f"the table {table.path} has values that data.attributes does not list ({first} has "
            f"{list_names(known)}); list them, or select rows with data.where:"
            f"{format_list(problems)}"
        )
    return rows


def _identify(rows: DecodedRows, values: np.ndarray) -> ImageIds:
    """Identifies images with their attributes."""
    attributes = [value.tobytes().hex() for value in values]
    contents = [f"{file}\0{own}" for file, own in zip(rows.files, attributes, strict=True)]
    return ImageIds.of(rows.store.names, contents)


def _add_attributes(
    table: AttributeTable, decoded: DecodedRows, config: DataConfig
) -> AttributeSplit:
    attributes, rows = Attributes(config.attributes), [row for _, row in decoded.rows]
    values = np.array([attributes.encode(row) for row in rows], np.float32)
    return AttributeSplit(decoded.store, values, _group_keys(table, rows, config))


def _group_keys(
    table: AttributeTable, rows: list[Row], config: DataConfig
) -> tuple[str, ...] | None:
    """Joins all cells of a row except image, split and the edited attributes."""
    if config.group_column is None:
        return None
    edited = {"image", "split", *config.attributes}
    other_columns = [column for column in table.columns if column not in edited]
    return tuple("\n".join(row[column] for column in other_columns) for row in rows)
