"""`tf-translate export`: from a run to a bundle."""

from pathlib import Path
from typing import Annotated

import typer

from tf_translate.cli.output import load_tensorflow, message_console
from tf_translate.errors import ConfigError
from tf_translate.packages import NpmPackage, obtain

NAME = "export"
JUDGES_FOLDER = "judges"  # in a bundle
USUAL_RECIPES = ("float32", "float16", "dynamic_int8")
_GOLDEN_IMAGES = 4
_HELD_OUT_IMAGES = 32  # what freezing norms costs is measured on them

Run = Annotated[Path, typer.Argument(help="A trained run.")]
NewBundle = Annotated[Path, typer.Option(help="Directory to make; must be new or empty.")]
Recipes = Annotated[
    list[str] | None,
    typer.Option(
        help="float32, float16, dynamic_int8, int8, int8_float_norm or int16x8; may be "
        "repeated; default the first three."
    ),
]
CalibrationFolder = Annotated[
    Path | None,
    typer.Option(
        help="Folder of images (or of a/ and b/) that int8, int8_float_norm and int16x8 fix "
        "ranges from, and --frozen-norm its statistics; default the run's training split. 64 "
        "are chosen by colour and contrast."
    ),
]
FrozenNorm = Annotated[
    bool,
    typer.Option(
        "--frozen-norm",
        help="Instance norms multiply and add what suits calibration images in place of "
        "each image's own statistics: no seams between tiles, but another model. What "
        "it costs is printed and kept in the manifest.",
    ),
]
NormInputs = Annotated[
    bool,
    typer.Option(
        "--norm-inputs",
        help="Two more signatures a direction, which `translate --tiles` uses by itself: tiles "
        "of a large image are normalised alike, by the whole image's statistics.",
    ),
]
Web = Annotated[
    bool, typer.Option("--web", help="Add a page for browsers, opened by `serve`; needs npm.")
]
Licence = Annotated[
    str | None,
    typer.Option(
        help="Terms and makers of the training images, for the card; default what is known "
        "of shipped samples and fetched data."
    ),
]
WithSavedModel = Annotated[
    bool, typer.Option(help="Keep the SavedModel that files are made from in the bundle.")
]
WithJudges = Annotated[
    bool, typer.Option(help="Take the judges of the run's evaluation along, for `verify`.")
]
IntendedUse = Annotated[
    str | None, typer.Option(help="What the model is for and what not, for the card.")
]


def main(
    run: Run,
    bundle: NewBundle,
    recipe: Recipes = None,
    calibration: CalibrationFolder = None,
    frozen_norm: FrozenNorm = False,
    norm_inputs: NormInputs = False,
    web: Web = False,
    license: Licence = None,
    saved_model: WithSavedModel = True,
    judges: WithJudges = True,
    intended_use: IntendedUse = None,
) -> None:
    """Export a run's generators as SavedModel and TFLite with everything to verify them.

    Metrics of `evaluate`, if the run was evaluated, go into the bundle's card.md.

    Examples:

      tf-translate export runs/emoji --bundle bundles/emoji

      tf-translate export runs/emoji --bundle bundles/small --recipe int8_float_norm

      tf-translate export runs/emoji --bundle bundles/own --recipe int8 --calibration photos

      tf-translate export runs/emoji --bundle bundles/app --recipe float16 --no-saved-model

      tf-translate export runs/emoji --bundle bundles/tiles --frozen-norm

      tf-translate export runs/emoji --bundle bundles/whole --norm-inputs

      tf-translate export runs/emoji --bundle bundles/emoji --recipe float32 --web
    """
    recipes = recipe or list(USUAL_RECIPES)
    if norm_inputs:
        check_norm_inputs(recipes, frozen_norm)
    packed = obtain_litert() if web else None
    load_tensorflow()
    import exporters
    from tf_translate.experiment.export.provenance import provenance_of, source_of
    from tf_translate.experiment.load_run import load_run

    trained = load_run(run)
    sidecar = _judges_to_carry(trained, run) if judges else {}
    source = source_of(trained, intended_use)
    if frozen_norm:
        source["frozen_norm"] = _freeze(trained, calibration)
    signatures, golden = _signatures(trained, norm_inputs)
    path = exporters.export(
        signatures,
        bundle,
        recipes=recipes,
        golden_images=golden,
        calibration=_calibration(trained, recipes, calibration, frozen_norm),
        source=source,
        provenance=provenance_of(trained, license),
        seed=trained.config.training.seed,
        web=packed,
        sidecar=sidecar,
        keep_saved_model=saved_model,
    )
    _say_what_next(path, bundle, web)


