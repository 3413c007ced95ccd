"""Output of all commands: JSON on stdout, messages on a console without control characters."""

import contextlib
import json
import os
import sys
from collections.abc import Iterator
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Column, Table
from rich.text import Text

JSON_HELP = "Print one JSON object, and nothing else, on stdout."


def print_json(value: object) -> None:
    """Prints one JSON object on stdout."""
    sys.stdout.write(json.dumps(value, indent=2, allow_nan=False) + "\n")


class PlainTextConsole(Console):
    """Prints text without control characters, so that names from foreign files stay names.

    A forged path could otherwise add lines of its own, or move the cursor. In every text and cell
    of a table such characters, line ends among them, are printed as escapes. A `rich.text.Text`
    is printed as it is: text of our own that has lines.
    """

    def render_str(self, text: str, **options: Any) -> Text:  # type: ignore[override]
        """Called by rich for every text that it prints."""
        from tf_translate.image_files import printable

        return super().render_str(printable(text), **options)


def message_console(json_on_stdout: bool = False) -> Console:
    """The console for messages: stdout, or stderr if stdout is reserved for JSON."""
    return PlainTextConsole(stderr=json_on_stdout, highlight=False, markup=False)


def wrapping_table(*headers: str, names: int = 1) -> Table:
    """A table that fits a terminal of 80 columns without cutting words.

    Args:
        *headers: Titles of the columns.
        names: Number of columns, from the first, that wrap. The values of the others stay whole.
    """
    columns = [
        Column(header, overflow="fold", no_wrap=index >= names)
        for index, header in enumerate(headers)
    ]
    return Table(*columns, box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False)


def print_found(line: str) -> None:
    """Prints on stderr what was found in a folder or split."""
    message_console(json_on_stdout=True).print(line, soft_wrap=True)


@contextlib.contextmanager
def quiet_import() -> Iterator[None]:
    """Hides the messages that TensorFlow's libraries print on stderr while they load."""
    sys.stderr.flush()
    original_stderr = os.dup(2)
    with open(os.devnull, "w") as null:
        os.dup2(null.fileno(), 2)
        try:
            yield
        finally:
            os.dup2(original_stderr, 2)
            os.close(original_stderr)


def load_tensorflow() -> None:
    """Imports TensorFlow without its start-up messages."""
    with quiet_import():
        import tensorflow  # noqa: F401
