"""Fader Networks: an auto-encoder whose latent knows no attributes, and a decoder that is told."""

import dataclasses
import math
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

import keras
import tensorflow as tf
from pydantic import Field

from tf_translate.config.attributes import Attributes
from tf_translate.config.settings import AdamSettings, MethodSettings, RMSpropSettings
from tf_translate.core import stateless_random
from tf_translate.core.loss_terms import content, domain, regularization
from tf_translate.core.optimizers import make_optimizer
from tf_translate.core.player import Player
from tf_translate.core.schedules import LinearRamp, Schedule
from tf_translate.core.signature import LATENT, Signature, TensorSpec, attribute_spec, image_spec
from tf_translate.core.translator import Translator
from tf_translate.layers.attribute_map import ExpandAttributes
from tf_translate.losses.attribute_classification import (
    attribute_cross_entropy,
    classifier_losses,
    flipped,
)
from tf_translate.losses.reconstruction import mean_squared
from tf_translate.networks.fader import (
    fader_decoder,
    fader_encoder,
    image_classifier,
    latent_discriminator,
)
from tf_translate.networks.inference_behavior import describe_inference

_LATENT_ADVERSARIAL, _RAMP = 1e-4, 500_000
_CLIP = 5.0
_NOISE = {"latent": -1, "real": -2, "decoded": -3}  # streams; those from 0 on flip attributes


class FaderSettings(MethodSettings):
    """Networks and ramp of Fader Networks; defaults are the published code's."""

    num_downsamples: int = Field(6, ge=2, description="halvings, the code; the paper has 7")
    base_filters: int = Field(32, ge=1, description="channels of the first layer, the code")
    max_filters: int = Field(512, ge=1, description="most channels, section 4 and the code")
    discriminator_turns: int = Field(
        1,
        ge=1,
        description="turns of the latent discriminator for one of the auto-encoder, the code",
    )
    latent_noise: float = Field(
        0.0, ge=0, description="deviation of noise on latents in training; off: ours"
    )
    attribute_classification_start: int = Field(
        0,
        ge=0,
        description="step from which loss_weights.attribute_classification rises, as long as the ramp; 0: the code",
    )
    classifier_filters: int = Field(
        32, ge=1, description="channels of the first layer of the classifier, the code"
    )
    classifier_noise: float = Field(
        0.0, ge=0, description="deviation of noise on images the classifier sees; off: ours"
    )
    dropout: float = Field(0.3, ge=0, lt=1, description="of the latent discriminator, section 4")
    ramp: int = Field(
        _RAMP,
        ge=1,
        description="steps until loss_weights.latent_adversarial has its full weight, section 4",
    )
    optimizer: AdamSettings | RMSpropSettings = Field(
        AdamSettings(), discriminator="kind", description="the code; the paper: 2e-3"
    )
    discriminator_optimizer: AdamSettings | RMSpropSettings = Field(
        AdamSettings(), discriminator="kind", description="of the latent discriminator, the code"
    )


def _reads(name: str, *others: str, part: int) -> Player:
    """The player of a network that learns to read attributes, with other terms it may have."""
    return Player(
        name,
        (name,),
        f"{name}_objective",
        (name, *others),
        microbatches=(part,),
        batch_keys=("attributes",),
        clip=_CLIP,
        optimizer="discriminator_optimizer",
    )


