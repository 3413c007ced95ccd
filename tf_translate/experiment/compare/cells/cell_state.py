"""The state of a cell by the files in its folder, and what is kept of it when it is finished."""

import datetime
import functools
import json
import os
import platform
import shlex
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import tensorflow as tf

from tf_translate.atomic_files import write_atomically, write_text_atomically
from tf_translate.errors import RunError
from tf_translate.experiment.compare.cells.cell import Cell
from tf_translate.experiment.compare.cells.cell_images import keep_images
from tf_translate.experiment.configure import read_config
from tf_translate.experiment.evaluate import JUDGES
from tf_translate.training.run_dir import RunDir
from tf_translate.version import __version__

CELL, METRICS, GRID = "cell.json", "metrics.json", "grid.png"
NEW, STARTED, TRAINED, FINISHED = "new", "started", "trained", "finished"


def state_of(cell: Cell) -> str:
    """What is done of a cell: NEW, STARTED, TRAINED or FINISHED."""
    run = RunDir(cell.folder)
    if (cell.folder / CELL).is_file():
        return FINISHED
    if run.model.is_file():
        return TRAINED
    return STARTED if run.config.is_file() else NEW


@dataclass(frozen=True)
class TrainingProgress:
    """How far the training of a cell is.

    Attributes:
        step: The last step of its history, or that its last ended session reached.
        steps: Number of steps that fit into its budget; 0 before they are known.
        minutes: Minutes used up to its last checkpoint, or in its ended sessions.
    """

    step: int = 0
    steps: int = 0
    minutes: float = 0.0


def progress_of(cell: Cell) -> TrainingProgress:
    """How far the training of a cell is, as far as its files tell."""
    run = RunDir(cell.folder)
    if not run.config.is_file():
        return TrainingProgress()
    times, sessions = run.times(), run.sessions()
    ended = [int(each["to_step"]) for each in sessions]
    seconds = times[-1]["seconds"] if times else sum(each["seconds"] for each in sessions)
    known = [_last_step(run.history_file), *ended, *(int(each["step"]) for each in times[-1:])]
    return TrainingProgress(
        max(known), int(run.read_config()["training"]["steps"]), float(seconds) / 60
    )


def _last_step(file: Path) -> int:
    """The step of the last complete row of a history; 0 if there is none."""
    if not file.is_file():
        return 0
    with file.open("rb") as lines:
        lines.seek(max(0, file.stat().st_size - 8192))
        rows = lines.read().split(b"\n")[:-1]
    try:
        return int(json.loads(rows[-1])["step"]) if rows else 0
    except (ValueError, KeyError):
        return 0


def lend_judges(cell: Cell) -> None:
    """Copies the judges of cells evaluated before into a cell.

    The files are named by a hash of their training images and settings, so the cell uses those
    that it would train itself, and trains the others.
    """
    copy_judges(cell.folder.parent / JUDGES, cell.folder / "evaluation" / JUDGES)


def copy_judges(source: Path, target: Path) -> None:
    """Copies judges that are whole, and that `target` lacks.

    A judge is a network and, written after it, the metadata beside it: without these it is trained
    again.
    """
    for metadata in source.glob("[!.]*.json"):
        network = metadata.with_suffix(".keras")
        if not network.is_file() or (target / metadata.name).exists():
            continue
        for file in (network, metadata):
            write_atomically(target / file.name, functools.partial(shutil.copyfile, file))


