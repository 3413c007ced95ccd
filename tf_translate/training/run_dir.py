"""The run directory: the files that training writes, each complete or not at all.

`config.json`, `data.json` (which images are in which split), `checkpoints/step-N.keras`,
`history.jsonl` (losses), `sessions.jsonl` (when, how long and on which hardware training ran),
`samples/` (preview images), `logs/` (TensorBoard) and `lock` (who trains it). At the end, or when
training is stopped, `kept_images.npz` (a few images, so that `export` needs no data set), and at
the end `model.keras`. If the best checkpoint is selected, `checkpoints/best-N.keras` and
`assessments.jsonl` too. `times.jsonl` with a budget of time (`training.minutes`), and
`warnings.jsonl` if a likely failure was detected.
"""

import json
import os
import re
import shutil
import struct
import zipfile
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tf_translate.atomic_files import write_atomically, write_text_atomically
from tf_translate.errors import RunError

_STEP = {"step": int}
_SHOWN = 5  # broken lines and ignored files that a message names


class RunDir:
    """A run on disk.

    Args:
        path: Its folder; see `create` and `open`.
    """

    def __init__(self, path: str | Path):
        self.path = Path(path)
        self.config = self.path / "config.json"
        self.data = self.path / "data.json"
        self.kept_images = self.path / "kept_images.npz"
        self.lock = self.path / "lock"
        self.model = self.path / "model.keras"
        self.checkpoints = self.path / "checkpoints"
        self.samples = self.path / "samples"
        self.logs = self.path / "logs"
        self.history_file = self.path / "history.jsonl"
        self.sessions_file = self.path / "sessions.jsonl"
        self.assessments_file = self.path / "assessments.jsonl"
        self.times_file = self.path / "times.jsonl"
        self.warnings_file = self.path / "warnings.jsonl"

    @classmethod
    def create(cls, path: str | Path, config: dict, data: dict | None = None) -> "RunDir":
        """Creates a new run.

        Args:
            path: Its folder; must be new or empty.
            config: The resolved configuration.
            data: What `data.json` holds; None writes none.

        Raises:
            RunError: If the folder is not empty or cannot be written.
        """
        cls.check_free(path)
        run = cls(path)
        try:
            run.checkpoints.mkdir(parents=True, exist_ok=True)
            if data is not None:
                run.write_data(data)
            run.write_config(config)  # last: a folder with this file is a run
        except OSError as error:
            raise run.unwritable(error.strerror or str(error)) from error
        return run

    @classmethod
    def check_free(cls, path: str | Path) -> None:
        """Raises RunError if `path` is not empty or cannot be written.

        What a killed `create` leaves behind counts as empty.
        """
        run = cls(path)
        if run.path.exists() and not (run.path.is_dir() and run._is_empty()):
            if not run.config.exists():
                raise RunError(
                    f"{run.path} already holds files that are not a run; choose another --run"
                )
            raise RunError(
                f"{run.path} already holds a run; continue it with --resume or choose another "
                "--run; to continue with other settings, start a new run from its weights: --run "
                f"NEW --set training.init_from={run.path}"
            )
        run.check_writable()

    def check_writable(self) -> None:
        """Raises RunError if the folder, or the folder to create it in, is read-only."""
        folder = self.path
        while not folder.exists() and folder != folder.parent:
            folder = folder.parent
        if not os.access(folder, os.W_OK):
            raise self.unwritable(f"{folder} is read-only")

    def _is_empty(self) -> bool:
        """Whether there is no more than a killed `create` leaves behind."""
        unfinished = {
            *(self.checkpoints, self.lock, self.data),
            *self.path.glob(f".[0-9]*-{self.config.name}"),
            *self.path.glob(f".[0-9]*-{self.data.name}"),
        }
        return set(self.path.iterdir()) <= unfinished and not any(self.checkpoints.glob("*"))

    def unwritable(self, reason: str) -> RunError:
        """The error for a run whose folder cannot be written."""
        return RunError(
            f"the run cannot be written to {self.path}: {reason}; make that folder writable or "
            "choose another --run"
        )

    @classmethod
    def open(cls, path: str | Path) -> "RunDir":
        """Opens an existing run.

        Raises:
            RunError: If there is none at `path`, or a folder is where a file belongs, or the
                reverse.
        """
        run = cls(path)
        if not run.config.exists():
            raise RunError(
                f"{run.path} is not a run: it has no config.json; `tf-translate train METHOD --run "
                f"{run.path}` makes one"
            )
        folders = {run.checkpoints, run.samples, run.logs}
        files = {each for each in vars(run).values() if each not in folders} - {run.path}
        for each in sorted(folders | files):
            if each.exists() and each.is_dir() != (each in folders):
                expected, found = ("folder", "file") if each in folders else ("file", "folder")
                raise RunError(
                    f"{each} must be a {expected}, but is a {found}; move it out of the run"
                )
        return run

    def write_config(self, config: dict) -> None:
        """Writes the configuration that the run uses from now on."""
        write_text_atomically(self.config, json.dumps(config, indent=2))

    def read_config(self) -> dict:
        """The configuration of the run.

        Raises:
            RunError: If the file is broken.
        """
        try:
            return _read_object(self.config)
        except RunError as error:
            raise RunError(f"{error}; restore a copy of it, or start a new run") from error

    def write_data(self, data: dict) -> None:
        """Writes which images the run uses from now on."""
        write_text_atomically(self.data, json.dumps(data, indent=1))

    def read_data(self) -> dict:
        """Which images the run was trained on.

        Raises:
            RunError: If the file is missing or broken.
        """
        if not self.data.exists():
            raise RunError(f"{self.path} has no {self.data.name}, which lists its images")
        return _read_object(self.data)

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
        """The checkpoint that was kept as the best, or None if none was selected.

        Raises:
            RunError: If it is broken.
        """
        found = self._best_checkpoints()
        if found and not is_intact(found[0]):
            raise RunError(
                f"the best checkpoint {found[0]} is broken (truncated or with a wrong checksum); "
                "restore a copy, or delete it so that the newest checkpoint takes its place"
            )
        return found[0] if found else None

    def keep_best(self, checkpoint: Path) -> None:
        """Keeps a copy of a checkpoint as the best one, and deletes the previous best."""
        target = checkpoint.with_name(checkpoint.name.replace("step-", "best-"))
        write_atomically(target, lambda file: shutil.copyfile(checkpoint, file))
        for old in self._best_checkpoints():
            if old != target:
                old.unlink()

    def newest_checkpoint(self) -> Path | None:
        """The newest intact checkpoint, or None if there is none."""
        return next((path for path in self.checkpoints_newest_first() if is_intact(path)), None)

    def checkpoints_newest_first(self) -> list[Path]:
        """All checkpoints except the best one, intact or not."""
        return self._files_by_step("step")

    def _best_checkpoints(self) -> list[Path]:
        return self._files_by_step("best")

    def _files_by_step(self, kind: str) -> list[Path]:
        """The files `kind-N.keras` of exactly that form, from the last step to the first."""
        found = [path for path in self.checkpoints.glob(f"{kind}-*.keras") if _is_checkpoint(path)]
        return sorted(found, key=_step_of, reverse=True)

    def ignored_checkpoints(self) -> list[str]:
        """Names in `checkpoints/` that training has not written, such as copies; sorted."""
        return sorted(
            path.name
            for path in self.checkpoints.glob("*")
            if not _is_checkpoint(path)
            and not re.fullmatch(r"\.\d+-.*|(step|best)-\d+\.keras\.broken", path.name)
        )

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

    def finished_model(self, report: Callable[[str], None] = lambda _: None) -> Path:
        """The model that later commands load.

        That is the best checkpoint, else the newest intact one, else `model.keras` if checkpoints
        were deleted.

        Args:
            report: Called with a sentence about each newer checkpoint that is broken.

        Raises:
            RunError: If none of them exists, or the best one or all of them are broken.
        """
        best = self.best_checkpoint()
        if best is not None:
            return best
        for path in (*self.checkpoints_newest_first(), self.model):
            if path.is_file() and is_intact(path):
                return path
            if path.is_file():
                report(f"{path} is broken (truncated or with a wrong checksum) and is not used")
        if self.model.is_file():
            raise RunError(
                f"{self.model} cannot be read (it is truncated or has a wrong checksum), and "
                "there is no intact checkpoint; restore a copy"
            )
        raise RunError(
            f"{self.path} holds no model yet; train it first: "
            f"tf-translate train ... --run {self.path} --resume"
        )

    def history(self) -> list[dict]:
        """The rows of losses; broken lines, such as one that a crash cut off, are left out."""
        return _read_rows(self.history_file, _STEP).rows

    def assessments(self) -> list[dict]:
        """The metrics of the assessed checkpoints; empty if no best checkpoint is selected."""
        return _read_rows(self.assessments_file, self._fields()[self.assessments_file]).rows

    def times(self) -> list[dict]:
        """Seconds used up to each checkpoint; empty without a budget of time."""
        return _read_rows(self.times_file, self._fields()[self.times_file]).rows

    def sessions(self) -> list[dict]:
        """Each time that training ran, with its first and last step and its seconds.

        One that was killed left no row.
        """
        fields = {"from_step": int, "to_step": int, "seconds": float}
        return _read_rows(self.sessions_file, fields).rows

    def warnings(self) -> list[dict]:
        """The warnings of likely failures that were reported so far."""
        return _read_rows(self.warnings_file, self._fields()[self.warnings_file]).rows

    def _fields(self) -> dict[Path, Mapping[str, type]]:
        """The fields that a row of each file must have, with their types."""
        return {
            self.history_file: _STEP,
            self.assessments_file: {**_STEP, "score": float},
            self.times_file: {**_STEP, "seconds": float},
            self.warnings_file: {**_STEP, "name": str, "source": str},
        }

    def discard_after(self, step: int) -> list[str]:
        """Deletes unfinished files, and all rows past `step`.

        A checkpoint past it could not be read. It is renamed to `NAME.broken` and ignored. Lines
        that are no valid rows are moved to `NAME.jsonl.broken`.

        Returns:
            A sentence about each file with such lines.
        """
        for folder in (self.path, self.checkpoints):
            for unfinished in folder.glob(".[0-9]*-*"):
                unfinished.unlink()
        for path in self.checkpoints_newest_first():
            if _step_of(path) > step:
                path.replace(path.with_name(f"{path.name}.broken"))
        for best in self._best_checkpoints():
            if _step_of(best) > step:
                best.unlink()
        sentences = [
            _keep_rows(file, fields, step)
            for file, fields in self._fields().items()
            if file.is_file() or file == self.history_file
        ]
        if self.sessions_file.is_file():  # sessions are kept whatever their steps
            sentences.append(_keep_rows(self.sessions_file, {}))
        return [sentence for sentence in sentences if sentence]


