"""Where a result comes from: what each result file holds beside its values."""

import datetime
from collections.abc import Iterable
from typing import Any

from scripts.benchmarks.machine import machine, versions
from scripts.results.advice_data import revision


def provenance(command: str, packages: Iterable[str]) -> dict[str, Any]:
    """The command that made a result, and the date, revision, machine and versions of packages."""
    return {
        "command": command,
        "date": datetime.date.today().isoformat(),
        "revision": revision(),
        "machine": machine(),
        "versions": versions(packages),
    }
