"""The house in tests: what may be imported, and what stands at the top."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PYTHON = sorted([*ROOT.glob("tf_translate/**/*.py"), *ROOT.glob("exporters/**/*.py")])
FORBIDDEN_NAMES = {"utils", "common", "helpers", "misc"}


def _imports(path):
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or ""


def _id(path):
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("path", PYTHON, ids=_id)
def test_modules_are_named_for_what_they_hold_and_stay_readable(path):
    assert path.stem not in FORBIDDEN_NAMES
    text = path.read_text("utf-8")
    assert len(text.splitlines()) <= 330
    assert ast.get_docstring(ast.parse(text)), "a module says what it is"


def test_methods_import_neither_each_other_nor_the_floors_above():
    methods = {path.stem for path in ROOT.glob("tf_translate/methods/*.py")} - {"registry"}
    for path in ROOT.glob("tf_translate/methods/*.py"):
        for name in _imports(path):
            assert not any(name == f"tf_translate.methods.{method}" for method in methods), path
            for floor in ("data", "training", "evaluation", "cli", "experiment"):
                assert not name.startswith(f"tf_translate.{floor}"), path


def test_evaluation_and_training_do_not_import_methods_or_each_other():
    for package, others in (
        ("evaluation", ("methods", "training", "core", "networks", "losses")),
        ("training", ("methods", "evaluation", "data")),
    ):
        for path in ROOT.glob(f"tf_translate/{package}/*.py"):
            for name in _imports(path):
                assert not any(name.startswith(f"tf_translate.{o}") for o in others), (path, name)


def test_exporters_know_nothing_of_tf_translate():
    for path in ROOT.glob("exporters/**/*.py"):
        assert not any(name.startswith("tf_translate") for name in _imports(path)), path


def test_only_the_command_line_knows_exporters():
    for path in ROOT.glob("tf_translate/**/*.py"):
        if "cli" not in path.parts:
            assert not any(name.startswith("exporters") for name in _imports(path)), path


def test_configuration_is_free_of_tensorflow():
    for path in ROOT.glob("tf_translate/config/*.py"):
        assert not {"tensorflow", "keras"} & {name.split(".")[0] for name in _imports(path)}, path


def test_only_the_core_holds_an_update_tape():
    # The others are of inputs (a latent that is looked for, an edit, the gradient penalty): they
    # update no weights.
    holders = {
        _id(path)
        for path in ROOT.glob("tf_translate/**/*.py")
        if "GradientTape" in path.read_text("utf-8") and "evaluation" not in path.parts
    }
    assert holders == {
        "tf_translate/core/forward_cache.py",
        "tf_translate/editing/gradient_steps.py",
        "tf_translate/editing/latent_inversion.py",
        "tf_translate/losses/regularization.py",
    }


def test_only_one_module_touches_tf_lite():
    users = {_id(p) for p in PYTHON if "tf.lite" in p.read_text("utf-8")}
    assert users == {"exporters/convert/tflite.py"}


def test_nothing_else_stands_at_the_top():
    import subprocess

    listing = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    top = {line.split("/")[0] for line in listing.splitlines()}
    assert top <= {
        "setup.cfg", "tf_translate", "exporters", "tests", "scripts", "assets", "README.md",
        "CONTRIBUTING.md", "CHANGELOG.md", "LICENSE", "pyproject.toml", ".ci", ".gitignore",
    }  # fmt: skip


def test_no_registry_host_is_written_anywhere():
    hosts = ("pypi" + ".org", "npmjs" + ".org", "npmjs" + ".com", "pythonhosted" + ".org")
    files = [p for p in ROOT.glob("*") if p.is_file()]
    files += [
        p
        for d in ("scripts", "tf_translate", "exporters", "tests", ".ci")
        for p in (ROOT / d).rglob("*")
        if p.is_file() and p.suffix != ".pyc"
    ]
    for path in files:
        text = path.read_bytes().decode("utf-8", "ignore")
        assert not any(host in text for host in hosts), path


def test_every_import_of_ours_leads_somewhere():
    from importlib.util import find_spec

    for path in PYTHON:
        for name in _imports(path):
            if name.split(".")[0] in ("tf_translate", "exporters"):
                assert find_spec(name) is not None, (path, name)
