"""Converts images with an embedded colour profile (ICC) to sRGB, which everything else assumes."""

import functools
import io
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageCms

_SAME = 1  # levels by which a profile that is sRGB may differ: rounding
_KEPT = 32  # transforms kept: the images of a data set have few different profiles


@dataclass(frozen=True)
class ProfileTransform:
    """What to do with the images of one profile and mode.

    Attributes:
        transform: To sRGB; None if nothing needs to be done or can be done.
        usable: Whether the profile could be read and is of the colours of the mode.
    """

    transform: ImageCms.ImageCmsTransform | None
    usable: bool

    def apply(self, image: Image.Image) -> Image.Image:
        """Converts an image of the mode to sRGB: mode L stays L, CMYK and LAB become RGB."""
        if self.transform is None:
            return image
        converted = self.transform.apply(image)
        return converted.convert("L") if image.mode == "L" else converted


@functools.lru_cache(maxsize=_KEPT)
def profile_transform(profile: bytes, mode: str) -> ProfileTransform:
    """Builds the conversion of a profile to sRGB once.

    Args:
        profile: The bytes of the ICC profile.
        mode: Mode of the images: L, RGB, RGBA, CMYK or LAB.
    """
    result = mode if mode == "RGBA" else "RGB"
    try:
        opened = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        transform = ImageCms.buildTransform(opened, _srgb(), mode, result)
        same = mode in ("L", "RGB", "RGBA") and _changes_nothing(transform, mode)
    except Exception:  # the profile is an unknown file's: its parser may raise anything
        return ProfileTransform(None, usable=False)
    return ProfileTransform(None if same else transform, usable=True)


@functools.cache
def _srgb() -> ImageCms.ImageCmsProfile:
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB"))


def _changes_nothing(transform: ImageCms.ImageCmsTransform, mode: str) -> bool:
    """Whether a transform keeps colours from all over the range: its profile is sRGB itself."""
    levels = np.arange(0, 256, 17 if mode != "L" else 1, dtype=np.uint8)
    if mode == "L":
        samples = Image.fromarray(levels[None])
        expected = np.repeat(levels[None, :, None], 3, -1)
    else:
        expected = np.stack(np.meshgrid(levels, levels, levels), -1).reshape(len(levels), -1, 3)
        samples = Image.fromarray(expected).convert(mode)
    found = np.asarray(transform.apply(samples).convert("RGB"))
    return int(np.abs(found.astype(int) - expected).max()) <= _SAME
