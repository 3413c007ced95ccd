"""The metadata in a .tflite file, read by the field numbers of TensorFlow Lite Support's schema."""

import flatbuffers
import numpy as np
import pytest
from ai_edge_litert.interpreter import Interpreter
from flatbuffers.number_types import Float32Flags, Uint8Flags, UOffsetTFlags

import exporters
from exporters.convert.tflite_metadata import Description, with_metadata
from tests.exporters.convert.read_metadata import read_metadata
from tests.exporters.fakes import Signature, Tensor, edit, negative, noise


class _Table:
    """A table of a flatbuffer; fields by their number in the schema."""

    def __init__(self, content, position):
        self._table = flatbuffers.table.Table(content, position)

    def _offset(self, field):
        return self._table.Offset(4 + 2 * field)

    def text(self, field):
        offset = self._offset(field)
        return self._table.String(offset + self._table.Pos).decode() if offset else None

    def number(self, field):
        offset = self._offset(field)
        return self._table.Get(Uint8Flags, offset + self._table.Pos) if offset else 0

    def table(self, field):
        return _Table(
            self._table.Bytes, self._table.Indirect(self._offset(field) + self._table.Pos)
        )

    def tables(self, field):
        offset = self._offset(field)
        start = self._table.Vector(offset) if offset else 0
        count = self._table.VectorLen(offset) if offset else 0
        return [
            _Table(self._table.Bytes, self._table.Indirect(start + 4 * index))
            for index in range(count)
        ]

    def floats(self, field):
        offset = self._offset(field)
        return self._table.GetVectorAsNumpy(Float32Flags, offset).tolist() if offset else None


def _root(content):
    assert content[4:8] == b"M001"
    return _Table(content, flatbuffers.encode.Get(UOffsetTFlags.packer_type, content, 0))


@pytest.fixture(scope="module")
def bundle(tmp_path_factory):
    """Two signatures, as floats and quantized; the quantizer stores constants behind the graph."""
    images = noise(3, 8, 12, 3)
    attributes = np.float32([[1, 0, 0]] * 3)
    return exporters.export(
        {"a_to_b": negative("a_to_b"), "edit": edit()},
        tmp_path_factory.mktemp("metadata") / "bundle",
        recipes=("float32", "int8"),
        calibration=exporters.Calibration(
            {"a_to_b": {"image": images}, "edit": {"image": images, "attributes": attributes}}
        ),
        source={"run": "zebras", "summary": "Makes zebras.", "intended_use": "For fun."},
        provenance={"license": "CC0"},
        model_version="1.2.0",
    )


@pytest.mark.parametrize("recipe", ["float32", "int8"])
def test_a_file_says_what_the_model_is(bundle, recipe):
    root = _root(read_metadata((bundle / f"{recipe}.tflite").read_bytes()))
    found = [root.text(field) for field in (0, 1, 2, 5, 7)]
    assert found == ["zebras", "Makes zebras. For fun.", "1.2.0", "CC0", "1.0.0"]


@pytest.mark.parametrize("recipe", ["float32", "int8"])
def test_a_file_describes_the_tensors_of_each_graph_in_their_order(bundle, recipe):
    content = (bundle / f"{recipe}.tflite").read_bytes()
    graphs = {graph.text(0): graph for graph in _root(read_metadata(content)).tables(3)}
    interpreter = Interpreter(model_content=content)
    assert set(graphs) == set(interpreter.get_signature_list())
    names = [each.text(0) for each in graphs["edit_uint8"].tables(2)]
    runner = interpreter.get_signature_runner("edit_uint8")
    index = {name: each["index"] for name, each in runner.get_input_details().items()}
    assert names == sorted(index, key=index.get)  # a graph's inputs are its first tensors
    assert [each.text(0) for each in graphs["edit_uint8"].tables(3)] == ["image"]
    (attributes,) = [each for each in graphs["edit"].tables(2) if each.text(0) == "attributes"]
    assert attributes.text(1) == "in order: glasses, hair=black, hair=blond"


def test_a_file_gives_ranges_and_normalization(bundle):
    content = (bundle / "float32.tflite").read_bytes()
    graphs = {graph.text(0): graph for graph in _root(read_metadata(content)).tables(3)}
    # (level - mean) / std: (0 - 127.5) / 127.5 = -1, (255 - 127.5) / 127.5 = 1
    for name, mean, std, high, low in (
        ("a_to_b", 127.5, 127.5, 1.0, -1.0),
        ("a_to_b_uint8", 0.0, 1.0, 255.0, 0.0),
    ):
        (image,) = graphs[name].tables(2)
        (unit,) = image.tables(4)
        assert (unit.number(0), unit.table(1).floats(0), unit.table(1).floats(1)) == (
            1,
            [mean],
            [std],
        )
        assert (image.table(5).floats(0), image.table(5).floats(1)) == ([high], [low])
        assert image.table(3).number(0) == 2  # ImageProperties
        assert image.table(3).table(1).number(0) == 1  # RGB
        (output,) = graphs[name].tables(3)
        assert output.tables(4) == []


def test_a_tensor_under_two_names_is_described_under_both(tmp_path):
    def function(image):
        return {"image": -image, "raw": -image}

    raw = Tensor("raw", value_range=None)
    signature = Signature("a_to_b", function, outputs=(Tensor(), raw))
    bundle = exporters.export({"a_to_b": signature}, tmp_path / "bundle", recipes=["float32"])
    for graph in _root(read_metadata((bundle / "float32.tflite").read_bytes())).tables(3):
        assert {each.text(0) for each in graph.tables(3)} == {"image", "raw"}


def test_unknown_texts_are_left_out(small):
    root = _root(read_metadata((small / "float32.tflite").read_bytes()))
    assert [root.text(field) for field in (0, 1, 2, 5)] == ["image-to-image model"] + [None] * 3


def test_metadata_replace_earlier_ones_and_change_no_result(bundle):
    content = (bundle / "int8.tflite").read_bytes()
    records = exporters.open_bundle(bundle).manifest.signatures
    again = with_metadata(content, Description("other", version="2"), records)
    assert _root(read_metadata(again)).text(2) == "2"
    assert with_metadata(again, Description("other", version="2"), records) == again
    image = noise(1, 8, 12, 3)
    before, after = (
        Interpreter(model_content=each).get_signature_runner("a_to_b")(image=image)["image"]
        for each in (content, again)
    )
    np.testing.assert_array_equal(before, after)


def test_a_file_without_metadata_has_none(bundle):
    plain = (bundle / "float32.tflite").read_bytes().replace(b"TFLITE_METADATA", b"TFLITE_METADATB")
    assert read_metadata(plain) is None
