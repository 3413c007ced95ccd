import numpy as np
import pytest

from exporters.inference.aspect import Box, fit, onto_canvas


def test_an_image_is_centred_as_large_as_its_aspect_allows():
    # 40x20 on 8x12: a fifth of it is 8x4, four columns free on each side
    assert fit((40, 20), (8, 12)) == Box(top=0, left=4, height=8, width=4)
    assert fit((10, 60), (8, 12)) == Box(top=3, left=0, height=2, width=12)
    assert fit((1, 5000), (8, 12)) == Box(top=3, left=0, height=1, width=12)


def _bicubic(before, after):
    """Keys' cubic (a = -0.5), widened where a side shrinks, as a matrix `(after, before)`."""
    scale = before / after
    spread = max(1.0, scale)
    centres = (np.arange(after) + 0.5) * scale
    distance = np.abs(np.arange(before) + 0.5 - centres[:, None]) / spread
    near = (1.5 * distance - 2.5) * distance**2 + 1
    far = ((-0.5 * distance + 2.5) * distance - 4) * distance + 2
    weights = np.where(distance < 1, near, np.where(distance < 2, far, 0))
    return weights / weights.sum(1, keepdims=True)


@pytest.mark.parametrize("size", [(60, 20), (20, 60), (30, 30)])
def test_rows_are_resized_before_columns_whatever_the_shape(size):
    pixels = np.random.default_rng(0).integers(0, 256, (*size, 1), np.uint8)
    canvas = (size[0] // 5, size[1] // 5)
    vertical, horizontal = _bicubic(size[0], canvas[0]), _bicubic(size[1], canvas[1])

    def levels(values):
        return np.rint(values).clip(0, 255)

    rows_first = levels(vertical @ levels(pixels[..., 0] @ horizontal.T))
    columns_first = levels(levels(vertical @ pixels[..., 0]) @ horizontal.T)
    found = onto_canvas(pixels, canvas)[..., 0]
    np.testing.assert_array_equal(found, rows_first)
    assert (found != columns_first).any()
