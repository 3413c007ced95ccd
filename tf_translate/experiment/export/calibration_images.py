"""Calibration inputs of every signature of a run, which set ranges of integer recipes."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np

from exporters.convert.calibration import COUNT
from tf_translate import images
from tf_translate.config.data import DataConfig
from tf_translate.data.image_format import ImageFormat, image_formats
from tf_translate.errors import DataError
from tf_translate.experiment.kept_images import MAX_CANDIDATES
from tf_translate.experiment.load_run import Examples, ExportableRun, with_latents
from tf_translate.image_files import NOTHING, FoundImages, describe_counts, find_images
from tf_translate.image_notices import Notices, collect_notices

_IMAGE_KEYS = ("image", "a", "b")  # keys of images in a batch

SelectImages = Callable[[np.ndarray], Sequence[int]]


def calibration_inputs(
    trained: ExportableRun,
    folder: Path | None,
    select: SelectImages,
    *,
    report: Callable[[str], None] = lambda line: None,
) -> Examples:
    """Takes calibration images and builds inputs of every signature from them.

    Args:
        trained: A run.
        folder: Candidate images, in place of the training images that the run keeps. If the run
            has two domains, its folders `a` and `b` hold their images. Attributes come from the
            images that the run keeps.
        select: Selects indices of a folder's images `(n, height, width, channels)` in [-1, 1].
        report: Called with a line that says what was found in `folder`.

    Returns:
        By signature and input, a batch of values; latents are computed from the selected images.

    Raises:
        DataError: If the folder is missing or has no image, or an image is broken.
    """
    selected = trained.kept.calibration
    if folder is not None:
        candidates = _with_images_of(folder, selected, trained.config.data, report)
        selected = _select(candidates, select)
    count = min(len(selected[key]) for key in _IMAGE_KEYS if key in selected)
    if count < COUNT:
        images_of = f"{count} image{'' if count == 1 else 's'}"
        of_each = " of each domain" if "b" in selected else ""
        report(
            f"calibration: {images_of}{of_each}; values beyond their range are clipped, and "
            f"{COUNT} or more cover it better"
        )
    translator = trained.translator
    return with_latents(translator.signatures(), translator.examples(selected))


def _with_images_of(
    folder: Path, batch: Mapping[str, np.ndarray], config: DataConfig, report: Callable[[str], None]
) -> dict[str, np.ndarray]:
    """Replaces the images of a batch by those of a folder, and repeats its other values."""
    if not folder.is_dir():
        raise DataError(f"there is no folder {folder} of calibration images")
    keys = [key for key in _IMAGE_KEYS if key in batch]
    folders = {key: folder / key if (folder / key).is_dir() else folder for key in keys}
    found = {each: find_images(each) for each in dict.fromkeys(folders.values())}
    report(_describe(folder, found))
    format_a, format_b = image_formats(config, "test")
    read = {
        key: images.to_float(read_spread(found[each], format_b if key == "b" else format_a, report))
        for key, each in folders.items()
    }
    count = max(map(len, read.values()))
    return {key: read[key] if key in read else _repeat(batch[key], count) for key in batch}


def _describe(folder: Path, found: Mapping[Path, FoundImages]) -> str:
    """Says how many images the folder, or each of its folders, has and what was left out."""
    left_out = NOTHING
    for each in found.values():
        left_out += each.left_out.below(each.folder.relative_to(folder).as_posix())
    counts = {each.name: len(images.names) for each, images in found.items()}
    return describe_counts(
        "calibration", counts if len(found) > 1 else sum(counts.values()), left_out
    )


def read_spread(
    found: FoundImages,
    image_format: ImageFormat,
    report: Callable[[str], None],
    aspect_name: str = "data.aspect",
) -> np.ndarray:
    """Reads the images that were found, at most `MAX_CANDIDATES`, evenly spaced.

    Args:
        found: Images of any size.
        image_format: What they are brought to.
        report: Called with a line on images that are not read, and on what decoding changed.
        aspect_name: Name of the setting or option for other proportions, for these lines.

    Returns:
        uint8 `(n, height, width, channels)`.

    Raises:
        DataError: If an image is broken.
    """
    paths, notices = found.paths, Notices()
    at = np.linspace(0, len(paths) - 1, min(len(paths), MAX_CANDIDATES)).round().astype(int)
    if len(at) < len(paths):
        report(f"{found.folder}: {len(at):,} of {len(paths):,} images are read, evenly spaced")
    with collect_notices(notices):
        pixels = [_read_one(paths[index], image_format) for index in at]
    for sentence in notices.sentences(aspect=aspect_name):
        report(sentence)
    return np.stack(pixels)


def _read_one(path: Path, image_format: ImageFormat) -> np.ndarray:
    pixels = images.read(path, channels=image_format.channels, white_level=image_format.white_level)
    return image_format.fit(pixels, path)


def _repeat(values: np.ndarray, count: int) -> np.ndarray:
    return values[np.arange(count) % len(values)]


def _select(batch: Mapping[str, np.ndarray], select: SelectImages) -> dict[str, np.ndarray]:
    """Selects images of each domain separately, and their attributes with them."""
    indices = {key: list(select(batch[key])) for key in _IMAGE_KEYS if key in batch}
    size = min(map(len, indices.values()))
    return {key: batch[key][indices.get(key, indices.get("image"))][:size] for key in batch}
