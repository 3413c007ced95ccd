"""Sentences above the report of a task: what its values do not show, what is missing or unequal."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

from tf_translate.evaluation.metrics.results import (
    HELD_OUT_SOURCES,
    HELD_OUT_TARGETS,
    TRAINING_OVERLAP,
)
from tf_translate.experiment.compare import parts
from tf_translate.experiment.compare.cells.cell_images import CHOSEN, LABEL_KEPT, KeptImage
from tf_translate.experiment.compare.cells.cell_scores import CellScores
from tf_translate.experiment.compare.cells.read_cell import OUTPUT, measurement_of, results_of
from tf_translate.experiment.compare.differences import Difference
from tf_translate.experiment.compare.parts import COMPLETENESS, IDENTITY, INSIDE, MARGIN, RANDOM
from tf_translate.experiment.compare.report.rows import MethodRow

_HARDLY = 0.95  # of the error of random targets
_UNEQUAL_TIMES = 1.1  # longest over shortest training
Differences = Mapping[str, Mapping[tuple[str, str], Difference]]


def caveats(
    cells: Sequence[Mapping[str, Any]], methods: Sequence[MethodRow], found: Differences
) -> Iterator[str]:
    """What a reader of completeness would not expect.

    Args:
        cells: Of one task.
        methods: Its rows.
        found: Differences by metric.
    """
    for view in other_views(cells, methods):
        yield (
            f"By the features of {view.network}, the outputs of {len(view.farther)} of "
            f"{view.methods} methods, as a set, are farther from real targets than the unchanged "
            f"inputs are (KID {view.inputs:.3f}), by more than two standard errors: "
            f"{', '.join(view.farther)}. The domain in completeness is by the task's own judge: "
            "look at the images too."
        )
    nearer = [
        f"{row.title} (c = {row.content.mean:.2f})"
        for row in methods
        if row.content and row.content.mean > 0
        if MARGIN in row.values and row.values[MARGIN].mean < 0
    ]
    if nearer:
        scale = parts.content_scale(results_of(cells[0]))
        at = 0.0 if scale is None else float(scale.place(0.0))
        below = f" (c below {at:.2f})" if at > 0 else ""
        yield (
            f"On the mean, outputs of these methods are nearer to another input than to their own"
            f"{below}: {', '.join(nearer)}. Content c is above 0 all the same, as its 0 is that of "
            "random targets; the reciprocal rank of the source shows better what is lost."
        )
    yield from _contradictions(methods, found)
    if any(len(row.cells) == 2 for row in methods) and any(
        each.over_seeds for pairs in found.values() for each in pairs.values()
    ):
        yield (
            "Two seeds say little about the spread of a method: its 95 % t interval is ±12.7 "
            "standard errors, where that of many seeds is ±2. So a large difference may not be "
            "shown, while a small one is shown if two seeds happen to agree."
        )
    yield from _random_edits(cells, methods)
    skipping = [
        row.title for row in methods if any(cell.get("starts_as_identity") for cell in row.cells)
    ]
    if skipping:
        yield (
            f"These methods have the content before they learn anything: {', '.join(skipping)}. "
            "Their generators output a change of the input (model.input_skip), unlike those of the "
            "papers, so untrained outputs are equal to the inputs."
        )
    undefined = [
        f"{row.title} {0 if row.completeness is None else row.completeness.seeds} of "
        f"{len(row.cells)}"
        for row in methods
        if row.completeness is None or row.completeness.seeds < len(row.cells)
    ]
    if undefined:
        listed = ", ".join(undefined)
        yield f"Completeness is undefined for some seeds; those that have it: {listed}."
    yield from _overlap(cells)
    yield from _times(cells, methods)


@dataclass(frozen=True)
class OtherView:
    """Where a pretrained network places outputs farther from the targets than their inputs.

    Attributes:
        network: Its name.
        inputs: Kernel distance of the inputs to the targets, by its features.
        farther: Methods whose outputs are farther, by more than two standard errors, each as its
            title and its distance.
        methods: Number of methods that it measured.
    """

    network: str
    inputs: float
    farther: Sequence[str]
    methods: int


def other_views(
    cells: Sequence[Mapping[str, Any]], methods: Sequence[MethodRow]
) -> Iterator[OtherView]:
    """The views of pretrained networks that put some outputs farther than their inputs."""
    inputs: dict[str, float] = {}
    for cell in cells:
        own = results_of(cell).get(IDENTITY, {})
        inputs |= {m: v for m, v in own.items() if v is not None and m not in inputs}
    for metric, limit in inputs.items():
        network = parts.network_of_kid(metric)
        if network is None:
            continue
        farther = [
            f"{row.title} {row.values[metric].mean:.3f}"
            for row in methods
            if metric in row.values
            and row.values[metric].mean > limit + _noise(row.cells or cells, metric)
        ]
        if farther:
            measured = sum(metric in row.values for row in methods)
            yield OtherView(network, limit, farther, measured)


def _noise(cells: Sequence[Mapping[str, Any]], metric: str) -> float:
    """Two standard errors of the difference of a method's metric from that of the inputs."""
    found = [measurement_of(cell).get("standard_errors", {}) for cell in cells]
    both = [[e.get(row, {}).get(metric) for row in (OUTPUT, IDENTITY)] for e in found]
    known = [math.hypot(*pair) for pair in both if None not in pair]
    return 2.0 * max(known, default=math.inf)  # unknown: nothing can be said


