"""`exporters.signature_of`: models that were made elsewhere, as signatures."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import exporters
from exporters import ExportError, signature_of

layers = keras.layers


def _network(shape=(8, 12, 3), activation="tanh", channels=3, dtype=None):
    image = keras.Input(shape, dtype=dtype)
    outputs = layers.Conv2D(channels, 3, padding="same", activation=activation)(image)
    return keras.Model(image, outputs)


def _described(tensors):
    return [(tensor.name, tensor.shape, tensor.dtype, tensor.value_range) for tensor in tensors]


def test_sides_that_the_model_leaves_open_are_given():
    network = _network((None, None, 3))
    signature = signature_of(network, size=(8, 12))
    image = ("image", (None, 8, 12, 3), "float32", (-1.0, 1.0))
    assert _described(signature.inputs) == _described(signature.outputs) == [image]
    with pytest.raises(ExportError, match=r"leaves sides open in .* give `size=\(height, width\)`"):
        signature_of(network)
    with pytest.raises(ExportError, match=r"`size` must agree with the input of shape"):
        signature_of(_network(), size=(16, 16))


def test_ranges_are_told_by_layers_given_or_assumed_with_a_warning():
    with pytest.warns(UserWarning, match=r"range of input 'image' assumed \[0, 1\]: give ranges"):
        unit = signature_of(_network(activation="sigmoid"))
    assert unit.inputs[0].value_range == unit.outputs[0].value_range == (0.0, 1.0)
    scaled = keras.Sequential(
        [keras.Input((8, 8, 3)), layers.Rescaling(1 / 255), _network((8, 8, 3))]
    )
    assert signature_of(scaled).inputs[0].value_range == (0.0, 255.0)
    assert signature_of(scaled).outputs[0].value_range == (-1.0, 1.0)  # of the nested model's tanh
    linear = _network(activation=None)
    with pytest.warns(
        UserWarning, match="range of output 'image' assumed \\[-1, 1\\]: give ranges"
    ):
        assert signature_of(linear).outputs[0].value_range == (-1.0, 1.0)
    given = signature_of(linear, ranges=(0, 5))
    assert given.outputs[0].value_range == (0.0, 5.0)
    assert signature_of(linear, ranges={"image": None}).outputs[0].value_range is None
    with pytest.raises(ExportError, match="`ranges` names 'imge', but there are image"):
        signature_of(linear, ranges={"imge": (0, 1)})
    with pytest.raises(ExportError, match="must be a minimum and a larger maximum"):
        signature_of(linear, ranges=(1, 0))


def test_several_inputs_and_outputs_keep_their_names_and_values():
    photo, style = keras.Input((8, 8, 3), name="photo"), keras.Input((8, 8, 3), name="style:ref")
    latent = keras.Input((4,), name="z")
    mixed = layers.Concatenate()([photo, style])
    outputs = {
        "painted": layers.Conv2D(3, 3, padding="same", activation="tanh")(mixed),
        "logits": layers.Dense(2)(latent),
        "blend": layers.Conv2D(1, 1, activation="sigmoid")(mixed),
    }
    network = keras.Model([photo, style, latent], outputs)
    signature = signature_of(network, names={"photo": "image", "painted": "result"})
    assert [tensor.name for tensor in signature.inputs] == ["image", "style_ref", "z"]
    assert _described(signature.outputs) == [
        ("blend", (None, 8, 8, 1), "float32", (0.0, 1.0)),
        ("logits", (None, 2), "float32", None),
        ("result", (None, 8, 8, 3), "float32", (-1.0, 1.0)),
    ]
    a, b, z = (np.random.default_rng(0).uniform(-1, 1, (1, *each)).astype(np.float32)
               for each in ((8, 8, 3), (8, 8, 3), (4,)))  # fmt: skip
    found = signature.function(image=a, style_ref=b, z=z)
    expected = network([a, b, z])
    for name, own in (("result", "painted"), ("logits", "logits"), ("blend", "blend")):
        np.testing.assert_allclose(found[name], expected[own], atol=1e-6)


def test_networks_of_mixed_precision_compute_in_float32_with_the_same_weights():
    keras.mixed_precision.set_global_policy("mixed_float16")
    image = keras.Input((8, 8, 3))
    halves = layers.Concatenate()([image[..., :1], keras.ops.concatenate([image, image], axis=-1)])
    network = keras.Model(image, _network((8, 8, 7))(layers.BatchNormalization()(halves)))
    keras.mixed_precision.set_global_policy("float32")
    signature = signature_of(network)
    image = np.random.default_rng(0).uniform(-1, 1, (1, 8, 8, 3)).astype(np.float32)
    found = signature.function(image=image)["image"]
    assert found.dtype == tf.float32
    assert 0 < np.abs(found - network(image).numpy().astype(np.float32)).max() < 5e-3


@pytest.mark.thorough
def test_pixels_in_and_out_and_a_network_that_doubles_images_are_translated(tmp_path):
    pixels = keras.Input((8, 8, 3), dtype="uint8")
    inverted = keras.ops.cast(255.0 - keras.ops.cast(pixels, "float32"), "uint8")
    doubled = keras.Input((None, None, 3))
    doubling = keras.Model(doubled, layers.Activation("sigmoid")(layers.UpSampling2D()(doubled)))
    image = np.random.default_rng(0).integers(0, 256, (10, 14, 3), np.uint8)
    for name, network, size in (
        ("inverting", keras.Model(pixels, inverted), (10, 14, 3)),
        ("doubling", doubling, (20, 28, 3)),
    ):
        sides = (8, 8) if name == "doubling" else None
        bundle = exporters.export({"a_to_b": signature_of(network, size=sides)}, tmp_path / name)
        assert exporters.verify(bundle, isolated=False).passed
        runner = exporters.Runner(exporters.open_bundle(bundle))
        assert exporters.translate_image(runner, image).shape == size


def test_files_functions_and_saved_models_are_described_alike(tmp_path):
    network = _network()
    network.save(tmp_path / "network.keras")
    network.export(tmp_path / "saved", verbose=False)
    spec = tf.TensorSpec((None, 8, 12, 3), tf.float32, name="photo")
    function = tf.function(lambda photo: network(photo), input_signature=[spec])
    image = np.random.default_rng(0).uniform(-1, 1, (1, 8, 12, 3)).astype(np.float32)
    for model in (tmp_path / "network.keras", str(tmp_path / "saved"), function):
        signature = signature_of(model, ranges=(-1, 1), name="paint")
        assert _described(signature.inputs) == _described(signature_of(network).inputs)
        found = signature.function(image=image)["image"]
        np.testing.assert_allclose(found, network(image), atol=1e-6)


class _Subclassed(keras.Model):
    def call(self, images):
        return images


@pytest.mark.parametrize(
    ("model", "sentence"),
    [
        (lambda: None, "`model` must be a keras.Model, a .keras file, the folder of a SavedModel"),
        (lambda: "nowhere.keras", "there is no model file or folder nowhere.keras"),
        (_Subclassed, "inputs of _Subclassed .* unknown, as it is subclassed or not built: give a"),
        (lambda: tf.function(lambda x: x), "or a tf.function with an input_signature, got"),
        (lambda: _network(dtype="float64"), "bundles hold float32, int32, uint8: cast it"),
        (
            lambda: keras.Sequential([keras.Input(batch_shape=(4, 8, 8, 3)), layers.ReLU()]),
            r"has a fixed batch in \(4, 8, 8, 3\), and apps call a model with one image",
        ),
    ],
)
def test_what_cannot_be_exported_is_refused_at_once(model, sentence):
    with pytest.raises(ExportError, match=sentence):
        signature_of(model())
