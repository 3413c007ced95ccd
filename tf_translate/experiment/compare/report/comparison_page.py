"""The HTML page of a comparison: one file, with light and dark style, without scripts."""

from collections.abc import Mapping, Sequence
from html import escape
from string import Template

from tf_translate.evaluation.report import page_style
from tf_translate.evaluation.report.embedded_image import data_url
from tf_translate.experiment.compare.cells.read_cell import OUTPUT, results_of
from tf_translate.experiment.compare.cells.supervision import join
from tf_translate.experiment.compare.differences import Difference
from tf_translate.experiment.compare.parts import COMPLETENESS
from tf_translate.experiment.compare.report import comparison_style, tested, words
from tf_translate.experiment.compare.report.notes import other_views
from tf_translate.experiment.compare.report.rows import MethodRow, Row, TaskSummary, Value
from tf_translate.experiment.compare.report.scatter import scatter
from tf_translate.experiment.compare.report.tested import Tested
from tf_translate.experiment.compare.report.wall import KINDS, TRUTH, extremes, make_wall

_STRIP = 200  # width of the axis from 0 to 1 of an interval


def render(summaries: Sequence[TaskSummary], found: Tested) -> str:
    """Renders the page of all tasks, claims and loss terms; all text is escaped."""
    title = summaries[0].title if len(summaries) == 1 else "Comparison of methods"
    return Template(comparison_style.PAGE).substitute(
        title=escape(title),
        style=page_style.STYLE + comparison_style.STYLE,
        tasks="\n".join(_task(each, is_only=len(summaries) == 1) for each in summaries)
        + _tested(found),
    )


def headline(summary: TaskSummary) -> str:
    """A sentence on the most complete method, and from which others it differs."""
    ranked = [row for row in summary.methods if row.completeness]
    seeds = sorted({len(row.cells) for row in summary.methods})
    count = str(seeds[0]) if len(seeds) == 1 else f"{seeds[0]} to {seeds[-1]}"
    of_each = f"{count} seed{'' if seeds == [1] else 's'} each"
    number = len(summary.methods)
    text = f"{number} method{'' if number == 1 else 's'}, {of_each}."
    best = ranked[0] if ranked else None
    if best is None or best.completeness is None:
        return f"{text} No method has a completeness."
    text += f" Highest completeness: {words.with_completeness(best)}"
    pairs = summary.differences.get(COMPLETENESS, {})
    others = [(row, pairs.get((best.name, row.name))) for row in ranked[1:]]
    near = [row for row, own in others if own is not None and not own.is_real]
    far = [row for row, own in others if own is not None and own.is_real]
    unknown = [row for row, own in others if own is None]
    floor = min((row.completeness.mean for row in far if row.completeness), default=0.0)
    lower = [row for row in near if row.completeness and row.completeness.mean < floor]
    near = [row for row in near if row not in lower]
    if near:
        listed = join([words.with_completeness(row) for row in near])
        text += f"; it is not shown to differ from {listed}"
    elif others:
        text += f"; then {words.with_completeness(others[0][0])}"
    if near and far:
        text += f"; it differs from {join([words.with_completeness(row) for row in far])}"
    elif others and others[0][0] in far:
        text += ": the two differ"
    if lower:
        listed = join([words.with_completeness(row) for row in lower])
        text += f"; {listed} is lower than those, and has too few or too different seeds to show it"
    if unknown:
        text += f"; not compared with {join([row.title for row in unknown])}"
    text += "."
    if near and far and ranked.index(far[0]) < ranked.index(near[-1]):
        text += " A lower method may be undecided because its seeds spread more."
    what = "" if words.has_seed_spread(summary) else " These are trainings with one seed."
    return f"{text}{what}"


def second_view(summary: TaskSummary) -> str:
    """What pretrained networks say against the domain in completeness; empty if nothing."""
    return " ".join(
        "The domain judge was trained for this task. By the features of a network that was "
        f"trained on other images, {view.network}, outputs of {len(view.farther)} of "
        f"{view.methods} methods are farther from real targets than the unchanged inputs are, by "
        "more than two standard errors (see Limits)."
        for view in other_views(summary.cells, summary.methods)
    )


def _paragraph(text: str) -> str:
    return f"\n<p>{escape(text)}</p>" if text else ""