def finish(
    cell: Cell, *, task: str, command: str, core: int | None, keep_weights: bool
) -> dict[str, Any]:
    """Keeps metrics, images and a record of an evaluated cell, and deletes its weights.

    Args:
        cell: The cell.
        task: Name of the task.
        command: The command that repeats it.
        core: The core it ran on; None if it was not pinned.
        keep_weights: Whether checkpoints, model, judges and all evaluated images stay.

    Returns:
        What `cell.json` holds.

    Raises:
        RunError: If the evaluation has no metrics of the cell's direction.
    """
    run, config = RunDir.open(cell.folder), read_config(cell.folder)
    evaluation = cell.folder / "evaluation"
    protocol = f"test{config.data.size[0]}"
    files = [evaluation / f"{protocol}.json", *sorted(evaluation.glob("*.json"))]
    file = next((each for each in files if each.is_file()), None)
    if file is None:
        raise RunError(f"{evaluation} has no metrics; run the comparison again")
    metrics = json.loads(file.read_text("utf-8"))
    if cell.direction not in metrics["directions"]:
        raise RunError(
            f"the task measures the direction {cell.direction!r} of {cell.name}, but {file} has "
            f"{', '.join(metrics['directions'])}; set `direction` of the layout to one of them"
        )
    shutil.copyfile(file, cell.folder / METRICS)
    shutil.copyfile(evaluation / f"{cell.direction}.png", cell.folder / GRID)
    images = evaluation / f"{cell.direction}.npz"
    if images.is_file():  # `compare collect` says where it is missing
        keep_images(images, cell.folder)
    copy_judges(evaluation / JUDGES, cell.folder.parent / JUDGES)
    record = {
        "task": task,
        "method": cell.method,
        "name": cell.name,
        "seed": cell.seed,
        "direction": cell.direction,
        "uses": list(cell.uses),
        **({} if cell.ablation is None else {"ablation": cell.ablation.record()}),
        "command": command,
        "commands": [
            shlex.join(["tf-translate", *arguments])
            for arguments in (cell.train_arguments(), cell.evaluate_arguments())
        ],
        **_training(run, cell),
        "precision": config.training.precision,
        "core": core,
        "machine": machine(),
        "revision": _revision(),
        "versions": versions(),
        "date": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
    }
    text = json.dumps(record, indent=2, ensure_ascii=False) + "\n"
    write_text_atomically(cell.folder / CELL, text)
    if not keep_weights:  # after the record: a cell without both would be trained again
        _delete_weights(run)
    return record


def _training(run: RunDir, cell: Cell) -> dict[str, Any]:
    """Steps and time of the training."""
    times = run.times()  # of a training that ends in time
    seconds = times[-1]["seconds"] if times else _seconds_of_sessions(run)
    sessions = run.sessions()
    return {
        "steps": times[-1]["step"] if times else sessions[-1]["to_step"] if sessions else 0,
        "planned_steps": run.read_config()["training"]["steps"],
        "minutes": None if seconds is None else round(seconds / 60, 2),
        "budget_minutes": cell.minutes,
        "steps_from": cell.steps_from,
    }


def _seconds_of_sessions(run: RunDir) -> float | None:
    """Seconds of all sessions; None if one was killed, and steps are missing."""
    sessions, step = run.sessions(), 0
    for each in sessions:
        if each["from_step"] != step:
            return None
        step = each["to_step"]
    return sum(each["seconds"] for each in sessions)


def _delete_weights(run: RunDir) -> None:
    for folder in (run.checkpoints, run.path / "evaluation" / JUDGES, run.path / "classifiers"):
        shutil.rmtree(folder, ignore_errors=True)
    run.checkpoints.mkdir()  # part of every run
    images = (run.path / "evaluation").glob("*.npz")  # of all directions: about 20 MB each
    for file in (run.model, run.kept_images, *images):
        file.unlink(missing_ok=True)


def machine() -> dict[str, Any]:
    """Processor, number of cores and system of this machine, for records."""
    return {
        "processor": _processor(),
        "cores": os.cpu_count(),
        "system": f"{platform.system()} {platform.machine()}",
    }


def versions() -> dict[str, str]:
    """Versions of the packages, for records."""
    return {
        "tensorflow": tf.__version__,
        "keras": keras.__version__,
        "tf_translate": __version__,
        "python": platform.python_version(),
    }


def _processor() -> str:
    """The name of the processor, which Linux tells in a file only."""
    file = Path("/proc/cpuinfo")
    lines = file.read_text().splitlines() if file.is_file() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor()


def _revision() -> str | None:
    """The commit of the clone that this package is in; None outside of a clone."""
    command: Sequence[str] = ("git", "describe", "--always", "--dirty", "--abbrev=12")
    try:
        done = subprocess.run(
            command, cwd=Path(__file__).parent, capture_output=True, text=True, check=False
        )
    except OSError:  # there is no git
        return None
    return done.stdout.strip() or None
