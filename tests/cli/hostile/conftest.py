"""An honest bundle, copies of it that may be spoilt, and how a refusal is checked."""

import re
import resource
import shutil

import pytest

import exporters
from tests.exporters.fakes import negative


@pytest.fixture(scope="session")
def honest(tmp_path_factory):
    """Without a SavedModel, which takes seconds to verify."""
    folder = tmp_path_factory.mktemp("honest") / "bundle"
    return exporters.export({"a_to_b": negative()}, folder, keep_saved_model=False)


@pytest.fixture(scope="session")
def honest_with_saved_model(tmp_path_factory):
    return exporters.export({"a_to_b": negative()}, tmp_path_factory.mktemp("honest") / "bundle")


@pytest.fixture
def bundle(honest, tmp_path):
    return shutil.copytree(honest, tmp_path / "bundle")


@pytest.fixture
def bundle_with_saved_model(honest_with_saved_model, tmp_path):
    return shutil.copytree(honest_with_saved_model, tmp_path / "bundle")


def _peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss  # kilobytes


@pytest.fixture(scope="module")
def used(honest):
    """Memory after an intact bundle was verified, including that of the libraries."""
    assert exporters.verify(honest, isolated=False).passed
    return _peak()


@pytest.fixture
def refused(command, used):
    """Checks exit code and message of `verify`, and that no file was run or filled memory."""

    def check(bundle, code, sentence):
        found, out, error = command("verify", bundle)
        output = " ".join((out + error).split())
        assert found == code, output
        assert "Traceback" not in output
        assert re.search(sentence, output), output
        assert not (bundle / "written").exists()
        assert _peak() - used < 400_000, "kilobytes"

    return check
