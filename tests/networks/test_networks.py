"""Parameters and shapes of the papers; receptive fields measured by gradients."""

import itertools

import keras
import numpy as np
import pytest
import tensorflow as tf

from tf_translate.networks import blocks
from tf_translate.networks.conditional_gan import (
    conditional_discriminator,
    conditional_generator,
    image_encoder,
)
from tf_translate.networks.dtn import (
    class_discriminator,
    class_head,
    code_decoder,
    code_encoder,
    face_discriminator,
)
from tf_translate.networks.encoder_decoder import encoder_decoder
from tf_translate.networks.fader import latent_discriminator
from tf_translate.networks.genegan import joiner, object_discriminator, splitter
from tf_translate.networks.initialization.batch_norm import BatchNorm
from tf_translate.networks.patchgan_discriminator import patchgan_discriminator
from tf_translate.networks.resnet import resnet_generator
from tf_translate.networks.strided_discriminator import feature_discriminator, strided_discriminator
from tf_translate.networks.unet import unet_generator


def _trainable(model):
    return sum(int(np.prod(weight.shape)) for weight in model.trainable_weights)


def _widths(model):
    kinds = keras.layers.Conv2D | keras.layers.Conv2DTranspose
    return [layer.filters for layer in model.layers if isinstance(layer, kinds)]


@pytest.mark.usefixtures("zero_weights")
def test_unet_256_has_the_published_number_of_parameters():
    assert _trainable(unet_generator((256, 256, 3), 3)) == 54_413_955


@pytest.mark.usefixtures("zero_weights")
def test_unet_128_has_the_published_number_of_parameters():
    model = unet_generator((128, 128, 3), 3, num_downsamples=7)
    assert _trainable(model) / 1e6 == pytest.approx(41.83, abs=0.005)


@pytest.mark.parametrize(("residual_blocks", "millions"), [(9, 11.378), (6, 7.838)])
@pytest.mark.usefixtures("zero_weights")
def test_resnet_has_the_published_number_of_parameters(residual_blocks, millions):
    model = resnet_generator((None, None, 3), 3, residual_blocks=residual_blocks)
    assert _trainable(model) / 1e6 == pytest.approx(millions, abs=0.0005)


@pytest.mark.usefixtures("zero_weights")
def test_discriminators_have_the_published_number_of_parameters_and_a_30_by_30_map():
    conditional = patchgan_discriminator((256, 256, 3), condition_channels=3, norm="batch")
    plain = patchgan_discriminator((256, 256, 3))
    assert _trainable(conditional) / 1e6 == pytest.approx(2.769, abs=0.0005)
    assert _trainable(plain) / 1e6 == pytest.approx(2.765, abs=0.0005)
    assert conditional.output_shape == plain.output_shape == (None, 30, 30, 1)


