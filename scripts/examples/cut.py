"""CUT (Park et al. 2020) as a method of one's own: one file and its preset, nothing else edited.

tf-translate --import scripts/examples/cut.py train cut --set training.steps=20
"""

from typing import ClassVar

import keras
import tensorflow as tf
from pydantic import Field

from tf_translate.config.settings import MethodSettings
from tf_translate.core.conformance import Conformance
from tf_translate.core.loss_terms import LossTerm, content, domain
from tf_translate.core.player import Player
from tf_translate.core.signature import image_signatures
from tf_translate.core.translator import Translator
from tf_translate.losses.adversarial import gan_loss
from tf_translate.methods.registry import register
from tf_translate.networks.inference_behavior import describe_inference
from tf_translate.networks.patchgan_discriminator import patchgan_discriminator
from tf_translate.networks.resnet import resnet_generator
from tf_translate.networks.taps import with_taps

# Streams of random values for the locations of patches: of x and G(x), of y and G(y).
_SOURCE, _TARGET = 0, 1


class CUTSettings(MethodSettings):
    """Networks and contrast of CUT; defaults are the paper's."""

    residual_blocks: int = Field(
        default=9, ge=5, description="residual blocks of the generator, a ResNet (appendix C.1)"
    )
    base_filters: int = Field(
        default=64, ge=1, description="channels of the generator's first layer (appendix C.1)"
    )
    discriminator_layers: int = Field(
        default=3, ge=0, description="convolutions of stride 2 in the discriminator (appendix C.1)"
    )
    discriminator_filters: int = Field(
        default=64, ge=1, description="channels of the discriminator's first layer (appendix C.1)"
    )
    patches: int = Field(
        default=256,
        ge=2,
        description="patches of an image that are compared in each layer (appendix C.1)",
    )
    projection: int = Field(
        default=256,
        ge=1,
        description="size of the vectors by which patches are compared (appendix C.1)",
    )
    temperature: float = Field(
        default=0.07,
        gt=0,
        description="divides the similarities; smaller weights the most similar patches more "
        "(section 3.2)",
    )


