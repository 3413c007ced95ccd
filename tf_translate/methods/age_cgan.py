"""Age-cGAN: a conditional GAN, its inverse, and a search for the z that keeps the person."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, Literal

import keras
import numpy as np
import tensorflow as tf
from pydantic import Field

from tf_translate.bases import invertible_gan
from tf_translate.config.attributes import Attributes
from tf_translate.config.settings import AdamSettings, MethodSettings, RMSpropSettings
from tf_translate.core.loss_terms import content, domain, regularization
from tf_translate.core.optimizers import make_optimizer
from tf_translate.core.player import Player
from tf_translate.core.random_augmentation import drawn_views
from tf_translate.core.signature import Signature, attribute_spec, image_spec, latent_spec
from tf_translate.editing.latent_inversion import Found, LatentSearch, SearchSettings
from tf_translate.layers.portable_relu import with_portable_relus
from tf_translate.losses.adversarial import vanilla_generator
from tf_translate.losses.conditional_discriminator import conditional_discriminator_losses
from tf_translate.losses.contrastive import nt_xent
from tf_translate.losses.reconstruction import mean_squared
from tf_translate.networks import conditional_gan
from tf_translate.networks.identity_embedder import (
    image_identity_embedder,
    read_identity_embedder,
)
from tf_translate.networks.inference_behavior import describe_inference

_OPTIMIZERS = {
    "optimizer": AdamSettings(learning_rate=2e-4, beta_1=0.5),
    "encoder_optimizer": AdamSettings(learning_rate=1e-4, beta_1=0.1),
    "identity_embedder_optimizer": AdamSettings(learning_rate=1e-3, beta_1=0.9),
}
_AGES = ("0-18", "19-29", "30-39", "40-49", "50-59", "60+")
_TOLERANCE_FACTOR = 10.0  # of steps in the graph: 1e-3 in place of 1e-4 in float32
_VIEWS = 1, 2  # streams of random numbers; 0 is z
_PRESERVING = "translate_preserving"
OWN = "own_"  # ahead of the attributes an image has, where it is told others too


class AgeCGANSettings(MethodSettings):
    """Networks, optimizers and search of Age-cGAN; defaults are the paper's where it has any."""

    latent: int = Field(100, ge=1, description="numbers of z, the paper")
    base_filters: int = Field(64, ge=1, description="channels ahead of G's last layer, as IcGAN")
    discriminator_filters: int = Field(
        64, ge=1, description="channels of D's first layer, as IcGAN"
    )
    encoder_filters: int = Field(32, ge=1, description="channels of E's first layer, as IcGAN")
    latent_width: int = Field(4096, ge=1, description="of E's dense layer, as IcGAN")
    bn_recalibration_steps: int = Field(
        100, ge=0, description="batches that G's statistics are taken of, IcGAN"
    )
    identity_embedder: str | None = Field(
        None, description="a .keras file of the network that is FR; none: FR is trained first"
    )
    identity_embedder_range: tuple[float, float] = Field(
        (-1.0, 1.0), description="of the images a given FR knows; it is resized to, too"
    )
    embedding: int = Field(128, ge=1, description="numbers of FR's embedding, FaceNet")
    identity_embedder_filters: int = Field(
        32, ge=1, description="channels of FR's first layer, ours"
    )
    identity_embedder_width: int = Field(512, ge=1, description="of FR's dense layer, ours")
    mask_blend: bool = Field(False, description="of `translate_preserving`, IAN's editor")
    search: SearchSettings = Field(SearchSettings(), description="for z, the paper's third step")
    discriminator_noise: float = Field(
        0.0, ge=0, description="deviation of noise on all images D sees; off: ours, for drawings"
    )
    optimizer: AdamSettings | RMSpropSettings = Field(
        _OPTIMIZERS["optimizer"], discriminator="kind", description="of G and D, as IcGAN"
    )
    encoder_optimizer: AdamSettings | RMSpropSettings = Field(
        _OPTIMIZERS["encoder_optimizer"], discriminator="kind", description="of E, as IcGAN"
    )
    identity_embedder_optimizer: AdamSettings | RMSpropSettings = Field(
        _OPTIMIZERS["identity_embedder_optimizer"], discriminator="kind", description="of FR, ours"
    )


