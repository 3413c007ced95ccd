"""Times training from the command to its first step, part by part.

scripts/bench startup [--method NAME]... [--repeats 3] [--folder NEW]

Uses tiny runs of several methods. Writes measure_startup.json. Takes about five minutes on one
core.
"""

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

from scripts.benchmarks.machine import machine, versions, with_root_on_path
from scripts.stress.kill_runs_jobs import JOBS, write_images, write_job
from scripts.stress.whole_number import whole_number

WORKER = "scripts.stress.startup_worker"
STEPS = 9  # after the first, which traces; their median is the time of a step
_SETTINGS = {"steps": 30, "log_every": 1000, "sample_every": 1000, "checkpoint_every": 1000}
# What happens in each part; the worker records the end of each.
PARTS = {
    "import": "interpreter, TensorFlow, Keras, the method",
    "data": "finding and decoding images",
    "build": "networks and optimizers",
    "run": "run directory, preview images",
    "first step": "tracing, and the step",
}


def main(options: argparse.Namespace) -> None:
    """Starts each method several times and writes medians."""
    if options.folder.exists():
        sys.exit(f"--folder must be new, {options.folder} already exists")
    options.folder.mkdir(parents=True)
    write_images(options.folder)
    methods = options.method or list(JOBS)
    runs = {
        method: [start(method, options.folder, n) for n in range(options.repeats)]
        for method in methods
    }
    result = {
        "command": shlex.join(["scripts/bench", "startup", *sys.argv[1:]]),
        "date": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "machine": machine(),
        "versions": versions(("tensorflow", "keras", "numpy")),
        "parts": PARTS,
        "startup": {method: medians(repeats) for method, repeats in runs.items()},
        "runs": runs,
    }
    (options.folder / "measure_startup.json").write_text(json.dumps(result, indent=1) + "\n")
    print(json.dumps(result["startup"], indent=1))


def start(method: str, folder: Path, index: int) -> list[dict]:
    """Runs the worker once; returns the moments that it recorded."""
    config = write_job(method, folder, 0)
    run, moments = folder / f"{method}-{index}", folder / f"{method}-{index}.json"
    overrides = [f"--set=training.{key}={value}" for key, value in _SETTINGS.items()]
    command = ["train", config, "--run", run, *overrides]
    done = subprocess.run(
        [sys.executable, "-P", "-m", WORKER, str(time.time()), moments, method, *command],
        capture_output=True,
        text=True,
        env=with_root_on_path(),
    )
    if done.returncode:
        sys.exit(f"{method} failed: {done.stderr[-2000:]}")
    return json.loads(moments.read_text())


def medians(runs: list[list[dict]]) -> dict[str, float]:
    """Median seconds of each part, of all parts, and of a later step; total processor time."""
    clock, processor = ([parts_of(run, by) for run in runs] for by in ("clock", "processor"))
    seconds = {part: _median(each[part] for each in clock) for part in (*PARTS, "total", "step")}
    return {**seconds, "processor, total": _median(each["total"] for each in processor)}


def parts_of(run: list[dict], by: str) -> dict[str, float]:
    """Seconds of each part of one start."""
    at = {moment["part"]: moment[by] for moment in run}
    ends = [at["command"], *(at[part] for part in PARTS if part != "first step"), at["step 1"]]
    parts = [after - before for before, after in itertools.pairwise(ends)]
    later = [at[f"step {n + 1}"] - at[f"step {n}"] for n in range(1, 1 + STEPS)]
    return {
        **dict(zip(PARTS, parts, strict=True)),
        "total": ends[-1] - ends[0],
        "step": statistics.median(later),
    }


def _median(seconds) -> float:
    return round(statistics.median(seconds), 3)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="scripts/bench startup", description=__doc__.splitlines()[0]
    )
    folder = Path("runs/startup")
    parser.add_argument("--method", choices=sorted(JOBS), action="append", help="repeatable")
    parser.add_argument("--repeats", type=whole_number, default=3, help="starts of each method")
    parser.add_argument("--folder", type=Path, default=folder, help="new; default %(default)s")
    return parser.parse_args()


if __name__ == "__main__":
    main(_arguments())
