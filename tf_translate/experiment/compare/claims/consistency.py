"""Claims 1 and 2: content and domain consistency are necessary, and they are sufficient."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from tf_translate.errors import RunError
from tf_translate.experiment.compare.ablation_table import (
    AS_SAID,
    LEAST_FALL,
    UNCOUNTED,
    ablation_table,
    share_as_said,
)
from tf_translate.experiment.compare.cells.read_cell import results_of
from tf_translate.experiment.compare.claims.intervals import Interval, bootstrap
from tf_translate.experiment.compare.claims.rank_correlation import rank_correlation, ranks_of
from tf_translate.experiment.compare.claims.verdict import (
    NOT_SUPPORTED,
    SUPPORTED,
    UNDECIDED,
    Claim,
    Finding,
    decide,
    not_measured,
    with_interval,
)
from tf_translate.experiment.compare.parts import IDENTITY, INSIDE
from tf_translate.experiment.compare.scores import Scores, scores_of

MOST = 0.5  # of the terms
CORRELATION = -0.5
_INPUTS = 0.5  # the error of unchanged inputs, where the truth is an edit of them
LEAST_NAMES = 4  # methods of a task; fewer have no rank correlation worth a value
_GAP, _NAMED, _MOST_NAMED = 0.5, 3, 5  # of ranks from 0 to 1; the three largest gaps always
_ALL_ABLATIONS = "tf-translate compare run glasses --ablations --seeds 1 --budget 10 --jobs 2"
_ALL_CELLS = "tf-translate compare run glasses --jobs 2"

NECESSARY = Claim(
    1,
    "Content consistency and domain consistency are both necessary.",
    "Each content and each domain term of each method is off in turn, beside the method with all "
    "terms at the same budget.",
    f"Fraction of content terms without which content falls by {LEAST_FALL} or more, and by more "
    "than domain; and the same of domain terms. Shown is the fraction whose interval is lower, or "
    "without intervals the lower one. The interval is a bootstrap over methods, as all terms of a "
    "method are compared with one cell.",
    "supported if the intervals of both are above 0.5, so that most terms are needed; not "
    "supported if one is below",
)
SUFFICIENT = Claim(
    2,
    "Content consistency and domain consistency together are sufficient.",
    "All cells whose truth is the input with nothing but the edit changed, or the pair of the "
    "input; those of ablations are left out. Does completeness predict the error to the truth?",
    "Spearman correlation of completeness with the error to the truth (of an edit: half of the "
    "error inside it over that of the unchanged input, plus half of that outside over that of "
    "random targets), ranks taken within each task; bootstrap interval over methods with all their "
    "seeds.",
    "supported if the interval is below -0.5",
)


def necessary(results: Mapping[str, Any]) -> Finding:
    """Claim 1, from the cells of ablations."""
    try:
        table = ablation_table(results)
    except RunError:
        return not_measured(NECESSARY, "there is no cell of an ablation", _ALL_ABLATIONS)
    if not table["counted"]:
        return not_measured(NECESSARY, "no row can be compared", _ALL_ABLATIONS)
    rows = [row for row in table["rows"] if row["result"] not in UNCOUNTED]
    by_role = {
        role: _counts([row for row in rows if row["role"] == role])
        for role in ("content", "domain")
    }
    found = {role: each for role, each in by_role.items() if each["rows"]}
    verdicts = [decide(e["fraction"], e["interval"], MOST, "above") for e in found.values()]
    # The less sure one; if neither has an interval, the lower one.
    least = min(found.values(), key=lambda e: ((e["interval"] or (MOST,))[0], e["fraction"]))
    absent = sorted(by_role.keys() - found.keys())
    return Finding(
        NECESSARY,
        _both(verdicts, len(by_role)),
        least["fraction"],
        least["interval"],
        MOST,
        {
            "rows": table["counted"],
            "as_said": table["as_said"],
            "by_role": by_role,
            "reaches_the_bar_of_0.8": table["share"] >= table["bar"],
            "left_out": table["left_out"],
            **({"without_rows": absent} if absent else {}),
        },
        [_exception(row) for row in rows if row["result"] != AS_SAID],
        [
            f"{each['as_said']} of {each['rows']} {role} terms do what their role says, "
            f"{with_interval(each['fraction'], each['interval'])}"
            for role, each in found.items()
        ],
        to_run=[_ALL_ABLATIONS] if absent else [],
    )


def _both(verdicts: Sequence[str], wanted: int) -> str:
    """Supported if all that are wanted are, not supported if one is not."""
    if NOT_SUPPORTED in verdicts:
        return NOT_SUPPORTED
    return SUPPORTED if list(verdicts) == [SUPPORTED] * wanted else UNDECIDED


def _counts(rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """How many rows do what their role says, of how many, and the interval of their fraction."""
    count, as_said = len(rows), sum(row["result"] == AS_SAID for row in rows)
    if not count:
        return {"rows": 0, "as_said": 0}
    share, interval = share_as_said(rows)
    return {"rows": count, "as_said": as_said, "fraction": share, "interval": interval}


def _exception(row: Mapping[str, Any]) -> str:
    pair = row["decided_by"]
    fall = row["falls"][pair]
    start = "; the method starts from its input" if row["starts_as_identity"] else ""
    return (
        f"{row['task']}: {row['method']} without {row['without']} ({row['role']}): "
        f"{row['result']}; by the {pair} scores content falls by {fall['content']:.3f}, domain by "
        f"{fall['domain']:.3f}{start}"
    )


def sufficient(results: Mapping[str, Any]) -> Finding:
    """Claim 2, from all cells whose truth is known."""
    cells, left_out = _with_error(results)
    names = {(task, cell["name"]) for task, cell, _ in cells}
    if len(names) < LEAST_NAMES:
        missing = (
            f"no task has {LEAST_NAMES} methods with a known truth and all scores; "
            f"{len(left_out)} cells or tasks are left out"
        )
        found_nothing = not_measured(SUFFICIENT, missing, _ALL_CELLS)
        return replace(found_nothing, details={"missing": missing, "left_out": left_out})
    tasks = np.array([task for task, _, _ in cells])
    strata = np.unique(tasks, return_inverse=True)[1]  # numbers compare faster than names
    errors = np.array([scores.error for _, _, scores in cells], float)
    clusters: dict[str, list[int]] = {}
    for position, (task, cell, _) in enumerate(cells):
        clusters.setdefault(f"{task}/{cell['name']}", []).append(position)
    found: dict[str, tuple[float, Interval | None]] = {}
    for score in ("completeness", "content", "domain"):
        values = np.array([getattr(each, score) for _, _, each in cells], float)

        def correlation(at: np.ndarray, values: np.ndarray = values) -> float:
            return rank_correlation(values[at], errors[at], strata[at])

        found[score] = correlation(np.arange(len(cells))), bootstrap(clusters, correlation)
    value, interval = found["completeness"]
    return Finding(
        SUFFICIENT,
        decide(value, interval, CORRELATION, "below"),
        _finite(value),
        interval,
        CORRELATION,
        {
            "cells": len(cells),
            "methods": len(names),
            "tasks": sorted(set(tasks.tolist())),
            **{
                score: {"correlation": _finite(found[score][0]), "interval": found[score][1]}
                for score in ("content", "domain")
            },
            "left_out": left_out,
        },
        _counterexamples(cells, tasks, errors),
        _worse_than_inputs(cells),
        [] if interval else [_ALL_CELLS],
    )


def _with_error(
    results: Mapping[str, Any],
) -> tuple[list[tuple[str, Mapping[str, Any], Scores]], dict[str, str]]:
    """Cells with all scores and an error to the truth, of tasks that have enough of them."""
    found, left_out = [], {}
    exact = {cell["task"] for cell in results["cells"] if _has_exact_truth(cell)}
    for cell in results["cells"]:
        if "ablation" in cell:  # near-copies of methods, at another budget
            continue
        scores = scores_of(cell)
        label = f"{cell['task']}: {cell['name']}-{cell['seed']}"
        if scores.error is None:
            left_out[label] = "no known truth"
        elif cell["task"] not in exact:
            left_out[label] = "the truth is not known to be exact: no finished cell was shown pairs"
        elif None in (scores.completeness, scores.content, scores.domain):
            left_out[label] = "a score is undefined"
        else:
            found.append((cell["task"], cell, scores))
    names: dict[str, set[str]] = {}
    for task, cell, _ in found:
        names.setdefault(task, set()).add(cell["name"])
    few = {task for task, each in names.items() if len(each) < LEAST_NAMES}
    for task in sorted(few):
        left_out[task] = f"fewer than {LEAST_NAMES} methods with a known truth"
    return [each for each in found if each[0] not in few], left_out


def _has_exact_truth(cell: Mapping[str, Any]) -> bool:
    """Whether the truth is the source with an edit, or pairs are there to learn it from.

    Equal names of files alone, as of the same emoji by two artists, are no truth.
    """
    return "pairs" in cell.get("uses", ()) or INSIDE in results_of(cell).get(IDENTITY, {})


def _counterexamples(cells, tasks: np.ndarray, errors: np.ndarray) -> list[str]:
    """The cells that completeness places furthest from where the error places them."""
    completeness = np.array([scores.completeness for _, _, scores in cells], float)
    by_completeness, by_error = np.zeros(len(cells)), np.zeros(len(cells))
    for task in np.unique(tasks):
        at = tasks == task
        if at.sum() > 1:
            by_completeness[at] = (ranks_of(completeness[at]) - 1) / (at.sum() - 1)
            by_error[at] = (ranks_of(-errors[at]) - 1) / (at.sum() - 1)
    gaps = np.abs(by_completeness - by_error)
    order = np.argsort(-gaps, kind="stable")[:_MOST_NAMED]
    worst = [i for place, i in enumerate(order) if gaps[i] >= _GAP or (place < _NAMED and gaps[i])]
    return [
        f"{'' if gaps[i] >= _GAP else 'furthest apart, '}"
        f"{tasks[i]}: {cells[i][1]['name']}-{cells[i][1]['seed']}: completeness "
        f"{completeness[i]:.3f}, better than {by_completeness[i]:.0%} of the cells; error "
        f"{errors[i]:.3f}, better than {by_error[i]:.0%}"
        for i in worst
    ]


def _worse_than_inputs(cells: Sequence[tuple[str, Mapping[str, Any], Scores]]) -> list[str]:
    """How many cells have a larger error than their unchanged inputs, by the tasks of edits."""
    edits = [(c, s.error) for _, c, s in cells if INSIDE in results_of(c).get(IDENTITY, {})]
    worse = [f"{c['name']}-{c['seed']}" for c, error in edits if error and error > _INPUTS]
    if not edits:
        return []
    named = f": {', '.join(worse)}" if worse else ""
    return [
        f"the error asks for the image as it is, so drawing all of it anew costs more than the "
        f"edit gains: unchanged inputs have {_INPUTS}, and {len(worse)} of {len(edits)} cells of "
        f"edits have more{named}"
    ]


def _finite(value: float) -> float | None:
    return value if np.isfinite(value) else None
