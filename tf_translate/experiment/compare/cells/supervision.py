"""Which methods a task can compare: those whose supervision it provides."""

from collections.abc import Mapping, Sequence

from tf_translate.config.load import load
from tf_translate.config.task import Supervision, Task
from tf_translate.errors import ConfigError, UnknownMethodError
from tf_translate.methods import registry

NEEDS: dict[str, Supervision] = {  # what a method of a layout cannot do without
    "paired": "pairs",
    "unpaired": "sets",
    "attributes": "attributes",
    "images": "images",
}


def applicable(task: Task) -> list[str]:
    """Names of the methods of a task whose supervision it provides."""
    return [name for name in task.methods if set(task.uses_of(name)) <= task.offered]


def not_compared(task: Task) -> dict[str, str]:
    """Why a method is not compared, by name: of the task, and of all registered methods.

    Raises:
        ConfigError: If `not_applicable` of the task names a method that does not exist, or that is
            compared under another name.
    """
    compared = {_preset_method(task, name): name for name in task.methods}
    _check_names(task, compared)
    provided = join(task.provides)
    reasons = {
        name: f"it uses {join(task.uses_of(name))}, and the task provides {provided}"
        for name in task.methods
        if name not in applicable(task)
    }
    for name in registry.names():
        if name in compared or name in reasons:
            continue
        need = NEEDS[registry.find(name).layout]
        own = f"it needs {need}, and the task provides {provided}"
        reasons[name] = task.not_applicable.get(
            name, "the task does not list it" if need in task.offered else own
        )
    return reasons


def lacking_supervision(task: Task) -> set[str]:
    """Names of methods, of the task and registered, that need more than the task offers."""
    others = {name: NEEDS[registry.find(name).layout] for name in registry.names()}
    lacking = {name for name, need in others.items() if need not in task.offered}
    return (lacking | set(task.methods)) - set(applicable(task))


def join(words: Sequence[str]) -> str:
    """Words as a sentence lists them: "a, b and c"."""
    return " and ".join(words) if len(words) < 3 else f"{', '.join(words[:-1])} and {words[-1]}"


def _check_names(task: Task, compared: Mapping[str, str]) -> None:
    """Refuses reasons for methods that do not exist, or that a name of the task stands for."""
    for name in task.not_applicable:
        try:
            registry.find(name)
        except UnknownMethodError as error:
            raise ConfigError(f"not_applicable of the task: {error}") from error
        if name in compared:
            raise ConfigError(
                f"not_applicable of the task names {name}, which methods.{compared[name]} is; "
                "delete one of the two"
            )


def _preset_method(task: Task, name: str) -> str:
    preset = task.preset_of(name)
    try:
        return load(preset).method
    except UnknownMethodError as error:
        raise ConfigError(
            f"methods.{name} of the task has the preset {preset!r}, which does not exist: {error}"
        ) from error
