"""Writes a description into a .tflite file: TensorFlow Lite's own metadata, schema M001.

A tool that has the file alone then finds the name, version and license of the model, and of each
signature the names, ranges and normalization of its tensors. The schema is that of
`metadata_schema.fbs` 1.0 in TensorFlow Lite Support, whose Python package needs versions of
protobuf that TensorFlow does not run with. So the few tables are written by their field numbers.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema

from exporters.bundle.manifest import SignatureRecord, TensorRecord
from exporters.bundle.signatures import is_image, is_pixels
from exporters.convert.xnnpack_rewrites.flatbuffer_file import pack, unpack
from exporters.inference.images import levels_per_unit

NAME = "TFLITE_METADATA"  # of the file's entry that holds it
IDENTIFIER = b"M001"
_PARSER_VERSION = "1.0.0"  # the oldest reader that knows all fields below
_MAX_BYTES = 2**30  # the entry is added by writing the file anew, and its limit is 2 GiB
_FEATURES, _IMAGE = 1, 2  # members of the union ContentProperties
_RGB, _GREY = 1, 2  # ColorSpaceType
_NORMALIZATION = 1  # member of the union ProcessUnitOptions


@dataclass(frozen=True)
class Description:
    """What the metadata say of the whole model; empty texts are left out.

    Attributes:
        name: A short name.
        description: What it does and what it is for.
        version: The version of the model.
        license: Terms of use.
    """

    name: str
    description: str = ""
    version: str = ""
    license: str = ""


def with_metadata(
    content: bytes, description: Description, records: Mapping[str, SignatureRecord]
) -> bytes:
    """The same file with metadata; a file above 1 GiB is returned as it is.

    Args:
        content: A .tflite file.
        description: Of the whole model.
        records: Its signatures.
    """
    if len(content) > _MAX_BYTES:
        return content
    model = unpack(content)
    _bring_inside(model, content)
    metadata = _model_metadata(model, description, records)
    entries = [each for each in model.metadata or [] if _name(each) != NAME]
    entry = schema.MetadataT()
    entry.name, entry.buffer = NAME, len(model.buffers)
    buffer = schema.BufferT()
    buffer.data = np.frombuffer(metadata, np.uint8)
    model.buffers.append(buffer)
    model.metadata = [*entries, entry]
    return pack(model, len(content) + len(metadata))


def _bring_inside(model: schema.ModelT, content: bytes) -> None:
    """Takes constants that are stored behind the graph, as the quantizer does, into it."""
    for buffer in model.buffers:
        if buffer.offset > 1:
            buffer.data = np.frombuffer(content, np.uint8, buffer.size, buffer.offset)
            buffer.offset = buffer.size = 0


def _name(entry: schema.MetadataT) -> str:
    return entry.name.decode() if isinstance(entry.name, bytes) else entry.name


def _model_metadata(
    model: schema.ModelT, description: Description, records: Mapping[str, SignatureRecord]
) -> bytes:
    builder = flatbuffers.Builder()
    graphs = [
        _graph(builder, model, index, records) for index in range(len(model.subgraphs))
    ]  # in the order of the file, as the schema requires
    fields = {
        0: _text(builder, description.name),
        1: _text(builder, description.description),
        2: _text(builder, description.version),
        3: _vector(builder, graphs),
        5: _text(builder, description.license),
        7: _text(builder, _PARSER_VERSION),
    }
    builder.Finish(_table(builder, 8, fields), file_identifier=IDENTIFIER)
    return bytes(builder.Output())


def _graph(
    builder: flatbuffers.Builder,
    model: schema.ModelT,
    index: int,
    records: Mapping[str, SignatureRecord],
) -> int:
    """SubGraphMetadata: the signature's name, and its tensors in the order of the graph."""
    graph = model.subgraphs[index]
    for signature in model.signatureDefs or []:
        name = signature.signatureKey.decode()
        if signature.subgraphIndex == index and name in records:
            inputs = _in_order(graph.inputs, signature.inputs, records[name].inputs)
            outputs = _in_order(graph.outputs, signature.outputs, records[name].outputs)
            fields = {
                0: _text(builder, name),
                2: _vector(builder, [_tensor(builder, each, True) for each in inputs]),
                3: _vector(builder, [_tensor(builder, each, False) for each in outputs]),
            }
            return _table(builder, 10, fields)
    return _table(builder, 10, {})


