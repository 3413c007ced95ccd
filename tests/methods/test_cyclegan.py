"""Facts of the CycleGAN paper and its published code."""

import numpy as np
import pytest
import tensorflow as tf

from tests.methods.tiny import count_passes, identity_generator, tiny_discriminator
from tf_translate.keras_files.loading import load_keras_file
from tf_translate.layers.instance_norm import InstanceNormalization
from tf_translate.methods.cyclegan import CycleGAN, CycleGANSettings

SHAPE = (16, 16, 3)


def _random(seed):
    return tf.constant(np.random.default_rng(seed).uniform(-1, 1, (2, *SHAPE)), tf.float32)


def _tiny(loss_weights=None, **settings):
    return CycleGAN(
        identity_generator(SHAPE, "generator_ab"),
        identity_generator(SHAPE, "generator_ba"),
        tiny_discriminator(SHAPE, "discriminator_a"),
        tiny_discriminator(SHAPE, "discriminator_b"),
        settings=CycleGANSettings(**settings),
        loss_weights=loss_weights,
    )


def test_the_loss_weights_are_10_for_the_cycle_and_half_of_it_for_identity():
    weights = {term.name: term.weight for term in CycleGAN.terms}
    assert weights == {
        "cycle_a": 10.0, "cycle_b": 10.0, "identity_a": 5.0, "identity_b": 5.0,
        "adversarial": 1.0, "discriminator": 1.0, "r1": 0.0,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("lambdas", "expected"),
    [
        ({"cycle_a": 20.0, "cycle_b": 4.0}, (20.0, 4.0, 10.0, 2.0)),  # lambda_identity is 0.5
        ({"cycle": 4.0}, (4.0, 4.0, 2.0, 2.0)),
        ({"cycle": 4.0, "identity": 1.0}, (4.0, 4.0, 1.0, 1.0)),
    ],
)
def test_the_codes_lambdas_weigh_cycle_and_identity_of_their_domain(lambdas, expected):
    weights = {term.name: term.weight for term in _tiny(lambdas).weighted_terms}
    names = ("cycle_a", "cycle_b", "identity_a", "identity_b")
    assert tuple(weights[name] for name in names) == expected


def test_a_file_with_one_weight_for_both_directions_loads(tmp_path):
    given = {"cycle": 4.0, "identity": 1.0, "adversarial": 1.0, "discriminator": 1.0}
    _tiny(given, pool_size=2).save(tmp_path / "model.keras")
    model = load_keras_file(tmp_path / "model.keras")
    assert model.loss_weights == given
    assert [term.weight for term in model.weighted_terms] == [4.0, 4.0, 1.0, 1.0, 1.0, 1.0, 0.0]


def test_default_settings_are_those_of_the_paper():
    settings = CycleGANSettings()
    assert (settings.residual_blocks, settings.pool_size, settings.gan_mode) == (
        9,
        50,
        "least_squares",
    )
    assert settings.optimizer.model_dump() == {
        "kind": "adam",
        "learning_rate": 2e-4,
        "beta_1": 0.5,
        "beta_2": 0.999,
        "epsilon": 1e-8,
        "epsilon_form": "before_bias_correction",
    }


def test_the_generators_take_the_first_turn_and_both_are_updated_at_once():
    assert [(player.name, player.networks) for player in CycleGAN.players] == [
        ("generators", ("generator_ab", "generator_ba")),
        ("discriminators", ("discriminator_a", "discriminator_b")),
    ]


def test_identity_generators_have_no_cycle_or_identity_loss():
    model = _tiny()
    batch = {"a": _random(0), "b": _random(1)}
    losses = model.generators_objective(batch, model.translate_batch(batch))
    for name in ("cycle_a", "cycle_b", "identity_a", "identity_b"):
        assert float(losses[name]) == pytest.approx(0.0, abs=1e-6)


@pytest.mark.thorough
def test_objectives_equal_the_equations_written_in_numpy():
    model = CycleGAN.from_settings(
        CycleGANSettings(
            residual_blocks=1,
            base_filters=4,
            discriminator_layers=1,
            discriminator_filters=4,
            pool_size=0,
        ),
        SHAPE,
        SHAPE,
    )
    x, y = _random(0), _random(1)
    g, f = model.generator_ab, model.generator_ba
    d_x, d_y = (
        lambda i, d=d: d(i, training=True).numpy()
        for d in (model.discriminator_a, model.discriminator_b)
    )
    fake_y, fake_x = g(x, training=True), f(y, training=True)
    batch = {"a": x, "b": y}
    losses = model.generators_objective(batch, {"fake_a": fake_x, "fake_b": fake_y})
    content = {
        "cycle_a": np.abs(f(fake_y) - x).mean(),
        "cycle_b": np.abs(g(fake_x) - y).mean(),
        "identity_a": np.abs(f(x) - x).mean(),
        "identity_b": np.abs(g(y) - y).mean(),
    }
    adversarial = ((d_y(fake_y) - 1) ** 2).mean() + ((d_x(fake_x) - 1) ** 2).mean()
    for name, expected in content.items():
        assert float(losses[name]) == pytest.approx(expected, abs=1e-4)
    assert float(losses["adversarial"]) == pytest.approx(adversarial, abs=1e-4)
    discriminators = model.discriminators_objective(batch, {"fake_a": fake_x, "fake_b": fake_y})[
        "discriminator"
    ]
    expected = 0.5 * ((d_y(y) - 1) ** 2).mean() + 0.5 * (d_y(fake_y) ** 2).mean()
    expected += 0.5 * ((d_x(x) - 1) ** 2).mean() + 0.5 * (d_x(fake_x) ** 2).mean()
    assert float(discriminators) == pytest.approx(expected, abs=1e-4)


