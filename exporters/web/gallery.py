"""One page for several bundles: choose a model, and try it in the browser."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from exporters.bundle.bundle import MANIFEST, Bundle, open_bundle
from exporters.errors import ExportError
from exporters.inference.runner import recipes_of
from exporters.web.litert import litert_files
from exporters.web.page import FOLDER, MODELS, bundle_files, models_file, shared_files, write_page

_START = "index.html"
_TO_PAGE = b"""<!doctype html>
<meta charset="utf-8"><meta http-equiv="refresh" content="0; url=web/">
<title>Translate images</title><a href="web/">Translate images</a>
"""


def open_bundles(folder: str | Path) -> dict[str, Bundle]:
    """Opens the bundles in a folder, by the names of their own folders, sorted.

    Raises:
        ExportError: If the folder holds no bundle.
        BundleError: If one of them cannot be read.
    """
    found = sorted(path.parent for path in Path(folder).glob(f"*/{MANIFEST}"))
    if not found:
        raise ExportError(f"{folder} is no bundle and has none in it: no folder with {MANIFEST}")
    return {path.name: open_bundle(path) for path in found}


def gallery_files(
    bundles: Mapping[str, Bundle],
    packed: Sequence[str | Path],
    *,
    titles: Mapping[str, str] | None = None,
) -> dict[str, bytes]:
    """The files of a page for several bundles, but for their `.tflite` files.

    The page is `web/index.html`. A bundle's own page is not part of it.

    Args:
        bundles: Bundles by name; names are folders of the site. Their order is the page's.
        packed: The packed files of `PACKAGES` of LiteRT.js, in any order.
        titles: Titles by name; others are the name.

    Returns:
        Contents by path, such as `web/index.html` and `NAME/page.json`.

    Raises:
        ExportError: If a bundle has no signature to show, is named like the folder of the page,
            or a packed file has another hash.
        BundleError: If the golden cases of a bundle were changed.
    """
    files = {f"{FOLDER}/{name}": content for name, content in _shared(packed).items()}
    entries: list[dict[str, Any]] = []
    for name, bundle in bundles.items():
        if name == FOLDER:
            raise ExportError(
                f"a bundle of a gallery must not be named {FOLDER}: rename its folder"
            )
        title = (titles or {}).get(name, name)
        own = bundle_files(bundle, title)
        files |= {f"{name}/{path}": content for path, content in own.items()}
        entries.append(
            {
                "name": name,
                "title": title,
                "page": f"../{name}/page.json",
                "files": f"../{name}/",
                "thumbnail": _thumbnail(name, own["page.json"]),
            }
        )
    return files | {f"{FOLDER}/{MODELS}": models_file(entries), _START: _TO_PAGE}


def write_gallery(files: Mapping[str, bytes], bundles: Mapping[str, Bundle], folder: Path) -> None:
    """Writes a site that any static server takes: a gallery and the bundles' `.tflite` files.

    Args:
        files: From `gallery_files`, of the same bundles.
        bundles: Bundles by name.
        folder: New or empty.

    Raises:
        ExportError: If the folder holds something already.
        BundleError: If a file was changed since its bundle was made.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise ExportError(f"{folder} exists already; give a new folder, or empty it")
    write_page(folder, files)
    for name, bundle in bundles.items():
        for file in recipes_of(bundle).values():
            (folder / name / file).write_bytes(bundle.read(file))


def _shared(packed: Sequence[str | Path]) -> dict[str, bytes]:
    return shared_files(litert_files(packed))


def _thumbnail(name: str, page: bytes) -> str | None:
    """The address of a bundle's first example, relative to the page."""
    for signature in json.loads(page)["signatures"]:
        for example in signature["examples"].get("image", ()):
            return f"../{name}/{example}"
    return None
