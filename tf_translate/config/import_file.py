"""Importing a user's Python file, so that the method it registers is known."""

import importlib.util
import sys
from pathlib import Path

from tf_translate.errors import ConfigError


def import_file(path: str | Path) -> None:
    """Imports a Python file, once.

    Only files that the user names on the command line or in a TOML file of theirs are imported;
    runs and bundles name none.

    Args:
        path: A `.py` file. Its module is called `tf_translate_import_NAME`.

    Raises:
        ConfigError: If there is no such file, or importing it fails.
    """
    path = Path(path).resolve()
    name = f"tf_translate_import_{path.stem}"
    known = sys.modules.get(name)
    if known is not None and known.__file__ == str(path):
        return
    if path.suffix != ".py" or not path.is_file():
        raise ConfigError(f"--import takes a Python file, and there is none at {path}")
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise ConfigError(f"{path} cannot be imported as a Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        del sys.modules[name]
        raise ConfigError(f"{path} cannot be imported: {type(error).__name__}: {error}") from error
