"""The search for the latent from which a frozen generator reconstructs an image.

Two optimizers minimize one objective: L-BFGS-B in Python, and a fixed number of gradient steps in
graph code, which a signature can deploy.
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
from tf_translate.editing.gradient_steps import step_fractions

Objective = Literal["identity", "pixelwise", "mixed"]
_TINY = 1e-12  # under the root, so that a distance of 0 has a finite gradient


class SearchSettings(Settings):
    """How a latent is searched; each field names the source of its value."""

    objective: Objective = Field(
        default="identity",
        description="what the search makes equal in the image and in the generated one: identity, "
        "the vectors of the identity embedder; pixelwise, the pixels; mixed, both (paper: "
        "identity, with pixelwise for comparison)",
    )
    pixels: float = Field(
        default=1.0,
        ge=0,
        description="with objective mixed, weight of the mean absolute difference of pixels "
        "beside that of the vectors (ours)",
    )
    prior: float = Field(
        default=0.0,
        ge=0,
        description="weight of the latent's mean square, which keeps the latent near values seen "
        "in training; 0: off (ours)",
    )
    iterations: int = Field(
        default=50,
        ge=1,
        description="in Python, iterations of the search for each image, by the optimizer "
        "L-BFGS-B (ours; the paper gives none)",
    )
    steps: int = Field(
        default=10,
        ge=1,
        description="in an exported model, which has no L-BFGS-B, steps of gradient descent for "
        "each image (ours)",
    )
    learning_rate: float = Field(
        default=0.5,
        gt=0,
        description="size of the first step of that gradient descent; later ones are smaller "
        "(ours)",
    )
    momentum: float = Field(
        default=0.5,
        ge=0,
        lt=1,
        description="fraction of a step of that gradient descent that the next one continues "
        "(ours)",
    )
    relu_gradient_width: float = Field(
        default=2.0,
        ge=0,
        description="in that gradient descent, width of the range around 0 in which the gradient "
        "of a ReLU rises smoothly from 0 to 1; 0: it jumps, as a ReLU's does (ours)",
    )

    def steps_input(self) -> TensorSpec:
        """The input for the number of steps that take effect."""
        return steps_spec(self.steps, "steps towards the latent of this image")

    def describe_steps(self) -> str:
        """Describes the steps for the inference behavior of a signature."""
        return (
            f"{self.steps} steps of gradient descent with learning rate {self.learning_rate:g}, "
            f"decreasing, and momentum {self.momentum:g}, objective {self.objective}, gradients "
            f"of ReLUs smoothed over {self.relu_gradient_width:g}"
        )


class SearchWeights(NamedTuple):
    """The weight of each distance in the objective; 0 leaves it out.

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
        ValueError: If there is no objective of that name.

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


class SearchTarget(NamedTuple):
    """What is to be reconstructed: images, their embeddings if these are used, their attributes."""

    images: tf.Tensor
    embeddings: tf.Tensor | None
    attributes: tf.Tensor


@dataclass(frozen=True)
class SearchResult:
    """The result of a search.

    Attributes:
        latents: z*, float32 `(batch, size)`.
        before, after: The objective at the start and at z*, float32 `(batch,)`.
        paths: For each image the objective at the start and after every iteration of L-BFGS-B;
            empty for gradient steps in a graph.
    """

    latents: np.ndarray
    before: np.ndarray
    after: np.ndarray
    paths: tuple[tuple[float, ...], ...] = ()


