"""Counts the images per second of the input pipeline alone, and of training.

scripts/bench input [--folder NEW] [--side 64]... [--layout pix2pix]... [--images 512]

The pipeline reads a folder of files, a cache, a pack, and a pack of images resized in advance.
Writes bench_input.json and prints a table. Takes about twenty minutes on two idle cores.
"""

import argparse
import datetime
import io
import json
import os
import shlex
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import keras
import numpy as np
import tensorflow as tf
from PIL import Image

from scripts.benchmarks.machine import machine, versions
from scripts.stress.whole_number import whole_number
from tf_translate.config.schema import Config
from tf_translate.data.packed.packing_input import find_to_pack
from tf_translate.data.packed.writer import PackingOptions, pack
from tf_translate.experiment.build import build
from tf_translate.experiment.configure import resolve
from tf_translate.experiment.dataset import Data, open_dataset

SEED = 0
WARM_UP = 3  # batches and training steps before the timed ones
QUALITY = 90  # of the JPEG files
GOAL = 5  # every source should deliver so many times the images per second of training


@dataclass(frozen=True)
class Layout:
    """A layout of data sets, and the preset of a method that reads it."""

    preset: str
    pack_layout: str
    write: Callable[[Path, Iterator[bytes], int], Path]


def write_pairs(folder: Path, images: Iterator[bytes], count: int) -> Path:
    """`train/a/ train/b/`: pairs by equal names, for pix2pix."""
    for index in range(count):
        for side in "ab":
            write_file(folder / "train" / side / f"{index}.jpg", next(images))
    return folder


def write_domains(folder: Path, images: Iterator[bytes], count: int) -> Path:
    """`trainA/ trainB/`, for CycleGAN."""
    for index in range(count):
        for side in "AB":
            write_file(folder / f"train{side}" / f"{index}.jpg", next(images))
    return folder


def write_table(folder: Path, images: Iterator[bytes], count: int) -> Path:
    """A table of images and attributes with `2 * count` rows."""
    lines = ["image,split,person,glasses,beard"]
    for index in range(2 * count):
        write_file(folder / "faces" / f"{index}.jpg", next(images))
        lines.append(f"faces/{index}.jpg,train,{index},{index % 2},{index // 2 % 2}")
    (folder / "faces.csv").write_text("\n".join(lines) + "\n")
    return folder / "faces.csv"


LAYOUTS = {
    "pix2pix": Layout("pix2pix_small", "named_pairs", write_pairs),
    "cyclegan": Layout("cyclegan_small", "ab_folders", write_domains),
    "attributes": Layout("fader_small", "attributes", write_table),
}


def main(options: argparse.Namespace) -> None:
    """Measures every layout and size and writes the result."""
    if options.folder.exists():
        sys.exit(f"--folder must be new, {options.folder} already exists")
    rows = []
    for name in options.layout or LAYOUTS:
        for side in options.side or (64, 128, 256):
            row = measure(name, side, options)
            rows.append(row)
            print(json.dumps(row), file=sys.stderr, flush=True)
    result = {
        "command": shlex.join(["scripts/bench", "input", *sys.argv[1:]]),
        "date": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "machine": machine(),
        "cores": len(os.sched_getaffinity(0)),
        "versions": versions(("tensorflow", "keras", "numpy", "pillow")),
        "seed": SEED,
        "images": 2 * options.images,
        "rounds": options.rounds,
        "training steps": options.steps,
        "goal": GOAL,
        "input": rows,
    }
    (options.folder / "bench_input.json").write_text(json.dumps(result, indent=1) + "\n")
    print("\n".join(table(rows)))


def measure(name: str, side: int, options: argparse.Namespace) -> dict:
    """Images per second of one layout and size: of training, then of each source in turns."""
    folder = options.folder / f"{name}-{side}"
    sources = sources_of(name, side, folder, options.images)
    rate_of_training = training_rate(sources["cached"], options.steps)
    opened, opening = {}, {}
    for title, settings in sources.items():
        drop_file_cache(folder)
        start = time.perf_counter()
        opened[title] = open_dataset(settings)
        opening[title] = round(time.perf_counter() - start, 3)
    batch_size = sources["cached"].training.batch_size
    rates: dict[str, list[float]] = {title: [] for title in opened}
    for _ in range(options.rounds):
        for title, data in opened.items():
            drop_file_cache(folder)
            rates[title].append(input_rate(data, batch_size))
    return {
        "layout": name,
        "side": side,
        "file side": file_side(side),
        "load side": load_side(side),
        "preset": LAYOUTS[name].preset,
        "batch": batch_size,
        "training": round(rate_of_training, 2),
        "rates": {title: round(median(rounds), 1) for title, rounds in rates.items()},
        "rates of rounds": {title: [round(r, 1) for r in each] for title, each in rates.items()},
        "opening seconds": opening,
    }


def file_side(side: int) -> int:
    """The side of the image files: larger than the loaded size, as photographs are."""
    return side * 5 // 4


def load_side(side: int) -> int:
    """The side that images are resized to before a crop to `side`."""
    return side * 9 // 8


