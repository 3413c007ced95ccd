"""The format that all images of one domain and split are decoded to."""

from dataclasses import dataclass

import numpy as np

from tf_translate.aspect import onto_canvas
from tf_translate.config.data import Aspect, DataConfig, Interpolation
from tf_translate.image_notices import Kind, notice

_PROPORTIONS: dict[Aspect, Kind] = {
    "stretch": "stretched",
    "letterbox": "letterboxed",
    "crop": "cropped",
}


@dataclass(frozen=True)
class ImageFormat:
    """How images are decoded.

    Attributes:
        size: Height and width.
        channels: 1, 3 or 4.
        aspect: How images of another size are brought to `size`.
        interpolation: How they are resized.
        white_level: Level of white in 16-bit images; None: 65535.
    """

    size: tuple[int, int]
    channels: int
    aspect: Aspect = "stretch"
    interpolation: Interpolation = "bicubic"
    white_level: int | None = None

    @property
    def shape(self) -> tuple[int, int, int]:
        """(height, width, channels)."""
        return (*self.size, self.channels)

    @property
    def bytes(self) -> int:
        """Size of one decoded image in bytes."""
        return int(np.prod(self.shape))

    def key(self) -> str:
        """Text that differs whenever decoding could give other pixels."""
        return f"{self.shape}:{self.aspect}:{self.interpolation}:{self.white_level}"

    def fit(self, pixels: np.ndarray, origin: object) -> np.ndarray:
        """Brings the uint8 `(h, w, channels)` of an image to `size`; its name is for notices."""
        self.notice_changes(pixels, origin)
        return onto_canvas(pixels, self.size, self.aspect, interpolation=self.interpolation)

    def notice_changes(self, pixels: np.ndarray, origin: object) -> None:
        """Counts an image of other proportions, and one that `fit` enlarges."""
        notice_changes(pixels, self.size, self.aspect, origin)


def notice_changes(
    pixels: np.ndarray, size: tuple[int, int], aspect: Aspect, origin: object
) -> None:
    """Counts an image `(h, w, channels)` of other proportions, and one that is enlarged.

    Proportions that differ by 1 % at most are those of a rounded side.
    """
    (height, width), (to_height, to_width) = pixels.shape[:2], size
    cross = height * to_width, width * to_height
    if abs(cross[0] - cross[1]) > max(cross) / 100:
        notice(_PROPORTIONS[aspect], origin)
    scales = to_height / height, to_width / width
    if (max(scales) if aspect == "crop" else min(scales)) > 1.0:
        notice("enlarged", origin)


def image_formats(config: DataConfig, split: str) -> tuple[ImageFormat, ImageFormat]:
    """The formats that the images of a and of b are stored in: for random crops at `load_size`."""
    size = config.load_size if config.load_size and split == "train" else config.size
    return (
        ImageFormat(
            size, config.channels_a, config.aspect, config.interpolation_a, config.white_level
        ),
        ImageFormat(
            size, config.channels_b, config.aspect, config.interpolation_b, config.white_level
        ),
    )


def fingerprint_parts(config: DataConfig) -> list[str]:
    """What decides how images are decoded, for the fingerprint of a data set."""
    formats = [one.key() for one in image_formats(config, "validation")]
    return [*formats, str(config.load_size)]
