"""Runs a bundle's TensorFlow Lite file in a child process with limits of time and memory."""

from collections.abc import Mapping
from types import TracebackType
from typing import Self

import numpy as np

from exporters.arguments import check_count, check_type
from exporters.bundle.bundle import Bundle
from exporters.bundle.field_types import Aspect
from exporters.bundle.manifest import SignatureRecord, get_signature
from exporters.bundle.scalar_inputs import with_defaults
from exporters.errors import ExportError
from exporters.inference.runner import check_inputs, choose_recipe, recipes_of
from exporters.untrusted.limits import Limits, check_limits
from exporters.untrusted.model_process import ModelProcess


class IsolatedArtifact:
    """One artifact of a bundle, run in a child process that may run several, one after another.

    Args:
        process: The child.
        bundle: From `open_bundle`.
        artifact: Its name in the manifest.
        threads: Processor threads of a .tflite file.

    Raises:
        ModelError: If it is refused, or loading it fails.
    """

    def __init__(
        self, process: ModelProcess, bundle: Bundle, artifact: str, *, threads: int = 1
    ) -> None:
        self._process, self._bundle, self._name = process, bundle, artifact
        self._path = bundle.manifest.artifacts[artifact].path
        request = {"do": "open", "artifact": artifact, "threads": threads}
        process.ask(self._path, request | {"bundle": str(bundle.root.absolute())})

    def run(self, name: str, inputs: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Runs a signature once; arguments and result as in `Runner.run`.

        Raises:
            ExportError: If the signature is unknown, or the inputs do not fit it.
            ModelError: If the model fails, or its process ends or takes too long; also if the
            process was started again or opened another artifact since.
        """
        check_type("inputs", inputs, Mapping, "a mapping from input names to arrays")
        record = get_signature(self._bundle.manifest.signatures, name)
        complete = with_defaults(record, inputs)
        check_inputs(name, record, complete)
        expected = {tensor.name: (tensor.shape, tensor.dtype) for tensor in record.outputs}
        request = {"do": "run", "artifact": self._name, "signature": name}
        _, outputs = self._process.ask(self._path, request, complete, expected)
        return dict(outputs)


class IsolatedRunner:
    """Calls the named signatures of one .tflite file in a child process; use it in a `with` block.

    The interface of a `Runner`, for bundles of others. A file that crashes, does not end or fills
    the memory ends the child, and `run` raises.

    Args:
        bundle: From `open_bundle`.
        recipe: Which of its .tflite files; None for float32, or the first one if there is none.
        threads: Processor threads to use, at least 1.
        limits: Of the child's time and memory.
        start: Whether to start the child now, which takes half a second. If not, `start` must be
            called before `run`; arguments can be checked against `signatures` before.

    Raises:
        ExportError: If the bundle has no such recipe, or `threads` is below 1.
        ModelError: If the file is refused, or loading it fails.
    """

    def __init__(
        self,
        bundle: Bundle,
        *,
        recipe: str | None = None,
        threads: int = 1,
        limits: Limits | None = None,
        start: bool = True,
    ) -> None:
        check_type("bundle", bundle, Bundle, "what open_bundle returns")
        check_count("threads", threads)
        check_limits(limits)
        self.bundle = bundle
        self.recipe = choose_recipe(bundle, recipe)
        self._threads, self._process = threads, ModelProcess(limits or Limits())
        self._artifact: IsolatedArtifact | None = None
        if start:
            self.start()

    def start(self) -> None:
        """Starts the child, which loads the file.

        Raises:
            ModelError: If the file is refused, or loading it fails.
        """
        path = recipes_of(self.bundle)[self.recipe]
        artifacts = self.bundle.manifest.artifacts.items()
        name = next(name for name, record in artifacts if record.path == path)
        try:
            self._artifact = IsolatedArtifact(
                self._process, self.bundle, name, threads=self._threads
            )
        except BaseException:
            self._process.close()
            raise

    @property
    def signatures(self) -> Mapping[str, SignatureRecord]:
        """Inputs and outputs of each signature, by name."""
        return self.bundle.manifest.signatures

    @property
    def aspect(self) -> Aspect:
        """How images of any size are brought to the size of its inputs."""
        return self.bundle.manifest.aspect

    def run(self, name: str, inputs: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Runs a signature once; arguments and result as in `Runner.run`.

        Raises:
            ExportError: If the signature is unknown, the inputs do not fit it, or `start` was not
                called.
            ModelError: If the model fails, or its process ends or takes too long; later calls
                raise too.
        """
        if self._artifact is None:
            raise ExportError("call start() before run(): this IsolatedRunner has `start=False`")
        return self._artifact.run(name, inputs)

    def close(self) -> None:
        """Ends the child."""
        self._process.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
