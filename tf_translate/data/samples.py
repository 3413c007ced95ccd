"""Finds the sample data sets that ship with the project."""

import os
from collections import Counter
from difflib import get_close_matches
from pathlib import Path

from tf_translate.data.layouts.pair_table import has_domains, read_csv, read_table
from tf_translate.data.splits import Split
from tf_translate.errors import DataError

_FLUENT, _NOTO = "Fluent Emoji, Microsoft Corporation, MIT", "Noto Emoji, Google Inc, Apache-2.0"
LICENCES = {  # assets/samples/NOTICE in a line each
    "flat_to_3d": _FLUENT,
    "line_to_3d": _FLUENT,
    "3d_to_noto": f"{_FLUENT}; {_NOTO}",
    "street_to_mnist": "street digits drawn with fonts under SIL OFL 1.1 and Apache-2.0 over "
    "photographs under CC0 or in the public domain; MNIST, Yann LeCun and Corinna Cortes, "
    "CC BY-SA 3.0",
    "avatars": "Open Peeps, Pablo Stanley, CC0 1.0",
    "tones": _NOTO,
}


def folder() -> Path:
    """`$TF_TRANSLATE_SAMPLES`, or assets/samples of the checkout this file lies in."""
    given = os.environ.get("TF_TRANSLATE_SAMPLES")
    return Path(given) if given else Path(__file__).resolve().parents[2] / "assets" / "samples"


def names() -> list[str]:
    """The shipped data sets, sorted."""
    return sorted(path.stem for path in folder().glob("*.csv"))


def sample_tables() -> dict[str, dict[str, str]]:
    """What each shipped data set holds: `{name: {split: "832 pairs", "512 + 512" or "100"}}`.

    A table of image -> columns has no domains of its own: its images are counted.
    """
    return {name: _counts(table(name)) for name in names()}


def table(name: str) -> Path:
    """The table of a shipped data set.

    Raises:
        DataError: If there is none of that name, with the nearest one, or none at all.
    """
    known = names()
    if not known:
        raise DataError(
            f"samples:{name} needs the sample images, but there are none in {folder()}; "
            "set TF_TRANSLATE_SAMPLES to the folder assets/samples of a checkout"
        )
    if name not in known:
        near = get_close_matches(name, known, n=1, cutoff=0.4)
        hint = f"; did you mean samples:{near[0]}?" if near else ""
        raise DataError(f"there is no sample set {name!r}, there are {', '.join(known)}{hint}")
    return folder() / f"{name}.csv"


def _counts(path: Path) -> dict[str, str]:
    if has_domains(path):
        return {split: _count(found) for split, found in read_table(path).splits.items()}
    rows = Counter(row["split"] for _, row in read_csv(path, ("image", "split")))
    return {split: str(count) for split, count in rows.items()}


def _count(split: Split) -> str:
    a, b = len(split.a.names), len(split.b.names)
    return f"{a} pairs" if split.aligned else f"{a} + {b}"
