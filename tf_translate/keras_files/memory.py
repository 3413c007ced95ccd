"""Bounds the memory of a network that is built from a file, by the size of its weights there."""

import math
from collections.abc import Iterator
from contextlib import contextmanager

import h5py
import tensorflow as tf

from tf_translate.errors import DataError

# A file holds all weights, with those of optimizers. Room for what a class builds beside them.
_FACTOR, _ROOM = 2, 256 * 2**20


@contextmanager
def bounded_variables(stored: int) -> Iterator[None]:
    """Refuses variables that together need far more memory than their weights in a file.

    The shape of each variable is found before its memory is reserved. One whose shape shows only
    when it is created, such as a random state, is counted then.

    Args:
        stored: Bytes of the weights in the file.

    Raises:
        DataError: If variables created in the block would take more than twice `stored` and
            256 MiB.
    """
    limit, used = _FACTOR * stored + _ROOM, 0
    graph = tf.Graph()  # initial values are traced here, where no memory is reserved

    def create(next_creator, **arguments):
        nonlocal used
        known = _bytes_of(arguments.get("initial_value"), arguments.get("dtype"), graph)
        used += known or 0
        check()
        variable = next_creator(**arguments)
        if known is None:
            used += (variable.shape.num_elements() or 0) * variable.dtype.size
            check()
        return variable

    def check() -> None:
        if used > limit:
            raise DataError(
                f"describes a network whose weights take more than {limit} bytes of memory, "
                f"and the file holds {stored} bytes of weights"
            )

    with tf.variable_creator_scope(create):
        yield


def check_arrays(file: h5py.File, stored: int) -> None:
    """Checks the arrays of an H5 file before any of them is read.

    Args:
        file: The open file.
        stored: Its bytes.

    Raises:
        DataError: If an array is in another file, or all together are far larger than the file.
    """
    total = 0

    def check(name: str, item: h5py.Group | h5py.Dataset) -> None:
        nonlocal total
        if not isinstance(item, h5py.Dataset):
            return
        if item.external or item.is_virtual:
            raise DataError(f"holds the array {name[:60]!r}, which is in another file")
        total += math.prod(item.shape or ()) * item.dtype.itemsize
        if total > _FACTOR * stored + _ROOM:
            raise DataError(
                f"holds arrays of more than {_FACTOR * stored + _ROOM} bytes (the last one "
                f"{name[:60]!r} of shape {item.shape}) in weights of {stored} bytes"
            )

    linked = file.visititems_links(
        lambda name, link: None if isinstance(link, h5py.HardLink) else name
    )
    if linked:
        raise DataError(
            f"holds {linked[:60]!r}, which is a link to another file or place, not read"
        )
    file.visititems(check)


def _bytes_of(initial_value, dtype, graph: tf.Graph) -> int | None:
    """Bytes of a variable; None if they are not known before it is created."""
    if not callable(initial_value):
        return None  # the value exists already
    try:
        with graph.as_default():
            value = tf.convert_to_tensor(initial_value(), dtype)
        elements = value.shape.num_elements()
    except (TypeError, ValueError, AttributeError, RuntimeError, tf.errors.OpError):
        return None  # an initial value that needs eager tensors, such as a random state
    return None if elements is None else elements * value.dtype.size
