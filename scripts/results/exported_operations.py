"""Lists the operations that `export` writes; all others in a foreign model are refused.

python -m scripts.results.exported_operations [--method NAME]...

Exports every method with its tiny settings and in its variants, the worked example CUT, networks
of Keras 2, tiles with statistics as inputs, and the layers and functions that a generator may be
made of. Adds what it finds to exporters/untrusted/allowed_operations.toml; nothing is removed, so
bundles of earlier versions stay valid. Takes about twenty minutes on two cores.
"""

import argparse
import tempfile
import tomllib
import typing
import warnings
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import keras
import numpy as np
from keras import ops
from tensorflow.core.protobuf import saved_model_pb2

from exporters.bundle.signatures import make_records
from exporters.convert import quantize, saved_model, tflite
from exporters.convert.recipes import RECIPES, Recipe
from exporters.convert.xnnpack_rewrites import delegate_copies, optimize_for_xnnpack
from exporters.errors import ExportError, first_line
from exporters.protocol import SignatureLike
from exporters.tflite_graph.summary import read_graph
from exporters.untrusted.allowed_operations import FILE
from exporters.untrusted.saved_model import saver_functions
from exporters.verification import golden

ROOT = Path(__file__).parents[2]
SHAPE = (16, 16, 3)
_ATTRIBUTES = {"glasses": ["0", "1"], "hair": ["black", "blond", "grey"]}
_ACTIVATIONS = (
    *("celu", "elu", "exponential", "gelu", "hard_shrink", "hard_sigmoid", "hard_silu"),
    *("hard_tanh", "leaky_relu", "linear", "log_sigmoid", "log_softmax", "mish", "relu", "relu6"),
    *("selu", "sigmoid", "silu", "soft_shrink", "softmax", "softplus", "softsign", "squareplus"),
    *("tanh", "tanh_shrink"),
)
_TRAINING_ONLY = (
    *("constancy", "conditional", "discriminator", "gan_mode", "gradient_penalty_reduction"),
    *("initialization", "orthogonal_form", "updates"),
)
_KINDS = ("saved_model", "saver", "attributes", "tflite")
_HEADER = """\
# The operations that `export` writes. All others are refused in models of others.
# Written by `python -m scripts.results.exported_operations`; exporters/untrusted checks them.
"""
Signatures = Mapping[str, SignatureLike]
Found = dict[str, set[str]]


def main(options: argparse.Namespace) -> None:
    lists = tomllib.loads(options.output.read_text("utf-8"))
    found: Found = {kind: set(lists[kind]) for kind in _KINDS}
    for name, signatures, recipes in models(options.method):
        try:
            new = operations_of(signatures, recipes)
        except Exception as error:  # such as an operation that no recipe converts
            print(f"{name}: not exported: {first_line(str(error))}", flush=True)
            continue
        added = {kind: sorted(new[kind] - found[kind]) for kind in _KINDS}
        print(f"{name}: {({k: v for k, v in added.items() if v}) or 'nothing new'}", flush=True)
        for kind in _KINDS:
            found[kind] |= new[kind]
        write(found, options.output)


def write(found: Found, file: Path) -> None:
    """Adds to the lists in the file, one name a line."""
    for kind, names in tomllib.loads(file.read_text("utf-8")).items():
        found[kind] |= set(names)
    lists = []
    for kind in _KINDS:
        lines = "".join(f'    "{name}",\n' for name in sorted(found[kind]))
        lists.append(f"{kind} = [\n{lines}]\n")
    file.write_text(_HEADER + "".join(lists), encoding="utf-8")


def operations_of(signatures: Signatures, recipes: list[Recipe]) -> Found:
    """What the files of an export hold, found without checking them against the lists."""
    records = make_records(signatures)
    found: Found = {kind: set() for kind in _KINDS}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "saved_model"
        saved_model.save(signatures, records, folder)
        _add_saved_model((folder / "saved_model.pb").read_bytes(), found)
        float32 = tflite.convert(folder, RECIPES["float32"], records)
        for recipe in recipes:
            if recipe.calibrated:
                try:
                    content = quantize.quantize(
                        delegate_copies(float32), recipe, records, _cases(records)
                    )
                except ExportError as error:
                    print(f"not quantized: {error}", flush=True)
                    continue
            else:
                content = tflite.convert(folder, recipe, records)
                found["tflite"] |= set(read_graph(content).operations)
                is_integer = recipe.settings.weights == "int8"
                content = (delegate_copies if is_integer else optimize_for_xnnpack)(content)
            found["tflite"] |= set(read_graph(content).operations)
    return found


