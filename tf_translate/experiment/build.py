"""Translators built and compiled from configurations."""

from tf_translate.config.schema import Config, TrainingConfig
from tf_translate.core.optimizers import make_optimizer
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
    shape_a = (*config.data.size, config.data.channels_a)
    shape_b = (*config.data.size, config.data.channels_b)
    try:
        translator = translator_class.from_settings(
            settings, shape_a, shape_b, term_weights=config.terms
        )
    except ValueError as error:
        raise ConfigError(
            f"{config.method} cannot be built for images {shape_a} and {shape_b}: {error}"
        ) from error
    training = config.training
    optimizer = settings.optimizer.model_dump()
    translator.compile(
        {
            player.name: make_optimizer(
                optimizer,
                learning_rate=_decay(training, optimizer["learning_rate"]),
                average=training.average if player.averaged else 0.0,
            )
            for player in translator.players
        },
        steps_per_execution=training.steps_per_execution,
    )
    return translator


def paper_model(method: str, size: tuple[int, int] = (256, 256)) -> Translator:
    """The method with its paper's settings on colour images, for describing it."""
    translator, settings = registry.find(method).load()
    return translator.from_settings(settings(), (*size, 3), (*size, 3))


def _decay(training: TrainingConfig, rate: float) -> LinearDecay | None:
    if training.decay == "none":
        return None
    constant = int(training.steps * training.decay_start)
    return LinearDecay(rate, constant, training.steps - constant)
