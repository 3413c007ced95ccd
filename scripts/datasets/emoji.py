"""Renders the emoji samples: the same code points in four styles, and three tables of them.

Downloads four pinned npm packages, checks their sha256, renders every image at 256 pixels on
white, reduces it to 64 pixels and stores it as lossless WebP. A second run gives the same bytes
(tested with Pillow 13.0, resvg-py 0.5).

Rules of the tables:
* Symbols, flags, skin tones and images that are not square are excluded.
* One image represents all genders of a base ("artist" for "man artist" and "woman artist").
* Bases with nearly equal 3D images (clock faces, hair styles, some smileys) are one family. A
  family stays in one split, the same split in every table.
* Pairs whose flat and 3D outlines overlap less than 0.7 (a closed and an open croissant) are
  not used as pairs.
* The other code points are chosen and ordered by a hash: pseudo-random, but fixed.
"""

import argparse
import csv
import hashlib
import shutil
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from tf_translate.data.fetch.emoji import PACKAGES, RENDER_SIDE, readers_of, reduce
from tf_translate.packages import obtain

SIDE = 64
UNGENDERED = {  # man, woman, boy, girl, old man, old woman -> person, child, older person
    "1f468": "1f9d1",
    "1f469": "1f9d1",
    "1f466": "1f9d2",
    "1f467": "1f9d2",
    "1f474": "1f9d3",
    "1f475": "1f9d3",
}
LEAST_OVERLAP = 0.7  # intersection over union of the flat and the 3D outline
NEARLY_EQUAL = 0.04  # mean absolute difference of two 3D images at 32 pixels, in [0, 1]
LARGEST_HELD_OUT = 3  # larger families would fill a held-out split with one motif

Row = tuple[str, str, str]


@dataclass(frozen=True)
class RenderedEmoji:
    """One emoji: uint8 `pixels` (64, 64, 3) on white and the alpha `cover` (64, 64)."""

    pixels: np.ndarray
    cover: np.ndarray


def main() -> None:
    """Downloads packages, renders the emoji, makes the tables and writes both."""
    arguments = make_parser(__doc__).parse_args()
    images = render_all({style: obtain(package) for style, package in PACKAGES.items()})
    tables = make_tables(images)
    write(arguments.out, tables, images)


def make_parser(description: str) -> argparse.ArgumentParser:
    """Returns the parser of all scripts that make samples, with --out."""
    parser = argparse.ArgumentParser(description=description.splitlines()[0])
    default = Path(__file__).resolve().parents[2] / "assets" / "samples"
    parser.add_argument("--out", type=Path, default=default, help="output folder")
    return parser


def render_all(archives: dict[str, Path]) -> dict[str, dict[str, RenderedEmoji]]:
    """Renders each code point that all four styles have and no rule excludes."""
    styles = readers_of(archives)
    codes = set.intersection(*({*each.drawings} for each in styles.values()))
    found: dict[str, dict[str, RenderedEmoji]] = {style: {} for style in styles}
    for code in sorted(codes):
        images = {style: each.image(code) for style, each in styles.items()}
        if all(image.size == (RENDER_SIDE, RENDER_SIDE) for image in images.values()):
            for style, image in images.items():
                found[style][code] = rendered(image)
    return found


def rendered(image: Image.Image) -> RenderedEmoji:
    """An RGBA image on white, and its alpha, both at `SIDE` pixels."""
    cover = image.getchannel("A").resize((SIDE, SIDE), Image.Resampling.BOX)
    return RenderedEmoji(np.asarray(reduce(image, SIDE)), np.asarray(cover))


def make_tables(images: dict[str, dict[str, RenderedEmoji]]) -> dict[str, list[Row]]:
    """Chooses the rows `(split, a, b)` of the three tables; paths are relative to the table."""
    codes = order_by_hash(images["fluent_3d"])
    family = join_families(images["fluent_3d"])
    representatives = _one_per_base(codes)
    pairs = [code for code in representatives if _overlap(images, code) >= LEAST_OVERLAP]
    held_out = hold_out(pairs, family, {"test": 128, "validation": 64})
    splits = {
        "train": [code for code in pairs if family[code] not in held_out][:832],
        "validation": [code for code in pairs if held_out.get(family[code]) == "validation"],
        "test": [code for code in pairs if held_out.get(family[code]) == "test"],
    }
    others = [code for code in representatives if code not in splits["train"]]
    others += [code for code in codes if code not in representatives]
    others = [code for code in others if family[code] not in held_out]
    return {
        "flat_to_3d": _list_pairs("fluent_flat", splits, (832, 64, 128)),
        "line_to_3d": _list_pairs("fluent_line", splits, (384, 32, 96)),
        "3d_to_noto": _list_unpaired(splits, others, family, (512, 32, 128)),
    }


def order_by_hash(codes: Iterable[str]) -> list[str]:
    """Orders code points by their hash: pseudo-random, but fixed."""
    return sorted(codes, key=lambda code: hashlib.sha256(code.encode()).hexdigest())


