"""Changes to a bundle as someone who breaks or forges it would make them; all are seeded.

A forger signs: hashes, sizes and the digest of the manifest agree with what is there.
"""

import hashlib
import io
import json
import random
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema

MANIFEST, GOLDEN, LITE = "manifest.json", "golden.npz", "float32.tflite"
GRAPH = "saved_model/saved_model.pb"
_WHOLE = (-1, 0, 1, 2, 7, 255, 65536, 2**31 - 1, -(2**31))
_VALUES: tuple[Any, ...] = (
    None, True, 0, -1, 2**40, 10**30, 1e300, "", "\x1b[2Jverified\n", "../../outside",
    "/etc/passwd", "\ud800", [], {}, [[]], {"a": {}}, "a" * 5000,
)  # fmt: skip


def flip_bits(path: str) -> Callable[[Path, random.Random], None]:
    """Flips 1 to 8 bits of a file."""

    def change(bundle: Path, choose: random.Random) -> None:
        content = bytearray((bundle / path).read_bytes())
        for _ in range(choose.randint(1, 8)):
            content[choose.randrange(len(content))] ^= 1 << choose.randrange(8)
        (bundle / path).write_bytes(content)

    return change


def cut(path: str) -> Callable[[Path, random.Random], None]:
    """Cuts a file off, or repeats a part of it."""

    def change(bundle: Path, choose: random.Random) -> None:
        content = (bundle / path).read_bytes()
        first, last = sorted(choose.sample(range(len(content)), 2))
        kept = content[:first] if choose.random() < 0.5 else content[:last] + content[first:]
        (bundle / path).write_bytes(kept)

    return change


def edit_model(bundle: Path, choose: random.Random) -> None:
    """Changes 1 to 3 fields of the .tflite file, which stays well-formed."""
    content = (bundle / LITE).read_bytes()
    while True:
        model = schema.ModelT.InitFromPackedBuf(content, 0)
        for _ in range(choose.randint(1, 3)):
            choose.choice(_MODEL_EDITS)(model, choose)
        builder = flatbuffers.Builder(1024)
        try:
            builder.Finish(model.Pack(builder), b"TFL3")
        except (TypeError, ValueError):  # a value that does not fit its field
            continue
        (bundle / LITE).write_bytes(bytes(builder.Output()))
        return


def _graph(model: Any, choose: random.Random) -> Any:
    return choose.choice(model.subgraphs)


def _shape(model: Any, choose: random.Random) -> None:
    tensor = choose.choice(_graph(model, choose).tensors)
    shape = [] if tensor.shape is None else list(tensor.shape)
    if shape and choose.random() < 0.7:
        shape[choose.randrange(len(shape))] = choose.choice((*_WHOLE, 40000))
    else:
        shape = [choose.choice((0, 1, 3, 40000)) for _ in range(choose.randrange(9))]
    tensor.shape = np.array(shape, np.int32)


def _type(model: Any, choose: random.Random) -> None:
    choose.choice(_graph(model, choose).tensors).type = choose.randrange(20)


def _buffer(model: Any, choose: random.Random) -> None:
    tensor = choose.choice(_graph(model, choose).tensors)
    tensor.buffer = choose.choice((0, 1, len(model.buffers) - 1, len(model.buffers), 2**31))


