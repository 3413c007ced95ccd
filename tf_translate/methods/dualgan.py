"""DualGAN: unpaired translation with Wasserstein discriminators and reconstruction."""

import dataclasses
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, ClassVar, Literal

import keras
from pydantic import Field

from tf_translate.bases.two_domains import TwoDomainTranslator
from tf_translate.config.settings import (
    AdamSettings,
    MethodSettings,
    RMSpropSettings,
    only_with,
)
from tf_translate.core.conformance import Conformance
from tf_translate.core.loss_terms import LossTerm, content, domain, regularization
from tf_translate.core.player import Losses, Player, Tensors
from tf_translate.losses.adversarial import discriminator_losses, gan_loss
from tf_translate.losses.regularization import Reduction, clip_weights, gradient_penalties
from tf_translate.methods.registry import register
from tf_translate.networks.patchgan_discriminator import patchgan_discriminator
from tf_translate.networks.strided_discriminator import strided_discriminator, truncated_normal
from tf_translate.networks.unet import unet_generator

GanMode = Literal["wgan_clip", "wgan_gp", "vanilla"]
_DISCRIMINATOR_TURNS = {"wgan_clip": 3, "wgan_gp": 1, "vanilla": 1}
_PENALTY_STREAMS = 0, 1  # of random values (see `stateless_random`), by discriminator
_GENERATOR_TURNS = {"wgan_clip": 1, "wgan_gp": 1, "vanilla": 2}  # the code's "classic" option


class DualGANSettings(MethodSettings):
    """Networks, GAN loss and optimizer of DualGAN; defaults are the paper's."""

    earlier = MappingProxyType({"gradient_penalty_reduction": "mean"})
    gan_mode: GanMode = Field(
        default="wgan_clip",
        description="GAN loss: wgan_clip, the Wasserstein loss with discriminator weights clipped "
        "to a small range; wgan_gp, the Wasserstein loss with a penalty on the discriminators' "
        "gradients; vanilla, cross-entropy (paper, section 3.1: wgan_clip; authors' code: "
        "wgan_gp)",
    )
    discriminator_turns: int | None = Field(
        default=None,
        ge=1,
        description="updates of the discriminators in a step; not set: 3 with wgan_clip, else 1 "
        "(paper, section 3.3: 2 to 4)",
    )
    clip: float = Field(
        default=0.01,
        gt=0,
        description="wgan_clip: largest absolute value of a discriminator's weights (paper, "
        "section 3.3: 0.01 to 0.1)",
        json_schema_extra=only_with(gan_mode="wgan_clip"),
    )
    num_downsamples: int = Field(
        default=8,
        ge=2,
        description="how often a generator halves the sides of the image, which must divide by 2 "
        "to this power (authors' code)",
    )
    base_filters: int = Field(
        default=64,
        ge=1,
        description="channels of a generator's first layer; deeper layers have multiples of it, "
        "so it scales the whole network (authors' code)",
    )
    norm: Literal["instance_affine", "instance", "batch", "none"] = Field(
        default="instance_affine",
        description="normalization in the generators, except in the innermost layer: "
        "instance_affine, each image by itself, with a learned scale and offset; instance, "
        "without them; batch, over all images of a batch; none (authors' code)",
    )
    dropout: float = Field(
        default=0.5,
        ge=0,
        lt=1,
        description="fraction of values that dropout sets to 0 in up to three decoder layers of a "
        "generator, the source of noise (paper, section 3.2)",
    )
    inference_dropout: Literal["off", "fixed"] = Field(
        default="fixed",
        description="dropout when the trained model is used: fixed, one random choice that stays "
        "the same; off (paper, section 3.2: dropout at test time too)",
    )
    upsampling: Literal["transposed", "resize"] = Field(
        default="transposed",
        description="how feature maps are enlarged: transposed, by transposed convolutions; "
        "resize, by nearest neighbours and a convolution, which avoids checkerboard patterns "
        "(authors' code: transposed)",
    )
    input_skip: bool = Field(
        default=False,
        description="generators output a change that is added to their input, and the sum is "
        "clipped to [-1, 1]; needs equal channels in both domains (ours)",
    )
    discriminator_head: Literal["patch", "global", "patchgan"] = Field(
        default="patch",
        description="what a discriminator scores: patch, patches of 129 pixels; global, the whole "
        "image with one score; patchgan, patches as in pix2pix, of 70 pixels with "
        "discriminator_downsamples = 3 (authors' code: global by default, patch as an option; "
        "paper, section 3.2: patchgan)",
    )
    discriminator_downsamples: int = Field(
        default=5,
        ge=1,
        description="how often a discriminator halves the sides of the image (authors' code)",
    )
    discriminator_filters: int = Field(
        default=64,
        ge=1,
        description="channels of a discriminator's first layer; deeper layers have multiples of "
        "it (authors' code)",
    )
    discriminator_norm: Literal["instance_affine", "instance", "none"] = Field(
        default="instance_affine",
        description="normalization in the discriminators, with the values of norm (authors' code)",
    )
    gradient_penalty_reduction: Reduction = Field(
        default="sum",
        description="wgan_gp: how a discriminator's scores of one image become the number whose "
        "gradient is penalized: sum; or mean, with which each of many patches may score as "
        "freely as a single one (authors' code: sum; mean: ours)",
        json_schema_extra=only_with(gan_mode="wgan_gp"),
    )
    optimizer: AdamSettings | RMSpropSettings = Field(
        default=RMSpropSettings(initial_mean_square=1.0),
        discriminator="kind",
        description="optimizer of generators and discriminators (paper, section 3.3; authors' "
        "code, TensorFlow 1)",
    )


