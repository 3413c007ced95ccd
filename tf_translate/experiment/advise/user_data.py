"""What a user has, as far as it decides which methods fit: given by options, or found in files."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from tf_translate.config.task import Supervision
from tf_translate.errors import ConfigError

LABELS = ("none", "a", "both")


@dataclass(frozen=True)
class Given:
    """What the options say; None: nothing.

    Attributes:
        pairs: Whether each image has its true counterpart.
        sets: Number of image sets, 1 or 2.
        attributes: Whether attributes of the images are known.
        levels: Whether the values of an attribute are ordered levels, such as ages.
        object: Whether images of one set show an object that those of the other lack.
        labels: Whose images have class labels: one of `LABELS`, where "both" means the same
            classes.
        images: Number of images to learn from: of pairs, or of the smaller of two sets.
    """

    pairs: bool | None = None
    sets: int | None = None
    attributes: bool | None = None
    levels: bool | None = None
    object: bool | None = None
    labels: str | None = None
    images: int | None = None


@dataclass(frozen=True)
class Found:
    """What the files of a data set show.

    Attributes:
        given: The same as options could say; None where files do not tell.
        counts: Supervision that a method learns from -> number of images to learn from.
        lines: What was found and what was left out, one line each.
        assumptions: What was taken for granted, and the option that says otherwise.
        sides: Least and greatest height and width of some images; None if none could be read.
    """

    given: Given = field(default_factory=Given)
    counts: Mapping[str, int] = field(default_factory=dict)
    lines: tuple[str, ...] = ()
    assumptions: tuple[str, ...] = ()
    sides: tuple[tuple[int, int], tuple[int, int]] | None = None


@dataclass(frozen=True)
class UserData:
    """What a user has.

    Attributes:
        supervision: What methods can learn from: "images", one set; "sets", two; "pairs";
            "attributes"; "labels".
        levels, object: As in `Given`, decided.
        same_classes: Whether the images of both sets have labels of the same classes.
        counts: Supervision -> number of images to learn from; what is missing is unknown.
        assumptions: What was taken for granted, one sentence each.
    """

    supervision: frozenset[Supervision]
    levels: bool
    object: bool
    same_classes: bool
    counts: Mapping[str, int]
    assumptions: tuple[str, ...]


def decide(given: Given, found: Found | None = None) -> UserData:
    """Joins options and files: options come first, and what neither tells is assumed absent.

    Args:
        given: Options that `check` lets pass.
        found: What the files show, or None.

    Raises:
        ConfigError: If they say nothing about the images.
    """
    files = found.given if found is not None else Given()
    levels = _first(given.levels, files.levels)
    attributes = bool(_first(given.attributes, given.levels or None, files.attributes))
    levels = bool(levels) and attributes
    pairs = bool(_first(given.pairs, False if given.sets == 1 else None, files.pairs))
    sets = 2 if pairs else _first(given.sets, files.sets, 2 if given.object else None)
    labels = _first(given.labels, files.labels, "none")
    supervision: set[Supervision] = set()
    if pairs:
        supervision |= {"pairs", "sets"}
    if sets == 2:
        supervision.add("sets")
    if attributes:
        supervision |= {"attributes", "images", "sets"}
    if sets == 1:
        supervision.add("images")
    if not supervision:
        raise ConfigError(
            "advise must know what images there are: give --data PATH, or one of --pairs, "
            "--sets 2, --attributes and --sets 1"
        )
    if labels != "none":
        supervision.add("labels")
    counts = dict(found.counts) if found is not None else {}
    if given.images is not None:
        counts = dict.fromkeys(("images", "sets", "pairs", "attributes"), given.images)
        if attributes and sets != 2 and not pairs and not levels:  # two values of one set of images
            counts["sets"] = max(1, given.images // 2)
    has_object = bool(_first(given.object, files.object)) and "sets" in supervision
    return UserData(
        frozenset(supervision),
        levels=levels,
        object=has_object,
        same_classes=labels == "both" and "sets" in supervision,
        counts={name: count for name, count in counts.items() if name in supervision},
        assumptions=(
            *(found.assumptions if found is not None else ()),
            *_assumptions(given, files, supervision, counts),
        ),
    )


def check(given: Given, *, attribute: str | None = None, data: str | None = None) -> None:
    """Refuses options that contradict each other.

    Args:
        given: What the options say about the images.
        attribute: The column to change, or None.
        data: The data set, or None.

    Raises:
        ConfigError: In one sentence.
    """
    if attribute is not None and data is None:
        raise ConfigError("--attribute names a column of the table that --data gives; add --data")
    if given.sets is not None and given.sets not in (1, 2):
        raise ConfigError(f"--sets must be 1 or 2, got {given.sets}")
    if given.sets == 1 and given.pairs:
        raise ConfigError("--pairs are of two sets, but --sets is 1; leave one of them out")
    if given.sets == 1 and given.labels == "both":
        raise ConfigError(
            "--labels both is of two sets, but --sets is 1; give --labels a, or leave one out"
        )
    if given.sets == 1 and given.object and not (given.attributes or given.levels):
        raise ConfigError(
            "--object tells two sets apart, but --sets is 1; add --attributes if it is known which "
            "images show the object, or leave one of them out"
        )
    if given.levels and given.attributes is False:
        raise ConfigError("--levels are of an attribute; leave out --no-attributes or --levels")
    if given.labels not in (None, *LABELS):
        raise ConfigError(f"--labels must be none, a or both, got {given.labels!r}")
    if given.images is not None and given.images < 1:
        raise ConfigError(f"--images must be at least 1, got {given.images}")


def _first(*values):
    """The first value that is not None."""
    return next((value for value in values if value is not None), None)


def _assumptions(
    given: Given, files: Given, supervision: set[Supervision], counts: Mapping[str, int]
) -> list[str]:
    """What neither options nor files tell, and the option that would."""
    unknown = []
    if given.pairs and files.pairs is False:
        unknown.append("there are pairs, as --pairs says, although the files show none")
    if given.sets == 1 and files.sets == 2:
        unknown.append("there is one set, as --sets 1 says, although the files show two")
    if given.images is not None and files.sets is not None:
        unknown.append(f"there are {given.images:,} images, as --images says, whatever files show")
    if given.images is not None and counts.get("sets", given.images) != given.images:
        unknown.append("each of the two values of the attribute has half of the images")
    if _first(given.pairs, files.pairs) is None and given.sets != 1 and "sets" in supervision:
        unknown.append("no image has a known counterpart (else give --pairs)")
    if _first(given.levels, files.levels) is None and "attributes" in supervision:
        unknown.append("the attribute is absent or present, without levels (else give --levels)")
    if _first(given.object, files.object) is None and "sets" in supervision:
        unknown.append("the sets do not differ by an object alone (else give --object)")
    if _first(given.labels, files.labels) is None and "sets" in supervision:
        unknown.append("no classes of images are known (else give --labels a, or both)")
    if not counts:
        unknown.append("the number of images is unknown, so it is not checked (--images N)")
    return unknown
