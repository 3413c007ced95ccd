"""A .tflite file as objects that can be changed, and back as the bytes of a file."""

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema

_LARGEST = 2**31 - 1  # bytes of a file
_IDENTIFIER = b"TFL3"
_ALIGNMENT = 16  # bytes, of constants, as the schema's force_align says; Python's packer does not


def unpacked(content: bytes) -> schema.ModelT:
    """The objects of a file."""
    return schema.ModelT.InitFromPackedBuf(content, 0)


def packed(model: schema.ModelT, size: int) -> bytes:
    """The bytes of a file, without constants that nothing reads.

    Args:
        model: What goes into it.
        size: About how many bytes it will have.
    """
    used = {tensor.buffer for graph in model.subgraphs for tensor in graph.tensors}
    used |= {each.buffer for each in model.metadata or []}
    kept = [0, *sorted(used - {0})]  # number 0 stands for no constant
    number = {old: new for new, old in enumerate(kept)}
    for graph in model.subgraphs:
        for tensor in graph.tensors:
            tensor.buffer = number[tensor.buffer]
    for each in model.metadata or []:
        each.buffer = number[each.buffer]
    model.buffers = [_Aligned(model.buffers[old].data) for old in kept]
    model.metadataBuffer = None  # of files older than `metadata`
    builder = flatbuffers.Builder(min(size + size // 8, _LARGEST))
    builder.Finish(model.Pack(builder), file_identifier=_IDENTIFIER)
    return bytes(builder.Output())


class _Aligned(schema.BufferT):
    """A constant whose numbers begin at a place that processors read at once."""

    def Pack(self, builder):  # noqa: N802  the schema's name
        vector = None
        if self.data is not None:  # none is not empty: a shape of no sides is a constant too
            payload = np.asarray(self.data, np.uint8).tobytes()
            builder.StartVector(1, len(payload), _ALIGNMENT)
            builder.head -= len(payload)
            builder.Bytes[builder.head : builder.head + len(payload)] = payload
            vector = builder.EndVector()
        schema.BufferStart(builder)
        if vector is not None:
            schema.BufferAddData(builder, vector)
        return schema.BufferEnd(builder)
