import numpy as np
import pytest
import tensorflow as tf

from tf_translate.layers.cpu.strided_gradient import gradients_by_parity


@pytest.mark.parametrize("kernel", [(3, 3), (2, 2), (4, 5), (1, 3)])
@pytest.mark.parametrize("spare", [0, 1])
def test_gradients_are_those_of_sums_by_hand(kernel, spare):
    """Also where a last row and column are met by nothing."""
    random = np.random.default_rng(0)
    rows, columns = kernel
    upstream = random.normal(size=(2, 4, 3, 5))
    images = random.normal(size=(2, 6 + rows + spare, 4 + columns + spare, 3))
    wanted = np.zeros((rows, columns, 3, 5))
    for row in range(rows):
        for column in range(columns):
            met = images[:, row : row + 7 : 2, column : column + 5 : 2]
            wanted[row, column] = np.einsum("bijc,bijo->co", met, upstream)
    found = gradients_by_parity(tf.constant(images), tf.constant(upstream), wanted.shape)
    np.testing.assert_allclose(found, wanted, rtol=1e-12)
