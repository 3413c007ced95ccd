"""Transposed convolutions with odd kernels become four convolutions; expected values by NumPy."""

import numpy as np
import pytest
import tensorflow as tf

from exporters.convert.xnnpack_rewrites import optimize_for_xnnpack
from tests.exporters.convert.xnnpack_rewrites.conftest import Converted

SHAPE = (1, 6, 5, 128)
FILTERS = 12


def doubled(image, kernel, bias=0.0):
    """A transposed convolution with stride 2 and padding "valid", in float64."""
    _, height, width, _ = image.shape
    rows, columns, filters, _ = kernel.shape
    output = np.zeros((1, 2 * (height - 1) + rows, 2 * (width - 1) + columns, filters))
    for i in range(height):
        for j in range(width):
            part = np.einsum("rcoi,i->rco", kernel.astype(float), image[0, i, j])
            output[0, 2 * i : 2 * i + rows, 2 * j : 2 * j + columns] += part
    return output + bias


def transposed(kernel, shape, padding):
    def function(image):
        return tf.nn.conv2d_transpose(image, kernel, (1, *shape, FILTERS), 2, padding)

    return function


def weights(random, rows, columns):
    kernel = random.normal(0, 0.1, (rows, columns, FILTERS, SHAPE[3]))
    return kernel.astype(np.float16).astype(np.float32)


@pytest.fixture
def image(random):
    return random.normal(0, 1, SHAPE).astype(np.float32)


@pytest.mark.thorough
@pytest.mark.parametrize("half", [False, True])
@pytest.mark.parametrize(("rows", "columns"), [(3, 3), (5, 5), (3, 4)])
def test_same_padding_becomes_four_convolutions_with_equal_sums(
    convert, random, image, rows, columns, half
):
    kernel = weights(random, rows, columns)
    before = convert(transposed(kernel, (12, 10), "SAME"), SHAPE, half=half)
    after = Converted(optimize_for_xnnpack(before.content))
    assert "TRANSPOSE_CONV" in before.operations()
    assert "TRANSPOSE_CONV" not in after.operations()
    assert after.operations().count("CONV_2D") == 4
    top, left = (rows - 2) // 2, (columns - 2) // 2
    expected = doubled(image, kernel)[:, top : top + 12, left : left + 10]
    np.testing.assert_allclose(after.run(image=image), expected, atol=2e-5)
    assert after.delegates() == 1


@pytest.mark.parametrize(("top", "left"), [(1, 1), (0, 0), (1, 0)])
def test_a_crop_becomes_part_of_the_convolutions(convert, random, image, top, left):
    kernel = weights(random, 3, 3)
    bias = np.linspace(-1, 1, FILTERS, dtype=np.float32)

    def function(image):
        whole = transposed(kernel, (13, 11), "VALID")(image) + bias
        return whole[:, top : top + 12, left : left + 10]

    before = convert(function, SHAPE)
    after = Converted(optimize_for_xnnpack(before.content))
    assert "STRIDED_SLICE" in before.operations()
    assert not {"TRANSPOSE_CONV", "STRIDED_SLICE"} & set(after.operations())
    padded = after.operations().count("PAD")
    assert padded == (0 if (top, left) == (1, 1) else 3 if (top, left) == (0, 0) else padded)
    expected = doubled(image, kernel, bias)[:, top : top + 12, left : left + 10]
    np.testing.assert_allclose(after.run(image=image), expected, atol=2e-5)


def test_odd_output_sizes_are_not_rewritten(convert, random):
    before = convert(transposed(weights(random, 3, 3), (13, 11), "VALID"), SHAPE)
    assert optimize_for_xnnpack(before.content) == before.content


def test_even_kernels_are_not_rewritten(convert, random):
    before = convert(transposed(weights(random, 4, 4), (12, 10), "SAME"), SHAPE)
    assert optimize_for_xnnpack(before.content) == before.content


def test_transposed_convolutions_of_few_channels_are_not_rewritten(convert, random):
    kernel = random.normal(0, 0.1, (3, 3, FILTERS, 64)).astype(np.float32)
    before = convert(transposed(kernel, (12, 10), "SAME"), (1, 6, 5, 64))
    assert optimize_for_xnnpack(before.content) == before.content


def test_a_crop_is_kept_if_another_operation_reads_its_input(convert, random, image):
    kernel = weights(random, 3, 3)

    def function(image):
        whole = transposed(kernel, (13, 11), "VALID")(image)
        return whole[:, 1:, 1:] + tf.reduce_max(whole, (1, 2), keepdims=True)

    before = convert(function, SHAPE)
    assert optimize_for_xnnpack(before.content) == before.content


@pytest.mark.parametrize("cut", ["step", "channels"])
def test_slices_with_steps_or_of_channels_are_kept(convert, random, cut):
    kernel = weights(random, 3, 3)

    def function(image):
        whole = transposed(kernel, (13, 11), "VALID")(image)
        return whole[:, 1::2, 1::2] if cut == "step" else whole[:, 1:, 1:, 1:]

    before = convert(function, SHAPE)
    assert optimize_for_xnnpack(before.content) == before.content
