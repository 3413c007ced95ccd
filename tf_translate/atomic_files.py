"""Writes files so that a reader sees the old file or the new one whole, and never a part."""

import contextlib
import os
import threading
from collections.abc import Callable
from pathlib import Path


def write_atomically(
    target: Path, write: Callable[[Path], object], *, to_disk: bool = True
) -> None:
    """Lets `write` fill a temporary file and renames it to `target`.

    A device or a pipe, such as /dev/null, is written to as it is: a rename would replace it. Of a
    link, the file that it leads to is replaced. If writing fails, no file is left behind.

    Args:
        target: The file; its folder is made.
        write: Gets the temporary file, whose suffix is that of `target`.
        to_disk: Whether to wait until the file survives a power cut; not worth it for files that
            the same command makes again.
    """
    if target.exists() and not target.is_file() and not target.is_dir():
        write(target)
        return
    target = target.resolve()
    target.parent.mkdir(parents=True, exist_ok=True)
    # Cut, as a name may have 255 bytes at most; with the suffix, which says the format.
    name = f"{target.stem[:40]}{target.suffix}"
    temporary = target.with_name(f".{os.getpid()}-{threading.get_native_id()}-{name}")
    try:
        write(temporary)
        if to_disk:
            with temporary.open("rb") as file:
                os.fsync(file.fileno())
        temporary.replace(target)
        if to_disk:
            _flush(target.parent)
    finally:
        temporary.unlink(missing_ok=True)


def write_text_atomically(target: Path, text: str) -> None:
    """Writes UTF-8 text as `write_atomically` does."""
    write_atomically(target, lambda file: file.write_text(text, "utf-8"))


def _flush(folder: Path) -> None:
    """Makes a rename survive a power cut, if the system can open folders."""
    if hasattr(os, "O_DIRECTORY"):
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            with contextlib.suppress(OSError):  # some network folders refuse; the file is there
                os.fsync(descriptor)
        finally:
            os.close(descriptor)