def check_norm_inputs(recipes: list[str], frozen_norm: bool) -> None:
    """Raises ConfigError if statistics cannot be inputs beside what else is asked for."""
    from exporters.convert.recipes import RECIPES

    if frozen_norm:
        raise ConfigError("--norm-inputs and --frozen-norm exclude each other; choose one of them")
    fixed = [name for name in recipes if name in RECIPES and RECIPES[name].calibrated]
    if fixed:
        raise ConfigError(
            f"--norm-inputs does not go with --recipe {fixed[0]}, whose one range for all "
            "statistics would round most of them away; use float32, float16 or dynamic_int8, or "
            "--frozen-norm"
        )


def _signatures(trained, norm_inputs: bool) -> tuple[dict, dict]:
    """What is exported and examples for it, with the signatures for tiles if they are wanted."""
    from tf_translate.experiment.export.tiled_norm import norm_input_signatures, with_tiles
    from tf_translate.experiment.load_run import golden_images

    signatures = trained.translator.signatures()
    golden = golden_images(trained, _GOLDEN_IMAGES)
    if norm_inputs:
        signatures |= norm_input_signatures(trained.translator)
        golden = with_tiles(signatures, golden)
    return signatures, golden


def _say_what_next(path: Path, bundle: Path, web: bool) -> None:
    message_console().print(f"bundle: {path}; next: tf-translate verify {bundle}")
    message_console().print(f"for apps: {path / 'card.md'} and {path / 'examples'}")
    if web:
        message_console().print(f"page: tf-translate serve {bundle}")


def judge_files(trained) -> dict[str, bytes]:
    """The judges that evaluated a run, as files for its bundle; empty if none did."""
    from tf_translate.evaluation.judges.exported_judges import packed_files
    from tf_translate.experiment.evaluate import JUDGES

    files = packed_files(trained.run.path / "evaluation" / JUDGES)
    return {f"{JUDGES_FOLDER}/{name}": content for name, content in files.items()}


def _judges_to_carry(trained, run: Path) -> dict[str, bytes]:
    """The run's judges, and a word if it has none."""
    found = judge_files(trained)
    if not found:
        message_console().print(
            f"without judges: evaluate the run first (tf-translate evaluate {run}), and `verify` "
            "says what a recipe costs in content and domain"
        )
    return found


def obtain_litert() -> list[Path]:
    """The packed files of LiteRT.js, fetched by npm into the cache folder if they are not there.

    Raises:
        DataError: If they cannot be fetched, or are others than expected.
    """
    from exporters.web import PACKAGES

    return [obtain(NpmPackage(one.name, one.version, one.sha256)) for one in PACKAGES]


def _freeze(trained, folder: Path | None) -> dict:
    """Freezes the norms, says what that cost and gives it for the manifest."""
    from tf_translate.experiment.export.frozen_norm import freeze_norms
    from tf_translate.experiment.load_run import golden_images

    inputs, chosen = _chosen_inputs(trained, folder)
    held_out = golden_images(trained, _HELD_OUT_IMAGES)
    frozen = freeze_norms(trained.translator, inputs, held_out)
    for name, outputs in frozen["psnr"].items():
        for output, cost in outputs.items():
            message_console().print(
                f"frozen norms: {output} of {name} is at {cost['mean']:.1f} dB PSNR to what each "
                f"image's own statistics give, {cost['least']:.1f} at worst, on {cost['images']} "
                "held-out images",
                soft_wrap=True,
            )
    return {**frozen, **chosen}


def _calibration(trained, recipes: list[str], folder: Path | None, frozen_norm: bool):
    """Chosen examples if a recipe needs them, or None."""
    import exporters

    if not any(
        name in exporters.RECIPES and exporters.RECIPES[name].calibrated for name in recipes
    ):
        if folder is not None and not frozen_norm:
            message_console().print("--calibration is not used: no recipe that was asked for needs it")
        return None
    return exporters.Calibration(*_chosen_inputs(trained, folder))


def _chosen_inputs(trained, folder: Path | None) -> tuple[dict, dict]:
    """Calibration inputs of every signature, and how they were chosen."""
    import exporters
    from tf_translate.experiment.export.calibration_images import calibration_inputs

    seed = trained.config.training.seed
    inputs = calibration_inputs(trained, folder, lambda each: exporters.pick(each, seed=seed))
    source = "training split" if folder is None else folder.name
    return inputs, {"source": source, "picker": "farthest colours and contrast", "seed": seed}
