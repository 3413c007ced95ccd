"""Times CycleGAN's ResNet-9 generator in LiteRT, ONNX Runtime and PyTorch, in turns.

scripts/bench export [FOLDER] [--size 256] [--rounds 20] [--threads 2] [--recipe NAME]...

FOLDER (default runs/bench_export) receives the bundle, model.onnx, model.pt and bench_export.json.
Three processes follow each other: one exports the bundle and the weights, one builds the same
network in PyTorch, one times all files. The last loads neither TensorFlow nor PyTorch itself:
every runtime has its own process.
"""

import argparse
import datetime
import json
import shutil
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

import numpy as np

import exporters
from exporters.benchmark.benchmark import first_inputs
from exporters.benchmark.compare import ratios, take_turns
from exporters.benchmark.timed_process import Stopwatch
from exporters.inference.runner import recipes_of
from scripts.benchmarks.machine import (
    PUBLISH,
    installed_torch,
    machine,
    versions,
    with_root_on_path,
)

SEED = 0
SIGNATURE = "a_to_b"
REFERENCE = "ONNX Runtime float32"
OTHERS = {REFERENCE: "model.onnx", "PyTorch float32": "model.pt"}
RECIPES = ("float32", "float16", "dynamic_int8", "int8", "int8_float_norm")
CALIBRATION_IMAGES = 8  # noise, for the integer recipes: calibrated ranges do not affect times
PACKAGES = ("tensorflow", "keras", "ai-edge-litert", "onnxruntime", "torch", "numpy")


def prepare(folder: Path, size: int, recipes: list[str]) -> None:
    """Exports the network with seeded weights, and writes its weights in order to weights.npz."""
    import keras

    from tf_translate.core.signature import Signature, image_spec
    from tf_translate.networks.resnet import resnet_generator

    keras.utils.set_random_seed(SEED)
    model = resnet_generator((size, size, 3), 3)
    image = image_spec((size, size, 3))
    signature = Signature(
        SIGNATURE, lambda image: {"image": model(image, training=False)}, (image,), (image,)
    )
    folder.mkdir(parents=True, exist_ok=True)
    bundle = folder / "bundle"
    if (bundle / "manifest.json").is_file():
        shutil.rmtree(bundle)  # left by an earlier run
    noise = np.random.default_rng(SEED).uniform(-1, 1, (CALIBRATION_IMAGES, size, size, 3))
    calibration = exporters.Calibration(
        {SIGNATURE: {"image": noise.astype(np.float32)}}, {"source": "noise"}
    )
    exporters.export(
        {SIGNATURE: signature}, bundle, recipes=recipes, calibration=calibration, seed=SEED
    )
    weights = [value.numpy() for value in model.weights]
    np.savez(folder / "weights.npz", **{f"{i:03}": value for i, value in enumerate(weights)})
    with first_inputs(exporters.open_bundle(bundle), SIGNATURE) as inputs, np.load(inputs) as file:
        np.save(folder / "image.npy", file["image"])


def compare(folder: Path, threads: int, rounds: int, command: str) -> None:
    """Runs each network once a round; writes medians, and the ratio to ONNX Runtime by round."""
    bundle = exporters.open_bundle(folder / "bundle")
    recipes = {f"LiteRT {recipe}": recipe for recipe in recipes_of(bundle)}
    with first_inputs(bundle, SIGNATURE) as inputs, ExitStack() as stack:
        runners = {}
        for name, file in OTHERS.items():
            runner = Stopwatch(folder / file, threads=threads, inputs=inputs)
            runners[name] = stack.enter_context(runner)
        for name, recipe in recipes.items():
            selection = {"recipe": recipe, "signature": SIGNATURE}
            runner = Stopwatch(bundle.root, threads=threads, inputs=inputs, **selection)
            runners[name] = stack.enter_context(runner)
        order = [next(iter(recipes)), *OTHERS, *list(recipes)[1:]]
        times = take_turns({name: runners[name] for name in order}, rounds)
        memory, outputs = {}, {}
        for name, runner in runners.items():
            memory[name] = runner.finish(folder / "outputs.npz").peak
            with np.load(folder / "outputs.npz") as file:
                outputs[name] = file[file.files[0]]
    on_xnnpack = _fractions_on_xnnpack(bundle.root)
    rows = {
        name: _row(times[name], times[REFERENCE])
        | {"difference": float(np.abs(outputs[name] - outputs[REFERENCE]).max())}
        | {"peak MB": memory[name]}
        | {"on XNNPACK": on_xnnpack.get(recipes.get(name, ""))}
        for name in order
    }
    _write(folder, rows, times, {"threads": threads, "rounds": rounds, "command": command})


