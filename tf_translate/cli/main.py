"""The command `tf-translate`: its commands, and how errors reach the user."""

import os
import sys

import typer
from rich.console import Console

from tf_translate.cli import (
    benchmark,
    data,
    describe,
    evaluate,
    export,
    lint,
    methods,
    pretrained,
    serve,
    train,
    translate,
    verify,
)
from tf_translate.errors import TranslateError, WorkerLostError

app = typer.Typer(
    name="tf-translate",
    help="Translate images between domains with GANs, measure it, ship it verified.\n\n"
    "The road: train -> evaluate -> export -> verify -> translate. Each command takes one "
    "directory and adds to it or makes the next.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
)
COMMANDS = (
    *(methods, describe, train, evaluate, export, verify),
    *(lint, translate, serve, benchmark, pretrained),
)
for command in COMMANDS:
    app.command(command.NAME)(command.main)
app.add_typer(data.app, name="data")


def run() -> None:
    """Runs the command; a user's mistake ends in one sentence and exit code 2."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    errors = Console(stderr=True)
    try:
        app()
    except SystemExit:
        raise
    except OSError as error:  # a full disk, a read-only folder, a file that vanished
        _show(errors, f"{error.strerror or error}: {error.filename or 'while reading or writing'}")
        _end(2)
    except _expected() as error:
        _show(errors, str(error))
        _end(1 if isinstance(error, WorkerLostError) else 2)


def _expected() -> tuple[type[Exception], ...]:
    """Errors that are told in a sentence; loading exporters takes time that training need not."""
    from exporters.errors import ExportError

    return TranslateError, ExportError


def _end(code: int) -> None:
    """Ends; among several workers at once, as TensorFlow would first wait for the others."""
    if os.environ.get("TF_CONFIG") or int(os.environ.get("SLURM_STEP_NUM_TASKS", 1)) > 1:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
    sys.exit(code)


def _show(console: Console, sentence: str) -> None:
    console.print("error:", style="bold red", end=" ")
    console.print(sentence, soft_wrap=True, highlight=False, markup=False)
