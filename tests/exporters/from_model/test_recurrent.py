"""Networks with recurrent and 3-D layers: loops are written out, others refused by name."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import exporters
from exporters import ExportError, Signature, Tensor, signature_of
from exporters.tflite_graph.operators import read_signatures
from exporters.untrusted import tflite

layers = keras.layers


def _frames(image):
    """The 4 quarters of an image as frames, `(4, 4, 6, 3)`."""
    return layers.Reshape((4, 4, 6, 3))(image)


def _network(recurrent):
    image = keras.Input((8, 12, 3), name="image")
    hidden = recurrent(_frames(image))
    outputs = layers.Conv2D(3, 3, padding="same", activation="tanh")(hidden)
    return keras.Model(image, outputs)


def _convolved_in_3d(frames):
    hidden = layers.Conv3D(4, (3, 3, 3), strides=(2, 1, 1), padding="same")(frames)
    return layers.Reshape((4, 6, 8))(layers.Permute((2, 3, 1, 4))(hidden))


def _gated(frames):
    steps = layers.Reshape((4, 72))(frames)
    return layers.Reshape((4, 6, 4))(layers.Dense(96)(layers.Bidirectional(layers.GRU(8))(steps)))


NETWORKS = {
    "ConvLSTM2D": layers.ConvLSTM2D(4, 3, padding="same"),
    "Conv3D": _convolved_in_3d,
    "Bidirectional GRU": _gated,
}


@pytest.mark.parametrize(
    "name",
    [
        "ConvLSTM2D",
        *(pytest.param(name, marks=pytest.mark.slow) for name in NETWORKS if name != "ConvLSTM2D"),
    ],
)
def test_recurrent_and_3d_networks_export_verify_and_keep_their_values(tmp_path, name):
    network = _network(NETWORKS[name])
    signature = signature_of(network, ranges=(-1, 1))
    bundle = exporters.export({"a_to_b": signature}, tmp_path / "bundle")
    assert exporters.verify(bundle, isolated=False).passed
    content = (bundle / "float32.tflite").read_bytes()
    tflite.check(content, "float32.tflite")
    operations = {node.operation for node in read_signatures(content)["a_to_b"].nodes}
    assert not {"WHILE", "IF", "CALL"} & operations
    assert ("CONV_3D" in operations) is (name == "Conv3D")
    image = np.random.default_rng(0).uniform(-1, 1, (1, 8, 12, 3)).astype(np.float32)
    found = exporters.Runner(exporters.open_bundle(bundle)).run("a_to_b", {"image": image})
    np.testing.assert_allclose(found["image"], network(image), atol=1e-5)


def test_the_loops_of_the_model_itself_stay():
    network = _network(NETWORKS["ConvLSTM2D"])
    signature_of(network, ranges=(-1, 1))
    (recurrent,) = [each for each in network.layers if isinstance(each, layers.ConvLSTM2D)]
    assert recurrent.unroll is False


def test_a_loop_of_ones_own_is_refused_with_its_layer(tmp_path):
    class Repeated(layers.Layer):
        def call(self, images):
            return tf.while_loop(
                lambda step, _: step < 3, lambda step, x: (step + 1, x * 0.5), (0, images)
            )[1]

    image = keras.Input((8, 12, 3))
    network = keras.Model(image, Repeated(name="halving")(image))
    sentence = (
        r"'a_to_b': '.*halving.*' loops \(StatelessWhile\), and such a file cannot be checked"
    )
    with pytest.raises(ExportError, match=sentence):
        exporters.export({"a_to_b": signature_of(network, ranges=(-1, 1))}, tmp_path / "bundle")


def test_a_layer_that_verify_would_refuse_is_named(tmp_path):
    def transposed(frames):
        larger = layers.Conv3DTranspose(2, 3, padding="same", name="growing")(frames)
        return layers.Reshape((8, 12, 2))(larger)

    network = _network(transposed)
    sentence = r"so write '.*growing.*' with other operations: .* operation Conv3DBackpropInputV2"
    with pytest.raises(ExportError, match=sentence):
        exporters.export({"a_to_b": signature_of(network, ranges=(-1, 1))}, tmp_path / "bundle")


def test_a_branch_is_refused(tmp_path):
    def function(image):
        return {"image": tf.cond(tf.reduce_sum(image) > 0, lambda: image, lambda: -image)}

    tensor = Tensor("image", (None, 8, 12, 3), value_range=(-1.0, 1.0))
    with pytest.raises(ExportError, match=r"branches \(\w+\), .* compute both and use tf.where"):
        exporters.export(
            {"a_to_b": Signature("a_to_b", function, (tensor,), (tensor,))}, tmp_path / "bundle"
        )
