"""What `fit` is given, checked in the first batch: keys, types, shapes and range of the images."""

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import tensorflow as tf

from tf_translate.images import LARGEST

_MARK = "image values outside of [-1, 1]"
_VALUES = re.compile(
    re.escape(_MARK) + r"\W+\[(?P<key>[^\]]*)\]\W+\[(?P<low>[^\]]*)\]\W+\[(?P<high>[^\]]*)\]"
)
_SCALE = "scale 0..255 with tf_translate.images.to_float, images / 127.5 - 1"


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


def check_values(batch: Mapping, keys: Sequence[str]) -> None:
    """Checks in each training step that images are in [-1, 1]; see `explain_values`.

    Points, as of toy data, have no such range.
    """
    for key in (key for key in keys if len(batch[key].shape) == 4):
        images = tf.cast(batch[key], tf.float32)
        low, high = tf.reduce_min(images), tf.reduce_max(images)
        within = tf.maximum(-low, high) <= LARGEST
        if not tf.executing_eagerly():
            tf.debugging.Assert(within, [_MARK, key, low, high])
        elif not within:
            raise _out_of_range(key, float(low), float(high))


@contextmanager
def explain_values() -> Iterator[None]:
    """Turns a failure of `check_values` in a traced step into one sentence.

    Raises:
        ValueError: If images were outside of [-1, 1].
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
    fix = f": {_SCALE}" if high > 2 else ""
    return ValueError(
        f"images {key!r} of a batch must be in [-1, 1], got values from {low:g} to {high:g}{fix}"
    )


def _check_images(key: str, images: Any, shape: tuple[int | None, ...]) -> None:
    dtype = tf.as_dtype(images.dtype)
    if not dtype.is_floating:
        raise ValueError(
            f"images {key!r} of a batch must be float32 in [-1, 1], got {dtype.name}: " + _SCALE
        )
    found = tuple(images.shape[1:])
    fits = len(found) == len(shape) and all(
        None in sides or sides[0] == sides[1] for sides in zip(shape, found, strict=True)
    )
    if not fits:
        wanted = ", ".join("any" if side is None else str(side) for side in shape)
        raise ValueError(
            f"images {key!r} of a batch must be of shape (batch, {wanted}), as the networks are, "
            f"got {tuple(images.shape)}"
        )
