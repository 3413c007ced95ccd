"""IAN, the introspective adversarial network: a VAE trained in discriminator features."""

from collections.abc import Mapping
from typing import Literal

import keras
import numpy as np
import tensorflow as tf
from pydantic import Field

from tf_translate.config.settings import AdamSettings, MethodSettings, RMSpropSettings
from tf_translate.core import stateless_random
from tf_translate.core.conformance import Conformance
from tf_translate.core.loss_terms import content, domain, regularization
from tf_translate.core.player import Player
from tf_translate.core.signature import Signature, TensorSpec, image_spec, latent_spec, steps_spec
from tf_translate.core.translator import Translator
from tf_translate.editing.gradient_steps import descend
from tf_translate.editing.mask_blend import blend
from tf_translate.editing.painted_target import center_mask, painted_area, patch_distance
from tf_translate.layers.portable_relu import with_portable_relus
from tf_translate.losses.introspective import (
    INTROSPECTIVE_GAN_LOSSES,
    feature_distance,
    kl_from_standard_normal,
)
from tf_translate.losses.reconstruction import mean_absolute_error
from tf_translate.losses.regularization import orthogonality, r1_penalty, weight_decay
from tf_translate.methods.registry import register
from tf_translate.networks import introspective
from tf_translate.networks.inference_behavior import describe_inference

# Width w: an edit's ReLUs have a gradient that rises linearly from 0 at -w/2 to 1 at w/2, so that
# rounding hardly changes it.
_RELU_GRADIENT_WIDTH = 0.5
# `verify`, the check of an exported bundle, allows an edit 3 times the tolerance of a recipe:
# its steps amplify rounding.
_TOLERANCE_FACTOR = 3.0
# Streams of random values (see `stateless_random`): for the latents encoded from images, the
# latents of N(0, I), the noise on an image and on its reconstruction, and the noise on samples.
_ENCODED_LATENT, _PRIOR_LATENT, _IMAGE_NOISE, _SAMPLE_NOISE = range(4)


class IANSettings(MethodSettings):
    """Networks and editor of IAN; defaults are those of IAN_simple, the published code."""

    discriminator: Literal["binary", "ternary"] = Field(
        "binary",
        description="binary: real or not (IAN_simple.py); ternary: real, reconstructed or sampled "
        "(the paper)",
    )
    base_filters: int = Field(
        128, ge=1, description="filters of the trunk's first layer (IAN_simple.py)"
    )
    decoder_filters: int = Field(
        128, ge=1, description="filters before the last layer (IAN_simple.py)"
    )
    latent: int = Field(100, ge=1, description="size of z (IAN_simple.py)")
    latent_width: int = Field(
        1000, ge=1, description="units of the dense layer before z (IAN_simple.py)"
    )
    kernels: int = Field(
        500, ge=1, description="kernels of minibatch discrimination (IAN_simple.py)"
    )
    discriminator_noise: float = Field(
        0.0, ge=0, description="standard deviation of noise on the trunk's images; ours; 0: off"
    )
    edit_steps: int = Field(
        10,
        ge=1,
        description="gradient steps of an edit; ours: NPE.py takes one per mouse movement",
    )
    edit_learning_rate: float = Field(
        0.05, gt=0, description="learning rate of an edit's gradient steps (NPE.py)"
    )
    optimizer: AdamSettings | RMSpropSettings = Field(
        AdamSettings(), discriminator="kind", description="IAN_simple.py"
    )


