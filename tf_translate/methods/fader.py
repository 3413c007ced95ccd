"""Fader Networks: an auto-encoder with attributes in the decoder's input, not in the latent."""

import dataclasses
import math
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, ClassVar, Self

import keras
import tensorflow as tf
from pydantic import Field

from tf_translate.config.attributes import Attributes
from tf_translate.config.settings import (
    COUNTS_STEPS,
    AdamSettings,
    MethodSettings,
    RMSpropSettings,
)
from tf_translate.core import stateless_random
from tf_translate.core.build_arguments import check_build_arguments
from tf_translate.core.conformance import Conformance
from tf_translate.core.loss_terms import LossTerm, content, domain, regularization
from tf_translate.core.optimizers import clip_by_global_norm
from tf_translate.core.player import Losses, Player, Tensors
from tf_translate.core.schedules import LinearRamp, Schedule
from tf_translate.core.signature import LATENT, Signature, TensorSpec, attribute_spec, image_spec
from tf_translate.core.translator import Translator
from tf_translate.layers.attribute_map import ExpandAttributes
from tf_translate.losses.attribute_classification import (
    attribute_cross_entropy,
    classifier_losses,
    other_categories,
)
from tf_translate.losses.reconstruction import mean_squared_error
from tf_translate.methods.registry import register
from tf_translate.networks.fader import (
    fader_decoder,
    fader_encoder,
    image_classifier,
    latent_discriminator,
)
from tf_translate.networks.inference_behavior import describe_inference
from tf_translate.networks.initialization.weights import DESCRIPTION, Initialization

_LATENT_ADVERSARIAL, _RAMP = 1e-4, 500_000
_CLIP = 5.0  # largest gradient norm, the code
# Streams of random values (see `stateless_random`): from `_FIRST_ATTRIBUTE` on, one for each
# attribute, to select other values; so those for noise are negative.
_FIRST_ATTRIBUTE = 0
_NOISE = {"latent": -1, "real": -2, "decoded": -3}


class FaderSettings(MethodSettings):
    """Networks, ramp and optimizers of Fader Networks; defaults are the published code's."""

    num_downsamples: int = Field(
        default=6,
        ge=2,
        description="how often the encoder halves the sides of the image, which must divide by 2 "
        "to this power (authors' code; paper: 7)",
    )
    base_filters: int = Field(
        default=32,
        ge=1,
        description="channels of the encoder's first layer; they double in each layer up to "
        "max_filters (authors' code)",
    )
    max_filters: int = Field(
        default=512,
        ge=1,
        description="largest number of channels of a layer, and units of the latent "
        "discriminator's dense layer (paper, section 4; authors' code)",
    )
    initialization: Initialization = Field(default="torch", description=DESCRIPTION)
    discriminator_turns: int = Field(
        default=1,
        ge=1,
        description="updates of the latent discriminator in a step. It predicts the attributes "
        "from the latent, the encoder's output, so that the encoder learns to hide them there "
        "(authors' code)",
    )
    latent_noise: float = Field(
        default=0.0,
        ge=0,
        description="standard deviation of noise that is added to latents in training, so that "
        "the encoder cannot hide attributes in tiny differences; 0: off (ours)",
    )
    attribute_classification_start: int = Field(
        default=0,
        ge=0,
        json_schema_extra=COUNTS_STEPS,
        description="step at which the weight of the loss term attribute_classification starts to "
        "rise from 0 to its value; the rise takes as many steps as ramp says (authors' code: 0)",
    )
    classifier_filters: int = Field(
        default=32,
        ge=1,
        description="channels of the first layer of the classifier of attributes, which exists "
        "only if the loss term attribute_classification has a weight (authors' code)",
    )
    classifier_noise: float = Field(
        default=0.0,
        ge=0,
        description="standard deviation of noise that is added to the images the classifier of "
        "attributes sees, whose values are in [-1, 1], so that it learns less quickly; 0: off "
        "(ours)",
    )
    dropout: float = Field(
        default=0.3,
        ge=0,
        lt=1,
        description="fraction of values that dropout sets to 0 in the latent discriminator "
        "(paper, section 4)",
    )
    ramp: int = Field(
        default=_RAMP,
        ge=1,
        json_schema_extra=COUNTS_STEPS,
        description="number of steps in which the weights of the loss terms latent_adversarial "
        "and attribute_classification rise from 0 to their values (paper, section 4)",
    )
    optimizer: AdamSettings | RMSpropSettings = Field(
        default=AdamSettings(),
        discriminator="kind",
        description="optimizer of encoder and decoder (authors' code; paper: learning rate 2e-3)",
    )
    discriminator_optimizer: AdamSettings | RMSpropSettings = Field(
        default=AdamSettings(),
        discriminator="kind",
        description="optimizer of the latent discriminator and of the classifier of attributes "
        "(authors' code)",
    )


