"""Compiles and runs the Kotlin examples of bundles; see check_kotlin."""

import json
import struct
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from contextlib import ExitStack
from itertools import product
from pathlib import Path
from typing import IO

import numpy as np

import exporters
from exporters.bundle.manifest import SignatureRecord, TensorRecord
from exporters.card.tensor_text import app_signatures, display_name, is_image
from exporters.inference.aspect import place
from exporters.inference.images import canvas_of
from exporters.inference.runner import Runner, recipes_of

STUBS = Path(__file__).parent  # of the Android and LiteRT classes that an example uses
TYPES = {"uint8": np.dtype(np.uint8), "float32": np.dtype(">f4")}  # Java writes big-endian
THREADS = 2  # in the examples
IMAGE_SIZES = ((8, 12), (40, 33), (9, 61), (64, 128), (150, 100))  # height, width


class DisagreementError(Exception):
    """The example and the bundle's runner give different results."""


class Pipe:
    """Java's DataInput and DataOutput over a process's standard streams."""

    def __init__(self, read: IO[bytes], write: IO[bytes]) -> None:
        self._read, self._write = read, write

    def integer(self) -> int:
        """Reads an int."""
        return struct.unpack(">i", self._exactly(4))[0]

    def text(self) -> str:
        """Reads a string of writeUTF."""
        return self._exactly(struct.unpack(">H", self._exactly(2))[0]).decode()

    def array(self) -> np.ndarray:
        """Reads the values of a one-dimensional array, after its type and length."""
        dtype, count = TYPES[self.text()], self.integer()
        values = np.frombuffer(self._exactly(count * dtype.itemsize), dtype)
        return values.astype(dtype.newbyteorder("="))

    def send(self, *parts: int | str | np.ndarray) -> None:
        """Writes ints, texts and arrays."""
        for part in parts:
            if isinstance(part, str):
                self._write.write(struct.pack(">H", len(part.encode())) + part.encode())
            elif isinstance(part, np.ndarray):
                self.send(part.dtype.name, part.size)
                self._write.write(part.astype(TYPES[part.dtype.name]).tobytes())
            else:
                self._write.write(struct.pack(">i", part))
        self._write.flush()

    def _exactly(self, count: int) -> bytes:
        content = self._read.read(count)
        if len(content) < count:
            raise DisagreementError("the example ended, see above")
        return content


def check(bundle: exporters.Bundle, compiler: Path, folder: Path) -> dict[str, list[str]]:
    """Compiles the example and calls all its functions.

    Args:
        bundle: From `open_bundle`.
        compiler: The folder `lib` of a Kotlin compiler.
        folder: For the compiled program.

    Returns:
        For each signature the ways in which it was called.

    Raises:
        DisagreementError: If it does not compile, a function calls another signature than its
            name says, or returns other values than the runner.
    """
    example = bundle.root / "examples" / "Translator.kt"
    program = folder / "example.jar"
    sources = [example, *sorted(STUBS.glob("*.kt"))]
    compilation = subprocess.run(
        [*_java(compiler), "org.jetbrains.kotlin.cli.jvm.K2JVMCompiler", *sources, "-no-reflect",
         "-Werror", "-kotlin-home", compiler.parent, "-include-runtime", "-d", program],
        capture_output=True, text=True,
    )  # fmt: skip
    if compilation.returncode:
        raise DisagreementError(f"{example} does not compile:\n{compilation.stderr}")
    command = ["java", "-cp", program, "MainKt"]
    with ExitStack() as stack:
        process = stack.enter_context(
            subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=bundle.root
            )
        )
        stack.callback(process.kill)
        pipe = Pipe(process.stdout, process.stdin)
        functions = [pipe.text() for _ in range(pipe.integer())]
        return call_all(bundle, functions, pipe)


def _java(compiler: Path) -> list[str]:
    return ["java", "-cp", f"{compiler}/kotlin-compiler.jar:{compiler}/*"]


def call_all(bundle: exporters.Bundle, functions: list[str], pipe: Pipe) -> dict[str, list[str]]:
    """Calls each function with all arguments, and without those that have a default."""
    runner, random = Runner(bundle, threads=THREADS), np.random.default_rng(0)
    signatures = app_signatures(bundle.manifest.signatures)
    named = {display_name(*item).replace("_", "").lower(): item for item in signatures.items()}
    if {name.lower() for name in functions} != set(named):
        raise DisagreementError(f"there must be functions for {sorted(named)}, got {functions}")
    ways: dict[str, list[str]] = {}
    for function in functions:
        name, record = named[function.lower()]
        values = {tensor.name: _random_values(tensor, random) for tensor in record.inputs}
        has_default = [tensor.default is not None for tensor in record.inputs]
        for way, mask in (("all values", 0), ("defaults", _bits(has_default))):
            if way == "defaults" and not mask:
                continue
            pipe.send(function, mask, len(values), *values.values())
            arguments = {
                tensor.name: values[tensor.name]
                for index, tensor in enumerate(record.inputs)
                if not mask >> index & 1
            }
            answer(runner, (name, record), arguments, pipe)
            ways.setdefault(name, []).append(way)
    check_images(bundle, signatures, pipe)
    pipe.send("")
    return ways


