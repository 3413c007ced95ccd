"""pix2pix: image translation learned from pairs."""

from collections.abc import Mapping
from typing import Any, ClassVar, Literal

import keras
from pydantic import Field

from tf_translate.config.settings import (
    AdamSettings,
    MethodSettings,
    RMSpropSettings,
    only_with,
)
from tf_translate.core.conformance import Conformance
from tf_translate.core.loss_terms import LossTerm, content, domain
from tf_translate.core.player import Losses, Player, Tensors, Translation
from tf_translate.core.signature import Signature, image_signatures
from tf_translate.core.translator import Translator
from tf_translate.losses.adversarial import gan_loss
from tf_translate.losses.reconstruction import mean_absolute_error
from tf_translate.methods.registry import register
from tf_translate.networks.inference_behavior import describe_inference
from tf_translate.networks.patchgan_discriminator import patchgan_discriminator
from tf_translate.networks.resnet import resnet_generator
from tf_translate.networks.unet import unet_generator


class Pix2PixSettings(MethodSettings):
    """Networks, GAN loss and optimizer of pix2pix; defaults are the paper's."""

    generator: Literal["unet", "resnet"] = Field(
        default="unet",
        description="architecture of the generator: unet, an encoder and decoder with skip "
        "connections; resnet, residual blocks at a quarter of the size, as in CycleGAN (paper, "
        "section 3.2.1: unet)",
    )
    num_downsamples: int = Field(
        default=8,
        ge=2,
        description="how often a unet generator halves the sides of the image, which must divide "
        "by 2 to this power; 8 for 256 pixels (paper, appendix 6.1.1)",
        json_schema_extra=only_with(generator="unet"),
    )
    residual_blocks: int = Field(
        default=9,
        ge=1,
        description="residual blocks of a resnet generator; 6 for 128 pixels, 9 for 256 (as in "
        "CycleGAN)",
        json_schema_extra=only_with(generator="resnet"),
    )
    base_filters: int = Field(
        default=64,
        ge=1,
        description="channels of the generator's first layer; deeper layers have multiples of it, "
        "so it scales the whole network (paper, appendix 6.1.1)",
    )
    norm: Literal["batch", "instance", "instance_affine", "none"] = Field(
        default="batch",
        description="normalization: batch, over all images of a batch; instance, each image by "
        "itself; instance_affine, with a learned scale and offset; none. instance_affine computes "
        "the same as batch with batch_size 1, and is the same in training and in use with any "
        "batch_size (paper, appendix 6.1: batch)",
    )
    dropout: float = Field(
        default=0.5,
        ge=0,
        lt=1,
        description="fraction of values that dropout sets to 0 in the decoder of a unet "
        "generator, a source of noise; resnet has none (paper, appendix 6.1.1)",
        json_schema_extra=only_with(generator="unet"),
    )
    inference_dropout: Literal["off", "fixed"] = Field(
        default="fixed",
        description="dropout when the trained model is used: fixed, one random choice that stays "
        "the same; off (paper, section 3.1: dropout at test time too)",
        json_schema_extra=only_with(generator="unet"),
    )
    inference_statistics: Literal["moving", "image"] = Field(
        default="image",
        description="statistics of batch normalization when the trained model is used: image, "
        "those of the image itself; moving, averages over training (paper, section 3.3: those of "
        "the test batch, which is one image)",
        json_schema_extra=only_with(norm="batch"),
    )
    upsampling: Literal["transposed", "resize"] = Field(
        default="transposed",
        description="how feature maps are enlarged: transposed, by transposed convolutions; "
        "resize, by nearest neighbours and a convolution, which avoids checkerboard patterns "
        "(paper, appendix 6.1: transposed)",
    )
    input_skip: bool = Field(
        default=False,
        description="the generator outputs a change that is added to its input, and the sum is "
        "clipped to [-1, 1]; needs equal channels in both domains (ours)",
    )
    conditional: bool = Field(
        default=True,
        description="whether the discriminator sees the input image beside the output (paper, "
        "section 3.1)",
    )
    gan_mode: Literal["vanilla", "least_squares"] = Field(
        default="vanilla",
        description="GAN loss: vanilla, cross-entropy of the discriminator's scores; "
        "least_squares, their squared distance from 1 for real and 0 for generated images (paper, "
        "eq. 1: vanilla)",
    )
    discriminator_layers: int = Field(
        default=3,
        ge=0,
        description="convolutions of stride 2 in the discriminator, which set the size of the "
        "patch that each of its scores judges: 1 for 16 pixels, 2 for 34, 3 for 70, 4 for 142; 0: "
        "single pixels (paper, appendix 6.1.2: 70)",
    )
    discriminator_filters: int = Field(
        default=64,
        ge=1,
        description="channels of the discriminator's first layer; deeper layers have multiples of "
        "it (paper, appendix 6.1.2)",
    )
    optimizer: AdamSettings | RMSpropSettings = Field(
        default=AdamSettings(),
        discriminator="kind",
        description="optimizer of generator and discriminator (paper, section 3.3)",
    )


