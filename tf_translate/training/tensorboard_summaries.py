"""Writes metrics to TensorBoard."""

from collections.abc import Mapping
from contextlib import AbstractContextManager

import numpy as np
import tensorflow as tf


def summaries_at(writer, step: int) -> AbstractContextManager:
    """Makes `writer` the default of `tf.summary` at `step`.

    The step is passed as a NumPy scalar: TensorFlow caches every Python scalar that it converts
    to a tensor until the process ends. That costs 0.7 KiB each, and a long run has a million.
    """
    return writer.as_default(np.int64(step))


def write_scalars(writer, step: int, values: Mapping[str, float]) -> None:
    """Writes one scalar summary per metric, with its name as the tag."""
    with summaries_at(writer, step):
        for name, value in values.items():
            tf.summary.scalar(name, np.float32(value))
