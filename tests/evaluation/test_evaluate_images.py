"""Images as arrays, measured from Python."""

import shutil

import numpy as np
import pytest

from tests.evaluation.toys import blobs
from tf_translate import evaluate_images
from tf_translate.errors import DataError


def _images(**changes):
    source, target = blobs(8, seed=3)
    images = {
        "outputs": target,
        "source": source,
        "target": target,
        "train_source": blobs(60, seed=1)[0],
        "train_target": blobs(50, seed=2)[1],
        "truth": target,
    }
    return images | changes


@pytest.fixture
def folder(tmp_path, judges, judges_folder):
    """A folder with judges, as an earlier call left it."""
    assert judges.settings.side == 32
    shutil.copytree(judges_folder, tmp_path / "out" / "judges")
    return tmp_path / "out"


def test_the_truth_is_complete_and_the_page_is_written(folder, judges):
    lines = []
    options = {"judges": judges.settings, "folder": folder, "report": lines.append}
    found = evaluate_images(**_images(), **options)
    for metric in ("completeness", "content/l1", "content/margin"):
        assert found.value("output", metric) == found.value("ground truth", metric)
    assert found.value("output", "completeness") > 0.99
    assert {each.name for each in folder.iterdir()} == {
        "a_to_b.npz", "a_to_b.png", "index.html", "judges", "metrics.json",
    }  # fmt: skip
    source, target = blobs(8, seed=3)
    unchanged = evaluate_images(**_images(outputs=source), **options)
    assert unchanged.value("output", "completeness") == 0.0
    expected = np.abs(source.astype(float) - target).mean()
    assert unchanged.value("output", "content/l1") == pytest.approx(expected, rel=1e-5)
    assert lines == []  # no judge was trained


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"outputs": np.zeros((8, 32, 32), np.float32)}, r"`outputs` must be images .*\(8, 32, 32"),
        (
            {"target": np.zeros((8, 32, 32, 3), np.uint8)},
            "`target` must be float .*uint8",
        ),
        ({"truth": np.full((8, 32, 32, 3), 255.0)}, r"`truth` must lie in \[-1, 1\], got .* 255"),
        ({"source": np.full((8, 32, 32, 3), np.nan)}, "`source` must lie in .*nan"),
        ({"outputs": np.zeros((7, 32, 32, 3), np.float32)}, "one image for each of the 8 source"),
    ],
)
def test_mistakes_are_one_sentence(changes, sentence):
    with pytest.raises(ValueError, match=sentence):
        evaluate_images(**_images(**changes))


def test_values_beyond_1_by_rounding_are_clipped(folder, judges):
    target = blobs(8, seed=3)[1]
    options = {"judges": judges.settings, "folder": folder, "report": None}
    found = evaluate_images(**_images(outputs=target * 1.005), **options)
    assert found.direction.outputs.max() == 1.0


def test_an_unknown_pretrained_network_is_refused_before_judges_train(monkeypatch):
    monkeypatch.setattr("tf_translate.evaluation.evaluate_images.train_judges", None)
    with pytest.raises(DataError, match="efficientnet_lite0"):
        evaluate_images(**_images(), pretrained=["efficientnet_lite"])
