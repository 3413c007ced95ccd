"""GeneGAN: images with and without an object exchange the object."""

import dataclasses
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, ClassVar, Literal

import keras
import numpy as np
import tensorflow as tf
from pydantic import Field

from tf_translate.config.settings import (
    AdamSettings,
    MethodSettings,
    RMSpropSettings,
    only_with,
)
from tf_translate.core.conformance import Conformance
from tf_translate.core.loss_terms import LossTerm, content, domain, regularization
from tf_translate.core.player import Losses, Player, Tensors
from tf_translate.core.signature import Signature, image_spec, scalar_spec
from tf_translate.core.translator import Translator
from tf_translate.losses.adversarial import discriminator_losses, gan_loss
from tf_translate.losses.reconstruction import mean_absolute_error
from tf_translate.losses.regularization import clip_weights, gradient_penalties, mean_weight_decay
from tf_translate.methods.registry import register
from tf_translate.networks.genegan import joiner, object_discriminator, splitter
from tf_translate.networks.inference_behavior import describe_inference
from tf_translate.networks.initialization.batch_norm import BatchNorm

GanMode = Literal["wgan_clip", "wgan_gp"]
_RMSPROP = RMSpropSettings(learning_rate=5e-5, rho=0.8, initial_mean_square=1.0)
_PENALTY_STREAMS = 0, 1  # of random values (see `stateless_random`), by discriminator
_TO_UNIT = 0.5  # from differences of images in [-1, 1] to [0, 1], the code's range


class GeneGANSettings(MethodSettings):
    """Networks, GAN loss and optimizer of GeneGAN; defaults are the published code's."""

    earlier = MappingProxyType(
        {
            "batch_norm_epsilon": 1e-5,
            "batch_norm_momentum": 0.9,
            "batch_norm_scale_stddev": 0.02,
        }
    )
    gan_mode: GanMode = Field(
        default="wgan_clip",
        description="GAN loss: wgan_clip, the Wasserstein loss with discriminator weights clipped "
        "to a small range; wgan_gp, the Wasserstein loss with a penalty on the discriminators' "
        "gradients (authors' code: wgan_clip; wgan_gp: ours)",
    )
    clip: float = Field(
        default=0.01,
        gt=0,
        description="wgan_clip: largest absolute value of a discriminator's weights (authors' "
        "code)",
        json_schema_extra=only_with(gan_mode="wgan_clip"),
    )
    discriminator_burst_turns: int = Field(
        default=100,
        ge=0,
        description="updates of the discriminators for one of splitter and joiner in a burst, a "
        "time in which the discriminators learn more than usual; 0: no bursts (authors' code)",
    )
    discriminator_burst_every: int = Field(
        default=500,
        ge=1,
        description="updates of splitter and joiner from the start of a burst to the next "
        "(authors' code)",
    )
    base_filters: int = Field(
        default=128,
        ge=1,
        description="channels of the splitter's first layer; deeper layers, and the joiner, have "
        "multiples of it, so it scales both networks (authors' code)",
    )
    norm: Literal["batch", "instance_affine", "none"] = Field(
        default="batch",
        description="normalization in splitter and joiner: batch, over all images of a batch; "
        "instance_affine, each image by itself, with a learned scale and offset; none (authors' "
        "code: batch)",
    )
    discriminator_filters: int = Field(
        default=128,
        ge=1,
        description="channels of a discriminator's first layer; deeper layers have multiples of "
        "it (authors' code)",
    )
    discriminator_norm: Literal["batch", "instance_affine", "none"] = Field(
        default="batch",
        description="normalization in the discriminators, with the values of norm; wgan_gp needs "
        "another one than batch (authors' code: batch)",
    )
    batch_norm_epsilon: float = Field(
        default=1e-3,
        gt=0,
        description="added to variances in batch normalization, against a division by 0 (authors' "
        "code: default of tf.layers)",
    )
    batch_norm_momentum: float = Field(
        default=0.99,
        ge=0,
        lt=1,
        description="fraction of the moving statistics that batch normalization keeps in each "
        "step (authors' code: default of tf.layers)",
    )
    batch_norm_scale_stddev: float = Field(
        default=0.0,
        ge=0,
        description="standard deviation, around 1, of the initial scales of batch normalization "
        "(authors' code: 0)",
    )
    optimizer: AdamSettings | RMSpropSettings = Field(
        default=_RMSPROP,
        discriminator="kind",
        description="optimizer of all networks: the splitter, which splits an image into "
        "background and object; the joiner, which joins two such parts to an image; and the "
        "discriminators (authors' code, TensorFlow 1)",
    )


