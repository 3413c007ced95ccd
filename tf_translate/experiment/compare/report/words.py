"""Texts of the report that its two pages share: numbers, formulas, captions, commands."""

from collections.abc import Mapping
from typing import Any

from tf_translate.evaluation.metrics.metric_definitions import (
    DOMAIN_JUDGE_ACCURACY,
    RESTYLED_RETRIEVAL,
)
from tf_translate.experiment.compare import parts
from tf_translate.experiment.compare.cells.cell import toml_value
from tf_translate.experiment.compare.cells.cell_images import LABEL_KEPT
from tf_translate.experiment.compare.cells.read_cell import measurement_of
from tf_translate.experiment.compare.claims.intervals import RESAMPLES
from tf_translate.experiment.compare.costs import RECIPES
from tf_translate.experiment.compare.differences import Difference
from tf_translate.experiment.compare.parts import COMPLETENESS
from tf_translate.experiment.compare.report.agreement import LEAST_METHODS, Agreement
from tf_translate.experiment.compare.report.rows import MethodRow, Row, TaskSummary, Value
from tf_translate.experiment.compare.report.scatter import has_corner

LABELS = {  # metrics that the tables may show, and their heads
    "content/l1_inside_edit": "error inside the edit",
    "content/l1_outside_edit": "error outside the edit",
    "content/l1": "error to the truth",
    "content/label_accuracy": "class kept, by the label judge",
    "content/reciprocal_rank": "reciprocal rank of the source",
    "domain/accuracy": "taken for the target by the domain judge",
}
DIFFERENCE_TITLES = {
    COMPLETENESS: "completeness ↑",
    "l1_inside_edit": "error inside the edit ↓",
    "l1_outside_edit": "error outside the edit ↓",
    "l1": "error to the truth ↓",
    LABEL_KEPT: "class kept ↑",
}
FORMULA = "completeness = 2cd / (c + d), in [0, 1]"
PARTS = (
    "c is content: the similarity of an output to its own input minus that to the most similar "
    "other input (the margin), scaled so that random targets have 0 and {whole} 1. d is the "
    "domain, the smaller of two scores: the domain judge's accuracy, scaled so that unchanged "
    "inputs have 0 and real targets 1, and 1 - KID of the outputs / KID of the inputs. KID is "
    "the squared kernel distance (MMD) to the real targets, by the domain judge's features and "
    "not by Inception's. All three scores are clipped to [0, 1], in each training, before means "
    "over seeds are taken. Completeness takes the KID of all images at once; d, the differences "
    "and the columns KID take the mean of 100 random halves of them, so the third decimal may "
    "differ. The content judge has learned to ignore most changes of colour: c is the content of "
    "shapes."
)
_UNCERTAINTY = (
    "95 % is an interval over the held-out images alone, for the trainings that there are: "
    "another training may lie outside of it. seeds is the range over seeds, left out where all "
    "round to the same number. These rows do not depend on a method: "
)
_FIXED_ROWS = {
    "identity": "identity is the unchanged input",
    "random target": "random target is a real image of the target domain that has nothing to do "
    "with the input",
    "ground truth": "ground truth is the true translation that the data have, one of several "
    "where the input leaves something open",
}
_COLUMNS = {  # by the beginning of a metric's name
    "content/l1": "Errors are mean absolute differences of pixels in [-1, 1], where black and "
    "white differ by 2: from the truth, and outside the edit from the input.",
    "content/reciprocal_rank": "The reciprocal rank is 1 if the own source is the most similar of "
    "all, 1/2 if one other is more similar, and so on. Above that of the ground truth, "
    "less may have been changed, rather than more kept.",
    "content/label_accuracy": "A class is kept where the data of a method have classes (–: they "
    "have none).",
}
_OTHER_DOMAINS = (
    "The column d by {network} is a second view of the domain, and no part of completeness. It "
    "is 1 - KID of the outputs / KID of the inputs, clipped to [0, 1] in each training, by the "
    "features of a network that was trained on other images and for another task. 1: as near to "
    "real targets as these are to each other; 0: no nearer than the unchanged inputs, or farther."
)
_NO_OTHER_DOMAIN = " A dash: it was not measured, as where a method has trained with this network."
DIFFERENCES = (
    "Row minus column: where more is better (↑), a plus favours the row, else a minus. A value "
    "is bold where the two {things} differ significantly; elsewhere no difference is shown, "
    "which does not mean that there is none. On average, about 5 % or fewer of the bold values "
    "of such tables are false (Benjamini and Hochberg's correction for all pairs of a table; "
    "simulations support it for differences of pairs). Uncertainty is from {resamples} samples "
    "of the held-out images, the same for both methods{seeds}. The 95 % interval of a value, "
    "which the HTML page shows when the pointer is on it, is of that difference alone: it may "
    "exclude 0 where the value is not bold."
)
_OVER_SEEDS = (
    ", and the spread over seeds: that of each method, or of a method with one seed that of the "
    "others"
)
WALL = (
    "{rows} of the held-out images, chosen at random and not by hand. Every method got the same "
    "inputs, at training seed {seed}."
)
EXTREMES = (
    "Best, median and worst of all held-out images of a method. The score is {score}; the highest "
    "is the best."
)
_SCATTER = (
    "Squares are the rows that do not depend on a method. Grey lines join points of equal "
    "completeness."
)
_SCATTER_SEEDS = "Large dots are means over seeds, rings are single seeds."


