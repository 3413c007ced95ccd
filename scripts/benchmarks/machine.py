"""The machine and software that a result was measured with, and where things are on it."""

import os
import platform
import sys
from collections.abc import Iterable
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from exporters.benchmark.latency_record import processor

ROOT = Path(__file__).parents[2]
TORCH_PYTHON = ROOT / ".venv" / "bench" / "bin" / "python"  # scripts/bench installs PyTorch there
PUBLISH = "python -m scripts.results.publish"


def machine() -> str:
    """Architecture, name and instruction set of the processor."""
    from tf_translate.layers.cpu import instruction_set  # late, as it loads TensorFlow

    return f"{platform.machine()}, {processor()}, {instruction_set()}"


def versions(packages: Iterable[str]) -> dict[str, str]:
    """Versions by package, without the packages that are not installed."""
    found = {}
    for package in packages:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


def installed_torch(benchmark: str) -> Path:
    """The Python interpreter that has PyTorch; exits with code 2 where there is none."""
    if not TORCH_PYTHON.is_file():
        print(
            f"error: PyTorch is not installed in {TORCH_PYTHON.parents[1]}; "
            f"`scripts/bench {benchmark}` installs it",
            file=sys.stderr,
        )
        sys.exit(2)
    return TORCH_PYTHON


def with_root_on_path(**variables: str) -> dict[str, str]:
    """The environment of a child process that imports `scripts` from any working directory."""
    path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
    return {**os.environ, "PYTHONPATH": path, **variables}
