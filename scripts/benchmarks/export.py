"""CycleGAN's ResNet-9 generator in LiteRT, ONNX Runtime and PyTorch: the steps of bench_export.

python scripts/benchmarks/export.py prepare FOLDER [OPTIONS]   the bundle, and weights for the others
python scripts/benchmarks/export.py race FOLDER [OPTIONS]      everyone in turns, then bench_export.json

`race` loads neither TensorFlow nor PyTorch itself: every runtime has a process of its own.
"""

import argparse
import datetime
import json
import shutil
from contextlib import ExitStack
from pathlib import Path

import numpy as np

import exporters
from exporters.benchmark.benchmark import first_inputs
from exporters.benchmark.compare import ratios, take_turns
from exporters.benchmark.timed_process import Stopwatch
from exporters.inference.runner import recipes_of
from scripts.benchmarks.machine import machine, versions

SEED = 0
SIGNATURE = "a_to_b"
REFERENCE = "ONNX Runtime float32"
OTHERS = {REFERENCE: "model.onnx", "PyTorch float32": "model.pt"}
RECIPES = ("float32", "float16", "dynamic_int8", "int8", "int8_float_norm")
CALIBRATED = 8  # images of noise for the integer recipes: ranges take no part in times
PACKAGES = ("tensorflow", "keras", "ai-edge-litert", "onnxruntime", "torch", "numpy")


def prepare(folder: Path, size: int, recipes: list[str]) -> None:
    """Exports the network with seeded weights; its weights go to weights.npz in order."""
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
        shutil.rmtree(bundle)  # of an earlier run of this script
    noise = np.random.default_rng(SEED).uniform(-1, 1, (CALIBRATED, size, size, 3))
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


def race(folder: Path, threads: int, rounds: int, command: str) -> None:
    """Runs everyone once a round and writes medians, and ratios to ONNX Runtime by round."""
    bundle = exporters.open_bundle(folder / "bundle")
    recipes = {f"LiteRT {recipe}": recipe for recipe in recipes_of(bundle)}
    with first_inputs(bundle, SIGNATURE) as inputs, ExitStack() as stack:
        runners = {}
        for name, file in OTHERS.items():
            runner = Stopwatch(folder / file, threads=threads, inputs=inputs)
            runners[name] = stack.enter_context(runner)
        for name, recipe in recipes.items():
            place = {"recipe": recipe, "signature": SIGNATURE}
            runner = Stopwatch(bundle.root, threads=threads, inputs=inputs, **place)
            runners[name] = stack.enter_context(runner)
        order = [next(iter(recipes)), *OTHERS, *list(recipes)[1:]]
        times = take_turns({name: runners[name] for name in order}, rounds)
        memory, outputs = {}, {}
        for name, runner in runners.items():
            memory[name] = runner.finish(folder / "outputs.npz").peak
            with np.load(folder / "outputs.npz") as file:
                outputs[name] = file[file.files[0]]
    shares = {s.artifact: s.on_path for s in _shares(bundle.root)}
    rows = {
        name: _row(times[name], times[REFERENCE])
        | {"difference": float(np.abs(outputs[name] - outputs[REFERENCE]).max())}
        | {"peak MB": memory[name]}
        | {"on XNNPACK": shares.get(recipes.get(name, ""))}
        for name in order
    }
    _write(folder, rows, times, {"threads": threads, "rounds": rounds, "command": command})


def _row(own: list[float], reference: list[float]) -> dict[str, float]:
    found = ratios(own, reference)
    return {
        "ms": found["median_ms"],
        "ratio": found["ratio"],
        "ratio p10": found["ratio_p10"],
        "ratio p90": found["ratio_p90"],
    }


def _shares(bundle: Path) -> list[exporters.Share]:
    shares = exporters.lint(bundle).shares
    return [s for s in shares if (s.signature, s.target) == (SIGNATURE, "xnnpack")]


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


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="scripts/bench_export")
    parser.add_argument("step", choices=("prepare", "race"))
    parser.add_argument("folder", type=Path)
    parser.add_argument("--size", type=int, default=256, help="side of the image in pixels")
    parser.add_argument("--rounds", type=int, default=20, help="timed calls of each runtime")
    parser.add_argument("--threads", type=int, default=2, help="processor threads of each")
    parser.add_argument("--recipe", action="append", help="recipes of LiteRT; may be repeated")
    return parser.parse_args()


if __name__ == "__main__":
    given = _arguments()
    asked = f"--size {given.size} --rounds {given.rounds} --threads {given.threads}"
    if given.step == "prepare":
        prepare(given.folder, given.size, given.recipe or list(RECIPES))
    else:
        race(given.folder, given.threads, given.rounds, f"scripts/bench_export {asked}")
