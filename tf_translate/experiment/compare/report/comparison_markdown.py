"""The comparison as a Markdown page, whose images are files beside it."""

from collections.abc import Iterable, Mapping, Sequence
from urllib.parse import quote

from tf_translate.experiment.compare.differences import Difference
from tf_translate.experiment.compare.report import tested, words
from tf_translate.experiment.compare.report.comparison_page import headline, second_view
from tf_translate.experiment.compare.report.rows import MethodRow, TaskSummary, Value
from tf_translate.experiment.compare.report.tested import Tested
from tf_translate.experiment.compare.report.wall import make_wall


def render_markdown(
    summaries: Sequence[TaskSummary], images: Mapping[str, Mapping[str, str]], found: Tested
) -> str:
    """Renders the page; text from files is escaped.

    Args:
        summaries: One for each task.
        images: By task and then "wall", "scatter" or "extremes": the file, relative to the page.
            Those that a task has not are left out.
        found: What all cells say of claims and loss terms.
    """
    title = summaries[0].title if len(summaries) == 1 else "Comparison of methods"
    intro = (
        "A method is complete if its outputs keep the content of their inputs and belong to the "
        "target domain. Both are measured here on held-out images, after training with equal "
        "budgets of time. A cell is one training of a method with one seed, and its evaluation: "
        "fader:0 is that of Fader Networks with seed 0."
    )
    tasks = [_task(each, images.get(each.name, {}), len(summaries) > 1) for each in summaries]
    mark = "#" if len(summaries) > 1 else "##"  # beside the tasks, or below the one there is
    blocks = [f"# {_text(title)}", intro, *tasks, *_tested(found, mark)]
    return "\n\n".join(blocks) + "\n"


def _task(summary: TaskSummary, images: Mapping[str, str], has_title: bool) -> str:
    blocks = [f"# {_text(summary.title)}"] if has_title else []
    blocks.append(_text(" ".join(filter(None, (headline(summary), second_view(summary))))))
    blocks.append(f"{words.FORMULA}. {words.parts_text(summary)}")
    if "wall" in images:
        seeds = "/".join(map(str, sorted(set(summary.image_seeds.values()))))
        wall = make_wall(summary)
        blocks += [
            f"![The same inputs down, methods across]({quote(images['wall'])})",
            words.WALL.format(rows=len(wall.rows) if wall else 0, seed=seeds),
        ]
    blocks.append("## Content and domain")
    if "scatter" in images:
        blocks.append(f"![Domain against content]({quote(images['scatter'])})")
        blocks.append(words.scatter_text(summary))
    blocks += [
        _survey(summary),
        _text(f"{words.uncertainty_text(summary)} {words.other_domains_text(summary)}".rstrip()),
        *(["## Limits", *_list(summary.notes)] if summary.notes else []),
        "## What each method needs",
        _supervision(summary),
        _text(f"{words.columns_text(summary)} {words.judges_text(summary)}"),
        *_not_compared(summary),
    ]
    if "extremes" in images:
        blocks += [
            "## Best, median, worst",
            _text(words.EXTREMES.format(score=summary.score_name)),
            f"![Best, median and worst images of each method]({quote(images['extremes'])})",
        ]
    blocks += [*_differences(summary), *_agreements(summary)]
    blocks += ["## Cost", _text(words.cost_text(summary)), _costs(summary)]
    blocks += ["## Conditions", _table(("", ""), words.conditions(summary))]
    lines = "\n".join(f"# {name}\n{command}" for name, command in words.commands(summary))
    return "\n\n".join([*blocks, "The command of each cell:", _code(lines)])


def _survey(summary: TaskSummary) -> str:
    others = words.other_networks(summary)
    heads = (
        "method", "keeps the content by", "content c", "reaches the domain by",
        "domain d", "completeness", *(f"d by {name}" for name in others),
    )  # fmt: skip
    rows = []
    for row in words.rows_of(summary):
        keeps, reaches = (row.keeps, row.reaches) if isinstance(row, MethodRow) else ("", "")
        measured = _value(row.content), _value(row.domain), _value(row.completeness)
        elsewhere = (_value(row.other_domains.get(name)) for name in others)
        rows.append((row.title, keeps, measured[0], reaches, *measured[1:], *elsewhere))
    return _table(heads, rows)