def _task(summary: TaskSummary, *, is_only: bool) -> str:
    title = "" if is_only else f"<h2>{escape(summary.title)}</h2>"
    notes = f"<section><h2>Limits</h2>{_list(summary.notes)}</section>" if summary.notes else ""
    return f"""{title}
<section>
<h2>Completeness</h2>
<p class="lead">{escape(headline(summary))}</p>{_paragraph(second_view(summary))}
<p><span class="formula">{words.FORMULA}</span>. {escape(words.parts_text(summary))}</p>
<div class="head">{scatter(summary.methods, summary.fixed)}
<div class="wide">{_completeness(summary)}</div></div>
<p>{words.scatter_text(summary)} {escape(words.uncertainty_text(summary))}</p>
</section>
{_wall(summary)}
<section>
<h2>How each method keeps the content and reaches the domain</h2>
<div class="wide">{_survey(summary)}</div>{_paragraph(words.other_domains_text(summary))}
</section>
{notes}
<section>
<h2>What each method needs</h2>
<div class="wide">{_supervision(summary)}</div>
<p>{escape(words.columns_text(summary))} {escape(words.judges_text(summary))}</p>
{_not_compared(summary)}
</section>
{_extremes(summary)}
{_differences(summary)}
{_agreements(summary)}
<section>
<h2>Cost</h2>
<p>{escape(words.cost_text(summary))}</p>
<div class="wide">{_costs(summary)}</div>
</section>
<section>
<h2>Conditions</h2>
<div class="wide"><table class="plain">{_pairs(words.conditions(summary))}</table></div>
<details><summary>All metrics</summary><div class="wide">{_all_metrics(summary)}</div></details>
<details><summary>The command of each cell</summary><div class="wide"><table class="plain">
{_commands(summary)}</table></div></details>
</section>"""


def _completeness(summary: TaskSummary) -> str:
    body = "".join(
        f'<tr{_kind(row)}><th scope="row">{escape(row.title)}</th>'
        f"<td class=value>{_value(row.completeness)}</td>"
        f"<td class=strip>{_interval(row)}</td></tr>"
        for row in words.rows_of(summary)
    )
    return (
        '<table class="survey"><thead><tr><th></th><th class="value">completeness</th>'
        '<th class="strip">from 0 to 1: dot mean, bar 95 % over images, ticks seeds</th></tr>'
        f"</thead><tbody>{body}</tbody></table>"
    )


def _interval(row: Row) -> str:
    value = row.completeness
    if value is None:
        return ""
    marks = [f'<line class="axis" x1="0" y1="7" x2="{_STRIP}" y2="7"/>']
    if value.interval is not None:
        low, high = (_STRIP * end for end in value.interval)
        marks.append(f'<line class="bar" x1="{low:.1f}" y1="7" x2="{high:.1f}" y2="7"/>')
    if isinstance(row, MethodRow):
        for cell in row.cells:
            at = results_of(cell)[OUTPUT].get(COMPLETENESS)
            if at is not None:
                x = f"{_STRIP * at:.1f}"
                marks.append(f'<line class="tick" x1="{x}" y1="2" x2="{x}" y2="12"/>')
    marks.append(f'<circle class="dot" cx="{_STRIP * value.mean:.1f}" cy="7" r="3.5"/>')
    return (
        f'<svg class="interval" viewBox="0 0 {_STRIP} 14" aria-hidden="true">{"".join(marks)}</svg>'
    )


def _survey(summary: TaskSummary) -> str:
    others = words.other_networks(summary)
    heads = (
        ("keeps the content by", False), ("content c", True),
        ("reaches the domain by", False), ("domain d", True), ("completeness", True),
        *((f"d by {name}", True) for name in others),
    )  # fmt: skip
    rows = []
    for row in words.rows_of(summary):
        keeps, reaches = (row.keeps, row.reaches) if isinstance(row, MethodRow) else ("", "")
        content, domain = _value(row.content), _value(row.domain)
        elsewhere = (_value(row.other_domains.get(name)) for name in others)
        cells = (escape(keeps), content, escape(reaches), domain, _value(row.completeness))
        rows.append((row, (*cells, *elsewhere)))
    return _table(heads, rows)


def _supervision(summary: TaskSummary) -> str:
    metrics = words.shown_metrics(summary)
    heads = [("is shown", False), ("supervision", False)]
    heads += [(f"{words.label(name)} {words.arrow(summary, name)}", True) for name in metrics]
    rows = []
    for row in words.rows_of(summary):
        shown, uses = (row.shown, ", ".join(row.uses)) if isinstance(row, MethodRow) else ("", "")
        values = (_value(row.values.get(name), 3) for name in metrics)
        rows.append((row, (escape(shown), escape(uses), *values)))
    return _table(heads, rows)


def _costs(summary: TaskSummary) -> str:
    heads = [(head, True) for head in words.COST_HEADS]
    rows = [
        (row, tuple(map(escape, (*words.training_cells(row), *words.cost_cells(row)))))
        for row in summary.methods
    ]
    return _table(heads, rows)


