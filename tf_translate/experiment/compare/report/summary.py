"""What the report says of each task, gathered from the files of its cells."""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tf_translate.errors import RunError, UnknownMethodError
from tf_translate.experiment.compare import parts
from tf_translate.experiment.compare.cell_images import (
    CHOSEN,
    KeptImage,
    PerImage,
    read_images,
    read_per_image,
)
from tf_translate.experiment.compare.collect import FIXED_ROWS, OUTPUT, better
from tf_translate.experiment.compare.costs import read_costs
from tf_translate.experiment.compare.parts import COMPLETENESS
from tf_translate.experiment.compare.prepare import read_about
from tf_translate.experiment.compare.report.agreement import Agreement, agreements
from tf_translate.experiment.compare.report.differences import (
    CellScores,
    Difference,
    differences,
)
from tf_translate.methods import registry

ERROR_METRICS = ("l1_inside_edit", "l1_outside_edit", "l1")  # compared too where they are known


@dataclass(frozen=True)
class Value:
    """A metric of a method.

    Attributes:
        mean: Over seeds.
        range: Least and largest over seeds.
        seeds: Number of seeds that have it.
        interval: Of 95 % over held-out images, at the seeds that there are; None if unknown.
    """

    mean: float
    range: tuple[float, float]
    seeds: int
    interval: tuple[float, float] | None = None


@dataclass(frozen=True, eq=False)
class Row:
    """A method, or a fixed row.

    Attributes:
        name: In the task.
        title: For people.
        values: By metric, those of `evaluate`.
        content, domain: On their scales from 0 to 1; None where undefined.
        points: Content and domain of each seed.
    """

    name: str
    title: str
    values: Mapping[str, Value]
    content: Value | None
    domain: Value | None
    points: tuple[parts.Parts, ...]

    @property
    def completeness(self) -> Value | None:
        """Its completeness; None where undefined."""
        return self.values.get(COMPLETENESS)


@dataclass(frozen=True, eq=False)
class MethodRow(Row):
    """A method of the task.

    Attributes:
        paper, keeps, reaches: From the registry; empty if it is not registered here.
        shown: What it is shown, in words.
        uses: Supervision.
        cells: Records of its cells, by seed.
        minutes, steps: Of training.
        cost: From `costs.json`; None if it was not measured.
    """

    paper: str = ""
    keeps: str = ""
    reaches: str = ""
    shown: str = ""
    uses: tuple[str, ...] = ()
    cells: tuple[Mapping[str, Any], ...] = ()
    minutes: Value | None = None
    steps: Value | None = None
    cost: Mapping[str, Any] | None = None


@dataclass(frozen=True, eq=False)
class TaskSummary:
    """All that the report says of a task.

    Attributes:
        name, title: Of the task.
        about: Title, data and what is not applicable; None for an unknown task of an old folder.
        methods: Most complete first.
        fixed: Rows that do not depend on a method.
        better: "higher" or "lower" by metric.
        differences: Of completeness and of errors, by metric and pair of methods.
        agreements: Rank correlations of metrics over all cells.
        images: Kept images of one cell of each method that has some; all of the same seed where
            the methods share one.
        score_name: What best, median and worst go by.
        costs: `costs.json` of the task, or None.
        notes: What is missing or unequal, a sentence each.
    """

    name: str
    title: str
    about: Mapping[str, Any] | None
    methods: tuple[MethodRow, ...]
    fixed: tuple[Row, ...]
    better: Mapping[str, str]
    differences: Mapping[str, Mapping[tuple[str, str], Difference]]
    agreements: Sequence[Agreement]
    images: Mapping[str, Sequence[KeptImage]]
    image_seeds: Mapping[str, int]
    score_name: str
    costs: Mapping[str, Any] | None
    notes: tuple[str, ...] = field(default=())

    @property
    def cells(self) -> list[Mapping[str, Any]]:
        """Records of all cells."""
        return [cell for method in self.methods for cell in method.cells]


def summarize(results: Mapping[str, Any], folder: Path) -> list[TaskSummary]:
    """Gathers what the report says of each task.

    Args:
        results: What `collect` returns.
        folder: The folder that was collected.

    Raises:
        RunError: If two cells have the same method and seed, or a file of a cell is broken.
    """
    tasks = [name for name, table in results["tasks"].items() if table]
    return [_task(name, results, folder) for name in tasks]