def _supervision(summary: TaskSummary) -> str:
    metrics = words.shown_metrics(summary)
    named = [f"{words.label(name)} {words.arrow(summary, name)}" for name in metrics]
    rows = []
    for row in words.rows_of(summary):
        shown, uses = (row.shown, ", ".join(row.uses)) if isinstance(row, MethodRow) else ("", "")
        rows.append((row.title, shown, uses, *(_value(row.values.get(m), 3) for m in metrics)))
    return _table(("method", "is shown", "supervision", *named), rows)


def _costs(summary: TaskSummary) -> str:
    rows = [
        (row.title, *words.training_cells(row), *words.cost_cells(row)) for row in summary.methods
    ]
    return _table(("method", *words.COST_HEADS), rows)


def _not_compared(summary: TaskSummary) -> list[str]:
    reasons = (summary.about or {}).get("not_applicable", {})
    if not reasons:
        return []
    return ["Not compared:", _table(("method", "why"), reasons.items())]


def _differences(summary: TaskSummary) -> list[str]:
    blocks: list[str] = []
    for metric, found in summary.differences.items():
        if found:
            blocks += [f"### {words.DIFFERENCE_TITLES[metric]}", _matrix(summary.methods, found)]
    if not blocks:
        return []
    intro = words.differences_text(summary)
    return ["## Differences between methods", _text(intro), *blocks]


def _agreements(summary: TaskSummary) -> list[str]:
    rows = list(map(words.agreement_cells, summary.agreements))
    if not rows:
        return []
    return ["## Do the metrics agree?", words.AGREEMENT, _table(words.AGREEMENT_HEADS, rows)]


def _tested(found: Tested, mark: str) -> list[str]:
    blocks = []
    if found.terms:
        blocks += [f"{mark} {tested.TERMS_TITLE}", tested.TERMS]
        blocks += [_table(tested.TERM_HEADS, found.terms), *_list(found.remarks)]
    if found.claims:
        blocks += [f"{mark} {tested.CLAIMS_TITLE}", tested.CLAIMS]
        blocks += [_table(tested.CLAIM_HEADS, found.claims)]
        if found.against:
            blocks += [f"{tested.AGAINST}:", *_list(found.against)]
        if found.depends_on:
            blocks += [f"{tested.DEPENDS_ON}:", *_list(found.depends_on)]
    return blocks


def _list(items: Sequence[str]) -> list[str]:
    return ["\n".join(f"- {_text(each)}" for each in items)] if items else []


def _matrix(methods: Sequence[MethodRow], found: Mapping[tuple[str, str], Difference]) -> str:
    names = {name for pair in found for name in pair}
    rows = [row for row in methods if row.name in names]
    lines = []
    for number, row in enumerate(rows, 1):
        cells = []
        for other in rows:
            each = found.get((row.name, other.name))
            text = "·" if each is None else words.difference(each)
            cells.append(f"**{text}**" if each is not None and each.is_real else text)
        lines.append([_cell(f"{number} {row.title}"), *cells])
    return _raw_table(["", *map(str, range(1, len(rows) + 1))], lines)


def _value(value: Value | None, digits: int = 2) -> str:
    if value is None:
        return "–"
    brackets = ", ".join(words.uncertainty(value, digits))
    return words.number(value.mean, digits) + (f" ({brackets})" if brackets else "")


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    return _raw_table(list(map(_cell, heads)), [list(map(_cell, row)) for row in rows])


def _raw_table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _cell(text: object) -> str:
    return _text(str(text))


def _text(text: str) -> str:
    """Text of one line, without the characters that Markdown and HTML would interpret."""
    plain = " ".join(text.split())
    for character in "\\`*_[]<>|#":
        plain = plain.replace(
            character,
            f"\\{character}" if character not in "<>" else {"<": "&lt;", ">": "&gt;"}[character],
        )
    return plain


def _code(text: str) -> str:
    """A code block; its fence is longer than any in the text."""
    fence = "```"
    while fence in text:
        fence += "`"
    return f"{fence}bash\n{text}\n{fence}"
