"""Packages of registries: the command that downloads one, and errors if it fails."""

import hashlib
import stat

import pytest

from tf_translate.errors import DataError
from tf_translate.packages import NpmPackage, Wheel, is_cached, obtain

SHA256 = hashlib.sha256(b"content").hexdigest()
PACKAGE = NpmPackage("@some/thing", "1.2.3", SHA256)


@pytest.fixture
def npm(tmp_path, monkeypatch):
    """Returns a function that replaces npm by a script of one line."""
    monkeypatch.setenv("TF_TRANSLATE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("PATH", str(tmp_path))

    def make(line):
        path = tmp_path / "npm"
        path.write_text(f"#!/bin/sh\n{line}\n")
        path.chmod(path.stat().st_mode | stat.S_IXUSR)

    return make


def test_a_package_is_fetched_once_and_checked(npm):
    npm('[ "$1 $2 $3 $4" = "pack --silent --ignore-scripts @some/thing@1.2.3" ] || exit 1\n'
        "printf content > some-thing-1.2.3.tgz")  # fmt: skip
    assert not is_cached(PACKAGE)
    path = obtain(PACKAGE)
    assert is_cached(PACKAGE)
    assert path.read_bytes() == b"content"
    npm("exit 1")
    assert obtain(PACKAGE) == path


def test_a_package_file_with_another_hash_is_refused(npm):
    npm("printf other > some-thing-1.2.3.tgz")
    with pytest.raises(DataError, match=r"has the sha256 .* expected .* delete it"):
        obtain(PACKAGE)


def test_a_failed_download_is_an_error_with_the_message_of_the_tool(npm):
    npm("echo there is no such package >&2; exit 1")
    with pytest.raises(DataError, match=r"npm cannot fetch @some/thing 1\.2\.3: there is no such"):
        obtain(PACKAGE)
    npm("true")
    with pytest.raises(DataError, match=r"there is no some-thing-1.2.3.tgz in .*packages"):
        obtain(PACKAGE)


def test_a_missing_tool_is_an_error_with_a_suggestion(npm):
    with pytest.raises(
        DataError, match=r"needs npm, which is not installed; install it, or put some"
    ):
        obtain(PACKAGE)


def test_the_pattern_of_a_wheel_has_underscores_for_hyphens():
    assert Wheel("a-long-name", "1.0", SHA256).file_pattern == "a_long_name-1.0-*.whl"
