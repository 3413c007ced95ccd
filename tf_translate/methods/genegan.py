"""GeneGAN: two sets, with and without an object, whose images exchange it."""

import dataclasses
import functools
from collections.abc import Mapping
from typing import ClassVar, Literal

import keras
import numpy as np
import tensorflow as tf
from pydantic import Field

from tf_translate.config.settings import AdamSettings, MethodSettings, RMSpropSettings
from tf_translate.core.loss_terms import content, domain, regularization
from tf_translate.core.optimizers import make_optimizer
from tf_translate.core.player import Burst, Player
from tf_translate.core.signature import Signature, amount_spec, image_spec
from tf_translate.core.translator import Translator
from tf_translate.losses.adversarial import adversarial_loss, judged
from tf_translate.losses.reconstruction import mean_absolute
from tf_translate.losses.regularization import clip_weights, gradient_penalties, mean_weight_decay
from tf_translate.networks.genegan import joiner, object_discriminator, splitter
from tf_translate.networks.inference_behavior import describe_inference

GanMode = Literal["wgan_clip", "wgan_gp"]
_MODES = ("wgan_clip", "wgan_gp")
_RMSPROP = RMSpropSettings(learning_rate=5e-5, rho=0.8)
_PIXEL = 0.5  # of [0, 1], in which the code measures, for one of our [-1, 1]


class GeneGANSettings(MethodSettings):
    """Networks and games of GeneGAN; defaults are the published code's."""

    gan_mode: GanMode = Field(
        "wgan_clip", description="the code; wgan_gp: ours, a gradient penalty in place of clipping"
    )
    clip: float = Field(0.01, gt=0, description="largest weight of a discriminator, the code")
    discriminator_burst_turns: int = Field(
        100,
        ge=0,
        description="turns of the discriminators for one of the others in a burst; 0: none",
    )
    discriminator_burst_every: int = Field(
        500, ge=1, description="turns of the others between bursts, the code"
    )
    base_filters: int = Field(
        128, ge=1, description="channels of the splitter's first layer, the code"
    )
    norm: Literal["batch", "instance_affine", "none"] = Field(
        "batch", description="of splitter and joiner, the code"
    )
    discriminator_filters: int = Field(128, ge=1, description="the code")
    discriminator_norm: Literal["batch", "instance_affine", "none"] = Field(
        "batch", description="the code; with wgan_gp one of the others"
    )
    optimizer: AdamSettings | RMSpropSettings = Field(
        _RMSPROP, discriminator="kind", description="the code"
    )


