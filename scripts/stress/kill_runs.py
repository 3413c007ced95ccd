"""Kills training runs at random moments, resumes them, and compares their final weights.

scripts/bench kills [N] [--folder NEW] [--seed 0] [--method NAME]... [--presets]

Every array of the final model must equal that of an uninterrupted run, bit for bit. N is the
number of kills in all (default 50; half an hour on one core). With --presets the runs are shipped
presets at their size (30 kills take half an hour on two cores). Writes kill_runs.json; the exit
code is 1 if a run was lost or differs.
"""

import argparse
import datetime
import io
import json
import os
import random
import re
import shlex
import shutil
import subprocess
import sys
import time
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np

from scripts.benchmarks.machine import machine, versions
from scripts.stress.kill_runs_jobs import JOBS, PRESETS, Job, write_images, write_job, write_preset
from scripts.stress.whole_number import whole_number

COMMAND = (sys.executable, "-c", "from tf_translate.cli.main import run; run()")
ENVIRONMENT = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"}
PACKAGES = ("tensorflow", "keras", "h5py", "numpy")
NO_RUN = "start one without --resume"  # part of the error of --resume where no run exists
TRIES = 20  # random moments until one comes before the end of a run


@dataclass(frozen=True)
class Uninterrupted:
    """An uninterrupted run: its folder, and the seconds until its first row and its end."""

    run: Path
    first_row: float
    end: float


@dataclass(frozen=True)
class Moment:
    """When to kill: `delay` seconds after the start, the n-th row, or the start of a checkpoint.

    Attributes:
        after: "start", "row" of losses, or "checkpoint".
        delay: Seconds.
        count: Which row or checkpoint, counted from 1.
    """

    after: str
    delay: float
    count: int = 0


class Training:
    """A training process; its output goes to a file.

    Args:
        config: A configuration file.
        run: Folder of the run.
        resume: Whether it resumes the run.
    """

    def __init__(self, config: Path, run: Path, *, resume: bool = False):
        self.run, self.log = run, run.with_name(f"{run.name}.log")
        options = ["--resume"] if resume else []
        with self.log.open("w") as log:
            self.process = subprocess.Popen(
                [*COMMAND, "train", config, "--run", run, *options],
                **{"stdout": log, "stderr": subprocess.STDOUT, "env": ENVIRONMENT},
            )
        self.start = time.monotonic()

    def wait_for(self, event: str, count: int = 0) -> float | None:
        """Waits for an event on disk.

        Args:
            event: "start", "row" of losses, or "checkpoint" that is being written.
            count: How many rows or checkpoints to wait for.

        Returns:
            Seconds since the start; None if the process ended first.
        """
        self.started_checkpoints: set[str] = set()
        while self.process.poll() is None:
            if event == "start" or getattr(self, f"_count_{event}s")() >= count:
                return time.monotonic() - self.start
            time.sleep(0.002)
        return None

    def _count_rows(self) -> int:
        history = self.run / "history.jsonl"
        return history.read_text().count("\n") if history.exists() else 0

    def _count_checkpoints(self) -> int:
        # Each checkpoint is a hidden file first.
        hidden = self.run.glob("checkpoints/.*-step-*.keras")
        self.started_checkpoints |= {path.name for path in hidden}
        return len(self.started_checkpoints)

    def output(self) -> str:
        """Waits for the end; returns the output of the process."""
        self.process.wait()
        return " ".join(self.log.read_text().split())


def train_uninterrupted(config: Path, run: Path) -> Uninterrupted:
    """Trains without interruption."""
    training = Training(config, run)
    first_row = training.wait_for("row", 1)
    output = training.output()
    if training.process.returncode or first_row is None:
        sys.exit(f"the uninterrupted run of {config} failed: {output[-2000:]}")
    return Uninterrupted(run, first_row, time.monotonic() - training.start)


