"""Content against domain as an SVG image: methods as dots, the fixed rows as corners."""

from collections.abc import Sequence
from html import escape

from tf_translate.experiment.compare.report.rows import Row

_SIDE, _LEFT, _TOP = 300, 46, 18
_RIGHT = 104  # room for names of methods that keep all content
_WIDTH, _HEIGHT = _LEFT + _SIDE + _RIGHT, _TOP + _SIDE + 44
_LEVELS = (0.2, 0.4, 0.6, 0.8)  # lines of equal completeness
_LETTER, _LINE = 6.9, 14.0  # size of text of 12 px
_NAMESPACE = ' xmlns="http://www.w3.org/2000/svg"'
_COLOURS = (  # of a file, which has no style of a page
    "<style>svg{background:#fff;font:12px system-ui,sans-serif;fill:#6f6a63}"
    ".frame{fill:#fbfaf8;stroke:#e4e0d9}.level{fill:none;stroke:#d8d2c8}"
    ".level-name{font-size:10px;fill:#a09a91}.seed{fill:#fff;stroke:#c2410c;opacity:.8}"
    ".method{fill:#c2410c}.name{fill:#23211e}.fixed{fill:#6f6a63}.lead{stroke:#a09a91}"
    ".tick{font-size:10px}</style>"
)
Box = tuple[float, float, float, float]  # left, top, right, bottom


def scatter(methods: Sequence[Row], fixed: Sequence[Row], *, standalone: bool = False) -> str:
    """Plots the domain (vertical) against content (horizontal), both from 0 to 1.

    Large dots are means over seeds, small rings single seeds where there are several. Lines join
    points of equal completeness.

    Args:
        methods, fixed: Rows; those without content and domain are left out.
        standalone: Whether it becomes a file, with colours of its own.
    """
    placed = [row for row in (*fixed, *methods) if row.content and row.domain]
    dots = [
        _place(row.content.mean, row.domain.mean) for row in placed if row.content and row.domain
    ]
    rings = [
        f'<circle class="seed" cx="{x:.1f}" cy="{y:.1f}" r="3.5"/>'
        for row in methods
        if len(row.points) > 1
        for x, y in (_place(each.content, each.domain) for each in row.points)
    ]
    names = {row.name for row in fixed}
    marks = [
        _mark(x, y, is_fixed=row.name in names) for row, (x, y) in zip(placed, dots, strict=True)
    ]
    labels = _labels([row.title for row in placed], dots)
    return (
        f'<svg class="scatter" viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" '
        f'aria-label="domain against content"{_NAMESPACE if standalone else ""}>'
        f"{_COLOURS if standalone else ''}{_frame()}{''.join(map(_level, _LEVELS))}"
        f"{''.join(marks)}{''.join(rings)}{labels}</svg>"
    )


def _place(content: float, domain: float) -> tuple[float, float]:
    return _LEFT + _SIDE * content, _TOP + _SIDE * (1.0 - domain)


def _mark(x: float, y: float, *, is_fixed: bool) -> str:
    if is_fixed:
        return f'<rect class="fixed" x="{x - 5:.1f}" y="{y - 5:.1f}" width="10" height="10"/>'
    return f'<circle class="method" cx="{x:.1f}" cy="{y:.1f}" r="6"/>'


def _frame() -> str:
    ticks = []
    for value in (0.0, 0.5, 1.0):
        x, y = _place(value, value)
        text = f"{value:g}"
        ticks.append(
            f'<text class="tick" x="{x:.1f}" y="{_TOP + _SIDE + 14}" text-anchor="middle">'
            f"{text}</text>"
            f'<text class="tick" x="{_LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{text}</text>'
        )
    middle, centre = _LEFT + _SIDE / 2, _TOP + _SIDE / 2
    return (
        f'<rect class="frame" x="{_LEFT}" y="{_TOP}" width="{_SIDE}" height="{_SIDE}"/>'
        f"{''.join(ticks)}"
        f'<text x="{middle}" y="{_HEIGHT - 10}" text-anchor="middle">content c →</text>'
        f'<text x="14" y="{centre}" text-anchor="middle" transform="rotate(-90 14 {centre})">'
        "domain d →</text>"
    )


def _level(value: float) -> str:
    """The line of equal completeness: d = v c / (2 c - v)."""
    least = value / (2.0 - value)  # where d is 1
    contents = [least + (1.0 - least) * step / 40 for step in range(41)]
    points = [_place(c, value * c / (2.0 * c - value)) for c in contents]
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    middle = min(contents, key=lambda c: abs(c - value))
    x, y = _place(middle, value * middle / (2.0 * middle - value))
    return (
        f'<polyline class="level" points="{path}"/>'
        f'<text class="level-name" x="{x - 4:.1f}" y="{y + 11:.1f}" text-anchor="end">'
        f"{value:g}</text>"
    )


def _labels(names: Sequence[str], dots: Sequence[tuple[float, float]]) -> str:
    """Names beside their dots, where they cover neither dots nor each other."""
    taken: list[Box] = [(x - 7, y - 7, x + 7, y + 7) for x, y in dots]
    texts = []
    for index, (name, (x, y)) in enumerate(zip(names, dots, strict=True)):
        width = _LETTER * len(name)
        others = [box for place, box in enumerate(taken) if place != index]
        options = [_option(x, y, width, radius, turn) for radius in range(9) for turn in range(8)]
        free = [each for each in options if not _overlaps(each, others) and _is_inside(each)]
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


def _is_inside(box: Box) -> bool:
    return box[0] >= _LEFT - 4 and box[2] <= _WIDTH and box[1] >= 0 and box[3] <= _TOP + _SIDE + 4