def _task(name: str, results: Mapping[str, Any], root: Path) -> TaskSummary:
    cells = [c for c in results["cells"] if c["task"] == name and "ablation" not in c]
    _check_unique(cells)
    folder = (root / cells[0]["folder"]).parent
    about, costs = read_about(folder, name), read_costs(folder)
    by_name: dict[str, list[Mapping[str, Any]]] = {}
    for cell in sorted(cells, key=lambda each: each["seed"]):
        by_name.setdefault(cell["name"], []).append(cell)
    methods = sorted(
        (_method(name, own, about, costs) for name, own in by_name.items()),
        key=lambda row: (-row.completeness.mean if row.completeness else 1.0, row.name),
    )
    scores = {row.name: _scores(row.cells, root) for row in methods}
    metrics = [
        COMPLETENESS,
        *(m for m in ERROR_METRICS if any(_have(own, m) for own in scores.values())),
    ]
    if "l1_inside_edit" in metrics:  # says more than the error over all pixels
        metrics.remove("l1")
    images, seeds = _images(methods, root)
    names = {each.score_name for own in scores.values() for each in _per_image(own)}
    return TaskSummary(
        name=name,
        title=about["title"] if about else name,
        about=about,
        methods=tuple(methods),
        fixed=tuple(_fixed(cells)),
        better=better(results, name),
        differences={metric: differences(scores, metric) for metric in metrics},
        agreements=agreements([_results(cell)[OUTPUT] for cell in cells], better(results, name)),
        images=images,
        image_seeds=seeds,
        score_name="; ".join(sorted(names)),
        costs=costs,
        notes=(*_notes(cells, methods, about, costs, seeds), *_apart(images, scores)),
    )


def _check_unique(cells: Iterable[Mapping[str, Any]]) -> None:
    seen: dict[tuple[str, int], str] = {}
    for cell in cells:
        key = cell["name"], cell["seed"]
        if key in seen:
            raise RunError(
                f"the report needs one cell of each method and seed, but {seen[key]} and "
                f"{cell['folder']} are both {cell['name']}:{cell['seed']}; give the folder of one "
                "comparison"
            )
        seen[key] = cell["folder"]


def _method(
    name: str,
    cells: Sequence[Mapping[str, Any]],
    about: Mapping[str, Any] | None,
    costs: Mapping[str, Any] | None,
) -> MethodRow:
    try:
        entry = registry.find(cells[0]["method"])
    except UnknownMethodError:
        entry = None  # a method in a file that was imported when it ran
    title = name
    if entry is not None:
        title = entry.title if name == entry.name else f"{entry.title} ({name})"
    results = [_results(cell) for cell in cells]
    points = [parts.parts_of(found, OUTPUT) for found in results]
    values = _values([found[OUTPUT] for found in results])
    intervals = [
        _direction(cell).get("confidence_intervals_95", {}).get(OUTPUT, {}).get(COMPLETENESS)
        for cell in cells
    ]
    if COMPLETENESS in values and all(intervals):
        # All seeds are measured on the same images, so the ends move together.
        ends = [sum(each[end] for each in intervals) / len(intervals) for end in (0, 1)]
        plain = values[COMPLETENESS]
        values[COMPLETENESS] = Value(plain.mean, plain.range, plain.seeds, (ends[0], ends[1]))
    return MethodRow(
        name=name,
        title=title,
        values=values,
        **_summarized(points),
        paper=entry.paper if entry else "",
        keeps=entry.keeps_content_by if entry else "",
        reaches=entry.reaches_domain_by if entry else "",
        shown=str(about["shown"].get(name, "")) if about else "",
        uses=tuple(cells[0].get("uses", ())),
        cells=tuple(cells),
        minutes=_value([cell.get("minutes") for cell in cells]),
        steps=_value([cell.get("steps") for cell in cells]),
        cost=(costs or {"methods": {}})["methods"].get(name),
    )


def _fixed(cells: Sequence[Mapping[str, Any]]) -> list[Row]:
    found = []
    for name in FIXED_ROWS:
        having = [results for results in map(_results, cells) if name in results]
        if having:
            points = [parts.parts_of(results, name) for results in having]
            values = _values([results[name] for results in having])
            found.append(Row(name, name, values, **_summarized(points)))
    return found


def _summarized(points: Sequence[parts.Parts | None]) -> dict[str, Any]:
    known = [each for each in points if each is not None]
    return {
        "content": _value([each.content for each in known]),
        "domain": _value([each.domain for each in known]),
        "points": tuple(known),
    }


def _direction(cell: Mapping[str, Any]) -> Mapping[str, Any]:
    return cell["metrics"]["directions"][cell["direction"]]


def _results(cell: Mapping[str, Any]) -> Mapping[str, Mapping[str, float | None]]:
    return _direction(cell)["results"]


def _values(rows: Sequence[Mapping[str, float | None]]) -> dict[str, Value]:
    names = dict.fromkeys(name for row in rows for name in row)
    found = {name: _value([row.get(name) for row in rows]) for name in names}
    return {name: value for name, value in found.items() if value is not None}


def _value(values: Iterable[float | None]) -> Value | None:
    known = [float(each) for each in values if each is not None]
    if not known:
        return None
    return Value(sum(known) / len(known), (min(known), max(known)), len(known))