def check_images(
    bundle: exporters.Bundle, signatures: Mapping[str, SignatureRecord], pipe: Pipe
) -> None:
    """Checks that the example brings colour images to a model's size and back like Python."""
    random, aspect = np.random.default_rng(1), bundle.manifest.aspect
    tensors = [tensor for record in signatures.values() for tensor in record.inputs]
    tensors += [tensor for record in signatures.values() for tensor in record.outputs]
    images = {
        (canvas_of(each), each.interpolation)
        for each in tensors
        if is_image(each) and each.shape[-1] == 3
    }
    for (canvas, interpolation), size in product(sorted(images), IMAGE_SIZES):
        image = random.integers(0, 256, (*size, 3)).astype(np.uint8)
        result = random.integers(0, 256, (*canvas, 3)).astype(np.uint8)
        is_nearest = int(interpolation == "nearest")
        pipe.send("/images", *size, *canvas, is_nearest, image.ravel(), result.ravel())
        shown = pipe.integer(), pipe.integer()
        found = {pipe.text(): pipe.array() for _ in range(2)}
        placement = place(size, canvas, aspect)
        _check_equal(f"{size} on {canvas}", "size of the result", shown, placement.part.size)
        expected = {
            "pixels": placement.onto_canvas(image, interpolation),
            "bitmap": placement.off_canvas(result, interpolation),
        }
        for name, pixels in expected.items():
            if not np.array_equal(found[name], pixels.ravel()):
                raise DisagreementError(
                    f"{size} on {canvas}, {aspect}, {interpolation}: other {name} than Python"
                )


def answer(
    runner: Runner,
    signature: tuple[str, SignatureRecord],
    arguments: dict[str, np.ndarray],
    pipe: Pipe,
) -> None:
    """Runs the model as the example requests, and checks the values that it returns.

    Args:
        runner: The bundle's runner.
        signature: Name and record of the signature that the example must call.
        arguments: Arguments of the function, by name; the example must add the defaults.
        pipe: The connection to the example.

    Raises:
        DisagreementError: If the example requests anything else or returns other values.
    """
    name, record = signature
    if (status := pipe.text()) != "run":
        raise DisagreementError(f"{name}: {status}: {pipe.text()}")
    key, size, threads = pipe.text(), pipe.integer(), pipe.integer()
    inputs = {pipe.text(): pipe.array() for _ in range(pipe.integer())}
    outputs = {pipe.text(): pipe.array() for _ in range(pipe.integer())}
    shapes = {tensor.name: tensor.shape for tensor in record.inputs}
    model = runner.bundle.root / recipes_of(runner.bundle)[runner.recipe]
    setup = (name, model.stat().st_size, THREADS)
    _check_equal(name, "signature, bytes of the model, threads", (key, size, threads), setup)
    _check_equal(name, "inputs", sorted(inputs), sorted(shapes))
    expected = runner.run(name, {each: arguments[each].reshape(shapes[each]) for each in arguments})
    actual = runner.run(name, {each: inputs[each].reshape(shapes[each]) for each in inputs})
    forms = {each: (value.dtype.name, value.size) for each, value in outputs.items()}
    _check_equal(name, "outputs", forms, {k: (v.dtype.name, v.size) for k, v in expected.items()})
    for each in outputs:
        pipe.send(actual[each].ravel())
    if (status := pipe.text()) != "done":
        raise DisagreementError(f"{name}: {status}: {pipe.text()}")
    returned = {pipe.text(): pipe.array() for _ in range(pipe.integer())}
    if len(expected) == 1:
        returned = dict(zip(expected, returned.values(), strict=True))
    _check_equal(name, "names of results", sorted(returned), sorted(expected))
    for each, value in expected.items():
        if not np.array_equal(returned[each], value.ravel()):
            raise DisagreementError(f"{name}: {each} is not what the bundle's runner gives")


def _check_equal(name: str, what: str, actual, expected) -> None:
    if actual != expected:
        raise DisagreementError(f"{name}: {what} must be {expected}, got {actual}")


def _random_values(tensor: TensorRecord, random: np.random.Generator) -> np.ndarray:
    """Random values in an input's range, as a one-dimensional array."""
    low, high = tensor.value_range or (-1.0, 1.0)
    size = int(np.prod(tensor.shape))
    if tensor.dtype == "uint8":
        return random.integers(int(low), int(high) + 1, size).astype(np.uint8)
    return random.uniform(low, high, size).astype(np.float32)


def _bits(flags: list[bool]) -> int:
    return sum(1 << index for index, flag in enumerate(flags) if flag)


def main(compiler: Path, bundles: list[Path]) -> int:
    """Checks bundles; returns 1 at the first disagreement, 2 if a folder is not a bundle."""
    for path in bundles:
        try:
            with tempfile.TemporaryDirectory() as folder:
                ways = check(exporters.open_bundle(path.resolve()), compiler, Path(folder))
        except exporters.ExportError as error:
            print(f"error: {error}", file=sys.stderr)
            return 2
        except DisagreementError as error:
            print(f"{path}: {error}", file=sys.stderr)
            return 1
        print(json.dumps({str(path): ways}))
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]).resolve(), [Path(each) for each in sys.argv[2:]]))