def _contradictions(methods: Sequence[MethodRow], found: Differences) -> Iterator[str]:
    """Orders of completeness that other measures of the content contradict."""
    errors = [metric for metric in found if metric not in (COMPLETENESS, LABEL_KEPT)]
    views = (  # how each is named, its metrics, and the sign of a difference that is worse
        ("the errors to the truth", errors, 1.0),
        ("the classes that are kept", [LABEL_KEPT], -1.0),
    )
    for words, metrics, worse in views:
        pairs = [found[metric] for metric in metrics if found.get(metric)]
        if opposite := _opposite_orders(methods, found.get(COMPLETENESS, {}), pairs, worse):
            yield (
                f"By {words}, the second of these methods is the better one, though the first "
                f"has the higher completeness: {', '.join(opposite)}. All of these differences are "
                "significant, see below."
            )


def _opposite_orders(
    methods: Sequence[MethodRow],
    by_completeness: Mapping[tuple[str, str], Difference],
    others: Sequence[Mapping[tuple[str, str], Difference]],
    worse: float,
) -> list[str]:
    """Pairs of methods, the more complete one first, that all other metrics put the other way."""
    opposite = []
    for first, second in combinations(methods, 2):  # by completeness
        pair = first.name, second.name
        complete = by_completeness.get(pair)
        if complete is None or not (complete.is_real and complete.value > 0):
            continue
        if not others or any(pair not in each for each in others):
            continue
        if all(each[pair].is_real and worse * each[pair].value > 0 for each in others):
            opposite.append(f"{first.title} and {second.title}")
    return opposite


def _random_edits(
    cells: Sequence[Mapping[str, Any]], methods: Sequence[MethodRow]
) -> Iterator[str]:
    """Edits that are hardly nearer to the truth than pixels of an unrelated image."""
    values = [results_of(cell).get(RANDOM, {}).get(INSIDE) for cell in cells]
    limit = max((each for each in values if each is not None), default=None)
    if limit is None:
        return
    errors = [(row.title, row.values[INSIDE].mean) for row in methods if INSIDE in row.values]
    far = [f"{title} {error:.3f}" for title, error in errors if error > _HARDLY * limit]
    if far:
        yield (
            "Inside the edit, where the truth differs from the input, these methods are hardly "
            f"nearer to the truth than a real image that has nothing to do with the input "
            f"({limit:.3f}), or farther: {', '.join(far)}. The domain judge may take any change at "
            "the right place for the edit."
        )


