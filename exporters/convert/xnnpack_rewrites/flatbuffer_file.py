"""Unpacks a .tflite file into mutable objects, and packs them into the bytes of a file."""

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema

_MAX_BYTES = 2**31 - 1  # of a file
_IDENTIFIER = b"TFL3"
_ALIGNMENT = 16  # bytes, of constants: the schema's force_align, which Python's packer ignores


def unpack(content: bytes) -> schema.ModelT:
    """The objects of a file."""
    return schema.ModelT.InitFromPackedBuf(content, 0)


def pack(model: schema.ModelT, size: int) -> bytes:
    """The bytes of a file, without unused constants.

    Args:
        model: The content of the file.
        size: Its approximate size in bytes.
    """
    used = {tensor.buffer for graph in model.subgraphs for tensor in graph.tensors}
    used |= {each.buffer for each in model.metadata or []}
    kept = [0, *sorted(used - {0})]  # buffer 0 means that there is no constant
    new_index = {old: new for new, old in enumerate(kept)}
    for graph in model.subgraphs:
        for tensor in graph.tensors:
            tensor.buffer = new_index[tensor.buffer]
    for each in model.metadata or []:
        each.buffer = new_index[each.buffer]
    model.buffers = [_AlignedBuffer(model.buffers[old].data) for old in kept]
    model.metadataBuffer = None  # only used by files older than `metadata`
    builder = flatbuffers.Builder(min(size + size // 8, _MAX_BYTES))
    builder.Finish(model.Pack(builder), file_identifier=_IDENTIFIER)
    return bytes(builder.Output())


class _AlignedBuffer(schema.BufferT):
    """A constant that starts at an aligned address, as vector instructions need."""

    def Pack(self, builder):  # noqa: N802  the schema's name
        vector = None
        if self.data is not None:  # an empty array, such as a scalar's shape, is a constant too
            payload = np.asarray(self.data, np.uint8).tobytes()
            builder.StartVector(1, len(payload), _ALIGNMENT)
            builder.head -= len(payload)
            builder.Bytes[builder.head : builder.head + len(payload)] = payload
            vector = builder.EndVector()
        schema.BufferStart(builder)
        if vector is not None:
            schema.BufferAddData(builder, vector)
        return schema.BufferEnd(builder)
