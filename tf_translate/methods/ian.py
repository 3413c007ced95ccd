"""IAN, the introspective adversarial network: an auto-encoder judged in its discriminator's features."""

import functools
from collections.abc import Mapping
from typing import Literal

import keras
import numpy as np
import tensorflow as tf
from pydantic import Field

from tf_translate.config.settings import AdamSettings, MethodSettings, RMSpropSettings
from tf_translate.core import stateless_random
from tf_translate.core.loss_terms import content, domain, regularization
from tf_translate.core.optimizers import make_optimizer
from tf_translate.core.player import Player
from tf_translate.core.signature import Signature, TensorSpec, image_spec, latent_spec, steps_spec
from tf_translate.core.translator import Translator
from tf_translate.editing.gradient_steps import descend
from tf_translate.editing.mask_blend import blend
from tf_translate.editing.painted_target import middle, painted_area, patch_distance
from tf_translate.layers.portable_relu import with_portable_relus
from tf_translate.losses.introspective import GAMES, divergence_from_normal, feature_distance
from tf_translate.losses.reconstruction import mean_absolute
from tf_translate.losses.regularization import orthogonality, weight_decay, zero_centred_penalty
from tf_translate.networks import introspective
from tf_translate.networks.inference_behavior import describe_inference

_STEPS, _RATE = 10, 0.05
_RELU_GRADIENT_WIDTH = (
    0.5  # of the gradient of ReLUs in an edit's steps: rounding must not decide where they go
)
_OFF = 3.0  # times as far as others an edit may be off on a device: its steps amplify rounding
_IMAGE, _SAMPLED = 2, 3  # streams of noise: of images and their reconstructions, of samples


class IANSettings(MethodSettings):
    """Networks and editor of IAN; defaults are those of IAN_simple, the published code."""

    discriminator: Literal["binary", "ternary"] = Field(
        "binary", description="real or not (IAN_simple); real, reconstructed or sampled (the paper)"
    )
    base_filters: int = Field(
        128, ge=1, description="channels of the trunk's first layer, the code"
    )
    decoder_filters: int = Field(
        128, ge=1, description="channels ahead of the last layer, the code"
    )
    latent: int = Field(100, ge=1, description="numbers of z, the code")
    latent_width: int = Field(1000, ge=1, description="of the dense layer ahead of z, the code")
    kernels: int = Field(500, ge=1, description="of minibatch discrimination, the code")
    discriminator_noise: float = Field(
        0.0, ge=0, description="deviation of noise on all images the trunk sees; off: ours"
    )
    edit_steps: int = Field(
        _STEPS, ge=1, description="steps of an edit; ours: the code takes one at each mouse event"
    )
    edit_learning_rate: float = Field(
        _RATE, gt=0, description="of an edit's steps, the code (NPE.py)"
    )
    optimizer: AdamSettings | RMSpropSettings = Field(
        AdamSettings(), discriminator="kind", description="the code"
    )


