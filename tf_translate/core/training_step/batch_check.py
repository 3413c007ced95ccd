"""What `fit` is given, checked in each batch: keys, types, shapes and ranges."""

import re
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import keras
import tensorflow as tf

from tf_translate.images import LARGEST, UNIT_RANGE_FIX

_MARK = "values of a batch outside of their range"
_VALUES = re.compile(
    re.escape(_MARK) + r"\W+\[(?P<key>[^\]]*)\]\W+\[(?P<low>[^\]]*)\]\W+\[(?P<high>[^\]]*)\]"
)
ATTRIBUTES = ("attributes", "other_attributes", "sampled_attributes")  # keys of a batch
SCALE = "scale 0..255 by images / 127.5 - 1, as tf_translate.images.to_float does"


def check_batch(
    batch: Any, shapes: Mapping[str, Sequence[int | None]], extra: Sequence[str]
) -> None:
    """Refuses a batch that does not fit a translator, when the training step is traced.

    Args:
        batch: What the data set yields.
        shapes: For each key of images, `(height, width, channels)`; None where any size fits.
        extra: Further keys that the active players need, such as "label_a".

    Raises:
        ValueError: If it is not a mapping, a key is missing, or images have another type or shape.
    """
    expected = ", ".join(f'"{key}": images' for key in shapes)
    expected += "".join(f', "{key}": ...' for key in extra)
    if not isinstance(batch, Mapping):
        raise ValueError(f"a batch must be a dict {{{expected}}}, got {_described(batch)}")
    missing = [key for key in (*shapes, *extra) if key not in batch]
    if missing:
        raise ValueError(
            f"a batch must be a dict {{{expected}}}, it has no {', '.join(map(repr, missing))}, "
            f"only {sorted(batch)}"
        )
    for key, shape in shapes.items():
        _check_images(key, batch[key], tuple(shape))


def check_attributes(batch: Mapping, keys: Sequence[str], columns: Sequence[str]) -> None:
    """Refuses attributes that are no numbers or of another shape, when the step is traced.

    Args:
        batch: A batch.
        keys: Its keys that hold attributes.
        columns: Names of the attributes in order.

    Raises:
        ValueError: If attributes are not numbers `(batch, columns)`.
    """
    for key in keys:
        dtype, shape = tf.as_dtype(batch[key].dtype), tuple(batch[key].shape)
        is_number = dtype.is_floating or dtype.is_integer
        if not is_number or len(shape) != 2 or shape[1] not in (None, len(columns)):
            raise ValueError(
                f"{key!r} of a batch must be float32 (batch, {len(columns)}) in [0, 1] for "
                f"{', '.join(columns)}, got {dtype.name} {shape}"
            )


def check_values(
    batch: Mapping, images: Sequence[str], attributes: Sequence[str] = ()
) -> dict[str, tuple[Any, Any]]:
    """Checks in each training step that images are in [-1, 1] and attributes in [0, 1].

    Points, as of toy data, have no such range. `explain_values` turns a failure into a sentence.

    Args:
        batch: A batch.
        images, attributes: Its keys that hold them.

    Returns:
        By key of images: the lowest and the highest value, scalars.
    """
    ranges = {
        key: _check_range(key, batch[key], -LARGEST, LARGEST)
        for key in images
        if len(batch[key].shape) == 4
    }
    for key in attributes:
        _check_range(key, batch[key], 1.0 - LARGEST, LARGEST)
    return ranges


def _check_range(key: str, tensor: Any, least: float, largest: float) -> tuple[Any, Any]:
    values = tf.cast(tensor, tf.float32)
    low, high = tf.reduce_min(values), tf.reduce_max(values)
    within = tf.logical_and(low >= least, high <= largest)  # false of NaN
    if not tf.executing_eagerly():
        tf.debugging.Assert(within, [_MARK, key, low, high])
    elif not within:
        raise _out_of_range(key, float(low), float(high))
    return low, high


