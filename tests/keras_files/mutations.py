"""Seeded mutations of the description of a network."""

import random

WRONG_VALUES = (
    *(None, True, -1, 0, 1.5, 10**6, 10**30, "", "x" * 1000, "../../etc/passwd", [], {}, [[]]),
    *([None, -1], {"class_name": "Dense"}, {"class_name": "__tensor__", "config": {}}),
    *("sum", "keras.utils", "__numpy__", ["a", 0, 0, {}]),
)


def mutate(description, draw: random.Random) -> None:
    """Replaces, removes or repeats one value of a description, in place."""
    path = draw.choice([each for each in _places(description) if each])
    parent = description
    for key in path[:-1]:
        parent = parent[key]
    kind = draw.choice(("replace", "replace", "remove", "repeat"))
    if kind == "replace":
        parent[path[-1]] = draw.choice(WRONG_VALUES)
    elif kind == "remove":
        del parent[path[-1]]
    elif isinstance(parent, list):
        parent.insert(path[-1], parent[path[-1]])
    else:
        parent[f"{path[-1]}_more"] = parent[path[-1]]


def _places(value, path=()):
    """The paths of all values in a description."""
    yield path
    if isinstance(value, (dict, list)):
        for key, each in value.items() if isinstance(value, dict) else enumerate(value):
            yield from _places(each, (*path, key))
