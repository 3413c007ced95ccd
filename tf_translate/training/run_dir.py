"""The run directory: the files that training writes, each complete or not at all.

`config.json`, `checkpoints/step-N.keras`, `history.jsonl` (losses), `sessions.jsonl` (when, how
long and on which hardware training ran), `samples/` (preview images), `logs/` (TensorBoard) and,
at the end, `model.keras`. If the best checkpoint is selected, `checkpoints/best-N.keras` and
`assessments.jsonl` too. `warnings.jsonl` if a likely failure was detected.
"""

import contextlib
import json
import os
import shutil
import struct
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

from tf_translate.errors import RunError


class RunDir:
    """A run on disk.

    Args:
        path: Its folder; see `create` and `open`.
    """

    def __init__(self, path: str | Path):
        self.path = Path(path)
        self.config = self.path / "config.json"
        self.model = self.path / "model.keras"
        self.checkpoints = self.path / "checkpoints"
        self.samples = self.path / "samples"
        self.logs = self.path / "logs"
        self.history_file = self.path / "history.jsonl"
        self.sessions_file = self.path / "sessions.jsonl"
        self.assessments_file = self.path / "assessments.jsonl"
        self.warnings_file = self.path / "warnings.jsonl"

    @classmethod
    def create(cls, path: str | Path, config: dict) -> "RunDir":
        """Creates a new run.

        Raises:
            RunError: If the folder is not empty or cannot be written.
        """
        cls.check_free(path)
        run = cls(path)
        try:
            run.checkpoints.mkdir(parents=True, exist_ok=True)
            run.write_config(config)
        except OSError as error:
            raise run._unwritable(error.strerror or str(error)) from error
        return run

    @classmethod
    def check_free(cls, path: str | Path) -> None:
        """Raises RunError if `path` is not empty or cannot be written.

        What a killed `create` leaves behind counts as empty.
        """
        run = cls(path)
        if run.path.exists() and not (run.path.is_dir() and run._is_empty()):
            content = "a run" if run.config.exists() else "files that are not a run"
            suggestion = "continue it with --resume or choose" if run.config.exists() else "choose"
            raise RunError(f"{run.path} already holds {content}; {suggestion} another --run")
        run.check_writable()

    def check_writable(self) -> None:
        """Raises RunError if the folder, or the folder to create it in, is read-only."""
        folder = self.path
        while not folder.exists() and folder != folder.parent:
            folder = folder.parent
        if not os.access(folder, os.W_OK):
            raise self._unwritable(f"{folder} is read-only")

    def _is_empty(self) -> bool:
        """Whether there is no more than a killed `create` leaves behind."""
        unfinished = {self.checkpoints, *self.path.glob(f".[0-9]*-{self.config.name}")}
        return set(self.path.iterdir()) <= unfinished and not any(self.checkpoints.glob("*"))

    def _unwritable(self, reason: str) -> RunError:
        return RunError(
            f"the run cannot be written to {self.path}: {reason}; make that folder writable or "
            "choose another --run"
        )

    @classmethod
    def open(cls, path: str | Path) -> "RunDir":
        """Opens an existing run.

        Raises:
            RunError: If there is none at `path`.
        """
        run = cls(path)
        if not run.config.is_file():
            raise RunError(
                f"{run.path} is not a run: it has no config.json; start one without --resume"
            )
        return run

    def write_config(self, config: dict) -> None:
        """Writes the configuration that the run uses from now on."""
        write_atomically(self.config, lambda file: file.write_text(json.dumps(config, indent=2)))

    def read_config(self) -> dict:
        """The configuration of the run."""
        try:
            return json.loads(self.config.read_text())
        except ValueError as error:
            raise RunError(f"{self.config} is broken: {error}") from error

    def save_checkpoint(self, save: Callable[[Path], None], step: int, keep: int) -> Path:
        """Writes a checkpoint atomically, then deletes all but the newest `keep`."""
        target = self.checkpoint(step)
        write_atomically(target, save)
        for old in self.checkpoints_newest_first()[keep:]:
            old.unlink()
        return target

    def checkpoint(self, step: int) -> Path:
        """Path of the checkpoint of a step, whether it exists or not."""
        return self.checkpoints / f"step-{step:08d}.keras"

    def best_checkpoint(self) -> Path | None:
        """The checkpoint that was kept as the best, or None if none was selected."""
        found = sorted(self.checkpoints.glob("best-*.keras"))
        return found[-1] if found and is_intact(found[-1]) else None

    def keep_best(self, checkpoint: Path) -> None:
        """Keeps a copy of a checkpoint as the best one, and deletes the previous best."""
        target = checkpoint.with_name(checkpoint.name.replace("step-", "best-"))
        write_atomically(target, lambda file: shutil.copyfile(checkpoint, file))
        for old in self.checkpoints.glob("best-*.keras"):
            if old != target:
                old.unlink()

    def newest_checkpoint(self) -> Path | None:
        """The newest intact checkpoint, or None if there is none."""
        return next((path for path in self.checkpoints_newest_first() if is_intact(path)), None)

    def checkpoints_newest_first(self) -> list[Path]:
        """All checkpoints except the best one, intact or not."""
        return sorted(self.checkpoints.glob("step-*.keras"), reverse=True)

    def describe_last_checkpoint(self) -> str:
        """A clause that names the checkpoint that training can resume from."""
        newest = self.newest_checkpoint()
        if newest is None:
            return "there is no checkpoint yet"
        return f"the last intact checkpoint is {newest}"

    def resume_command(self) -> str:
        """The command that resumes the run, or starts it again if it was never created."""
        try:
            method, option = self.read_config()["method"], " --resume"
        except (RunError, OSError, KeyError):
            method, option = "...", " --resume" if self.config.exists() else ""
        return f"tf-translate train {method} --run {self.path}{option}"

    def ensure_checkpoint(self, save: Callable[[Path], None], step: int, keep: int) -> None:
        """Saves a checkpoint of `step` unless an intact one exists."""
        if not is_intact(self.checkpoint(step)):
            self.save_checkpoint(save, step, keep)

    def write_model(self, step: int) -> None:
        """Writes `model.keras`: a copy of the best checkpoint or, without one, that of `step`."""
        source = self.best_checkpoint() or self.checkpoint(step)
        write_atomically(self.model, lambda file: shutil.copyfile(source, file))

    def finished_model(self) -> Path:
        """The model that later commands load.

        That is the best checkpoint, else the newest one, else `model.keras` if checkpoints were
        deleted.

        Raises:
            RunError: If none of them exists.
        """
        checkpoint = self.best_checkpoint() or self.newest_checkpoint()
        if checkpoint is None and self.model.is_file():
            return self.model
        if checkpoint is None:
            raise RunError(
                f"{self.path} holds no model yet; train it first: "
                f"tf-translate train ... --run {self.path} --resume"
            )
        return checkpoint

    def history(self) -> list[dict]:
        """The rows of losses; a row that a crash cut off is left out."""
        return _read_rows(self.history_file)

    def assessments(self) -> list[dict]:
        """The metrics of the assessed checkpoints; empty if no best checkpoint is selected."""
        return _read_rows(self.assessments_file)

    def warnings(self) -> list[dict]:
        """The warnings of likely failures that were reported so far."""
        return _read_rows(self.warnings_file)

    def discard_after(self, step: int) -> None:
        """Deletes unfinished files, and all rows past `step`.

        A checkpoint past it could not be read. It is renamed to `NAME.broken` and ignored.
        """
        for folder in (self.path, self.checkpoints):
            for unfinished in folder.glob(".[0-9]*-*"):
                unfinished.unlink()
        for path in self.checkpoints_newest_first():
            if _step_of(path) > step:
                path.replace(path.with_name(f"{path.name}.broken"))
        for best in self.checkpoints.glob("best-*.keras"):
            if _step_of(best) > step:
                best.unlink()
        _truncate(self.history_file, step)
        for file in (self.assessments_file, self.warnings_file):
            if file.is_file():
                _truncate(file, step)


