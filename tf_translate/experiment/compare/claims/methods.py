"""Claims 3 to 6: of stages, the identity-preserving step, DTN's f, and Fader's adversary."""

import math
from collections.abc import Mapping, Sequence
from statistics import fmean
from typing import Any

from tf_translate.errors import UnknownMethodError
from tf_translate.experiment.compare.claims.intervals import spread_ratio, weighted_sum
from tf_translate.experiment.compare.claims.verdict import (
    Claim,
    Finding,
    decide,
    not_measured,
    with_interval,
)
from tf_translate.experiment.compare.scores import scores_of
from tf_translate.methods import registry

STAGED = ("icgan", "age_cgan")  # those that the claim names
LEARNED, NOT_LEARNED = ("dtn", "dtn-all-terms"), "classes"
PRESERVING, ENCODER, PIXELWISE = "age_cgan", "age_cgan_encoder", "age_cgan_pixelwise"
DELICATE = "fader"
_LEAST = 1e-4  # that is missing to a completeness of 1
_MORE_SEEDS = "a method needs two seeds or more for an interval"
_Contrast = tuple[Sequence[Sequence[float]], Sequence[Sequence[float]]]  # two sides of groups
_T = "t interval over seeds, their spread taken as equal for the methods of a side (Welch)"

STAGES = Claim(
    3,
    "Methods trained in several stages (IcGAN, Age-cGAN) lose more content than end-to-end ones.",
    "All cells of a task that has methods of both kinds, at the same budget. End-to-end methods "
    "have one stage of training. Age-cGAN counts as in its paper, with its search; its variants in "
    "`ordinal` do not.",
    "Mean content of the end-to-end methods minus that of IcGAN and Age-cGAN, the mean over "
    f"tasks; {_T}.",
    "supported if the interval is above 0",
)
IDENTITY = Claim(
    4,
    "The identity-preserving step of Age-cGAN recovers part of the content that its encoder loses.",
    "Age-cGAN on `ordinal` with its encoder alone, and with the search for a latent of equal "
    "identity that starts there.",
    "Content with the search minus content with the encoder alone, at the same seed; t interval "
    "over seeds.",
    "supported if the interval is above 0",
)
FEATURES = Claim(
    5,
    "DTN keeps what its feature extractor f encodes, and loses the rest.",
    "DTN on a task with labels, at the same budget: an f that learned the labels, and others (not "
    "trained, or trained elsewhere). The class is kept by the label judge. The rest is the content "
    "score, which sees the class too.",
    "(class kept - content) with the f that learned the labels, minus the mean of that with "
    f"other f; {_T}.",
    "supported if the interval is above 0",
)
ADVERSARY = Claim(
    6,
    "The adversary of Fader Networks is delicate.",
    "All methods of the task with most seeds of Fader Networks.",
    "Standard deviation of completeness over the seeds of Fader Networks, over the pooled one of "
    "the other methods; F interval.",
    "supported if the interval is above 1",
)


def _groups(
    results: Mapping[str, Any], score: str
) -> dict[tuple[str, float], dict[str, dict[int, float]]]:
    """Scores by task and budget, then by the name of the method, then by seed."""
    groups: dict[tuple[str, float], dict[str, dict[int, float]]] = {}
    for cell in results["cells"]:
        value = getattr(scores_of(cell), score)
        if value is not None and "ablation" not in cell:
            key = (cell["task"], cell["budget_minutes"])
            groups.setdefault(key, {}).setdefault(cell["name"], {})[cell["seed"]] = value
    return groups


def _values_of(
    results: Mapping[str, Any], score: str
) -> dict[tuple[str, float], dict[str, list[float]]]:
    """Scores by task and budget, then by the name of the method."""
    return {
        key: {name: [*by_seed.values()] for name, by_seed in names.items()}
        for key, names in _groups(results, score).items()
    }


def _difference(
    contrasts: Sequence[_Contrast],
) -> tuple[float, tuple[float, float] | None]:
    """The mean over contrasts of (mean of groups - mean of other groups)."""
    values: list[Sequence[float]] = []
    weights: list[float] = []
    for ours, others in contrasts:
        values += [*ours, *others]
        weights += [1 / len(ours) / len(contrasts)] * len(ours)
        weights += [-1 / len(others) / len(contrasts)] * len(others)
    return weighted_sum(values, weights)


