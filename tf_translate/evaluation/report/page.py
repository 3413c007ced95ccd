"""The page of an evaluation: one file of HTML, readable by light and by dark, without scripts."""

import base64
import io
import json
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from string import Template
from typing import Any

import numpy as np
from PIL import Image

from tf_translate.evaluation.metrics import protocol
from tf_translate.evaluation.metrics.results import Direction, Measured, Metric, Report
from tf_translate.evaluation.report import page_style
from tf_translate.images import colour, resize, to_uint8

_SHOWN = 12  # examples in the image grid
_EXTREMES = 6  # best and worst examples
_LARGEST = 256  # px; larger images are shrunk for the page
_LOSSLESS = 96  # px; up to here images are kept exactly
_ROW_NOTES = {
    "output": "what the method made",
    "identity": "the input handed back: all content, wrong domain",
    "random target": "some real target image: right domain, no content",
    "ground truth": "the true counterpart: as good as it gets",
}


def render(
    reports: Sequence[Report], *, title: str, metadata: Mapping[str, Any], protocol_name: str
) -> str:
    """Gives the whole page; all text is escaped.

    Args:
        reports: One a direction.
        title: Heading of the page.
        metadata: Shown at the end; `command` is shown as such.
        protocol_name: Name of this way of measuring.
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


def spread(count: int, most: int) -> np.ndarray:
    """Gives at most `most` numbers below `count`, spread evenly."""
    return np.unique(np.linspace(0, count - 1, min(count, most)).astype(int))


def _section(report: Report) -> str:
    best, worst = _extremes(report)
    chosen = spread(len(report.direction.source), _SHOWN)
    return f"""<section>
