"""Renders the Open Peeps avatars of samples:avatars: heads with a table of glasses and beards.

Each image of train and validation shows another person, with random glasses and beard. Each
person of test is rendered with all four combinations and nothing else changed. These images are
exact counterfactuals. A second run gives the same pixels. For large sets see
`tf-translate data fetch dicebear`.
"""

import argparse
import csv
import shutil
from pathlib import Path

from tf_translate.data.fetch.avatar_tables import COLUMNS
from tf_translate.data.fetch.avatars import draw_head, list_people, load_open_peeps

SIDE = 64


def main() -> None:
    """Renders every split and writes images and table."""
    arguments = _arguments()
    style = load_open_peeps()
    folder = arguments.out / "avatars"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    rows = []
    sizes = {"train": arguments.train, "validation": arguments.validation, "test": arguments.test}
    for split, person, values in list_people(sizes):
        name = f"avatars/{person}-{''.join(map(str, values))}.webp"
        head = draw_head(style, person, values, side=SIDE)
        head.save(arguments.out / name, lossless=True, method=6)
        rows.append((name, split, person, *values))
    with (arguments.out / "avatars.csv").open("w", newline="", encoding="utf-8") as opened:
        csv.writer(opened, lineterminator="\n").writerows([COLUMNS, *rows])
    total = sum(path.stat().st_size for path in folder.iterdir())
    print(f"avatars.csv: {len(rows)} images, {total / 1e6:.2f} MB, in {folder}")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    default = Path(__file__).resolve().parents[2] / "assets" / "samples"
    parser.add_argument("--out", type=Path, default=default, help="output folder")
    parser.add_argument("--train", type=int, default=2400, help="number of people in train")
    parser.add_argument(
        "--validation", type=int, default=100, help="number of people in validation"
    )
    parser.add_argument(
        "--test", type=int, default=64, help="number of people in test, four images each"
    )
    return parser.parse_args()


if __name__ == "__main__":
    main()
