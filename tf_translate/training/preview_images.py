"""Images of what a translator does now."""

from collections.abc import Iterator, Mapping

import numpy as np

from tf_translate.config.attributes import Attributes
from tf_translate.core.signature import Signature
from tf_translate.core.translator import Translator
from tf_translate.images import grid
from tf_translate.training.failure_checks import Shown

Columns = tuple[list[np.ndarray], list[str], list[Shown]]


def sample_grid(
    translator: Translator, batch: Mapping[str, np.ndarray]
) -> tuple[np.ndarray, list[Shown]]:
    """Shows a batch every way the translator has an example of, and lays it out.

    Args:
        translator: Its layout and signatures decide the columns.
        batch: `{"a", "b"}`, float32 in [-1, 1]; pairs when the method is a paired one; or
            `{"image", "attributes"}`, or `{"image"}`.

    Returns:
        uint8 `(height, width, 3)`: input, translation and, for pairs, the truth; or input,
        reconstruction and one column for every column of the attributes, switched. Where a
        stage has nothing to translate with: images out of noise in place of translations, and
        no input. Beside it the translations themselves, to be looked at for signs of failure:
        none before a stage in which a network that makes them learns.
    """
    if translator.layout == "attributes":
        columns, titles, shown = _attribute_columns(translator, batch)
    else:
        columns, titles, shown = _domain_columns(translator, batch)
    rendered = grid(columns, titles=titles, scale=max(1, 96 // columns[0].shape[1]))
    return rendered, shown if _has_learnt_to_draw(translator) else []


def _has_learnt_to_draw(translator: Translator) -> bool:
    """Whether a player that images wait for plays now, or has played."""
    stages = translator.stages[: translator.stages.index(translator.stage) + 1]
    return any(player.generates_images and player.stage in stages for player in translator.players)


def _attribute_columns(translator: Translator, batch: Mapping[str, np.ndarray]) -> Columns:
    given = _switched(Attributes(translator.attributes), batch["attributes"])  # type: ignore[attr-defined]
    image = batch["image"]
    imagined = [translator.imagined(attributes) for attributes in given.values()]
    if imagined[0] is not None:
        made = [np.asarray(images) for images in imagined]
        noise = Shown("images out of noise", image, made[0], depends_on=False)
        return made, list(given), [noise]
    translate = translator.signatures()["translate"].function
    made = [
        np.asarray(translate(image=image, attributes=attributes)["image"])
        for attributes in given.values()
    ]
    same, *edits = zip(given, made, strict=True)
    shown = [Shown(same[0], image, same[1])]
    shown += [Shown(title, image, edited, unchanged=same[1]) for title, edited in edits]
    return [image, *made], ["image", *given], shown


def _switched(told: Attributes, values: np.ndarray) -> dict[str, np.ndarray]:
    """Attributes as they are, and with every column of them switched, by title."""
    given = {"as it is": values}
    for one, (start, stop) in zip(told.each, told.spans, strict=True):
        binary = len(one.values) == 2
        for wanted in range(1 if binary else len(one.values)):
            changed = values.copy()
            code = 1.0 - values[:, start:stop] if binary else np.eye(stop - start)[wanted]
            changed[:, start:stop] = code
            given[f"other {one.name}" if binary else one.columns[wanted]] = changed
    return given


def _domain_columns(translator: Translator, batch: Mapping[str, np.ndarray]) -> Columns:
    """Inputs, each once, with what is made of them and, for pairs, the truth."""
    count = min(len(images) for images in batch.values())
    batch = {side: images[:count] for side, images in batch.items()}
    signatures = translator.signatures()
    columns: dict[str, np.ndarray] = {}
    shown: list[Shown] = []
    for name, inputs in translator.examples(batch).items():
        for given in inputs.values():
            columns |= {side: images for side, images in batch.items() if images is given}
        outputs = signatures[name].function(**inputs)
        shown += _directions(translator, name, batch, outputs)
        columns |= {
            _title(signatures[name], spec.name): np.asarray(outputs[spec.name])
            for spec in signatures[name].outputs
            if len(spec.shape) == 4  # a latent cannot be shown
        }
        if translator.layout == "paired":
            columns["truth"] = batch["b"]
    return list(columns.values()), list(columns), shown


def _directions(translator: Translator, name: str, batch, outputs) -> Iterator[Shown]:
    """What a signature shows, if it leads from one domain to the other or gives images back."""
    first = translator.signatures()[name].outputs[0].name
    made = np.asarray(outputs[first])
    if translator.layout == "images":
        if name == "reconstruct":
            yield Shown(name, batch["image"], made)
        return
    for direction, signature in translator.directions.items():
        if signature == name:
            source, target = batch[direction[0]], batch[direction[-1]]
            yield Shown(name.replace("_", " "), source, made, targets=target, unchanged=source)


def _title(signature: Signature, output: str) -> str:
    """The signature in words, with the output's name where there are several."""
    words = signature.name.replace("_", " ")
    return words if len(signature.outputs) == 1 else f"{words}: {output}"
