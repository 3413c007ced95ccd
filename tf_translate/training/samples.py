"""Pictures of what a translator does now."""

from collections.abc import Mapping

import numpy as np

from tf_translate.config.attributes import Attributes
from tf_translate.core.signature import Signature
from tf_translate.core.translator import Translator
from tf_translate.images import grid

Columns = tuple[list[np.ndarray], list[str]]


def sample_grid(translator: Translator, batch: Mapping[str, np.ndarray]) -> np.ndarray:
    """Shows a batch every way the translator has an example of, and lays it out.

    Args:
        translator: Its layout and signatures decide the columns.
        batch: `{"a", "b"}`, float32 in [-1, 1]; pairs when the method is a paired one; or
            `{"image", "attributes"}`.

    Returns:
        uint8 `(height, width, 3)`: input, translation and, for pairs, the truth; or input,
        reconstruction and one column for every column of the attributes, switched.
    """
    if translator.layout == "attributes":
        columns, titles = _attribute_columns(translator, batch)
    else:
        columns, titles = _domain_columns(translator, batch)
    return grid(columns, titles=titles, scale=max(1, 96 // columns[0].shape[1]))


def _attribute_columns(translator: Translator, batch: Mapping[str, np.ndarray]) -> Columns:
    signature = translator.signatures()["translate"]
    images, values = batch["image"], batch["attributes"]
    columns, titles = [images], ["image"]
    given = [("as it is", values)]
    told = Attributes(translator.attributes)  # type: ignore[attr-defined]
    for one, (start, stop) in zip(told.each, told.spans, strict=True):
        binary = len(one.values) == 2
        for wanted in range(1 if binary else len(one.values)):
            changed = values.copy()
            code = 1.0 - values[:, start:stop] if binary else np.eye(stop - start)[wanted]
            changed[:, start:stop] = code
            given.append((f"other {one.name}" if binary else one.columns[wanted], changed))
    for title, attributes in given:
        outputs = signature.function(image=images, attributes=attributes)
        columns.append(np.asarray(outputs["image"]))
        titles.append(title)
    return columns, titles


def _domain_columns(translator: Translator, batch: Mapping[str, np.ndarray]) -> Columns:
    """Inputs, each once, with what is made of them and, for pairs, the truth."""
    count = min(len(images) for images in batch.values())
    batch = {side: images[:count] for side, images in batch.items()}
    signatures = translator.signatures()
    columns: dict[str, np.ndarray] = {}
    for name, inputs in translator.examples(batch).items():
        for given in inputs.values():
            columns |= {side: images for side, images in batch.items() if images is given}
        outputs = signatures[name].function(**inputs)
        columns |= {
            _title(signatures[name], key): np.asarray(images) for key, images in outputs.items()
        }
        if translator.layout == "paired":
            columns["truth"] = batch["b"]
    return list(columns.values()), list(columns)


def _title(signature: Signature, output: str) -> str:
    """The signature in words, with the output's name where there are several."""
    words = signature.name.replace("_", " ")
    return words if len(signature.outputs) == 1 else f"{words}: {output}"
