"""Checks that the package `exporters` is the one that was installed with this package.

Others use this name too. Python takes the first `exporters` on its path, and pip lets two
distributions write into one folder without a warning.
"""

import sys
from importlib.util import find_spec
from pathlib import Path

from tf_translate.errors import InstallationError

_ROOT = Path(__file__).resolve().parents[1]  # holds tf_translate and exporters


def check_exporters() -> None:
    """Checks what `import exporters` gives or would give, without importing it.

    Raises:
        InstallationError: If it is missing or another package, or if another distribution has
            installed files in its folder.
    """
    expected = _ROOT / "exporters" / "__init__.py"
    found = _find_exporters()
    if found is None or not expected.is_file():
        raise InstallationError(
            f"the package exporters is missing or incomplete in {_ROOT}; install tf-translate again"
        )
    if found != expected:
        raise InstallationError(
            f"Python imports the package exporters from {found}, but that of tf-translate is "
            f"{expected}; rename the other one, or keep its folder off Python's path"
        )
    other = _other_distribution()
    if other is not None:
        raise InstallationError(
            f"{other} has installed a package exporters into {expected.parent} too, where one has "
            "overwritten files of the other; install tf-translate in an environment of its own"
        )


def _find_exporters() -> Path | None:
    """Returns the file of `exporters`; None if there is no package, or a folder without code."""
    module = sys.modules.get("exporters")
    if module is not None:
        file = getattr(module, "__file__", None)
    else:
        spec = find_spec("exporters")
        file = spec.origin if spec is not None else None
    return Path(file).resolve() if file else None


def _other_distribution() -> str | None:
    """Returns name and version of another distribution with files in the folder `exporters`."""
    for record in sorted(_ROOT.glob("*.dist-info/RECORD")):
        files = b"\n" + record.read_bytes()
        if b"\nexporters/" in files and b"\ntf_translate/" not in files:
            return record.parent.name.removesuffix(".dist-info").replace("-", " ")
    return None