@dataclasses.dataclass(frozen=True)
class Bursts:
    """When the discriminators are trained alone for some steps, ahead of the generators.

    Every step has a fresh batch, so every turn of a burst uses fresh images.

    Attributes:
        turns: Turns of the discriminators for one turn of the generators in a burst; 0 or 1: no
            bursts.
        every: Turns of the generators from one burst to the next; the first burst is at step 0.
    """

    turns: int
    every: int

    def alone(self, step: int) -> bool:
        """Whether the generators take no turn in the step with index `step`."""
        extra = max(self.turns - 1, 0)
        return step % (self.every + extra) < extra

    @property
    def generators_fraction(self) -> float:
        """The fraction of steps in which the generators take a turn."""
        return self.every / (self.every + max(self.turns - 1, 0))


@register(
    "genegan",
    title="GeneGAN",
    paper="Zhou et al. 2017",
    layout="unpaired",
    data="two unpaired sets, with and without an object",
    keeps_content_by="reconstruction, the parallelogram of parents and children",
    reaches_domain_by="Wasserstein discriminators on children with exchanged objects",
    also_needs=("object",),
    settings=GeneGANSettings,
)
class GeneGAN(Translator):
    """Splits images into background and object, and joins them with objects exchanged.

    Code to paper: `a` Ax (with the object), `b` Be (without), `splitter` the encoder,
        `joiner` the decoder, `discriminator_a` that of images with the object,
        `discriminator_b` without; `background_a` A, `object_a` x, `background_b` B, `object_b`
        epsilon (e below), `swapped_a` Bx, `swapped_b` A0. Parents are the images of a batch,
        children those with exchanged objects.
    Batch: `{"a", "b"}`, unpaired, each `(batch, height, width, channels)`, float32 in
        [-1, 1]: images of `a` show the object, those of `b` do not.
    Players: discriminators (clipped after each turn, or with a gradient penalty), then
        generators (splitter and joiner) on the same children. A burst comes first and after
        every `discriminator_burst_every` turns of the generators: the discriminators take
        `discriminator_burst_turns` turns for one of the generators, each a step with a fresh
        batch, as in the code.
    Deploys: `swap`, images without (`image`) and with the object (`exemplar`) to both, with the
        object moved to `image`; `remove`, image to image; `add`, image, exemplar
        and a strength from 0 to 1 to image. All images are in [-1, 1].
    Departs:
        - "wgan_gp" is ours, and needs discriminators without batch norm.
        - All codes of a step come from one pass of the splitter and all its images from one of the
          joiner, so that batch norm is trained with the joint statistics that inference uses.
        - A step is a batch, so an iteration of the code with a burst is 100 steps, and both players
          take their turns on the same batch (the code: each turn draws its own, two batches in an
          iteration, 101 in one with a burst).
        - The joiner's last layer has a bias (the code: none).
        - With `steps_per_execution` a burst is rounded up to whole executions.
        - Images are in [-1, 1], but networks convert them to [0, 1], and `reconstruction` and
          `parallelogram` are measured there.
        - Weight decay includes the offsets and scales of norms and the joiner's last bias (the
          code: kernels alone).

    Args:
        splitter: Network from images to `[background, object]`.
        joiner: Network from `[background, object]` to images.
        discriminator_a, discriminator_b: Networks from images of a domain to scores `(batch, 1)`,
            unbounded.
        settings: `GeneGANSettings`; None: the code's.
        loss_weights: Weights that replace `reconstruction`, `parallelogram`, `adversarial`,
            `discriminator`, `nulling`, `weight_decay`, `gradient_penalty` (only with
            "wgan_gp").
        name: Name of the model.

    Source: Zhou et al. 2017, https://arxiv.org/abs/1705.04932, and
    github.com/Prinsphield/GeneGAN.
    """

    deploys: ClassVar[tuple[str, ...]] = ("swap", "remove", "add")
    directions: ClassVar[Mapping[str, str]] = {"a_to_b": "remove", "b_to_a": "swap"}
    has_step_variant = True
    paper_shapes = ((64, 64, 3), (64, 64, 3))
    terms: ClassVar[tuple[LossTerm, ...]] = (
        content(
            "reconstruction",
            source="the paper's reconstruction loss, L1",
            description="mean absolute difference between images and what is joined from their "
            "own parts",
        ),
        content(
            "parallelogram",
            weight=2.55,
            source="the paper's parallelogram loss; 0.01 on [0, 255] in the code",
            description="the two originals and the two images with swapped objects have equal "
            "sums, pixel by pixel: mean absolute difference of the sums",
        ),
        domain(
            "adversarial",
            source="GAN loss, generators' side; the code: Wasserstein",
            description="the generators' part of the GAN loss: discriminators score swapped "
            "images like real ones",
        ),
        domain(
            "discriminator",
            source="GAN loss, discriminators' side; the code: Wasserstein",
            description="the discriminators' part of the GAN loss: to score real images higher "
            "than swapped ones",
        ),
        regularization(
            "nulling",
            source="the paper's nulling loss, |e|",
            description="mean absolute value of the object that the splitter finds in images "
            "without one, which must be 0",
        ),
        regularization(
            "weight_decay",
            weight=5e-5,
            source="the code",
            description="weight decay: penalty on the squares of weights",
        ),
        regularization(
            "gradient_penalty",
            weight=10.0,
            source="ours; gamma = 10, WGAN-GP",
            description="with wgan_gp, penalty on gradients of the discriminators whose norm is "
            "not 1",
        ),
    )
    players: tuple[Player, ...] = (
        Player(
            "discriminators",
            ("discriminator_a", "discriminator_b"),
            "discriminators_objective",
            ("discriminator",),
        ),
        Player(
            "generators",
            ("splitter", "joiner"),
            "generators_objective",
            ("reconstruction", "parallelogram", "adversarial", "nulling", "weight_decay"),
            forward="cross_batch",
            ema_if_enabled=True,
        ),
    )
    conformance = Conformance(
        settings={
            "gan_mode": "wgan_gp",
            "base_filters": 4,
            "discriminator_filters": 4,
            "norm": "instance_affine",
            "discriminator_norm": "none",
            "discriminator_burst_turns": 0,
        },
        # The splitter on (Ax, Be); the joiner on four pairs of codes; D as in DualGAN.
        forward_passes={"splitter": 1, "joiner": 1, "discriminator_a": 4, "discriminator_b": 4},
        unchanged_variables=2,  # the last bias of each Wasserstein discriminator cancels
    )

    def __init__(
        self,
        splitter: keras.Model,
        joiner: keras.Model,
        discriminator_a: keras.Model,
        discriminator_b: keras.Model,
        **options: Any,
    ):
        super().__init__(
            networks={
                "splitter": splitter,
                "joiner": joiner,
                "discriminator_a": discriminator_a,
                "discriminator_b": discriminator_b,
            },
            **options,
        )
        self.gan_loss = gan_loss("wasserstein")
        self.bursts = Bursts(
            self.settings.discriminator_burst_turns, self.settings.discriminator_burst_every
        )

    @classmethod
    def build_networks(
        cls, settings: Any, shape_a: tuple[int, int, int], shape_b: tuple[int, int, int]
    ) -> dict[str, keras.Model]:
        """Splitter, joiner and two discriminators; both domains must have the same shape."""
        _check(settings, shape_a, shape_b)
        batch_norm = BatchNorm(
            settings.batch_norm_epsilon,
            settings.batch_norm_momentum,
            settings.batch_norm_scale_stddev,
        )
        norms = {"norm": settings.norm, "batch_norm": batch_norm}
        split = splitter(shape_a, base_filters=settings.base_filters, **norms)
        background_shape, object_shape = (shape[1:] for shape in split.output_shape)
        shared = {
            "base_filters": settings.discriminator_filters,
            "norm": settings.discriminator_norm,
            "batch_norm": batch_norm,
        }
        return {
            "splitter": split,
            "joiner": joiner(background_shape, object_shape, shape_a[-1], **norms),
            "discriminator_a": object_discriminator(shape_a, name="discriminator_a", **shared),
            "discriminator_b": object_discriminator(shape_b, name="discriminator_b", **shared),
        }

    @classmethod
    def absent_terms(cls, settings: Any, loss_weights: Mapping) -> dict[str, str]:
        """The gradient penalty belongs to "wgan_gp"."""
        if settings.gan_mode == "wgan_gp":
            return {}
        return {"gradient_penalty": "gan_mode is not wgan_gp"}

    def choose_players(self) -> tuple[Player, ...]:
        """With "wgan_gp" the discriminators also have the gradient penalty."""
        discriminators, generators = type(self).players
        if self.settings.gan_mode == "wgan_gp":
            terms = (*discriminators.terms, "gradient_penalty")
            discriminators = dataclasses.replace(discriminators, terms=terms)
        return discriminators, generators

    @property
    def chance_levels(self) -> Mapping[str, float]:
        """Wasserstein discriminators."""
        return {"discriminator": self.gan_loss.chance_level}

    def next_step_is_variant(self) -> bool:
        """Whether only the discriminators take a turn in the next step, one of a burst."""
        return self._has_bursts() and self.bursts.alone(int(self.steps_taken.numpy()))

    def variant_steps(self, steps: int) -> int:
        """Those in which the generators take no turn."""
        return sum(map(self.bursts.alone, range(steps))) if self._has_bursts() else 0

    def _has_bursts(self) -> bool:
        return "discriminators" in {player.name for player in self.active_players()}

    def active_players(self) -> list[Player]:
        """Both players, or the discriminators alone in a burst."""
        players = super().active_players()
        if self.step_variants.in_variant:
            return [player for player in players if player.name == "discriminators"]
        return players

    def fraction_of_steps(self, player: Player) -> float:
        """The generators take no turn in bursts."""
        return 1.0 if player.name == "discriminators" else self.bursts.generators_fraction

    def after_turn(self, player: Player) -> None:
        """Clips the discriminators' weights (the code)."""
        if player.name == "discriminators" and self.settings.gan_mode == "wgan_clip":
            clip_weights(self.variables_of(player), self.settings.clip)

    def cross_batch(self, batch: Tensors) -> Tensors:
        """Reconstructed parents and children, generated once by one pass of each network."""
        both = tf.concat([batch["a"], batch["b"]], 0)
        backgrounds, objects = self.splitter(both, training=True)
        background_a, background_b = tf.split(backgrounds, 2)
        object_a, object_b = tf.split(objects, 2)
        no_object = tf.zeros_like(object_b)  # not e, so that only x represents the object
        joined = self.joiner(
            [
                tf.concat([background_a, background_b, background_b, background_a], 0),
                tf.concat([object_a, no_object, object_a, no_object], 0),
            ],
            training=True,
        )
        names = ("reconstructed_a", "reconstructed_b", "swapped_a", "swapped_b")
        images = dict(zip(names, tf.split(joined, 4), strict=True))
        return {**images, "object_b": object_b}

    def discriminators_objective(self, batch: Tensors, shared: Tensors) -> Losses:
        """Each discriminator scores images of its domain above the children of that domain."""
        sides = (
            (self.discriminator_a, batch["a"], shared["swapped_a"]),
            (self.discriminator_b, batch["b"], shared["swapped_b"]),
        )
        losses = {}
        if self.uses("discriminator"):
            losses["discriminator"] = discriminator_losses(self.gan_loss, sides)
        if self.settings.gan_mode == "wgan_gp" and self.uses("gradient_penalty"):
            coefficients = [
                self.uniform_per_image(real, stream=stream)
                for stream, (_, real, _) in zip(_PENALTY_STREAMS, sides, strict=True)
            ]
            losses["gradient_penalty"] = gradient_penalties(sides, coefficients)
        return losses

    def generators_objective(self, batch: Tensors, shared: Tensors) -> Losses:
        """Reconstruct parents, fool the discriminators, encode no object where there is none."""
        losses = {}
        if self.uses("reconstruction"):
            losses["reconstruction"] = _TO_UNIT * (
                mean_absolute_error(shared["reconstructed_a"], batch["a"])
                + mean_absolute_error(shared["reconstructed_b"], batch["b"])
            )
        if self.uses("parallelogram"):
            parents, children = batch["a"] + batch["b"], shared["swapped_a"] + shared["swapped_b"]
            losses["parallelogram"] = _TO_UNIT * mean_absolute_error(parents, children)
        if self.uses("adversarial"):
            losses["adversarial"] = self.gan_loss.generator(
                self.discriminator_a(shared["swapped_a"], training=True)
            ) + self.gan_loss.generator(self.discriminator_b(shared["swapped_b"], training=True))
        if self.uses("nulling"):
            losses["nulling"] = mean_absolute_error(shared["object_b"], 0.0)
        if self.uses("weight_decay"):
            losses["weight_decay"] = mean_weight_decay(self.variables_of(self.player("generators")))
        return losses

    def _called_signature(self) -> Signature:
        return self.signatures()["remove"]  # of the three, the one that takes a single image

    def examples(self, batch: Mapping) -> dict[str, dict]:
        """The object of `a` added to `b`, fully and half, and removed from `a`."""
        a, b = batch["a"], batch["b"]
        half = np.full((len(b), 1), 0.5, np.float32)
        return {
            "swap": {"image": b, "exemplar": a},
            "remove": {"image": a},
            "add": {"image": b, "exemplar": a, "strength": half},
        }

    def signatures(self) -> dict[str, Signature]:
        """`swap` the objects of two images, `remove` one, `add` the exemplar's with a strength."""
        shape = self.splitter.input_shape[1:]
        image = image_spec(shape)
        exemplar = image_spec(shape, "exemplar", "the image with the object to transfer")
        bare = image_spec(shape, "exemplar", "the exemplar without its object")
        meaning = "how much of the object: 0 none, 1 as the exemplar has it, beyond exaggerates"
        strength = scalar_spec("strength", 1.0, meaning, range_is_typical=True)
        whole = keras.Model(self.splitter.inputs, self.joiner(self.splitter.outputs))
        behavior = describe_inference(whole)
        signatures = (
            Signature("swap", self._swap, (image, exemplar), (image, bare), behavior),
            Signature("remove", self._remove, (image,), (image,), behavior),
            Signature("add", self._add, (image, exemplar, strength), (image,), behavior),
        )
        return {signature.name: signature for signature in signatures}

    def _swap(self, image, exemplar):
        background, _ = self._split(image)
        other_background, object_code = self._split(exemplar)
        return {
            "image": self._join(background, object_code),
            "exemplar": self._join(other_background, tf.zeros_like(object_code)),
        }

    def _remove(self, image):
        background, object_code = self._split(image)
        return {"image": self._join(background, tf.zeros_like(object_code))}

    def _add(self, image, exemplar, strength):
        (background, _), (_, object_code) = self._split(image), self._split(exemplar)
        factor = tf.cast(tf.reshape(strength, [-1, 1, 1, 1]), object_code.dtype)
        return {"image": self._join(background, factor * object_code)}

    def _split(self, images):
        return self.splitter(images, training=False)

    def _join(self, background, object_code):
        return self.joiner([background, object_code], training=False)


def _check(settings: GeneGANSettings, shape_a, shape_b) -> None:
    if tuple(shape_a) != tuple(shape_b):
        raise ValueError(
            f"`shape_b` must equal `shape_a`: one splitter reads both, got {shape_a} and {shape_b}"
        )
    if settings.gan_mode == "wgan_gp" and settings.discriminator_norm == "batch":
        raise ValueError(
            "`discriminator_norm` must be 'instance_affine' or 'none' with 'wgan_gp', got "
            "'batch': the penalty is on the gradient of each image, and batch norm mixes images"
        )
