"""Gradient steps on the input of a network with frozen weights, unrolled into the graph."""

from collections.abc import Callable

import tensorflow as tf


def descend(latent, objective: Callable, *, steps: int, learning_rate, active_steps=None):
    """Takes plain gradient steps on a latent, each unrolled into the graph so that it deploys.

    Args:
        latent: Where to start, float32 `(batch, size)`.
        objective: From latents to `(batch,)`. The value of an image must not depend on the
            latents of other images.
        steps: Number of steps; 0 returns the start.
        learning_rate: Factor on the gradient, a scalar or `(batch, 1)`.
        active_steps: How many of the steps take effect, float32 `(batch, 1)` in [0, `steps`], may
            be fractional (see `step_fractions`); None: all.

    Returns:
        Float32, the shape of `latent`.

    Source: Brock et al. 2017, https://arxiv.org/abs/1609.07093, the photo editor.
    """
    latent = tf.cast(latent, tf.float32)
    for fraction in step_fractions(active_steps, steps):
        with tf.GradientTape(watch_accessed_variables=False) as tape:  # of the input
            tape.watch(latent)
            total = tf.reduce_sum(objective(latent))  # a sum: gradients of images stay separate
        latent -= fraction * learning_rate * tape.gradient(total, latent)
    return latent


def step_fractions(active_steps, steps: int) -> list:
    """The fraction of each of `steps` unrolled steps that takes effect.

    Where a quantizer rounds `active_steps`, a fraction changes little; a comparison could flip.

    Args:
        active_steps: Float32 `(batch, 1)` in [0, `steps`], may be fractional; None: all.
        steps: Number of unrolled steps.

    Returns:
        For each step a scalar in [0, 1], or `(batch, 1)` of them.

    Example:
        With 2.5 of 4 steps active the fractions are 1, 1, 0.5, 0.
    """
    if active_steps is None:
        return [1.0] * steps
    active_steps = tf.cast(active_steps, tf.float32)
    return [tf.clip_by_value(active_steps - index, 0.0, 1.0) for index in range(steps)]
