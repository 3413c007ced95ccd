"""Puts advice together: which methods fit, in the order that results support, and with what."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from tf_translate.experiment.advise import ranking
from tf_translate.experiment.advise.choose_task import (
    choose_task,
    data_of,
    hours_to_measure,
    texts_of,
    title_of,
)
from tf_translate.experiment.advise.fit import (
    MEGABYTE,
    NO_LIMITS,
    Fit,
    Limits,
    fit,
    smallest_file,
    too_few,
)
from tf_translate.experiment.advise.published import Published
from tf_translate.experiment.advise.results import (
    COMPLETENESS,
    FileCost,
    MethodResult,
    Summary,
    TaskResult,
)
from tf_translate.experiment.advise.user_data import Found, UserData
from tf_translate.experiment.compare.parts import IDENTITY, network_of_kid
from tf_translate.methods.registry import Method

MARGIN = "content/margin"
_SHOWN = (  # besides completeness, and kernel distances, whose names hold their features
    *(MARGIN, "content/label_accuracy", "content/l1_inside_edit", "content/l1_outside_edit"),
    "domain/accuracy",
)
_KID = "domain/kid/"


def advise(
    data: UserData,
    methods: Mapping[str, Method],
    published: Published,
    *,
    found: Found | None = None,
    summary: Summary | None = None,
    limits: Limits = NO_LIMITS,
    keep_identity: bool = False,
    task: str | None = None,
) -> dict[str, Any]:
    """Advice as JSON values; it ranks only where the results decide.

    Args:
        data: What the user has.
        methods: All methods, by name.
        published: Numbers of images and sizes of files that this project has published.
        found: What was found in files, if there are any.
        summary: Results of a comparison; None if there are none.
        limits: The budget on the device.
        keep_identity: Whether a method is left out whose outputs were nearer to other inputs.
        task: Name of the task whose results count; None: the one most like the user's.

    Raises:
        ConfigError: If neither the results nor this package have the task.
    """
    tasks = summary.tasks if summary is not None else {}
    name, why = choose_task(data, list(tasks), task)
    results = tasks.get(name)
    listed = _of(results).values()
    measured_methods = {r.method for r in listed} - {r.method for r in listed if not r.files}
    fits = [
        # Sizes that the comparison measured count before those of earlier runs.
        fit(
            method,
            data,
            replace(limits, megabytes=None) if method.name in measured_methods else limits,
            published,
        )
        for method in methods.values()
    ]
    texts = texts_of(name)
    entries: dict[str, dict[str, Any]] = {}
    ranked: dict[str, MethodResult] = {}
    unranked, not_measured, does_not_fit = [], [], []
    for each in fits:
        entry = _entry(each, data, published)
        if each.reason:
            does_not_fit.append({**entry, "reason": each.reason, "needed": each.needed})
            continue
        own = {n: r for n, r in _of(results).items() if r.method == each.method.name}
        if not own:
            not_measured.append(entry)
        for variant, result in own.items():
            own_texts = texts.get(variant, {})
            measured = {
                **entry,
                "name": variant,
                **own_texts,
                "has_own_texts": bool(own_texts),
                **_metrics(result, results),
            }
            unlike = _not_with_these(result, data)
            refusal = _too_large(result, results, limits, name)
            if refusal is None and keep_identity and not unlike:
                refusal = _identity_lost(result, results, name)
            reason = unlike or ranking.cannot_rank(result)
            if refusal:
                does_not_fit.append({**measured, **refusal})
            elif reason:
                unranked.append({**measured, "reason": reason})
            else:
                entries[variant], ranked[variant] = measured, result
    ranks = ranking.rank(ranked, () if results is None else results.differences)
    return {
        "you_have": _you_have(data, found, limits, keep_identity),
        "task": {"name": name, "title": title_of(name), "data": data_of(name), "why": why},
        "results": _about(summary, results),
        "ranked": any(each.above for each in ranks),
        "not_ranked_because": _why_not_ranked(summary, name, ranks, unranked),
        "ranks": [
            {
                "rank": [each.best, each.worst],
                "method": entries[each.name],
                "above": list(each.above),
                "undecided": dict(each.undecided),
            }
            for each in ranks
        ],
        "measured_without_rank": unranked,
        "not_measured": not_measured,
        "does_not_fit": does_not_fit,
        "warnings": [
            *_warnings(fits, data, published, limits, measured_methods),
            *_notes_on_identity(keep_identity, results, bool(ranks)),
        ],
        "unknown_methods": sorted(
            {r.method for r in _of(results).values() if r.method not in methods}
        ),
    }


def _of(results: TaskResult | None) -> Mapping[str, MethodResult]:
    return {} if results is None else results.methods


def _you_have(
    data: UserData, found: Found | None, limits: Limits, keep_identity: bool
) -> dict[str, Any]:
    sides = None if found is None or found.sides is None else [list(each) for each in found.sides]
    return {
        "supervision": sorted(data.supervision),
        "levels": data.levels,
        "object": data.object,
        "same_classes": data.same_classes,
        "images": dict(data.counts),
        "image_sides": sides,
        "keep_identity": keep_identity,
        "max_megabytes": limits.megabytes,
        "max_milliseconds": limits.milliseconds,
        "found": [] if found is None else list(found.lines),
        "assumptions": list(data.assumptions),
    }


def _entry(each: Fit, data: UserData, published: Published) -> dict[str, Any]:
    """What is known of a method without a comparison."""
    method = each.method
    smallest = smallest_file(method.name, published)
    device: dict[str, Any] = {"megabytes": {}, "source": None, "smallest": None}
    if smallest is not None:
        about = published.exports[method.name]
        device = {
            "megabytes": {name: size / MEGABYTE for name, size in about.recipes.items()},
            "source": about.source,
            "smallest": smallest[0],
        }
    few = too_few(each, data, published)
    return {
        "name": method.name,
        "method": method.name,
        "title": method.title,
        "paper": method.paper,
        "learns_from": each.learns_from,
        "keeps_content_by": method.keeps_content_by,
        "reaches_domain_by": method.reaches_domain_by,
        "conditions": list(each.conditions),
        "trained_on": [tried.model_dump(mode="json") for tried in published.of(method.name)],
        "fewer_images_than_tried": few is not None,
        "device": {**device, "milliseconds": None},
        "metrics": None,
    }


def _metrics(result: MethodResult, results: TaskResult | None) -> dict[str, Any]:
    """The metrics of a method on the task, as parts of its entry."""
    shown = [*_SHOWN, *(name for name in result.metrics if name.startswith(_KID))]
    metrics: dict[str, Any] = {
        COMPLETENESS: {
            "mean": ranking.mean_of(result),
            "interval": ranking.interval_of(result),
            "range": ranking.range_of(result),
            "better": "higher",
        }
        if ranking.range_of(result) is not None
        else None
    }
    for name in shown:
        if name in result.metrics:
            metrics[name] = result.metrics[name].model_dump(mode="json")
    return {
        "metrics": metrics,
        "direction": result.direction,
        "uses": list(result.uses),
        "seeds": len(set(result.seeds)),
        "minutes": list(result.minutes),
        "protocols": list(result.protocols),
        "measured_files": {name: each.model_dump() for name, each in result.files.items()},
        "farther_than_inputs": _farther_than_inputs(result, results),
    }


def _farther_than_inputs(result: MethodResult, results: TaskResult | None) -> list[dict[str, Any]]:
    """The networks trained elsewhere by which outputs are farther from targets than inputs are.

    In every seed, so that no small difference is said.
    """
    inputs = {} if results is None else results.fixed_rows.get(IDENTITY, {})
    return [
        {"network": network, "outputs": values.mean, "inputs": inputs[name]}
        for name, values in result.metrics.items()
        if (network := network_of_kid(name)) and name in inputs and values.range[0] > inputs[name]
    ]


def _too_large(
    result: MethodResult, results: TaskResult | None, limits: Limits, task: str
) -> dict[str, str] | None:
    """Why no measured file of a method is within the limits, and what is needed; None if one is."""
    if not result.files or any(_within(each, limits) for each in result.files.values()):
        return None
    files = "; ".join(
        f"{recipe} {each.megabytes:.1f} MB, {each.milliseconds:.1f} ms"
        for recipe, each in result.files.items()
    )
    where = f" ({results.timed_on})" if results is not None and results.timed_on else ""
    return {
        "reason": f"none of its files on {task} is within the limits: {files}{where}",
        "needed": "smaller networks or images, which were not measured",
    }


def _identity_lost(
    result: MethodResult, results: TaskResult | None, task: str
) -> dict[str, str] | None:
    """Why a method does not keep the identity, if enough seeds say so; else None."""
    if not (ranking.has_enough_seeds(result) and _loses_identity(result, results)):
        return None
    low, high = result.metrics[MARGIN].range
    return {
        "reason": f"on {task} its outputs are nearer to another input than to their own in the "
        f"mean of every seed ({MARGIN} {low:.3f} to {high:.3f}), so the identity is lost",
        "needed": "a run of it that keeps the identity of your images: measure your own",
    }


def _within(file: FileCost, limits: Limits) -> bool:
    """Whether a file meets both limits."""
    pairs = ((file.megabytes, limits.megabytes), (file.milliseconds, limits.milliseconds))
    return all(limit is None or value <= limit for value, limit in pairs)


def _loses_identity(result: MethodResult, results: TaskResult | None) -> bool:
    """Whether outputs of all seeds are nearer to other inputs, and the truth is not."""
    margin = result.metrics.get(MARGIN)
    if margin is None or results is None:
        return False
    truth = results.fixed_rows.get("ground truth", results.fixed_rows.get("identity", {}))
    return margin.range[1] <= 0 < truth.get(MARGIN, 0.0)


def _not_with_these(result: MethodResult, data: UserData) -> str | None:
    """Why results do not hold for this user; None if they do."""
    missing = [name for name in result.uses if name not in data.supervision]
    if not missing:
        return None
    return f"it was measured with {' and '.join(missing)}, which you do not have"


def _about(summary: Summary | None, results: TaskResult | None) -> dict[str, Any] | None:
    if summary is None:
        return None
    return {
        "command": summary.command,
        "revisions": list(summary.revisions),
        "date": summary.date,
        "tasks": list(summary.tasks),
        "timed_on": "" if results is None else results.timed_on,
        "fixed_rows": {} if results is None else results.fixed_rows,
    }


def _why_not_ranked(
    summary: Summary | None, task: str, ranks: list[ranking.Rank], unranked: list[dict[str, Any]]
) -> str | None:
    hours = hours_to_measure(task, ranking.LEAST_SEEDS)
    cost = "" if hours is None else f" (about {hours:g} core-hours of training)"
    command = f"`tf-translate compare run {task}`{cost} measures them"
    if summary is None:
        return (
            "no comparison was measured: this package holds none yet; "
            f"{command}, and `--results runs/compare/{task}` ranks what it finds"
        )
    if task not in summary.tasks:
        held = ", ".join(summary.tasks) or "none"
        shown = "".join(f"; `--task {name}` shows those" for name in list(summary.tasks)[:1])
        return f"the results hold no runs of the task {task}, but of {held}{shown}; {command}"
    if any(each.above for each in ranks):
        return None
    if not ranks and not unranked:
        return f"none of the methods that fit was measured on {task}; {command}"
    if not ranks:
        (common, count), *_ = Counter(each["reason"] for each in unranked).most_common()
        said = f"; of {count} of {len(unranked)}, {common}"
        return f"no method that fits can be ranked by the results of {task}{said}"
    if len(ranks) == 1:
        return f"{ranks[0].name} is the only method with metrics that can be ranked"
    return "the results do not decide between the methods"


def _warnings(
    fits: list[Fit], data: UserData, published: Published, limits: Limits, measured: set[str]
) -> Iterator[str]:
    fitting = [each for each in fits if not each.reason]
    few = {each.method.name: found for each in fitting if (found := too_few(each, data, published))}
    for name, (count, least) in few.items():
        yield (
            f"{name}: you have {count:,} images to learn from, and the fewest that this project "
            f"tried are {least.images:,} ({least.source}); nothing is known below that"
        )
    by_published = [e.method.name for e in fitting if e.method.name not in measured]
    if limits.megabytes is not None and by_published:
        unknown = [name for name in by_published if smallest_file(name, published) is None]
        known = [name for name in by_published if name not in unknown]
        if unknown:
            yield (
                f"the file size of {', '.join(unknown)} is unknown: `tf-translate export RUN` "
                "writes the files of a trained run"
            )
    if limits.megabytes is not None and by_published and known:
        yield (
            f"sizes of {', '.join(known)} are those of published runs of the small presets, "
            "as they were then; other networks and image sizes have others: `tf-translate export "
            "RUN` tells"
        )
    if limits.milliseconds is not None:
        yield (
            "the latency of methods on your device is unknown: `tf-translate export RUN`, then "
            "`tf-translate benchmark BUNDLE` measures it"
        )


def _notes_on_identity(
    keep_identity: bool, results: TaskResult | None, is_ranked: bool
) -> Iterator[str]:
    if not keep_identity:
        return
    found = _of(results)
    if not any(MARGIN in result.metrics for result in found.values()):
        yield (
            "whether a method keeps the identity was not measured, so --keep-identity leaves none "
            "out: read how each keeps the content, and see content/margin of `tf-translate "
            "evaluate RUN`"
        )
        return
    doubtful = [
        name
        for name, result in found.items()
        if _loses_identity(result, results) and not ranking.has_enough_seeds(result)
    ]
    if doubtful:
        yield (
            f"in fewer than {ranking.LEAST_SEEDS} seeds, outputs of {', '.join(doubtful)} are "
            "nearer to another input than to their own; that is too few to leave a method out"
        )
    order = "the order is that of completeness; for" if is_ranked else "for"
    yield (
        f"{order} the identity read {MARGIN}: above 0, an output is nearer to its own input than "
        "to the nearest other one"
    )
