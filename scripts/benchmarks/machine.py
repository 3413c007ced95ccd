"""What results say of the machine and the software they were measured with."""

import platform
from collections.abc import Iterable
from importlib.metadata import PackageNotFoundError, version

from exporters.benchmark.latency_record import processor


def machine() -> str:
    """Architecture and name of the processor."""
    return f"{platform.machine()}, {processor()}"


def versions(packages: Iterable[str]) -> dict[str, str]:
    """Versions by package; those that are not installed are left out."""
    found = {}
    for package in packages:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found
