"""Draws the shipped samples: emoji of one code point in four styles, and three tables of them.

Fetches four pinned npm packages, checks their sha256, draws every picture at 256 pixels over
white, halves it twice and stores it as 64-pixel lossless WebP. Running it again gives the same
bytes (tried with Pillow 13.0, resvg-py 0.5).

How the tables are cut:
* Symbols, flags and skin tones are left out, and pictures that are not square.
* One picture stands for all genders of a base ("artist" for "man artist" and "woman artist").
* Bases whose 3D pictures are nearly equal (clock faces, hair styles, some smileys) are one
  family, and a family lies in one split, the same split in every table.
* Pairs whose flat and 3D outlines overlap less than 0.7 (a closed and an open croissant) are
  not used as pairs.
* What is left is chosen and ordered by a hash of the code point, so by chance but fixed.
"""

import argparse
import csv
import hashlib
import io
import json
import shutil
import subprocess
import tarfile
import tempfile
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import resvg_py
from PIL import Image

SIDE = 64
DRAWN = 4 * SIDE
PACKAGES = {  # style: (package, version, sha256 of the packed file)
    "fluent_flat": (
        "@iconify-json/fluent-emoji-flat",
        "1.2.6",
        "7d064769dee690815f823bc5bcc511d957198caf9f5edd8dd9c1aa48a6aeb175",
    ),
    "fluent_line": (
        "@iconify-json/fluent-emoji-high-contrast",
        "1.2.6",
        "0b92d48c90d2200bd499e3cdd09a127ca6a8c8ddefd34c35eb5a1e4994012ae0",
    ),
    "noto": (
        "@iconify-json/noto",
        "1.2.9",
        "3e918d88fc945c0bb3d468dbace6f88caef67f01c9f0e7bcae0915a042e8f1ad",
    ),
    "fluent_3d": (
        "@lobehub/fluent-emoji-3d",
        "1.1.0",
        "c1bb7eee7de090205a232518a9ab4adb3df458bfbe8a1f78232991194c8b2e58",
    ),
}
TONES = {"1f3fb", "1f3fc", "1f3fd", "1f3fe", "1f3ff"}
UNGENDERED = {  # man, woman, boy, girl, old man, old woman -> person, child, older person
    "1f468": "1f9d1",
    "1f469": "1f9d1",
    "1f466": "1f9d2",
    "1f467": "1f9d2",
    "1f474": "1f9d3",
    "1f475": "1f9d3",
}
LEAST_OVERLAP = 0.7  # intersection over union of the flat and the 3D outline
NEARLY_EQUAL = 0.04  # mean difference of two 3D pictures halved to 32 pixels, of 1
LARGEST_HELD_OUT = 3  # larger families would fill a held-out split with one motif

Row = tuple[str, str, str]


@dataclass(frozen=True)
class DrawnImage:
    """One drawn emoji: `pixels` (64, 64, 3) over white and `cover` (64, 64), both uint8."""

    pixels: np.ndarray
    cover: np.ndarray


def main() -> None:
    """Fetches, draws, cuts and writes."""
    arguments = arguments_of(__doc__).parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        packages = arguments.packages or Path(temporary)
        archives = {style: fetch(style, packages) for style in PACKAGES}
        pictures = draw_all(archives)
    tables = cut(pictures)
    write(arguments.out, tables, pictures)


def arguments_of(meaning: str) -> argparse.ArgumentParser:
    """What every script that makes samples takes: where to write, and where packages are kept."""
    parser = argparse.ArgumentParser(description=meaning.splitlines()[0])
    default = Path(__file__).resolve().parents[2] / "assets" / "samples"
    parser.add_argument("--out", type=Path, default=default, help="folder to write")
    parser.add_argument("--packages", type=Path, help="folder that keeps the fetched packages")
    return parser


def fetch(style: str, folder: Path) -> Path:
    """Returns the packed package of a style, fetched if need be, after checking its sha256."""
    package, version, expected = PACKAGES[style]
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{package.strip('@').replace('/', '-')}-{version}.tgz"
    if not path.exists():
        command = ["npm", "pack", "--silent", f"{package}@{version}"]
        subprocess.run(command, cwd=folder, check=True, stdout=subprocess.DEVNULL)
    found = hashlib.sha256(path.read_bytes()).hexdigest()
    if found != expected:
        raise SystemExit(f"{path} has sha256 {found}, expected {expected}: delete it and try again")
    return path


