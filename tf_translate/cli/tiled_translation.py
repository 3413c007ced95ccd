"""`translate --tiles`: translates large images tile by tile, with a progress bar."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from tf_translate.cli.output import print_notice, progress_console
from tf_translate.errors import ConfigError

if TYPE_CHECKING:  # loading a bundle's interpreter would slow every command down
    from exporters.bundle.field_types import Aspect
    from exporters.inference.signature_selection import ImageSignature, Model

Translate = Callable[[Path, np.ndarray], Mapping[str, np.ndarray]]  # images by output
_MIN_DOWNSCALING = 2  # from this factor on a warning says that resolution is lost


def check_overlap(tiles: bool, overlap: int | None) -> None:
    """Raises ConfigError if an overlap is given without tiles."""
    if overlap is not None and not tiles:
        raise ConfigError(f"--overlap says how tiles overlap; give --tiles too, got {overlap} only")


def tile_translator(
    model: "Model",
    chosen: "ImageSignature",
    attributes: Mapping[str, float],
    overlap: int | None,
) -> Translate:
    """Returns a function that translates in tiles, with a progress bar if stderr is a terminal.

    Raises:
        ExportError: If the signature cannot translate tiles, or the overlap is out of range.
    """
    from exporters.inference.tiled_images import check_tiles, translate_tiles

    check_tiles(chosen, overlap)

    def translate(file: Path, pixels: np.ndarray) -> Mapping[str, np.ndarray]:
        with _progress_bar() as bar:
            task = bar.add_task(file.name.replace("[", r"\["), total=None)

            def show(done: int, total: int) -> None:
                bar.update(task, completed=done, total=total)

            image = translate_tiles(
                model,
                pixels,
                signature=chosen.name,
                attributes=attributes,
                overlap=overlap,
                progress=show,
            )
        return {chosen.result.name: image}

    return translate


def _progress_bar() -> Progress:
    """A bar on stderr that disappears when it is done; disabled if that is not a terminal."""
    console = progress_console(True)
    return Progress(
        *(TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn()),
        *(TextColumn("tiles"), TimeRemainingColumn()),
        console=console,
        transient=True,
        disable=console.quiet or not console.is_terminal,
    )


def warn_about_losses(
    translate: Translate, aspect: "Aspect", chosen: "ImageSignature"
) -> Translate:
    """Wraps a translation to say on stderr what it loses, and that `--tiles` would not.

    That a large image loses resolution is said once; what the aspect `crop` leaves out is said of
    each image.
    """
    from exporters.inference.aspect import place

    canvas = chosen.image.shape[1], chosen.image.shape[2]
    can_use_tiles = chosen.exemplar is None and chosen.mask is None
    warned = not can_use_tiles

    def wrapped(file: Path, pixels: np.ndarray) -> Mapping[str, np.ndarray]:
        nonlocal warned
        rows, columns = pixels.shape[:2]
        placement = place((rows, columns), canvas, aspect)
        part, box = placement.part, placement.box
        if part.size != (rows, columns):
            advice = "; --tiles translates all of it" if can_use_tiles else ""
            _warn(
                f"{file} is {columns}x{rows} and the model's aspect is crop: the result is the "
                f"centre part of {part.width}x{part.height}{advice}"
            )
        if not warned and max(part.height / box.height, part.width / box.width) >= _MIN_DOWNSCALING:
            _warn(
                f"{file} is {columns}x{rows} and the model's size is {canvas[1]}x{canvas[0]}: it "
                "is shrunk for the model and enlarged again; --tiles keeps its resolution"
            )
            warned = True
        return translate(file, pixels)

    return wrapped


def _warn(sentence: str) -> None:
    print_notice(sentence)