@register(
    "dualgan",
    title="DualGAN",
    paper="Yi et al. 2017",
    layout="unpaired",
    keeps_content_by="reconstruction L1",
    reaches_domain_by="Wasserstein discriminators, clipped or with a gradient penalty",
    settings=DualGANSettings,
)
class DualGAN(TwoDomainTranslator):
    """Two generators in a closed loop, with Wasserstein discriminators.

    Code to paper: `generator_ab` G_A, `generator_ba` G_B, `discriminator_b` D_A,
        `discriminator_a` D_B.
    Batch: `{"a", "b"}`, unpaired, each `(n * batch, height, width, channels)`, float32 in
        [-1, 1], where n is `discriminator_turns`: every turn of the discriminators uses fresh
        images.
    Players: discriminators (clipped after each turn, or with a gradient penalty), then
        generators on the images and fakes of the discriminators' last turn. With "vanilla" the
        generators take two turns.
    Deploys: `a_to_b`, `b_to_a`, images to images in [-1, 1].
    Departs:
        - The "patch" discriminator is the code's, with a receptive field of 129 pixels (the paper:
          the 70x70 PatchGAN, "patchgan" in the settings).
        - There is no norm on the 1x1 bottleneck, where the code's norm outputs a constant.
        - Generators train on the last of a step's three batches. The authors' version with
          clipping takes a random one of them for each domain, and its batches overlap from step
          to step.
        - Noise is dropout, at inference one fixed mask (see `Dropout`).
        - Reconstruction has weight 500 in both directions, the code's default (the paper: 100 to
          1000; the code's README trains facades at 1000, as both presets for facades do).
        - Images are flipped in training, as the code intends and, because of a bug, does not.
    Weights: `reconstruction_a` is lambda_U of the paper and lambda_A of the code,
        `reconstruction_b` lambda_V and lambda_B. `reconstruction` sets both.
    Variants: "wgan_gp" is the code's default game; the preset `dualgan_code` has its other
        defaults, the "global" head and no dropout. It differentiates the sum of an image's
        scores: the gradient is as many times that of the mean as the head has scores.

    Args:
        generator_ab, generator_ba: Networks from one domain to the other.
        discriminator_a, discriminator_b: Networks from images of a domain to scores
            `(batch, h, w, 1)`, or `(batch, 1)` of the "global" head, unbounded.
        settings: `DualGANSettings`; None: the paper's.
        loss_weights: Weights that replace those of `reconstruction` (`reconstruction_a`,
            `reconstruction_b`), `adversarial`, `discriminator` and `gradient_penalty` (only with
            "wgan_gp").
        name: Name of the model.

    Source: Yi et al. 2017, https://arxiv.org/abs/1704.02510, eq. 1-3, sections 3.1-3.3, and
    github.com/duxingren14/DualGAN.
    """

    terms: ClassVar[tuple[LossTerm, ...]] = (
        content(
            "reconstruction_a",
            weight=500.0,
            source="eq. 3, lambda_U; lambda_A = 500 in the code",
            group="reconstruction",
            description="mean absolute difference between images of a and their translation to b "
            "and back",
        ),
        content(
            "reconstruction_b",
            weight=500.0,
            source="eq. 3, lambda_V; lambda_B = 500 in the code",
            group="reconstruction",
            description="mean absolute difference between images of b and their translation to a "
            "and back",
        ),
        domain(
            "adversarial",
            source="eq. 3, generators' side",
            description="the generators' part of the GAN loss: discriminators score their images "
            "like real ones",
        ),
        domain(
            "discriminator",
            source="eq. 1 and 2",
            description="the discriminators' part of the GAN loss: to score real images higher "
            "than generated ones",
        ),
        regularization(
            "gradient_penalty",
            weight=10.0,
            source="the code; gamma = 10, WGAN-GP",
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
            ("generator_ab", "generator_ba"),
            "generators_objective",
            ("reconstruction_a", "reconstruction_b", "adversarial"),
            forward="translate_batch",
            ema_if_enabled=True,
        ),
    )
    conformance = Conformance(
        settings={
            "gan_mode": "wgan_gp",
            "num_downsamples": 2,
            "base_filters": 4,
            "norm": "none",
            "dropout": 0.0,
            "discriminator_head": "global",  # the code's with wgan_gp
            "discriminator_downsamples": 2,
            "discriminator_filters": 4,
        },
        # Translation and reconstruction; D on real, on fake, between them, and on the fake again.
        forward_passes={
            "generator_ab": 2,
            "generator_ba": 2,
            "discriminator_a": 4,
            "discriminator_b": 4,
        },
        unchanged_variables=2,  # the last bias of each Wasserstein discriminator cancels
    )

    def __init__(self, *networks: keras.Model, **options: Any):
        super().__init__(*networks, **options)
        vanilla = self.settings.gan_mode == "vanilla"
        self.gan_loss = gan_loss("vanilla" if vanilla else "wasserstein")

    @classmethod
    def absent_terms(cls, settings: Any, loss_weights: Mapping) -> dict[str, str]:
        """The gradient penalty belongs to "wgan_gp"."""
        if settings.gan_mode == "wgan_gp":
            return {}
        return {"gradient_penalty": "gan_mode is not wgan_gp"}

    def choose_players(self) -> tuple[Player, ...]:
        """`discriminator_turns` turns of the discriminators, then the generators'."""
        discriminators, generators = type(self).players
        mode = self.settings.gan_mode
        turns = self.settings.discriminator_turns or _DISCRIMINATOR_TURNS[mode]
        penalty = ("gradient_penalty",) if mode == "wgan_gp" else ()
        return (
            dataclasses.replace(
                discriminators,
                terms=(*discriminators.terms, *penalty),
                microbatches=tuple(range(turns)),
            ),
            dataclasses.replace(generators, microbatches=(turns - 1,) * _GENERATOR_TURNS[mode]),
        )

    @classmethod
    def build_generator(
        cls, settings: Any, shape: tuple[int, int, int], out_channels: int, name: str
    ) -> keras.Model:
        """The code's U-Net: 3x3 kernels, the first and the last 5x5."""
        return unet_generator(
            shape,
            out_channels,
            num_downsamples=settings.num_downsamples,
            base_filters=settings.base_filters,
            kernel=3,
            outer_kernel=5,
            norm=settings.norm,
            norm_epsilon=1e-6,  # the code
            bias=True,
            start=truncated_normal(),
            dropout=settings.dropout,
            upsampling=settings.upsampling,
            input_skip=settings.input_skip,
            inference_dropout=settings.inference_dropout,
            name=name,
        )

    @classmethod
    def build_discriminator(
        cls, settings: Any, shape: tuple[int, int, int], name: str
    ) -> keras.Model:
        """The code's discriminator, or the paper's PatchGAN."""
        filters, norm = settings.discriminator_filters, settings.discriminator_norm
        downsamples, head = settings.discriminator_downsamples, settings.discriminator_head
        if head == "patchgan":
            return patchgan_discriminator(
                shape, layers=downsamples, base_filters=filters, norm=norm, name=name
            )
        return strided_discriminator(
            shape,
            num_downsamples=downsamples,
            base_filters=filters,
            norm=norm,
            head=head,
            name=name,
        )

    @property
    def chance_levels(self) -> Mapping[str, float]:
        """The loss of two discriminators that cannot tell real from generated."""
        return {"discriminator": 2 * self.gan_loss.chance_level}

    def discriminators_objective(self, batch: Tensors, shared: Tensors) -> Losses:
        """Eq. 1 and 2: each discriminator scores its domain's images above translated ones."""
        sides = (
            (self.discriminator_a, batch["a"], shared["fake_a"]),
            (self.discriminator_b, batch["b"], shared["fake_b"]),
        )
        losses = {}
        if self.uses("discriminator"):
            losses["discriminator"] = discriminator_losses(self.gan_loss, sides)
        if self.settings.gan_mode == "wgan_gp" and self.uses("gradient_penalty"):
            coefficients = [
                self.uniform_per_image(real, stream=stream)
                for stream, (_, real, _) in zip(_PENALTY_STREAMS, sides, strict=True)
            ]
            losses["gradient_penalty"] = gradient_penalties(
                sides, coefficients, reduction=self.settings.gradient_penalty_reduction
            )
        return losses

    def generators_objective(self, batch: Tensors, shared: Tensors) -> Losses:
        """Eq. 3: get high scores from both discriminators and reconstruct the input."""
        losses = self.reconstruction_errors(batch, shared, "reconstruction")
        if self.uses("adversarial"):
            losses["adversarial"] = self.gan_loss.generator(
                self.discriminator_b(shared["fake_b"], training=True)
            ) + self.gan_loss.generator(self.discriminator_a(shared["fake_a"], training=True))
        return losses

    def after_turn(self, player: Player) -> None:
        """Clips the discriminators' weights (section 3.3)."""
        if player.name == "discriminators" and self.settings.gan_mode == "wgan_clip":
            clip_weights(self.variables_of(player), self.settings.clip)
