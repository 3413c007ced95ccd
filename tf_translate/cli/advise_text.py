"""Prints advice: what the user has, and groups of methods with the metrics they lean on."""

from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.padding import Padding

_NAMES = {
    "pairs": "pairs",
    "sets": "two sets",
    "attributes": "attributes",
    "images": "one set",
    "labels": "class labels",
}
_MARGIN = "content/margin"
_SHOWN = ("completeness", _MARGIN, "content/label_accuracy", "domain/accuracy")  # --json has all
_REPORT = (
    "the settings of each method, which may differ from its preset, and what these values cannot "
    "tell are in the report of the comparison; of the results in the package: "
    "docs/comparison/index.md, Conditions and Limits"
)
_COMPLETENESS = (
    "completeness = 2cd / (c + d) of content c and domain d: 0 if one is missing, 1 if both are as "
    "good as in the ground truth; content/margin is above 0 if an output is nearer to its own "
    "input than to others"
)
_RECIPES = ("float32", "float16")  # shown beside the smallest


def print_advice(advice: Mapping[str, Any], console: Console) -> None:
    """Prints what `advise` returns, for people."""
    _print_user_data(advice["you_have"], console)
    task = advice["task"]
    about = "; ".join(filter(None, (task["title"], task["data"])))
    title = f" ({about})" if about else ""
    _print(console, f"Task that counts: {task['name']}{title}, because {task['why']}.")
    _print_results(advice, console)
    if advice["not_ranked_because"]:
        _print(console, f"Not ranked: {advice['not_ranked_because']}.")
    _print_ranks(advice, console)
    order = "(in alphabetical order, which is no ranking)"
    title = f"Fits and was measured, without a rank {order}:"
    _print_group(title, advice["measured_without_rank"], console)
    title = f"Fits, not measured {order}:"
    _print_group(title, advice["not_measured"], console)
    if advice["does_not_fit"]:
        console.print()
        console.print("Does not fit:")
        for each in advice["does_not_fit"]:
            _print(console, f"{each['name']}: {each['reason']}; needed: {each['needed']}", 2)
    if advice["warnings"] or advice["unknown_methods"]:
        console.print()
    for warning in advice["warnings"]:
        _print(console, f"note: {warning}")
    if advice["unknown_methods"]:
        unknown = advice["unknown_methods"]
        _print(
            console,
            f"note: left out, as {len(unknown)} methods of the results are not registered here: "
            f"{', '.join(unknown)} (`tf-translate --import FILE.py`)",
        )
    console.print()
    _print(
        console,
        "More on a method: `tf-translate describe METHOD`. To measure methods on your own images: "
        "`tf-translate compare run FILE.toml`, a task of your own (docs/guides/compare.md).",
    )


def _print_user_data(have: Mapping[str, Any], console: Console) -> None:
    named = [text for name, text in _NAMES.items() if name in have["supervision"]]
    counts = ", ".join(
        f"{have['images'][name]:,} ({text})"
        for name, text in _NAMES.items()
        if name in have["images"]
    )
    images = f"; images to learn from: {counts}" if counts else ""
    _print(console, f"You have: {', '.join(named)}{images}.")
    for line in have["found"]:
        _print(console, f"found: {line}", 2)
    if have["image_sides"]:
        least, most = (" x ".join(map(str, sides)) for sides in have["image_sides"])
        among = least if least == most else f"{least} to {most}"
        _print(console, f"found: images of {among} pixels, high x wide; data.size resizes them", 2)
    for line in have["assumptions"]:
        _print(console, f"assumed: {line}", 2)


def _print_results(advice: Mapping[str, Any], console: Console) -> None:
    about = advice["results"]
    if about is None:
        return
    revisions = ", ".join(about["revisions"])
    _print(console, f"Results: {about['command']} (revision {revisions}, {about['date']}).")
    _print(console, _COMPLETENESS, 2)
    _print(console, _REPORT, 2)
    if about["timed_on"]:
        _print(console, f"milliseconds of files are on {about['timed_on']}", 2)
    known = {row: v[_MARGIN] for row, v in about["fixed_rows"].items() if _MARGIN in v}
    if known:
        listed = ", ".join(f"{row} {value:.3f}" for row, value in known.items())
        _print(console, f"{_MARGIN} of fixed rows, for comparison: {listed}", 2)


def _print_ranks(advice: Mapping[str, Any], console: Console) -> None:
    if not advice["ranks"]:
        return
    console.print()
    console.print(f"Fits and was measured, by completeness on {advice['task']['name']}:")
    for each in advice["ranks"]:
        best, worst = each["rank"]
        ranks = f"rank {best}" if best == worst else f"rank {best} to {worst}"
        _print_method(each["method"], console, f"{ranks}: " if advice["ranked"] else "")
        if each["above"]:
            _print(console, f"above {', '.join(each['above'])}", 4)
        by_reason: dict[str, list[str]] = {}
        for other, reason in each["undecided"].items():
            by_reason.setdefault(reason, []).append(other)
        for reason, others in by_reason.items():
            _print(console, f"undecided with {', '.join(others)}: {reason}", 4)


