"""Detects the layout of a data set and reads its two domains."""

from collections.abc import Callable
from difflib import get_close_matches
from pathlib import Path

from tf_translate.config.data import DataConfig
from tf_translate.data import shipped_samples
from tf_translate.data.holdout import split_domains
from tf_translate.data.layouts import (
    csv_table,
    domains_by_attribute,
    folders,
    pair_table,
    table_files,
)
from tf_translate.data.layouts.tfds import read_tfds
from tf_translate.data.packed.index import is_packed
from tf_translate.data.packed.reader import PackedDataset, read_source, read_table
from tf_translate.data.splits import DomainSource, check_labels, hold_out_validation, swap_domains
from tf_translate.errors import DataError
from tf_translate.image_files import holds_images, visible_folders

SUPPORTED_LAYOUTS = """these layouts are supported:
  trainA/ trainB/ testA/ testB/        unpaired images of two domains
  trainA/CLASS/ testA/CLASS/ ...       the same with a folder for each class (labels)
  train/a/ train/b/ test/a/ test/b/    pairs with the same file name
  train/ test/                         side-by-side pairs, a left and b right in one image
  a table NAME.csv or NAME.tsv         with the columns split,a,b (and label_a,label_b)
  a table NAME.csv or NAME.parquet     with the column image and others: set domain_column
  data/train-00000-of-00002.parquet    such a table with its images, as Hugging Face stores them
  list_attr_celeba.txt (or .csv)       CelebA's attributes, read as such a table
  samples:NAME, tfds:NAME              shipped samples, TensorFlow Datasets
  tfds:NAME_A->NAME_B                  a and b from two of them, unpaired
  tfds:NAME_A[extra]->NAME_B[test]     the same, trained on these splits
  packed.json                          any of these, packed by tf-translate data pack
(splits are train, validation and test; validation may be missing)"""
_FOLDER_LAYOUTS: dict[str, Callable[[Path], DomainSource]] = {
    "ab_folders": folders.ab_folders,
    "named_pairs": folders.named_pairs,
    "side_by_side": folders.side_by_side,
}
_FILE_LAYOUTS = {
    "table": "a file NAME.csv",
    "attributes": "a file NAME.csv, NAME.parquet or list_attr_celeba.txt",
    "tfds": "tfds:NAME",
}


def find_domains(config: DataConfig) -> DomainSource:
    """Finds the images of both domains without decoding any.

    Applies `direction` and `holdout`.

    Raises:
        DataError: If no supported layout is found (the message lists what was expected), or
            `holdout` does not fit the data set.
    """
    source = read_domains(config)
    check_labels(source)
    if not config.domain_column:
        source = split_domains(source, config)
    elif config.holdout == "auto":  # rows of a table have their splits already
        source = hold_out_validation(source, config.validation_share)
    return swap_domains(source) if config.direction == "b_to_a" else source


def read_domains(config: DataConfig) -> DomainSource:
    """Finds the images as they are stored: direction not applied, no split held out."""
    kind, colon, name = config.path.partition(":")
    path = Path(config.path).expanduser()
    if colon and kind == "samples":
        path = shipped_samples.sample_table(name)
        if pair_table.has_domains(path):
            _refuse_table_settings(config)
            _require_layout(config, "table")
            return pair_table.read_table(path)
        _require_layout(config, "attributes")
        return domains_by_attribute.read_attribute_domains(table_files.read_columns(path), config)
    if not colon and is_attribute_table(path, config):
        _require_layout(config, "attributes")
        return domains_by_attribute.read_attribute_domains(table_files.read_columns(path), config)
    if not colon and is_packed(path):
        return _read_packed(PackedDataset(path), config)
    _refuse_table_settings(config)
    if colon and kind == "tfds":
        _require_layout(config, "tfds")
        return read_tfds(name, config.tfds_a, config.tfds_b, label=config.label_column)
    if path.suffix.lower() in csv_table.SUFFIXES:
        _require_layout(config, "table")
        return pair_table.read_table(path)
    if config.layout in _FILE_LAYOUTS:
        expected = _FILE_LAYOUTS[config.layout]
        raise DataError(
            f"data.layout = {config.layout!r} needs data.path to be {expected}, got {config.path!r}"
        )
    if not path.is_dir():
        raise _missing(path)
    layout = detect_folder_layout(path) if config.layout == "auto" else config.layout
    return _FOLDER_LAYOUTS[layout](path)


def _read_packed(pack: PackedDataset, config: DataConfig) -> DomainSource:
    pack.require(config, (config.channels_a, config.channels_b))
    if pack.index.columns:
        _require_layout(config, "attributes")
        return domains_by_attribute.read_attribute_domains(read_table(pack), config)
    _refuse_table_settings(config)
    _require_layout(config, pack.index.layout)
    return read_source(pack)


def is_attribute_table(path: Path, config: DataConfig) -> bool:
    """Whether a path is an attribute table: a column image, and no columns of domains."""
    is_text = path.suffix.lower() in csv_table.SUFFIXES
    if config.layout == "attributes" or config.domain_column or not is_text:
        return table_files.is_table(path)
    return not pair_table.has_domains(path) and table_files.has_image_column(path)


def _refuse_table_settings(config: DataConfig) -> None:
    """Refuses settings of attribute tables in other layouts instead of ignoring them."""
    table_settings = {
        "domain_column": config.domain_column,
        "where": config.where,
        "group_column": config.group_column,
        "label_column": None if "->" in config.path else config.label_column,
    }
    for setting, value in table_settings.items():
        if value:
            raise DataError(
                f"data.{setting} is for tables with a column image, but data.path is "
                f"{config.path!r}; leave it out, or set data.path to a .csv, .parquet or "
                "list_attr_celeba.txt"
            )


def _require_layout(config: DataConfig, layout: str) -> None:
    if config.layout not in ("auto", layout):
        raise DataError(
            f"{config.path!r} has layout {layout!r}, but data.layout is {config.layout!r}; "
            "leave the setting out or set it to auto"
        )


def detect_folder_layout(root: Path) -> str:
    """Detects which layout of two domains a folder has; `DataError` if none."""
    train = root / "train"
    if (root / "trainA").is_dir() or (root / "trainB").is_dir():
        return "ab_folders"
    if any(folders.domain_folder(root, "train", domain) for domain in "ab"):
        return "named_pairs"
    if train.is_dir() and holds_images(train):
        return "side_by_side"
    expected = ["trainA", "trainB", "train"]
    near = [name for name in visible_folders(root) if get_close_matches(name, expected, 1, 0.6)]
    hint = f" ({', '.join(near)} is similar)" if near else ""
    raise DataError(
        f"{root} has no trainA and trainB, no train/a and train/b, and no images in train{hint}",
        SUPPORTED_LAYOUTS,
    )


def _missing(path: Path) -> DataError:
    if path.is_file():
        return DataError(
            f"data.path must be a folder or a table, got the file {path}", SUPPORTED_LAYOUTS
        )
    siblings = visible_folders(path.parent) if path.parent.is_dir() else []
    near = get_close_matches(path.name, siblings, n=1, cutoff=0.5)
    if near:
        return DataError(f"there is no folder {path}; did you mean {path.parent / near[0]}?")
    return DataError(f"there is no folder {path}", SUPPORTED_LAYOUTS)
