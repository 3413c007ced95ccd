"""Gradient norms and discriminator skill."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from tests.core.toy import Toy, batch_of, scale
from tests.methods.test_conformance import METHODS, _batch, _build, _values
from tf_translate.methods.registry import DISTILLED


def _toy(strategy):
    with strategy.scope():
        model = Toy(scale(0.5, "g"), scale(0.25, "c"))
        model.compile()
    return model


def _fit(model, batch, steps=1):
    data = tf.data.Dataset.from_tensors(batch).repeat()
    model.fit(data, steps_per_epoch=steps, verbose=0, shuffle=False)


def test_gradient_norms_are_computed_only_on_request_and_reset_by_a_new_request():
    model = _toy(tf.distribute.get_strategy())
    _fit(model, batch_of(1.0, 3.0))
    assert model.gradient_norms.read() == {}
    model.gradient_norms.request(True)
    gradient = float(model.generator.get_weights()[0].item()) * 2.0  # g times the mean image
    _fit(model, batch_of(1.0, 3.0))
    norms = model.gradient_norms.read()
    assert norms["discriminator"] == pytest.approx(abs(gradient), rel=1e-6)
    model.gradient_norms.request(False)
    _fit(model, batch_of(5.0, 7.0))
    assert model.gradient_norms.read() == norms
    model.gradient_norms.request(True)
    assert model.gradient_norms.read() == {}


def test_two_replicas_record_the_norm_of_their_summed_gradients(two_replicas):
    # Replicas get the images 1 and -3: the norms of their gradients add up to 1, that of the sum
    # is 0.5.
    found = []
    for strategy in (tf.distribute.get_strategy(), two_replicas):
        model = _toy(strategy)
        model.gradient_norms.request(True)
        _fit(model, batch_of(1.0, -3.0))
        found.append(model.gradient_norms.read())
    assert found[1]["discriminator"] == pytest.approx(abs(0.5 * (1 - 3) / 2))
    assert found[1] == pytest.approx(found[0], rel=1e-6)


def test_gradient_norms_of_scaled_losses_equal_those_of_plain_losses():
    found = []
    for scaled in (False, True):
        model = Toy(scale(0.5, "g"), scale(0.25, "c"))
        plain = [keras.optimizers.SGD(0.1) for _ in range(2)]
        wrapped = [keras.optimizers.LossScaleOptimizer(each) if scaled else each for each in plain]
        model.compile(dict(zip(("discriminator", "generator"), wrapped, strict=True)))
        model.gradient_norms.request(True)
        _fit(model, batch_of(1.0, 3.0))
        found.append(model.gradient_norms.read())
    assert found[1] == pytest.approx(found[0], rel=1e-6)


@pytest.mark.slow
def test_requesting_gradient_norms_does_not_change_training():
    results = []
    for requested in (False, True):
        keras.utils.set_random_seed(3)
        model = _build("cyclegan")
        model.gradient_norms.request(requested)
        _fit(model, _batch(), steps=3)
        results.append(_values(model.weights))
    assert all(np.array_equal(a, b) for a, b in zip(*results, strict=True))


# The loss of discriminators that give every image equal logits or 1/2, computed by hand.
CHANCE_LEVELS = {
    "pix2pix": {"discriminator": np.log(2)},
    "cut": {"discriminator": 0.5 * (0.25 + 0.25)},
    "cyclegan": {"discriminator": 2 * 0.5 * (0.25 + 0.25)},
    "dualgan": {"discriminator": 0.0},
    "discogan": {"discriminator": 2 * np.log(2)},
    "dtn": {"discriminator": 3 * np.log(3)},
    "genegan": {"discriminator": 0.0},
    "icgan": {"discriminator": 1.5 * np.log(2)},
    "age_cgan": {"discriminator": 2 * np.log(2)},
    "fader": {"latent_discriminator": np.log(2) + np.log(3)},
    "ian": {"discriminator": 3 * np.log(2)},
    "ian_full": {"discriminator": 3 * np.log(3)},  # three classes
}


@pytest.mark.parametrize("name", sorted(METHODS))
def test_a_discriminator_at_chance_level_has_skill_0(name):
    model = _build(name, compiled=False)
    levels = CHANCE_LEVELS[name.removeprefix(DISTILLED)]
    assert model.chance_levels == pytest.approx(levels)
    losses = {f"domain/{term}": loss for term, loss in levels.items()}
    metrics = model.discriminator_skills(losses | {"content/cycle": 1.0})
    assert len(metrics) == 1
    assert list(metrics.values()) == pytest.approx([0.0])


def test_a_perfect_discriminator_has_skill_1_and_a_wasserstein_loss_is_an_estimate():
    model = _build("pix2pix", compiled=False)
    assert model.discriminator_skills({"domain/discriminator": 0.0}) == {
        "discriminator_skill/discriminator": 1.0
    }
    model = _build("genegan", compiled=False)
    assert model.discriminator_skills({"domain/discriminator": -3.5}) == {
        "wasserstein_estimate/discriminator": 3.5
    }


@pytest.mark.parametrize(
    ("name", "heads"),
    [
        ("pix2pix", ("discriminator",)),
        ("discogan", ("discriminator_a", "discriminator_b")),
        ("dtn", ("discriminator",)),
        ("icgan", ("discriminator",)),
        ("age_cgan", ("discriminator",)),
        ("fader", ("latent_discriminator",)),
        ("ian", ("discriminator_head",)),
    ],
)
def test_discriminators_with_zero_weights_have_the_loss_of_chance_level(name, heads):
    model = _build(name, compiled=False)
    model.compile(run_eagerly=True)
    for head in heads:
        network = getattr(model, head)
        network.set_weights([np.zeros_like(weight) for weight in network.get_weights()])
    term = next(iter(CHANCE_LEVELS[name]))
    player = next(player for player in model.players if term in player.terms)
    model.enter_stage(player.stage)
    model.active_players = lambda: [player]
    logs = model.train_step(_batch())
    assert float(logs[f"domain/{term}"]) == pytest.approx(CHANCE_LEVELS[name][term], rel=1e-5)
