import keras
import pytest

import exporters
from exporters.lint.layer_names import NO_LAYER, layers_of
from exporters.tflite_graph.operators import read_signatures
from tests.exporters.fakes import of_model


@pytest.fixture(scope="module")
def graphs(tmp_path_factory):
    """A network that uses another network twice, with layer names that end in numbers."""
    inner_image = keras.Input((8, 8, 3))
    hidden = keras.layers.Conv2D(3, 3, padding="same", name="conv_7")(inner_image)
    inner = keras.Model(inner_image, keras.layers.LeakyReLU(name="leaky")(hidden), name="block_1")
    image = keras.Input((8, 8, 3))
    hidden = inner(keras.layers.Conv2D(3, 1, name="conv2d_3")(image))
    hidden = keras.layers.AveragePooling2D(1, name="mean")(inner(hidden))
    hidden = keras.layers.Conv2D(3, 3, padding="same", name="last", activation="tanh")(hidden)
    outer = keras.Model(image, hidden, name="net")
    folder = exporters.export(
        {"a_to_b": of_model("a_to_b", outer)}, tmp_path_factory.mktemp("layers") / "bundle"
    )
    return read_signatures((folder / "float32.tflite").read_bytes())


def test_operations_name_the_layer_as_keras_does(graphs):
    found = list(layers_of(graphs["a_to_b"]).values())
    assert found[0] == "net/conv2d_3"
    assert found.count("net/block_1/conv_7") == 2
    assert found.count("net/block_1/leaky") == 2
    assert found[-2:] == ["net/last", "after net/last"]


def test_the_scaling_of_pixels_belongs_to_no_layer(graphs):
    graph = graphs["a_to_b_uint8"]
    layers = layers_of(graph)
    casts = [layers[i] for i, node in enumerate(graph.nodes) if node.operation == "CAST"]
    assert casts == [NO_LAYER, NO_LAYER]
