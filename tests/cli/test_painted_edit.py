"""`tf-translate translate --target --mask` with a bundle and with a run."""

import json
from types import SimpleNamespace

import numpy as np
import pytest

import exporters
from tests.exporters.fakes import paint
from tf_translate import images
from tf_translate.experiment import load_run as runs

FAKES = {"paint": paint()}
RUN = {"method": "pix2pix", "data": {"path": "nowhere"}}


@pytest.fixture
def files(tmp_path):
    """A grey image, the same painted white, and a mask of the left half."""
    mask = np.zeros((20, 30, 1), np.uint8)
    mask[:, :15] = 255
    pixels_by_name = {
        "me": np.full((20, 30, 3), 100, np.uint8),
        "painted": np.full((20, 30, 3), 200, np.uint8),
        "where": mask,
    }
    for name, pixels in pixels_by_name.items():
        images.write(tmp_path / f"{name}.png", pixels)
    return {name: tmp_path / f"{name}.png" for name in pixels_by_name}


@pytest.fixture
def models(tmp_path, monkeypatch):
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "config.json").write_text(json.dumps(RUN))
    monkeypatch.setattr(runs, "load_model", lambda path: SimpleNamespace(signatures=FAKES.copy))
    return exporters.export(FAKES, tmp_path / "bundle"), tmp_path / "run"


def test_bundle_and_run_give_equal_painted_edits(command, models, files, tmp_path):
    for model in models:
        output = tmp_path / f"out-{model.name}"
        code, _, sentence = command(
            "translate", model, files["me"], "--output", output,
            "--target", files["painted"], "--mask", files["where"],
        )  # fmt: skip
        assert code == 0, sentence
        assert "grey" not in sentence, "a mask has one channel"
        painted = images.read(output / "me.png")
        assert painted.shape == (20, 30, 3)
        assert np.abs(painted[:, :11].astype(int) - 200).max() <= 1
        assert np.abs(painted[:, 19:].astype(int) - 100).max() <= 1


def test_mistakes_with_target_and_mask_say_what_is_missing(mistake, models, files, tmp_path):
    def sentence_of(*options, names=("me",)):
        paths = [files[name] for name in names]
        return mistake("translate", models[0], *paths, "--output", tmp_path / "o", *options)

    painted, where = ("--target", files["painted"]), ("--mask", files["where"])
    assert "--target and --mask go together" in sentence_of(*painted)
    assert "got --mask only" in sentence_of(*where)
    sentence = sentence_of(*painted, *where, names=("me", "painted"))
    assert "--target is painted over one image, but 2 are to be translated" in sentence
    assert (
        "'paint' needs a target, the image with colours painted over it, and a mask"
        in sentence_of()
    )
    strokes = np.full((20, 30, 4), (255, 255, 255, 0), np.uint8)  # of a paint program
    images.write(tmp_path / "strokes.png", strokes)
    sentence = sentence_of(*painted, "--mask", tmp_path / "strokes.png")
    assert "strokes.png has transparent pixels, which nothing says are painted" in sentence
    images.write(tmp_path / "small.png", np.zeros((5, 5, 3), np.uint8))
    sentence = sentence_of("--target", tmp_path / "small.png", *where)
    assert "`target` must be as large as the image it is painted over" in sentence
