"""The child process that runs foreign models, with limits; `ModelProcess` starts and asks it.

Requests, by their key `do`:
- `start`: answers when everything is loaded and the limits are set.
- `open`: loads the `artifact` of a `bundle`, to compute with a number of `threads`.
- `run`: calls a `signature` of it with the arrays of the request; answers with its outputs.
- `count`: reads a .tflite `file` of a `bundle`; answers with its `parameters`, and with the
  `multiply_adds` of each signature.
- `lint`: lints a `bundle`; answers with a `report`.
"""

import json
import os
import queue
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from typing import IO, Any

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

Request = tuple[dict[str, Any], Arrays]
Answer = tuple[Mapping[str, Any], Arrays]


class _Models:
    """Answers requests; holds the artifact that was opened last."""

    def __init__(self) -> None:
        self._run: Run | None = None
        self._opened: str | None = None
        self._records: Mapping[str, SignatureRecord] = {}

    def start(self, request: Mapping[str, Any], arrays: Arrays) -> Answer:
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


def _requests(stream: IO[bytes]) -> Iterator[Request]:
    """The requests, received by a thread that ends the process when there are no more.

    So a model that runs without end does not outlive the command.
    """
    received: queue.SimpleQueue[Request] = queue.SimpleQueue()
    threading.Thread(target=_receive, args=(stream, received.put), daemon=True).start()
    while True:
        yield received.get()


def _receive(stream: IO[bytes], put: Callable[[Request], None]) -> None:
    try:
        while True:
            header = messages.read_header(stream)
            put((header, messages.read_arrays(stream, header, messages.specs_of(header))))
    except BaseException:  # the command ended
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
    # Libraries may print on stdout, which carries the answers.
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    if options["tensorflow"]:
        _load_tensorflow()
    Limits(**options["limits"]).restrict_this_process()
    models = _Models()
    for request, arrays in _requests(sys.stdin.buffer):
        messages.write(answers, *_answer(models, request, arrays))


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