@register(
    "ian",
    title="IAN",
    paper="Brock et al. 2017",
    layout="images",
    keeps_content_by="reconstruction in pixels and in discriminator features; edits are blended in",
    reaches_domain_by="a discriminator of two or three classes that shares its trunk with the "
    "encoder",
    settings=IANSettings,
)
class IAN(Translator):
    """Encodes images from its discriminator's features, and edits them through the latent.

    Code to paper: `trunk` and `discriminator_head` are the discriminator, `trunk` and
        `encoder_head` the encoder (z has mean mu and standard deviation exp(log sigma)),
        `decoder` the generator G; "feature" is the introspective loss. "The code" below is
        the authors': networks and weights in IAN_simple.py, losses and updates in
        train_IAN_simple.py, edits in NPE.py. IAN.py with train_IAN.py is the paper's model.
    Batch: `{"image"}`, `(batch, height, width, channels)` float32 in [-1, 1].
    Players: autoencoder (`encoder_head`, `decoder`), then discriminator (`trunk`,
        `discriminator_head`), on the same reconstructions and samples. The trunk is trained
        by the discriminator's loss; the encoder head by pixels, features and KL, not by the
        adversarial term; the decoder by all but KL. Weight decay and orthogonality are logged as
        the mean over both players.
    Deploys: `reconstruct`, image to image; `edit`, an image, a `target` (the image with colours
        painted over it), a `mask` of the painted pixels and `steps` to an image; `encode`, image
        to latent (mu); `decode`, latent to image.
    Edit: gradient steps from mu towards the painted colours, on the mask-weighted mean of
        (G(z) - target)^2. `mask` is 1 where colours are painted and 0 elsewhere. `steps`,
        `(batch, 1)` float32 in [0, `edit_steps`], is how many steps take effect; at
        2.5 the third step is half as long. The learning rate is multiplied by 1 + width, where
        width is sqrt(sum of mask), in pixels: the side of a painted square. The change is then
        blended into the image by IAN's own mask, which is not the painted one:
        |edited - reconstructed|, averaged over channels and blurred (see `blend`).
    Departs:
        - There is no MADE randomizer, no multiscale dilated block and no RGB-beta output layer. So
          "ternary" is the paper's GAN loss on IAN_simple's networks.
        - Both players take a turn on each batch (the code: alternately, one batch each).
        - The encoder head is updated once a step (the code: on the decoder's batch and on the
          discriminator's).
        - It has no adversarial term, also for "ternary" (train_IAN.py adds it).
        - The discriminator's loss does not reach the trunk through reconstructions
          (train_IAN_simple.py: it does; train_IAN.py: not).
        - Minibatch discrimination is trained (IAN_simple keeps its initial weights).
        - L2 is on every trainable variable, batch norm included (the code: not on the encoder
          head).
        - A painted patch may have any shape (the code: squares), and pixels are compared in [-1, 1]
          without rounding.
        - The learning rate of training is constant, as in IAN_simple (IAN.py lowers it in steps).
        - The epsilon of batch norm is 1e-5 (the code: 1e-4).
        - An edit's gradients of ReLUs are smoothed (see `PortableReLU`).
        - Noise and "r1" are not in the paper, and off by default.

    Args:
        trunk: Network from images to a list of activations, one for each layer.
        encoder_head: Network from the last activations to `[mean, log_sigma]`.
        discriminator_head: Network from the last activations to 1 or 3 logits, for the binary or
            the ternary GAN loss.
        decoder: Network from latents to images.
        settings: `IANSettings`; None: the code's.
        loss_weights: Weights that replace those of `terms`; 0 switches a term off.
        name: Name of the model.

    Raises:
        ValueError: If the shapes of the networks do not fit each other.

    Source: Brock et al. 2017, https://arxiv.org/abs/1609.07093, and
    github.com/ajbrock/Neural-Photo-Editor.
    """

    deploys = ("reconstruct", "edit", "encode", "decode")
    paper_shapes = ((64, 64, 3),)
    terms = (
        content("pixel", weight=3.0, source="the code: recon_weight = 3, times 2 |x^ - x|"),
        content("feature", source="introspective loss; the code: mean over 4 layers"),
        domain("adversarial", source="on reconstructions and samples"),
        domain("discriminator", source="adversarial loss, binary or ternary"),
        regularization(
            "r1", weight=0.0, source="not in the paper; R1, Mescheder et al. 2018, eq. 9"
        ),
        regularization("kl", source="the code: mean over images and latent"),
        regularization("l2", weight=1e-5, source="the code: sum of squares"),
        regularization(
            "orthogonal", weight=0.0, source="the paper; 1e-3 in IAN.py, 0 in IAN_simple"
        ),
    )
    players = (
        Player(
            "autoencoder",
            ("encoder_head", "decoder"),
            "autoencoder_objective",
            ("pixel", "feature", "adversarial", "kl", "l2", "orthogonal"),
            forward="reconstruct_batch",
            depends_on=("discriminator",),
            stop_gradient_for={"encoder_head": ("adversarial",)},
            ema_if_enabled=True,
        ),
        Player(
            "discriminator",
            ("trunk", "discriminator_head"),
            "discriminator_objective",
            ("discriminator", "r1", "l2", "orthogonal"),
            forward="real_features",
        ),
    )
    conformance = Conformance(
        settings={
            "base_filters": 4,
            "decoder_filters": 4,
            "latent": 5,
            "latent_width": 8,
            "kernels": 3,
            "edit_steps": 2,
        },
        # The decoder on encoded and on prior latents, once for both players. Trunk and
        # discriminator head on both outputs in each player's turn, and once on real images. The
        # encoder head on the trunk's activations of real images.
        forward_passes={"encoder_head": 1, "decoder": 2, "trunk": 5, "discriminator_head": 5},
    )

    def __init__(
        self,
        trunk: keras.Model,
        encoder_head: keras.Model,
        discriminator_head: keras.Model,
        decoder: keras.Model,
        **options,
    ):
        introspective.check_compatible(trunk, encoder_head, discriminator_head, decoder)
        num_logits = discriminator_head.output_shape[-1]
        known = {loss.num_logits: loss for loss in INTROSPECTIVE_GAN_LOSSES.values()}
        if num_logits not in known:
            raise ValueError(
                f"`discriminator_head` must give one of {sorted(known)} logits, got {num_logits}"
            )
        super().__init__(
            networks={
                "trunk": trunk,
                "encoder_head": encoder_head,
                "discriminator_head": discriminator_head,
                "decoder": decoder,
            },
            **options,
        )
        self.latent_size = decoder.input_shape[-1]
        self.gan_loss = known[num_logits]

    @classmethod
    def build_networks(cls, settings, shape) -> dict[str, keras.Model]:
        """Trunk, its two heads and the decoder."""
        trunk = introspective.trunk(shape, base_filters=settings.base_filters)
        features_shape = trunk.outputs[-1].shape[1:]
        num_logits = INTROSPECTIVE_GAN_LOSSES[settings.discriminator].num_logits
        return {
            "trunk": trunk,
            "encoder_head": introspective.latent_head(
                features_shape, settings.latent, width=settings.latent_width
            ),
            "discriminator_head": introspective.discriminator_head(
                features_shape, num_logits=num_logits, kernels=settings.kernels
            ),
            "decoder": introspective.latent_decoder(
                shape, settings.latent, base_filters=settings.decoder_filters
            ),
        }

    @property
    def chance_levels(self):
        """The loss of a discriminator that cannot tell its two or three classes apart."""
        return {"discriminator": self.gan_loss.chance_level}

    def real_features(self, batch):
        """The trunk's activations on real images, for the discriminator and the encoder head."""
        images = self._with_noise(batch["image"], _IMAGE_NOISE)
        if not self.uses("r1"):
            return {"features": self._features(images)}
        results = {}

        def real_log_odds(images):  # of real against all else: one scalar, also for three classes
            results["features"] = self._features(images)
            results["logits"] = self._logits(results["features"])
            return self.gan_loss.real_log_odds(results["logits"])

        _, penalty = r1_penalty(real_log_odds, images)
        return results | {"r1": penalty}

    def reconstruct_batch(self, batch, shared):
        """G(z), for z encoded from each image and for z of N(0, I)."""
        mean, log_sigma = self.encoder_head(shared["features"][-1], training=True)
        latent = mean + tf.exp(log_sigma) * self._standard_normal(batch, _ENCODED_LATENT)
        return {
            "mean": mean,
            "log_sigma": log_sigma,
            "reconstructed": self.decoder(latent, training=True),
            "sampled": self.decoder(self._standard_normal(batch, _PRIOR_LATENT), training=True),
        }

    def autoencoder_objective(self, batch, shared):
        """Reconstruct images, in pixels and in the trunk's features, and fool the discriminator."""
        losses = {}
        if self.uses("pixel"):
            losses["pixel"] = 2.0 * mean_absolute_error(shared["reconstructed"], batch["image"])
        if self.uses("feature") or self.uses("adversarial"):
            features = self._features(self._with_noise(shared["reconstructed"], _IMAGE_NOISE))
        if self.uses("feature"):
            losses["feature"] = feature_distance(features, shared["features"])
        if self.uses("adversarial"):
            sampled = self._discriminate(shared["sampled"], _SAMPLE_NOISE)
            losses["adversarial"] = self.gan_loss.generator(self._logits(features), sampled)
        if self.uses("kl"):
            losses["kl"] = kl_from_standard_normal(shared["mean"], shared["log_sigma"])
        return losses | self._weight_regularization("autoencoder")

    def discriminator_objective(self, batch, shared):
        """Separate real images from reconstructions and samples, or classify all three."""
        losses = {}
        if self.uses("discriminator"):
            real = shared["logits"] if "logits" in shared else self._logits(shared["features"])
            reconstructed = self._discriminate(shared["reconstructed"], _IMAGE_NOISE)
            sampled = self._discriminate(shared["sampled"], _SAMPLE_NOISE)
            losses["discriminator"] = self.gan_loss.discriminator(real, reconstructed, sampled)
        if self.uses("r1"):
            losses["r1"] = shared["r1"]
        return losses | self._weight_regularization("discriminator")

    def examples(self, batch: Mapping) -> dict[str, dict]:
        """Images, and images with the centre of another image painted over them."""
        image = batch["image"]
        steps = np.full((len(image), 1), self.settings.edit_steps, np.float32)
        painted = {"target": image[::-1], "mask": center_mask(image)}
        return {
            "reconstruct": {"image": image},
            "edit": {"image": image, **painted, "steps": steps},
            "encode": {"image": image},
        }

    def call(self, images, training=False):
        """Reconstructs: images in [-1, 1] to images in [-1, 1]."""
        return self._reconstruct(images)["image"]

    def signatures(self) -> dict[str, Signature]:
        """`reconstruct`, `edit`, and the halves `encode` and `decode`."""
        shape, settings = self.trunk.input_shape[1:], self.settings
        image = image_spec(shape)
        target = image_spec(shape, "target", "the image with colours painted over it")
        painted_mask = TensorSpec(
            "mask",
            (None, *shape[:2], 1),
            value_range=(0.0, 1.0),
            meaning="where colours are painted: 1 there, 0 elsewhere",
        )
        steps = steps_spec(settings.edit_steps, "gradient steps towards the painted colours")
        latent = latent_spec(self.latent_size)
        # Bundles record how norms and dropout behave. This holds for `encode` too: all networks
        # have batch norm with moving averages and no dropout.
        behavior = describe_inference(self.decoder)
        edit_behavior = behavior | {
            "edit": f"{settings.edit_steps} gradient steps on the latent, learning rate "
            f"{settings.edit_learning_rate:g}, gradients of ReLUs smoothed over "
            f"{_RELU_GRADIENT_WIDTH:g}",
            "mask_blend": "on",
        }
        signatures = (
            Signature("reconstruct", self._reconstruct, (image,), (image,), behavior),
            Signature(
                "edit",
                self._edit,
                (image, target, painted_mask, steps),
                (image,),
                edit_behavior,
                _TOLERANCE_FACTOR,
            ),
            Signature("encode", self._encode, (image,), (latent,), behavior),
            Signature("decode", self._decode, (latent,), (image,), behavior),
        )
        return {signature.name: signature for signature in signatures}

    def _encode(self, image):
        features = self._features(image, training=False)[-1]
        return {"latent": self.encoder_head(features, training=False)[0]}

    def _decode(self, latent):
        return {"image": self.decoder(latent, training=False)}

    def _reconstruct(self, image):
        return self._decode(**self._encode(image))

    def _edit(self, image, target, mask, steps=None):
        painted_mask = mask  # `mask` is the name of the deployed input
        start = self._encode(image)["latent"]
        # The same decoder, weights and values included, but the gradients of its ReLUs are
        # smoothed, and written in operations that TFLite has.
        decoder = self.view(
            "smoothed_decoder", lambda: with_portable_relus(self.decoder, _RELU_GRADIENT_WIDTH)
        )
        objective = patch_distance(
            lambda latent: decoder(latent, training=False), target, painted_mask
        )
        width = tf.sqrt(painted_area(painted_mask))[:, None]  # (B, 1), pixels
        rate = self.settings.edit_learning_rate * (1.0 + width)
        latent = descend(
            start,
            objective,
            steps=self.settings.edit_steps,
            learning_rate=rate,
            active_steps=steps,
        )
        reconstructed, edited = (self._decode(each)["image"] for each in (start, latent))
        return {"image": blend(image, reconstructed, edited)}

    def _features(self, images, *, training: bool = True) -> list:
        """The trunk's activations by layer, as a list also for a single layer."""
        return keras.tree.flatten(self.trunk(images, training=training))

    def _with_noise(self, images, stream: int):
        """The trunk's inputs in training: a reconstruction has the same noise as its image."""
        if not self.settings.discriminator_noise:
            return images
        noise = stateless_random.noise_like(images, self.steps_taken.value, stream)
        return tf.cast(images, tf.float32) + self.settings.discriminator_noise * noise

    def _logits(self, features):
        return self.discriminator_head(features[-1], training=True)

    def _discriminate(self, images, stream: int):
        return self._logits(self._features(self._with_noise(images, stream)))

    def _standard_normal(self, batch, stream: int):
        """Values of N(0, I), different in each step."""
        step = self.steps_taken.value
        return stateless_random.normal_per_image(batch["image"], self.latent_size, step, stream)

    def _weight_regularization(self, player: str) -> dict:
        variables, losses = self.variables_of(self.player(player)), {}
        if self.uses("l2"):  # the code's sum of squares has no half
            losses["l2"] = 2.0 * weight_decay(variables)
        if self.uses("orthogonal"):
            losses["orthogonal"] = orthogonality(variables)
        return losses
