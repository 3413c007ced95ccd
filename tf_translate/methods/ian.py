"""IAN, the introspective adversarial network: a VAE trained in discriminator features."""

import dataclasses
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, ClassVar, Literal

import keras
import numpy as np
import tensorflow as tf
from pydantic import Field

from tf_translate.config.settings import AdamSettings, MethodSettings, RMSpropSettings
from tf_translate.core import stateless_random
from tf_translate.core.conformance import Conformance
from tf_translate.core.loss_terms import LossTerm, content, domain, regularization
from tf_translate.core.player import Losses, Player, Tensors
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
from tf_translate.losses.regularization import (
    orthogonality_of_filters,
    orthogonality_of_rows,
    r1_penalty,
    weight_decay,
)
from tf_translate.methods.registry import register
from tf_translate.networks import introspective
from tf_translate.networks.inference_behavior import describe_inference

# Width w: an edit's ReLUs have a gradient that rises linearly from 0 at -w/2 to 1 at w/2, so that
# rounding hardly changes it.
_RELU_GRADIENT_WIDTH = 0.5
# `verify`, the check of an exported bundle, allows an edit 3 times the difference that its recipe
# (float32, int8, ...) allows between the outputs of bundle and training:
# its steps amplify rounding.
_TOLERANCE_FACTOR = 3.0
# Streams of random values (see `stateless_random`): for the latents encoded from images, the
# latents of N(0, I), the noise on an image and on its reconstruction, the noise on samples, and
# the latents of N(0, I) of the discriminator's own samples.
_ENCODED_LATENT, _PRIOR_LATENT, _IMAGE_NOISE, _SAMPLE_NOISE, _DISCRIMINATOR_LATENT = range(5)
_ORTHOGONALITY = {"rows": orthogonality_of_rows, "filters": orthogonality_of_filters}
# How networks differ: activation of the encoder head, and the standard deviation of the initial
# weights of the discriminator head's last layer.
_HEADS = {"simple": ("elu", 0.01), "full": ("relu", 0.02)}
# The players of `updates = "alternate"`, in an order that gives the code's updates. The forward
# passes of a microbatch run before its first turn. So the encoder head's turn on the first one
# uses the decoder's weights from before the decoder's turn, and that on the second the new ones.
_ALTERNATING = (
    Player(
        "decoder",
        ("decoder",),
        "decoder_objective",
        ("pixel", "feature", "adversarial", "l2", "orthogonal"),
        ema_if_enabled=True,
    ),
    Player(
        "encoder",
        ("encoder_head",),
        "encoder_objective",
        ("pixel", "feature", "adversarial", "kl", "l2"),
        forward="reconstruct_batch",
        depends_on=("discriminator",),
        microbatches=(0, 1),
        ema_if_enabled=True,
    ),
    Player(
        "discriminator",
        ("trunk", "discriminator_head"),
        "discriminator_objective",
        ("discriminator", "r1", "l2", "orthogonal"),
        forward="real_features",
        microbatches=(1,),
    ),
)


