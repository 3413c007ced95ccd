"""DualGAN: unpaired translation with Wasserstein discriminators and a heavy reconstruction."""

import dataclasses
import functools
from collections.abc import Mapping
from typing import Literal

import keras
from pydantic import Field

from tf_translate.config.settings import AdamSettings, MethodSettings, RMSpropSettings
from tf_translate.core.loss_terms import content, domain, regularization
from tf_translate.core.optimizers import make_optimizer
from tf_translate.core.player import Player
from tf_translate.core.signature import Signature, image_signatures
from tf_translate.core.translator import Translator
from tf_translate.losses.adversarial import adversarial_loss, judged
from tf_translate.losses.reconstruction import mean_absolute
from tf_translate.losses.regularization import clip_weights, gradient_penalties
from tf_translate.networks.inference_behavior import describe_inference
from tf_translate.networks.patchgan_discriminator import patchgan_discriminator
from tf_translate.networks.strided_discriminator import strided_discriminator, truncated
from tf_translate.networks.unet import unet_generator

GanMode = Literal["wgan_clip", "wgan_gp", "vanilla"]
_DISCRIMINATOR_TURNS = {"wgan_clip": 3, "wgan_gp": 1, "vanilla": 1}
_GENERATOR_TURNS = {"wgan_clip": 1, "wgan_gp": 1, "vanilla": 2}  # the code's "classic" option


class DualGANSettings(MethodSettings):
    """Networks and games of DualGAN; defaults are the paper's."""

    gan_mode: GanMode = Field(
        "wgan_clip", description="section 3.1: Wasserstein with clipping; wgan_gp: the code's"
    )
    discriminator_turns: int | None = Field(
        None, ge=1, description="section 3.4: 2 to 4; none: 3 with clipping, 1 otherwise"
    )
    clip: float = Field(0.01, gt=0, description="section 3.4: 0.01 to 0.1")
    num_downsamples: int = Field(8, ge=2, description="halvings of the U-Net, the code")
    base_filters: int = Field(64, ge=1, description="channels of the first level, the code")
    norm: Literal["instance_affine", "instance", "batch", "none"] = Field(
        "instance_affine", description="the code; none on the bottleneck"
    )
    dropout: float = Field(0.5, ge=0, lt=1, description="section 3.3, on three decoder levels")
    inference_dropout: Literal["off", "fixed"] = Field(
        "fixed", description="section 3.3: dropout at test time too"
    )
    upsampling: Literal["transposed", "resize"] = Field("transposed", description="the code")
    input_skip: bool = Field(False, description="ours: generators draw a change of the input")
    discriminator_head: Literal["patch", "global", "patchgan"] = Field(
        "patch",
        description="the code's two; patchgan: section 3.3, 70x70 with discriminator_downsamples 3",
    )
    discriminator_downsamples: int = Field(
        5, ge=1, description="halvings of the discriminators, the code"
    )
    discriminator_filters: int = Field(64, ge=1, description="the code")
    discriminator_norm: Literal["instance_affine", "instance", "none"] = Field(
        "instance_affine", description="the code"
    )
    optimizer: AdamSettings | RMSpropSettings = Field(
        RMSpropSettings(), discriminator="kind", description="section 3.4 and the code"
    )


