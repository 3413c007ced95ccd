"""Reconstructions as a direction: their error, and whether they look like real images."""

from collections.abc import Callable

import numpy as np

from tf_translate.data.image_dataset import ImageDataset
from tf_translate.evaluation.metrics.results import Direction
from tf_translate.experiment.dataset import evenly_spaced

RECONSTRUCT = "reconstruct"  # the direction's name
# images -> their reconstructions.
Reconstruct = Callable[[np.ndarray], np.ndarray]


def reconstruction(
    data: ImageDataset, reconstruct: Reconstruct, *, split: str, limit: int, training_limit: int
) -> Direction:
    """Builds the direction from held-out images to their reconstructions.

    The ground truth is the images themselves, and the target domain is real images. The domain
    judge is trained to distinguish training images from their reconstructions.

    Args:
        data: Images of one set.
        reconstruct: The function to evaluate.
        split: Held-out split.
        limit: Maximum number of held-out images.
        training_limit: Maximum number of training images, for the judges.
    """
    held_out = data.images(split, at=evenly_spaced(data.splits[split], limit))
    training = data.images("train", at=evenly_spaced(data.splits["train"], training_limit))
    return Direction(
        name=RECONSTRUCT,
        source=held_out,
        target=held_out,
        outputs=reconstruct(held_out),
        truth=held_out,
        train_source=reconstruct(training),
        train_target=training,
        reconstruction=True,
    )
