"""Counts and shapes of methods.md; receptive fields measured through gradients."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from tf_translate.networks import blocks
from tf_translate.networks.patch_critic import patch_critic
from tf_translate.networks.resnet import resnet_generator
from tf_translate.networks.unet import unet_generator


def _trainable(model):
    return sum(int(np.prod(weight.shape)) for weight in model.trainable_weights)


def test_unet_256_has_the_published_number_of_parameters():
    assert _trainable(unet_generator((256, 256, 3), 3)) == 54_413_955


def test_unet_128_has_the_published_number_of_parameters():
    model = unet_generator((128, 128, 3), 3, levels=7)
    assert _trainable(model) / 1e6 == pytest.approx(41.83, abs=0.005)


@pytest.mark.parametrize(("residual_blocks", "millions"), [(9, 11.378), (6, 7.838)])
def test_resnet_has_the_published_number_of_parameters(residual_blocks, millions):
    model = resnet_generator((None, None, 3), 3, residual_blocks=residual_blocks)
    assert _trainable(model) / 1e6 == pytest.approx(millions, abs=0.0005)


def test_critics_have_the_published_number_of_parameters_and_a_30_by_30_map():
    conditional = patch_critic((256, 256, 3), condition_channels=3, norm="batch")
    plain = patch_critic((256, 256, 3))
    assert _trainable(conditional) / 1e6 == pytest.approx(2.769, abs=0.0005)
    assert _trainable(plain) / 1e6 == pytest.approx(2.765, abs=0.0005)
    assert conditional.output_shape == plain.output_shape == (None, 30, 30, 1)


@pytest.mark.parametrize(("layers", "field"), [(0, 1), (1, 16), (2, 34), (3, 70), (4, 142)])
def test_receptive_field_of_the_critic(layers, field):
    side = max(3 * 2**layers, field) + 2 * field
    model = patch_critic((side, side, 1), layers=layers, base=1, norm="none")
    for weight in model.trainable_weights:  # all positive: no path can cancel another
        weight.assign(tf.abs(weight) + 0.01)
    image = tf.ones((1, side, side, 1))
    with tf.GradientTape() as tape:
        tape.watch(image)
        scores = model(image)
        middle = scores[0, scores.shape[1] // 2, scores.shape[2] // 2, 0]
    seen = np.abs(tape.gradient(middle, image)[0, ..., 0]).sum(axis=1) > 0
    assert seen.sum() == field


@pytest.mark.parametrize("upsampling", ["transposed", "resize"])
def test_generators_keep_sides_that_are_not_square_and_change_channels(upsampling):
    image = np.random.default_rng(0).uniform(-1, 1, (2, 16, 32, 1)).astype(np.float32)
    for build in (
        lambda: unet_generator((16, 32, 1), 4, levels=3, base=4, upsampling=upsampling),
        lambda: resnet_generator((16, 32, 1), 4, residual_blocks=1, base=4, upsampling=upsampling),
    ):
        result = np.asarray(build()(image))
        assert result.shape == (2, 16, 32, 4)
        assert np.abs(result).max() <= 1.0


def test_resnet_takes_other_sizes_than_it_was_built_for():
    model = resnet_generator((None, None, 3), 3, residual_blocks=1, base=4)
    assert model(np.zeros((1, 20, 28, 3), np.float32)).shape == (1, 20, 28, 3)


def test_a_generator_with_an_input_skip_starts_from_the_identity():
    image = np.random.default_rng(0).uniform(-1, 1, (2, 16, 16, 3)).astype(np.float32)
    for model in (
        unet_generator((16, 16, 3), 3, levels=2, base=4, input_skip=True),
        resnet_generator((16, 16, 3), 3, residual_blocks=1, base=4, input_skip=True),
    ):
        np.testing.assert_array_equal(model(image), image)


@pytest.mark.parametrize("kernel", [3, 4])
def test_doubling_equals_pytorchs_transposed_convolution_with_padding_1(kernel):
    # out[2 i + k - 1] += in[i] * weight[k], on both axes; sides double.
    images = np.random.default_rng(0).normal(size=(1, 5, 4, 2)).astype(np.float32)
    inputs = keras.Input((5, 4, 2))
    model = keras.Model(inputs, blocks.upsample(inputs, 3, kernel, bias=False, how="transposed"))
    weight = np.random.default_rng(1).normal(size=(kernel, kernel, 3, 2)).astype(np.float32)
    model.set_weights([weight])
    expected = np.zeros((1, 10, 8, 3))
    for i, j, k, m in np.ndindex(5, 4, kernel, kernel):
        row, column = 2 * i + k - 1, 2 * j + m - 1
        if 0 <= row < 10 and 0 <= column < 8:
            expected[0, row, column] += weight[k, m] @ images[0, i, j]
    np.testing.assert_allclose(model(images), expected, atol=1e-4)


def test_bottleneck_of_one_pixel_is_alive_with_batch_1():
    # A norm on a 1x1 map would make the output blind to the innermost features.
    model = unet_generator((16, 16, 3), 3, levels=4, base=4, dropout=0, norm="instance_affine")
    convolutions = [la for la in model.layers if isinstance(la, keras.layers.Conv2D)]
    innermost = next(la for la in convolutions if la.output.shape[1:3] == (1, 1))
    probe = keras.Model(model.input, [model.output, innermost.output])
    image = tf.constant(np.random.default_rng(0).uniform(-1, 1, (1, 16, 16, 3)), tf.float32)
    with tf.GradientTape() as tape:
        output, _ = probe(image)
        loss = tf.reduce_sum(output**2)
    gradient = tape.gradient(loss, innermost.kernel.value)
    assert float(tf.reduce_max(tf.abs(gradient))) > 1e-6


def test_unet_dropout_sits_on_the_three_innermost_levels_at_full_depth():
    model = unet_generator((256, 256, 3), 3, base=1)
    sides = [layer.output.shape[1] for layer in model.layers if "dropout" in layer.name]
    assert sides == [2, 4, 8]


def test_images_come_out_in_float32_under_bfloat16():
    keras.mixed_precision.set_global_policy("mixed_bfloat16")
    model = unet_generator((8, 8, 3), 3, levels=2, base=4)
    assert model(np.zeros((1, 8, 8, 3), np.float32)).dtype == tf.float32


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: unet_generator((30, 32, 3), 3, levels=3), r"divisible by 8, got \(30, 32, 3\)"),
        (lambda: unet_generator((32, 32, 3), 3, levels=1), "`levels` must be at least 2"),
        (lambda: unet_generator((8, 8, 3), 3, levels=2, norm="group"), "`norm` must be one of"),
        (lambda: resnet_generator((30, 30, 3), 3), r"divisible by 4, got \(30, 30, 3\)"),
        (lambda: resnet_generator((32, 32, 3), 3, residual_blocks=0), "at least 1, got 0"),
        (
            lambda: resnet_generator((32, 32, 3), 3, residual_blocks=1, upsampling="magic"),
            "`upsampling` must be one of",
        ),
        (lambda: resnet_generator((32, 32, 1), 3, input_skip=True), "as many output channels"),
        (lambda: patch_critic((16, 16, 3), layers=3), "needs sides of at least 24"),
        (lambda: patch_critic((16, 16, 3), layers=-1), "`layers` must be 0 or more"),
    ],
)
def test_impossible_networks_are_refused_with_the_rule(build, message):
    with pytest.raises(ValueError, match=message):
        build()
