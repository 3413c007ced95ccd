"""Copies the weights of a file into a rebuilt network."""

import re
from collections.abc import Iterator

import h5py

from tf_translate.errors import DataError
from tf_translate.layers.instance_norm import InstanceNormalization
from tf_translate.legacy.network import RebuiltLayer
from tf_translate.legacy.saved import SavedFile, read_array


def load_weights(rebuilt: RebuiltLayer, saved: SavedFile) -> None:
    """Assigns all weights of a network.

    Raises:
        DataError: If the file has more or fewer weights, or weights of other shapes.
    """
    if saved.root:
        _load_nested(rebuilt, saved.weights, saved.root)
    else:
        _load_flat(rebuilt, saved.weights)


def _load_flat(network: RebuiltLayer, weights: h5py.Group) -> None:
    """H5: one list for each layer of the outermost network, trainable weights first."""
    for rebuilt in network.sublayers or ():
        name = rebuilt.entry["config"]["name"]
        pairs = [pair for leaf in _leaves(rebuilt) for pair in _saved_variables(leaf)]
        ordered = [variable for variable, trainable in pairs if trainable]
        ordered += [variable for variable, trainable in pairs if not trainable]
        names = _weight_names(weights[name])
        _assign(rebuilt, ordered, weights, [f"{name}/{one}" for one in names])


def _load_nested(network: RebuiltLayer, weights: h5py.Group, folder: str) -> None:
    """`.keras`: nested folders, named by the class and index of each layer."""
    used: dict[str, int] = {}
    for rebuilt in network.sublayers or ():
        kind = _snake(rebuilt.entry["class_name"].split(">")[-1])  # without the name of a package
        count = used[kind] = used.get(kind, -1) + 1
        path = f"{folder}/{kind}_{count}" if count else f"{folder}/{kind}"
        if rebuilt.sublayers is not None:
            _load_nested(rebuilt, weights, f"{path}/{folder.split('/')[0]}")
            continue
        variables = [variable for variable, _ in _saved_variables(rebuilt)]
        stored = sorted(weights.get(f"{path}/vars", ()), key=int)
        _assign(rebuilt, variables, weights, [f"{path}/vars/{index}" for index in stored])


def _assign(rebuilt: RebuiltLayer, variables: list, weights: h5py.Group, names: list[str]) -> None:
    if len(variables) != len(names):
        raise DataError(
            f"layer {rebuilt.layer.name!r} has {len(names)} weights in the file and needs "
            f"{len(variables)}"
        )
    for variable, name in zip(variables, names, strict=True):
        try:
            variable.assign(read_array(weights, name, tuple(variable.shape)))
        except DataError as error:
            raise DataError(f"layer {rebuilt.layer.name!r}: the weight {error}") from error


def _leaves(rebuilt: RebuiltLayer) -> Iterator[RebuiltLayer]:
    if rebuilt.sublayers is None:
        yield rebuilt
    for inner in rebuilt.sublayers or ():
        yield from _leaves(inner)


def _saved_variables(leaf: RebuiltLayer) -> list[tuple]:
    """Returns the variables that are in the file, in its order, and whether each is trainable."""
    layer, config = leaf.layer, leaf.entry["config"]
    variables = list(layer.weights)
    if isinstance(layer, InstanceNormalization) and layer.affine:
        # If the old layer had no scale or no offset, they are 1 and 0.
        layer.gamma.assign([1.0] * layer.gamma.shape[0])
        parameters = (("scale", layer.gamma), ("center", layer.beta))
        variables = [variable for flag, variable in parameters if config.get(flag, True)]
    trainable = {id(variable) for variable in layer.trainable_weights}
    return [(variable, id(variable) in trainable) for variable in variables]


def _snake(name: str) -> str:
    """Converts a class name to snake case as Keras 2 did."""
    name = re.sub("(.)([A-Z][a-z]+)", r"\1_\2", name)
    name = re.sub("([a-z])([A-Z])", r"\1_\2", name).lower()
    return name if name[0] != "_" else "private" + name


def _weight_names(group: h5py.Group) -> list[str]:
    """Reads the names of weights; Keras split long lists, as HDF5 attributes hold 64 kB."""
    names = list(group.attrs.get("weight_names", ()))
    part = 0
    while f"weight_names{part}" in group.attrs:
        names += list(group.attrs[f"weight_names{part}"])
        part += 1
    return [name.decode() if isinstance(name, bytes) else name for name in names]
