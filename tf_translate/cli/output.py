"""Output of all commands: JSON on stdout, messages on a console without control characters."""

import contextlib
import enum
import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

from rich import box
from rich.console import Console
from rich.progress import Progress
from rich.table import Column, Table
from rich.text import Text


class Verbosity(enum.Enum):
    """How much commands print besides results and warnings."""

    QUIET = "quiet"
    """Nothing."""
    NORMAL = "normal"
    """Their progress."""
    VERBOSE = "verbose"
    """Also TensorFlow's log, and the traceback of an error that has a sentence of its own."""


JSON_HELP = "Print one JSON object, and nothing else, on stdout."


_LOG_SECONDS = 60.0  # between two lines of progress where there is no terminal
_verbosity = Verbosity.NORMAL


def set_verbosity(verbosity: Verbosity) -> None:
    """Sets how much the command prints; call it before TensorFlow is loaded."""
    global _verbosity  # one command runs in a process
    _verbosity = verbosity
    if verbosity is Verbosity.VERBOSE:
        os.environ["TF_CPP_MIN_LOG_LEVEL"] = "0"


def is_verbose() -> bool:
    """Whether `--verbose` was given."""
    return _verbosity is Verbosity.VERBOSE


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


def progress_console(json_on_stdout: bool = False) -> Console:
    """Like `message_console`, but for progress, which `--quiet` hides."""
    console = message_console(json_on_stdout)
    console.quiet = _verbosity is Verbosity.QUIET
    return console


@contextlib.contextmanager
def counted_progress(name: str) -> Iterator[Callable[[int, int | None], None]]:
    """Shows on stderr how many of a number of things are done, unless `--quiet` hides it.

    In a terminal it is a bar, which disappears; elsewhere a line a minute.

    Yields:
        A function to call with (done, total); the total may be unknown, None.
    """
    console = progress_console(json_on_stdout=True)
    if not console.is_terminal:
        last = time.monotonic()

        def log(done: int, total: int | None) -> None:
            nonlocal last
            if time.monotonic() - last >= _LOG_SECONDS:
                last = time.monotonic()
                of = f" of {total:,}" if total else ""
                console.print(f"{name}: {done:,}{of}", soft_wrap=True)

        yield log
        return
    with Progress(console=console, transient=True) as bar:
        task = bar.add_task(name, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


def wrapping_table(*headers: str | Text, names: int = 1) -> Table:
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
    """Prints on stderr what was found in a folder or split, unless `--quiet` was given."""
    progress_console(json_on_stdout=True).print(line, soft_wrap=True)


def print_notice(line: str) -> None:
    """Prints on stderr what went otherwise than expected."""
    message_console(json_on_stdout=True).print(line, soft_wrap=True)


@contextlib.contextmanager
def quiet_import() -> Iterator[None]:
    """Hides what TensorFlow's libraries print on stderr while they load; not with `--verbose`."""
    if is_verbose():
        yield
        return
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
