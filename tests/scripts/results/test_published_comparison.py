"""The published comparison: its cells are whole, measured alike, and its page is made of them."""

import json
import re
import shutil
from pathlib import Path

import numpy as np
import pytest

from scripts.results.publish_comparison import DOCS, PUBLISHED, write_page
from tf_translate.config.task import load_task, tasks
from tf_translate.experiment.compare.collect import collect
from tf_translate.experiment.compare.fixed_steps import read_steps
from tf_translate.experiment.compare.prepare import texts_of_methods

CELLS = sorted(file.parent for file in PUBLISHED.glob("*/*/cell.json"))


@pytest.mark.parametrize("cell", CELLS, ids=lambda cell: f"{cell.parent.name}-{cell.name}")
def test_a_cell_has_its_files_and_can_be_repeated(cell):
    record = json.loads((cell / "cell.json").read_text())
    names = {file.name for file in cell.iterdir()}
    assert {"metrics.json", "grid.png", "images.png", "per_image.npz", "history.jsonl"} <= names
    assert "dirty" not in record["revision"]
    assert record["date"].startswith("20")
    assert {"tensorflow", "keras", "tf_translate"} <= set(record["versions"])
    assert f"training.seed={record['seed']}" in record["commands"][0]
    assert record["steps"] == record["planned_steps"], "it was trained to its end"
    assert str(Path.home()) not in (cell / "cell.json").read_text()


@pytest.mark.parametrize(
    "task",
    sorted({cell.parent for cell in CELLS if cell.parent.name in tasks()}),
    ids=lambda task: task.name,
)
def test_cells_of_a_task_have_its_budget_its_judges_and_the_same_held_out_images(task):
    cells = [
        each
        for each in collect(PUBLISHED)["cells"]
        if each["task"] == task.name and "ablation" not in each
    ]
    assert {each["budget_minutes"] for each in cells} == {load_task(task.name)[1].minutes}
    about = json.loads((task / "about.json").read_text("utf-8"))
    given = load_task(task.name)[1]
    assert about["remarks"] == given.remarks
    assert about["texts"] == texts_of_methods(given)
    times = read_steps(task)
    for each in cells:
        fitting = times.times[each["name"]].steps_in(each["budget_minutes"])
        assert each["steps"] == fitting, each["name"]
    directions = [each["metrics"]["directions"][each["direction"]] for each in cells]
    for key in ("judges", "metrics"):
        assert len({json.dumps(each["protocol"][key]) for each in directions}) == 1, key


def test_the_page_is_the_one_that_the_cells_give(tmp_path):
    if not CELLS:
        pytest.skip("no cell is published")
    write_page(shutil.copytree(PUBLISHED, tmp_path / "compare"), tmp_path / "docs")
    words, values = zip(*map(_parts, (DOCS, tmp_path / "docs")), strict=True)
    assert words[0] == words[1]
    np.testing.assert_allclose(values[0], values[1], atol=0.0015)  # processors round otherwise


def _parts(docs):
    """The words of the page, and its numbers."""
    text = (docs / "index.md").read_text()
    number = r"-?\d+(?:,\d{3})*(?:\.\d+)?"
    numbers = [float(each.replace(",", "")) for each in re.findall(number, text)]
    return re.sub(number, "#", text), numbers
