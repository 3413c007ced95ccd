"""The data a method trains on, opened by its layout."""

import numpy as np

from tf_translate.config.schema import Config
from tf_translate.data.attribute_dataset import LabelledData, open_attribute_dataset
from tf_translate.data.domain_dataset import ImageData, open_data
from tf_translate.data.image_dataset import ImageSet, open_image_dataset
from tf_translate.methods import registry

Data = ImageData | ImageSet  # with attributes: LabelledData


def open_for(config: Config) -> Data:
    """Opens the data of a configuration in the layout that its method needs.

    Raises:
        DataError: If there is nothing of that layout, or images are broken.
    """
    layout = registry.find(config.method).layout
    if layout == "attributes":
        return open_attribute_dataset(config.data)
    if layout == "images":
        return open_image_dataset(config.data)
    return open_data(config.data, paired=layout == "paired")


def preview(data: Data, split: str, count: int) -> dict[str, np.ndarray]:
    """A few images of a split, as the method's batches name them."""
    if isinstance(data, ImageSet):
        chosen = np.linspace(0, data.splits[split] - 1, min(count, data.splits[split]))
        at = chosen.round().astype(int)
        shown = {"image": data.images(split, at=at)}
        if isinstance(data, LabelledData):
            shown["attributes"] = data.values(split)[at]
        return shown
    a, b = data.arrays(split, limit=count)
    return {"a": a, "b": b}


def held_out(data: Data) -> str:
    """The split that results are measured on."""
    return next(split for split in ("test", "validation", "train") if split in data.splits)
