"""DTN, the Domain Transfer Network: what a fixed encoder reads must survive translation."""

import dataclasses
import math
from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal

import keras
import tensorflow as tf
from pydantic import Field

from tf_translate.config.settings import AdamSettings, MethodSettings, RMSpropSettings
from tf_translate.core.loss_terms import content, domain, regularization
from tf_translate.core.optimizers import make_optimizer
from tf_translate.core.player import Player
from tf_translate.core.signature import Signature, image_signature
from tf_translate.core.translator import Translator
from tf_translate.losses.adversarial import class_cross_entropy
from tf_translate.losses.reconstruction import cosine_distance, mean_squared
from tf_translate.losses.regularization import total_variation
from tf_translate.networks.dtn import class_discriminator, class_head, code_decoder, code_encoder
from tf_translate.networks.inference_behavior import describe_inference

_FROM_SOURCE, _FROM_TARGET, _REAL = 0, 1, 2  # the discriminator's three classes
_DISTANCES = {"mse": mean_squared, "cosine": cosine_distance}


class DTNSettings(MethodSettings):
    """Networks and games of DTN; defaults are the paper's for digits."""

    features: str | None = Field(
        None, description="a .keras file of the network that is f; none: f is trained first"
    )
    classes: int = Field(10, ge=2, description="classes that f is trained on, section 5.1")
    encoder: Literal["features", "own"] = Field(
        "features", description="section 3: G = g o f; own: an encoder learnt with g, ablation"
    )
    constancy: Literal["mse", "cosine"] = Field(
        "mse", description="section 5: MSE for digits, cosine for faces"
    )
    base_filters: int = Field(64, ge=1, description="channels of f's first layer, section 5.1")
    code: int = Field(128, ge=1, description="numbers of a code, section 5.1")
    decoder_filters: int = Field(128, ge=1, description="channels ahead of g's last layer, yunjey")
    pointwise: bool = Field(False, description="extra 1x1 convolutions in g, section 5.2 (faces)")
    discriminator_filters: int = Field(
        128, ge=1, description="channels of the discriminator's first layer, yunjey"
    )
    optimizer: AdamSettings | RMSpropSettings = Field(
        AdamSettings(learning_rate=3e-4, beta_1=0.9), discriminator="kind", description="yunjey"
    )


