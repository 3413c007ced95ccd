"""Facts of the DualGAN paper and its published code."""

import numpy as np
import pytest
import tensorflow as tf

from tests.methods.tiny import identity_generator, tiny_discriminator
from tf_translate.errors import ConfigError
from tf_translate.methods.dualgan import DualGAN, DualGANSettings

SHAPE = (16, 16, 3)
_MEAN = {"gradient_penalty_reduction": "mean"}


def _random(seed, count=2):
    values = np.random.default_rng(seed).uniform(-1, 1, (count, *SHAPE))
    return tf.constant(values, tf.float32)


def _tiny(loss_weights=None, **settings):
    return DualGAN(
        identity_generator(SHAPE, "generator_ab"),
        identity_generator(SHAPE, "generator_ba"),
        tiny_discriminator(SHAPE, "discriminator_a"),
        tiny_discriminator(SHAPE, "discriminator_b"),
        settings=DualGANSettings(**settings),
        loss_weights=loss_weights,
    )


def test_loss_weights_are_those_of_the_code():
    weights = {term.name: term.weight for term in DualGAN.terms}
    assert weights == {
        "reconstruction_a": 500.0,
        "reconstruction_b": 500.0,
        "adversarial": 1.0,
        "discriminator": 1.0,
        "gradient_penalty": 10.0,
    }


def test_default_settings_are_those_of_the_paper():
    settings = DualGANSettings()
    assert (settings.gan_mode, settings.clip, settings.dropout) == ("wgan_clip", 0.01, 0.5)
    optimizer = settings.optimizer.model_dump()
    assert optimizer == {
        "kind": "rmsprop", "learning_rate": 5e-5, "rho": 0.9, "epsilon": 1e-10,
        "initial_mean_square": 1.0,
    }  # fmt: skip


def test_the_setting_kind_selects_another_optimizer():
    optimizer = DualGANSettings(optimizer={"kind": "adam", "learning_rate": 1e-4}).optimizer
    assert (optimizer.kind, optimizer.beta_1) == ("adam", 0.5)


@pytest.mark.parametrize(
    ("mode", "discriminators", "generators"),
    [("wgan_clip", (0, 1, 2), (2,)), ("wgan_gp", (0,), (0,)), ("vanilla", (0,), (0, 0))],
)
def test_the_gan_mode_determines_the_turns_of_both_players(mode, discriminators, generators):
    indices = [player.microbatches for player in _tiny(gan_mode=mode).players]
    assert indices == [discriminators, generators]


def test_the_number_of_discriminator_turns_is_a_setting():
    model = _tiny(discriminator_turns=5)
    assert [player.turns for player in model.players] == [5, 1]
    assert model.microbatches_per_step == 5


def test_objectives_equal_the_equations_written_in_numpy():
    model = _tiny(gan_mode="wgan_gp")
    x, y = _random(0), _random(1)
    batch = {"a": x, "b": y}
    fakes = {"fake_a": _random(2), "fake_b": _random(3)}
    d_a, d_b = (lambda i, d=d: d(i).numpy() for d in (model.discriminator_a, model.discriminator_b))
    losses = model.discriminators_objective(batch, fakes)
    expected = d_b(fakes["fake_b"]).mean() - d_b(y).mean()
    expected += d_a(fakes["fake_a"]).mean() - d_a(x).mean()
    assert float(losses["discriminator"]) == pytest.approx(expected, abs=1e-5)
    losses = model.generators_objective(batch, fakes)
    adversarial = -d_b(fakes["fake_b"]).mean() - d_a(fakes["fake_a"]).mean()
    assert float(losses["adversarial"]) == pytest.approx(adversarial, abs=1e-5)
    # Identity generators: the reconstruction is the fake itself.
    for name, fake, image in (("a", "fake_b", x), ("b", "fake_a", y)):
        reconstruction = np.abs(fakes[fake] - image).mean()
        assert float(losses[f"reconstruction_{name}"]) == pytest.approx(reconstruction, abs=1e-5)