def base(code: str) -> str:
    """Returns the code point without gender."""
    parts = [UNGENDERED.get(part, part) for part in code.split("-")]
    return "-".join(part for part in parts if part not in {"200d", "2640", "2642"})


def _one_per_base(codes: list[str]) -> list[str]:
    """Chooses one code point of each base: the shortest, without gender if possible."""
    chosen: dict[str, str] = {}
    for code in sorted(codes, key=lambda code: (code != base(code), len(code), code)):
        chosen.setdefault(base(code), code)
    return [code for code in codes if chosen[base(code)] == code]


def join_families(renders: dict[str, RenderedEmoji]) -> dict[str, str]:
    """Joins code points of one base or of nearly equal images: code -> name of its family."""
    codes = sorted(renders)
    parent = {code: code for code in codes}

    def root(code: str) -> str:
        while parent[code] != code:
            code = parent[code]
        return code

    small = np.stack([renders[code].pixels for code in codes]).astype(np.float32) / 255.0
    small = small.reshape(len(codes), SIDE // 2, 2, SIDE // 2, 2, 3).mean((2, 4))
    first_of_base: dict[str, str] = {}
    for index, code in enumerate(codes):
        near = np.flatnonzero(np.abs(small[:index] - small[index]).mean((1, 2, 3)) < NEARLY_EQUAL)
        sibling = first_of_base.setdefault(base(code), code)
        for other in [sibling, *(codes[other] for other in near)]:
            parent[root(other)] = root(code)
    return {code: root(code) for code in codes}


def _overlap(images: dict[str, dict[str, RenderedEmoji]], code: str) -> float:
    flat, render = (images[style][code].cover / 255.0 for style in ("fluent_flat", "fluent_3d"))
    return float(np.minimum(flat, render).sum() / np.maximum(flat, render).sum())


def hold_out(pairs: list[str], family: dict[str, str], sizes: dict[str, int]) -> dict[str, str]:
    """Assigns whole families to the held-out splits until each has exactly its size."""
    members = Counter(family[code] for code in pairs)
    split_of_family: dict[str, str] = {}
    for split, size in sizes.items():
        for code in pairs:
            name = family[code]
            if name not in split_of_family and members[name] <= min(size, LARGEST_HELD_OUT):
                split_of_family[name] = split
                size -= members[name]
        if size:
            raise SystemExit(f"the split {split} is {size} images short")
    return split_of_family


def _file(style: str, code: str) -> str:
    return f"{style}/{code}.webp"


def _list_pairs(style: str, splits: dict[str, list[str]], sizes: tuple[int, int, int]) -> list[Row]:
    return [
        (split, _file(style, code), _file("fluent_3d", code))
        for (split, codes), size in zip(splits.items(), sizes, strict=True)
        for code in sorted(codes[:size])
    ]


def _list_unpaired(
    splits: dict[str, list[str]],
    others: list[str],
    family: dict[str, str],
    sizes: tuple[int, int, int],
) -> list[Row]:
    """The training domains share no family; held-out rows are pairs of one code point."""
    train, validation, test = sizes
    members = defaultdict(list)
    for code in splits["train"]:
        members[family[code]].append(code)
    renders: list[str] = []
    for codes in members.values():
        if len(renders) + len(codes) <= train:
            renders += codes
    used_families = {family[code] for code in renders}
    drawings = [code for code in splits["train"] + others if family[code] not in used_families][
        :train
    ]
    if not len(renders) == len(drawings) == train:
        raise SystemExit(f"{len(renders)} 3D and {len(drawings)} Noto images, expected {train}")
    rows: list[Row] = [("train", _file("fluent_3d", code), "") for code in sorted(renders)]
    rows += [("train", "", _file("noto", code)) for code in sorted(drawings)]
    for split, size in (("validation", validation), ("test", test)):
        for code in sorted(splits[split][:size]):
            rows.append((split, _file("fluent_3d", code), _file("noto", code)))
    return rows


def write(
    folder: Path, tables: dict[str, list[Row]], images: dict[str, dict[str, RenderedEmoji]]
) -> None:
    """Writes the tables and their images; removes images of an earlier run."""
    for style in PACKAGES:
        shutil.rmtree(folder / style, ignore_errors=True)
        (folder / style).mkdir(parents=True)
    files = {file for rows in tables.values() for row in rows for file in row[1:] if file}
    for file in sorted(files):
        style, name = file.split("/")
        image = Image.fromarray(images[style][name.removesuffix(".webp")].pixels)
        image.save(folder / file, lossless=True, quality=100, method=6)
    for name, rows in tables.items():
        with (folder / f"{name}.csv").open("w", newline="", encoding="utf-8") as opened:
            writer = csv.writer(opened, lineterminator="\n")
            writer.writerows([("split", "a", "b"), *rows])
        print(f"{name}.csv: {dict(Counter(row[0] for row in rows))}")
    total = sum((folder / file).stat().st_size for file in files)
    print(f"{len(files)} images, {total / 1e6:.2f} MB, in {folder}")


if __name__ == "__main__":
    main()
