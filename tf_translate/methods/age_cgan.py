"""Age-cGAN: a conditional GAN, its encoder, and a search for the z that preserves identity."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, ClassVar, Literal

import keras
import numpy as np
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
from tf_translate.core.random_augmentation import random_views_of_step
from tf_translate.core.signature import Signature, attribute_spec, image_spec, latent_spec
from tf_translate.editing.latent_inversion import LatentSearch, SearchResult, SearchSettings
from tf_translate.layers.portable_relu import with_portable_relus
from tf_translate.losses.contrastive import nt_xent
from tf_translate.methods.registry import register
from tf_translate.networks import conditional_gan
from tf_translate.networks.identity_embedder import (
    image_identity_embedder,
    read_identity_embedder,
)
from tf_translate.networks.inference_behavior import describe_inference

_ADAM = AdamSettings(learning_rate=2e-4, beta_1=0.5)
_ENCODER_ADAM = AdamSettings(learning_rate=1e-4, beta_1=0.1)
_EMBEDDER_ADAM = AdamSettings(learning_rate=1e-3, beta_1=0.9)
_AGES = ("0-18", "19-29", "30-39", "40-49", "50-59", "60+")
_TOLERANCE_FACTOR = 10.0  # for steps in the graph: 1e-3 instead of 1e-4 in float32
# Streams of random values (see `stateless_random`) for the two views of an image; the streams
# 0 and 3 to 5 are those of `InvertibleGAN`.
_VIEW_STREAMS = 1, 2
_PRESERVING = "translate_preserving"
OWN = "own_"  # prefix of the attributes of the input image


class AgeCGANSettings(MethodSettings):
    """Networks, optimizers and search of Age-cGAN; defaults are the paper's if it states them."""

    earlier = MappingProxyType({"bn_recalibration_batch_size": 1})  # that of training
    latent: int = Field(
        default=100,
        ge=1,
        description="size of the latent, the vector that describes what the age group does not "
        "(paper)",
    )
    base_filters: int = Field(
        default=64,
        ge=1,
        description="channels before the last layer of the generator; they double in each layer "
        "before it (as in IcGAN)",
    )
    discriminator_filters: int = Field(
        default=64,
        ge=1,
        description="channels of the discriminator's first layer; they double in each layer (as "
        "in IcGAN)",
    )
    encoder_filters: int = Field(
        default=32,
        ge=1,
        description="channels of the encoder's first layer; they double in each layer (as in "
        "IcGAN)",
    )
    latent_width: int = Field(
        default=4096,
        ge=1,
        description="units of the dense layer of the encoder, which recovers the latent from an "
        "image (as in IcGAN)",
    )
    upsampling: Literal["transposed", "resize"] = Field(
        default="transposed",
        description="how feature maps are enlarged: transposed, by transposed convolutions; "
        "resize, by nearest neighbours and a convolution, which avoids checkerboard patterns (as "
        "in IcGAN: transposed)",
    )
    bn_recalibration_steps: int = Field(
        default=100,
        ge=0,
        description="number of first steps of the encoder's training in which the generator's "
        "batch normalization statistics are measured again, because its weights no longer change "
        "(as in IcGAN)",
    )
    bn_recalibration_batch_size: int = Field(
        default=256,
        ge=1,
        description="least number of generated images in each of these bn_recalibration_steps (as "
        "in IcGAN)",
    )
    identity_embedder: str | None = Field(
        default=None,
        description="a .keras file of the identity embedder, a network that gives images of one "
        "person similar vectors; not set: a small one is trained in a first stage (paper: "
        "FaceNet)",
    )
    identity_embedder_range: tuple[float, float] = Field(
        default=(-1.0, 1.0),
        description="least and greatest pixel value that a given identity embedder expects; "
        "images are also resized to its input size (ours)",
    )
    embedding: int = Field(
        default=128,
        ge=1,
        description="size of that vector, if the identity embedder is trained here (as in FaceNet)",
    )
    identity_embedder_filters: int = Field(
        default=32,
        ge=1,
        description="channels of the first layer of the identity embedder, if it is trained here "
        "(ours)",
    )
    identity_embedder_width: int = Field(
        default=512,
        ge=1,
        description="units of the dense layer of the identity embedder, if it is trained here "
        "(ours)",
    )
    mask_blend: bool = Field(
        default=False,
        description="whether `translate_preserving` changes the input image only where the new "
        "age changes what the generator makes of it (as in IAN's editor)",
    )
    search: SearchSettings = Field(
        default=SearchSettings(),
        description="search for the latent from which the generator makes the person in the image "
        "(paper, the third step of its method)",
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
        description="optimizer of generator and discriminator, which are trained first (as in "
        "IcGAN)",
    )
    encoder_optimizer: AdamSettings | RMSpropSettings = Field(
        default=_ENCODER_ADAM,
        discriminator="kind",
        description="optimizer of the encoder, which is trained afterwards (as in IcGAN)",
    )
    identity_embedder_optimizer: AdamSettings | RMSpropSettings = Field(
        default=_EMBEDDER_ADAM,
        discriminator="kind",
        description="optimizer of the identity embedder, if it is trained here (ours)",
    )


