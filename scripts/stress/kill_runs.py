"""Kills training runs at random moments, resumes them and compares their ends; see kill_runs."""

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
from scripts.stress.kill_runs_jobs import EVERY, JOBS, STEPS, write_images, write_job
from scripts.stress.whole_number import whole_number

COMMAND = (sys.executable, "-c", "from tf_translate.cli.main import run; run()")
# One thread each: sums are then always taken in one order.
THREADS = ("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS", "OMP_NUM_THREADS")
QUIET = {**os.environ, **dict.fromkeys(THREADS, "1"), "TF_CPP_MIN_LOG_LEVEL": "3"}
PACKAGES = ("tensorflow", "keras", "h5py", "numpy")
NOT_BEGUN = "start one without --resume"  # what --resume says of a run that was not made yet
TRIES = 20  # draws of a moment until one comes ahead of a run's end


@dataclass(frozen=True)
class Whole:
    """An unbroken run: its folder, and the seconds until its first row and its end."""

    run: Path
    row: float
    end: float


@dataclass(frozen=True)
class Moment:
    """When to kill: `delay` seconds after the start, the n-th row, or the n-th checkpoint began."""

    after: str
    delay: float
    number: int = 0


class Training:
    """A process that trains, its output in a file.

    Args:
        source: A configuration file.
        run: The run's folder.
        resume: Whether it goes on.
    """

    def __init__(self, source: Path, run: Path, *, resume: bool = False):
        self.run, self.log = run, run.with_name(f"{run.name}.log")
        options = ["--resume"] if resume else []
        with self.log.open("w") as log:
            self.process = subprocess.Popen(
                [*COMMAND, "train", source, "--run", run, *options],
                **{"stdout": log, "stderr": subprocess.STDOUT, "env": QUIET},
            )
        self.began = time.monotonic()

    def wait_for(self, what: str, number: int = 0) -> float | None:
        """Waits until something is on disk; gives the seconds since the start, None if it ended.

        Args:
            what: "start", the n-th "row" of losses, or the n-th "checkpoint" that is begun.
            number: Which one.
        """
        self.begun: set[str] = set()
        while self.process.poll() is None:
            if what == "start" or getattr(self, f"_count_{what}s")() >= number:
                return time.monotonic() - self.began
            time.sleep(0.002)
        return None

    def _count_rows(self) -> int:
        history = self.run / "history.jsonl"
        return history.read_text().count("\n") if history.exists() else 0

    def _count_checkpoints(self) -> int:
        self.begun |= {path.name for path in self.run.glob("checkpoints/.*-step-*.keras")}
        return len(self.begun)  # each one is a hidden file first

    def end(self) -> str:
        """Waits for its end; gives what it said."""
        self.process.wait()
        return " ".join(self.log.read_text().split())


def train_whole(source: Path, run: Path) -> Whole:
    """Trains without a break."""
    training = Training(source, run)
    row = training.wait_for("row", 1)
    said = training.end()
    if training.process.returncode or row is None:
        sys.exit(f"the unbroken run of {source} failed: {said[-2000:]}")
    return Whole(run, row, time.monotonic() - training.began)