@register(
    "pix2pix",
    title="pix2pix",
    paper="Isola et al. 2017",
    layout="paired",
    keeps_content_by="L1 to the ground truth, a discriminator that gets the input",
    reaches_domain_by="conditional PatchGAN",
    settings=Pix2PixSettings,
)
class Pix2Pix(Translator):
    """Paired translation: an L1 term to the ground truth, a discriminator that gets the input.

    Code to paper: `generator` G, `discriminator` D, batch `a` x, batch `b` y.
    Batch: `{"a", "b"}`, pairs, each `(batch, height, width, channels)`, float32 in [-1, 1].
    Players: discriminator, then generator, on the same translation of the same batch.
    Deploys: `a_to_b`, images to images in [-1, 1].
    Departs:
        - The generator's last layer has a bias, as in the PyTorch code (the Lua code zeroes all
          biases). So have the discriminator's first and last layers.
        - There is no norm on the bottleneck, as in both code bases. The paper's images were made
          with one (its erratum).
        - The generator is scored by the discriminator that was just updated, as in the PyTorch
          code. The Lua code reuses the scores from before that update.
        - Dropout at inference is one fixed mask, not fresh noise (see `Dropout`).

    Args:
        generator: Network from images of `a` to images of `b`.
        discriminator: Network from `[a, b]` (only `b` if not `conditional`) to scores
            `(batch, h, w, 1)`, unbounded.
        settings: `Pix2PixSettings`; None: the paper's.
        loss_weights: Weights that replace `l1`, `adversarial`, `discriminator`.
        name: Name of the model.

    Raises:
        ValueError: If the discriminator does not take as many inputs as `conditional` asks for.

    Source: Isola et al. 2017, https://arxiv.org/abs/1611.07004; losses eq. 1-4, networks
    appendix 6.1; weight 100 section 4.2.
    """

    deploys: ClassVar[tuple[str, ...]] = ("a_to_b",)
    translations = (Translation("a_to_b", "a", "fake_b", "generator"),)
    terms: ClassVar[tuple[LossTerm, ...]] = (
        content(
            "l1",
            weight=100.0,
            source="eq. 3 and 4; lambda = 100 in section 4.2",
            description="mean absolute difference between outputs and the true images",
        ),
        domain(
            "adversarial",
            source="eq. 1, generator's side",
            description="the generator's part of the GAN loss: the discriminator takes its images "
            "for real",
        ),
        domain(
            "discriminator",
            source="eq. 1, discriminator's side, halved (section 3.3)",
            description="the discriminator's part of the GAN loss: to tell real images from "
            "generated ones",
        ),
    )
    players: tuple[Player, ...] = (
        Player("discriminator", ("discriminator",), "discriminator_objective", ("discriminator",)),
        Player(
            "generator",
            ("generator",),
            "generator_objective",
            ("l1", "adversarial"),
            forward="translate_batch",
            ema_if_enabled=True,
        ),
    )
    conformance = Conformance(
        settings={
            "num_downsamples": 2,
            "base_filters": 4,
            "discriminator_layers": 1,
            "discriminator_filters": 4,
            "norm": "instance_affine",
            "dropout": 0.0,
        },
        forward_passes={"generator": 1, "discriminator": 3},  # G(x); D on real, and twice on fake
    )

    def __init__(self, generator: keras.Model, discriminator: keras.Model, **options: Any):
        super().__init__(
            networks={"generator": generator, "discriminator": discriminator}, **options
        )
        inputs, needed = len(discriminator.inputs), 1 + self.settings.conditional
        if inputs != needed:
            wanted = "[a, b]" if self.settings.conditional else "b alone"
            raise ValueError(
                f"`discriminator` must take {wanted} with settings of "
                f"conditional={self.settings.conditional}, got a network of {inputs} inputs: build "
                f"it for {needed}, or set conditional={not self.settings.conditional}"
            )
        self.gan_loss = gan_loss(self.settings.gan_mode)

    @classmethod
    def build_networks(
        cls, settings: Any, shape_a: tuple[int, int, int], shape_b: tuple[int, int, int]
    ) -> dict[str, keras.Model]:
        """A PatchGAN, and the U-Net of the appendix or CycleGAN's ResNet."""
        discriminator = patchgan_discriminator(
            shape_b,
            condition_channels=shape_a[2] if settings.conditional else 0,
            layers=settings.discriminator_layers,
            base_filters=settings.discriminator_filters,
            norm=settings.norm,
            name="discriminator",
        )
        return {
            "generator": _generator(settings, shape_a, shape_b[2]),
            "discriminator": discriminator,
        }

    @property
    def chance_levels(self) -> Mapping[str, float]:
        """The loss of a discriminator that cannot tell real from generated."""
        return {"discriminator": self.gan_loss.chance_level}

    def translate_batch(self, batch: Tensors) -> Tensors:
        """G(x), generated once for each microbatch."""
        return {"fake_b": self.generator(batch["a"], training=True)}

    def discriminator_objective(self, batch: Tensors, shared: Tensors) -> Losses:
        """Eq. 1 for D: classify real pairs as real, translated pairs as fake."""
        real = self._discriminate(batch["a"], batch["b"])
        fake = self._discriminate(batch["a"], shared["fake_b"])
        return {"discriminator": self.gan_loss.discriminator(real, fake)}

    def generator_objective(self, batch: Tensors, shared: Tensors) -> Losses:
        """Eq. 4 for G: fool D and match the ground truth."""
        losses = {}
        if self.uses("l1"):
            losses["l1"] = mean_absolute_error(shared["fake_b"], batch["b"])
        if self.uses("adversarial"):
            scores = self._discriminate(batch["a"], shared["fake_b"])
            losses["adversarial"] = self.gan_loss.generator(scores)
        return losses

    def _discriminate(self, condition, images):
        inputs = [condition, images] if self.settings.conditional else images
        return self.discriminator(inputs, training=True)

    def signatures(self) -> dict[str, Signature]:
        """`a_to_b`: the generator."""
        return image_signatures({"a_to_b": self.generator}, describe_inference)


def _generator(settings: Pix2PixSettings, shape_a, out_channels: int) -> keras.Model:
    shared = settings.model_dump(
        include={"base_filters", "norm", "upsampling", "input_skip", "inference_statistics"}
    )
    if settings.generator == "resnet":
        blocks = settings.residual_blocks
        return resnet_generator(
            shape_a, out_channels, residual_blocks=blocks, name="generator", **shared
        )
    return unet_generator(
        shape_a,
        out_channels,
        num_downsamples=settings.num_downsamples,
        dropout=settings.dropout,
        inference_dropout=settings.inference_dropout,
        name="generator",
        **shared,
    )
