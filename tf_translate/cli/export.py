"""`tf-translate export`: exports a run to a bundle."""

from pathlib import Path
from typing import Annotated

import typer

from tf_translate.cli.export_model_file import ModelFileOptions, export_model_file
from tf_translate.cli.interruption import removing_unfinished_work
from tf_translate.cli.output import load_tensorflow, message_console, print_found
from tf_translate.errors import ConfigError
from tf_translate.packages import NpmPackage, obtain

NAME = "export"
JUDGES_FOLDER = "judges"  # in a bundle
DEFAULT_RECIPES = ("float32", "float16", "dynamic_int8")
MODEL_SUFFIXES = (".keras", ".h5", ".hdf5")
_GOLDEN_IMAGES = 4
_HELD_OUT_IMAGES = 32  # to measure the error of frozen normalization

RunOrFile = Annotated[
    Path,
    typer.Argument(
        metavar="RUN|MODEL.keras|MODEL.h5|SAVED_MODEL",
        help="A trained run, a file of a network, or the folder of a SavedModel.",
    ),
]
NewBundle = Annotated[Path, typer.Option(help="Directory to write; must be new or empty.")]
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
        help="Folder of images (or of a/ and b/) to calibrate int8, int8_float_norm, int16x8 and "
        "--frozen-norm with, 64 of which are chosen by colour and contrast; default 64 training "
        "images that the run keeps, chosen so."
    ),
]
FrozenNorm = Annotated[
    bool,
    typer.Option(
        "--frozen-norm",
        help="Replace each image's instance normalization statistics by constants from "
        "calibration images. Tiles then have equal colours, but outputs differ from those of the "
        "trained model; the difference is printed and stored in the manifest.",
    ),
]
NormInputs = Annotated[
    bool,
    typer.Option(
        "--norm-inputs",
        help="Add two signatures per direction that `translate --tiles` uses automatically: "
        "every tile of a large image is normalized with the whole image's statistics.",
    ),
]
Optimize = Annotated[
    bool,
    typer.Option(
        "--optimize/--no-optimize",
        help="Rewrite files for XNNPACK: mirrored borders and repeated values become operations "
        "that it has, and float32 and float16 files compute the same sums with fewer products; "
        "off: as the converter writes them.",
    ),
]
Web = Annotated[bool, typer.Option("--web", help="Add a web page, opened by `serve`; needs npm.")]
License = Annotated[
    str | None,
    typer.Option(
        help="License and authors of the training images, for the card; default known for "
        "shipped samples and fetched data."
    ),
]
WithSavedModel = Annotated[
    bool, typer.Option(help="Keep the SavedModel that the files are converted from.")
]
WithJudges = Annotated[
    bool,
    typer.Option(
        help="Include the judges of the run's evaluation (classifiers never used in training), "
        "for `verify`."
    ),
]
IntendedUse = Annotated[
    str | None,
    typer.Option(help="What the model is for, and what it is not for, for the card."),
]
ModelVersion = Annotated[
    str,
    typer.Option(
        help="Version of the model for apps, such as 1.2.0: in the manifest, on the card, in the "
        "metadata of each .tflite file."
    ),
]
DomainNames = Annotated[
    tuple[str, str] | None,
    typer.Option(
        metavar="A B",
        help="What the two domains show, in words, for the card and the apps; default from a data "
        "set's name such as flat_to_3d or horse2zebra.",
    ),
]
InputRange = Annotated[
    tuple[float, float] | None,
    typer.Option(
        metavar="LOW HIGH",
        help="Of a model file: the values of a black and of a white pixel that it takes; default "
        "by its first layers, else -1 1.",
    ),
]
OutputRange = Annotated[
    tuple[float, float] | None,
    typer.Option(
        metavar="LOW HIGH",
        help="Of a model file: the same for the images that it gives; default by its last layers, "
        "else -1 1.",
    ),
]
ImageSize = Annotated[
    tuple[int, int] | None,
    typer.Option(
        metavar="HEIGHT WIDTH",
        help="Of a model file that was saved without fixed sides: the images to export it for.",
    ),
]
AspectName = Annotated[
    str | None,
    typer.Option(
        "--aspect",
        metavar="stretch|letterbox|crop",
        help="Of a model file: how its training images were brought to its size; default stretch, "
        "as in most code.",
    ),
]


