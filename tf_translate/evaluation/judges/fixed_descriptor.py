"""Fixed layers of the content judge: which edges run where, and roughly which colours are where.

Why fixed: on the shipped samples (held-out, share of true counterparts that find their source)
convolutions trained for 40 s found .44 of 128 Noto images and .65 of 96 renders of line
art, plain pixels .48 and .39, these two layers alone .68 and .93.
"""

import keras
import numpy as np
from keras import ops

DIRECTIONS = 8
CELLS = 8  # cells along a side


@keras.saving.register_keras_serializable("tf_translate")
class OrientedEdges(keras.layers.Layer):
    """Gives how strongly edges of 8 directions run through each of 8 x 8 overlapping cells.

    The sign of an edge does not count (light on dark equals dark on light), and every cell is
    measured against its neighbourhood, so that faint and bold drawings look alike. The floor
    is what an edge must have to count: it keeps information that a network hides in noise from
    being seen.

    Args:
        floor: Added to the neighbourhood's mean square; an edge of contrast `sqrt(floor)`
            (range 2) counts about half.

    Call arguments:
        images: `(batch, side, side, 3)` in [-1, 1], side a multiple of 8.

    Returns:
        `(batch, 8, 8, 8)`, non-negative: rows, columns, directions of the gradient from 0
        (left to right) in steps of 22.5 degrees.

    Source: after Dalal and Triggs 2005, "Histograms of oriented gradients for human
    detection"; directions from the structure tensor summed over channels.
    """

    def __init__(self, *, floor: float = 0.01, **options):
        super().__init__(**options)
        self.floor = floor

    def call(self, images):
        """Measures edges; see the class."""
        right = images[:, :, 2:] - images[:, :, :-2]
        down = images[:, 2:] - images[:, :-2]
        right = ops.pad(right, [[0, 0], [0, 0], [1, 1], [0, 0]])  # the frame is no edge
        down = ops.pad(down, [[0, 0], [1, 1], [0, 0], [0, 0]])
        # Cosine and sine of twice the direction: an edge and its negative are one.
        cosine = ops.sum(right * right - down * down, axis=-1, keepdims=True)
        sine = ops.sum(2.0 * right * down, axis=-1, keepdims=True)
        energy = ops.sqrt(cosine * cosine + sine * sine + 1e-8)
        doubled = np.arange(DIRECTIONS, dtype=np.float32) * 2.0 * np.pi / DIRECTIONS
        along = (cosine * np.cos(doubled) + sine * np.sin(doubled)) / energy
        edges = ops.maximum(along, 0.0) ** 3 * ops.sqrt(energy)  # (b, s, s, 8)
        cell = images.shape[1] // CELLS
        edges = ops.average_pool(edges, 2 * cell, cell, padding="same")  # (b, 8, 8, 8)
        squared = ops.sum(edges * edges, axis=-1, keepdims=True)
        around = ops.average_pool(squared, 3, 1, padding="same")
        return edges / ops.sqrt(around + self.floor)

    def get_config(self):
        """Gives what the constructor takes."""
        return {**super().get_config(), "floor": self.floor}


@keras.saving.register_keras_serializable("tf_translate")
class CoarseColour(keras.layers.Layer):
    """Gives the mean colour of each of 8 x 8 cells, less the mean of the whole image.

    Call arguments:
        images: `(batch, side, side, 3)` in [-1, 1], side a multiple of 8.

    Returns:
        `(batch, 8, 8, 3)`; its mean over everything is 0.
    """

    def call(self, images):
        """Measures colours; see the class."""
        cell = images.shape[1] // CELLS
        colours = ops.average_pool(images, cell, cell)
        return colours - ops.mean(colours, axis=(1, 2, 3), keepdims=True)
