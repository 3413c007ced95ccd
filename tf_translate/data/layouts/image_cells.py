"""Checks the cells of a table that name image files, and opens these files."""

import errno
import os
import stat
from collections.abc import Sequence
from pathlib import Path

from tf_translate.data.splits import ImageFile, format_list
from tf_translate.errors import DataError


def image_files(table: Path, folder: Path, cells: Sequence[tuple[str, str]]) -> list[ImageFile]:
    """Returns the image files that cells name.

    A cell is the path of a file relative to `folder`. `..` may lead out of it; an absolute path
    must lie inside. A missing file is no error here: reading it is, or `on_error` skips it.

    Args:
        table: The table, for messages.
        folder: The folder that the cells are relative to.
        cells: (location, cell) of each image, such as ("line 3: image", "faces/1.png").

    Raises:
        DataError: If a cell cannot be a path, or names something else than a file. The message
            names table, location and cell.
    """
    root = os.path.abspath(folder)
    problems = [
        f"{location} is {cell!r}, {problem}"
        for location, cell in cells
        if (problem := _find_problem(folder, root, cell))
    ]
    if problems:
        raise DataError(
            f"the table {table} has cells that name no image file; write paths of files relative "
            f"to {folder}:{format_list(problems)}"
        )
    return [
        ImageFile(os.path.join(folder, cell), _name_of(_relative(root, cell))) for _, cell in cells
    ]


def _find_problem(folder: Path, root: str, cell: str) -> str:
    """Says what is wrong with a cell, or "" if it names a file, or one that is missing."""
    if os.path.isabs(cell) and os.path.isabs(_relative(root, cell)):
        return f"a path outside of {folder}"
    try:
        mode = os.stat(os.path.join(folder, cell)).st_mode
    except ValueError:
        return "which holds a character that no path can have"
    except OSError as error:
        if error.errno == errno.ELOOP:
            return "a link that leads in a circle"
        if error.errno == errno.ENAMETOOLONG:
            return "longer than a path can be"
        return "the path of a folder" if not _name_of(cell) else ""
    if stat.S_ISDIR(mode):
        return "the path of a folder"
    return "" if stat.S_ISREG(mode) else "a pipe, a socket or a device"


def _relative(root: str, cell: str) -> str:
    """Makes an absolute path inside the folder `root` relative to it."""
    inside = os.path.isabs(cell) and os.path.normpath(cell).startswith(os.path.join(root, ""))
    return os.path.relpath(cell, root) if inside else cell


def _name_of(cell: str) -> str:
    """The path without its suffix; "" if it ends in no name of a file."""
    path = Path(cell)
    return path.with_suffix("").as_posix() if path.name not in ("", "..") else ""
