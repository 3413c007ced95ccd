"""Records the memory of a training process over its steps.

scripts/bench memory [--method cyclegan] [--steps 10000] [--folder NEW]
scripts/bench memory --files 100000 [--steps 200] [--folder NEW]

The first form trains a tiny run for many steps. The second trains on a folder of so many files and
on one of 1,000, with decoded images in the default cache (`auto`), on disk, and nowhere. Each takes
about ten minutes on one core. Writes measure_memory.json, and a plot of the first form.
"""

import argparse
import datetime
import json
import os
import shlex
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from scripts.benchmarks.machine import machine, versions
from scripts.stress.kill_runs_jobs import JOBS, write_images, write_job
from scripts.stress.memory_files import FEW, SIDE, by_files
from scripts.stress.whole_number import whole_number

COMMAND = (sys.executable, "-c", "from tf_translate.cli.main import run; run()")
STEPS, STEPS_WITH_FILES = 10_000, 200
EVERY = 500  # steps between checkpoints and sample images
WARM_UP = 0.1  # fraction of the steps before the fit: caches fill, graphs are traced
WIDTH, HEIGHT, EDGE = 720, 300, 40  # of the plot


def main(options: argparse.Namespace) -> None:
    """Trains, records the memory, and writes the result."""
    if options.folder.exists():
        sys.exit(f"--folder must be new, {options.folder} already exists")
    options.folder.mkdir(parents=True)
    measured = by_files_and_cache(options) if options.files else by_steps(options)
    result = {
        "command": shlex.join(["scripts/bench", "memory", *sys.argv[1:]]),
        "date": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "machine": machine(),
        "versions": versions(("tensorflow", "keras", "numpy")),
        **measured,
    }
    (options.folder / "measure_memory.json").write_text(json.dumps(result, indent=1) + "\n")
    print(json.dumps(result["files" if options.files else "memory"]))


def by_steps(options: argparse.Namespace) -> dict:
    """Memory over the steps of one run, with a plot."""
    write_images(options.folder)
    settings = {
        "steps": options.steps, "log_every": 10, "sample_every": EVERY, "checkpoint_every": EVERY,
    }  # fmt: skip
    overrides = [f"--set=training.{key}={value}" for key, value in settings.items()]
    measured = [
        pair for pair in train(options, options.folder / "run", overrides, "VmRSS") if pair[0]
    ]
    plot(np.array(measured)).save(options.folder / "measure_memory.png")
    return {
        "memory": {"method": options.method, "steps": options.steps, **metrics(np.array(measured))},
        "rows": [{"step": step, "kib": kib} for step, kib in measured],
    }


def by_files_and_cache(options: argparse.Namespace) -> dict:
    """Memory by number of files and cache, without the files that are mapped into memory."""

    def train_on(name: str, images: Path, cache: str) -> list[tuple[int, int]]:
        settings = {
            "data.path": images, "data.size": f"[{SIDE}, {SIDE}]", "data.cache": cache,
            "training.steps": options.steps, "training.log_every": 1,
            "training.sample_every": options.steps, "training.checkpoint_every": options.steps,
        }  # fmt: skip
        overrides = [f"--set={key}={value}" for key, value in settings.items()]
        return train(options, options.folder / name, overrides, "RssAnon")

    rows, runs = by_files(options.files, options.folder, train_on)
    return {"method": options.method, "steps": options.steps, "files": rows, "runs": runs}


def train(
    options: argparse.Namespace, run: Path, overrides: list[str], field: str
) -> list[tuple[int, int]]:
    """Trains a run; returns step and KiB of memory, about once a second."""
    config = write_job(options.method, options.folder, 0)
    log = run.with_suffix(".log").open("w")
    environment = {**os.environ, "TF_TRANSLATE_CACHE": str(options.folder / "cache")}
    process = subprocess.Popen(
        [*COMMAND, "train", config, "--run", run, *overrides],
        stdout=log,
        stderr=subprocess.STDOUT,
        env=environment,
    )
    measured = list(watch(process, run / "history.jsonl", field))
    if process.returncode:
        sys.exit(f"the run failed, see {log.name}")
    return measured


def watch(process: subprocess.Popen, history: Path, field: str):
    """Yields step and memory in KiB, about once a second; after the first row, once per new row.

    The step is 0 until there is a row.
    """
    step, with_rows = 0, 0
    while process.poll() is None:
        lines = history.read_text().splitlines() if history.exists() else []
        kib = memory(process.pid, field)
        if kib and (len(lines) > with_rows or not lines):
            with_rows = len(lines)
            step = int(json.loads(lines[-1])["step"]) if lines else 0
            yield step, kib
        time.sleep(1)


def memory(process: int, field: str) -> int | None:
    """Memory of a process in KiB, by a field of /proc/PID/status; None if it has ended."""
    try:
        status = Path(f"/proc/{process}/status").read_text()
    except OSError:
        return None
    values = [line.split()[1] for line in status.splitlines() if line.startswith(f"{field}:")]
    return int(values[0]) if values else None


def metrics(measured: np.ndarray) -> dict[str, float]:
    """KiB per step after the warm-up, by least squares; first, last and largest MiB."""
    after = measured[measured[:, 0] >= WARM_UP * measured[-1, 0]]
    kib_per_step, _ = np.polyfit(after[:, 0], after[:, 1], 1)
    return {
        "kib_per_step": round(float(kib_per_step), 4),
        "mib_after_warm_up": round(after[0, 1] / 1024, 1),
        "mib_at_end": round(after[-1, 1] / 1024, 1),
        "mib_max": round(measured[:, 1].max() / 1024, 1),
        "measurements": len(measured),
    }


def plot(measured: np.ndarray) -> Image.Image:
    """A plot of memory over steps; both axes start at 0."""
    image = Image.new("RGB", (WIDTH, HEIGHT), "white")
    draw = ImageDraw.Draw(image)
    steps, mib = measured[:, 0], measured[:, 1] / 1024
    top = mib.max() * 1.1
    x = EDGE + steps / steps.max() * (WIDTH - 2 * EDGE)
    y = HEIGHT - EDGE - mib / top * (HEIGHT - 2 * EDGE)
    draw.line([(EDGE, EDGE), (EDGE, HEIGHT - EDGE), (WIDTH - EDGE, HEIGHT - EDGE)], fill="black")
    draw.line(list(zip(x.tolist(), y.tolist(), strict=True)), fill="blue", width=2)
    draw.text((EDGE, EDGE - 20), f"MiB of memory, maximum {mib.max():.0f}", fill="black")
    draw.text((WIDTH // 2, HEIGHT - EDGE + 10), f"steps, up to {int(steps.max())}", fill="black")
    return image


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="scripts/bench memory", description=__doc__.splitlines()[0]
    )
    folder = Path("runs/memory")
    parser.add_argument("--method", choices=sorted(JOBS), default="cyclegan")
    parser.add_argument("--steps", type=whole_number, help="training steps")
    parser.add_argument("--files", type=whole_number, help="measure by the number of files")
    parser.add_argument("--folder", type=Path, default=folder, help="new; default %(default)s")
    options = parser.parse_args()
    if options.files and (options.files <= FEW or options.method != "cyclegan"):
        parser.error(f"--files must be more than {FEW}, with cyclegan, got {options.files}")
    options.steps = options.steps or (STEPS_WITH_FILES if options.files else STEPS)
    return options


if __name__ == "__main__":
    main(_arguments())
