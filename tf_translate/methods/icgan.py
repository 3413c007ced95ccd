"""IcGAN, the invertible conditional GAN: draw from noise and attributes, then learn to go back."""

import dataclasses
import math
from collections.abc import Mapping, Sequence
from types import MappingProxyType

import keras
import tensorflow as tf
from pydantic import Field

from tf_translate.bases.invertible_gan import (
    DISCRIMINATOR,
    GENERATOR,
    InvertibleTranslator,
    reader,
    signed,
)
from tf_translate.config.attributes import Attributes
from tf_translate.config.settings import AdamSettings, MethodSettings, RMSpropSettings
from tf_translate.core.loss_terms import content, domain, regularization
from tf_translate.core.optimizers import make_optimizer
from tf_translate.core.player import Player
from tf_translate.core.signature import Signature, attribute_spec, image_spec, latent_spec
from tf_translate.layers.attribute_map import decided
from tf_translate.losses.adversarial import vanilla_generator
from tf_translate.losses.conditional_discriminator import conditional_discriminator_losses
from tf_translate.losses.reconstruction import mean_squared
from tf_translate.networks import conditional_gan
from tf_translate.networks.inference_behavior import describe_inference

_ADAM = AdamSettings(learning_rate=2e-4, beta_1=0.5)
_ENCODER_ADAM = AdamSettings(learning_rate=1e-4, beta_1=0.1)
_CELEBA = (
    "Bald", "Bangs", "Black_Hair", "Blond_Hair", "Brown_Hair", "Bushy_Eyebrows", "Eyeglasses",
    "Gray_Hair", "Heavy_Makeup", "Male", "Mouth_Slightly_Open", "Mustache", "Pale_Skin",
    "Receding_Hairline", "Smiling", "Straight_Hair", "Wavy_Hair", "Wearing_Hat",
)  # fmt: skip


class IcGANSettings(MethodSettings):
    """Networks and optimizers of IcGAN; defaults are the published code's."""

    latent: int = Field(100, ge=1, description="numbers of z, the code")
    base_filters: int = Field(64, ge=1, description="channels ahead of G's last layer, the code")
    discriminator_filters: int = Field(
        64, ge=1, description="channels of D's first layer, the code"
    )
    encoder_filters: int = Field(32, ge=1, description="channels of the encoders' first, the code")
    latent_width: int = Field(4096, ge=1, description="of E_z's dense layer, the code")
    attribute_width: int = Field(512, ge=1, description="of E_y's dense layer, the code")
    bn_recalibration_steps: int = Field(
        100, ge=0, description="batches that G's statistics are taken of, code"
    )
    mask_blend: bool = Field(
        False, description="translate changes the image where its reconstruction changes; ours"
    )
    discriminator_noise: float = Field(
        0.0, ge=0, description="deviation of noise on all images D sees; off: ours, for drawings"
    )
    optimizer: AdamSettings | RMSpropSettings = Field(
        _ADAM, discriminator="kind", description="of G and D, the code"
    )
    encoder_optimizer: AdamSettings | RMSpropSettings = Field(
        _ENCODER_ADAM, discriminator="kind", description="of E_z and E_y, the code"
    )