def main(
    run: RunOrFile,
    bundle: NewBundle,
    recipe: Recipes = None,
    calibration: CalibrationFolder = None,
    frozen_norm: FrozenNorm = False,
    norm_inputs: NormInputs = False,
    optimize: Optimize = True,
    web: Web = False,
    license: License = None,
    saved_model: WithSavedModel = True,
    judges: WithJudges = True,
    intended_use: IntendedUse = None,
    model_version: ModelVersion = "",
    domain_names: DomainNames = None,
    input_range: InputRange = None,
    output_range: OutputRange = None,
    size: ImageSize = None,
    aspect: AspectName = None,
) -> None:
    """Export a run's generators as SavedModel and LiteRT (.tflite), with the data to verify them.

    The images it needs are in the run: the data set may be gone.

    If the run was evaluated, the metrics of `evaluate` are written to the bundle's card.md.

    A network in a file is exported as the signature a_to_b. Its value ranges are taken from its
    first and last layers or given; golden outputs must keep to them. Nothing in the file is run.

    Examples:

      tf-translate export runs/emoji --bundle bundles/emoji

      tf-translate export runs/emoji --bundle bundles/small --recipe int8_float_norm

      tf-translate export runs/emoji --bundle bundles/own --recipe int8 --calibration photos

      tf-translate export runs/emoji --bundle bundles/app --recipe float16 --model-version 1.0.0

      tf-translate export runs/emoji --bundle bundles/tiles --frozen-norm

      tf-translate export runs/emoji --bundle bundles/whole --norm-inputs

      tf-translate export runs/emoji --bundle bundles/emoji --recipe float32 --web

      tf-translate export generator.keras --bundle bundles/own --input-range 0 255

      tf-translate export generator.keras --size 256 256 --bundle bundles/own
    """
    recipes = recipe or list(DEFAULT_RECIPES)
    if norm_inputs:
        check_norm_inputs(recipes, frozen_norm)
    check_folder_and_recipes(bundle, recipes)  # before seconds of loading
    for_file = ModelFileOptions(input_range, output_range, size, aspect)
    with removing_unfinished_work():
        packed = obtain_litert() if web else None
        if run.is_file() or run.suffix in MODEL_SUFFIXES or (run / "saved_model.pb").is_file():
            check_run_options(frozen_norm, norm_inputs)
            path = export_model_file(
                run,
                bundle,
                for_file,
                recipes=recipes,
                calibration=calibration,
                optimize=optimize,
                web=packed,
                license=license,
                saved_model=saved_model,
                intended_use=intended_use,
                model_version=model_version,
                domain_names=domain_names,
            )
        else:
            for_file.check_unused()
            path = _export_run(
                run,
                bundle,
                recipes=recipes,
                calibration=calibration,
                frozen_norm=frozen_norm,
                norm_inputs=norm_inputs,
                optimize=optimize,
                web=packed,
                license=license,
                saved_model=saved_model,
                judges=judges,
                intended_use=intended_use,
                model_version=model_version,
                domain_names=domain_names,
            )
    _print_next_steps(path, bundle, web)


def _export_run(
    run: Path,
    bundle: Path,
    *,
    recipes: list[str],
    calibration: Path | None,
    frozen_norm: bool,
    norm_inputs: bool,
    optimize: bool,
    web: list[Path] | None,
    license: str | None,
    saved_model: bool,
    judges: bool,
    intended_use: str | None,
    model_version: str,
    domain_names: tuple[str, str] | None,
) -> Path:
    """Exports a run's signatures; returns the bundle's path."""
    load_tensorflow()
    import exporters
    from tf_translate.experiment.export.provenance import provenance_of, source_of
    from tf_translate.experiment.load_run import load_run_to_export

    trained = load_run_to_export(run)
    sidecar = _judge_files_or_notice(trained, run) if judges else {}
    source = source_of(trained, intended_use, domain_names)
    if frozen_norm:
        source["frozen_norm"] = _freeze(trained, calibration)
    signatures, golden = _signatures(trained, norm_inputs)
    return exporters.export(
        signatures,
        bundle,
        recipes=recipes,
        aspect=trained.config.data.aspect,
        golden_images=golden,
        calibration=_calibration(trained, recipes, calibration, frozen_norm),
        source=source,
        provenance=provenance_of(trained, license),
        seed=trained.config.training.seed,
        optimize=optimize,
        web=web,
        sidecar=sidecar,
        keep_saved_model=saved_model,
        model_version=model_version,
    )


