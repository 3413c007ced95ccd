"""Compares a cell that was run again with the published one, and with the range over seeds.

python -m scripts.results.compare_rerun FOLDER...

Each FOLDER holds a cell of `tf-translate compare run TASK --cell METHOD:SEED --run DIR`, with the
published `steps.json` beside it, or its run by the commands of the published `cell.json` alone,
of which only the history is compared. It writes assets/results/compare_rerun.json.
"""

import datetime
import json
import sys
from pathlib import Path
from typing import Any

from scripts.results.advice_data import RESULTS, revision
from tf_translate.atomic_files import write_text_atomically

PUBLISHED = RESULTS / "compare" / "glasses"
OUTPUT = RESULTS / "compare_rerun.json"


def compare_rerun(folder: Path, published: Path) -> dict[str, Any]:
    """How a cell that was run again differs from the published one.

    Args:
        folder: The cell that was run again; its name is that of the published one.
        published: Folder of the published cells of the task.

    Returns:
        JSON values: the logged steps, and those at which any value differs; for each metric, if
        there are any, the least and the greatest over the published seeds, and that of the re-run.
    """
    name = folder.name.rpartition("-")[0]
    first, again = (_history(each) for each in (published / folder.name, folder))
    found: dict[str, Any] = {
        "cell": folder.name,
        "published_at_revision": _record(published / folder.name)["revision"],
        "logged_steps": [each["step"] for each in first],
        "steps_that_differ": [
            one["step"] for one, other in zip(first, again, strict=True) if one != other
        ],
    }
    if not (folder / "metrics.json").is_file():
        return found
    record = _record(folder)
    seeds = [_output(each) for each in sorted(published.glob(f"{name}-[0-9]"))]
    output = _output(folder)
    metrics = {}
    for metric, value in output.items():
        values = [each[metric] for each in seeds]
        if value is None or None in values:  # undefined
            continue
        least, most = min(values), max(values)
        metrics[metric] = {
            "range": [least, most],
            "rerun": value,
            "within": least <= value <= most,
        }
    about = {key: record[key] for key in ("command", "revision", "date", "minutes")}
    return found | {"rerun": about, "metrics": metrics}


def _history(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "history.jsonl").read_text("utf-8").splitlines()]


def _record(folder: Path) -> dict[str, Any]:
    return json.loads((folder / "cell.json").read_text("utf-8"))


def _output(folder: Path) -> dict[str, float | None]:
    found = json.loads((folder / "metrics.json").read_text("utf-8"))
    return found["directions"][_record(folder)["direction"]]["results"]["output"]


def main(folders: list[Path]) -> None:
    """Writes the comparison of each folder, and prints how many values agree."""
    cells = [compare_rerun(folder, PUBLISHED) for folder in folders]
    values = {
        "command": f"python -m scripts.results.compare_rerun {' '.join(map(str, folders))}",
        "revision": revision(),
        "date": datetime.date.today().isoformat(),
        "cells": cells,
    }
    write_text_atomically(OUTPUT, json.dumps(values, indent=1, allow_nan=False) + "\n")
    for cell in cells:
        differ, steps = len(cell["steps_that_differ"]), len(cell["logged_steps"])
        print(f"{cell['cell']}: {differ} of {steps} logged steps differ")
        metrics = cell.get("metrics", {})
        if metrics:
            within = sum(each["within"] for each in metrics.values())
            print(f"  {within} of {len(metrics)} metrics are within the range over seeds")


if __name__ == "__main__":
    main([Path(each) for each in sys.argv[1:]])
