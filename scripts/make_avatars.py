"""Makes the open-peeps avatars: drawn heads with a table of what each wears.

Pictures of train and validation are of a person each, with or without glasses and beard by
chance. Every person of the test split is drawn in all four ways, and nothing else changes
between them: the exact truth of an edited attribute. Running it again gives the same pixels.

Open Peeps is by Pablo Stanley, CC0 1.0, drawn by DiceBear (MIT).
"""

import argparse
import csv
import io
import itertools
import json
import shutil
from importlib.resources import files
from pathlib import Path

import numpy as np
import resvg_py
from dicebear import Avatar, Style
from PIL import Image

SIDE = 64
DRAWN = 384  # pixels of the whole avatar, before the crop
CROP = (0.12, 0.0, 0.95, 0.83)  # left, top, right, bottom of the head, shares of the avatar
SEED = 40
# Left out: hats and veils hide hair and ears, two expressions have one eye or three.
EXPRESSIONS_OUT = {"cyclops", "monster"}
HEADS_OUT = {"bear", "hatBeanie", "hatHip", "hijab", "turban"}
GLASSES = ["glasses", "glasses2", "glasses3", "glasses4", "glasses5"]
ATTRIBUTES = ("glasses", "beard")


def main() -> None:
    """Draws every split and writes pictures and table."""
    arguments = _arguments()
    style = Style(json.loads(files("dicebear_styles").joinpath("open-peeps.json").read_text()))
    folder = arguments.out / "avatars"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    rows = []
    splits = {"train": arguments.train, "validation": arguments.validation, "test": arguments.test}
    for number, (split, count) in enumerate(splits.items()):
        random = np.random.default_rng([SEED, number])
        for index in range(count):
            person = f"{split}-{index:05d}"
            ways = list(itertools.product((0, 1), repeat=len(ATTRIBUTES)))
            shown = ways if split == "test" else [ways[random.integers(len(ways))]]
            for wears in shown:
                name = f"avatars/{person}-{''.join(map(str, wears))}.webp"
                draw(style, person, wears).save(arguments.out / name, lossless=True, method=6)
                rows.append((name, split, person, *wears))
    with (arguments.out / "avatars.csv").open("w", newline="", encoding="utf-8") as opened:
        writer = csv.writer(opened, lineterminator="\n")
        writer.writerows([("image", "split", "person", *ATTRIBUTES), *rows])
    total = sum(path.stat().st_size for path in folder.iterdir())
    print(f"avatars.csv: {len(rows)} pictures, {total / 1e6:.2f} MB, in {folder}")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    default = Path(__file__).resolve().parent.parent / "assets" / "samples"
    parser.add_argument("--out", type=Path, default=default, help="folder to write")
    parser.add_argument("--train", type=int, default=2400, help="people of the train split")
    parser.add_argument("--validation", type=int, default=100, help="people of validation")
    parser.add_argument("--test", type=int, default=64, help="people of test, four pictures each")
    return parser.parse_args()


def draw(style: Style, person: str, wears: tuple[int, ...]) -> Image.Image:
    """The head of a person who wears glasses and beard or not, 64 pixels."""
    glasses, beard = wears
    options = {
        "seed": f"tf_translate {SEED} {person}",
        "size": DRAWN,
        "backgroundColor": ["#ffffff"],
        "expressionVariant": _without(style, "expression", EXPRESSIONS_OUT),
        "headVariant": _without(style, "head", HEADS_OUT),
        "accessoriesVariant": GLASSES,
        "accessoriesProbability": 100 * glasses,
        "facialHairProbability": 100 * beard,
        "maskProbability": 0,
    }
    svg = Avatar(style, options).to_string()
    whole = Image.open(io.BytesIO(bytes(resvg_py.svg_to_bytes(svg_string=svg)))).convert("RGB")
    box = tuple(share * DRAWN for share in CROP)
    return whole.resize((SIDE, SIDE), Image.Resampling.BOX, box=box)


def _without(style: Style, part: str, left_out: set[str]) -> list[str]:
    return [name for name in style.components()[part].variants() if name not in left_out]


if __name__ == "__main__":
    main()
