"""`tf-translate methods`: what there is."""

from typing import Annotated

import typer
from rich.table import Table

from tf_translate.cli.output import JSON_HELP, load_tensorflow, people, print_json

NAME = "methods"


def main(
    as_json: Annotated[bool, typer.Option("--json", help=JSON_HELP)] = False,
) -> None:
    """List all methods with their layout of data, players and signatures."""
    load_tensorflow()
    from tf_translate.methods.registry import METHODS

    rows = [_row(entry) for entry in METHODS.values()]
    if as_json:
        print_json({"methods": rows})
        return
    table = Table("method", "layout", "players", "content by", "domain by", "deploys")
    for row in rows:
        table.add_row(
            row["name"],
            row["layout"],
            ", ".join(row["players"]),
            ", ".join(row["content"]),
            ", ".join(row["domain"]),
            ", ".join(row["signatures"]),
        )
    people().print(table)


def _row(entry) -> dict:
    translator, _ = entry.load()
    by_role: dict[str, list[str]] = {"content": [], "domain": [], "regularization": []}
    for term in translator.terms:
        by_role[term.role.value].append(term.name)
    return {
        "name": entry.name,
        "title": entry.title,
        "layout": translator.layout,
        "players": [player.name for player in translator.players],
        "signatures": list(translator.deploys),
        **by_role,
    }