def parts_text(summary: TaskSummary) -> str:
    """What c and d are, for this task."""
    known = any(row.name == "ground truth" for row in summary.fixed)
    return PARTS.format(whole="the ground truth has" if known else "unchanged inputs have")


def uncertainty_text(summary: TaskSummary) -> str:
    """What intervals and fixed rows are."""
    rows = "; ".join(_FIXED_ROWS[row.name] for row in summary.fixed if row.name in _FIXED_ROWS)
    return f"{_UNCERTAINTY}{rows}."


def other_networks(summary: TaskSummary) -> list[str]:
    """The networks that give a second view of the domain."""
    return list(dict.fromkeys(name for row in summary.methods for name in row.other_domains))


def other_domains_text(summary: TaskSummary) -> str:
    """What the columns of `other_networks` are."""
    names = other_networks(summary)
    text = " ".join(_OTHER_DOMAINS.format(network=name) for name in names)
    complete = all(set(names) <= set(row.other_domains) for row in summary.methods)
    return text if complete else text + _NO_OTHER_DOMAIN


def columns_text(summary: TaskSummary) -> str:
    """What the metrics of the table of supervision are."""
    shown = shown_metrics(summary)
    having = [text for name, text in _COLUMNS.items() if any(m.startswith(name) for m in shown)]
    return " ".join(having)


def scatter_text(summary: TaskSummary) -> str:
    """What the marks of the scatter plot are."""
    several = any(len(row.points) > 1 for row in summary.methods)
    texts = [_SCATTER_SEEDS if several else "Dots are methods.", _SCATTER]
    if has_corner(summary.methods):
        texts.append("The second plot is the dashed corner of the first, larger.")
    return " ".join(texts)


def number(value: float, digits: int = 2) -> str:
    """A number with a real minus sign."""
    text = f"{value:.{digits}f}"
    return ("" if float(text) == 0 else "\N{MINUS SIGN}") + text[1:] if text[0] == "-" else text


def span(ends: tuple[float, float], digits: int = 2) -> str:
    """The two ends of an interval or range."""
    low, high = number(ends[0], digits), number(ends[1], digits)
    return f"{low} to {high}" if ends[0] < 0 else f"{low}–{high}"


def uncertainty(value: Value, digits: int = 2) -> list[str]:
    """The interval over images, and the range over seeds unless it is one number."""
    texts = [f"95 % {span(value.interval, digits)}"] if value.interval else []
    ends = {number(each, digits) for each in value.range}
    return texts + ([f"seeds {span(value.range, digits)}"] if len(ends) > 1 else [])


def difference(each: Difference) -> str:
    """A difference with its sign."""
    text = number(each.value)
    if each.is_real and not text.strip("0.\N{MINUS SIGN}"):
        text = number(each.value, 3)  # a difference, though a small one
    return f"+{text}" if each.value > 0 and text.strip("0.") else text


def shown_metrics(summary: TaskSummary) -> list[str]:
    """The metrics of the table of supervision that some method has."""
    having = [name for name in LABELS if any(name in row.values for row in summary.methods)]
    if "content/l1_inside_edit" in having:
        having = [name for name in having if name != "content/l1"]
    own = parts.kid_name(summary.better)
    kids = [name for name in summary.better if name == own or parts.network_of_kid(name)]
    return having + kids


def label(metric: str) -> str:
    """The head of a column."""
    for name in ("KID", "FID"):
        _, found, features = metric.partition(f"domain/{name.lower()}/")
        network = features.partition("@")[0]
        if found:
            return f"{name} by {'the domain judge' if network == 'judge' else network}"
    return LABELS.get(metric, metric)


