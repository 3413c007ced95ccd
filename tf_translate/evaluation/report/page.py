"""The HTML page of an evaluation: one file, with light and dark style, without scripts."""

import json
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from string import Template
from typing import Any

import numpy as np

from tf_translate.evaluation.metrics.metric_definitions import (
    LABEL_ACCURACY,
    LABEL_JUDGE_ACCURACY,
)
from tf_translate.evaluation.metrics.results import Direction, Metric, MetricValue, Report
from tf_translate.evaluation.report import page_style
from tf_translate.evaluation.report.embedded_image import data_url
from tf_translate.images import to_uint8

_EXAMPLES = 12  # of held-out images, evenly spaced
_EXTREMES = 6  # best and worst examples
_DESCRIPTIONS = {
    "output": "the method's translation",
    "identity": "the unchanged input: all content, wrong domain",
    "random target": "a random real target image: right domain, no content",
    "ground truth": "the true counterpart: the upper bound",
}


def render(
    reports: Sequence[Report], *, title: str, metadata: Mapping[str, Any], protocol_name: str
) -> str:
    """Renders the whole page; all text is escaped.

    Args:
        reports: One per direction.
        title: Heading of the page.
        metadata: Shown at the end; `command` is shown as preformatted text.
        protocol_name: Name of the protocol, such as "test64".
    """
    sections = "\n".join(_section(report) for report in reports)
    return Template(page_style.PAGE).substitute(
        title=escape(title),
        style=page_style.STYLE,
        sections=sections,
        metadata=_metadata(metadata),
        protocols="\n".join(_protocol(report) for report in reports),
        protocol_name=escape(protocol_name),
    )


def evenly_spaced(count: int, limit: int) -> np.ndarray:
    """Selects at most `limit` evenly spaced indices below `count`."""
    return np.unique(np.linspace(0, count - 1, min(count, limit)).astype(int))


def _section(report: Report) -> str:
    best, worst = _extremes(report)
    chosen = evenly_spaced(len(report.direction.source), _EXAMPLES)
    return f"""<section>
<h2>{_title(report.direction)}</h2>
<div class="head">{_plot(report)}<div>{_headline(report)}</div></div>
<div class="wide">{_table(report)}</div>
<dl class="meanings">{"".join(_meaning(metric) for metric in report.metrics)}</dl>
<h3>Held-out images</h3>
<p>Evenly spaced over the {len(report.direction.source)} held-out images, without selection.</p>
{_examples(report, chosen)}
<h3>Best</h3>
{_examples(report, best)}
<h3>Worst</h3>
{_examples(report, worst)}
<h3>Accuracy of the judges, and kernel distances for comparison</h3>
<p>Judges are evaluation classifiers, trained on the training split, never used in training.</p>
<div class="wide"><table class="plain">{_reference_values(report)}</table></div>
</section>"""


def _headline(report: Report) -> str:
    if report.direction.reconstruction:
        return _headline_of_reconstructions(report)
    output = report.results["output"]
    completeness = output["completeness"]
    retrieved, accepted = output["content/retrieval@1"].value, output["domain/accuracy"].value
    text = "is undefined: a judge does not separate the baselines"
    if completeness.value is not None:
        text = f"<strong>{_number(completeness)}</strong>{_uncertainty(completeness)}"
    best = "the ground truth has" if report.direction.truth is not None else "unchanged inputs have"
    return (
        f'<p class="lead">Completeness {text}.</p>'
        "<p>Completeness is 2cd / (c + d). Content c is retrieval@1, scaled so that random targets "
        f"have 0 and {best} 1. Domain d is accuracy, scaled so that sources have 0 and real "
        "targets 1.</p>"
        f"<p>The content judge retrieves the source of {_percent(retrieved)} of the outputs, and "
        f"the domain judge classifies {_percent(accepted)} as the target domain. Either one alone "
        "is easy: the unchanged input preserves all content, and a random target image is "
        "perfectly in the domain. The plot shows both.</p>"
        f"{_label_sentence(report)}"
    )


def _headline_of_reconstructions(report: Report) -> str:
    output = report.results["output"]
    retrieved, accepted = output["content/retrieval@1"].value, output["domain/accuracy"].value
    return (
        '<p class="lead">The mean absolute difference between reconstructions and their images is '
        f"{_number(output['content/l1'])}; from black to white is 2.</p>"
        f"<p>The content judge retrieves the image of {_percent(retrieved)} of the "
        f"reconstructions, and the domain judge classifies {_percent(accepted)} as real images. "
        "It was trained to distinguish training images from their reconstructions.</p>"
    )


def _label_sentence(report: Report) -> str:
    accuracy = report.results["output"].get(LABEL_ACCURACY)
    if accuracy is None:
        return ""
    real = report.reference_values[LABEL_JUDGE_ACCURACY].value
    untranslated = report.value("identity", LABEL_ACCURACY)
    return (
        "<p>The label judge, an independent classifier of the target domain, predicts the class of "
        f"the source for {_percent(accuracy.value)} of the outputs. Its accuracy is "
        f"{_percent(real)} on real held-out target images, and {_percent(untranslated)} on the "
        "untranslated sources.</p>"
    )


def _plot(report: Report) -> str:
    """Plots domain (vertical) against content (horizontal), one dot for output and baselines."""
    dots, labels = [], []
    for name, values in report.results.items():
        x = 30 + 200 * (values["content/retrieval@1"].value or 0.0)
        y = 220 - 200 * (values["domain/accuracy"].value or 0.0)
        own = name == "output"
        dots.append(
            f'<circle class="dot{" own" if own else ""}" cx="{x:.1f}" cy="{y:.1f}" '
            f'r="{7 if own else 5}"/>'
        )
        labels.append((y, x, name))
    return (
        '<svg viewBox="0 0 250 250" role="img" aria-label="content against domain">'
        '<rect x="30" y="20" width="200" height="200"/>'
        '<text x="130" y="240" text-anchor="middle">content/retrieval@1 →</text>'
        '<text x="14" y="120" text-anchor="middle" transform="rotate(-90 14 120)">'
        f"domain/accuracy →</text>{''.join(reversed(dots))}{_labels(labels)}</svg>"
    )


