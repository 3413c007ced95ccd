"""Convolutions to few channels as two, against sums by SciPy."""

import numpy as np
import pytest
import tensorflow as tf
from scipy.signal import correlate2d

from exporters.convert.xnnpack_rewrites import quicker
from tests.exporters.convert.xnnpack_rewrites.conftest import Converted

SHAPE = (1, 60, 64, 32)


def convolved(image, kernel, bias, mode):
    """A convolution in float64, channel by channel."""
    return np.stack(
        [
            sum(
                correlate2d(image[0, :, :, i], kernel[:, :, i, o], mode)
                for i in range(kernel.shape[2])
            )
            + bias[o]
            for o in range(kernel.shape[3])
        ],
        axis=-1,
    )[None]


@pytest.mark.parametrize("half", [False, True])
@pytest.mark.parametrize(
    ("sides", "padding"), [((7, 7), "VALID"), ((5, 3), "SAME"), ((4, 4), "SAME")]
)
def test_same_sums_by_row_and_column(convert, random, sides, padding, half):
    kernel = random.normal(0, 0.1, (*sides, 32, 3)).astype(np.float16).astype(np.float32)
    bias = np.float32([0.5, -0.25, 0.0])
    image = random.normal(0, 1, SHAPE).astype(np.float32)
    before = convert(lambda x: tf.nn.conv2d(x, kernel, 1, padding) + bias, SHAPE, half=half)
    after = Converted(quicker(before.content))
    assert before.operations().count("CONV_2D") == 1
    assert after.operations().count("CONV_2D") == 2
    if padding == "SAME":  # an even kernel pads one more after than before, which SciPy does not
        over = [side - 1 for side in sides]
        around = [(0, 0), *((each // 2, each - each // 2) for each in over), (0, 0)]
        expected = convolved(np.pad(image, around), kernel, bias, "valid")
    else:
        expected = convolved(image, kernel, bias, "valid")
    np.testing.assert_allclose(after.run(image=image), expected, atol=2e-5)
    assert after.delegates() == 1


def test_the_activation_stays_behind_the_sum(convert, random):
    kernel = random.normal(0, 0.1, (7, 7, 32, 3)).astype(np.float32)
    image = random.normal(0, 1, SHAPE).astype(np.float32)
    before = convert(lambda x: tf.nn.relu(tf.nn.conv2d(x, kernel, 1, "VALID")), SHAPE)
    after = Converted(quicker(before.content))
    assert after.operations() == ["CONV_2D", "CONV_2D"]
    expected = np.maximum(convolved(image, kernel, np.zeros(3), "valid"), 0)
    assert (expected == 0).any()
    np.testing.assert_allclose(after.run(image=image), expected, atol=2e-5)


@pytest.mark.parametrize(
    ("sides", "channels", "strides", "dilations"),
    [
        ((7, 7), 16, 1, 1),  # fills the lanes of every processor
        ((1, 7), 3, 1, 1),  # one row already
        ((7, 7), 3, 2, 1),
        ((7, 7), 3, 1, 2),
    ],
)
def test_left_as_they_are(convert, random, sides, channels, strides, dilations):
    kernel = random.normal(0, 0.1, (*sides, 32, channels)).astype(np.float32)
    before = convert(
        lambda x: tf.nn.conv2d(x, kernel, strides, "VALID", dilations=dilations), SHAPE
    )
    assert quicker(before.content) == before.content


def test_small_maps_are_left_as_they_are(convert, random):
    kernel = random.normal(0, 0.1, (7, 7, 32, 3)).astype(np.float32)
    before = convert(lambda x: tf.nn.conv2d(x, kernel, 1, "VALID"), (1, 10, 10, 32))
    assert quicker(before.content) == before.content


def test_groups_are_left_as_they_are(convert, random):
    """Groups cut the channels that are given by their order, which rows would change."""
    kernel = random.normal(0, 0.1, (7, 7, 16, 2)).astype(np.float32)
    before = convert(lambda x: tf.nn.conv2d(x, kernel, 1, "VALID"), SHAPE)
    assert before.operations() == ["CONV_2D"]
    assert quicker(before.content) == before.content
