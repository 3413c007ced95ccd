"""DiscoGAN: two coupled GANs that find which images of two domains belong together."""

import dataclasses
from collections.abc import Mapping
from typing import Literal

import keras
from pydantic import Field

from tf_translate.config.settings import AdamSettings, MethodSettings, RMSpropSettings
from tf_translate.core.loss_terms import content, domain, regularization
from tf_translate.core.optimizers import make_optimizer
from tf_translate.core.player import Player
from tf_translate.core.schedules import Schedule, Switch
from tf_translate.core.signature import Signature, image_signatures
from tf_translate.core.translator import Translator
from tf_translate.losses.adversarial import adversarial_loss
from tf_translate.losses.reconstruction import feature_matching, mean_squared
from tf_translate.losses.regularization import weight_decay
from tf_translate.networks.encoder_decoder import encoder_decoder
from tf_translate.networks.inference_behavior import describe_inference
from tf_translate.networks.strided_discriminator import feature_discriminator

Variant = Literal["discogan", "recongan", "gan"]
# The code's 10,000 iterations of one batch are 3,333 rounds of one discriminators' and two
# generators' turns, each on a batch of its own.
_WEIGHT_START_STEPS = 3333
_EARLY, _LATE = 0.01, 0.5  # share of reconstruction before and after
_MATCHING = 0.9  # share of feature matching in the game


def _game_share(
    share: float, early: float = _EARLY, late: float = _LATE, step: int = _WEIGHT_START_STEPS
) -> Switch:
    """Weight of a part of the game: its share of what reconstruction leaves."""
    return Switch((1 - early) * share, (1 - late) * share, step)


class DiscoGANSettings(MethodSettings):
    """Networks and games of DiscoGAN; defaults are the published code's."""

    variant: Variant = Field(
        "discogan",
        description="section 2: gan goes one way without coming back, recongan one way and back",
    )
    base_filters: int = Field(64, ge=1, description="channels of the first layer, the code")
    bottleneck: int = Field(0, ge=0, description="0: the short network; 100: the long one, code")
    discriminator_filters: int = Field(64, ge=1, description="the code")
    feature_matching: bool = Field(True, description="the code; the paper has none")
    reconstruction_weight_start: float = Field(
        _EARLY, ge=0, le=1, description="share of reconstruction at first, the code"
    )
    rate: float = Field(_LATE, ge=0, le=1, description="share of reconstruction later, the code")
    reconstruction_weight_start_steps: int = Field(
        _WEIGHT_START_STEPS,
        ge=0,
        description="steps with reconstruction_weight_start: 10,000 iterations in the code",
    )
    inference_statistics: Literal["moving", "image"] = Field(
        "moving", description="ours: the code tests in training mode on one large batch"
    )
    optimizer: AdamSettings | RMSpropSettings = Field(
        AdamSettings(), discriminator="kind", description="the code"
    )


