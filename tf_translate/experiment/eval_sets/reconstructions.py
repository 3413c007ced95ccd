"""Reconstructions as a direction: does an image come back, and does it look like a real one?"""

from collections.abc import Callable

import numpy as np

from tf_translate.data.image_dataset import ImageSet
from tf_translate.evaluation.metrics.results import Direction

# From images to what they are given back as.
Reconstruct = Callable[[np.ndarray], np.ndarray]


def reconstruction(
    data: ImageSet, reconstruct: Reconstruct, *, split: str, limit: int, learn: int
) -> Direction:
    """Gives the direction from held-out images to their reconstructions.

    Their truth is the images themselves, and the target to look like is real images. The
    domain judge learns to tell reconstructions of training images from these images.

    Args:
        data: Images of one set.
        reconstruct: What is measured.
        split: Held-out split.
        limit: Most held-out images.
        learn: Most training images, for the judges.
    """
    held_out = data.images(split, at=_spread(data.splits[split], limit))
    taught = data.images("train", at=_spread(data.splits["train"], learn))
    return Direction(
        name="reconstruct",
        source=held_out,
        target=held_out,
        outputs=reconstruct(held_out),
        truth=held_out,
        train_source=reconstruct(taught),
        train_target=taught,
        reconstruction=True,
    )


def _spread(count: int, limit: int) -> np.ndarray:
    """At most `limit` places spread evenly over `count`."""
    return np.linspace(0, count - 1, min(count, limit)).round().astype(int)
