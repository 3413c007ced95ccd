"""Rules on the source tree that the import contracts in `setup.cfg` cannot express."""

import ast
import subprocess
from importlib.util import find_spec
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MODULES = sorted([*ROOT.glob("tf_translate/**/*.py"), *ROOT.glob("exporters/**/*.py")])
VAGUE_NAMES = {"utils", "common", "helpers", "misc"}


def _imports(path):
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or ""


def _relative(path):
    return str(path.relative_to(ROOT))


def _tracked_files():
    listing = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    return [Path(name) for name in listing.split("\0") if name]


@pytest.mark.parametrize("path", MODULES, ids=_relative)
def test_a_module_has_a_specific_name_and_a_docstring(path):
    assert path.stem not in VAGUE_NAMES
    assert path.parent.name not in VAGUE_NAMES
    assert ast.get_docstring(ast.parse(path.read_text("utf-8"))), "the module has no docstring"


def test_the_page_on_architecture_names_every_folder():
    page = (ROOT / "docs" / "explanation" / "architecture.md").read_text("utf-8")
    folders = {path.parent for path in MODULES if path.parent.parent != ROOT}
    folders |= {path.parent for path in ROOT.glob("scripts/*/*.py")}
    # Those below a folder that the page names whole.
    folders -= {f for f in folders if f.parent.name in ("compare", "convert", "training_step")}
    assert [_relative(each) for each in sorted(folders) if f"{each.name}/`" not in page] == []


def test_only_the_core_updates_the_weights_of_a_translator():
    with_tapes = {
        _relative(path)
        for path in ROOT.glob("tf_translate/**/*.py")
        if "GradientTape" in path.read_text("utf-8")
    }
    assert with_tapes == {
        "tf_translate/core/training_step/forward_cache.py",
        # These differentiate with respect to inputs: an edit, a latent, a gradient penalty.
        "tf_translate/editing/gradient_steps.py",
        "tf_translate/editing/latent_inversion.py",
        "tf_translate/losses/regularization.py",
        # This trains a classifier, not a translator.
        "tf_translate/experiment/train_identity_embedder.py",
    }


def test_only_one_module_uses_tf_lite():
    users = {_relative(path) for path in MODULES if "tf.lite" in path.read_text("utf-8")}
    assert users == {"exporters/convert/tflite.py"}


def test_the_top_folder_holds_only_known_files():
    assert {path.parts[0] for path in _tracked_files()} <= {
        ".ci", ".github", ".gitignore", ".pre-commit-config.yaml", "CHANGELOG.md", "CITATION.cff",
        "CONTRIBUTING.md", "LICENSE", "README.md", "SECURITY.md", "assets", "docs", "exporters",
        "mkdocs.yml", "pyproject.toml", "scripts", "setup.cfg", "setup.py", "tests", "tf_translate",
    }  # fmt: skip


def test_no_file_names_the_host_of_a_package_registry():
    hosts = ("pypi" + ".org", "npmjs" + ".org", "npmjs" + ".com", "pythonhosted" + ".org")
    paths = [path for path in _tracked_files() if path.parts[0] != "assets"]
    for path in paths:
        if (ROOT / path).is_file():  # a file may be deleted and not committed yet
            text = (ROOT / path).read_text("utf-8", errors="ignore")
            assert not any(host in text for host in hosts), path


def test_every_import_of_this_project_exists():
    for path in MODULES:
        for name in _imports(path):
            if name.split(".")[0] in ("tf_translate", "exporters"):
                assert find_spec(name) is not None, (path, name)
