"""Loading of files of TensorFlow 2.15 and tensorflow-addons 0.23 (scripts/make legacy_fixture)."""

import io
import json
import zipfile
from pathlib import Path

import h5py
import keras
import numpy as np
import pytest

import exporters
from tests.marks import slow_but
from tf_translate import image_signature, load_legacy
from tf_translate.errors import DataError
from tf_translate.layers.instance_norm import InstanceNormalization

FIXTURES = Path(__file__).parents[1] / "fixtures" / "legacy"
FILES = sorted(path.name for path in FIXTURES.glob("*") if path.suffix in (".h5", ".keras"))


def _images_and_outputs(name):
    with np.load(FIXTURES / f"{name.split('.')[0]}.npz") as stored:
        return stored["images"], stored["outputs"]


def test_every_network_of_the_fixtures_exists_in_both_formats():
    names = ("calls", "mixed", "resnet", "tutorial", "unet")
    assert [f"{name}.{form}" for name in names for form in ("h5", "keras")] == FILES


@pytest.mark.parametrize("name", FILES)
def test_outputs_equal_those_of_keras_2(name):
    images, outputs = _images_and_outputs(name)
    found = load_legacy(FIXTURES / name)(images, training=False)
    assert outputs.std() > 0.25, "a saturated network would hide differences"
    np.testing.assert_allclose(found, outputs, rtol=0, atol=1e-5)


@pytest.mark.parametrize("name", FILES)
def test_networks_compute_in_float32_under_every_dtype_policy(name):
    images, outputs = _images_and_outputs(name)
    keras.mixed_precision.set_global_policy("mixed_bfloat16")
    found = load_legacy(FIXTURES / name)(images, training=False)
    np.testing.assert_allclose(found, outputs, rtol=0, atol=1e-5)


@pytest.mark.parametrize("form", ["h5", "keras"])
def test_norms_of_addons_become_instance_normalization_with_their_settings(form):
    network = load_legacy(FIXTURES / f"resnet.{form}")
    norms = [layer for layer in network.layers if isinstance(layer, InstanceNormalization)]
    # As the script sets them: tfa's default 1e-3, once 1e-5; the last has no weights at all.
    assert [norm.epsilon for norm in norms] == [1e-3, 1e-5, 1e-3, 1e-3, 1e-3]
    assert [norm.affine for norm in norms] == [True, True, True, True, False]
    assert np.all(norms[2].beta.numpy() == 0), "center=False"
    assert np.ptp(norms[2].gamma.numpy()) > 0
    assert np.all(norms[3].gamma.numpy() == 1), "scale=False"
    assert np.ptp(norms[3].beta.numpy()) > 0


@pytest.mark.parametrize("form", ["h5", "keras"])
def test_frozen_layers_stay_frozen_and_get_their_weights(form):
    block = load_legacy(FIXTURES / f"unet.{form}").get_layer("sequential_2")
    assert [layer.trainable for layer in block.layers] == [False, True, True]


@pytest.mark.thorough
@pytest.mark.parametrize(
    ("name", "shape"),
    slow_but([("resnet.h5", None), ("unet.keras", (16, 24, 3))], ("unet.keras", (16, 24, 3))),
)
def test_a_loaded_generator_is_exported_and_verified(name, shape, tmp_path):
    images, outputs = _images_and_outputs(name)
    network = load_legacy(FIXTURES / name, image_shape=shape)
    signature = image_signature("a_to_b", network, {"normalization": "statistics of each image"})
    bundle = exporters.export({"a_to_b": signature}, tmp_path / "bundle")
    assert exporters.verify(bundle, isolated=False).passed
    runner = exporters.Runner(exporters.open_bundle(bundle))
    found = runner.run("a_to_b", {"image": images[:1]})["image"]
    np.testing.assert_allclose(found, outputs[:1], rtol=0, atol=1e-4)


def test_a_loaded_network_survives_keras_3_files(tmp_path):
    images, outputs = _images_and_outputs("resnet")
    load_legacy(FIXTURES / "resnet.h5").save(tmp_path / "new.keras")
    again = keras.models.load_model(tmp_path / "new.keras")
    np.testing.assert_allclose(again(images, training=False), outputs, rtol=0, atol=1e-5)


