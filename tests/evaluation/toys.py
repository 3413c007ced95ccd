"""Toy domains: random blobs, filled and red in one, dark outlines in the other."""

import numpy as np
from scipy import ndimage


def blobs(count, *, seed, side=32):
    """The same random shapes in both domains: float32 `(count, side, side, 3)` twice."""
    random = np.random.default_rng(seed)
    rows, columns = np.mgrid[:side, :side]
    filled, outlined = np.ones((2, count, side, side, 3), np.float32)
    for i in range(count):
        mask = np.zeros((side, side), bool)
        for _ in range(3):
            y, x = random.uniform(6, side - 6, 2)
            height, width = random.uniform(2, 7, 2)
            mask |= ((rows - y) / height) ** 2 + ((columns - x) / width) ** 2 < 1
        filled[i][mask] = (0.9, -0.6, -0.6)
        outlined[i][mask & ~ndimage.binary_erosion(mask)] = -1.0
    return filled, outlined