def _is_checkpoint(path: Path) -> bool:
    return re.fullmatch(r"(step|best)-\d{8,}\.keras", path.name) is not None and path.is_file()


def _step_of(checkpoint: Path) -> int:
    return int(checkpoint.stem.rpartition("-")[2])


def _read_object(path: Path) -> dict[str, Any]:
    """Reads a JSON object; RunError if the file is anything else."""
    try:
        values = json.loads(path.read_bytes())
    except (ValueError, RecursionError) as error:
        raise RunError(f"{path} is broken: {error}") from error
    if not isinstance(values, dict):
        kind = type(values).__name__
        raise RunError(f"{path} is broken: it must hold a JSON object, got {kind}")
    return values


@dataclass(frozen=True)
class _Rows:
    """The lines of a JSON Lines file.

    Attributes:
        rows: The valid rows.
        lines: The line of each, as it is in the file.
        broken: Number, counted from 1, and content of each other line that is not empty.
    """

    rows: list[dict]
    lines: list[bytes]
    broken: list[tuple[int, bytes]]


def _read_rows(path: Path, fields: Mapping[str, type]) -> _Rows:
    """Reads the rows that are objects with these fields; a missing file has none."""
    found = _Rows([], [], [])
    if not path.exists():
        return found
    for number, line in enumerate(path.read_bytes().split(b"\n"), 1):
        row = _parse_row(line, fields)
        if row is not None:
            found.rows.append(row)
            found.lines.append(line)
        elif line.strip():
            found.broken.append((number, line))
    return found


