"""`training.init_from`: a run that starts from the weights of another run."""

import keras
import numpy as np
import pytest

from tests.cli.conftest import settings
from tf_translate.experiment.build import build
from tf_translate.experiment.configure import read_config
from tf_translate.experiment.load_run import load_model
from tf_translate.methods.fader import Fader, FaderSettings


def _options(trained, *more):
    data = trained.parent / "pairs"
    return settings(f"data.path={data}", f"training.init_from={trained}", *more)


@pytest.mark.slow
def test_a_run_starts_from_the_weights_of_another(command, trained, tmp_path):
    run = tmp_path / "next"
    # With a learning rate near 0 the final weights are the initial ones.
    options = _options(trained, "training.steps=1", "model.optimizer.learning_rate=1e-12")
    code, _, error = command("train", "pix2pix", "--run", run, *options)
    assert code == 0, error
    initialized, source = load_model(run), load_model(trained)
    for old, new in zip(
        source.generator.trainable_weights, initialized.generator.trainable_weights, strict=True
    ):
        np.testing.assert_allclose(new, old, atol=1e-6)
    keras.utils.set_random_seed(0)
    random = build(read_config(trained)).generator.trainable_weights
    assert any(np.abs(a.numpy() - b.numpy()).max() > 1e-3 for a, b in zip(
        random, source.generator.trainable_weights, strict=True))  # fmt: skip


@pytest.mark.thorough
def test_runs_with_other_weight_shapes_or_methods_are_rejected(mistake, trained, tmp_path):
    options = _options(trained, "training.steps=1", "model.base_filters=8")
    sentence = mistake("train", "pix2pix", "--run", tmp_path / "a", *options)
    assert "training.init_from must be a run whose generator has the same weight shapes" in sentence
    options = ("--set", f"training.init_from={trained}")
    sentence = mistake("train", "cyclegan", "--run", tmp_path / "b", *options)
    assert f"must be a run of cyclegan, {trained} is one of pix2pix" in sentence
    missing = ("--set", f"training.init_from={tmp_path / 'none'}")
    assert "is not a run" in mistake("train", "pix2pix", "--run", tmp_path / "c", *missing)
    assert not any((tmp_path / name).exists() for name in "abc")


def test_a_network_that_the_other_run_lacks_keeps_its_weights():
    from tf_translate.experiment.train import copy_network_weights

    def model(seed, weights=None):
        keras.utils.set_random_seed(seed)
        tiny = FaderSettings(num_downsamples=2, base_filters=4, max_filters=8)
        options = {"attributes": {"glasses": ["0", "1"]}, "loss_weights": weights}
        return Fader.from_settings(tiny, (16, 16, 3), **options)

    source, target = model(0), model(1, {"attribute_classification": 0.1})
    classifier_weights = [np.array(weight) for weight in target.classifier.weights]
    copy_network_weights(source, target)
    for name in ("encoder", "decoder", "latent_discriminator"):
        for new, expected in zip(
            getattr(target, name).weights, getattr(source, name).weights, strict=True
        ):
            np.testing.assert_array_equal(new, expected)
    for old, weight in zip(classifier_weights, target.classifier.weights, strict=True):
        np.testing.assert_array_equal(old, weight)
