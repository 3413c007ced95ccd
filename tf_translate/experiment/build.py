"""Translators built and compiled from configurations."""

from collections.abc import Sequence

import keras

from tf_translate.config.data import DataConfig
from tf_translate.config.schema import Config, TrainingConfig
from tf_translate.config.settings import MethodSettings
from tf_translate.core.optimizers import make_optimizer
from tf_translate.core.player import Player
from tf_translate.core.schedules import LinearDecay
from tf_translate.core.translator import Translator
from tf_translate.errors import ConfigError
from tf_translate.experiment.configure import method_settings
from tf_translate.methods import registry


def build(config: Config) -> Translator:
    """Builds and compiles the translator of a configuration.

    Raises:
        ConfigError: If its networks cannot be built for images of `data.size`.
    """
    translator_class, _ = registry.find(config.method).load()
    settings = method_settings(config, "the configuration")
    shapes, told = _form(translator_class, config.data)
    try:
        translator = translator_class.from_settings(
            settings, *shapes, **told, loss_weights=config.loss_weights
        )
    except ValueError as error:
        sizes = " and ".join(str(shape) for shape in shapes)
        raise ConfigError(f"{config.method} cannot be built for images {sizes}: {error}") from error
    ends = stage_ends(config.training, translator)
    translator.compile(
        {
            player.name: _optimizer(settings, config.training, player, translator.players, ends)
            for player in translator.players
        },
        steps_per_execution=config.training.steps_per_execution,
        jit_compile=config.training.xla == "on",
    )
    return translator


def stage_ends(training: TrainingConfig, translator: Translator) -> list[tuple[str, int]]:
    """Each stage of training in order with the step it ends at; the last one takes the rest.

    Shares of stages that settings leave out are passed over.

    Raises:
        ConfigError: If `training.stages` names a stage that does not exist, or nothing is left
            for one.
    """
    stages, known = translator.stages, translator.known_stages()[:-1]
    unknown = sorted(set(training.stages) - set(known))
    if unknown:
        raise ConfigError(
            f"training.stages names {unknown}, but the stages ahead of the last are {list(known)}"
        )
    unit = training.steps_per_execution
    ends: list[tuple[str, int]] = []
    step = 0
    for stage in stages[:-1]:
        share = training.stages.get(stage, 1 / len(stages))
        step += max(unit, round(training.steps * share / unit) * unit)
        ends.append((stage, step))
    if step >= training.steps:
        raise ConfigError(
            f"training.steps must leave at least {unit} to the stage {stages[-1]!r} after "
            f"{step} of {[stage for stage, _ in ends]}, got {training.steps}"
        )
    return [*ends, (stages[-1], training.steps)]


def paper_model(method: str) -> Translator:
    """The method with its paper's settings and image sizes, for describing it."""
    translator, settings = registry.find(method).load()
    told = {"attributes": translator.paper_attributes} if translator.paper_attributes else {}
    return translator.from_settings(settings(), *translator.paper_shapes, **told)


def _form(translator: type[Translator], data: DataConfig) -> tuple[list, dict]:
    """What a method's networks must know of the data: shapes of images, and attributes."""
    shape_a, shape_b = (*data.size, data.channels_a), (*data.size, data.channels_b)
    if translator.layout == "attributes":
        return [shape_a], {"attributes": data.attributes}
    if translator.layout == "images":
        return [shape_a], {}
    return [shape_a, shape_b], {}


def _optimizer(
    settings: MethodSettings,
    training: TrainingConfig,
    player: Player,
    players: Sequence[Player],
    ends: list[tuple[str, int]],
) -> keras.optimizers.Optimizer:
    own = getattr(settings, player.optimizer).model_dump()
    rate = None
    if training.lr_schedule == "linear":
        start = training.lr_decay_start
        rate = _decay(own["learning_rate"], player, _played(player, players), ends, start)
    average = training.ema_momentum if player.averaged else 0.0
    return make_optimizer(own, learning_rate=rate, average=average)


def _played(player: Player, players: Sequence[Player]) -> float:
    """Share of the steps of its stage that a player plays in: it sits out others' bursts."""
    bursts = [each.burst for each in players if each.burst and each.stage == player.stage]
    if player.burst or not bursts:
        return 1.0
    return bursts[0].every / (bursts[0].every + bursts[0].turns - 1)


def _decay(
    rate: float, player: Player, share: float, ends: list[tuple[str, int]], start: float
) -> LinearDecay:
    """The fall of a player's rate, in updates of its optimizer: several a step if it has turns.

    `share` is that of the steps it plays in.
    """
    own = dict(ends)[player.stage]
    before = max((end for _, end in ends if end < own), default=0)
    updates = round((own - before) * player.turns * share)
    constant = int(updates * start)
    return LinearDecay(rate, constant, updates - constant)
