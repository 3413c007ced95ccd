"""Renders people of Noto Emoji in six skin tones each, with a table of person and tone.

Downloads the pinned and hash-checked package of `emoji.py`, renders at 256 pixels on white and
reduces to 64. A second run gives the same bytes (tested with Pillow 13.0, resvg-py 0.5).

Rules of the table:
* Tone 0 is the emoji without a tone, yellow. 1 to 5 are the Fitzpatrick tones, light to dark.
* Body parts, groups, nursing people, and people partly outside the image are excluded.
* Every tone must change a fraction of the pixels, and no tone may change the outline. So the
  six images of a person differ only in the colours of skin, hair and brows.
* Genders of a base and people who look nearly alike are one family, in one split.
"""

import csv
import json
import shutil
import tarfile
from collections import Counter, defaultdict
from pathlib import Path

import numpy as np
from PIL import Image

from scripts.datasets.emoji import (
    RenderedEmoji,
    hold_out,
    join_families,
    make_parser,
    order_by_hash,
    rendered,
)
from tf_translate.data.fetch.emoji import PACKAGES, Emoji, make_svg, strip_variation
from tf_translate.packages import obtain

TONES = ("1f3fb", "1f3fc", "1f3fd", "1f3fe", "1f3ff")  # levels 1 to 5
SIZES = {"train": 96, "validation": 12, "test": 20}
LEAST_CHANGED = 0.15  # fraction of pixels that the next tone changes by more than 8 of 255
MOST_OUTLINE = 0.001  # mean absolute difference of the alpha cover, in [0, 1]


def _code_range(first: int, last: int) -> set[int]:
    return set(range(first, last + 1))


BODY_PARTS = {0x261D, 0x1F485, 0x1F4AA, 0x1F590, 0x1F595, 0x1F596, 0x1F64C, 0x1F64F}
BODY_PARTS |= {0x1F932, 0x1F933, 0x1F9B5, 0x1F9B6, 0x1F9BB} | _code_range(0x270A, 0x270D)
BODY_PARTS |= _code_range(0x1F442, 0x1F443) | _code_range(0x1F446, 0x1F450)
BODY_PARTS |= _code_range(0x1F90C, 0x1F91F) | _code_range(0x1FAF0, 0x1FAFA)
GROUPS = {0x2764, 0x1F46F, 0x1F48F, 0x1F491, 0x1F93C, 0x1F37C, 0x1F931} | _code_range(
    0x1F46B, 0x1F46D
)
# Partly outside the image (deaf), in front of a window, under water.
OTHERS = {0x1F9CF, 0x1F9D6, 0x1F3CA, 0x1F93D}
EXCLUDED = BODY_PARTS | GROUPS | OTHERS


def main() -> None:
    """Downloads the package, renders people, makes the table and writes both."""
    arguments = make_parser(__doc__).parse_args()
    names, people = render_people(obtain(PACKAGES["noto"]))
    write(arguments.out, assign_splits(people), names, people)


def render_people(archive: Path) -> tuple[dict[str, str], dict[str, list[RenderedEmoji]]]:
    """Renders each person in all tones; returns names and images by code point."""
    with tarfile.open(archive) as opened:
        icons = json.load(opened.extractfile("package/icons.json"))  # type: ignore[arg-type]
        codes = json.load(opened.extractfile("package/chars.json"))  # type: ignore[arg-type]
    names = {strip_variation(code): name for code, name in codes.items()}
    people = {}
    for code, levels in sorted(_list_levels(names).items()):
        drawings = {name: make_svg(icons["icons"][name], icons) for name in levels}
        drawn = Emoji(drawings)
        images = [rendered(drawn.image(name)) for name in levels]
        if _is_exact(images):
            people[code] = images
    return {code: names[code] for code in people}, people


def _list_levels(names: dict[str, str]) -> dict[str, list[str]]:
    """Lists the six icon names of each person by its code point without tone."""
    names_by_tone: dict[str, dict[str, str]] = defaultdict(dict)
    for code, name in names.items():
        parts = code.split("-")
        tones = [part for part in parts if part in TONES]
        if len(tones) == 1 and not EXCLUDED & {int(part, 16) for part in parts}:
            names_by_tone["-".join(part for part in parts if part not in TONES)][tones[0]] = name
    return {
        code: [names[code], *(of_tone[tone] for tone in TONES)]
        for code, of_tone in names_by_tone.items()
        if code in names and len(of_tone) == len(TONES)
    }


def _is_exact(images: list[RenderedEmoji]) -> bool:
    """Whether the tones change enough pixels of a person and keep its outline."""
    pixels = np.stack([image.pixels for image in images]).astype(int)
    changed = (np.abs(np.diff(pixels, axis=0)).max(-1) > 8).mean((1, 2))
    cover = np.stack([image.cover for image in images]) / 255.0
    outline = np.abs(cover - cover[:1]).mean((1, 2))
    return bool(changed.min() >= LEAST_CHANGED and outline.max() <= MOST_OUTLINE)


def assign_splits(people: dict[str, list[RenderedEmoji]]) -> dict[str, list[str]]:
    """Assigns people to splits; returns sorted code points."""
    order = order_by_hash(people)
    family = join_families({code: images[0] for code, images in people.items()})
    held_out = hold_out(order, family, {"test": SIZES["test"], "validation": SIZES["validation"]})
    splits: dict[str, list[str]] = {split: [] for split in SIZES}
    for code in order:
        splits[held_out.get(family[code], "train")].append(code)
    short = {split: len(found) for split, found in splits.items() if len(found) < SIZES[split]}
    if short:
        raise SystemExit(f"there are too few people in {short}, expected {SIZES}")
    return {split: sorted(found[: SIZES[split]]) for split, found in splits.items()}


def write(
    folder: Path,
    splits: dict[str, list[str]],
    names: dict[str, str],
    people: dict[str, list[RenderedEmoji]],
) -> None:
    """Writes the table and its images; replaces those of an earlier run."""
    shutil.rmtree(folder / "tones", ignore_errors=True)
    (folder / "tones").mkdir(parents=True)
    rows = []
    for split, codes in splits.items():
        for code in codes:
            for tone, image in enumerate(people[code]):
                file = f"tones/{code}-{tone}.webp"
                Image.fromarray(image.pixels).save(
                    folder / file, lossless=True, quality=100, method=6
                )
                rows.append((file, split, names[code], tone))
    with (folder / "tones.csv").open("w", newline="", encoding="utf-8") as opened:
        writer = csv.writer(opened, lineterminator="\n")
        writer.writerows([("image", "split", "person", "tone"), *rows])
    total = sum(path.stat().st_size for path in (folder / "tones").iterdir())
    print(f"tones.csv: {dict(Counter(row[1] for row in rows))}, {total / 1e6:.2f} MB, in {folder}")


if __name__ == "__main__":
    main()