@pytest.mark.parametrize(("layers", "field"), [(0, 1), (1, 16), (2, 34), (3, 70), (4, 142)])
def test_receptive_fields_of_patchgan_grow_with_its_layers(layers, field):
    side = max(3 * 2**layers, field) + 2 * field
    model = patchgan_discriminator((side, side, 1), layers=layers, base_filters=1, norm="none")
    for weight in model.trainable_weights:  # all positive: no path can cancel another
        weight.assign(tf.abs(weight) + 0.01)
    image = tf.ones((1, side, side, 1))
    with tf.GradientTape() as tape:
        tape.watch(image)
        scores = model(image)
        middle = scores[0, scores.shape[1] // 2, scores.shape[2] // 2, 0]
    reached = np.abs(tape.gradient(middle, image)[0, ..., 0]).sum(axis=1) > 0
    assert reached.sum() == field


@pytest.mark.parametrize("upsampling", ["transposed", "resize"])
def test_generators_keep_rectangular_sides_and_change_channels(upsampling):
    image = np.random.default_rng(0).uniform(-1, 1, (2, 16, 32, 1)).astype(np.float32)
    for build in (
        lambda: unet_generator(
            (16, 32, 1), 4, num_downsamples=3, base_filters=4, upsampling=upsampling
        ),
        lambda: resnet_generator(
            (16, 32, 1), 4, residual_blocks=1, base_filters=4, upsampling=upsampling
        ),
    ):
        result = np.asarray(build()(image))
        assert result.shape == (2, 16, 32, 4)
        assert np.abs(result).max() <= 1.0


def test_a_resnet_of_unknown_sides_takes_any_size():
    model = resnet_generator((None, None, 3), 3, residual_blocks=1, base_filters=4)
    assert model(np.zeros((1, 20, 28, 3), np.float32)).shape == (1, 20, 28, 3)


def test_a_generator_with_an_input_skip_starts_from_the_identity():
    image = np.random.default_rng(0).uniform(-1, 1, (2, 16, 16, 3)).astype(np.float32)
    for model in (
        unet_generator((16, 16, 3), 3, num_downsamples=2, base_filters=4, input_skip=True),
        resnet_generator((16, 16, 3), 3, residual_blocks=1, base_filters=4, input_skip=True),
    ):
        np.testing.assert_array_equal(model(image), image)


@pytest.mark.parametrize("kernel", [3, 4])
def test_upsampling_equals_pytorchs_transposed_convolution_with_padding_1(kernel):
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


def test_a_bottleneck_of_one_pixel_gets_a_gradient_with_batch_1():
    # A norm on a 1x1 map would make the output independent of the innermost features.
    model = unet_generator(
        (16, 16, 3), 3, num_downsamples=4, base_filters=4, dropout=0, norm="instance_affine"
    )
    convolutions = [la for la in model.layers if isinstance(la, keras.layers.Conv2D)]
    innermost = next(la for la in convolutions if la.output.shape[1:3] == (1, 1))
    probe = keras.Model(model.input, [model.output, innermost.output])
    image = tf.constant(np.random.default_rng(0).uniform(-1, 1, (1, 16, 16, 3)), tf.float32)
    with tf.GradientTape() as tape:
        output, _ = probe(image)
        loss = tf.reduce_sum(output**2)
    gradient = tape.gradient(loss, innermost.kernel.value)
    assert float(tf.reduce_max(tf.abs(gradient))) > 1e-6


def test_dropout_of_a_full_unet_is_on_the_three_innermost_levels():
    model = unet_generator((256, 256, 3), 3, base_filters=1)
    sides = [layer.output.shape[1] for layer in model.layers if "dropout" in layer.name]
    assert sides == [2, 4, 8]


def test_a_unet_returns_float32_images_in_mixed_bfloat16():
    keras.mixed_precision.set_global_policy("mixed_bfloat16")
    model = unet_generator((8, 8, 3), 3, num_downsamples=2, base_filters=4)
    assert model(np.zeros((1, 8, 8, 3), np.float32)).dtype == tf.float32


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (
            lambda: unet_generator((30, 32, 3), 3, num_downsamples=3),
            r"divisible by 8, got \(30, 32, 3\)",
        ),
        (
            lambda: unet_generator((32, 32, 3), 3, num_downsamples=1),
            "`num_downsamples` must be at least 2",
        ),
        (
            lambda: unet_generator((8, 8, 3), 3, num_downsamples=2, norm="group"),
            "`norm` must be one of",
        ),
        (lambda: resnet_generator((30, 30, 3), 3), r"divisible by 4, got \(30, 30, 3\)"),
        (lambda: resnet_generator((32, 32, 3), 3, residual_blocks=0), "at least 1, got 0"),
        (
            lambda: resnet_generator((32, 32, 3), 3, residual_blocks=1, upsampling="magic"),
            "`upsampling` must be one of",
        ),
        (lambda: resnet_generator((32, 32, 1), 3, input_skip=True), "as many output channels"),
        (lambda: patchgan_discriminator((16, 16, 3), layers=3), "needs sides of at least 24"),
        (lambda: patchgan_discriminator((16, 16, 3), layers=-1), "`layers` must be 0 or more"),
    ],
)
def test_impossible_networks_are_refused_with_a_rule(build, message):
    with pytest.raises(ValueError, match=message):
        build()


@pytest.mark.usefixtures("zero_weights")
def test_dualgan_has_the_published_numbers_of_parameters():
    generator = unet_generator(
        (256, 256, 3), 3, kernel=3, outer_kernel=5, norm="instance_affine", bias=True
    )
    assert _trainable(generator) / 1e6 == pytest.approx(30.63, abs=0.005)
    patch, whole = (strided_discriminator((256, 256, 3), head=head) for head in ("patch", "global"))
    assert _trainable(patch) / 1e6 == pytest.approx(3.92, abs=0.005)
    assert _trainable(whole) / 1e6 == pytest.approx(3.95, abs=0.005)
    assert (patch.output_shape, whole.output_shape) == ((None, 4, 4, 1), (None, 1))


def test_discriminators_of_too_small_images_are_refused():
    with pytest.raises(ValueError, match=r"needs sides above 32, .*: a norm on a 1x1 map"):
        strided_discriminator((32, 32, 3), num_downsamples=5)
    assert strided_discriminator(
        (32, 32, 3), num_downsamples=5, norm="none", base_filters=2
    ).count_params()
    with pytest.raises(ValueError, match=r"DiscoGAN's discriminator needs sides of at least 16"):
        feature_discriminator((8, 8, 3))


