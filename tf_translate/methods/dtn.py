"""DTN, the Domain Transfer Network: it preserves the codes of a frozen feature extractor."""

import dataclasses
import math
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, ClassVar, Literal

import keras
import tensorflow as tf
from pydantic import Field

from tf_translate.config.settings import (
    AdamSettings,
    MethodSettings,
    RMSpropSettings,
    only_with,
)
from tf_translate.core import stateless_random
from tf_translate.core.conformance import Conformance
from tf_translate.core.loss_terms import LossTerm, content, domain, regularization
from tf_translate.core.player import Losses, Player, Tensors, Translation
from tf_translate.core.signature import Signature, image_signatures
from tf_translate.core.translator import Translator
from tf_translate.errors import DataError
from tf_translate.keras_files.loading import load_keras_file
from tf_translate.losses.adversarial import class_cross_entropy
from tf_translate.losses.reconstruction import cosine_distance, mean_squared_error
from tf_translate.losses.regularization import total_variation
from tf_translate.losses.scalar_sum import scalar_sum
from tf_translate.methods.registry import register
from tf_translate.networks.dtn import (
    class_discriminator,
    class_head,
    code_decoder,
    code_encoder,
    face_discriminator,
)
from tf_translate.networks.inference_behavior import describe_inference
from tf_translate.networks.initialization.batch_norm import BatchNorm

_FROM_SOURCE, _FROM_TARGET, _REAL = 0, 1, 2  # the discriminator's three classes
# Streams of random values (see `stateless_random`), by the images that get the noise.
_NOISE = {"from_source": 0, "from_target": 1, "real": 2}
_DISTANCES = {"mse": mean_squared_error, "cosine": cosine_distance}
_DISCRIMINATORS = {"digits": class_discriminator, "faces": face_discriminator}


class DTNSettings(MethodSettings):
    """Networks, distances and optimizer of DTN; defaults are the paper's for digits."""

    earlier = MappingProxyType({"batch_norm_epsilon": 1e-5, "batch_norm_momentum": 0.9})
    feature_extractor: str | None = Field(
        default=None,
        description="a .keras file of the feature extractor f, a network from images in [-1, 1] "
        "to codes, vectors that describe what a translation must keep; not set: f is trained in "
        "a first stage, as a classifier of the images of a (paper, section 3)",
    )
    classes: int = Field(
        default=10,
        ge=2,
        description="number of classes that the feature extractor f learns, where it is trained "
        "here (paper, section 5.1: 10 digits)",
        json_schema_extra=only_with(feature_extractor=None),
    )
    encoder: Literal["feature_extractor", "own"] = Field(
        default="feature_extractor",
        description="encoder of the generator: feature_extractor, the feature extractor f itself; "
        "own, a separate encoder that is trained with the decoder, for comparison (paper, "
        "section 3: feature_extractor)",
    )
    constancy: Literal["mse", "cosine"] = Field(
        default="mse",
        description="how the code of an image, the vector by which f describes it, is compared "
        "with that of its translation: mse, mean squared difference; cosine, their angle (paper, "
        "section 5: mse for digits, cosine for faces)",
    )
    base_filters: int = Field(
        default=64,
        ge=1,
        description="channels of the first layer of the feature extractor f, where it is trained "
        "here; they double in each layer (paper, section 5.1)",
    )
    code: int = Field(
        default=128,
        ge=1,
        description="size of the code, the vector by which the feature extractor f describes an "
        "image, where f is trained here (paper, section 5.1)",
    )
    decoder_filters: int = Field(
        default=128,
        ge=1,
        description="channels before the last layer of the decoder, which makes an image from a "
        "code; they double in each layer before it (github.com/yunjey/domain-transfer-network)",
    )
    pointwise: bool = Field(
        default=False,
        description="whether a convolution of 1x1 pixels follows each transposed convolution of "
        "the decoder but the last (paper, section 5.2: for faces)",
    )
    discriminator: Literal["digits", "faces"] = Field(
        default="digits",
        description="architecture of the discriminator: digits, convolutions of stride 2 with "
        "ReLU, the first ReLU before its normalization; faces, blocks of stride 2 with batch "
        "normalization and leaky ReLU (paper, section 5.1, and "
        "github.com/yunjey/domain-transfer-network: digits; section 5.2: faces)",
    )
    discriminator_filters: int = Field(
        default=128,
        ge=1,
        description="channels of the discriminator's first layer; deeper layers have multiples of "
        "it (github.com/yunjey/domain-transfer-network; faces: "
        "github.com/davrempe/domain-transfer-net)",
    )
    discriminator_noise: float = Field(
        default=0.0,
        ge=0,
        description="standard deviation of noise that is added to the images a discriminator "
        "sees, whose values are in [-1, 1], so that it learns less quickly; 0: off (ours)",
    )
    batch_norm_epsilon: float = Field(
        default=1e-3,
        gt=0,
        description="added to variances in batch normalization, against a division by 0 "
        "(github.com/yunjey/domain-transfer-network)",
    )
    batch_norm_momentum: float = Field(
        default=0.95,
        ge=0,
        lt=1,
        description="fraction of the moving statistics that batch normalization keeps in each "
        "step (github.com/yunjey/domain-transfer-network)",
    )
    optimizer: AdamSettings | RMSpropSettings = Field(
        default=AdamSettings(learning_rate=3e-4, beta_1=0.9),
        discriminator="kind",
        description="optimizer of feature extractor, decoder and discriminator "
        "(github.com/yunjey/domain-transfer-network; the paper gives none)",
    )


