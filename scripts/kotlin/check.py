"""Compiles and runs the Kotlin examples of bundles; see check_kotlin."""

import json
import struct
import subprocess
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import IO

import numpy as np

import exporters
from exporters.bundle.labels import default_of
from exporters.bundle.manifest import SignatureRecord, TensorRecord
from exporters.card.templates import called, plain_name
from exporters.inference.runner import Runner, recipes_of

STANDINS = Path(__file__).parent
TYPES = {"uint8": np.dtype(np.uint8), "float32": np.dtype(">f4")}  # Java writes high bytes first
THREADS = 2  # what an example asks for


class DisagreementError(Exception):
    """The example does not do what the bundle's runner does."""


class Pipe:
    """Java's DataInput and DataOutput over a process's standard streams."""

    def __init__(self, read: IO[bytes], write: IO[bytes]) -> None:
        self._read, self._write = read, write

    def number(self) -> int:
        """An int."""
        return struct.unpack(">i", self._exactly(4))[0]

    def text(self) -> str:
        """What writeUTF wrote."""
        return self._exactly(struct.unpack(">H", self._exactly(2))[0]).decode()

    def array(self) -> np.ndarray:
        """Numbers in one row, after their type and how many there are."""
        dtype, count = TYPES[self.text()], self.number()
        values = np.frombuffer(self._exactly(count * dtype.itemsize), dtype)
        return values.astype(dtype.newbyteorder("="))

    def tell(self, *parts: int | str | np.ndarray) -> None:
        """Writes ints, texts and arrays."""
        for part in parts:
            if isinstance(part, str):
                self._write.write(struct.pack(">H", len(part.encode())) + part.encode())
            elif isinstance(part, np.ndarray):
                self.tell(part.dtype.name, part.size)
                self._write.write(part.astype(TYPES[part.dtype.name]).tobytes())
            else:
                self._write.write(struct.pack(">i", part))
        self._write.flush()

    def _exactly(self, count: int) -> bytes:
        found = self._read.read(count)
        if len(found) < count:
            raise DisagreementError("the example ended, see above")
        return found


def check(bundle: exporters.Bundle, compiler: Path, folder: Path) -> dict[str, list[str]]:
    """Compiles the example and calls all its functions.

    Args:
        bundle: Opened.
        compiler: The folder `lib` of a Kotlin compiler.
        folder: For what is made.

    Returns:
        For each signature the ways in which it was called.

    Raises:
        DisagreementError: If it does not compile, calls another signature than the one it is
            named after, or gives other numbers.
    """
    example = bundle.root / "examples" / "Translator.kt"
    program = folder / "example.jar"
    sources = [example, *sorted(STANDINS.glob("*.kt"))]
    made = subprocess.run(
        [*_java(compiler), "org.jetbrains.kotlin.cli.jvm.K2JVMCompiler", *sources, "-no-reflect",
         "-Werror", "-kotlin-home", compiler.parent, "-include-runtime", "-d", program],
        capture_output=True, text=True,
    )  # fmt: skip
    if made.returncode:
        raise DisagreementError(f"{example} does not compile:\n{made.stderr}")
    command = ["java", "-cp", program, "MainKt"]
    with ExitStack() as stack:
        process = stack.enter_context(
            subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=bundle.root
            )
        )
        stack.callback(process.kill)
        pipe = Pipe(process.stdout, process.stdin)
        functions = [pipe.text() for _ in range(pipe.number())]
        return call_all(bundle, functions, pipe)


def _java(compiler: Path) -> list[str]:
    return ["java", "-cp", f"{compiler}/kotlin-compiler.jar:{compiler}/*"]