def test_a_bottleneck_depends_on_its_input_with_statistics_of_each_image():
    network = encoder_decoder(
        (8, 8, 3), 3, base_filters=4, bottleneck=5, inference_statistics="image"
    )
    one, other = np.random.default_rng(0).uniform(-1, 1, (2, 1, 8, 8, 3)).astype(np.float32)
    assert np.abs(network(one) - network(other)).max() > 1e-6


@pytest.mark.usefixtures("zero_weights")
def test_discogan_has_the_published_numbers_of_parameters():
    assert _trainable(encoder_decoder((64, 64, 3), 3)) / 1e6 == pytest.approx(5.51, abs=0.005)
    long = encoder_decoder((64, 64, 3), 3, bottleneck=100)
    assert _trainable(long) / 1e6 == pytest.approx(7.15, abs=0.005)
    discriminator = feature_discriminator((64, 64, 3))
    assert _trainable(discriminator) / 1e6 == pytest.approx(2.766, abs=0.0005)
    shapes = [(1, 1, 1), (16, 16, 128), (8, 8, 256), (4, 4, 512)]
    assert [tuple(shape[1:]) for shape in discriminator.output_shape] == shapes


@pytest.mark.usefixtures("zero_weights")
def test_dtn_has_the_published_numbers_of_parameters():
    features = code_encoder((32, 32, 3))
    head = class_head(features.output_shape[1:], 10)
    assert (_trainable(features) + _trainable(head)) / 1e6 == pytest.approx(0.896, abs=0.0015)
    assert _trainable(code_decoder((1, 1, 128), (32, 32, 1))) / 1e6 == pytest.approx(
        2.53, abs=0.005
    )
    assert _trainable(class_discriminator((32, 32, 1), 1)) / 1e6 == pytest.approx(1.49, abs=0.005)


def test_the_decoder_of_faces_has_nine_layers():
    # Section 5.2: five transposed convolutions, and a 1x1 convolution in every block but the last.
    decoder = code_decoder((256,), (64, 64, 3), base_filters=2, pointwise=True)
    layers = [
        (layer.kernel_size[0], layer.filters, layer.output.shape[1])
        for layer in decoder.layers
        if isinstance(layer, keras.layers.Conv2D | keras.layers.Conv2DTranspose)
    ]
    assert layers == [
        (4, 16, 4), (1, 16, 4), (3, 8, 8), (1, 8, 8), (3, 4, 16), (1, 4, 16), (3, 2, 32),
        (1, 2, 32), (3, 3, 64),
    ]  # fmt: skip


def test_every_block_of_the_discriminator_of_faces_is_convolution_norm_and_leaky_relu():
    widths = [3, 128, 256, 512, 256, 128]
    convolutions = sum(3 * 3 * a * b for a, b in itertools.pairwise(widths))
    parameters = convolutions + 2 * sum(widths[1:]) + (2 * 2 * 128 + 1) * 3
    assert _trainable(face_discriminator((64, 64, 3), 3)) == parameters == 2_956_675
    model = face_discriminator((16, 16, 3), 3, base_filters=4, batch_norm=BatchNorm(0.1, 0.5))
    convolution, norm, leaky = model.layers[1:4]
    probe = keras.Model(model.input, [convolution.output, leaky.output, model.output])
    images = np.random.default_rng(0).uniform(-1, 1, (4, 16, 16, 3)).astype(np.float32)
    features, activated, logits = (np.asarray(one) for one in probe(images, training=True))
    assert (features.shape, logits.shape) == ((4, 8, 8, 4), (4, 1, 1, 3))
    mean, variance = features.mean((0, 1, 2)), features.var((0, 1, 2))
    expected = (features - mean) / np.sqrt(variance + 0.1)
    np.testing.assert_allclose(activated, np.where(expected > 0, 1, 0.2) * expected, atol=1e-5)
    np.testing.assert_allclose(norm.moving_mean, 0.5 * mean, atol=1e-6)


def test_networks_of_digits_have_yunjeys_batch_norm_and_first_bias():
    networks = (
        code_encoder((8, 8, 3), base_filters=2, code=5),
        code_decoder((5,), (8, 8, 1), base_filters=2),
        class_discriminator((16, 16, 1), 3, base_filters=2),
    )
    norms = [
        layer
        for network in networks
        for layer in network.layers
        if isinstance(layer, keras.layers.BatchNormalization)
    ]
    assert len(norms) == 2 + 1 + 2
    assert {(norm.epsilon, norm.momentum) for norm in norms} == {(1e-3, 0.95)}
    first = networks[2].layers[1]
    assert first.use_bias
    assert not np.any(first.bias)


