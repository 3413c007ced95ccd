"""Reads the two domains of data sets from TensorFlow Datasets."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from PIL import Image

from tf_translate import images
from tf_translate.data.image_format import ImageFormat
from tf_translate.data.layouts.folders import SPLIT_NAMES
from tf_translate.data.layouts.tfds_builder import import_tfds, prepare
from tf_translate.data.splits import DomainSource, Split, pick_labels
from tf_translate.errors import DataError
from tf_translate.image_decoding import decode, to_array


class TfdsImages:
    """One image feature of one split. It is read in one pass, so it must be cached.

    Args:
        builder: The TFDS builder of the data set.
        split: Name of the TFDS split.
        feature: Name of the image feature.
        positions: Positions of the examples to read; None for all.
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
        """Returns the images at these positions."""
        selected = [self._positions[position] for position in positions]
        labels = pick_labels(self.labels, positions)
        return TfdsImages(self._builder, self._split, self._feature, selected, labels)

    def cache_key(self) -> str:
        """Joins the path of the prepared data with the fingerprint."""
        return f"{self._builder.data_path}:{self.fingerprint()}"

    def fingerprint(self) -> str:
        """Joins data set with version, split, feature and positions."""
        name = self._builder.info.full_name
        return f"{name}:{self._split}:{self._feature}:{self._positions}"

    def fingerprints(self) -> list[str]:
        """Joins data set with version and feature, and the name of each image."""
        data_set = f"{self._builder.info.full_name}:{self._feature}"
        return [f"{data_set}:{name}" for name in self.names]

    def iterate(self) -> Iterator["TfdsImage"]:
        """Yields all images in the order in which they are stored."""
        selected = set(self._positions)
        examples = self._builder.as_dataset(split=self._split, shuffle_files=False)
        examples = examples.map(lambda example: example[self._feature])
        for position, pixels in enumerate(examples.as_numpy_iterator()):
            if position in selected:
                yield TfdsImage(f"{self._split}/{position:06d}", _to_uint8(pixels))


@dataclass(frozen=True)
class TfdsImage:
    """An image as TensorFlow Datasets decodes it.

    Attributes:
        name: Split and position.
        pixels: Uint8 `(h, w, c)` with the channels of the stored image.
    """

    name: str
    pixels: np.ndarray

    def read_bytes(self) -> bytes:
        """Encodes its pixels as a PNG file."""
        return images.encode_png(self.pixels)

    def decode(self, contents: bytes, channels: int, white_level: int | None = None) -> np.ndarray:
        """Decodes such a file to uint8 `(h, w, channels)`."""
        return decode(contents, channels=channels, origin=self.name, white_level=white_level)

    def decode_resized(self, image_format: ImageFormat) -> np.ndarray:
        """Resizes to a format."""
        pixels = self.pixels
        image = Image.fromarray(pixels[..., 0] if pixels.shape[-1] == 1 else pixels)
        converted = to_array(image, channels=image_format.channels, origin=self.name)
        return image_format.fit(converted, self.name)


def read_tfds(
    name: str,
    feature_a: str | None = None,
    feature_b: str | None = None,
    *,
    label: str | None = None,
) -> DomainSource:
    """Opens a data set of TensorFlow Datasets and downloads it first if needed.

    A data set with the splits trainA, trainB, testA, testB (such as `cycle_gan/*`) is unpaired.
    A data set with the splits train, test, ... and two images in each example is paired. Two
    names give unpaired domains, a from the first and b from the second, with their classes as
    labels. A name may choose the split that is trained on, as in "mnist[test]". If that is its
    validation or test split, the split train replaces it.

    Args:
        name: For example "cycle_gan/horse2zebra", "svhn_cropped->mnist" or
            "svhn_cropped[extra]->mnist[test]".
        feature_a, feature_b: Image features; may be left out if the choice is unique. Of two
            features, the one declared first is a.
        label: With two names, the feature that holds the labels; may be left out if each
            data set has at most one ClassLabel feature.

    Raises:
        DataError: If the package or the data set is missing, cannot be prepared, or lacks these
            splits or features.
    """
    if "->" in name:
        return _read_two_data_sets(name, (feature_a, feature_b), label)
    builder = prepare(name)
    splits = set(builder.info.splits)
    if {"trainA", "trainB"} <= splits:
        domains = _read_unpaired(builder, name, splits, feature_a, feature_b)
    elif "train" in splits:
        domains = _read_paired(builder, name, splits, feature_a, feature_b)
    else:
        raise DataError(
            f"tfds:{name} has the splits {', '.join(sorted(splits))}; "
            "expected trainA and trainB, or train with two images in each example"
        )
    return DomainSource(f"tfds:{name}", domains)


def has_domains(name: str) -> bool:
    """Whether a name gives two domains: by its splits, by two images, or by two data sets.

    Raises:
        DataError: If the data set is missing or cannot be prepared.
    """
    if "->" in name:
        return True
    builder = prepare(name)
    return {"trainA", "trainB"} <= set(builder.info.splits) or len(
        _list_image_features(builder)
    ) == 2


def _read_unpaired(
    builder: Any, name: str, splits: set[str], feature_a: str | None, feature_b: str | None
) -> dict[str, Split]:
    chosen = [choose_image_feature(builder, name, feature) for feature in (feature_a, feature_b)]
    return {
        ours: Split(
            TfdsImages(builder, f"{theirs}A", chosen[0]),
            TfdsImages(builder, f"{theirs}B", chosen[1]),
            aligned=False,
        )
        for theirs, ours in SPLIT_NAMES.items()
        if {f"{theirs}A", f"{theirs}B"} <= splits
    }


