"""The forms in which Keras hands over a batch, turned into the one that a step works on."""

from collections.abc import Mapping
from typing import Any

KEYS = {"paired": ("a", "b"), "unpaired": ("a", "b"), "images": ("image",)}  # by layout


def batch_of(data: Any, layout: str) -> Any:
    """The batch in what Keras gives `train_step` and `test_step`.

    `fit(a, b)`, data sets of tuples `(a, b)`, `train_on_batch(a, b)` and `fit(images)` are accepted
    where the layout says what they are.

    Args:
        data: A mapping, images, or a tuple of inputs, targets and sample weights as Keras makes
            it. Its last parts may be missing or None.
        layout: The translator's layout.

    Returns:
        A mapping of images by key. Other data as they are, for `check_batch` to refuse.

    Raises:
        ValueError: If there are sample weights.
    """
    if isinstance(data, (tuple, list)):
        if len(data) == 3 and data[2] is not None:
            raise ValueError(
                "`sample_weight` must be None: a translator weights loss terms (`loss_weights`), "
                "not images"
            )
        given = [each for each in data if each is not None]
        data = given[0] if len(given) == 1 else tuple(given)
    if isinstance(data, Mapping):
        return data
    parts = data if isinstance(data, tuple) else (data,)
    keys = KEYS.get(layout, ())
    images = [each for each in parts if hasattr(each, "shape")]
    if len(images) == len(parts) == len(keys):
        return dict(zip(keys, images, strict=True))
    return data
