"""What the report says beyond single tasks: the claims of the survey, and what each loss term does.

Both are left out of a report whose cells measure none of them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tf_translate.experiment.compare.ablation_table import (
    LEAST_FALL,
    NOTHING_TO_LOSE,
    ablation_table,
)
from tf_translate.experiment.compare.claims.all_claims import find_all
from tf_translate.experiment.compare.claims.verdict import NOT_MEASURED, Finding
from tf_translate.experiment.compare.cycle_noise import read_all
from tf_translate.experiment.compare.prepare import read_about
from tf_translate.experiment.compare.report.words import number, span

CLAIMS_TITLE, TERMS_TITLE = "The claims of the survey", "What each loss term does"
CLAIMS = (
    "Each claim says on which side of a threshold a value lies. It is supported if the whole "
    "interval lies there, not supported if it lies on the other side, and undecided at this size "
    "otherwise. Intervals are of 95 %, unless the metric says another level. A verdict is one on "
    "these trainings and tasks. What was measured, and the thresholds, were written before most "
    "cells ran; the guide to comparisons lists what was changed later."
)
AGAINST, DEPENDS_ON = "Evidence against these claims", "What these verdicts depend on"
TERMS = (
    "Each row is a training of a method with one loss term at weight 0, beside one of the same "
    "length with all terms; shorter trainings have lower scores. tf-translate describe METHOD "
    "lists the terms. adversarial is the generators' side of a GAN loss; without discriminator, "
    "the discriminators keep their initial weights. Content and domain are from 0 to 1: with all "
    "terms → without this one. Where generators start from their input (input_skip), nothing has "
    "to keep the content. Coarse scores: whether judges recognize the source and take the image "
    f"for the target. Where neither falls by {LEAST_FALL}, the fine scores: c and d of "
    "completeness."
)
CLAIM_HEADS = ("claim", "verdict", "value", "interval", "supported if", "metric")
TERM_HEADS = ("task", "method", "without", "role", "scores", "content", "domain", "result")


@dataclass(frozen=True)
class Tested:
    """Claims and loss terms, as rows of words.

    Attributes:
        claims: A row for each claim, under `CLAIM_HEADS`; empty if none is measured.
        against: What contradicts measured claims, a sentence each.
        depends_on: What verdicts depend on, a sentence each.
        terms: A row for each method without a term, under `TERM_HEADS`.
        remarks: The share of terms that do what their role says, cells that are left out, and
            what the tasks are.
    """

    claims: Sequence[Sequence[str]] = ()
    against: Sequence[str] = ()
    depends_on: Sequence[str] = ()
    terms: Sequence[Sequence[str]] = ()
    remarks: Sequence[str] = ()


def find_tested(results: Mapping[str, Any], folder: Path) -> Tested:
    """What the cells of a folder say of claims and loss terms.

    Args:
        results: What `collect` returns.
        folder: The folder that was collected; noise in cycles is measured there.

    Raises:
        RunError: If two cells have the same method and seed, or a file is broken.
    """
    findings = find_all(results, read_all(folder))
    claims: list[Sequence[str]] = []
    against: list[str] = []
    depends_on: list[str] = []
    if any(each.verdict != NOT_MEASURED for each in findings):
        claims = list(map(_claim, findings))
        against = [f"{each.claim.number}: {t}" for each in findings for t in each.counterexamples]
        depends_on = [f"{each.claim.number}: {t}" for each in findings for t in each.depends_on]
    if not any("ablation" in cell for cell in results["cells"]):
        return Tested(claims, against, depends_on)
    table = ablation_table(results)
    names = dict.fromkeys(str(row["task"]) for row in table["rows"])
    titles = [
        f"{name} is the task: {about['title']}."
        for name in names
        if (about := read_about(folder / name, name)) is not None
    ]
    remarks = [*_remarks(table), *titles]
    return Tested(claims, against, depends_on, list(map(_term, table["rows"])), remarks)


def _claim(finding: Finding) -> Sequence[str]:
    missing = finding.details.get("missing")
    return (
        f"{finding.claim.number}. {finding.claim.statement}",
        finding.verdict + (f": {missing}" if missing else ""),
        "–" if finding.value is None else number(finding.value),
        interval_text(finding),
        finding.claim.rule.removeprefix("supported if "),
        finding.claim.metric,
    )


def interval_text(finding: Finding) -> str:
    """The interval, with a third digit where two hide on which side of the threshold it ends."""
    if finding.interval is None:
        return "none" if finding.value is not None else "–"
    threshold = finding.threshold
    hidden = threshold is not None and number(threshold) in map(number, finding.interval)
    return span(finding.interval, 3 if hidden else 2)


def _term(row: Mapping[str, Any]) -> Sequence[str]:
    pair = row["decided_by"]
    scores = (
        f"{number(row['all_terms'][pair][role])} → {number(row['ablated'][pair][role])}"
        for role in ("content", "domain")
    )
    result = row["result"]
    if row["starts_as_identity"]:
        result += " (its untrained generator returns the input)"
    return (row["task"], row["method"], row["without"], row["role"], pair, *scores, result)


def _remarks(table: Mapping[str, Any]) -> list[str]:
    said = []
    if table["counted"]:
        interval = f" (95 % {span(table['interval'])})" if table["interval"] else ""
        said.append(
            f"{table['as_said']} of {table['counted']} content and domain terms do what their role "
            f"says, {number(table['share'])}{interval}. Not counted are regularization terms, and "
            f"terms of content or domain where that is below {LEAST_FALL} with all terms."
        )
        said += _not_counted(table)
    budgets = " and ".join(f"{each:g}" for each in table["budgets"])
    said.append(
        f"These cells trained for the steps that were timed to take {budgets} minutes, with seed "
        f"{table['seeds']}."
    )
    by_reason: dict[str, list[str]] = {}
    for name, reason in table["left_out"].items():
        by_reason.setdefault(reason, []).append(name)
    return said + [
        f"Left out: {'; '.join(names)}: {'of each, ' if len(names) > 1 else ''}{reason}."
        for reason, names in by_reason.items()
    ]


def _not_counted(table: Mapping[str, Any]) -> list[str]:
    """Terms not counted by the fine scores, though the coarse ones had something to lose."""
    rows = [
        row
        for row in table["rows"]
        if row["result"] == NOTHING_TO_LOSE
        and row["all_terms"]["coarse"][row["role"]] >= LEAST_FALL
    ]
    if not rows:
        return []
    names = ", ".join(f"{row['task']}: {row['method']} {row['without']}" for row in rows)
    return [
        f"{len(rows)} of the terms with nothing to lose have a coarse score of their role of "
        f"{LEAST_FALL} or more with all terms, which falls by less than {LEAST_FALL} without them "
        f"({names}). If they counted, it would be "
        f"{table['as_said']} of {table['counted'] + len(rows)}."
    ]
