"""Optimizers and games of presets that the authors' code decides."""

import pytest

from tf_translate.config.load import presets
from tf_translate.experiment.configure import resolve
from tf_translate.methods.registry import find

ABLATIONS = {"discogan_gan", "discogan_recongan"}
PUBLISHED = "_paper", "_simple", "_code"
OF_AUTHORS = sorted(
    {*(name for name in presets() if name.endswith(PUBLISHED)), *ABLATIONS, "dtn_faces"}
)


@pytest.mark.parametrize("name", OF_AUTHORS)
def test_the_optimizers_of_a_papers_preset_have_the_constants_of_its_code(name):
    config = resolve(name)
    defaults = find(config.method).settings().model_dump(mode="json")
    found = {key: value for key, value in config.model.items() if key.endswith("optimizer")}
    assert found
    for key, optimizer in found.items():
        if config.method in ("dualgan", "genegan"):  # TensorFlow 1
            assert (optimizer["epsilon"], optimizer["initial_mean_square"]) == (1e-10, 1.0)
        else:  # Torch7, TensorFlow 1, Lasagne and PyTorch of 2017 agree
            constants = optimizer["epsilon"], optimizer["epsilon_form"]
            assert constants == (1e-8, "before_bias_correction")
        assert optimizer == defaults[key]  # learning rate and betas are the method's own


@pytest.mark.parametrize(("name", "turns"), [("dualgan_paper", 3), ("dualgan_code", 1)])
def test_dualgan_passes_400_facades_100_times_with_reconstruction_at_1000(name, turns):
    config = resolve(name)
    weights = config.loss_weights
    assert (weights["reconstruction_a"], weights["reconstruction_b"]) == (1000.0, 1000.0)
    # Each turn of the discriminators takes a fresh pair.
    assert config.training.steps * turns == pytest.approx(400 * 100, abs=turns)


def test_dualgans_code_has_a_global_head_no_dropout_and_the_gradient_of_the_sum():
    model = resolve("dualgan_code").model
    keys = "gan_mode", "discriminator_head", "dropout", "gradient_penalty_reduction"
    assert [model[key] for key in keys] == ["wgan_gp", "global", 0.0, "sum"]
