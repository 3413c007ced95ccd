"""Compares a cell of glasses that was run again with the published one, and with all its seeds.

python -m scripts.results.compare_rerun FOLDER... [--at REVISION]

A FOLDER holds a cell of `tf-translate compare run glasses --cell METHOD:SEED --run DIR`, with the
published `steps.json` beside it; or a run by the `commands` of the published `cell.json`, which
does not say at which REVISION it was run. It writes assets/results/compare_rerun.json.
"""

import argparse
import datetime
import json
from pathlib import Path
from typing import Any

from scripts.benchmarks.machine import versions
from scripts.results.advice_data import RESULTS, revision
from tf_translate.atomic_files import write_text_atomically

PUBLISHED = RESULTS / "compare" / "glasses"
OUTPUT = RESULTS / "compare_rerun.json"


def compare_rerun(folder: Path, published: Path, revision_of_runs: str | None) -> dict[str, Any]:
    """How a cell that was run again differs from the published one.

    Args:
        folder: The cell that was run again; its name is that of the published one.
        published: Folder of the published cells of the task.
        revision_of_runs: That of folders without a `cell.json`.

    Returns:
        JSON values: its seed and commands; both revisions; the logged steps, and those at which any
        value differs; for each metric the published one, the least and the greatest over the
        published seeds, and that of the re-run. Metrics that are undefined for a seed are left out.
    """
    name = folder.name.rpartition("-")[0]
    record = _read(published / folder.name / "cell.json")
    again = _read(folder / "cell.json") if (folder / "cell.json").is_file() else {}
    histories = _history(published / folder.name), _history(folder)
    direction = record["direction"]
    rerun = _output(folder, direction)
    own = _output(published / folder.name, direction)
    seeds = [_output(each, direction) for each in sorted(published.glob(f"{name}-[0-9]"))]
    metrics = {}
    for metric, value in rerun.items():
        values = [each[metric] for each in seeds]
        if value is None or None in values:
            continue
        least, most = min(values), max(values)
        metrics[metric] = {
            "published": own[metric],
            "range": [least, most],
            "rerun": value,
            "within": least <= value <= most,
        }
    return {
        "cell": folder.name,
        "seed": record["seed"],
        "commands": [again["command"]] if again else record["commands"],
        "published_at_revision": record["revision"],
        "run_again_at_revision": again.get("revision", revision_of_runs),
        "logged_steps": [each["step"] for each in histories[0]],
        "steps_that_differ": [
            one["step"] for one, other in zip(*histories, strict=True) if one != other
        ],
        "metrics": metrics,
    }


def _read(file: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(file.read_text("utf-8"))
    return found


def _history(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "history.jsonl").read_text("utf-8").splitlines()]


def _output(folder: Path, direction: str) -> dict[str, float | None]:
    """The metrics of a cell, or of a run that was evaluated."""
    files = [folder / "metrics.json", *sorted((folder / "evaluation").glob("test*.json"))]
    found = _read(next(file for file in files if file.is_file()))
    output: dict[str, float | None] = found["directions"][direction]["results"]["output"]
    return output


def main() -> None:
    """Writes the comparison of each folder, and prints how many values agree."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("folders", type=Path, nargs="+", metavar="FOLDER")
    parser.add_argument("--at", metavar="REVISION")
    given = parser.parse_args()
    cells = [compare_rerun(folder, PUBLISHED, given.at) for folder in given.folders]
    words = [*map(str, given.folders), *(("--at", given.at) if given.at else ())]
    values = {
        "command": f"python -m scripts.results.compare_rerun {' '.join(words)}",
        "revision": revision(),
        "date": datetime.date.today().isoformat(),
        "versions": versions(("tensorflow", "keras")),
        "reruns": cells,
    }
    write_text_atomically(OUTPUT, json.dumps(values, indent=1, allow_nan=False) + "\n")
    for cell in cells:
        metrics = cell["metrics"].values()
        equal = sum(each["rerun"] == each["published"] for each in metrics)
        within = sum(each["within"] for each in metrics)
        print(
            f"{cell['cell']} at {cell['run_again_at_revision']}: values differ at "
            f"{len(cell['steps_that_differ'])} of {len(cell['logged_steps'])} logged steps; of "
            f"{len(metrics)} metrics, {equal} are equal and {within} within the range over seeds"
        )


if __name__ == "__main__":
    main()
