"""`tf-translate evaluate`: content and domain metrics of a run, and a page with images."""

from pathlib import Path
from typing import Annotated

import typer

from tf_translate.cli.output import JSON_HELP, load_tensorflow, people, print_json

NAME = "evaluate"


def main(
    run: Annotated[Path, typer.Argument(help="A trained run.")],
    features: Annotated[
        list[str] | None,
        typer.Option(help="Measure by a pretrained network too: lite0, face128 or a .keras file."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help=JSON_HELP)] = False,
) -> None:
    """Measure what kept its content and what reached the domain, on held-out images."""
    load_tensorflow()
    from tf_translate.experiment.evaluate import evaluate
    from tf_translate.experiment.load_run import load_trained

    console = people(as_json)
    results, page = evaluate(load_trained(run), console, features=features or None)
    if as_json:
        print_json(results)
    console.print(f"metrics and images: {page}")