def _add_saved_model(content: bytes, found: Found) -> None:
    model = saved_model_pb2.SavedModel.FromString(content)
    graph = model.meta_graphs[0]
    savers = saver_functions(graph)
    bodies = {"": graph.graph_def.node}
    bodies |= {each.signature.name: each.node_def for each in graph.graph_def.library.function}
    for name, nodes in bodies.items():
        found["saver" if name in savers else "saved_model"] |= {node.op for node in nodes}
        keys = {key for node in nodes for key in node.attr}
        found["attributes"] |= {key for key in keys if key.startswith("_")}
    for function in graph.graph_def.library.function:
        found["attributes"] |= set(function.attr)


def _cases(records: Mapping[str, Any]) -> dict[str, list[golden.Arrays]]:
    cases = {}
    for name, record in records.items():
        inputs = golden.make_inputs(name, record, {}, seed=0)
        cases[name] = [{key: values[case] for key, values in inputs.items()} for case in (0, 1)]
    return cases


def models(names: list[str] | None) -> Iterator[tuple[str, Signatures, list[Recipe]]]:
    """Everything to export: a name, signatures, and recipes."""
    if not names:
        yield from _layers()
        yield from _legacy_networks()
        yield from _tiles()
    yield from _methods(names)


def _methods(names: list[str] | None) -> Iterator[tuple[str, Signatures, list[Recipe]]]:
    from tf_translate.config.import_file import import_file
    from tf_translate.methods.registry import all_methods

    import_file(ROOT / "scripts" / "examples" / "cut.py")
    methods = {name: each for name, each in all_methods().items() if name in (names or [name])}
    for name, method in methods.items():
        model = _build(method, method.translator.conformance.settings)
        yield name, model.signatures(), list(RECIPES.values())
    for name, method in methods.items():
        tiny = dict(method.translator.conformance.settings)
        for key, value in _variants(method.settings, tiny):
            try:
                model = _build(method, {**tiny, key: value})
            except Exception as error:  # settings that do not go together
                print(f"{name} {key}={value}: {error}", flush=True)
                continue
            yield f"{name} {key}={value}", model.signatures(), [RECIPES["float32"]]


def _build(method: Any, settings: Mapping[str, Any]) -> Any:
    shapes, attributes = (SHAPE, SHAPE), {}
    if method.layout in ("attributes", "images"):
        shapes = (SHAPE,)
    if method.layout == "attributes":
        attributes = {"attributes": _ATTRIBUTES}
    model = method.translator.from_settings(method.settings(**settings), *shapes, **attributes)
    model.compile()
    return model


