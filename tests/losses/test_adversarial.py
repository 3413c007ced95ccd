import math

import numpy as np
import pytest
import tensorflow as tf

from tf_translate.losses.adversarial import adversarial_loss

VANILLA, SQUARES = adversarial_loss("vanilla"), adversarial_loss("least_squares")


def test_vanilla_by_hand():
    # real logit 0: log 2; fake logit log 3: sigmoid 3/4, -log(1/4) = 2 log 2. Half the sum.
    value = VANILLA.critic(tf.constant([0.0]), tf.constant([math.log(3.0)]))
    assert float(value) == pytest.approx(0.5 * (math.log(2) + 2 * math.log(2)))
    # generator at logit log 3: -log(3/4).
    assert float(VANILLA.generator(tf.constant([math.log(3.0)]))) == pytest.approx(-math.log(0.75))


def test_least_squares_by_hand():
    # ((0.5-1)^2 + (2-1)^2)/2 = 0.625 real; (1 + 9)/2 = 5 fake; half the sum 2.8125.
    value = SQUARES.critic(tf.constant([0.5, 2.0]), tf.constant([1.0, 3.0]))
    assert float(value) == pytest.approx(2.8125)
    assert float(SQUARES.generator(tf.constant([3.0, -1.0]))) == pytest.approx(4.0)


def test_least_squares_of_scores_of_a_half_is_a_quarter():
    half = tf.fill((2, 3, 3, 1), 0.5)
    assert float(SQUARES.critic(half, half)) == pytest.approx(0.25)


def test_a_perfect_critic_pays_nothing():
    assert float(SQUARES.critic(tf.ones(4), tf.zeros(4))) == 0.0
    assert float(VANILLA.critic(tf.fill((4,), 100.0), tf.fill((4,), -100.0))) < 1e-6


def test_the_vanilla_game_is_finite_at_extreme_logits():
    extreme = tf.constant([1e4, -1e4])
    assert np.isfinite(VANILLA.critic(extreme, extreme))
    assert np.isfinite(VANILLA.generator(extreme))


def test_losses_are_float32_for_half_precision_scores():
    scores = tf.zeros((2, 2), tf.bfloat16)
    for game in (VANILLA, SQUARES):
        assert game.critic(scores, scores).dtype == tf.float32
        assert game.generator(scores).dtype == tf.float32


def test_an_unknown_game_lists_those_there_are():
    with pytest.raises(ValueError, match=r"`gan_mode` must be one of .*least_squares.*'hinge'"):
        adversarial_loss("hinge")