def draw_all(archives: dict[str, Path]) -> dict[str, dict[str, DrawnImage]]:
    """Draws, in every style, each code point that all four styles have and that we want."""
    renders = _renders(archives["fluent_3d"])
    icons = {style: _icons(archives[style]) for style in PACKAGES if style != "fluent_3d"}
    wanted = set(renders).intersection(*icons.values())
    drawn: dict[str, dict[str, DrawnImage]] = {style: {} for style in PACKAGES}
    for code in sorted(wanted):
        images = {style: draw(icons[style][code]) for style in icons}
        images["fluent_3d"] = Image.open(io.BytesIO(renders[code])).convert("RGBA")
        if all(image.size == (DRAWN, DRAWN) for image in images.values()):
            for style, image in images.items():
                drawn[style][code] = reduce(image)
    return drawn


def _renders(archive: Path) -> dict[str, bytes]:
    """The 3D pictures by code point without variation selectors and skin tones."""
    with tarfile.open(archive) as opened:
        files = {Path(member.name): member for member in opened if member.isfile()}
        return {
            strip(path.stem): opened.extractfile(member).read()  # type: ignore[union-attr]
            for path, member in files.items()
            if path.suffix == ".webp" and not TONES & set(path.stem.split("-"))
        }


def _icons(archive: Path) -> dict[str, str]:
    """The SVG texts of an icon set by code point; symbols, flags and skin tones left out."""
    with tarfile.open(archive) as opened:

        def part(name: str) -> dict:
            return json.load(opened.extractfile(f"package/{name}.json"))  # type: ignore[arg-type]

        icons, characters = part("icons"), part("chars")
        categories = part("metadata")["categories"]
    unwanted = {*categories["Symbols"], *categories["Flags"]}
    known = {name for names in categories.values() for name in names} - unwanted
    return {
        strip(code): svg(icons["icons"][name], icons)
        for code, name in characters.items()
        if name in known and not TONES & set(code.split("-"))
    }


def svg(icon: dict, defaults: dict) -> str:
    width = icon.get("width", defaults["width"])
    height = icon.get("height", defaults["height"])
    box = f"{icon.get('left', 0)} {icon.get('top', 0)} {width} {height}"
    spaces = 'xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink"'
    body = icon["body"].replace("currentColor", "#000")
    return f'<svg {spaces} width="{width}" height="{height}" viewBox="{box}">{body}</svg>'


def strip(code: str) -> str:
    """Without `fe0f`: the packages disagree about when to write it."""
    return "-".join(part for part in code.split("-") if part != "fe0f")


def draw(text: str) -> Image.Image:
    drawn = resvg_py.svg_to_bytes(
        svg_string=text, width=DRAWN, height=DRAWN, skip_system_fonts=True
    )
    return Image.open(io.BytesIO(bytes(drawn))).convert("RGBA")


def reduce(image: Image.Image) -> DrawnImage:
    """Lays a picture over white at full size, then reduces: no dark or bright alpha edges."""
    paper = Image.new("RGBA", image.size, "white")
    paper.alpha_composite(image)
    # Hamming: as sharp as bicubic reduction but without bright rings along outlines.
    pixels = paper.convert("RGB").resize((SIDE, SIDE), Image.Resampling.HAMMING)
    cover = image.getchannel("A").resize((SIDE, SIDE), Image.Resampling.BOX)
    return DrawnImage(np.asarray(pixels), np.asarray(cover))


def cut(pictures: dict[str, dict[str, DrawnImage]]) -> dict[str, list[Row]]:
    """Chooses the rows `(split, a, b)` of the three tables; paths are relative to the tables."""
    codes = by_chance(pictures["fluent_3d"])
    family = families(pictures["fluent_3d"])
    standing = _one_per_base(codes)
    pairs = [code for code in standing if _overlap(pictures, code) >= LEAST_OVERLAP]
    held = hold_out(pairs, family, {"test": 128, "validation": 64})
    splits = {
        "train": [code for code in pairs if family[code] not in held][:832],
        "validation": [code for code in pairs if held.get(family[code]) == "validation"],
        "test": [code for code in pairs if held.get(family[code]) == "test"],
    }
    others = [code for code in standing if code not in splits["train"]]
    others += [code for code in codes if code not in standing]
    others = [code for code in others if family[code] not in held]
    return {
        "flat_to_3d": _paired("fluent_flat", splits, (832, 64, 128)),
        "line_to_3d": _paired("fluent_line", splits, (384, 32, 96)),
        "3d_to_noto": _unpaired(splits, others, family, (512, 32, 128)),
    }


