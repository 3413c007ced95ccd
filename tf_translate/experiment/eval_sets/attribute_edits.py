"""Attribute edits as directions: from images without an attribute value to images with it."""

from collections.abc import Callable, Collection, Iterator

import numpy as np

from tf_translate.config.attributes import Attribute, Attributes
from tf_translate.data.attribute_dataset import AttributeDataset
from tf_translate.evaluation.metrics.results import Direction
from tf_translate.experiment.dataset import evenly_spaced

# (images, their attributes, their new attributes) -> edited images.
Editor = Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray]


def edits(
    data: AttributeDataset,
    edit: Editor,
    *,
    split: str,
    limit: int,
    training_limit: int,
    names: Collection[str] | None = None,
    suffix: str = "",
) -> Iterator[Direction]:
    """Generates a direction for every value that an attribute can be changed to.

    Its sources are the held-out images with another value, its targets those with this value.
    The ground truth is the image of the same group (see `AttributeDataset.groups`) with the edited
    attributes, if every source has one.

    Args:
        data: Images with attributes.
        edit: The function to evaluate.
        split: Held-out split.
        limit: Maximum number of sources, and of targets.
        training_limit: Maximum number of training images of each side, for the judges.
        names: Names of the directions to generate; None: all.
        suffix: End of the names of the directions.
    """
    values, training_values = data.values(split), data.values("train")
    for attribute, (start, stop) in zip(
        data.attributes.definitions, data.attributes.spans, strict=True
    ):
        for target in attribute.values:
            name = edit_name(attribute, target) + suffix
            if names is not None and name not in names:
                continue
            columns = slice(start, stop)
            code = np.array(attribute.encode(target), np.float32)
            has = (values[:, columns] == code).all(1)
            training_has = (training_values[:, columns] == code).all(1)
            sources = _evenly_spaced(np.flatnonzero(~has), limit)
            edited_values = values[sources].copy()
            edited_values[:, columns] = code
            truth = _ground_truth(data, split, sources, edited_values)
            images = data.images(split, at=sources)
            yield Direction(
                name=name,
                source=images,
                target=data.images(split, at=_evenly_spaced(np.flatnonzero(has), limit)),
                outputs=edit(images, values[sources], edited_values),
                truth=None if truth is None else data.images(split, at=truth),
                train_source=data.images(
                    "train", at=_evenly_spaced(np.flatnonzero(~training_has), training_limit)
                ),
                train_target=data.images(
                    "train", at=_evenly_spaced(np.flatnonzero(training_has), training_limit)
                ),
                counterfactual=truth is not None,
            )


def edit_attributes(attributes: Attributes) -> dict[str, dict[str, float]]:
    """The attribute values of each edit, by label: `{"add_glasses": {"glasses": 1.0}}`."""
    return {
        edit_name(attribute, value): dict(
            zip(attribute.columns, attribute.encode(value), strict=True)
        )
        for attribute in attributes.definitions
        for value in attribute.values
    }


def edit_name(attribute: Attribute, value: str) -> str:
    """The name of an edit: `add_glasses`, `remove_glasses`, or `hair_to_blond`."""
    if len(attribute.values) == 2:
        return f"{'add' if value == attribute.values[1] else 'remove'}_{attribute.name}"
    return f"{attribute.name}_to_{value}".replace("/", "_")


def _ground_truth(
    data: AttributeDataset, split: str, sources: np.ndarray, edited_values: np.ndarray
) -> np.ndarray | None:
    """The index of the true edit of each source: same group, edited attributes.

    None unless every source has exactly one.
    """
    groups = data.groups(split)
    if groups is None:
        return None
    positions = {
        (group, values.tobytes()): position
        for position, (group, values) in enumerate(zip(groups, data.values(split), strict=True))
    }
    if len(positions) < len(groups):
        return None  # images of equal group and attributes: the ground truth is ambiguous
    found = [
        positions.get((groups[source], values.tobytes()))
        for source, values in zip(sources, edited_values, strict=True)
    ]
    return None if None in found else np.array(found)


def _evenly_spaced(positions: np.ndarray, limit: int) -> np.ndarray:
    """Selects at most `limit` of the positions, evenly spaced."""
    if len(positions) <= limit:
        return positions
    return positions[evenly_spaced(len(positions), limit)]
