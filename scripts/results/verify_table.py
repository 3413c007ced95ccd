"""Exports trained runs by every recipe and compares the outputs with Keras on held-out images.

python -m scripts.results.verify_table FOLDER [NAME=]RUN... [--images 16] [--recipe NAME]...

Writes the bundle FOLDER/NAME and FOLDER/verify_table.json. An existing bundle is verified again.
NAME defaults to the method of the run. To publish:
python -m scripts.results.publish --verification FOLDER verify_table
"""

import argparse
import datetime
import json
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any

import exporters
from exporters.convert.recipes import RECIPES
from tf_translate.cli.export import judge_files
from tf_translate.errors import TranslateError
from tf_translate.experiment.export.calibration_images import calibration_inputs
from tf_translate.experiment.export.provenance import source_of
from tf_translate.experiment.load_run import ExportableRun, golden_images, load_run_to_export

SEED = 0
PACKAGES = ("tensorflow", "keras", "ai-edge-litert", "ai-edge-quantizer", "numpy")


def export(trained: ExportableRun, bundle: Path, recipes: list[str], images: int) -> dict[str, str]:
    """Exports by all recipes that can convert the run.

    Args:
        trained: The run.
        bundle: Where the bundle goes; an existing bundle is kept.
        recipes: Names from `exporters.RECIPES`.
        images: Number of held-out images in the bundle, with Keras's outputs for them; at most
            those that the run keeps.

    Returns:
        The reason for each recipe that was left out, by its name.
    """
    remaining, refused = list(recipes), {}
    if (bundle / "manifest.json").is_file():
        artifacts = exporters.open_bundle(bundle).manifest.artifacts
        return {name: "not in the bundle" for name in recipes if name not in artifacts}
    inputs = calibration_inputs(
        trained, None, lambda each: exporters.pick_diverse_images(each, seed=SEED)
    )
    held_out = golden_images(trained, images)
    while remaining:
        try:
            exporters.export(
                trained.translator.signatures(),
                bundle,
                recipes=remaining,
                aspect=trained.config.data.aspect,
                golden_images=held_out,
                calibration=exporters.Calibration(inputs, {"source": "training split"}),
                source=source_of(trained),
                seed=SEED,
                sidecar=judge_files(trained),
            )
        except exporters.ExportError as error:
            named = [name for name in remaining if f"recipe {name!r}" in str(error)]
            if not named:
                raise
            refused[named[0]] = str(error)
            remaining.remove(named[0])
            print(f"{bundle.name}: without {named[0]}: {error}", file=sys.stderr)
        else:
            break
    return refused


def measure(model: str, bundle: Path) -> list[dict[str, Any]]:
    """One row per recipe, signature and output: metrics on held-out images, and whether it passed.

    A signature without held-out inputs, such as latents, is measured on seeded random inputs.
    """
    verification = exporters.verify(bundle, sheet=bundle.with_suffix(".png"), isolated=False)
    for failure in verification.failures:
        print(f"{model}: {failure}", file=sys.stderr)
    artifacts = exporters.open_bundle(bundle).manifest.artifacts
    rows = []
    for check in verification.outputs:
        path = bundle / artifacts[check.artifact].path
        files = path.rglob("*") if path.is_dir() else [path]
        measured = check.held_out or check.golden
        rows.append(
            {
                "model": model,
                "recipe": check.artifact,
                "signature": check.signature,
                "output": check.output,
                "images": measured.cases if check.held_out else 0,
                **{key: value for key, value in measured.as_dict().items() if key != "cases"},
                "bytes": sum(file.stat().st_size for file in files if file.is_file()),
                "passed": check.passed,
            }
        )
    return rows


def table(folder: Path, runs: dict[str, Path], recipes: list[str], images: int) -> Path:
    """Exports and verifies every run, and writes the table."""
    result: dict[str, Any] = {
        "command": "python -m scripts.results.verify_table FOLDER "
        + " ".join(f"{name}=RUN" for name in runs)
        + f" --images {images}",
        "date": datetime.date.today().isoformat(),
        "versions": {package: version(package) for package in PACKAGES},
        "seed": SEED,
        "unit": "max_abs, mean_abs and colour_shift: levels of 255 for uint8 signatures, else on "
        "the scale of an image in [-1, 1]; psnr is null where outputs are equal",
        "runs": {},
        "not exported": {},
        "verification": [],
    }
    for name, run in runs.items():
        trained = load_run_to_export(run)
        bundle = folder / name
        refused = export(trained, bundle, recipes, images)
        result["runs"][name] = source_of(trained) | {"method": trained.config.method}
        result["verification"] += measure(name, bundle)
        if refused:
            result["not exported"][name] = refused
    file = folder / "verify_table.json"
    file.write_text(json.dumps(result, indent=1, allow_nan=False) + "\n")
    return file


def _named(text: str) -> tuple[str, Path]:
    name, equals, path = text.rpartition("=")
    run = Path(path)
    return (name if equals else json.loads((run / "config.json").read_text())["method"]), run


def main() -> None:
    """Reads the command line; a wrong argument ends in one sentence and exit code 2."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("runs", nargs="+", metavar="[NAME=]RUN")
    parser.add_argument("--images", type=int, default=16, help="held-out images, at most 32")
    parser.add_argument("--recipe", action="append", choices=list(RECIPES))
    options = parser.parse_args()
    try:
        runs = dict(map(_named, options.runs))
        if len(runs) < len(options.runs):
            parser.error("two runs have the same name; write NAME=RUN")
        options.folder.mkdir(parents=True, exist_ok=True)
        recipes = options.recipe or list(RECIPES)
        file = table(options.folder, runs, recipes, min(options.images, 32))
    except (TranslateError, exporters.ExportError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(2)
    print(f"table: {file}")


if __name__ == "__main__":
    main()
