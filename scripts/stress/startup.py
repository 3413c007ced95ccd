"""Seconds from the command to the first step of training, by part; see measure_startup."""

import argparse
import datetime
import itertools
import json
import shlex
import statistics
import subprocess
import sys
import time
from pathlib import Path

from scripts.benchmarks.machine import machine, versions
from scripts.stress.kill_runs_jobs import JOBS, write_images, write_job
from scripts.stress.whole_number import whole_number

WORKER = Path(__file__).with_name("startup_worker.py")
STEPS = 9  # after the first, which traces: they tell what a step takes
_FEW = {"steps": 30, "log_every": 1000, "sample_every": 1000, "checkpoint_every": 1000}
# What lies between the moments that the worker notes.
PARTS = {
    "import": "interpreter, TensorFlow, Keras, the method",
    "data": "finding and decoding images",
    "build": "networks and optimizers",
    "run": "run directory, sample images",
    "first step": "tracing, and the step",
}


def main(asked: argparse.Namespace) -> None:
    """Starts each method a few times and writes medians."""
    if asked.folder.exists():
        sys.exit(f"--folder must be new, {asked.folder} is there already: choose another")
    asked.folder.mkdir(parents=True)
    write_images(asked.folder)
    methods = asked.method or list(JOBS)
    runs = {
        method: [start(method, asked.folder, n) for n in range(asked.repeats)] for method in methods
    }
    result = {
        "command": shlex.join(["scripts/measure_startup", *sys.argv[1:]]),
        "date": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "machine": machine(),
        "versions": versions(("tensorflow", "keras", "numpy")),
        "parts": PARTS,
        "startup": {method: medians(own) for method, own in runs.items()},
        "runs": runs,
    }
    (asked.folder / "measure_startup.json").write_text(json.dumps(result, indent=1) + "\n")
    print(json.dumps(result["startup"], indent=1))


def start(method: str, folder: Path, number: int) -> list[dict]:
    """Runs the worker once; what it noted."""
    source = write_job(method, folder, 0)
    run, notes = folder / f"{method}-{number}", folder / f"{method}-{number}.json"
    changed = [f"--set=training.{key}={value}" for key, value in _FEW.items()]
    command = ["train", source, "--run", run, *changed]
    done = subprocess.run(
        [sys.executable, WORKER, str(time.time()), notes, method, *command],
        capture_output=True,
        text=True,
    )
    if done.returncode:
        sys.exit(f"{method} failed: {done.stderr[-2000:]}")
    return json.loads(notes.read_text())


def medians(runs: list[list[dict]]) -> dict[str, float]:
    """Median seconds of each part and in all, and of a later step; the processor's in all."""
    clock, processor = ([parts_of(run, by) for run in runs] for by in ("clock", "processor"))
    told = {part: _median(own[part] for own in clock) for part in (*PARTS, "in all", "step")}
    return {**told, "processor, in all": _median(own["in all"] for own in processor)}


def parts_of(run: list[dict], by: str) -> dict[str, float]:
    """Seconds of each part of one start."""
    at = {moment["part"]: moment[by] for moment in run}
    ends = [at["asked for"], *(at[part] for part in PARTS if part != "first step"), at["step 1"]]
    parts = [after - before for before, after in itertools.pairwise(ends)]
    later = [at[f"step {n + 1}"] - at[f"step {n}"] for n in range(1, 1 + STEPS)]
    return {
        **dict(zip(PARTS, parts, strict=True)),
        "in all": ends[-1] - ends[0],
        "step": statistics.median(later),
    }


def _median(seconds) -> float:
    return round(statistics.median(seconds), 3)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--method", choices=sorted(JOBS), action="append")
    parser.add_argument("--repeats", type=whole_number, default=3)
    parser.add_argument("--folder", type=Path, default=Path("runs/startup"))
    main(parser.parse_args())
