"""Convolutions to few channels are split in two; expected values by SciPy."""

import numpy as np
import pytest
import tensorflow as tf
from scipy.signal import correlate2d

from exporters.convert.xnnpack_rewrites import optimize_for_xnnpack
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


@pytest.mark.thorough
@pytest.mark.parametrize("half", [False, True])
@pytest.mark.parametrize(
    ("sides", "padding"), [((7, 7), "VALID"), ((5, 3), "SAME"), ((4, 4), "SAME")]
)
def test_a_convolution_to_few_channels_becomes_two_with_equal_sums(
    convert, random, sides, padding, half
):
    kernel = random.normal(0, 0.1, (*sides, 32, 3)).astype(np.float16).astype(np.float32)
    bias = np.float32([0.5, -0.25, 0.0])
    image = random.normal(0, 1, SHAPE).astype(np.float32)
    before = convert(lambda x: tf.nn.conv2d(x, kernel, 1, padding) + bias, SHAPE, half=half)
    after = Converted(optimize_for_xnnpack(before.content))
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


@pytest.mark.thorough
def test_the_fused_activation_stays_on_the_second_convolution(convert, random):
    kernel = random.normal(0, 0.1, (7, 7, 32, 3)).astype(np.float32)
    image = random.normal(0, 1, SHAPE).astype(np.float32)
    before = convert(lambda x: tf.nn.relu(tf.nn.conv2d(x, kernel, 1, "VALID")), SHAPE)
    after = Converted(optimize_for_xnnpack(before.content))
    assert after.operations() == ["CONV_2D", "CONV_2D"]
    expected = np.maximum(convolved(image, kernel, np.zeros(3), "valid"), 0)
    assert (expected == 0).any()
    np.testing.assert_allclose(after.run(image=image), expected, atol=2e-5)


@pytest.mark.thorough
@pytest.mark.parametrize(
    ("sides", "channels", "strides", "dilations"),
    [
        ((7, 7), 16, 1, 1),  # fills the lanes of every processor
        ((1, 7), 3, 1, 1),  # one row already
        ((7, 7), 3, 2, 1),
        ((7, 7), 3, 1, 2),
    ],
)
def test_convolutions_that_would_gain_nothing_are_not_rewritten(
    convert, random, sides, channels, strides, dilations
):
    kernel = random.normal(0, 0.1, (*sides, 32, channels)).astype(np.float32)
    before = convert(
        lambda x: tf.nn.conv2d(x, kernel, strides, "VALID", dilations=dilations), SHAPE
    )
    assert optimize_for_xnnpack(before.content) == before.content


@pytest.mark.thorough
def test_convolutions_of_small_feature_maps_are_not_rewritten(convert, random):
    kernel = random.normal(0, 0.1, (7, 7, 32, 3)).astype(np.float32)
    before = convert(lambda x: tf.nn.conv2d(x, kernel, 1, "VALID"), (1, 10, 10, 32))
    assert optimize_for_xnnpack(before.content) == before.content


@pytest.mark.thorough
def test_grouped_convolutions_are_not_rewritten(convert, random):
    """Groups partition the input channels by order, which the rewrite would change."""
    kernel = random.normal(0, 0.1, (7, 7, 16, 2)).astype(np.float32)
    before = convert(lambda x: tf.nn.conv2d(x, kernel, 1, "VALID"), SHAPE)
    assert before.operations() == ["CONV_2D"]
    assert optimize_for_xnnpack(before.content) == before.content
