"""Runs the artifacts of a bundle: in child processes with limits, or in this process."""

from collections.abc import Callable
from contextlib import ExitStack
from types import TracebackType
from typing import Self

import numpy as np

from exporters.bundle.bundle import Bundle
from exporters.bundle.npz import Arrays
from exporters.inference.isolated_runner import IsolatedArtifact
from exporters.inference.runner import Runner
from exporters.untrusted.limits import Limits
from exporters.untrusted.model_process import ModelProcess

Run = Callable[[str, Arrays], Arrays]  # signature, inputs of one case -> its outputs


class ArtifactRuns:
    """Loads artifacts one after another; use it in a `with` block.

    All .tflite files share a child process, and the SavedModel has one with TensorFlow. A child
    that ended is replaced for the next artifact.

    Args:
        bundle: The bundle.
        limits: Of the children's time and memory; None to run everything in this process.
    """

    def __init__(self, bundle: Bundle, limits: Limits | None) -> None:
        self._bundle, self._limits = bundle, limits
        self._processes: dict[str, ModelProcess] = {}  # by kind of artifact
        self._stack = ExitStack()

    def load(self, artifact: str) -> Run:
        """Loads an artifact, after checking that it is harmless.

        Raises:
            BundleError: If its files were changed.
            ModelError: If it is refused, or cannot be loaded.
        """
        if self._limits is None:
            return load_artifact(self._bundle, artifact)
        kind = self._bundle.manifest.artifacts[artifact].kind
        if kind not in self._processes:
            process = ModelProcess(self._limits, tensorflow=kind == "saved_model")
            self._processes[kind] = self._stack.enter_context(process)
        return IsolatedArtifact(self._processes[kind], self._bundle, artifact).run

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stack.close()


def load_artifact(bundle: Bundle, artifact: str, *, threads: int = 1) -> Run:
    """Loads an artifact into this process, after checking that it is harmless.

    Args:
        bundle: The bundle.
        artifact: Its name in the manifest.
        threads: Processor threads of a .tflite file.

    Raises:
        BundleError: If its files were changed.
        ModelError: If it is refused, or cannot be loaded.
    """
    record = bundle.manifest.artifacts[artifact]
    if record.kind == "tflite":
        return Runner(bundle, recipe=record.recipe, threads=threads).run
    import tensorflow as tf  # slow to load, and only needed for a SavedModel

    from exporters.convert import saved_model
    from exporters.untrusted.saved_model import check

    check(bundle.root / record.path)
    functions = saved_model.load(bundle.root / record.path)

    def run(signature: str, inputs: Arrays) -> Arrays:
        tensors = {name: tf.constant(value) for name, value in inputs.items()}
        return {name: np.asarray(value) for name, value in functions[signature](**tensors).items()}

    return run