def _scores(cells: Sequence[Mapping[str, Any]], root: Path) -> list[CellScores]:
    """What differences are computed from, of the cells that keep scores of each image."""
    found = []
    for cell in cells:
        per_image = read_per_image(root / cell["folder"])
        if per_image is None:
            continue
        results = _results(cell)
        kid = parts.kid_name(results[OUTPUT]) or ""
        errors = _direction(cell).get("standard_errors", {}).get(OUTPUT, {})
        value, error = results[OUTPUT].get(kid), errors.get(kid)
        found.append(
            CellScores(
                per_image,
                parts.content_scale(results),
                parts.domain_scale(results),
                math.nan if value is None else value,
                math.nan if error is None else error,
            )
        )
    return found


def _have(cells: Sequence[CellScores], metric: str) -> bool:
    return any(metric in cell.per_image.scores for cell in cells)


def _per_image(cells: Sequence[CellScores]) -> list[PerImage]:
    return [cell.per_image for cell in cells]


def _images(
    methods: Sequence[MethodRow], root: Path
) -> tuple[dict[str, list[KeptImage]], dict[str, int]]:
    """Kept images by method, of the least seed that all share, else of each method's least."""
    having = {row.name: [cell for cell in row.cells if not cell["missing"]] for row in methods}
    having = {name: cells for name, cells in having.items() if cells}
    shared = (
        set.intersection(*({c["seed"] for c in cells} for cells in having.values()))
        if having
        else set()
    )
    images, seeds = {}, {}
    for name, cells in having.items():
        cell = next((c for c in cells if c["seed"] == min(shared, default=None)), cells[0])
        images[name], seeds[name] = read_images(root / cell["folder"]), cell["seed"]
    return images, seeds


def _apart(
    images: Mapping[str, Sequence[KeptImage]], scores: Mapping[str, Sequence[CellScores]]
) -> list[str]:
    """A sentence if methods were measured on different images, so that pages leave parts out."""
    notes = []
    chosen = [{e.key for e in kept if e.kind == CHOSEN} for kept in images.values()]
    if chosen and not set.intersection(*chosen):
        notes.append("No held-out image is common to all methods, so there is no wall of images.")
    sets = {frozenset(each.keys.tolist()) for own in scores.values() for each in _per_image(own)}
    if len(sets) > 1:
        notes.append(
            "The cells were measured on different held-out images; differences are of those that "
            "two methods share."
        )
    return notes


def _notes(
    cells: Sequence[Mapping[str, Any]],
    methods: Sequence[MethodRow],
    about: Mapping[str, Any] | None,
    costs: Mapping[str, Any] | None,
    seeds: Mapping[str, int],
) -> list[str]:
    notes = [*_second_views(cells, methods)]
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
        str(_direction(cell).get("protocol", {}).get("metrics", "unknown")) for cell in cells
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
        for row in methods:
            if row.cost is None:
                notes.append(
                    f"The cost of {row.title} is missing; run tf-translate compare costs again."
                )
            elif "reason" in row.cost:
                notes.append(f"The cost of {row.title} was not measured: {row.cost['reason']}.")
    if about is None:
        notes.append("The folder does not say what the task is, nor what is not applicable.")
        return notes
    finished = {row.name for row in methods}
    absent = [name for name in about["shown"] if name not in finished]
    if absent:
        notes.append(f"Methods of the task without a finished cell: {', '.join(absent)}.")
    return notes


def _second_views(
    cells: Sequence[Mapping[str, Any]], methods: Sequence[MethodRow]
) -> Iterator[str]:
    """Where a pretrained network places outputs farther from the targets than their inputs."""
    inputs = _results(cells[0]).get(parts.IDENTITY, {})
    for metric, limit in inputs.items():
        network = parts.network_of_kid(metric)
        if network is None or limit is None:
            continue
        farther = [
            f"{row.title} {row.values[metric].mean:.2f}"
            for row in methods
            if metric in row.values and row.values[metric].mean > limit
        ]
        if farther:
            yield (
                f"By the features of {network}, some outputs are farther from real targets than "
                f"the unchanged inputs are (KID {limit:.2f}): {', '.join(farther)}. The domain in "
                "completeness is by the task's own judge: look at the images too."
            )


def _judge_notes(cells: Sequence[Mapping[str, Any]]) -> list[str]:
    """Whether cells have different judges, and where content cannot be measured."""
    notes = []
    by_judges: dict[str, set[str]] = {}
    for cell in cells:
        judges = str(_direction(cell).get("protocol", {}).get("judges", "unknown"))
        by_judges.setdefault(judges, set()).add(cell["name"])
    if len(by_judges) > 1:
        groups = "; ".join(", ".join(sorted(names)) for names in by_judges.values())
        notes.append(
            f"The cells were measured by {len(by_judges)} different judges ({groups}), so their "
            "values are not comparable."
        )
    margins = {
        cell["name"]: _results(cell).get("ground truth", {}).get("content/margin") for cell in cells
    }
    unclear = {name for name, margin in margins.items() if margin is not None and margin <= 0}
    if unclear:
        notes.append(
            "Content cannot be measured here: even the true image is no nearer to its own source "
            f"than to another one ({', '.join(sorted(unclear))}). Hold out one image of each "
            "person or thing, or show it in one form only."
        )
    return notes
