"""A run that begins with the networks of another."""

import keras
import numpy as np

from tests.cli.conftest import settings
from tf_translate.experiment.build import build
from tf_translate.experiment.configure import read_config
from tf_translate.experiment.load_run import load_model
from tf_translate.methods.fader import Fader, FaderSettings


def _options(trained, *more):
    data = trained.parent / "pairs"
    return settings(f"data.path={data}", f"training.init_from={trained}", *more)


def test_a_run_begins_with_the_weights_of_another(command, trained, tmp_path):
    run = tmp_path / "next"
    # A rate of nearly 0: what comes out is what it began with.
    options = _options(trained, "training.steps=1", "model.optimizer.learning_rate=1e-12")
    code, _, words = command("train", "pix2pix", "--run", run, *options)
    assert code == 0, words
    begun, other = load_model(run), load_model(trained)
    for old, new in zip(
        other.generator.trainable_weights, begun.generator.trainable_weights, strict=True
    ):
        np.testing.assert_allclose(new, old, atol=1e-6)
    keras.utils.set_random_seed(0)
    fresh = build(read_config(trained)).generator.trainable_weights
    assert any(np.abs(a.numpy() - b.numpy()).max() > 1e-3 for a, b in zip(
        fresh, other.generator.trainable_weights, strict=True))  # fmt: skip


def test_networks_of_other_sizes_and_methods_are_refused(mistake, trained, tmp_path):
    options = _options(trained, "training.steps=1", "model.base_filters=8")
    told = mistake("train", "pix2pix", "--run", tmp_path / "a", *options)
    assert "training.init_from must be a run whose generator has the sizes" in told
    options = ("--set", f"training.init_from={trained}")
    told = mistake("train", "cyclegan", "--run", tmp_path / "b", *options)
    assert f"must be a run of cyclegan, {trained} is one of pix2pix" in told
    gone = ("--set", f"training.init_from={tmp_path / 'none'}")
    assert "is not a run" in mistake("train", "pix2pix", "--run", tmp_path / "c", *gone)
    assert not any((tmp_path / name).exists() for name in "abc")


def test_a_network_the_other_run_lacks_stays_as_it_is():
    from tf_translate.experiment.train import take_networks

    def model(seed, weights=None):
        keras.utils.set_random_seed(seed)
        sizes = FaderSettings(num_downsamples=2, base_filters=4, max_filters=8)
        told = {"attributes": {"glasses": ["0", "1"]}, "loss_weights": weights}
        return Fader.from_settings(sizes, (16, 16, 3), **told)

    plain, fed = model(0), model(1, {"attribute_classification": 0.1})
    kept = [np.array(weight) for weight in fed.classifier.weights]
    take_networks(fed, plain)
    for name in ("encoder", "decoder", "latent_discriminator"):
        for own, theirs in zip(
            getattr(fed, name).weights, getattr(plain, name).weights, strict=True
        ):
            np.testing.assert_array_equal(own, theirs)
    for old, weight in zip(kept, fed.classifier.weights, strict=True):
        np.testing.assert_array_equal(old, weight)