def _print_group(title: str, methods: Sequence[Mapping[str, Any]], console: Console) -> None:
    if not methods:
        return
    console.print()
    console.print(title)
    for each in methods:
        _print_method(each, console)


def _print_method(each: Mapping[str, Any], console: Console, place: str = "") -> None:
    paper = f" ({each['paper']})" if each["paper"] else ""
    title = "" if each["title"] == each["name"] else f", {each['title']}"
    _print(console, f"{place}{each['name']}{title}{paper}, from {_NAMES[each['learns_from']]}", 2)
    if each["name"] != each["method"]:
        own = "" if each["has_own_texts"] else "; what follows is its paper's method"
        _print(console, f"a variant of {each['method']} in the task{own}", 4)
    _print(console, f"keeps the content by: {each['keeps_content_by'] or 'not stated'}", 4)
    _print(console, f"reaches the domain by: {each['reaches_domain_by'] or 'not stated'}", 4)
    if each["metrics"]:
        minutes = ", ".join("unknown" if m is None else f"{m:g}" for m in each["minutes"])
        named = ", ".join(
            f"{name} {_metric(values) if values else 'undefined'}"
            for name, values in each["metrics"].items()
            if name in _SHOWN
        )
        seeds = f"{each['seeds']} seed{'' if each['seeds'] == 1 else 's'}"
        _print(
            console,
            f"{seeds} of {minutes} minutes, with "
            f"{' and '.join(_NAMES[name] for name in each['uses'])}: {named}",
            4,
        )
    for view in each.get("farther_than_inputs", ()):
        _print(
            console,
            f"look at its images: by the features of {view['network']}, trained elsewhere, they "
            f"are farther from real targets (KID {view['outputs']:.3f}) than the unchanged inputs "
            f"are ({view['inputs']:.3f})",
            4,
        )
    if each.get("reason"):
        _print(console, f"without a rank: {each['reason']}", 4)
    for condition in each["conditions"]:
        _print(console, condition, 4)
    if each["trained_on"]:
        _print(console, f"images it was trained on in other runs: {_tried(each['trained_on'])}", 4)
    _print(console, _device(each), 4)


def _tried(trained_on: Sequence[Mapping[str, Any]]) -> str:
    """For example 832 (pix2pix_small, pix2pix_flat_to_3d.json), the fewest images first."""
    sources: dict[int, list[str]] = {}
    for one in trained_on:
        sources.setdefault(one["images"], []).append(one["source"])
    return ", ".join(
        f"{images:,} ({names[0]}" + (f" and {len(names) - 1} more)" if len(names) > 1 else ")")
        for images, names in sources.items()
    )


def _metric(values: Mapping[str, Any]) -> str:
    """For example 0.712 (95 % intervals of all seeds 0.680 to 0.741, seeds 0.701 to 0.720)."""
    parts = []
    if values.get("interval"):
        parts.append("95 % intervals of all seeds {:.3f} to {:.3f}".format(*values["interval"]))
    least, most = values["range"]
    if least != most:
        parts.append(f"seeds {least:.3f} to {most:.3f}")
    better = "" if values["better"] == "higher" else ", less is better"
    return f"{values['mean']:.3f}" + (f" ({', '.join(parts)}{better})" if parts else better)


def _device(each: Mapping[str, Any]) -> str:
    """The size and latency of its exported file, or how to measure them."""
    device, files = each["device"], each.get("measured_files") or {}
    sizes = device["megabytes"]
    if files:
        listed = ", ".join(
            f"{recipe} {file['megabytes']:.1f} MB, {file['milliseconds']:.1f} ms"
            for recipe, file in files.items()
        )
        return f"files in the comparison: {listed}"
    if sizes:
        names = dict.fromkeys((*(name for name in _RECIPES if name in sizes), device["smallest"]))
        listed = ", ".join(f"{sizes[name]:.1f} MB ({name})" for name in names)
        size = f"exported file: {listed}, by {device['source']}"
    else:
        size = "file size unknown (`tf-translate export RUN`)"
    return f"{size}; latency unknown (`tf-translate benchmark BUNDLE`)"


def _print(console: Console, text: str, indent: int = 0) -> None:
    """Prints wrapped text; control characters of foreign files are printed as escapes."""
    console.print(Padding(console.render_str(text), (0, 0, 0, indent), expand=False))