def with_completeness(row: Row) -> str:
    """A method and its completeness: "GeneGAN (0.99)"."""
    value = row.completeness
    return row.title if value is None else f"{row.title} ({number(value.mean)})"


def judges_text(summary: TaskSummary) -> str:
    """How well the judges do on real held-out images; empty if no cell says it."""
    for cell in summary.cells:
        values = measurement_of(cell).get("reference_values", {})
        domain = values.get(DOMAIN_JUDGE_ACCURACY)
        content = values.get(RESTYLED_RETRIEVAL)
        if domain is not None and content is not None:
            return (
                f"On real held-out images, the domain judge is right for {100 * domain:.1f} %, and "
                f"the content judge finds the source of {100 * content:.0f} % after random changes "
                "of style."
            )
    return ""


def arrow(summary: TaskSummary, metric: str) -> str:
    """Which way a metric is better."""
    return {"higher": "↑", "lower": "↓"}.get(summary.better.get(metric, ""), "")


def counted(value: float) -> str:
    """A large number in words: 1.2 million."""
    for size, word in ((1e9, "billion"), (1e6, "million"), (1e3, "thousand")):
        if value >= size:
            return f"{value / size:.3g} {word}"
    return f"{value:g}"


def training_cells(row: MethodRow) -> tuple[str, str, str]:
    """Training seconds and steps, the means over seeds, and seconds of a step."""
    seconds = "–" if row.minutes is None else f"{60 * row.minutes.mean:,.0f}"
    steps = "–" if row.steps is None else f"{row.steps.mean:,.0f}"
    return seconds, steps, "–" if row.step_seconds is None else f"{row.step_seconds:.3g}"


def cost_cells(row: MethodRow) -> list[str]:
    """Multiply-adds, parameters, and size and latency of each recipe; – where not measured."""
    cost = row.cost
    if cost is None or "reason" in cost:
        return ["–"] * (2 + 2 * len(RECIPES))
    cells = [counted(cost["multiply_adds"]), counted(cost["parameters"])]
    for recipe in RECIPES:
        cells.append(f"{cost[recipe]['size_bytes'] / 1e6:.2f} MB")
        cells.append(f"{cost[recipe]['median_ms']:.1f} ms")
    return cells


COST_HEADS = (
    "training seconds",
    "training steps",
    "seconds of a step",
    "multiply-adds",
    "parameters",
    *(f"{recipe} {what}" for recipe in RECIPES for what in ("size", "latency")),
)


def cost_text(summary: TaskSummary) -> str:
    """How the costs were measured."""
    costs = summary.costs
    text = (
        "Training seconds, wall-clock, and steps are means over seeds. Other work on the machine "
        "makes training seconds longer."
    )
    partly = [
        f"{row.title} {row.minutes.seeds} of {len(row.cells)}"
        for row in summary.methods
        if row.minutes is not None and row.minutes.seeds < len(row.cells)
    ]
    if partly:
        text += f" Not all trainings have a record of them; seeds that have: {', '.join(partly)}."
    if any(row.step_seconds is not None for row in summary.methods):
        text += (
            " Seconds of a step are those of tf-translate compare steps. The times of methods that "
            "were added later are scaled by others that were timed again; a method that shares its "
            "training with another one has the time of that one."
        )
    if costs is None:
        return f"{text} The other columns are missing: tf-translate compare costs measures them."
    load = costs.get("load_before")
    beside = "" if load is None else f" The load of the machine before was {load:.1f}."
    return (
        f"{text} The other columns are of one translation of one image, exported for this "
        f"direction only, with fresh weights. Latency is the median of {costs['runs']} calls on "
        f"{costs['threads']} thread of {_machine(costs['machine'])}, {costs['runtime']}.{beside}"
    )


def differences_text(summary: TaskSummary) -> str:
    """How to read the matrices."""
    over_seeds = has_seed_spread(summary)
    text = DIFFERENCES.format(
        resamples=f"{RESAMPLES:,}",
        seeds=_OVER_SEEDS if over_seeds else "",
        things="methods" if over_seeds else "trainings",
    )
    if not over_seeds:
        text += " Each method was trained once: another seed may turn a difference round."
    return text


def has_seed_spread(summary: TaskSummary) -> bool:
    """Whether differences hold the spread over seeds: they are of methods, not of trainings."""
    found = [each for pairs in summary.differences.values() for each in pairs.values()]
    return bool(found) and all(each.over_seeds for each in found)


