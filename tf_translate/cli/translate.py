"""`tf-translate translate`: pictures of any size through a bundle or a run."""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from tf_translate.cli.show import load_tensorflow, people
from tf_translate.errors import DataError, RunError

NAME = "translate"

Picture = Callable[[np.ndarray], np.ndarray]


def main(
    model: Annotated[Path, typer.Argument(metavar="BUNDLE|RUN", help="What translates.")],
    images: Annotated[list[Path], typer.Argument(help="Image files or folders of them.")],
    output: Annotated[Path, typer.Option(help="Folder for the results, as PNG.")],
    signature: Annotated[
        str | None, typer.Option(help="For example a_to_b; needed where there are several.")
    ] = None,
    recipe: Annotated[str, typer.Option(help="Which .tflite of a bundle.")] = "float32",
) -> None:
    """Translate image files; each is fitted to the model and back, its aspect kept."""
    files = find_files(images)
    targets = targets_of(files, output)
    if (model / "manifest.json").is_file():
        channels, picture = _from_bundle(model, recipe, signature)
    elif (model / "config.json").is_file():
        channels, picture = _from_run(model, signature)
    else:
        raise RunError(f"{model} is neither a bundle (no manifest.json) nor a run (no config.json)")
    from tf_translate import images as pictures

    console = people()
    for file, target in zip(files, targets, strict=True):
        pictures.write(target, picture(pictures.read(file, channels=channels)))
        console.print(f"{file} -> {target}")


def find_files(paths: list[Path]) -> list[Path]:
    """Image files named or in the folders named, sorted within each.

    Raises:
        DataError: If a path does not exist, or a folder holds no image.
    """
    from tf_translate.images import EXTENSIONS

    files: list[Path] = []
    for path in paths:
        if not path.exists():
            raise DataError(f"there is no image or folder {path}")
        found = [path]
        if path.is_dir():
            found = sorted(f for f in path.iterdir() if f.suffix.lower() in EXTENSIONS)
        if not found:
            raise DataError(f"the folder {path} holds no {', '.join(EXTENSIONS)} files")
        files += found
    return files


def targets_of(files: list[Path], output: Path) -> list[Path]:
    """Where each result goes: the source's name as PNG in `output`.

    Raises:
        DataError: If two sources would get one name, or a file is there already.
    """
    targets = [output / f"{file.stem}.png" for file in files]
    twice = sorted({target.name for target in targets if targets.count(target) > 1})
    if twice:
        raise DataError(f"several images would be written as {', '.join(twice)}; rename them")
    existing = [str(target) for target in targets if target.exists()]
    if existing:
        raise DataError(f"{existing[0]} exists already; choose another --output")
    return targets


def _from_bundle(path: Path, recipe: str, signature: str | None) -> tuple[int, Picture]:
    from exporters import Runner, open_bundle, translate_picture
    from exporters.pictures import picture_signature

    runner = Runner(open_bundle(path), recipe=recipe)
    name, source, _ = picture_signature(runner, signature)
    return source.shape[-1], lambda pixels: translate_picture(runner, pixels, signature=name)


def _from_run(path: Path, signature: str | None) -> tuple[int, Picture]:
    load_tensorflow()
    from exporters.pictures import through_canvas
    from tf_translate.experiment.trained import load_model, pick_signature
    from tf_translate.images import to_float, to_uint8

    chosen = pick_signature(load_model(path), signature)
    if len(chosen.inputs) != 1 or len(chosen.outputs) != 1:
        raise RunError(
            f"--signature {chosen.name} takes {len(chosen.inputs)} inputs and gives "
            f"{len(chosen.outputs)} outputs; only one picture to one picture works here"
        )
    (source,), (result,) = chosen.inputs, chosen.outputs

    def model(pixels: np.ndarray) -> np.ndarray:
        outputs = chosen.function(**{source.name: to_float(pixels)[None]})
        return to_uint8(np.asarray(outputs[result.name])[0])

    height, width, channels = (int(side) for side in source.shape[1:] if side is not None)
    return channels, lambda pixels: through_canvas(pixels, (height, width), model)
