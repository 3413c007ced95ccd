"""`tf-translate advise`: which methods fit what a user has, ranked only where results decide."""

from pathlib import Path
from typing import Annotated

import typer

from tf_translate.cli.output import JSON_HELP, load_tensorflow, message_console, print_json

NAME = "advise"


def main(
    data: Annotated[
        list[str] | None,
        typer.Option(
            metavar="PATH",
            help="Look at a data set, as data.path: a folder, a table, samples:NAME or tfds:NAME.",
        ),
    ] = None,
    attribute: Annotated[
        str | None,
        typer.Option(metavar="COLUMN", help="With --data, a table: the column to change."),
    ] = None,
    pairs: Annotated[
        bool | None,
        typer.Option("--pairs/--no-pairs", help="Each image has its true counterpart."),
    ] = None,
    sets: Annotated[
        int | None, typer.Option(metavar="1|2", help="Number of sets of images.")
    ] = None,
    attributes: Annotated[
        bool | None,
        typer.Option("--attributes/--no-attributes", help="An attribute of each image is known."),
    ] = None,
    levels: Annotated[
        bool | None,
        typer.Option(
            "--levels/--no-levels", help="Values of the attribute are ordered, such as ages."
        ),
    ] = None,
    with_object: Annotated[
        bool | None,
        typer.Option(
            "--object/--no-object",
            help="Images of one set show an object that those of the other lack.",
        ),
    ] = None,
    labels: Annotated[
        str | None,
        typer.Option(
            metavar="none|a|both",
            help="Whose images have class labels: a, the inputs, or both, of the same classes.",
        ),
    ] = None,
    images: Annotated[
        int | None,
        typer.Option(help="Number of images to learn from: pairs, or the smaller of two sets."),
    ] = None,
    keep_identity: Annotated[
        bool,
        typer.Option(
            "--keep-identity",
            help="Leave methods out whose outputs were measured to be nearer to other inputs.",
        ),
    ] = False,
    max_megabytes: Annotated[
        float | None, typer.Option(help="Largest file on the device, in MB.")
    ] = None,
    max_milliseconds: Annotated[
        float | None, typer.Option(help="Longest time of a translation on the device.")
    ] = None,
    results: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE|FOLDER",
            help="Results of your own: a folder of `compare run`, or a file of `compare collect`.",
        ),
    ] = None,
    task: Annotated[
        str | None,
        typer.Option(help="The task whose results count; default: the one most like your data."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help=JSON_HELP)] = False,
) -> None:
    """Name the methods that fit your data, in the order that measured results support.

    For each method it says how it keeps the content, how it reaches the domain, and the metrics of
    a comparison. A method with three seeds gets all ranks that the results allow: one is above
    another only if their intervals do not overlap. Nothing is asked; what is assumed is printed.

    Examples:

      tf-translate advise --data my/folder

      tf-translate advise --sets 2 --images 400 --max-megabytes 5

      tf-translate advise --data people.csv --attribute glasses --keep-identity

      tf-translate advise --pairs --results runs/compare/paired
    """
    load_tensorflow()
    from tf_translate.cli.advise_text import print_advice
    from tf_translate.errors import ConfigError
    from tf_translate.experiment.advise.advice import advise
    from tf_translate.experiment.advise.fit import limits
    from tf_translate.experiment.advise.inspect_data import inspect
    from tf_translate.experiment.advise.published import published
    from tf_translate.experiment.advise.results import read_summary, shipped_summary
    from tf_translate.experiment.advise.user_data import Given, check, decide
    from tf_translate.methods.registry import all_methods

    if data is not None and len(data) > 1:
        raise ConfigError(
            f"--data must be one data set, got {' and '.join(data)}; put two sets into one folder, "
            "as trainA and trainB"
        )
    path = data[0] if data else None
    given = Given(pairs, sets, attributes, levels, with_object, labels, images)
    check(given, attribute=attribute, data=path)
    budget = limits(max_megabytes, max_milliseconds)
    found = None if path is None else inspect(path, attribute=attribute, pairs=pairs)
    user_data = decide(given, found)
    summary = shipped_summary() if results is None else read_summary(results)
    advice = advise(
        user_data,
        all_methods(),
        published(),
        found=found,
        summary=summary,
        limits=budget,
        keep_identity=keep_identity,
        task=task,
    )
    if as_json:
        print_json(advice)
    else:
        print_advice(advice, message_console())