class SeenRanges:
    """The lowest and highest value of the images of the last batch, for `WarnOfUnitRange`.

    A translator holds it as a plain object, so that Keras neither saves nor restores it. Create
    it in the scope of the translator's strategy.

    Args:
        shapes: As for `check_batch`. Points, as of toy data, have no range.
    """

    def __init__(self, shapes: Mapping[str, Sequence[int | None]]) -> None:
        self.keys = tuple(key for key, shape in shapes.items() if len(shape) == 3)
        self._ranges = tf.Variable(
            tf.zeros((len(self.keys), 2)),
            trainable=False,
            synchronization=tf.VariableSynchronization.ON_READ,
            aggregation=tf.VariableAggregation.ONLY_FIRST_REPLICA,
        )

    def update(self, ranges: Mapping[str, tuple[Any, Any]]) -> None:
        """Keeps the ranges of a batch, as `check_values` returns them."""
        if self.keys:
            self._ranges.assign(tf.stack([tf.stack(ranges[key]) for key in self.keys]))

    def in_unit_range(self) -> list[str]:
        """The keys whose images in the last batch differ and are all in [0, 1]."""
        ranges = zip(self.keys, self._ranges.numpy(), strict=True)
        return [key for key, (low, high) in ranges if 0.0 <= low < high <= 1.0]


class WarnOfUnitRange(keras.callbacks.Callback):
    """Warns after the first step if images are all in [0, 1], which [-1, 1] allows."""

    def __init__(self, ranges: SeenRanges) -> None:
        super().__init__()
        self._ranges: SeenRanges | None = ranges

    def on_train_batch_end(self, batch, logs=None):
        """Warns of the first step that this callback sees."""
        ranges, self._ranges = self._ranges, None
        for key in ranges.in_unit_range() if ranges else ():
            warnings.warn(
                f"all values of the images {key!r} of the first batch are in [0, 1]; "
                f"{UNIT_RANGE_FIX}",
                stacklevel=2,
            )


@contextmanager
def explain_values() -> Iterator[None]:
    """Turns a failure of `check_values` in a traced step into one sentence.

    Raises:
        ValueError: If images were outside of [-1, 1], or attributes of [0, 1].
    """
    try:
        yield
    except tf.errors.InvalidArgumentError as error:
        found = _VALUES.search(error.message)
        if not found:
            raise
        low, high = float(found["low"]), float(found["high"])
        raise _out_of_range(found["key"].strip(), low, high) from None


def _described(batch: Any) -> str:
    if isinstance(batch, tuple):
        return f"a tuple of {len(batch)}: {', '.join(_described(each) for each in batch)}"
    if hasattr(batch, "shape"):
        return f"one tensor of shape {tuple(batch.shape)}"
    return f"a {type(batch).__name__}"


def _out_of_range(key: str, low: float, high: float) -> ValueError:
    if key in ATTRIBUTES:
        return ValueError(
            f"{key!r} of a batch must be in [0, 1], 0 for absent and 1 for present, got values "
            f"from {low:g} to {high:g}"
        )
    fix = f": {SCALE}" if high > 2 else ""
    return ValueError(
        f"images {key!r} of a batch must be in [-1, 1], got values from {low:g} to {high:g}{fix}"
    )


def _check_images(key: str, images: Any, shape: tuple[int | None, ...]) -> None:
    dtype = tf.as_dtype(images.dtype)
    if not dtype.is_floating:
        raise ValueError(
            f"images {key!r} of a batch must be float32 in [-1, 1], got {dtype.name}: " + SCALE
        )
    found = tuple(images.shape[1:])
    fits = len(found) == len(shape) and all(
        None in sides or sides[0] == sides[1] for sides in zip(shape, found, strict=True)
    )
    if not fits:
        wanted = ", ".join("any" if side is None else str(side) for side in shape)
        raise ValueError(
            f"images {key!r} of a batch must be of shape (batch, {wanted}), for which the networks "
            f"were built, got {tuple(images.shape)}; resize them"
        )