@pytest.mark.usefixtures("zero_weights")
def test_genegan_has_the_published_numbers_of_parameters_and_codes():
    split = splitter((64, 64, 3))
    assert split.output_shape == [(None, 8, 8, 384), (None, 8, 8, 128)]
    join = joiner((8, 8, 384), (8, 8, 128), 3)
    discriminator = object_discriminator((64, 64, 3))
    assert (join.output_shape, discriminator.output_shape) == ((None, 64, 64, 3), (None, 1))
    millions = [_trainable(network) / 1e6 for network in (split, join, discriminator)]
    assert millions == pytest.approx([2.629, 6.305, 6.833], abs=0.0005)


def test_the_object_code_is_the_last_quarter_of_channels():
    # A kernel of zeros for the last 4 of 16 channels, before a norm that only scales and adds,
    # keeps the background and makes each channel of the object constant.
    network = splitter((16, 24, 3), base_filters=4)
    image = np.random.default_rng(0).uniform(-1, 1, (1, 16, 24, 3)).astype(np.float32)
    background, obj = network(image)
    assert (background.shape, obj.shape) == ((1, 2, 3, 12), (1, 2, 3, 4))
    last = [layer for layer in network.layers if isinstance(layer, keras.layers.Conv2D)][-1]
    kernel = last.get_weights()[0]
    kernel[..., 12:] = 0.0
    last.set_weights([kernel])
    same, constant = network(image)
    np.testing.assert_array_equal(same, background)
    assert np.ptp(obj, (1, 2)).min() > 0
    assert np.ptp(constant, (1, 2)).max() == 0


@pytest.mark.parametrize("norm", ["batch", "instance_affine", "none"])
@pytest.mark.usefixtures("zero_weights")
def test_genegans_networks_keep_rectangular_sides(norm):
    images = tf.zeros((2, 16, 32, 1))
    codes = splitter((16, 32, 1), base_filters=2, norm=norm)(images)
    shapes = [code.shape[1:] for code in codes]
    assert joiner(*shapes, 1, norm=norm)(codes).shape == images.shape
    assert object_discriminator((16, 32, 1), base_filters=2, norm=norm)(images).shape == (2, 1)


def test_genegans_networks_refuse_sides_that_are_not_divisible():
    with pytest.raises(ValueError, match=r"of GeneGAN must have sides divisible by 8"):
        splitter((20, 24, 3))
    with pytest.raises(
        ValueError, match=r"of GeneGAN's discriminator must have sides divisible by 16"
    ):
        object_discriminator((24, 32, 3))
    with pytest.raises(ValueError, match=r"must have sides above 16 with an instance norm"):
        object_discriminator((16, 16, 3), norm="instance_affine")


@pytest.mark.parametrize("side", [16, 32])
@pytest.mark.usefixtures("zero_weights")
def test_networks_that_downsample_to_4x4_take_any_power_of_two(side):
    images = tf.zeros((2, side, side, 3))
    assert encoder_decoder((side, side, 3), 1, base_filters=2)(images).shape == (2, side, side, 1)
    assert (
        encoder_decoder((side, side, 3), 1, base_filters=2, bottleneck=5)(images).shape[1] == side
    )
    codes = code_encoder((side, side, 3), base_filters=2, code=6)(images)
    assert codes.shape == (2, 1, 1, 6)
    decoder = code_decoder((1, 1, 6), (side, side, 1), base_filters=2, pointwise=True)
    assert decoder(codes).shape == (2, side, side, 1)


def test_networks_that_downsample_to_4x4_refuse_other_sides():
    for shape in ((48, 48, 3), (32, 64, 3), (4, 4, 3)):
        with pytest.raises(ValueError, match="square with a side of 8, 16, 32, 64"):
            encoder_decoder(shape, 3)


def test_dtn_decodes_codes_of_any_rank():
    assert code_decoder((7,), (8, 8, 1), base_filters=2)(tf.zeros((3, 7))).shape == (3, 8, 8, 1)


def test_images_of_discogan_are_a_rescaled_sigmoid():
    network = encoder_decoder((8, 8, 3), 3, base_filters=2)
    before = keras.Model(network.inputs, network.get_layer("images").input)
    images = np.random.default_rng(0).uniform(-1, 1, (2, 8, 8, 3)).astype(np.float32)
    np.testing.assert_allclose(network(images), 2 * before(images) - 1, atol=1e-6)


