"""The bundle: a folder of models, golden cases and a manifest. It is data, never code.

```
<bundle>/
  manifest.json     signatures, value ranges, tolerances, hashes and origin, for programs
  golden.npz        inputs and the outputs of the original function
  golden/           the first of them as plain files, for the tests of an app
  saved_model/      all signatures, for servers and further conversion
  <recipe>.tflite   all signatures, for phones; one file per recipe
  card.md           data, metrics, files and how to call them, for people
  examples/         how apps call the signatures, in Kotlin and Swift
  web/              a web page that runs the model, if it was exported with one
  judges/           or other sidecar files; hashed, but not read by this package
```
A bundle is written completely or not at all, and never over another one. Every file is
checked against the manifest before use: size, then hash, then format.
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

from exporters.arguments import check_path
from exporters.bundle.manifest import FORMAT, FORMAT_VERSION, FileRecord, Manifest
from exporters.errors import BundleError, ExportError

MANIFEST = "manifest.json"
GOLDEN = "golden.npz"
SAVED_MODEL = "saved_model"
_MAX_MANIFEST_BYTES = 16 * 2**20
_CHUNK = 2**20  # bytes read at once
# Manifest keys of format 1 that format 2 renamed.
_RENAMED_KEYS = {
    "sensitivity": "tolerance_factor",
    "policy": "inference_behavior",
    "figures": "metrics",
    "licence": "license",
}


@dataclass(frozen=True)
class Bundle:
    """An opened bundle: its folder and its checked manifest. Files are read on demand."""

    root: Path
    manifest: Manifest

    def fault_of(self, path: str) -> str | None:
        """Returns a short text on what is wrong with a listed file, or None if it is intact.

        The size is compared before the file is read.
        """
        fault = self._path_or_size_fault(path)
        if fault is None and _sha256(self.root / path) != self.manifest.files[path].sha256:
            return _changed(path)
        return fault

    def read(self, path: str) -> bytes:
        """Reads a listed file after checking its path and size, then its hash.

        Raises:
            BundleError: If it is missing, changed or outside the bundle.
        """
        fault = self._path_or_size_fault(path)
        content = b"" if fault else (self.root / path).read_bytes()
        if not fault and hashlib.sha256(content).hexdigest() != self.manifest.files[path].sha256:
            fault = _changed(path)
        if fault:
            raise BundleError(f"{self.root}: {fault}; export the bundle again")
        return content

    def leads_outside(self, path: str) -> bool:
        """Whether a path of the bundle is, or passes through, a symbolic link out of it."""
        return not (self.root / path).resolve().is_relative_to(self.root.resolve())

    def _path_or_size_fault(self, path: str) -> str | None:
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
    """Opens a bundle by reading its manifest; no model is loaded.

    Args:
        path: The folder that `export` wrote.

    Returns:
        The folder and its manifest; contents of files are checked when they are read.

    Raises:
        BundleError: If the folder is missing or is not a bundle, or its manifest is invalid,
            names a path outside the bundle or has another format version.

    Example:
        `list(open_bundle("bundles/first").manifest.signatures)`
    """
    if isinstance(path, Bundle):
        raise BundleError("`path` must be the folder of a bundle, and an open bundle is given")
    check_path("path", path)
    root = Path(path)
    if root.is_file():
        raise BundleError(f"{root} is a file; a bundle is a folder that export wrote")
    if not root.is_dir():
        raise BundleError(f"there is no bundle folder {root}")
    file = root / MANIFEST
    if not file.is_file():
        raise BundleError(
            f"{root} is not a bundle: it holds no {MANIFEST}; give a folder that export wrote"
        )
    if not file.resolve().is_relative_to(root.resolve()):
        raise BundleError(f"{file} leads outside the bundle; give a folder that export wrote")
    if file.stat().st_size > _MAX_MANIFEST_BYTES:
        raise BundleError(
            f"{file} is larger than {_MAX_MANIFEST_BYTES} bytes; it is not a manifest"
        )
    try:
        content = json.loads(
            file.read_bytes(), object_pairs_hook=_unique_keys, parse_constant=_refuse_constant
        )
    except (ValueError, RecursionError) as error:
        raise BundleError(f"{file} is not valid JSON: {error}") from error
    return Bundle(root, _validated(content, file))


def _unique_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    # JSON readers disagree on which of two equal keys counts, so a check could be bypassed.
    content = dict(pairs)
    if len(content) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in content if names.count(name) > 1)
        raise ValueError(f"the key {twice!r} is there twice")
    return content


def _refuse_constant(text: str) -> None:
    raise ValueError(f"{text} is not a JSON number")


def _validated(content: object, file: Path) -> Manifest:
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        raise BundleError(f"{file} is not a bundle's manifest: its `format` is not {FORMAT!r}")
    version = content.get("format_version")
    if isinstance(version, int) and version > FORMAT_VERSION:
        raise BundleError(
            f"{file.parent} was written in bundle format {version} and this version reads "
            f"format {FORMAT_VERSION}; upgrade this package to use it"
        )
    if isinstance(version, int) and not isinstance(version, bool) and version < FORMAT_VERSION:
        renamed = ", ".join(f"`{old}` is now `{new}`" for old, new in _RENAMED_KEYS.items())
        raise BundleError(
            f"{file.parent} was written in bundle format {version} and this version reads format "
            f"{FORMAT_VERSION}, in which keys of the manifest have other names ({renamed}): "
            "export the bundle again from its run"
        )
    if version != FORMAT_VERSION:
        raise BundleError(f"{file}: `format_version` must be {FORMAT_VERSION}, got {version!r}")
    try:
        return Manifest.model_validate(content)
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"]) or "manifest"
        message = first["msg"].removeprefix("Value error, ")
        raise BundleError(f"{file}: `{key}`: {message}") from error


@contextlib.contextmanager
def writing_folder(directory: str | Path, kind: str = "bundle") -> Iterator[Path]:
    """Yields a temporary folder that becomes `directory` if the block ends without error.

    If the block ends in any other way, with an interruption too, nothing is left: no temporary
    folder, and no parent folder that was created for it.

    Args:
        directory: A folder that does not exist or is empty.
        kind: What the folder holds, for messages.

    Raises:
        ExportError: If `directory` is a file or holds anything, or cannot be written.
    """
    target = Path(os.path.abspath(directory))
    check_free(target, kind)
    temporary = target.with_name(f".{target.name}.{uuid.uuid4().hex}.partial")
    created = [parent for parent in target.parents if not parent.exists()]
    try:
        try:
            temporary.mkdir(parents=True)
        except OSError as error:
            raise ExportError(f"cannot write a {kind} to {target}: {error.strerror}") from error
        yield temporary
        check_free(target, kind)
        if os.name == "nt" and target.is_dir():  # elsewhere an empty folder is replaced in one step
            target.rmdir()
        temporary.rename(target)
    except OSError as error:
        raise ExportError(f"cannot write the {kind} {target}: {error}") from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
        for parent in () if target.exists() else created:
            with contextlib.suppress(OSError):  # another process may have written into it
                parent.rmdir()


def check_free(target: Path, kind: str = "bundle") -> None:
    """Raises ExportError if `target` is a file or a folder that is not empty."""
    if target.is_dir():
        if any(target.iterdir()):
            raise ExportError(
                f"the folder {target} is not empty; a {kind} never overwrites, so name a new "
                "folder or remove this one"
            )
    elif target.exists():
        raise ExportError(f"{target} is a file; name a folder for the {kind}")


def write_manifest(folder: Path, manifest: Manifest) -> None:
    """Writes `manifest.json` with its digest into a folder."""
    content = manifest.with_digest().model_dump(mode="json")
    text = json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False)
    (folder / MANIFEST).write_text(text + "\n", encoding="utf-8")


def file_records(folder: Path) -> dict[str, FileRecord]:
    """Hash and size of every file in a folder tree, by its path with forward slashes."""
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
