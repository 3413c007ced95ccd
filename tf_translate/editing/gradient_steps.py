"""Steps on the input of a network, its weights at rest: how an edit is found at inference."""

from collections.abc import Callable

import tensorflow as tf


def descend(latent, cost: Callable, *, steps: int, rate, taken=None):
    """Takes plain gradient steps on a latent, each written into the graph so that it deploys.

    Args:
        latent: Where to start, float32 `(batch, numbers)`.
        cost: From a latent to `(batch,)`, each image's own cost, which must not depend on the
            latents of other images.
        steps: How many; 0 gives the start back.
        rate: Factor on the gradient, a number or `(batch, 1)`.
        taken: How many of them count, `(batch, 1)` in [0, `steps`]; None for all.

    Returns:
        Float32, as `latent`.

    Source: Brock et al. 2017, https://arxiv.org/abs/1609.07093, the photo editor.
    """
    latent = tf.cast(latent, tf.float32)
    for share in shares_of_steps(taken, steps):
        with tf.GradientTape(watch_accessed_variables=False) as tape:  # of the input, no update
            tape.watch(latent)
            total = tf.reduce_sum(cost(latent))  # a sum keeps the gradients of images apart
        latent -= share * rate * tape.gradient(total, latent)
    return latent


def shares_of_steps(steps, most: int) -> list:
    """How much each of `most` unrolled steps counts if `steps` of them are wanted.

    Unlike a comparison it hardly moves where a quantiser rounds `steps`.

    Args:
        steps: `(batch, 1)` in [0, `most`]; None for all.
        most: How many there are.

    Returns:
        A number in [0, 1] for each, or `(batch, 1)` of them.
    """
    if steps is None:
        return [1.0] * most
    steps = tf.cast(steps, tf.float32)
    return [tf.clip_by_value(steps - taken, 0.0, 1.0) for taken in range(most)]
