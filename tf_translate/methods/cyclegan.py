"""CycleGAN: image translation learned from two sets without pairs."""

import dataclasses
from collections.abc import Mapping
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
from tf_translate.core import stateless_random
from tf_translate.core.conformance import Conformance
from tf_translate.core.loss_terms import LossTerm, content, domain, regularization
from tf_translate.core.player import Losses, Player, Tensors
from tf_translate.layers.image_pool import ImagePool
from tf_translate.losses.adversarial import gan_loss
from tf_translate.losses.reconstruction import mean_absolute_error
from tf_translate.losses.regularization import r1_penalty
from tf_translate.methods.registry import register
from tf_translate.networks.patchgan_discriminator import patchgan_discriminator
from tf_translate.networks.resnet import resnet_generator
from tf_translate.networks.unet import unet_generator

# Streams of random values (see `stateless_random`), by the images that get the noise.
_NOISE = {"a": 0, "b": 1, "fake_a": 2, "fake_b": 3, "pooled_a": 4, "pooled_b": 5}


class CycleGANSettings(MethodSettings):
    """Networks, GAN loss and optimizer of CycleGAN; defaults are the paper's."""

    generator: Literal["resnet", "unet"] = Field(
        default="resnet",
        description="architecture of the generators: resnet, residual blocks at a quarter of the "
        "size; unet, an encoder and decoder with skip connections, as in pix2pix (paper, "
        "appendix: resnet)",
    )
    residual_blocks: int = Field(
        default=9,
        ge=1,
        description="residual blocks of a resnet generator; larger images need more: 6 for 128 "
        "pixels, 9 for 256 (paper, appendix)",
        json_schema_extra=only_with(generator="resnet"),
    )
    num_downsamples: int = Field(
        default=8,
        ge=2,
        description="how often a unet generator halves the sides of the image, which must divide "
        "by 2 to this power; a resnet generator always halves them twice (as in pix2pix)",
        json_schema_extra=only_with(generator="unet"),
    )
    base_filters: int = Field(
        default=64,
        ge=1,
        description="channels of a generator's first layer; deeper layers have multiples of it, "
        "so it scales the whole network (paper, appendix)",
    )
    norm: Literal["instance", "instance_affine", "batch", "none"] = Field(
        default="instance",
        description="normalization in the generators: instance, each image by itself, without "
        "learned scale and offset; instance_affine, with them; batch, over all images of a batch; "
        "none (paper, appendix: instance; without scale and offset as in the authors' PyTorch "
        "code)",
    )
    upsampling: Literal["transposed", "resize"] = Field(
        default="transposed",
        description="how feature maps are enlarged: transposed, by transposed convolutions; "
        "resize, by nearest neighbours and a convolution, which avoids checkerboard patterns "
        "(paper, appendix: transposed)",
    )
    input_skip: bool = Field(
        default=False,
        description="generators output a change that is added to their input, and the sum is "
        "clipped to [-1, 1]; needs equal channels in both domains (ours)",
    )
    gan_mode: Literal["least_squares", "vanilla"] = Field(
        default="least_squares",
        description="GAN loss: least_squares, squared distance of the discriminators' scores from "
        "1 for real and 0 for generated images; vanilla, their cross-entropy (paper, section 4: "
        "least_squares)",
    )
    pool_size: int = Field(
        default=50,
        ge=0,
        description="earlier generated images that are stored for each discriminator, which sees "
        "one of them instead of a new one half of the time; 0: only new ones (paper, section 4)",
    )
    discriminator_layers: int = Field(
        default=3,
        ge=0,
        description="convolutions of stride 2 in a discriminator, which set the size of the patch "
        "that each of its scores judges: 1 for 16 pixels, 2 for 34, 3 for 70, 4 for 142; 0: "
        "single pixels (paper, section 4: 70)",
    )
    discriminator_filters: int = Field(
        default=64,
        ge=1,
        description="channels of a discriminator's first layer; deeper layers have multiples of "
        "it (paper, appendix)",
    )
    discriminator_norm: Literal["instance", "instance_affine", "batch", "none"] | None = Field(
        default=None,
        description="normalization in the discriminators, with the values of norm; not set: the "
        "same as norm (paper, appendix)",
    )
    discriminator_turns: int = Field(
        default=1,
        ge=1,
        description="updates of the discriminators in a step, each on fresh images (paper, "
        "section 4: 1; more: ours)",
    )
    discriminator_noise: float = Field(
        default=0.0,
        ge=0,
        description="standard deviation of noise that is added to the images a discriminator "
        "sees, whose values are in [-1, 1], so that it learns less quickly; 0: off (ours)",
    )
    optimizer: AdamSettings | RMSpropSettings = Field(
        default=AdamSettings(),
        discriminator="kind",
        description="optimizer of generators and discriminators (paper, section 4)",
    )


