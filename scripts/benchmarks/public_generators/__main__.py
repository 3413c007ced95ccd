"""Exports, verifies and runs twelve generators of the literature: in floats and in integers.

scripts/bench public_generators [FOLDER] [--rounds 20] [--only NAME]...

FOLDER (default runs/public_generators) receives a bundle for each generator and
bench_public_generators.json. Calibration and test images are different sample emoji; other inputs
are random. Integers are int8_float_norm, and int16x8 where that fails verification. Latency is
compared with the file of TensorFlow's plain converter, in turns; with `--rounds 0` nothing is
timed.
"""

import argparse
import datetime
import json
import shutil
import sys
import warnings
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import keras
import numpy as np

import exporters
from exporters.benchmark.benchmark import first_inputs
from exporters.benchmark.compare import ratios, take_turns
from exporters.benchmark.timed_process import Stopwatch
from scripts.benchmarks.machine import PUBLISH, ROOT, machine, versions
from scripts.benchmarks.public_generators.networks import GENERATORS, RANGES, SIDE, SIZES
from tf_translate import images

SEED = 0
RECIPES = ("float32", "float16", "dynamic_int8", "int8_float_norm")
SECOND_INTEGER_RECIPE = "int16x8"  # where int8_float_norm fails
IMAGES = 24  # of the samples: calibration takes the first 16, verification the others
CALIBRATION = 16
PACKAGES = ("tensorflow", "keras", "ai-edge-litert", "ai-edge-quantizer", "numpy")


def export(
    name: str, folder: Path, recipes: Sequence[str] = RECIPES
) -> tuple[exporters.Signature, Path]:
    """Exports a generator with seeded weights, with and without our rewrites."""
    keras.utils.set_random_seed(SEED)
    network = GENERATORS[name]()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # ranges that are assumed: they are [-1, 1] here
        signature = exporters.signature_of(
            network, size=SIZES.get(name, (SIDE, SIDE)), ranges=RANGES.get(name)
        )
    inputs = {tensor.name: _examples(tensor) for tensor in signature.inputs}
    shutil.rmtree(folder / name, ignore_errors=True)
    exporters.export(
        {"a_to_b": signature},
        folder / name / "bundle",
        recipes=recipes,
        golden_images={"a_to_b": {key: values[CALIBRATION:] for key, values in inputs.items()}},
        calibration=exporters.Calibration(
            {"a_to_b": {key: values[:CALIBRATION] for key, values in inputs.items()}}
        ),
        seed=SEED,
    )
    exporters.export({"a_to_b": signature}, folder / name / "plain", optimize=False, seed=SEED)
    return signature, folder / name


def measure(name: str, folder: Path, rounds: int) -> dict[str, Any]:
    """The row of a generator: errors by recipe, share on XNNPACK, translation, latency."""
    signature, own = export(name, folder)
    bundle = own / "bundle"
    verification = exporters.verify(bundle, isolated=False)
    refused = [fault for fault in verification.failures if fault.startswith("int8_float_norm:")]
    if refused:
        kept = [*RECIPES[:-1], SECOND_INTEGER_RECIPE]
        signature, own = export(name, folder, kept)
        first, verification = verification, exporters.verify(bundle, isolated=False)
    report = exporters.lint(bundle, isolated=False)
    row: dict[str, Any] = {
        "inputs": [[each.name, list(each.shape[1:])] for each in signature.inputs],
        "outputs": [[each.name, list(each.shape[1:])] for each in signature.outputs],
        "passed": verification.passed,
        "failures": list(verification.failures),
        "psnr": (_psnr(first) if refused else {}) | _psnr(verification),
        "refused": refused,
        "on_xnnpack": {
            each.artifact: each.fast_fraction
            for each in report.coverage
            if each.target == "xnnpack" and each.signature == "a_to_b"
        },
        "translated": _translate(bundle),
    }
    if rounds:
        row["beside_plain_converter"] = _latency(bundle, own / "plain", rounds)
    return row


