"""What commands share: JSON on stdout, words for people on stderr, a quiet TensorFlow."""

import contextlib
import json
import os
import sys
from collections.abc import Iterator

from rich.console import Console

JSON_HELP = "Print one JSON object on stdout and nothing else there."


def print_json(value: object) -> None:
    """Prints one JSON object on stdout."""
    sys.stdout.write(json.dumps(value, indent=2, allow_nan=False) + "\n")


def people(json_wanted: bool = False) -> Console:
    """The console for words: stdout, or stderr when stdout belongs to JSON."""
    return Console(stderr=json_wanted, highlight=False, markup=False)


@contextlib.contextmanager
def quiet_import() -> Iterator[None]:
    """Hides what TensorFlow's libraries print on stderr while they are loaded."""
    sys.stderr.flush()
    kept = os.dup(2)
    with open(os.devnull, "w") as nothing:
        os.dup2(nothing.fileno(), 2)
        try:
            yield
        finally:
            os.dup2(kept, 2)
            os.close(kept)


def load_tensorflow() -> None:
    """Imports TensorFlow without its start-up messages."""
    with quiet_import():
        import tensorflow  # noqa: F401