def stages(results: Mapping[str, Any]) -> Finding:
    """Claim 3."""
    of_name = {(cell["task"], cell["name"]): cell["method"] for cell in results["cells"]}
    run = "tf-translate compare run glasses --methods icgan,age_cgan,fader,cyclegan,genegan"
    contrasts, details, exceptions = [], {}, []
    for (task, minutes), names in _values_of(results, "content").items():
        staged = {name: v for name, v in names.items() if name in STAGED}
        direct = {name: v for name, v in names.items() if _is_end_to_end(of_name[task, name])}
        if not staged or not direct:
            continue
        contrasts.append(([*direct.values()], [*staged.values()]))
        means = {name: sum(v) / len(v) for name, v in {**staged, **direct}.items()}
        details[f"{task}, {minutes:g} minutes"] = means
        best = max(staged, key=lambda name: means[name])
        exceptions += [
            f"{task}: {name} is end-to-end and keeps {means[name]:.3f}, less than {best} with "
            f"{means[best]:.3f}"
            for name in direct
            if means[name] < means[best]
        ]
    if not contrasts:
        return not_measured(STAGES, "no task has cells of methods of both kinds", run)
    value, interval = _difference(contrasts)
    verdict = decide(value, interval, 0.0, "above")
    return Finding(
        STAGES,
        verdict,
        value,
        interval,
        0.0,
        _with_note(details, interval),
        exceptions,
        [_over_methods(details)],
        [] if interval else [f"{run} --seeds 3"],
    )


def _over_methods(means: Mapping[str, Mapping[str, float]]) -> str:
    """Claim 3 for other methods than these: with methods as the unit, not seeds.

    Args:
        means: Mean content of each method, by task and budget.
    """
    by_method: dict[str, list[float]] = {}
    for of_task in means.values():
        for name, value in of_task.items():
            by_method.setdefault(name, []).append(value)
    staged = [fmean(values) for name, values in by_method.items() if name in STAGED]
    direct = [fmean(values) for name, values in by_method.items() if name not in STAGED]
    value, interval = _difference([([direct], [staged])])
    return (
        "the interval holds for these methods, whose seeds vary; with one mean of each method as "
        f"the unit, as for other methods of both kinds, it is {with_interval(value, interval)}, by "
        f"which the claim is {decide(value, interval, 0.0, 'above')}. "
        f"Besides stages, a latent vector between input and output sets "
        f"{' and '.join(name for name in by_method if name in STAGED)} apart"
    )


def _is_end_to_end(method: str) -> bool:
    try:
        return len(registry.find(method).translator.known_stages()) == 1
    except UnknownMethodError:
        return False  # of a file that is not imported here


def _with_note(details: dict[str, Any], interval: object) -> dict[str, Any]:
    return details if interval else {**details, "no_interval": _MORE_SEEDS}


def identity(results: Mapping[str, Any]) -> Finding:
    """Claim 4."""
    run = f"tf-translate compare run ordinal --methods {PRESERVING},{ENCODER},{PIXELWISE} --seeds 3"
    gains: list[list[float]] = []
    details: dict[str, Any] = {}
    for (task, minutes), names in _groups(results, "content").items():
        searched, encoded = (names.get(name, {}) for name in (PRESERVING, ENCODER))
        seeds = sorted(searched.keys() & encoded.keys())
        if not seeds:
            continue
        gains.append([searched[seed] - encoded[seed] for seed in seeds])
        means = {
            name: fmean(own)
            for name in (ENCODER, PRESERVING, PIXELWISE)
            if (own := [v for seed, v in names.get(name, {}).items() if seed in seeds])
        }
        lost = 1 - means[ENCODER]
        recovered = (means[PRESERVING] - means[ENCODER]) / lost if lost > 0 else None
        details[f"{task}, {minutes:g} minutes"] = {**means, "recovered_fraction": recovered}
    if not gains:
        missing = f"no task has cells of {PRESERVING} and {ENCODER} of one seed and budget"
        return not_measured(IDENTITY, missing, run)
    value, interval = weighted_sum(gains, [1 / len(gains)] * len(gains))
    verdict = decide(value, interval, 0.0, "above")
    return Finding(
        IDENTITY,
        verdict,
        value,
        interval,
        0.0,
        _with_note(details, interval),
        to_run=[] if interval else [run],
    )


