"""Images as data URLs."""

import base64
import io

import numpy as np
from PIL import Image

from tf_translate.evaluation.report.embedded_image import data_url


def test_small_images_are_lossless_and_large_ones_downsampled():
    def decoded(image):
        data = data_url(image).split(",")[1]
        return np.asarray(Image.open(io.BytesIO(base64.b64decode(data))).convert("RGB"))

    small = np.random.default_rng(0).integers(0, 256, (20, 30, 3), np.uint8)
    np.testing.assert_array_equal(decoded(small), small)
    assert decoded(np.zeros((300, 600, 1), np.uint8)).shape == (128, 256, 3)