@keras.saving.register_keras_serializable("tf_translate")
class IAN(Translator):
    """Gives images back from a latent that reads its discriminator's features, and edits by the latent.

    Code to paper: `trunk` and `discriminator_head` together the discriminator, `trunk` and `encoder_head`
        the encoder (z has mean mu and deviation exp(log sigma)), `decoder` the generator G;
        "feature" the introspective loss.
    Batch: `{"image"}`, `(batch, height, width, channels)` float32 in [-1, 1].
    Players: auto-encoder (`encoder_head`, `decoder`), then discriminator (`trunk`, `discriminator_head`), on the
        same reconstructions and samples. Who learns what: the trunk of the discriminator's loss
        alone; the encoder's head of pixels, features and KL, not of the adversarial term; the
        decoder of all but KL. Weight terms are logged as the mean of both players'.
    Deploys: `reconstruct`, image to image; `edit`, an image, a `target` with colours painted over
        it, a `mask` in [0, 1] of where and how many `steps` count, to an image; `encode`, image to
        latent (mu); `decode`, latent to image. An edit takes `edit_steps` gradient steps
        z <- z - rate (1 + width) times the gradient of the mean of (G(z) - target)^2 over the painted
        patch, from mu on, where width is the side of a square of the patch's area; what changes is
        blended into the image.
    Departs: no MADE randomiser, no multiscale dilated blocks, no RGB-beta output layer, so
        "ternary" is the paper's game on IAN_simple's networks; both players move on each batch (the
        code: by turns, one batch each); the encoder's head moves once a step, without the
        adversarial term also with "ternary" (its code adds it there); the discriminator's loss
        stops at the images; minibatch discrimination learns (IAN_simple leaves its weights as they
        start); L2 is on all weights of all networks; a patch may have any form (the code: squares),
        and pixels are compared in [-1, 1] without rounding; the learning rate has no steps;
        batch norm adds 1e-5 to variances (the code: 1e-4); an edit's gradients of ReLUs are smoothed
        (see `PortableReLU`); noise and "r1" are ours, and off.

    Args:
        trunk: Network from images to activations by layer.
        encoder_head: Network from the last ones to `[mean, log_sigma]`.
        discriminator_head: Network from the last ones to 1 or 3 logits, which decides the game.
        decoder: Network from latents to images.
        edit_steps: Gradient steps of an edit.
        edit_learning_rate: Their rate.
        discriminator_noise: Deviation of the noise on every image the trunk sees in training.
        loss_weights: Weights that replace those of `terms` (0: not computed).
        name: Name of the model.

    Raises:
        ValueError: If the networks do not go with each other.

    Source: Brock et al. 2017, https://arxiv.org/abs/1609.07093, and
    github.com/ajbrock/Neural-Photo-Editor.
    """

    layout = "images"
    deploys = ("reconstruct", "edit", "encode", "decode")
    paper_shapes = ((64, 64, 3),)
    terms = (
        content("pixel", weight=3.0, source="the code: 2 |x^ - x|, recon_weight"),
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
            depends_on=True,
            stop_gradient_for={"encoder_head": ("adversarial",)},
            averaged=True,
        ),
        Player(
            "discriminator",
            ("trunk", "discriminator_head"),
            "discriminator_objective",
            ("discriminator", "r1", "l2", "orthogonal"),
            forward="look_at_batch",
        ),
    )

    def __init__(
        self,
        trunk: keras.Model,
        encoder_head: keras.Model,
        discriminator_head: keras.Model,
        decoder: keras.Model,
        *,
        edit_steps: int = _STEPS,
        edit_learning_rate: float = _RATE,
        discriminator_noise: float = 0.0,
        loss_weights: Mapping[str, float] | None = None,
        name: str = "ian",
    ):
        introspective.check_together(trunk, encoder_head, discriminator_head, decoder)
        logits = discriminator_head.output_shape[-1]
        games = [game for game in GAMES.values() if game.logits == logits]
        if not games:
            known = sorted(game.logits for game in GAMES.values())
            raise ValueError(f"`discriminator_head` must give one of {known} logits, got {logits}")
        networks = {"trunk": trunk, "encoder_head": encoder_head}
        networks |= {"discriminator_head": discriminator_head, "decoder": decoder}
        super().__init__(networks=networks, loss_weights=loss_weights, name=name)
        # Made once, and held by a function: Keras would save a view that it sees.
        self._smoothed_decoder = functools.cache(
            lambda: with_portable_relus(decoder, _RELU_GRADIENT_WIDTH)
        )
        self.edit_steps, self.edit_learning_rate, self.discriminator_noise = (
            edit_steps,
            edit_learning_rate,
            discriminator_noise,
        )
        self._latent = decoder.input_shape[-1]
        self._gan_loss = games[0]
        self.chance_levels = {"discriminator": self._gan_loss.chance_level}

    @classmethod
    def from_settings(
        cls,
        settings: IANSettings,
        shape: tuple[int, int, int],
        *,
        loss_weights: Mapping[str, float] | None = None,
    ) -> "IAN":
        """Builds networks and translator for images of `(height, width, channels)`."""
        trunk = introspective.trunk(shape, base_filters=settings.base_filters)
        seen = trunk.outputs[-1].shape[1:]
        logits = GAMES[settings.discriminator].logits
        return cls(
            trunk,
            introspective.latent_head(seen, settings.latent, width=settings.latent_width),
            introspective.verdict_head(seen, logits=logits, kernels=settings.kernels),
            introspective.latent_decoder(
                shape, settings.latent, base_filters=settings.decoder_filters
            ),
            edit_steps=settings.edit_steps,
            edit_learning_rate=settings.edit_learning_rate,
            discriminator_noise=settings.discriminator_noise,
            loss_weights=loss_weights,
        )

    def look_at_batch(self, batch):
        """The trunk's activations on real images: the discriminator judges by them, the encoder reads."""
        images = self._in_noise(batch["image"], _IMAGE)
        if not self.uses("r1"):
            return {"features": self._seen(images)}
        looked = {}

        def odds(images):
            looked["features"] = self._seen(images)
            looked["scores"] = self._judged(looked["features"])
            return self._gan_loss.odds(looked["scores"])

        _, gradient = zero_centred_penalty(odds, images)
        return looked | {"r1": gradient}

    def reconstruct_batch(self, batch, shared):
        """G(z) for a z of each image, and for one of N(0, I)."""
        mean, log_sigma = self.encoder_head(shared["features"][-1], training=True)
        latent = mean + tf.exp(log_sigma) * self._noise(batch, 0)
        return {
            "mean": mean,
            "log_sigma": log_sigma,
            "reconstructed": self.decoder(latent, training=True),
            "sampled": self.decoder(self._noise(batch, 1), training=True),
        }

    def autoencoder_objective(self, batch, shared):
        """Give images back, to the eye and to the trunk, and draw what passes for real."""
        losses = {}
        if self.uses("pixel"):
            losses["pixel"] = 2.0 * mean_absolute(shared["reconstructed"], batch["image"])
        if self.uses("feature") or self.uses("adversarial"):
            seen = self._seen(self._in_noise(shared["reconstructed"], _IMAGE))
        if self.uses("feature"):
            losses["feature"] = feature_distance(seen, shared["features"])
        if self.uses("adversarial"):
            sampled = self._verdict(shared["sampled"], _SAMPLED)
            losses["adversarial"] = self._gan_loss.generator(self._judged(seen), sampled)
        if self.uses("kl"):
            losses["kl"] = divergence_from_normal(shared["mean"], shared["log_sigma"])
        return losses | self._weight_losses(self.players[0])

    def discriminator_objective(self, batch, shared):
        """Tell real images from reconstructions and samples, or all three apart."""
        losses = {}
        if self.uses("discriminator"):
            real = shared["scores"] if "scores" in shared else self._judged(shared["features"])
            reconstructed = self._verdict(shared["reconstructed"], _IMAGE)
            sampled = self._verdict(shared["sampled"], _SAMPLED)
            losses["discriminator"] = self._gan_loss.discriminator(real, reconstructed, sampled)
        if self.uses("r1"):
            losses["r1"] = shared["r1"]
        return losses | self._weight_losses(self.players[1])

    def default_optimizer(self, player: Player) -> keras.optimizers.Optimizer:
        """Adam 2e-4, 0.5, 0.999 (the code)."""
        return make_optimizer(AdamSettings().model_dump())

    def examples(self, batch: Mapping) -> dict[str, dict]:
        """Images, and with the middle of another painted over them."""
        image = batch["image"]
        steps = np.full((len(image), 1), self.edit_steps, np.float32)
        painted = {"target": image[::-1], "mask": middle(image)}
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
        shape = self.trunk.input_shape[1:]
        image = image_spec(shape)
        target = image_spec(shape, "target", "the image with colours painted over it")
        painted = "where colours are painted: 1 there, 0 elsewhere"
        mask = TensorSpec("mask", (None, *shape[:2], 1), value_range=(0.0, 1.0), meaning=painted)
        wanted = steps_spec(self.edit_steps, "gradient steps towards the painted colours")
        latent = latent_spec(self._latent)
        inference_behavior = describe_inference(self.decoder)
        steps = f"{self.edit_steps} gradient steps on the latent, rate {self.edit_learning_rate:g}"
        steps += f", gradients of ReLUs smoothed over {_RELU_GRADIENT_WIDTH:g}"
        edited = inference_behavior | {"edit": steps, "mask_blend": "on"}
        deployed = (
            Signature("reconstruct", self._reconstruct, (image,), (image,), inference_behavior),
            Signature("edit", self._edit, (image, target, mask, wanted), (image,), edited, _OFF),
            Signature("encode", self._encode, (image,), (latent,), inference_behavior),
            Signature("decode", self._decode, (latent,), (image,), inference_behavior),
        )
        return {signature.name: signature for signature in deployed}

    def _encode(self, image):
        features = self._seen(image, training=False)[-1]
        return {"latent": self.encoder_head(features, training=False)[0]}

    def _decode(self, latent):
        return {"image": self.decoder(latent, training=False)}

    def _reconstruct(self, image):
        return self._decode(**self._encode(image))

    def _edit(self, image, target, mask, steps=None):
        start = self._encode(image)["latent"]
        smoothed = self._smoothed_decoder()
        cost = patch_distance(lambda latent: smoothed(latent, training=False), target, mask)
        rate = self.edit_learning_rate * (1.0 + tf.sqrt(painted_area(mask)))[:, None]
        latent = descend(start, cost, steps=self.edit_steps, rate=rate, taken=steps)
        drawn = [self._decode(each)["image"] for each in (start, latent)]
        return {"image": blend(image, *drawn)}

    def _seen(self, images, *, training: bool = True) -> list:
        """The trunk's activations by layer; Keras gives those of a single layer bare."""
        return keras.tree.flatten(self.trunk(images, training=training))

    def _in_noise(self, images, stream: int):
        """Images as the trunk sees them in training: a reconstruction in its image's noise."""
        if not self.discriminator_noise:
            return images
        noise = stateless_random.noise_like(images, self.steps_taken.value, stream)
        return tf.cast(images, tf.float32) + self.discriminator_noise * noise

    def _judged(self, features):
        return self.discriminator_head(features[-1], training=True)

    def _verdict(self, images, stream: int):
        return self._judged(self._seen(self._in_noise(images, stream)))

    def _noise(self, batch, stream: int):
        """Numbers of N(0, I), others at each step."""
        step = self.steps_taken.value
        return stateless_random.normal_per_image(batch["image"], self._latent, step, stream)

    def _weight_losses(self, player: Player) -> dict:
        losses = {}
        if self.uses("l2"):  # the code's sum of squares has no half
            losses["l2"] = 2.0 * weight_decay(self.variables_of(player))
        if self.uses("orthogonal"):
            losses["orthogonal"] = orthogonality(self.variables_of(player))
        return losses
