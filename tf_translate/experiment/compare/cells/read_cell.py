"""Reads the record and the metrics of a finished cell, which may be a stranger's, and checks them.

Keys of later versions are let pass, and those that earlier versions lack may be missing.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from tf_translate.config.setting_errors import first_reason
from tf_translate.errors import RunError
from tf_translate.experiment.compare.cells.cell_images import IMAGES, PER_IMAGE
from tf_translate.experiment.compare.cells.cell_state import METRICS

OUTPUT = "output"
CONFIG = "config.json"
Finite = Annotated[float, Field(allow_inf_nan=False)]
# The task is part of the names of files that a report writes.
TaskName = Annotated[str, StringConstraints(pattern=r"^[^/\\.\x00-\x1f][^/\\\x00-\x1f]*$")]


class _Checked(BaseModel):
    model_config = ConfigDict(extra="allow", strict=True)


Checked = TypeVar("Checked", bound=_Checked)


class _Ablation(_Checked):
    of: str
    without: str
    terms: list[str]
    role: str
    others: list[str] = []


class Record(_Checked):
    """What `cell.json` must hold; other keys are let pass."""

    task: TaskName
    name: str
    method: str
    seed: Annotated[int, Field(ge=0)]
    direction: str
    uses: list[str] = []
    steps: int
    minutes: Finite | None = None
    budget_minutes: Finite
    ablation: _Ablation | None = None


class _Model(_Checked):
    input_skip: bool = False


class _Config(_Checked):
    """The configuration of the run of a cell, as far as the report needs it."""

    model: _Model = _Model()


class _Metric(_Checked):
    better: Literal["higher", "lower"]


class _Direction(_Checked):
    results: dict[str, dict[str, Finite | None]]
    metrics: dict[str, _Metric]
    confidence_intervals_95: dict[str, dict[str, tuple[Finite, Finite] | None]] = {}
    standard_errors: dict[str, dict[str, Finite | None]] = {}
    reference_values: dict[str, Finite | None] = {}


class _Metrics(_Checked):
    directions: dict[str, _Direction]


def read_cell(file: Path, folder: Path) -> dict[str, Any]:
    """A finished cell as JSON values.

    Args:
        file: Its `cell.json`.
        folder: The folder that is collected.

    Returns:
        Its record, `metrics`, its `folder` relative to the given one, `missing`, the files of later
        versions that it lacks, and `starts_as_identity`: whether its untrained generators return
        their input; None if its `config.json` is not there.

    Raises:
        RunError: If a file is broken.
    """
    checked, record = _read(Record, file)
    found, metrics = _read(_Metrics, file.with_name(METRICS))
    if checked.direction not in found.directions:
        raise _broken(file.parent, f"{METRICS} has no direction {checked.direction!r}")
    if OUTPUT not in found.directions[checked.direction].results:
        raise _broken(file.parent, f"{METRICS} has no results of the output")
    missing = [name for name in (IMAGES, PER_IMAGE) if not file.with_name(name).is_file()]
    config = file.with_name(CONFIG)
    own = {
        "folder": file.parent.relative_to(folder).as_posix(),
        "missing": missing,
        "starts_as_identity": (
            _read(_Config, config)[0].model.input_skip if config.is_file() else None
        ),
    }
    return {"uses": [], **record, **own, "metrics": metrics}


def measurement_of(cell: Mapping[str, Any]) -> dict[str, Any]:
    """What `evaluate` found of a cell in the direction of its task."""
    return cell["metrics"]["directions"][cell["direction"]]


def results_of(cell: Mapping[str, Any]) -> dict[str, dict[str, float | None]]:
    """The metrics of a cell by row, "output" or a fixed row, and name."""
    return measurement_of(cell)["results"]


def read_record(file: Path) -> Record:
    """The record of a finished cell, without its metrics.

    Raises:
        RunError: If the file is broken.
    """
    return _read(Record, file)[0]


def _read(kind: type[Checked], file: Path) -> tuple[Checked, dict[str, Any]]:
    """A file, checked, and its plain JSON values."""
    try:
        values = json.loads(file.read_text("utf-8"))
        return kind.model_validate_json(json.dumps(values)), values
    except (OSError, ValueError, RecursionError) as error:
        raise _broken(file.parent, f"{file.name}: {first_reason(error)}") from error


def _broken(cell: Path, reason: str) -> RunError:
    return RunError(f"the cell {cell} is broken: {reason}; delete its folder and run it again")
