"""Sums of loss values that do not depend on the timing of threads."""

from collections.abc import Sequence

import tensorflow as tf


def scalar_sum(values: Sequence) -> tf.Tensor:
    """Adds scalars in a fixed order; `tf.add_n` starts with whichever memory is free first.

    Args:
        values: One or more float scalars of equal type.

    Returns:
        A scalar of the same type.

    Example:
        >>> scalar_sum([tf.constant(1.0), tf.constant(2.0), tf.constant(3.0)])  # 6.0
    """
    return tf.reduce_sum(tf.stack(list(values)))
