"""The command `tf-translate`: its subcommands, and how errors are reported."""

import logging
import os
import sys
import traceback
import warnings
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.text import Text

from tf_translate.cli import (
    advise,
    android,
    benchmark,
    compare,
    data,
    describe,
    distill,
    doctor,
    evaluate,
    export,
    launch,
    lint,
    methods,
    pretrained,
    serve,
    settings,
    train,
    train_identity_embedder,
    translate,
    verify,
    zoo,
)
from tf_translate.cli.autograph_files import remove_compiled_files_at_exit
from tf_translate.cli.output import Verbosity, is_verbose, message_console, set_verbosity
from tf_translate.cli.versions import versions
from tf_translate.errors import (
    ConfigError,
    InstallationError,
    TranslateError,
    WorkerLostError,
)
from tf_translate.exporters_package import check_exporters

app = typer.Typer(
    name="tf-translate",
    help="Translate images between domains with GANs: train, evaluate, and export verified "
    "models.\n\n"
    "The workflow: train -> evaluate -> export -> verify -> translate. Each command takes one "
    "directory, and adds to it or creates the next one.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
)


def _print_versions(wanted: bool) -> None:
    if wanted:
        for name, installed in versions().items():
            print(f"{name} {installed}")
        raise typer.Exit


@app.callback()
def main(
    files: Annotated[
        list[Path] | None,
        typer.Option(
            "--import",
            metavar="FILE.py",
            help="Import a Python file that registers a method of yours; may be repeated. "
            "It is run as your code.",
        ),
    ] = None,
    quiet: Annotated[
        bool, typer.Option("--quiet", help="Print results and warnings only, and no progress.")
    ] = False,
    verbose: Annotated[
        bool,
        typer.Option(
            "--verbose", help="Print TensorFlow's log too, and the traceback of every error."
        ),
    ] = False,
    version: Annotated[
        bool,
        typer.Option(
            "--version",
            help="Print the versions of tf_translate, TensorFlow, Keras and LiteRT.",
            callback=_print_versions,
            is_eager=True,
        ),
    ] = False,
) -> None:
    """Takes the options of all commands, as in `tf-translate --import cut.py train cut`."""
    if quiet and verbose:
        raise ConfigError("--quiet and --verbose exclude each other; give one of them")
    set_verbosity(Verbosity.QUIET if quiet else Verbosity.VERBOSE if verbose else Verbosity.NORMAL)
    if files:
        from tf_translate.cli.output import load_tensorflow
        from tf_translate.config.import_file import import_file

        load_tensorflow()
        for file in files:
            import_file(file)


COMMANDS = (
    *(advise, methods, describe, settings, train, distill, evaluate, export, verify),
    *(lint, translate, serve, benchmark, android, pretrained, train_identity_embedder, doctor),
)
for command in COMMANDS:
    app.command(command.NAME)(command.main)
app.command(launch.NAME, context_settings=launch.CONTEXT_SETTINGS)(launch.main)
app.add_typer(compare.app, name="compare")
app.add_typer(data.app, name="data")
app.add_typer(zoo.app, name="zoo")


def run() -> None:
    """Runs the command; a user's mistake prints one sentence and exits with code 2."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    # Pillow prints its own words on damaged images; ours say what happened, in one sentence.
    warnings.filterwarnings("ignore", module="PIL")
    logging.getLogger("PIL").addHandler(logging.NullHandler())
    remove_compiled_files_at_exit()
    stderr = message_console(json_on_stdout=True)
    warnings.showwarning = lambda message, *_: _print_warning(stderr, str(message))
    try:
        check_exporters()
        app()
    except SystemExit:
        raise
    except InstallationError as error:  # before `_expected_errors`, which imports exporters
        _print_error(stderr, str(error))
        _exit(2)
    except OSError as error:  # a full disk, a read-only folder, a file that vanished
        _print_traceback()
        reason = error.strerror or error
        _print_error(stderr, f"{reason}: {error.filename or 'while reading or writing'}")
        _exit(2)
    except _expected_errors() as error:
        _print_traceback()
        if isinstance(error, TranslateError) and error.explanation:
            _print_error(stderr, f"{error.message};")
            stderr.print(Text(error.explanation), soft_wrap=True)  # our own words, with lines
        else:
            _print_error(stderr, str(error))
        _exit(_exit_code(error))


def _expected_errors() -> tuple[type[Exception], ...]:
    """Errors that are reported in one sentence.

    Loads exporters only when an error occurs, because the import takes time.
    """
    from exporters.errors import ExportError

    return TranslateError, ExportError


def _print_traceback() -> None:
    if is_verbose():
        traceback.print_exc()


def _exit_code(error: Exception) -> int:
    """1 if what was asked for failed, such as a refused model; 2 for a mistake of the user."""
    from exporters.errors import ModelError

    return 1 if isinstance(error, WorkerLostError | ModelError) else 2


def _exit(code: int) -> None:
    """Exits; among several workers at once, because TensorFlow would wait for the others."""
    if os.environ.get("TF_CONFIG") or int(os.environ.get("SLURM_STEP_NUM_TASKS", 1)) > 1:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
    sys.exit(code)


def _print_warning(console: Console, message: str) -> None:
    console.print("warning:", style="bold yellow", end=" ")
    console.print(message, soft_wrap=True)


def _print_error(console: Console, message: str) -> None:
    console.print("error:", style="bold red", end=" ")
    console.print(message, soft_wrap=True)
