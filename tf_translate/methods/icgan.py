"""IcGAN, the invertible conditional GAN: a conditional GAN, then encoders that invert it."""

import dataclasses
import math
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, ClassVar, Literal

import keras
import tensorflow as tf
from pydantic import Field

from tf_translate.bases.invertible_gan import (
    DISCRIMINATOR,
    GENERATOR,
    InvertibleGAN,
    encoder_player,
    to_signed,
)
from tf_translate.config.attributes import Attributes
from tf_translate.config.settings import (
    AdamSettings,
    MethodSettings,
    RMSpropSettings,
)
from tf_translate.core.conformance import Conformance
from tf_translate.core.loss_terms import LossTerm, content, domain, regularization
from tf_translate.core.player import Losses, Player, Tensors
from tf_translate.core.signature import Signature, attribute_spec, image_spec, latent_spec
from tf_translate.layers.attribute_map import discretize
from tf_translate.losses.reconstruction import mean_squared_error
from tf_translate.methods.registry import register
from tf_translate.networks import conditional_gan
from tf_translate.networks.inference_behavior import describe_inference
from tf_translate.networks.initialization.weights import DESCRIPTION, Initialization

_ADAM = AdamSettings(learning_rate=2e-4, beta_1=0.5)
_ENCODER_ADAM = AdamSettings(learning_rate=1e-4, beta_1=0.1)
_CELEBA = (
    "Bald", "Bangs", "Black_Hair", "Blond_Hair", "Brown_Hair", "Bushy_Eyebrows", "Eyeglasses",
    "Gray_Hair", "Heavy_Makeup", "Male", "Mouth_Slightly_Open", "Mustache", "Pale_Skin",
    "Receding_Hairline", "Smiling", "Straight_Hair", "Wavy_Hair", "Wearing_Hat",
)  # fmt: skip


class IcGANSettings(MethodSettings):
    """Networks and optimizers of IcGAN; defaults are the published code's."""

    earlier = MappingProxyType({"bn_recalibration_batch_size": 1})  # that of training
    latent: int = Field(
        default=100,
        ge=1,
        description="size of the latent, the vector that describes what attributes do not "
        "(authors' code)",
    )
    base_filters: int = Field(
        default=64,
        ge=1,
        description="channels before the last layer of the generator; they double in each layer "
        "before it (authors' code)",
    )
    discriminator_filters: int = Field(
        default=64,
        ge=1,
        description="channels of the discriminator's first layer; they double in each layer "
        "(authors' code)",
    )
    encoder_filters: int = Field(
        default=32,
        ge=1,
        description="channels of the first layer of both encoders; they double in each layer "
        "(authors' code)",
    )
    latent_width: int = Field(
        default=4096,
        ge=1,
        description="units of the dense layer of the encoder that recovers the latent from an "
        "image (authors' code)",
    )
    attribute_width: int = Field(
        default=512,
        ge=1,
        description="units of the dense layer of the encoder that recovers the attributes from an "
        "image (authors' code)",
    )
    upsampling: Literal["transposed", "resize"] = Field(
        default="transposed",
        description="how feature maps are enlarged: transposed, by transposed convolutions; "
        "resize, by nearest neighbours and a convolution, which avoids checkerboard patterns "
        "(authors' code: transposed)",
    )
    bn_recalibration_steps: int = Field(
        default=100,
        ge=0,
        description="number of first steps of the encoders' training in which the generator's "
        "batch normalization statistics are measured again, because its weights no longer change "
        "(authors' code)",
    )
    bn_recalibration_batch_size: int = Field(
        default=256,
        ge=1,
        description="least number of generated images in each of these bn_recalibration_steps "
        "(authors' code)",
    )
    initialization: Initialization = Field(default="torch", description=f"encoders: {DESCRIPTION}")
    mask_blend: bool = Field(
        default=False,
        description="whether a translation changes the input image only where other attributes "
        "change what the generator makes of it (ours, as in IAN)",
    )
    discriminator_noise: float = Field(
        default=0.0,
        ge=0,
        description="standard deviation of noise that is added to the images the discriminator "
        "sees, whose values are in [-1, 1], so that it learns less quickly; 0: off (ours, for "
        "drawings)",
    )
    optimizer: AdamSettings | RMSpropSettings = Field(
        default=_ADAM,
        discriminator="kind",
        description="optimizer of generator and discriminator, which are trained first (authors' "
        "code)",
    )
    encoder_optimizer: AdamSettings | RMSpropSettings = Field(
        default=_ENCODER_ADAM,
        discriminator="kind",
        description="optimizer of both encoders, which are trained afterwards (authors' code)",
    )


