"""The tables of `tf-translate compare`: cells while they run, and results over seeds."""

import time
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from itertools import groupby
from statistics import fmean
from typing import Any

from rich.console import Console
from rich.live import Live
from rich.table import Table
from rich.text import Text

from tf_translate.cli.output import wrapping_table
from tf_translate.errors import ConfigError
from tf_translate.experiment.compare.cells.cell_state import progress_of
from tf_translate.experiment.compare.claims.verdict import Finding
from tf_translate.experiment.compare.collect import better
from tf_translate.experiment.compare.run_cells import WAITING, Progress
from tf_translate.image_files import printable

_REFRESH_SECONDS = 2.0
_MOST_METRICS = 4  # of the columns that are printed by default
_RUNNING = ("training", "evaluating")


class LiveTable:
    """Shows cells while they run: a table in a terminal, else a line for each change of state.

    Args:
        console: Where to print.
        refresh: Seconds between two updates of the table.
    """

    def __init__(self, console: Console, refresh: float = _REFRESH_SECONDS) -> None:
        self._console, self._refresh = console, refresh
        self._live: Live | None = None
        self._states: dict[str, str] = {}
        self._rows: dict[str, tuple[str, ...]] = {}  # of cells that do not run
        self._next = 0.0

    def __enter__(self) -> "LiveTable":
        if self._console.is_terminal and not self._console.quiet:
            self._live = Live(console=self._console, auto_refresh=False)
            self._live.start()
        return self

    def __exit__(self, *error: object) -> None:
        if self._live is not None:
            self._live.stop()

    def show(self, cells: Sequence[Progress]) -> None:
        """Shows the present state of all cells."""
        changed = [each for each in cells if self._states.get(each.cell.id) != each.state]
        if self._live is None:
            for each in changed:
                if each.state != WAITING or each.cell.id in self._states:
                    self._console.print(" ".join(_row(each)), soft_wrap=True)
        elif changed or time.monotonic() >= self._next:
            self._live.update(self._table(cells), refresh=True)
            self._next = time.monotonic() + self._refresh
        self._states |= {each.cell.id: each.state for each in changed}

    def _table(self, cells: Sequence[Progress]) -> Table:
        table = wrapping_table("method", "seed", "state", "core", "step", "minutes")
        for each in cells:
            key = f"{each.cell.id} {each.state}"
            if each.state in _RUNNING or key not in self._rows:
                self._rows[key] = _row(each)
            table.add_row(*self._rows[key])
        return table


def _row(each: Progress) -> tuple[str, ...]:
    """Method, seed, state, core, step and minutes of a cell."""
    training = progress_of(each.cell)
    minutes = training.minutes
    if each.state == "training":
        minutes = each.minutes_before + (time.monotonic() - each.started) / 60
    step = f"{training.step}/{training.steps}" if training.steps else "–"
    core = "–" if each.core is None else str(each.core)
    return each.cell.name, str(each.cell.seed), each.state, core, step, f"{minutes:.1f}"


def print_results(
    results: Mapping[str, Any], console: Console, *, metrics: Sequence[str] = ()
) -> None:
    """Prints a table for each task: a row for each method and fixed row, a column for each metric.

    Args:
        results: What `collect` returns.
        console: Prints the tables.
        metrics: Metrics to print; empty: the first four of a task.

    Raises:
        ConfigError: If a metric is none of those of any task.
    """
    directions = {task: better(results, task) for task in results["tasks"]}
    known = dict.fromkeys(name for each in directions.values() for name in each)
    _check_metrics(metrics, list(known))
    for task, rows in results["tasks"].items():
        chosen = [name for name in metrics or known if name in directions[task]]
        chosen = chosen if metrics else chosen[:_MOST_METRICS]
        if not rows:  # of a task with cells of ablations only
            continue
        seeds = {
            name: sum(cell["task"] == task and cell["name"] == name for cell in results["cells"])
            for name in rows
        }
        arrows = {"higher": "↑", "lower": "↓"}
        headers = (_lines(f"{name} {arrows[directions[task][name]]}") for name in chosen)
        table = wrapping_table(task, "seeds", *headers, names=len(chosen) + 2)
        for row, values in rows.items():
            table.add_row(row, str(seeds[row] or ""), *(_cell(values.get(m)) for m in chosen))
        console.print(table)
    console.print("mean over seeds and, below it, the range; – is undefined")
    ablations = sum("ablation" in cell for cell in results["cells"])
    if ablations:
        console.print(
            f"not in the table: {ablations} cells of ablations, which `compare ablations` shows"
        )


