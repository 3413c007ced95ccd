"""Open Peeps: any number of cartoon heads with known glasses and beards, or skin tones.

Each person of train and validation is rendered once, with random attributes. Each person of test
is rendered with every combination of attributes and nothing else changed. These images are exact
counterfactuals. The data set of glasses also has pairs of training people: see `avatar_tables.py`.

Open Peeps is by Pablo Stanley, CC0 1.0, rendered by DiceBear (MIT).
"""

import colorsys
import itertools
import json
import zlib
from collections.abc import Iterator, Mapping, Sequence
from importlib.resources import files as resources
from typing import Any

import numpy as np
from PIL import Image, ImageColor, ImageOps

from tf_translate.data.fetch.svg_rendering import MISSING_PACKAGES, render_svg
from tf_translate.errors import DataError

ATTRIBUTES = ("glasses", "beard")
# All tones of the style, light to dark.
TONES = ("#ffdbb4", "#edb98a", "#d08b5b", "#ae5d29", "#694d3d")
_SUPERSAMPLING = 6  # the avatar is rendered at 6 times the side of the cropped head
_CROP = (0.12, 0.0, 0.95, 0.83)  # left, top, right, bottom of the head, as fractions of the avatar
_SEED = 40
# Random changes of a snapshot: largest shift as a fraction of the side of the head, range of the
# scale, largest tilt in degrees, and ranges of hue, saturation and value of the background.
_SHIFT, _SCALES, _TILT = 0.07, (0.9, 1.15), 9.0
_BACKGROUND_HSV = ((0.0, 1.0), (0.05, 0.55), (0.55, 1.0))
# Excluded: hats and veils hide hair and ears; two expressions have one or three eyes.
_EXCLUDED_EXPRESSIONS = {"cyclops", "monster"}
_EXCLUDED_HEADS = {"bear", "hatBeanie", "hatHip", "hijab", "turban"}
GLASSES = ["glasses", "glasses2", "glasses3", "glasses4", "glasses5"]
COMBINATIONS = list(itertools.product((0, 1), repeat=len(ATTRIBUTES)))
_PERCENT = 25  # of people with known tones have glasses, and as many a beard

Values = tuple[int, ...]  # of the attributes: glasses and beard, or the index of the tone


def list_glasses_people(sizes: Mapping[str, int]) -> Iterator[tuple[str, str, int, int]]:
    """Yields split, person, beard and the glasses shown to methods without pairs.

    A larger number of people starts with the same people. Arguments as in `list_people`.
    """
    for split_index, (split, count) in enumerate(sizes.items()):
        random = np.random.default_rng([_SEED, split_index])
        for index in range(count):
            beard, glasses = (int(random.integers(2)) for _ in range(2))
            yield split, f"{split}-{index:05d}", beard, glasses


def hair_of(style: Any, person: str) -> str:
    """The name of a person's hair, a class with about 40 values."""
    from dicebear import Avatar

    options = _options(style, person, side=1, glasses=0, beard=0)
    return str(Avatar(style, options).to_json()["options"]["headVariant"])


def list_people(
    sizes: Mapping[str, int], combinations: Sequence[Values] = COMBINATIONS
) -> Iterator[tuple[str, str, Values]]:
    """Yields split, person and attribute values of each image.

    A larger number of people starts with the same people.

    Args:
        sizes: Numbers of people of train, validation and test, in this order.
        combinations: Combinations of attribute values; people of test have all of them.
    """
    for split_index, (split, count) in enumerate(sizes.items()):
        random = np.random.default_rng([_SEED, split_index])
        for index in range(count):
            if split == "test":
                chosen = combinations
            else:
                chosen = [combinations[int(random.integers(len(combinations)))]]
            for values in chosen:
                yield split, f"{split}-{index:05d}", values


def load_open_peeps() -> Any:
    """Loads the DiceBear style of the heads.

    Raises:
        DataError: If the rendering packages are not installed.
    """
    try:
        from dicebear import Style

        text = resources("dicebear_styles").joinpath("open-peeps.json").read_text("utf-8")
    except ImportError as error:
        raise DataError(MISSING_PACKAGES) from error
    return Style(json.loads(text))