def test_a_saved_image_shape_cannot_be_changed():
    with pytest.raises(DataError, match=r"takes images of shape \(16, 24, 3\).*\(32, 32, 3\)"):
        load_legacy(FIXTURES / "resnet.h5", image_shape=(32, 32, 3))


def test_image_shape_is_set_in_a_sequential_that_stores_its_shape_twice(tmp_path):
    def change(config, weights):  # as Keras 2 writes Conv2D(..., input_shape=...)
        config["layers"][0]["config"]["batch_input_shape"] = [None, None, None, 3]
        config["layers"][1]["config"]["batch_input_shape"] = [None, None, None, 3]

    images, outputs = _images_and_outputs("tutorial")
    network = load_legacy(_changed_h5(tmp_path, change, "tutorial"), image_shape=(16, 24, 3))
    assert network.output_shape == (None, 16, 24, 3)
    np.testing.assert_allclose(network(images, training=False), outputs, rtol=0, atol=1e-5)


class MirrorPad(keras.layers.Layer):
    """A user's own layer in place of ReflectionPadding2D."""

    def __init__(self, padding, **kwargs):
        super().__init__(**kwargs)
        self.padding = padding

    def call(self, images):
        width, height = self.padding
        return keras.ops.pad(images, [[0, 0], [height] * 2, [width] * 2, [0, 0]], "reflect")


@pytest.mark.parametrize("form", ["h5", "keras"])
def test_classes_of_the_user_take_precedence(form):
    images, outputs = _images_and_outputs("resnet")
    chosen = {"ReflectionPadding2D": MirrorPad}
    network = load_legacy(FIXTURES / f"resnet.{form}", custom_objects=chosen)
    assert sum(isinstance(layer, MirrorPad) for layer in network.layers) == 2
    np.testing.assert_allclose(network(images, training=False), outputs, rtol=0, atol=1e-5)


def test_custom_objects_must_be_classes():
    with pytest.raises(ValueError, match="`custom_objects` must hold classes of Keras layers"):
        load_legacy(FIXTURES / "resnet.h5", custom_objects={"ReflectionPadding2D": len})


def _changed_h5(tmp_path, change, name="resnet"):
    """Copies a file and applies `change(config, weights)` to its description and weights."""
    path = tmp_path / "changed.h5"
    path.write_bytes((FIXTURES / f"{name}.h5").read_bytes())
    with h5py.File(path, "r+") as file:
        described = json.loads(file.attrs["model_config"])
        change(described["config"], file["model_weights"])
        file.attrs["model_config"] = json.dumps(described)
    return path


def _changed_keras(tmp_path, change, name="resnet"):
    path = tmp_path / "changed.keras"
    with zipfile.ZipFile(FIXTURES / f"{name}.keras") as old, zipfile.ZipFile(path, "w") as new:
        described = json.loads(old.read("config.json"))
        weights = io.BytesIO(old.read("model.weights.h5"))
        with h5py.File(weights, "r+") as file:
            change(described["config"], file)
        new.writestr("metadata.json", old.read("metadata.json"))
        new.writestr("config.json", json.dumps(described))
        new.writestr("model.weights.h5", weights.getvalue())
    return path


def _layer(config, name):
    return next(one for one in config["layers"] if one["name"] == name)


@pytest.mark.parametrize("copy", [_changed_h5, _changed_keras])
def test_a_lambda_is_refused_and_never_run(copy, tmp_path):
    def change(config, weights):
        layer = _layer(config, "reflection_padding2d")
        code = {"class_name": "__lambda__", "config": {"code": "4wAAAA==", "defaults": None}}
        layer.update(class_name="Lambda", registered_name=None)
        layer["config"] = {"name": "reflection_padding2d", "function": code}

    path = copy(tmp_path, change)
    with pytest.raises(DataError, match=r"'reflection_padding2d' is a Lambda layer.* never run"):
        load_legacy(path)
    with pytest.raises(DataError, match="is a Lambda"):
        load_legacy(path, custom_objects={"Lambda": MirrorPad})


