"""`tf-translate methods`: lists the available methods."""

from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

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
    table = Table("method", "what it needs, trains and exports")
    for row in rows:
        lines = [
            f"{row['title']}: {row['data']} ({row['layout']})",
            f"players: {', '.join(row['players'])}",
            f"content losses: {', '.join(row['content'])}",
            f"domain losses: {', '.join(row['domain'])}",
            f"signatures: {', '.join(row['signatures'])}",
        ]
        table.add_row(row["name"], Text("\n".join(lines)), end_section=True)
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
        "data": entry.data,
        "players": [player.name for player in translator.players],
        "signatures": list(translator.deploys),
        **by_role,
    }
