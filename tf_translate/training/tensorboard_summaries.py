"""Metrics on their way to TensorBoard."""

from collections.abc import Mapping
from contextlib import AbstractContextManager

import numpy as np
import tensorflow as tf


def at(writer, step: int) -> AbstractContextManager:
    """Makes a writer the one that `tf.summary` writes to, at a step.

    As NumPy's number: TensorFlow keeps every Python number that it ever made a tensor of until
    the process ends, 0.7 KiB each, and a long run has a million of them.
    """
    return writer.as_default(np.int64(step))


def write_scalars(writer, step: int, values: Mapping[str, float]) -> None:
    """Writes metrics by name at a step."""
    with at(writer, step):
        for name, value in values.items():
            tf.summary.scalar(name, np.float32(value))
