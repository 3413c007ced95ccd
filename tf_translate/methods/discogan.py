"""DiscoGAN: two coupled GANs that discover relations between two domains."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Literal

import keras
from pydantic import Field

from tf_translate.bases.two_domains import TwoDomainTranslator
from tf_translate.config.settings import (
    COUNTS_STEPS,
    AdamSettings,
    MethodSettings,
    RMSpropSettings,
)
from tf_translate.core import stateless_random
from tf_translate.core.conformance import Conformance
from tf_translate.core.loss_terms import LossTerm, content, domain, regularization
from tf_translate.core.player import Losses, Player, Tensors, Translation
from tf_translate.core.schedules import Schedule, Switch
from tf_translate.core.signature import Signature
from tf_translate.losses.adversarial import gan_loss
from tf_translate.losses.reconstruction import feature_matching, mean_squared_error
from tf_translate.losses.regularization import weight_decay
from tf_translate.methods.registry import register
from tf_translate.networks.encoder_decoder import encoder_decoder
from tf_translate.networks.initialization.weights import DESCRIPTION, Initialization
from tf_translate.networks.strided_discriminator import feature_discriminator

Variant = Literal["discogan", "recongan", "gan"]
# The code's 10,000 iterations, of one batch each, are 3,333 steps here: one turn of the
# discriminators and two of the generators, each on its own batch.
_START_STEPS = 3333
_WEIGHT_START, _WEIGHT = 0.01, 0.5  # of reconstruction, at first and afterwards
# Streams of random values (see `stateless_random`), by the images that get the noise.
_NOISE = {"real_a": 0, "real_b": 1, "fake_a": 2, "fake_b": 3}
_MATCHING = 0.9  # fraction of the GAN loss's weight that feature matching has


class DiscoGANSettings(MethodSettings):
    """Networks, loss weights and optimizer of DiscoGAN; defaults are the published code's."""

    variant: Variant = Field(
        default="discogan",
        description="which networks are trained: discogan, both directions; recongan, a to b and "
        "back, with a discriminator of b only; gan, only a to b (paper, section 2: the two "
        "simpler ones are for comparison)",
    )
    base_filters: int = Field(
        default=64,
        ge=1,
        description="channels of a generator's first layer; deeper layers have multiples of it, "
        "so it scales the whole network (authors' code)",
    )
    bottleneck: int = Field(
        default=0,
        ge=0,
        description="size of the vector through which a generator passes the image in its middle, "
        "such as 100, which keeps less of it; 0: a map of 4x4 pixels instead. With it, feature "
        "matching leaves out the first layer (authors' code: 0, and 100 where objects differ in "
        "their angle)",
    )
    discriminator_filters: int = Field(
        default=64,
        ge=1,
        description="channels of a discriminator's first layer; deeper layers have multiples of "
        "it (authors' code)",
    )
    initialization: Initialization = Field(default="torch", description=DESCRIPTION)
    feature_matching: bool = Field(
        default=True,
        description="whether generators also make the discriminators' mean features of generated "
        "and real images equal (authors' code; not in the paper)",
    )
    reconstruction_weight_start: float = Field(
        default=_WEIGHT_START,
        ge=0,
        le=1,
        description="weight of the reconstruction in the first steps, from 0 to 1; the "
        "generators' other losses share the rest (authors' code)",
    )
    reconstruction_weight: float = Field(
        default=_WEIGHT,
        ge=0,
        le=1,
        description="weight of the reconstruction after the first steps, from 0 to 1; the "
        "generators' other losses share the rest (authors' code)",
    )
    reconstruction_weight_start_steps: int = Field(
        default=_START_STEPS,
        ge=0,
        json_schema_extra=COUNTS_STEPS,
        description="number of first steps, those with reconstruction_weight_start (authors' "
        "code: 10,000 iterations, which are a third as many steps here)",
    )
    discriminator_noise: float = Field(
        default=0.0,
        ge=0,
        description="standard deviation of noise that is added to the images a discriminator "
        "sees, whose values are in [-1, 1], so that it learns less quickly; 0: off (ours)",
    )
    inference_statistics: Literal["moving", "image"] = Field(
        default="moving",
        description="statistics of batch normalization when the trained model is used: moving, "
        "averages over training; image, those of the image itself (ours; the authors' code tests "
        "in training mode on one large batch)",
    )
    optimizer: AdamSettings | RMSpropSettings = Field(
        default=AdamSettings(),
        discriminator="kind",
        description="optimizer of generators and discriminators (authors' code)",
    )


