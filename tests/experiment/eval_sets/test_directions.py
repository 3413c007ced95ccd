"""Which function of a method edits the images that are evaluated."""

import numpy as np
import pytest

from tests.methods.test_conformance import SHAPE, TINY
from tf_translate.errors import ConfigError
from tf_translate.experiment.configure import resolve
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