@keras.saving.register_keras_serializable("tf_translate")
class AgeCGAN(invertible_gan.InvertibleTranslator):
    """Draws an image anew at another age, from a z at which an identity embedder sees the same person.

    Code to paper: `generator` G, `discriminator` D, `encoder` E, `identity_embedder` FR; attributes v in 0 and
        1 are y = 2 v - 1 to G and D; `own` is y0, `wanted` y_target.
    Batch: `{"image", "attributes", "other_attributes", "drawn_attributes"}` as for IcGAN; the
        others are for the term "mismatched" alone.
    Stages: "identity_embedder", where FR learns (left out if one is given); "gan", where G and D
        learn; "encoder", where E learns to read z from what G draws, G frozen and as in
        inference once its statistics were re-estimated (see `InvertibleTranslator`). FR never
        moves outside its stage, and the search for z moves no network.
    Players: identity embedder; discriminator, then generator, on the same drawings; encoder.
    Deploys: `translate`, image and attributes to image, by E alone (fast); `encode`, image to
        latent; `decode`, latent and attributes to image; `translate_preserving`, image, its own
        attributes and those wanted to image, after `search.steps` steps of descent in the graph.
        `preserve` does the same in Python, by L-BFGS-B as in the paper or by those steps.
    Departs: without a given FR (the paper: FaceNet) a small network learns from the training
        images alone, as two random views of a image must be found among those of others;
        it shares nothing with the judges of `evaluate`, and never sees persons at several ages
        named as one. E's dense widths, the rates and the bn_recalibration_steps are IcGAN's; y are -1 and +1 as
        there (the paper: one-hot); E learns from fresh drawings at each step (the paper: 100,000
        made once); pixel distances are divided by the number of pixels or its root. The own age
        is an input (the paper estimates it). Steps in the graph, of smoothed gradients, are ours.

    Args:
        generator: Network from `[latent, attributes]` to images.
        discriminator: Network from `[image, attributes]` to logits.
        encoder: Network from images to latents.
        identity_embedder: Network from images to embeddings `(batch, numbers)`.
        attributes: Values by attribute, in the order of the columns.
        trains_identity_embedder: Whether `identity_embedder` is still to be trained, in a first stage.
        bn_recalibration_steps: Batches that the generator's statistics are re-estimated of.
        mask_blend: Whether `preserve` blends changes alone into the image; `translate` never.
        discriminator_noise: Deviation of noise on every image the discriminator sees.
        search: Fields of `SearchSettings` that replace its defaults.
        loss_weights: Weights that replace those of `terms`.
        name: Name of the model.

    Raises:
        ValueError: If the networks do not go with the attributes or with each other.

    Source: Antipov et al. 2017, https://arxiv.org/abs/1702.01983; networks: arXiv 1611.06355.
    """

    layout = "attributes"
    chance_levels = MappingProxyType({"discriminator": 2 * float(np.log(2))})
    deploys = ("translate", "encode", "decode", _PRESERVING)
    inverts = "encoder"
    paper_shapes = ((64, 64, 3),)
    paper_attributes = MappingProxyType({"age": _AGES})
    terms = (
        content("latent", source="the paper: E, distance of z on drawn images, squared"),
        content("nt_xent", source="ours, in FaceNet's place; SimCLR, eq. 1"),
        domain("adversarial", source="the paper's cGAN objective, non-saturating"),
        domain("discriminator", source="the paper's cGAN objective"),
        domain("mismatched", weight=0.0, source="not in the paper; 0.5 in IcGAN's code"),
        regularization(
            "r1", weight=0.0, source="not in the paper; R1, Mescheder et al. 2018, eq. 9"
        ),
    )
    players = (
        Player(
            "identity_embedder",
            ("identity_embedder",),
            "identity_embedder_objective",
            ("nt_xent",),
            stage="identity_embedder",
            generates_images=False,
            optimizer="identity_embedder_optimizer",
        ),
        invertible_gan.DISCRIMINATOR,
        invertible_gan.GENERATOR,
        invertible_gan.reader("encoder", term="latent", batch_keys="drawn_attributes"),
    )

    def __init__(
        self,
        generator: keras.Model,
        discriminator: keras.Model,
        encoder: keras.Model,
        identity_embedder: keras.Model,
        *,
        attributes: Mapping[str, Sequence[str]],
        trains_identity_embedder: bool = True,
        bn_recalibration_steps: int = 100,
        mask_blend: bool = False,
        discriminator_noise: float = 0.0,
        search: Mapping[str, Any] | None = None,
        loss_weights: Mapping[str, float] | None = None,
        name: str = "age_cgan",
    ):
        if identity_embedder.input_shape[1:] != generator.output_shape[1:]:
            raise ValueError(
                f"`identity_embedder` must take the images of the generator, {generator.output_shape[1:]},"
                f" it takes {identity_embedder.input_shape[1:]}; `fitted_identity_embedder` adapts it"
            )
        networks = {"generator": generator, "discriminator": discriminator}
        super().__init__(
            networks={**networks, "encoder": encoder, "identity_embedder": identity_embedder},
            attributes=attributes,
            bn_recalibration_steps=bn_recalibration_steps,
            mask_blend=mask_blend,
            discriminator_noise=discriminator_noise,
            players=self.players if trains_identity_embedder else self.players[1:],
            loss_weights=loss_weights,
            name=name,
        )
        self.trains_identity_embedder = trains_identity_embedder
        self.search = dict(search or {})
        self._search_settings = SearchSettings(**self.search)
        self._searches: dict[tuple[str, bool], LatentSearch] = {}

    @classmethod
    def from_settings(
        cls,
        settings: AgeCGANSettings,
        shape: tuple[int, int, int],
        *,
        attributes: Mapping[str, Sequence[str]],
        loss_weights: Mapping[str, float] | None = None,
    ) -> "AgeCGAN":
        """Builds networks and translator for images of `(height, width, channels)`."""
        columns = len(Attributes(attributes).columns)
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
                base_filters=settings.encoder_filters,
            ),
            _identity_embedder(settings, shape),
            attributes=attributes,
            trains_identity_embedder=settings.identity_embedder is None,
            bn_recalibration_steps=settings.bn_recalibration_steps,
            mask_blend=settings.mask_blend,
            discriminator_noise=settings.discriminator_noise,
            search=settings.search.model_dump(),
            loss_weights=loss_weights,
        )

    def identity_embedder_objective(self, batch, shared):
        """Find the second view of each image among those of the others."""
        step = self.steps_taken.value
        views = [drawn_views(batch["image"], step, stream) for stream in _VIEWS]
        embeddings = self.identity_embedder(tf.concat(views, 0), training=True)
        return {"nt_xent": nt_xent(*tf.split(embeddings, 2))}

    def discriminator_objective(self, batch, shared):
        """Tell real images with their attributes from drawings with those they were drawn of."""
        return conditional_discriminator_losses(
            self.judged, batch, shared["drawn"], uses=self.uses, fakes=1.0
        )

    def generator_objective(self, batch, shared):
        """Draw what passes for a real image of the attributes."""
        scores = self.judged(shared["drawn"], batch["drawn_attributes"], "drawn")
        return {"adversarial": vanilla_generator(scores)}

    def encoder_objective(self, batch, shared):
        """Read from a drawing the z it was drawn from: ||E(G(z, y)) - z||^2."""
        images, noise = self.to_invert(batch)
        return {"latent": mean_squared(self.encoder(images, training=True), noise)}

    def preserve(
        self,
        images,
        own,
        wanted,
        *,
        objective: str | None = None,
        method: Literal["lbfgs", "unrolled"] = "lbfgs",
    ) -> tuple[np.ndarray, Found]:
        """Translates from a z that is looked for from where E begins, networks frozen.

        Args:
            images: `(batch, height, width, channels)` in [-1, 1].
            own: The attributes they have, `(batch, columns)` in [0, 1].
            wanted: Those they shall have.
            objective: "identity", "pixelwise" or "mixed"; None: that of the settings.
            method: "lbfgs", the paper's; "unrolled", the steps of `translate_preserving`.

        Returns:
            Images as given, of the attributes wanted; and the latents they are drawn from with
            the objective before and after.

        Raises:
            ValueError: If the objective or the method is unknown.
        """
        if method not in ("lbfgs", "unrolled"):
            raise ValueError(f"`method` must be 'lbfgs' or 'unrolled', got {method!r}")
        search = self.latent_search(objective, smoothed=method == "unrolled")
        goal, start = search.goal(images, own), self.encoder(images, training=False)
        found = getattr(search, method)(start, goal)
        return np.asarray(self.redrawn(images, found.latents, own, wanted)["image"]), found

    def latent_search(
        self, objective: str | None = None, *, smoothed: bool = False
    ) -> LatentSearch:
        """The search for z by an objective (None: that of the settings), by true gradients of
        ReLUs or, as in a deployed graph, by `smoothed` ones (see `PortableReLU`).
        """
        settings = self._search_settings
        chosen = objective or settings.objective
        if (chosen, smoothed) not in self._searches:  # views and traces are made once
            relu_gradient_width = settings.relu_gradient_width if smoothed else 0.0
            generator = with_portable_relus(self.generator, relu_gradient_width)
            identity_embedder = with_portable_relus(self.identity_embedder, relu_gradient_width)
            self._searches[chosen, smoothed] = LatentSearch(
                lambda latents, told: generator(
                    [latents, invertible_gan.signed(told)], training=False
                ),
                lambda images: identity_embedder(images, training=False),
                settings,
                chosen,
            )
        return self._searches[chosen, smoothed]

    def default_optimizer(self, player: Player) -> keras.optimizers.Optimizer:
        """Adam 2e-4, 0.5 for G and D; 1e-4, 0.1 for E (as IcGAN); 1e-3, 0.9 for FR (ours)."""
        return make_optimizer(_OPTIMIZERS[player.optimizer].model_dump())

    def examples(self, batch: Mapping) -> dict[str, dict]:
        """Images with the attributes they have, and with those of another."""
        image, attributes = batch["image"], batch["attributes"]
        steps = np.full((len(image), 1), self._search_settings.steps, np.float32)
        told = {f"{OWN}attributes": attributes, "attributes": attributes[::-1], "steps": steps}
        return {
            "translate": {"image": image, "attributes": attributes},
            "encode": {"image": image},
            _PRESERVING: {"image": image, **told},
        }

    def signatures(self) -> dict[str, Signature]:
        """`translate`, its halves `encode` and `decode`, and `translate_preserving`."""
        image, latent = image_spec(self.encoder.input_shape[1:]), latent_spec(self._latent)
        own, wanted = attribute_spec(self.columns, OWN, seen=True), attribute_spec(self.columns)
        told = image, own, wanted, self._search_settings.steps_input()
        inference_behavior = describe_inference(self.generator)
        search = {
            **self.blending(inference_behavior),
            "search": self._search_settings.steps_in_words(),
        }
        encode = Signature("encode", self._encode, (image,), (latent,), inference_behavior)
        preserve = self._translate_preserving
        preserving = Signature(_PRESERVING, preserve, told, (image,), search, _TOLERANCE_FACTOR)
        translate, decode = self.translate_and_decode(inference_behavior)
        deployed = (translate, encode, decode, preserving)
        return {signature.name: signature for signature in deployed}

    def _encode(self, image):
        return {"latent": self.encoder(image, training=False)}

    def _translate_preserving(self, image, own_attributes, attributes, steps=None):
        search = self.latent_search(smoothed=True)
        goal, start = search.goal(image, own_attributes), self.encoder(image, training=False)
        return self.redrawn(image, search.descend(start, goal, steps), own_attributes, attributes)


def _identity_embedder(settings: AgeCGANSettings, shape: tuple[int, int, int]) -> keras.Model:
    """FR: the network given, made to fit, or one to be trained."""
    if settings.identity_embedder is not None:
        return read_identity_embedder(
            settings.identity_embedder, shape, settings.identity_embedder_range
        )
    sizes = {
        "width": settings.identity_embedder_width,
        "base_filters": settings.identity_embedder_filters,
    }
    return image_identity_embedder(shape, embedding=settings.embedding, **sizes)
