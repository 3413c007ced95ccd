"""`tf-translate verify`: does the bundle still do what training did?"""

from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from tf_translate.cli.show import JSON_HELP, load_tensorflow, people, print_json

NAME = "verify"


def main(
    bundle: Annotated[Path, typer.Argument(help="A bundle made by `export`.")],
    as_json: Annotated[bool, typer.Option("--json", help=JSON_HELP)] = False,
) -> None:
    """Check every file's hash and replay the golden inputs; exit 1 when anything is off."""
    load_tensorflow()
    import exporters

    verification = exporters.verify(bundle)
    if as_json:
        print_json(verification.as_dict())
    else:
        _show(verification)
    raise typer.Exit(0 if verification.passed else 1)


def _show(verification) -> None:
    console = people()
    table = Table("artifact", "signature", "output", "max", "mean", "PSNR dB", "")
    for check in verification.outputs:
        table.add_row(
            check.artifact,
            check.signature,
            check.output,
            f"{check.max_abs:.2g}",
            f"{check.mean_abs:.2g}",
            f"{check.psnr:.1f}",
            "ok" if check.passed else "fails",
        )
    console.print(table)
    for failure in verification.failures:
        console.print(f"fails: {failure}")
    console.print("verified" if verification.passed else "not verified")
