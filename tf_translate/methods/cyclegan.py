"""CycleGAN: image translation learnt from two sets without pairs."""

from collections.abc import Mapping
from typing import Literal

import keras
from pydantic import Field

from tf_translate.config.settings import AdamSettings, MethodSettings, RMSpropSettings
from tf_translate.core.loss_terms import content, domain
from tf_translate.core.optimizers import make_optimizer
from tf_translate.core.player import Player
from tf_translate.core.signature import Signature, image_signatures
from tf_translate.core.translator import Translator
from tf_translate.layers.image_pool import ImagePool
from tf_translate.losses.adversarial import adversarial_loss
from tf_translate.losses.reconstruction import mean_absolute
from tf_translate.networks.inference_behavior import describe_inference
from tf_translate.networks.patchgan_discriminator import patchgan_discriminator
from tf_translate.networks.resnet import resnet_generator
from tf_translate.networks.unet import unet_generator


class CycleGANSettings(MethodSettings):
    """Networks and games of CycleGAN; defaults are the paper's."""

    generator: Literal["resnet", "unet"] = Field("resnet", description="appendix, networks")
    residual_blocks: int = Field(9, ge=1, description="9 for 256 pixels, 6 for 128, appendix")
    num_downsamples: int = Field(8, ge=2, description="halvings of the U-Net, as in pix2pix")
    base_filters: int = Field(64, ge=1, description="channels of the first layer, appendix")
    norm: Literal["instance", "instance_affine", "batch", "none"] = Field(
        "instance", description="appendix; without scale and offset as in the PyTorch code"
    )
    upsampling: Literal["transposed", "resize"] = Field("transposed", description="appendix")
    input_skip: bool = Field(False, description="ours: generators draw a change of the input")
    gan_mode: Literal["least_squares", "vanilla"] = Field("least_squares", description="sec. 4")
    pool_size: int = Field(50, ge=0, description="images of history, section 4")
    discriminator_layers: int = Field(3, ge=0, description="70x70 patches, section 4")
    discriminator_filters: int = Field(64, ge=1, description="appendix, networks")
    optimizer: AdamSettings | RMSpropSettings = Field(
        AdamSettings(), discriminator="kind", description="section 4"
    )


