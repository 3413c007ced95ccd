"""Every CPU kernel on, off and alone; plain Keras and TensorFlow are the reference."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from tests.layers.traced import operations_of
from tf_translate.core.optimizers import make_optimizer
from tf_translate.errors import ConfigError
from tf_translate.layers.cpu import (
    KERNELS,
    VARIABLE,
    Conv2D,
    Conv2DTranspose,
    CropFirst,
    enabled_kernels,
    record_kernels,
)
from tf_translate.layers.reflection_padding import ReflectionPadding2D

# For each kernel: a layer that it acts on, the shape of its input, and an operation of which the
# kernel has more than Keras, or fewer ("fewer ...").
CASES = {
    "conv2d": (lambda: Conv2D(2, 3), (1, 6, 6, 128), "MatMul"),
    "conv2d_transpose": (
        lambda: Conv2DTranspose(512, 4, strides=2, padding="same"),
        (1, 2, 2, 512),
        "MatMul",
    ),
    "strided_gradient": (lambda: Conv2D(4, 3, strides=2), (1, 130, 130, 64), "SpaceToDepth"),
    "few_channels": (lambda: Conv2D(3, 7), (1, 30, 30, 8), "Transpose"),
    "bias": (lambda: Conv2D(8, 3, padding="same"), (2, 6, 6, 4), "fewer Reshape"),
    "reflection_padding": (lambda: ReflectionPadding2D(2), (2, 5, 6, 3), "GatherV2"),
    "cropping": (lambda: CropFirst(), (2, 5, 6, 3), "Slice"),
}
REFERENCES = {
    Conv2D: keras.layers.Conv2D,
    Conv2DTranspose: keras.layers.Conv2DTranspose,
    ReflectionPadding2D: lambda **_: (
        lambda images: tf.pad(images, [[0, 0], [2, 2], [2, 2], [0, 0]], "REFLECT")
    ),
    CropFirst: lambda **_: keras.layers.Cropping2D(((1, 0), (1, 0))),
}


def _run(layer, images):
    """Result and gradients of a training step that is traced now, and its operations."""
    options = {"training": True} if type(layer) in REFERENCES else {}
    weights = getattr(layer, "trainable_variables", [])

    @tf.function
    def run(images):
        with tf.GradientTape() as tape:
            tape.watch(images)
            result = layer(images, **options)
            total = tf.reduce_sum(tf.sin(result))
        return [result, *tape.gradient(total, [images, *(each.value for each in weights)])]

    return run(images), operations_of(run.get_concrete_function(images))


def _has_kernel(operation: str, operations: list[str], plain: list[str]) -> bool:
    """Whether operations differ from those of Keras as the last column of `CASES` says."""
    name = operation.removeprefix("fewer ")
    more = operations.count(name) - plain.count(name)
    return more < 0 if operation.startswith("fewer ") else more > 0


@pytest.mark.thorough
@pytest.mark.parametrize("kernel", CASES)
def test_a_kernel_runs_where_it_is_on_and_gives_the_results_of_keras(kernel, monkeypatch):
    make, shape, operation = CASES[kernel]
    layer, images = make(), tf.random.stateless_normal(shape, [0, 0])
    layer.build(shape)
    reference = REFERENCES[type(layer)](**layer.get_config())
    if layer.weights:
        reference.build(shape)
        reference.set_weights(layer.get_weights())
    expected, plain = _run(reference, images)
    others = ",".join(name for name in KERNELS if name != kernel)
    for value, runs in (("on", True), (kernel, True), ("off", False), (others, False)):
        monkeypatch.setenv(VARIABLE, value)
        with record_kernels() as used:
            found, operations = _run(layer, images)
        assert (kernel in used) == runs
        assert _has_kernel(operation, operations, plain) == runs, value
        for result, exact in zip(found, expected, strict=True):
            np.testing.assert_allclose(result, exact, atol=2e-5 * np.abs(exact).max())
        if value == "off":
            assert sorted(operations) == sorted(plain)


def test_every_kernel_but_adam_has_a_case_here():
    assert {*CASES, "adam"} == {*KERNELS}


def _step(optimizer):
    variable = keras.Variable([[1.0, -2.0]])
    optimizer.build([variable])

    @tf.function
    def step(gradient):
        optimizer.apply([gradient], [variable])

    gradient = tf.constant([[0.5, 3.0]])
    step(gradient)
    return variable.numpy(), operations_of(step.get_concrete_function(gradient))


def test_adam_takes_one_operation_or_those_of_keras(monkeypatch):
    settings = {"learning_rate": 0.1, "beta_1": 0.5}
    expected, plain = _step(keras.optimizers.Adam(**settings))
    for value, runs in (("on", True), ("adam", True), ("off", False), ("conv2d", False)):
        monkeypatch.setenv(VARIABLE, value)
        weights, operations = _step(make_optimizer({"kind": "adam", **settings}))
        assert ("ResourceApplyAdam" in operations) == runs
        np.testing.assert_allclose(weights, expected, rtol=1e-6)
        if not runs:
            assert sorted(operations) == sorted(plain)


@pytest.mark.thorough
@pytest.mark.parametrize(("written", "read"), [("on", "off"), ("off", "on")])
def test_files_written_with_one_setting_load_with_the_other(tmp_path, monkeypatch, written, read):
    monkeypatch.setenv(VARIABLE, written)
    inputs = keras.Input((30, 30, 8))
    features = Conv2D(3, 7)(ReflectionPadding2D(1)(inputs))
    features = CropFirst()(Conv2DTranspose(3, 3, strides=2, padding="valid")(features))
    model = keras.Model(inputs, features)
    model.compile(make_optimizer({"kind": "adam", "learning_rate": 0.1}), "mse")
    images = np.random.default_rng(0).normal(size=(2, 30, 30, 8)).astype(np.float32)
    targets = np.zeros((2, *model.output_shape[1:]), np.float32)
    model.train_on_batch(images, targets)
    model.save(tmp_path / "model.keras")
    monkeypatch.setenv(VARIABLE, read)
    copy = keras.models.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(copy(images), model(images))
    for one, other in zip(copy.optimizer.variables, model.optimizer.variables, strict=True):
        np.testing.assert_array_equal(one, other)
    for each in (model, copy):
        each.train_on_batch(images, targets)
    for one, other in zip(copy.get_weights(), model.get_weights(), strict=True):
        np.testing.assert_allclose(one, other, atol=1e-3)


@pytest.mark.parametrize("value", ["", "on", " on "])
def test_all_kernels_are_on_by_default(monkeypatch, value):
    monkeypatch.setenv(VARIABLE, value)
    assert enabled_kernels() == {*KERNELS}
    monkeypatch.delenv(VARIABLE)
    assert enabled_kernels() == {*KERNELS}


def test_listed_kernels_are_on_alone(monkeypatch):
    monkeypatch.setenv(VARIABLE, "adam, conv2d")
    assert enabled_kernels() == {"adam", "conv2d"}


@pytest.mark.parametrize(
    "build",
    [
        lambda: Conv2D(2, 3),
        lambda: Conv2DTranspose(2, 3),
        lambda: CropFirst(),
        lambda: ReflectionPadding2D(1),
        lambda: make_optimizer({"kind": "adam"}),
    ],
)
def test_an_unknown_kernel_is_refused_in_one_sentence(monkeypatch, build):
    monkeypatch.setenv(VARIABLE, "adam,conv3d")
    expected = (
        r"^TF_TRANSLATE_CPU_KERNELS must be on, off or a comma-separated list of kernels, got "
        r"'adam,conv3d': 'conv3d' is none of conv2d, .*, adam; correct or unset it$"
    )
    with pytest.raises(ConfigError, match=expected):
        build()
