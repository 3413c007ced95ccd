"""Which `exporters` Python imports: that of this project, or nothing runs."""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

import tf_translate
from tf_translate.errors import InstallationError
from tf_translate.exporters_package import check_exporters

CHECK = """
import sys
from tf_translate.exporters_package import check_exporters
try:
    check_exporters()
except Exception as error:
    print(type(error).__name__, error)
print("imported" if "exporters" in sys.modules else "not imported")
"""


@pytest.fixture
def site(tmp_path):
    """A folder like site-packages with the files that the check needs, and a package exporters."""
    site = tmp_path / "site"
    (site / "tf_translate").mkdir(parents=True)
    for name in ("__init__", "errors", "exporters_package", "version"):
        source = Path(tf_translate.__file__).with_name(f"{name}.py")
        shutil.copy(source, site / "tf_translate")
    _write(site / "exporters" / "__init__.py")
    _write(
        site / "tf_translate-0.1.0.dist-info" / "RECORD", "exporters/a.py,,\ntf_translate/b.py,,"
    )
    return site


def _write(path, text=""):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def _check(*path, cwd):
    done = subprocess.run(
        [sys.executable, "-S", "-c", CHECK],  # without site-packages
        cwd=cwd,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(map(str, path))},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout


def test_an_installation_passes_and_exporters_is_not_imported(site, tmp_path):
    assert _check(site, cwd=tmp_path) == "not imported\n"


def test_this_checkout_passes():
    check_exporters()


@pytest.mark.parametrize("name", ["exporters.py", "exporters/__init__.py"])
def test_another_package_before_ours_on_the_path_is_named(site, tmp_path, name):
    other = _write(tmp_path / "mine" / name)
    said = _check(tmp_path / "mine", site, cwd=tmp_path)
    assert f"imports the package exporters from {other.resolve()}, but" in said
    assert str(site.resolve() / "exporters" / "__init__.py") in said
    assert said.endswith("not imported\n")


def test_a_package_in_the_current_folder_is_named(site, tmp_path):
    other = _write(tmp_path / "exporters" / "__init__.py")
    assert f"from {other.resolve()}, but" in _check(site, cwd=tmp_path)


def test_a_folder_without_code_in_the_current_folder_does_not_matter(site, tmp_path):
    (tmp_path / "exporters").mkdir()
    assert _check(site, cwd=tmp_path) == "not imported\n"


@pytest.mark.parametrize("file", [None, "/elsewhere/exporters/__init__.py"])
def test_another_package_that_was_imported_before_is_refused(monkeypatch, file):
    module = ModuleType("exporters")
    module.__file__ = file
    monkeypatch.setitem(sys.modules, "exporters", module)
    with pytest.raises(InstallationError, match="exporters is missing" if file is None else file):
        check_exporters()


def test_a_package_that_an_uninstallation_took_away_is_missing(site, tmp_path):
    (site / "exporters" / "__init__.py").unlink()
    assert "InstallationError the package exporters is missing or incomplete in" in _check(
        site, cwd=tmp_path
    )


@pytest.mark.parametrize(
    "record", ["exporters/__init__.py,,", "more/a.py,,\nexporters/writer.py,,"]
)
def test_a_distribution_that_writes_into_the_same_folder_is_named(site, tmp_path, record):
    _write(site / "exporters-0.7.0.dist-info" / "RECORD", record)
    said = _check(site, cwd=tmp_path)
    assert "InstallationError exporters 0.7.0 has installed a package exporters into" in said


def test_other_distributions_do_not_matter(site, tmp_path):
    _write(site / "more-1.0.dist-info" / "RECORD", "more/exporters/a.py,,\nmy_exporters/b.py,,")
    assert _check(site, cwd=tmp_path) == "not imported\n"
