"""`tf-translate benchmark`: how fast a bundle is here."""

from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from tf_translate.cli.show import JSON_HELP, people, print_json

NAME = "benchmark"


def main(
    bundle: Annotated[Path, typer.Argument(help="A bundle made by `export`.")],
    threads: Annotated[int, typer.Option(help="Processor threads.")] = 1,
    runs: Annotated[int, typer.Option(help="Timed calls after the first.")] = 20,
    as_json: Annotated[bool, typer.Option("--json", help=JSON_HELP)] = False,
) -> None:
    """Time every .tflite file of a bundle on this machine."""
    import exporters

    timings = [t.as_dict() for t in exporters.benchmark(bundle, threads=threads, runs=runs)]
    if as_json:
        print_json({"timings": timings})
        return
    table = Table("recipe", "signature", "median ms", "p90 ms", "first ms", "MB")
    for row in timings:
        table.add_row(
            row["recipe"],
            row["signature"],
            *(f"{row[name]:.2f}" for name in ("median_ms", "p90_ms", "first_ms")),
            f"{row['size_bytes'] / 1e6:.2f}",
        )
    people().print(table)