def check_folder_and_recipes(bundle: Path, recipes: list[str]) -> None:
    """Raises ExportError if the folder is not free, or a recipe is unknown or named twice."""
    from exporters.bundle.bundle import check_free
    from exporters.convert.recipes import get_recipes

    check_free(bundle)
    get_recipes(recipes)


def check_run_options(frozen_norm: bool, norm_inputs: bool) -> None:
    """Raises ConfigError if a model file is given an option that only runs have."""
    for option, given in (("--frozen-norm", frozen_norm), ("--norm-inputs", norm_inputs)):
        if given:
            raise ConfigError(f"{option} needs the folder of a run, and a model file is given")


def check_norm_inputs(recipes: list[str], frozen_norm: bool) -> None:
    """Raises ConfigError if --norm-inputs does not go with the other options."""
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
    """Signatures to export and examples for them; `norm_inputs` adds signatures for tiles."""
    from tf_translate.experiment.export.interpolation import with_interpolation
    from tf_translate.experiment.export.tiled_norm import norm_input_signatures, with_tiles
    from tf_translate.experiment.load_run import golden_images

    signatures = trained.translator.signatures()
    golden = golden_images(trained, _GOLDEN_IMAGES)
    if norm_inputs:
        signatures |= norm_input_signatures(trained.translator)
        golden = with_tiles(signatures, golden)
    return with_interpolation(signatures, trained.config.data), golden


def _print_next_steps(path: Path, bundle: Path, web: bool) -> None:
    message_console().print(f"bundle: {path}; next: tf-translate verify {bundle}")
    message_console().print(
        f"for apps: {path / 'card.md'} and {path / 'examples'}; a project: tf-translate android "
        f"{bundle} --output DIR",
        soft_wrap=True,
    )
    if web:
        message_console().print(f"page: tf-translate serve {bundle}")


def judge_files(trained) -> dict[str, bytes]:
    """The judges of a run's evaluation as files for its bundle; empty without an evaluation."""
    from tf_translate.evaluation.judges.exported_judges import packed_files
    from tf_translate.experiment.evaluate import JUDGES

    files = packed_files(trained.run.path / "evaluation" / JUDGES)
    return {f"{JUDGES_FOLDER}/{name}": content for name, content in files.items()}


def _judge_files_or_notice(trained, run: Path) -> dict[str, bytes]:
    """The run's judges; prints a notice if it has none."""
    files = judge_files(trained)
    if not files:
        message_console().print(
            f"without judges: evaluate the run first (tf-translate evaluate {run}), and `verify` "
            "shows how a recipe changes content and domain metrics"
        )
    return files


def obtain_litert() -> list[Path]:
    """The packed files of LiteRT.js; npm fetches them into the cache folder if they are missing.

    Raises:
        DataError: If they cannot be fetched, or their hashes differ.
    """
    from exporters.web import PACKAGES

    return [obtain(NpmPackage(one.name, one.version, one.sha256)) for one in PACKAGES]


def _freeze(trained, folder: Path | None) -> dict:
    """Freezes the normalization, prints the resulting error, returns it for the manifest."""
    from tf_translate.experiment.export.frozen_norm import freeze_norms
    from tf_translate.experiment.load_run import golden_images

    inputs, chosen = _chosen_inputs(trained, folder)
    held_out = golden_images(trained, _HELD_OUT_IMAGES)
    frozen = freeze_norms(trained.translator, inputs, held_out)
    for name, outputs in frozen["psnr"].items():
        for output, psnr in outputs.items():
            message_console().print(
                f"frozen norms: {output} of {name} has a PSNR of {psnr['mean']:.1f} dB to the "
                f"model with each image's own statistics, {psnr['min']:.1f} at worst, on "
                f"{psnr['images']} held-out images",
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
            message_console().print("--calibration is not used: none of the recipes needs it")
        return None
    return exporters.Calibration(*_chosen_inputs(trained, folder))


def _chosen_inputs(trained, folder: Path | None) -> tuple[dict, dict]:
    """Calibration inputs of every signature, and how they were chosen."""
    import exporters
    from tf_translate.experiment.export.calibration_images import calibration_inputs

    seed = trained.config.training.seed
    inputs = calibration_inputs(
        trained,
        folder,
        lambda each: exporters.pick_diverse_images(each, seed=seed),
        report=print_found,
    )
    source = "training split" if folder is None else folder.name
    return inputs, {"source": source, "picker": "farthest colours and contrast", "seed": seed}