@keras.saving.register_keras_serializable("tf_translate")
class Fader(Translator):
    """Encodes an image without its attributes and decodes it with any.

    Code to paper: `encoder` E_theta_enc, `decoder` D_theta_dec, `latent_discriminator` the
    discriminator; "latent_adversarial" the adversarial term with 1 - y, whose weight is lambda_E.
    Batch: `{"image", "attributes"}`, `(n * batch, height, width, channels)` float32 in
    [-1, 1] and `(n * batch, columns)` float32, 0 or 1, where n is `discriminator_turns` + 1: every
    turn sees images of its own, but classifier and auto-encoder the same.
    Players: latent discriminator (the auto-encoder as in inference), then, if it counts, classifier,
        then auto-encoder (those as in inference); each gradient is bounded by a length of 5.
    Deploys: `translate`, image and attributes to image; `encode`, image to latent, and
        `decode`, latent and attributes to image, to encode once and slide cheaply. Attributes
        beyond [0, 1] exaggerate.
    Departs: 6 layers, a latent of 4x4 and rate 2e-4 are the code's (the paper: 7 layers, 2x2,
        2e-3); the decoder works on the latent of every image alone; images mirror each by itself,
        not by the batch; the code's feedback is off, as there; where it is on, the classifier
        learns beside the others from the first step, and truth and opposites are decoded at once.

    Args:
        encoder: Network from images to latents.
        decoder: Network from `[latent, attributes]` to images.
        latent_discriminator: Network from latents to logits, one for each value of an attribute.
        classifier: Network from images to logits like those; needed where "attribute_classification" counts.
        attributes: Values by attribute, in the order of the columns.
        discriminator_turns: Turns of the latent discriminator for one of the auto-encoder.
        latent_noise: Deviation of the noise on latents in training. An encoder that must fool the
            discriminator hides attributes in directions of little variance, which the discriminator overlooks
            and the decoder does not; noise leaves no such place.
        classifier_noise: Deviation of noise on images the classifier sees, real and decoded.
        loss_weights: Weights that replace `reconstruction`, `latent_adversarial`, `latent_discriminator`, `attribute_classification`,
            `classifier`, `classifier_r1`; a number for `latent_adversarial` or `attribute_classification` has no ramp.
        name: Name of the model.

    Raises:
        ValueError: If the networks do not go with the attributes.

    Source: Lample et al. 2017, https://arxiv.org/abs/1706.00409, eq. 2-5, section 4, and
    github.com/facebookresearch/FaderNetworks.
    """

    layout = "attributes"
    deploys = ("translate", "encode", "decode")
    paper_shapes = ((256, 256, 3),)
    paper_attributes = MappingProxyType({"attribute": ("0", "1")})
    terms = (
        content("reconstruction", source="eq. 1: mean squared error"),
        domain(
            "latent_adversarial",
            weight=LinearRamp(_LATENT_ADVERSARIAL, _RAMP),
            source="eq. 3 and 4; lambda_E to 1e-4 over 500,000 steps, section 4",
        ),
        domain("latent_discriminator", source="eq. 2"),
        domain(
            "attribute_classification",
            weight=0.0,
            source="the code: lambda_clf_dis, 0 there, on this ramp",
        ),
        domain(
            "classifier",
            source="the code: attributes of real images, for `attribute_classification`",
        ),
        regularization(
            "classifier_r1", weight=0.0, source="ours; R1, Mescheder et al. 2018, eq. 9"
        ),
    )
    players = (
        _reads("latent_discriminator", part=0),
        _reads("classifier", "classifier_r1", part=1),
        Player(
            "autoencoder",
            ("encoder", "decoder"),
            "autoencoder_objective",
            ("reconstruction", "latent_adversarial", "attribute_classification"),
            microbatches=(1,),
            batch_keys=("attributes",),
            clip=_CLIP,
            averaged=True,
        ),
    )

    def __init__(
        self,
        encoder: keras.Model,
        decoder: keras.Model,
        latent_discriminator: keras.Model,
        classifier: keras.Model | None = None,
        *,
        attributes: Mapping[str, Sequence[str]],
        discriminator_turns: int = 1,
        latent_noise: float = 0.0,
        classifier_noise: float = 0.0,
        loss_weights: Mapping[str, float | Schedule] | None = None,
        name: str = "fader",
    ):
        told = Attributes(attributes)
        read, columns = latent_discriminator.output_shape[-1], decoder.input_shape[1][-1]
        if (columns, read) != (len(told.columns), told.categories):
            raise ValueError(
                f"`attributes` have {len(told.columns)} columns and {told.categories} values, but "
                f"the decoder takes {columns} columns and the latent discriminator gives {read} logits"
            )
        networks = {
            "encoder": encoder,
            "decoder": decoder,
            "latent_discriminator": latent_discriminator,
        }
        if classifier is not None:
            networks["classifier"] = classifier
        elif (loss_weights or {}).get("attribute_classification"):
            raise ValueError(
                "the term `attribute_classification` needs a `classifier`: give one, or leave it at 0"
            )
        super().__init__(
            networks=networks,
            players=_players(discriminator_turns, with_classifier=classifier is not None),
            loss_weights=loss_weights,
            name=name,
        )
        self.attributes = {one.name: list(one.values) for one in told.each}
        self.columns = told.columns
        self.discriminator_turns, self.latent_noise = discriminator_turns, latent_noise
        self.classifier_noise = classifier_noise
        self._sizes = [len(one.values) for one in told.each]
        self.chance_levels = {"latent_discriminator": sum(map(math.log, self._sizes))}
        self._expand, self._places = ExpandAttributes(told.binary), told.places
        self.classifier: Any = classifier

    @classmethod
    def from_settings(
        cls,
        settings: FaderSettings,
        shape: tuple[int, int, int],
        *,
        attributes: Mapping[str, Sequence[str]],
        loss_weights: Mapping[str, float] | None = None,
    ) -> "Fader":
        """Builds all for images of a shape; `latent_adversarial` and `attribute_classification` are what ramps lead to."""
        told = Attributes(attributes)
        sizes = settings.model_dump(include={"num_downsamples", "base_filters", "max_filters"})
        encoder = fader_encoder(shape, **sizes)
        latent = encoder.output_shape[1:]
        weights = _ramped(
            {"latent_adversarial": _LATENT_ADVERSARIAL, **(loss_weights or {})}, settings
        )
        reads = {**sizes, "base_filters": settings.classifier_filters}
        return cls(
            encoder,
            fader_decoder(latent, shape[2], told.binary, **sizes),
            latent_discriminator(latent, told.categories, dropout=settings.dropout),
            image_classifier(shape, told.categories, **reads)
            if weights.get("attribute_classification")
            else None,
            attributes=attributes,
            discriminator_turns=settings.discriminator_turns,
            latent_noise=settings.latent_noise,
            classifier_noise=settings.classifier_noise,
            loss_weights=weights,
        )

    def latent_discriminator_objective(self, batch, shared):
        """Eq. 2: tell the attributes from the latent."""
        latent = self._encoded(batch["image"], training=False)
        logits = self.latent_discriminator(tf.stop_gradient(latent), training=True)
        truth = self._expand(batch["attributes"])
        return {"latent_discriminator": attribute_cross_entropy(logits, truth, self._sizes)}

    def classifier_objective(self, batch, shared):
        """Tell the attributes from real images, by gradients that are not steep."""
        images = self._noisy(batch["image"], self.classifier_noise, "real")
        truth = self._expand(batch["attributes"])
        return classifier_losses(self.classifier, images, truth, self._sizes, uses=self.uses)

    def autoencoder_objective(self, batch, shared):
        """Eq. 1 and 3: give the image back, and let the latent tell other attributes."""
        losses = {}
        others = self._others(batch)
        latent = self._encoded(batch["image"], training=True)
        told = [batch["attributes"]]
        if self.uses("attribute_classification"):
            told.append(tf.gather(others, self._places, axis=1))
        pairs = [tf.concat([latent] * len(told), 0), tf.concat(told, 0)]
        images, *edited = tf.split(self.decoder(pairs, training=True), len(told))
        if self.uses("reconstruction"):
            losses["reconstruction"] = mean_squared(images, batch["image"])
        if self.uses("latent_adversarial"):
            logits = self.latent_discriminator(latent, training=False)
            losses["latent_adversarial"] = attribute_cross_entropy(logits, others, self._sizes)
        if self.uses("attribute_classification"):
            shown = self._noisy(edited[0], self.classifier_noise, "decoded")
            logits = self.classifier(shown, training=False)
            losses["attribute_classification"] = attribute_cross_entropy(
                logits, others, self._sizes
            )
        return losses

    def default_optimizer(self, player: Player) -> keras.optimizers.Optimizer:
        """Adam 2e-4, 0.5, 0.999 (the code)."""
        return make_optimizer(AdamSettings().model_dump())

    def examples(self, batch: Mapping) -> dict[str, dict]:
        """Images with the attributes they have."""
        image, attributes = batch["image"], batch["attributes"]
        return {"translate": {"image": image, "attributes": attributes}, "encode": {"image": image}}

    def call(self, inputs, training=False):
        """Translates `{"image", "attributes"}`: images in [-1, 1] to images in [-1, 1]."""
        return self._translate(inputs["image"], inputs["attributes"])["image"]

    def signatures(self) -> dict[str, Signature]:
        """`translate`, and its halves `encode` and `decode`."""
        image = image_spec(self.encoder.input_shape[1:])
        form = (None, *self.encoder.output_shape[1:])
        latent = TensorSpec("latent", form, meaning=LATENT)
        attributes = attribute_spec(self.columns)
        inference_behavior = describe_inference(self.decoder)
        deployed = (
            Signature(
                "translate", self._translate, (image, attributes), (image,), inference_behavior
            ),
            Signature("encode", self._encode, (image,), (latent,), inference_behavior),
            Signature("decode", self._decode, (latent, attributes), (image,), inference_behavior),
        )
        return {signature.name: signature for signature in deployed}

    def _others(self, batch):
        """For every image other attributes than it has: `(batch, categories)`."""
        streams, images = range(len(self._sizes)), batch["image"]
        shares = [self.uniform_per_image(images, stream=stream) for stream in streams]
        return flipped(self._expand(batch["attributes"]), self._sizes, shares)

    def _encoded(self, images, *, training: bool):
        return self._noisy(self.encoder(images, training=training), self.latent_noise, "latent")

    def _noisy(self, values, deviation: float, kind: str):
        if not deviation:
            return values
        noise = stateless_random.noise_like(values, self.steps_taken.value, _NOISE[kind])
        return values + tf.cast(deviation * noise, values.dtype)

    def _encode(self, image):
        return {"latent": self.encoder(image, training=False)}

    def _decode(self, latent, attributes):
        inputs = [tf.convert_to_tensor(latent), tf.convert_to_tensor(attributes)]
        return {"image": self.decoder(inputs, training=False)}

    def _translate(self, image, attributes):
        return self._decode(self._encode(image)["latent"], attributes)


def _players(discriminator_turns: int, *, with_classifier: bool) -> tuple[Player, ...]:
    """Each turn on a part of the batch of its own, but for the classifier's."""
    discriminator, *others = Fader.players if with_classifier else Fader.players[::2]
    return (
        dataclasses.replace(discriminator, parts=tuple(range(discriminator_turns))),
        *(dataclasses.replace(other, microbatches=(discriminator_turns,)) for other in others),
    )


def _ramped(weights: Mapping[str, float], settings: FaderSettings) -> dict[str, float | Schedule]:
    """The weights, those of what rises with lambda_E as ramps."""
    starts = {
        "latent_adversarial": 0,
        "attribute_classification": settings.attribute_classification_start,
    }
    ramps = {
        name: LinearRamp(weights[name], settings.ramp, start)
        for name, start in starts.items()
        if weights.get(name)
    }
    return {**weights, **ramps}