def by_chance(codes: Iterable[str]) -> list[str]:
    return sorted(codes, key=lambda code: hashlib.sha256(code.encode()).hexdigest())


def base(code: str) -> str:
    parts = [UNGENDERED.get(part, part) for part in code.split("-")]
    return "-".join(part for part in parts if part not in {"200d", "2640", "2642"})


def _one_per_base(codes: list[str]) -> list[str]:
    """One code of each base, the shortest, which names no gender, if there is a choice."""
    chosen: dict[str, str] = {}
    for code in sorted(codes, key=lambda code: (code != base(code), len(code), code)):
        chosen.setdefault(base(code), code)
    return [code for code in codes if chosen[base(code)] == code]


def families(renders: dict[str, DrawnImage]) -> dict[str, str]:
    """Joins codes of one base and codes of nearly equal pictures; code -> its family's name."""
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


def _overlap(pictures: dict[str, dict[str, DrawnImage]], code: str) -> float:
    flat, render = (pictures[style][code].cover / 255.0 for style in ("fluent_flat", "fluent_3d"))
    return float(np.minimum(flat, render).sum() / np.maximum(flat, render).sum())


def hold_out(pairs: list[str], family: dict[str, str], sizes: dict[str, int]) -> dict[str, str]:
    """Gives whole families to the held-out splits until each has exactly its size."""
    members = Counter(family[code] for code in pairs)
    held: dict[str, str] = {}
    for split, size in sizes.items():
        for code in pairs:
            name = family[code]
            if name not in held and members[name] <= min(size, LARGEST_HELD_OUT):
                held[name] = split
                size -= members[name]
        if size:
            raise SystemExit(f"the split {split} is {size} pictures short")
    return held


def _file(style: str, code: str) -> str:
    return f"{style}/{code}.webp"


def _paired(style: str, splits: dict[str, list[str]], sizes: tuple[int, int, int]) -> list[Row]:
    return [
        (split, _file(style, code), _file("fluent_3d", code))
        for (split, codes), size in zip(splits.items(), sizes, strict=True)
        for code in sorted(codes[:size])
    ]


def _unpaired(
    splits: dict[str, list[str]],
    others: list[str],
    family: dict[str, str],
    sizes: tuple[int, int, int],
) -> list[Row]:
    """Training sides share no family; held-out rows show one code point in both styles."""
    train, validation, test = sizes
    members = defaultdict(list)
    for code in splits["train"]:
        members[family[code]].append(code)
    renders: list[str] = []
    for codes in members.values():
        if len(renders) + len(codes) <= train:
            renders += codes
    taken = {family[code] for code in renders}
    drawings = [code for code in splits["train"] + others if family[code] not in taken][:train]
    if not len(renders) == len(drawings) == train:
        raise SystemExit(f"{len(renders)} 3D and {len(drawings)} Noto pictures, needed {train}")
    rows: list[Row] = [("train", _file("fluent_3d", code), "") for code in sorted(renders)]
    rows += [("train", "", _file("noto", code)) for code in sorted(drawings)]
    for split, size in (("validation", validation), ("test", test)):
        for code in sorted(splits[split][:size]):
            rows.append((split, _file("fluent_3d", code), _file("noto", code)))
    return rows


def write(
    folder: Path, tables: dict[str, list[Row]], pictures: dict[str, dict[str, DrawnImage]]
) -> None:
    """Writes the tables and the pictures they name, and removes pictures of an earlier run."""
    for style in PACKAGES:
        shutil.rmtree(folder / style, ignore_errors=True)
        (folder / style).mkdir(parents=True)
    files = {file for rows in tables.values() for row in rows for file in row[1:] if file}
    for file in sorted(files):
        style, name = file.split("/")
        picture = Image.fromarray(pictures[style][name.removesuffix(".webp")].pixels)
        picture.save(folder / file, lossless=True, quality=100, method=6)
    for name, rows in tables.items():
        with (folder / f"{name}.csv").open("w", newline="", encoding="utf-8") as opened:
            writer = csv.writer(opened, lineterminator="\n")
            writer.writerows([("split", "a", "b"), *rows])
        print(f"{name}.csv: {dict(Counter(row[0] for row in rows))}")
    total = sum((folder / file).stat().st_size for file in files)
    print(f"{len(files)} pictures, {total / 1e6:.2f} MB, in {folder}")


if __name__ == "__main__":
    main()
