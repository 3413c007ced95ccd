"""The metrics of an evaluation as a table, with how each was measured."""

from collections.abc import Mapping, Sequence
from typing import Any

from exporters.card.metadata import Metric
from exporters.card.templates import fill

_ARROWS = {"higher": "↑", "lower": "↓", None: ""}


def metrics_section(
    template: Mapping[str, Any],
    metrics: Sequence[Metric],
    remarks: Sequence[str],
    step: int | None,
) -> str:
    """A row a metric and a column a direction, then meanings and protocols.

    Args:
        template: Of the card.
        metrics: In the order they are shown in; may be none.
        remarks: Sentences to stand beside them.
        step: Of training, that of the model exported.
    """
    if not metrics:
        return template["no_metrics"]
    directions = list(dict.fromkeys(metric.direction for metric in metrics))
    names = list(dict.fromkeys(metric.name for metric in metrics))
    by_place = {(metric.name, metric.direction): metric for metric in metrics}
    rows = []
    for name in names:
        found = [by_place.get((name, direction)) for direction in directions]
        better = next(metric.better for metric in found if metric is not None)
        cells = " | ".join("" if metric is None else _cell(metric) for metric in found)
        rows.append(
            fill(template["figure_row"], name=f"`{name}`", arrow=_ARROWS[better], cells=cells)
        )
    return fill(
        template["metrics"],
        directions=" | ".join(f"`{direction}`" for direction in directions),
        rules="---|" * len(directions),
        rows="".join(rows),
        step=_when(metrics, step),
        remarks="".join(f"- {remark}\n" for remark in remarks),
        protocols="".join(dict.fromkeys(_protocol(template, metric) for metric in metrics)),
    ).rstrip()


def _cell(metric: Metric) -> str:
    text = f"{metric.value:.3f}"
    if metric.interval is not None:
        text += f" [{metric.interval[0]:.3f}, {metric.interval[1]:.3f}]"
    elif metric.error is not None:
        text += f" ± {metric.error:.3f}"
    return text if metric.untouched is None else f"{text} ({metric.untouched:.3f})"


def _protocol(template: Mapping[str, Any], metric: Metric) -> str:
    meaning = metric.meaning or "no meaning was given."
    protocol = metric.protocol or "no protocol was given"
    return fill(template["figure_protocol"], name=metric.name, meaning=meaning, protocol=protocol)


def _when(metrics: Sequence[Metric], step: int | None) -> str:
    """Says so where metrics are of another step than the model: they are not this model's."""
    steps = sorted({metric.step for metric in metrics if metric.step is not None})
    if step is None or steps in ([], [step]):
        return ""
    return f" (at step {', '.join(map(str, steps))}, while the model here is of step {step})"
