"""Open Peeps: drawn heads, any number of them, of known glasses and beards or skin tones.

People of train and validation are drawn once, with attributes by chance. Those of test are
drawn in all ways, with nothing else changed: the exact truth of an edited attribute.

Open Peeps is by Pablo Stanley, CC0 1.0, drawn by DiceBear (MIT).
"""

import colorsys
import itertools
import json
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from importlib.resources import files as resources
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageColor, ImageOps

from tf_translate.data.fetch.options import Progress, Wanted
from tf_translate.data.fetch.svg_rendering import NEEDED, draw_svg, write_table
from tf_translate.errors import DataError

ATTRIBUTES = ("glasses", "beard")
COLUMNS = ("image", "split", "person", *ATTRIBUTES)
TONES = ("#ffdbb4", "#edb98a", "#d08b5b", "#ae5d29", "#694d3d")  # all of the style, light to dark
_LARGER = 6  # the whole avatar is drawn at 6 times the side of the cropped head
_CROP = (0.12, 0.0, 0.95, 0.83)  # left, top, right, bottom of the head, shares of the avatar
_SEED = 40
# A snapshot is taken from elsewhere: most share of the head's side it is moved, shares of its size,
# degrees of its tilt, and hue, saturation and value of what is behind it.
_MOVED, _SIZES, _TILT = 0.07, (0.9, 1.15), 9.0
_BEHIND = ((0.0, 1.0), (0.05, 0.55), (0.55, 1.0))
# Left out: hats and veils hide hair and ears, two expressions have one eye or three.
_EXPRESSIONS_OUT = {"cyclops", "monster"}
_HEADS_OUT = {"bear", "hatBeanie", "hatHip", "hijab", "turban"}
_GLASSES = ["glasses", "glasses2", "glasses3", "glasses4", "glasses5"]
_WAYS = list(itertools.product((0, 1), repeat=len(ATTRIBUTES)))
_SHARE = 25  # of 100 people of known tones wear glasses, and as many a beard

Wears = tuple[int, ...]  # glasses and beard, or the place of the tone


def lay_out_avatars(
    files: Sequence[Path], folder: Path, wanted: Wanted, progress: Progress
) -> Path:
    """Heads as PNG, and a table with person, glasses and beard.

    Args:
        files: None are needed.
        folder: Where to write.
        wanted: `size` of the images, `number` of people to learn from; a twentieth as many
            more, at least 4, are of validation, and as many of test.
        progress: Called after every image.
    """
    return _lay_out(folder / "dicebear.csv", COLUMNS, _WAYS, draw_head, wanted, progress)


def lay_out_tones(files: Sequence[Path], folder: Path, wanted: Wanted, progress: Progress) -> Path:
    """Heads as PNG, and a table with person and tone, 0 (light) to 4; otherwise as the avatars."""
    ways = [(tone,) for tone in range(len(TONES))]
    columns = ("image", "split", "person", "tone")
    return _lay_out(folder / "dicebear-tones.csv", columns, ways, draw_tone, wanted, progress)


def lay_out_snapshots(
    files: Sequence[Path], folder: Path, wanted: Wanted, progress: Progress
) -> Path:
    """As `lay_out_tones`, but each image is another snapshot (see `draw_snapshot`)."""
    ways = [(tone,) for tone in range(len(TONES))]
    columns = ("image", "split", "person", "tone")
    table = folder / "dicebear-snapshots.csv"
    return _lay_out(table, columns, ways, draw_snapshot, wanted, progress)


