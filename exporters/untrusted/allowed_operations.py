"""The operations that `export` writes, from `allowed_operations.toml`; all others are refused.

`python -m scripts.results.exported_operations` writes that file: it exports every method, legacy
networks and the layers of Keras, and lists what it finds.
"""

import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

FILE = Path(__file__).with_name("allowed_operations.toml")


@dataclass(frozen=True)
class AllowedOperations:
    """Names of operations, each without conditions that the checks add.

    Attributes:
        saved_model: In the graph and the functions of a SavedModel.
        saver: In the two functions of a SavedModel that TensorFlow adds to save and restore
            weights, which no signature calls; they name files.
        attributes: Attributes of SavedModel nodes whose names begin with an underscore, and of
            its functions.
        tflite: In a .tflite file.
    """

    saved_model: frozenset[str]
    saver: frozenset[str]
    attributes: frozenset[str]
    tflite: frozenset[str]


@cache
def allowed_operations() -> AllowedOperations:
    """The content of the file."""
    lists = tomllib.loads(FILE.read_text("utf-8"))
    return AllowedOperations(**{name: frozenset(names) for name, names in lists.items()})