def features(results: Mapping[str, Any]) -> Finding:
    """Claim 5."""
    run = [
        "tf-translate compare run digits --methods dtn,dtn_lite0 --seeds 3",
        "tf-translate compare run digits --methods dtn --ablations --seeds 3 --budget 10",
    ]
    groups: dict[tuple[str, float], tuple[dict, dict]] = {}
    details: dict[str, Any] = {}
    for cell in results["cells"]:
        scores, off = scores_of(cell), cell.get("ablation", {}).get("without", "")
        if cell["method"] != "dtn" or off not in ("", NOT_LEARNED):
            continue
        if scores.labels is None or scores.content is None:
            continue
        ours, others = groups.setdefault((cell["task"], cell["budget_minutes"]), ({}, {}))
        side = ours if cell["name"] in LEARNED else others
        side.setdefault(cell["name"], []).append(scores.labels - scores.content)
        kept = details.setdefault(f"{cell['task']}, {cell['budget_minutes']:g} minutes", {})
        kept.setdefault(cell["name"], []).append({"class": scores.labels, "rest": scores.content})
    contrasts = [([*o.values()], [*r.values()]) for o, r in groups.values() if o and r]
    if not contrasts:
        missing = "no task has cells of DTN with labels and two f or more at the same budget"
        return not_measured(FEATURES, missing, *run)
    value, interval = _difference(contrasts)
    verdict = decide(value, interval, 0.0, "above")
    return Finding(
        FEATURES,
        verdict,
        value,
        interval,
        0.0,
        _with_note(details, interval),
        to_run=[] if interval else run,
    )


def adversary(results: Mapping[str, Any]) -> Finding:
    """Claim 6."""
    run = "tf-translate compare run glasses --seeds 3"
    by_task = _values_of(results, "completeness")
    usable = {
        key: names
        for key, names in by_task.items()
        if len(names.get(DELICATE, [])) > 1
        and any(len(v) > 1 for name, v in names.items() if name != DELICATE)
    }
    if not usable:
        missing = f"no task has two seeds of {DELICATE} and of another method"
        return not_measured(ADVERSARY, missing, run)
    task = max(usable, key=lambda key: (len(usable[key][DELICATE]), len(usable[key]), key[1]))
    details: dict[str, Any] = {"task": task[0], "minutes": task[1]}
    for score in ("content", "domain"):
        names = _values_of(results, score).get(task, {})
        ratio, interval = _spread(names)
        details[score] = {"ratio": _finite(ratio), "interval": interval}
    names = usable[task]
    details["range"] = {name: [min(v), max(v)] for name, v in names.items() if len(v) > 1}
    ratio, interval = _spread(names)
    widest = max(details["range"], key=lambda n: details["range"][n][1] - details["range"][n][0])
    exceptions = [f"{widest} has the widest range over seeds"] if widest != DELICATE else []
    verdict = decide(ratio, interval, 1.0, "above")
    logs = {n: [math.log(max(1 - v, _LEAST)) for v in values] for n, values in names.items()}
    by_logs = _spread(logs)
    depends_on = [
        "scores near their end of 1 spread less: by the logarithm of what is missing to 1, the "
        f"ratio is {with_interval(*by_logs)}, by which the claim is "
        f"{decide(*by_logs, 1.0, 'above')}"
    ]
    return Finding(
        ADVERSARY, verdict, _finite(ratio), interval, 1.0, details, exceptions, depends_on
    )


def _spread(names: Mapping[str, list[float]]) -> tuple[float, tuple[float, float] | None]:
    others = [values for name, values in names.items() if name != DELICATE]
    return spread_ratio(names.get(DELICATE, []), others)


def _finite(value: float) -> float | None:
    return value if value - value == 0 else None