def test_swapping_the_domains_swaps_their_losses():
    model = _tiny(pool_size=0)
    batch = {"a": _random(0), "b": _random(1)}
    swapped = CycleGAN(
        model.generator_ba,
        model.generator_ab,
        model.discriminator_b,
        model.discriminator_a,
        settings=CycleGANSettings(pool_size=0),
    )
    other = {"a": batch["b"], "b": batch["a"]}
    losses = model.generators_objective(batch, model.translate_batch(batch))
    again = swapped.generators_objective(other, swapped.translate_batch(other))
    other_name = {f"{name}_{side}": f"{name}_{other}" for name in ("cycle", "identity")
                  for side, other in ("ab", "ba")}  # fmt: skip
    for name, value in losses.items():
        assert float(again[other_name.get(name, name)]) == pytest.approx(float(value), rel=1e-5)


@pytest.mark.parametrize(
    ("weights", "passes"), [({}, 6), ({"identity": 0.0}, 4), ({"cycle_b": 0.0, "identity": 0.0}, 3)]
)
def test_a_step_runs_the_generators_as_often_as_the_equations_need(weights, passes, monkeypatch):
    # G(x), F(y), F(G(x)), G(F(y)) and, with identity, G(y), F(x).
    model = _tiny(loss_weights=weights)
    model.compile(run_eagerly=True)
    calls = count_passes(model, monkeypatch)
    model.train_step({"a": _random(0), "b": _random(1)})
    assert calls["generator_ab"] + calls["generator_ba"] == passes
    # A fake image in the generators' turn, then a real image and one from the pool.
    assert calls["discriminator_a"] == calls["discriminator_b"] == 3


def test_discriminators_learn_from_the_pool_once_it_is_full():
    model = _tiny(pool_size=2)
    batch = {"a": _random(0), "b": _random(1)}
    old = {"fake_a": _random(2), "fake_b": _random(3)}
    model.discriminators_objective(batch, old)  # fills both pools
    new = {"fake_a": _random(4), "fake_b": _random(5)}
    from_pool = np.concatenate([model.pool_b(new["fake_b"]) for _ in range(8)])
    stored = np.asarray(old["fake_b"])
    assert any(np.array_equal(image, stored[i]) for image in from_pool for i in range(2))


def test_domains_of_different_channels_need_the_identity_term_off():
    settings = CycleGANSettings(
        residual_blocks=1, base_filters=2, discriminator_layers=1, discriminator_filters=2
    )
    with pytest.raises(ValueError, match="identity to 0 when the domains' channels differ"):
        CycleGAN.from_settings(settings, (16, 16, 1), (16, 16, 3))
    model = CycleGAN.from_settings(settings, (16, 24, 1), (16, 24, 4), loss_weights={"identity": 0})
    assert model.signatures()["a_to_b"].outputs[0].shape == (None, 16, 24, 4)
    assert model.signatures()["b_to_a"].outputs[0].shape == (None, 16, 24, 1)


def test_r1_is_half_the_squared_gradient_of_both_mean_scores_by_finite_differences():
    model = _tiny({"r1": 2.0}, discriminator_norm="none")
    batch = {"a": _random(0)[:1], "b": _random(1)[:1]}
    shared = {"fake_a": batch["a"], "fake_b": batch["b"]}
    losses = model.discriminators_objective(batch, shared)
    expected, step = 0.0, 1e-2
    for side, network in (("a", model.discriminator_a), ("b", model.discriminator_b)):
        image = np.asarray(batch[side], np.float64)
        moves = step * np.eye(image.size).reshape(image.size, *image.shape[1:])
        ahead = np.mean(network((image + moves).astype(np.float32)), (1, 2, 3), dtype=np.float64)
        behind = np.mean(network((image - moves).astype(np.float32)), (1, 2, 3), dtype=np.float64)
        expected += 0.5 * np.sum(((ahead - behind) / (2 * step)) ** 2)
    assert set(losses) == {"discriminator", "r1"}
    assert float(losses["r1"]) == pytest.approx(expected, rel=2e-2)


def test_discriminators_have_the_norm_of_the_generators_unless_it_is_given():
    for given, expected in ((None, 1), ("none", 0)):
        settings = CycleGANSettings(
            discriminator_layers=1, discriminator_filters=4, discriminator_norm=given
        )
        layers = CycleGAN.build_discriminator(settings, SHAPE, "d").layers
        assert sum(isinstance(one, InstanceNormalization) for one in layers) == expected


def test_discriminators_take_further_turns_on_other_images_and_may_see_noise():
    model = _tiny(discriminator_turns=3, discriminator_noise=0.5)
    model.compile(run_eagerly=True)
    assert model.microbatches_per_step == 3
    images = {"a": tf.repeat(_random(0), 3, axis=0), "b": tf.repeat(_random(1), 3, axis=0)}
    model.train_step(images)
    turns = {name: int(each.iterations) for name, each in model.player_optimizers.items()}
    assert turns == {"generators": 1, "discriminators": 3}
    plain = _random(0)
    noise = (model._noisy(plain, "a") - plain).numpy()
    assert abs(noise.std() - 0.5) < 0.05
    assert not np.allclose(noise, model._noisy(plain, "b") - plain)  # a stream for each purpose
    np.testing.assert_array_equal(_tiny()._noisy(plain, "a"), plain)
