"""Writes the report of a comparison: a page, a Markdown page, and its images."""

import functools
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tf_translate.atomic_files import write_atomically
from tf_translate.experiment.compare.report.comparison_markdown import render_markdown
from tf_translate.experiment.compare.report.comparison_page import render
from tf_translate.experiment.compare.report.rows import TaskSummary
from tf_translate.experiment.compare.report.scatter import scatter
from tf_translate.experiment.compare.report.summary import summarize
from tf_translate.experiment.compare.report.tested import find_tested
from tf_translate.experiment.compare.report.wall import draw_extremes, make_wall, write_wall
from tf_translate.images import write

PAGE, MARKDOWN = "report.html", "report.md"


def write_comparison(
    results: Mapping[str, Any], folder: Path, output: Path
) -> tuple[list[Path], list[TaskSummary]]:
    """Writes `report.html`, `report.md` and its images.

    Args:
        results: What `collect` returns.
        folder: The folder that was collected.
        output: Folder to write to.

    Returns:
        The files, the page first, and what they say of each task.

    Raises:
        RunError: If a file of a cell is broken, or two cells have the same method and seed.
    """
    summaries = summarize(results, folder)
    found = find_tested(results, folder)
    output.mkdir(parents=True, exist_ok=True)
    images = {each.name: _write_images(each, output) for each in summaries}
    _write_text(output / MARKDOWN, render_markdown(summaries, images, found))
    _write_text(output / PAGE, render(summaries, found))
    names = [name for each in images.values() for name in each.values()]
    return [output / PAGE, output / MARKDOWN, *(output / name for name in names)], summaries


def _write_images(summary: TaskSummary, output: Path) -> dict[str, str]:
    """Writes the images of a task; their names by what they show."""
    names = {"scatter": f"{summary.name}_scatter.svg"}
    plot = scatter(summary.methods, summary.fixed, standalone=True)
    _write_text(output / names["scatter"], plot + "\n")
    if make_wall(summary) is not None:
        names["wall"] = f"{summary.name}_wall.png"
        write_wall(summary, output / names["wall"])
    drawn = draw_extremes(summary)
    if drawn is not None:
        names["extremes"] = f"{summary.name}_extremes.png"
        write(output / names["extremes"], drawn)
    return names


def _write_text(file: Path, text: str) -> None:
    write_atomically(file, functools.partial(Path.write_text, data=text, encoding="utf-8"))
