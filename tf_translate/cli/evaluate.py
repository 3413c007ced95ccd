"""`tf-translate evaluate`: content and domain metrics of a run, and a page with images."""

from pathlib import Path
from typing import Annotated

import typer

from tf_translate.cli.evaluation_tables import print_metrics
from tf_translate.cli.output import (
    JSON_HELP,
    load_tensorflow,
    message_console,
    print_json,
    progress_console,
)

NAME = "evaluate"


def main(
    run: Annotated[Path, typer.Argument(help="A trained run.")],
    pretrained: Annotated[
        list[str] | None,
        typer.Option(
            "--pretrained",
            "--features",
            help="Add KID, FID and cosine similarity by features of a pretrained network: "
            "efficientnet_lite0, dlib_face, inception_v3 or a .keras file. Repeatable.",
        ),
    ] = None,
    direction: Annotated[
        list[str] | None,
        typer.Option(
            help="Measure this direction only, such as a_to_b or add_glasses; the report then has "
            "no other. Repeatable.",
        ),
    ] = None,
    set_: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="data.path=NEW", help="The data set, if it was moved."),
    ] = None,
    accept_data_changes: Annotated[
        bool,
        typer.Option(
            "--accept-data-changes",
            help="Evaluate on the images as they are, even if they are not those of training. The "
            "report says what changed.",
        ),
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help=JSON_HELP)] = False,
) -> None:
    """Measure how well a run preserves content and reaches the domain, on held-out images."""
    load_tensorflow()
    from tf_translate.experiment.dataset import report_found
    from tf_translate.experiment.evaluate import evaluate
    from tf_translate.experiment.load_run import load_run

    progress = progress_console(as_json)
    trained = load_run(run, set_ or [], accept_data_changes=accept_data_changes)
    report_found(trained.data, quiet=progress.quiet)
    results, page = evaluate(
        trained, progress, pretrained=pretrained or None, names=direction or ()
    )
    if as_json:
        print_json(results)
    else:
        print_metrics(results, message_console())
    message_console(as_json).print(f"metrics and images: {page}")
