"""`tf-translate verify`: does the bundle still do what training did?"""

from pathlib import Path
from typing import Annotated

import typer

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
        people().print(verification.table())
    raise typer.Exit(0 if verification.passed else 1)
