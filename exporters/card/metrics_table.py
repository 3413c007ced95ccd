"""The figures of an evaluation as a table, with how each was measured."""

from collections.abc import Mapping, Sequence
from typing import Any

from exporters.card.metadata import Figure
from exporters.card.templates import fill

_ARROWS = {"higher": "↑", "lower": "↓", None: ""}


def figures_section(
    template: Mapping[str, Any],
    figures: Sequence[Figure],
    remarks: Sequence[str],
    step: int | None,
) -> str:
    """A row a figure and a column a direction, then meanings and protocols.

    Args:
        template: Of the card.
        figures: In the order they are shown in; may be none.
        remarks: Sentences to stand beside them.
        step: Of training, that of the model exported.
    """
    if not figures:
        return template["no_figures"]
    directions = list(dict.fromkeys(figure.direction for figure in figures))
    names = list(dict.fromkeys(figure.name for figure in figures))
    by_place = {(figure.name, figure.direction): figure for figure in figures}
    rows = []
    for name in names:
        found = [by_place.get((name, direction)) for direction in directions]
        better = next(figure.better for figure in found if figure is not None)
        cells = " | ".join("" if figure is None else _cell(figure) for figure in found)
        rows.append(
            fill(template["figure_row"], name=f"`{name}`", arrow=_ARROWS[better], cells=cells)
        )
    return fill(
        template["figures"],
        directions=" | ".join(f"`{direction}`" for direction in directions),
        rules="---|" * len(directions),
        rows="".join(rows),
        step=_when(figures, step),
        remarks="".join(f"- {remark}\n" for remark in remarks),
        protocols="".join(dict.fromkeys(_protocol(template, figure) for figure in figures)),
    ).rstrip()


def _cell(figure: Figure) -> str:
    text = f"{figure.value:.3f}"
    if figure.interval is not None:
        text += f" [{figure.interval[0]:.3f}, {figure.interval[1]:.3f}]"
    elif figure.error is not None:
        text += f" ± {figure.error:.3f}"
    return text if figure.untouched is None else f"{text} ({figure.untouched:.3f})"


def _protocol(template: Mapping[str, Any], figure: Figure) -> str:
    meaning = figure.meaning or "no meaning was given."
    protocol = figure.protocol or "no protocol was given"
    return fill(template["figure_protocol"], name=figure.name, meaning=meaning, protocol=protocol)


def _when(figures: Sequence[Figure], step: int | None) -> str:
    """Says so where figures are of another step than the model: they are not this model's."""
    steps = sorted({figure.step for figure in figures if figure.step is not None})
    if step is None or steps in ([], [step]):
        return ""
    return f" (at step {', '.join(map(str, steps))}, while the model here is of step {step})"
