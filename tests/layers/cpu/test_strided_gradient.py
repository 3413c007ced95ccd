import numpy as np
import pytest
import tensorflow as tf

from tf_translate.layers.cpu.strided_gradient import gradient_by_parity


@pytest.mark.parametrize("kernel", [(3, 3), (2, 2), (4, 5), (1, 3)])
@pytest.mark.parametrize("spare", [0, 1])
def test_the_gradient_equals_sums_over_pixels(kernel, spare):
    """Also where the kernel does not reach the last row and column."""
    random = np.random.default_rng(0)
    rows, columns = kernel
    upstream = random.normal(size=(2, 4, 3, 5))
    images = random.normal(size=(2, 6 + rows + spare, 4 + columns + spare, 3))
    expected = np.zeros((rows, columns, 3, 5))
    for row in range(rows):
        for column in range(columns):
            pixels = images[:, row : row + 7 : 2, column : column + 5 : 2]
            expected[row, column] = np.einsum("bijc,bijo->co", pixels, upstream)
    found = gradient_by_parity(tf.constant(images), tf.constant(upstream), expected.shape)
    np.testing.assert_allclose(found, expected, rtol=1e-12)
