"""The bundle: a folder of models, golden cases and a manifest. It is data, never code.

```
<bundle>/
  manifest.json     what is in here: signatures, ranges, tolerances, hashes, origin
  golden.npz        inputs and the original function's outputs
  saved_model/      all signatures, for servers and further conversion
  <recipe>.tflite   all signatures, for phones; one file a recipe
  card.md           the same for people: data, metrics, files, how to feed them
  examples/         how apps call the signatures, in Kotlin and Swift
  web/              a page for browsers, if one was asked for
  judges/           or other files that were given to go along; hashed, and read by nobody here
```
A bundle is written whole or not at all and never over another one. Everything read from
one is measured against the manifest first: size, then hash, then form.
"""

import contextlib
import hashlib
import json
import os
import shutil
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from exporters.bundle.manifest import FORMAT, FORMAT_VERSION, FileRecord, Manifest
from exporters.errors import BundleError, ExportError

MANIFEST = "manifest.json"
GOLDEN = "golden.npz"
SAVED_MODEL = "saved_model"
_MAX_MANIFEST_BYTES = 16 * 2**20
_CHUNK = 2**20


@dataclass(frozen=True)
class Bundle:
    """An opened bundle: its folder and its checked manifest. Files are read on demand."""

    root: Path
    manifest: Manifest

    def fault_of(self, path: str) -> str | None:
        """Says in a few words what is wrong with a listed file, or None if it is intact.

        The size is compared before a byte is read.
        """
        fault = self._misplaced(path)
        if fault is None and _sha256(self.root / path) != self.manifest.files[path].sha256:
            return _changed(path)
        return fault

    def read(self, path: str) -> bytes:
        """Reads a listed file after checking its place and size, then its hash.

        Raises:
            BundleError: If it is missing, changed or outside the bundle.
        """
        fault = self._misplaced(path)
        content = b"" if fault else (self.root / path).read_bytes()
        if not fault and hashlib.sha256(content).hexdigest() != self.manifest.files[path].sha256:
            fault = _changed(path)
        if fault:
            raise BundleError(f"{self.root}: {fault}; export the bundle again")
        return content

    def leads_outside(self, path: str) -> bool:
        """Whether a path within the bundle is, or goes through, a link that leaves it."""
        return not (self.root / path).resolve().is_relative_to(self.root.resolve())

    def _misplaced(self, path: str) -> str | None:
        file = self.root / path
        if self.leads_outside(path):
            return f"{path} leads outside the bundle"
        if not file.is_file():
            return f"{path} is missing"
        size, expected = file.stat().st_size, self.manifest.files[path].size
        if size != expected:
            return f"{path} has {size} bytes where the manifest says {expected}"
        return None


def open_bundle(path: str | Path) -> Bundle:
    """Opens a bundle by its manifest alone; no model is loaded.

    Args:
        path: The folder that `export` wrote.

    Raises:
        BundleError: If the folder is missing or is no bundle, its manifest is broken, names
            a path outside the bundle or comes from a newer version.
    """
    root = Path(path)
    if root.is_file():
        raise BundleError(f"{root} is a file; a bundle is a folder that export wrote")
    if not root.is_dir():
        raise BundleError(f"there is no bundle folder {root}")
    file = root / MANIFEST
    if not file.is_file():
        raise BundleError(
            f"{root} is no bundle: it holds no {MANIFEST}; give a folder that export wrote"
        )
    if not file.resolve().is_relative_to(root.resolve()):
        raise BundleError(f"{file} leads outside the bundle; give a folder that export wrote")
    if file.stat().st_size > _MAX_MANIFEST_BYTES:
        raise BundleError(f"{file} is larger than {_MAX_MANIFEST_BYTES} bytes; it is no manifest")
    try:
        content = json.loads(
            file.read_bytes(), object_pairs_hook=_without_repeats, parse_constant=_no_number
        )
    except (ValueError, RecursionError) as error:
        raise BundleError(f"{file} is not valid JSON: {error}") from error
    return Bundle(root, _validated(content, file))


def _without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    # Of two equal keys readers take different ones: what one checks is not what another runs.
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in found if names.count(name) > 1)
        raise ValueError(f"the key {twice!r} is there twice")
    return found


def _no_number(text: str) -> None:
    raise ValueError(f"{text} is no number that JSON knows")


def _validated(content: object, file: Path) -> Manifest:
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        raise BundleError(f"{file} is no manifest of a bundle: its `format` is not {FORMAT!r}")
    version = content.get("format_version")
    if isinstance(version, int) and version > FORMAT_VERSION:
        raise BundleError(
            f"{file.parent} was written in bundle format {version} and this version reads "
            f"formats up to {FORMAT_VERSION}; upgrade this package to use it"
        )
    if version != FORMAT_VERSION:
        raise BundleError(f"{file}: `format_version` must be {FORMAT_VERSION}, got {version!r}")
    try:
        return Manifest.model_validate(content)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"]) or "manifest"
        message = first["msg"].removeprefix("Value error, ")
        raise BundleError(f"{file}: `{place}`: {message}") from error


@contextlib.contextmanager
def being_written(directory: str | Path) -> Iterator[Path]:
    """Gives a temporary folder that becomes `directory` if the block ends without error.

    Raises:
        ExportError: If `directory` is a file or holds anything, or cannot be written.
    """
    target = Path(os.path.abspath(directory))
    check_free(target)
    temporary = target.with_name(f".{target.name}.{uuid.uuid4().hex}.partial")
    try:
        temporary.mkdir(parents=True)
    except OSError as error:
        raise ExportError(f"cannot write a bundle to {target}: {error.strerror}") from error
    try:
        yield temporary
        check_free(target)
        if target.is_dir():
            target.rmdir()
        temporary.rename(target)
    except OSError as error:
        raise ExportError(f"cannot write the bundle {target}: {error}") from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def check_free(target: Path) -> None:
    """Raises ExportError if a bundle cannot be put at `target` without losing something."""
    if target.is_dir():
        if any(target.iterdir()):
            raise ExportError(
                f"the folder {target} is not empty; a bundle never overwrites, so name a new "
                "folder or remove this one"
            )
    elif target.exists():
        raise ExportError(f"{target} is a file; name a folder for the bundle")


def write_manifest(folder: Path, manifest: Manifest) -> None:
    """Writes `manifest.json` with its digest into a folder."""
    content = manifest.with_digest().model_dump(mode="json")
    text = json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False)
    (folder / MANIFEST).write_text(text + "\n", encoding="utf-8")


def file_records(folder: Path) -> dict[str, FileRecord]:
    """Hash and size of every file below a folder, by its path with forward slashes."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {
        path.relative_to(folder).as_posix(): FileRecord(
            sha256=_sha256(path), size=path.stat().st_size
        )
        for path in files
    }


def _changed(path: str) -> str:
    return f"{path} was changed after export (its sha256 is not the manifest's)"


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()