def _step_of(checkpoint: Path) -> int:
    return int(checkpoint.stem.rpartition("-")[2])


def _read_rows(path: Path) -> list[dict]:
    """The rows of a JSON Lines file, up to one that is cut off."""
    rows: list[dict] = []
    if not path.is_file():
        return rows
    for line in path.read_text().splitlines():
        try:
            rows.append(json.loads(line))
        except ValueError:
            break
    return rows


def _truncate(path: Path, step: int) -> None:
    """Keeps the rows up to a step."""
    text = "".join(json.dumps(row) + "\n" for row in _read_rows(path) if row["step"] <= step)
    write_atomically(path, lambda file: file.write_text(text))


def write_atomically(target: Path, write: Callable[[Path], object]) -> None:
    """Lets `write` fill a temporary file, flushes it to disk and renames it to `target`."""
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = target.with_name(f".{os.getpid()}-{target.name}")
    try:
        write(temporary)
        with temporary.open("rb") as file:
            os.fsync(file.fileno())
        temporary.replace(target)
        _flush(target.parent)
    finally:
        temporary.unlink(missing_ok=True)


def _flush(folder: Path) -> None:
    """Makes a rename survive a power cut, if the system can open folders."""
    if hasattr(os, "O_DIRECTORY"):
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            with contextlib.suppress(OSError):  # some network folders refuse; the file is there
                os.fsync(descriptor)
        finally:
            os.close(descriptor)


def is_intact(path: Path) -> bool:
    """Whether a `.keras` file is complete: a zip archive with only correct CRC-32 checksums."""
    # Errors of zipfile after a flipped byte: unknown compression, a password, invalid offsets.
    zip_errors = (OSError, EOFError, RuntimeError, ValueError, zipfile.BadZipFile, zlib.error)
    try:
        with zipfile.ZipFile(path) as archive:
            # A corrupt length in the directory can hide files; the end record has their count.
            count = len(archive.namelist())
            return 0 < count == _file_count(path) and archive.testzip() is None
    except (*zip_errors, struct.error, OverflowError, MemoryError):
        return False


def _file_count(path: Path) -> int:
    """The number of files by the end record of a zip archive without a comment."""
    with path.open("rb") as file:
        file.seek(-22, os.SEEK_END)
        signature, _, _, _, count, _, _, _ = struct.unpack("<4s4H2LH", file.read())
    return count if signature == b"PK\x05\x06" else 0