def _overlap(cells: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """Held-out images that the judges know; the largest number over all cells."""
    counts: list[tuple[int, int]] = []
    for cell in cells:
        protocol = measurement_of(cell).get("protocol") or {}
        values = [
            protocol.get(name) for name in (TRAINING_OVERLAP, HELD_OUT_SOURCES, HELD_OUT_TARGETS)
        ]
        known = [each for each in values if isinstance(each, int)]
        if len(known) == len(values):
            counts.append((known[0], sum(known[1:])))
    if counts and max(counts)[0] > 0:
        yield (
            f"{max(counts)[0]} of the {max(counts)[1]:,} held-out images are equal to one of the "
            "training images that the judges learned from, in every pixel."
        )


def _times(cells: Sequence[Mapping[str, Any]], methods: Sequence[MethodRow]) -> Iterator[str]:
    """Trainings whose times differ, though their budgets are equal."""
    if len({cell.get("budget_minutes") for cell in cells}) > 1:
        return
    minutes = [(row.minutes.mean, row.title) for row in methods if row.minutes is not None]
    if len(minutes) < 2 or min(minutes)[0] <= 0:
        return
    (least, shortest), (most, longest) = min(minutes), max(minutes)
    if most > _UNEQUAL_TIMES * least:
        yield (
            f"Training took from {least:.0f} ({shortest}) to {most:.0f} minutes ({longest}), with "
            "equal budgets: see Conditions, training steps."
        )


def different_images(
    images: Mapping[str, Sequence[KeptImage]],
    scores: Mapping[str, Sequence[CellScores]],
    methods: Sequence[MethodRow],
) -> list[str]:
    """Where images or scores of images are missing or differ, so that pages leave parts out."""
    notes = []
    chosen = [{e.key for e in kept if e.kind == CHOSEN} for kept in images.values()]
    if chosen and not set.intersection(*chosen):
        notes.append("No held-out image is common to all methods, so there is no wall of images.")
    sets = {frozenset(cell.per_image.keys.tolist()) for own in scores.values() for cell in own}
    if len(sets) > 1:
        notes.append(
            "The cells were measured on different held-out images; differences are of those that "
            "two methods share."
        )
    lacking = [
        f"{row.title} {len(scores[row.name])} of {len(row.cells)}"
        for row in methods
        if 0 < len(scores[row.name]) < len(row.cells)
    ]
    if lacking:
        notes.append(
            f"Differences are of the seeds that keep scores of each image: {', '.join(lacking)}."
        )
    return notes


def missing_or_unequal(
    cells: Sequence[Mapping[str, Any]],
    methods: Sequence[MethodRow],
    about: Mapping[str, Any] | None,
    costs: Mapping[str, Any] | None,
    seeds: Mapping[str, int],
) -> list[str]:
    """What cells lack, and conditions in which they differ."""
    notes = []
    without = [row.title for row in methods if row.name not in seeds]
    if without:
        notes.append(
            f"{len(without)} of {len(methods)} methods kept no images or per-image scores "
            f"({', '.join(without)}): the wall and the differences leave them out."
        )
    if len(set(seeds.values())) > 1:
        notes.append("No seed is common to all methods, so the images are of different seeds.")
    counts = {len(row.cells) for row in methods}
    if len(counts) > 1:
        each = ", ".join(f"{row.title} {len(row.cells)}" for row in methods)
        notes.append(f"The methods have different numbers of seeds: {each}.")
    for key, what in (
        ("budget_minutes", "training budgets"),
        ("precision", "precisions"),
        ("revision", "revisions of the code"),
        ("machine", "machines"),
        ("versions", "versions of packages"),
    ):
        if len({str(cell.get(key)) for cell in cells}) > 1:
            notes.append(f"The cells have different {what}; see Conditions.")
    protocols = {
        str(measurement_of(cell).get("protocol", {}).get("metrics", "unknown")) for cell in cells
    }
    if len(protocols) > 1:
        notes.append(
            "The cells were measured by different protocols of the metrics "
            f"({', '.join(sorted(protocols))}), so their values are not comparable."
        )
    notes += _judge_notes(cells)
    if costs is None:
        notes.append(
            "The cost of a translation is missing: tf-translate compare costs measures it."
        )
    else:
        load, cores = costs.get("load_before"), costs["machine"]["cores"]
        if load is not None and load > cores:
            notes.append(
                f"The machine was busy before latency was measured (load {load:.1f} on {cores} "
                "cores); run tf-translate compare costs again when it is idle."
            )
        unknown = [row.title for row in methods if row.cost is None]
        if unknown:
            listed = ", ".join(unknown)
            notes.append(f"The cost of {listed} is missing; run tf-translate compare costs again.")
        for row in methods:
            if row.cost is not None and "reason" in row.cost:
                notes.append(f"The cost of {row.title} was not measured: {row.cost['reason']}.")
    if about is None:
        notes.append("The folder does not say what the task is, nor what is not applicable.")
        return notes
    finished = {row.name for row in methods}
    absent = [name for name in about["shown"] if name not in finished]
    if absent:
        notes.append(f"Methods of the task without a finished cell: {', '.join(absent)}.")
    return notes


def _judge_notes(cells: Sequence[Mapping[str, Any]]) -> list[str]:
    """Whether cells have different judges, and where content cannot be measured."""
    notes = []
    by_judges: dict[str, set[str]] = {}
    for cell in cells:
        judges = str(measurement_of(cell).get("protocol", {}).get("judges", "unknown"))
        by_judges.setdefault(judges, set()).add(cell["name"])
    if len(by_judges) > 1:
        groups = "; ".join(", ".join(sorted(names)) for names in by_judges.values())
        notes.append(
            f"The cells were measured by {len(by_judges)} different judges ({groups}), so their "
            "values are not comparable."
        )
    margins = {
        cell["name"]: results_of(cell).get("ground truth", {}).get("content/margin")
        for cell in cells
    }
    unclear = {name for name, margin in margins.items() if margin is not None and margin <= 0}
    if unclear:
        notes.append(
            "Content cannot be measured here: even the true image is no nearer to its own source "
            f"than to another one ({', '.join(sorted(unclear))}). Hold out one image of each "
            "person or thing, or show it in one form only."
        )
    return notes
