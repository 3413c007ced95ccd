"""What there is to pack: a path read as any of the loaders would, whole and as it was found."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from tf_translate.config.data import DataConfig
from tf_translate.config.load import validate
from tf_translate.data import samples
from tf_translate.data.image_dataset import read_images
from tf_translate.data.layouts import pair_table
from tf_translate.data.layouts.age_filenames import read_ages
from tf_translate.data.layouts.attribute_table import Table, read_columns
from tf_translate.data.layouts.detect import is_attributes, read, recognise
from tf_translate.data.layouts.folders import images_in
from tf_translate.data.layouts.tfds import has_domains
from tf_translate.data.layouts.tfds_table import read_tfds_columns
from tf_translate.data.packed.index import is_packed
from tf_translate.data.splits import Source, check_labels
from tf_translate.errors import DataError

ONE_SET: dict[str, Callable[[Path], Table]] = {"images": read_images, "ages": read_ages}
LAYOUTS = (
    *("auto", "ab_folders", "side_by_side", "named_pairs", "table", "attributes", "tfds"),
    *ONE_SET,
)


def find_to_pack(path: str, layout: str = "auto", **features: Any) -> tuple[Source | Table, str]:
    """Finds the images of a data set and all that is said of them, without decoding any.

    Args:
        path: As `data.path`.
        layout: One of `LAYOUTS`: as `data.layout`, or `images` and `ages` for one set of images
            in folders; auto looks which it is, and asks where there is more than one way.
        features: The settings `tfds_a`, `tfds_b` and `label_column` of such a data set.

    Returns:
        Domains in splits, or a table of image -> columns; and the layout they were read by.

    Raises:
        DataError: If nothing of a known form is there, more than one reading is possible, or it is
            packed already.
    """
    if layout not in LAYOUTS:
        raise DataError(f"--layout must be one of {', '.join(LAYOUTS)}, got {layout!r}")
    folder = Path(path).expanduser()
    if is_packed(folder):
        raise DataError(f"{path} is packed already: give its path as data.path")
    if layout == "auto":
        layout = _look(path, folder, features)
    if layout in ONE_SET:
        if not folder.is_dir():
            raise DataError(f"layout {layout!r} needs a folder of images, got {path!r}")
        return ONE_SET[layout](folder), layout
    kind, colon, name = path.partition(":")
    if layout == "attributes":
        if colon and kind == "tfds":
            return read_tfds_columns(name, features.get("tfds_a")), layout
        table = samples.table(name) if colon and kind == "samples" else folder
        return read_columns(table), layout
    values = {"path": path, "layout": layout, **features}
    source = read(validate(DataConfig, values, "data pack"))
    check_labels(source)
    return source, layout


def _look(path: str, folder: Path, features: dict[str, Any]) -> str:
    """The layout of a path; `DataError` where only its owner can tell."""
    kind, colon, name = path.partition(":")
    if colon and kind == "tfds":
        given = features.get("tfds_a") and features.get("tfds_b")
        return "tfds" if given or has_domains(name) else "attributes"
    if colon and kind == "samples":
        return "table" if pair_table.has_domains(samples.table(name)) else "attributes"
    if is_attributes(folder, DataConfig(path=path)):
        return "attributes"
    if folder.suffix.lower() == ".csv":
        return "table"
    if not folder.is_dir():
        return "auto"  # whose reader says what is wrong
    try:
        found = recognise(folder)
    except DataError:  # no domains: images of one set, unless there are none
        images_in(folder)
        found = "images"
    if found in ("ab_folders", "named_pairs"):
        return found
    pairs = found == "side_by_side"
    raise DataError(
        f"{path} may be {'side-by-side pairs, ' if pairs else ''}images of one set or images "
        f"named by ages: say which by --layout {'side_by_side, ' if pairs else ''}images or ages"
    )
