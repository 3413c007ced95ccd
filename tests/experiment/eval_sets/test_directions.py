"""Which function of a method edits the images that are evaluated; images for the judges."""

from types import SimpleNamespace

import numpy as np
import pytest

from tests.methods.test_conformance import SHAPE, TINY
from tf_translate.errors import ConfigError
from tf_translate.experiment.configure import resolve
from tf_translate.experiment.dataset import open_dataset
from tf_translate.experiment.eval_sets import directions as eval_directions
from tf_translate.experiment.eval_sets.directions import _edit
from tf_translate.methods.registry import find

_PRESERVING = "evaluation.signature=translate_preserving"


def test_an_edit_gets_the_attributes_of_the_image_if_its_function_takes_them():
    method = find("age_cgan")
    model = method.translator.from_settings(
        method.settings(**TINY["age_cgan"]), SHAPE, attributes={"glasses": ["0", "1"]}
    )
    images = np.random.default_rng(0).uniform(-1, 1, (3, *SHAPE)).astype(np.float32)
    own, other = np.zeros((3, 1), np.float32), np.ones((3, 1), np.float32)
    signatures = model.signatures()
    encoded = _edit(signatures["translate"], images, own, other)
    searched = _edit(signatures["translate_preserving"], images, own, other)
    expected = signatures["translate_preserving"].function(
        image=images, own_attributes=own, attributes=other
    )["image"]
    np.testing.assert_array_equal(searched, expected)
    assert np.abs(searched - encoded).max() > 1e-6  # the search moved the latent


@pytest.mark.parametrize(
    ("preset", "setting", "sentence"),
    [
        ("age_cgan_small", "evaluation.signature=encode", "translate or translate_preserving"),
        ("fader_small", _PRESERVING, "a function of fader that edits attributes, translate, got"),
        ("cyclegan_small", _PRESERVING, "is for methods that learn from attributes, but cyclegan"),
    ],
)
def test_a_function_that_edits_no_attributes_is_refused(preset, setting, sentence):
    with pytest.raises(ConfigError, match=sentence):
        resolve(preset, [setting])
    assert resolve("age_cgan_small", [_PRESERVING]).evaluation.signature == "translate_preserving"


def test_judges_learn_from_equal_images_with_and_without_random_crops(monkeypatch):
    """Training images are stored at load_size, which judges do not see."""
    monkeypatch.setattr(eval_directions, "translate", lambda _, __, images: images["a"])
    translator = SimpleNamespace(
        directions={"a_to_b": "a_to_b"}, signatures=lambda: {"a_to_b": None}
    )
    found = []
    for preset, load_size in (("pix2pix_small", "[32, 32]"), ("cyclegan_small", "[36, 36]")):
        settings = ("data.path=samples:flat_to_3d", "data.size=[32, 32]", "data.flip=none")
        config = resolve(preset, [*settings, f"data.load_size={load_size}"])
        data = open_dataset(config)
        limits = {"split": "test", "limit": 8, "training_limit": 40}
        found += list(eval_directions.directions(config, data, translator, **limits))
    for one, other in zip(found[0].training_images(), found[1].training_images(), strict=True):
        np.testing.assert_array_equal(one, other, strict=True)
