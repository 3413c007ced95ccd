"""Images a second of the input pipeline, and of training; see bench_input."""

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
from tf_translate.data.packed.sources import find_to_pack
from tf_translate.data.packed.writer import Packing, pack
from tf_translate.experiment.build import build
from tf_translate.experiment.configure import resolve
from tf_translate.experiment.dataset import Data, open_for

SEED = 0
WARM = 3  # batches and training steps ahead of those that are timed
QUALITY = 90  # of the JPEG files
GOAL = 5  # times the rate of training that every source of images is to reach


@dataclass(frozen=True)
class Layout:
    """A way that data sets are laid out, and the preset of a method that takes it."""

    preset: str
    form: str
    write: Callable[[Path, Iterator[bytes], int], Path]


def write_pairs(folder: Path, images: Iterator[bytes], count: int) -> Path:
    """`train/a/ train/b/`: pairs by equal names, for pix2pix."""
    for number in range(count):
        for side in "ab":
            put(folder / "train" / side / f"{number}.jpg", next(images))
    return folder


def write_domains(folder: Path, images: Iterator[bytes], count: int) -> Path:
    """`trainA/ trainB/`, for CycleGAN."""
    for number in range(count):
        for side in "AB":
            put(folder / f"train{side}" / f"{number}.jpg", next(images))
    return folder


def write_table(folder: Path, images: Iterator[bytes], count: int) -> Path:
    """A table of image -> columns, for methods that learn from attributes; twice as many rows."""
    lines = ["image,split,person,glasses,beard"]
    for number in range(2 * count):
        put(folder / "faces" / f"{number}.jpg", next(images))
        lines.append(f"faces/{number}.jpg,train,{number},{number % 2},{number // 2 % 2}")
    (folder / "faces.csv").write_text("\n".join(lines) + "\n")
    return folder / "faces.csv"


LAYOUTS = {
    "pix2pix": Layout("pix2pix_small", "named_pairs", write_pairs),
    "cyclegan": Layout("cyclegan_small", "ab_folders", write_domains),
    "attributes": Layout("fader_small", "attributes", write_table),
}


def main(asked: argparse.Namespace) -> None:
    """Measures every row and writes the result."""
    if asked.folder.exists():
        sys.exit(f"--folder must be new, {asked.folder} is there already: choose another")
    rows = []
    for name in asked.layout or LAYOUTS:
        for side in asked.side or (64, 128, 256):
            row = measure(name, side, asked)
            rows.append(row)
            print(json.dumps(row), file=sys.stderr, flush=True)
    result = {
        "command": shlex.join(["scripts/bench_input", *sys.argv[1:]]),
        "date": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "machine": machine(),
        "cores": len(os.sched_getaffinity(0)),
        "versions": versions(("tensorflow", "keras", "numpy", "pillow")),
        "seed": SEED,
        "images": 2 * asked.images,
        "rounds": asked.rounds,
        "training steps": asked.steps,
        "goal": GOAL,
        "input": rows,
    }
    (asked.folder / "bench_input.json").write_text(json.dumps(result, indent=1) + "\n")
    print("\n".join(table(rows)))


def measure(name: str, side: int, asked: argparse.Namespace) -> dict:
    """Rates of one layout and size: training, and each source of images in turns."""
    folder = asked.folder / f"{name}-{side}"
    sources = sources_of(name, side, folder, asked.images)
    trained = training_rate(sources["cached"], asked.steps)
    opened, opening = {}, {}
    for title, settings in sources.items():
        forget(folder)
        began = time.perf_counter()
        opened[title] = open_for(settings)
        opening[title] = round(time.perf_counter() - began, 3)
    batch_size = sources["cached"].training.batch_size
    rates: dict[str, list[float]] = {title: [] for title in opened}
    for _ in range(asked.rounds):
        for title, data in opened.items():
            forget(folder)
            rates[title].append(input_rate(data, batch_size))
    return {
        "layout": name,
        "side": side,
        "file side": file_side(side),
        "load side": load_side(side),
        "preset": LAYOUTS[name].preset,
        "batch": batch_size,
        "training": round(trained, 2),
        "rates": {title: round(median(found), 1) for title, found in rates.items()},
        "rates of rounds": {title: [round(r, 1) for r in found] for title, found in rates.items()},
        "opening seconds": opening,
    }


def file_side(side: int) -> int:
    """Of the image files: larger than what is loaded, as photographs are."""
    return side * 5 // 4


def load_side(side: int) -> int:
    """What a image is decoded to, ahead of a crop to `side`."""
    return side * 9 // 8


