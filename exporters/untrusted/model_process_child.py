"""The child process that runs foreign models, with limits; `ModelProcess` starts and asks it.

Requests, by their key `do`:
- `start`: sets the limits and answers; everything is loaded by then. It comes first.
- `open`: loads the `artifact` of a `bundle`, to compute with a number of `threads`.
- `run`: calls a `signature` of it with the arrays of the request; answers with its outputs.
- `count`: reads a .tflite `file` of a `bundle`; answers with its `parameters`, and with the
  `multiply_adds` of each signature.
- `lint`: lints a `bundle`; answers with a `report`.
"""

import contextlib
import json
import os
import sys
import threading
import time
from collections.abc import Mapping
from typing import Any

import numpy as np

from exporters.bundle.bundle import open_bundle
from exporters.bundle.manifest import SignatureRecord, get_signature
from exporters.errors import BundleError, ExportError, first_line
from exporters.lint.lint_bundle import lint
from exporters.tflite_graph.macs import parameters, total_multiply_adds
from exporters.tflite_graph.operators import read_signatures
from exporters.untrusted import messages, tflite
from exporters.untrusted.limits import Limits
from exporters.untrusted.messages import Arrays
from exporters.verification.artifact_runs import Run, load_artifact

Answer = tuple[Mapping[str, Any], Arrays]
_PAUSE = 0.5  # seconds


class _Models:
    """Answers requests; holds the artifact that was opened last."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._run: Run | None = None
        self._opened: str | None = None
        self._records: Mapping[str, SignatureRecord] = {}

    def start(self, request: Mapping[str, Any], arrays: Arrays) -> Answer:
        self._limits.restrict_this_process()
        return {}, {}

    def open(self, request: Mapping[str, Any], arrays: Arrays) -> Answer:
        self._run = self._opened = None  # frees the memory of the one before
        bundle = open_bundle(request["bundle"])
        self._records = bundle.manifest.signatures
        self._run = load_artifact(bundle, request["artifact"], threads=request["threads"])
        self._opened = request["artifact"]
        return {}, {}

    def run(self, request: Mapping[str, Any], arrays: Arrays) -> Answer:
        name = request["signature"]
        if self._run is None or self._opened != request["artifact"]:
            raise BundleError(f"{request['subject']} is not open; its process ended before")
        record = get_signature(self._records, name)
        return {}, _declared_outputs(name, record, self._run(name, dict(arrays)))

    def count(self, request: Mapping[str, Any], arrays: Arrays) -> Answer:
        content = open_bundle(request["bundle"]).read(request["file"])
        tflite.check(content, request["file"])
        graphs = read_signatures(content)
        macs = {name: total_multiply_adds(graph) for name, graph in graphs.items()}
        return {"parameters": parameters(graphs.values()), "multiply_adds": macs}, {}

    def lint(self, request: Mapping[str, Any], arrays: Arrays) -> Answer:
        return {"report": lint(request["bundle"], isolated=False).as_dict()}, {}


def _declared_outputs(name: str, record: SignatureRecord, outputs: Arrays) -> Arrays:
    found = {}
    for tensor in record.outputs:
        value = np.asarray(outputs[tensor.name])
        if value.shape != tensor.shape or value.dtype != tensor.dtype:
            raise BundleError(
                f"output {tensor.name!r} of {name!r} is {value.dtype} {value.shape} where the "
                f"manifest says {tensor.dtype} {tensor.shape}"
            )
        found[tensor.name] = value
    return found


def _end_with(parent: int) -> None:
    """Ends this process when its parent ended, also while a model runs without end."""
    while os.getppid() == parent:
        time.sleep(_PAUSE)
    os._exit(1)


def _answer(models: _Models, request: Mapping[str, Any], arrays: Arrays) -> Answer:
    try:
        return getattr(models, request["do"])(request, arrays)
    except ExportError as error:
        return {"error": str(error)}, {}
    except MemoryError:
        return {"error": f"{request['subject']} takes more memory than --memory-limit"}, {}
    except Exception as error:  # kernels raise exceptions of many kinds
        return {"error": f"{request['subject']}: {first_line(str(error))}"}, {}


def _load_tensorflow() -> None:
    """Loads TensorFlow and creates its threads, which the memory limit shall not count."""
    import tensorflow as tf

    tf.constant(0.0)


def main(options: Mapping[str, Any]) -> None:
    """Answers requests on stdin until it closes."""
    threading.Thread(target=_end_with, args=(options["parent"],), daemon=True).start()
    # Libraries may print on stdout, which carries the answers.
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    if options["tensorflow"]:
        _load_tensorflow()
    models, requests = _Models(Limits(**options["limits"])), sys.stdin.buffer
    with contextlib.suppress(EOFError):  # the command has no more
        while True:
            header = messages.read_header(requests)
            arrays = messages.read_arrays(requests, header, messages.specs_of(header))
            messages.write(answers, *_answer(models, header, arrays))


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
