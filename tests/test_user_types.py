"""A type checker sees the types of the installed packages in a user's program."""

import inspect
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import exporters
import tf_translate
from tf_translate import layers, losses, networks

ROOT = Path(__file__).parents[1]
PROGRAM = ROOT / "tests" / "fixtures" / "user_program.py"
# Wrong lines after the program, each with what the type checker must say about it.
MISTAKES = {
    'CycleGANSettings(base_filter=3)  # misspelt': "Unexpected keyword argument",
    'CycleGANSettings(norm="instanc")': "Argument \"norm\" to \"CycleGANSettings\"",
    'open_domain_dataset("my/folder")': 'expected "DataConfig"',
    'exporters.export({}, 3)': 'expected "str | Path"',
    'exporters.verify("bundle").pased': 'has no attribute "pased"',
    'train(PLACE)[0].from_settings("settings")': 'expected "MethodSettings"',
    'train(PLACE)[0].signatures()["a_to_b"].inputs[0].shap': 'has no attribute "shap"',
}  # fmt: skip
# What users may extend: a method with one more loss term, as in the tutorial.
SUBCLASS = """
class WithTerm(CycleGAN):
    terms = (*CycleGAN.terms, tf_translate.content("more", source="ours"))

    def generators_objective(self, batch: Tensors, shared: Tensors) -> Losses:
        return super().generators_objective(batch, shared)


reveal_type(WithTerm.from_settings(CycleGANSettings()))
"""
MODULES = {
    "tf_translate": tf_translate,
    "exporters": exporters,
    "tf_translate.layers": layers,
    "tf_translate.losses": losses,
    "tf_translate.networks": networks,
}

KERAS = ("build", "call", "compute_output_shape", "get_config")  # what Keras alone calls


def _run(command, folder):
    env = {**os.environ, "PYTHONPATH": str(ROOT), "TF_CPP_MIN_LOG_LEVEL": "3"}
    return subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True)


@pytest.mark.slow
def test_a_strict_type_checker_accepts_a_program_and_finds_mistakes_in_it(tmp_path):
    program = PROGRAM.read_text("utf-8")
    imports = "".join(f"import {module}\n" for module in MODULES)
    imports += "from tf_translate.core.player import Losses, Tensors\nPLACE = Path()\n"
    names = [f"{module}.{name}" for module, of in MODULES.items() for name in of.__all__]
    revealed = [f"reveal_type({name})" for name in names if not name.endswith("__version__")]
    lines = [*f"{program}{imports}{SUBCLASS}".splitlines(), *MISTAKES, *revealed]
    (tmp_path / "program.py").write_text("\n".join(lines) + "\n")
    (tmp_path / "mypy.ini").write_text("[mypy]\nstrict = True\n")  # a user's, without our plugins
    done = _run([sys.executable, "-m", "mypy", "--cache-dir", "cache", "program.py"], tmp_path)
    said = dict.fromkeys(range(1, len(lines) + 1), "")
    for number, message in re.findall(r"^program\.py:(\d+): (.*)$", done.stdout, re.MULTILINE):
        said[int(number)] += message
    by_line = [(line, said[number]) for number, line in enumerate(lines, 1)]
    for line, message in by_line:
        if line in MISTAKES:
            assert MISTAKES[line] in message, line
        elif line.startswith("reveal_type("):
            assert "Revealed type is" in message, line
            assert 'type is "Any"' not in message, line
        else:
            assert not message, f"{line}: {message}"
    (subclass,) = (said for line, said in by_line if line.startswith("reveal_type(WithTerm"))
    assert "program.WithTerm" in subclass


def _functions():
    """Public functions, constructors, and methods of translators, by name."""
    for module, of in MODULES.items():
        for name in of.__all__:
            each = getattr(of, name)
            if inspect.isfunction(each):
                yield f"{module}.{name}", each
            if not inspect.isclass(each):
                continue
            ours = [cls for cls in each.__mro__ if cls.__module__.startswith(tuple(MODULES))]
            for cls in ours if issubclass(each, tf_translate.Translator) else ours[:1]:
                for attribute, function in vars(cls).items():
                    function = getattr(function, "__func__", function)  # of a class method
                    is_public = attribute == "__init__" or not attribute.startswith("_")
                    if inspect.isfunction(function) and is_public and attribute not in KERAS:
                        yield f"{cls.__module__}.{cls.__name__}.{attribute}", function


def test_public_functions_have_types():
    """Tensors and networks are Any to type checkers, because TensorFlow and Keras are untyped."""
    without = set()
    for name, function in _functions():
        if not Path(function.__code__.co_filename).is_relative_to(ROOT):
            continue  # such as a constructor that a dataclass makes of its annotated fields
        signature = inspect.signature(function)
        untyped = [
            each.name
            for each in signature.parameters.values()
            if each.annotation is each.empty and each.name not in ("self", "cls")
        ]
        if untyped or (signature.return_annotation is signature.empty and "__init__" not in name):
            without.add(name)
    assert sorted(without) == []


@pytest.mark.slow
def test_the_program_runs(tmp_path):
    done = _run([sys.executable, PROGRAM, tmp_path], tmp_path)
    assert done.returncode == 0, done.stderr[-2000:]
    assert done.stdout.splitlines()[-1] == "(32, 32, 3)"
