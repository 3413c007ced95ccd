import keras
import numpy as np
import pytest
import tensorflow as tf
from skimage.restoration import denoise_tv_chambolle

from tf_translate.losses.regularization import (
    clip_weights,
    gradient_penalty,
    mean_weight_decay,
    orthogonality_of_filters,
    orthogonality_of_rows,
    r1_penalty,
    total_variation,
    weight_decay,
)

SHAPE = (2, 2, 2, 1)


def test_the_penalty_of_a_linear_discriminator_by_hand():
    # Score = 3 * sum of 4 pixels: the gradient is 3 at each, its norm 3 * 2 = 6, (6 - 1)^2.
    value = gradient_penalty(
        lambda images: 3.0 * tf.reduce_sum(images, [1, 2, 3]),
        tf.zeros(SHAPE),
        tf.ones(SHAPE),
        tf.fill([2, 1, 1, 1], 0.3),
    )
    assert float(value) == pytest.approx(25.0, rel=1e-5)


def test_the_penalty_is_taken_between_real_and_fake_images():
    # Score = sum of squares / 2, gradient = the image itself. Real 0, fake 2, coefficients
    # 0.25 and 0.5: images of 0.5 and 1 everywhere, norms 1 and 2: ((0)^2 + (1)^2) / 2.
    value = gradient_penalty(
        lambda images: tf.reduce_sum(tf.square(images), [1, 2, 3]) / 2.0,
        tf.zeros(SHAPE),
        tf.fill(SHAPE, 2.0),
        tf.reshape(tf.constant([0.25, 0.5]), [2, 1, 1, 1]),
    )
    assert float(value) == pytest.approx(0.5, rel=1e-5)


def test_the_r1_penalty_by_hand():
    # Score = sum of squares / 2, gradient = the image itself: 4 pixels of 1 and of 3, squared
    # norms 4 and 36, half their mean is 10. It is 0 for a constant discriminator.
    images = tf.constant([1.0, 3.0])[:, None, None, None] * tf.ones(SHAPE)
    scores, value = r1_penalty(
        lambda images: tf.reduce_sum(tf.square(images), [1, 2, 3]) / 2.0, images
    )
    np.testing.assert_allclose(scores, [2.0, 18.0])
    assert float(value) == pytest.approx(10.0)
    assert float(r1_penalty(lambda images: 0.0 * images + 5.0, images)[1]) == 0.0


def test_the_penalty_of_a_map_of_scores_is_that_of_its_mean():
    # Scores 3 * pixel, 4 in an image: the mean's gradient is 3/4 at each pixel, its norm 1.5.
    value = gradient_penalty(
        lambda images: 3.0 * images, tf.zeros(SHAPE), tf.ones(SHAPE), tf.zeros([2, 1, 1, 1])
    )
    assert float(value) == pytest.approx(0.25, rel=1e-5)


def test_the_penalty_of_the_sum_of_a_map_of_scores_by_hand():
    # As above, but the sum's gradient is 3 at each of 4 pixels, its norm 6: (6 - 1)^2.
    arguments = tf.zeros(SHAPE), tf.ones(SHAPE), tf.zeros([2, 1, 1, 1])
    value = gradient_penalty(lambda images: 3.0 * images, *arguments, reduction="sum")
    assert float(value) == pytest.approx(25.0, rel=1e-5)


def test_the_penalty_of_a_constant_discriminator_is_one_and_its_gradient_is_finite():
    weight = tf.Variable(0.0)
    with tf.GradientTape() as tape:
        value = gradient_penalty(
            lambda images: weight * tf.reduce_sum(images, [1, 2, 3]),
            tf.zeros(SHAPE),
            tf.ones(SHAPE),
            tf.zeros([2, 1, 1, 1]),
        )
    assert float(value) == pytest.approx(1.0, abs=1e-5)
    assert np.isfinite(tape.gradient(value, weight))


def test_the_penaltys_own_gradient_equals_finite_differences():
    images = tf.constant(np.random.default_rng(0).uniform(-1, 1, (3, 8, 8, 2)), tf.float32)
    inputs = keras.Input((8, 8, 2))
    hidden = keras.layers.Conv2D(3, 3, activation="tanh")(inputs)
    discriminator = keras.Model(inputs, keras.layers.Conv2D(1, 3)(hidden))
    kernel = discriminator.trainable_weights[0]

    def penalty():
        return gradient_penalty(discriminator, images, -images, tf.fill([3, 1, 1, 1], 0.4))

    with tf.GradientTape() as tape:
        value = penalty()
    gradient = tape.gradient(value, kernel.value)
    direction = tf.sign(gradient)
    step, start = 1e-3, kernel.numpy()
    kernel.assign(start + step * direction)
    above = float(penalty())
    kernel.assign(start - step * direction)
    expected = (above - float(penalty())) / (2 * step)
    assert float(tf.reduce_sum(gradient * direction)) == pytest.approx(expected, rel=1e-2)


def test_the_penalty_is_float32_for_a_discriminator_of_half_precision():
    value = gradient_penalty(
        lambda images: tf.reduce_sum(tf.cast(images, tf.bfloat16), [1, 2, 3]),
        tf.zeros(SHAPE, tf.bfloat16),
        tf.ones(SHAPE, tf.bfloat16),
        tf.zeros([2, 1, 1, 1]),
    )
    assert value.dtype == tf.float32
    assert float(value) == pytest.approx(1.0, abs=0.02)  # norm 2


