"""The table of ablations: what a loss term's role says, and what its removal changed.

Two pairs of scores, each from 0 to 1 (see `scores.py`):

- The coarse pair: whether a judge recognizes the own source among all (reciprocal rank), and
  whether a judge takes the image for the target (accuracy).
- The fine pair, c and d of completeness: the margin to another source, and the kernel distance
  of the images beside that accuracy.

The coarse scores are alike: each is a mean over images of an answer from 0 to 1, and neither asks
how sharp an image is. The fine ones are not: a blur of one pixel takes most of the kernel distance
and nothing of the margin. So the coarse pair decides, and the fine pair only where the coarse one
hardly changes.

A content term does what its role says if, without it, content falls by at least `LEAST_FALL` and
by more than the domain; a domain term, if the domain falls by at least that and by more than
content. A row is not counted if the term is a regularization, or if the method with all terms has
a score of that role that is too low to fall.
"""

from collections.abc import Mapping, Sequence
from statistics import mean
from typing import Any

import numpy as np

from tf_translate.errors import RunError
from tf_translate.experiment.compare.claims.intervals import Interval, bootstrap
from tf_translate.experiment.compare.scores import scores_of

# Of a score from 0 to 1. The coarse ones, means over 512 images, have standard errors of 0.022 at
# most; the kernel distance may have more.
LEAST_FALL = 0.1
BAR = 0.8  # of the rows that are counted
LEAST_METHODS = 6  # if all of 5 agree, the exact interval of their share still holds 0.5
_ROLES = ("content", "domain")
_PAIRS = {  # scores of content and domain
    "coarse": ("recognized", "classified"),
    "fine": ("content", "domain"),
}
AS_SAID, OTHER_FALLS, NO_CHANGE, NOTHING_TO_LOSE, NOT_COUNTED = (
    "as its role says",
    "the other one falls more",
    f"neither falls by {LEAST_FALL}",
    "nothing to lose",
    "not counted",
)
UNCOUNTED = (NOTHING_TO_LOSE, NOT_COUNTED)


def ablation_table(results: Mapping[str, Any]) -> dict[str, Any]:
    """The table of all cells of ablations.

    A row is a method of a task without one term. Seeds that it and the method with all terms share
    are averaged.

    Args:
        results: What `collect` returns.

    Returns:
        JSON values: `rows`; `left_out`, cells or rows that cannot be compared or are not finished,
        with the reason; `counted`, `as_said`, and their `share` with its `interval` (see
        `share_as_said`); `budgets` in minutes and `seeds` of the cells; `least_fall` and `bar`.

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
            seeds = {each["seed"] for each in controls} & {each["seed"] for each in cells}
            before = [each for each in controls if each["seed"] in seeds]
            after = [each for each in cells if each["seed"] in seeds]
            reason = _not_comparable(before, after or cells)
            if reason:
                left_out[f"{task}: {cells[0]['name']}"] = reason
            else:
                rows.append(_row(task, method, term, before, after))
        there = {(each["name"], each["seed"]) for cells in terms.values() for each in cells}
        planned = {
            (other, each["seed"])
            for each in controls
            for other in each["ablation"].get("others", ())
        }
        left_out |= {
            f"{task}: {name}, seed {seed}": "it is not finished"
            for name, seed in sorted(planned - there)
        }
        if not terms:
            left_out[f"{task}: {controls[0]['name']}"] = "there is no cell without a term"
    counted = [row for row in rows if row["result"] not in UNCOUNTED]
    share, interval = share_as_said(counted)
    return {
        "rows": rows,
        "left_out": left_out,
        "counted": len(counted),
        "as_said": sum(row["result"] == AS_SAID for row in counted),
        "share": share,
        "interval": interval,
        "budgets": sorted({c["budget_minutes"] for c in results["cells"] if "ablation" in c}),
        "seeds": ", ".join(
            map(str, sorted({c["seed"] for c in results["cells"] if "ablation" in c}))
        ),
        "least_fall": LEAST_FALL,
        "bar": BAR,
    }


def share_as_said(rows: Sequence[Mapping[str, Any]]) -> tuple[float | None, Interval | None]:
    """The fraction of rows that are as their role says, with its bootstrap interval over methods.

    Rows of a method share one cell with all terms, so they are drawn together.

    Returns:
        The fraction, None without a row; the interval, None with fewer than `LEAST_METHODS`.
    """
    if not rows:
        return None, None
    hits = np.array([row["result"] == AS_SAID for row in rows], float)
    methods: dict[str, list[int]] = {}
    for position, row in enumerate(rows):
        methods.setdefault(row["registered"], []).append(position)
    if len(methods) < LEAST_METHODS:
        return float(hits.mean()), None
    return float(hits.mean()), bootstrap(methods, lambda at: float(hits[at].mean()))


def _not_comparable(controls: Sequence[Mapping], cells: Sequence[Mapping]) -> str:
    if not controls:
        name = f"{cells[0]['ablation']['of']}-all-terms"
        return f"there is no cell {name} of the same seed to compare with"
    budgets = {cell["budget_minutes"] for cell in (*controls, *cells)}
    if len(budgets) > 1:
        listed = " and ".join(f"{each:g}" for each in sorted(budgets))
        return f"the cells have different budgets, {listed} minutes"
    unknown = [
        (role, score)
        for scores in _PAIRS.values()
        for role, score in zip(_ROLES, scores, strict=True)
        if any(getattr(scores_of(cell), score) is None for cell in (*controls, *cells))
    ]
    return f"its {unknown[0][0]} score is undefined" if unknown else ""


def _mean_scores(cells: Sequence[Mapping]) -> dict[str, dict[str, float]]:
    """By pair and role."""
    return {
        pair: {
            role: mean(getattr(scores_of(cell), score) for cell in cells)
            for role, score in zip(_ROLES, scores, strict=True)
        }
        for pair, scores in _PAIRS.items()
    }


def _row(
    task: str, method: str, term: str, controls: Sequence[Mapping], cells: Sequence[Mapping]
) -> dict[str, Any]:
    about = cells[0]["ablation"]
    before, after = _mean_scores(controls), _mean_scores(cells)
    falls = {
        pair: {role: before[pair][role] - after[pair][role] for role in _ROLES} for pair in _PAIRS
    }
    pair = "coarse" if max(falls["coarse"].values()) >= LEAST_FALL else "fine"
    return {
        "task": task,
        "method": method,
        "registered": cells[0]["method"],  # variants of a method are one
        "without": term,
        "terms": about["terms"],
        "role": about["role"],
        "all_terms": before,
        "ablated": after,
        "falls": falls,
        "decided_by": pair,
        "starts_as_identity": bool(cells[0].get("starts_as_identity")),
        "seeds": len(cells),
        "steps": [mean(cell["steps"] for cell in each) for each in (controls, cells)],
        "result": result_of(about["role"], before[pair], falls[pair]),
    }


def result_of(role: str, before: Mapping[str, float], falls: Mapping[str, float]) -> str:
    """Whether falls of content and domain are what a role says; see the module.

    Args:
        role: Role of the term.
        before: Content and domain with all terms, by the pair that decides.
        falls: What content and domain lose without the term.
    """
    if role not in _ROLES:
        return NOT_COUNTED
    if before[role] < LEAST_FALL:
        return NOTHING_TO_LOSE
    other = _ROLES[1 - _ROLES.index(role)]
    if falls[role] >= LEAST_FALL and falls[role] > falls[other]:
        return AS_SAID
    return OTHER_FALLS if falls[other] >= LEAST_FALL else NO_CHANGE