def _in_order(
    ends: Iterable[int], names: Sequence[schema.TensorMapT], records: Sequence[TensorRecord]
) -> list[TensorRecord]:
    by_name = {record.name: record for record in records}
    by_index: dict[int, list[TensorRecord]] = {}
    for each in names:  # a tensor that is returned under two names has two
        by_index.setdefault(int(each.tensorIndex), []).append(by_name[each.name.decode()])
    return [by_index[int(end)].pop(0) for end in ends]


def _tensor(builder: flatbuffers.Builder, tensor: TensorRecord, is_input: bool) -> int:
    """TensorMetadata: name, meaning, kind, normalization of an input image, and range."""
    image = is_image(tensor) or is_pixels(tensor)
    units = [_normalization(builder, tensor)] if image and is_input else []
    fields = {
        0: _text(builder, tensor.name),
        1: _text(builder, _meaning(tensor)),
        3: _content(builder, tensor, image),
        4: _vector(builder, units),
        5: _stats(builder, tensor),
    }
    return _table(builder, 7, fields)


def _meaning(tensor: TensorRecord) -> str:
    labels = f"in order: {', '.join(tensor.labels)}" if tensor.labels else ""
    return "; ".join(part for part in (tensor.meaning, labels) if part)


def _content(builder: flatbuffers.Builder, tensor: TensorRecord, image: bool) -> int:
    colours = {1: _GREY, 3: _RGB}.get(tensor.shape[-1], 0) if image else 0
    builder.StartObject(2)
    if colours:
        builder.PrependInt8Slot(0, colours, 0)
    properties = builder.EndObject()
    builder.StartObject(3)
    builder.PrependUint8Slot(0, _IMAGE if image else _FEATURES, 0)
    builder.PrependUOffsetTRelativeSlot(1, properties, 0)
    return builder.EndObject()


def _normalization(builder: flatbuffers.Builder, tensor: TensorRecord) -> int:
    """ProcessUnit: what is subtracted from a level of a pixel, and what it is divided by."""
    scale = 1.0 if is_pixels(tensor) else levels_per_unit(tensor.limits)
    shift = 0.0 if is_pixels(tensor) else -tensor.limits[0] * scale
    options = _table(builder, 2, {0: _floats(builder, shift), 1: _floats(builder, scale)})
    builder.StartObject(2)
    builder.PrependUint8Slot(0, _NORMALIZATION, 0)
    builder.PrependUOffsetTRelativeSlot(1, options, 0)
    return builder.EndObject()


def _stats(builder: flatbuffers.Builder, tensor: TensorRecord) -> int:
    if tensor.value_range is None:
        return 0
    low, high = tensor.value_range
    return _table(builder, 2, {0: _floats(builder, high), 1: _floats(builder, low)})


def _table(builder: flatbuffers.Builder, fields: int, offsets: Mapping[int, int]) -> int:
    """A table of `fields` fields with offsets by field number; 0 is a missing field."""
    builder.StartObject(fields)
    for field, offset in offsets.items():
        if offset:
            builder.PrependUOffsetTRelativeSlot(field, offset, 0)
    return builder.EndObject()


def _text(builder: flatbuffers.Builder, text: str) -> int:
    return builder.CreateString(text) if text else 0


def _floats(builder: flatbuffers.Builder, *values: float) -> int:
    return builder.CreateNumpyVector(np.asarray(values, np.float32))


def _vector(builder: flatbuffers.Builder, offsets: Sequence[int]) -> int:
    if not offsets:
        return 0
    builder.StartVector(4, len(offsets), 4)
    for offset in reversed(offsets):
        builder.PrependUOffsetTRelative(offset)
    return builder.EndVector()