def _variants(settings: Any, tiny: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Every other value of the settings with a fixed choice, one at a time.

    Without those of discriminators and losses, which are not exported.
    """
    for name, field in settings.model_fields.items():
        if name.startswith(_TRAINING_ONLY):
            continue
        current = tiny.get(name, field.default)
        choices = typing.get_args(field.annotation)
        if field.annotation is bool:
            choices = (True, False)
        elif typing.get_origin(field.annotation) is not typing.Literal:
            continue
        for value in choices:
            if value != current:
                yield name, value


def _legacy_networks() -> Iterator[tuple[str, Signatures, list[Recipe]]]:
    from tf_translate import image_signature, load_legacy

    for file in sorted((ROOT / "tests" / "fixtures" / "legacy").glob("*.h5")):
        network = load_legacy(file)
        if None in network.input_shape[1:]:
            network = load_legacy(file, image_shape=(16, 24, network.input_shape[-1] or 3))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            signature = image_signature("a_to_b", network, {})
        yield f"legacy {file.stem}", {"a_to_b": signature}, list(RECIPES.values())


def _tiles() -> Iterator[tuple[str, Signatures, list[Recipe]]]:
    from tf_translate.experiment.export.tiled_norm import norm_input_signatures
    from tf_translate.methods.registry import all_methods

    for name in ("cyclegan", "pix2pix"):
        method = all_methods()[name]
        settings = {**method.translator.conformance.settings, "norm": "instance"}
        model = _build(method, settings)
        yield f"{name} with tiles", norm_input_signatures(model), list(RECIPES.values())


def _layers() -> Iterator[tuple[str, Signatures, list[Recipe]]]:
    """Networks of one layer or function each, of those that compute with images."""
    for name, layer in (_layer_makers() | _functions()).items():
        try:
            signature = _signature(layer)
        except Exception as error:
            print(f"layer {name}: not built: {first_line(str(error))}", flush=True)
            continue
        yield f"layer {name}", {"a_to_b": signature}, [RECIPES["float32"], RECIPES["int8"]]


def _signature(layer: Callable[[Any], Any]) -> Any:
    images = keras.Input((8, 8, 4))
    hidden = keras.layers.Conv2D(4, 3, padding="same")(images)
    network = keras.Model(images, layer(hidden))
    limits = (-1.0, 1.0)
    image = SimpleNamespace(
        name="image", shape=(None, 8, 8, 4), dtype="float32", value_range=limits
    )
    result = SimpleNamespace(
        name="result", shape=network.output_shape, dtype="float32", value_range=None
    )
    return SimpleNamespace(
        name="a_to_b",
        function=lambda image: {"result": network(image, training=False)},
        inputs=(image,),
        outputs=(result,),
        inference_behavior={},
    )


def _layer_makers() -> dict[str, Callable[[Any], Any]]:
    layers = keras.layers
    makers: dict[str, Callable[[Any], Any]] = {
        f"activation {name}": layers.Activation(name) for name in _ACTIVATIONS
    }
    for size in (2, 3):
        makers |= {
            f"max_pool {size}": layers.MaxPooling2D(size, padding="same"),
            f"average_pool {size}": layers.AveragePooling2D(size, padding="same"),
        }
    for mode in ("nearest", "bilinear"):
        makers[f"upsampling {mode}"] = layers.UpSampling2D(2, interpolation=mode)
        makers[f"resize {mode}"] = lambda x, mode=mode: ops.image.resize(
            x, (16, 16), interpolation=mode
        )
    for mode in ("constant", "reflect", "symmetric"):
        makers[f"pad {mode}"] = lambda x, mode=mode: ops.pad(
            x, [[0, 0], [1, 2], [1, 2], [0, 0]], mode=mode
        )
    makers |= {
        "conv dilated": layers.Conv2D(4, 3, dilation_rate=2, padding="same"),
        "conv grouped": layers.Conv2D(4, 3, groups=2, padding="same"),
        "conv transpose": layers.Conv2DTranspose(4, 4, strides=2, padding="same"),
        "depthwise": layers.DepthwiseConv2D(3, padding="same", depth_multiplier=2),
        "separable": layers.SeparableConv2D(4, 3, padding="same"),
        "conv 3d": lambda x: layers.Conv3D(2, 3, padding="same")(layers.Reshape((4, 8, 8, 1))(x)),
        "conv lstm": lambda x: layers.ConvLSTM2D(4, 3, padding="same", unroll=True)(
            layers.Reshape((4, 8, 8, 1))(x)
        ),
        "gru": lambda x: layers.GRU(4, unroll=True)(layers.Reshape((16, 16))(x)),
        "lstm": lambda x: layers.LSTM(4, unroll=True)(layers.Reshape((16, 16))(x)),
        "dense": lambda x: layers.Dense(8)(layers.Flatten()(x)),
        "dense on pixels": layers.Dense(5),
        "einsum": lambda x: ops.einsum("bhwc,bhwd->bcd", x, x),
        "attention": lambda x: layers.Attention()(
            [layers.Reshape((64, 4))(x), layers.Reshape((64, 4))(x)]
        ),
        "multi-head attention": lambda x: layers.MultiHeadAttention(2, 4)(
            layers.Reshape((64, 4))(x), layers.Reshape((64, 4))(x)
        ),
        "matmul": lambda x: ops.matmul(x, ops.transpose(x, (0, 1, 3, 2))),
        "batch norm": layers.BatchNormalization(),
        "layer norm": layers.LayerNormalization(),
        "rms norm": layers.RMSNormalization(),
        "group norm": layers.GroupNormalization(2),
        "unit norm": layers.UnitNormalization(),
        "prelu": layers.PReLU(shared_axes=(1, 2)),
        "relu capped": layers.ReLU(6.0, negative_slope=0.1),
        "relu threshold": layers.ReLU(threshold=0.5),
        "global average": layers.GlobalAveragePooling2D(keepdims=True),
        "global max": layers.GlobalMaxPooling2D(),
        "crop": layers.Cropping2D(1),
        "zero pad": layers.ZeroPadding2D(1),
        "concatenate": lambda x: layers.Concatenate()([x, x * 2]),
        "maximum": lambda x: ops.maximum(x, -x),
        "minimum": lambda x: ops.minimum(x, 0.5),
        "clip": lambda x: ops.clip(x, -0.5, 0.5),
        "where": lambda x: ops.where(x > 0, x, x * 0.2),
        "comparisons": lambda x: ops.cast((x < 0) | (x >= 1) & ops.logical_not(x == 2), "float32"),
        "not equal": lambda x: ops.cast(ops.not_equal(x, 0.0), "float32"),
        "less equal": lambda x: ops.cast((x <= 0) & (x > -1), "float32"),
        "sign": lambda x: ops.sign(x),
        "powers": lambda x: ops.power(ops.abs(x) + 1.0, 0.3) + ops.square(x) + ops.sqrt(x * x),
        "exponentials": lambda x: ops.exp(x) + ops.log(x * x + 1.0) + ops.log1p(x * x),
        "expm1": lambda x: ops.expm1(x),
        "sine": lambda x: ops.sin(x) + ops.cos(x),
        "rounding": lambda x: ops.floor(x) + ops.ceil(x) + ops.round(x),
        "erf": lambda x: ops.erf(x),
        "division": lambda x: x / (ops.abs(x) + 1.0) + 1.0 / (x * x + 1.0),
        "rsqrt": lambda x: ops.rsqrt(x * x + 1.0),
        "reductions": lambda x: (
            ops.sum(x, (1, 2), keepdims=True)
            + ops.max(x, -1, keepdims=True)
            + ops.min(x, (1, 2), keepdims=True)
            + ops.mean(x, -1, keepdims=True)
        ),
        "product": lambda x: ops.prod(x, -1),
        "moments": lambda x: ops.var(x, (1, 2)) + ops.std(x, (1, 2)),
        "logsumexp": lambda x: ops.logsumexp(x, -1),
        "cumsum": lambda x: ops.cumsum(x, 1),
        "argmax": lambda x: ops.cast(ops.argmax(x, -1), "float32"),
        "one hot": lambda x: ops.one_hot(ops.argmax(x, -1), 4),
        "take": lambda x: ops.take(x, [2, 0], axis=-1),
        "flip": lambda x: ops.flip(x, 2),
        "roll": lambda x: ops.roll(x, 1, axis=1),
        "tile": lambda x: ops.tile(x, (1, 2, 1, 1)),
        "repeat": lambda x: ops.repeat(x, 2, axis=1),
        "broadcast": lambda x: ops.broadcast_to(ops.mean(x, (1, 2), keepdims=True), (1, 8, 8, 4)),
        "stack": lambda x: ops.stack([x, -x], axis=1),
        "unstack": lambda x: ops.unstack(x, axis=-1)[1],
        "split": lambda x: ops.split(x, 2, axis=-1)[1],
        "slices": lambda x: x[:, 1:7:2, ::2] + x[:, :4, -4:],
        "transpose": layers.Permute((3, 1, 2)),
        "reshape": layers.Reshape((4, 64)),
        "squeeze": lambda x: ops.squeeze(ops.mean(x, 1, keepdims=True), 1),
        "constants": lambda x: x * ops.ones_like(x) + ops.zeros((1, 8, 8, 4)) + ops.arange(4.0),
        "spectral norm": layers.SpectralNormalization(layers.Conv2D(4, 3, padding="same")),
        "rescaling": layers.Rescaling(2.0, -1.0),
    }
    return makers


def _functions() -> dict[str, Callable[[Any], Any]]:
    """Functions of TensorFlow that Keras calls otherwise; each as a layer."""
    import tensorflow as tf

    functions: dict[str, Callable[[Any], Any]] = {
        "tf argmax": lambda x: tf.cast(tf.argmax(x, -1), tf.float32),
        "tf depth to space": lambda x: tf.nn.space_to_depth(tf.nn.depth_to_space(x, 2), 2),
        "tf division": lambda x: tf.math.divide_no_nan(x, x) + tf.math.reciprocal(x + 2.0),
        "tf equal": lambda x: tf.cast(tf.equal(x, 0.0) & ~tf.less(x, 0.0), tf.float32),
        "tf erf": lambda x: tf.math.erf(x),
        "tf expand": lambda x: tf.squeeze(tf.expand_dims(x, 1) * 2.0, 1),
        "tf fill": lambda x: x + tf.fill(tf.shape(x), 0.5) + tf.zeros_like(x) + tf.ones_like(x),
        "tf one hot": lambda x: tf.one_hot(tf.argmax(x, -1), 4),
        "tf pad": lambda x: tf.pad(x, [[0, 0], [1, 1], [1, 1], [0, 0]], constant_values=1.0),
        "tf scatter": lambda x: tf.where(x > 0.0, x, tf.zeros([])),
        "tf split": lambda x: tf.split(x, 2, axis=-1)[0],
    }

    class Function(keras.layers.Layer):
        def __init__(self, function: Callable[[Any], Any]) -> None:
            super().__init__()
            self.function = function

        def call(self, inputs: Any) -> Any:
            return self.function(inputs)

    return {name: Function(function) for name, function in functions.items()}


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m scripts.results.exported_operations", description=__doc__.splitlines()[0]
    )
    parser.add_argument("--method", action="append", help="this method only; repeatable")
    parser.add_argument("--output", type=Path, default=FILE, help="default %(default)s")
    return parser.parse_args()


if __name__ == "__main__":
    np.random.seed(0)
    main(_arguments())
