"""A setting that does not fit ends in one sentence, in Python as in a file."""

import copy
import inspect
import pickle

import keras
import pytest

from tf_translate.config.data import DataConfig
from tf_translate.config.load import validate
from tf_translate.config.schema import Config, TrainingConfig
from tf_translate.config.setting_errors import keys
from tf_translate.config.settings import AdamSettings, MethodSettings, RMSpropSettings
from tf_translate.errors import ConfigError
from tf_translate.methods.cyclegan import CycleGAN, CycleGANSettings
from tf_translate.methods.dualgan import DualGANSettings
from tf_translate.methods.fader import Fader

OPTIMIZERS = "(in Python: AdamSettings or RMSpropSettings)"


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({"base_filters": 0}, "base_filters = 0 is not allowed: it must be 1 or more"),
        (
            {"base_filters": "many"},
            "base_filters = 'many' is not allowed: it must be a whole number",
        ),
        (
            {"norm": "instanc"},
            "norm = 'instanc' is not allowed: it must be 'instance', 'instance_affine', 'batch' or "
            "'none'; did you mean 'instance'?",
        ),
        (
            {"input_skip": "no way"},
            "input_skip = 'no way' is not allowed: it must be true or false",
        ),
        ({"base_filter": 3}, "there is no setting 'base_filter'; did you mean 'base_filters'?"),
        (
            {"loss_weights": 3},
            "there is no setting 'loss_weights'; the weights of loss terms are no settings of the "
            "networks: give `loss_weights` to `from_settings` or to the constructor of the method",
        ),
        (
            {"optimizer": "adam"},
            f"optimizer = 'adam' is not allowed: it must be a table of settings {OPTIMIZERS}",
        ),
        (
            {"optimizer": {"kind": "sgd"}},
            "optimizer = {'kind': 'sgd'} is not allowed: it must be a table of settings whose kind "
            f"is 'adam' or 'rmsprop' {OPTIMIZERS}",
        ),
        (
            {"optimizer": {"learning_rate": 0}},
            "optimizer.learning_rate = 0 is not allowed: it must be above 0",
        ),
        (
            {"optimizer": {"rho": 0.5}},
            "there is no setting 'optimizer.rho' with this optimizer.kind; it needs "
            "optimizer.kind = 'rmsprop'",
        ),
    ],
)
def test_a_mistake_names_class_argument_value_and_rule(values, expected):
    with pytest.raises(ConfigError) as caught:
        CycleGANSettings(**values)
    assert str(caught.value) == f"CycleGANSettings: {expected}"
    if "loss_weights" not in values:
        with pytest.raises(ConfigError) as caught:  # the same in a file
            validate(CycleGANSettings, values, "mine.toml")
        assert str(caught.value) == f"mine.toml: {expected}"


def test_loss_weights_among_the_settings_of_a_file_are_a_table_of_their_own():
    with pytest.raises(ConfigError, match=r"\[loss_weights\], a table of its own"):
        validate(CycleGANSettings, {"loss_weights": {"cycle": 5}}, "mine.toml", prefix="model.")


def test_settings_of_another_class_are_refused_without_their_whole_content():
    with pytest.raises(ConfigError) as caught:
        CycleGANSettings(optimizer=DualGANSettings())
    sentence = str(caught.value)
    assert sentence.startswith("CycleGANSettings: optimizer = DualGANSettings(")
    assert sentence.endswith(f"whose kind is 'adam' or 'rmsprop' {OPTIMIZERS}")
    assert len(sentence) < 300


def test_a_rule_on_several_settings_is_said_as_it_is():
    with pytest.raises(ConfigError, match=r"^TrainingConfig: steps must divide by steps_per_exec"):
        TrainingConfig(steps=3, steps_per_execution=2)
    values = {"method": "m", "data": {"path": "x"}, "training": {"patience": 3}}
    with pytest.raises(ConfigError, match=r"^mine.toml: training: patience counts measured check"):
        validate(Config, values, "mine.toml")


def test_a_missing_setting_and_settings_by_position_show_the_argument():
    with pytest.raises(ConfigError, match=r"^DataConfig: the setting 'path' is missing$"):
        DataConfig()
    expected = "DataConfig takes its settings by name, as in DataConfig(path='photos'), got"
    with pytest.raises(ConfigError) as caught:
        DataConfig("photos")
    assert str(caught.value) == f"{expected} 'photos'"
    with pytest.raises(ConfigError, match=r"as in CycleGANSettings\(generator='resnet'\), got 3$"):
        CycleGANSettings(3)


def test_settings_without_values_of_their_own_show_an_argument_too():
    class Plain(MethodSettings):
        pass

    with pytest.raises(ConfigError, match=r"as in Plain\(optimizer=AdamSettings\(.*\), got 3$"):
        Plain(3)


def test_settings_cannot_be_changed_and_the_sentence_shows_how_to_make_others():
    settings = CycleGANSettings()
    with pytest.raises(ConfigError) as caught:
        settings.base_filters = 32
    code = str(caught.value).partition("make new ones: ")[2]
    assert eval(code) == CycleGANSettings(base_filters=32)


def test_settings_are_built_copied_and_inspected_as_before():
    settings = CycleGANSettings(optimizer=RMSpropSettings(rho=0.5))
    assert pickle.loads(pickle.dumps(settings)) == copy.deepcopy(settings) == settings
    assert CycleGANSettings.model_validate(settings.model_dump()) == settings
    assert "base_filters" in inspect.signature(CycleGANSettings).parameters
    assert "arguments" not in inspect.signature(CycleGANSettings).parameters
    nested = keys(CycleGANSettings)
    assert len(nested) == len(set(nested))
    assert {f"optimizer.{name}" for name in AdamSettings.model_fields} <= set(nested)


def test_a_method_takes_only_its_own_settings():
    with pytest.raises(ValueError, match="must be those of CycleGAN") as caught:
        CycleGAN(settings={"base_filters": 4})
    assert str(caught.value) == (
        "`settings` must be those of CycleGAN, got {'base_filters': 4}: "
        "settings=CycleGANSettings(base_filters=4)"
    )
    networks = [keras.Sequential()] * 4
    with pytest.raises(ValueError, match=r"got DualGANSettings: settings=CycleGANSettings\(\)$"):
        CycleGAN(*networks, settings=DualGANSettings())
    with pytest.raises(ValueError, match=r"Fader, got DualGANSettings: Fader.from_settings\(Fad"):
        Fader.from_settings(DualGANSettings(), (32, 32, 3), attributes={"glasses": ["0", "1"]})