def _all_metrics(summary: TaskSummary) -> str:
    names = words.all_metrics(summary)
    heads = [(f"{name} {words.arrow(summary, name)}", True) for name in names]
    rows = [
        (row, tuple(words.value_text(row.values.get(name)) for name in names))
        for row in words.rows_of(summary)
    ]
    return _table(heads, rows)


def _table(heads: Sequence[tuple[str, bool]], rows: Sequence[tuple[Row, Sequence[str]]]) -> str:
    """A table of methods; on a phone each cell is a line that starts with its head.

    Args:
        heads: Text of each column after the first, and whether it holds values.
        rows: Each with its cells as HTML.
    """
    kinds = ["value" if is_value else "words" for _, is_value in heads]
    titles = "".join(
        f'<th scope="col" class="{kind}">{escape(text)}</th>'
        for (text, _), kind in zip(heads, kinds, strict=True)
    )
    body = []
    for row, cells in rows:
        paper = row.paper if isinstance(row, MethodRow) else ""
        parts = "".join(
            f'<td class="{kind}" data-head="{escape(text)}">{cell}</td>' if cell else "<td></td>"
            for (text, _), kind, cell in zip(heads, kinds, cells, strict=True)
        )
        title = f"{escape(row.title)}<small>{escape(paper)}</small>"
        body.append(f'<tr{_kind(row)}><th scope="row">{title}</th>{parts}</tr>')
    return (
        f'<table class="survey stacked"><thead><tr><th></th>{titles}</tr></thead>'
        f"<tbody>{''.join(body)}</tbody></table>"
    )


def _kind(row: Row) -> str:
    return "" if isinstance(row, MethodRow) else " class=fixed"


def _value(value: Value | None, digits: int = 2) -> str:
    """A mean with its uncertainty below, as HTML."""
    if value is None:
        return "–"
    parts = "".join(f"<small>{each}</small>" for each in words.uncertainty(value, digits))
    return words.number(value.mean, digits) + parts


def _wall(summary: TaskSummary) -> str:
    wall = make_wall(summary)
    if wall is None:
        return ""
    last = len(wall.titles) - 1
    edges = {1, *([last] if wall.titles[last] == TRUTH else [])}

    def place(column: int) -> str:
        names = [*(["edge"] if column in edges else []), *(["pinned"] if column == 0 else [])]
        return f' class="{" ".join(names)}"' if names else ""

    heads = "".join(
        f'<th scope="col"{place(column)}>{escape(title)}</th>'
        for column, title in enumerate(wall.titles)
    )
    rows = "".join(
        "<tr>"
        + "".join(
            f'<td{place(column)}><img alt="{escape(title)} {number + 1}" '
            f'src="{data_url(image)}"></td>'
            for column, (title, image) in enumerate(zip(wall.titles, images, strict=True))
        )
        + "</tr>"
        for number, images in enumerate(wall.rows)
    )
    seeds = "/".join(map(str, sorted(set(summary.image_seeds.values()))))
    return (
        "<section><h2>The same inputs, by every method</h2>"
        f"<p>{words.WALL.format(rows=len(wall.rows), seed=seeds)}</p>"
        f'<div class="wide"><table class="wall"><thead><tr>{heads}</tr></thead>'
        f"<tbody>{rows}</tbody></table></div></section>"
    )


def _extremes(summary: TaskSummary) -> str:
    rows, counts = [], dict.fromkeys(KINDS, 0)
    for row in summary.methods:
        found = extremes(summary.images.get(row.name, ()))
        if not any(found.values()):
            continue
        counts = {kind: len(each) for kind, each in found.items()}
        cells = []
        for kind in KINDS:
            for position, each in enumerate(found[kind]):
                images = [("input", each.source), ("output", each.output)]
                images += [("truth", each.truth)] if each.truth is not None else []
                parts = "".join(
                    f'<img alt="{name}" src="{data_url(image)}">' for name, image in images
                )
                edge = "stack edge" if position == 0 else "stack"
                cells.append(
                    f'<td class="{edge}" title="score {words.number(each.score, 3)}">{parts}</td>'
                )
        rows.append(
            f'<tr class="method"><th scope="row" class="pinned">{escape(row.title)}</th>'
            f"{''.join(cells)}</tr>"
        )
    if not rows:
        return ""
    heads = "".join(
        f'<th scope="col" colspan="{count}">{kind}</th>' for kind, count in counts.items() if count
    )
    return (
        "<section><h2>Best, median, worst</h2>"
        f"<p>{escape(words.EXTREMES.format(score=summary.score_name))} "
        f"Each column shows the input, the output and, if it is known, the truth.</p>"
        f'<div class="wide"><table class="wall"><thead><tr><th class="pinned"></th>{heads}</tr>'
        f"</thead><tbody>{''.join(rows)}</tbody></table></div></section>"
    )