@register(
    "age_cgan",
    title="Age-cGAN",
    paper="Antipov et al. 2017",
    layout="attributes",
    data="one set with attributes, such as age groups",
    keeps_content_by="an encoder of the noise, then a search for the noise with the same identity "
    "embedding",
    reaches_domain_by="a discriminator that also sees attributes",
    settings=AgeCGANSettings,
)
class AgeCGAN(InvertibleGAN):
    """Generates an image at another age, from a z that preserves the identity embedding.

    Code to paper: `generator` G, `discriminator` D, `encoder` E, `identity_embedder` FR;
        attributes v in 0 and 1 become y = 2 v - 1 for G and D; `own_attributes` is y0, `attributes`
        y_target.
    Batch: `{"image", "attributes", "other_attributes", "sampled_attributes"}` as for IcGAN.
        `other_attributes` is only for the loss term "mismatched".
    Stages: "identity_embedder", where FR is trained (left out if FR is given); "gan", where G and
        D are trained; "encoder", where E learns to recover z from generated images, with G frozen
        and in inference mode after the recalibration of its batch norm (see `InvertibleGAN`). FR
        changes only in its own stage. The search for z changes no weights.
    Players: identity_embedder; discriminator, then generator, on the same generated images;
        encoder.
    Deploys: `translate`, image and attributes to image, with E's latent (fast); `encode`, image to
        latent; `decode`, latent and attributes to image; `translate_preserving`, image, its
        attributes and the target attributes to image, after `search.steps` gradient steps in the
        graph. `preserve` does the same in Python, by L-BFGS-B as in the paper or by those steps.
    Departs:
        - Without a given FR (the paper: FaceNet) a small network is trained on the training images,
          by contrastive learning: two random views of an image must match among those of other
          images. It shares nothing with the judges of `evaluate`, and has no labels of persons at
          several ages.
        - E's dense widths, the learning rates and the recalibration are IcGAN's.
        - y are -1 and +1 as in IcGAN (the paper: one-hot).
        - E learns from fresh images at each step (the paper: 100,000 generated once).
        - Pixel distances, on [-1, 1], are divided by the number of values or its root.
        - The age of the image is an input: no network of this method estimates it.
        - Gradient steps in the graph, with smoothed ReLU gradients, are ours.

    Args:
        generator: Network from `[latent, attributes]` to images.
        discriminator: Network from `[image, attributes]` to logits `(batch, 1, 1, 1)`.
        encoder: Network from images to latents.
        identity_embedder: Network from images to embeddings `(batch, size)`. It is trained in a
            first stage, unless `settings.identity_embedder` names the file it was read from.
        attributes: Values by attribute, in the order of the columns.
        settings: `AgeCGANSettings`; None: the paper's where it states them.
        loss_weights: Weights that replace those of `terms`.
        name: Name of the model.

    Raises:
        ValueError: If the networks do not fit the attributes or each other.

    Source: Antipov et al. 2017, https://arxiv.org/abs/1702.01983; networks: arXiv 1611.06355.
    """

    chance_levels = MappingProxyType({"discriminator": 2 * float(np.log(2))})
    deploys: ClassVar[tuple[str, ...]] = ("translate", "encode", "decode", _PRESERVING)
    preparatory_stages = ("identity_embedder",)
    inverts = "encoder"
    fake_weight = 1.0
    paper_shapes = ((64, 64, 3),)
    paper_attributes = MappingProxyType({"age": _AGES})
    terms: ClassVar[tuple[LossTerm, ...]] = (
        content(
            "latent",
            source="the paper: E, squared distance of z on generated images",
            description="squared error of the latent that the encoder recovers from generated "
            "images",
        ),
        content(
            "nt_xent",
            source="ours, in place of FaceNet; SimCLR, eq. 1",
            description="trains the identity embedder: two altered copies of an image have more "
            "similar vectors than different images",
        ),
        domain(
            "adversarial",
            source="the paper's cGAN objective, non-saturating",
            description="the generator's part of the GAN loss: the discriminator takes its images "
            "for real",
        ),
        domain(
            "discriminator",
            source="the paper's cGAN objective",
            description="the discriminator's part of the GAN loss: to tell real images from "
            "generated ones, given their attributes",
        ),
        domain(
            "mismatched",
            weight=0.0,
            source="not in the paper; 0.5 in IcGAN's code",
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
        Player(
            "identity_embedder",
            ("identity_embedder",),
            "identity_embedder_objective",
            ("nt_xent",),
            stage="identity_embedder",
            optimizer_setting="identity_embedder_optimizer",
        ),
        DISCRIMINATOR,
        GENERATOR,
        encoder_player("encoder", term="latent", batch_key="sampled_attributes"),
    )
    conformance = Conformance(
        settings={
            "latent": 5,
            "base_filters": 4,
            "discriminator_filters": 4,
            "encoder_filters": 4,
            "latent_width": 8,
            "bn_recalibration_steps": 1,
            "bn_recalibration_batch_size": 8,
            "embedding": 6,
            "identity_embedder_filters": 4,
            "identity_embedder_width": 8,
            "search": {"steps": 2},
        },
        # The last stage: E on the images that G generates.
        forward_passes={"identity_embedder": 0, "generator": 1, "discriminator": 0, "encoder": 1},
    )

    def __init__(
        self,
        generator: keras.Model,
        discriminator: keras.Model,
        encoder: keras.Model,
        identity_embedder: keras.Model,
        *,
        attributes: Mapping[str, Sequence[str]],
        **options: Any,
    ):
        if identity_embedder.input_shape[1:] != generator.output_shape[1:]:
            raise ValueError(
                "`identity_embedder` must take the images of the generator, "
                f"{generator.output_shape[1:]}, it takes {identity_embedder.input_shape[1:]}; "
                "`adapt_identity_embedder` adapts it"
            )
        encoders = {"encoder": encoder, "identity_embedder": identity_embedder}
        super().__init__(generator, discriminator, encoders, attributes=attributes, **options)

    @classmethod
    def absent_terms(cls, settings: Any, loss_weights: Mapping) -> dict[str, str]:
        """A given identity embedder is not trained."""
        given = settings.identity_embedder is not None
        return {"nt_xent": "the identity embedder is given, not trained"} if given else {}

    def choose_players(self) -> tuple[Player, ...]:
        """A given identity embedder is not trained."""
        players = type(self).players
        return players if self.settings.identity_embedder is None else players[1:]

    @classmethod
    def build_networks(
        cls, settings: Any, shape: tuple[int, int, int], *, attributes: Mapping[str, Sequence[str]]
    ) -> dict[str, keras.Model]:
        """Generator, discriminator, encoder and identity embedder."""
        columns = len(Attributes(attributes).columns)
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
            "encoder": conditional_gan.image_encoder(
                shape,
                settings.latent,
                width=settings.latent_width,
                base_filters=settings.encoder_filters,
            ),
            "identity_embedder": _identity_embedder(settings, shape),
        }

    @classmethod
    def terms_without_a_part_in_edits(cls, settings: Any, signature: str | None) -> dict[str, str]:
        """`nt_xent`, unless edits search for a latent of equal identity."""
        if signature == "translate_preserving" and settings.search.objective != "pixelwise":
            return {}
        return {"nt_xent": "the measured edits search for no latent of equal identity"}

    def identity_embedder_objective(self, batch: Tensors, shared: Tensors) -> Losses:
        """Match the two views of each image among the views of all images."""
        step = self.steps_taken.value
        views = [random_views_of_step(batch["image"], step, stream) for stream in _VIEW_STREAMS]
        embeddings = self.identity_embedder(tf.concat(views, 0), training=True)
        return {"nt_xent": nt_xent(*tf.split(embeddings, 2))}

    def encoder_objective(self, batch: Tensors, shared: Tensors) -> Losses:
        """Recover z from a generated image."""
        return {"latent": self.inversion_loss(batch)}

    def preserve(
        self,
        images: tf.Tensor,
        own_attributes: tf.Tensor,
        attributes: tf.Tensor,
        *,
        objective: str | None = None,
        method: Literal["lbfgs", "unrolled"] = "lbfgs",
    ) -> tuple[np.ndarray, SearchResult]:
        """Translates from a z found by a search that starts at E's, with all networks frozen.

        Args:
            images: `(batch, height, width, channels)` in [-1, 1].
            own_attributes: The attributes of the images, `(batch, columns)` in [0, 1].
            attributes: The target attributes.
            objective: "identity", "pixelwise" or "mixed"; None: the objective of the settings.
            method: "lbfgs", the paper's; "unrolled", the steps of `translate_preserving`.

        Returns:
            Images with the target attributes, and the result of the search: their latents, and the
            objective before and after it.

        Raises:
            ValueError: If the objective or the method is unknown.
        """
        if method not in ("lbfgs", "unrolled"):
            raise ValueError(f"`method` must be 'lbfgs' or 'unrolled', got {method!r}")
        search = self.latent_search(objective, smoothed=method == "unrolled")
        target, start = search.target(images, own_attributes), self.encoder(images, training=False)
        result = getattr(search, method)(start, target)
        edited = self.edit(images, result.latents, own_attributes, attributes)["image"]
        return np.asarray(edited), result

    def latent_search(
        self, objective: str | None = None, *, smoothed: bool = False
    ) -> LatentSearch:
        """The search for z.

        Args:
            objective: "identity", "pixelwise" or "mixed"; None: the objective of the settings.
            smoothed: Whether gradients of ReLUs are smoothed, as in a deployed graph (see
                `PortableReLU`).
        """
        chosen = objective or self.settings.search.objective
        return self.view(("search", chosen, smoothed), lambda: self._search(chosen, smoothed))

    def _search(self, objective: str, smoothed: bool) -> LatentSearch:
        settings = self.settings.search
        width = settings.relu_gradient_width if smoothed else 0.0
        # The same networks, weights and values included, but the gradients of their ReLUs are
        # smoothed, and written in operations that TFLite has.
        generator = with_portable_relus(self.generator, width)
        identity_embedder = with_portable_relus(self.identity_embedder, width)
        return LatentSearch(
            lambda z, attributes: generator([z, to_signed(attributes)], training=False),
            lambda images: identity_embedder(images, training=False),
            settings,
            objective,
        )

    def examples(self, batch: Mapping) -> dict[str, dict]:
        """Images with their own attributes, and with those of another image."""
        image, attributes = batch["image"], batch["attributes"]
        return {
            "translate": {"image": image, "attributes": attributes},
            "encode": {"image": image},
            _PRESERVING: {
                "image": image,
                f"{OWN}attributes": attributes,
                "attributes": attributes[::-1],
                "steps": np.full((len(image), 1), self.settings.search.steps, np.float32),
            },
        }

    def signatures(self) -> dict[str, Signature]:
        """`translate`, its halves `encode` and `decode`, and `translate_preserving`."""
        image, latent = image_spec(self.encoder.input_shape[1:]), latent_spec(self.latent_size)
        preserving_inputs = (
            image,
            attribute_spec(self.columns, OWN, observed=True),
            attribute_spec(self.columns),
            self.settings.search.steps_input(),
        )
        # It holds for `encode` too: generator and encoder have batch norm with moving averages, no
        # dropout.
        behavior = describe_inference(self.generator)
        preserving_behavior = {
            **self.edit_behavior(behavior),
            "search": self.settings.search.describe_steps(),
        }
        translate, decode = self.translate_and_decode(behavior)
        signatures = (
            translate,
            Signature("encode", self._encode, (image,), (latent,), behavior),
            decode,
            Signature(
                _PRESERVING,
                self._translate_preserving,
                preserving_inputs,
                (image,),
                preserving_behavior,
                _TOLERANCE_FACTOR,
            ),
        )
        return {signature.name: signature for signature in signatures}

    def _encode(self, image):
        return {"latent": self.encoder(image, training=False)}

    def _translate_preserving(self, image, own_attributes, attributes, steps=None):
        search = self.latent_search(smoothed=True)
        target, start = search.target(image, own_attributes), self.encoder(image, training=False)
        latent = search.descend(start, target, steps)
        return self.edit(image, latent, own_attributes, attributes)


def _identity_embedder(settings: AgeCGANSettings, shape: tuple[int, int, int]) -> keras.Model:
    """FR: the given network, adapted, or a new one to be trained."""
    if settings.identity_embedder is not None:
        return read_identity_embedder(
            settings.identity_embedder, shape, settings.identity_embedder_range
        )
    sizes = {
        "width": settings.identity_embedder_width,
        "base_filters": settings.identity_embedder_filters,
    }
    return image_identity_embedder(shape, embedding=settings.embedding, **sizes)
