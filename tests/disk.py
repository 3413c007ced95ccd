"""A real file system that tests may fill and close."""

import shutil
import subprocess
from pathlib import Path

import pytest


class Disk:
    """A mounted tmpfs.

    Attributes:
        path: Where it is mounted.
    """

    def __init__(self, path: Path):
        self.path = path

    def remount(self, options: str) -> None:
        """Changes its size (`size=64m`) or closes it (`ro`)."""
        subprocess.run(["mount", "-o", f"remount,{options}", self.path], check=True)


@pytest.fixture
def disk(tmp_path):
    """A disk of its own of 2 MiB, empty."""
    folder = tmp_path / "disk"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", folder]
    if not shutil.which("mount") or subprocess.run(command, capture_output=True).returncode:
        pytest.skip("this user may not mount a tmpfs")
    yield Disk(folder)
    subprocess.run(["umount", "--lazy", folder], check=True)