<h2>{_titled(report.direction)}</h2>
<div class="head">{_plane(report)}<div>{_headline(report)}</div></div>
<div class="wide">{_table(report)}</div>
<dl class="meanings">{"".join(_meaning(metric) for metric in report.metrics)}</dl>
<h3>Held-out images</h3>
<p>Spread evenly over the {len(report.direction.source)} held-out images, not picked.</p>
{_examples(report, chosen)}
<h3>Best</h3>
{_examples(report, best)}
<h3>Worst</h3>
{_examples(report, worst)}
<h3>How far to trust the numbers</h3>
<div class="wide"><table class="plain">{_references(report)}</table></div>
</section>"""


def _headline(report: Report) -> str:
    if report.direction.reconstruction:
        return _headline_of_reconstructions(report)
    row = report.rows["output"]
    completeness = row["completeness"]
    found, accepted = row["content/retrieval@1"].value, row["domain/accuracy"].value
    whole = "cannot be told: a judge does not tell the fixed rows apart"
    if completeness.value is not None:
        whole = f"<strong>{_number(completeness)}</strong>{_sureness(completeness)}"
    return (
        f'<p class="lead">Completeness {whole}.</p>'
        f"<p>{_percent(found)} of the outputs still show which source they came from, and "
        f"{_percent(accepted)} are taken for the target domain. Each of the two alone is easy: "
        "handing the input back keeps all content, a random target image is perfectly in "
        "domain. The plane shows how far the method gets with both.</p>"
        f"{_label_sentence(report)}"
    )


def _headline_of_reconstructions(report: Report) -> str:
    row = report.rows["output"]
    found, accepted = row["content/retrieval@1"].value, row["domain/accuracy"].value
    return (
        f'<p class="lead">Reconstructions differ by {_number(row["content/l1"])} from their '
        "images, on a scale where black to white is 2.</p>"
        f"<p>{_percent(found)} of them still show which image they came from, and "
        f"{_percent(accepted)} are taken for real images by a classifier that learnt to tell "
        "the two apart on training images.</p>"
    )


def _label_sentence(report: Report) -> str:
    kept = report.rows["output"].get(protocol.LABEL)
    if kept is None:
        return ""
    real = report.references[protocol.LABEL_REFERENCE].value
    untranslated = report.value("identity", protocol.LABEL)
    return (
        f"<p>An independent classifier of the target domain reads the source's class in "
        f"{_percent(kept.value)} of the outputs; it reads {_percent(real)} of real held-out target "
        f"images rightly, and {_percent(untranslated)} of the untranslated sources.</p>"
    )


def _plane(report: Report) -> str:
    """Draws content (across) against domain (up) with one dot for every row."""
    dots, labels = [], []
    for name, row in report.rows.items():
        across = 30 + 200 * (row["content/retrieval@1"].value or 0.0)
        up = 220 - 200 * (row["domain/accuracy"].value or 0.0)
        own = name == "output"
        dots.append(
            f'<circle class="dot{" own" if own else ""}" cx="{across:.1f}" cy="{up:.1f}" '
            f'r="{7 if own else 5}"/>'
        )
        labels.append((up, across, name))
    return (
        '<svg viewBox="0 0 250 250" role="img" aria-label="content against domain">'
        '<rect x="30" y="20" width="200" height="200"/>'
        '<text x="130" y="240" text-anchor="middle">content/retrieval@1 →</text>'
        '<text x="14" y="120" text-anchor="middle" transform="rotate(-90 14 120)">'
        f"domain/accuracy →</text>{''.join(reversed(dots))}{_labels(labels)}</svg>"
    )


def _labels(labels: Sequence[tuple[float, float, str]]) -> str:
    """Writes names beside their dots, moved down where they would cover one another."""
    written, lowest = [], {"start": -np.inf, "end": -np.inf}
    for up, across, name in sorted(labels):
        anchor, shift = ("end", -10) if across > 130 else ("start", 10)
        down = max(up + 4, lowest[anchor] + 12)
        lowest[anchor] = down
        written.append(
            f'<text x="{across + shift:.1f}" y="{down:.1f}" text-anchor="{anchor}">'
            f"{escape(name)}</text>"
        )
    return "".join(written)


def _table(report: Report) -> str:
    heads = "".join(
        f'<th scope="col">{escape(metric.name)} <span class="way">'
        f"{'↑' if metric.higher_is_better else '↓'}</span></th>"
        for metric in report.metrics
    )
    body = []
    for name, row in report.rows.items():
        cells = "".join(_cell(row.get(metric.name)) for metric in report.metrics)
        note = _ROW_NOTES.get(name, "")
        body.append(
            f'<tr{" class=own" if name == "output" else ""}><th scope="row">{escape(name)}'
            f"<small>{escape(note)}</small></th>{cells}</tr>"
        )
    return (
        f'<table class="metrics"><thead><tr><th></th>{heads}</tr></thead>'
        f"<tbody>{''.join(body)}</tbody></table>"
    )


def _cell(measured: Measured | None) -> str:
    if measured is None or measured.value is None:
        return "<td>–</td>"
    return f"<td>{_number(measured)}<small>{_sureness(measured)}</small></td>"


def _meaning(metric: Metric) -> str:
    return f"<div><dt>{escape(metric.name)}</dt><dd>{escape(metric.meaning)}</dd></div>"


def _references(report: Report) -> str:
    return "".join(
        f'<tr><th scope="row">{escape(name)}</th><td>{_number(number)}{_sureness(number)}</td></tr>'
        for name, number in report.references.items()
    )


def _extremes(report: Report) -> tuple[np.ndarray, np.ndarray]:
    """Numbers of the best and of the worst outputs: by L1, else by likeness to their source."""
    of_images = report.of_images
    badness = of_images["l1"] if "l1" in of_images else -of_images["similarity"]
    order = np.argsort(badness, kind="stable")
    few = min(_EXTREMES, max(1, len(order) // 2))
    return order[:few], order[::-1][:few]


def _examples(report: Report, chosen: Iterable[int]) -> str:
    return f'<div class="examples">{"".join(_example(report, int(i)) for i in chosen)}</div>'


def _example(report: Report, number: int) -> str:
    direction = report.direction
    shown = [("source", direction.source), ("output", direction.outputs)]
    if direction.truth is not None:
        shown.append(("truth", direction.truth))
    parts = "".join(
        f'<span><img alt="{name} {number}" src="{_embedded(images[number])}">{name}</span>'
        for name, images in shown
    )
    notes = [f"no. {number}"]
    if "l1" in report.of_images:
        notes.append(f"L1 {report.of_images['l1'][number]:.3f}")
    found = report.of_images["found"][number] > 0.5
    notes.append("source found" if found else "source not found")
    if "label_kept" in report.of_images:
        kept = report.of_images["label_kept"][number] > 0.5
        notes.append("class kept" if kept else "class lost")
    return f"<metric><div>{parts}</div><figcaption>{' · '.join(notes)}</figcaption></metric>"


def _embedded(image: np.ndarray) -> str:
    """Gives a image as a data address: WebP, exact where it is small."""
    pixels = colour(to_uint8(image))
    height, width = pixels.shape[:2]
    longest = max(height, width)
    if longest > _LARGEST:
        share = _LARGEST / longest
        size = (max(1, round(height * share)), max(1, round(width * share)))
        pixels = resize(pixels, size)
    data = io.BytesIO()
    exact = longest <= _LOSSLESS
    Image.fromarray(pixels).save(data, "WEBP", lossless=exact, quality=100 if exact else 88)
    return "data:image/webp;base64," + base64.b64encode(data.getvalue()).decode()


def _metadata(metadata: Mapping[str, Any]) -> str:
    rows = []
    for name, value in metadata.items():
        text = value if isinstance(value, str) else json.dumps(value, indent=1, default=str)
        long = name == "command" or "\n" in text
        shown = f"<pre>{escape(text)}</pre>" if long else escape(text)
        rows.append(f'<tr><th scope="row">{escape(str(name))}</th><td>{shown}</td></tr>')
    return "".join(rows)


def _protocol(report: Report) -> str:
    rows = [(metric.name, metric.protocol) for metric in report.metrics]
    rows += [(name, _plain(value)) for name, value in report.protocol.items()]
    body = "".join(
        f'<tr><th scope="row">{escape(name)}</th><td>{escape(text)}</td></tr>'
        for name, text in rows
    )
    table = f'<div class="wide"><table class="plain">{body}</table></div>'
    return f"<h3>{_titled(report.direction)}</h3>{table}"


def _titled(direction: Direction) -> str:
    return escape(direction.name.replace("_to_", " → "))


def _plain(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {_plain(part)}" for name, part in value.items())
    return "not counted" if value is None else str(value)


def _number(measured: Measured) -> str:
    if measured.value is None:
        return "–"
    text = f"{measured.value:.1f}" if abs(measured.value) >= 10 else f"{measured.value:.3f}"
    return text.replace("-", "−")


def _sureness(measured: Measured) -> str:
    if measured.interval is not None:
        return f" ({measured.interval[0]:.3f}–{measured.interval[1]:.3f})"
    return "" if measured.standard_error is None else f" ± {measured.standard_error:.3f}"


def _percent(value: float | None) -> str:
    return "–" if value is None else f"{100 * value:.0f} %"