@keras.saving.register_keras_serializable("tf_translate")
class DiscoGAN(Translator):
    """Two translators, each the other's way back, so that no two images become one.

    Code to paper: `generator_ab` G_AB, `generator_ba` G_BA, `discriminator_a` D_A, `discriminator_b` D_B.
    Batch: `{"a", "b"}`, unpaired, each `(3 * batch, height, width, channels)`, float32 in
    [-1, 1]: every turn of a step sees fresh images, as in the code.
    Players: discriminators once, then generators twice.
    Deploys: `a_to_b`, `b_to_a`, images to images in [-1, 1].
    Departs: feature matching (9 : 1 against the game) and the head start of the game are the
        code's, not the paper's; `feature_matching` false and `reconstruction_weight_start` 0.5, like `rate`,
        give the paper's plain sum, halved; the ablation "gan" keeps the factor 1 - rate. The
        networks work on [0, 1] behind a boundary of [-1, 1]; reconstruction is measured in
        [0, 1]. At inference batch norm uses moving statistics. RGB, not BGR. Batch norm
        starts at 1 and 0, as PyTorch's does today.

    Args:
        generator_ab, generator_ba: Networks from one domain to the other.
        discriminator_a, discriminator_b: Networks from images to `[logits, *features]`, or logits alone if
            features are not matched.
        variant: "discogan", or an ablation of the paper: "recongan" (a to b and back, one
            discriminator) or "gan" (a to b alone).
        loss_weights: Weights that replace `reconstruction`, `adversarial`,
            `feature_matching`, `discriminator`, `generators_decay`, `discriminators_decay`.
        name: Name of the model.

    Raises:
        ValueError: If `variant` is unknown.

    Source: Kim et al. 2017, https://arxiv.org/abs/1703.05192, sections 2 and 3, and
    github.com/SKTBrain/DiscoGAN.
    """

    layout = "unpaired"
    deploys = ("a_to_b", "b_to_a")
    paper_shapes = ((64, 64, 3), (64, 64, 3))
    terms = (
        content(
            "reconstruction",
            weight=Switch(_EARLY, _LATE, _WEIGHT_START_STEPS),
            source="eq. 3 and 5; rate in the code",
        ),
        domain(
            "adversarial",
            weight=Switch(
                (1 - _EARLY) * (1 - _MATCHING), (1 - _LATE) * (1 - _MATCHING), _WEIGHT_START_STEPS
            ),
            source="eq. 4; 0.1 (1 - rate) in the code",
        ),
        domain(
            "feature_matching",
            weight=_game_share(_MATCHING),
            source="the code; 0.9 (1 - rate)",
        ),
        domain("discriminator", source="eq. 7, halved in the code"),
        regularization("generators_decay", weight=1e-5, source="the code; the paper: 1e-4"),
        regularization("discriminators_decay", weight=1e-5, source="the code; the paper: 1e-4"),
    )
    players = (
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
            averaged=True,
        ),
    )

    def __init__(
        self,
        generator_ab: keras.Model,
        generator_ba: keras.Model,
        discriminator_a: keras.Model,
        discriminator_b: keras.Model,
        *,
        variant: Variant = "discogan",
        loss_weights: Mapping[str, float | Schedule] | None = None,
        name: str = "discogan",
    ):
        super().__init__(
            networks={
                "generator_ab": generator_ab,
                "generator_ba": generator_ba,
                "discriminator_a": discriminator_a,
                "discriminator_b": discriminator_b,
            },
            players=_players(variant),
            loss_weights=loss_weights,
            name=name,
        )
        self.variant = variant
        self._gan_loss = adversarial_loss("vanilla")
        # Which domains are translated into, and which way leads back to the input.
        self._judged = ("b",) if variant != "discogan" else ("a", "b")
        self.chance_levels = {"discriminator": len(self._judged) * self._gan_loss.chance_level}
        self._closed = {"discogan": ("a", "b"), "recongan": ("a",), "gan": ()}[variant]

    @classmethod
    def from_settings(
        cls,
        settings: DiscoGANSettings,
        shape_a: tuple[int, int, int],
        shape_b: tuple[int, int, int],
        *,
        loss_weights: Mapping[str, float] | None = None,
    ) -> "DiscoGAN":
        """Builds networks and translator for images of `(height, width, channels)`."""
        return cls(
            _generator(settings, shape_a, shape_b[2], "generator_ab"),
            _generator(settings, shape_b, shape_a[2], "generator_ba"),
            feature_discriminator(
                shape_a, base_filters=settings.discriminator_filters, name="discriminator_a"
            ),
            feature_discriminator(
                shape_b, base_filters=settings.discriminator_filters, name="discriminator_b"
            ),
            variant=settings.variant,
            loss_weights={**_curriculum(settings), **(loss_weights or {})},
        )

    def translate_batch(self, batch):
        """The translations that are judged, made once for each part of a step."""
        fakes = {"fake_b": self.generator_ab(batch["a"], training=True)}
        if "a" in self._judged:
            fakes["fake_a"] = self.generator_ba(batch["b"], training=True)
        return fakes

    def discriminators_objective(self, batch, shared):
        """Eq. 7: real images are real, translated ones are not."""
        losses = {}
        if self.uses("discriminator"):
            losses["discriminator"] = sum(
                self._gan_loss.discriminator(
                    self._judge(side, batch[side])[0], self._judge(side, shared[f"fake_{side}"])[0]
                )
                for side in self._judged
            )
        if self.uses("discriminators_decay"):
            losses["discriminators_decay"] = weight_decay(self.variables_of(self.players[0]))
        return losses

    def generators_objective(self, batch, shared):
        """Eq. 5 and 6: fool the discriminators, match their features, come back to the input."""
        losses = {}
        if self._closed and self.uses("reconstruction"):
            losses["reconstruction"] = self._reconstruction(batch, shared)
        judged = {side: self._judge(side, shared[f"fake_{side}"]) for side in self._judged}
        if self.uses("adversarial"):
            losses["adversarial"] = sum(
                self._gan_loss.generator(scores) for scores, _ in judged.values()
            )
        if self.uses("feature_matching"):
            losses["feature_matching"] = sum(
                feature_matching(self._judge(side, batch[side])[1], features)
                for side, (_, features) in judged.items()
            )
        if self.uses("generators_decay"):
            losses["generators_decay"] = weight_decay(self.variables_of(self.players[1]))
        return losses

    def _reconstruction(self, batch, shared):
        """Eq. 3: there and back is the input, measured in [0, 1]."""
        back = {"a": (self.generator_ba, "fake_b"), "b": (self.generator_ab, "fake_a")}
        errors = []
        for side in self._closed:
            network, fake = back[side]
            errors.append(mean_squared(network(shared[fake], training=True), batch[side]) / 4.0)
        return sum(errors)

    def _judge(self, side: str, images):
        """Logits and features of a domain's discriminator."""
        outputs = (self.discriminator_a if side == "a" else self.discriminator_b)(
            images, training=True
        )
        scores, *features = outputs if isinstance(outputs, list | tuple) else [outputs]
        return scores, features

    def default_optimizer(self, player: Player) -> keras.optimizers.Optimizer:
        """Adam 2e-4, 0.5, 0.999 (the code)."""
        return make_optimizer(AdamSettings().model_dump())

    def signatures(self) -> dict[str, Signature]:
        """`a_to_b` and, unless an ablation leaves it untrained, `b_to_a`."""
        networks = {"a_to_b": self.generator_ab}
        if self.variant == "discogan":
            networks["b_to_a"] = self.generator_ba
        return image_signatures(networks, describe_inference)


