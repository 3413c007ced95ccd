"""Copies published cells back, so that `compare run` goes on with those that are missing.

python -m scripts.results.restore_comparison runs/compare

A comparison of many hours is run in parts, perhaps on several machines. Each part is published by
`publish_comparison`. This script is its inverse: finished cells, step times, settings and judges
return to the folder of comparisons, with the paths of this machine.
"""

import argparse
import shutil
from pathlib import Path

from scripts.results.publish_comparison import PUBLISHED
from tf_translate.packages import cache_folder


def restore(published: Path, folder: Path) -> list[Path]:
    """Copies all files of published tasks; those that exist in `folder` stay.

    Returns:
        The files that were written.
    """
    written = []
    for file in sorted(published.glob("*/**/*")):
        target = folder / file.relative_to(published)
        if file.is_dir() or target.exists():
            continue
        target.parent.mkdir(parents=True, exist_ok=True)
        if file.suffix == ".json":
            text = file.read_text("utf-8").replace("~/.cache/tf_translate", str(cache_folder()))
            target.write_text(text, "utf-8")
        else:
            shutil.copyfile(file, target)
        written.append(target)
    return written


def main() -> None:
    """Copies them from assets/results/compare."""
    parser = argparse.ArgumentParser(prog="python -m scripts.results.restore_comparison")
    parser.add_argument("folder", type=Path, help="folder of `compare run`")
    options = parser.parse_args()
    for file in restore(PUBLISHED, options.folder):
        print(file)


if __name__ == "__main__":
    main()