def call_all(bundle: exporters.Bundle, functions: list[str], pipe: Pipe) -> dict[str, list[str]]:
    """Calls each function with all values, and with the defaults of those that have one."""
    runner, random = Runner(bundle, threads=THREADS), np.random.default_rng(0)
    wanted = called(bundle.manifest.signatures)
    named = {plain_name(*item).replace("_", "").lower(): item for item in wanted.items()}
    if {name.lower() for name in functions} != set(named):
        raise DisagreementError(f"there must be functions for {sorted(named)}, got {functions}")
    ways: dict[str, list[str]] = {}
    for function in functions:
        name, record = named[function.lower()]
        values = {tensor.name: _some(tensor, random) for tensor in record.inputs}
        left_out = [default_of(tensor) is not None for tensor in record.inputs]
        for way, mask in (("all values", 0), ("defaults", _bits(left_out))):
            if way == "defaults" and not mask:
                continue
            pipe.tell(function, mask, len(values), *values.values())
            given = {
                tensor.name: values[tensor.name]
                for place, tensor in enumerate(record.inputs)
                if not mask >> place & 1
            }
            answer(runner, (name, record), given, pipe)
            ways.setdefault(name, []).append(way)
    pipe.tell("")
    return ways


def answer(
    runner: Runner, signature: tuple[str, SignatureRecord], given: dict[str, np.ndarray], pipe: Pipe
) -> None:
    """Runs the model as the example asks, and looks at what it does with the outputs.

    Args:
        runner: Of the bundle.
        signature: Name and record of the one that is to be asked for.
        given: What the function was called with, by name; others are to be defaults.
        pipe: To the example.

    Raises:
        DisagreementError: If the example asks for something else or returns other numbers.
    """
    name, record = signature
    if (began := pipe.text()) != "run":
        raise DisagreementError(f"{name}: {began}: {pipe.text()}")
    key, size, threads = pipe.text(), pipe.number(), pipe.number()
    asked = {pipe.text(): pipe.array() for _ in range(pipe.number())}
    outputs = {pipe.text(): pipe.array() for _ in range(pipe.number())}
    shapes = {tensor.name: tensor.shape for tensor in record.inputs}
    model = runner.bundle.root / recipes_of(runner.bundle)[runner.recipe]
    wanted = (name, model.stat().st_size, THREADS)
    _same(name, "signature, bytes of the model, threads", (key, size, threads), wanted)
    _same(name, "inputs", sorted(asked), sorted(shapes))
    expected = runner.run(name, {each: given[each].reshape(shapes[each]) for each in given})
    found = runner.run(name, {each: asked[each].reshape(shapes[each]) for each in asked})
    kinds = {each: (value.dtype.name, value.size) for each, value in outputs.items()}
    _same(name, "outputs", kinds, {k: (v.dtype.name, v.size) for k, v in expected.items()})
    for each in outputs:
        pipe.tell(found[each].ravel())
    if (ended := pipe.text()) != "done":
        raise DisagreementError(f"{name}: {ended}: {pipe.text()}")
    returned = {pipe.text(): pipe.array() for _ in range(pipe.number())}
    if len(expected) == 1:
        returned = dict(zip(expected, returned.values(), strict=True))
    _same(name, "names of results", sorted(returned), sorted(expected))
    for each, value in expected.items():
        if not np.array_equal(returned[each], value.ravel()):
            raise DisagreementError(f"{name}: {each} is not what the bundle's runner gives")


def _same(name: str, what: str, found, wanted) -> None:
    if found != wanted:
        raise DisagreementError(f"{name}: {what} must be {wanted}, got {found}")


def _some(tensor: TensorRecord, random: np.random.Generator) -> np.ndarray:
    """Random numbers in an input's range, in one row."""
    low, high = tensor.value_range or (-1.0, 1.0)
    size = int(np.prod(tensor.shape))
    if tensor.dtype == "uint8":
        return random.integers(int(low), int(high) + 1, size).astype(np.uint8)
    return random.uniform(low, high, size).astype(np.float32)


def _bits(flags: list[bool]) -> int:
    return sum(1 << place for place, flag in enumerate(flags) if flag)


def main(compiler: Path, bundles: list[Path]) -> int:
    """Checks one bundle after the other; 1 if one disagrees, 2 if one is none."""
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
