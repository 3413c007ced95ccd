"""Memory of a training process over its steps; see measure_memory."""

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
STEPS, STEPS_OF_FILES = 10_000, 200
EVERY = 500  # steps between checkpoints and sample images
WARM = 0.1  # share of the steps that is left out of the gradient: caches fill, graphs are traced
WIDTH, HEIGHT, EDGE = 720, 300, 40  # of the plot


def main(asked: argparse.Namespace) -> None:
    """Trains, watches and writes."""
    if asked.folder.exists():
        sys.exit(f"--folder must be new, {asked.folder} is there already: choose another")
    asked.folder.mkdir(parents=True)
    found = of_files(asked) if asked.files else of_steps(asked)
    result = {
        "command": shlex.join(["scripts/measure_memory", *sys.argv[1:]]),
        "date": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "machine": machine(),
        "versions": versions(("tensorflow", "keras", "numpy")),
        **found,
    }
    (asked.folder / "measure_memory.json").write_text(json.dumps(result, indent=1) + "\n")
    print(json.dumps(result["files" if asked.files else "memory"]))


def of_steps(asked: argparse.Namespace) -> dict:
    """Memory over the steps of one run, with a plot."""
    write_images(asked.folder)
    settings = {
        "steps": asked.steps, "log_every": 10, "sample_every": EVERY, "checkpoint_every": EVERY,
    }  # fmt: skip
    changed = [f"--set=training.{key}={value}" for key, value in settings.items()]
    seen = [pair for pair in train(asked, asked.folder / "run", changed, "VmRSS") if pair[0]]
    plot(np.array(seen)).save(asked.folder / "measure_memory.png")
    return {
        "memory": {"method": asked.method, "steps": asked.steps, **metrics(np.array(seen))},
        "rows": [{"step": step, "kib": kib} for step, kib in seen],
    }


def of_files(asked: argparse.Namespace) -> dict:
    """Memory by files and cache; what is mapped of files on disk is the system's and left out."""

    def trained(name: str, images: Path, cache: str) -> list[tuple[int, int]]:
        settings = {
            "data.path": images, "data.size": f"[{SIDE}, {SIDE}]", "data.cache": cache,
            "training.steps": asked.steps, "training.log_every": 1,
            "training.sample_every": asked.steps, "training.checkpoint_every": asked.steps,
        }  # fmt: skip
        changed = [f"--set={key}={value}" for key, value in settings.items()]
        return train(asked, asked.folder / name, changed, "RssAnon")

    rows, runs = by_files(asked.files, asked.folder, trained)
    return {"method": asked.method, "steps": asked.steps, "files": rows, "runs": runs}


def train(
    asked: argparse.Namespace, run: Path, changed: list[str], metric: str
) -> list[tuple[int, int]]:
    """Trains a run; step and KiB of memory, about once a second."""
    source = write_job(asked.method, asked.folder, 0)
    log = run.with_suffix(".log").open("w")
    environment = {**os.environ, "TF_TRANSLATE_CACHE": str(asked.folder / "cache")}
    process = subprocess.Popen(
        [*COMMAND, "train", source, "--run", run, *changed],
        stdout=log,
        stderr=subprocess.STDOUT,
        env=environment,
    )
    seen = list(watch(process, run / "history.jsonl", metric))
    if process.returncode:
        sys.exit(f"the run failed, see {log.name}")
    return seen


def watch(process: subprocess.Popen, history: Path, metric: str):
    """Step and a metric of memory in KiB, about once a second; from the first row on at each new.

    The step is 0 until there is a row.
    """
    step, with_rows = 0, 0
    while process.poll() is None:
        lines = history.read_text().splitlines() if history.exists() else []
        kib = memory(process.pid, metric)
        if kib and (len(lines) > with_rows or not lines):
            with_rows = len(lines)
            step = int(json.loads(lines[-1])["step"]) if lines else 0
            yield step, kib
        time.sleep(1)


def memory(process: int, metric: str) -> int | None:
    """KiB of memory that a process holds by a metric of the kernel, or None if it is gone."""
    try:
        status = Path(f"/proc/{process}/status").read_text()
    except OSError:
        return None
    found = [line.split()[1] for line in status.splitlines() if line.startswith(f"{metric}:")]
    return int(found[0]) if found else None


def metrics(seen: np.ndarray) -> dict[str, float]:
    """Least squares' gradient in KiB a step after warming up, and first, last and greatest MiB."""
    warm = seen[seen[:, 0] >= WARM * seen[-1, 0]]
    gradient, _ = np.polyfit(warm[:, 0], warm[:, 1], 1)
    return {
        "kib_per_step": round(float(gradient), 4),
        "mib_after_warming_up": round(warm[0, 1] / 1024, 1),
        "mib_at_the_end": round(warm[-1, 1] / 1024, 1),
        "mib_at_most": round(seen[:, 1].max() / 1024, 1),
        "measurements": len(seen),
    }


def plot(seen: np.ndarray) -> Image.Image:
    """Memory over steps, from 0 on."""
    image = Image.new("RGB", (WIDTH, HEIGHT), "white")
    draw = ImageDraw.Draw(image)
    steps, mib = seen[:, 0], seen[:, 1] / 1024
    top = mib.max() * 1.1
    x = EDGE + steps / steps.max() * (WIDTH - 2 * EDGE)
    y = HEIGHT - EDGE - mib / top * (HEIGHT - 2 * EDGE)
    draw.line([(EDGE, EDGE), (EDGE, HEIGHT - EDGE), (WIDTH - EDGE, HEIGHT - EDGE)], fill="black")
    draw.line(list(zip(x.tolist(), y.tolist(), strict=True)), fill="blue", width=2)
    draw.text((EDGE, EDGE - 20), f"MiB of memory, at most {mib.max():.0f}", fill="black")
    draw.text((WIDTH // 2, HEIGHT - EDGE + 10), f"steps, to {int(steps.max())}", fill="black")
    return image


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--method", choices=sorted(JOBS), default="cyclegan")
    parser.add_argument("--steps", type=whole_number)
    parser.add_argument("--files", type=whole_number)
    parser.add_argument("--folder", type=Path, default=Path("runs/memory"))
    arguments = parser.parse_args()
    if arguments.files and (arguments.files <= FEW or arguments.method != "cyclegan"):
        parser.error(f"--files must be more than {FEW}, of cyclegan, got {arguments.files}")
    arguments.steps = arguments.steps or (STEPS_OF_FILES if arguments.files else STEPS)
    main(arguments)