@register(
    "cyclegan",
    title="CycleGAN",
    paper="Zhu et al. 2017",
    layout="unpaired",
    keeps_content_by="cycle and identity L1",
    reaches_domain_by="LSGAN PatchGANs with an image pool",
    settings=CycleGANSettings,
)
class CycleGAN(TwoDomainTranslator):
    """Unpaired translation between two domains, held together by cycle consistency.

    Code to paper: `generator_ab` G, `generator_ba` F, `discriminator_a` D_X, `discriminator_b`
        D_Y.
    Batch: `{"a", "b"}`, each `(n * batch, height, width, channels)`, float32 in [-1, 1], unpaired,
        where n is `discriminator_turns`: each turn of the discriminators uses other images.
    Players: generators first, then discriminators on real images and on generated ones from a
        pool.
    Deploys: `a_to_b`, `b_to_a`, images to images in [-1, 1].
    Departs:
        - The identity term is on by default, at half the cycle weight, as in both of the authors'
          code bases. The paper states it only for paintings to photographs and for photographs of
          flowers. Set its weight to 0 to reproduce the paper's other tasks.
        - Discriminators pad by 1 as in the PyTorch code (the Lua code: by 2).
        - "r1" is not in the paper, and off by default.
        - Further turns of the discriminators in a step and noise on the images they see are ours,
          and off by default.
    Weights: `cycle_a` is lambda_A of both code bases and `cycle_b` lambda_B. `cycle` sets both.
        `identity_a` compares F(x) with x and `identity_b` G(y) with y. Unless they are given, they
        follow `cycle_a` and `cycle_b` at half their weight, as with lambda_identity = 0.5 in the
        code. With `cycle_b` and `identity` at 0 only the forward cycle is left (table 4).

    Args:
        generator_ab, generator_ba: Networks from one domain to the other.
        discriminator_a, discriminator_b: Networks from images of a domain to scores
            `(batch, h, w, 1)`, unbounded.
        settings: `CycleGANSettings`; None: the paper's.
        loss_weights: Weights that replace those of `cycle` (`cycle_a`, `cycle_b`), `identity`
            (`identity_a`, `identity_b`), `adversarial`, `discriminator` and `r1`.
        name: Name of the model.

    Raises:
        ValueError: If the identity term is on although the domains' channels differ.

    Source: Zhu et al. 2017, https://arxiv.org/abs/1703.10593; losses eq. 1-3, least squares
    and pool section 4, identity section 5.2, networks in the appendix.
    """

    terms: ClassVar[tuple[LossTerm, ...]] = (
        content(
            "cycle_a",
            weight=10.0,
            source="eq. 2, F(G(x)); lambda = 10 in section 4, lambda_A in the code",
            group="cycle",
            description="mean absolute difference between images of a and their translation to b "
            "and back",
        ),
        content(
            "cycle_b",
            weight=10.0,
            source="eq. 2, G(F(y)); lambda = 10 in section 4, lambda_B in the code",
            group="cycle",
            description="mean absolute difference between images of b and their translation to a "
            "and back",
        ),
        content(
            "identity_a",
            weight=5.0,
            source="section 5.2, F(x); 0.5 lambda, in the code 0.5 lambda_A",
            group="identity",
            follows="cycle_a",
            description="mean absolute difference between images of a and what the generator to a "
            "makes of them",
        ),
        content(
            "identity_b",
            weight=5.0,
            source="section 5.2, G(y); 0.5 lambda, in the code 0.5 lambda_B",
            group="identity",
            follows="cycle_b",
            description="mean absolute difference between images of b and what the generator to b "
            "makes of them",
        ),
        domain(
            "adversarial",
            source="eq. 1 in the least-squares form of section 4",
            description="the generators' part of the GAN loss: discriminators take their images "
            "for real",
        ),
        domain(
            "discriminator",
            source="eq. 1 in the least-squares form of section 4, halved",
            description="the discriminators' part of the GAN loss: to tell real images from "
            "generated ones",
        ),
        regularization(
            "r1",
            weight=0.0,
            source="not in the paper; R1, Mescheder et al. 2018, eq. 9",
            description="penalty on the discriminators' gradients at real images, which makes "
            "training steadier",
        ),
    )
    players: tuple[Player, ...] = (
        Player(
            "generators",
            ("generator_ab", "generator_ba"),
            "generators_objective",
            ("cycle_a", "cycle_b", "identity_a", "identity_b", "adversarial"),
            forward="translate_batch",
            ema_if_enabled=True,
        ),
        Player(
            "discriminators",
            ("discriminator_a", "discriminator_b"),
            "discriminators_objective",
            ("discriminator", "r1"),
        ),
    )
    conformance = Conformance(
        settings={
            "residual_blocks": 1,
            "base_filters": 4,
            "discriminator_layers": 1,
            "discriminator_filters": 4,
        },
        # G(x), G(F(y)), G(y); likewise F. Each D on its generator's fake in the generators' turn;
        # on a real image and on one of the pool in its own.
        forward_passes={
            "generator_ab": 3,
            "generator_ba": 3,
            "discriminator_a": 3,
            "discriminator_b": 3,
        },
    )

    def __init__(self, *networks: keras.Model, **options: Any):
        super().__init__(*networks, **options)
        shape_a, shape_b = self.generator_ba.output_shape, self.generator_ab.output_shape
        identity = self.uses("identity_a") or self.uses("identity_b")
        if identity and shape_a[-1] != shape_b[-1]:
            raise ValueError(
                "`loss_weights` must set identity to 0 when the domains' channels differ, "
                f"got {shape_a[-1]} and {shape_b[-1]} channels"
            )
        self.gan_loss = gan_loss(self.settings.gan_mode)
        self.pool_a = ImagePool(self.settings.pool_size, seed=1, name="pool_a")
        self.pool_b = ImagePool(self.settings.pool_size, seed=2, name="pool_b")
        self.pool_a.build(shape_a)
        self.pool_b.build(shape_b)

    def choose_players(self) -> tuple[Player, ...]:
        """The generators' turn, then `discriminator_turns` turns of the discriminators."""
        generators, discriminators = type(self).players
        turns = tuple(range(self.settings.discriminator_turns))
        return generators, dataclasses.replace(discriminators, microbatches=turns)

    @classmethod
    def build_generator(
        cls, settings: Any, shape: tuple[int, int, int], out_channels: int, name: str
    ) -> keras.Model:
        """The ResNet of the appendix, or pix2pix's U-Net without dropout."""
        shared = settings.model_dump(include={"base_filters", "norm", "upsampling", "input_skip"})
        if settings.generator == "unet":
            return unet_generator(
                shape,
                out_channels,
                num_downsamples=settings.num_downsamples,
                dropout=0.0,
                name=name,
                **shared,
            )
        blocks = settings.residual_blocks
        return resnet_generator(shape, out_channels, residual_blocks=blocks, name=name, **shared)

    @classmethod
    def build_discriminator(
        cls, settings: Any, shape: tuple[int, int, int], name: str
    ) -> keras.Model:
        """A PatchGAN."""
        return patchgan_discriminator(
            shape,
            layers=settings.discriminator_layers,
            base_filters=settings.discriminator_filters,
            norm=settings.discriminator_norm or settings.norm,
            name=name,
        )

    @property
    def chance_levels(self) -> Mapping[str, float]:
        """The loss of two discriminators that cannot tell real from generated."""
        return {"discriminator": 2 * self.gan_loss.chance_level}

    def generators_objective(self, batch: Tensors, shared: Tensors) -> Losses:
        """Eq. 3 for G and F: fool D_X and D_Y, be cycle consistent, keep target images."""
        losses = self.reconstruction_errors(batch, shared, "cycle")  # eq. 2
        for side, generator in (("a", self.generator_ba), ("b", self.generator_ab)):
            if self.uses(f"identity_{side}"):  # section 5.2: F(x) is x, G(y) is y
                same = generator(batch[side], training=True)
                losses[f"identity_{side}"] = mean_absolute_error(same, batch[side])
        if self.uses("adversarial"):
            fake_a = self._noisy(shared["fake_a"], "fake_a")
            fake_b = self._noisy(shared["fake_b"], "fake_b")
            losses["adversarial"] = self.gan_loss.generator(
                self.discriminator_b(fake_b, training=True)
            ) + self.gan_loss.generator(self.discriminator_a(fake_a, training=True))
        return losses

    def _noisy(self, images, kind: str):
        """Images as a discriminator sees them."""
        return stateless_random.with_instance_noise(
            images, self.settings.discriminator_noise, self.steps_taken.value, _NOISE[kind]
        )

    def discriminators_objective(self, batch: Tensors, shared: Tensors) -> Losses:
        """Eq. 1 for D_X and D_Y, on fakes from the pools."""
        losses_a = self._discriminate(
            self.discriminator_a,
            self._noisy(batch["a"], "a"),
            self._noisy(self.pool_a(shared["fake_a"]), "pooled_a"),
        )
        losses_b = self._discriminate(
            self.discriminator_b,
            self._noisy(batch["b"], "b"),
            self._noisy(self.pool_b(shared["fake_b"]), "pooled_b"),
        )
        return {name: losses_a[name] + losses_b[name] for name in losses_a}

    def _discriminate(self, discriminator, real, fake):
        """The losses of one discriminator on real images and on generated ones."""

        def scores_of(images):
            return discriminator(images, training=True)

        losses = {}
        if self.uses("r1"):
            real_scores, losses["r1"] = r1_penalty(scores_of, real)
        elif self.uses("discriminator"):
            real_scores = scores_of(real)
        if self.uses("discriminator"):
            losses["discriminator"] = self.gan_loss.discriminator(real_scores, scores_of(fake))
        return losses
