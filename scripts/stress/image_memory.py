"""Measures the memory of `tf-translate translate` on images of the largest size it takes.

scripts/bench image_memory [--scale 1.0] [--folder NEW]

Each format is translated at the limit of pixels, PNG also with --tiles at the limit of tiles.
The network is a single convolution, in a child process of its own that is not counted, so the
memory is that of decoding, fitting and encoding. Writes image_memory.json. Minutes on two cores.
"""

import argparse
import datetime
import json
import math
import os
import shlex
import subprocess
import sys
import time
from pathlib import Path

import keras
import numpy as np
from PIL import Image

from scripts.benchmarks.machine import machine, versions
from scripts.stress.kill_runs import COMMAND, PACKAGES
from tf_translate.image_decoding import MAX_PIXELS, MAX_TILED_PIXELS

SIDE = 1024  # of the model, in pixels
CASES = (
    ("png", MAX_PIXELS, ()),
    ("jpg", MAX_PIXELS, ()),
    ("webp", MAX_PIXELS, ()),
    ("png", MAX_TILED_PIXELS, ("--tiles",)),
)


def write_bundle(folder: Path) -> Path:
    """Exports a network of one convolution at `SIDE` pixels; returns the bundle."""
    inputs = keras.Input((SIDE, SIDE, 3))
    network = keras.Model(inputs, keras.layers.Conv2D(3, 1, activation="tanh")(inputs))
    network.save(folder / "network.keras")
    bundle = folder / "bundle"
    run("export", folder / "network.keras", "--bundle", bundle)
    return bundle


def write_image(path: Path, pixels: int) -> tuple[int, int]:
    """Writes a square image of at most so many pixels; returns its width and height."""
    side = math.isqrt(pixels)
    row = np.linspace(0, 255, side, dtype=np.uint8)
    Image.fromarray(np.broadcast_to(row[None, :, None], (side, side, 3))).save(path)
    return side, side


def run(*arguments: object) -> float:
    """Runs `tf-translate` with these arguments; returns its largest memory in bytes."""
    process = subprocess.Popen(
        [*COMMAND, *map(str, arguments)],
        env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"},
        stdout=subprocess.DEVNULL,
    )
    _, status, usage = os.wait4(process.pid, 0)  # of this process, not of its children
    if status:
        sys.exit(f"tf-translate {arguments[0]} ended with {os.waitstatus_to_exitcode(status)}")
    return usage.ru_maxrss * 1024


def main(arguments: list[str]) -> int:
    """Measures all cases."""
    options = _arguments(arguments)
    folder = options.folder.resolve()
    if folder.exists() and any(folder.iterdir()):
        sys.exit(f"--folder must be new or empty, {folder} is not")
    folder.mkdir(parents=True, exist_ok=True)
    # Images may be larger than what this process may decode; it only writes them.
    bundle, rows = write_bundle(folder), []
    for number, (kind, pixels, flags) in enumerate(CASES):
        image, output = folder / f"{number}.{kind}", folder / f"output-{number}"
        width, height = write_image(image, int(pixels * options.scale))
        start = time.monotonic()
        peak = run("translate", bundle, image, "--output", output, *flags)
        rows.append(
            {
                "file": kind,
                "options": " ".join(flags),
                "megapixels": round(width * height / 1e6, 1),
                "peak GB": round(peak / 1e9, 2),
                "seconds": round(time.monotonic() - start, 1),
            }
        )
        print(json.dumps(rows[-1]), flush=True)
        image.unlink()
    result = {
        "command": shlex.join(["scripts/bench", "image_memory", *arguments]),
        "date": datetime.date.today().isoformat(),
        "machine": machine(),
        "versions": versions((*PACKAGES, "pillow")),
        "image_memory": rows,
    }
    (folder / "image_memory.json").write_text(json.dumps(result, indent=1) + "\n")
    return 0


def _arguments(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="scripts/bench image_memory")
    parser.add_argument("--scale", type=float, default=1.0, help="fraction of the limits")
    folder = Path("runs/image_memory")
    parser.add_argument("--folder", type=Path, default=folder, help="new or empty")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
