"""Runs a bundle's TensorFlow Lite file; needs only the manifest and that file, no TensorFlow."""

from collections.abc import Mapping

import numpy as np
from ai_edge_litert.interpreter import Interpreter, SignatureRunner

from exporters.arguments import check_count, check_type
from exporters.bundle.bundle import Bundle
from exporters.bundle.field_types import Aspect
from exporters.bundle.manifest import SignatureRecord, TensorRecord, get_signature
from exporters.bundle.scalar_inputs import with_defaults
from exporters.errors import ExportError, ModelError
from exporters.untrusted import tflite


class Runner:
    """Calls the named signatures of one .tflite file in this process.

    For bundles that you trust, such as your own. The file is checked before it is loaded, but a
    kernel that fails on a forged file ends this process: run bundles of others by an
    `IsolatedRunner`, as the command line does.

    Args:
        bundle: From `open_bundle`.
        recipe: Which of its .tflite files; None for float32, or the first one if there is none.
        threads: Processor threads to use, at least 1.

    Raises:
        ExportError: If the bundle has no such recipe, or `threads` is below 1.
        BundleError: If the file was changed after export.
        ModelError: If the file is refused or cannot be loaded.
    """

    def __init__(self, bundle: Bundle, *, recipe: str | None = None, threads: int = 1) -> None:
        check_type("bundle", bundle, Bundle, "what open_bundle returns")
        check_count("threads", threads)
        self.bundle = bundle
        self.recipe = choose_recipe(bundle, recipe)
        self._path = recipes_of(bundle)[self.recipe]
        self._interpreter = load_model(bundle.read(self._path), threads, self._path)
        self._runners: dict[str, SignatureRunner] = {}

    @property
    def signatures(self) -> Mapping[str, SignatureRecord]:
        """Inputs and outputs of each signature, by name."""
        return self.bundle.manifest.signatures

    @property
    def aspect(self) -> Aspect:
        """How images of any size are brought to the size of its inputs."""
        return self.bundle.manifest.aspect

    def run(self, name: str, inputs: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Runs a signature once.

        Args:
            name: The signature.
            inputs: An array for each input, of exactly its shape and type. Inputs with a default
                may be omitted.

        Returns:
            An array for each output, of its shape and type in the manifest.

        Raises:
            ExportError: If the signature is unknown, or names, shapes or types of the inputs
                differ from it.
            ModelError: If the file's signature differs from the manifest.
        """
        check_type("inputs", inputs, Mapping, "a mapping from input names to arrays")
        record = get_signature(self.signatures, name)
        complete = with_defaults(record, inputs)
        check_inputs(name, record, complete)
        if name not in self._runners:
            self._runners[name] = self._checked_runner(name, record)
        return self._runners[name](**complete)

    def _checked_runner(self, name: str, record: SignatureRecord) -> SignatureRunner:
        try:
            runner = self._interpreter.get_signature_runner(name)
        except ValueError as error:
            raise ModelError(f"{self._path} has no signature {name!r}") from error
        for tensors, details in (
            (record.inputs, runner.get_input_details()),
            (record.outputs, runner.get_output_details()),
        ):
            found = {
                key: (tuple(int(side) for side in detail["shape"]), np.dtype(detail["dtype"]).name)
                for key, detail in details.items()
            }
            expected = {tensor.name: (tensor.shape, tensor.dtype) for tensor in tensors}
            if found != expected:
                raise ModelError(
                    f"{self._path}: signature {name!r} has tensors {found} where the manifest "
                    f"says {expected}"
                )
        return runner


def recipes_of(bundle: Bundle) -> dict[str, str]:
    """Path of the .tflite file of each recipe in a bundle."""
    return {
        artifact.recipe: artifact.path
        for artifact in bundle.manifest.artifacts.values()
        if artifact.kind == "tflite"
    }


def choose_recipe(bundle: Bundle, recipe: str | None) -> str:
    """The recipe to run: the given one, or else float32, or the first one if there is none.

    Raises:
        ExportError: If the bundle does not have it.
    """
    files = recipes_of(bundle)
    recipe = recipe or ("float32" if "float32" in files else next(iter(files), "float32"))
    if recipe not in files:
        raise ExportError(
            f"{bundle.root} holds no model of recipe {recipe!r}; it holds "
            f"{', '.join(files) or 'none'}"
        )
    return recipe


def load_model(content: bytes, threads: int, name: str) -> Interpreter:
    """Loads a .tflite file's content; `name` is its name in error messages.

    Raises:
        ModelError: If it is not a model, or loading it could crash the process or use up its
            memory.
    """
    tflite.check(content, name)
    try:
        return Interpreter(model_content=content, num_threads=threads)
    except (ValueError, RuntimeError) as error:
        raise ModelError(f"{name} is not a TensorFlow Lite model: {error}") from error


def check_inputs(name: str, record: SignatureRecord, inputs: Mapping[str, np.ndarray]) -> None:
    """Raises ExportError unless names, shapes and types are exactly those of the signature."""
    expected = {tensor.name: tensor for tensor in record.inputs}
    if set(inputs) != set(expected):
        got = sorted(map(str, inputs))
        raise ExportError(f"signature {name!r} takes {sorted(expected)}, got {got}")
    for key, value in inputs.items():
        check_type(f"inputs[{key!r}]", value, np.ndarray, "a NumPy array")
        tensor: TensorRecord = expected[key]
        if value.shape != tensor.shape or value.dtype != tensor.dtype:
            raise ExportError(
                f"input {key!r} of signature {name!r} must be {tensor.dtype} {tensor.shape}, "
                f"got {value.dtype} {value.shape}"
            )
