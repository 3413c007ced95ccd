"""`translate --tiles`: large images tile by tile, with a progress bar."""

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
_SHRUNK = 2  # from here on what fitting an image to the model loses is worth a line


def check_overlap(tiles: bool, overlap: int | None) -> None:
    """Raises ConfigError if an overlap is given without tiles."""
    if overlap is not None and not tiles:
        raise ConfigError(f"--overlap says how tiles overlap; give --tiles too, got {overlap} only")


def in_tiles(
    model: "Model",
    chosen: "ImageSignature",
    numbers: Mapping[str, float],
    overlap: int | None,
) -> Translate:
    """Translates in tiles; a bar on stderr if that is a terminal.

    Raises:
        ExportError: If the signature or the overlap serves no tiles.
    """
    from exporters.inference.tiled_images import check_tiles, translate_tiles

    check_tiles(chosen, overlap)

    def translate(file: Path, pixels: np.ndarray) -> Mapping[str, np.ndarray]:
        with _bar() as bar:
            task = bar.add_task(file.name.replace("[", r"\["), total=None)

            def show(done: int, total: int) -> None:
                bar.update(task, completed=done, total=total)

            image = translate_tiles(
                model,
                pixels,
                signature=chosen.name,
                numbers=numbers,
                overlap=overlap,
                progress=show,
            )
        return {chosen.result.name: image}

    return translate


def _bar() -> Progress:
    """A bar of tiles on stderr, which goes when it is done; none if that is no terminal."""
    console = message_console(True)
    return Progress(
        *(TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn()),
        *(TextColumn("tiles"), TimeRemainingColumn()),
        console=console,
        transient=True,
        disable=not console.is_terminal,
    )


def warn_about_downscaling(translate: Translate, chosen: "ImageSignature") -> Translate:
    """The same, saying once on stderr that a large image loses its resolution."""
    height, width = chosen.image.shape[1:3]
    alone = chosen.exemplar is None and chosen.mask is None
    told = not alone  # tiles would not do

    def wrapped(file: Path, pixels: np.ndarray) -> Mapping[str, np.ndarray]:
        nonlocal told
        rows, columns = pixels.shape[:2]
        if not told and max(rows / height, columns / width) >= _SHRUNK:
            message_console(True).print(
                f"{file} is {columns}x{rows} and the model's size is {width}x{height}: it is "
                "shrunk for the model and enlarged again; --tiles keeps its resolution",
                soft_wrap=True,
            )
            told = True
        return translate(file, pixels)

    return wrapped