def test_lambda_a_and_lambda_b_weigh_the_reconstructions_of_their_domains():
    given = {"reconstruction": 700.0, "reconstruction_b": 100.0}
    weights = {term.name: term.weight for term in _tiny(given).weighted_terms}
    assert (weights["reconstruction_a"], weights["reconstruction_b"]) == (700.0, 100.0)


@pytest.mark.parametrize("reduction", ["sum", "mean"])
def test_the_penalized_gradient_is_that_of_the_sum_of_all_patch_scores(reduction):
    # A discriminator of one 4x4 convolution is linear: every image has the same gradient, the
    # kernel at each of the 7x7 places that it is moved to.
    model = _tiny(gan_mode="wgan_gp", **({} if reduction == "sum" else _MEAN))
    batch = {"a": _random(0), "b": _random(1)}
    expected = 0.0
    for discriminator in (model.discriminator_a, model.discriminator_b):
        kernel, gradient = discriminator.get_weights()[0][..., 0], np.zeros(SHAPE)
        for row in range(7):
            for column in range(7):
                gradient[2 * row : 2 * row + 4, 2 * column : 2 * column + 4] += kernel
        expected += (np.linalg.norm(gradient / (49 if reduction == "mean" else 1)) - 1) ** 2
    losses = model.discriminators_objective(batch, model.translate_batch(batch))
    assert float(losses["gradient_penalty"]) == pytest.approx(expected, rel=1e-4)


def test_a_file_from_before_the_setting_keeps_the_penalty_of_the_mean():
    model = _tiny(gan_mode="wgan_gp")
    rebuilt = DualGAN.from_config(model.get_config())
    assert rebuilt.settings.gradient_penalty_reduction == "sum"
    config = model.get_config()
    del config["settings"]["gradient_penalty_reduction"]
    assert DualGAN.from_config(config).settings.gradient_penalty_reduction == "mean"


def test_only_wgan_gp_has_a_gradient_penalty():
    batch = {"a": _random(0), "b": _random(1)}
    for mode, terms in (
        ("wgan_gp", {"discriminator", "gradient_penalty"}),
        ("wgan_clip", {"discriminator"}),
    ):
        model = _tiny(gan_mode=mode)
        assert set(model.discriminators_objective(batch, model.translate_batch(batch))) == terms


def test_clipped_discriminators_stay_within_the_limit_after_every_step():
    model = _tiny(clip=0.02)
    model.compile(run_eagerly=True)
    model.train_step({"a": _random(0, 6), "b": _random(1, 6)})
    for discriminator in (model.discriminator_a, model.discriminator_b):
        largest = max(np.abs(weight.numpy()).max() for weight in discriminator.trainable_weights)
        assert largest == pytest.approx(0.02, rel=1e-6)


def test_every_turn_of_the_discriminators_uses_fresh_images():
    model = _tiny()
    model.compile(run_eagerly=True)
    batches = []
    plain = model.discriminators_objective
    model.discriminators_objective = lambda batch, shared: (
        batches.append(batch["a"].numpy()) or plain(batch, shared)
    )
    images = _random(0, 6)
    model.train_step({"a": images, "b": _random(1, 6)})
    assert len(batches) == 3
    np.testing.assert_array_equal(np.stack(batches, 1).reshape(images.shape), images)


def test_the_bottleneck_of_the_generator_has_no_norm():
    # At 1x1 the output of an instance norm is constant: only skips would carry information.
    settings = DualGANSettings(
        num_downsamples=3, base_filters=4, discriminator_downsamples=2, dropout=0.0
    )
    network = DualGAN.from_settings(settings, (8, 8, 3), (8, 8, 3)).generator_ab
    norms = [layer for layer in network.layers if type(layer).__name__ == "InstanceNormalization"]
    assert len(norms) == 1 + 2  # the middle of the encoder, two levels of the decoder
    assert all(layer.epsilon == 1e-6 for layer in norms)


def test_an_unknown_gan_mode_is_refused():
    with pytest.raises(ConfigError, match="it must be 'wgan_clip', 'wgan_gp' or"):
        _tiny(gan_mode="wgan")
