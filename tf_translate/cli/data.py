"""`tf-translate data`: which images there are."""

import typer
from rich.table import Table

from tf_translate.cli.show import people

app = typer.Typer(help="The sample data sets.", no_args_is_help=True)


@app.command("list")
def list_samples() -> None:
    """List the sample data sets, by the name that data.path takes."""
    from tf_translate.data.samples import sample_tables

    table = Table("data.path", "train", "validation", "test")
    for name, counts in sample_tables().items():
        table.add_row(f"samples:{name}", *(str(counts[s]) for s in ("train", "validation", "test")))
    people().print(table)
