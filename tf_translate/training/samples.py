"""Pictures of what a translator does now."""

from collections.abc import Mapping

import numpy as np

from tf_translate.core.signature import Signature
from tf_translate.core.translator import Translator
from tf_translate.images import grid


def sample_grid(translator: Translator, batch: Mapping[str, np.ndarray]) -> np.ndarray:
    """Shows a batch every way the translator has an example of, and lays it out.

    Args:
        translator: Its `examples` decide the columns.
        batch: `{"a", "b"}`, float32 in [-1, 1]; pairs when the method is a paired one.

    Returns:
        uint8 `(height, width, 3)`: inputs, each once, with what is made of them and, for
        pairs, the truth.
    """
    count = min(len(images) for images in batch.values())
    batch = {side: images[:count] for side, images in batch.items()}
    signatures = translator.signatures()
    columns: dict[str, np.ndarray] = {}
    for name, inputs in translator.examples(batch["a"], batch["b"]).items():
        for given in inputs.values():
            columns |= {side: images for side, images in batch.items() if images is given}
        outputs = signatures[name].function(**inputs)
        columns |= {
            _title(signatures[name], key): np.asarray(images) for key, images in outputs.items()
        }
        if translator.layout == "paired":
            columns["truth"] = batch["b"]
    height = next(iter(columns.values())).shape[1]
    return grid(list(columns.values()), titles=list(columns), scale=max(1, 96 // height))


def _title(signature: Signature, output: str) -> str:
    """The signature in words, with the output's name where there are several."""
    words = signature.name.replace("_", " ")
    return words if len(signature.outputs) == 1 else f"{words}: {output}"