@keras.saving.register_keras_serializable("tf_translate")
class DualGAN(Translator):
    """Two translators in a closed loop, judged by Wasserstein discriminators.

    Code to paper: `generator_ab` G_A, `generator_ba` G_B, `discriminator_b` D_A, `discriminator_a` D_B.
    Batch: `{"a", "b"}`, unpaired, each `(n * batch, height, width, channels)`, float32 in
    [-1, 1], where n is `discriminator_turns`: every turn of the discriminators sees fresh images.
    Players: discriminators (clipped after each turn, or held by a penalty), then generators on the
        images and fakes of the discriminators' last turn; with "vanilla" the generators go twice.
    Deploys: `a_to_b`, `b_to_a`, images to images in [-1, 1].
    Departs: the "patch" discriminator is the code's, whose scores see 129 pixels, where the paper has
        the 70x70 PatchGAN ("patchgan" in the settings); no norm on the 1x1 bottleneck, where
        the code's makes it a constant; three turns where the paper says 2 to 4; noise is
        dropout, at inference one fixed mask (see `Dropout`); reconstruction weight 500 as in
        the code (the paper: 100 to 1000); flips in training as the code means to and, by a
        slip, does not.

    Args:
        generator_ab, generator_ba: Networks from one domain to the other.
        discriminator_a, discriminator_b: Networks from images of a domain to scores.
        gan_mode: "wgan_clip" (the paper), "wgan_gp" (the code today) or "vanilla".
        discriminator_turns: Turns of the discriminators in a step; None: 3 with clipping, 1 otherwise.
        clip: Largest weight of a discriminator, with "wgan_clip".
        loss_weights: Weights that replace `reconstruction`, `adversarial`, `discriminator`,
            `gradient_penalty` (which only "wgan_gp" computes).
        name: Name of the model.

    Raises:
        ValueError: If `gan_mode` is unknown.

    Source: Yi et al. 2017, https://arxiv.org/abs/1704.02510, eq. 1-3, sections 3.1-3.4, and
    github.com/duxingren14/DualGAN.
    """

    layout = "unpaired"
    deploys = ("a_to_b", "b_to_a")
    terms = (
        content("reconstruction", weight=500.0, source="eq. 3; lambda = 500 in the code"),
        domain("adversarial", source="eq. 3, generators' side"),
        domain("discriminator", source="eq. 1 and 2"),
        regularization("gradient_penalty", weight=10.0, source="the code; gamma = 10, WGAN-GP"),
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
            ("generator_ab", "generator_ba"),
            "generators_objective",
            ("reconstruction", "adversarial"),
            forward="translate_batch",
            averaged=True,
        ),
    )

    def __init__(
        self,
        generator_ab: keras.Model,
        generator_ba: keras.Model,
        discriminator_a: keras.Model,
        discriminator_b: keras.Model,
        *,
        gan_mode: GanMode = "wgan_clip",
        discriminator_turns: int | None = None,
        clip: float = 0.01,
        loss_weights: Mapping[str, float] | None = None,
        name: str = "dualgan",
    ):
        if gan_mode not in _DISCRIMINATOR_TURNS:
            raise ValueError(
                f"`gan_mode` must be one of {list(_DISCRIMINATOR_TURNS)}, got {gan_mode!r}"
            )
        super().__init__(
            networks={
                "generator_ab": generator_ab,
                "generator_ba": generator_ba,
                "discriminator_a": discriminator_a,
                "discriminator_b": discriminator_b,
            },
            players=_players(gan_mode, discriminator_turns or _DISCRIMINATOR_TURNS[gan_mode], clip),
            loss_weights=loss_weights,
            name=name,
        )
        self.gan_mode = gan_mode
        self.discriminator_turns = discriminator_turns
        self.clip = clip
        self._gan_loss = adversarial_loss("vanilla" if gan_mode == "vanilla" else "wasserstein")
        self.chance_levels = {"discriminator": 2 * self._gan_loss.chance_level}

    @classmethod
    def from_settings(
        cls,
        settings: DualGANSettings,
        shape_a: tuple[int, int, int],
        shape_b: tuple[int, int, int],
        *,
        loss_weights: Mapping[str, float] | None = None,
    ) -> "DualGAN":
        """Builds networks and translator for images of `(height, width, channels)`."""
        return cls(
            _generator(settings, shape_a, shape_b[2], "generator_ab"),
            _generator(settings, shape_b, shape_a[2], "generator_ba"),
            _discriminator(settings, shape_a, "discriminator_a"),
            _discriminator(settings, shape_b, "discriminator_b"),
            gan_mode=settings.gan_mode,
            discriminator_turns=settings.discriminator_turns,
            clip=settings.clip,
            loss_weights=loss_weights,
        )

    def translate_batch(self, batch):
        """Both translations, made once for each part of a step."""
        return {
            "fake_b": self.generator_ab(batch["a"], training=True),
            "fake_a": self.generator_ba(batch["b"], training=True),
        }

    def discriminators_objective(self, batch, shared):
        """Eq. 1 and 2: each discriminator lifts its domain's images above translated ones."""
        sides = (
            (self.discriminator_a, batch["a"], shared["fake_a"]),
            (self.discriminator_b, batch["b"], shared["fake_b"]),
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
        """Eq. 3: be scored high by both discriminators and lead back to the input."""
        losses = {}
        if self.uses("reconstruction"):
            reconstructed_a = self.generator_ba(shared["fake_b"], training=True)
            reconstructed_b = self.generator_ab(shared["fake_a"], training=True)
            losses["reconstruction"] = mean_absolute(reconstructed_a, batch["a"])
            losses["reconstruction"] += mean_absolute(reconstructed_b, batch["b"])
        if self.uses("adversarial"):
            losses["adversarial"] = self._gan_loss.generator(
                self.discriminator_b(shared["fake_b"], training=True)
            ) + self._gan_loss.generator(self.discriminator_a(shared["fake_a"], training=True))
        return losses

    def default_optimizer(self, player: Player) -> keras.optimizers.Optimizer:
        """RMSProp 5e-5 (section 3.4)."""
        return make_optimizer(RMSpropSettings().model_dump())

    def signatures(self) -> dict[str, Signature]:
        """`a_to_b` and `b_to_a`: a generator each."""
        networks = {"a_to_b": self.generator_ab, "b_to_a": self.generator_ba}
        return image_signatures(networks, describe_inference)


def _players(gan_mode: str, discriminator_turns: int, clip: float) -> tuple[Player, ...]:
    discriminators, generators = DualGAN.players
    penalised = ("gradient_penalty",) if gan_mode == "wgan_gp" else ()
    clipped = functools.partial(clip_weights, limit=clip) if gan_mode == "wgan_clip" else None
    last = discriminator_turns - 1
    return (
        dataclasses.replace(
            discriminators,
            terms=(*discriminators.terms, *penalised),
            parts=tuple(range(discriminator_turns)),
            constrain=clipped,
        ),
        dataclasses.replace(generators, microbatches=(last,) * _GENERATOR_TURNS[gan_mode]),
    )


def _generator(settings: DualGANSettings, shape, out_channels: int, name: str) -> keras.Model:
    return unet_generator(
        shape,
        out_channels,
        num_downsamples=settings.num_downsamples,
        base_filters=settings.base_filters,
        kernel=3,  # the code: 3x3, first and last 5x5
        outer_kernel=5,
        norm=settings.norm,
        norm_epsilon=1e-6,  # the code
        bias=True,
        start=truncated(),
        dropout=settings.dropout,
        upsampling=settings.upsampling,
        input_skip=settings.input_skip,
        inference_dropout=settings.inference_dropout,
        name=name,
    )


def _discriminator(settings: DualGANSettings, shape, name: str) -> keras.Model:
    if settings.discriminator_head == "patchgan":
        return patchgan_discriminator(
            shape,
            layers=settings.discriminator_downsamples,
            base_filters=settings.discriminator_filters,
            norm=settings.discriminator_norm,
            name=name,
        )
    return strided_discriminator(
        shape,
        num_downsamples=settings.discriminator_downsamples,
        base_filters=settings.discriminator_filters,
        norm=settings.discriminator_norm,
        head=settings.discriminator_head,
        name=name,
    )
