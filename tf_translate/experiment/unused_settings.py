"""Settings that were changed and have no effect, because of other settings or of the method."""

from collections.abc import Iterator

from tf_translate.config.load import load, presets
from tf_translate.config.schema import Config
from tf_translate.config.settings import Settings, shown
from tf_translate.experiment.configure import method_settings
from tf_translate.methods import registry

_OF_TWO_DOMAINS = (
    *("direction", "layout", "channels_b", "interpolation_b", "tfds_b"),
    *("domain_column", "domain_a", "domain_b", "label_column"),
)


def unused_settings(config: Config) -> list[str]:
    """A sentence on each setting that a user changed and that changes nothing.

    Values of a preset of the method were not changed by a user.

    What the data set itself does not use is said when it is opened.

    Example:
        "model.residual_blocks = 6 has no effect with model.generator = 'unet'; set
        model.generator = 'resnet' to use it"
    """
    settings = method_settings(config, config.method)
    shipped = [each for each in map(load, presets()) if each.method == config.method]
    models = [method_settings(each, each.method) for each in shipped]
    return [
        *config.training.without_effect("training", [each.training for each in shipped]),
        *settings.without_effect("model", models),
        *_loss_weights(config, settings),
        *_of_other_data(config),
    ]


def _loss_weights(config: Config, settings: Settings) -> Iterator[str]:
    """On weights of terms that no network has with these settings."""
    translator = registry.find(config.method).translator
    defaults = {term.name: term.weight for term in translator.terms}
    for name, reason in translator.absent_terms(settings, config.loss_weights).items():
        weight = config.loss_weights.get(name, 0.0)
        if weight and weight != defaults[name]:
            yield f"loss_weights.{name} = {shown(weight)} has no effect: {reason}"


def _of_other_data(config: Config) -> Iterator[str]:
    """On settings of data and evaluation for methods that learn from another kind of data."""
    layout, evaluation = registry.find(config.method).layout, config.evaluation
    of_domains = layout not in ("attributes", "images")
    changed = [
        *(_changed(config.data, "data", ("attributes",) if of_domains else _OF_TWO_DOMAINS)),
        *(() if of_domains else _changed(evaluation, "evaluation", ("judge_path",))),
    ]
    for setting in changed:
        if not (layout == "attributes" and setting == "data.layout = 'attributes'"):
            yield (
                f"{setting} has no effect on {config.method}, which learns from "
                f"{registry.LAYOUTS[layout]}; leave it out"
            )
    if not evaluation.attributes:
        for setting in _changed(evaluation, "evaluation", ("attribute_images",)):
            yield f"{setting} has no effect without evaluation.attributes; leave it out"


def _changed(settings: Settings, group: str, names: tuple[str, ...]) -> Iterator[str]:
    fields = type(settings).model_fields
    for name in names:
        value = getattr(settings, name)
        if value != fields[name].get_default(call_default_factory=True):
            yield f"{group}.{name} = {shown(value)}"
