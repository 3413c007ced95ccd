"""Copies the finished cells of comparisons into assets/results/compare, and writes their page.

python -m scripts.results.publish_comparison [FOLDER]

FOLDER is that of `tf-translate compare run`; without it, the page is written anew from the cells
that were published before. docs/comparison receives the page and its images, and
assets/results/compare/report.html the same in one file. Cells published before stay, unless FOLDER
has them again.
"""

import argparse
import shutil
from pathlib import Path

from tf_translate.experiment.compare.cell_images import IMAGES, PER_IMAGE
from tf_translate.experiment.compare.cell_state import CELL, GRID, METRICS
from tf_translate.experiment.compare.collect import collect
from tf_translate.experiment.compare.costs import COSTS
from tf_translate.experiment.compare.report.write_comparison import MARKDOWN, PAGE, write_comparison

ROOT = Path(__file__).parents[2]
PUBLISHED = ROOT / "assets" / "results" / "compare"
DOCS = ROOT / "docs" / "comparison"
KEPT = (METRICS, GRID, IMAGES, PER_IMAGE, "config.json", "history.jsonl", "times.jsonl", CELL)
OF_TASK = ("about.json", "task.json", COSTS)


def copy_cells(folder: Path, published: Path) -> list[Path]:
    """Copies what is kept of each finished cell, and of its task.

    Returns:
        The folders of the copied cells, as they are in `published`.
    """
    copied = []
    for record in sorted(folder.glob(f"**/{CELL}")):
        cell, task = record.parent, record.parent.parent
        target = published / task.name / cell.name
        target.mkdir(parents=True, exist_ok=True)
        for name in KEPT:  # cell.json last: it makes a cell finished
            if (cell / name).is_file():
                shutil.copyfile(cell / name, target / name)
        for name in OF_TASK:
            if (task / name).is_file():
                shutil.copyfile(task / name, target.parent / name)
        copied.append(target)
    return copied


def write_page(published: Path, docs: Path) -> list[str]:
    """Writes the page of all published cells; returns what it lacks, in sentences."""
    results = collect(published)
    files, tasks = write_comparison(results, published, docs)
    page, *_ = files
    shutil.move(page, published / PAGE)
    (docs / MARKDOWN).rename(docs / "index.md")
    return [f"{task.name}: {note}" for task in tasks for note in task.notes]


def main() -> None:
    """Copies cells and writes the page."""
    parser = argparse.ArgumentParser(prog="python -m scripts.results.publish_comparison")
    parser.add_argument("folder", nargs="?", type=Path, help="folder of `compare run`")
    options = parser.parse_args()
    if options.folder is not None:
        for cell in copy_cells(options.folder, PUBLISHED):
            print(cell.relative_to(ROOT))
    for note in write_page(PUBLISHED, DOCS):
        print(note)
    print(DOCS / "index.md")


if __name__ == "__main__":
    main()
