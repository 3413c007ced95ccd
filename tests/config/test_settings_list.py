"""The list of settings that `tf-translate settings` shows."""

import pytest

from scripts.results.methods_table import own_methods
from tf_translate.config.data import DataConfig
from tf_translate.config.schema import Config, TrainingConfig
from tf_translate.config.settings import AdamSettings, RMSpropSettings
from tf_translate.config.settings_list import list_settings, split_source
from tf_translate.methods.age_cgan import AgeCGANSettings
from tf_translate.methods.cyclegan import CycleGANSettings

# Not all registered methods: other tests import methods of their own.
METHODS = own_methods()


def _by_key(*arguments, **options):
    return {one.key: one for one in list_settings(*arguments, **options)}


def test_types_and_ranges_are_words():
    data, training = _by_key(DataConfig), _by_key(TrainingConfig)
    assert (data["size"].type, data["size"].range) == ("[integer, integer]", "each 1 to 8192")
    assert data["load_size"].type == "[integer, integer] or not set"
    assert data["attributes"].type == "table of lists of text by name"
    assert data["flip"].type == '"none" or "horizontal"'
    assert data["path"].required
    assert training["stages"].range == "each above 0 and below 1"
    assert training["ema_momentum"].range == "0 or more and below 1"
    assert (training["steps"].type, training["steps"].range) == ("integer", "1 or more")


def test_an_optimizer_lists_its_own_keys_and_those_of_the_other_kind():
    adam = _by_key(CycleGANSettings, prefix="model.")
    assert adam["model.optimizer.kind"].type == '"adam" or "rmsprop"'
    assert adam["model.optimizer.beta_1"].default == AdamSettings().beta_1
    assert adam["model.optimizer.rho"].only_with == 'model.optimizer.kind = "rmsprop"'
    values = CycleGANSettings(optimizer=RMSpropSettings(rho=0.5))
    rmsprop = _by_key(CycleGANSettings, values, prefix="model.")
    kind, rho = rmsprop["model.optimizer.kind"], rmsprop["model.optimizer.rho"]
    assert (kind.value, kind.default) == ("rmsprop", "adam")
    assert (rho.value, rho.default, rho.only_with) == (0.5, 0.9, "")
    assert rmsprop["model.optimizer.beta_1"].only_with == 'model.optimizer.kind = "adam"'


def test_a_methods_own_constants_are_the_defaults_of_nested_settings():
    settings = _by_key(AgeCGANSettings)
    assert settings["encoder_optimizer.beta_1"].default == 0.1  # that of Adam alone is 0.5
    assert settings["search.objective"].source.startswith("paper: identity")


def test_the_source_is_split_off():
    assert split_source("size (of z) of all (paper, eq. 2)") == (
        "size (of z) of all",
        "paper, eq. 2",
    )
    assert split_source("size (of z) of all") == ("size (of z) of all", "")


@pytest.mark.parametrize("model", [Config, *(method.settings for method in METHODS)])
def test_every_setting_is_described_in_words(model):
    for one in list_settings(model):
        assert len(one.description.split()) >= 3, f"{one.key}: {one.description!r}"
        assert not one.description.startswith(("of ", "section", "appendix")), one.key


@pytest.mark.parametrize("method", METHODS, ids=lambda method: method.name)
def test_every_setting_of_a_method_has_a_source_and_every_loss_term_a_description(method):
    without = [
        one.key
        for one in list_settings(method.settings)
        if not one.source and not split_source(one.group)[1]
    ]
    assert not without
    assert all(term.description for term in method.translator.terms)