class IANSettings(MethodSettings):
    """Networks, losses and editor of IAN.

    Defaults are those of the authors' IAN_simple.py, unless a description names another source or
    says "ours".
    """

    # Values that files from before these settings existed were trained with.
    earlier = MappingProxyType({"orthogonal_form": "filters", "flow_gain": 2**0.5})
    network: Literal["simple", "full"] = Field(
        default="simple",
        description="architecture: simple, transposed convolutions; full, the paper's decoder of "
        "dilated convolutions at several scales, which makes red, green and blue one after the "
        "other, and a layer of random weights that changes the latent (authors' IAN_simple.py: "
        "simple; IAN.py: full)",
    )
    updates: Literal["together", "alternate"] = Field(
        default="together",
        description="together: all networks learn from each batch; alternate: a step has two "
        "batches, the decoder learns from the first, the discriminator from the second, the "
        "encoder from both (paper: together; authors' train_IAN.py: alternate, one batch each)",
    )
    orthogonal_form: Literal["rows", "filters"] = Field(
        default="rows",
        description="which weights the loss term orthogonal makes orthogonal: rows, those inside "
        "each filter; filters, all filters of a layer to each other (authors' train_IAN.py: rows, "
        "weight 1e-3; paper: filters, weight 8e-5)",
    )
    flow_gain: float = Field(
        default=0.1,
        gt=0,
        description="full network: size of the random weights of a layer, an autoregressive flow, "
        "that changes the latent between encoder and decoder and is never trained (ours; "
        "authors' code: the square root of 2, at which training overflows)",
    )
    discriminator: Literal["binary", "ternary"] = Field(
        default="binary",
        description="what the discriminator tells apart: binary, real images from others; "
        "ternary, real, reconstructed and randomly generated images (authors' IAN_simple.py: "
        "binary; paper: ternary)",
    )
    base_filters: int = Field(
        default=128,
        ge=1,
        description="channels of the first of the layers that discriminator and encoder share, "
        "called the trunk; deeper layers have multiples of it (authors' IAN_simple.py)",
    )
    decoder_filters: int = Field(
        default=128,
        ge=1,
        description="channels before the last layer of the decoder; layers before it have "
        "multiples of it (authors' IAN_simple.py)",
    )
    latent: int = Field(
        default=100,
        ge=1,
        description="size of the latent, the vector that describes an image (authors' "
        "IAN_simple.py)",
    )
    latent_width: int = Field(
        default=1000,
        ge=1,
        description="units of the encoder's dense layer before the latent (authors' IAN_simple.py)",
    )
    kernels: int = Field(
        default=500,
        ge=1,
        description="number of similarities by which the discriminator compares the images of a "
        "batch, so that it notices a decoder that repeats itself, which is called minibatch "
        "discrimination (authors' IAN_simple.py)",
    )
    discriminator_noise: float = Field(
        default=0.0,
        ge=0,
        description="standard deviation of noise that is added to the images that discriminator "
        "and encoder see, whose values are in [-1, 1], so that they learn less quickly; 0: off "
        "(ours)",
    )
    edit_steps: int = Field(
        default=10,
        ge=1,
        description="number of steps of gradient descent by which the exported edit moves the "
        "latent towards what was painted (ours; authors' NPE.py: one for each movement of the "
        "mouse)",
    )
    edit_learning_rate: float = Field(
        default=0.05,
        gt=0,
        description="learning rate of these edit_steps: the size of each step (authors' NPE.py)",
    )
    optimizer: AdamSettings | RMSpropSettings = Field(
        default=AdamSettings(),
        discriminator="kind",
        description="optimizer of all networks (authors' IAN_simple.py)",
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
        `encoder_head` the encoder (z0 has mean mu and standard deviation exp(log sigma)),
        `decoder` the generator G, `latent_flow` the autoregressive flow from z0 to z, which only
        the full network has; in the simple one z is z0. "feature" is the introspective loss.
        "The code" below is the authors': IAN_simple.py and train_IAN_simple.py for the simple
        network and the binary loss, IAN.py and train_IAN.py for the paper's model (preset
        ian_paper), NPE.py for edits.
    Batch: `{"image"}`, `(batch, height, width, channels)` float32 in [-1, 1].
    Players: autoencoder (`encoder_head`, `decoder`), then discriminator (`trunk`,
        `discriminator_head`), on the same reconstructions and samples. The trunk is trained
        by the discriminator's loss; the decoder by pixels, features and the adversarial term; the
        encoder head by pixels, features and KL, and with the ternary loss by the adversarial term.
        `latent_flow` is random and never trained. With `updates="alternate"`, decoder and
        encoder head take a turn on one microbatch, then encoder head and discriminator on another.
        Terms of several turns are logged as means over them. The adversarial term of the encoder
        head's own turns is that of reconstructions, as samples do not depend on it.
    Deploys: `reconstruct`, image to image; `edit`, an image, a `target` (the image with colours
        painted over it), a `mask` of the painted pixels and `steps` to an image; `encode`, image
        to latent (mu, a z0); `decode`, latent (z0) to image.
    Edit: gradient steps from the z of mu towards the painted colours, on the mask-weighted mean of
        (G(z) - target)^2; the steps change z, after the flow, and not z0, as in NPE.py. `mask` is
        1 where colours are painted and 0 elsewhere. `steps`, `(batch, 1)` float32 in
        [0, `edit_steps`], is how many steps take effect; at 2.5 the third step is half as long.
        The learning rate is multiplied by 1 + width, where width is sqrt(sum of mask), in pixels:
        the side of a painted square. The change is then blended into the image by IAN's own mask,
        which is not the painted one: |edited - reconstructed|, averaged over channels and blurred
        (see `blend`).
    Departs:
        - With `updates="together"`, both players take a turn on each batch (as in the paper's text;
          the code: alternately, one batch each), and the encoder head is updated once a step (the
          code: on the decoder's batch and on the discriminator's).
        - Convolutions of stride 2 with odd kernels are padded and cropped as in TensorFlow (one row
          before, two after; the code: two before). This makes each network the code's with images
          and kernels mirrored left to right and top to bottom.
        - Simple network: minibatch discrimination is trained (IAN_simple keeps its initial
          weights); the discriminator's loss does not reach the trunk through reconstructions
          (train_IAN_simple.py: it does; train_IAN.py: not); L2 is on the encoder head too
          (train_IAN_simple.py: not).
        - L2 includes offsets of batch norm (train_IAN.py: not).
        - Full network: its flow's weights are scaled by `flow_gain` = 0.1, a fourteenth of the
          code's sqrt(2). At the code's, training overflows in its first hundreds of steps. The
          flow has no biases, which stay 0 in the code. For images other than 64x64 the decoder has
          more or fewer deconvolutions.
        - GAN losses are computed from logits (train_IAN_simple.py: from probabilities clipped to
          [1e-7, 1 - 1e-7]).
        - A painted patch may have any shape (the code: squares), and pixels are compared in [-1, 1]
          without rounding.
        - An edit's gradients of ReLUs are smoothed (see `PortableReLU`).
        - `discriminator_noise` and the term "r1" are not in the paper, and off by default.

    Args:
        trunk: Network from images to a list of activations, one for each layer.
        encoder_head: Network from the last activations to `[mean, log_sigma]`.
        discriminator_head: Network from the last activations to 1 or 3 logits, for the binary or
            the ternary GAN loss.
        decoder: Network from latents to images.
        latent_flow: Network from latents z0 to the decoder's latents z, which is not trained; None:
            z is z0.
        settings: `IANSettings`; None: the defaults.
        loss_weights: Weights that replace those of `terms`; 0 switches a term off.
        name: Name of the model.

    Raises:
        ValueError: If the shapes of the networks do not fit each other.

    Source: Brock et al. 2017, https://arxiv.org/abs/1609.07093, and
    github.com/ajbrock/Neural-Photo-Editor.
    """

    deploys: ClassVar[tuple[str, ...]] = ("reconstruct", "edit", "encode", "decode")
    paper_shapes = ((64, 64, 3),)
    terms: ClassVar[tuple[LossTerm, ...]] = (
        content(
            "pixel",
            weight=3.0,
            source="the code: recon_weight = 3, times 2 |x^ - x|",
            description="absolute difference between images and their reconstructions",
        ),
        content(
            "feature",
            source="introspective loss; the code: mean over 4 layers",
            description="squared difference between the discriminator's features of images and of "
            "their reconstructions",
        ),
        domain(
            "adversarial",
            source="on reconstructions and samples",
            description="the discriminator takes reconstructions and random images for real",
        ),
        domain(
            "discriminator",
            source="adversarial loss, binary or ternary",
            description="the discriminator's part of the GAN loss: to tell real images from others",
        ),
        regularization(
            "r1",
            weight=0.0,
            source="not in the paper; R1, Mescheder et al. 2018, eq. 9",
            description="penalty on the discriminator's gradients at real images, which makes "
            "training steadier",
        ),
        regularization(
            "kl",
            source="the code: mean over images and latent",
            description="distance of the latent's distribution from a standard normal one "
            "(Kullback-Leibler)",
        ),
        regularization(
            "l2",
            weight=1e-5,
            source="the code: sum of squares; if orthogonal has a weight, only on the encoder head",
            description="weight decay: penalty on the squares of weights",
        ),
        regularization(
            "orthogonal",
            weight=0.0,
            source="the paper; 1e-3 in IAN.py, 0 in IAN_simple",
            description="penalty on weights that are not orthogonal to each other",
        ),
    )
    players: tuple[Player, ...] = (
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
        latent_flow: keras.Model | None = None,
        **options: Any,
    ):
        introspective.check_compatible(
            trunk, encoder_head, discriminator_head, decoder, latent_flow
        )
        num_logits = discriminator_head.output_shape[-1]
        known = {loss.num_logits: loss for loss in INTROSPECTIVE_GAN_LOSSES.values()}
        if num_logits not in known:
            raise ValueError(
                f"`discriminator_head` must give one of {sorted(known)} logits, got {num_logits}"
            )
        networks = {
            "trunk": trunk,
            "encoder_head": encoder_head,
            "discriminator_head": discriminator_head,
            "decoder": decoder,
        }
        if latent_flow is not None:
            networks["latent_flow"] = latent_flow
        super().__init__(networks=networks, **options)
        self.latent_flow = latent_flow
        self.latent_size = decoder.input_shape[-1]
        self.gan_loss = known[num_logits]

    @classmethod
    def build_networks(cls, settings: Any, shape: tuple[int, int, int]) -> dict[str, keras.Model]:
        """Trunk, its two heads, the decoder and, in the full network, the flow before it."""
        trunk = introspective.trunk(shape, base_filters=settings.base_filters)
        features_shape = trunk.outputs[-1].shape[1:]
        num_logits = INTROSPECTIVE_GAN_LOSSES[settings.discriminator].num_logits
        activation, standard_deviation = _HEADS[settings.network]
        full = settings.network == "full"
        decoder = introspective.multiscale_decoder if full else introspective.latent_decoder
        networks = {
            "trunk": trunk,
            "encoder_head": introspective.latent_head(
                features_shape,
                settings.latent,
                width=settings.latent_width,
                activation=activation,
            ),
            "discriminator_head": introspective.discriminator_head(
                features_shape,
                num_logits=num_logits,
                kernels=settings.kernels,
                standard_deviation=standard_deviation,
            ),
            "decoder": decoder(shape, settings.latent, base_filters=settings.decoder_filters),
        }
        if full:
            networks["latent_flow"] = introspective.latent_flow(
                settings.latent, gain=settings.flow_gain
            )
        return networks

    def choose_players(self) -> tuple[Player, ...]:
        """Those of the setting `updates`; the GAN loss decides which terms train the encoder."""
        binary = self.discriminator_head.output_shape[-1] == 1
        alternate = self.settings.updates == "alternate"
        players = []
        for player in _ALTERNATING if alternate else type(self).players:
            left_out = set()
            if binary and player.name == "encoder":
                left_out.add("adversarial")
            if self.uses("orthogonal") and "encoder_head" not in player.networks:
                left_out.add("l2")  # see `_weight_regularization`
            terms = tuple(term for term in player.terms if term not in left_out)
            stopped = player.stop_gradient_for if binary else {}
            players.append(dataclasses.replace(player, terms=terms, stop_gradient_for=stopped))
        return tuple(players)

    @property
    def chance_levels(self) -> Mapping[str, float]:
        """The loss of a discriminator that cannot tell its two or three classes apart."""
        return {"discriminator": self.gan_loss.chance_level}

    def real_features(self, batch: Tensors) -> Tensors:
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

    def reconstruct_batch(self, batch: Tensors, shared: Tensors) -> Tensors:
        """G(z), for z encoded from each image and, with updates "together", for z0 of N(0, I)."""
        mean, log_sigma = self.encoder_head(shared["features"][-1], training=True)
        noise = self._standard_normal(batch, _ENCODED_LATENT)
        latent = self._flow(mean + tf.exp(log_sigma) * noise)
        results = {
            "mean": mean,
            "log_sigma": log_sigma,
            "latent": latent,
            "reconstructed": self.decoder(latent, training=True),
        }
        if self.settings.updates == "together":
            results["sampled"] = self._sample(batch, _PRIOR_LATENT)
        return results

    def autoencoder_objective(self, batch: Tensors, shared: Tensors) -> Losses:
        """Reconstruct images, in pixels and in the trunk's features, and fool the discriminator."""
        losses, features = self._reconstruction(batch, shared, shared["reconstructed"])
        if self.uses("adversarial"):
            sampled = self._discriminate(shared["sampled"], _SAMPLE_NOISE)
            losses["adversarial"] = self.gan_loss.generator(self._logits(features), sampled)
        if self.uses("kl"):
            losses["kl"] = kl_from_standard_normal(shared["mean"], shared["log_sigma"])
        return losses | self._weight_regularization("autoencoder")

    def decoder_objective(self, batch: Tensors, shared: Tensors) -> Losses:
        """As `autoencoder_objective`, for the decoder alone: it gets z as a constant."""
        reconstructed = self.decoder(shared["latent"], training=True)
        losses, features = self._reconstruction(batch, shared, reconstructed)
        if self.uses("adversarial"):
            sampled = self._discriminate(self._sample(batch, _PRIOR_LATENT), _SAMPLE_NOISE)
            losses["adversarial"] = self.gan_loss.generator(self._logits(features), sampled)
        return losses | self._weight_regularization("decoder")

    def encoder_objective(self, batch: Tensors, shared: Tensors) -> Losses:
        """As `autoencoder_objective`, for the encoder head alone: samples do not depend on it."""
        losses, features = self._reconstruction(batch, shared, shared["reconstructed"])
        if "adversarial" in self.player("encoder").terms and self.uses("adversarial"):
            losses["adversarial"] = self.gan_loss.encoder(self._logits(features))
        if self.uses("kl"):
            losses["kl"] = kl_from_standard_normal(shared["mean"], shared["log_sigma"])
        return losses | self._weight_regularization("encoder")

    def discriminator_objective(self, batch: Tensors, shared: Tensors) -> Losses:
        """Separate real images from reconstructions and samples, or classify all three."""
        losses = {}
        if self.uses("discriminator"):
            real = shared["logits"] if "logits" in shared else self._logits(shared["features"])
            reconstructed = self._discriminate(shared["reconstructed"], _IMAGE_NOISE)
            sampled = (
                shared["sampled"]
                if "sampled" in shared
                else self._sample(batch, _DISCRIMINATOR_LATENT)
            )
            sampled = self._discriminate(sampled, _SAMPLE_NOISE)
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
        return {"image": self.decoder(self._flow(latent), training=False)}

    def _reconstruct(self, image):
        return self._decode(**self._encode(image))

    def _edit(self, image, target, mask, steps=None):
        painted_mask = mask  # `mask` is the name of the deployed input
        start = self._flow(self._encode(image)["latent"])
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
        reconstructed, edited = (self.decoder(each, training=False) for each in (start, latent))
        return {"image": blend(image, reconstructed, edited)}

    def _flow(self, latent):
        """The decoder's input z for z0."""
        return latent if self.latent_flow is None else self.latent_flow(latent)

    def _sample(self, batch, stream: int):
        """G(z) for z0 of N(0, I), one for each image of the batch."""
        latent = self._flow(self._standard_normal(batch, stream))
        return self.decoder(latent, training=True)

    def _reconstruction(self, batch, shared, reconstructed):
        """The losses of reconstructions in pixels and features, and their features if needed."""
        losses, features = {}, []
        if self.uses("pixel"):
            losses["pixel"] = 2.0 * mean_absolute_error(reconstructed, batch["image"])
        if self.uses("feature") or self.uses("adversarial"):
            features = self._features(self._with_noise(reconstructed, _IMAGE_NOISE))
        if self.uses("feature"):
            losses["feature"] = feature_distance(features, shared["features"])
        return losses, features

    def _features(self, images, *, training: bool = True) -> list:
        """The trunk's activations by layer, as a list also for a single layer."""
        return keras.tree.flatten(self.trunk(images, training=training))

    def _with_noise(self, images, stream: int):
        """The trunk's inputs in training: a reconstruction has the same noise as its image."""
        return stateless_random.with_instance_noise(
            images, self.settings.discriminator_noise, self.steps_taken.value, stream
        )

    def _logits(self, features):
        return self.discriminator_head(features[-1], training=True)

    def _discriminate(self, images, stream: int):
        return self._logits(self._features(self._with_noise(images, stream)))

    def _standard_normal(self, batch, stream: int):
        """Values of N(0, I), different in each step."""
        step = self.steps_taken.value
        return stateless_random.normal_per_image(batch["image"], self.latent_size, step, stream)

    def _weight_regularization(self, name: str) -> dict:
        """L2 and orthogonality of a player's weights.

        As in train_IAN.py, orthogonality is in place of L2, except on the encoder head.
        """
        player, losses = self.player(name), {}
        variables = self.variables_of(player)
        if self.uses("orthogonal"):
            if "orthogonal" in player.terms:
                losses["orthogonal"] = _ORTHOGONALITY[self.settings.orthogonal_form](variables)
            variables = self.encoder_head.trainable_variables
        if self.uses("l2") and "l2" in player.terms:
            losses["l2"] = 2.0 * weight_decay(variables)  # the code's sum of squares has no half
        return losses