def _labels(labels: Sequence[tuple[float, float, str]]) -> str:
    """Places names beside their dots, moved down where they would overlap."""
    texts, lowest = [], {"start": -np.inf, "end": -np.inf}
    for y, x, name in sorted(labels):
        anchor, shift = ("end", -10) if x > 130 else ("start", 10)
        text_y = max(y + 4, lowest[anchor] + 12)
        lowest[anchor] = text_y
        texts.append(
            f'<text x="{x + shift:.1f}" y="{text_y:.1f}" text-anchor="{anchor}">'
            f"{escape(name)}</text>"
        )
    return "".join(texts)


def _table(report: Report) -> str:
    heads = "".join(
        f'<th scope="col">{escape(metric.name)} <span class="better">'
        f"{'↑' if metric.higher_is_better else '↓'}</span></th>"
        for metric in report.metrics
    )
    body = []
    for name, values in report.results.items():
        cells = "".join(_cell(values.get(metric.name)) for metric in report.metrics)
        description = _DESCRIPTIONS.get(name, "")
        body.append(
            f'<tr{" class=own" if name == "output" else ""}><th scope="row">{escape(name)}'
            f"<small>{escape(description)}</small></th>{cells}</tr>"
        )
    return (
        f'<table class="metrics"><thead><tr><th></th>{heads}</tr></thead>'
        f"<tbody>{''.join(body)}</tbody></table>"
    )


def _cell(value: MetricValue | None) -> str:
    if value is None or value.value is None:
        return "<td>–</td>"
    return f"<td>{_number(value)}<small>{_uncertainty(value)}</small></td>"


def _meaning(metric: Metric) -> str:
    return f"<div><dt>{escape(metric.name)}</dt><dd>{escape(metric.meaning)}</dd></div>"


def _reference_values(report: Report) -> str:
    return "".join(
        f'<tr><th scope="row">{escape(name)}</th>'
        f"<td>{_number(value)}{_uncertainty(value)}</td></tr>"
        for name, value in report.reference_values.items()
    )


def _extremes(report: Report) -> tuple[np.ndarray, np.ndarray]:
    """Indices of the best and worst outputs, by L1 or by similarity to their source."""
    per_image = report.per_image
    error = per_image["l1"] if "l1" in per_image else -per_image["similarity"]
    order = np.argsort(error, kind="stable")
    count = min(_EXTREMES, max(1, len(order) // 2))
    return order[:count], order[::-1][:count]


def _examples(report: Report, chosen: Iterable[int]) -> str:
    return f'<div class="examples">{"".join(_example(report, int(i)) for i in chosen)}</div>'


def _example(report: Report, index: int) -> str:
    direction = report.direction
    images = [("source", direction.source), ("output", direction.outputs)]
    if direction.truth is not None:
        images.append(("ground truth", direction.truth))
    parts = "".join(
        f'<span><img alt="{name} {index}" src="{data_url(to_uint8(values[index]))}">{name}</span>'
        for name, values in images
    )
    notes = [f"no. {index}"]
    if "l1" in report.per_image:
        notes.append(f"L1 {report.per_image['l1'][index]:.3f}")
    retrieved = report.per_image["retrieved"][index] > 0.5
    notes.append("source retrieved" if retrieved else "source not retrieved")
    if "label_kept" in report.per_image:
        kept = report.per_image["label_kept"][index] > 0.5
        notes.append("class preserved" if kept else "class changed")
    return f"<figure><div>{parts}</div><figcaption>{' · '.join(notes)}</figcaption></figure>"


def _metadata(metadata: Mapping[str, Any]) -> str:
    rows = []
    for name, value in metadata.items():
        text = value if isinstance(value, str) else json.dumps(value, indent=1, default=str)
        preformatted = name == "command" or "\n" in text
        cell = f"<pre>{escape(text)}</pre>" if preformatted else escape(text)
        rows.append(f'<tr><th scope="row">{escape(str(name))}</th><td>{cell}</td></tr>')
    return "".join(rows)


def _protocol(report: Report) -> str:
    rows = [(metric.name, metric.protocol) for metric in report.metrics]
    rows += [(name, _plain(value)) for name, value in report.protocol.items()]
    body = "".join(
        f'<tr><th scope="row">{escape(name)}</th><td>{escape(text)}</td></tr>'
        for name, text in rows
    )
    table = f'<div class="wide"><table class="plain">{body}</table></div>'
    return f"<h3>{_title(report.direction)}</h3>{table}"


def _title(direction: Direction) -> str:
    return escape(direction.name.replace("_to_", " → "))


def _plain(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {_plain(part)}" for name, part in value.items())
    return "not counted" if value is None else str(value)


def _number(value: MetricValue) -> str:
    if value.value is None:
        return "–"
    text = f"{value.value:.1f}" if abs(value.value) >= 10 else f"{value.value:.3f}"
    return text.replace("-", "−")


def _uncertainty(value: MetricValue) -> str:
    if value.interval is not None:
        return f" ({value.interval[0]:.3f}–{value.interval[1]:.3f})"
    return "" if value.standard_error is None else f" ± {value.standard_error:.3f}"


def _percent(value: float | None) -> str:
    return "–" if value is None else f"{100 * value:.0f} %"
