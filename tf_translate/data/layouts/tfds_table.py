"""Reads data sets of TensorFlow Datasets, such as celeb_a, as attribute tables."""

from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np

from tf_translate.config.data import cell_text
from tf_translate.data.layouts.attribute_table import AttributeTable, LocatedRows, Row
from tf_translate.data.layouts.folders import SPLIT_NAMES
from tf_translate.data.layouts.tfds import TfdsImages, choose_image_feature, skip_image_decoding
from tf_translate.data.layouts.tfds_builder import prepare
from tf_translate.data.splits import ImageList, join_images, pick_labels
from tf_translate.errors import DataError


def read_tfds_columns(name: str, feature: str | None = None) -> AttributeTable:
    """Reads the table of a data set without decoding images; downloads it first if needed.

    Columns are the scalar features: numbers, text, classes by name, and booleans as "true" and
    "false". Features inside a dictionary, such as celeb_a's attributes, keep their own names.

    Args:
        name: For example "celeb_a".
        feature: The image feature; may be left out if there is only one.

    Raises:
        DataError: If the data set is missing, cannot be prepared or has no split train.
    """
    builder = prepare(name)
    feature = choose_image_feature(builder, name, feature)
    if "train" not in builder.info.splits:
        raise DataError(f"tfds:{name} needs a split train, it has {', '.join(builder.info.splits)}")
    located_rows: LocatedRows = []
    for split in SPLIT_NAMES:
        if split in builder.info.splits:
            for position, cells in enumerate(_read_cells(builder, split)):
                row = {"image": f"{split}/{position:06d}", "split": split, **cells}
                located_rows.append((f"example {position} of {split}", row))

    def open_images(rows: list[Row], labels: Sequence[str] | None) -> ImageList:
        lists: list[ImageList] = []
        at = range(len(rows))
        for split, group in groupby(at, key=lambda i: rows[i]["split"]):
            chosen = list(group)
            positions = [int(rows[i]["image"].rpartition("/")[2]) for i in chosen]
            lists.append(
                TfdsImages(builder, split, feature, positions, pick_labels(labels, chosen))
            )
        return join_images(lists)

    return AttributeTable(
        Path(f"tfds:{name}"), tuple(located_rows[0][1]), located_rows, Path(), open_images
    )


def _read_cells(builder: Any, split: str) -> Iterator[Row]:
    """Yields the scalar features of every example as text."""
    examples = builder.as_dataset(
        split=split, shuffle_files=False, decoders=skip_image_decoding(builder)
    )
    features = builder.info.features
    for example in examples.as_numpy_iterator():
        row: dict[str, str | None] = {}
        for key, value in example.items():
            inner = value if isinstance(value, dict) else {key: value}
            row |= {name: _to_cell(features, name, cell) for name, cell in inner.items()}
        yield {name: text for name, text in row.items() if text is not None}


def _to_cell(features: Any, name: str, cell: Any) -> str | None:
    """Converts a scalar to the text of a cell; None for anything else, such as an image."""
    value = np.asarray(cell)
    if value.ndim:
        return None
    if name in features and hasattr(features[name], "int2str"):
        return str(features[name].int2str(int(value)))
    scalar = value.item()
    return cell_text(scalar.decode("utf-8", "replace") if isinstance(scalar, bytes) else scalar)