@register(
    "icgan",
    title="IcGAN",
    paper="Perarnau et al. 2016",
    layout="attributes",
    keeps_content_by="an encoder of the noise that images are generated from",
    reaches_domain_by="a conditional discriminator with mismatched attributes, an attribute "
    "encoder",
    settings=IcGANSettings,
)
class IcGAN(InvertibleGAN):
    """Encodes an image into noise and attributes, and generates it with other attributes.

    Code to paper: `generator` G, `discriminator` D, `encoder_z` E_z, `encoder_y` E_y; attributes
        v in 0 and 1 become y = 2 v - 1, in -1 and +1. "mismatched" are real images with
        the attributes of another image, which differ from theirs.
    Batch: `{"image", "attributes", "other_attributes", "sampled_attributes"}`: images
        `(batch, height, width, channels)` float32 in [-1, 1]; `(batch, columns)` float32, 0 or
        1: those of the image (y), different ones, and ones sampled from the training set (y').
    Stages: "gan", where G and D are trained; "encoder_z", where E_z learns to recover z from
        generated images (never from real ones), with G frozen and in inference mode; "encoder_y",
        where E_y learns the attributes of real images.
    Recalibration: the first `bn_recalibration_steps` steps of "encoder_z" re-estimate the
        statistics of G's batch norm (see `InvertibleGAN`).
    Players: discriminator, then generator, on the same generated images; encoder_z; encoder_y.
    Deploys: `translate`, image and attributes to image; `encode`, image to latent and the
        attributes that E_y predicts, in [0, 1]; `decode`, latent and attributes to image; `swap`,
        two images with their attributes exchanged.
    Departs:
        - E_z is also trained in the recalibration steps, and on fresh images at each step (the
          code: on 66 % of 182,784 generated once).
        - E_y learns from all training images of G and D (the code: from the first 66 % of all
          images, 133,715 of 202,599).
        - Encoders pad as TensorFlow does. By default their weights start as in PyTorch 1.
          `initialization` "torch_2017", as in `icgan_paper`, starts them as in the code's Torch7.
        - `data.flip` applies to all stages (the code: to "gan" only).
        - `translate` uses all attributes as given, and mutually exclusive ones are one attribute of
          several values (the code: rules for CelebA's names).
        - `mask_blend` is from another paper (IAN), and off by default.

    Args:
        generator: Network from `[latent, attributes]` to images.
        discriminator: Network from `[image, attributes]` to logits `(batch, 1, 1, 1)`.
        encoder_z: Network from images to latents.
        encoder_y: Network from images to attributes, in -1 and +1.
        attributes: Values by attribute, in the order of the columns.
        settings: `IcGANSettings`; None: the code's.
        loss_weights: Weights that replace `discriminator`, `mismatched`, `r1`, `adversarial`,
            `latent`, `attributes`.
        name: Name of the model.

    Raises:
        ValueError: If the networks do not fit the attributes or each other.

    Source: Perarnau et al. 2016, https://arxiv.org/abs/1611.06355, section 3, and
    github.com/Guim3/IcGAN.
    """

    chance_levels = MappingProxyType({"discriminator": 1.5 * math.log(2)})
    deploys: ClassVar[tuple[str, ...]] = ("translate", "encode", "decode", "swap")
    paper_shapes = ((64, 64, 3),)
    paper_attributes = MappingProxyType(dict.fromkeys(_CELEBA, ("-1", "1")))
    terms: ClassVar[tuple[LossTerm, ...]] = (
        content(
            "latent",
            source="section 3: E_z, squared error on generated images",
            description="squared error of the latent that its encoder recovers from generated "
            "images",
        ),
        domain(
            "attributes",
            source="section 3: E_y, squared error on real images",
            description="squared error of the attributes that the encoder of attributes finds in "
            "real images",
        ),
        domain(
            "adversarial",
            source="section 3",
            description="the generator's part of the GAN loss: the discriminator takes its images "
            "for real",
        ),
        domain(
            "discriminator",
            source="section 3; fakes have weight 0.5 in the code",
            description="the discriminator's part of the GAN loss: to tell real images from "
            "generated ones, given their attributes",
        ),
        domain(
            "mismatched",
            weight=0.5,
            source="the code: real images with attributes of others",
            description="the discriminator rejects real images with the attributes of other images",
        ),
        regularization(
            "r1",
            weight=0.0,
            source="not in the paper; R1, Mescheder et al. 2018, eq. 9",
            description="penalty on the discriminator's gradients at real images, which makes "
            "training steadier",
        ),
    )
    players: tuple[Player, ...] = (
        DISCRIMINATOR,
        GENERATOR,
        encoder_player("encoder_z", term="latent", batch_key="sampled_attributes"),
        encoder_player("encoder_y", term="attributes", batch_key="attributes"),
    )
    inverts = "encoder_z"
    fake_weight = 0.5  # the code; mismatched pairs have the other half
    conformance = Conformance(
        settings={
            "latent": 5,
            "base_filters": 4,
            "discriminator_filters": 4,
            "encoder_filters": 4,
            "latent_width": 8,
            "attribute_width": 8,
            "bn_recalibration_steps": 1,
            "bn_recalibration_batch_size": 8,
        },
        # The last stage: E_y on real images.
        forward_passes={"generator": 0, "discriminator": 0, "encoder_z": 0, "encoder_y": 1},
    )

    def __init__(
        self,
        generator: keras.Model,
        discriminator: keras.Model,
        encoder_z: keras.Model,
        encoder_y: keras.Model,
        *,
        attributes: Mapping[str, Sequence[str]],
        **options: Any,
    ):
        encoders = {"encoder_z": encoder_z, "encoder_y": encoder_y}
        super().__init__(generator, discriminator, encoders, attributes=attributes, **options)
        outputs = encoder_y.output_shape[-1]
        if outputs != len(self.columns):
            raise ValueError(
                f"`encoder_y` must output the {len(self.columns)} columns of `attributes`, "
                f"it outputs {outputs}"
            )
        self._widths = [len(one.columns) for one in Attributes(attributes).definitions]

    @classmethod
    def build_networks(
        cls, settings: Any, shape: tuple[int, int, int], *, attributes: Mapping[str, Sequence[str]]
    ) -> dict[str, keras.Model]:
        """Generator, discriminator and both encoders."""
        columns = len(Attributes(attributes).columns)
        encoder_options = {
            "base_filters": settings.encoder_filters,
            "initialization": settings.initialization,
        }
        return {
            "generator": conditional_gan.conditional_generator(
                shape,
                settings.latent,
                columns,
                base_filters=settings.base_filters,
                upsampling=settings.upsampling,
            ),
            "discriminator": conditional_gan.conditional_discriminator(
                shape, columns, base_filters=settings.discriminator_filters
            ),
            "encoder_z": conditional_gan.image_encoder(
                shape,
                settings.latent,
                width=settings.latent_width,
                name="encoder_z",
                **encoder_options,
            ),
            "encoder_y": conditional_gan.image_encoder(
                shape,
                columns,
                width=settings.attribute_width,
                name="encoder_y",
                **encoder_options,
            ),
        }

    @classmethod
    def terms_without_a_part_in_edits(cls, settings: Any, signature: str | None) -> dict[str, str]:
        """`attributes`, unless the mask blend compares those of an image with the wanted ones."""
        if settings.mask_blend:
            return {}
        return {
            "attributes": "an edit is given all attributes, so the encoder that learns them from "
            "images takes part with model.mask_blend only"
        }

    def encoder_z_objective(self, batch: Tensors, shared: Tensors) -> Losses:
        """Recover z from a generated image."""
        return {"latent": self.inversion_loss(batch)}

    def encoder_y_objective(self, batch: Tensors, shared: Tensors) -> Losses:
        """Predict the attributes of a real image."""
        outputs = self.encoder_y(batch["image"], training=True)
        return {"attributes": mean_squared_error(outputs, to_signed(batch["attributes"]))}

    def examples(self, batch: Mapping) -> dict[str, dict]:
        """Images with their own attributes, and each with another image as exemplar."""
        image, attributes = batch["image"], batch["attributes"]
        return {
            "translate": {"image": image, "attributes": attributes},
            "encode": {"image": image},
            "swap": {"image": image, "exemplar": image[::-1]},
        }

    def translate(self, image: tf.Tensor, attributes: tf.Tensor) -> dict[str, tf.Tensor]:
        """Generates images with other attributes; the mask blend transfers only the changes."""
        latent = self.encoder_z(image, training=False)
        own = self._most_likely_attributes(image) if self.settings.mask_blend else None
        return self.edit(image, latent, own, attributes)

    def signatures(self) -> dict[str, Signature]:
        """`translate`, its halves `encode` and `decode`, and `swap`."""
        shape = self.encoder_z.input_shape[1:]
        image = image_spec(shape)
        exemplar = image_spec(shape, "exemplar", "the image to exchange attributes with")
        changed = image_spec(shape, "exemplar", "the exemplar with the attributes of the image")
        encoded = (latent_spec(self.latent_size), attribute_spec(self.columns, observed=True))
        # It holds for `encode` too: the generator and both encoders have batch norm with moving
        # averages, no dropout.
        behavior = describe_inference(self.generator)
        translate, decode = self.translate_and_decode(behavior)
        edit_behavior = self.edit_behavior(behavior)
        signatures = (
            dataclasses.replace(translate, inference_behavior=edit_behavior),
            Signature("encode", self._encode, (image,), encoded, behavior),
            decode,
            Signature("swap", self._swap, (image, exemplar), (image, changed), edit_behavior),
        )
        return {signature.name: signature for signature in signatures}

    def _encode(self, image):
        attributes = 0.5 * (self.encoder_y(image, training=False) + 1.0)
        return {
            "latent": self.encoder_z(image, training=False),
            "attributes": tf.clip_by_value(attributes, 0.0, 1.0),
        }

    def _swap(self, image, exemplar):
        of_image = self._most_likely_attributes(image)
        of_exemplar = self._most_likely_attributes(exemplar)
        return {
            "image": self.translate(image, of_exemplar)["image"],
            "exemplar": self.translate(exemplar, of_image)["image"],
        }

    def _most_likely_attributes(self, images):
        """The attributes that E_y predicts, each 0 or 1; of several values the most likely."""
        return discretize(self.encoder_y(images, training=False), self._widths)
