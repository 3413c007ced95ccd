"""SavedModel: all signatures, float and uint8, with the weights stored once."""

import itertools
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import tensorflow as tf
from tensorflow.core.protobuf import saved_model_pb2

from exporters.bundle.manifest import SignatureRecord
from exporters.bundle.signatures import PIXEL_SCOPE, is_image
from exporters.errors import ExportError, first_line
from exporters.inference.images import levels_per_unit
from exporters.protocol import SignatureLike

# A file that runs its graphs in loops may never end, and its process can be made to crash.
_LOOP = "loops ({}), and such a file cannot be checked to end: write the steps out, as recurrent "
_LOOP += "layers of Keras do with unroll=True"
_BRANCH = "branches ({}), and such a file cannot be checked to end: compute both and use tf.where"
_CONTROL_FLOW = {
    **dict.fromkeys(("While", "StatelessWhile"), _LOOP),
    **dict.fromkeys(("If", "StatelessIf", "Case", "StatelessCase"), _BRANCH),
}


def save(
    signatures: Mapping[str, SignatureLike],
    records: Mapping[str, SignatureRecord],
    folder: str | Path,
) -> None:
    """Traces every signature with static shapes and writes a SavedModel.

    Args:
        signatures: The float signatures.
        records: Their records from `signatures.make_records`, with shapes and uint8 variants.
        folder: A new folder.

    Raises:
        ExportError: If a function's outputs differ from those it declares, it loops, or it keeps
            state or reads a resource that cannot be saved.
    """
    module = tf.Module()
    module.variables_of = {}
    traced: dict[str, Callable[..., Any]] = {}
    for name, signature in signatures.items():
        float_function = _trace(_declared(signature), records[name])
        _check_outputs(name, float_function, records[name])
        _check_loops(name, float_function)
        # A variable that no trackable object holds would be loaded as NaN, without an error.
        module.variables_of[name] = _variables(name, float_function)
        traced[name] = float_function
    for name, record in records.items():
        if record.pixels_of is not None:
            wrapped = records[record.pixels_of]
            traced[name] = _trace(_pixel_variant(traced[record.pixels_of], wrapped), record)
    try:
        tf.saved_model.save(module, str(folder), signatures=traced)
    except (AssertionError, ValueError, tf.errors.OpError) as error:
        sentence = str(error).strip().splitlines()[0]
        raise ExportError(f"the signatures cannot be saved: {sentence}") from error


def load(folder: str | Path) -> Mapping[str, Callable[..., Mapping[str, Any]]]:
    """Loads a SavedModel with plain TensorFlow: its signatures by name, called by keyword.

    The caller keeps the result alive while using any of its functions.
    """
    return tf.saved_model.load(str(folder)).signatures


def layer_of(folder: Path, operation: str) -> str | None:
    """The layer of the first operation of a kind in a SavedModel, in quotes; None if unknown."""
    model = saved_model_pb2.SavedModel.FromString((folder / "saved_model.pb").read_bytes())
    graph = model.meta_graphs[0].graph_def
    bodies = [graph.node, *(each.node_def for each in graph.library.function)]
    for node in itertools.chain.from_iterable(bodies):
        if node.op == operation and "/" in node.name:
            return repr(node.name.rpartition("/")[0])
    return None


def _declared(signature: SignatureLike) -> Callable[..., dict[str, tf.Tensor]]:
    def call(**tensors: tf.Tensor) -> dict[str, tf.Tensor]:
        outputs = signature.function(**tensors)
        return {key: tf.identity(value) for key, value in outputs.items()}

    return call


def _pixel_variant(
    function: Callable[..., Mapping[str, tf.Tensor]], wrapped: SignatureRecord
) -> Callable[..., dict[str, tf.Tensor]]:
    images_in = {tensor.name: tensor.limits for tensor in wrapped.inputs if is_image(tensor)}
    images_out = {tensor.name: tensor.limits for tensor in wrapped.outputs if is_image(tensor)}

    def call(**tensors: tf.Tensor) -> dict[str, tf.Tensor]:
        floats = {
            key: _from_pixels(value, images_in[key]) if key in images_in else value
            for key, value in tensors.items()
        }
        outputs = function(**floats)
        return {
            key: _to_pixels(value, images_out[key]) if key in images_out else tf.identity(value)
            for key, value in outputs.items()
        }

    return call


def _from_pixels(pixels: tf.Tensor, limits: tuple[float, float]) -> tf.Tensor:
    scale, low = levels_per_unit(limits), limits[0]
    with tf.name_scope(PIXEL_SCOPE):
        images = tf.cast(pixels, tf.float32)
        images = images if scale == 1.0 else images / scale
        return images if low == 0.0 else images - -low


def _to_pixels(images: tf.Tensor, limits: tuple[float, float]) -> tf.Tensor:
    scale, low = levels_per_unit(limits), limits[0]
    with tf.name_scope(PIXEL_SCOPE):
        images = images if low == 0.0 else images + -low
        images = images if scale == 1.0 else images * scale
        # More delegates support FLOOR than ROUND, and CAST is exact on whole numbers.
        levels = tf.floor(images + 0.5)
        return tf.cast(tf.clip_by_value(levels, 0.0, 255.0), tf.uint8)


def _trace(function: Callable[..., Any], record: SignatureRecord) -> Callable[..., Any]:
    specs = {
        tensor.name: tf.TensorSpec(tensor.shape, tensor.dtype, name=tensor.name)
        for tensor in record.inputs
    }
    try:
        return tf.function(function, autograph=False).get_concrete_function(**specs)
    except NotImplementedError as error:  # NumPy is given a tensor that has no values yet
        raise ExportError(
            f"a function of {', '.join(specs)} is not TensorFlow code alone and cannot be "
            f"exported: {first_line(str(error))}"
        ) from error


def _check_outputs(name: str, function: Any, record: SignatureRecord) -> None:
    found = {
        key: (tuple(value.shape.as_list()), value.dtype.name)
        for key, value in function.structured_outputs.items()
    }
    expected = {tensor.name: (tensor.shape, tensor.dtype) for tensor in record.outputs}
    if found != expected:
        raise ExportError(
            f"signature {name!r} declares the outputs {expected} but its function gives {found}"
        )


def _check_loops(name: str, function: Any) -> None:
    """Raises ExportError if a function loops or branches; it names the layer."""
    graph = function.graph.as_graph_def()
    bodies = [graph.node, *(each.node_def for each in graph.library.function)]
    for node in itertools.chain.from_iterable(bodies):
        if node.op in _CONTROL_FLOW:
            layer = node.name.rpartition("/")[0] or node.name
            raise ExportError(
                f"signature {name!r}: {layer!r} {_CONTROL_FLOW[node.op].format(node.op)}"
            )


def _variables(name: str, function: Any) -> list[tf.Variable]:
    """The variables that a traced function reads, in the order of its captures."""
    by_handle = {id(variable.handle): variable for variable in function.graph.variables}
    found = []
    for capture, _ in function.graph.captures:
        if capture.dtype != tf.resource:
            continue
        if id(capture) not in by_handle:
            raise ExportError(
                f"signature {name!r} reads a table or another resource that is not a variable; "
                "only weights can be exported"
            )
        found.append(by_handle[id(capture)])
    return found