def _lay_out(
    table: Path,
    columns: Sequence[str],
    ways: Sequence[Wears],
    draw: Callable,
    wanted: Wanted,
    progress: Progress,
) -> Path:
    number = int(wanted.number or 0)
    others = max(4, number // 20)
    style, rows, total = open_peeps(), [], number + others * (1 + len(ways))
    sizes = {"train": number, "validation": others, "test": others}
    for split, person, way in people(sizes, ways):
        name = f"{person}-{''.join(map(str, way))}.png"
        draw(style, person, way, side=int(wanted.size or 0)).save(table.parent / name)
        rows.append((name, split, person, *way))
        progress(len(rows), total)
    return write_table(table, columns, rows)


def people(
    sizes: Mapping[str, int], ways: Sequence[Wears] = _WAYS
) -> Iterator[tuple[str, str, Wears]]:
    """Split, person and how it is drawn, image by image; the first are always the same.

    Args:
        sizes: People of train, validation and test, in this order.
        ways: In which people can be drawn; those of test are in all of them.
    """
    for number, (split, count) in enumerate(sizes.items()):
        random = np.random.default_rng([_SEED, number])
        for index in range(count):
            shown = ways if split == "test" else [ways[int(random.integers(len(ways)))]]
            for way in shown:
                yield split, f"{split}-{index:05d}", way


def open_peeps() -> Any:
    """The style that heads are drawn in.

    Raises:
        DataError: If the packages that draw are not installed.
    """
    try:
        from dicebear import Style

        text = resources("dicebear_styles").joinpath("open-peeps.json").read_text("utf-8")
    except ImportError as error:
        raise DataError(NEEDED) from error
    return Style(json.loads(text))


def draw_head(style: Any, person: str, wears: Wears, *, side: int) -> Image.Image:
    """The head of a person who wears glasses and beard or not.

    Args:
        style: As `open_peeps` gives it.
        person: Decides everything but glasses and beard; of one name one drawing.
        wears: Glasses and beard, each 0 or 1.
        side: Width and height in pixels.
    """
    glasses, beard = wears
    return _head(style, person, side, glasses=100 * glasses, beard=100 * beard)


def draw_tone(style: Any, person: str, way: Wears, *, side: int) -> Image.Image:
    """The head of a person in the tone whose place among `TONES` is given; as `draw_head`."""
    skin = {"skinColor": [TONES[way[0]]]}
    return _head(style, person, side, glasses=_SHARE, beard=_SHARE, **skin)


def draw_snapshot(style: Any, person: str, way: Wears, *, side: int) -> Image.Image:
    """As `draw_tone`, but seen from elsewhere and before some colour, as photographs are.

    Place, size, tilt and background follow from person and tone.
    """
    random = np.random.default_rng([_SEED, zlib.crc32(person.encode()), *way])
    red, green, blue = colorsys.hsv_to_rgb(*(random.uniform(*bounds) for bounds in _BEHIND))
    behind = "#" + "".join(f"{round(255 * part):02x}" for part in (red, green, blue))
    options = {"skinColor": [TONES[way[0]]], "backgroundColor": [behind]}
    whole = _whole(style, person, side, glasses=_SHARE, beard=_SHARE, **options)
    left, top, right, bottom = _CROP
    across = (right - left) / random.uniform(*_SIZES)  # of the avatar, which a snapshot shows
    moved = random.uniform(-_MOVED, _MOVED, 2) * across
    middle = (np.array([left + right, top + bottom]) / 2 + moved) * whole.width
    border = whole.width // 2
    colour = ImageColor.getrgb(behind)
    padded = ImageOps.expand(whole, border, fill=colour)
    middle, reach = middle + border, across * whole.width / 2
    tilted = padded.rotate(
        random.uniform(-_TILT, _TILT),
        Image.Resampling.BICUBIC,
        center=tuple(middle),
        fillcolor=colour,
    )
    box = (*(middle - reach), *(middle + reach))
    return tilted.resize((side, side), Image.Resampling.BOX, box=box)


def _head(
    style: Any, person: str, side: int, *, glasses: int, beard: int, **others: list[str]
) -> Image.Image:
    """A head over white, always at the same place."""
    white = {"backgroundColor": ["#ffffff"]}
    whole = _whole(style, person, side, glasses=glasses, beard=beard, **white, **others)
    left, top, right, bottom = (share * whole.width for share in _CROP)
    box = (left, top, right, bottom)
    return whole.resize((side, side), Image.Resampling.BOX, box=box)


def _whole(
    style: Any, person: str, side: int, *, glasses: int, beard: int, **others: list[str]
) -> Image.Image:
    """An avatar, with glasses and a beard by chances of 100."""
    from dicebear import Avatar

    options = {
        "seed": f"tf_translate {_SEED} {person}",
        "size": _LARGER * side,
        "expressionVariant": _without(style, "expression", _EXPRESSIONS_OUT),
        "headVariant": _without(style, "head", _HEADS_OUT),
        "accessoriesVariant": _GLASSES,
        "accessoriesProbability": glasses,
        "facialHairProbability": beard,
        "maskProbability": 0,
        **others,
    }
    return draw_svg(Avatar(style, options).to_string())


def _without(style: Any, part: str, left_out: set[str]) -> list[str]:
    return [name for name in style.components()[part].variants() if name not in left_out]
