"""Options of `tf-translate` itself: versions, how much is printed, shell completion."""

import os
from importlib import metadata

import pytest

from tf_translate.cli.completion import complete_presets
from tf_translate.cli.output import Verbosity, quiet_import, set_verbosity
from tf_translate.version import __version__


@pytest.fixture(autouse=True)
def _normal_afterwards(monkeypatch):
    monkeypatch.setenv("TF_CPP_MIN_LOG_LEVEL", "3")
    yield
    set_verbosity(Verbosity.NORMAL)


def test_version_names_the_packages_that_results_depend_on(command):
    code, out, _ = command("--version")
    assert code == 0
    assert out.splitlines()[0] == f"tf_translate {__version__}"
    assert f"Keras {metadata.version('keras')}" in out.splitlines()
    assert f"LiteRT {metadata.version('ai-edge-litert')}" in out.splitlines()


def test_quiet_leaves_out_progress_but_not_results(command, pairs, tmp_path):
    _, _, found = command("data", "pack", pairs, "--output", tmp_path / "loud")
    code, out, result = command("--quiet", "data", "pack", pairs, "--output", tmp_path / "quiet")
    assert code == 0
    assert "train: a: 8 images" in found
    assert "train: a: 8 images" not in result
    assert "next: --set data.path=" in result
    assert out.strip() == str(tmp_path / "quiet")


def test_verbose_shows_the_traceback_of_an_error_that_has_a_sentence(command):
    code, _, error = command("--verbose", "settings", "cyclgan")
    assert code == 2
    assert "Traceback" in error
    assert "did you mean 'cyclegan_small'" in error


def test_the_log_of_libraries_is_hidden_unless_verbose_was_given(capfd):
    for verbosity, expected in ((Verbosity.NORMAL, ""), (Verbosity.VERBOSE, "a log")):
        set_verbosity(verbosity)
        with quiet_import():
            os.write(2, b"a log")
        assert capfd.readouterr().err == expected
    assert os.environ["TF_CPP_MIN_LOG_LEVEL"] == "0"


def test_quiet_and_verbose_exclude_each_other(mistake):
    assert "--quiet and --verbose exclude each other" in mistake("--quiet", "--verbose", "methods")


def test_a_shell_completes_methods_and_presets():
    assert list(complete_presets("cyclegan")) == ["cyclegan", "cyclegan_paper", "cyclegan_small"]
