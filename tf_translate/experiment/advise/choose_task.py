"""The task whose data are most like a user's, by supervision and kind of change."""

from collections.abc import Callable, Sequence
from difflib import get_close_matches

from tf_translate.config.task import load_task, tasks
from tf_translate.errors import ConfigError
from tf_translate.experiment.advise.user_data import UserData
from tf_translate.experiment.compare.cells.supervision import applicable
from tf_translate.experiment.compare.prepare import fetch_command, texts_of_methods

_RULES: tuple[tuple[Callable[[UserData], bool], str, str], ...] = (  # the first that holds counts
    (
        lambda data: data.levels,
        "ordinal",
        "your images have an attribute with ordered levels, as its people have skin tones",
    ),
    (
        lambda data: "attributes" in data.supervision or data.object,
        "glasses",
        "your images differ by an attribute or object, as its people do by glasses",
    ),
    (
        lambda data: "pairs" in data.supervision,
        "paired",
        "you have pairs, as it does",
    ),
    (
        lambda data: data.same_classes,
        "digits",
        "your two sets have labels of the same classes, as its digits have",
    ),
    (
        lambda data: "sets" in data.supervision,
        "unpaired",
        "you have two sets without pairs, as it does",
    ),
    (
        lambda data: True,
        "glasses",
        "it is the one task with a method that learns from one set without attributes",
    ),
)


def choose_task(
    data: UserData, measured: Sequence[str], requested: str | None = None
) -> tuple[str, str]:
    """Chooses a task, measured or not.

    Args:
        data: What the user has.
        measured: Names of the tasks that the results hold.
        requested: The task that the user names, or None.

    Returns:
        Its name, and why it was chosen.

    Raises:
        ConfigError: If neither the results nor this package have the requested task.
    """
    if requested is not None:
        known = list(dict.fromkeys((*measured, *tasks())))
        if requested not in known:
            near = get_close_matches(requested, known, n=1, cutoff=0.4)
            hint = f"did you mean {near[0]!r}?" if near else f"there are {', '.join(known)}"
            raise ConfigError(
                f"--task must be a task of the results or a shipped one, got {requested!r}; {hint}"
            )
        return requested, "--task names it"
    if len(measured) == 1 and measured[0] not in tasks():
        return measured[0], "it is the only task of the results"
    name, why = next((name, why) for holds, name, why in _RULES if holds(data))
    return name, why


def texts_of(task: str) -> dict[str, dict[str, str]]:
    """What a shipped task says of its methods, by name; empty for another task."""
    return texts_of_methods(load_task(task)[1]) if task in tasks() else {}


def title_of(task: str) -> str:
    """What a translation of a shipped task does; empty for another task."""
    return load_task(task)[1].title if task in tasks() else ""


def data_of(task: str) -> str:
    """How the data of a shipped task are fetched, or their `data.path`; empty for another task."""
    if task not in tasks():
        return ""
    loaded = load_task(task)[1]
    return fetch_command(loaded) or str(loaded.settings.get("data", {}).get("path", ""))


def hours_to_measure(task: str, seeds: int) -> float | None:
    """Core-hours of training of all cells of a shipped task; None for another task."""
    if task not in tasks():
        return None
    loaded = load_task(task)[1]
    return len(applicable(loaded)) * seeds * loaded.minutes / 60
