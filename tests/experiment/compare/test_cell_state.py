"""What cells of a task share, and what their records say."""

import json

import keras

from tests.experiment.compare.test_cells import _comparison
from tf_translate.evaluation.judges.training import load_or_train
from tf_translate.experiment.compare.cell_state import copy_judges, lend_judges
from tf_translate.experiment.evaluate import JUDGES


def _judge():
    return keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])


def test_a_lent_judge_is_loaded_and_not_trained_again(tmp_path):
    first, second = (_comparison(run=tmp_path).cell(name, 0) for name in ("pix2pix", "ian"))
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
