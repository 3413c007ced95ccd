"""Looks at what a path is and turns it into splits."""

from collections.abc import Callable
from difflib import get_close_matches
from pathlib import Path

from tf_translate.config.data import DataConfig
from tf_translate.data import samples
from tf_translate.data.layouts import attribute_table, domains_by_attribute, folders, pair_table
from tf_translate.data.layouts.tfds import read_tfds
from tf_translate.data.packed.index import is_packed
from tf_translate.data.packed.reader import Pack, read_source, read_table
from tf_translate.data.splits import Source, carve_validation, check_labels, swap
from tf_translate.errors import DataError
from tf_translate.images import EXTENSIONS

UNDERSTOOD = """these layouts are understood:
  trainA/ trainB/ testA/ testB/        unpaired images of two domains
  trainA/CLASS/ testA/CLASS/ ...       the same with a folder per class, which makes labels
  train/a/ train/b/ test/a/ test/b/    pairs of equal file name
  train/ test/                         side-by-side pairs, a left and b right in one image
  a table NAME.csv                     with the columns split,a,b (and label_a,label_b)
  a table NAME.csv or NAME.parquet     with the column image and others: set domain_column
  list_attr_celeba.txt                 CelebA's attributes, read as such a table
  samples:NAME, tfds:NAME              shipped samples, TensorFlow Datasets
  tfds:NAME_A->NAME_B                  a and b from two of them, unpaired
  packed.json                          any of these, written by tf-translate data pack
(splits are train, validation and test; validation may be missing)"""
_FOLDER_LAYOUTS: dict[str, Callable[[Path], Source]] = {
    "ab_folders": folders.ab_folders,
    "named_pairs": folders.named_pairs,
    "side_by_side": folders.side_by_side,
}
_FILE_LAYOUTS = {
    "table": "a file NAME.csv",
    "attributes": "a file NAME.csv, NAME.parquet or list_attr_celeba.txt",
    "tfds": "tfds:NAME",
}


def find(config: DataConfig) -> Source:
    """Finds the images that a configuration names, without decoding any.

    Directions are swapped and a missing validation split is carved out as it says.

    Raises:
        DataError: If nothing of a known form is there; says what was looked for.
    """
    source = read(config)
    check_labels(source)
    source = carve_validation(source, config.validation_share)
    return swap(source) if config.direction == "b_to_a" else source


def read(config: DataConfig) -> Source:
    """As `find`, but just as it is: in the data's own direction, no split carved out."""
    kind, colon, name = config.path.partition(":")
    path = Path(config.path).expanduser()
    if colon and kind == "samples":
        path = samples.table(name)
        if pair_table.has_domains(path):
            _refuse_columns(config)
            _require(config, "table")
            return pair_table.read_table(path)
        _require(config, "attributes")
        return domains_by_attribute.read_attributes(attribute_table.read_columns(path), config)
    if not colon and is_attributes(path, config):
        _require(config, "attributes")
        return domains_by_attribute.read_attributes(attribute_table.read_columns(path), config)
    if not colon and is_packed(path):
        return _unpacked(Pack(path), config)
    _refuse_columns(config)
    if colon and kind == "tfds":
        _require(config, "tfds")
        return read_tfds(name, config.tfds_a, config.tfds_b, label=config.label_column)
    if path.suffix.lower() == ".csv":
        _require(config, "table")
        return pair_table.read_table(path)
    if config.layout in _FILE_LAYOUTS:
        form = _FILE_LAYOUTS[config.layout]
        raise DataError(f"layout {config.layout!r} needs path to be {form}, got {config.path!r}")
    if not path.is_dir():
        raise DataError(_missing(path))
    layout = recognise(path) if config.layout == "auto" else config.layout
    return _FOLDER_LAYOUTS[layout](path)


def _unpacked(pack: Pack, config: DataConfig) -> Source:
    pack.require(config, (config.channels_a, config.channels_b))
    if pack.index.columns:
        _require(config, "attributes")
        return domains_by_attribute.read_attributes(read_table(pack), config)
    _refuse_columns(config)
    _require(config, pack.index.layout)
    return read_source(pack)


def is_attributes(path: Path, config: DataConfig) -> bool:
    """Whether a file is to be read as a table of image -> columns."""
    if path.suffix.lower() not in attribute_table.SUFFIXES:
        return False
    if config.layout == "attributes" or config.domain_column or path.suffix.lower() != ".csv":
        return True
    return "image" in pair_table.header(path) and not pair_table.has_domains(path)


def _refuse_columns(config: DataConfig) -> None:
    """Settings of one layout must not be passed over in silence by another."""
    given = {
        "domain_column": config.domain_column,
        "where": config.where,
        "group_column": config.group_column,
        "label_column": None if "->" in config.path else config.label_column,
    }
    for setting, value in given.items():
        if value:
            raise DataError(
                f"{setting} is for tables with a column image, but path is {config.path!r}; "
                "leave it out, or name a .csv, .parquet or list_attr_celeba.txt"
            )


def _require(config: DataConfig, layout: str) -> None:
    if config.layout not in ("auto", layout):
        raise DataError(
            f"{config.path!r} is read with layout {layout!r}, but layout is {config.layout!r}; "
            "leave it out or set it to auto"
        )


def recognise(root: Path) -> str:
    """Which layout of two domains a folder has; `DataError` if none."""
    train = root / "train"
    if (root / "trainA").is_dir() or (root / "trainB").is_dir():
        return "ab_folders"
    if any(folders.domain_folder(root, "train", domain) for domain in "ab"):
        return "named_pairs"
    if train.is_dir() and any(path.suffix.lower() in EXTENSIONS for path in train.iterdir()):
        return "side_by_side"
    expected = ["trainA", "trainB", "train"]
    near = [name for name in _folders_in(root) if get_close_matches(name, expected, 1, 0.6)]
    hint = f" ({', '.join(near)} comes nearest)" if near else ""
    raise DataError(
        f"{root} has no trainA and trainB, no train/a and train/b, and no images in train"
        f"{hint}; {UNDERSTOOD}"
    )


def _missing(path: Path) -> str:
    if path.is_file():
        return f"{path} is a file, but no .csv table; {UNDERSTOOD}"
    near = get_close_matches(path.name, _folders_in(path.parent), n=1, cutoff=0.5)
    hint = f"; did you mean {path.parent / near[0]}?" if near else f"; {UNDERSTOOD}"
    return f"there is no folder {path}{hint}"


def _folders_in(folder: Path) -> list[str]:
    if not folder.is_dir():
        return []
    return sorted(path.name for path in folder.iterdir() if path.is_dir())
