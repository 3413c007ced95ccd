"""`tf-translate lint`: predicts what in a bundle will not run fast, or correctly, on devices."""

from pathlib import Path
from typing import Annotated

import typer

from tf_translate.cli.model_limits import (
    DEFAULT_MEMORY_LIMIT,
    DEFAULT_TIME_LIMIT,
    MemoryLimit,
    TimeLimit,
    make_limits,
)
from tf_translate.cli.output import JSON_HELP, message_console, print_json, wrapping_table

NAME = "lint"


def main(
    bundle: Annotated[Path, typer.Argument(help="A bundle made by `export`.")],
    time_limit: TimeLimit = DEFAULT_TIME_LIMIT,
    memory_limit: MemoryLimit = DEFAULT_MEMORY_LIMIT,
    as_json: Annotated[bool, typer.Option("--json", help=JSON_HELP)] = False,
) -> None:
    """Name the layers that keep a bundle off the fast path of phones and browsers, with fixes.

    Checks operations, shapes and ranks against XNNPACK, the GPU delegate and LiteRT.js, and
    activations of the golden cases against float16's maximum of 65504. Shows the fraction of
    multiply-adds on the fast path. Findings of a kind share a line; --json lists each.
    Exit 1 if something does not run or its results are wrong. The model is read and run in a
    child process with limits of time and memory.

    Examples:

      tf-translate lint bundles/emoji

      tf-translate lint bundles/emoji --json | python -m json.tool
    """
    import exporters

    report = exporters.lint(bundle, limits=make_limits(time_limit, memory_limit))
    if as_json:
        print_json(report.as_dict())
    else:
        _show(report)
    raise typer.Exit(0 if report.passed else 1)


def _show(report) -> None:
    console = message_console()
    table = wrapping_table(
        "recipe", "signature", "device", "M multiply-adds", "fast path", "operations"
    )
    for coverage in report.coverage:
        table.add_row(
            coverage.artifact,
            coverage.signature,
            coverage.target,
            f"{coverage.multiply_adds / 1e6:.1f}",
            f"{coverage.fast_fraction:.1%}",
            f"{coverage.fast_operations} of {coverage.operations}",
        )
    console.print(table)
    for severity, sentence in report.sentences():
        console.print(f"{severity}: {sentence}", soft_wrap=True)
    console.print("no finding is an error" if report.passed else "some findings are errors")