def test_clipping_acts_in_place_and_keeps_weights_within_the_limit():
    variable = keras.Variable([-0.5, 0.005, 0.02])
    clip_weights([variable], 0.01)
    np.testing.assert_allclose(variable.numpy(), [-0.01, 0.005, 0.01])


def test_the_gradient_of_weight_decay_is_the_weights():
    variables = [keras.Variable([1.0, -2.0]), keras.Variable([[3.0]])]
    with tf.GradientTape() as tape:
        tape.watch([variable.value for variable in variables])
        value = weight_decay(variables)
    assert float(value) == pytest.approx(7.0)  # (1 + 4 + 9) / 2
    gradients = tape.gradient(value, [variable.value for variable in variables])
    np.testing.assert_allclose(gradients[0], [1.0, -2.0])
    np.testing.assert_allclose(gradients[1], [[3.0]])


def test_mean_weight_decay_weighs_all_variables_equally():
    variables = [keras.Variable([1.0, -2.0]), keras.Variable([[3.0]])]
    assert float(mean_weight_decay(variables)) == pytest.approx(0.5 * (2.5 + 9.0))


def test_total_variation_by_hand():
    # Pixels 0 3 / 4 0: the one corner with both neighbours has gradient (4, 3), norm 5.
    image = tf.reshape(tf.constant([0.0, 3.0, 4.0, 0.0]), [1, 2, 2, 1])
    assert float(total_variation(image)) == pytest.approx(5.0, rel=1e-5)


def test_smoothing_by_another_library_lowers_total_variation():
    noise = np.random.default_rng(0).uniform(-1, 1, (16, 16)).astype(np.float32)
    smooth = denoise_tv_chambolle(noise, weight=0.5).astype(np.float32)
    rough, calm = (float(total_variation(image[None, ..., None])) for image in (noise, smooth))
    assert calm < 0.5 * rough


def test_total_variation_of_a_constant_image_has_a_finite_gradient():
    images = tf.Variable(tf.zeros([1, 4, 4, 1]))
    with tf.GradientTape() as tape:
        value = total_variation(images)
    assert float(value) == pytest.approx(0.0, abs=1e-2)
    assert np.isfinite(tape.gradient(value, images)).all()


def _kernels_and_others():
    random = np.random.default_rng(0)
    kernels = [random.normal(size=shape) for shape in ((3, 3, 2, 4), (5, 5, 3, 2))]
    others = [random.normal(size=shape) for shape in ((6, 5), (4,), (2, 3, 4))]
    return kernels, [keras.Variable(v.astype(np.float32)) for v in [*kernels, *others]]


def test_orthogonality_of_filters_equals_the_papers_sum_in_numpy():
    kernels, variables = _kernels_and_others()
    expected = 0.0
    for kernel in kernels:
        filters = np.stack([kernel[..., i].ravel() for i in range(kernel.shape[-1])])
        expected += np.abs(filters @ filters.T - np.eye(len(filters))).sum()
    assert float(orthogonality_of_filters(variables)) == pytest.approx(expected, rel=1e-5)


def test_orthogonality_of_rows_equals_the_codes_sum_in_numpy():
    # As train_IAN.py contracts (filters, channels, rows, columns): over channels and columns.
    kernels, variables = _kernels_and_others()
    expected = 0.0
    for kernel in kernels:
        weights = kernel.transpose(3, 2, 0, 1)
        for one in weights:
            for row in range(kernel.shape[0]):
                for other in range(kernel.shape[0]):
                    product = (one[:, row] * one[:, other]).sum()
                    expected += abs(product - (row == other))
    assert float(orthogonality_of_rows(variables)) == pytest.approx(expected, rel=1e-5)


def test_orthogonality_of_rows_by_hand():
    # Two filters of 2x2 pixels. The first has the rows (1, 0) and (0, 1): 0. The second has twice
    # (1, 1): all products are 2, less I: |2 - 1| + |2 - 1| + 2 + 2 = 6. That both filters
    # have a product of 2 does not count.
    kernel = np.zeros((2, 2, 1, 2), np.float32)
    kernel[..., 0, 0], kernel[..., 0, 1] = np.eye(2), 1.0
    assert float(orthogonality_of_rows([keras.Variable(kernel)])) == pytest.approx(6.0)
    assert float(orthogonality_of_rows([])) == 0.0


def test_the_loss_of_orthonormal_filters_is_zero():
    square, _ = np.linalg.qr(np.random.default_rng(0).normal(size=(4, 4)))
    kernel = square.reshape(2, 2, 1, 4).astype(np.float32)
    assert float(orthogonality_of_filters([keras.Variable(kernel)])) == pytest.approx(0.0, abs=1e-5)
    # Twice as long: W W^T = 4 I, so 3 for each of 4 filters.
    assert float(orthogonality_of_filters([keras.Variable(2 * kernel)])) == pytest.approx(
        12.0, rel=1e-5
    )
    assert float(orthogonality_of_filters([])) == 0.0
