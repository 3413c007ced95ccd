"""A bundle whose model is started apart, so that mistakes in arguments are said before."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from exporters import IsolatedRunner, Limits, open_bundle
from exporters.bundle.field_types import Aspect
from exporters.bundle.manifest import SignatureRecord
from exporters.inference.runner import choose_recipe


class BundleModel:
    """Calls the named signatures of a bundle's .tflite file in a child process.

    An `IsolatedRunner` that is not started yet: whether arguments fit a signature is in the
    manifest, and to start the child takes half a second. Call `start` before `run`.

    Args:
        path: Of the bundle.
        recipe: Which of its .tflite files; None for float32, or the first one if there is none.
        limits: Of the child's time and memory.

    Raises:
        BundleError: If it is no bundle, or its manifest is invalid.
        ExportError: If it has no such recipe.
    """

    def __init__(self, path: Path, recipe: str | None, limits: Limits) -> None:
        self.bundle = open_bundle(path)
        self._recipe, self._limits = choose_recipe(self.bundle, recipe), limits
        self._runner: IsolatedRunner | None = None

    @property
    def signatures(self) -> Mapping[str, SignatureRecord]:
        """Inputs and outputs of each signature, by name."""
        return self.bundle.manifest.signatures

    @property
    def aspect(self) -> Aspect:
        """How images of any size are brought to the size of its inputs."""
        return self.bundle.manifest.aspect

    def start(self) -> None:
        """Starts the child, which loads the file.

        Raises:
            ModelError: If the file is refused, or loading it fails.
        """
        self._runner = IsolatedRunner(self.bundle, recipe=self._recipe, limits=self._limits)

    def run(self, name: str, inputs: Mapping[str, np.ndarray]) -> Mapping[str, np.ndarray]:
        """Runs a signature once on an array for each input; see `IsolatedRunner.run`."""
        if self._runner is None:
            raise RuntimeError("start() must be called before run()")
        return self._runner.run(name, inputs)

    def close(self) -> None:
        """Ends the child, if there is one."""
        if self._runner is not None:
            self._runner.close()