def _row(times: list[float], reference: list[float]) -> dict[str, float]:
    compared = ratios(times, reference)
    return {
        "ms": compared["median_ms"],
        "ratio": compared["ratio"],
        "ratio p10": compared["ratio_p10"],
        "ratio p90": compared["ratio_p90"],
    }


def _fractions_on_xnnpack(bundle: Path) -> dict[str, float]:
    return {
        each.artifact: each.fast_fraction
        for each in exporters.lint(bundle, isolated=False).coverage
        if (each.signature, each.target) == (SIGNATURE, "xnnpack")
    }


def _write(folder: Path, rows: dict, times: dict, settings: dict) -> None:
    image = np.load(folder / "image.npy")
    result = {
        "command": settings.pop("command"),
        "date": datetime.date.today().isoformat(),
        "seed": SEED,
        "machine": machine(),
        "versions": versions(PACKAGES),
        "network": f"ResNet-9, {image.shape[1]} px",
        **settings,
        "reference": REFERENCE,
        "benchmark": rows,
        "rounds_ms": {name: [round(ms, 2) for ms in values] for name, values in times.items()},
    }
    (folder / "bench_export.json").write_text(json.dumps(result, indent=1) + "\n")
    for name, row in rows.items():
        print(f"{name:24} {row['ms']:9.2f} ms   {row['ratio']:6.3f} x {REFERENCE}")


def main(arguments: list[str]) -> None:
    """Runs one of the three steps, or starts all of them one after the other."""
    options = _arguments(arguments)
    if options.step == "prepare":
        prepare(options.folder, options.size, options.recipe or list(RECIPES))
    elif options.step == "compare":
        sizes = f"--size {options.size} --rounds {options.rounds} --threads {options.threads}"
        command = f"scripts/bench export {sizes}"
        compare(options.folder, options.threads, options.rounds, command)
    else:
        torch_python = installed_torch("export")
        this = "scripts.benchmarks.export"
        for step in (
            [sys.executable, "-P", "-m", this, "--step=prepare", *arguments],
            [torch_python, "-P", "-m", "scripts.benchmarks.pytorch.export", options.folder],
            [torch_python, "-P", "-m", this, "--step=compare", *arguments],
        ):
            done = subprocess.run(step, env=with_root_on_path())
            if done.returncode:
                sys.exit(done.returncode)
        file = options.folder / "bench_export.json"
        print(f"result: {file}; to publish: {PUBLISH} --benchmark {options.folder} bench_export")


def _arguments(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="scripts/bench export")
    parser.add_argument(
        "folder", type=Path, nargs="?", default=Path("runs/bench_export"),
        help="where bundle, models and the result go; default %(default)s",
    )  # fmt: skip
    parser.add_argument("--step", choices=("prepare", "compare"), help=argparse.SUPPRESS)
    parser.add_argument("--size", type=int, default=256, help="side of the image in pixels")
    parser.add_argument("--rounds", type=int, default=20, help="timed calls of each runtime")
    parser.add_argument("--threads", type=int, default=2, help="processor threads of each runtime")
    parser.add_argument("--recipe", action="append", help="recipe for LiteRT; may be repeated")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    main(sys.argv[1:])
