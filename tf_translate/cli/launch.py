"""`tf-translate launch`: runs a command in several workers on this host."""

import sys
from typing import Annotated

import typer

NAME = "launch"
# Options end at the first argument: what follows belongs to the command of the workers.
CONTEXT_SETTINGS = {"allow_interspersed_args": False}

# `tf-translate` of this interpreter, wherever its scripts are installed. Like the command itself,
# it does not search the current folder (`-P`), where `exporters` may be something else.
_TF_TRANSLATE = (sys.executable, "-P", "-c", "from tf_translate.cli.main import run; run()")


def main(
    command: Annotated[
        list[str],
        typer.Argument(
            metavar="-- COMMAND", help="A command of tf-translate with its options, after --."
        ),
    ],
    workers: Annotated[int, typer.Option(help="Number of processes to start.")] = 2,
) -> None:
    """Train with several worker processes on this host.

    The workers find each other by TF_CONFIG, on free ports of 127.0.0.1. Their lines start with
    [0], [1] and so on. Ctrl-C and SIGTERM are forwarded to all workers. The exit code is 0 if all
    of them succeed, else that of the first that failed. For workers on several hosts, start the
    command on each of them with TF_CONFIG or by Slurm.

    Example:

      tf-translate launch --workers 2 -- train pix2pix --run runs/two --set training.batch_size=2
    """
    from tf_translate.training.launch_workers import launch_workers

    raise typer.Exit(launch_workers([*_TF_TRANSLATE, *command], workers))
