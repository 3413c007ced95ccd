"""Copies the finished cells of comparisons into assets/results/compare, and writes their page.

python -m scripts.results.publish_comparison [FOLDER]

FOLDER is that of `tf-translate compare run`; without it, the page is written anew from the cells
that were published before. docs/comparison receives the page and its images,
assets/results/compare/report.html the same in one file, and README.md its table. Cells published
before stay, unless FOLDER has them again. Paths of this machine become those that a reader has:
~/.cache/tf_translate, ~, . for the clone, and runs/compare for the folder of comparisons.
"""

import argparse
import json
import re
import shutil
from pathlib import Path

from scripts.results.compared_table import PUBLISHED
from scripts.results.publish import fill_pages
from tf_translate.experiment.compare.cells.cell_images import IMAGES, PER_IMAGE
from tf_translate.experiment.compare.cells.cell_state import CELL, GRID, METRICS, copy_judges
from tf_translate.experiment.compare.collect import collect
from tf_translate.experiment.compare.costs import COSTS
from tf_translate.experiment.compare.cycle_noise import FILE as CYCLE_NOISE
from tf_translate.experiment.compare.fixed_steps import STEPS
from tf_translate.experiment.compare.prepare import ABOUT, RECORD
from tf_translate.experiment.compare.report.write_comparison import MARKDOWN, PAGE, write_comparison
from tf_translate.experiment.evaluate import JUDGES
from tf_translate.packages import cache_folder

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs" / "comparison"
ADVICE = (
    "Which method fits your data: [Choose a method](../guides/choose-a-method.md). How this was "
    "measured: [Compare methods](../guides/compare.md).\n\n"
)
KEPT = (  # cell.json last: it makes a cell finished
    *(METRICS, GRID, IMAGES, PER_IMAGE, CYCLE_NOISE),
    *("config.json", "history.jsonl", "sessions.jsonl", "times.jsonl", CELL),
)
OF_TASK = (ABOUT, COSTS, STEPS)


def copy_cells(folder: Path, published: Path) -> list[Path]:
    """Copies what is kept of each finished cell, and of its task.

    Returns:
        The folders of the copied cells, as they are in `published`.

    Raises:
        ValueError: If `folder` has no finished cell, or it and `published` are in one another.
    """
    source, goal = folder.resolve(), published.resolve()
    if source.is_relative_to(goal) or goal.is_relative_to(source):
        raise ValueError(f"FOLDER must be that of `compare run`, apart from {goal}, got {folder}")
    copied = []
    for record in sorted(source.glob(f"**/{CELL}")):
        cell, task = record.parent, record.parent.parent
        target = goal / task.name / cell.name
        shutil.rmtree(target, ignore_errors=True)  # no file of the cell that it replaces stays
        target.mkdir(parents=True)
        for name in KEPT:
            _copy(cell / name, target / name, task.parent)
        for name in OF_TASK:
            _copy(task / name, target.parent / name, task.parent)
        copy_judges(task / JUDGES, target.parent / JUDGES)  # for cells of other sittings
        _add_settings(task / RECORD, target.parent / RECORD, task.parent)
        copied.append(target)
    if not copied:
        raise ValueError(f"FOLDER must be that of `compare run`, but {folder} has no finished cell")
    return copied


def _copy(file: Path, target: Path, run: Path) -> None:
    """Copies a file, if it exists; JSON without paths of this machine."""
    if not file.is_file():
        return
    if file.suffix == ".json":
        target.write_text(_for_readers(file.read_text("utf-8"), run), "utf-8")
    else:
        shutil.copyfile(file, target)


def _add_settings(file: Path, target: Path, run: Path) -> None:
    """Adds the settings of methods to those of methods that were published before."""
    if file.is_file():
        known = json.loads(target.read_text("utf-8")) if target.is_file() else {}
        known |= json.loads(_for_readers(file.read_text("utf-8"), run))
        target.write_text(json.dumps(known, indent=2) + "\n", "utf-8")


def _for_readers(text: str, run: Path) -> str:
    """Replaces paths of this machine; `run` is the folder of comparisons."""
    for path, name in (
        (run, "runs/compare"),
        (cache_folder().absolute(), "~/.cache/tf_translate"),
        (ROOT, "."),
        (Path.home(), "~"),
    ):
        text = re.sub(rf"(?<![\w./~-]){re.escape(str(path))}(?![\w.~-])", name, text)
    return text


def write_page(published: Path, docs: Path) -> list[str]:
    """Writes the page of all published cells; returns what it lacks, in sentences."""
    results = collect(published)
    files, tasks = write_comparison(results, published, docs)
    page, *_ = files
    shutil.move(page, published / PAGE)
    text = (docs / MARKDOWN).read_text("utf-8")
    heading, blank, rest = text.partition("\n\n")
    (docs / "index.md").write_text(heading + blank + ADVICE + rest, "utf-8")
    (docs / MARKDOWN).unlink()
    return [f"{task.name}: {note}" for task in tasks for note in task.notes]


def main() -> None:
    """Copies cells and writes the page."""
    parser = argparse.ArgumentParser(prog="python -m scripts.results.publish_comparison")
    parser.add_argument("folder", nargs="?", type=Path, help="folder of `compare run`")
    options = parser.parse_args()
    if options.folder is not None:
        try:
            copied = copy_cells(options.folder, PUBLISHED)
        except ValueError as error:
            parser.error(str(error))
        for cell in copied:
            print(cell.relative_to(ROOT))
    for note in write_page(PUBLISHED, DOCS):
        print(note)
    fill_pages()  # the README's table
    print(DOCS / "index.md")


if __name__ == "__main__":
    main()
