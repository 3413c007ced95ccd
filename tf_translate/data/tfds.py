"""Data sets of TensorFlow Datasets, by name."""

from collections.abc import Iterator, Sequence
from difflib import get_close_matches
from types import ModuleType
from typing import Any

import numpy as np
from PIL import Image

from tf_translate import images
from tf_translate.data.folders import SPLIT_NAMES
from tf_translate.data.pictures import Source, Split
from tf_translate.errors import DataError


class TfdsPictures:
    """One image feature of one split; read in one pass, so it must be cached."""

    def __init__(
        self, builder: Any, split: str, feature: str, positions: Sequence[int] | None = None
    ) -> None:
        self._builder, self._split, self._feature = builder, split, feature
        count = builder.info.splits[split].num_examples
        self._positions = tuple(range(count) if positions is None else positions)
        self.names = tuple(f"{split}/{position:06d}" for position in self._positions)

    def pick(self, positions: Sequence[int]) -> "TfdsPictures":
        """The pictures at these positions."""
        chosen = [self._positions[position] for position in positions]
        return TfdsPictures(self._builder, self._split, self._feature, chosen)

    def stamp(self) -> str:
        """Where the prepared data lies, its version, the split, the feature and the positions."""
        return f"{self._builder.data_path}:{self.identity()}"

    def identity(self) -> str:
        """Data set with version, split, feature and positions."""
        name = self._builder.info.full_name
        return f"{name}:{self._split}:{self._feature}:{self._positions}"

    def decode(self, channels: int) -> Iterator[np.ndarray]:
        """All pictures in the order they are stored in."""
        wanted = set(self._positions)
        examples = self._builder.as_dataset(split=self._split, shuffle_files=False)
        examples = examples.map(lambda example: example[self._feature])
        for position, pixels in enumerate(examples.as_numpy_iterator()):
            if position in wanted:
                yield _as_pixels(pixels, channels)


def read_tfds(name: str, feature_a: str | None = None, feature_b: str | None = None) -> Source:
    """Opens a data set of TensorFlow Datasets, downloading it first if it must be.

    Splits trainA, trainB, testA, testB (as in `cycle_gan/*`) make an unpaired source; splits
    train, test, ... whose examples hold two images make a paired one.

    Args:
        name: For example "cycle_gan/horse2zebra".
        feature_a, feature_b: Image features; may be left out when there is no doubt. Of
            two, the one declared first is a.

    Raises:
        DataError: If the package or the data set is missing, cannot be prepared, or has
            no such splits or features.
    """
    builder = _prepare(name)
    splits = set(builder.info.splits)
    if {"trainA", "trainB"} <= splits:
        found = _unpaired(builder, name, splits, feature_a, feature_b)
    elif "train" in splits:
        found = _paired(builder, name, splits, feature_a, feature_b)
    else:
        raise DataError(
            f"tfds:{name} has the splits {', '.join(sorted(splits))}; "
            "needed are trainA and trainB, or train with two images an example"
        )
    return Source(f"tfds:{name}", found)


def _unpaired(
    builder: Any, name: str, splits: set[str], feature_a: str | None, feature_b: str | None
) -> dict[str, Split]:
    images_found = _image_features(builder)
    chosen = []
    for feature in (feature_a, feature_b):
        if feature is None and len(images_found) != 1:
            raise DataError(_say_features(name, images_found, "set tfds_a and tfds_b"))
        chosen.append(_check(name, feature or images_found[0], images_found))
    return {
        ours: Split(
            TfdsPictures(builder, f"{theirs}A", chosen[0]),
            TfdsPictures(builder, f"{theirs}B", chosen[1]),
            aligned=False,
        )
        for theirs, ours in SPLIT_NAMES.items()
        if {f"{theirs}A", f"{theirs}B"} <= splits
    }


def _paired(
    builder: Any, name: str, splits: set[str], feature_a: str | None, feature_b: str | None
) -> dict[str, Split]:
    images_found = _image_features(builder)
    if feature_a is None and feature_b is None and len(images_found) == 2:
        feature_a, feature_b = images_found
    if feature_a is None or feature_b is None:
        raise DataError(_say_features(name, images_found, "set tfds_a and tfds_b to two of them"))
    for feature in (feature_a, feature_b):
        _check(name, feature, images_found)
    return {
        ours: Split(
            TfdsPictures(builder, theirs, feature_a),
            TfdsPictures(builder, theirs, feature_b),
            aligned=True,
        )
        for theirs, ours in SPLIT_NAMES.items()
        if theirs in splits
    }


def _prepare(name: str) -> Any:
    tfds = _import()
    try:
        builder = tfds.builder(name)
        builder.download_and_prepare()
    except tfds.core.DatasetNotFoundError as error:
        near = get_close_matches(name.split("/")[0], tfds.list_builders(), n=1, cutoff=0.5)
        hint = f"; did you mean tfds:{near[0]}?" if near else ""
        raise DataError(f"TensorFlow Datasets has no data set {name!r}{hint}") from error
    except ImportError as error:
        raise DataError(f"tfds:{name} needs one more package: {error}; install it") from error
    except Exception as error:  # the download, the disk, the builder: all are foreign code
        reason = str(error).strip().splitlines()[0] if str(error).strip() else repr(error)
        raise DataError(f"tfds:{name} cannot be prepared: {reason}") from error
    return builder


def _import() -> ModuleType:
    try:
        import tensorflow_datasets
    except ImportError as error:
        raise DataError(
            "tfds:NAME needs the package tensorflow-datasets; install tf-translate[tfds]"
        ) from error
    return tensorflow_datasets


def _image_features(builder: Any) -> list[str]:
    tfds = _import()
    features = builder.info.features
    return [key for key, feature in features.items() if isinstance(feature, tfds.features.Image)]


def _check(name: str, feature: str, images_found: list[str]) -> str:
    if feature not in images_found:
        raise DataError(_say_features(name, images_found, f"{feature!r} is none of them"))
    return feature


def _say_features(name: str, images_found: list[str], rest: str) -> str:
    return f"tfds:{name} has the image features {', '.join(images_found) or '(none)'}; {rest}"


def _as_pixels(pixels: np.ndarray, channels: int) -> np.ndarray:
    if pixels.dtype == np.uint16:
        pixels = np.rint(pixels / 257.0).astype(np.uint8)
    picture = Image.fromarray(pixels[..., 0] if pixels.shape[-1] == 1 else pixels)
    return images.as_array(picture, channels=channels)
