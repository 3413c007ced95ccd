"""Looking for the latent that an image would be drawn from, with all networks frozen.

One objective, two ways down: L-BFGS-B in Python, and a fixed number of steps written as graph
code, which a deployed signature can hold.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
import scipy.optimize
import tensorflow as tf
from pydantic import Field

from tf_translate.config.settings import Settings
from tf_translate.core.signature import TensorSpec, steps_spec
from tf_translate.editing.gradient_steps import shares_of_steps

Objective = Literal["identity", "pixelwise", "mixed"]
_TINY = 1e-12  # below the root: a distance of 0 has a gradient, too


class SearchSettings(Settings):
    """How a latent is looked for; each field says where its value is from."""

    objective: Objective = Field("identity", description="the paper's; pixelwise is its baseline")
    pixels: float = Field(1.0, ge=0, description="of L1 beside identity in mixed; ours")
    prior: float = Field(0.0, ge=0, description="of the mean square of z, off: ours")
    iterations: int = Field(50, ge=1, description="of L-BFGS-B, an image; the paper gives none")
    steps: int = Field(10, ge=1, description="gradient steps in a deployed graph; ours")
    rate: float = Field(0.5, gt=0, description="length of the first such step; ours")
    momentum: float = Field(0.5, ge=0, lt=1, description="of such steps; ours")
    relu_gradient_width: float = Field(
        2.0, ge=0, description="of the gradient of ReLUs in such steps; ours"
    )

    def steps_input(self) -> TensorSpec:
        """The input that says how many of the steps count."""
        return steps_spec(self.steps, "steps towards the latent of this image")

    def steps_in_words(self) -> str:
        """What a deployed graph does, for its inference_behavior."""
        return (
            f"{self.steps} steps of gradient descent of length {self.rate:g}, falling, and "
            f"momentum {self.momentum:g}, objective {self.objective}, gradients of ReLUs smoothed "
            f"over {self.relu_gradient_width:g}"
        )


class SearchWeights(NamedTuple):
    """What each distance counts in the objective; 0 leaves it out.

    Attributes:
        identity: Euclidean distance of embeddings, ||FR(x) - FR(G(z, y0))||.
        euclidean: Root of the mean squared difference of pixels, ||x - G(z, y0)|| / sqrt(n).
        absolute: Mean absolute difference of pixels, |x - G(z, y0)|.
        prior: Mean square of z.
    """

    identity: float
    euclidean: float
    absolute: float
    prior: float


def weights_of(objective: str, settings: SearchSettings) -> SearchWeights:
    """The weights of an objective by its name.

    Raises:
        ValueError: If there is none of that name.

    Source: Antipov et al. 2017, https://arxiv.org/abs/1702.01983 (identity-preserving and
    pixelwise); "mixed", which the authors suggest, with the weight in `settings`.
    """
    known = {
        "identity": SearchWeights(1.0, 0.0, 0.0, settings.prior),
        "pixelwise": SearchWeights(0.0, 1.0, 0.0, settings.prior),
        "mixed": SearchWeights(1.0, 0.0, settings.pixels, settings.prior),
    }
    if objective not in known:
        raise ValueError(f"`objective` must be one of {list(known)}, got {objective!r}")
    return known[objective]


class Goal(NamedTuple):
    """What drawings shall be like: images, their embeddings if these count, own attributes."""

    images: tf.Tensor
    embeddings: tf.Tensor | None
    attributes: tf.Tensor


@dataclass(frozen=True)
class Found:
    """What a search found.

    Attributes:
        latents: z*, float32 `(batch, numbers)`.
        before, after: The objective where it started and at z*, float32 `(batch,)`.
        paths: For each image the objective at the start and after every iteration of L-BFGS-B;
            empty for steps in a graph.
    """

    latents: np.ndarray
    before: np.ndarray
    after: np.ndarray
    paths: tuple[tuple[float, ...], ...] = ()


class LatentSearch:
    """Minimises over z, image by image, how far G(z, y0) is from an image; moves no weight.

    Code to paper: `draw` G, `recognise` FR; `goal.images` x, `goal.attributes` y0.

    Args:
        draw: From latents and attributes to images, in inference mode.
        recognise: From images to embeddings, in inference mode.
        settings: How to look.
        objective: In place of that of the settings.

    Raises:
        ValueError: If there is no objective of that name.

    Source: Antipov et al. 2017, https://arxiv.org/abs/1702.01983, the identity-preserving
    optimisation.
    """

    def __init__(
        self,
        draw: Callable,
        recognise: Callable,
        settings: SearchSettings,
        objective: str | None = None,
    ):
        self._draw, self._recognise, self._settings = draw, recognise, settings
        self._weights = weights_of(objective or settings.objective, settings)
        self.gradients = tf.function(self._gradients)

    def goal(self, images, attributes) -> Goal:
        """What drawings of `attributes` shall be like: `images` in [-1, 1]."""
        images = tf.cast(images, tf.float32)
        embeddings = self._recognised(images) if self._weights.identity else None
        return Goal(images, embeddings, tf.cast(attributes, tf.float32))

    def values(self, latents, goal: Goal):
        """The objective of each image: float32 `(batch,)`."""
        weights = self._weights
        drawn = tf.cast(self._draw(latents, goal.attributes), tf.float32)
        parts = []
        if weights.identity:
            parts.append(weights.identity * _length(self._recognised(drawn) - goal.embeddings))
        if weights.euclidean:
            scale = weights.euclidean * drawn[0].shape.num_elements() ** -0.5
            parts.append(scale * _length(drawn - goal.images))
        if weights.absolute:
            parts.append(weights.absolute * _mean(tf.abs(drawn - goal.images)))
        if weights.prior:
            parts.append(weights.prior * _mean(latents * latents))
        return tf.add_n(parts)

    def _gradients(self, latents, goal: Goal):
        """The objective of each image and its gradient with respect to the image's latent."""
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(latents)
            values = self.values(latents, goal)
        # Images do not touch each other in inference mode: a sum keeps their gradients apart.
        return values, tape.gradient(values, latents)

    def descend(self, latents, goal: Goal, taken=None):
        """Takes `steps` steps of gradient descent with momentum.

        Graph code of operations that TFLite has built in, if the networks are such. A gradient
        is divided by the root of the sum of squares of the lengths of those so far, so that one
        rate does for every objective, and steps get shorter evenly. Gradients brought to length
        1 do as well for the objective, but jump to and fro where gradients are small: a change of
        1e-5 in the image moved drawings four times as much.

        Args:
            latents: Where to start, `(batch, numbers)`.
            goal: Of `self.goal`.
            taken: How many of the steps count, `(batch, 1)` in [0, `steps`]; None for all.

        Returns:
            The last latent, or the first where that is no farther off, image by image. (The best
            on the way would be another one at a change of rounding, wherever two are as good.)

        Source: AdaGrad-Norm, Ward et al. 2019, https://arxiv.org/abs/1806.01811; momentum and
        falling steps are ours.
        """
        rate, momentum = self._settings.rate, self._settings.momentum
        start = latents = tf.cast(latents, tf.float32)
        step, before, squares = tf.zeros_like(latents), None, _TINY
        steps = self._settings.steps
        for at, share in enumerate(shares_of_steps(taken, steps)):
            values, gradients = self.gradients(latents, goal)
            before = values if before is None else before
            squares += _sum(gradients * gradients)
            step = momentum * step + gradients / tf.sqrt(squares)[:, None]
            latents = latents - share * rate * (1.0 - at / steps) * step
        closer = self.values(latents, goal) < before
        return tf.where(closer[:, None], latents, start)

    def unrolled(self, latents, goal: Goal) -> Found:
        """The steps of `descend`, from Python."""
        found = tf.function(self.descend)(latents, goal)
        before, after = (np.asarray(self.values(at, goal)) for at in (latents, found))
        return Found(np.asarray(found), before, after)

    def lbfgs(self, latents, goal: Goal) -> Found:
        """Minimises by L-BFGS-B, each image by itself, for at most `iterations` iterations."""
        ends, paths = [], []
        for place, start in enumerate(np.asarray(latents, np.float32)):
            own = Goal(*(part if part is None else part[place, None] for part in goal))
            end, path = _minimise(self.gradients, start, own, self._settings.iterations)
            ends.append(end)
            paths.append(path)
        before, after = (np.array([path[at] for path in paths], np.float32) for at in (0, -1))
        return Found(np.stack(ends), before, after, tuple(paths))

    def _recognised(self, images):
        return tf.cast(self._recognise(images), tf.float32)


def _minimise(values_and_gradients: Callable, start: np.ndarray, goal: Goal, iterations: int):
    """The best latent and the objective at the start and after each iteration."""

    def value_and_gradient(latent):
        values, found = values_and_gradients(tf.constant(latent[None], tf.float32), goal)
        return float(values[0]), np.asarray(found[0], np.float64)

    path = [value_and_gradient(start)[0]]

    def note(intermediate_result):
        path.append(float(intermediate_result.fun))

    result = scipy.optimize.minimize(
        value_and_gradient,
        start.astype(np.float64),
        jac=True,
        method="L-BFGS-B",
        callback=note,
        options={"maxiter": iterations},
    )
    return result.x.astype(np.float32), tuple(path)


def _length(values):
    """Euclidean length of each row, whatever its rank: `(batch,)`."""
    return tf.sqrt(_sum(values * values) + _TINY)


def _sum(values):
    return tf.reduce_sum(values, range(1, len(values.shape)))


def _mean(values):
    return tf.reduce_mean(values, range(1, len(values.shape)))
