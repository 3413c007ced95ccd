"""A user's Python file is imported once, and mistakes end in one sentence."""

import sys

import pytest

from tf_translate.config.import_file import import_file
from tf_translate.config.load import load
from tf_translate.errors import ConfigError


def _file(tmp_path, text, name="mine"):
    path = tmp_path / f"{name}.py"
    path.write_text(text)
    return path


def test_a_file_is_imported_once(tmp_path, monkeypatch):
    path = _file(tmp_path, "import sys\nsys.imported = getattr(sys, 'imported', 0) + 1\n", "once")
    monkeypatch.setattr(sys, "imported", 0, raising=False)
    import_file(path)
    import_file(str(path))
    assert sys.imported == 1


@pytest.mark.parametrize(
    ("name", "text", "sentence"),
    [
        ("missing", None, "--import takes a Python file, and there is none at"),
        ("broken", "def f(:\n", "cannot be imported: SyntaxError"),
        ("failing", "raise RuntimeError('no')\n", "cannot be imported: RuntimeError: no"),
    ],
)
def test_a_file_that_cannot_be_imported_is_refused_in_one_sentence(tmp_path, name, text, sentence):
    path = tmp_path / f"{name}.py" if text is None else _file(tmp_path, text, name)
    with pytest.raises(ConfigError, match=sentence):
        import_file(path)
    assert f"tf_translate_import_{name}" not in sys.modules


def test_a_toml_file_imports_files_beside_it(tmp_path):
    _file(tmp_path, "VALUE = 3\n", "beside")
    toml = tmp_path / "mine.toml"
    toml.write_text('method = "pix2pix"\nimport = ["beside.py"]\n[data]\npath = "somewhere"\n')
    assert load(str(toml)).method == "pix2pix"
    assert sys.modules["tf_translate_import_beside"].VALUE == 3
    toml.write_text('method = "pix2pix"\nimport = "beside.py"\n[data]\npath = "somewhere"\n')
    sentence = r"import must be a list of Python files, got 'beside.py'"
    with pytest.raises(ConfigError, match=sentence):
        load(str(toml))