@keras.saving.register_keras_serializable("tf_translate")
class IcGAN(InvertibleTranslator):
    """Edits an image by drawing it anew from what two encoders read, with other attributes.

    Code to paper: `generator` G, `discriminator` D, `encoder_z` E_z, `encoder_y` E_y; attributes v in
        0 and 1 are y = 2 v - 1, in -1 and +1. "mismatched" are real images beside attributes
        that are not theirs.
    Batch: `{"image", "attributes", "other_attributes", "drawn_attributes"}`: images
        `(batch, height, width, channels)` float32 in [-1, 1]; `(batch, columns)` float32, 0 or
        1: their own (y), others that differ from those, and some drawn from the training set (y').
    Stages: "gan", where G and D learn; "encoder_z", where E_z learns to read z from what G
        draws (never from real images), G frozen and as in inference; "encoder_y", where E_y
        learns the attributes of real images.
    Refresh: for its first `bn_recalibration_steps` steps in `fit` "encoder_z" draws with the statistics of the
        batch, which re-estimates the moving ones of G's batch norm for the weights G ended
        with; after that they stay. These steps are counted by E_z's optimizer, so a run that is
        resumed refreshes no more and no less.
    Players: discriminator, then generator, on the same drawings; encoder_z; encoder_y.
    Deploys: `translate`, image and attributes to image; `encode`, image to latent and the
        attributes that E_y reads, in [0, 1]; `decode`, latent and attributes to image; `swap`,
        two images with their attributes exchanged.
    Departs: E_z learns in the refreshing steps too, and from fresh drawings at each step (the
        code: 182,638 made once); encoders pad as TensorFlow does; images may be mirrored in
        all stages, as `data.flip` says (the code: in "gan" only);
        `translate` takes all attributes as they are wanted, and those that exclude each other
        are one attribute of several values (the code: rules for CelebA's names); `mask_blend`
        is of another paper (IAN), and off unless it is set.

    Args:
        generator: Network from `[latent, attributes]` to images.
        discriminator: Network from `[image, attributes]` to logits.
        encoder_z: Network from images to latents.
        encoder_y: Network from images to attributes, in -1 and +1.
        attributes: Values by attribute, in the order of the columns.
        bn_recalibration_steps: Batches that the generator's statistics are re-estimated of.
        mask_blend: Whether `translate` gives the image itself, with what other attributes change
            in its reconstruction (of those E_y reads) blended in (`editing/mask_blend.py`).
        discriminator_noise: Deviation of the noise on every image the discriminator sees.
        loss_weights: Weights that replace `discriminator`, `mismatched`, `r1`, `adversarial`, `latent`,
            `attributes`.
        name: Name of the model.

    Raises:
        ValueError: If the networks do not go with the attributes or with each other.

    Source: Perarnau et al. 2016, https://arxiv.org/abs/1611.06355, section 3, and
    github.com/Guim3/IcGAN.
    """

    layout = "attributes"
    chance_levels = MappingProxyType({"discriminator": 1.5 * math.log(2)})
    deploys = ("translate", "encode", "decode", "swap")
    paper_shapes = ((64, 64, 3),)
    paper_attributes = MappingProxyType(dict.fromkeys(_CELEBA, ("-1", "1")))
    terms = (
        content("latent", source="section 3: E_z, squared error on drawn images"),
        domain("attributes", source="section 3: E_y, squared error on real images"),
        domain("adversarial", source="section 3"),
        domain("discriminator", source="section 3; fakes count half in the code"),
        domain("mismatched", weight=0.5, source="the code: real images with others' attributes"),
        regularization(
            "r1", weight=0.0, source="not in the paper; R1, Mescheder et al. 2018, eq. 9"
        ),
    )
    players = (
        DISCRIMINATOR,
        GENERATOR,
        reader("encoder_z", term="latent", batch_keys="drawn_attributes"),
        reader("encoder_y", term="attributes", batch_keys="attributes"),
    )
    inverts = "encoder_z"

    def __init__(
        self,
        generator: keras.Model,
        discriminator: keras.Model,
        encoder_z: keras.Model,
        encoder_y: keras.Model,
        *,
        attributes: Mapping[str, Sequence[str]],
        bn_recalibration_steps: int = 100,
        mask_blend: bool = False,
        discriminator_noise: float = 0.0,
        loss_weights: Mapping[str, float] | None = None,
        name: str = "icgan",
    ):
        networks = {"generator": generator, "discriminator": discriminator}
        super().__init__(
            networks={**networks, "encoder_z": encoder_z, "encoder_y": encoder_y},
            attributes=attributes,
            bn_recalibration_steps=bn_recalibration_steps,
            mask_blend=mask_blend,
            discriminator_noise=discriminator_noise,
            loss_weights=loss_weights,
            name=name,
        )
        read = encoder_y.output_shape[-1]
        if read != len(self.columns):
            raise ValueError(
                f"`encoder_y` must read the {len(self.columns)} columns of `attributes`, "
                f"it reads {read}"
            )
        self._widths = [len(one.columns) for one in Attributes(attributes).each]

    @classmethod
    def from_settings(
        cls,
        settings: IcGANSettings,
        shape: tuple[int, int, int],
        *,
        attributes: Mapping[str, Sequence[str]],
        loss_weights: Mapping[str, float] | None = None,
    ) -> "IcGAN":
        """Builds networks and translator for images of `(height, width, channels)`."""
        columns, base = len(Attributes(attributes).columns), settings.encoder_filters
        return cls(
            conditional_gan.conditional_generator(
                shape, settings.latent, columns, base_filters=settings.base_filters
            ),
            conditional_gan.conditional_discriminator(
                shape, columns, base_filters=settings.discriminator_filters
            ),
            conditional_gan.image_encoder(
                shape,
                settings.latent,
                width=settings.latent_width,
                base_filters=base,
                name="encoder_z",
            ),
            conditional_gan.image_encoder(
                shape, columns, width=settings.attribute_width, base_filters=base, name="encoder_y"
            ),
            attributes=attributes,
            bn_recalibration_steps=settings.bn_recalibration_steps,
            mask_blend=settings.mask_blend,
            discriminator_noise=settings.discriminator_noise,
            loss_weights=loss_weights,
        )

    def discriminator_objective(self, batch, shared):
        """Tell real images with their attributes from drawings, and from mismatched attributes."""
        return conditional_discriminator_losses(
            self.judged, batch, shared["drawn"], uses=self.uses, fakes=0.5
        )

    def generator_objective(self, batch, shared):
        """Draw what passes for a real image of the attributes."""
        scores = self.judged(shared["drawn"], batch["drawn_attributes"], "drawn")
        return {"adversarial": vanilla_generator(scores)}

    def encoder_z_objective(self, batch, shared):
        """Read from a drawing the z it was drawn from."""
        images, noise = self.to_invert(batch)
        return {"latent": mean_squared(self.encoder_z(images, training=True), noise)}

    def encoder_y_objective(self, batch, shared):
        """Read from a real image its attributes."""
        read = self.encoder_y(batch["image"], training=True)
        return {"attributes": mean_squared(read, signed(batch["attributes"]))}

    def default_optimizer(self, player: Player) -> keras.optimizers.Optimizer:
        """Adam 2e-4, 0.5 for G and D; 1e-4, 0.1 for the encoders (the code)."""
        own = _ENCODER_ADAM if player.optimizer == "encoder_optimizer" else _ADAM
        return make_optimizer(own.model_dump())

    def examples(self, batch: Mapping) -> dict[str, dict]:
        """Images with the attributes they have, and each beside another."""
        image, attributes = batch["image"], batch["attributes"]
        return {
            "translate": {"image": image, "attributes": attributes},
            "encode": {"image": image},
            "swap": {"image": image, "exemplar": image[::-1]},
        }

    def translate(self, image, attributes):
        """Draws images anew with attributes; with the mask blend, changes alone reach the input."""
        latent = self.encoder_z(image, training=False)
        own = self._decided(image) if self.mask_blend else None
        return self.redrawn(image, latent, own, attributes)

    def signatures(self) -> dict[str, Signature]:
        """`translate`, its halves `encode` and `decode`, and `swap`."""
        shape = self.encoder_z.input_shape[1:]
        image = image_spec(shape)
        exemplar = image_spec(shape, "exemplar", "the image to exchange attributes with")
        changed = image_spec(shape, "exemplar", "the exemplar with the attributes of the image")
        seen = attribute_spec(self.columns, seen=True)
        read = (latent_spec(self._latent), seen)
        inference_behavior = describe_inference(self.generator)
        translate, decode = self.translate_and_decode(inference_behavior)
        edited = self.blending(inference_behavior)
        deployed = (
            dataclasses.replace(translate, inference_behavior=edited),
            Signature("encode", self._encode, (image,), read, inference_behavior),
            decode,
            Signature("swap", self._swap, (image, exemplar), (image, changed), edited),
        )
        return {signature.name: signature for signature in deployed}

    def _encode(self, image):
        read = 0.5 * (self.encoder_y(image, training=False) + 1.0)
        return {
            "latent": self.encoder_z(image, training=False),
            "attributes": tf.clip_by_value(read, 0.0, 1.0),
        }

    def _swap(self, image, exemplar):
        own, others = (self._decided(images) for images in (image, exemplar))
        return {
            "image": self.translate(image, others)["image"],
            "exemplar": self.translate(exemplar, own)["image"],
        }

    def _decided(self, images):
        """The attributes E_y reads, each 0 or 1; of several values the one it sees most of."""
        return decided(self.encoder_y(images, training=False), self._widths)
