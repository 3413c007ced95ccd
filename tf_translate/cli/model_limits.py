"""Options of the commands that run models of a bundle, in child processes with limits."""

from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:  # loading exporters would slow every command down
    from exporters import Limits

TimeLimit = Annotated[
    float,
    typer.Option(
        metavar="SECONDS",
        help="Time that loading a model, and each call of it, may take in its child process.",
    ),
]
MemoryLimit = Annotated[
    float,
    typer.Option(
        metavar="GB", help="Memory that a model may take in its child process; Linux only."
    ),
]
DEFAULT_TIME_LIMIT = 120.0
DEFAULT_MEMORY_LIMIT = 4.0


def make_limits(seconds: float, memory_gb: float) -> "Limits":
    """The limits for a child process.

    Raises:
        ConfigError: If one of them is not above 0.
    """
    from exporters import Limits
    from tf_translate.errors import ConfigError

    for option, value in (("--time-limit", seconds), ("--memory-limit", memory_gb)):
        if not 0 < value < float("inf"):
            raise ConfigError(f"{option} must be a number above 0, got {value:g}")
    return Limits(seconds=seconds, memory_gb=memory_gb)