@keras.saving.register_keras_serializable("tf_translate")
class DTN(Translator):
    """One-way translation g(f(x)) that keeps what a fixed encoder f reads.

    Code to paper: `features` f, `decoder` g, `discriminator` D, `a` the source S, `b` the target T.
    Batch: `{"a", "b"}`, unpaired, each `(batch, height, width, channels)`, float32 in
    [-1, 1]; in the stage "features" also `label_a`, `(batch,)` integers.
    Stages: "features", where f learns classes of `a` (left out if f is given), then
        "transfer", where f is frozen, its statistics too.
    Players: features; then discriminator and decoder, on the same translations of a batch.
    Deploys: `a_to_b`, images to images in [-1, 1]; f is part of it.
    Departs: widths, kernels and f's tanh are those of github.com/yunjey/domain-transfer-network,
        where the paper gives widths only; images whose channels differ from f's are turned grey
        or repeated ahead of f; means, not sums, over codes and pixels (but total variation is
        the sum of eq. 7); g draws a batch of source and target together, so that batch norm
        learns with the joint statistics that inference uses.

    Args:
        features: f, from images of `a` to codes of any shape. Never changed in "transfer".
        decoder: g, from codes to images of `b`.
        discriminator: Network from images of `b` to three logits: translated from `a`, translated
            from `b`, real.
        head: Network from codes to logits of classes, to train f; None: f is used as it is.
        encoder: Network that takes f's place in G and learns with g (an ablation); None: f.
        constancy: "mse" or "cosine", the distance of codes.
        loss_weights: Weights that replace `constancy`, `target_identity`, `adversarial`,
            `discriminator`, `classes`, `total_variation`.
        name: Name of the model.

    Raises:
        ValueError: If `constancy` is unknown.

    Source: Taigman, Polyak & Wolf 2017, https://arxiv.org/abs/1611.02200, eq. 3-7, section 5.
    """

    layout = "unpaired"
    chance_levels = MappingProxyType({"discriminator": 3 * math.log(3)})
    deploys = ("a_to_b",)
    paper_shapes = ((32, 32, 3), (32, 32, 1))
    terms = (
        content("constancy", weight=15.0, source="eq. 5; alpha = 15 for digits, 100 for faces"),
        content("target_identity", weight=15.0, source="eq. 6; beta = 15, 1 for faces"),
        content("classes", source="section 5.1: f is a classifier of the source"),
        domain("adversarial", source="eq. 4"),
        domain("discriminator", source="eq. 3"),
        regularization("total_variation", weight=0.0, source="eq. 7; gamma = 0, 0.05 for faces"),
    )
    players = (
        Player(
            "features",
            ("features", "head"),
            "features_objective",
            ("classes",),
            stage="features",
            batch_keys=("label_a",),
            generates_images=False,
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
            averaged=True,
        ),
    )

    def __init__(
        self,
        features: keras.Model,
        decoder: keras.Model,
        discriminator: keras.Model,
        *,
        head: keras.Model | None = None,
        encoder: keras.Model | None = None,
        constancy: Literal["mse", "cosine"] = "mse",
        loss_weights: Mapping[str, float] | None = None,
        name: str = "dtn",
    ):
        if constancy not in _DISTANCES:
            raise ValueError(f"`constancy` must be 'mse' or 'cosine', got {constancy!r}")
        networks = {"features": features, "decoder": decoder, "discriminator": discriminator}
        optional = {"head": head, "encoder": encoder}
        super().__init__(
            networks=networks | {name: part for name, part in optional.items() if part},
            players=_players(trains_features=head is not None, own_encoder=encoder is not None),
            loss_weights=loss_weights,
            name=name,
        )
        self.head: keras.Model | None = head
        self.encoder: keras.Model | None = encoder
        self.constancy = constancy
        self._distance = _DISTANCES[constancy]

    @classmethod
    def from_settings(
        cls,
        settings: DTNSettings,
        shape_a: tuple[int, int, int],
        shape_b: tuple[int, int, int],
        *,
        loss_weights: Mapping[str, float] | None = None,
    ) -> "DTN":
        """Builds networks and translator for images of `(height, width, channels)`."""
        features, head = _features(settings, shape_a)
        code_shape = features.output_shape[1:]
        own = None
        if settings.encoder == "own":
            own = code_encoder(
                shape_a, base_filters=settings.base_filters, code=settings.code, name="encoder"
            )
            code_shape = own.output_shape[1:]
        return cls(
            features,
            code_decoder(
                code_shape,
                shape_b,
                base_filters=settings.decoder_filters,
                pointwise=settings.pointwise,
            ),
            class_discriminator(shape_b, 3, base_filters=settings.discriminator_filters),
            head=head,
            encoder=own,
            constancy=settings.constancy,
            loss_weights=loss_weights,
        )

    def features_objective(self, batch, shared):
        """Section 5.1: f and a head tell the classes of source images."""
        if self.head is None or "label_a" not in batch:
            raise ValueError(
                "the stage 'features' of DTN needs labels of a: give data with label_a, or a "
                "trained network as model.features"
            )
        logits = self.head(self.features(batch["a"], training=True), training=True)
        losses = tf.nn.sparse_softmax_cross_entropy_with_logits(
            tf.cast(batch["label_a"], tf.int32), tf.cast(logits, tf.float32)
        )
        return {"classes": tf.reduce_mean(losses)}

    def translate_batch(self, batch):
        """f(s), G(s) and G(t), made once a step."""
        images_a = self._as_a(batch["a"])
        images = tf.concat([images_a, self._as_a(batch["b"])], 0)
        if self.encoder is None:
            entered = self._code(images)
            code_a = entered[: tf.shape(images_a)[0]]
        else:
            entered, code_a = self.encoder(images, training=True), self._code(images_a)
        from_source, from_target = tf.split(self.decoder(entered, training=True), 2)
        return {"code_a": code_a, "from_source": from_source, "from_target": from_target}

    def discriminator_objective(self, batch, shared):
        """Eq. 3: D tells translated source, translated target and real target apart."""
        sorted_ones = (
            (shared["from_source"], _FROM_SOURCE),
            (shared["from_target"], _FROM_TARGET),
            (batch["b"], _REAL),
        )
        return {
            "discriminator": tf.add_n(
                [
                    class_cross_entropy(self.discriminator(images, training=True), label)
                    for images, label in sorted_ones
                ]
            )
        }

    def decoder_objective(self, batch, shared):
        """Eq. 4 to 7 for g: pass for real, keep f's code, keep target images as they are."""
        from_source, from_target = shared["from_source"], shared["from_target"]
        losses = {}
        if self.uses("constancy"):
            losses["constancy"] = self._distance(self._code(from_source), shared["code_a"])
        if self.uses("target_identity"):
            losses["target_identity"] = mean_squared(from_target, batch["b"])
        if self.uses("adversarial"):
            losses["adversarial"] = tf.add_n(
                [
                    class_cross_entropy(self.discriminator(images, training=True), _REAL)
                    for images in (from_source, from_target)
                ]
            )
        if self.uses("total_variation"):
            losses["total_variation"] = total_variation(from_source)
        return losses

    def _code(self, images):
        """f, frozen: its statistics are those of its own training."""
        return self.features(self._as_a(images), training=False)

    def _as_a(self, images):
        """Images with as many channels as f reads: grey ones repeated, colour ones averaged."""
        wanted = self.features.input_shape[-1]
        if images.shape[-1] == wanted:
            return images
        grey = tf.reduce_mean(images, -1, keepdims=True)
        return tf.repeat(grey, wanted, -1) if wanted > 1 else grey

    def default_optimizer(self, player: Player) -> keras.optimizers.Optimizer:
        """Adam 3e-4 (yunjey; the paper gives none)."""
        return make_optimizer(AdamSettings(learning_rate=3e-4, beta_1=0.9).model_dump())

    def signatures(self) -> dict[str, Signature]:
        """`a_to_b`: g after f (or after the encoder in its place)."""
        encoder = self.encoder if self.encoder is not None else self.features
        images = keras.Input(encoder.input_shape[1:], name="image")
        network = keras.Model(images, self.decoder(encoder(images)), name="generator")
        return {"a_to_b": image_signature("a_to_b", network, describe_inference(network))}


