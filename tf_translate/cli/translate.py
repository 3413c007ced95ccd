"""`tf-translate translate`: translates images of any size with a bundle or a run."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import numpy as np
import typer

from tf_translate.cli.attribute_arguments import parse_attributes
from tf_translate.cli.model_limits import (
    DEFAULT_MEMORY_LIMIT,
    DEFAULT_TIME_LIMIT,
    MemoryLimit,
    TimeLimit,
    make_limits,
)
from tf_translate.cli.output import load_tensorflow, print_notice, progress_console
from tf_translate.cli.tiled_translation import (
    Translate,
    check_overlap,
    tile_translator,
    warn_about_losses,
)
from tf_translate.cli.translated_files import Job, find_sources, plan_jobs
from tf_translate.errors import ConfigError, DataError, RunError
from tf_translate.experiment.zoo import PREFIX, find_zoo_model

if TYPE_CHECKING:  # loading a bundle's interpreter would slow every command down
    from exporters import Limits
    from exporters.inference.signature_selection import ImageSignature, Model

NAME = "translate"
ReadImage = Callable[[Path, int], np.ndarray]  # of so many channels

BundleOrRun = Annotated[
    Path,
    typer.Argument(
        metavar="BUNDLE|RUN|zoo:NAME",
        help="The bundle or run with the model, or a model of the zoo (`zoo list`).",
    ),
]
Images = Annotated[
    list[Path],
    typer.Argument(
        help="Image files or folders of them; samples:NAME, the test images of a data set that "
        "comes with the library (`data list`)."
    ),
]
Output = Annotated[
    Path, typer.Option(help="Folder for the results, as PNG; sub-folders are mirrored below it.")
]
SignatureName = Annotated[
    str | None,
    typer.Option(help="For example a_to_b; needed if several fit the other options."),
]
RecipeName = Annotated[
    str | None,
    typer.Option(help="Recipe of the bundle's .tflite; default float32, or the first one."),
]
Attributes = Annotated[
    list[str] | None,
    typer.Option(
        metavar="NAME=VALUE",
        help="0 for absent, 1 for present, larger to exaggerate; or a category, such as "
        "hair=blond. Once for each attribute; also strength=VALUE or steps=VALUE.",
    ),
]
Exemplar = Annotated[
    Path | None, typer.Option(metavar="IMAGE", help="A second image to transfer from.")
]
Target = Annotated[
    Path | None,
    typer.Option(metavar="IMAGE", help="The image with colours painted over it, for edit."),
]
Mask = Annotated[
    Path | None,
    typer.Option(metavar="IMAGE", help="White where --target is painted, black elsewhere."),
]
Tiles = Annotated[
    bool,
    typer.Option(
        "--tiles",
        help="Keep the full resolution: cut images into overlapping tiles of the model's size "
        "and blend the results. For large images, and models of textures and styles.",
    ),
]
Overlap = Annotated[
    int | None,
    typer.Option(
        metavar="PIXELS",
        help="Minimum overlap of neighbouring tiles; default a quarter of the model's shorter "
        "side or 32, whichever is more, and at most half of it. 0 does not blend.",
    ),
]
SkipExisting = Annotated[
    bool,
    typer.Option(
        "--skip-existing", help="Pass over results that exist already: go on with an earlier call."
    ),
]
WhiteLevel = Annotated[
    int | None,
    typer.Option(
        min=1,
        max=65535,
        help="Level of white in 16-bit images, for example 4095 for 12 bits; default that of "
        "training, or 65535.",
    ),
]


def main(
    context: typer.Context,
    model: BundleOrRun,
    images: Images,
    output: Output,
    signature: SignatureName = None,
    recipe: RecipeName = None,
    attribute: Attributes = None,
    exemplar: Exemplar = None,
    target: Target = None,
    mask: Mask = None,
    tiles: Tiles = False,
    overlap: Overlap = None,
    skip_existing: SkipExisting = False,
    white_level: WhiteLevel = None,
    time_limit: TimeLimit = DEFAULT_TIME_LIMIT,
    memory_limit: MemoryLimit = DEFAULT_MEMORY_LIMIT,
) -> None:
    """Translate image files; each is brought to the model's size as in training, and back.

    How images of another size are brought to it was decided for training (data.aspect): stretched,
    letterboxed or cropped. With crop the result is the centre part that the model gets.

    With --tiles an image of any size keeps its resolution. Instance normalization then uses
    each tile's own statistics, so neighbouring tiles can differ in colour. Export with
    --norm-inputs to normalize every tile with the whole image's statistics, or --frozen-norm.

    The result is NAME.png; further output images of a model are NAME-OUTPUT.png. Nothing is
    overwritten. An image that cannot be read is named at the end, all others are translated, and
    the exit code is 1.

    Examples:

      tf-translate translate zoo:flat_to_3d samples:flat_to_3d --output out

      tf-translate translate bundles/emoji me.jpg --output out --signature a_to_b

      tf-translate translate bundles/emoji samples:3d_to_noto --output out --signature a_to_b

      tf-translate translate bundles/faces me.jpg --output out --attribute hair=blond

      tf-translate translate bundles/genegan me.jpg --output out --exemplar friend.jpg

      tf-translate translate bundles/paintings large.jpg photos --output out --tiles --skip-existing

      tf-translate translate bundles/ian me.jpg --output out --target painted.png --mask where.png
    """
    sources = find_sources(images, output)
    if str(model).startswith(PREFIX):
        model = find_zoo_model(str(model))
    _check_painting(len(sources), target, mask)
    check_overlap(tiles, overlap)
    _check_options_of_bundles(model, recipe, time_limit, memory_limit)
    opened, trained_white_level, start = _open(
        context, model, recipe, make_limits(time_limit, memory_limit)
    )
    from exporters.inference.signature_selection import image_signature

    attributes = parse_attributes(attribute or (), _labels(opened, signature))
    chosen = image_signature(
        opened, signature, attributes, exemplar=exemplar is not None, painted=target is not None
    )
    others = {"exemplar": exemplar, "target": target, "mask": mask}
    read = _reader(white_level or trained_white_level, tiles)
    if tiles:
        translate = tile_translator(opened, chosen, attributes, overlap)
    else:
        translate = warn_about_losses(
            _fitting_translator(opened, chosen, attributes, others, read), opened.aspect, chosen
        )
    jobs = plan_jobs(sources, output, _endings(chosen), skip_existing=skip_existing)
    start()  # reports a refused model before images are read, even if there is no job
    channels = chosen.image.shape[-1]
    _translate_all(jobs, lambda file: read(file, channels), translate)


def _translate_all(
    jobs: Sequence[Job], read: Callable[[Path], np.ndarray], translate: Translate
) -> None:
    """Translates images and writes the results; an image that cannot be read is left out.

    What was left out and noticed is printed also if a later image ends the command.

    Raises:
        typer.Exit: With code 1 if images were left out; they are named on stderr.
    """
    from tf_translate.image_notices import Notices, collect_notices
    from tf_translate.images import write

    console = progress_console()
    notices, problems = Notices(), []
    try:
        for job in jobs:
            try:
                with collect_notices(notices):
                    pixels = read(job.file)
            except DataError as error:
                problems.append(str(error))
                continue
            results = translate(job.file, pixels)
            for name, path in job.outputs.items():
                write(path, results[name])
                console.print(f"{job.file} -> {path}")
    finally:
        for sentence in notices.sentences("--white-level"):
            print_notice(sentence)
        if problems:
            verb = "was" if len(problems) == 1 else "were"
            counts = f"error: {len(problems)} of {len(jobs)} images {verb} not translated:"
            for line in (counts, *(f"  {problem}" for problem in problems)):
                print_notice(line)
    if problems:
        raise typer.Exit(1)


def recorded_white_level(source: object) -> int | None:
    """The `data.white_level` of the run that a bundle names as its source.

    Args:
        source: What the manifest says of it; in a stranger's bundle it may be anything.
    """
    for key in ("config", "data", "white_level"):
        source = source.get(key) if isinstance(source, dict) else None
    return source if type(source) is int and 1 <= source <= 65535 else None


def _reader(white_level: int | None, tiles: bool) -> ReadImage:
    from tf_translate.image_decoding import MAX_PIXELS, MAX_TILED_PIXELS
    from tf_translate.images import read

    max_pixels = MAX_TILED_PIXELS if tiles else MAX_PIXELS
    return lambda file, channels: read(
        file, channels=channels, white_level=white_level, max_pixels=max_pixels
    )


def _read_mask(file: Path, read: ReadImage) -> np.ndarray:
    """Reads where an image is painted; refuses transparency, which would become white."""
    from tf_translate.image_notices import Notices, collect_notices

    with collect_notices(Notices()):  # that it is stored in colour changes nothing
        pixels = read(file, 4)
        grey = read(file, 1)
    if (pixels[..., 3] < 255).any():
        raise DataError(
            f"--mask {file} has transparent pixels, which nothing says are painted or not; save it "
            "in black and white without transparency"
        )
    return grey


def _check_painting(images: int, target: Path | None, mask: Path | None) -> None:
    if (target is None) != (mask is None):
        raise ConfigError(
            "--target and --mask go together, the image with colours painted over it and where "
            f"they are; got --{'mask' if target is None else 'target'} only"
        )
    if target is not None and images > 1:
        raise ConfigError(
            f"--target is painted over one image, but {images} are to be translated; name that one"
        )


def _fitting_translator(
    model: "Model",
    chosen: "ImageSignature",
    attributes: Mapping[str, float],
    others: Mapping[str, Path | None],
    read: ReadImage,
) -> Translate:
    """Translates images fitted to the model's size, each with the same other images.

    Args:
        model: The model.
        chosen: Its signature.
        attributes: Values by label.
        others: Files of the exemplar, target and mask, by argument.
        read: Reads them.
    """
    from exporters.inference.images import translate_images
    from tf_translate.image_notices import Notices, collect_notices

    tensors = {"exemplar": chosen.exemplar, "target": chosen.target, "mask": chosen.mask}
    notices = Notices()
    with collect_notices(notices):
        other_images = {
            name: _read_mask(file, read) if name == "mask" else read(file, tensor.shape[-1])
            for name, tensor in tensors.items()
            if (file := others[name]) is not None and tensor is not None
        }
    for sentence in notices.sentences("--white-level"):
        print_notice(sentence)

    def translate(file: Path, pixels: np.ndarray) -> Mapping[str, np.ndarray]:
        return translate_images(
            model, pixels, signature=chosen.name, attributes=attributes, **other_images
        )

    return translate


def _open(
    context: typer.Context, path: Path, recipe: str | None, limits: "Limits"
) -> tuple["Model", int | None, Callable[[], None]]:
    """Opens a bundle or run.

    Returns:
        The model, the level of white in its 16-bit training images, and what must be called before
        the model runs.
    """
    if (path / "manifest.json").is_file():
        from exporters import IsolatedRunner, open_bundle

        runner = IsolatedRunner(open_bundle(path), recipe=recipe, limits=limits, start=False)
        context.call_on_close(runner.close)
        return runner, recorded_white_level(runner.bundle.manifest.source), runner.start
    if (path / "config.json").is_file():
        load_tensorflow()
        from exporters.verification.eager_reference import EagerReference
        from tf_translate.experiment.configure import read_config
        from tf_translate.experiment.export.interpolation import with_interpolation
        from tf_translate.experiment.load_run import load_model

        config = read_config(path).data
        signatures = with_interpolation(load_model(path).signatures(), config)
        reference = EagerReference(signatures, aspect=config.aspect)
        return reference, config.white_level, lambda: None
    raise RunError(f"{path} is neither a bundle (no manifest.json) nor a run (no config.json)")


def _check_options_of_bundles(
    path: Path, recipe: str | None, time_limit: float, memory_limit: float
) -> None:
    """Raises ConfigError if an option for the files of a bundle is given for a run."""
    if not (path / "config.json").is_file() or (path / "manifest.json").is_file():
        return
    given = {
        "--recipe": recipe is not None,
        "--time-limit": time_limit != DEFAULT_TIME_LIMIT,
        "--memory-limit": memory_limit != DEFAULT_MEMORY_LIMIT,
    }
    for option, is_given in given.items():
        if is_given:
            raise ConfigError(
                f"{option} is for the files of a bundle, and {path} is a run, "
                "which Keras computes; export it first, or leave the option out"
            )


def _labels(model: "Model", signature: str | None) -> list[str]:
    """The labels that --attribute may name: those of the signature, or of all signatures."""
    from exporters.inference.signature_selection import image_signatures

    known = [
        label
        for one in image_signatures(model)
        if signature in (None, one.name, one.pixels_of)
        for label in one.labels
    ]
    return list(dict.fromkeys(known))


def _endings(signature: "ImageSignature") -> dict[str, str]:
    names = [result.name for result in signature.results]
    return {name: "" if name == signature.result.name else f"-{name}" for name in names}