def sources_of(name: str, side: int, folder: Path, images: int) -> dict[str, Config]:
    """Writes images and packs of them; the settings that read each source."""
    layout, load_size = LAYOUTS[name], load_side(side)
    files = layout.write(folder / "files", photographs(file_side(side)), images)

    def config(path: Path, cache: str) -> Config:
        sizes = f"data.size=[{side}, {side}]", f"data.load_size=[{load_size}, {load_size}]"
        own = f"data.path={path}", f"data.cache={cache}", "data.validation_share=0.0"
        return resolve(layout.preset, [*own, *sizes])

    sources = {"folder": config(files, "none"), "cached": config(files, "memory")}
    sized = Packing(sizes=((side, side), (load_size, load_size)), channels=(3,))
    for title, how in {"packed": Packing(), "packed at size": sized}.items():
        data, form = find_to_pack(str(files), layout.form)
        pack(data, folder / title.replace(" ", "_"), how, layout=form)
        sources[title] = config(folder / title.replace(" ", "_"), "none")
    return sources


def training_rate(config: Config, steps: int) -> float:
    """Images a second that training takes, on one batch that is at hand."""
    keras.backend.clear_session()
    keras.utils.set_random_seed(SEED)
    keras.mixed_precision.set_global_policy(config.training.precision)
    translator = build(config)
    batch_size = config.training.batch_size * translator.microbatches_per_step
    batch = next(iter(open_for(config).training(batch_size=batch_size, seed=SEED)))
    batches = iter(tf.data.Dataset.from_tensors(batch).repeat())
    translator.make_train_function()
    times = []
    for _ in range(WARM + steps):
        began = time.perf_counter()
        logs = translator.train_function(batches)
        [float(value) for value in logs.values()]  # waits for the step
        times.append(time.perf_counter() - began)
    return images_in(batch) / median(times[WARM:])


def input_rate(data: Data, batch_size: int) -> float:
    """Images a second of the pipeline that training takes its batches from, on its own.

    No image comes twice, so that nothing the system keeps of a file is found there.
    """
    batches = iter(data.training(batch_size=batch_size, seed=SEED))
    for _ in range(WARM):
        next(batches)
    left = max(1, data.epoch_size // batch_size - WARM)
    began = time.perf_counter()
    count = sum(images_in(next(batches)) for _ in range(left))
    return count / (time.perf_counter() - began)


def images_in(batch: dict[str, tf.Tensor]) -> int:
    """How many images a batch holds, of both domains."""
    return sum(value.shape[0] for value in batch.values() if value.shape.rank == 4)


def forget(folder: Path) -> None:
    """Has the system drop what it keeps in memory of the files below a folder, where it can."""
    if not hasattr(os, "posix_fadvise"):
        return
    os.sync()
    for path in folder.rglob("*"):
        if path.is_file():
            number = os.open(path, os.O_RDONLY)
            os.posix_fadvise(number, 0, 0, os.POSIX_FADV_DONTNEED)
            os.close(number)


def photographs(side: int) -> Iterator[bytes]:
    """JPEG files of smooth colours under grain, about as large as photographs are."""
    random = np.random.default_rng(SEED)
    while True:
        coarse = random.integers(0, 256, (8, 8, 3), np.uint8)
        smooth = Image.fromarray(coarse).resize((side, side), Image.Resampling.BICUBIC)
        grain = random.normal(0, 8, (side, side, 3))
        pixels = (np.asarray(smooth) + grain).clip(0, 255).astype(np.uint8)
        written = io.BytesIO()
        Image.fromarray(pixels).save(written, "jpeg", quality=QUALITY)
        yield written.getvalue()


def put(path: Path, content: bytes) -> None:
    """Writes a file and the folders it lies in."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def table(rows: list[dict]) -> list[str]:
    """A row a layout and size: images a second, and how many times those of training."""
    titles = list(rows[0]["rates"])
    lines = [f"{'layout':>11} {'px':>4} {'training':>9}" + "".join(f"{t:>20}" for t in titles)]
    for row in rows:
        cells = [f"{rate:.0f} ({rate / row['training']:.1f}x)" for rate in row["rates"].values()]
        start = f"{row['layout']:>11} {row['side']:>4} {row['training']:>9.1f}"
        lines.append(start + "".join(f"{cell:>20}" for cell in cells))
    lowest = min(rate / row["training"] for row in rows for rate in row["rates"].values())
    lines.append(f"images a second (times training); the lowest is {lowest:.1f}x, goal {GOAL}x")
    return lines


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, default=Path("runs/bench_input"))
    parser.add_argument("--layout", choices=sorted(LAYOUTS), action="append")
    parser.add_argument("--side", type=whole_number, action="append", help="64, 128 and 256")
    parser.add_argument("--images", type=whole_number, default=512, help="of each domain")
    parser.add_argument("--rounds", type=whole_number, default=3)
    parser.add_argument("--steps", type=whole_number, default=5, help="of training that are timed")
    main(parser.parse_args())
