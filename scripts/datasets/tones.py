"""Draws the people of Noto Emoji in six skin tones each, with a table of person and tone.

Fetches the pinned and hash-checked package of `make_samples`, draws at 256 pixels over white and
reduces to 64. Running it again gives the same bytes (tried with Pillow 13.0, resvg-py 0.5).

How the table is cut:
* Tone 0 is the emoji without a tone, yellow; 1 to 5 are the Fitzpatrick tones, light to dark.
* Body parts, groups, babies at someone's breast, and people at the picture's side are left out.
* Every tone must change a share of the pixels, and no tone may change the outline: so the
  six pictures of a person differ in the colours of skin, hair and brows, and in nothing else.
* Genders of a base and people who look nearly alike are one family, in one split.
"""

import csv
import json
import shutil
import tarfile
import tempfile
from collections import Counter, defaultdict
from pathlib import Path

import numpy as np
from PIL import Image

from scripts.datasets.samples import (
    DrawnImage,
    arguments_of,
    by_chance,
    draw,
    families,
    fetch,
    hold_out,
    reduce,
    strip,
    svg,
)

TONES = ("1f3fb", "1f3fc", "1f3fd", "1f3fe", "1f3ff")  # levels 1 to 5
SIZES = {"train": 96, "validation": 12, "test": 20}
LEAST_CHANGED = 0.15  # share of pixels that the next tone changes by more than 8 of 255
MOST_OUTLINE = 0.001  # mean difference of the cover, of 1


def _span(first: int, last: int) -> set[int]:
    return set(range(first, last + 1))


BODY_PARTS = {0x261D, 0x1F485, 0x1F4AA, 0x1F590, 0x1F595, 0x1F596, 0x1F64C, 0x1F64F}
BODY_PARTS |= {0x1F932, 0x1F933, 0x1F9B5, 0x1F9B6, 0x1F9BB} | _span(0x270A, 0x270D)
BODY_PARTS |= _span(0x1F442, 0x1F443) | _span(0x1F446, 0x1F450)
BODY_PARTS |= _span(0x1F90C, 0x1F91F) | _span(0x1FAF0, 0x1FAFA)
GROUPS = {0x2764, 0x1F46F, 0x1F48F, 0x1F491, 0x1F93C, 0x1F37C, 0x1F931} | _span(0x1F46B, 0x1F46D)
# Half out of the picture (deaf), in steam before a window, under water.
ODD = {0x1F9CF, 0x1F9D6, 0x1F3CA, 0x1F93D}
LEFT_OUT = BODY_PARTS | GROUPS | ODD


def main() -> None:
    """Fetches, draws, cuts and writes."""
    arguments = arguments_of(__doc__).parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        archive = fetch("noto", arguments.packages or Path(temporary))
        names, people = draw_people(archive)
    write(arguments.out, cut(people), names, people)


def draw_people(archive: Path) -> tuple[dict[str, str], dict[str, list[DrawnImage]]]:
    """The name of each person by code point, and its pictures in all tones."""
    with tarfile.open(archive) as opened:
        icons = json.load(opened.extractfile("package/icons.json"))  # type: ignore[arg-type]
        codes = json.load(opened.extractfile("package/chars.json"))  # type: ignore[arg-type]
    names = {strip(code): name for code, name in codes.items()}
    people = {}
    for code, levels in sorted(_levels(names).items()):
        pictures = [reduce(draw(svg(icons["icons"][name], icons))) for name in levels]
        if _is_exact(pictures):
            people[code] = pictures
    return {code: names[code] for code in people}, people


def _levels(names: dict[str, str]) -> dict[str, list[str]]:
    """Names of the six icons of each person, by the code point without tone."""
    found: dict[str, dict[str, str]] = defaultdict(dict)
    for code, name in names.items():
        parts = code.split("-")
        tones = [part for part in parts if part in TONES]
        if len(tones) == 1 and not LEFT_OUT & {int(part, 16) for part in parts}:
            found["-".join(part for part in parts if part not in TONES)][tones[0]] = name
    return {
        code: [names[code], *(of_tone[tone] for tone in TONES)]
        for code, of_tone in found.items()
        if code in names and len(of_tone) == len(TONES)
    }


def _is_exact(pictures: list[DrawnImage]) -> bool:
    """Whether tones change enough of a person, and nothing of its outline."""
    pixels = np.stack([picture.pixels for picture in pictures]).astype(int)
    changed = (np.abs(np.diff(pixels, axis=0)).max(-1) > 8).mean((1, 2))
    cover = np.stack([picture.cover for picture in pictures]) / 255.0
    outline = np.abs(cover - cover[:1]).mean((1, 2))
    return bool(changed.min() >= LEAST_CHANGED and outline.max() <= MOST_OUTLINE)


def cut(people: dict[str, list[DrawnImage]]) -> dict[str, list[str]]:
    """Code points of the people of each split, sorted."""
    order = by_chance(people)
    family = families({code: pictures[0] for code, pictures in people.items()})
    held = hold_out(order, family, {"test": SIZES["test"], "validation": SIZES["validation"]})
    splits: dict[str, list[str]] = {split: [] for split in SIZES}
    for code in order:
        splits[held.get(family[code], "train")].append(code)
    short = {split: len(found) for split, found in splits.items() if len(found) < SIZES[split]}
    if short:
        raise SystemExit(f"there are too few people in {short}, needed {SIZES}")
    return {split: sorted(found[: SIZES[split]]) for split, found in splits.items()}


def write(
    folder: Path,
    splits: dict[str, list[str]],
    names: dict[str, str],
    people: dict[str, list[DrawnImage]],
) -> None:
    """Writes the table and its pictures in place of those of an earlier run."""
    shutil.rmtree(folder / "tones", ignore_errors=True)
    (folder / "tones").mkdir(parents=True)
    rows = []
    for split, codes in splits.items():
        for code in codes:
            for tone, picture in enumerate(people[code]):
                file = f"tones/{code}-{tone}.webp"
                Image.fromarray(picture.pixels).save(
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
