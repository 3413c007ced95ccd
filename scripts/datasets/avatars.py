"""Makes the open-peeps avatars of samples:avatars: drawn heads with a table of what each wears.

Images of train and validation are of a person each, with or without glasses and beard by
chance. Every person of the test split is drawn in all four ways, and nothing else changes
between them: the exact truth of an edited attribute. Running it again gives the same pixels.
For large sets see `tf-translate data fetch dicebear`.
"""

import argparse
import csv
import shutil
from pathlib import Path

from tf_translate.data.fetch.avatars import COLUMNS, draw_head, open_peeps, people

SIDE = 64


def main() -> None:
    """Draws every split and writes images and table."""
    arguments = _arguments()
    style = open_peeps()
    folder = arguments.out / "avatars"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    rows = []
    sizes = {"train": arguments.train, "validation": arguments.validation, "test": arguments.test}
    for split, person, wears in people(sizes):
        name = f"avatars/{person}-{''.join(map(str, wears))}.webp"
        head = draw_head(style, person, wears, side=SIDE)
        head.save(arguments.out / name, lossless=True, method=6)
        rows.append((name, split, person, *wears))
    with (arguments.out / "avatars.csv").open("w", newline="", encoding="utf-8") as opened:
        csv.writer(opened, lineterminator="\n").writerows([COLUMNS, *rows])
    total = sum(path.stat().st_size for path in folder.iterdir())
    print(f"avatars.csv: {len(rows)} images, {total / 1e6:.2f} MB, in {folder}")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    default = Path(__file__).resolve().parents[2] / "assets" / "samples"
    parser.add_argument("--out", type=Path, default=default, help="folder to write")
    parser.add_argument("--train", type=int, default=2400, help="people of the train split")
    parser.add_argument("--validation", type=int, default=100, help="people of validation")
    parser.add_argument("--test", type=int, default=64, help="people of test, four images each")
    return parser.parse_args()


if __name__ == "__main__":
    main()
