"""`tf-translate describe METHOD`: departures, networks and losses at the paper's size."""

from typing import Annotated, Any

import typer
from rich.table import Table
from rich.text import Text

from tf_translate.cli.output import (
    JSON_HELP,
    load_tensorflow,
    message_console,
    print_json,
    wrapping_table,
)

NAME = "describe"


def main(
    method: Annotated[str, typer.Argument(help="For example cyclegan; see `methods`.")],
    as_json: Annotated[bool, typer.Option("--json", help=JSON_HELP)] = False,
) -> None:
    """Show a method's departures from its paper, networks and loss terms."""
    load_tensorflow()
    metadata = describe(method)
    if as_json:
        print_json(metadata)
        return
    console = message_console()
    console.print(f"{metadata['title']} ({metadata['layout']} data)")
    console.print(Text(f"{metadata['description']}\n"))
    if metadata["departures"]:
        departures = Table.grid(padding=(0, 1))
        for departure in metadata["departures"]:
            departures.add_row(" -", departure)
        console.print("Departures from the paper or its code:", departures, "")
    networks = wrapping_table("network", "parameters", "input", "output", names=4)
    for name, network in metadata["networks"].items():
        shapes = (str(network["input_shape"]), str(network["output_shape"]))
        networks.add_row(name, f"{network['parameters'] / 1e6:.3f} M", *shapes)
    terms = wrapping_table("loss term", "weight", "source", names=3)
    for term in metadata["loss_terms"]:
        terms.add_row(term["label"], str(term["weight"]), term["source"])
    console.print("Networks at the paper's size:", networks, terms)
    console.print(f"What each setting does: tf-translate settings {metadata['method']}")


def describe(method: str) -> dict[str, Any]:
    """Describes a method at the image size of its paper, as JSON values.

    Raises:
        UnknownMethodError: If there is no such method.
    """
    from tf_translate.core.departures import split_departures
    from tf_translate.experiment.build import paper_model
    from tf_translate.methods.registry import find

    entry = find(method)
    model = paper_model(method)
    description, departures = split_departures(type(model).__doc__)
    networks = {name: getattr(model, name) for name in model.network_names}
    return {
        "method": entry.name,
        "title": entry.title,
        "layout": model.layout,
        "description": description,
        "departures": departures,
        "networks": {name: _network(network) for name, network in networks.items()},
        "loss_terms": [_loss_term(term) for term in model.weighted_terms],
        "players": [
            {"name": player.name, "networks": list(player.networks), "turns": player.turns}
            for player in model.players
        ],
        "signatures": {
            name: {"inference_behavior": dict(signature.inference_behavior)}
            for name, signature in model.signatures().items()
        },
        "settings": {
            name: {"default": _plain(field.default), "description": field.description or ""}
            for name, field in entry.settings.model_fields.items()
        },
    }


def _network(network) -> dict[str, Any]:
    return {
        "parameters": sum(variable.value.shape.num_elements() for variable in _trainable(network)),
        "input_shape": _shape(network.input_shape),
        "output_shape": _shape(network.output_shape),
    }


def _trainable(network):
    return network.trainable_variables


def _shape(shape) -> list:
    return [_shape(part) for part in shape] if isinstance(shape, list) else list(shape[1:])


def _loss_term(term) -> dict[str, Any]:
    weight = term.weight if isinstance(term.weight, int | float) else type(term.weight).__name__
    return {
        "name": term.name,
        "role": term.role.value,
        "label": term.log_name,
        "weight": weight,
        "source": term.source,
    }


def _plain(value: Any) -> Any:
    return value.model_dump() if hasattr(value, "model_dump") else value
