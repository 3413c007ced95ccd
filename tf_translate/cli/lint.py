"""`tf-translate lint`: what of a bundle will not run fast, or right, on a device."""

from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from tf_translate.cli.output import JSON_HELP, message_console, print_json

NAME = "lint"


def main(
    bundle: Annotated[Path, typer.Argument(help="A bundle made by `export`.")],
    as_json: Annotated[bool, typer.Option("--json", help=JSON_HELP)] = False,
) -> None:
    """Say which layers keep a bundle off the fast path of phones and browsers, and the suggestion.

    Operations against what XNNPACK, the GPU delegate and LiteRT.js run; shapes, ranks and custom
    operations; activations of the golden cases against float16's 65504; and the share of
    multiply-adds that stays on the fast path. Exit 1 when something does not run or runs wrong.

    Examples:

      tf-translate lint bundles/emoji

      tf-translate lint bundles/emoji --json | python -m json.tool
    """
    import exporters

    report = exporters.lint(bundle)
    if as_json:
        print_json(report.as_dict())
    else:
        _show(report)
    raise typer.Exit(0 if report.passed else 1)


def _show(report) -> None:
    console = message_console()
    table = Table("recipe", "signature", "device", "M multiply-adds", "fast path", "operations")
    for share in report.shares:
        table.add_row(
            share.artifact,
            share.signature,
            share.target,
            f"{share.multiply_adds / 1e6:.1f}",
            f"{share.on_path:.1%}",
            f"{share.operations_on_path} of {share.operations}",
        )
    console.print(table)
    for finding in report.findings:
        console.print(f"{finding.severity}: {finding.sentence()}", soft_wrap=True)
    console.print("no finding is an error" if report.passed else "some findings are errors")
