"""Trains each small preset several times by the same command, and compares weights and losses.

scripts/bench repeats [--runs 3] [--steps 100] [--method NAME]... [--folder NEW]

Every array of the final model and every row of losses must be equal, bit for bit. Writes
repeat_runs.json; the exit code is 1 if a run differs. Half an hour on two cores.
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

from scripts.benchmarks.machine import machine, versions
from scripts.stress.kill_runs import COMMAND, PACKAGES, compare
from scripts.stress.whole_number import whole_number

METHODS = (
    "pix2pix", "cyclegan", "dualgan", "discogan", "dtn", "fader", "icgan", "genegan", "age_cgan",
    "ian",
)  # fmt: skip


def train(method: str, run: Path, steps: int) -> float:
    """Trains a small preset; returns the seconds."""
    settings = {
        "training.steps": steps,
        "training.log_every": 1,
        "training.checkpoint_every": steps,
        "training.sample_every": steps,
    }
    options = [part for name, value in settings.items() for part in ("--set", f"{name}={value}")]
    start = time.monotonic()
    done = subprocess.run(
        [*COMMAND, "train", method, "--run", run, *options],
        env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"},
        capture_output=True,
        text=True,
    )
    if done.returncode:
        sys.exit(f"{method} did not train: {done.stderr[-2000:]}")
    return time.monotonic() - start


def main(arguments: list[str]) -> int:
    """Trains and compares; 1 if a run differs from the first of its method."""
    options = _arguments(arguments)
    folder = options.folder.resolve()
    if folder.exists() and any(folder.iterdir()):
        sys.exit(f"--folder must be new or empty, {folder} is not")
    folder.mkdir(parents=True, exist_ok=True)
    rows: list[dict] = []
    for method in options.method or METHODS:
        runs = [folder / f"{method}-{number}" for number in range(1, options.runs + 1)]
        seconds = [train(method, run, options.steps) for run in runs]
        found = [compare(runs[0], run) for run in runs[1:]]
        rows.append(
            {
                "method": method,
                "runs": options.runs,
                "equal": all(each["equal"] and each["rows equal"] for each in found),
                "difference": max((each["difference"] or 0.0 for each in found), default=0.0),
                "seconds": round(min(seconds), 1),
            }
        )
        print(json.dumps(rows[-1]), flush=True)
        result = {
            "command": shlex.join(["scripts/bench", "repeats", *arguments]),
            "date": datetime.date.today().isoformat(),
            "machine": machine(),
            "versions": versions(PACKAGES),
            "steps": options.steps,
            "repeats": rows,
        }
        (folder / "repeat_runs.json").write_text(json.dumps(result, indent=1) + "\n")
    return int(not all(row["equal"] for row in rows))


def _arguments(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="scripts/bench repeats")
    parser.add_argument("--runs", type=whole_number, default=3, help="runs of each method")
    parser.add_argument("--steps", type=whole_number, default=100, help="steps of each run")
    parser.add_argument("--method", action="append", choices=METHODS, help="repeatable; all")
    folder = Path("runs/repeat_runs")
    parser.add_argument("--folder", type=Path, default=folder, help="new or empty")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
