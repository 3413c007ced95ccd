"""The table of ablations: what a loss term's role says, and what its removal changed.

A content term does what its role says if, without it, content falls by at least `LEAST_FALL` and
by more than the domain; a domain term, if the domain falls by at least that and by more than
content. Scores are those of `scores.py`. Regularization terms are listed and not counted.
"""

from collections.abc import Mapping, Sequence
from statistics import mean
from typing import Any

from tf_translate.errors import RunError
from tf_translate.experiment.compare.claims.intervals import fraction_interval
from tf_translate.experiment.compare.scores import scores_of

LEAST_FALL = 0.02  # of a score from 0 to 1; smaller falls are no change
BAR = 0.8  # of the rows that are counted
_HALVES = ("content", "domain")
AS_SAID, OTHER_HALF, NO_CHANGE, NOT_COUNTED = (
    "as its role says",
    "the other half falls more",
    "no change",
    "not counted",
)


def ablation_table(results: Mapping[str, Any]) -> dict[str, Any]:
    """The table of all cells of ablations.

    A row is a method of a task without one term; seeds are averaged.

    Args:
        results: What `collect` returns.

    Returns:
        JSON values: `rows`; `left_out`, cells or rows that cannot be compared, with the reason;
        `counted`, `as_said`, and their `share` with its `interval` (None without a counted row);
        `least_fall` and `bar`.

    Raises:
        RunError: If there is no cell of an ablation.
    """
    groups: dict[tuple[str, str], dict[str, list[Mapping[str, Any]]]] = {}
    for cell in results["cells"]:
        about = cell.get("ablation")
        if about is not None:
            terms = groups.setdefault((cell["task"], about["of"]), {})
            terms.setdefault(about["without"], []).append(cell)
    if not groups:
        raise RunError(
            "there is no cell of an ablation; `tf-translate compare run TASK --ablations --seeds 1 "
            "--budget 10` runs some"
        )
    rows, left_out = [], {}
    for (task, method), terms in groups.items():
        controls = terms.pop("", [])
        for term, cells in terms.items():
            reason = _not_comparable(controls, cells)
            if reason:
                left_out[f"{task}: {cells[0]['name']}"] = reason
            else:
                rows.append(_row(task, method, term, controls, cells))
        if not terms:
            left_out[f"{task}: {controls[0]['name']}"] = "there is no cell without a term"
    counted = [row for row in rows if row["result"] != NOT_COUNTED]
    as_said = sum(row["result"] == AS_SAID for row in counted)
    return {
        "rows": rows,
        "left_out": left_out,
        "counted": len(counted),
        "as_said": as_said,
        "share": as_said / len(counted) if counted else None,
        "interval": list(fraction_interval(as_said, len(counted))) if counted else None,
        "least_fall": LEAST_FALL,
        "bar": BAR,
    }


def _not_comparable(controls: Sequence[Mapping], cells: Sequence[Mapping]) -> str:
    if not controls:
        return f"there is no cell {cells[0]['ablation']['of']}-all-terms to compare with"
    budgets = {cell["budget_minutes"] for cell in (*controls, *cells)}
    if len(budgets) > 1:
        listed = " and ".join(f"{each:g}" for each in sorted(budgets))
        return f"the cells have different budgets, {listed} minutes"
    unknown = [half for half in _HALVES for c in (*controls, *cells) if _score(c, half) is None]
    return f"its {unknown[0]} score is undefined" if unknown else ""


def _score(cell: Mapping[str, Any], half: str) -> float | None:
    return getattr(scores_of(cell), half)


def _row(
    task: str, method: str, term: str, controls: Sequence[Mapping], cells: Sequence[Mapping]
) -> dict[str, Any]:
    about = cells[0]["ablation"]
    before = {half: mean(_score(cell, half) or 0.0 for cell in controls) for half in _HALVES}
    after = {half: mean(_score(cell, half) or 0.0 for cell in cells) for half in _HALVES}
    falls = {half: before[half] - after[half] for half in _HALVES}
    return {
        "task": task,
        "method": method,
        "without": term,
        "terms": about["terms"],
        "role": about["role"],
        "all_terms": before,
        "ablated": after,
        "fall": falls,
        "seeds": len(cells),
        "steps": [mean(cell["steps"] for cell in each) for each in (controls, cells)],
        "result": result_of(about["role"], falls),
    }


def result_of(role: str, falls: Mapping[str, float]) -> str:
    """Whether falls of content and domain are what a role says; see the module."""
    if role not in _HALVES:
        return NOT_COUNTED
    other = _HALVES[1 - _HALVES.index(role)]
    if falls[role] >= LEAST_FALL and falls[role] > falls[other]:
        return AS_SAID
    return OTHER_HALF if falls[other] >= LEAST_FALL else NO_CHANGE
