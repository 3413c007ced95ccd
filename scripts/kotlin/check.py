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
from PIL import Image, ImageOps

import exporters
from exporters.bundle.manifest import SignatureRecord, TensorRecord
from exporters.card import template_files
from exporters.card.app_example import function_names
from exporters.card.tensor_text import app_signatures, is_image
from exporters.inference.aspect import place
from exporters.inference.images import canvas_of
from exporters.inference.runner import Runner, recipes_of
from tf_translate.images import to_rgb

STUBS = Path(__file__).parent  # of the Android and LiteRT classes that an example uses
# Java writes big-endian.
TYPES = {"uint8": np.dtype(np.uint8), "float32": np.dtype(">f4"), "int32": np.dtype(">i4")}
THREADS = 2  # in the examples
IMAGE_SIZES = ((8, 12), (40, 33), (9, 61), (64, 128), (150, 100))  # height, width
RESULT_SCALES = ((1, 1), (4, 4), (2, 1))  # of results compared with the model's input


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
    program = folder / "example.jar"
    examples = sorted((bundle.root / "examples").glob("*.kt"))
    compile_kotlin([*examples, *sorted(STUBS.glob("*.kt"))], program, compiler)
    ways: dict[str, list[str]] = {}
    for accelerator in ("CPU", "GPU"):
        for name, found in run(bundle, program, accelerator).items():
            ways.setdefault(name, []).extend(f"{way} on the {accelerator}" for way in found)
    return ways


def compile_kotlin(sources: list[Path], program: Path, compiler: Path) -> None:
    """Compiles Kotlin to a .jar; DisagreementError with the compiler's words if it fails."""
    compilation = subprocess.run(
        [*_java(compiler), "org.jetbrains.kotlin.cli.jvm.K2JVMCompiler", *sources, "-no-reflect",
         "-Werror", "-kotlin-home", compiler.parent, "-include-runtime", "-d", program],
        capture_output=True, text=True,
    )  # fmt: skip
    if compilation.returncode:
        raise DisagreementError(f"{sources[0]} does not compile:\n{compilation.stderr}")


def run(bundle: exporters.Bundle, program: Path, accelerator: str) -> dict[str, list[str]]:
    """Calls all functions of a compiled example, with a stub of a GPU or without."""
    command = ["java", "-cp", program, "MainKt", accelerator]
    with ExitStack() as stack:
        process = stack.enter_context(
            subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=bundle.root
            )
        )
        stack.callback(process.kill)
        pipe = Pipe(process.stdout, process.stdin)
        functions = [pipe.text() for _ in range(pipe.integer())]
        return call_all(bundle, functions, pipe, accelerator)


def _java(compiler: Path) -> list[str]:
    return ["java", "-cp", f"{compiler}/kotlin-compiler.jar:{compiler}/*"]


def call_all(
    bundle: exporters.Bundle, functions: list[str], pipe: Pipe, accelerator: str
) -> dict[str, list[str]]:
    """Calls each function with all arguments, and without those that have a default."""
    runner, random = Runner(bundle, threads=THREADS), np.random.default_rng(0)
    signatures = app_signatures(bundle.manifest.signatures)
    expected = function_names(template_files.load("kotlin"), signatures)
    named = {function: (name, signatures[name]) for name, function in expected.items()}
    if set(functions) != set(named):
        raise DisagreementError(f"there must be functions {sorted(named)}, got {functions}")
    ways: dict[str, list[str]] = {}
    for function in functions:
        name, record = named[function]
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
            answer(runner, (name, record), arguments, pipe, accelerator)
            ways.setdefault(name, []).append(way)
    if (bundle.root / "examples" / "Images.kt").is_file():
        check_images(bundle, signatures, pipe)
        check_upright(pipe)
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
    for (canvas, interpolation), size, scales in product(
        sorted(images), IMAGE_SIZES, RESULT_SCALES
    ):
        result_size = canvas[0] * scales[0], canvas[1] * scales[1]
        image = random.integers(0, 256, (*size, 4)).astype(np.uint8)
        result = random.integers(0, 256, (*result_size, 3)).astype(np.uint8)
        is_nearest = int(interpolation == "nearest")
        pipe.send("/images", *size, *canvas, is_nearest, *result_size)
        pipe.send(_colours(image), result.ravel())
        shown = pipe.integer(), pipe.integer()
        found = {pipe.text(): pipe.array() for _ in range(2)}
        placement = place(size, canvas, aspect)
        scale = scales[0] if scales[0] == scales[1] else 1
        expected_size = tuple(scale * side for side in placement.part.size)
        _check_equal(f"{size} on {canvas}", "size of the result", shown, expected_size)
        expected = {
            "pixels": placement.onto_canvas(to_rgb(image), interpolation),
            "bitmap": placement.off_canvas(result, interpolation, scale),
        }
        for name, pixels in expected.items():
            if not np.array_equal(found[name], pixels.ravel()):
                raise DisagreementError(
                    f"{size} on {canvas}, {aspect}, {interpolation}, result {scales} times as "
                    f"large: other {name} than Python"
                )