def _players(variant: str) -> tuple[Player, ...]:
    discriminators, generators = DiscoGAN.players
    if variant == "discogan":
        return discriminators, generators
    discriminators = dataclasses.replace(discriminators, networks=("discriminator_b",))
    if variant == "recongan":
        return discriminators, generators
    if variant != "gan":
        raise ValueError(f"`variant` must be 'discogan', 'recongan' or 'gan', got {variant!r}")
    terms = tuple(term for term in generators.terms if term != "reconstruction")
    return discriminators, dataclasses.replace(generators, networks=("generator_ab",), terms=terms)


def _curriculum(settings: DiscoGANSettings) -> dict[str, Schedule | float]:
    """Weights of the three terms that share one sum, before and after the head start."""
    early, late, step = (
        settings.reconstruction_weight_start,
        settings.rate,
        settings.reconstruction_weight_start_steps,
    )
    matching = _MATCHING if settings.feature_matching else 0.0
    return {
        "reconstruction": Switch(early, late, step),
        "adversarial": _game_share(1 - matching, early, late, step),
        "feature_matching": _game_share(matching, early, late, step) if matching else 0.0,
    }


def _generator(settings: DiscoGANSettings, shape, out_channels: int, name: str) -> keras.Model:
    return encoder_decoder(
        shape,
        out_channels,
        base_filters=settings.base_filters,
        bottleneck=settings.bottleneck,
        inference_statistics=settings.inference_statistics,
        name=name,
    )
