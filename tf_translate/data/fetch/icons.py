"""Material Symbols: icons in seven stroke weights, ordered levels with exact counterfactuals."""

import hashlib
import tarfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from tf_translate.data.fetch.fetch_options import FetchOptions, Progress
from tf_translate.data.fetch.svg_rendering import render_svg, write_table
from tf_translate.data.layouts.attribute_table import split_by_hash

WEIGHTS = (100, 200, 300, 400, 500, 600, 700)
STYLES = ("outlined", "rounded", "sharp")


def write_icons(
    files: Sequence[Path], folder: Path, options: FetchOptions, progress: Progress
) -> Path:
    """Writes icons black on white as PNG, and a table with icon and weight.

    Icons whose names share the first word (`alarm`, `alarm_off`, `alarm_on`) are one family, and
    a family stays in one split. Of identical icons one is used. If `number` limits the icons, a
    hash of the name chooses them.

    Args:
        files: The package files of the seven weights, in order.
        folder: Output folder.
        options: `size` of the images, maximum `number` of icons, `style`.
        progress: Called after every image.
    """
    style, number = str(options.style), int(options.number or 0)
    by_weight = [read_icons(path, style) for path in files]
    icons = choose_icons(by_weight, number)
    rows, total = [], len(icons) * len(WEIGHTS)
    for icon in icons:
        split = split_by_hash(family_name(icon))
        for weight, drawings in zip(WEIGHTS, by_weight, strict=True):
            name = f"{icon}-{weight}.png"
            render_svg(drawings[icon], options.size).convert("L").save(folder / name)
            rows.append((name, split, icon, weight))
            progress(len(rows), total)
    columns = ("image", "split", "icon", "weight")
    return write_table(folder / "material-symbols.csv", columns, rows)


def read_icons(path: Path, style: str) -> dict[str, str]:
    """Reads the SVG texts of one package and style by name, without filled icons."""
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


def choose_icons(by_weight: Sequence[Mapping[str, str]], number: int) -> list[str]:
    """Chooses icons that differ in all weights and from each other; sorted names."""
    names = sorted(set(by_weight[0]).intersection(*by_weight))
    used: set[tuple[str, ...]] = set()
    chosen = []
    for name in names:
        svgs = tuple(drawings[name] for drawings in by_weight)
        if len(set(svgs)) == len(svgs) and svgs not in used:
            used.add(svgs)
            chosen.append(name)
    chosen.sort(key=lambda name: hashlib.sha256(name.encode()).hexdigest())
    return sorted(chosen[:number])


def family_name(icon: str) -> str:
    """Returns the first word of an icon's name."""
    return icon.partition("_")[0]
