"""`tf.pad` with mirrored borders becomes slices and concatenations; expected values by NumPy."""

import numpy as np
import pytest
import tensorflow as tf

from exporters.convert.xnnpack_rewrites import delegate_copies, optimize_for_xnnpack
from exporters.tflite_graph.operators import read_signatures
from tests.exporters.convert.xnnpack_rewrites.conftest import Converted

MODES = {"REFLECT": "reflect", "SYMMETRIC": "symmetric"}


def padded(amounts, mode):
    return lambda image: tf.pad(image, amounts, mode)


def around(rows, columns=None):
    return [(0, 0), rows, columns or rows, (0, 0)]


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(
    ("shape", "amounts"),
    [
        ((1, 5, 7, 3), around((1, 1))),
        ((1, 7, 4, 2), around((3, 3))),
        ((1, 6, 5, 1), around((0, 2), (4, 1))),
        ((1, 5, 4), [(0, 0), (0, 0), (2, 3)]),
    ],
)
def test_the_values_of_the_border_are_equal_and_delegated(convert, random, shape, amounts, mode):
    before = convert(padded(amounts, mode), shape)
    after = Converted(delegate_copies(before.content))
    assert "MIRROR_PAD" in before.operations()
    assert set(after.operations()) == {"SLICE", "CONCATENATION"}
    image = random.normal(0, 1, shape).astype(np.float32)
    np.testing.assert_array_equal(after.run(image=image), np.pad(image, amounts, MODES[mode]))
    assert after.delegates() == 1


def test_a_concatenation_has_at_most_the_five_parts_that_xnnpack_takes(convert, random):
    amounts, shape = around((16, 7)), (1, 17, 18, 2)
    after = Converted(delegate_copies(convert(padded(amounts, "REFLECT"), shape).content))
    nodes = read_signatures(after.content)["serving_default"].nodes
    joined = [len(node.inputs) for node in nodes if node.operation == "CONCATENATION"]
    assert max(joined) <= 5
    image = random.normal(0, 1, shape).astype(np.float32)
    np.testing.assert_array_equal(after.run(image=image), np.pad(image, amounts, "reflect"))


def test_borders_of_many_rows_are_kept(convert):
    before = convert(padded(around((17, 0)), "REFLECT"), (1, 20, 20, 2))
    assert delegate_copies(before.content) == before.content


def test_between_convolutions_the_graph_stays_whole(convert, random):
    kernel = random.normal(0, 0.1, (3, 3, 8, 8)).astype(np.float32)

    def function(image):
        hidden = tf.nn.conv2d(image, kernel, 1, "VALID")
        return tf.nn.conv2d(tf.pad(hidden, around((1, 1)), "REFLECT"), kernel, 1, "VALID")

    before = convert(function, (1, 9, 11, 8))
    after = Converted(optimize_for_xnnpack(before.content))
    assert (before.delegates(), after.delegates()) == (2, 1)
    image = random.normal(0, 1, (1, 9, 11, 8)).astype(np.float32)
    np.testing.assert_allclose(after.run(image=image), function(image), atol=1e-6)
