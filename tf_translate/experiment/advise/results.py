"""What advice leans on: a summary of the cells of a comparison, shipped or the user's own.

The shipped summary is `compared.json` beside this module. `python -m scripts.results.advice_data`
makes it from the results of `tf-translate compare collect`.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field

from tf_translate.config.load import validate
from tf_translate.config.settings import Settings
from tf_translate.config.task import Supervision
from tf_translate.errors import ConfigError
from tf_translate.experiment.advise.fit import MEGABYTE
from tf_translate.experiment.compare.cells.cell_images import PER_IMAGE
from tf_translate.experiment.compare.cells.read_cell import measurement_of, results_of
from tf_translate.experiment.compare.collect import FIXED_ROWS, OUTPUT, collect
from tf_translate.experiment.compare.differences import with_differences

SHIPPED = Path(__file__).with_name("compared.json")
COMPLETENESS = "completeness"
FORMAT: Literal["tf_translate comparison summary"] = "tf_translate comparison summary"
_KEPT = ("content/", "domain/")  # metrics of a summary, besides completeness

Finite = Annotated[float, Field(allow_inf_nan=False)]


class Values(Settings):
    """A metric over seeds."""

    mean: Finite
    range: tuple[Finite, Finite]
    better: Literal["higher", "lower"]


class FileCost(Settings):
    """Size and latency of an exported file of a method."""

    megabytes: Finite
    milliseconds: Finite


class MethodResult(Settings):
    """A method on a task, over its seeds.

    In `completeness` and `intervals`, one entry is one seed; None is undefined.
    """

    method: str = Field(description="name in the registry")
    direction: str
    uses: tuple[Supervision, ...]
    minutes: tuple[Finite | None, ...] = Field(description="budgets of training of its cells")
    seeds: tuple[int, ...]
    completeness: tuple[Finite | None, ...]
    intervals: tuple[tuple[Finite, Finite] | None, ...] = Field(
        description="95 % bootstrap intervals of completeness over the test images"
    )
    protocols: tuple[str, ...] = Field(description="formulas of completeness, with the images")
    seeds_without_scores: tuple[int, ...] = Field(
        default=(), description="those whose cells keep no scores of each image"
    )
    metrics: dict[str, Values]
    files: dict[str, FileCost] = Field(
        default={}, description="what `compare costs` measured, by recipe; empty if nothing"
    )


class PairDifference(Settings):
    """The completeness of a method minus that of another one."""

    first: str
    second: str
    value: Finite
    p: Finite = Field(description="of no difference, corrected for all pairs of methods")


class TaskResult(Settings):
    """The methods of a task, by name, and the rows that do not depend on a method."""

    methods: dict[str, MethodResult]
    differences: tuple[PairDifference, ...] = Field(
        default=(), description="of pairs of methods whose cells keep scores of each image"
    )
    timed_on: str = Field(default="", description="machine and threads of the latencies of files")
    fixed_rows: dict[str, dict[str, Finite]]


class Summary(Settings):
    """The results of a comparison, as far as advice needs them."""

    format: Literal["tf_translate comparison summary"] = FORMAT
    version: Literal[1] = 1
    command: str
    revisions: tuple[str, ...] = Field(description="commits that the cells were run with")
    date: str
    tasks: dict[str, TaskResult]


def shipped_summary() -> Summary | None:
    """The results that come with this package; None if there are none yet."""
    return read_summary(SHIPPED) if SHIPPED.is_file() else None


def read_summary(path: Path) -> Summary:
    """Reads results of a comparison.

    Args:
        path: A folder of `compare run`, a file of `compare collect`, or a summary.

    Raises:
        ConfigError: If the file is none of these.
        RunError: If the folder has no finished cell, or a cell is broken.
    """
    if path.is_dir():
        return summarize(with_differences(collect(path), path))
    if not path.is_file():
        raise ConfigError(f"--results must be a folder or file of results, but there is no {path}")
    try:
        values = json.loads(path.read_text("utf-8"))
    except (ValueError, RecursionError) as error:
        raise ConfigError(f"--results {path} is not JSON: {error}") from error
    if isinstance(values, dict) and values.get("format") == FORMAT:
        return validate(Summary, values, str(path))
    try:
        return summarize(values)
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise ConfigError(
            f"--results {path} is no file of `tf-translate compare collect`: "
            f"{type(error).__name__} {error}"
        ) from error


def summarize(results: Mapping[str, Any]) -> Summary:
    """Reduces what `collect` returns to a summary.

    Raises:
        ConfigError: If a value has another type than `collect` writes.
    """
    cells = [cell for cell in results["cells"] if "ablation" not in cell]
    if not cells:
        raise ConfigError("--results must hold the results of a method, but there is none")
    costs, differences = results.get("costs", {}), results.get("differences", {})
    names = dict.fromkeys(str(cell["task"]) for cell in cells)
    values = {
        "command": results["command"],
        "revisions": sorted({str(cell.get("revision") or "unknown") for cell in cells}),
        "date": _dates(cells) or results["date"],
        "tasks": {
            name: _task([c for c in cells if c["task"] == name], costs.get(name, {}))
            | {"differences": [_pair(each) for each in differences.get(name, [])]}
            for name in names
        },
    }
    return validate(Summary, values, "the results")


def _task(cells: Sequence[Mapping[str, Any]], costs: Mapping[str, Any]) -> dict[str, Any]:
    names = dict.fromkeys(str(cell["name"]) for cell in cells)
    rows: dict[str, dict[str, list[float]]] = {}
    for cell in cells:
        found = results_of(cell)
        for row in FIXED_ROWS:
            for metric, value in found.get(row, {}).items():
                if value is not None and _is_kept(metric):
                    rows.setdefault(row, {}).setdefault(metric, []).append(value)
    return {
        "methods": {
            name: _method([c for c in cells if c["name"] == name])
            | {"files": _files(costs.get("methods", {}).get(name, {}))}
            for name in names
        },
        "timed_on": _machine(costs),
        "fixed_rows": {
            row: {metric: sum(each) / len(each) for metric, each in metrics.items()}
            for row, metrics in rows.items()
        },
    }


def _pair(found: Mapping[str, Any]) -> dict[str, Any]:
    return {name: found[name] for name in PairDifference.model_fields}


def _method(cells: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    cells = sorted(cells, key=lambda cell: cell["seed"])
    directions = [measurement_of(cell) for cell in cells]
    outputs = [each["results"][OUTPUT] for each in directions]
    intervals = [each.get("confidence_intervals_95", {}).get(OUTPUT, {}) for each in directions]
    definitions = directions[0]["metrics"]
    metrics = {}
    for name, about in definitions.items():
        found = [output[name] for output in outputs if output.get(name) is not None]
        if found and _is_kept(name):
            metrics[name] = {
                "mean": sum(found) / len(found),
                "range": (min(found), max(found)),
                "better": about["better"],
            }
    protocols = {str(each["metrics"].get(COMPLETENESS, {}).get("protocol")) for each in directions}
    return {
        "method": cells[0]["method"],
        "direction": cells[0]["direction"],
        "uses": cells[0]["uses"],
        "minutes": sorted({cell.get("budget_minutes") for cell in cells}, key=str),
        "seeds": [cell["seed"] for cell in cells],
        "completeness": [output.get(COMPLETENESS) for output in outputs],
        "intervals": [each.get(COMPLETENESS) for each in intervals],
        "protocols": sorted(protocols),
        "seeds_without_scores": [c["seed"] for c in cells if PER_IMAGE in c.get("missing", ())],
        "metrics": metrics,
    }


def _is_kept(metric: str) -> bool:
    return metric == COMPLETENESS or metric.startswith(_KEPT)


def _files(found: Mapping[str, Any]) -> dict[str, dict[str, float]]:
    """Size and latency of each exported file of a method, by recipe."""
    return {
        recipe: {
            "megabytes": each["size_bytes"] / MEGABYTE,
            "milliseconds": each["median_ms"],
        }
        for recipe, each in found.items()
        if isinstance(each, Mapping) and "size_bytes" in each
    }


def _machine(costs: Mapping[str, Any]) -> str:
    """Where the latencies were measured: "AMD EPYC, 2 cores, 1 thread"."""
    if "machine" not in costs:
        return ""
    machine, threads = costs["machine"], costs["threads"]
    plural = "" if threads == 1 else "s"
    return f"{machine['processor']}, {machine['cores']} cores, {threads} thread{plural}"


def _dates(cells: Sequence[Mapping[str, Any]]) -> str:
    """The days on which the cells ran; empty if they do not say it."""
    days = sorted({str(cell["date"])[:10] for cell in cells if cell.get("date")})
    return " to ".join(dict.fromkeys((days[0], days[-1]))) if days else ""