class LatentSearch:
    """Minimizes the distance of G(z, y0) from each image over its z; changes no weights.

    Code to paper: `generate` G, `embed` FR; `target.images` x, `target.attributes` y0.

    Args:
        generate: From latents and attributes to images, in inference mode.
        embed: From images to embeddings, in inference mode.
        settings: The settings of the search.
        objective: Replaces the objective of the settings.

    Raises:
        ValueError: If there is no objective of that name.

    Source: Antipov et al. 2017, https://arxiv.org/abs/1702.01983, the identity-preserving
    optimization.
    """

    def __init__(
        self,
        generate: Callable,
        embed: Callable,
        settings: SearchSettings,
        objective: str | None = None,
    ):
        self._generate, self._embed, self._settings = generate, embed, settings
        self._weights = weights_of(objective or settings.objective, settings)
        self.values_and_gradients = tf.function(self._values_and_gradients)

    def target(self, images, attributes) -> SearchTarget:
        """The target of a search: `images` in [-1, 1] with their attributes."""
        images = tf.cast(images, tf.float32)
        embeddings = self._embeddings(images) if self._weights.identity else None
        return SearchTarget(images, embeddings, tf.cast(attributes, tf.float32))

    def values(self, latents, target: SearchTarget):
        """The objective of each image: float32 `(batch,)`."""
        weights = self._weights
        generated = tf.cast(self._generate(latents, target.attributes), tf.float32)
        parts = []
        if weights.identity:
            difference = self._embeddings(generated) - target.embeddings
            parts.append(weights.identity * _norm(difference))
        if weights.euclidean:
            scale = weights.euclidean * generated[0].shape.num_elements() ** -0.5
            parts.append(scale * _norm(generated - target.images))
        if weights.absolute:
            parts.append(weights.absolute * _mean(tf.abs(generated - target.images)))
        if weights.prior:
            parts.append(weights.prior * _mean(latents * latents))
        return tf.add_n(parts)

    def _values_and_gradients(self, latents, target: SearchTarget):
        """The objective of each image and its gradient with respect to the image's latent."""
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(latents)
            values = self.values(latents, target)
        # In inference mode images are independent, so the gradient of the sum holds that of each.
        return values, tape.gradient(values, latents)

    def descend(self, latents, target: SearchTarget, active_steps=None):
        """Takes `steps` steps of gradient descent with momentum.

        It is graph code of TFLite's built-in operations, if the networks are. A gradient is
        divided by the root of the sum of the squared norms of all gradients so far. So one
        learning rate suits every objective, and steps become shorter evenly. Gradients normalized
        to norm 1 reach the same objective, but oscillate where gradients are small: a change of
        1e-5 in the input image then changed the generated images four times as much.

        Args:
            latents: Where to start, `(batch, size)`.
            target: From `self.target`.
            active_steps: How many of the steps take effect, float32 `(batch, 1)` in [0, `steps`],
                may be fractional (see `step_fractions`); None: all.

        Returns:
            For each image the last latent, or the start where the last one is not better. (The
            best of all would depend on rounding where two are equally good.)

        Source: AdaGrad-Norm, Ward et al. 2019, https://arxiv.org/abs/1806.01811; momentum and
        decreasing steps are ours.
        """
        rate, momentum = self._settings.learning_rate, self._settings.momentum
        start = latents = tf.cast(latents, tf.float32)
        step, before, squares = tf.zeros_like(latents), None, _TINY
        steps = self._settings.steps
        for index, fraction in enumerate(step_fractions(active_steps, steps)):
            values, gradients = self.values_and_gradients(latents, target)
            before = values if before is None else before
            squares += _sum(gradients * gradients)
            step = momentum * step + gradients / tf.sqrt(squares)[:, None]
            latents = latents - fraction * rate * (1.0 - index / steps) * step
        improved = self.values(latents, target) < before
        return tf.where(improved[:, None], latents, start)

    def unrolled(self, latents, target: SearchTarget) -> SearchResult:
        """Runs `descend` from Python."""
        result = tf.function(self.descend)(latents, target)
        before, after = (np.asarray(self.values(each, target)) for each in (latents, result))
        return SearchResult(np.asarray(result), before, after)

    def lbfgs(self, latents, target: SearchTarget) -> SearchResult:
        """Minimizes by L-BFGS-B, each image separately, for at most `iterations` iterations."""
        results, paths = [], []
        for index, start in enumerate(np.asarray(latents, np.float32)):
            single = SearchTarget(*(part if part is None else part[index, None] for part in target))
            result, path = _minimize(
                self.values_and_gradients, start, single, self._settings.iterations
            )
            results.append(result)
            paths.append(path)
        before, after = (np.array([path[at] for path in paths], np.float32) for at in (0, -1))
        return SearchResult(np.stack(results), before, after, tuple(paths))

    def _embeddings(self, images):
        return tf.cast(self._embed(images), tf.float32)


def _minimize(
    values_and_gradients: Callable, start: np.ndarray, target: SearchTarget, iterations: int
):
    """The best latent, and the objective at the start and after each iteration."""

    def value_and_gradient(latent):
        values, gradients = values_and_gradients(tf.constant(latent[None], tf.float32), target)
        return float(values[0]), np.asarray(gradients[0], np.float64)

    path = [value_and_gradient(start)[0]]

    def record(intermediate_result):
        path.append(float(intermediate_result.fun))

    result = scipy.optimize.minimize(
        value_and_gradient,
        start.astype(np.float64),
        jac=True,
        method="L-BFGS-B",
        callback=record,
        options={"maxiter": iterations},
    )
    return result.x.astype(np.float32), tuple(path)


def _norm(values):
    """Euclidean norm of each row, of any rank: `(batch,)`."""
    return tf.sqrt(_sum(values * values) + _TINY)


def _sum(values):
    return tf.reduce_sum(values, range(1, len(values.shape)))


def _mean(values):
    return tf.reduce_mean(values, range(1, len(values.shape)))