@keras.saving.register_keras_serializable("tf_translate")
class GeneGAN(Translator):
    """Splits images into background and object, and joins them the other way round.

    Code to paper: `a` Ax (with the object), `b` Be (without), `splitter` the encoder,
        `joiner` the decoder, `discriminator_a` the discriminator of images with, `discriminator_b` without;
        `background_a` A, `object_a` x, `background_b` B, `object_b` epsilon (e below), `swapped_a`
        Bx, `swapped_b` A0.
    Batch: `{"a", "b"}`, unpaired, each `(batch, height, width, channels)`, float32 in
    [-1, 1]: images of `a` show the object, those of `b` do not.
    Players: discriminators (clipped after each turn, or held by a penalty), then generators
        (splitter and joiner) on the same children. In a burst, at first and after every
        `discriminator_burst_every` turns of the generators, the discriminators take `discriminator_burst_turns` for one of theirs,
        each a step with a fresh batch, as in the code.
    Deploys: `swap`, images without (`image`) and with the object (`exemplar`) to the same two
        with the object on the other one; `remove`, image to image; `add`, image, exemplar
        and a strength from 0 to 1 to image. All images are in [-1, 1].
    Departs: "wgan_gp" is ours, and needs discriminators without batch norm; all codes of a step come
        from one pass of the splitter and all its images from one of the joiner, so that
        batch norm learns with the joint statistics that inference uses; a step is a batch,
        so an iteration of the code with a burst is 100 steps; with `steps_per_execution` a
        burst is rounded up to whole executions; images are in [-1, 1], but networks read, and
        `reconstruction` and `parallelogram` are measured in, [0, 1]; weight decay takes the
        offsets and scales of norms too.

    Args:
        splitter: Network from images to `[background, object]`.
        joiner: Network from `[background, object]` to images.
        discriminator_a, discriminator_b: Networks from images of a domain to scores.
        gan_mode: "wgan_clip" (the code) or "wgan_gp".
        clip: Largest weight of a discriminator, with "wgan_clip".
        discriminator_burst_turns: Turns of the discriminators for one of the generators in a burst; 0: no bursts.
        discriminator_burst_every: Turns of the generators from one burst to the next.
        loss_weights: Weights that replace `reconstruction`, `parallelogram`, `adversarial`,
            `discriminator`, `nulling`, `weight_decay`, `gradient_penalty` (which only "wgan_gp"
            computes).
        name: Name of the model.

    Raises:
        ValueError: If `gan_mode` is unknown, or settings or shapes do not go together.

    Source: Zhou et al. 2017, https://arxiv.org/abs/1705.04932, and
    github.com/Prinsphield/GeneGAN.
    """

    layout = "unpaired"
    deploys = ("swap", "remove", "add")
    directions: ClassVar[Mapping[str, str]] = {"a_to_b": "remove", "b_to_a": "swap"}
    paper_shapes = ((64, 64, 3), (64, 64, 3))
    terms = (
        content("reconstruction", source="the paper's reconstruction loss, L1"),
        content(
            "parallelogram",
            weight=2.55,
            source="the paper's parallelogram loss; 0.01 on [0, 255] in the code",
        ),
        domain("adversarial", source="the paper's GAN loss, Wasserstein, generators' side"),
        domain("discriminator", source="the paper's GAN loss, Wasserstein, discriminators' side"),
        regularization("nulling", source="the paper's nulling loss, |e|"),
        regularization("weight_decay", weight=5e-5, source="the code"),
        regularization("gradient_penalty", weight=10.0, source="ours; gamma = 10, WGAN-GP"),
    )
    players = (
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
            averaged=True,
        ),
    )

    def __init__(
        self,
        splitter: keras.Model,
        joiner: keras.Model,
        discriminator_a: keras.Model,
        discriminator_b: keras.Model,
        *,
        gan_mode: GanMode = "wgan_clip",
        clip: float = 0.01,
        discriminator_burst_turns: int = 100,
        discriminator_burst_every: int = 500,
        loss_weights: Mapping[str, float] | None = None,
        name: str = "genegan",
    ):
        if gan_mode not in _MODES:
            raise ValueError(f"`gan_mode` must be one of {list(_MODES)}, got {gan_mode!r}")
        burst = (
            Burst(discriminator_burst_turns, discriminator_burst_every)
            if discriminator_burst_turns
            else None
        )
        super().__init__(
            networks={
                "splitter": splitter,
                "joiner": joiner,
                "discriminator_a": discriminator_a,
                "discriminator_b": discriminator_b,
            },
            players=_players(gan_mode, clip, burst),
            loss_weights=loss_weights,
            name=name,
        )
        self.gan_mode = gan_mode
        self.clip = clip
        self.discriminator_burst_turns = discriminator_burst_turns
        self.discriminator_burst_every = discriminator_burst_every
        self._gan_loss = adversarial_loss("wasserstein")
        self.chance_levels = {"discriminator": self._gan_loss.chance_level}

    @classmethod
    def from_settings(
        cls,
        settings: GeneGANSettings,
        shape_a: tuple[int, int, int],
        shape_b: tuple[int, int, int],
        *,
        loss_weights: Mapping[str, float] | None = None,
    ) -> "GeneGAN":
        """Builds networks and translator for images of `(height, width, channels)`."""
        _check(settings, shape_a, shape_b)
        split = splitter(shape_a, base_filters=settings.base_filters, norm=settings.norm)
        background, shown = (shape[1:] for shape in split.output_shape)
        return cls(
            split,
            joiner(background, shown, shape_a[-1], norm=settings.norm),
            _discriminator(settings, shape_a, "discriminator_a"),
            _discriminator(settings, shape_b, "discriminator_b"),
            gan_mode=settings.gan_mode,
            clip=settings.clip,
            discriminator_burst_turns=settings.discriminator_burst_turns,
            discriminator_burst_every=settings.discriminator_burst_every,
            loss_weights=loss_weights,
        )

    def cross_batch(self, batch):
        """Parents split, rebuilt and crossed, made once a step: each network runs once."""
        both = tf.concat([batch["a"], batch["b"]], 0)
        backgrounds, objects = self.splitter(both, training=True)
        background_a, background_b = tf.split(backgrounds, 2)
        object_a, object_b = tf.split(objects, 2)
        nothing = tf.zeros_like(object_b)  # not e: only x may carry the object
        joined = self.joiner(
            [
                tf.concat([background_a, background_b, background_b, background_a], 0),
                tf.concat([object_a, nothing, object_a, nothing], 0),
            ],
            training=True,
        )
        names = ("rebuilt_a", "rebuilt_b", "swapped_a", "swapped_b")
        images = dict(zip(names, tf.split(joined, 4), strict=True))
        return {**images, "object_b": object_b}

    def discriminators_objective(self, batch, shared):
        """Each discriminator lifts its set's images above the children that should belong to it."""
        sides = (
            (self.discriminator_a, batch["a"], shared["swapped_a"]),
            (self.discriminator_b, batch["b"], shared["swapped_b"]),
        )
        losses = {}
        if self.uses("discriminator"):
            losses["discriminator"] = judged(self._gan_loss, sides)
        if self.gan_mode == "wgan_gp" and self.uses("gradient_penalty"):
            shares = [
                self.uniform_per_image(real, stream=i) for i, (_, real, _) in enumerate(sides)
            ]
            losses["gradient_penalty"] = gradient_penalties(sides, shares)
        return losses

    def generators_objective(self, batch, shared):
        """Rebuild the parents, fool the discriminators, and find nothing where there is nothing."""
        losses = {}
        if self.uses("reconstruction"):
            losses["reconstruction"] = _PIXEL * (
                mean_absolute(shared["rebuilt_a"], batch["a"])
                + mean_absolute(shared["rebuilt_b"], batch["b"])
            )
        if self.uses("parallelogram"):
            children = shared["swapped_a"] + shared["swapped_b"]
            losses["parallelogram"] = _PIXEL * mean_absolute(batch["a"] + batch["b"], children)
        if self.uses("adversarial"):
            losses["adversarial"] = self._gan_loss.generator(
                self.discriminator_a(shared["swapped_a"], training=True)
            ) + self._gan_loss.generator(self.discriminator_b(shared["swapped_b"], training=True))
        if self.uses("nulling"):
            losses["nulling"] = mean_absolute(shared["object_b"], 0.0)
        if self.uses("weight_decay"):
            losses["weight_decay"] = mean_weight_decay(self.variables_of(self.players[1]))
        return losses

    def default_optimizer(self, player: Player) -> keras.optimizers.Optimizer:
        """RMSProp 5e-5, decay 0.8 (the code)."""
        return make_optimizer(_RMSPROP.model_dump())

    def call(self, images, training=False):
        """Removes the object: images in [-1, 1] to images in [-1, 1]."""
        return self._remove(images)["image"]

    def examples(self, batch: Mapping) -> dict[str, dict]:
        """The object of `a` put on `b`, whole and half, and removed from `a`."""
        a, b = batch["a"], batch["b"]
        half = np.full((len(b), 1), 0.5, np.float32)
        return {
            "swap": {"image": b, "exemplar": a},
            "remove": {"image": a},
            "add": {"image": b, "exemplar": a, "strength": half},
        }

    def signatures(self) -> dict[str, Signature]:
        """`swap` the object of two images, `remove` it from one, `add` some of another's."""
        shape = self.splitter.input_shape[1:]
        image = image_spec(shape)
        exemplar = image_spec(shape, "exemplar", "the image whose object is taken")
        bare = image_spec(shape, "exemplar", "the exemplar without its object")
        how_far = "how much of the object: 0 none, 1 as the exemplar has it, beyond exaggerates"
        strength = amount_spec("strength", 1.0, how_far)
        whole = keras.Model(self.splitter.inputs, self.joiner(self.splitter.outputs))
        inference_behavior = describe_inference(whole)
        signatures = (
            Signature("swap", self._swap, (image, exemplar), (image, bare), inference_behavior),
            Signature("remove", self._remove, (image,), (image,), inference_behavior),
            Signature("add", self._add, (image, exemplar, strength), (image,), inference_behavior),
        )
        return {signature.name: signature for signature in signatures}

    def _swap(self, image, exemplar):
        (background, _), (other, shown) = self._split(image), self._split(exemplar)
        return {
            "image": self._join(background, shown),
            "exemplar": self._join(other, tf.zeros_like(shown)),
        }

    def _remove(self, image):
        background, shown = self._split(image)
        return {"image": self._join(background, tf.zeros_like(shown))}

    def _add(self, image, exemplar, strength):
        (background, _), (_, shown) = self._split(image), self._split(exemplar)
        share = tf.cast(tf.reshape(strength, [-1, 1, 1, 1]), shown.dtype)
        return {"image": self._join(background, share * shown)}

    def _split(self, images):
        return self.splitter(images, training=False)

    def _join(self, background, shown):
        return self.joiner([background, shown], training=False)


def _players(gan_mode: str, clip: float, burst: Burst | None) -> tuple[Player, ...]:
    discriminators, generators = GeneGAN.players
    if gan_mode == "wgan_gp":
        terms = (*discriminators.terms, "gradient_penalty")
        return dataclasses.replace(discriminators, terms=terms, burst=burst), generators
    clipped = functools.partial(clip_weights, limit=clip)
    return dataclasses.replace(discriminators, constrain=clipped, burst=burst), generators


def _discriminator(settings: GeneGANSettings, shape, name: str) -> keras.Model:
    return object_discriminator(
        shape,
        base_filters=settings.discriminator_filters,
        norm=settings.discriminator_norm,
        name=name,
    )


def _check(settings: GeneGANSettings, shape_a, shape_b) -> None:
    if tuple(shape_a) != tuple(shape_b):
        raise ValueError(
            f"`shape_b` must equal `shape_a`: one splitter reads both, got {shape_a} and {shape_b}"
        )
    if settings.gan_mode == "wgan_gp" and settings.discriminator_norm == "batch":
        raise ValueError(
            "`discriminator_norm` must be 'instance_affine' or 'none' with 'wgan_gp', got 'batch': the "
            "penalty is on each image's own gradient, and batch norm mixes images"
        )
