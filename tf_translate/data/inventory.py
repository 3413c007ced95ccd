"""Which images are in which split of a data set, so that a run can tell whether they changed."""

import base64
import hashlib
import zlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from tf_translate.data.splits import SPLITS, digest

_ID = np.dtype([("name", "<u8"), ("content", "<u4")])  # hashes; 12 bytes an image


@dataclass(frozen=True)
class ImageIds:
    """The images of one domain of one split, in order.

    Attributes:
        digest: Hex digest of their names and contents. A content is the size of the file, with
            the label or the attributes of the image.
        ids: Structured array `(count,)`: 64 bits of a hash of each name, 32 of each content. They
            only count changes in a message; the digest decides whether there are any.
    """

    digest: str
    ids: np.ndarray

    @classmethod
    def of(cls, names: Sequence[str], contents: Sequence[str]) -> "ImageIds":
        """Hashes names and contents, one of each for every image."""
        pairs = [
            (_hash_name(name), zlib.crc32(content.encode("utf-8", "surrogateescape")))
            for name, content in zip(names, contents, strict=True)
        ]
        parts = (part for pair in zip(names, contents, strict=True) for part in pair)
        return cls(digest(parts), np.array(pairs, _ID))

    def to_json(self) -> dict[str, Any]:
        """Their number, the digest, and the hashes in base64."""
        ids = base64.b64encode(self.ids.tobytes()).decode()
        return {"images": len(self.ids), "digest": self.digest, "ids": ids}

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> "ImageIds":
        """Reads what `to_json` returned; ValueError, TypeError or KeyError if it is invalid."""
        ids = np.frombuffer(base64.b64decode(values["ids"], validate=True), _ID)
        if len(ids) != values["images"]:
            raise ValueError(f"{len(ids)} hashes of {values['images']} images")
        return cls(str(values["digest"]), ids)


Inventory = dict[str, dict[str, ImageIds]]  # split -> domain ("a", "b", or "" for one set) -> ids
_NO_IMAGES = ImageIds.of((), ())


def describe_changes(before: Inventory, after: Inventory) -> str | None:
    """Says split by split how the images differ.

    Returns:
        For example "train: 3 images of a added, 1 of a removed; validation: same; test: same";
        None if nothing differs.
    """
    splits = [name for name in SPLITS if name in before or name in after]
    texts = {name: _changes_of(name, before, after) for name in splits}
    if all(text == "same" for text in texts.values()):
        return None
    return "; ".join(f"{name}: {text}" for name, text in texts.items())


def _changes_of(split: str, before: Inventory, after: Inventory) -> str:
    sides = sorted(before.get(split, {}).keys() | after.get(split, {}).keys())
    phrases = [
        (count, side, verb)
        for side in sides
        for count, verb in _changes_of_side(split, side, before, after)
    ]
    return (
        ", ".join(
            f"{count}{_noun(count) if index == 0 else ''}{f' of {side}' if side else ''} {verb}"
            for index, (count, side, verb) in enumerate(phrases)
        )
        or "same"
    )


def _noun(count: int) -> str:
    return " image" if count == 1 else " images"


def _changes_of_side(
    split: str, side: str, before: Inventory, after: Inventory
) -> list[tuple[int, str]]:
    """Numbers of images with what happened to them; empty if nothing did."""
    old, new = _side(before, split, side), _side(after, split, side)
    if old.digest == new.digest:
        return []
    old_names, new_names = Counter(old.ids["name"].tolist()), Counter(new.ids["name"].tolist())
    added, removed = new_names - old_names, old_names - new_names
    moves = []
    for other in SPLITS:
        if other == split:
            continue
        come = added & (_names(before, other, side) - _names(after, other, side))
        gone = removed & (_names(after, other, side) - _names(before, other, side))
        added, removed = added - come, removed - gone
        moves += [(come.total(), f"moved from {other}"), (gone.total(), f"moved to {other}")]
    changed = (Counter(new.ids.tolist()) - Counter(old.ids.tolist())).total()
    changed -= (new_names - old_names).total()
    totals = [(added.total(), "added"), (removed.total(), "removed"), (changed, "changed")]
    found = [(count, verb) for count, verb in (*totals, *moves) if count]
    return found or [(len(new.ids), "in another order")]


def _side(inventory: Inventory, split: str, side: str) -> ImageIds:
    return inventory.get(split, {}).get(side, _NO_IMAGES)


def _names(inventory: Inventory, split: str, side: str) -> Counter:
    return Counter(_side(inventory, split, side).ids["name"].tolist())


def _hash_name(name: str) -> int:
    encoded = name.encode("utf-8", "surrogateescape")
    return int.from_bytes(hashlib.blake2b(encoded, digest_size=8).digest(), "little")


def inventory_to_json(inventory: Inventory) -> dict[str, Any]:
    """JSON values of an inventory."""
    return {
        split: {side: ids.to_json() for side, ids in sides.items()}
        for split, sides in inventory.items()
    }


def inventory_from_json(values: Mapping[str, Any]) -> Inventory:
    """Reads such values.

    Raises:
        ValueError, TypeError, KeyError, AttributeError: If they are invalid.
    """
    return {
        split: {side: ImageIds.from_json(ids) for side, ids in sides.items()}
        for split, sides in values.items()
    }