def sources_of(name: str, side: int, folder: Path, images: int) -> dict[str, Config]:
    """Writes images and packs of them; returns the settings that read each source."""
    layout, load_size = LAYOUTS[name], load_side(side)
    files = layout.write(folder / "files", photographs(file_side(side)), images)

    def config(path: Path, cache: str) -> Config:
        sizes = f"data.size=[{side}, {side}]", f"data.load_size=[{load_size}, {load_size}]"
        source = f"data.path={path}", f"data.cache={cache}", "data.validation_share=0.0"
        return resolve(layout.preset, [*source, *sizes])

    sources = {"folder": config(files, "none"), "cached": config(files, "memory")}
    sized = PackingOptions(sizes=((side, side), (load_size, load_size)), channels=(3,))
    for title, packing in {"packed": PackingOptions(), "packed at size": sized}.items():
        data, pack_layout = find_to_pack(str(files), layout.pack_layout)
        pack(data, folder / title.replace(" ", "_"), packing, layout=pack_layout)
        sources[title] = config(folder / title.replace(" ", "_"), "none")
    return sources


def training_rate(config: Config, steps: int) -> float:
    """Images per second of training steps that reuse one batch in memory."""
    keras.backend.clear_session()
    keras.utils.set_random_seed(SEED)
    keras.mixed_precision.set_global_policy(config.training.precision)
    translator = build(config)
    batch_size = config.training.batch_size * translator.microbatches_per_step
    batch = next(iter(open_dataset(config).training(batch_size=batch_size, seed=SEED)))
    batches = iter(tf.data.Dataset.from_tensors(batch).repeat())
    translator.make_train_function()
    times = []
    for _ in range(WARM_UP + steps):
        start = time.perf_counter()
        logs = translator.train_function(batches)
        [float(value) for value in logs.values()]  # waits for the step
        times.append(time.perf_counter() - start)
    return images_in(batch) / median(times[WARM_UP:])


def input_rate(data: Data, batch_size: int) -> float:
    """Images per second of the pipeline that training reads its batches from, without training.

    No image is read twice, so the system's file cache cannot help.
    """
    batches = iter(data.training(batch_size=batch_size, seed=SEED))
    for _ in range(WARM_UP):
        next(batches)
    timed = max(1, data.epoch_size // batch_size - WARM_UP)
    start = time.perf_counter()
    count = sum(images_in(next(batches)) for _ in range(timed))
    return count / (time.perf_counter() - start)


def images_in(batch: dict[str, tf.Tensor]) -> int:
    """The number of images in a batch, of both domains together."""
    return sum(value.shape[0] for value in batch.values() if value.shape.rank == 4)


def drop_file_cache(folder: Path) -> None:
    """Asks the system to drop its cache of the files below a folder, where it can."""
    if not hasattr(os, "posix_fadvise"):
        return
    os.sync()
    for path in folder.rglob("*"):
        if path.is_file():
            descriptor = os.open(path, os.O_RDONLY)
            os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
            os.close(descriptor)


def photographs(side: int) -> Iterator[bytes]:
    """JPEG files of smooth colours with grain, about as large as those of photographs."""
    random = np.random.default_rng(SEED)
    while True:
        coarse = random.integers(0, 256, (8, 8, 3), np.uint8)
        smooth = Image.fromarray(coarse).resize((side, side), Image.Resampling.BICUBIC)
        grain = random.normal(0, 8, (side, side, 3))
        pixels = (np.asarray(smooth) + grain).clip(0, 255).astype(np.uint8)
        file = io.BytesIO()
        Image.fromarray(pixels).save(file, "jpeg", quality=QUALITY)
        yield file.getvalue()


def write_file(path: Path, content: bytes) -> None:
    """Writes a file and its parent folders."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def table(rows: list[dict]) -> list[str]:
    """One row per layout and size: images per second, and their ratio to training."""
    titles = list(rows[0]["rates"])
    lines = [f"{'layout':>11} {'px':>4} {'training':>9}" + "".join(f"{t:>20}" for t in titles)]
    for row in rows:
        cells = [f"{rate:.0f} ({rate / row['training']:.1f}x)" for rate in row["rates"].values()]
        start = f"{row['layout']:>11} {row['side']:>4} {row['training']:>9.1f}"
        lines.append(start + "".join(f"{cell:>20}" for cell in cells))
    lowest = min(rate / row["training"] for row in rows for rate in row["rates"].values())
    lines.append(f"images per second (times training); the lowest is {lowest:.1f}x, goal {GOAL}x")
    return lines


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="scripts/bench input", description=__doc__.splitlines()[0]
    )
    folder = Path("runs/bench_input")
    parser.add_argument("--folder", type=Path, default=folder, help="new; default %(default)s")
    parser.add_argument("--layout", choices=sorted(LAYOUTS), action="append", help="repeatable")
    parser.add_argument(
        "--side", type=whole_number, action="append", help="pixels; default 64, 128 and 256"
    )
    parser.add_argument("--images", type=whole_number, default=512, help="images of each domain")
    parser.add_argument("--rounds", type=whole_number, default=3, help="timed rounds per source")
    parser.add_argument("--steps", type=whole_number, default=5, help="timed training steps")
    return parser.parse_args()


if __name__ == "__main__":
    main(_arguments())