def draw(randomly: random.Random, whole: Whole) -> Moment:
    """A moment: 1 in 5 ahead of the first step, 2 in 5 as a checkpoint is written, else any."""
    kind = randomly.choices(("start", "checkpoint", "row"), (1, 2, 2))[0]
    if kind == "start":
        return Moment(kind, randomly.uniform(0, whole.row))
    if kind == "checkpoint":
        return Moment(kind, randomly.uniform(0, 0.03), randomly.randint(1, STEPS // EVERY))
    pace = (whole.end - whole.row) / STEPS  # by rows, as no machine is even
    return Moment(kind, randomly.uniform(0, pace), randomly.randint(1, STEPS))


def kill(source: Path, run: Path, moment: Moment) -> bool:
    """Trains until a moment and kills the process; False if it had ended before."""
    training = Training(source, run)
    if training.wait_for(moment.after, moment.number) is None:
        return False
    time.sleep(moment.delay)
    training.process.kill()
    return training.process.wait() < 0


def found(run: Path, method: str) -> dict:
    """What a kill left: the stage, the last step with a row, what was being written."""
    history = run / "history.jsonl"
    steps = re.findall(r'"step": (\d+),', history.read_text()) if history.exists() else []
    step = int(steps[-1]) if steps else 0
    unfinished = sorted(path.name for path in run.rglob(".[0-9]*-*"))
    return {
        "method": method,
        "stage": JOBS[method].stage(step) if run.exists() else "before the run is made",
        "step": step,
        "writing": re.sub(r"^\.\d+-", "", unfinished[0]) if unfinished else None,
        "checkpoints": len(list(run.glob("checkpoints/step-*.keras"))),
    }


def go_on(source: Path, run: Path) -> dict:
    """Resumes as a user would: by --resume, or anew where that says that there is nothing yet."""
    training = Training(source, run, resume=True)
    said = training.end()
    anew = training.process.returncode == 2 and NOT_BEGUN in said
    if anew:
        training = Training(source, run)
        said = training.end()
    at = re.search(r"resuming from step (\d+)", said)
    result = {"anew": anew, "from": int(at[1]) if at else 0}
    if training.process.returncode:
        return {**result, "resumed": False, "said": said[-2000:]}
    return {**result, "resumed": True}


def compared(whole: Path, broken: Path) -> dict:
    """Whether all numbers of two final models, and their rows of losses, are the same bits."""
    one, two = (dict(numbers(run / "model.keras")) for run in (whole, broken))
    if [(name, v.shape, v.dtype) for name, v in one.items()] != [
        (name, v.shape, v.dtype) for name, v in two.items()
    ]:
        return {"equal": False, "difference": None}
    apart = [name for name in one if one[name].tobytes() != two[name].tobytes()]
    differences = [np.abs(one[n].astype(float) - two[n].astype(float)).max() for n in apart]
    rows = [(run / "history.jsonl").read_text() for run in (whole, broken)]
    return {
        "equal": not apart,
        "difference": float(max(differences, default=0.0)),
        "rows equal": rows[0] == rows[1],
    }


def numbers(model: Path) -> Iterator[tuple[str, np.ndarray]]:
    """Every array in a `.keras` file by its path: weights, optimizers, pools, counters."""
    with zipfile.ZipFile(model) as archive:
        weights = io.BytesIO(archive.read("model.weights.h5"))
    with h5py.File(weights) as file:
        found: dict[str, np.ndarray] = {}
        file.visititems(
            lambda name, item: (
                found.__setitem__(name, item[()]) if isinstance(item, h5py.Dataset) else None
            )
        )
    yield from sorted(found.items())


def told(row: dict) -> str:
    """A row for people."""
    writing = f", writing {row['writing']}" if row["writing"] else ""
    at = f"{row['method']:9} {row['stage']}, step {row['step']}{writing}"
    if not row["resumed"]:
        return f"{at}: LOST: {row['said']}"
    origin = "anew" if row["anew"] else f"from step {row['from']}"
    end = "equal" if row["equal"] else f"DIFFERS by {row['difference']}"
    return f"{at}: resumed {origin}, {end}"


def main(words: list[str]) -> int:
    """Trains each method whole, then kills and resumes; gives 1 if a run was lost or differs."""
    given = _arguments(words)
    folder, randomly = given.folder.resolve(), random.Random(given.seed)
    if folder.exists() and any(folder.iterdir()):
        sys.exit(f"--folder must be new or empty, {folder} is not")
    folder.mkdir(parents=True, exist_ok=True)
    write_images(folder)
    # In turn, so that each has its share; all else is drawn.
    order = [given.method[number % len(given.method)] for number in range(given.kills)]
    sources = {name: write_job(name, folder, given.seed) for name in dict.fromkeys(order)}
    wholes = {}
    for name, source in sources.items():
        wholes[name] = train_whole(source, folder / f"{name}-whole")
        print(f"{name}: unbroken run in {wholes[name].end:.0f} s", flush=True)
    randomly.shuffle(order)
    rows: list[dict] = []
    for number, name in enumerate(order, 1):
        run = folder / f"{name}-{number}"
        rows.append(_one(randomly, sources[name], run, wholes[name], name))
        print(f"{number:3} {told(rows[-1])}", flush=True)
        _write(folder / "kill_runs.json", rows, given, words)
    good = sum(row["resumed"] and row["equal"] and row["rows equal"] for row in rows)
    print(f"{good} of {len(rows)} resumed and ended as the unbroken run, bit for bit")
    return int(good < len(rows))


def _one(randomly: random.Random, source: Path, run: Path, whole: Whole, method: str) -> dict:
    for _ in range(TRIES):
        moment = draw(randomly, whole)
        if kill(source, run, moment):
            break
        shutil.rmtree(run, ignore_errors=True)  # it had ended
    else:
        sys.exit(f"{method} ended ahead of {TRIES} moments: the machine is too uneven")
    row = {**found(run, method), "moment": vars(moment)}
    row |= go_on(source, run)
    row |= compared(whole.run, run) if row["resumed"] else {"equal": False, "difference": None}
    row.setdefault("rows equal", False)
    if row["equal"] and row["rows equal"]:
        shutil.rmtree(run)  # what differs stays, to be looked at
    return row


def _write(file: Path, rows: list[dict], given: argparse.Namespace, words: list[str]) -> None:
    result = {
        "command": f"scripts/kill_runs {shlex.join(words)}".strip(),
        "date": datetime.date.today().isoformat(),
        "seed": given.seed,
        "machine": machine(),
        "versions": versions(PACKAGES),
        "steps": STEPS,
        "kills": rows,
    }
    file.write_text(json.dumps(result, indent=1) + "\n")


def _arguments(words: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="scripts/kill_runs")
    parser.add_argument("kills", type=whole_number, nargs="?", default=50, help="kills in all")
    parser.add_argument("--folder", type=Path, default=Path("runs/kill_runs"), help="new or empty")
    parser.add_argument("--seed", type=int, default=0, help="of what and when, and of the runs")
    parser.add_argument("--method", action="append", choices=JOBS, help="one of them; repeatable")
    given = parser.parse_args(words)
    given.method = given.method or list(JOBS)
    return given


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