def test_upsampling_is_the_transpose_of_a_convolution_with_either_padding():
    # Each output pixel of the convolution spreads over the pixels that it was computed from.
    kernel = keras.initializers.Ones()
    for odd, pads in (("same", "same"), ("torch", "one")):
        image = keras.Input((4, 4, 1))
        padded = image if pads == "same" else keras.layers.ZeroPadding2D(1)(image)
        downsampled = blocks.convolve(
            padded, 1, 3, stride=2, bias=False, pad="same" if pads == "same" else "valid",
            start=kernel,
        )  # fmt: skip
        downsample = keras.Model(image, downsampled)
        small = keras.Input((2, 2, 1))
        upsample = keras.Model(
            small, blocks.upsample(small, 1, 3, bias=False, how="transposed", odd=odd, start=kernel)
        )
        forward = (
            downsample(np.eye(16, dtype=np.float32).reshape(16, 4, 4, 1)).numpy().reshape(16, 4)
        )
        back = upsample(np.eye(4, dtype=np.float32).reshape(4, 2, 2, 1)).numpy().reshape(4, 16)
        np.testing.assert_array_equal(back, forward.T)


@pytest.mark.usefixtures("zero_weights")
def test_icgans_networks_have_the_published_numbers_of_parameters():
    shape = (64, 64, 3)
    assert _trainable(conditional_generator(shape, 100, 18)) / 1e6 == pytest.approx(3.725, abs=5e-4)
    assert _trainable(conditional_generator(shape, 100, 6)) / 1e6 == pytest.approx(3.63, abs=5e-3)
    assert _trainable(conditional_discriminator(shape, 18)) / 1e6 == pytest.approx(2.803, abs=5e-4)
    assert _trainable(conditional_discriminator(shape, 6)) / 1e6 == pytest.approx(2.78, abs=5e-3)
    assert _trainable(image_encoder(shape, 100, width=4096)) / 1e6 == pytest.approx(
        18.278, abs=5e-4
    )
    assert _trainable(image_encoder(shape, 18, width=512)) / 1e6 == pytest.approx(3.187, abs=5e-4)


@pytest.mark.parametrize("side", [8, 16, 32, 64])
@pytest.mark.usefixtures("zero_weights")
def test_icgans_networks_take_images_of_any_power_of_two(side):
    shape = (side, side, 1)
    noise, attributes = tf.zeros((2, 5)), tf.ones((2, 3))
    image = conditional_generator(shape, 5, 3, base_filters=2)([noise, attributes])
    assert image.shape == (2, *shape)
    assert conditional_discriminator(shape, 3, base_filters=2)([image, attributes]).shape == (
        2,
        1,
        1,
        1,
    )
    assert image_encoder(shape, 7, width=4, base_filters=2)(image).shape == (2, 7)


def test_widths_of_icgans_networks_double_above_64_pixels_too():
    # trainGAN.lua: size / 8 times the filters at 4x4 pixels.
    shape = (128, 128, 3)
    assert _widths(conditional_generator(shape, 5, 3, base_filters=2)) == [32, 16, 8, 4, 2, 3]
    assert _widths(conditional_discriminator(shape, 3, base_filters=2)) == [2, 4, 8, 16, 32, 1]
    assert _widths(image_encoder(shape, 7, width=4, base_filters=2)) == [2, 4, 8, 16, 32]


def test_attributes_join_icgans_discriminator_after_its_first_layer():
    model = conditional_discriminator((16, 16, 3), 3, base_filters=4)
    channels = [
        layer.input.shape[-1] for layer in model.layers if isinstance(layer, keras.layers.Conv2D)
    ]
    assert channels == [3, 4 + 3, 8]


def test_icgans_networks_refuse_other_sides_than_powers_of_two():
    for build in (
        lambda shape: conditional_generator(shape, 5, 3),
        lambda shape: conditional_discriminator(shape, 3),
        lambda shape: image_encoder(shape, 3, width=4),
    ):
        with pytest.raises(ValueError, match=r"square with a side of 8.* got \(24, 24, 3\)"):
            build((24, 24, 3))


def test_faders_latent_discriminator_doubles_its_channels_up_to_512():
    # 64 pixels, 4 downsamples from 32 filters: a latent of 4x4x256.
    convolutions = 4 * 4 * 256 * 512 + 512 + 4 * 4 * 512 * 512 + 512
    norms, dense = 2 * 2 * 512, 512 * 512 + 512 + 512 * 2 + 2
    network = latent_discriminator((4, 4, 256), 2)
    assert _trainable(network) == convolutions + norms + dense == 6_558_210
    assert _widths(latent_discriminator((8, 8, 6), 2, max_filters=20)) == [12, 20, 20]