def _parse_row(line: bytes, fields: Mapping[str, type]) -> dict | None:
    try:
        row = json.loads(line)
    except (ValueError, RecursionError):  # UnicodeDecodeError is a ValueError
        return None
    if not isinstance(row, dict):
        return None
    return row if all(_is_of(row.get(name), kind) for name, kind in fields.items()) else None


def _is_of(value: object, kind: type) -> bool:
    kinds = (int, float) if kind is float else (kind,)
    return isinstance(value, kinds) and not isinstance(value, bool)


def _keep_rows(path: Path, fields: Mapping[str, type], last_step: int | None = None) -> str:
    """Keeps the valid rows, up to a step if one is given; returns a sentence about broken lines."""
    found = _read_rows(path, fields)
    if found.broken:
        aside = path.with_name(f"{path.name}.broken")
        with aside.open("ab") as file:
            file.writelines(line + b"\n" for _, line in found.broken)
            file.flush()
            os.fsync(file.fileno())
    kept = [
        line + b"\n"
        for row, line in zip(found.rows, found.lines, strict=True)
        if last_step is None or row["step"] <= last_step
    ]
    write_atomically(path, lambda file: file.write_bytes(b"".join(kept)))
    if not found.broken:
        return ""
    numbers = shorten([str(number) for number, _ in found.broken])
    count = len(found.broken)
    return (
        f"{path} has {count} broken line{'' if count == 1 else 's'} ({numbers}), moved to "
        f"{aside.name}; its {len(found.rows)} other lines are intact"
    )


def shorten(names: Sequence[str]) -> str:
    """Formats names for a message: the first few, and how many more there are."""
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more


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
