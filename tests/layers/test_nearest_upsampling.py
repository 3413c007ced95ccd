import numpy as np

from tf_translate.layers.nearest_upsampling import NearestUpsampling2D


def test_upsampling_repeats_every_pixel_in_two_by_two():
    images = np.random.default_rng(0).normal(size=(2, 3, 4, 5)).astype(np.float32)
    expected = images.repeat(2, axis=1).repeat(2, axis=2)
    layer = NearestUpsampling2D()
    np.testing.assert_array_equal(layer(images), expected)
    assert layer.compute_output_shape((None, 3, None, 5)) == (None, 6, None, 5)