@register("cut", settings=CUTSettings, layout="unpaired", title="CUT", paper="Park et al. 2020")
class CUT(Translator):
    """One-way translation whose patches keep the features of the input's patches.

    Code to paper: `generator` G (its first half G_enc), `projector` the MLPs H_l,
        `discriminator` D; "nce" L_PatchNCE(X), "identity_nce" L_PatchNCE(Y).
    Batch: `{"a", "b"}`, each `(batch, height, width, channels)`, float32 in [-1, 1], unpaired.
    Players: discriminator, then generator (with projector), as in the authors' code.
    Deploys: `a_to_b`, images to images in [-1, 1].
    Departs: ResNet padding and initialization are CycleGAN's here; no antialiased sampling.

    Source: Park et al. 2020, https://arxiv.org/abs/2007.15651, eq. 1-5, appendix C.
    """

    deploys: ClassVar[tuple[str, ...]] = ("a_to_b",)
    terms: ClassVar[tuple[LossTerm, ...]] = (
        content(
            "nce",
            weight=1.0,
            source="eq. 3 and 5; lambda_X = 1",
            description="patches of the output resemble those of the input at the same place",
        ),
        content(
            "identity_nce",
            weight=1.0,
            source="eq. 5; lambda_Y = 1",
            description="the same for images of b, which the generator should leave as they are",
        ),
        domain(
            "adversarial",
            source="eq. 1, least squares (appendix C.1)",
            description="the generator's part: the discriminator takes its images for real",
        ),
        domain(
            "discriminator",
            source="eq. 1, least squares, halved in the code",
            description="the discriminator's part: to tell real images from generated ones",
        ),
    )
    players: tuple[Player, ...] = (
        Player("discriminator", ("discriminator",), "discriminator_objective", ("discriminator",)),
        Player(
            "generator",
            ("generator", "projector"),
            "generator_objective",
            ("nce", "identity_nce", "adversarial"),
            forward="translate_batch",
            ema_if_enabled=True,
        ),
    )
    conformance = Conformance(
        settings={
            "residual_blocks": 5, "base_filters": 4, "discriminator_layers": 1,
            "discriminator_filters": 4, "patches": 8, "projection": 8,
            "temperature": 1.0,  # at 0.07 three steps of plain descent amplify rounding errors
        },
        # G of both domains at once, and its encoder, and H, of queries and keys for both terms;
        # D real, fake, fake.
        forward_passes={"generator": 5, "projector": 4, "discriminator": 3},
    )  # fmt: skip
    taps = ("encoder_1", "encoder_2", "residual_0", "residual_4")  # beside the pixels, app. C.1

    def __init__(self, generator, projector, discriminator, **options):
        networks = {"generator": generator, "projector": projector, "discriminator": discriminator}
        super().__init__(networks=networks, **options)
        self.gan_loss = gan_loss("least_squares")

    @classmethod
    def build_networks(cls, settings, shape_a, shape_b):
        """CycleGAN's ResNet and PatchGAN, and one MLP for each layer of features."""
        if shape_a[2] != shape_b[2]:
            raise ValueError("CUT compares patches of both domains: their channels must be equal")
        sizes = settings.model_dump(include={"residual_blocks", "base_filters"})
        generator = resnet_generator(shape_a, shape_b[2], name="generator", **sizes)
        features = with_taps(generator, cls.taps).outputs
        inputs = [keras.Input((None, n)) for n in (shape_a[2], *(f.shape[-1] for f in features))]
        units = settings.projection
        hidden = [keras.layers.Dense(units, activation="relu")(each) for each in inputs]
        outputs = [keras.layers.Dense(units, dtype="float32")(each) for each in hidden]
        discriminator = patchgan_discriminator(
            shape_b,
            layers=settings.discriminator_layers,
            base_filters=settings.discriminator_filters,
            norm="instance",
            name="discriminator",
        )
        projector = keras.Model(inputs, outputs, name="projector")
        return {"generator": generator, "projector": projector, "discriminator": discriminator}

    @property
    def chance_levels(self):
        """One discriminator."""
        return {"discriminator": self.gan_loss.chance_level}

    def translate_batch(self, batch):
        """G(x) and G(y), generated in one pass."""
        both = self.generator(tf.concat([batch["a"], batch["b"]], 0), training=True)
        return dict(zip(("fake_b", "same_b"), tf.split(both, 2), strict=True))

    def discriminator_objective(self, batch, shared):
        """Eq. 1 for D."""
        real = self.discriminator(batch["b"], training=True)
        fake = self.discriminator(shared["fake_b"], training=True)
        return {"discriminator": self.gan_loss.discriminator(real, fake)}

    def generator_objective(self, batch, shared):
        """Eq. 5: fool D, keep each patch of x in G(x) and of y in G(y)."""
        losses = {}
        if self.uses("nce"):
            losses["nce"] = self._patch_nce(shared["fake_b"], batch["a"], stream=_SOURCE)
        if self.uses("identity_nce"):
            losses["identity_nce"] = self._patch_nce(shared["same_b"], batch["b"], stream=_TARGET)
        if self.uses("adversarial"):
            scores = self.discriminator(shared["fake_b"], training=True)
            losses["adversarial"] = self.gan_loss.generator(scores)
        return losses

    def _patch_nce(self, outputs, inputs, *, stream: int):
        """Eq. 3: an output patch must find the input patch of its place among others."""
        queries = self._projected_patches(outputs, stream)
        keys = self._projected_patches(inputs, stream)
        losses = []
        for query, key in zip(queries, keys, strict=True):  # (B, patches, units)
            similarities = tf.matmul(query, tf.stop_gradient(key), transpose_b=True)
            labels = tf.range(tf.shape(query)[1])[None] + tf.zeros_like(query[..., 0], tf.int32)
            logits = similarities / self.settings.temperature
            losses.append(tf.nn.sparse_softmax_cross_entropy_with_logits(labels, logits))
        return tf.reduce_mean(tf.stack([tf.reduce_mean(loss) for loss in losses]))

    def _projected_patches(self, images, stream: int):
        """H_l(G_enc_l) at random locations, the same for all images of a step: unit vectors."""
        taps = self.view("taps", lambda: with_taps(self.generator, self.taps))
        patches = []
        for layer, features in enumerate([images, *taps(images, training=True)]):
            locations = features.shape[1] * features.shape[2]
            seed = tf.stack([self.steps_taken.value, tf.constant(10 * stream + layer, tf.int64)])
            order = tf.argsort(tf.random.stateless_uniform([locations], seed))
            flat = tf.reshape(features, [-1, locations, features.shape[3]])
            patches.append(tf.gather(flat, order[: self.settings.patches], axis=1))
        projected = self.projector(patches, training=True)
        return [tf.math.l2_normalize(tf.cast(each, tf.float32), -1) for each in projected]

    def signatures(self):
        """`a_to_b`: the generator alone."""
        return image_signatures({"a_to_b": self.generator}, describe_inference)
