"""Renders a grid of preview images: what the translator generates at the current step."""

from collections.abc import Iterator, Mapping

import numpy as np

from tf_translate.config.attributes import Attributes
from tf_translate.core.signature import Signature
from tf_translate.core.translator import Translator
from tf_translate.images import grid
from tf_translate.training.failure_checks import PreviewBatch

# Images of the columns, their titles, and the translations to check for failures.
Columns = tuple[list[np.ndarray], list[str], list[PreviewBatch]]


def preview_grid(
    translator: Translator, batch: Mapping[str, np.ndarray]
) -> tuple[np.ndarray, list[PreviewBatch]]:
    """Translates a batch with every signature that has an example, and lays out the images.

    The columns follow from the translator's layout:

    - pairs or two domains: input, translation and, for pairs, the ground truth;
    - attributes: input, reconstruction and one column for each edited attribute;
    - attributes, in a stage without an encoder: images generated from noise, and no input.

    Args:
        translator: The translator, in its current stage.
        batch: `{"a", "b"}`, `{"image", "attributes"}` or `{"image"}`, float32 in [-1, 1];
            `a` and `b` are pairs if the method is paired.

    Returns:
        The grid, uint8 `(height, width, 3)`, and the translations to check for failures. In a
        preparatory stage, which trains no network that generates images, there are none.
    """
    if translator.layout == "attributes":
        columns, titles, previews = _attribute_columns(translator, batch)
    else:
        columns, titles, previews = _domain_columns(translator, batch)
    image = grid(columns, titles=titles, scale=max(1, 96 // columns[0].shape[1]))
    return image, [] if translator.stage in translator.preparatory_stages else previews


def _attribute_columns(translator: Translator, batch: Mapping[str, np.ndarray]) -> Columns:
    schema = Attributes(translator.attributes)  # type: ignore[attr-defined]
    edits = _edited_attributes(schema, batch["attributes"])
    inputs = batch["image"]
    generated = [translator.generated_images(attributes) for attributes in edits.values()]
    if generated[0] is not None:
        columns = [np.asarray(images) for images in generated]
        preview = PreviewBatch("images from noise", inputs, columns[0], from_noise=True)
        return columns, list(edits), [preview]
    translate = translator.signatures()["translate"].function
    columns = [
        np.asarray(translate(image=inputs, attributes=attributes)["image"])
        for attributes in edits.values()
    ]
    unedited, *titles = edits
    reconstruction = columns[0]
    previews = [PreviewBatch(unedited, inputs, reconstruction)]
    previews += [
        PreviewBatch(title, inputs, edited, identity_outputs=reconstruction)
        for title, edited in zip(titles, columns[1:], strict=True)
    ]
    return [inputs, *columns], ["image", *edits], previews


def _edited_attributes(schema: Attributes, values: np.ndarray) -> dict[str, np.ndarray]:
    """The attributes unchanged, and with one attribute changed at a time, by column title.

    A binary attribute is inverted; one of several values is set to each of them.
    """
    edits = {"unchanged": values}
    for attribute, (start, stop) in zip(schema.definitions, schema.spans, strict=True):
        is_binary = len(attribute.values) == 2
        for index in range(1 if is_binary else len(attribute.values)):
            edited = values.copy()
            code = 1.0 - values[:, start:stop] if is_binary else np.eye(stop - start)[index]
            edited[:, start:stop] = code
            title = f"other {attribute.name}" if is_binary else attribute.columns[index]
            edits[title] = edited
    return edits


def _domain_columns(translator: Translator, batch: Mapping[str, np.ndarray]) -> Columns:
    """Each input once, with its translations and, for pairs, the ground truth."""
    count = min(len(images) for images in batch.values())
    batch = {side: images[:count] for side, images in batch.items()}
    signatures = translator.signatures()
    columns: dict[str, np.ndarray] = {}
    previews: list[PreviewBatch] = []
    for name, inputs in translator.examples(batch).items():
        for tensor in inputs.values():
            columns |= {side: images for side, images in batch.items() if images is tensor}
        outputs = signatures[name].function(**inputs)
        previews += _previews_of(translator, name, batch, outputs)
        columns |= {
            _title(signatures[name], spec.name): np.asarray(outputs[spec.name])
            for spec in signatures[name].outputs
            if len(spec.shape) == 4  # a latent cannot be shown
        }
        if translator.layout == "paired":
            columns["truth"] = batch["b"]
    return list(columns.values()), list(columns), previews


def _previews_of(translator: Translator, name: str, batch, outputs) -> Iterator[PreviewBatch]:
    """The previews of a signature that translates between domains or reconstructs images."""
    first_output = translator.signatures()[name].outputs[0].name
    images = np.asarray(outputs[first_output])
    if translator.layout == "images":
        if name == "reconstruct":
            yield PreviewBatch(name, batch["image"], images)
        return
    for direction, signature in translator.directions.items():
        if signature == name:
            source, target = batch[direction[0]], batch[direction[-1]]
            title = name.replace("_", " ")
            yield PreviewBatch(title, source, images, targets=target, identity_outputs=source)


def _title(signature: Signature, output: str) -> str:
    """The signature's name with spaces, and the output's name if there are several."""
    name = signature.name.replace("_", " ")
    return name if len(signature.outputs) == 1 else f"{name}: {output}"
