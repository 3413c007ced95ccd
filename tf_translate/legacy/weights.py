"""The file's numbers, put into a network that was made anew."""

import re
from collections.abc import Iterator

import h5py

from tf_translate.errors import DataError
from tf_translate.layers.instance_norm import InstanceNormalization
from tf_translate.legacy.network import Piece
from tf_translate.legacy.saved import Saved, numbers


def fill(piece: Piece, saved: Saved) -> None:
    """Assigns all weights of a network.

    Raises:
        DataError: If there are more or fewer in the file, or of other shapes.
    """
    if saved.root:
        _fill_nested(piece, saved.weights, saved.root)
    else:
        _fill_flat(piece, saved.weights)


def _fill_flat(network: Piece, weights: h5py.Group) -> None:
    """H5: a list for each of the outermost layers, what trains in it first, then the rest."""
    for piece in network.pieces or ():
        name = piece.entry["config"]["name"]
        slots = [slot for leaf in _leaves(piece) for slot in _slots(leaf)]
        ordered = [v for v, trains in slots if trains] + [v for v, trains in slots if not trains]
        names = _weight_names(weights[name])
        _assign(piece, ordered, weights, [f"{name}/{one}" for one in names])


def _fill_nested(network: Piece, weights: h5py.Group, folder: str) -> None:
    """`.keras`: folders in folders, named by the layers' classes and counted."""
    used: dict[str, int] = {}
    for piece in network.pieces or ():
        kind = _snake(piece.entry["class_name"].split(">")[-1])  # without a package's name
        count = used[kind] = used.get(kind, -1) + 1
        place = f"{folder}/{kind}_{count}" if count else f"{folder}/{kind}"
        if piece.pieces is not None:
            _fill_nested(piece, weights, f"{place}/{folder.split('/')[0]}")
            continue
        variables = [variable for variable, _ in _slots(piece)]
        stored = sorted(weights.get(f"{place}/vars", ()), key=int)
        _assign(piece, variables, weights, [f"{place}/vars/{number}" for number in stored])


def _assign(piece: Piece, variables: list, weights: h5py.Group, names: list[str]) -> None:
    if len(variables) != len(names):
        raise DataError(
            f"layer {piece.layer.name!r} has {len(names)} weights in the file and needs "
            f"{len(variables)}"
        )
    for variable, name in zip(variables, names, strict=True):
        try:
            variable.assign(numbers(weights, name, tuple(variable.shape)))
        except DataError as error:
            raise DataError(f"layer {piece.layer.name!r}: the weight {error}") from error


def _leaves(piece: Piece) -> Iterator[Piece]:
    if piece.pieces is None:
        yield piece
    for inner in piece.pieces or ():
        yield from _leaves(inner)


def _slots(leaf: Piece) -> list[tuple]:
    """The variables that the file has numbers for, in its order, and whether each trains."""
    layer, config = leaf.layer, leaf.entry["config"]
    variables = list(layer.weights)
    if isinstance(layer, InstanceNormalization) and layer.affine:
        # A scale or an offset that the old layer lacked is 1 or 0.
        layer.gamma.assign([1.0] * layer.gamma.shape[0])
        kept = (("scale", layer.gamma), ("center", layer.beta))
        variables = [variable for flag, variable in kept if config.get(flag, True)]
    trained = {id(variable) for variable in layer.trainable_weights}
    return [(variable, id(variable) in trained) for variable in variables]


def _snake(name: str) -> str:
    """As Keras 2 wrote a class's name in lower case."""
    name = re.sub("(.)([A-Z][a-z]+)", r"\1_\2", name)
    name = re.sub("([a-z])([A-Z])", r"\1_\2", name).lower()
    return name if name[0] != "_" else "private" + name


def _weight_names(group: h5py.Group) -> list[str]:
    """A long list is cut into numbered ones: HDF5's attributes hold 64 kB."""
    names = list(group.attrs.get("weight_names", ()))
    part = 0
    while f"weight_names{part}" in group.attrs:
        names += list(group.attrs[f"weight_names{part}"])
        part += 1
    return [name.decode() if isinstance(name, bytes) else name for name in names]
