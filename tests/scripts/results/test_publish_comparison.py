"""Cells of a comparison in assets/results, and the page that is written from them alone."""

import json
import re
import shutil
from pathlib import Path

import numpy as np
import pytest

from scripts.results.publish_comparison import PUBLISHED, ROOT, copy_cells, write_page
from scripts.results.restore_comparison import restore
from tests.experiment.compare.synthetic_cells import Damaged, write_cells
from tf_translate.packages import cache_folder

METHODS = {"pix2pix": Damaged("blur", 1), "cyclegan": Damaged("noise", 2)}


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A folder of comparisons with two cells, whose files hold paths of this machine."""
    folder = tmp_path_factory.mktemp("machine") / "runs"
    source = np.random.default_rng(0).uniform(-1, 1, (24, 16, 16, 3)).astype(np.float32)
    task = write_cells(folder, source, -source, METHODS)
    table = f"{cache_folder()}/fetched/glasses/people.csv"
    for name in METHODS:
        record = json.loads((task / f"{name}-0" / "cell.json").read_text())
        record["command"] = f"tf-translate compare run glasses --cell {name}:0 --run {folder}"
        record["commands"] = [f"tf-translate train {name} --set 'data.path=\"{table}\"'"]
        (task / f"{name}-0" / "cell.json").write_text(json.dumps(record))
        config = {
            "data": {"path": table, "judge_path": f"{ROOT}/scripts/people.csv"},
            "model": {"file": f"{folder}/glasses/a.keras"},
        }
        (task / f"{name}-0" / "config.json").write_text(json.dumps(config))
    shutil.copy(PUBLISHED / "glasses" / "cyclegan-0" / "cycle_noise.json", task / "pix2pix-0")
    (task / "judges").mkdir()
    (task / "judges" / "content.keras").write_bytes(b"a judge")
    (task / "judges" / "content.json").write_text("{}")
    (task / "task.json").write_text(json.dumps({name: {"data.path": table} for name in METHODS}))
    return folder


def test_the_page_is_written_from_the_published_cells_alone(run, tmp_path):
    published, docs = tmp_path / "compare", tmp_path / "docs" / "comparison"
    copied = copy_cells(run / "glasses", published)  # the folder of a task will do
    assert [each.name for each in copied] == ["cyclegan-0", "pix2pix-0"]
    notes = write_page(published, docs)
    assert any("cost of a translation is missing" in note for note in notes)
    page = (docs / "index.md").read_text()
    assert "tf-translate compare run glasses --cell pix2pix:0 --run runs/compare" in page
    images = re.findall(r"\]\(([^)]+\.(?:png|svg))\)", page)
    assert len(images) == 3
    assert all((docs / name).is_file() for name in images)
    assert (published / "report.html").is_file()
    assert sorted(file.name for file in docs.iterdir()) == sorted(["index.md", *images])


def test_a_restored_comparison_is_the_published_one(run, tmp_path):
    published, restored, again = (tmp_path / name for name in ("compare", "restored", "again"))
    copy_cells(run, published)
    assert restore(published, restored)
    settings = json.loads((restored / "glasses" / "task.json").read_text())
    assert settings == json.loads((run / "glasses" / "task.json").read_text())
    assert restore(published, restored) == []  # nothing is overwritten
    copy_cells(restored, again)
    texts = [
        {file.relative_to(folder): file.read_bytes() for file in folder.rglob("*.*")}
        for folder in (published, again)
    ]
    assert texts[0] == texts[1]
    judge = {Path("glasses/judges/content.keras"), Path("glasses/judges/content.json")}
    assert judge <= set(texts[0])


def test_no_published_file_has_a_path_of_this_machine(run, tmp_path):
    copy_cells(run, tmp_path / "compare")
    texts = {file: file.read_text() for file in (tmp_path / "compare").rglob("*.json")}
    assert len(texts) == 9
    for file, text in texts.items():
        assert str(run) not in text, file
        assert str(ROOT) not in text, file
        assert str(Path.home()) + "/" not in text, file
    config = json.loads(
        (tmp_path / "compare" / "glasses" / "pix2pix-0" / "config.json").read_text()
    )
    assert config["data"]["path"] == "~/.cache/tf_translate/fetched/glasses/people.csv"
    assert config["data"]["judge_path"] == "./scripts/people.csv"
    assert config["model"]["file"] == "runs/compare/glasses/a.keras"


def test_cells_published_before_stay_and_those_published_again_are_replaced(run, tmp_path):
    published, later = tmp_path / "compare", tmp_path / "later"
    copy_cells(run, published)
    shutil.copytree(run / "glasses" / "pix2pix-0", later / "glasses" / "pix2pix-0")
    (later / "glasses" / "pix2pix-0" / "cycle_noise.json").unlink()
    (later / "glasses" / "task.json").write_text('{"pix2pix": {"data.path": "new"}}')
    copy_cells(later, published)
    assert (published / "glasses" / "cyclegan-0" / "cell.json").is_file()
    assert not (published / "glasses" / "pix2pix-0" / "cycle_noise.json").exists()
    settings = json.loads((published / "glasses" / "task.json").read_text())
    assert settings["pix2pix"] == {"data.path": "new"}
    assert set(settings) == set(METHODS)
    with pytest.raises(ValueError, match="FOLDER must be that of `compare run`"):
        copy_cells(published / "glasses", published)
    with pytest.raises(ValueError, match="has no finished cell"):
        copy_cells(tmp_path / "none", published)
