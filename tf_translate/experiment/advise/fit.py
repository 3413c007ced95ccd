"""Whether a method can learn from what a user has and fits on the device, and if not, why."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

from tf_translate.config.task import Supervision
from tf_translate.errors import ConfigError
from tf_translate.experiment.advise.published import Published, TrainedOn
from tf_translate.experiment.advise.user_data import UserData
from tf_translate.experiment.compare.cells.supervision import NEEDS, join
from tf_translate.methods.registry import ALSO_NEEDS, Method

MEGABYTE = 1e6  # bytes, as `tf-translate benchmark` prints
HOW_TO_GIVE: Mapping[str, str] = {
    "pairs": "for each image its true counterpart: equal names in train/a and train/b, or images "
    "side by side",
    "sets": "two sets: folders trainA and trainB, or a table with data.domain_column",
    "attributes": "one set with attributes: a table with the columns image and one for each "
    "attribute; a column that names the set makes two folders such a table",
    "images": "one set of images: a folder, or a table with a column image",
}
_NAMES: Mapping[Supervision, str] = {
    "pairs": "pairs",
    "sets": "two sets",
    "attributes": "attributes",
    "images": "one set",
    "labels": "class labels",
}
OBJECT, LABELS = "object", "labels"


@dataclass(frozen=True)
class Limits:
    """The budget on the device; None: no limit.

    Attributes:
        megabytes: Of the exported file, at most, in 10^6 bytes.
        milliseconds: Of a translation, at most.
    """

    megabytes: float | None = None
    milliseconds: float | None = None


NO_LIMITS = Limits()


def limits(megabytes: float | None, milliseconds: float | None) -> Limits:
    """Limits that options give.

    Raises:
        ConfigError: If one is not above 0.
    """
    given = {"--max-megabytes": megabytes, "--max-milliseconds": milliseconds}
    for option, value in given.items():
        if value is not None and not (math.isfinite(value) and value > 0):
            raise ConfigError(f"{option} must be a number above 0, got {value:g}")
    return Limits(megabytes, milliseconds)


@dataclass(frozen=True)
class Fit:
    """Whether a method fits.

    Attributes:
        method: The method.
        learns_from: What it would learn from.
        reason: Why it does not fit; empty if it does.
        needed: What would be needed for it to fit; empty if it does.
        conditions: What the user must see to, one sentence each.
    """

    method: Method
    learns_from: Supervision
    reason: str = ""
    needed: str = ""
    conditions: tuple[str, ...] = ()


def fit(method: Method, data: UserData, budget: Limits, published: Published) -> Fit:
    """Checks the layout of a method, what else it needs, and the size of its exported files."""
    need = NEEDS[method.layout]
    if need not in data.supervision:
        return Fit(
            method,
            need,
            f"it learns from {_NAMES[need]}, and you have {named(data)}",
            HOW_TO_GIVE[need],
        )
    if OBJECT in method.also_needs and not data.object:
        return Fit(
            method,
            need,
            "the images of one of its sets must show an object that those of the other lack",
            f"{ALSO_NEEDS[OBJECT]}, such as glasses; --object says so",
        )
    smallest = smallest_file(method.name, published)
    if budget.megabytes is not None and smallest is not None and smallest[1] > budget.megabytes:
        recipe, megabytes = smallest
        return Fit(
            method,
            need,
            f"its smallest file ({recipe}) had {megabytes:.1f} MB, and the limit is "
            f"{budget.megabytes:g} MB",
            "smaller networks (model.base_filters and the like, see `tf-translate settings "
            f"{method.name}`), which were not measured",
        )
    return Fit(method, need, conditions=tuple(_conditions(method, data)))


def named(data: UserData) -> str:
    """What a user has, in words."""
    order: tuple[Supervision, ...] = ("pairs", "sets", "attributes", "images", "labels")
    words = [_NAMES[name] for name in order if name in data.supervision]
    return join(words)


def smallest_file(method: str, published: Published) -> tuple[str, float] | None:
    """Recipe and megabytes of the smallest published file of a method; None if none is known."""
    if method not in published.exports:
        return None
    recipes = published.exports[method].recipes
    recipe = min(recipes, key=recipes.__getitem__)
    return recipe, recipes[recipe] / MEGABYTE


def too_few(fitting: Fit, data: UserData, published: Published) -> tuple[int, TrainedOn] | None:
    """The user's number of images and the least that was tried, if it is less; else None."""
    tried = published.of(fitting.method.name)
    count = data.counts.get(fitting.learns_from)
    if count is None or not tried or count >= tried[0].images:
        return None
    return count, tried[0]


def _conditions(method: Method, data: UserData) -> list[str]:
    found = []
    if LABELS in method.also_needs and "labels" not in data.supervision:
        found.append(
            "without labels it needs a network that knows your images, such as `tf-translate "
            "pretrained efficientnet_lite0`; what that does not encode is lost"
        )
    if method.layout == "images":
        found.append(
            "it learns no domain: an edit is painted, or adds the mean difference of latents of "
            "images with and without an attribute"
        )
    if method.layout in ("paired", "unpaired") and "attributes" in data.supervision:
        found.append("two values of the attribute are its two sets (data.domain_column)")
    return found