def _players(*, trains_features: bool, own_encoder: bool) -> tuple[Player, ...]:
    features, discriminator, decoder = DTN.players
    if own_encoder:
        decoder = dataclasses.replace(decoder, networks=("encoder", "decoder"))
    return (features, discriminator, decoder) if trains_features else (discriminator, decoder)


def _features(settings: DTNSettings, shape_a) -> tuple[keras.Model, keras.Model | None]:
    """f and, if it is to be trained, its head."""
    if settings.features is None:
        features = code_encoder(shape_a, base_filters=settings.base_filters, code=settings.code)
        return features, class_head(features.output_shape[1:], settings.classes)
    try:
        features = keras.models.load_model(settings.features, compile=False)
    except (ValueError, OSError, TypeError) as error:
        raise ValueError(
            f"`features` must be a .keras file of a network from images to codes, "
            f"{settings.features} cannot be read: {error}"
        ) from error
    read = getattr(features, "input_shape", None)
    if not isinstance(read, tuple) or len(read) != 4:
        raise ValueError(
            "`features` must be a network from images to codes (keras.Sequential or functional), "
            f"{settings.features} holds a {type(features).__name__}; of a whole run's model save "
            "the part `features`"
        )
    if read[1:] != tuple(shape_a):
        raise ValueError(
            f"`features` must read images of {tuple(shape_a)}, {settings.features} reads {read[1:]}"
        )
    return features, None
