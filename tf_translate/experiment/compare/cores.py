"""Cores of this machine for cells: each cell gets one for itself, also beside other comparisons.

A core is held by a lock on a file in the folder of temporary files. The system frees it when the
process ends, however it ends, and those to which it handed the core: a cell whose comparison was
killed trains on, and no other cell gets its core meanwhile.
"""

import os
import tempfile
from io import BufferedRandom
from pathlib import Path

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]


class Core:
    """A core that this process holds.

    Args:
        index: Its number; None where processes cannot be pinned to a core.
        lock: The open file that holds it, or None.
    """

    def __init__(self, index: int | None, lock: BufferedRandom | None = None) -> None:
        self.index, self._lock = index, lock

    @property
    def inherited(self) -> tuple[int, ...]:
        """The open files that a process on this core must inherit (`pass_fds`)."""
        return () if self._lock is None else (self._lock.fileno(),)

    def release(self) -> None:
        """Frees it; safe to call twice."""
        if self._lock is not None:
            self._lock.close()
            self._lock = None


def can_pin() -> bool:
    """Whether this system can pin processes to cores."""
    return hasattr(os, "sched_setaffinity")


def count_cores() -> int:
    """Number of cores that this process may use."""
    return len(os.sched_getaffinity(0)) if can_pin() else os.cpu_count() or 1


def free_core() -> Core | None:
    """Takes a core that no other comparison holds; None if all are taken."""
    if not can_pin():
        return Core(None)
    for index in sorted(os.sched_getaffinity(0)):
        lock = _lock(index)
        if lock is not None:
            return Core(index, lock)
    return None


def holders() -> list[int]:
    """Processes that took the cores which this process may use, as far as they are known."""
    files = map(_file, sorted(os.sched_getaffinity(0))) if can_pin() else ()
    texts = [file.read_text("ascii", "replace").strip() for file in files if file.is_file()]
    return sorted({int(text) for text in texts if text.isdecimal() and _lives(int(text))})


def _lives(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # of another user
        pass
    return True


def _file(index: int) -> Path:
    return Path(tempfile.gettempdir()) / f"tf_translate-{os.getuid()}-core-{index}"


def _lock(index: int) -> BufferedRandom | None:
    file = _file(index).open("a+b")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        file.close()
        return None
    file.truncate(0)
    file.write(b"%d" % os.getpid())
    file.flush()
    return file
