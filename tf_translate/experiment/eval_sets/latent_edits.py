"""Attribute edits by methods that learn from images alone, from means of images with attributes.

Latent arithmetic adds to the latent of an image the mean latent of training images with the new
value minus that of training images with its present value. The photo editor gets the mean image of
the new value as what a user paints, where it differs visibly from that of the present value.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from tf_translate.config.attributes import Attribute
from tf_translate.config.data import DataConfig
from tf_translate.core.signature import Signature
from tf_translate.data.attribute_dataset import AttributeDataset, open_attribute_dataset
from tf_translate.errors import ConfigError, DataError
from tf_translate.experiment.dataset import evenly_spaced

PAINTED = "_painted"  # end of the names of directions by the photo editor
_VISIBLE = 0.1  # least difference of the mean images in a channel, of 2, that is painted
_BATCH = 16
_CODERS, _PAINTER = ("encode", "decode"), ("edit", {"image", "target", "mask"})


@dataclass(frozen=True)
class ValueMeans:
    """Means over training images by the value of one attribute.

    Attributes:
        columns: First column, and last column + 1, of the attribute.
        latents: Mean latent by the bytes of the encoded value.
        images: Mean image by the same.
    """

    columns: slice
    latents: dict[bytes, np.ndarray]
    images: dict[bytes, np.ndarray]


def open_with_attributes(
    config: DataConfig, attributes: Mapping[str, list[str]]
) -> AttributeDataset:
    """Opens the images that a method learned from without labels, with attributes."""
    return open_attribute_dataset(config.model_copy(update={"attributes": dict(attributes)}))


class LatentEditor:
    """Edits attributes of images through the latents of a method that knows no attributes.

    Args:
        data: Images with attributes; only training images are used for the means.
        signatures: Those of the method, among them "encode" and "decode".
        limit: Number of training images for the means, evenly spaced.

    Raises:
        ConfigError: If the method has no latents.
        DataError: If a value has no training image among them.
    """

    def __init__(
        self, data: AttributeDataset, signatures: Mapping[str, Signature], *, limit: int
    ) -> None:
        if not set(_CODERS) <= set(signatures):
            raise ConfigError(
                "evaluation.attributes needs a method with latents, which deploys encode and "
                f"decode, got one that deploys {', '.join(signatures)}; leave it out"
            )
        self._signatures = signatures
        at = evenly_spaced(data.splits["train"], limit)
        images, values = data.images("train", at=at), data.values("train")[at]
        latents = self._encode(images)
        self._means = [
            _means(attribute, slice(*span), values, latents, images)
            for attribute, span in zip(
                data.attributes.definitions, data.attributes.spans, strict=True
            )
        ]

    @property
    def can_paint(self) -> bool:
        """Whether the method has a photo editor."""
        name, inputs = _PAINTER
        return name in self._signatures and inputs <= {
            spec.name for spec in self._signatures[name].inputs
        }

    def by_arithmetic(
        self, images: np.ndarray, present: np.ndarray, edited: np.ndarray
    ) -> np.ndarray:
        """Edits images by latent arithmetic.

        Args:
            images: Held-out images, float32 `(n, h, w, c)` in [-1, 1].
            present, edited: Their encoded attributes before and after the edit, `(n, columns)`.
        """
        latents = self._encode(images)
        for index, means, before, after in self._changes(present, edited):
            latents[index] += means.latents[after] - means.latents[before]
        return _in_batches(self._signatures["decode"], latent=latents)

    def by_painting(
        self, images: np.ndarray, present: np.ndarray, edited: np.ndarray
    ) -> np.ndarray:
        """Edits images by the photo editor; arguments as in `by_arithmetic`."""
        targets, masks = images.copy(), np.zeros((*images.shape[:3], 1), np.float32)
        for index, means, before, after in self._changes(present, edited):
            painted = np.abs(means.images[after] - means.images[before]).max(-1) > _VISIBLE
            targets[index][painted] = means.images[after][painted]
            masks[index][painted] = 1.0
        return _in_batches(self._signatures["edit"], image=images, target=targets, mask=masks)

    def _encode(self, images: np.ndarray) -> np.ndarray:
        return _in_batches(self._signatures["encode"], image=images)

    def _changes(
        self, present: np.ndarray, edited: np.ndarray
    ) -> Iterator[tuple[int, ValueMeans, bytes, bytes]]:
        """Each changed attribute of each image: its means, and the values before and after."""
        for index, (old, new) in enumerate(zip(present, edited, strict=True)):
            for means in self._means:
                before, after = old[means.columns].tobytes(), new[means.columns].tobytes()
                if before != after:
                    yield index, means, before, after


def _means(
    attribute: Attribute,
    columns: slice,
    values: np.ndarray,
    latents: np.ndarray,
    images: np.ndarray,
) -> ValueMeans:
    found = ValueMeans(columns, {}, {})
    for value in attribute.values:
        code = np.array(attribute.encode(value), np.float32)
        has = (values[:, columns] == code).all(1)
        if not has.any():
            raise DataError(
                f"evaluation.attributes needs training images of {attribute.name} = {value}, but "
                f"the {len(values)} of evaluation.attribute_images hold none; raise it"
            )
        found.latents[code.tobytes()] = latents[has].mean(0)
        found.images[code.tobytes()] = images[has].mean(0)
    return found


def _in_batches(signature: Signature, **inputs: np.ndarray) -> np.ndarray:
    count, name = len(next(iter(inputs.values()))), signature.outputs[0].name
    outputs = [
        signature.function(**{key: each[i : i + _BATCH] for key, each in inputs.items()})[name]
        for i in range(0, count, _BATCH)
    ]
    return np.concatenate([np.asarray(output) for output in outputs])