def _loss_weights(settings: DiscoGANSettings) -> dict[str, Schedule | float]:
    """Weights of the three terms whose weights sum to 1, at first and afterwards."""
    first, later = settings.reconstruction_weight_start, settings.reconstruction_weight
    step = settings.reconstruction_weight_start_steps
    matching = _MATCHING if settings.feature_matching else 0.0

    def gan_weight(fraction: float) -> Switch:
        """A fraction of 1 minus the weight of reconstruction."""
        return Switch((1 - first) * fraction, (1 - later) * fraction, step)

    return {
        "reconstruction": Switch(first, later, step),
        "adversarial": gan_weight(1 - matching),
        "feature_matching": gan_weight(matching) if matching else 0.0,
    }


_CODE = _loss_weights(DiscoGANSettings())


@register(
    "discogan",
    title="DiscoGAN",
    paper="Kim et al. 2017",
    layout="unpaired",
    keeps_content_by="reconstruction both ways; without skip connections, pose rather than pixels",
    reaches_domain_by="global discriminators, feature matching",
    settings=DiscoGANSettings,
)
class DiscoGAN(TwoDomainTranslator):
    """Two generators, each the inverse of the other, against mode collapse.

    Code to paper: `generator_ab` G_AB, `generator_ba` G_BA, `discriminator_a` D_A,
        `discriminator_b` D_B.
    Batch: `{"a", "b"}`, unpaired, each `(3 * batch, height, width, channels)`, float32 in
        [-1, 1]: every turn of a step uses fresh images, as in the code.
    Players: discriminators once, then generators twice.
    Deploys: `a_to_b`, `b_to_a`, images to images in [-1, 1].
    Departs:
        - Feature matching (9 : 1 against the adversarial term) and the small weight of
          reconstruction at first are the code's, not the paper's. `feature_matching` false and
          `reconstruction_weight_start` 0.5, like `reconstruction_weight`, give the paper's plain
          sum, halved. The ablation "gan" keeps the factor 1 - reconstruction_weight; the code's
          does not.
        - The networks convert images from [-1, 1] to [0, 1] and back, and reconstruction is
          measured in [0, 1].
        - At inference batch norm uses moving statistics.
        - By default weights start as in PyTorch 1. `initialization` "torch_2017", as in
          `discogan_paper`, starts them as in the code's PyTorch.
        - Images are RGB, not BGR.
        - `discriminator_noise` is ours, and off by default.

    Args:
        generator_ab, generator_ba: Networks from one domain to the other.
        discriminator_a, discriminator_b: Networks from images to `[logits, *features]`, logits
            `(batch, 1, 1, 1)` and activations of layers, or to logits alone if there is no feature
            matching.
        settings: `DiscoGANSettings`; None: the code's. `variant` chooses an ablation of the
            paper: "recongan" (a to b and back, one discriminator) or "gan" (only a to b).
        loss_weights: Weights that replace `reconstruction`, `adversarial`,
            `feature_matching`, `discriminator`, `generators_decay`, `discriminators_decay`.
        name: Name of the model.

    Source: Kim et al. 2017, https://arxiv.org/abs/1703.05192, sections 2 and 3, and
    github.com/SKTBrain/DiscoGAN.
    """

    paper_shapes = ((64, 64, 3), (64, 64, 3))
    terms: ClassVar[tuple[LossTerm, ...]] = (
        content(
            "reconstruction",
            weight=_CODE["reconstruction"],
            source="eq. 3 and 7; rate in the code",
            description="mean squared difference between images and their translation there and "
            "back",
        ),
        domain(
            "adversarial",
            weight=_CODE["adversarial"],
            source="eq. 4; 0.1 (1 - rate) in the code",
            description="the generators' part of the GAN loss: discriminators take their images "
            "for real",
        ),
        domain(
            "feature_matching",
            weight=_CODE["feature_matching"],
            source="the code; 0.9 (1 - rate)",
            description="difference of the discriminators' mean features of real and of generated "
            "images",
        ),
        domain(
            "discriminator",
            source="eq. 6 and 8, halved in the code",
            description="the discriminators' part of the GAN loss: to tell real images from "
            "generated ones",
        ),
        regularization(
            "generators_decay",
            weight=1e-5,
            source="the code; the paper: 1e-4",
            description="weight decay: penalty on the squares of the generators' weights",
        ),
        regularization(
            "discriminators_decay",
            weight=1e-5,
            source="the code; the paper: 1e-4",
            description="weight decay: penalty on the squares of the discriminators' weights",
        ),
    )
    players: tuple[Player, ...] = (
        Player(
            "discriminators",
            ("discriminator_a", "discriminator_b"),
            "discriminators_objective",
            ("discriminator", "discriminators_decay"),
        ),
        Player(
            "generators",
            ("generator_ab", "generator_ba"),
            "generators_objective",
            ("reconstruction", "adversarial", "feature_matching", "generators_decay"),
            forward="translate_batch",
            microbatches=(1, 2),
            ema_if_enabled=True,
        ),
    )
    conformance = Conformance(
        settings={"base_filters": 4, "discriminator_filters": 4},
        # The discriminators' turn: one fake, D on it and on a real image. Each of the
        # generators' two: translation and reconstruction, features of fake and real.
        forward_passes={
            "generator_ab": 5,
            "generator_ba": 5,
            "discriminator_a": 6,
            "discriminator_b": 6,
        },
    )

    def __init__(self, *networks: keras.Model, **options: Any):
        super().__init__(*networks, **options)
        variant = self.settings.variant
        self.gan_loss = gan_loss("vanilla")
        # The target domains, and the domains of the reconstructed images.
        self._targets = ("a", "b") if variant == "discogan" else ("b",)
        self._reconstructed = {"discogan": ("a", "b"), "recongan": ("a",), "gan": ()}[variant]

    @classmethod
    def absent_terms(cls, settings: Any, loss_weights: Mapping) -> dict[str, str]:
        """The variant "gan" has no reconstruction."""
        return {"reconstruction": "variant is gan"} if settings.variant == "gan" else {}

    def choose_players(self) -> tuple[Player, ...]:
        """The ablations of section 2 leave out networks and terms."""
        discriminators, generators = type(self).players
        variant = self.settings.variant
        if variant == "discogan":
            return discriminators, generators
        discriminators = dataclasses.replace(discriminators, networks=("discriminator_b",))
        if variant == "recongan":
            return discriminators, generators
        terms = tuple(term for term in generators.terms if term != "reconstruction")
        return discriminators, dataclasses.replace(
            generators, networks=("generator_ab",), terms=terms
        )

    def choose_loss_weights(self, given: Mapping) -> Mapping[str, float | Schedule]:
        """The schedules of the settings, except for weights that are given."""
        return {**_loss_weights(self.settings), **given}

    @classmethod
    def build_generator(
        cls, settings: Any, shape: tuple[int, int, int], out_channels: int, name: str
    ) -> keras.Model:
        """The code's encoder-decoder."""
        return encoder_decoder(
            shape,
            out_channels,
            base_filters=settings.base_filters,
            bottleneck=settings.bottleneck,
            inference_statistics=settings.inference_statistics,
            initialization=settings.initialization,
            name=name,
        )

    @classmethod
    def build_discriminator(
        cls, settings: Any, shape: tuple[int, int, int], name: str
    ) -> keras.Model:
        """The code's discriminator, with logits and features as outputs."""
        discriminator = feature_discriminator(
            shape,
            base_filters=settings.discriminator_filters,
            initialization=settings.initialization,
            name=name,
        )
        if settings.feature_matching and not _matched(discriminator.outputs[1:], settings):
            raise ValueError(
                "`feature_matching` needs images of at least 32 pixels with a `bottleneck`, got "
                f"{tuple(shape)}: with it the first layer of features is left out"
            )
        return discriminator

    @property
    def chance_levels(self) -> Mapping[str, float]:
        """The loss of one discriminator for each target domain, if it cannot tell."""
        return {"discriminator": len(self._targets) * self.gan_loss.chance_level}

    @classmethod
    def trained_translations(cls, settings: Any) -> tuple[Translation, ...]:
        """With the variants "gan" and "recongan" only that to b, as their losses ask."""
        return cls.translations if settings.variant == "discogan" else cls.translations[:1]

    def translate_batch(self, batch: Tensors) -> Tensors:
        """The translations into the target domains, generated once for each microbatch."""
        fakes = {"fake_b": self.generator_ab(batch["a"], training=True)}
        if "a" in self._targets:
            fakes["fake_a"] = self.generator_ba(batch["b"], training=True)
        return fakes

    def discriminators_objective(self, batch: Tensors, shared: Tensors) -> Losses:
        """Eq. 6 and 8: classify real images as real, translated images as fake."""
        losses = {}
        if self.uses("discriminator"):
            losses["discriminator"] = sum(
                self.gan_loss.discriminator(
                    self._discriminate(side, batch[side], "real")[0],
                    self._discriminate(side, shared[f"fake_{side}"], "fake")[0],
                )
                for side in self._targets
            )
        if self.uses("discriminators_decay"):
            variables = self.variables_of(self.player("discriminators"))
            losses["discriminators_decay"] = weight_decay(variables)
        return losses

    def generators_objective(self, batch: Tensors, shared: Tensors) -> Losses:
        """Eq. 5 and 7: fool the discriminators, match their features, reconstruct the input."""
        losses = {}
        if self._reconstructed and self.uses("reconstruction"):
            losses["reconstruction"] = self._reconstruction(batch, shared)
        fakes = {
            side: self._discriminate(side, shared[f"fake_{side}"], "fake") for side in self._targets
        }
        if self.uses("adversarial"):
            losses["adversarial"] = sum(
                self.gan_loss.generator(logits) for logits, _ in fakes.values()
            )
        if self.uses("feature_matching"):
            losses["feature_matching"] = sum(
                feature_matching(self._discriminate(side, batch[side], "real")[1], features)
                for side, (_, features) in fakes.items()
            )
        if self.uses("generators_decay"):
            variables = self.variables_of(self.player("generators"))
            losses["generators_decay"] = weight_decay(variables)
        return losses

    def _reconstruction(self, batch, shared):
        """Eq. 3: the mean squared error of the reconstructions, measured in [0, 1]."""
        back = {"a": (self.generator_ba, "fake_b"), "b": (self.generator_ab, "fake_a")}
        errors = []
        for side in self._reconstructed:
            generator, fake = back[side]
            reconstructed = generator(shared[fake], training=True)
            errors.append(mean_squared_error(reconstructed, batch[side]) / 4.0)
        return sum(errors)

    def _discriminate(self, side: str, images, kind: str):
        """Logits of a domain's discriminator, and those of its features that are matched."""
        discriminator = self.discriminator_a if side == "a" else self.discriminator_b
        images = stateless_random.with_instance_noise(
            images,
            self.settings.discriminator_noise,
            self.steps_taken.value,
            _NOISE[f"{kind}_{side}"],
        )
        outputs = discriminator(images, training=True)
        logits, *features = outputs if isinstance(outputs, list | tuple) else [outputs]
        return logits, _matched(features, self.settings)

    def signatures(self) -> dict[str, Signature]:
        """`a_to_b` and, except in the ablations, `b_to_a`."""
        signatures = super().signatures()
        if self.settings.variant != "discogan":
            del signatures["b_to_a"]
        return signatures


def _matched(features: Sequence, settings: DiscoGANSettings) -> Sequence:
    """The features that are matched: all, or with a bottleneck all but the first (the code)."""
    return features[1:] if settings.bottleneck else features
