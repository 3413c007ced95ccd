"""`translate --tiles`: translates large images tile by tile, with a progress bar."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from tf_translate.cli.output import message_console
from tf_translate.errors import ConfigError

if TYPE_CHECKING:  # loading a bundle's interpreter would slow every command down
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
    console = message_console(True)
    return Progress(
        *(TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn()),
        *(TextColumn("tiles"), TimeRemainingColumn()),
        console=console,
        transient=True,
        disable=not console.is_terminal,
    )


def warn_about_downscaling(translate: Translate, chosen: "ImageSignature") -> Translate:
    """Wraps a translation to warn once on stderr that a large image loses resolution."""
    height, width = chosen.image.shape[1:3]
    can_use_tiles = chosen.exemplar is None and chosen.mask is None
    warned = not can_use_tiles

    def wrapped(file: Path, pixels: np.ndarray) -> Mapping[str, np.ndarray]:
        nonlocal warned
        rows, columns = pixels.shape[:2]
        if not warned and max(rows / height, columns / width) >= _MIN_DOWNSCALING:
            message_console(True).print(
                f"{file} is {columns}x{rows} and the model's size is {width}x{height}: it is "
                "shrunk for the model and enlarged again; --tiles keeps its resolution",
                soft_wrap=True,
            )
            warned = True
        return translate(file, pixels)

    return wrapped
