"""A small mounted file system that tests can fill or make read-only."""

import shutil
import subprocess
from pathlib import Path

import pytest


class Disk:
    """A mounted tmpfs.

    Attributes:
        path: Mount point.
    """

    def __init__(self, path: Path):
        self.path = path

    def remount(self, options: str) -> None:
        """Changes its size (`size=64m`) or makes it read-only (`ro`)."""
        subprocess.run(["mount", "-o", f"remount,{options}", self.path], check=True)


@pytest.fixture
def disk(tmp_path):
    """An empty file system of 2 MiB; the test is skipped where it may not be mounted."""
    folder = tmp_path / "disk"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", folder]
    if not shutil.which("mount") or subprocess.run(command, capture_output=True).returncode:
        pytest.skip("this user may not mount a tmpfs")
    yield Disk(folder)
    subprocess.run(["umount", "--lazy", folder], check=True)