@pytest.mark.parametrize(
    ("layer", "changed", "error"),
    [
        ("conv2d", {"class_name": "Addons>WeightNormalization"}, "'Addons>WeightNormalization'"),
        ("conv2d", {"activation": "Custom>sneaky"}, "the activation 'Custom>sneaky'"),
        ("conv2d", {"activation": "hard_sigmoid"}, "the activation 'hard_sigmoid'"),
        ("conv2d", {"strides": {"class_name": "Lambda"}}, "strides=.*no equivalent"),
        ("conv2d", {"data_format": "channels_first"}, "data_format='channels_first'"),
        ("conv2d", {"renorm": True}, "renorm=True, which Keras 3 no longer has"),
        ("conv2d", {"filters": 5}, "'conv2d'.*needs"),
        ("instance_normalization", {"axis": 1}, "normalises along axis 1"),
        ("reflection_padding2d", {"padding": [1, 3]}, r"padding=\[1, 3\]"),
    ],
)
def test_settings_without_equivalent_are_refused_by_name(layer, changed, error, tmp_path):
    def change(config, weights):
        entry = _layer(config, layer)
        (entry if "class_name" in changed else entry["config"]).update(changed)

    with pytest.raises(DataError, match=error) as caught:
        load_legacy(_changed_h5(tmp_path, change))
    assert "changed.h5" in str(caught.value)


def test_the_norm_of_keras_contrib_is_refused(tmp_path):
    def change(config, weights):
        layer = _layer(config, "instance_normalization")
        layer["class_name"] = "InstanceNormalization"
        del layer["config"]["groups"]

    with pytest.raises(DataError, match="keras-contrib's InstanceNormalization"):
        load_legacy(_changed_h5(tmp_path, change))


def test_an_unknown_function_is_refused_by_name(tmp_path):
    def change(config, weights):
        _layer(config, "tf.math.tanh")["config"]["function"] = "io.write_file"

    with pytest.raises(DataError, match=r"calls the TensorFlow function 'io\.write_file'"):
        load_legacy(_changed_h5(tmp_path, change, "calls"))


@pytest.mark.parametrize("linked", ["conv2d", "conv2d/conv2d/kernel:0"])
def test_weights_linked_to_other_files_are_not_read(linked, tmp_path):
    with h5py.File(tmp_path / "secret.h5", "w") as file:
        file["conv2d/conv2d/kernel:0"] = np.zeros((7, 7, 3, 4), np.float32)
        file["conv2d"].attrs["weight_names"] = [b"conv2d/kernel:0"]

    def change(config, weights):
        del weights[linked]
        weights[linked] = h5py.ExternalLink(str(tmp_path / "secret.h5"), linked)

    with pytest.raises(DataError, match=r"conv2d.*is a link to another file or place"):
        load_legacy(_changed_h5(tmp_path, change))


def test_missing_weights_are_refused_by_name(tmp_path):
    def change(config, weights):
        del weights["layers/conv2d_1/vars/1"]

    with pytest.raises(DataError, match="'conv2d_1' has 1 weights in the file and needs 2"):
        load_legacy(_changed_keras(tmp_path, change))


def test_files_of_other_formats_are_refused_with_a_reason(tmp_path):
    with pytest.raises(DataError, match="there is no such file"):
        load_legacy(tmp_path / "none.h5")
    with pytest.raises(DataError, match="is a folder, perhaps a SavedModel"):
        load_legacy(tmp_path)
    (tmp_path / "text.h5").write_text("text")
    with pytest.raises(DataError, match="neither an H5 file nor"):
        load_legacy(tmp_path / "text.h5")
    with h5py.File(tmp_path / "weights.h5", "w") as file:
        file.create_group("conv2d")
    with pytest.raises(DataError, match="holds weights without a network"):
        load_legacy(tmp_path / "weights.h5")
    keras.Sequential([keras.Input((4, 4, 3)), keras.layers.ReLU()]).save(tmp_path / "new.keras")
    with pytest.raises(DataError, match=r"was saved by Keras 3.*loading.load_keras_file`"):
        load_legacy(tmp_path / "new.keras")


@pytest.mark.parametrize("copy", [_changed_h5, _changed_keras])
def test_a_damaged_description_raises_a_data_error(copy, tmp_path):
    def change(config, weights):
        del config["output_layers"]

    with pytest.raises(DataError, match="is damaged, or is not a network that Keras 2 saved"):
        load_legacy(copy(tmp_path, change))
