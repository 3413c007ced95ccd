"""Content against domain as an SVG image: methods as dots, the fixed rows as corners."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from html import escape

from tf_translate.experiment.compare.report.rows import Row

_SIDE, _LEFT, _TOP = 300, 46, 18
_RIGHT = 104  # room for names of methods that keep all content
_WIDTH, _HEIGHT = _LEFT + _SIDE + _RIGHT, _TOP + _SIDE + 44
_LEVELS = (0.2, 0.4, 0.6, 0.8)  # lines of equal completeness
_CORNER, _CROWD = 0.9, 3  # so many methods from here on in both are drawn a second time, larger
_CORNER_LEVELS = (0.92, 0.94, 0.96, 0.98)
_LETTER, _LINE = 6.9, 14.0  # size of text of 12 px
_NAMESPACE = ' xmlns="http://www.w3.org/2000/svg"'
_COLOURS = (  # of a file, which has no style of a page
    "<style>svg{background:#fff;font:12px system-ui,sans-serif;fill:#6f6a63}"
    ".frame{fill:#fbfaf8;stroke:#e4e0d9}.level{fill:none;stroke:#d8d2c8}"
    ".level-name{font-size:10px;fill:#a09a91}.seed{fill:#fff;stroke:#c2410c;opacity:.8}"
    ".method{fill:#c2410c}.name{fill:#23211e}.fixed{fill:#6f6a63}.lead{stroke:#a09a91}"
    ".corner{fill:none;stroke:#a09a91;stroke-dasharray:3 2}.tick{font-size:10px}</style>"
)
Box = tuple[float, float, float, float]  # left, top, right, bottom


def scatter(methods: Sequence[Row], fixed: Sequence[Row], *, standalone: bool = False) -> str:
    """Plots the domain (vertical) against content (horizontal), both from 0 to 1.

    Large dots are means over seeds, small rings single seeds where there are several. Lines join
    points of equal completeness. Where several methods have at least 0.9 of both, a second plot
    shows that corner larger.

    Args:
        methods, fixed: Rows; those without content and domain are left out.
        standalone: Whether it becomes a file, with colours of its own. There the two plots are one
            image; on a page they are two, which a narrow screen shows below each other.
    """
    crowd = _crowd(methods)
    first = _Plot(0.0, 0.0, _LEVELS)
    if not crowd:
        return _svg(_draw(first, methods, fixed), standalone=standalone)
    whole = _draw(first, methods, fixed, crowd) + _corner(first)
    second = _Plot(_WIDTH if standalone else 0.0, _CORNER, _CORNER_LEVELS)
    larger = _draw(second, methods, fixed)
    if standalone:
        return _svg(whole + larger, plots=2, standalone=True)
    return _svg(whole) + _svg(larger)


def has_corner(methods: Sequence[Row]) -> bool:
    """Whether so many methods have at least 0.9 of both that the corner is drawn larger."""
    return bool(_crowd(methods))


def _crowd(methods: Sequence[Row]) -> set[str]:
    """Names of the methods in the corner, if they are many; else empty."""
    points = {row.name: _point(row) for row in methods}
    found = {name for name, point in points.items() if point and min(point) >= _CORNER}
    return found if len(found) >= _CROWD else set()


def _point(row: Row) -> tuple[float, float] | None:
    """Content and domain of a row; None unless it has both."""
    if row.content is None or row.domain is None:
        return None
    return row.content.mean, row.domain.mean


def _svg(content: str, *, plots: int = 1, standalone: bool = False) -> str:
    return (
        f'<svg class="scatter" viewBox="0 0 {_WIDTH * plots} {_HEIGHT}" role="img" '
        f'aria-label="domain against content"{_NAMESPACE if standalone else ""}>'
        f"{_COLOURS if standalone else ''}{content}</svg>"
    )


@dataclass(frozen=True)
class _Plot:
    """A square of the plane: from `low` to 1 in both."""

    shift: float  # to the right
    low: float
    levels: tuple[float, ...]

    @property
    def left(self) -> float:
        return self.shift + _LEFT

    def place(self, content: float, domain: float) -> tuple[float, float]:
        scale = _SIDE / (1.0 - self.low)
        return self.left + scale * (content - self.low), _TOP + scale * (1.0 - domain)

    def shows(self, content: float, domain: float) -> bool:
        return min(content, domain) >= self.low

    def holds(self, box: Box) -> bool:
        """Whether a text is within the plot and the room beside it."""
        return (
            box[0] >= self.left - 4
            and box[2] <= self.shift + _WIDTH
            and box[1] >= 0
            and box[3] <= _TOP + _SIDE + 4
        )


def _draw(
    plot: _Plot, methods: Sequence[Row], fixed: Sequence[Row], unnamed: Collection[str] = ()
) -> str:
    """One plot; methods that are `unnamed` are marks without names."""
    points = [(row, _point(row)) for row in (*fixed, *methods)]
    shown = [(row, point) for row, point in points if point is not None and plot.shows(*point)]
    rows = [row for row, _ in shown]
    dots = [plot.place(*point) for _, point in shown]
    names = {row.name for row in fixed}
    marks = [
        _mark(x, y, is_fixed=row.name in names) for row, (x, y) in zip(rows, dots, strict=True)
    ]
    seeds = [
        plot.place(each.content, each.domain)
        for row in methods
        if len(row.points) > 1
        for each in row.points
        if plot.shows(each.content, each.domain)
    ]
    rings = [f'<circle class="seed" cx="{x:.1f}" cy="{y:.1f}" r="3.5"/>' for x, y in seeds]
    titles = ["" if row.name in unnamed else row.title for row in rows]
    levels = [_level(plot, each) for each in plot.levels]
    small = [(x - 4, y - 4, x + 4, y + 4) for x, y in seeds]
    small += [(x - 24, y, x, y + 12) for x, y in (plot.place(each, each) for each in plot.levels)]
    labels = _labels(plot, titles, dots, small)
    return "".join((_frame(plot), *levels, *marks, *rings, labels))


def _mark(x: float, y: float, *, is_fixed: bool) -> str:
    if is_fixed:
        return f'<rect class="fixed" x="{x - 5:.1f}" y="{y - 5:.1f}" width="10" height="10"/>'
    return f'<circle class="method" cx="{x:.1f}" cy="{y:.1f}" r="6"/>'


def _corner(plot: _Plot) -> str:
    """The square that the second plot shows, in the first."""
    x, y = plot.place(_CORNER, 1.0)
    side = _SIDE * (1.0 - _CORNER)
    return f'<rect class="corner" x="{x:.1f}" y="{y:.1f}" width="{side:.1f}" height="{side:.1f}"/>'


def _frame(plot: _Plot) -> str:
    ticks = []
    for value in (plot.low, (1.0 + plot.low) / 2.0, 1.0):
        x, y = plot.place(value, value)
        text = f"{value:g}"
        ticks.append(
            f'<text class="tick" x="{x:.1f}" y="{_TOP + _SIDE + 14}" text-anchor="middle">'
            f"{text}</text>"
            f'<text class="tick" x="{plot.left - 6:g}" y="{y + 4:.1f}" text-anchor="end">{text}'
            "</text>"
        )
    middle, centre, edge = plot.left + _SIDE / 2, _TOP + _SIDE / 2, plot.shift + 14
    return (
        f'<rect class="frame" x="{plot.left:g}" y="{_TOP}" width="{_SIDE}" height="{_SIDE}"/>'
        f"{''.join(ticks)}"
        f'<text x="{middle:g}" y="{_HEIGHT - 10}" text-anchor="middle">content c →</text>'
        f'<text x="{edge:g}" y="{centre:g}" text-anchor="middle" '
        f'transform="rotate(-90 {edge:g} {centre:g})">domain d →</text>'
    )


def _level(plot: _Plot, value: float) -> str:
    """The line of equal completeness: d = v c / (2 c - v), as far as the plot shows it."""
    least = value / (2.0 - value)  # where the other is 1
    low = max(plot.low, least)
    high = 1.0 if least >= plot.low else value * plot.low / (2.0 * plot.low - value)
    contents = [low + (high - low) * step / 40 for step in range(41)]
    points = [(c, value * c / (2.0 * c - value)) for c in contents]
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in (plot.place(*each) for each in points))
    x, y = plot.place(value, value)
    return (
        f'<polyline class="level" points="{path}"/>'
        f'<text class="level-name" x="{x - 4:.1f}" y="{y + 11:.1f}" text-anchor="end">'
        f"{value:g}</text>"
    )


def _labels(
    plot: _Plot,
    names: Sequence[str],
    dots: Sequence[tuple[float, float]],
    small: Sequence[Box],
) -> str:
    """Names beside their dots, where they cover neither these, nor `small`, nor each other.

    A dot with the name "" gets none.
    """
    taken: list[Box] = [*((x - 7, y - 7, x + 7, y + 7) for x, y in dots), *small]
    texts = []
    for index, (name, (x, y)) in enumerate(zip(names, dots, strict=True)):
        if not name:
            continue
        width = _LETTER * len(name)
        others = [box for place, box in enumerate(taken) if place != index]
        options = [_option(x, y, width, radius, turn) for radius in range(9) for turn in range(8)]
        free = [each for each in options if not _overlaps(each, others) and plot.holds(each)]
        box = free[0] if free else options[0]
        taken.append(box)
        left, top, right, bottom = box
        end = min(max(x, left), right), min(max(y, top), bottom)
        if abs(end[0] - x) + abs(end[1] - y) > 14:
            texts.append(
                f'<line class="lead" x1="{x:.1f}" y1="{y:.1f}" '
                f'x2="{end[0]:.1f}" y2="{end[1]:.1f}"/>'
            )
        texts.append(
            f'<text class="name" x="{left:.1f}" y="{bottom - 3:.1f}">{escape(name)}</text>'
        )
    return "".join(texts)


def _option(x: float, y: float, width: float, radius: int, turn: int) -> Box:
    """A box of text beside a dot: right, left, above, below, and between; farther by radius."""
    distance = 10 + 12 * radius
    across, down = ((1, 0), (-1, 0), (0, -1), (0, 1), (1, -1), (1, 1), (-1, -1), (-1, 1))[turn]
    left = x + across * distance - (0 if across > 0 else width if across < 0 else width / 2)
    top = y + down * distance - _LINE / 2
    return left, top, left + width, top + _LINE


def _overlaps(box: Box, others: Sequence[Box]) -> bool:
    return any(
        box[0] < other[2] and other[0] < box[2] and box[1] < other[3] and other[1] < box[3]
        for other in others
    )