def _attribute_classifier(name: str, *more_terms: str, microbatch_index: int) -> Player:
    """The player of a network that learns to classify attributes."""
    return Player(
        name,
        (name,),
        f"{name}_objective",
        (name, *more_terms),
        microbatches=(microbatch_index,),
        batch_keys=("attributes",),
        optimizer_setting="discriminator_optimizer",
    )


@register(
    "fader",
    title="Fader Networks",
    paper="Lample et al. 2017",
    layout="attributes",
    keeps_content_by="auto-encoding with the true attributes",
    reaches_domain_by="a latent discriminator keeps attributes out of the latent; the decoder gets "
    "them",
    settings=FaderSettings,
)
class Fader(Translator):
    """Encodes an image without its attributes and decodes it with any attributes.

    Code to paper: `encoder` E_theta_enc, `decoder` D_theta_dec, `latent_discriminator` the
        discriminator; "latent_adversarial" the adversarial term with 1 - y, whose weight is
        lambda_E.
    Batch: `{"image", "attributes"}`, `(n * batch, height, width, channels)` float32 in
        [-1, 1] and `(n * batch, columns)` float32, 0 or 1, where n is `discriminator_turns` +
        1: every turn uses fresh images, but classifier and auto-encoder use the same.
    Players: latent discriminator (the auto-encoder in inference mode), then, if its term has a
        weight, the classifier, then the auto-encoder (the other two in inference mode). The
        gradient norm of each is clipped to 5.
    Deploys: `translate`, image and attributes to image; `encode`, image to latent, and
        `decode`, latent and attributes to image, to encode once and decode many times.
        Values beyond [0, 1] exaggerate an attribute.
    Departs:
        - 6 layers, 32 filters first, a latent of 4x4 and learning rate 2e-4 are the code's (the
          paper: 7 layers from 16, 2x2, 2e-3).
        - By default weights start as in PyTorch 1, with biases 0. `initialization` "torch_2017", as
          in `fader_paper`, starts them as in the code's PyTorch: images of the untrained decoder
          have a quarter of the standard deviation.
        - Options of the code that are off there are not built: the patch discriminator
          (lambda_ptc_dis), skip connections, instance norm, dropout in the decoder, and upsampling
          other than by transposed convolutions.
        - Images are flipped one by one, not by the batch.
        - Attribute classification is off, as in the code. Where it is on, all attributes are
          changed, to the values of `latent_adversarial` (the code: each is drawn anew from all its
          values, its own included), and true and other attributes are decoded in one pass.
        - The classifier learns from the auto-encoder's batch (the code: from a fresh one), and R1
          and noise on its images are ours, off by default.
        - The classifier has no batch norm, `num_downsamples` convolutions and a dense layer as wide
          as the last of them (the code: batch norm, convolutions down to one pixel, 512 units).

    Args:
        encoder: Network from images to latents.
        decoder: Network from `[latent, attributes]` to images.
        latent_discriminator: Network from latents to logits, one for each value of an attribute.
        classifier: Network from images to such logits; needed if "attribute_classification" has
            a weight.
        attributes: Values by attribute, in the order of the columns.
        settings: `FaderSettings`; None: the code's. An encoder that must fool the discriminator
            encodes attributes in directions of small variance, which the decoder uses and the
            discriminator misses. `latent_noise` masks these directions.
        loss_weights: Weights that replace `reconstruction`, `latent_adversarial`,
            `latent_discriminator`, `attribute_classification`, `classifier`, `classifier_r1`.
            A number for `latent_adversarial` or `attribute_classification` is the final value of
            its ramp. A `Schedule` replaces the ramp.
        name: Name of the model.

    Raises:
        ValueError: If the networks do not fit the attributes.

    Source: Lample et al. 2017, https://arxiv.org/abs/1706.00409, eq. 1 to 4, section 4, and
    github.com/facebookresearch/FaderNetworks.
    """

    deploys: ClassVar[tuple[str, ...]] = ("translate", "encode", "decode")
    paper_shapes = ((256, 256, 3),)
    paper_attributes = MappingProxyType({"attribute": ("0", "1")})
    terms: ClassVar[tuple[LossTerm, ...]] = (
        content(
            "reconstruction",
            source="eq. 1; the code: mean over pixels",
            description="mean squared difference between images and what the auto-encoder makes "
            "of them with their own attributes",
        ),
        domain(
            "latent_adversarial",
            weight=LinearRamp(_LATENT_ADVERSARIAL, _RAMP),
            source="eq. 3 and 4; lambda_E to 1e-4 over 500,000 steps, section 4",
            description="the encoder's part against the latent discriminator: to hide the "
            "attributes from it; the weight rises from 0 to the given value",
            trains=("encoder",),
        ),
        domain(
            "latent_discriminator",
            source="eq. 2",
            description="cross-entropy of the latent discriminator: to read the attributes in the "
            "latent",
        ),
        domain(
            "attribute_classification",
            weight=0.0,
            source="the code: lambda_clf_dis, 0 in the code, with this ramp",
            description="cross-entropy by which the classifier must find the new attributes in "
            "edited images; the weight rises from 0 to the given value",
        ),
        domain(
            "classifier",
            source="the code: real images, for attribute_classification",
            description="cross-entropy of the classifier of attributes on real images",
        ),
        regularization(
            "classifier_r1",
            weight=0.0,
            source="ours; R1, Mescheder et al. 2018, eq. 9",
            description="penalty on the classifier's gradients at real images, which makes "
            "training steadier",
        ),
    )
    players: tuple[Player, ...] = (
        _attribute_classifier("latent_discriminator", microbatch_index=0),
        _attribute_classifier("classifier", "classifier_r1", microbatch_index=1),
        Player(
            "autoencoder",
            ("encoder", "decoder"),
            "autoencoder_objective",
            ("reconstruction", "latent_adversarial", "attribute_classification"),
            microbatches=(1,),
            batch_keys=("attributes",),
            ema_if_enabled=True,
        ),
    )
    conformance = Conformance(
        settings={
            "num_downsamples": 2,
            "base_filters": 4,
            "max_filters": 8,
            "dropout": 0.0,
            "ramp": 2,
        },
        # E and D in the discriminator's turn; E, Dec and D in the auto-encoder's.
        forward_passes={"encoder": 2, "decoder": 1, "latent_discriminator": 2},
    )

    def __init__(
        self,
        encoder: keras.Model,
        decoder: keras.Model,
        latent_discriminator: keras.Model,
        classifier: keras.Model | None = None,
        *,
        attributes: Mapping[str, Sequence[str]],
        loss_weights: Mapping[str, float | Schedule] | None = None,
        **options: Any,
    ):
        encoding = Attributes(attributes)
        num_logits, num_columns = latent_discriminator.output_shape[-1], decoder.input_shape[1][-1]
        if (num_columns, num_logits) != (len(encoding.columns), encoding.categories):
            raise ValueError(
                f"`attributes` have {len(encoding.columns)} columns and {encoding.categories} "
                f"values, but the decoder takes {num_columns} columns and the latent discriminator "
                f"gives {num_logits} logits"
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
                "the loss term `attribute_classification` needs a `classifier`: give one, or "
                "leave its weight at 0"
            )
        super().__init__(networks=networks, loss_weights=loss_weights, **options)
        self.attributes = {one.name: list(one.values) for one in encoding.definitions}
        self.columns = encoding.columns
        self._sizes = [len(one.values) for one in encoding.definitions]
        self._expand = ExpandAttributes(encoding.binary)
        self._column_indices = encoding.category_indices
        self.classifier: Any = classifier

    @classmethod
    def absent_terms(cls, settings: Any, loss_weights: Mapping) -> dict[str, str]:
        """The classifier exists only for `attribute_classification`."""
        if loss_weights.get("attribute_classification"):
            return {}
        reason = "there is no classifier without attribute_classification"
        return dict.fromkeys(("classifier", "classifier_r1"), reason)

    def choose_players(self) -> tuple[Player, ...]:
        """Each turn has its own microbatch; the classifier shares that of the auto-encoder."""
        discriminator, classifier, autoencoder = type(self).players
        turns = self.settings.discriminator_turns
        others = (classifier, autoencoder) if "classifier" in self.network_names else (autoencoder,)
        return (
            dataclasses.replace(discriminator, microbatches=tuple(range(turns))),
            *(dataclasses.replace(other, microbatches=(turns,)) for other in others),
        )

    def choose_loss_weights(self, given: Mapping) -> Mapping[str, float | Schedule]:
        """The weights; numbers for the two terms with ramps become ramps."""
        weights = {"latent_adversarial": _LATENT_ADVERSARIAL, **given}
        starts = {
            "latent_adversarial": 0,
            "attribute_classification": self.settings.attribute_classification_start,
        }
        for name, start in starts.items():
            weight = weights.get(name)
            if weight and not isinstance(weight, Schedule):
                weights[name] = LinearRamp(weight, self.settings.ramp, start)
        return weights

    @classmethod
    def build_networks(
        cls, settings: Any, shape: tuple[int, int, int], *, attributes: Mapping[str, Sequence[str]]
    ) -> dict:
        """Encoder, decoder and latent discriminator; `from_settings` may add a classifier."""
        encoding = Attributes(attributes)
        shared = settings.model_dump(include={"max_filters", "initialization"})
        sizes = settings.model_dump(include={"num_downsamples", "base_filters"})
        encoder = fader_encoder(shape, **sizes, **shared)
        latent_shape = encoder.output_shape[1:]
        return {
            "encoder": encoder,
            "decoder": fader_decoder(latent_shape, shape[2], encoding.binary, **sizes, **shared),
            "latent_discriminator": latent_discriminator(
                latent_shape, encoding.categories, dropout=settings.dropout, **shared
            ),
        }

    @classmethod
    def from_settings(
        cls,
        settings: Any,
        *shapes: Any,
        loss_weights: Mapping[str, float | Schedule] | None = None,
        attributes: Any = None,
    ) -> Self:
        """Builds networks and translator, a classifier only if its loss term has a weight."""
        check_build_arguments(cls, settings, shapes, attributes)
        (shape,) = shapes
        networks = cls.build_networks(settings, shape, attributes=attributes)
        if (loss_weights or {}).get("attribute_classification"):
            networks["classifier"] = image_classifier(
                shape,
                Attributes(attributes).categories,
                num_downsamples=settings.num_downsamples,
                base_filters=settings.classifier_filters,
                max_filters=settings.max_filters,
            )
        return cls(**networks, attributes=attributes, settings=settings, loss_weights=loss_weights)

    @property
    def chance_levels(self) -> Mapping[str, float]:
        """The latent discriminator's cross-entropy, summed over attributes."""
        return {"latent_discriminator": sum(map(math.log, self._sizes))}

    def latent_discriminator_objective(self, batch: Tensors, shared: Tensors) -> Losses:
        """Eq. 2: classify the attributes from the latent."""
        latent = self._latents(batch["image"], training=False)
        logits = self.latent_discriminator(tf.stop_gradient(latent), training=True)
        categories = self._expand(batch["attributes"])
        return {"latent_discriminator": attribute_cross_entropy(logits, categories, self._sizes)}

    def classifier_objective(self, batch: Tensors, shared: Tensors) -> Losses:
        """Classify the attributes of real images, with R1 if it has a weight."""
        images = self._with_noise(batch["image"], self.settings.classifier_noise, "real")
        categories = self._expand(batch["attributes"])
        return classifier_losses(self.classifier, images, categories, self._sizes, uses=self.uses)

    def autoencoder_objective(self, batch: Tensors, shared: Tensors) -> Losses:
        """Eq. 1 and 3: reconstruct the image, and fool the latent discriminator."""
        losses = {}
        others = self._other_categories(batch)
        latent = self._latents(batch["image"], training=True)
        attributes = [batch["attributes"]]
        if self.uses("attribute_classification"):
            attributes.append(tf.gather(others, self._column_indices, axis=1))
        pairs = [tf.concat([latent] * len(attributes), 0), tf.concat(attributes, 0)]
        images, *edited = tf.split(self.decoder(pairs, training=True), len(attributes))
        if self.uses("reconstruction"):
            losses["reconstruction"] = mean_squared_error(images, batch["image"])
        if self.uses("latent_adversarial"):
            logits = self.latent_discriminator(latent, training=False)
            losses["latent_adversarial"] = attribute_cross_entropy(logits, others, self._sizes)
        if self.uses("attribute_classification"):
            noisy = self._with_noise(edited[0], self.settings.classifier_noise, "decoded")
            logits = self.classifier(noisy, training=False)
            losses["attribute_classification"] = attribute_cross_entropy(
                logits, others, self._sizes
            )
        return losses

    def transform_gradients(self, player: Player, gradients: list) -> list:
        """Clips the gradient norm to 5 (the code)."""
        return clip_by_global_norm(gradients, _CLIP, self.player_optimizers[player.name])

    def examples(self, batch: Mapping) -> dict[str, dict]:
        """Images with their own attributes."""
        image, attributes = batch["image"], batch["attributes"]
        return {"translate": {"image": image, "attributes": attributes}, "encode": {"image": image}}

    def signatures(self) -> dict[str, Signature]:
        """`translate`, and its halves `encode` and `decode`."""
        image = image_spec(self.encoder.input_shape[1:])
        shape = (None, *self.encoder.output_shape[1:])
        latent = TensorSpec("latent", shape, meaning=LATENT)
        attributes = attribute_spec(self.columns)
        # It holds for `encode` too: encoder and decoder have batch norm with moving averages, no
        # dropout.
        behavior = describe_inference(self.decoder)
        signatures = (
            Signature("translate", self._translate, (image, attributes), (image,), behavior),
            Signature("encode", self._encode, (image,), (latent,), behavior),
            Signature("decode", self._decode, (latent, attributes), (image,), behavior),
        )
        return {signature.name: signature for signature in signatures}

    def _other_categories(self, batch):
        """Random attributes of each image that differ from its own: `(batch, categories)`."""
        streams = range(_FIRST_ATTRIBUTE, _FIRST_ATTRIBUTE + len(self._sizes))
        random_values = [
            self.uniform_per_image(batch["image"], stream=stream) for stream in streams
        ]
        return other_categories(self._expand(batch["attributes"]), self._sizes, random_values)

    def _latents(self, images, *, training: bool):
        latents = self.encoder(images, training=training)
        return self._with_noise(latents, self.settings.latent_noise, "latent")

    def _with_noise(self, values, standard_deviation: float, kind: str):
        return stateless_random.with_instance_noise(
            values, standard_deviation, self.steps_taken.value, _NOISE[kind]
        )

    def _encode(self, image):
        return {"latent": self.encoder(image, training=False)}

    def _decode(self, latent, attributes):
        inputs = [tf.convert_to_tensor(latent), tf.convert_to_tensor(attributes)]
        return {"image": self.decoder(inputs, training=False)}

    def _translate(self, image, attributes):
        return self._decode(self._encode(image)["latent"], attributes)
