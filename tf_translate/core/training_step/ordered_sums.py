"""Gradients that are summed in a fixed order, so that a training step repeats bit for bit."""

import contextlib
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import tensorflow as tf
from tensorflow.python import pywrap_tfe  # no public function replaces the sum of a tape
from tensorflow.python.eager import backprop

_lock = threading.Lock()
_open_contexts = 0


@contextmanager
def ordered_sums() -> Iterator[None]:
    """Inside it, a gradient tape adds gradients two at a time, in the order it found them.

    A tensor that is used several times, such as a weight of a generator that runs three times in
    a step, has the sum of as many gradients. TensorFlow sums them with one AddN. With three
    or more summands AddN starts with whichever input's memory is free at that moment, so its
    rounding depends on the timing of threads. A sum of two does not.

    Replicas trace a step in threads that take turns, so contexts may overlap: the usual sum
    returns when the last of them ends.

    Example:
        >>> with ordered_sums():
        ...     gradients = tape.gradient(loss, variables)
    """
    global _open_contexts
    with _lock:
        _open_contexts += 1
        if _open_contexts == 1:
            ordered = backprop._default_vspace._replace(aggregate_fn=_sum_in_order)
            pywrap_tfe.TFE_Py_RegisterVSpace(ordered)
    try:
        yield
    finally:
        with _lock:
            _open_contexts -= 1
            if _open_contexts == 0:
                pywrap_tfe.TFE_Py_RegisterVSpace(backprop._default_vspace)


def keep_apart(total: tf.Tensor) -> tf.Tensor:
    """A sum that TensorFlow's graph optimizer does not fold with a later addition into an AddN."""
    return tf.raw_ops.Snapshot(input=total)


with contextlib.suppress(KeyError):  # TensorFlow has none for this operation, as of 2.21

    @tf.RegisterGradient("Snapshot")
    def _gradient_of_snapshot(_, gradient: tf.Tensor) -> tf.Tensor:
        return gradient


def _sum_in_order(gradients: Sequence) -> tf.Tensor:
    """The sum of dense gradients from the first to the last; sparse ones as TensorFlow does."""
    if not all(isinstance(gradient, tf.Tensor) for gradient in gradients):
        return backprop._aggregate_grads(gradients)
    total = gradients[0]
    for gradient in gradients[1:]:
        total = keep_apart(total + gradient)
    return total