def _latency(bundle: Path, plain: Path, rounds: int) -> dict[str, Any]:
    """Times of our float32 file divided by those of the plain converter's, in turns, one thread."""
    with first_inputs(exporters.open_bundle(bundle), "a_to_b") as inputs, ExitStack() as stack:
        times = take_turns(
            {
                name: stack.enter_context(
                    Stopwatch(folder, recipe="float32", signature="a_to_b", threads=1,
                              inputs=inputs, limits=exporters.Limits())
                )
                for name, folder in (("ours", bundle), ("plain", plain))
            },
            rounds,
        )  # fmt: skip
    return ratios(times["ours"], times["plain"])


def main() -> int:
    """Measures every generator; 1 if one does not pass verification."""
    parser = argparse.ArgumentParser(prog="scripts/bench public_generators")
    parser.add_argument("folder", nargs="?", type=Path, default=Path("runs/public_generators"))
    parser.add_argument("--rounds", type=int, default=20, help="0: nothing is timed")
    parser.add_argument("--only", action="append", choices=list(GENERATORS))
    options = parser.parse_args()
    rows = {}
    for name in options.only or GENERATORS:
        try:
            rows[name] = measure(name, options.folder, options.rounds)
        except exporters.ExportError as error:
            rows[name] = {"passed": False, "refused": [str(error)]}
        found = rows[name]
        print(
            name, "passed" if found["passed"] else "FAILED", found.get("psnr") or found, flush=True
        )
    result = {
        "command": " ".join(["scripts/bench public_generators", *sys.argv[1:]]),
        "date": datetime.date.today().isoformat(),
        "machine": machine(),
        "versions": versions(PACKAGES),
        "seed": SEED,
        "generators": rows,
    }
    options.folder.mkdir(parents=True, exist_ok=True)
    (options.folder / "bench_public_generators.json").write_text(
        json.dumps(result, indent=1) + "\n"
    )
    print(
        f"result: {options.folder}; to publish: {PUBLISH} --public-generators {options.folder} NAME"
    )
    return 0 if all(row["passed"] for row in rows.values()) else 1


def _examples(tensor: exporters.Tensor) -> np.ndarray:
    """Sample emoji at the size of an image; random values of other inputs."""
    shape = tensor.shape[1:]
    random = np.random.default_rng(SEED)
    if len(shape) != 3 or shape[-1] not in (1, 3):
        return random.uniform(0, 1, (IMAGES, *shape)).astype(np.float32)
    files = sorted((ROOT / "assets" / "samples" / "fluent_3d").glob("*.webp"))[:IMAGES]
    read = (images.read(file, channels=3) for file in files)
    height, width, _ = shape
    pixels = np.stack([images.resize(each, (height, width)) for each in read])
    pixels = pixels[..., :1] if shape[-1] == 1 else pixels
    low, high = tensor.value_range or (-1.0, 1.0)
    return (low + (high - low) * pixels / 255.0).astype(np.float32)


def _psnr(verification: exporters.Verification) -> dict[str, float]:
    """For each recipe the lowest PSNR of the float signature's outputs."""
    found: dict[str, list[float]] = {}
    for each in verification.outputs:
        recipe = each.artifact in (*RECIPES, SECOND_INTEGER_RECIPE)
        if each.signature == "a_to_b" and recipe and each.psnr is not None:
            found.setdefault(each.artifact, []).append(each.psnr)
    return {recipe: round(min(values), 1) for recipe, values in found.items()}


def _translate(bundle: Path) -> str:
    """The size of a translated image of 50x40 pixels, or why it is none."""
    runner = exporters.Runner(exporters.open_bundle(bundle))
    channels = runner.signatures["a_to_b"].inputs[0].shape[-1]
    pixels = np.zeros((50, 40, channels if channels in (1, 3) else 3), np.uint8)
    try:
        return str(exporters.translate_image(runner, pixels).shape)
    except exporters.ExportError as error:
        return str(error)


if __name__ == "__main__":
    sys.exit(main())
