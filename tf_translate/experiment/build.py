"""Translators built and compiled from configurations."""

import keras

from tf_translate.config.data import DataConfig
from tf_translate.config.schema import Config, TrainingConfig
from tf_translate.core.optimizers import make_optimizer
from tf_translate.core.player import Player
from tf_translate.core.schedules import LinearDecay, PiecewiseConstant
from tf_translate.core.translator import Translator
from tf_translate.errors import ConfigError
from tf_translate.experiment.configure import method_settings
from tf_translate.methods import registry


def build(config: Config) -> Translator:
    """Builds and compiles the translator of a configuration.

    Raises:
        ConfigError: If its networks cannot be built for images of `data.size`.
    """
    translator_class = registry.find(config.method).translator
    settings = method_settings(config, "the configuration")
    shapes, attributes = _shapes_and_attributes(translator_class, config.data)
    try:
        translator = translator_class.from_settings(
            settings, *shapes, **attributes, loss_weights=config.loss_weights
        )
    except ValueError as error:
        sizes = " and ".join(str(shape) for shape in shapes)
        raise ConfigError(f"{config.method} cannot be built for images {sizes}: {error}") from error
    ends = stage_ends(config.training, translator)
    translator.compile(
        {
            player.name: _optimizer(translator, config.training, player, ends)
            for player in translator.players
        },
        steps_per_execution=config.training.steps_per_execution,
        jit_compile=config.training.xla == "on",
    )
    return translator


def stage_ends(training: TrainingConfig, translator: Translator) -> list[tuple[str, int]]:
    """Each stage of training in order with the step it ends at; the last one takes the rest.

    Fractions of stages that settings leave out are ignored.

    Raises:
        ConfigError: If `training.stages` names a stage that does not exist, or nothing is left
            for one.
    """
    stages, known = translator.stages, translator.known_stages()[:-1]
    unknown = sorted(set(training.stages) - set(known))
    if unknown:
        raise ConfigError(
            f"training.stages names {unknown}, but the stages before the last are {list(known)}"
        )
    unit = training.steps_per_execution
    ends: list[tuple[str, int]] = []
    step = 0
    for stage in stages[:-1]:
        fraction = training.stages.get(stage, 1 / len(stages))
        step += max(unit, round(training.steps * fraction / unit) * unit)
        ends.append((stage, step))
    if step >= training.steps:
        raise ConfigError(
            f"training.steps must leave at least {unit} to the stage {stages[-1]!r} after "
            f"{step} of {[stage for stage, _ in ends]}, got {training.steps}"
        )
    return [*ends, (stages[-1], training.steps)]


def keep_stage_ends(
    training: TrainingConfig, previous: TrainingConfig, translator: Translator
) -> TrainingConfig:
    """Settings with which each stage before the last ends where it did.

    A run that gets more steps, or fewer, changes the last stage only: earlier stages may be over.

    Args:
        training: Settings with another number of steps.
        previous: Settings that the run was trained with.
        translator: Its stages.

    Raises:
        ConfigError: If no step is left for the last stage.
    """
    if training.steps == previous.steps:
        return training
    fractions, start = {}, 0
    for stage, end in stage_ends(previous, translator)[:-1]:
        fractions[stage] = (end - start) / training.steps
        start = end
    kept = training.model_copy(update={"stages": fractions})
    stage_ends(kept, translator)
    return kept


def paper_model(method: str) -> Translator:
    """The method with its paper's settings and image sizes, for describing it."""
    entry = registry.find(method)
    attributes = entry.translator.paper_attributes or None
    return entry.translator.from_settings(
        entry.settings(), *entry.translator.paper_shapes, attributes=attributes
    )


def _shapes_and_attributes(translator: type[Translator], data: DataConfig) -> tuple[list, dict]:
    """Arguments of `from_settings` that come from the data."""
    shape_a, shape_b = (*data.size, data.channels_a), (*data.size, data.channels_b)
    if translator.layout == "attributes":
        return [shape_a], {"attributes": data.attributes}
    if translator.layout == "images":
        return [shape_a], {}
    return [shape_a, shape_b], {}


def averaged_updates(config: Config, translator: Translator) -> dict[str, int]:
    """Updates of each player whose weights have a moving average, by its name."""
    training = config.training
    if not training.ema_momentum:
        return {}
    ends = stage_ends(training, translator)
    counts = {
        player.name: _updates(player, translator.fraction_of_steps(player), ends)
        for player in translator.players
        if player.ema_if_enabled
    }
    return {name: count for name, count in counts.items() if count}


def _optimizer(
    translator: Translator, training: TrainingConfig, player: Player, ends: list[tuple[str, int]]
) -> keras.optimizers.Optimizer:
    own = getattr(translator.settings, player.optimizer_setting).model_dump()
    updates = _updates(player, translator.fraction_of_steps(player), ends)
    learning_rate = _learning_rate(training, own["learning_rate"], updates)
    ema_momentum = training.ema_momentum if player.ema_if_enabled else 0.0
    return make_optimizer(own, learning_rate=learning_rate, ema_momentum=ema_momentum)


def _learning_rate(
    training: TrainingConfig, first: float, updates: int
) -> keras.optimizers.schedules.LearningRateSchedule | None:
    """The schedule of an optimizer that takes so many updates; None: constant.

    Constant too for an optimizer that takes none.
    """
    if not updates:
        return None
    if training.lr_schedule == "linear":
        constant = int(updates * training.lr_decay_start)
        return LinearDecay(first, constant, updates - constant)
    if training.lr_schedule == "piecewise":
        boundaries = [round(updates * fraction) for fraction in training.lr_boundaries]
        if boundaries != sorted({*boundaries, 0})[1:]:
            raise ConfigError(
                f"training.lr_boundaries must be different updates, got {boundaries} of {updates}; "
                "train for more steps, or set boundaries that are further apart"
            )
        return PiecewiseConstant(boundaries, [first, *(first * f for f in training.lr_factors)])
    return None


def _updates(player: Player, fraction: float, ends: list[tuple[str, int]]) -> int:
    """Number of updates of a player's optimizer in its stage: steps x turns x fraction.

    Args:
        player: The player.
        fraction: The fraction of its stage's steps in which it takes turns.
        ends: Each stage with the step it ends at.

    Returns:
        0 for a player of a stage that is left out, as all its terms have weight 0.
    """
    if player.stage not in dict(ends):
        return 0
    end = dict(ends)[player.stage]
    start = max((other for _, other in ends if other < end), default=0)
    return round((end - start) * player.turns * fraction)