def _data(model: Any, choose: random.Random) -> None:
    buffer = choose.choice([each for each in model.buffers if each.data is not None])
    data = np.array(buffer.data, np.uint8)
    if choose.random() < 0.3:
        data = data[: choose.randrange(len(data) + 1)]
    elif len(data) >= 4:
        whole = data[: len(data) // 4 * 4].view(np.int32)
        whole[choose.randrange(len(whole))] = choose.choice((*_WHOLE, 40000))
    buffer.data = data


def _end(model: Any, choose: random.Random) -> None:
    """Another index among the inputs or outputs of an operation, graph or signature."""
    graph = _graph(model, choose)
    holder = choose.choice((graph, *graph.operators))
    name = choose.choice(("inputs", "outputs"))
    ends = [] if getattr(holder, name) is None else list(getattr(holder, name))
    index = choose.choice((-1, 0, len(graph.tensors) - 1, len(graph.tensors), 2**31 - 1))
    if ends and choose.random() < 0.8:
        ends[choose.randrange(len(ends))] = index
    elif choose.random() < 0.5:
        ends = ends[:-1]
    else:
        ends.append(index)
    setattr(holder, name, np.array(ends, np.int32))


def _code(model: Any, choose: random.Random) -> None:
    code = choose.choice(model.operatorCodes)
    code.builtinCode = choose.randrange(210)
    code.deprecatedBuiltinCode = min(code.builtinCode, 127)


def _opcode_index(model: Any, choose: random.Random) -> None:
    operator = choose.choice(_graph(model, choose).operators)
    operator.opcodeIndex = choose.choice((0, len(model.operatorCodes) - 1, 2**31))


def _options(model: Any, choose: random.Random) -> None:
    operators = [each for each in _graph(model, choose).operators if each.builtinOptions]
    if not operators:
        return
    options = choose.choice(operators).builtinOptions
    numbers = [name for name, value in vars(options).items() if isinstance(value, int)]
    if numbers:
        setattr(options, choose.choice(numbers), choose.choice((0, 1, 2, 5, 127)))


def _no_options(model: Any, choose: random.Random) -> None:
    operator = choose.choice(_graph(model, choose).operators)
    operator.builtinOptions, operator.builtinOptionsType = None, 0


def _signature(model: Any, choose: random.Random) -> None:
    definition = choose.choice(model.signatureDefs)
    if choose.random() < 0.5:
        definition.subgraphIndex = choose.choice((0, 1, 7, 2**31))
    else:
        ends = choose.choice((definition.inputs, definition.outputs))
        choose.choice(ends).tensorIndex = choose.choice((0, 1, 2, 1000, 2**31))


def _order(model: Any, choose: random.Random) -> None:
    choose.shuffle(_graph(model, choose).operators)


def _again(model: Any, choose: random.Random) -> None:
    operators = _graph(model, choose).operators
    operators.insert(choose.randrange(len(operators) + 1), choose.choice(operators))


_MODEL_EDITS: tuple[Callable[[Any, random.Random], None], ...] = (
    *(_shape, _type, _buffer, _data, _end, _end, _code, _opcode_index, _options, _options),
    *(_no_options, _signature, _order, _again),
)


def edit_manifest(bundle: Path, choose: random.Random) -> None:
    """Changes 1 to 3 values or keys anywhere in the manifest; the digest is right or left alone."""
    content = json.loads((bundle / MANIFEST).read_text())
    for _ in range(choose.randint(1, 3)):
        holder: Any = content
        while True:
            keys = list(holder) if isinstance(holder, dict) else range(len(holder))
            if not keys:
                break
            key = choose.choice(list(keys))
            inner = holder[key]
            if isinstance(inner, dict | list) and inner and choose.random() < 0.8:
                holder = inner
                continue
            roll = choose.random()
            if roll < 0.6:
                holder[key] = choose.choice(_VALUES)
            elif roll < 0.8:
                del holder[key]
            elif isinstance(holder, dict):
                holder[f"{key}\x1b[1m"] = inner
            else:
                holder.append(inner)
            break
    sign(bundle, content if choose.random() < 0.8 else None, content)


def edit_arrays(bundle: Path, choose: random.Random) -> None:
    """Changes members of golden.npz: bytes, types, shapes, names, sizes after unpacking."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(bundle / GOLDEN) as old:
        members = {name: old.read(name) for name in old.namelist()}
    name = choose.choice(list(members))
    content = bytearray(members[name])
    roll = choose.random()
    if roll < 0.3:
        content[choose.randrange(min(len(content), 128))] ^= 1 << choose.randrange(8)
    elif roll < 0.5:
        content[-4:] = choose.choice((b"\0\0\xc0\x7f", b"\0\0\x80\x7f", b"\xff\xff\x7f\x7f"))
    elif roll < 0.6:
        content += bytes(choose.choice((1, 10**6, 3 * 10**7)))
    elif roll < 0.75:
        members[f"../{name}"] = bytes(content)
    elif roll < 0.85:
        content = bytearray(content[: choose.randrange(len(content))])
    else:
        members.pop(name)
        name = f"{name}x"
    members[name] = bytes(content)
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as new:
        for each, value in members.items():
            new.writestr(each, value)
    (bundle / GOLDEN).write_bytes(buffer.getvalue())


def edit_graph(bundle: Path, choose: random.Random) -> None:
    """Changes a node of the SavedModel, or adds one: any operation of TensorFlow, or its settings.

    File names among its settings lead to `outside` beside the bundle.
    """
    from tensorflow.core.protobuf import saved_model_pb2

    model = saved_model_pb2.SavedModel.FromString((bundle / GRAPH).read_bytes())
    graph = model.meta_graphs[0].graph_def
    bodies = [each.node_def for each in graph.library.function if len(each.node_def)]
    nodes = choose.choice([graph.node, *bodies, *bodies])
    for _ in range(choose.randint(1, 2)):
        node = choose.choice(list(nodes))
        roll = choose.random()
        if roll < 0.4:
            _harmful(nodes, node, choose, bundle.parent / "outside")
        elif roll < 0.6:
            node.op = choose.choice(_operation_names())
        elif roll < 0.7:
            node.device = choose.choice(("/job:worker/task:7", "/device:GPU:0", "/cpu:0", "x"))
        elif roll < 0.8 and node.input:
            node.input[choose.randrange(len(node.input))] = choose.choice(list(nodes)).name
        elif roll < 0.9 and node.attr:
            del node.attr[choose.choice(list(node.attr))]
        else:
            for value in node.attr.values():
                for side in value.tensor.tensor_shape.dim:
                    side.size = choose.choice((0, -1, 2**20, 2**40))
                if value.HasField("func"):
                    value.func.name = choose.choice(list(graph.library.function)).signature.name
    (bundle / GRAPH).write_bytes(model.SerializeToString())


def _harmful(nodes: Any, node: Any, choose: random.Random, outside: Path) -> None:
    """Adds an operation that acts, and makes another node wait for it."""
    name = f"added_{len(nodes)}"
    kind = choose.choice(("WriteFile", "DebugIdentity", "Abort", "PyFunc", "ReadFile", "SaveV2"))
    if kind == "Abort":
        nodes.add(name=name, op=kind).attr["exit_without_error"].b = True
    elif kind == "DebugIdentity":
        added = nodes.add(name=name, op=kind, input=[node.name])
        added.attr["T"].type = 1
        added.attr["debug_urls"].list.s.append(f"file://{outside}".encode())
    elif kind == "PyFunc":
        added = nodes.add(name=name, op=kind)
        added.attr["token"].s = b"pyfunc_0"
        added.attr["Tin"].list.SetInParent()
        added.attr["Tout"].list.type.append(1)
    else:
        text = nodes.add(name=f"{name}_name", op="Const")
        text.attr["dtype"].type = text.attr["value"].tensor.dtype = 7
        text.attr["value"].tensor.string_val.append(str(outside / "file").encode())
        inputs = [text.name, text.name] if kind == "WriteFile" else [text.name]
        nodes.add(name=name, op=kind, input=inputs)
    node.input.append(f"^{name}")


def _operation_names() -> list[str]:
    import tensorflow as tf

    return [name for name in dir(tf.raw_ops) if name[0].isupper()]


def sign(bundle: Path, signed: Any, content: Any | None = None) -> None:
    """Writes a manifest; with `signed` its digest is right, else it is left as it was."""
    content = content if content is not None else signed
    if isinstance(signed, dict):
        content = {key: value for key, value in content.items() if key != "digest"}
        text = json.dumps(content, sort_keys=True)
        content = content | {"digest": hashlib.sha256(text.encode()).hexdigest()}
    (bundle / MANIFEST).write_text(json.dumps(content))


def sign_files(bundle: Path) -> None:
    """Makes the hashes, sizes and digest of a manifest those of the files that it lists."""
    content = json.loads((bundle / MANIFEST).read_text())
    for path in content["files"]:
        data = (bundle / path).read_bytes()
        content["files"][path] = {"sha256": hashlib.sha256(data).hexdigest(), "size": len(data)}
    sign(bundle, content)


# By kind: the change, whether it needs a bundle with a SavedModel, and whether files are signed
# after it.
MUTATIONS: dict[str, tuple[Callable[[Path, random.Random], None], bool, bool]] = {
    "bits of the model": (flip_bits(LITE), False, True),
    "cut model": (cut(LITE), False, True),
    "fields of the model": (edit_model, False, True),
    "manifest": (edit_manifest, False, False),
    "bits of the arrays": (flip_bits(GOLDEN), False, True),
    "members of the arrays": (edit_arrays, False, True),
    "nodes of the SavedModel": (edit_graph, True, True),
    "bits of the SavedModel": (flip_bits(GRAPH), True, True),
    "bits of the weights": (flip_bits("saved_model/variables/variables.index"), True, True),
}
