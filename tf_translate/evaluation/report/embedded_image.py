"""Images as data URLs, so that a page needs no other file."""

import base64
import io

import numpy as np
from PIL import Image

from tf_translate.images import resize, to_rgb

_MAX_SIDE = 256  # px; larger images are downsampled for a page
_MAX_LOSSLESS_SIDE = 96  # px; images up to this side are stored losslessly


def data_url(image: np.ndarray) -> str:
    """Encodes uint8 `(h, w, c)` as a data URL: WebP, lossless for small images."""
    pixels = to_rgb(image)
    height, width = pixels.shape[:2]
    longest = max(height, width)
    if longest > _MAX_SIDE:
        scale = _MAX_SIDE / longest
        pixels = resize(pixels, (max(1, round(height * scale)), max(1, round(width * scale))))
    data = io.BytesIO()
    lossless = longest <= _MAX_LOSSLESS_SIDE
    Image.fromarray(pixels).save(data, "WEBP", lossless=lossless, quality=100 if lossless else 88)
    return "data:image/webp;base64," + base64.b64encode(data.getvalue()).decode()