def random_moment(generator: random.Random, reference: Uninterrupted, job: Job) -> Moment:
    """A moment: 1 in 5 before the first step, 2 in 5 during a checkpoint, else at any row."""
    kind = generator.choices(("start", "checkpoint", "row"), (1, 2, 2))[0]
    if kind == "start":
        return Moment(kind, generator.uniform(0, reference.first_row))
    if kind == "checkpoint":
        return Moment(
            kind, generator.uniform(0, 0.03), generator.randint(1, job.steps // job.every)
        )
    # Relative to a row, since the speed of a machine varies.
    seconds_per_row = (reference.end - reference.first_row) / job.steps
    return Moment(kind, generator.uniform(0, seconds_per_row), generator.randint(1, job.steps))


def kill(config: Path, run: Path, moment: Moment) -> bool:
    """Trains until a moment and kills the process; False if it ended earlier."""
    training = Training(config, run)
    if training.wait_for(moment.after, moment.count) is None:
        return False
    time.sleep(moment.delay)
    training.process.kill()
    return training.process.wait() < 0


def state_of(run: Path, method: str, job: Job) -> dict:
    """What a kill left: the stage, the last step with a row, the file that was being written."""
    history = run / "history.jsonl"
    steps = re.findall(r'"step": (\d+),', history.read_text()) if history.exists() else []
    step = int(steps[-1]) if steps else 0
    unfinished = sorted(path.name for path in run.rglob(".[0-9]*-*"))
    return {
        "method": method,
        "stage": job.stage(step) if run.exists() else "before the run exists",
        "step": step,
        "writing": re.sub(r"^\.\d+-", "", unfinished[0]) if unfinished else None,
        "checkpoints": len(list(run.glob("checkpoints/step-*.keras"))),
    }


def resume(config: Path, run: Path) -> dict:
    """Resumes as a user would: with --resume, or by starting again where no run exists yet."""
    training = Training(config, run, resume=True)
    output = training.output()
    restarted = training.process.returncode == 2 and NO_RUN in output
    if restarted:
        training = Training(config, run)
        output = training.output()
    step = re.search(r"resuming from step (\d+)", output)
    result = {"restarted": restarted, "from": int(step[1]) if step else 0}
    if training.process.returncode:
        return {**result, "resumed": False, "output": output[-2000:]}
    return {**result, "resumed": True}


def compare(uninterrupted: Path, resumed: Path) -> dict:
    """Whether all arrays of two final models, and their rows of losses, are equal bit for bit."""
    one, two = (dict(arrays_of(run / "model.keras")) for run in (uninterrupted, resumed))
    if [(name, v.shape, v.dtype) for name, v in one.items()] != [
        (name, v.shape, v.dtype) for name, v in two.items()
    ]:
        return {"equal": False, "difference": None}
    different = [name for name in one if one[name].tobytes() != two[name].tobytes()]
    differences = [np.abs(one[n].astype(float) - two[n].astype(float)).max() for n in different]
    rows = [(run / "history.jsonl").read_text() for run in (uninterrupted, resumed)]
    return {
        "equal": not different,
        "difference": float(max(differences, default=0.0)),
        "rows equal": rows[0] == rows[1],
    }


def arrays_of(model: Path) -> Iterator[tuple[str, np.ndarray]]:
    """Every array in a `.keras` file by its path: weights, optimizers, pools, counters."""
    with zipfile.ZipFile(model) as archive:
        weights = io.BytesIO(archive.read("model.weights.h5"))
    with h5py.File(weights) as file:
        arrays: dict[str, np.ndarray] = {}
        file.visititems(
            lambda name, item: (
                arrays.__setitem__(name, item[()]) if isinstance(item, h5py.Dataset) else None
            )
        )
    yield from sorted(arrays.items())


def describe(row: dict) -> str:
    """A line of text for a row."""
    writing = f", writing {row['writing']}" if row["writing"] else ""
    at = f"{row['method']:9} {row['stage']}, step {row['step']}{writing}"
    if not row["resumed"]:
        return f"{at}: LOST: {row['output']}"
    origin = "restarted" if row["restarted"] else f"resumed from step {row['from']}"
    end = "equal" if row["equal"] else f"DIFFERS by {row['difference']}"
    return f"{at}: {origin}, {end}"


def main(arguments: list[str]) -> int:
    """Trains each method uninterrupted, then kills and resumes; 1 if a run is lost or differs."""
    options = _arguments(arguments)
    folder, generator = options.folder.resolve(), random.Random(options.seed)
    if folder.exists() and any(folder.iterdir()):
        sys.exit(f"--folder must be new or empty, {folder} is not")
    folder.mkdir(parents=True, exist_ok=True)
    if not options.presets:
        write_images(folder)
    jobs, write = (PRESETS, write_preset) if options.presets else (JOBS, write_job)
    # All methods equally often; everything else is random.
    order = [options.method[index % len(options.method)] for index in range(options.kills)]
    configs = {name: write(name, folder, options.seed) for name in dict.fromkeys(order)}
    references = {}
    for name, config in configs.items():
        references[name] = train_uninterrupted(config, folder / f"{name}-uninterrupted")
        print(f"{name}: uninterrupted run in {references[name].end:.0f} s", flush=True)
    generator.shuffle(order)
    rows: list[dict] = []
    for index, name in enumerate(order, 1):
        run = folder / f"{name}-{index}"
        rows.append(
            _kill_and_resume(generator, configs[name], run, references[name], name, jobs[name])
        )
        print(f"{index:3} {describe(rows[-1])}", flush=True)
        _write(folder / "kill_runs.json", rows, options, arguments)
    equal = sum(row["resumed"] and row["equal"] and row["rows equal"] for row in rows)
    print(f"{equal} of {len(rows)} runs ended equal to the uninterrupted run, bit for bit")
    return int(equal < len(rows))


def _kill_and_resume(
    generator: random.Random,
    config: Path,
    run: Path,
    reference: Uninterrupted,
    method: str,
    job: Job,
) -> dict:
    for _ in range(TRIES):
        moment = random_moment(generator, reference, job)
        if kill(config, run, moment):
            break
        shutil.rmtree(run, ignore_errors=True)  # it ended first
    else:
        sys.exit(f"{method} ended before {TRIES} moments: the speed of the machine varies too much")
    row = {**state_of(run, method, job), "moment": vars(moment)}
    row |= resume(config, run)
    row |= compare(reference.run, run) if row["resumed"] else {"equal": False, "difference": None}
    row.setdefault("rows equal", False)
    if row["equal"] and row["rows equal"]:
        shutil.rmtree(run)  # a run that differs is kept for inspection
    return row


def _write(file: Path, rows: list[dict], options: argparse.Namespace, arguments: list[str]) -> None:
    result = {
        "command": shlex.join(["scripts/bench", "kills", *arguments]),
        "date": datetime.date.today().isoformat(),
        "seed": options.seed,
        "machine": machine(),
        "versions": versions(PACKAGES),
        "presets": options.presets,
        "steps": max(job.steps for job in (PRESETS if options.presets else JOBS).values()),
        "kills": rows,
    }
    file.write_text(json.dumps(result, indent=1) + "\n")


def _arguments(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="scripts/bench kills")
    folder = Path("runs/kill_runs")
    parser.add_argument("kills", type=whole_number, nargs="?", default=50, help="kills in all")
    parser.add_argument("--folder", type=Path, default=folder, help="new or empty")
    parser.add_argument("--seed", type=int, default=0, help="of the kills and of the runs")
    parser.add_argument("--method", action="append", help="repeatable; default all")
    parser.add_argument("--presets", action="store_true", help="shipped presets at their size")
    options = parser.parse_args(arguments)
    jobs = PRESETS if options.presets else JOBS
    unknown = sorted(set(options.method or ()) - set(jobs))
    if unknown:
        parser.error(f"--method must be one of {', '.join(jobs)}, got {', '.join(unknown)}")
    options.method = options.method or list(jobs)
    return options


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