def draw_head(
    style: Any, person: str, values: Values, *, side: int, kind: str | None = None
) -> Image.Image:
    """Renders the head of a person with or without glasses and beard.

    Args:
        style: The style from `load_open_peeps`.
        person: Name that seeds everything except glasses and beard.
        values: Glasses and beard, each 0 or 1.
        side: Width and height in pixels.
        kind: Kind of the glasses, one of `GLASSES`; None: the person seeds it.
    """
    glasses, beard = values
    of_kind = {} if kind is None else {"accessoriesVariant": [kind]}
    return _draw_cropped_head(
        style, person, side, glasses=100 * glasses, beard=100 * beard, **of_kind
    )


def draw_tone(style: Any, person: str, values: Values, *, side: int) -> Image.Image:
    """Renders the head of a person in a skin tone; `values` holds its index in `TONES`."""
    skin = {"skinColor": [TONES[values[0]]]}
    return _draw_cropped_head(style, person, side, glasses=_PERCENT, beard=_PERCENT, **skin)


def draw_snapshot(style: Any, person: str, values: Values, *, side: int) -> Image.Image:
    """As `draw_tone`, but with random position, size, tilt and background, as in photographs.

    Person and tone seed the random choices.
    """
    random = np.random.default_rng([_SEED, zlib.crc32(person.encode()), *values])
    red, green, blue = colorsys.hsv_to_rgb(*(random.uniform(*bounds) for bounds in _BACKGROUND_HSV))
    background = "#" + "".join(f"{round(255 * part):02x}" for part in (red, green, blue))
    options = {"skinColor": [TONES[values[0]]], "backgroundColor": [background]}
    avatar = _draw_avatar(style, person, side, glasses=_PERCENT, beard=_PERCENT, **options)
    left, top, right, bottom = _CROP
    width = (right - left) / random.uniform(*_SCALES)  # visible fraction of the avatar
    shift = random.uniform(-_SHIFT, _SHIFT, 2) * width
    middle = (np.array([left + right, top + bottom]) / 2 + shift) * avatar.width
    border = avatar.width // 2
    colour = ImageColor.getrgb(background)
    padded = ImageOps.expand(avatar, border, fill=colour)
    middle, reach = middle + border, width * avatar.width / 2
    tilted = padded.rotate(
        random.uniform(-_TILT, _TILT),
        Image.Resampling.BICUBIC,
        center=tuple(middle),
        fillcolor=colour,
    )
    box = (*(middle - reach), *(middle + reach))
    return tilted.resize((side, side), Image.Resampling.BOX, box=box)


def _draw_cropped_head(
    style: Any, person: str, side: int, *, glasses: int, beard: int, **others: list[str]
) -> Image.Image:
    """Renders a head on white, always at the same position."""
    white = {"backgroundColor": ["#ffffff"]}
    avatar = _draw_avatar(style, person, side, glasses=glasses, beard=beard, **white, **others)
    left, top, right, bottom = (fraction * avatar.width for fraction in _CROP)
    box = (left, top, right, bottom)
    return avatar.resize((side, side), Image.Resampling.BOX, box=box)


def _draw_avatar(
    style: Any, person: str, side: int, *, glasses: int, beard: int, **others: list[str]
) -> Image.Image:
    """Renders an avatar; `glasses` and `beard` are probabilities in percent."""
    from dicebear import Avatar

    options = _options(style, person, side, glasses=glasses, beard=beard)
    return render_svg(Avatar(style, {**options, **others}).to_string())


def _options(style: Any, person: str, side: int, *, glasses: int, beard: int) -> dict[str, Any]:
    return {
        "seed": f"tf_translate {_SEED} {person}",
        "size": _SUPERSAMPLING * side,
        "expressionVariant": _other_variants(style, "expression", _EXCLUDED_EXPRESSIONS),
        "headVariant": _other_variants(style, "head", _EXCLUDED_HEADS),
        "accessoriesVariant": GLASSES,
        "accessoriesProbability": glasses,
        "facialHairProbability": beard,
        "maskProbability": 0,
    }


def _other_variants(style: Any, part: str, excluded: set[str]) -> list[str]:
    return [name for name in style.components()[part].variants() if name not in excluded]