def choose_image_feature(builder: Any, name: str, feature: str | None) -> str:
    """Returns the named image feature, or the only one; `DataError` if it is ambiguous."""
    image_features = _list_image_features(builder)
    if feature is None and len(image_features) != 1:
        raise DataError(_describe_features(name, image_features, "set data.tfds_a and data.tfds_b"))
    return _check_feature(name, feature or image_features[0], image_features)


def _read_two_data_sets(
    name: str, features: tuple[str | None, str | None], label: str | None
) -> DomainSource:
    parts = [part.strip() for part in name.split("->")]
    if len(parts) != 2 or not all(parts):
        raise DataError(f"tfds:{name} must name two data sets, as in tfds:svhn_cropped->mnist")
    sides = [
        _read_splits(part, feature, label) for part, feature in zip(parts, features, strict=True)
    ]
    return DomainSource(
        f"tfds:{name}",
        {
            split: Split(sides[0][split], sides[1][split], aligned=False)
            for split in sides[0]
            if split in sides[1]
        },
    )


def _read_splits(part: str, feature: str | None, label: str | None) -> dict[str, TfdsImages]:
    """The splits of one of two data sets, the split that is trained on as "train"."""
    data_set, bracket, rest = part.partition("[")
    train = rest.removesuffix("]") if bracket else "train"
    builder = prepare(data_set)
    if train not in builder.info.splits:
        raise DataError(
            f"tfds:{data_set} has no split {train}, it has {', '.join(builder.info.splits)}; name "
            f"the one to train on, as in tfds:{data_set}[{next(iter(builder.info.splits))}]"
        )
    feature = choose_image_feature(builder, data_set, feature)
    class_feature = _choose_class_feature(builder, data_set, label)
    theirs = {"train": train} | {
        ours: "train" if name == train else name  # the two change places
        for name, ours in SPLIT_NAMES.items()
        if ours != "train" and name in builder.info.splits
    }
    return {
        ours: TfdsImages(builder, name, feature, None, _read_labels(builder, name, class_feature))
        for ours, name in theirs.items()
        if name in builder.info.splits
    }


def _choose_class_feature(builder: Any, name: str, requested: str | None) -> str | None:
    """Returns the feature that holds the labels, or None if there is none."""
    kind = import_tfds().features.ClassLabel
    existing = [key for key, feature in builder.info.features.items() if isinstance(feature, kind)]
    if requested in existing or (requested is None and len(existing) < 2):
        return requested or (existing[0] if existing else None)
    listed = ", ".join(existing) or "(none)"
    raise DataError(
        f"tfds:{name} has the ClassLabel features {listed}; set data.label_column to one of them"
        if requested is None
        else f"tfds:{name} has the ClassLabel features {listed}; data.label_column = {requested!r} "
        "is none of them"
    )


def _read_labels(builder: Any, split: str, feature: str | None) -> list[str] | None:
    """Reads class names in the order of the examples, without decoding images."""
    if feature is None:
        return None
    examples = builder.as_dataset(
        split=split, shuffle_files=False, decoders=skip_image_decoding(builder)
    )
    class_indices = examples.map(lambda example: example[feature]).as_numpy_iterator()
    to_name = builder.info.features[feature].int2str
    return [to_name(int(index)) for index in class_indices]


def skip_image_decoding(builder: Any) -> dict[str, Any]:
    """Returns decoders that do not decode images, to read the other features quickly."""
    return {key: import_tfds().decode.SkipDecoding() for key in _list_image_features(builder)}


def _read_paired(
    builder: Any, name: str, splits: set[str], feature_a: str | None, feature_b: str | None
) -> dict[str, Split]:
    image_features = _list_image_features(builder)
    if feature_a is None and feature_b is None and len(image_features) == 2:
        feature_a, feature_b = image_features
    if feature_a is None or feature_b is None:
        raise DataError(
            _describe_features(
                name, image_features, "set data.tfds_a and data.tfds_b to two of them"
            )
        )
    for feature in (feature_a, feature_b):
        _check_feature(name, feature, image_features)
    return {
        ours: Split(
            TfdsImages(builder, theirs, feature_a),
            TfdsImages(builder, theirs, feature_b),
            aligned=True,
        )
        for theirs, ours in SPLIT_NAMES.items()
        if theirs in splits
    }


def _list_image_features(builder: Any) -> list[str]:
    tfds = import_tfds()
    features = builder.info.features
    return [key for key, feature in features.items() if isinstance(feature, tfds.features.Image)]


def _check_feature(name: str, feature: str, image_features: list[str]) -> str:
    if feature not in image_features:
        raise DataError(
            _describe_features(
                name,
                image_features,
                f"data.tfds_a and data.tfds_b must be of these, got {feature!r}",
            )
        )
    return feature


def _describe_features(name: str, image_features: list[str], rest: str) -> str:
    return f"tfds:{name} has the image features {', '.join(image_features) or '(none)'}; {rest}"


def _to_uint8(pixels: np.ndarray) -> np.ndarray:
    return np.rint(pixels / 257.0).astype(np.uint8) if pixels.dtype == np.uint16 else pixels