def _differences(summary: TaskSummary) -> str:
    matrices = [
        f"<h3>{words.DIFFERENCE_TITLES[metric]}</h3>"
        f'<div class="wide">{_matrix(summary.methods, found)}</div>'
        for metric, found in summary.differences.items()
        if found
    ]
    if not matrices:
        return ""
    return (
        "<section><h2>Differences between methods</h2>"
        f"<p>{escape(words.differences_text(summary))}</p>{''.join(matrices)}</section>"
    )


def _agreements(summary: TaskSummary) -> str:
    if not summary.agreements:
        return ""
    rows = list(map(words.agreement_cells, summary.agreements))
    return (
        f"<section><h2>Do the metrics agree?</h2><p>{escape(words.AGREEMENT)}</p>"
        f"{_plain_table(words.AGREEMENT_HEADS, rows)}</section>"
    )


def _tested(found: Tested) -> str:
    parts = []
    if found.terms:
        parts.append(
            f"<section><h2>{tested.TERMS_TITLE}</h2><p>{escape(tested.TERMS)}</p>"
            f"{_stacked(tested.TERM_HEADS, found.terms)}{_list(found.remarks)}</section>"
        )
    if found.claims:
        beside = "".join(
            f"<h3>{title}</h3>{_list(said)}"
            for title, said in (
                (tested.AGAINST, found.against),
                (tested.DEPENDS_ON, found.depends_on),
            )
            if said
        )
        parts.append(
            f"<section><h2>{tested.CLAIMS_TITLE}</h2><p>{escape(tested.CLAIMS)}</p>"
            f"{_stacked(tested.CLAIM_HEADS, found.claims)}{beside}</section>"
        )
    return "\n".join(parts)


def _stacked(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table of words; on a phone each cell is a line that starts with its head."""
    titles = "".join(f'<th scope="col" class="words">{escape(head)}</th>' for head in heads)
    body = "".join(
        f'<tr><th scope="row">{escape(first)}</th>'
        + "".join(
            f'<td class="words" data-head="{escape(head)}">{escape(cell)}</td>'
            for head, cell in zip(heads[1:], cells, strict=True)
        )
        + "</tr>"
        for first, *cells in rows
    )
    return (
        f'<div class="wide"><table class="survey stacked told"><thead><tr>{titles}</tr></thead>'
        f"<tbody>{body}</tbody></table></div>"
    )


def _plain_table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    titles = "".join(f'<th scope="col">{escape(head)}</th>' for head in heads)
    body = "".join(
        "<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in cells) + "</tr>" for cells in rows
    )
    return (
        f'<div class="wide"><table class="plain"><thead><tr>{titles}</tr></thead>'
        f"<tbody>{body}</tbody></table></div>"
    )


def _list(items: Sequence[str]) -> str:
    return f"<ul>{''.join(f'<li>{escape(each)}</li>' for each in items)}</ul>" if items else ""


def _matrix(methods: Sequence[MethodRow], found: Mapping[tuple[str, str], Difference]) -> str:
    names = {name for pair in found for name in pair}
    rows = [row for row in methods if row.name in names]
    heads = "".join(f'<th scope="col">{number}</th>' for number in range(1, len(rows) + 1))
    body = []
    for number, row in enumerate(rows, 1):
        cells = []
        for other in rows:
            each = found.get((row.name, other.name))
            if each is None:
                cells.append("<td>·</td>" if other is row else "<td>–</td>")
                continue
            kind = " class=real" if each.is_real else ""
            about = f"95 % {words.span(each.interval, 3)}, {each.images} images"
            cells.append(f'<td{kind} title="{escape(about)}">{words.difference(each)}</td>')
        body.append(f'<tr><th scope="row">{number} {escape(row.title)}</th>{"".join(cells)}</tr>')
    return (
        f'<table class="matrix"><thead><tr><th></th>{heads}</tr></thead>'
        f"<tbody>{''.join(body)}</tbody></table>"
    )


def _not_compared(summary: TaskSummary) -> str:
    reasons = (summary.about or {}).get("not_applicable", {})
    if not reasons:
        return ""
    rows = [(str(name), str(reason)) for name, reason in reasons.items()]
    table = f'<table class="plain">{_pairs(rows)}</table>'
    return f'<h3>Not compared</h3><div class="wide">{table}</div>'


def _pairs(rows: Sequence[tuple[str, str]]) -> str:
    return "".join(
        f'<tr><th scope="row">{escape(name)}</th><td>{escape(text)}</td></tr>'
        for name, text in rows
    )


def _commands(summary: TaskSummary) -> str:
    return "".join(
        f'<tr><th scope="row">{escape(name)}</th><td><pre>{escape(text)}</pre></td></tr>'
        for name, text in words.commands(summary)
    )
