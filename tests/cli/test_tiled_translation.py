"""`translate --tiles` with a bundle and with a run, and the warning without it."""

import json
from types import SimpleNamespace

import numpy as np
import pytest

import exporters
from tests.exporters.fakes import negative, swap
from tf_translate import images
from tf_translate.experiment import load_run as runs

FAKES = {fake.name: fake for fake in (negative(), swap())}
RUN = {"method": "pix2pix", "data": {"path": "nowhere"}}


@pytest.fixture(scope="module")
def bundle(tmp_path_factory):
    return exporters.export(FAKES, tmp_path_factory.mktemp("bundles") / "tiles")


@pytest.fixture
def run(tmp_path, monkeypatch):
    """A run's directory; its model has the same signatures and is not trained."""
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "config.json").write_text(json.dumps(RUN))
    monkeypatch.setattr(runs, "load_model", lambda path: SimpleNamespace(signatures=FAKES.copy))
    return tmp_path / "run"


@pytest.fixture
def photos(tmp_path):
    """Images of several sizes, the model's being 8x12."""
    random = np.random.default_rng(0)
    for name, size in (("large", (37, 50)), ("small", (8, 12)), ("thin", (30, 12))):
        pixels = random.integers(0, 256, (*size, 3), np.uint8)
        images.write(tmp_path / "photos" / f"{name}.png", pixels)
    return tmp_path / "photos"


@pytest.mark.parametrize("options", [(), ("--overlap", 0), ("--overlap", 4)])
def test_every_pixel_of_every_file_is_kept_by_bundle_and_run(
    command, bundle, run, photos, tmp_path, options
):
    for model in (bundle, run):
        output = tmp_path / f"out-{model.name}"
        code, out, error = command(
            "translate", model, photos, "--output", output, "--tiles", *options
        )
        assert (code, error) == (0, "photos: 3 images")  # no progress bar without a terminal
        assert len(out.replace("\n", " ").split(" -> ")) == 4
        for file in photos.iterdir():
            expected = 255 - images.read(file)
            np.testing.assert_array_equal(images.read(output / file.name), expected)


def test_without_tiles_the_first_image_that_loses_much_is_named(command, bundle, photos, tmp_path):
    options = ("--output", tmp_path / "o", "--signature", "a_to_b")
    _, _, error = command("translate", bundle, photos, *options)
    assert f"{photos}/large.png is 50x37 and the model's size is 12x8: it is shrunk" in error
    assert error.count("--tiles keeps its resolution") == 1
    _, _, error = command(
        "translate", bundle, photos / "small.png", "--output", tmp_path / "p",
        "--signature", "a_to_b",
    )  # fmt: skip
    assert error == ""


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (("--overlap", 2), "--overlap says how tiles overlap; give --tiles too, got 2 only"),
        (("--tiles", "--overlap", 5), "`overlap` must be 0 to 4 pixels, half of the model's short"),
        (("--tiles", "--exemplar"), "signature 'swap' takes a second image, which cannot be cut"),
    ],
)
def test_mistakes_with_tiles_are_one_sentence(mistake, bundle, photos, tmp_path, options, sentence):
    if options[-1] == "--exemplar":
        options = (*options, photos / "small.png")
    found = mistake("translate", bundle, photos, "--output", tmp_path / "o", *options)
    assert sentence in found
    assert not (tmp_path / "o").exists()