def _lines(metric: str) -> Text:
    """A metric's name with a line for each part, so that no terminal breaks it elsewhere."""
    return Text("/\n".join(printable(part) for part in metric.split("/")))


def print_ablations(table: Mapping[str, Any], console: Console) -> None:
    """Prints a table of ablations for each task: a row for each method without a loss term.

    Args:
        table: What `ablation_table` returns.
        console: Prints it.
    """
    for task in dict.fromkeys(row["task"] for row in table["rows"]):
        console.print(f"{task}: with all loss terms → without one", highlight=False)
        shown = wrapping_table("without", "scores", "content", "domain", "result")
        rows = [row for row in table["rows"] if row["task"] == task]
        for method, own in groupby(rows, key=lambda row: row["method"]):
            shown.add_row(f"{method}:")
            for row in own:
                pair = row["decided_by"]
                scores = (
                    f"{row['all_terms'][pair][role]:.2f} → {row['ablated'][pair][role]:.2f}"
                    for role in ("content", "domain")
                )
                shown.add_row(f"{row['without']} ({row['role']})", pair, *scores, row["result"])
        console.print(shown)
    for name, reason in table["left_out"].items():
        console.print(f"left out: {name}: {reason}", highlight=False, soft_wrap=True)
    if table["counted"]:
        interval = ""
        if table["interval"]:
            low, high = table["interval"]
            interval = f", 95 % interval {low:.0%} to {high:.0%}"
        console.print(
            f"{table['as_said']} of {table['counted']} content and domain terms do what their role "
            f"says: {table['share']:.0%}{interval}",
            highlight=False,
            soft_wrap=True,
        )


def print_claims(findings: Sequence[Finding], console: Console) -> None:
    """Prints the verdict of each claim, its value, its rule, and what to run.

    Args:
        findings: What `find_all` returns.
        console: Prints them.
    """
    for each in findings:
        lines = [f"{each.claim.number}. {each.claim.statement}", f"   {each.verdict}"]
        if each.value is not None:
            lines[-1] += f": {each.value:.3f}"
        if each.interval is not None:
            lines[-1] += f" (95 % interval {each.interval[0]:.3f} to {each.interval[1]:.3f})"
        lines.append(f"   metric: {each.claim.metric}")
        lines.append(f"   rule: {each.claim.rule}")
        if "missing" in each.details:
            lines.append(f"   missing: {each.details['missing']}")
        lines += [f"   against it: {text}" for text in each.counterexamples]
        lines += [f"   it depends on: {text}" for text in each.depends_on]
        lines += [f"   run: {command}" for command in each.to_run]
        for line in lines:
            console.print(line, highlight=False, markup=False, soft_wrap=True)


def print_cycles(results: Mapping[str, Any], console: Console) -> None:
    """Prints what noise between the two translations of a run costs.

    Args:
        results: What `measure_run` returns.
        console: Prints it.
    """
    table = wrapping_table("cycle", "disturbed by", "translated", "real", "ratio", "lost", names=2)
    for direction, found in results["directions"].items():
        for name, costs in found.items():
            if not isinstance(costs, dict):
                continue
            generated, real = (fmean(costs[key]) for key in ("generated", "real"))
            ratio = f"{generated / real:.2f}" if real > 1e-6 else "–"
            lost = "–" if costs["lost"] is None else f"{costs['lost']:z.0%}"
            table.add_row(direction, name, f"{generated:.4f}", f"{real:.4f}", ratio, lost)
    console.print(table)
    console.print(
        "cost: mean change of the second translation; lost: fraction of the reconstruction",
        soft_wrap=True,
    )


def _check_metrics(metrics: Sequence[str], known: Sequence[str]) -> None:
    for name in metrics:
        if name not in known:
            near = get_close_matches(name, known, n=1)
            hint = f"did you mean {near[0]!r}?" if near else f"there are {', '.join(known)}"
            raise ConfigError(f"--metric must be one that the cells have, got {name!r}; {hint}")


def _cell(value: Mapping[str, Any] | None) -> Text | str:
    """A mean and its range on lines of their own, so that five metrics fit 80 columns."""
    if value is None:
        return "–"
    least, most = value["range"]
    mean = f"{value['mean']:.3f}"
    return mean if least == most else Text(f"{mean}\n{least:.3f}–\n{most:.3f}")
