"""Images of the demo: writes held-out images before translation, and a grid after it.

python -m scripts.examples.demo_images DIR [--grid]
"""

import sys
from pathlib import Path

import numpy as np

from tf_translate.cli.output import load_tensorflow
from tf_translate.config.data import DataConfig
from tf_translate.images import grid, read, to_float, to_uint8, write

COUNT = 24
ROWS = 8  # of the grid, which has three groups of columns


def write_held_out(folder: Path) -> None:
    """Writes held-out flat emoji and their ground truth as files."""
    load_tensorflow()
    from tf_translate.data.domain_dataset import open_domain_dataset

    data = open_domain_dataset(DataConfig(path="samples:flat_to_3d", size=(64, 64)))
    flat, truth = data.arrays("test", limit=COUNT)
    for index, (image, target) in enumerate(zip(flat, truth, strict=True)):
        write(folder / "held_out" / f"{index:02d}.png", to_uint8(image))
        write(folder / "truth" / f"{index:02d}.png", to_uint8(target))


def make_grid(folder: Path) -> None:
    """Writes a grid of input, translation and ground truth side by side."""
    columns, titles = [], []
    for start in range(0, COUNT, ROWS):
        for name, title in (("held_out", "flat"), ("translated", "to 3D"), ("truth", "truth")):
            files = [folder / name / f"{n:02d}.png" for n in range(start, start + ROWS)]
            columns.append(np.stack([to_float(read(file)) for file in files]))
            titles.append(title)
    write(folder / "grid.png", grid(columns, titles=titles, scale=2))


if __name__ == "__main__":
    (make_grid if "--grid" in sys.argv else write_held_out)(Path(sys.argv[1]))