@register(
    "dtn",
    title="DTN",
    paper="Taigman et al. 2017",
    layout="unpaired",
    data="two unpaired sets; labels of a, or a trained feature extractor f",
    keeps_content_by="f-constancy: the codes of a frozen feature extractor f; identity on the "
    "target",
    reaches_domain_by="a discriminator of three classes",
    also_needs=("labels",),
    settings=DTNSettings,
)
class DTN(Translator):
    """One-way translation g(f(x)) that preserves the codes of a frozen feature extractor f.

    Code to paper: `feature_extractor` f, `decoder` g, `discriminator` D, `a` the source S, `b`
        the target T; the translation is G = g o f.
    Batch: `{"a", "b"}`, unpaired, each `(batch, height, width, channels)`, float32 in
        [-1, 1]; in the stage "feature_extractor" also `label_a`, `(batch,)` integers.
    Stages: "feature_extractor", where f learns to classify `a` (left out if f is given), then
        "transfer", where f is frozen, including its batch norm statistics.
    Players: feature_extractor; then discriminator and decoder, on the same translations of
        the batch.
    Deploys: `a_to_b`, images to images in [-1, 1]; f is part of it.
    Departs:
        - f downsamples by strides, with batch norm, and ends with a tanh, as in yunjey's code. The
          paper's f has four convolutions with the same numbers of filters, each followed by max
          pooling and ReLU.
        - Where the paper gives only numbers of layers and widths, kernels, widths, constants of
          batch norm and initial weights are those of github.com/yunjey/domain-transfer-network.
        - The discriminator "faces" has five blocks for 64 pixels, as that of
          github.com/davrempe/domain-transfer-net for 96. The paper's has six for 152 pixels.
        - Colour images are averaged to grey before an f of one channel. (Grey ones are repeated
          before an f of three channels, as in the paper.)
        - Losses are means, not sums, over codes and pixels (but total variation is the sum of
          eq. 7).
        - g decodes source and target images in one batch, so that batch norm is trained with the
          joint statistics that inference uses.
        - `discriminator_noise` is ours, and off by default.

    Args:
        feature_extractor: f, from images of `a` to codes of any shape. Frozen in "transfer".
        decoder: g, from codes to images of `b`.
        discriminator: Network from images of `b` to three logits: translated from `a`,
            translated from `b`, real.
        head: Network from codes to logits of classes, to train f; None: f is not trained.
        encoder: Network that replaces f in G and is trained with g (an ablation); None: f.
        settings: `DTNSettings`; None: the paper's for digits.
        loss_weights: Weights that replace `constancy`, `target_identity`, `adversarial`,
            `discriminator`, `classes`, `total_variation`.
        name: Name of the model.

    Source: Taigman, Polyak & Wolf 2017, https://arxiv.org/abs/1611.02200, eq. 3-7, section 5.
    """

    deploys: ClassVar[tuple[str, ...]] = ("a_to_b",)
    translations = (Translation("a_to_b", "a", "from_source"),)
    preparatory_stages = ("feature_extractor",)
    chance_levels = MappingProxyType({"discriminator": 3 * math.log(3)})
    paper_shapes = ((32, 32, 3), (32, 32, 1))
    terms: ClassVar[tuple[LossTerm, ...]] = (
        content(
            "constancy",
            weight=15.0,
            source="eq. 5; alpha = 15 for digits, 100 for faces",
            description="difference between the codes of an image of a and of its translation, "
            "the vectors by which the feature extractor describes them",
        ),
        content(
            "target_identity",
            weight=15.0,
            source="eq. 6; beta = 15, 1 for faces",
            description="mean squared difference between images of b and what the generator makes "
            "of them",
        ),
        content(
            "classes",
            source="section 5.1: f is a classifier of the source",
            description="cross-entropy of the classes of images of a, in the first stage, in "
            "which the feature extractor is trained",
        ),
        domain(
            "adversarial",
            source="eq. 4",
            description="the generator's part of the GAN loss: the discriminator takes its images "
            "for real",
        ),
        domain(
            "discriminator",
            source="eq. 3",
            description="the discriminator's part of the GAN loss: to tell apart real images of "
            "b, translations of a and translations of b",
        ),
        regularization(
            "total_variation",
            weight=0.0,
            source="eq. 7; gamma = 0, 0.05 for faces",
            description="penalty on differences of neighbouring pixels, which makes outputs "
            "smoother",
        ),
    )
    players: tuple[Player, ...] = (
        Player(
            "feature_extractor",
            ("feature_extractor", "head"),
            "feature_extractor_objective",
            ("classes",),
            stage="feature_extractor",
            batch_keys=("label_a",),
        ),
        Player(
            "discriminator",
            ("discriminator",),
            "discriminator_objective",
            ("discriminator",),
            stage="transfer",
        ),
        Player(
            "decoder",
            ("decoder",),
            "decoder_objective",
            ("constancy", "target_identity", "adversarial", "total_variation"),
            forward="translate_batch",
            stage="transfer",
            ema_if_enabled=True,
        ),
    )
    conformance = Conformance(
        settings={
            "base_filters": 4,
            "code": 8,
            "decoder_filters": 4,
            "discriminator_filters": 4,
            "classes": 3,
        },
        # f(s, t), f(G(s)); G(s, t); D on both and real, then on both again.
        forward_passes={"feature_extractor": 2, "decoder": 1, "discriminator": 5, "head": 0},
    )

    def __init__(
        self,
        feature_extractor: keras.Model,
        decoder: keras.Model,
        discriminator: keras.Model,
        *,
        head: keras.Model | None = None,
        encoder: keras.Model | None = None,
        **options: Any,
    ):
        optional = {"head": head, "encoder": encoder}
        super().__init__(
            networks={
                "feature_extractor": feature_extractor,
                "decoder": decoder,
                "discriminator": discriminator,
                **{name: network for name, network in optional.items() if network is not None},
            },
            **options,
        )
        self.head: keras.Model | None = head
        self.encoder: keras.Model | None = encoder
        self._distance = _DISTANCES[self.settings.constancy]

    @classmethod
    def absent_terms(cls, settings: Any, loss_weights: Mapping) -> dict[str, str]:
        """A given feature extractor is not trained."""
        given = settings.feature_extractor is not None
        return {"classes": "the feature extractor is given, not trained"} if given else {}

    def choose_players(self) -> tuple[Player, ...]:
        """Without a head f is not trained; a separate encoder is trained with the decoder."""
        feature_extractor, discriminator, decoder = type(self).players
        if "encoder" in self.network_names:
            decoder = dataclasses.replace(decoder, networks=("encoder", "decoder"))
        if "head" in self.network_names:
            return feature_extractor, discriminator, decoder
        return discriminator, decoder

    @classmethod
    def build_networks(
        cls, settings: Any, shape_a: tuple[int, int, int], shape_b: tuple[int, int, int]
    ) -> dict:
        """f and its head, or a given f; g; D; a separate encoder if the settings ask for one."""
        batch_norm = _batch_norm(settings)
        feature_extractor, head = _feature_extractor(settings, shape_a)
        code_shape = feature_extractor.output_shape[1:]
        encoder = None
        if settings.encoder == "own":
            size = settings.model_dump(include={"base_filters", "code"})
            encoder = code_encoder(shape_a, name="encoder", batch_norm=batch_norm, **size)
            code_shape = encoder.output_shape[1:]
        return {
            "feature_extractor": feature_extractor,
            "decoder": code_decoder(
                code_shape,
                shape_b,
                base_filters=settings.decoder_filters,
                pointwise=settings.pointwise,
                batch_norm=batch_norm,
            ),
            "discriminator": _DISCRIMINATORS[settings.discriminator](
                shape_b, 3, base_filters=settings.discriminator_filters, batch_norm=batch_norm
            ),
            "head": head,
            "encoder": encoder,
        }

    def feature_extractor_objective(self, batch: Tensors, shared: Tensors) -> Losses:
        """Section 5.1: f and a head classify source images."""
        if self.head is None:
            raise ValueError(
                "the stage 'feature_extractor' of DTN needs labels of a: give data with label_a, "
                "or a trained network as model.feature_extractor"
            )
        logits = self.head(self.feature_extractor(batch["a"], training=True), training=True)
        losses = tf.nn.sparse_softmax_cross_entropy_with_logits(
            tf.cast(batch["label_a"], tf.int32), tf.cast(logits, tf.float32)
        )
        return {"classes": tf.reduce_mean(losses)}

    def translate_batch(self, batch: Tensors) -> Tensors:
        """f(s), G(s) and G(t), computed once for each microbatch."""
        images_a = self._with_channels_of_a(batch["a"])
        images = tf.concat([images_a, self._with_channels_of_a(batch["b"])], 0)
        if self.encoder is None:
            codes = self._code(images)
            code_a = codes[: tf.shape(images_a)[0]]
        else:
            codes, code_a = self.encoder(images, training=True), self._code(images_a)
        from_source, from_target = tf.split(self.decoder(codes, training=True), 2)
        return {"code_a": code_a, "from_source": from_source, "from_target": from_target}

    def discriminator_objective(self, batch: Tensors, shared: Tensors) -> Losses:
        """Eq. 3: D classifies translated source, translated target and real target images."""
        labeled_images = (
            (self._noisy(shared["from_source"], "from_source"), _FROM_SOURCE),
            (self._noisy(shared["from_target"], "from_target"), _FROM_TARGET),
            (self._noisy(batch["b"], "real"), _REAL),
        )
        return {
            "discriminator": scalar_sum(
                [
                    class_cross_entropy(self.discriminator(images, training=True), label)
                    for images, label in labeled_images
                ]
            )
        }

    def decoder_objective(self, batch: Tensors, shared: Tensors) -> Losses:
        """Eq. 4 to 7 for g: fool D, preserve f's codes, keep target images unchanged."""
        from_source, from_target = shared["from_source"], shared["from_target"]
        losses = {}
        if self.uses("constancy"):
            losses["constancy"] = self._distance(self._code(from_source), shared["code_a"])
        if self.uses("target_identity"):
            losses["target_identity"] = mean_squared_error(from_target, batch["b"])
        if self.uses("adversarial"):
            losses["adversarial"] = tf.add_n(
                [
                    class_cross_entropy(
                        self.discriminator(self._noisy(images, kind), training=True), _REAL
                    )
                    for images, kind in (
                        (from_source, "from_source"),
                        (from_target, "from_target"),
                    )
                ]
            )
        if self.uses("total_variation"):
            losses["total_variation"] = total_variation(from_source)
        return losses

    def _noisy(self, images, kind: str):
        """Images as the discriminator sees them."""
        return stateless_random.with_instance_noise(
            images, self.settings.discriminator_noise, self.steps_taken.value, _NOISE[kind]
        )

    def _code(self, images):
        """f, frozen: its batch norm uses its moving statistics."""
        return self.feature_extractor(self._with_channels_of_a(images), training=False)

    def _with_channels_of_a(self, images):
        """Images with the channels of f's inputs: grey is repeated, colour is averaged."""
        channels = self.feature_extractor.input_shape[-1]
        if images.shape[-1] == channels:
            return images
        grey = tf.reduce_mean(images, -1, keepdims=True)
        return tf.repeat(grey, channels, -1) if channels > 1 else grey

    def signatures(self) -> dict[str, Signature]:
        """`a_to_b`: g after f, or after the encoder that replaces it."""
        encoder = self.encoder if self.encoder is not None else self.feature_extractor
        images = keras.Input(encoder.input_shape[1:], name="image")
        network = keras.Model(images, self.decoder(encoder(images)), name="generator")
        return image_signatures({"a_to_b": network}, describe_inference)


