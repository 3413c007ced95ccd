"""Open Peeps: drawn heads with or without glasses and beard, any number of them.

People of train and validation are drawn once, glasses and beard by chance. Those of test are
drawn in all four ways, with nothing else changed: the exact truth of an edited attribute.

Open Peeps is by Pablo Stanley, CC0 1.0, drawn by DiceBear (MIT).
"""

import itertools
import json
from collections.abc import Iterator, Mapping, Sequence
from importlib.resources import files as resources
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from tf_translate.data.drawings import NEEDED, draw_svg, write_table
from tf_translate.data.wanted import Progress, Wanted
from tf_translate.errors import DataError

ATTRIBUTES = ("glasses", "beard")
COLUMNS = ("image", "split", "person", *ATTRIBUTES)
_LARGER = 6  # the whole avatar is drawn at 6 times the side of the cropped head
_CROP = (0.12, 0.0, 0.95, 0.83)  # left, top, right, bottom of the head, shares of the avatar
_SEED = 40
# Left out: hats and veils hide hair and ears, two expressions have one eye or three.
_EXPRESSIONS_OUT = {"cyclops", "monster"}
_HEADS_OUT = {"bear", "hatBeanie", "hatHip", "hijab", "turban"}
_GLASSES = ["glasses", "glasses2", "glasses3", "glasses4", "glasses5"]
_WAYS = list(itertools.product((0, 1), repeat=len(ATTRIBUTES)))

Wears = tuple[int, ...]


def lay_out_avatars(
    files: Sequence[Path], folder: Path, wanted: Wanted, progress: Progress
) -> Path:
    """Heads as PNG, and a table with person, glasses and beard.

    Args:
        files: None are needed.
        folder: Where to write.
        wanted: `size` of the pictures, `number` of people to learn from; a twentieth as many
            more, at least 4, are of validation, and as many of test.
        progress: Called after every picture.
    """
    number = int(wanted.number or 0)
    others = max(4, number // 20)
    style, rows, total = open_peeps(), [], number + others * (1 + len(_WAYS))
    for split, person, wears in people({"train": number, "validation": others, "test": others}):
        name = f"{person}-{''.join(map(str, wears))}.png"
        draw_head(style, person, wears, side=int(wanted.size or 0)).save(folder / name)
        rows.append((name, split, person, *wears))
        progress(len(rows), total)
    return write_table(folder / "dicebear.csv", COLUMNS, rows)


def people(sizes: Mapping[str, int]) -> Iterator[tuple[str, str, Wears]]:
    """Split, person and what it wears, picture by picture; the first are always the same.

    Args:
        sizes: People of train, validation and test, in this order.
    """
    for number, (split, count) in enumerate(sizes.items()):
        random = np.random.default_rng([_SEED, number])
        for index in range(count):
            shown = _WAYS if split == "test" else [_WAYS[random.integers(len(_WAYS))]]
            for wears in shown:
                yield split, f"{split}-{index:05d}", wears


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
    from dicebear import Avatar

    glasses, beard = wears
    options = {
        "seed": f"tf_translate {_SEED} {person}",
        "size": _LARGER * side,
        "backgroundColor": ["#ffffff"],
        "expressionVariant": _without(style, "expression", _EXPRESSIONS_OUT),
        "headVariant": _without(style, "head", _HEADS_OUT),
        "accessoriesVariant": _GLASSES,
        "accessoriesProbability": 100 * glasses,
        "facialHairProbability": 100 * beard,
        "maskProbability": 0,
    }
    whole = draw_svg(Avatar(style, options).to_string())
    left, top, right, bottom = (share * whole.width for share in _CROP)
    box = (left, top, right, bottom)
    return whole.resize((side, side), Image.Resampling.BOX, box=box)


def _without(style: Any, part: str, left_out: set[str]) -> list[str]:
    return [name for name in style.components()[part].variants() if name not in left_out]
