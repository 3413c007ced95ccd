"""The public names of `tf_translate`."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import tf_translate


def _names_for_type_checkers():
    tree = ast.parse(Path(tf_translate.__file__).read_text("utf-8"))
    for node in tree.body:
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            for line in node.body:
                for alias in line.names:
                    yield alias.asname, alias.name, line.module


def test_every_public_name_can_be_loaded():
    for name in tf_translate.__all__:
        assert getattr(tf_translate, name) is not None
    assert dir(tf_translate) == sorted(tf_translate.__all__)


def test_type_checkers_see_the_public_names():
    names = list(_names_for_type_checkers())
    assert {name for name, _, _ in names} <= set(tf_translate.__all__)
    own = {name for name, module in tf_translate._MODULES.items() if "methods." not in module}
    assert own <= {name for name, _, _ in names}  # a new method need not be entered here
    for name, original, module in names:
        assert name == original
        assert getattr(tf_translate, name) is getattr(sys.modules[module], name)


def test_both_packages_are_marked_as_typed():
    for package in ("tf_translate", "exporters"):
        assert (Path(__file__).parents[1] / package / "py.typed").is_file()


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'StarGAN'"):
        _ = tf_translate.StarGAN


def test_the_command_line_starts_without_tensorflow_and_exporters():
    code = (
        "import sys, tf_translate.cli.main; "
        "print(bool({'tensorflow', 'exporters'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