def _batch_norm(settings: DTNSettings) -> BatchNorm:
    return BatchNorm(settings.batch_norm_epsilon, settings.batch_norm_momentum)


def _feature_extractor(settings: DTNSettings, shape_a) -> tuple[keras.Model, keras.Model | None]:
    """f and, unless it is given, the head that trains it."""
    if settings.feature_extractor is None:
        size = settings.model_dump(include={"base_filters", "code"})
        network = code_encoder(shape_a, batch_norm=_batch_norm(settings), **size)
        return network, class_head(network.output_shape[1:], settings.classes)
    path = settings.feature_extractor
    try:
        network = load_keras_file(path, compile=False)
    except DataError as error:
        raise ValueError(
            f"`feature_extractor` must be a .keras file of a network from images to codes; {error}"
        ) from error
    shape = getattr(network, "input_shape", None)
    if not isinstance(shape, tuple) or len(shape) != 4:
        raise ValueError(
            "`feature_extractor` must be a network from images to codes (keras.Sequential or "
            f"functional), {path} holds a {type(network).__name__}; save the "
            "attribute `feature_extractor` of a trained translator"
        )
    if shape[1:] != tuple(shape_a):
        raise ValueError(
            f"`feature_extractor` must take images of {tuple(shape_a)}, {path} takes {shape[1:]}"
        )
    return network, None
