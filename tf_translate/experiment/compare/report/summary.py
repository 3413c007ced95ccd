"""What the report says of each task, gathered from the files of its cells."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from tf_translate.errors import UnknownMethodError
from tf_translate.experiment.compare import parts
from tf_translate.experiment.compare.cells.cell_images import (
    LABEL_KEPT,
    KeptImage,
    read_images,
)
from tf_translate.experiment.compare.cells.cell_scores import CellScores, read_scores
from tf_translate.experiment.compare.cells.read_cell import OUTPUT, measurement_of, results_of
from tf_translate.experiment.compare.collect import FIXED_ROWS, better, check_unique
from tf_translate.experiment.compare.costs import read_costs
from tf_translate.experiment.compare.differences import differences
from tf_translate.experiment.compare.fixed_steps import read_steps
from tf_translate.experiment.compare.parts import COMPLETENESS
from tf_translate.experiment.compare.prepare import OwnSettings, read_about, read_settings
from tf_translate.experiment.compare.report.agreement import agreements
from tf_translate.experiment.compare.report.notes import (
    caveats,
    different_images,
    missing_or_unequal,
)
from tf_translate.experiment.compare.report.rows import MethodRow, Row, TaskSummary, Value
from tf_translate.experiment.step_timing import StepTime
from tf_translate.methods import registry

ERROR_METRICS = ("l1_inside_edit", "l1_outside_edit", "l1")  # compared too where they are known


def summarize(results: Mapping[str, Any], folder: Path) -> list[TaskSummary]:
    """Gathers what the report says of each task, first of those with the most methods.

    Args:
        results: What `collect` returns.
        folder: The folder that was collected.

    Raises:
        RunError: If two cells have the same method and seed, or a file of a cell is broken.
    """
    tasks = [name for name, table in results["tasks"].items() if table]
    summaries = (_task(name, results, folder) for name in tasks)
    return sorted(summaries, key=lambda each: -len(each.methods))


def _task(name: str, results: Mapping[str, Any], root: Path) -> TaskSummary:
    cells = [c for c in results["cells"] if c["task"] == name and "ablation" not in c]
    check_unique(cells)
    folder = (root / cells[0]["folder"]).parent
    about, costs, settings = read_about(folder, name), read_costs(folder), read_settings(folder)
    fixed_steps = read_steps(folder)
    times = fixed_steps.times if fixed_steps else {}
    by_name: dict[str, list[Mapping[str, Any]]] = {}
    for cell in sorted(cells, key=lambda each: each["seed"]):
        by_name.setdefault(cell["name"], []).append(cell)
    methods = sorted(
        (_method(name, own, about, costs, settings, times) for name, own in by_name.items()),
        key=lambda row: (-row.completeness.mean if row.completeness else 1.0, row.name),
    )
    scores = {row.name: read_scores(row.cells, root) for row in methods}
    metrics = [
        COMPLETENESS,
        *(m for m in ERROR_METRICS if any(_have(own, m) for own in scores.values())),
        *((LABEL_KEPT,) if sum(_have(own, LABEL_KEPT) for own in scores.values()) > 1 else ()),
    ]
    if "l1_inside_edit" in metrics:  # says more than the error over all pixels
        metrics.remove("l1")
    found = {metric: differences(scores, metric) for metric in metrics}
    images, seeds = _images(methods, root)
    names = {cell.per_image.score_name for own in scores.values() for cell in own}
    return TaskSummary(
        name=name,
        title=about["title"] if about else name,
        about=about,
        methods=tuple(methods),
        fixed=tuple(_fixed(cells)),
        better=better(results, name),
        differences=found,
        agreements=agreements(
            [results_of(cell)[OUTPUT] for cell in cells],
            better(results, name),
            [cell["method"] for cell in cells],
        ),
        images=images,
        image_seeds=seeds,
        score_name="; ".join(sorted(names)),
        costs=costs,
        notes=(
            *(about["remarks"] if about else ()),
            *caveats(cells, methods, found),
            *missing_or_unequal(cells, methods, about, costs, seeds),
            *different_images(images, scores, methods),
        ),
    )


def _method(
    name: str,
    cells: Sequence[Mapping[str, Any]],
    about: Mapping[str, Any] | None,
    costs: Mapping[str, Any] | None,
    settings: Mapping[str, OwnSettings],
    times: Mapping[str, StepTime],
) -> MethodRow:
    try:
        entry = registry.find(cells[0]["method"])
    except UnknownMethodError:
        entry = None  # a method in a file that was imported when it ran
    title = name
    if entry is not None:
        title = entry.title if name == entry.name else f"{entry.title} ({name})"
    texts = about["texts"].get(name, {}) if about else {}
    results = [results_of(cell) for cell in cells]
    points = [parts.parts_of(found, OUTPUT) for found in results]
    values = _values([found[OUTPUT] for found in results])
    intervals = [
        measurement_of(cell).get("confidence_intervals_95", {}).get(OUTPUT, {}).get(COMPLETENESS)
        for cell in cells
    ]
    if COMPLETENESS in values and all(intervals):
        # All seeds are measured on the same images, so the ends move together.
        ends = [sum(each[end] for each in intervals) / len(intervals) for end in (0, 1)]
        plain = values[COMPLETENESS]
        values[COMPLETENESS] = Value(plain.mean, plain.range, plain.seeds, (ends[0], ends[1]))
    return MethodRow(
        name=name,
        title=texts.get("title") or title,
        values=values,
        **_summarized(points),
        other_domains=_values([parts.other_domains_of(found, OUTPUT) for found in results]),
        paper=entry.paper if entry else "",
        keeps=texts.get("keeps_content_by") or (entry.keeps_content_by if entry else ""),
        reaches=entry.reaches_domain_by if entry else "",
        shown=str(about["shown"].get(name, "")) if about else "",
        uses=tuple(cells[0].get("uses", ())),
        settings=settings.get(name, OwnSettings()),
        cells=tuple(cells),
        minutes=_value([cell.get("minutes") for cell in cells]),
        steps=_value([cell.get("steps") for cell in cells]),
        step_seconds=times[name].seconds if name in times else None,
        cost=(costs or {"methods": {}})["methods"].get(name),
    )


def _fixed(cells: Sequence[Mapping[str, Any]]) -> list[Row]:
    found = []
    for name in FIXED_ROWS:
        having = [results for results in map(results_of, cells) if name in results]
        if having:
            points = [parts.parts_of(results, name) for results in having]
            values = _values([results[name] for results in having])
            others = _values([parts.other_domains_of(results, name) for results in having])
            found.append(Row(name, name, values, **_summarized(points), other_domains=others))
    return found


def _summarized(points: Sequence[parts.Parts | None]) -> dict[str, Any]:
    known = [each for each in points if each is not None]
    return {
        "content": _value([each.content for each in known]),
        "domain": _value([each.domain for each in known]),
        "points": tuple(known),
    }


def _values(rows: Sequence[Mapping[str, float | None]]) -> dict[str, Value]:
    names = dict.fromkeys(name for row in rows for name in row)
    found = {name: _value([row.get(name) for row in rows]) for name in names}
    return {name: value for name, value in found.items() if value is not None}


def _value(values: Iterable[float | None]) -> Value | None:
    known = [float(each) for each in values if each is not None]
    if not known:
        return None
    return Value(sum(known) / len(known), (min(known), max(known)), len(known))


def _have(cells: Sequence[CellScores], metric: str) -> bool:
    return any(metric in cell.per_image.scores for cell in cells)


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
