"""Data sets of TensorFlow Datasets, by name."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from types import ModuleType
from typing import Any

import numpy as np
from PIL import Image

from tf_translate import images
from tf_translate.data.layouts.folders import SPLIT_NAMES
from tf_translate.data.splits import Source, Split, picked
from tf_translate.errors import DataError


class TfdsImages:
    """One image feature of one split; read in one pass, so it must be cached.

    Args:
        builder, split, feature: What is read.
        positions: Which examples, all if None.
        labels: Class name of each of these examples, or None.
    """

    def __init__(
        self,
        builder: Any,
        split: str,
        feature: str,
        positions: Sequence[int] | None = None,
        labels: Sequence[str] | None = None,
    ) -> None:
        self._builder, self._split, self._feature = builder, split, feature
        self.labels = None if labels is None else tuple(labels)
        count = builder.info.splits[split].num_examples
        self._positions = tuple(range(count) if positions is None else positions)
        self.names = tuple(f"{split}/{position:06d}" for position in self._positions)

    def pick(self, positions: Sequence[int]) -> "TfdsImages":
        """The images at these positions."""
        chosen = [self._positions[position] for position in positions]
        labels = picked(self.labels, positions)
        return TfdsImages(self._builder, self._split, self._feature, chosen, labels)

    def stamp(self) -> str:
        """Where the prepared data lies, its version, the split, the feature and the positions."""
        return f"{self._builder.data_path}:{self.identity()}"

    def identity(self) -> str:
        """Data set with version, split, feature and positions."""
        name = self._builder.info.full_name
        return f"{name}:{self._split}:{self._feature}:{self._positions}"

    def each(self) -> Iterator["TfdsImage"]:
        """All images in the order they are stored in."""
        wanted = set(self._positions)
        examples = self._builder.as_dataset(split=self._split, shuffle_files=False)
        examples = examples.map(lambda example: example[self._feature])
        for position, pixels in enumerate(examples.as_numpy_iterator()):
            if position in wanted:
                yield TfdsImage(f"{self._split}/{position:06d}", _as_bytes(pixels))


@dataclass(frozen=True)
class TfdsImage:
    """A image that was just read, as TensorFlow Datasets decodes it.

    Attributes:
        name: Its split and position.
        pixels: Uint8 `(h, w, c)`, as many channels as it has.
    """

    name: str
    pixels: np.ndarray

    def contents(self) -> bytes:
        """A PNG file of its pixels."""
        return images.png(self.pixels)

    def decode(self, contents: bytes, channels: int) -> np.ndarray:
        """Uint8 `(h, w, channels)` of such a file."""
        return images.decode(contents, channels=channels, origin=self.name)

    def formed(self, size: tuple[int, int], channels: int) -> np.ndarray:
        """Brought to a size (height, width)."""
        pixels = self.pixels
        image = Image.fromarray(pixels[..., 0] if pixels.shape[-1] == 1 else pixels)
        return images.resize(images.as_array(image, channels=channels), size)


def read_tfds(
    name: str,
    feature_a: str | None = None,
    feature_b: str | None = None,
    *,
    label: str | None = None,
) -> Source:
    """Opens a data set of TensorFlow Datasets, downloading it first if it must be.

    Splits trainA, trainB, testA, testB (as in `cycle_gan/*`) make an unpaired source; splits
    train, test, ... whose examples hold two images make a paired one. Two names make an
    unpaired source with a from the first and b from the second, labelled by their classes.

    Args:
        name: For example "cycle_gan/horse2zebra" or "svhn_cropped->mnist".
        feature_a, feature_b: Image features; may be left out when there is no doubt. Of
            two, the one declared first is a.
        label: Of two names, the feature that labels are taken from; may be left out where
            each has at most one of classes.

    Raises:
        DataError: If the package or the data set is missing, cannot be prepared, or has
            no such splits or features.
    """
    if "->" in name:
        return _two_sets(name, (feature_a, feature_b), label)
    builder = prepare(name)
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


def has_domains(name: str) -> bool:
    """Whether a data set has two domains by itself, by its splits or images, or names two sets.

    Raises:
        DataError: If it is missing or cannot be prepared.
    """
    if "->" in name:
        return True
    builder = prepare(name)
    return {"trainA", "trainB"} <= set(builder.info.splits) or len(_image_features(builder)) == 2


def _unpaired(
    builder: Any, name: str, splits: set[str], feature_a: str | None, feature_b: str | None
) -> dict[str, Split]:
    chosen = [image_feature(builder, name, feature) for feature in (feature_a, feature_b)]
    return {
        ours: Split(
            TfdsImages(builder, f"{theirs}A", chosen[0]),
            TfdsImages(builder, f"{theirs}B", chosen[1]),
            aligned=False,
        )
        for theirs, ours in SPLIT_NAMES.items()
        if {f"{theirs}A", f"{theirs}B"} <= splits
    }


def image_feature(builder: Any, name: str, feature: str | None) -> str:
    """The image feature of that name, or the only one; `DataError` where there is a doubt."""
    images_found = _image_features(builder)
    if feature is None and len(images_found) != 1:
        raise DataError(_say_features(name, images_found, "set tfds_a and tfds_b"))
    return _check(name, feature or images_found[0], images_found)


def _two_sets(name: str, features: tuple[str | None, str | None], label: str | None) -> Source:
    names = [part.strip() for part in name.split("->")]
    if len(names) != 2 or not all(names):
        raise DataError(f"tfds:{name} must name two data sets, as in tfds:svhn_cropped->mnist")
    builders = [prepare(part) for part in names]
    chosen = [
        image_feature(builder, of, feature)
        for builder, of, feature in zip(builders, names, features, strict=True)
    ]
    classes = [_class_feature(*given, label) for given in zip(builders, names, strict=True)]
    shared = set(builders[0].info.splits) & set(builders[1].info.splits)
    if "train" not in shared:
        raise DataError(f"tfds:{name} needs a split train in both data sets")
    splits = {}
    for theirs, ours in SPLIT_NAMES.items():
        if theirs in shared:
            a, b = (
                TfdsImages(builder, theirs, feature, None, _labels(builder, theirs, of_class))
                for builder, feature, of_class in zip(builders, chosen, classes, strict=True)
            )
            splits[ours] = Split(a, b, aligned=False)
    return Source(f"tfds:{name}", splits)


def _class_feature(builder: Any, name: str, wanted: str | None) -> str | None:
    """The feature that labels come from, None where there is none."""
    kind = _import().features.ClassLabel
    found = [key for key, feature in builder.info.features.items() if isinstance(feature, kind)]
    if wanted in found or (wanted is None and len(found) < 2):
        return wanted or (found[0] if found else None)
    listed = ", ".join(found) or "(none)"
    raise DataError(
        f"tfds:{name} has the ClassLabel features {listed}; set label_column to one of them"
        if wanted is None
        else f"tfds:{name} has the ClassLabel features {listed}; {wanted!r} is none of them"
    )


def _labels(builder: Any, split: str, feature: str | None) -> list[str] | None:
    """Class names in the order of the examples, whose images are not decoded for this."""
    if feature is None:
        return None
    examples = builder.as_dataset(
        split=split, shuffle_files=False, decoders=without_images(builder)
    )
    numbers = examples.map(lambda example: example[feature]).as_numpy_iterator()
    name_of = builder.info.features[feature].int2str
    return [name_of(int(number)) for number in numbers]


def without_images(builder: Any) -> dict[str, Any]:
    """Decoders that leave images as they are stored, for reading the rest quickly."""
    return {key: _import().decode.SkipDecoding() for key in _image_features(builder)}


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
            TfdsImages(builder, theirs, feature_a),
            TfdsImages(builder, theirs, feature_b),
            aligned=True,
        )
        for theirs, ours in SPLIT_NAMES.items()
        if theirs in splits
    }


def prepare(name: str) -> Any:
    """The builder of a data set that is there, downloaded first if it must be.

    Raises:
        DataError: If the package or the data set is missing, or it cannot be prepared.
    """
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


def _as_bytes(pixels: np.ndarray) -> np.ndarray:
    return np.rint(pixels / 257.0).astype(np.uint8) if pixels.dtype == np.uint16 else pixels