def conditions(summary: TaskSummary) -> list[tuple[str, str]]:
    """Conditions of all cells: one value, or all that occur."""
    cells = summary.cells
    about = summary.about or {}
    rows = [
        ("data", str(about.get("data", ""))),
        (
            "training budget",
            _each(cells, lambda c: f"{_plain(c.get('budget_minutes'))} minutes a cell"),
        ),
        ("training steps", _each(cells, _steps_from)),
        (
            "presets",
            ", ".join(dict.fromkeys(p for row in summary.methods if (p := row.settings.preset))),
        ),
        (
            "settings of networks, losses and training that the task gives",
            "; ".join(filter(None, map(_changed, summary.methods))),
        ),
        ("seeds of training", ", ".join(map(str, sorted({cell["seed"] for cell in cells})))),
        ("precision of training", _each(cells, lambda c: str(c.get("precision")))),
        ("machine", _each(cells, lambda c: _machine(c.get("machine")))),
        ("revision", _each(cells, lambda c: str(c.get("revision")))),
        ("versions", _each(cells, lambda c: _pairs(c.get("versions")))),
        ("dates", _dates(cells)),
        (
            "images shown",
            "of training seed " + ", ".join(map(str, sorted(set(summary.image_seeds.values())))),
        ),
    ]
    return [(name, text) for name, text in rows if text]


def commands(summary: TaskSummary) -> list[tuple[str, str]]:
    """The command of each cell, by method and seed."""
    return [
        (f"{row.name}:{cell['seed']}", str(cell.get("command", "")))
        for row in summary.methods
        for cell in row.cells
    ]


def all_metrics(summary: TaskSummary) -> list[str]:
    """Names of all metrics that a method has, in the order of `evaluate`."""
    return [name for name in summary.better if any(name in row.values for row in summary.methods)]


def value_text(value: Value | None, digits: int = 3) -> str:
    """The mean, and the range over seeds in brackets."""
    if value is None:
        return "–"
    mean = number(value.mean, digits)
    return mean if value.range[0] == value.range[1] else f"{mean} ({span(value.range, digits)})"


def rows_of(summary: TaskSummary) -> list[Row]:
    """Methods, then fixed rows."""
    return [*summary.methods, *summary.fixed]


def _each(cells: list[Mapping[str, Any]], text: Any) -> str:
    return "; ".join(sorted({text(cell) for cell in cells}))


def _changed(row: MethodRow) -> str:
    """The settings of a method that the task changes: "pix2pix: loss_weights.adversarial = 1"."""
    pairs = (f"{key} = {toml_value(value)}" for key, value in row.settings.changed.items())
    return f"{row.title}: {', '.join(pairs)}" if row.settings.changed else ""


def _steps_from(cell: Mapping[str, Any]) -> str:
    measured = cell.get("steps_from")
    if not isinstance(measured, Mapping):
        return "those that fit into the budget where the cell ran"
    return (
        f"those that fit into the budget on {_machine(measured.get('machine'))}, where methods "
        f"were timed on {str(measured.get('date'))[:10]}, whatever machine the cell ran on"
    )


def _plain(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def _machine(machine: Any) -> str:
    if not isinstance(machine, Mapping):
        return str(machine)
    return f"{machine.get('processor')}, {machine.get('cores')} cores, {machine.get('system')}"


def _pairs(values: Any) -> str:
    if not isinstance(values, Mapping):
        return str(values)
    return ", ".join(f"{name} {value}" for name, value in values.items())


def _dates(cells: list[Mapping[str, Any]]) -> str:
    dates = sorted(str(cell.get("date", ""))[:10] for cell in cells)
    return dates[0] if dates[0] == dates[-1] else f"{dates[0]} to {dates[-1]}"


AGREEMENT = (
    "Spearman's rank correlation of two metrics over all cells: 1 if they put them in the same "
    "order from best to worst (a low KID, FID or error is good), 0 for no relation, −1 for the "
    "opposite order. Of few cells it says little: with 4, one random order in 12 has 1 or −1. 95 "
    f"% is an interval over methods that are drawn again {RESAMPLES:,} times with all their "
    f"seeds; of fewer than {LEAST_METHODS} methods it is not given. A dash: one of the two is "
    "equal in all cells."
)
AGREEMENT_HEADS = ("metric", "and metric", "rank correlation", "cells")


def agreement_cells(each: Agreement) -> tuple[str, str, str, str]:
    """A row of the table of agreements."""
    value = "–" if each.correlation is None else number(each.correlation)
    if each.interval:
        value += f" (95 % {span(each.interval)})"
    return label(each.first), label(each.second), value, str(each.cells)
