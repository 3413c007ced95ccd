"""The data a method trains on, opened by its layout."""

import numpy as np

from tf_translate.config.schema import Config
from tf_translate.data.labelled import LabelledData, open_labelled
from tf_translate.data.pipeline import ImageData, open_data
from tf_translate.methods import registry

Data = ImageData | LabelledData


def open_for(config: Config) -> Data:
    """Opens the data of a configuration in the layout that its method needs.

    Raises:
        DataError: If there is nothing of that layout, or pictures are broken.
    """
    layout = registry.find(config.method).layout
    if layout == "attributes":
        return open_labelled(config.data)
    return open_data(config.data, paired=layout == "paired")


def preview(data: Data, split: str, count: int) -> dict[str, np.ndarray]:
    """A few pictures of a split, as the method's batches name them."""
    if isinstance(data, LabelledData):
        chosen = np.linspace(0, data.splits[split] - 1, min(count, data.splits[split]))
        at = chosen.round().astype(int)
        return {"image": data.images(split, at=at), "attributes": data.values(split)[at]}
    a, b = data.arrays(split, limit=count)
    return {"a": a, "b": b}


def held_out(data: Data) -> str:
    """The split that results are measured on."""
    return next(split for split in ("test", "validation", "train") if split in data.splits)
