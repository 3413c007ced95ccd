"""Which checkpoint is taken: by what a classifier says of edits and by reconstruction."""

import io
import json
from types import SimpleNamespace

import numpy as np
import pytest
from rich.console import Console

from tests.cli.conftest import write_pairs
from tests.data.drawn import config, plain
from tf_translate.config.schema import Config
from tf_translate.data.labelled import open_labelled
from tf_translate.errors import ConfigError
from tf_translate.experiment import choice
from tf_translate.experiment.train import train

GLASSES = {"glasses": ["0", "1"]}


@pytest.fixture
def table(tmp_path):
    """Dark pictures without glasses, bright ones with."""
    lines, value = ["image,split,glasses"], 0
    for split, count in (("train", 16), ("validation", 4)):
        for i in range(count):
            value += 1
            glasses = i % 2
            plain(tmp_path / f"{value}.png", 40 + value + 150 * glasses)
            lines.append(f"{value}.png,{split},{glasses}")
    path = tmp_path / "t.csv"
    path.write_text("\n".join(lines) + "\n")
    return path


def _score(table, edit):
    data = open_labelled(config(table, attributes=GLASSES))
    translator = SimpleNamespace(
        signatures=lambda: {
            "translate": SimpleNamespace(
                function=lambda image, attributes: {"image": edit(image, attributes)}
            )
        }
    )
    bright = SimpleNamespace(
        hits=lambda images, labels: ((images.mean((1, 2, 3)) > 0) == labels).astype(float)
    )
    at = np.arange(4)
    pictures, values = data.images("validation", at=at), data.values("validation")
    return choice._figures(translator, pictures, values, data, [bright])


def _repaint(image, attributes):
    """What was asked, exactly: 150 shades more with glasses than without."""
    shade = np.asarray(image).mean((1, 2, 3), keepdims=True)
    has = shade > 0
    return image + (attributes[:, :, None, None] - has) * 150 / 127.5


def test_a_perfect_editor_scores_one(table):
    figures = _score(table, _repaint)
    assert figures["swap_accuracy"] == 1.0
    assert figures["reconstruction"] == pytest.approx(0.0, abs=1e-6)
    assert figures["score"] == pytest.approx(1.0)


def test_handing_back_the_input_scores_nothing(table):
    figures = _score(table, lambda image, attributes: image)
    assert figures["swap_accuracy"] == 0.0
    assert figures["reconstruction"] == 0.0
    assert figures["score"] == 0.0


def test_an_editor_that_forgets_the_picture_scores_nothing(table):
    def forget(image, attributes):
        return np.ones_like(image) * (2.0 * attributes[:, :, None, None] - 1.0)

    figures = _score(table, forget)
    assert figures["swap_accuracy"] == 1.0
    assert figures["score"] < 0.8  # 1 - error / error of the mean picture is far from 1


def _config(path, **training):
    return Config(
        method="fader",
        model={"levels": 2, "base": 2, "widest": 4},
        data={"path": str(path), "size": [16, 16], "flip": "none", "attributes": GLASSES},
        training={
            "steps": 4, "batch_size": 2, "log_every": 2, "checkpoint_every": 2, "choose": "best",
            **training,
        },
    )  # fmt: skip


def test_training_measures_each_checkpoint_and_delivers_the_best(table, tmp_path, monkeypatch):
    monkeypatch.setattr(choice, "_CLASSIFIER", choice.LabelSettings(side=16, steps=5))
    run = tmp_path / "run"
    assert train(_config(table), run, resume=False, console=Console(file=io.StringIO()))
    rows = [json.loads(line) for line in (run / "assessments.jsonl").read_text().splitlines()]
    assert [row["step"] for row in rows] == [2, 4]
    best = max(rows, key=lambda row: row["score"])["step"]
    delivered = (run / "model.keras").read_bytes()
    assert delivered == (run / "checkpoints" / f"best-{best:08d}.keras").read_bytes()
    # In bfloat16 the measure loads in float32 and puts the policy of training back.
    again = tmp_path / "half"
    half = _config(table, precision="mixed_bfloat16")
    assert train(half, again, resume=False, console=Console(file=io.StringIO()))


def test_there_must_be_attributes_to_choose_by(tmp_path):
    data = write_pairs(tmp_path / "pairs")
    wrong = Config(
        method="cyclegan",
        model={"residual_blocks": 1, "base": 2, "critic_layers": 1, "critic_base": 2},
        data={"path": str(data), "size": [16, 16]},
        training={"choose": "best"},
    )
    with pytest.raises(ConfigError, match=r"training\.choose = 'best' goes by attributes"):
        train(wrong, tmp_path / "run", resume=False, console=Console(file=io.StringIO()))


def test_patience_needs_checkpoints_that_are_measured(table):
    with pytest.raises(ValueError, match=r"got 2 with choose = 'last', which measures none"):
        _config(table, choose="last", patience=2)
