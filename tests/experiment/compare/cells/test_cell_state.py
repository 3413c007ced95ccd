"""What cells of a task share, and what their records say."""

import json

import keras

from tests.experiment.compare.cells.shipped import comparison_on
from tf_translate.evaluation.judges.training import load_or_train
from tf_translate.experiment.compare.cells.cell_state import (
    TrainingProgress,
    copy_judges,
    lend_judges,
    progress_of,
)
from tf_translate.experiment.evaluate import JUDGES


def _judge():
    return keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])


def test_a_lent_judge_is_loaded_and_not_trained_again(tmp_path):
    first, second = (comparison_on(run=tmp_path).cell(name, 0) for name in ("pix2pix", "ian"))
    judges = first.folder / "evaluation" / JUDGES
    trained = load_or_train("domain", {"images": 1}, judges, _judge)
    (judges / "directions.json").write_text("{}")  # the index of a run's own judges
    copy_judges(judges, first.folder.parent / JUDGES)
    lend_judges(second)
    lent = second.folder / "evaluation" / JUDGES
    loaded = load_or_train("domain", {"images": 1}, lent, _fail)
    assert (loaded.get_weights()[0] == trained.get_weights()[0]).all()
    assert sorted(file.suffix for file in lent.iterdir()) == [".json", ".keras"]


def test_a_judge_that_is_not_whole_is_not_lent(tmp_path):
    (tmp_path / "from").mkdir()
    (tmp_path / "from" / "domain-1.keras").write_bytes(b"half")
    (tmp_path / "from" / "content-1.json").write_text(json.dumps({}))
    copy_judges(tmp_path / "from", tmp_path / "to")
    assert not list(tmp_path.glob("to/*"))


def _fail():
    raise AssertionError("it was trained again")


def test_progress_is_that_of_the_last_session_and_of_the_rows_after_it(tmp_path):
    cell = comparison_on(run=tmp_path).cell("pix2pix", 0)
    assert progress_of(cell) == TrainingProgress()
    cell.folder.mkdir(parents=True)
    (cell.folder / "config.json").write_text(json.dumps({"training": {"steps": 803}}))
    session = {"from_step": 0, "to_step": 803, "seconds": 120.0}
    (cell.folder / "sessions.jsonl").write_text(json.dumps(session) + "\n")
    (cell.folder / "history.jsonl").write_text(json.dumps({"step": 800}) + "\n")
    assert progress_of(cell) == TrainingProgress(803, 803, 2.0)
    (cell.folder / "history.jsonl").write_text(json.dumps({"step": 850}) + "\n")
    assert progress_of(cell).step == 850
