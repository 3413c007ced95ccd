"""Value ranges that the first and last layers of a network tell."""

import keras
import pytest
from keras import layers, ops

from tf_translate.layers.nearest_upsampling import NearestUpsampling2D
from tf_translate.layers.reflection_padding import ReflectionPadding2D
from tf_translate.layers.value_ranges import find_input_range, find_output_range, image_ranges

SHAPE = (8, 8, 3)


def _network(*parts):
    return keras.Sequential([keras.Input(SHAPE), *parts])


def _functional(function):
    images = keras.Input(SHAPE)
    return keras.Model(images, function(images))


@pytest.mark.parametrize(
    ("last", "expected"),
    [
        ([layers.Conv2D(3, 1, activation="sigmoid")], (0, 1)),
        ([layers.Conv2D(3, 1, activation="hard_sigmoid")], (0, 1)),
        ([layers.Conv2D(3, 1, activation="tanh")], (-1, 1)),
        ([layers.Conv2D(3, 1), layers.Activation("tanh")], (-1, 1)),
        # tanh * 127.5 + 127.5; sigmoid * 255; (sigmoid - 0.5) * 2
        ([layers.Activation("tanh"), layers.Rescaling(127.5, 127.5)], (0, 255)),
        ([layers.Activation("sigmoid"), layers.Rescaling(255)], (0, 255)),
        ([layers.Activation("sigmoid"), layers.Rescaling(2.0, -1.0)], (-1, 1)),
        ([layers.Activation("tanh"), layers.Rescaling(-0.5, 0.5)], (0, 1)),
        (
            [
                layers.Activation("tanh"),
                layers.Dropout(0.5),
                layers.UpSampling2D(),
                NearestUpsampling2D(),
                ReflectionPadding2D(1),
                layers.Cropping2D(2),
                layers.Activation("linear"),
            ],
            (-1, 1),
        ),
        ([_network(layers.Activation("sigmoid"))], (0, 1)),
        ([layers.Activation("tanh"), _network(layers.Rescaling(127.5, 127.5))], (0, 255)),
    ],
)
def test_the_range_after_a_bounded_layer_is_known(last, expected):
    assert find_output_range(_network(layers.Conv2D(3, 1), *last), None) == expected


@pytest.mark.parametrize(
    "last",
    [
        [layers.Conv2D(3, 1)],
        [layers.ReLU()],
        [layers.Conv2D(3, 1, activation="relu")],
        [layers.Conv2D(3, 1, activation="softmax")],
        [layers.Activation("tanh"), layers.Conv2D(3, 1)],
        [layers.Activation("tanh"), layers.BatchNormalization()],
        [layers.Conv2D(3, 1), layers.Rescaling(127.5, 127.5)],
        [layers.Activation("tanh"), layers.Rescaling([1.0, 2.0, 3.0])],  # one for each channel
        [layers.Activation("tanh"), layers.UpSampling2D(interpolation="bicubic")],  # overshoots
    ],
)
def test_the_range_after_an_unbounded_layer_is_unknown(last):
    assert find_output_range(_network(layers.Conv2D(3, 1), *last), (-1, 1)) is None


@pytest.mark.parametrize(
    ("function", "expected"),
    [
        (ops.sigmoid, (0, 1)),
        (ops.tanh, (-1, 1)),
        (lambda x: ops.clip(x, 0, 255), (0, 255)),
        (lambda x: (ops.tanh(x) + 1) * 127.5, (0, 255)),
        (lambda x: (1 - ops.sigmoid(x)) / 2, (0, 0.5)),
        (lambda x: 1 / (ops.tanh(x)), None),
        (lambda x: x + ops.tanh(x), None),
    ],
)
def test_functions_of_a_functional_network_are_known(function, expected):
    assert find_output_range(_functional(function), None) == expected


def test_a_network_that_only_rescales_has_the_range_of_its_input():
    network = _network(layers.Rescaling(255.0))
    assert find_output_range(network, (0, 1)) == (0, 255)
    assert find_output_range(network, None) is None


@pytest.mark.parametrize(
    ("first", "expected"),
    [
        ([layers.Rescaling(1 / 127.5, -1)], (0, 255)),
        ([layers.Rescaling(1 / 255)], (0, 255)),
        ([layers.Rescaling(1 / 128, -1)], (0, 255)),  # 255 / 128 - 1 = 0.992
        ([layers.Rescaling(2.0, -1.0)], (0, 1)),
        ([layers.Rescaling(0.5, 0.5)], (-1, 1)),
        ([layers.Rescaling(1 / 255), layers.Rescaling(2.0, -1.0)], (0, 255)),
        ([ReflectionPadding2D(1), layers.Rescaling(1 / 127.5, -1)], (0, 255)),
        ([_network(layers.Rescaling(1 / 127.5, -1))], (0, 255)),
        ([], None),
        ([layers.Conv2D(3, 1), layers.Rescaling(1 / 255)], None),
        ([layers.Rescaling(3.0)], None),
        ([layers.Rescaling([1 / 255] * 3)], None),
    ],
)
def test_a_leading_rescaling_tells_the_input_range(first, expected):
    assert find_input_range(_network(*first, layers.Conv2D(3, 1))) == expected


def test_arithmetic_on_the_input_tells_its_range():
    network = _functional(lambda x: layers.Conv2D(3, 1)(x / 127.5 - 1.0))
    assert find_input_range(network) == (0, 255)


def test_an_input_that_is_also_used_unscaled_tells_nothing():
    def function(images):
        return layers.Conv2D(3, 1)(layers.Rescaling(1 / 255)(images)) + images

    assert find_input_range(_functional(function)) is None


def test_given_ranges_come_before_those_of_layers_and_missing_ones_are_named():
    network = _network(layers.Conv2D(3, 1, activation="sigmoid"))
    found = image_ranges(network)
    assert (found.input, found.output, found.assumed) == ((0, 1), (0, 1), ("input",))
    unknown = image_ranges(_network(layers.Conv2D(3, 1)))
    assert (unknown.input, unknown.output) == ((-1, 1), (-1, 1))
    assert unknown.assumed == ("input", "output")
    given = image_ranges(network, (0, 255), (0, 2))
    assert (given.input, given.output, given.assumed) == ((0, 255), (0, 2), ())
