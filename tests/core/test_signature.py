"""Signatures of networks, and specs whose range is a limit or only typical."""

import warnings

import keras
import numpy as np
import pytest

from exporters.bundle.signatures import make_records
from exporters.errors import ExportError
from exporters.verification.golden import check_batches
from tf_translate.core.signature import (
    Signature,
    attribute_spec,
    image_signature,
    image_spec,
    scalar_spec,
    steps_spec,
)


def _network(activation):
    layers = [keras.Input((8, 8, 3)), keras.layers.Conv2D(3, 1, activation=activation)]
    return keras.Sequential(layers)


def _ranges(signature):
    return signature.inputs[0].value_range, signature.outputs[0].value_range


def test_a_range_that_is_assumed_is_warned_about_with_the_argument_that_gives_it():
    with pytest.warns(UserWarning, match="range assumed") as warned:
        signature = image_signature("a_to_b", _network("sigmoid"), {})
    assert _ranges(signature) == ((0, 1), (0, 1))
    assert [str(each.message) for each in warned] == [
        "signature 'a_to_b': input range assumed [0, 1]: give input_range=(-1, 1) otherwise"
    ]
    with pytest.warns(UserWarning, match="range assumed") as warned:
        signature = image_signature("a_to_b", _network(None), {})
    assert _ranges(signature) == ((-1, 1), (-1, 1))
    assert "output range assumed [-1, 1]: give output_range=(0, 1)" in str(warned[1].message)


def test_given_ranges_are_declared_without_a_warning():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        ranges = {"input_range": (0.0, 255.0), "output_range": (0.0, 1.0)}
        signature = image_signature("a_to_b", _network(None), {}, **ranges)
    assert _ranges(signature) == ((0, 255), (0, 1))


def test_an_attribute_or_strength_beyond_its_range_is_no_failure_but_a_step_count_is():
    strength = scalar_spec("strength", 1.0, "how much", range_is_typical=True)
    inputs = (image_spec((8, 8, 3)), attribute_spec(("glasses",)), strength, steps_spec(3, "steps"))
    record = make_records({"f": Signature("f", lambda **_: {}, inputs, inputs[:1])})["f"]
    beyond = {name: np.full((2, 1), 4.0, np.float32) for name in ("attributes", "strength")}
    assert set(check_batches("f", record, beyond, argument="golden_images")) == set(beyond)
    with pytest.raises(ExportError, match=r"input 'steps', must be float32 in .0.0, 3.0"):
        check_batches("f", record, {"steps": beyond["strength"]}, argument="golden_images")
