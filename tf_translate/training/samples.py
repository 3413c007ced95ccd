"""Pictures of what a translator does now."""

from collections.abc import Mapping

import numpy as np

from tf_translate.core.translator import Translator
from tf_translate.images import grid

_DIRECTIONS = {"a_to_b": ("a", "b"), "b_to_a": ("b", "a")}


def sample_grid(translator: Translator, batch: Mapping[str, np.ndarray]) -> np.ndarray:
    """Translates a batch every way the translator can and lays it out.

    Args:
        translator: Its signatures decide the columns.
        batch: `{"a", "b"}`, float32 in [-1, 1]; pairs when the method is a paired one.

    Returns:
        uint8 `(height, width, 3)`: input, translation and, for pairs, the truth.
    """
    columns, titles = [], []
    for name, signature in translator.signatures().items():
        if name not in _DIRECTIONS:
            continue
        source, target = _DIRECTIONS[name]
        (key,) = (spec.name for spec in signature.inputs)
        outputs = signature.function(**{key: batch[source]})
        columns += [batch[source], np.asarray(outputs[signature.outputs[0].name])]
        titles += [f"{source}", f"{source} to {target}"]
        if translator.layout == "paired":
            columns.append(batch[target])
            titles.append("truth")
    height = columns[0].shape[1]
    return grid(columns, titles=titles, scale=max(1, 96 // height))