def check_upright(pipe: Pipe) -> None:
    """Checks that the example turns images by their EXIF orientation as Pillow does."""
    image = np.random.default_rng(2).integers(0, 256, (5, 7, 3)).astype(np.uint8)
    for orientation in range(9):
        with tempfile.NamedTemporaryFile() as file:
            opaque = np.dstack([image, np.full((5, 7), 255, np.uint8)])
            header = struct.pack(">iii", orientation, *image.shape[:2])
            file.write(header + _colours(opaque).astype(">i4").tobytes())
            file.flush()
            pipe.send("/upright", 35, file.name)
            size = pipe.integer(), pipe.integer()
            found = {pipe.text(): pipe.array()}["bitmap"].reshape(*size, 3)
        tagged = Image.fromarray(image)
        tagged.getexif()[0x0112] = orientation
        if not np.array_equal(found, np.asarray(ImageOps.exif_transpose(tagged))):
            raise DisagreementError(f"EXIF orientation {orientation}: another image than Pillow's")


def _colours(image: np.ndarray) -> np.ndarray:
    """RGBA `(height, width, 4)` as Android's ints, 0xAARRGGBB."""
    red, green, blue, alpha = (image[..., index].astype(np.uint32).ravel() for index in range(4))
    return (alpha << 24 | red << 16 | green << 8 | blue).view(np.int32)


def answer(
    runner: Runner,
    signature: tuple[str, SignatureRecord],
    arguments: dict[str, np.ndarray],
    pipe: Pipe,
    accelerator: str,
) -> None:
    """Runs the model as the example requests, and checks the values that it returns.

    Args:
        runner: The bundle's runner.
        signature: Name and record of the signature that the example must call.
        arguments: Arguments of the function, by name; the example must add the defaults.
        pipe: The connection to the example.
        accelerator: "GPU" if the example must call the float signature, else "CPU".

    Raises:
        DisagreementError: If the example requests anything else or returns other values.
    """
    name, record = signature
    if (status := pipe.text()) != "run":
        raise DisagreementError(f"{name}: {status}: {pipe.text()}")
    key, size, threads = pipe.text(), pipe.integer(), pipe.integer()
    inputs = {pipe.text(): pipe.array() for _ in range(pipe.integer())}
    outputs = [pipe.text() for _ in range(pipe.integer())]
    shapes = {tensor.name: tensor.shape for tensor in record.inputs}
    model = runner.bundle.root / recipes_of(runner.bundle)[runner.recipe]
    on_gpu = accelerator == "GPU"
    called = record.pixels_of or name if on_gpu else name
    setup = (called, model.stat().st_size, 0 if on_gpu else THREADS)
    _check_equal(name, "signature, bytes of the model, threads", (key, size, threads), setup)
    _check_equal(name, "inputs", sorted(inputs), sorted(shapes))
    expected = runner.run(name, {each: arguments[each].reshape(shapes[each]) for each in arguments})
    actual = runner.run(called, {each: inputs[each].reshape(shapes[each]) for each in inputs})
    _check_equal(name, "outputs", sorted(outputs), sorted(expected))
    for each in outputs:
        pipe.send(actual[each].ravel())
    if (status := pipe.text()) != "done":
        raise DisagreementError(f"{name}: {status}: {pipe.text()}")
    returned = {pipe.text(): pipe.array() for _ in range(pipe.integer())}
    if len(expected) == 1:
        returned = dict(zip(expected, returned.values(), strict=True))
    _check_equal(name, "names of results", sorted(returned), sorted(expected))
    for each, value in expected.items():
        # Another graph sums in another order, and so a float may be rounded to the next level.
        allowed = (1 if value.dtype == np.uint8 else 1e-4) if on_gpu else 0
        off = np.abs(returned[each].astype(np.float64) - value.ravel())
        if returned[each].dtype != value.dtype or off.max() > allowed:
            raise DisagreementError(f"{name}: {each} is not what the bundle's runner gives")


def _check_equal(name: str, what: str, actual, expected) -> None:
    if actual != expected:
        raise DisagreementError(f"{name}: {what} must be {expected}, got {actual}")


def _random_values(tensor: TensorRecord, random: np.random.Generator) -> np.ndarray:
    """Random values in an input's range, as a one-dimensional array."""
    low, high = tensor.value_range or (-1.0, 1.0)
    size = int(np.prod(tensor.shape))
    if tensor.dtype != "float32":
        return random.integers(int(low), int(high) + 1, size).astype(tensor.dtype)
    return random.uniform(low, high, size).astype(np.float32)


def _bits(flags: list[bool]) -> int:
    return sum(1 << index for index, flag in enumerate(flags) if flag)


def main(compiler: Path, bundles: list[Path]) -> int:
    """Checks bundles; returns 1 at the first disagreement, 2 if a folder is not a bundle."""
    from scripts.kotlin.check_project import check_project  # it imports this module

    for path in bundles:
        try:
            bundle = exporters.open_bundle(path.resolve())
            with tempfile.TemporaryDirectory() as folder:
                ways = check(bundle, compiler, Path(folder))
            with tempfile.TemporaryDirectory() as folder:
                tests = check_project(bundle, compiler, Path(folder))
        except exporters.ExportError as error:
            print(f"error: {error}", file=sys.stderr)
            return 2
        except DisagreementError as error:
            print(f"{path}: {error}", file=sys.stderr)
            return 1
        print(json.dumps({str(path): ways, "project": tests}))
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]).resolve(), [Path(each) for each in sys.argv[2:]]))
