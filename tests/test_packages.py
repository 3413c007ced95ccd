"""Packages of the registries: what is run to get one, and what is told if that fails."""

import hashlib
import stat

import pytest

from tf_translate.errors import DataError
from tf_translate.packages import Packed, Wheel, is_here, obtain

SHA256 = hashlib.sha256(b"content").hexdigest()
PACKED = Packed("@some/thing", "1.2.3", SHA256)


@pytest.fixture
def npm(tmp_path, monkeypatch):
    """Gives a function that makes a stand-in for npm of a line of shell."""
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
    assert not is_here(PACKED)
    path = obtain(PACKED)
    assert is_here(PACKED)
    assert path.read_bytes() == b"content"
    npm("exit 1")
    assert obtain(PACKED) == path


def test_a_file_of_another_content_is_refused(npm):
    npm("printf other > some-thing-1.2.3.tgz")
    with pytest.raises(DataError, match=r"has the sha256 .* expected .* delete it"):
        obtain(PACKED)


def test_what_the_tool_says_is_told(npm):
    npm("echo there is no such package >&2; exit 1")
    with pytest.raises(DataError, match=r"npm cannot fetch @some/thing 1\.2\.3: there is no such"):
        obtain(PACKED)
    npm("true")
    with pytest.raises(DataError, match=r"there is no some-thing-1.2.3.tgz in .*packages"):
        obtain(PACKED)


def test_a_missing_tool_is_told_with_a_way_out(npm):
    with pytest.raises(DataError, match=r"by npm, which is not installed; install it, or put some"):
        obtain(PACKED)


def test_the_file_of_a_wheel_is_named_as_wheels_are():
    assert Wheel("a-long-name", "1.0", SHA256).pattern == "a_long_name-1.0-*.whl"
