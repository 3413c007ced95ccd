"""The zip archive of a `.keras` file; members of an implausible size are not read."""

import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tf_translate.errors import DataError

METADATA, CONFIG, WEIGHTS = "metadata.json", "config.json", "model.weights.h5"
MAX_DESCRIPTION = 32 * 2**20  # bytes of config.json; those of large networks have about 1 MB
_MAX_EXPANSION = 20  # Keras stores members uncompressed; a person may have zipped them again
_SMALL = 2**20  # bytes that a member may always have


@contextmanager
def open_archive(path: Path) -> Iterator[zipfile.ZipFile]:
    """Opens a `.keras` file after checking that it has the members of one.

    Raises:
        DataError: If it is not a zip file, lacks a member, names one twice, or a member would
            unpack to far more than the file's size.
    """
    try:
        archive = zipfile.ZipFile(path)
    except (OSError, ValueError, zipfile.BadZipFile, NotImplementedError) as error:
        raise DataError(f"is not a zip file that can be read: {error}") from error
    with archive:
        names = archive.namelist()
        for name in (METADATA, CONFIG, WEIGHTS):
            if names.count(name) != 1:
                found = "is missing" if name not in names else "is there twice"
                raise DataError(f"is a zip file, but not one that Keras wrote: {name} {found}")
        size = path.stat().st_size
        for member in archive.infolist():
            if member.file_size > max(_SMALL, _MAX_EXPANSION * size):
                raise DataError(
                    f"holds {member.filename!r}, which would unpack to {member.file_size} bytes "
                    f"from a file of {size}"
                )
        yield archive


def read_member(archive: zipfile.ZipFile, name: str, limit: int | None = None) -> bytes:
    """Reads a member whole.

    Args:
        archive: From `open_archive`, which bounds the sizes.
        name: The member.
        limit: The most bytes that it may have; None for no further limit.

    Raises:
        DataError: If it is larger, damaged or encrypted.
    """
    size = archive.getinfo(name).file_size
    if limit is not None and size > limit:
        raise DataError(f"holds {name} of {size} bytes; at most {limit} are read")
    try:
        with archive.open(name) as file:
            return file.read(size + 1)[:size]
    except (OSError, EOFError, ValueError, RuntimeError, zipfile.BadZipFile, zlib.error) as error:
        raise DataError(f"holds {name}, which is damaged: {error}") from error
