"""Bundles with a page, and stubs of LiteRT.js for tests without a browser."""

import hashlib
import http.server
import io
import tarfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import exporters
from exporters.web import litert
from tests.exporters.fakes import (
    Signature,
    Tensor,
    dim,
    edit,
    generator,
    negative,
    noise,
    of_model,
    paint,
    swap,
)


def _grey() -> Signature:
    tensor = (Tensor(shape=(None, 8, 12, 1)),)
    return Signature("grey", lambda image: {"image": -image}, tensor, tensor)


def _alpha() -> Signature:
    """The negative of colours; alpha stays."""
    tensor = (Tensor(shape=(None, 8, 12, 4)),)
    factors = np.float32([-1, -1, -1, 1])
    return Signature("alpha", lambda image: {"image": image * factors}, tensor, tensor)


_FAKES = (
    negative(), edit(), dim(), swap(), swap("exchange"), paint(), _grey(), _alpha()
)  # fmt: skip
SHARED = noise(6, 8, 12, 3)


def pack_stand_ins(folder: Path, patch: pytest.MonkeyPatch) -> list[Path]:
    """Packed packages with the files of LiteRT.js, which contain only their names."""
    paths, packages = [], []
    for package in litert.PACKAGES:
        path = folder / f"{package.name.replace('/', '-')}.tgz"
        with tarfile.open(path, "w:gz") as archive:
            for member in package.files:
                content = f"// {member}".encode()
                info = tarfile.TarInfo(f"package/{member}")
                info.size = len(content)
                archive.addfile(info, io.BytesIO(content))
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        packages.append(replace(package, sha256=digest))
        paths.append(path)
    patch.setattr(litert, "PACKAGES", tuple(packages))
    return paths


def export_fakes(
    bundle: Path,
    packed: list[Path] | None,
    aspect: str = "stretch",
    only: tuple[str, ...] = (),
) -> Path:
    """A bundle with all kinds of signatures or `only` some, with examples for some of them."""
    fakes = {fake.name: fake for fake in (*_FAKES, of_model("generated", generator(1)))}
    examples = {
        "a_to_b": {"image": SHARED},
        "edit": {"image": SHARED, "attributes": np.float32([[1, 0, 1]])},
        "swap": {"image": SHARED, "exemplar": noise(2, 6, 6, 3)},
    }
    chosen = only or tuple(fakes)
    return exporters.export(
        {name: fakes[name] for name in chosen},
        bundle,
        aspect=aspect,
        golden_images={name: each for name, each in examples.items() if name in chosen},
        web=packed,
    )


class PlainHandler(http.server.SimpleHTTPRequestHandler):
    """Serves a folder as any static server does."""

    def log_message(self, format, *args):
        """Says nothing."""
