"""Data sets of TensorFlow Datasets as tables of image -> columns, such as celeb_a."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from tf_translate.config.data import cell_text
from tf_translate.data.layouts.attribute_table import Row, Rows, Table
from tf_translate.data.layouts.folders import SPLIT_NAMES
from tf_translate.data.layouts.tfds import TfdsImages, image_feature, prepare, without_images
from tf_translate.data.splits import Images
from tf_translate.errors import DataError


def read_tfds_columns(name: str, feature: str | None = None) -> Table:
    """Opens a data set, downloading it first if it must be, without decoding its images.

    Columns are its scalar features: numbers, text, classes by name, truth values as "true" and
    "false"; those of a dictionary, such as celeb_a's attributes, by their own names.

    Args:
        name: For example "celeb_a".
        feature: The image feature; may be left out where there is one.

    Raises:
        DataError: If the data set is missing, cannot be prepared or has no split train.
    """
    builder = prepare(name)
    feature = image_feature(builder, name, feature)
    if "train" not in builder.info.splits:
        raise DataError(f"tfds:{name} needs a split train, it has {', '.join(builder.info.splits)}")
    rows: Rows = []
    for split in SPLIT_NAMES:
        if split in builder.info.splits:
            for position, cells in enumerate(_cells(builder, split)):
                row = {"image": f"{split}/{position:06d}", "split": split, **cells}
                rows.append((f"example {position} of {split}", row))

    def images(chosen: list[Row], labels: Sequence[str] | None) -> Images:
        split = chosen[0]["split"]
        positions = [int(row["image"].rpartition("/")[2]) for row in chosen]
        return TfdsImages(builder, split, feature, positions, labels)

    return Table(Path(f"tfds:{name}"), tuple(rows[0][1]), rows, Path(), images)


def _cells(builder: Any, split: str) -> Iterator[Row]:
    """The scalar features of every example, as text."""
    examples = builder.as_dataset(
        split=split, shuffle_files=False, decoders=without_images(builder)
    )
    features = builder.info.features
    for example in examples.as_numpy_iterator():
        row: dict[str, str | None] = {}
        for key, value in example.items():
            inner = value if isinstance(value, dict) else {key: value}
            row |= {name: _text(features, name, cell) for name, cell in inner.items()}
        yield {name: text for name, text in row.items() if text is not None}


def _text(features: Any, name: str, cell: Any) -> str | None:
    """A scalar as a cell of a table; None for what is none, such as a image."""
    value = np.asarray(cell)
    if value.ndim:
        return None
    if name in features and hasattr(features[name], "int2str"):
        return str(features[name].int2str(int(value)))
    plain = value.item()
    return cell_text(plain.decode("utf-8", "replace") if isinstance(plain, bytes) else plain)
