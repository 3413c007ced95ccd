"""Finds the images to pack: reads a path in any layout, without changing its splits."""

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tf_translate.config.data import DataConfig
from tf_translate.config.load import validate
from tf_translate.data import shipped_samples
from tf_translate.data.image_dataset import read_image_folder
from tf_translate.data.layouts import csv_table, pair_table
from tf_translate.data.layouts.age_filenames import read_ages
from tf_translate.data.layouts.attribute_table import AttributeTable
from tf_translate.data.layouts.detect import (
    detect_folder_layout,
    is_attribute_table,
    read_domains,
)
from tf_translate.data.layouts.folders import SPLIT_NAMES
from tf_translate.data.layouts.table_files import read_columns
from tf_translate.data.layouts.tfds import has_domains
from tf_translate.data.layouts.tfds_table import read_tfds_columns
from tf_translate.data.packed.index import is_packed
from tf_translate.data.splits import SPLITS, DomainSource, check_labels
from tf_translate.errors import DataError
from tf_translate.image_files import describe_counts, describe_splits, find_images

ONE_SET: dict[str, Callable[[Path], AttributeTable]] = {
    "images": read_image_folder,
    "ages": read_ages,
}
LAYOUTS = (
    *("auto", "ab_folders", "side_by_side", "named_pairs", "table", "attributes", "tfds"),
    *ONE_SET,
)


def find_to_pack(
    path: str, layout: str = "auto", **features: Any
) -> tuple[DomainSource | AttributeTable, str]:
    """Finds the images of a data set and their metadata without decoding any.

    Args:
        path: A path as in `data.path`.
        layout: One of `LAYOUTS`: a `data.layout`, or `images` or `ages` for one image set in
            folders. auto detects the layout, and raises an error if it is ambiguous.
        features: The settings `tfds_a`, `tfds_b` and `label_column` of a TFDS data set.

    Returns:
        The two domains or the attribute table, and the detected layout.

    Raises:
        DataError: If no supported layout is found, the layout is ambiguous, or the data set is
            already packed.
    """
    if layout not in LAYOUTS:
        raise DataError(f"--layout must be one of {', '.join(LAYOUTS)}, got {layout!r}")
    folder = Path(path).expanduser()
    if is_packed(folder):
        raise DataError(f"{path} is already packed: use it as data.path")
    if layout == "auto":
        layout = _detect_layout(path, folder, features)
    if layout in ONE_SET:
        if not folder.is_dir():
            raise DataError(f"layout {layout!r} needs a folder of images, got {path!r}")
        return ONE_SET[layout](folder), layout
    kind, colon, name = path.partition(":")
    if layout == "attributes":
        if colon and kind == "tfds":
            return read_tfds_columns(name, features.get("tfds_a")), layout
        table = shipped_samples.sample_table(name) if colon and kind == "samples" else folder
        return read_columns(table), layout
    values = {"path": path, "layout": layout, **features}
    source = read_domains(validate(DataConfig, values, "data pack"))
    check_labels(source)
    return source, layout


def _detect_layout(path: str, folder: Path, features: dict[str, Any]) -> str:
    """Detects the layout of a path; `DataError` if it is ambiguous."""
    kind, colon, name = path.partition(":")
    if colon and kind == "tfds":
        has_two_features = features.get("tfds_a") and features.get("tfds_b")
        return "tfds" if has_two_features or has_domains(name) else "attributes"
    if colon and kind == "samples":
        return (
            "table" if pair_table.has_domains(shipped_samples.sample_table(name)) else "attributes"
        )
    if is_attribute_table(folder, DataConfig(path=path)):
        return "attributes"
    if folder.suffix.lower() in csv_table.SUFFIXES:
        return "table"
    if not folder.is_dir():
        return "auto"  # its reader raises the error
    try:
        detected = detect_folder_layout(folder)
    except DataError:  # not two domains: one image set, unless there are no images
        find_images(folder)
        detected = "images"
    if detected in ("ab_folders", "named_pairs"):
        return detected
    pairs = detected == "side_by_side"
    raise DataError(
        f"{path} may be {'side-by-side pairs, ' if pairs else ''}one image set, or images "
        f"with ages in their names: choose --layout {'side_by_side, ' if pairs else ''}images "
        "or ages"
    )


def describe_found(data: DomainSource | AttributeTable) -> list[str]:
    """Says for each split how many images it has, and what was left out."""
    split_notes = data.split_notes if isinstance(data, AttributeTable) else ()
    return [*_describe_counts(data), *data.notes, *split_notes]


def _describe_counts(data: DomainSource | AttributeTable) -> list[str]:
    if isinstance(data, DomainSource):
        counts = {
            name: {"a": len(split.a.names), "b": len(split.b.names)}
            for name, split in data.splits.items()
        }
        return describe_splits(counts, data.left_out)
    if "split" not in data.columns:
        return [describe_counts(data.path.name, len(data.rows), data.left_out)]
    rows = Counter(SPLIT_NAMES.get(row["split"], row["split"]) for _, row in data.rows)
    in_order = {name: rows[name] for name in (*SPLITS, *rows) if name in rows}
    return describe_splits(in_order, {"": data.left_out})


def count_left_out(data: DomainSource | AttributeTable) -> dict[str, dict[str, int]]:
    """What was left out, as JSON values: by split ("" for the folder of all) and reason."""
    left_out = data.left_out if isinstance(data, DomainSource) else {"": data.left_out}
    return {name: each.as_dict() for name, each in left_out.items() if each}
