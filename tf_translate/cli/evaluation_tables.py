"""The metrics of an evaluation as tables for a terminal."""

from collections.abc import Mapping
from typing import Any

from rich.console import Console

from tf_translate.cli.output import wrapping_table

_COLUMNS = {  # title of the column -> name in the results
    "output": "output",
    "input": "identity",
    "random": "random target",
    "truth": "ground truth",
}
_MEANINGS = {
    "input": "input: the unchanged input (all content, wrong domain)",
    "random": "random: a random real target image (right domain, no content)",
    "truth": "truth: the true counterpart, the best possible output",
}


def print_metrics(results: Mapping[str, Any], console: Console) -> None:
    """Prints a table for each direction: a row for each metric, beside those of the baselines.

    Args:
        results: What `tf-translate evaluate --json` prints.
        console: Prints the tables.
    """
    shown: dict[str, None] = {}  # the columns of all tables, in order
    for name, direction in results["directions"].items():
        found = direction["results"]
        columns = {title: key for title, key in _COLUMNS.items() if key in found}
        shown |= dict.fromkeys(columns)
        table = wrapping_table(f"{name}: metric", "better", *columns, "± or 95 %")
        for metric, about in direction["metrics"].items():
            values = (_number(found[key].get(metric)) for key in columns.values())
            table.add_row(metric, about["better"], *values, _uncertainty(direction, metric))
        console.print(table)
    meanings = [meaning for title, meaning in _MEANINGS.items() if title in shown]
    uncertainty = "± or 95 %: standard error or confidence interval of the output's value"
    for line in (*meanings, uncertainty):
        console.print(line)


def _number(value: float | None) -> str:
    if value is None:
        return "–"
    return f"{value:.3f}" if value == 0 or abs(value) >= 0.01 else f"{value:.2g}"


def _uncertainty(direction: Mapping[str, Any], metric: str) -> str:
    """The confidence interval of the output's value, or its standard error."""
    interval = direction["confidence_intervals_95"].get("output", {}).get(metric)
    if interval is not None:
        return f"{_number(interval[0])} to {_number(interval[1])}"
    error = direction["standard_errors"].get("output", {}).get(metric)
    return "" if error is None else f"±{_number(error)}"
