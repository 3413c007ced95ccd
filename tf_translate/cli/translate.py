"""`tf-translate translate`: translates images of any size with a bundle or a run."""

from collections import Counter
from collections.abc import Mapping
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
from tf_translate.cli.output import load_tensorflow, message_console, print_found
from tf_translate.cli.tiled_translation import (
    Translate,
    check_overlap,
    tile_translator,
    warn_about_downscaling,
)
from tf_translate.errors import ConfigError, DataError, RunError

if TYPE_CHECKING:  # loading a bundle's interpreter would slow every command down
    from exporters import Limits
    from exporters.inference.signature_selection import ImageSignature, Model

NAME = "translate"

BundleOrRun = Annotated[
    Path, typer.Argument(metavar="BUNDLE|RUN", help="The bundle or run with the model.")
]
Images = Annotated[list[Path], typer.Argument(help="Image files or folders of them.")]
Output = Annotated[Path, typer.Option(help="Folder for the results, as PNG.")]
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
    time_limit: TimeLimit = DEFAULT_TIME_LIMIT,
    memory_limit: MemoryLimit = DEFAULT_MEMORY_LIMIT,
) -> None:
    """Translate image files; each is resized to the model's size and back, its aspect kept.

    With --tiles an image of any size keeps its resolution. Instance normalization then uses
    each tile's own statistics, so neighbouring tiles can differ in colour. Export with
    --norm-inputs to normalize every tile with the whole image's statistics, or --frozen-norm.

    The result is NAME.png; further output images of a model are NAME-OUTPUT.png.

    Examples:

      tf-translate translate emoji me.jpg --output out --signature a_to_b

      tf-translate translate faces me.jpg --output out --attribute hair=blond
      --attribute glasses=1

      tf-translate translate swap me.jpg --output out --exemplar friend.jpg

      tf-translate translate paintings large.jpg photos --output out --tiles

      tf-translate translate editor me.jpg --output out --target painted.png --mask where.png
    """
    files = find_files(images)
    _check_painting(files, target, mask)
    check_overlap(tiles, overlap)
    opened = _open(context, model, recipe, make_limits(time_limit, memory_limit))
    from exporters.inference.signature_selection import image_signature
    from tf_translate.images import read, write

    attributes = parse_attributes(attribute or (), _labels(opened, signature))
    chosen = image_signature(
        opened, signature, attributes, exemplar=exemplar is not None, painted=target is not None
    )
    others = {"exemplar": exemplar, "target": target, "mask": mask}
    if tiles:
        translate = tile_translator(opened, chosen, attributes, overlap)
    else:
        translate = warn_about_downscaling(
            _fitting_translator(opened, chosen, attributes, others), chosen
        )
    outputs = output_paths(files, output, _endings(chosen))
    console = message_console()
    for file, paths in zip(files, outputs, strict=True):
        results = translate(file, read(file, channels=chosen.image.shape[-1]))
        for name, result in results.items():
            write(paths[name], result)
            console.print(f"{file} -> {paths[name]}")


def find_files(paths: list[Path]) -> list[Path]:
    """All image files in `paths`: files as they are, folders with the images below them, sorted.

    Says on stderr what each folder holds.

    Raises:
        DataError: If a path does not exist, or a folder holds no image.
    """
    from tf_translate.image_files import find_images

    files: list[Path] = []
    for path in paths:
        if not path.exists():
            raise DataError(f"there is no image or folder {path}")
        if path.is_dir():
            found = find_images(path)
            print_found(str(found))
            files += found.paths
        else:
            files.append(path)
    return files


def output_paths(
    files: list[Path], output: Path, endings: Mapping[str, str]
) -> list[dict[str, Path]]:
    """The output files of each source: its name, an ending and .png in `output`.

    Args:
        files: The sources.
        output: The folder.
        endings: For each result the text to append to the source's name.

    Raises:
        DataError: If two results would have the same name, or a file exists already.
    """
    by_file = [
        {name: output / f"{file.stem}{ending}.png" for name, ending in endings.items()}
        for file in files
    ]
    counts = Counter(path for paths in by_file for path in paths.values())
    twice = sorted(path.name for path, count in counts.items() if count > 1)
    if twice:
        raise DataError(f"several images would be written as {', '.join(twice)}; rename them")
    existing = [str(path) for path in counts if path.exists()]
    if existing:
        raise DataError(f"{existing[0]} exists already; choose another --output")
    return by_file


def _check_painting(files: list[Path], target: Path | None, mask: Path | None) -> None:
    if (target is None) != (mask is None):
        raise ConfigError(
            "--target and --mask go together, the image with colours painted over it and where "
            f"they are; got --{'mask' if target is None else 'target'} only"
        )
    if target is not None and len(files) > 1:
        raise ConfigError(
            f"--target is painted over one image, but {len(files)} are to be translated; name "
            "that one"
        )


def _fitting_translator(
    model: "Model",
    chosen: "ImageSignature",
    attributes: Mapping[str, float],
    others: Mapping[str, Path | None],
) -> Translate:
    """Translates images fitted to the model's size, each with the same other images.

    Args:
        model: The model.
        chosen: Its signature.
        attributes: Values by label.
        others: Files of the exemplar, target and mask, by argument.
    """
    from exporters.inference.images import translate_images
    from tf_translate.images import read

    tensors = {"exemplar": chosen.exemplar, "target": chosen.target, "mask": chosen.mask}
    other_images = {
        name: read(file, channels=tensor.shape[-1])
        for name, tensor in tensors.items()
        if (file := others[name]) is not None and tensor is not None
    }

    def translate(file: Path, pixels: np.ndarray) -> Mapping[str, np.ndarray]:
        return translate_images(
            model, pixels, signature=chosen.name, attributes=attributes, **other_images
        )

    return translate


def _open(
    context: typer.Context, path: Path, recipe: str | None, limits: "Limits"
) -> "Model":
    if (path / "manifest.json").is_file():
        from exporters import IsolatedRunner, open_bundle

        runner = IsolatedRunner(open_bundle(path), recipe=recipe, limits=limits)
        context.call_on_close(runner.close)
        return runner
    if (path / "config.json").is_file():
        load_tensorflow()
        from exporters.verification.eager_reference import EagerReference
        from tf_translate.experiment.load_run import load_model

        return EagerReference(load_model(path).signatures())
    raise RunError(f"{path} is neither a bundle (no manifest.json) nor a run (no config.json)")


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
