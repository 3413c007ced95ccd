import numpy as np
import pytest
import tensorflow as tf

from tf_translate.layers.reflection_padding import ReflectionPadding2D


def test_three_by_three_pixels_are_reflected_as_by_hand():
    # 1 2 3 reflects to 2 | 1 2 3 | 2 in both directions.
    images = np.array([[1, 2, 3], [4, 5, 6], [7, 8, 9]], np.float32).reshape(1, 3, 3, 1)
    expected = [
        [5, 4, 5, 6, 5],
        [2, 1, 2, 3, 2],
        [5, 4, 5, 6, 5],
        [8, 7, 8, 9, 8],
        [5, 4, 5, 6, 5],
    ]
    np.testing.assert_array_equal(ReflectionPadding2D(1)(images)[0, ..., 0], expected)


@pytest.mark.parametrize("padding", [1, 2, 3, 7])
def test_padding_equals_numpys_reflect(padding):
    images = np.random.default_rng(0).normal(size=(2, 8, 9, 3)).astype(np.float32)
    sides = ((0, 0), (padding, padding), (padding, padding), (0, 0))
    expected = np.pad(images, sides, mode="reflect")
    layer = ReflectionPadding2D(padding)
    np.testing.assert_array_equal(layer(images), expected)
    assert layer.compute_output_shape((2, 8, 9, 3)) == expected.shape


@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize("padding", [1, 3])
@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_the_gradient_sums_over_the_copies_of_every_pixel(dtype, padding, training):
    random = np.random.default_rng(0)
    shape, sides = (2, 5, 6, 3), ((0, 0), (padding, padding), (padding, padding), (0, 0))
    sources = np.pad(np.arange(np.prod(shape)).reshape(shape), sides, mode="reflect")
    weights = random.integers(-4, 5, sources.shape).astype(np.float32)  # exact in either type
    expected = np.zeros(np.prod(shape), np.float32)
    np.add.at(expected, sources.ravel(), weights.ravel())
    images = tf.cast(random.integers(0, 9, shape), dtype)
    layer = ReflectionPadding2D(padding, dtype=dtype)
    with tf.GradientTape() as tape:
        tape.watch(images)
        padded = layer(images, training=training)
        total = tf.reduce_sum(tf.cast(padded, tf.float32) * weights)
    np.testing.assert_array_equal(padded, np.pad(images, sides, mode="reflect"))
    gradient = tf.cast(tape.gradient(total, images), tf.float32)
    np.testing.assert_array_equal(gradient, expected.reshape(shape))


def test_images_of_unknown_size_are_padded_in_training():
    layer = ReflectionPadding2D(2)
    images = np.random.default_rng(0).normal(size=(2, 5, 4, 3)).astype(np.float32)
    signature = [tf.TensorSpec((None, None, None, 3))]
    traced = tf.function(lambda images: layer(images, training=True), input_signature=signature)
    sides = ((0, 0), (2, 2), (2, 2), (0, 0))
    np.testing.assert_array_equal(traced(images), np.pad(images, sides, mode="reflect"))


def test_gradients_of_gradients_equal_those_of_mirror_pad():
    """A gradient penalty differentiates the gradient."""
    images = tf.constant(np.random.default_rng(0).normal(size=(1, 4, 5, 2)))
    found = []
    for pad in (
        lambda images: ReflectionPadding2D(2, dtype="float64")(images, training=True),
        lambda images: tf.pad(images, [[0, 0], [2, 2], [2, 2], [0, 0]], "REFLECT"),
    ):
        with tf.GradientTape() as outer:
            outer.watch(images)
            with tf.GradientTape() as inner:
                inner.watch(images)
                total = tf.reduce_sum(pad(images) ** 3)
            penalty = tf.reduce_sum(inner.gradient(total, images) ** 2)
        found.append(outer.gradient(penalty, images))
    np.testing.assert_allclose(*found, rtol=1e-12)


def test_the_graph_of_inference_has_no_mirror_pad():
    function = tf.function(ReflectionPadding2D(3)).get_concrete_function(
        tf.TensorSpec((1, 8, 8, 3))
    )
    assert "MirrorPad" not in {operation.type for operation in function.graph.get_operations()}


@pytest.mark.parametrize("padding", [1, 2, 3, 7])
def test_no_concatenation_has_more_parts_than_xnnpack_supports(padding):
    function = tf.function(ReflectionPadding2D(padding)).get_concrete_function(
        tf.TensorSpec((1, 9, 9, 3))
    )
    concatenations = [node for node in function.graph.get_operations() if node.type == "ConcatV2"]
    assert concatenations
    assert max(len(node.inputs) - 1 for node in concatenations) <= 5  # the axis is an input too


def test_an_image_too_small_to_reflect_is_refused():
    with pytest.raises(ValueError, match="reflecting 3 pixels needs sides above 3"):
        ReflectionPadding2D(3)(np.zeros((1, 3, 8, 1), np.float32))


def test_padding_below_one_is_refused():
    with pytest.raises(ValueError, match="`padding` must be at least 1, got 0"):
        ReflectionPadding2D(0)
