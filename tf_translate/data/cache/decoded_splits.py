"""Decodes the splits of two domains to one image format and leaves out damaged images."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from tf_translate.config.data import DataConfig
from tf_translate.data.cache.image_store import (
    MEMORY_LIMIT,
    CacheLocation,
    ImageStore,
    open_image_store,
)
from tf_translate.data.image_format import image_formats
from tf_translate.data.splits import (
    DomainSource,
    ImageFile,
    ImageFileList,
    ImageList,
    Split,
    format_list,
)
from tf_translate.errors import DataError
from tf_translate.image_files import BROKEN, NOTHING, PARTNER_BROKEN, LeftOut

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class DecodedSplit:
    """Two decoded domains of one split; `aligned` if the images at one position are a pair."""

    a: ImageStore
    b: ImageStore
    aligned: bool

    def side(self, domain: Literal["a", "b"]) -> ImageStore:
        """Returns the images of one domain."""
        if domain not in ("a", "b"):
            raise ValueError(f'`side` must be "a" or "b", got {domain!r}')
        return self.a if domain == "a" else self.b


def decode_splits(
    source: DomainSource, config: DataConfig, progress: Progress | None
) -> tuple[dict[str, DecodedSplit], tuple[str, ...], dict[str, LeftOut]]:
    """Decodes every image once.

    Args:
        source: The images to decode.
        config: The image format, and what happens to damaged images.
        progress: Called with (images done, images in all).

    Returns:
        The splits, the damaged images as "file: reason", and by split what was left out of its
        folders or is damaged.

    Raises:
        DataError: If images are damaged and `on_error` is "stop", or a split is left empty.
    """
    location = _cache_location(source, config)
    tick = _count_progress(source, progress)
    decoded = {}
    for name, split in source.splits.items():
        format_a, format_b = image_formats(config, name)
        a = open_image_store(split.a, format_a, location, progress=tick)
        b = open_image_store(split.b, format_b, location, progress=tick)
        decoded[name] = DecodedSplit(a, b, split.aligned)
    reasons = _reasons(decoded)
    if reasons and config.on_error == "stop":
        raise DataError(
            f"{len(reasons)} images of {source.description} cannot be decoded; repair or remove "
            f'them, or set on_error to "skip" to leave them out:{format_list(reasons)}'
            if len(reasons) > 1
            else f'{reasons[0]}; repair or remove it, or set on_error to "skip" to leave it out'
        )
    usable = {name: _remove_damaged(split) for name, split in decoded.items()}
    _check_not_empty(usable, source)
    left_out = {
        name: source.left_out.get(name, NOTHING) + _broken(split, decoded[name])
        for name, split in source.splits.items()
    }
    return usable, tuple(reasons), left_out


def _reasons(splits: dict[str, DecodedSplit]) -> list[str]:
    """Lists every reason once: both halves of a file have the same."""
    stores = [store for split in splits.values() for store in (split.a, split.b)]
    return list(dict.fromkeys(reason for store in stores for reason in store.problems.values()))


def _broken(split: Split, decoded: DecodedSplit) -> LeftOut:
    """Names the damaged images of a split, and those that lose their partner with them."""
    broken: dict[str, str] = {}
    partners: list[str] = []
    for side, images, store, other in (
        ("a", split.a, decoded.a, decoded.b),
        ("b", split.b, decoded.b, decoded.a),
    ):
        for position, reason in sorted(store.problems.items()):
            # Both halves of a file have the same reason.
            name, is_half = _file_name(images, position)
            broken.setdefault(reason, name if is_half else f"{side}/{name}")
        if split.aligned:
            alone = sorted(other.problems.keys() - store.problems.keys())
            partners += [f"{side}/{_file_name(images, position)[0]}" for position in alone]
    return LeftOut.of(BROKEN, broken.values()) + LeftOut.of(PARTNER_BROKEN, partners)


def _file_name(images: ImageList, position: int) -> tuple[str, bool]:
    """The name of an image with the ending of its file, if it is one, and whether it is a half."""
    image = images.files[position] if isinstance(images, ImageFileList) else None
    if not isinstance(image, ImageFile):
        return images.names[position], False
    return image.name + image.path.suffix, bool(image.half)


def _remove_damaged(split: DecodedSplit) -> DecodedSplit:
    damaged_a, damaged_b = set(split.a.problems), set(split.b.problems)
    if split.aligned:
        damaged_a = damaged_b = damaged_a | damaged_b
    if not damaged_a and not damaged_b:
        return split
    a = split.a.pick([i for i in range(len(split.a)) if i not in damaged_a])
    b = split.b.pick([i for i in range(len(split.b)) if i not in damaged_b])
    return DecodedSplit(a, b, split.aligned)


def _check_not_empty(splits: dict[str, DecodedSplit], source: DomainSource) -> None:
    for name, split in splits.items():
        for domain in ("a", "b"):
            if not len(split.side(domain)):  # type: ignore[arg-type]
                raise DataError(
                    f"no usable image of {domain} is left in the {name} split of "
                    f"{source.description}"
                )


def _cache_location(source: DomainSource, config: DataConfig) -> CacheLocation:
    if config.cache != "auto":
        return config.cache
    needed = 0
    for name, split in source.splits.items():
        format_a, format_b = image_formats(config, name)
        needed += format_a.bytes * len(split.a.names) + format_b.bytes * len(split.b.names)
    return choose_cache_location(needed)


def choose_cache_location(needed: int) -> CacheLocation:
    """Chooses where to keep so many bytes of decoded images, for `cache = "auto"`."""
    return "memory" if needed <= MEMORY_LIMIT else "disk"


def _count_progress(source: DomainSource, progress: Progress | None) -> Callable[[], None]:
    if progress is None:
        return lambda: None
    total = sum(_count(split) for split in source.splits.values())
    done = iter(range(1, total + 1))
    return lambda: progress(next(done), total)


def _count(split: Split) -> int:
    return len(split.a.names) + len(split.b.names)
