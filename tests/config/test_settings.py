"""What all methods' settings share: the fields of their optimizers."""

import pytest

from tf_translate.config.settings import AdamSettings, RMSpropSettings
from tf_translate.errors import ConfigError
from tf_translate.methods.dtn import DTNSettings
from tf_translate.methods.genegan import GeneGANSettings


def test_keys_that_are_not_given_are_those_of_the_methods_own_optimizer():
    rmsprop = GeneGANSettings(optimizer={"learning_rate": 1e-4}).optimizer
    assert (rmsprop.learning_rate, rmsprop.rho, rmsprop.initial_mean_square) == (1e-4, 0.8, 1.0)
    adam = DTNSettings(optimizer={"kind": "adam", "epsilon": 1e-7}).optimizer
    assert (adam.learning_rate, adam.beta_1, adam.epsilon) == (3e-4, 0.9, 1e-7)


def test_an_optimizer_of_another_kind_has_its_own_defaults():
    assert GeneGANSettings(optimizer={"kind": "adam"}).optimizer == AdamSettings()
    assert DTNSettings(optimizer={"kind": "rmsprop"}).optimizer == RMSpropSettings()


@pytest.mark.parametrize(
    "optimizer", [{"epsilon": 0.0}, {"epsilon_form": "after"}, {"initial_mean_square": 1.0}]
)
def test_impossible_constants_of_adam_are_refused(optimizer):
    with pytest.raises(ConfigError):
        DTNSettings(optimizer=optimizer)


@pytest.mark.parametrize("value", [-1.0, float("inf"), float("nan")])
def test_an_impossible_mean_square_is_refused(value):
    with pytest.raises(ConfigError, match="initial_mean_square"):
        GeneGANSettings(optimizer={"initial_mean_square": value})
