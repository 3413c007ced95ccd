import math

import numpy as np
import pytest
import tensorflow as tf

from tf_translate.losses.adversarial import (
    class_cross_entropy,
    conditional_discriminator,
    fake_cross_entropy,
    gan_loss,
)

VANILLA, SQUARES = gan_loss("vanilla"), gan_loss("least_squares")


def test_vanilla_losses_by_hand():
    # real logit 0: log 2; fake logit log 3: sigmoid 3/4, -log(1/4) = 2 log 2. Half the sum.
    value = VANILLA.discriminator(tf.constant([0.0]), tf.constant([math.log(3.0)]))
    assert float(value) == pytest.approx(0.5 * (math.log(2) + 2 * math.log(2)))
    # generator at logit log 3: -log(3/4).
    assert float(VANILLA.generator(tf.constant([math.log(3.0)]))) == pytest.approx(-math.log(0.75))


def test_losses_of_a_conditional_discriminator_by_hand():
    # real logit 0: log 2; fake logit log 3: 2 log 2, with weight 0.5.
    value = conditional_discriminator(tf.constant([0.0]), tf.constant([math.log(3.0)]))
    assert float(value) == pytest.approx(math.log(2) + 0.5 * 2 * math.log(2))
    assert float(fake_cross_entropy(tf.constant([math.log(3.0)]))) == pytest.approx(2 * math.log(2))
    assert fake_cross_entropy(tf.zeros(2, tf.bfloat16)).dtype == tf.float32


def test_least_squares_losses_by_hand():
    # ((0.5-1)^2 + (2-1)^2)/2 = 0.625 real; (1 + 9)/2 = 5 fake; half the sum 2.8125.
    value = SQUARES.discriminator(tf.constant([0.5, 2.0]), tf.constant([1.0, 3.0]))
    assert float(value) == pytest.approx(2.8125)
    assert float(SQUARES.generator(tf.constant([3.0, -1.0]))) == pytest.approx(4.0)


def test_least_squares_loss_at_scores_of_a_half_is_a_quarter():
    half = tf.fill((2, 3, 3, 1), 0.5)
    assert float(SQUARES.discriminator(half, half)) == pytest.approx(0.25)


def test_the_loss_of_a_perfect_discriminator_is_zero():
    assert float(SQUARES.discriminator(tf.ones(4), tf.zeros(4))) == 0.0
    assert float(VANILLA.discriminator(tf.fill((4,), 100.0), tf.fill((4,), -100.0))) < 1e-6


def test_vanilla_losses_are_finite_at_extreme_logits():
    extreme = tf.constant([1e4, -1e4])
    assert np.isfinite(VANILLA.discriminator(extreme, extreme))
    assert np.isfinite(VANILLA.generator(extreme))


def test_losses_are_float32_for_half_precision_scores():
    scores = tf.zeros((2, 2), tf.bfloat16)
    for loss in (VANILLA, SQUARES):
        assert loss.discriminator(scores, scores).dtype == tf.float32
        assert loss.generator(scores).dtype == tf.float32


def test_an_unknown_gan_mode_is_refused_with_the_known_ones():
    with pytest.raises(ValueError, match=r"`gan_mode` must be one of .*least_squares.*'hinge'"):
        gan_loss("hinge")


def test_wasserstein_losses_by_hand():
    loss = gan_loss("wasserstein")
    real, fake = tf.constant([1.0, 3.0]), tf.constant([-1.0, 0.0])
    assert float(loss.discriminator(real, fake)) == pytest.approx(-0.5 - 2.0)
    assert float(loss.generator(fake)) == pytest.approx(0.5)


def test_wasserstein_losses_on_fakes_are_opposite():
    loss = gan_loss("wasserstein")
    fake = tf.constant([0.3, -2.0])
    assert float(loss.discriminator(tf.zeros(2), fake)) == pytest.approx(
        -float(loss.generator(fake))
    )


def test_cross_entropy_of_three_classes_by_hand():
    # Softmax of (log 1, log 2, log 5) is 1/8, 2/8, 5/8.
    logits = tf.reshape(tf.math.log([1.0, 2.0, 5.0]), [1, 1, 1, 3])
    for label, probability in enumerate((1 / 8, 2 / 8, 5 / 8)):
        assert float(class_cross_entropy(logits, label)) == pytest.approx(-math.log(probability))
    assert float(class_cross_entropy(tf.zeros([4, 3]), 1)) == pytest.approx(math.log(3))
