"""Limits of the child process that runs a foreign model: time, memory, and no files."""

import math
import sys
import warnings
from dataclasses import dataclass
from numbers import Real
from pathlib import Path
from typing import Any

from exporters.arguments import shown
from exporters.errors import ExportError

_STATUS = Path("/proc/self/status")
_GIGABYTE = 1e9


@dataclass(frozen=True)
class Limits:
    """How long and how much memory a foreign model may take.

    Attributes:
        seconds: For loading a model, and for each call of a signature.
        memory_gb: Memory that the model may add to its process, in units of 10^9 bytes; on Linux
            only. `lint`, which keeps all tensors, takes the most: 1.3 for a ResNet with 9 blocks
            at 256 pixels, and four times that at 512.

    Raises:
        ExportError: If one of them is not above 0.
    """

    seconds: float = 120.0
    memory_gb: float = 4.0

    def __post_init__(self) -> None:
        for name, value in (("seconds", self.seconds), ("memory_gb", self.memory_gb)):
            if not (isinstance(value, Real) and math.isfinite(value) and value > 0):
                raise ExportError(
                    f"`{name}` of limits must be a number above 0, got {shown(value)}"
                )

    def warn_of_missing(self) -> None:
        """Warns of limits that this system does not offer; the command goes on without them."""
        if sys.platform == "win32":
            missing = "memory and files"
        elif not _STATUS.is_file():
            missing = "memory"
        else:
            return
        warnings.warn(
            f"the process that runs the foreign model is not limited in {missing}, because "
            f"{sys.platform} offers no such limit",
            stacklevel=2,
        )

    def restrict_this_process(self, *, largest_file: int = 0) -> None:
        """Limits the memory of this process from now on, and lets it put no bytes into a file.

        It can still create an empty file or delete one: these are rights of the user, not limits.

        What the process uses already does not count: Python, its packages, their threads. The
        caller keeps the time. What the system does not offer is left out: see `warn_of_missing`.

        Args:
            largest_file: Bytes that it may write into one file.

        Raises:
            ExportError: If the system refuses one of the limits.
        """
        if sys.platform == "win32":
            return
        import resource  # not on Windows

        _lower(resource.RLIMIT_CORE, 0)
        _lower(resource.RLIMIT_FSIZE, largest_file)  # pipes are not files
        if _STATUS.is_file():
            used = _data_in_use()
            _lower(resource.RLIMIT_DATA, used + int(self.memory_gb * _GIGABYTE))


def check_limits(limits: Any) -> None:
    """Raises ExportError unless it is None or holds limits."""
    if limits is not None and not isinstance(limits, Limits):
        raise ExportError(f"`limits` must be exporters.Limits or None, got {shown(limits)}")


def _lower(kind: int, most: int) -> None:
    import resource

    _, hard = resource.getrlimit(kind)
    most = most if hard == resource.RLIM_INFINITY else min(most, hard)
    try:
        resource.setrlimit(kind, (most, most))
    except (ValueError, OSError) as error:
        raise ExportError(
            f"the process that runs a foreign model cannot be limited ({error}), so it is not run"
        ) from error


def _data_in_use() -> int:
    """Bytes of this process that `RLIMIT_DATA` counts."""
    line = next(li for li in _STATUS.read_text().splitlines() if li.startswith("VmData"))
    return int(line.split()[1]) * 1024
