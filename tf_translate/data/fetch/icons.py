"""Material Symbols: icons in seven stroke weights, an ordered level with exact counterfactuals."""

import hashlib
import tarfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from tf_translate.data.fetch.options import Progress, Wanted
from tf_translate.data.fetch.svg_rendering import draw_svg, write_table
from tf_translate.data.layouts.attribute_table import drawn_split

WEIGHTS = (100, 200, 300, 400, 500, 600, 700)
STYLES = ("outlined", "rounded", "sharp")


def lay_out_icons(files: Sequence[Path], folder: Path, wanted: Wanted, progress: Progress) -> Path:
    """Icons black on white as PNG, and a table with icon and weight.

    Icons whose names begin with one word (`alarm`, `alarm_off`, `alarm_on`) are one family, and a
    family lies in one split. Of icons that are drawn alike one is taken; which are taken if not
    all is decided by a hash of the name.

    Args:
        files: The packages of the seven weights, in order.
        folder: Where to write.
        wanted: `size` of the images, `number` of icons at most, `style`.
        progress: Called after every image.
    """
    style, number = str(wanted.style), int(wanted.number or 0)
    by_weight = [read_icons(path, style) for path in files]
    icons = chosen_icons(by_weight, number)
    rows, total = [], len(icons) * len(WEIGHTS)
    for icon in icons:
        split = drawn_split(family(icon))
        for weight, drawings in zip(WEIGHTS, by_weight, strict=True):
            name = f"{icon}-{weight}.png"
            draw_svg(drawings[icon], wanted.size).convert("L").save(folder / name)
            rows.append((name, split, icon, weight))
            progress(len(rows), total)
    columns = ("image", "split", "icon", "weight")
    return write_table(folder / "material-symbols.csv", columns, rows)


def read_icons(path: Path, style: str) -> dict[str, str]:
    """The SVG texts of one package and style by name, without the filled ones."""
    start = f"package/{style}/"
    with tarfile.open(path) as opened:
        return {
            member.name.removeprefix(start).removesuffix(".svg"): read.read().decode("utf-8")
            for member in opened
            if member.name.startswith(start)
            and member.name.endswith(".svg")
            and not member.name.endswith("-fill.svg")
            and (read := opened.extractfile(member)) is not None
        }


def chosen_icons(by_weight: Sequence[Mapping[str, str]], number: int) -> list[str]:
    """Names of icons that all weights have and no weight repeats, sorted."""
    names = sorted(set(by_weight[0]).intersection(*by_weight))
    seen: set[tuple[str, ...]] = set()
    kept = []
    for name in names:
        drawn = tuple(drawings[name] for drawings in by_weight)
        if len(set(drawn)) == len(drawn) and drawn not in seen:
            seen.add(drawn)
            kept.append(name)
    kept.sort(key=lambda name: hashlib.sha256(name.encode()).hexdigest())
    return sorted(kept[:number])


def family(icon: str) -> str:
    """The first word of an icon's name."""
    return icon.partition("_")[0]