@keras.saving.register_keras_serializable("tf_translate")
class CycleGAN(Translator):
    """Unpaired translation between two domains held together by cycle consistency.

    Code to paper: `generator_ab` G, `generator_ba` F, `discriminator_a` D_X, `discriminator_b` D_Y.
    Batch: `{"a", "b"}`, each `(batch, height, width, channels)`, float32 in [-1, 1], unpaired.
    Players: generators, then discriminators on images drawn from a pool.
    Deploys: `a_to_b`, `b_to_a`, images to images in [-1, 1].
    Departs: the identity term is on by default at half the cycle weight, as in both of the
        authors' code bases (the paper uses it for paintings to photographs only): give it
        weight 0 to reproduce the paper's Cityscapes and maps; discriminators pad 1 as in the
        PyTorch code.

    Args:
        generator_ab, generator_ba: Networks from one domain to the other.
        discriminator_a, discriminator_b: Networks from images of a domain to scores.
        pool_size: Translated images remembered for each discriminator; 0 for none.
        gan_mode: "least_squares" (the paper) or "vanilla".
        loss_weights: Weights that replace `cycle`, `identity`, `adversarial`, `discriminator`.
        name: Name of the model.

    Raises:
        ValueError: If the identity term is on though the domains' channels differ.

    Source: Zhu et al. 2017, https://arxiv.org/abs/1703.10593; losses eq. 1-3, least squares
    and pool section 4, identity section 5.2, networks in the appendix.
    """

    layout = "unpaired"
    deploys = ("a_to_b", "b_to_a")
    terms = (
        content("cycle", weight=10.0, source="eq. 2; lambda = 10 in section 4"),
        content("identity", weight=5.0, source="section 5.2; 0.5 lambda"),
        domain("adversarial", source="eq. 1 in the least-squares form of section 4"),
        domain("discriminator", source="eq. 1 in the least-squares form of section 4, halved"),
    )
    players = (
        Player(
            "generators",
            ("generator_ab", "generator_ba"),
            "generators_objective",
            ("cycle", "identity", "adversarial"),
            forward="translate_batch",
            averaged=True,
        ),
        Player(
            "discriminators",
            ("discriminator_a", "discriminator_b"),
            "discriminators_objective",
            ("discriminator",),
        ),
    )

    def __init__(
        self,
        generator_ab: keras.Model,
        generator_ba: keras.Model,
        discriminator_a: keras.Model,
        discriminator_b: keras.Model,
        *,
        pool_size: int = 50,
        gan_mode: str = "least_squares",
        loss_weights: Mapping[str, float] | None = None,
        name: str = "cyclegan",
    ):
        super().__init__(
            networks={
                "generator_ab": generator_ab,
                "generator_ba": generator_ba,
                "discriminator_a": discriminator_a,
                "discriminator_b": discriminator_b,
            },
            loss_weights=loss_weights,
            name=name,
        )
        shape_a, shape_b = generator_ba.output_shape, generator_ab.output_shape
        if self.uses("identity") and shape_a[-1] != shape_b[-1]:
            raise ValueError(
                "`loss_weights` must set identity to 0 when the domains' channels differ, "
                f"got {shape_a[-1]} and {shape_b[-1]} channels"
            )
        self.pool_size = pool_size
        self.gan_mode = gan_mode
        self._gan_loss = adversarial_loss(gan_mode)
        self.chance_levels = {"discriminator": 2 * self._gan_loss.chance_level}
        self.pool_a = ImagePool(pool_size, seed=1, name="pool_a")
        self.pool_b = ImagePool(pool_size, seed=2, name="pool_b")
        self.pool_a.build(shape_a)
        self.pool_b.build(shape_b)

    @classmethod
    def from_settings(
        cls,
        settings: CycleGANSettings,
        shape_a: tuple[int, int, int],
        shape_b: tuple[int, int, int],
        *,
        loss_weights: Mapping[str, float] | None = None,
    ) -> "CycleGAN":
        """Builds networks and translator for images of `(height, width, channels)`."""
        return cls(
            _generator(settings, shape_a, shape_b[2], "generator_ab"),
            _generator(settings, shape_b, shape_a[2], "generator_ba"),
            _discriminator(settings, shape_a, "discriminator_a"),
            _discriminator(settings, shape_b, "discriminator_b"),
            pool_size=settings.pool_size,
            gan_mode=settings.gan_mode,
            loss_weights=loss_weights,
        )

    def translate_batch(self, batch):
        """G(x) and F(y), made once a step."""
        return {
            "fake_b": self.generator_ab(batch["a"], training=True),
            "fake_a": self.generator_ba(batch["b"], training=True),
        }

    def generators_objective(self, batch, shared):
        """Eq. 3 for G and F together: fool both discriminators, come back, keep what fits."""
        losses = {}
        if self.uses("cycle"):
            losses["cycle"] = self._cycle(batch, shared)
        if self.uses("identity"):
            losses["identity"] = self._identity(batch)
        if self.uses("adversarial"):
            losses["adversarial"] = self._gan_loss.generator(
                self.discriminator_b(shared["fake_b"], training=True)
            ) + self._gan_loss.generator(self.discriminator_a(shared["fake_a"], training=True))
        return losses

    def discriminators_objective(self, batch, shared):
        """Eq. 1 for D_X and D_Y, on fakes from the pools."""
        loss_a = self._gan_loss.discriminator(
            self.discriminator_a(batch["a"], training=True),
            self.discriminator_a(self.pool_a(shared["fake_a"]), training=True),
        )
        loss_b = self._gan_loss.discriminator(
            self.discriminator_b(batch["b"], training=True),
            self.discriminator_b(self.pool_b(shared["fake_b"]), training=True),
        )
        return {"discriminator": loss_a + loss_b}

    def _cycle(self, batch, shared):
        """Eq. 2: F(G(x)) is x and G(F(y)) is y."""
        reconstructed_a = self.generator_ba(shared["fake_b"], training=True)
        reconstructed_b = self.generator_ab(shared["fake_a"], training=True)
        return mean_absolute(reconstructed_a, batch["a"]) + mean_absolute(
            reconstructed_b, batch["b"]
        )

    def _identity(self, batch):
        """Section 5.2: G leaves y, F leaves x as it is."""
        same_b = self.generator_ab(batch["b"], training=True)
        same_a = self.generator_ba(batch["a"], training=True)
        return mean_absolute(same_b, batch["b"]) + mean_absolute(same_a, batch["a"])

    def default_optimizer(self, player: Player) -> keras.optimizers.Optimizer:
        """Adam 2e-4, 0.5, 0.999 (section 4)."""
        return make_optimizer(AdamSettings().model_dump())

    def signatures(self) -> dict[str, Signature]:
        """`a_to_b` and `b_to_a`: a generator each."""
        networks = {"a_to_b": self.generator_ab, "b_to_a": self.generator_ba}
        return image_signatures(networks, describe_inference)


def _generator(settings: CycleGANSettings, shape, out_channels: int, name: str) -> keras.Model:
    if settings.generator == "unet":
        return unet_generator(
            shape,
            out_channels,
            num_downsamples=settings.num_downsamples,
            base_filters=settings.base_filters,
            norm=settings.norm,
            dropout=0.0,  # CycleGAN uses none
            upsampling=settings.upsampling,
            input_skip=settings.input_skip,
            name=name,
        )
    return resnet_generator(
        shape,
        out_channels,
        residual_blocks=settings.residual_blocks,
        base_filters=settings.base_filters,
        norm=settings.norm,
        upsampling=settings.upsampling,
        input_skip=settings.input_skip,
        name=name,
    )


def _discriminator(settings: CycleGANSettings, shape, name: str) -> keras.Model:
    return patchgan_discriminator(
        shape,
        layers=settings.discriminator_layers,
        base_filters=settings.discriminator_filters,
        norm=settings.norm,
        name=name,
    )
