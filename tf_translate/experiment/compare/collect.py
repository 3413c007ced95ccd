"""Gathers the results of cells, and summarizes them over seeds."""

import datetime
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from tf_translate.atomic_files import write_text_atomically
from tf_translate.errors import RunError
from tf_translate.experiment.compare.cells.cell_images import IMAGES, PER_IMAGE
from tf_translate.experiment.compare.cells.cell_state import CELL
from tf_translate.experiment.compare.cells.read_cell import (
    OUTPUT,
    measurement_of,
    read_cell,
    results_of,
)
from tf_translate.experiment.compare.costs import read_costs
from tf_translate.version import __version__

FIXED_ROWS = ("identity", "random target", "ground truth")


def collect(folder: Path) -> dict[str, Any]:
    """All finished cells in a folder, of any number of tasks.

    Args:
        folder: Folder of comparisons, of a task, or any above.

    Returns:
        JSON values: `cells`, each as `read_cell` returns it; `tasks`, by task, method or fixed
        row, and metric: `mean`, `range` and `seeds`. Cells of ablations, which have a key
        `ablation`, are in `cells` only: see `ablation_table.py`. `costs` holds what
        `compare costs` measured, by task.

    Raises:
        RunError: If there is no finished cell, or a file of one is broken.
    """
    cells = [read_cell(file, folder) for file in sorted(folder.glob("**/" + CELL))]
    if not cells:
        raise RunError(
            f"{folder} has no finished cell; `tf-translate compare run TASK --run {folder}` runs "
            "some"
        )
    names = dict.fromkeys(cell["task"] for cell in cells)
    return {
        "command": f"tf-translate compare collect {folder}",
        "version": __version__,
        "date": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "tasks": {
            name: _table([c for c in cells if c["task"] == name and "ablation" not in c])
            for name in names
        },
        "costs": _costs(cells, folder),
        "cells": cells,
    }


def _costs(cells: Sequence[Mapping[str, Any]], folder: Path) -> dict[str, Any]:
    """What `compare costs` measured for each task, by task; a task that was not measured is left
    out."""
    folders = {cell["task"]: (folder / cell["folder"]).parent for cell in cells}
    found = {task: read_costs(each) for task, each in folders.items()}
    return {task: costs for task, costs in found.items() if costs is not None}


def _table(cells: Sequence[Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """Metrics of each method and fixed row of a task over its cells, as JSON values."""
    rows: dict[str, dict[str, list[float]]] = {}
    for cell in cells:
        found = results_of(cell)
        for row, values in ((cell["name"], found[OUTPUT]), *_fixed_rows(found)):
            for metric, value in values.items():
                if value is not None:
                    rows.setdefault(row, {}).setdefault(metric, []).append(value)
    order = [*(name for name in rows if name not in FIXED_ROWS), *FIXED_ROWS]
    return {
        row: {
            metric: {
                "mean": sum(values) / len(values),
                "range": [min(values), max(values)],
                "seeds": len(values),
            }
            for metric, values in rows[row].items()
        }
        for row in order
        if row in rows
    }


def _fixed_rows(found: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, float | None]]]:
    """The rows that do not depend on the method; their judges are trained anew by each cell."""
    return ((row, found[row]) for row in FIXED_ROWS if row in found)


def better(results: Mapping[str, Any], task: str) -> dict[str, str]:
    """Whether "higher" or "lower" is better, for each metric of a task."""
    return {
        metric: about["better"]
        for cell in results["cells"]
        if cell["task"] == task
        for metric, about in measurement_of(cell)["metrics"].items()
    }


def check_unique(cells: Iterable[Mapping[str, Any]], *, also_by: Sequence[str] = ()) -> None:
    """Whether each method has one cell of each seed in a task.

    Args:
        cells: The cells.
        also_by: Keys of their records in which two may differ.

    Raises:
        RunError: If one has two, as of two comparisons.
    """
    seen: dict[tuple[Any, ...], str] = {}
    for cell in cells:
        key = tuple(cell[name] for name in ("task", "name", "seed", *also_by))
        if key in seen:
            raise RunError(
                f"a method must have one cell of each seed, but {seen[key]} and "
                f"{cell['folder']} are both {cell['name']}:{cell['seed']}; give the folder of one "
                "comparison"
            )
        seen[key] = cell.get("folder", "")


def missing_files(results: Mapping[str, Any]) -> list[str]:
    """What cells of earlier versions lack, a sentence for each file that some cell lacks."""
    sentences = []
    for name in (IMAGES, PER_IMAGE):
        lacking = [cell["folder"] for cell in results["cells"] if name in cell["missing"]]
        if lacking:
            sentences.append(
                f"{len(lacking)} of {len(results['cells'])} cells have no {name}, so the report "
                f"leaves out what it shows: {', '.join(lacking)}"
            )
    return sentences


def write(results: Mapping[str, Any], file: Path) -> Path:
    """Writes results as JSON, atomically; returns the path of the file."""
    text = json.dumps(results, indent=1, allow_nan=False, ensure_ascii=False) + "\n"
    write_text_atomically(file, text)
    return file
