"""The dataset of a configuration, opened in the layout of its method."""

from collections.abc import Container
from typing import Protocol

import numpy as np
from rich.console import Console

from tf_translate.config.schema import Config
from tf_translate.data.attribute_dataset import AttributeDataset, open_attribute_dataset
from tf_translate.data.domain_dataset import DomainDataset, open_domain_dataset
from tf_translate.data.image_dataset import ImageDataset, open_image_dataset
from tf_translate.methods import registry

Data = DomainDataset | ImageDataset  # AttributeDataset is an ImageDataset


def open_dataset(config: Config) -> Data:
    """Opens the data of a configuration in the layout that its method needs.

    Raises:
        DataError: If no data of that layout is found, or images are broken.
    """
    layout = registry.find(config.method).layout
    if layout == "attributes":
        return open_attribute_dataset(config.data)
    if layout == "images":
        return open_image_dataset(config.data)
    return open_domain_dataset(config.data, paired=layout == "paired")


def preview(data: Data, split: str, count: int) -> dict[str, np.ndarray]:
    """A few evenly spaced samples of a split, with the keys of the method's batches."""
    if isinstance(data, ImageDataset):
        at = evenly_spaced(data.splits[split], count)
        samples = {"image": data.images(split, at=at)}
        if isinstance(data, AttributeDataset):
            samples["attributes"] = data.values(split)[at]
        return samples
    a, b = data.arrays(split, limit=count)
    return {"a": a, "b": b}


class _HasSplits(Protocol):
    @property
    def splits(self) -> Container[str]: ...


def held_out_split(data: _HasSplits) -> str:
    """The split that results are measured on: test, or else validation, or else training."""
    return next(split for split in ("test", "validation", "train") if split in data.splits)


def evenly_spaced(count: int, limit: int) -> np.ndarray:
    """Selects at most `limit` evenly spaced indices below `count`."""
    return np.linspace(0, count - 1, min(count, limit)).round().astype(int)


def report_found(data: Data, *, quiet: bool = False) -> None:
    """Prints on stderr, for each split, how many images were found and what was left out."""
    console = Console(stderr=True, highlight=False, markup=False, quiet=quiet)
    for line in data.found_lines():
        console.print(line, soft_wrap=True)
