"""The run directory: what training leaves on disk, whole or not at all.

`config.json`, `checkpoints/step-N.keras`, `history.jsonl` (losses), `sessions.jsonl` (when,
how long, on what), `samples/`, `logs/` and, at the end, `model.keras`. Where the best checkpoint is
chosen, `checkpoints/best-N.keras` and `assessments.jsonl` too; `warnings.jsonl` where something looked
like failing.
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
        self.history = self.path / "history.jsonl"
        self.sessions = self.path / "sessions.jsonl"
        self.assessed = self.path / "assessments.jsonl"
        self.signs = self.path / "warnings.jsonl"

    @classmethod
    def create(cls, path: str | Path, config: dict) -> "RunDir":
        """Makes a new run.

        Raises:
            RunError: If the folder holds something already or cannot be written.
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
        """Raises RunError if `path` holds something already or lies where nothing can be written.

        What a kill leaves of `create` counts as nothing.
        """
        run = cls(path)
        if run.path.exists() and not (run.path.is_dir() and run._is_bare()):
            what = "a run" if run.config.exists() else "files that are not a run"
            cure = "go on with --resume or choose" if run.config.exists() else "choose"
            raise RunError(f"{run.path} already holds {what}; {cure} another --run")
        run.check_writable()

    def check_writable(self) -> None:
        """Raises RunError if nothing can be written to the folder, or where it is to be made."""
        folder = self.path
        while not folder.exists() and folder != folder.parent:
            folder = folder.parent
        if not os.access(folder, os.W_OK):
            raise self._unwritable(f"{folder} is read-only")

    def _is_bare(self) -> bool:
        """Whether there is no more than `create` leaves when it is killed."""
        unfinished = {self.checkpoints, *self.path.glob(f".[0-9]*-{self.config.name}")}
        return set(self.path.iterdir()) <= unfinished and not any(self.checkpoints.glob("*"))

    def _unwritable(self, reason: str) -> RunError:
        return RunError(
            f"the run cannot be written to {self.path}: {reason}; make that folder writable or "
            "choose another --run"
        )

    @classmethod
    def open(cls, path: str | Path) -> "RunDir":
        """Opens a run that exists.

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
        """Writes the configuration the run goes by from now on."""
        write_whole(self.config, lambda file: file.write_text(json.dumps(config, indent=2)))

    def read_config(self) -> dict:
        """The configuration the run was made from."""
        try:
            return json.loads(self.config.read_text())
        except ValueError as error:
            raise RunError(f"{self.config} is broken: {error}") from error

    def save_checkpoint(self, save: Callable[[Path], None], step: int, keep: int) -> Path:
        """Writes a checkpoint whole, then drops all but the newest `keep`."""
        target = self.checkpoint(step)
        write_whole(target, save)
        for old in self.newest_first()[keep:]:
            old.unlink()
        return target

    def checkpoint(self, step: int) -> Path:
        """Where the checkpoint of a step is, or would be."""
        return self.checkpoints / f"step-{step:08d}.keras"

    def best_checkpoint(self) -> Path | None:
        """The checkpoint that was kept as the best, or None if none was chosen."""
        found = sorted(self.checkpoints.glob("best-*.keras"))
        return found[-1] if found and is_whole(found[-1]) else None

    def keep_best(self, checkpoint: Path) -> None:
        """Keeps a checkpoint as the best one, in place of any before."""
        target = checkpoint.with_name(checkpoint.name.replace("step-", "best-"))
        write_whole(target, lambda file: shutil.copyfile(checkpoint, file))
        for old in self.checkpoints.glob("best-*.keras"):
            if old != target:
                old.unlink()

    def newest_checkpoint(self) -> Path | None:
        """The newest checkpoint that is whole, or None if there is none."""
        return next((path for path in self.newest_first() if is_whole(path)), None)

    def newest_first(self) -> list[Path]:
        """All checkpoints but the best, whole or not."""
        return sorted(self.checkpoints.glob("step-*.keras"), reverse=True)

    def last_good(self) -> str:
        """What can be gone on from, in words."""
        newest = self.newest_checkpoint()
        return f"the last good checkpoint is {newest}" if newest else "there is no checkpoint yet"

    def go_on(self) -> str:
        """The command that goes on with the run, or begins it again if it was never made."""
        try:
            method, option = self.read_config()["method"], " --resume"
        except (RunError, OSError, KeyError):
            method, option = "...", " --resume" if self.config.exists() else ""
        return f"tf-translate train {method} --run {self.path}{option}"

    def finish(self, save: Callable[[Path], None], step: int, keep: int) -> None:
        """Makes sure that the last step has a checkpoint to go on from."""
        if not is_whole(self.checkpoint(step)):
            self.save_checkpoint(save, step, keep)

    def deliver(self, step: int) -> None:
        """Writes `model.keras`: the best checkpoint, or that of the last step."""
        chosen = self.best_checkpoint() or self.checkpoint(step)
        write_whole(self.model, lambda file: shutil.copyfile(chosen, file))

    def finished_model(self) -> Path:
        """What to use: the best checkpoint, the newest, or `model.keras` where those are gone.

        Raises:
            RunError: If there is none of them.
        """
        chosen = self.best_checkpoint() or self.newest_checkpoint()
        if chosen is None and self.model.is_file():
            return self.model
        if chosen is None:
            raise RunError(
                f"{self.path} holds no model yet; train it first: "
                f"tf-translate train ... --run {self.path} --resume"
            )
        return chosen

    def rows(self) -> list[dict]:
        """The rows of losses written so far; a row cut off by a crash is left out."""
        return _lines(self.history)

    def assessments(self) -> list[dict]:
        """The metrics of the checkpoints that were measured; empty where none is chosen."""
        return _lines(self.assessed)

    def noted_signs(self) -> list[dict]:
        """The signs of failing that were named so far."""
        return _lines(self.signs)

    def tidy(self, step: int) -> None:
        """Drops what a kill left: half-written files, and what was noted past `step`.

        A checkpoint past it could not be read; it becomes `NAME.broken`, which no one counts.
        """
        for folder in (self.path, self.checkpoints):
            for unfinished in folder.glob(".[0-9]*-*"):
                unfinished.unlink()
        for path in self.newest_first():
            if _step_of(path) > step:
                path.replace(path.with_name(f"{path.name}.broken"))
        for best in self.checkpoints.glob("best-*.keras"):
            if _step_of(best) > step:
                best.unlink()
        _cut(self.history, step)
        for noted in (self.assessed, self.signs):
            if noted.is_file():
                _cut(noted, step)


def _step_of(checkpoint: Path) -> int:
    return int(checkpoint.stem.rpartition("-")[2])


def _lines(path: Path) -> list[dict]:
    """The rows of a file, one a line, up to one that is cut off."""
    rows: list[dict] = []
    if not path.is_file():
        return rows
    for line in path.read_text().splitlines():
        try:
            rows.append(json.loads(line))
        except ValueError:
            break
    return rows


def _cut(path: Path, step: int) -> None:
    """Keeps the rows up to a step."""
    text = "".join(json.dumps(row) + "\n" for row in _lines(path) if row["step"] <= step)
    write_whole(path, lambda file: file.write_text(text))


def write_whole(target: Path, write: Callable[[Path], object]) -> None:
    """Lets `write` fill a file beside `target`, flushes it to disk and moves it there."""
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = target.with_name(f".{os.getpid()}-{target.name}")
    try:
        write(temporary)
        with temporary.open("rb") as written:
            os.fsync(written.fileno())
        temporary.replace(target)
        _flush(target.parent)
    finally:
        temporary.unlink(missing_ok=True)


def _flush(folder: Path) -> None:
    """Makes a rename outlast a power cut, where the system can open folders."""
    if hasattr(os, "O_DIRECTORY"):
        opened = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            with contextlib.suppress(OSError):  # some network folders refuse; the file is there
                os.fsync(opened)
        finally:
            os.close(opened)


def is_whole(path: Path) -> bool:
    """Whether a `.keras` file is complete: a zip of files whose checksums (CRC-32) all hold."""
    # What a flipped byte makes zipfile raise: another compression, a password, wild offsets.
    wrong = (OSError, EOFError, RuntimeError, ValueError, zipfile.BadZipFile, zlib.error)
    try:
        with zipfile.ZipFile(path) as archive:
            # A spoilt length in the directory can hide files: the end record has their number.
            files = len(archive.namelist())
            return 0 < files == _count_at_end(path) and archive.testzip() is None
    except (*wrong, struct.error, OverflowError, MemoryError):
        return False


def _count_at_end(path: Path) -> int:
    """The number of files by a zip's last record, which ends it where it has no comment."""
    with path.open("rb") as file:
        file.seek(-22, os.SEEK_END)
        mark, _, _, _, count, _, _, _ = struct.unpack("<4s4H2LH", file.read())
    return count if mark == b"PK\x05\x06" else 0
