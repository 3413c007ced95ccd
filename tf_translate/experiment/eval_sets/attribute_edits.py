"""Edits of attributes as directions of translation: from images without to images with."""

from collections.abc import Callable, Iterator

import numpy as np

from tf_translate.config.attributes import Attribute, Attributes
from tf_translate.data.attribute_dataset import LabelledData
from tf_translate.evaluation.metrics.results import Direction

# From images and their new attributes to edited images.
Editor = Callable[[np.ndarray, np.ndarray], np.ndarray]


def edits(
    data: LabelledData, edit: Editor, *, split: str, limit: int, learn: int
) -> Iterator[Direction]:
    """Gives a direction for every value that an attribute can be changed to.

    Its sources are the held-out images with another value, its targets those with that one;
    the truth is the image that shows the same (see `LabelledData.twins`) with the wanted
    attributes, if every source has one.

    Args:
        data: Images with attributes.
        edit: What is measured.
        split: Held-out split.
        limit: Most sources and targets.
        learn: Most training images of either side, for the judges.
    """
    values, known = data.values(split), data.values("train")
    for one, (start, stop) in zip(data.attributes.each, data.attributes.spans, strict=True):
        for wanted in one.values:
            columns = slice(start, stop)
            code = np.array(one.encode(wanted), np.float32)
            has = (values[:, columns] == code).all(1)
            taught = (known[:, columns] == code).all(1)
            sources = _some(np.flatnonzero(~has), limit)
            changed = values[sources].copy()
            changed[:, columns] = code
            truth = _twins(data, split, sources, changed)
            images = data.images(split, at=sources)
            yield Direction(
                name=edit_name(one, wanted),
                source=images,
                target=data.images(split, at=_some(np.flatnonzero(has), limit)),
                outputs=edit(images, changed),
                truth=None if truth is None else data.images(split, at=truth),
                train_source=data.images("train", at=_some(np.flatnonzero(~taught), learn)),
                train_target=data.images("train", at=_some(np.flatnonzero(taught), learn)),
                counterfactual=truth is not None,
            )


def asked(attributes: Attributes) -> dict[str, dict[str, float]]:
    """For each edit the numbers by label that ask for it: `{"add_glasses": {"glasses": 1.0}}`."""
    return {
        edit_name(one, value): dict(zip(one.columns, one.encode(value), strict=True))
        for one in attributes.each
        for value in one.values
    }


def edit_name(attribute: Attribute, value: str) -> str:
    """Names an edit: `add_glasses`, `remove_glasses`, or `hair_to_blond`."""
    if len(attribute.values) == 2:
        return f"{'add' if value == attribute.values[1] else 'remove'}_{attribute.name}"
    return f"{attribute.name}_to_{value}".replace("/", "_")


def _twins(
    data: LabelledData, split: str, sources: np.ndarray, changed: np.ndarray
) -> np.ndarray | None:
    """Where the true edit of each source is; None unless all are there."""
    shown = data.twins(split)
    if shown is None:
        return None
    places = {
        (who, values.tobytes()): place
        for place, (who, values) in enumerate(zip(shown, data.values(split), strict=True))
    }
    if len(places) < len(shown):
        return None  # there is more than one, and none is the truth
    found = [
        places.get((shown[i], wanted.tobytes())) for i, wanted in zip(sources, changed, strict=True)
    ]
    return None if None in found else np.array(found)


def _some(positions: np.ndarray, limit: int) -> np.ndarray:
    """At most `limit` of them, spread evenly."""
    if len(positions) <= limit:
        return positions
    return positions[np.linspace(0, len(positions) - 1, limit).round().astype(int)]
