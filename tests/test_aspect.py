"""Training and inference bring images to the size of a model alike."""

from typing import get_args

import numpy as np
import pytest

from exporters.bundle import field_types
from exporters.inference import aspect as inference
from tf_translate.aspect import onto_canvas
from tf_translate.config import data

SIZES = [(8, 12), (64, 128), (128, 64), (33, 9), (9, 61), (1, 40), (5, 7), (100, 70)]


def test_both_know_the_same_aspects():
    assert get_args(data.Aspect) == get_args(field_types.Aspect)
    assert get_args(data.Interpolation) == get_args(field_types.Interpolation)


@pytest.mark.parametrize("channels", [1, 3, 4])
@pytest.mark.parametrize("aspect", get_args(data.Aspect))
def test_training_and_inference_give_the_same_pixels(aspect, channels):
    random = np.random.default_rng(channels)
    for size in SIZES:
        pixels = random.integers(0, 256, (*size, channels)).astype(np.uint8)
        for canvas in ((64, 64), (8, 12), (30, 17)):
            trained = onto_canvas(pixels, canvas, aspect)
            assert trained.shape == (*canvas, channels)
            np.testing.assert_array_equal(trained, inference.onto_canvas(pixels, canvas, aspect))
            nearest = onto_canvas(pixels, canvas, aspect, interpolation="nearest")
            expected = inference.onto_canvas(pixels, canvas, aspect, "nearest")
            np.testing.assert_array_equal(nearest, expected)
