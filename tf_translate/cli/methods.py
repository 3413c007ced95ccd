"""`tf-translate methods`: lists the available methods."""

from typing import Annotated

import typer
from rich.table import Table

from tf_translate.cli.output import JSON_HELP, load_tensorflow, message_console, print_json

NAME = "methods"


def main(
    as_json: Annotated[bool, typer.Option("--json", help=JSON_HELP)] = False,
) -> None:
    """List all methods with their data layout, players, losses and signatures."""
    load_tensorflow()
    from tf_translate.methods.registry import all_methods

    rows = [_row(entry) for entry in all_methods().values()]
    if as_json:
        print_json({"methods": rows})
        return
    table = Table("method", "layout", "players", "content losses", "domain losses", "signatures")
    for row in rows:
        table.add_row(
            row["name"],
            row["layout"],
            ", ".join(row["players"]),
            ", ".join(row["content"]),
            ", ".join(row["domain"]),
            ", ".join(row["signatures"]),
        )
    message_console().print(table)


def _row(entry) -> dict:
    translator = entry.translator
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
