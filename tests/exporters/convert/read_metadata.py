"""Reads the metadata of a .tflite file, as an app's tools do."""

from ai_edge_litert import schema_py_generated as schema

from exporters.convert.tflite_metadata import NAME


def read_metadata(content: bytes) -> bytes | None:
    """The metadata of a .tflite file, as bytes of schema M001; None if it has none."""
    model = schema.Model.GetRootAs(content, 0)
    for index in range(model.MetadataLength()):
        if model.Metadata(index).Name() == NAME.encode():
            return model.Buffers(model.Metadata(index).Buffer()).DataAsNumpy().tobytes()
    return None
