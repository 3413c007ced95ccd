"""The metrics section of the card: a table, and how each metric was measured."""

from collections.abc import Mapping, Sequence
from typing import Any

from exporters.card.metadata import Metric
from exporters.card.template_files import fill

_ARROWS = {"higher": "↑", "lower": "↓", None: ""}


def metrics_section(
    template: Mapping[str, Any],
    metrics: Sequence[Metric],
    remarks: Sequence[str],
    step: int | None,
) -> str:
    """A table with a row per metric and a column per direction, then meanings and protocols.

    Args:
        template: The templates of the card.
        metrics: In the order of the rows; may be empty.
        remarks: Sentences to add.
        step: The training step of the exported model.
    """
    if not metrics:
        return template["no_metrics"]
    directions = list(dict.fromkeys(metric.direction for metric in metrics))
    names = list(dict.fromkeys(metric.name for metric in metrics))
    by_key = {(metric.name, metric.direction): metric for metric in metrics}
    rows = []
    for name in names:
        in_row = [by_key.get((name, direction)) for direction in directions]
        better = next(metric.better for metric in in_row if metric is not None)
        cells = " | ".join("" if metric is None else _cell(metric) for metric in in_row)
        rows.append(
            fill(template["metric_row"], name=f"`{name}`", arrow=_ARROWS[better], cells=cells)
        )
    return fill(
        template["metrics"],
        directions=" | ".join(f"`{direction}`" for direction in directions),
        rules="---|" * len(directions),
        rows="".join(rows),
        step=_other_step(metrics, step),
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
    meaning = metric.meaning or "no meaning was recorded."
    protocol = metric.protocol or "no protocol was recorded"
    return fill(template["metric_protocol"], name=metric.name, meaning=meaning, protocol=protocol)


def _other_step(metrics: Sequence[Metric], step: int | None) -> str:
    """A note if the metrics belong to another training step than the exported model."""
    steps = sorted({metric.step for metric in metrics if metric.step is not None})
    if step is None or steps in ([], [step]):
        return ""
    return f" (at step {', '.join(map(str, steps))}, but the exported model is from step {step})"
