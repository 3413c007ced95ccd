"""Removes the files that TensorFlow's AutoGraph leaves in the folder for temporary files.

AutoGraph writes a module of source for each function that it converts and removes it at the end,
but not what Python has compiled from it, in `__pycache__` beside it.
"""

import atexit
import contextlib
import functools
import sys
from pathlib import Path

_PREFIX = "__autograph_generated_file"


@functools.cache
def remove_compiled_files_at_exit() -> None:
    """Registers the removal, once in a process."""
    atexit.register(remove_compiled_files)


def remove_compiled_files() -> None:
    """Removes the compiled files of this process, and their folder if it is empty then."""
    for name, module in list(sys.modules.items()):
        spec = getattr(module, "__spec__", None)
        if not name.startswith(_PREFIX) or spec is None or spec.cached is None:
            continue
        compiled = Path(spec.cached)
        with contextlib.suppress(OSError):
            compiled.unlink()
        with contextlib.suppress(OSError):  # others may have files there
            compiled.parent.rmdir()
