"""Finds the sample data sets that ship with the project, and their licenses."""

import os
from collections import Counter
from difflib import get_close_matches
from pathlib import Path

from tf_translate.data.layouts.csv_table import read_csv
from tf_translate.data.layouts.pair_table import has_domains, read_table
from tf_translate.data.splits import Split
from tf_translate.errors import DataError

_FLUENT, _NOTO = "Fluent Emoji, Microsoft Corporation, MIT", "Noto Emoji, Google Inc, Apache-2.0"
LICENSES = {  # a summary of assets/samples/NOTICE
    "flat_to_3d": _FLUENT,
    "line_to_3d": _FLUENT,
    "3d_to_noto": f"{_FLUENT}; {_NOTO}",
    "street_to_mnist": "street digits rendered with fonts under SIL OFL 1.1 and Apache-2.0 over "
    "photographs under CC0 or in the public domain; MNIST, Yann LeCun and Corinna Cortes, "
    "CC BY-SA 3.0",
    "avatars": "Open Peeps, Pablo Stanley, CC0 1.0",
    "tones": _NOTO,
}


def samples_folder() -> Path:
    """Returns `$TF_TRANSLATE_SAMPLES`, else the samples of this installation or checkout."""
    override = os.environ.get("TF_TRANSLATE_SAMPLES")
    if override:
        return Path(override)
    file = Path(__file__).resolve()
    installed = file.with_name("samples")  # setup.py copies them into a wheel
    return installed if installed.is_dir() else file.parents[2] / "assets" / "samples"


def sample_names() -> list[str]:
    """Returns the names of the shipped data sets, sorted."""
    return sorted(path.stem for path in samples_folder().glob("*.csv"))


def count_samples() -> dict[str, dict[str, str]]:
    """Counts the images of each set: `{name: {split: "832 pairs", "512 + 512" or "100"}}`.

    A table with a column image has no domains of its own, so all its images are counted.
    """
    return {name: _counts(sample_table(name)) for name in sample_names()}


def sample_table(name: str) -> Path:
    """Returns the path of the table of a shipped data set.

    Raises:
        DataError: If there is no such data set (the message suggests the nearest), or none at all.
    """
    known = sample_names()
    if not known:
        raise DataError(
            f"samples:{name} needs the sample images, but none are in {samples_folder()}; "
            "set TF_TRANSLATE_SAMPLES to the folder assets/samples of a checkout"
        )
    if name not in known:
        near = get_close_matches(name, known, n=1, cutoff=0.4)
        hint = f"; did you mean samples:{near[0]}?" if near else ""
        raise DataError(f"there is no sample set {name!r}, only {', '.join(known)}{hint}")
    return samples_folder() / f"{name}.csv"


def held_out_images(name: str) -> list[Path]:
    """Returns the test images of a shipped data set, of the first domain if it has two.

    Raises:
        DataError: If there is no such data set.
    """
    table = sample_table(name)
    column = "a" if has_domains(table) else "image"
    rows = [row for _, row in read_csv(table, (column, "split")) if row["split"] == "test"]
    return [table.parent / row[column] for row in rows if row[column]]


def _counts(path: Path) -> dict[str, str]:
    if has_domains(path):
        return {split: _count(domains) for split, domains in read_table(path).splits.items()}
    rows = Counter(row["split"] for _, row in read_csv(path, ("image", "split")))
    return {split: str(count) for split, count in rows.items()}


def _count(split: Split) -> str:
    a, b = len(split.a.names), len(split.b.names)
    return f"{a} pairs" if split.aligned else f"{a} + {b}"
