"""What the cells of a comparison share: fetched data, pretrained networks, and its record."""

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tf_translate.atomic_files import write_atomically, write_text_atomically
from tf_translate.config.task import FetchedData, Task, load_task, tasks
from tf_translate.data.fetch.fetch_options import FetchOptions
from tf_translate.data.fetch.fetchable_datasets import fetch, table_path
from tf_translate.errors import ConfigError, RunError
from tf_translate.experiment.compare.cells.cell import Cell
from tf_translate.experiment.compare.cells.comparison import PREPARED, Comparison
from tf_translate.experiment.compare.cells.supervision import not_compared
from tf_translate.pretrained.registry import load_pretrained

RECORD = "task.json"  # in the folder of a task: its settings, which later cells must share
KEEP_WEIGHTS = "keep_weights"  # an empty file: the weights of finished cells stay
ABOUT = "about.json"  # beside it: what the report says of the task in words
_SHOWN_GROUPS = ("model", "loss_weights", "training")
TEXTS = ("title", "keeps_content_by")  # what a task may say of a method in words
_BUDGET = ("training.minutes", "training.steps")  # other settings follow from them
Progress = Callable[[int, int], None]


def data_folder(task: Task, source: str, given: Path | None) -> Path:
    """The folder that paths of a task are relative to; nothing is fetched.

    Args:
        task: The task.
        source: The task as it was given, a name or a file.
        given: The folder that the user names, or None.
    """
    if given is not None:
        if not given.is_dir():
            raise ConfigError(f"--data must be a folder, but there is none at {given}")
        return given.absolute()
    if task.fetch is not None:
        return table_path(task.fetch.name, _options(task.fetch)).absolute().parent
    return Path(source).absolute().parent if source.endswith(".toml") else Path.cwd()


def fetch_data(task: Task, progress: Progress | None = None) -> None:
    """Fetches the data of a task, unless they exist."""
    if task.fetch is not None:
        fetch(task.fetch.name, _options(task.fetch), progress=progress)


def fetch_command(task: Task) -> str | None:
    """The command that fetches the data of a task, or None."""
    if task.fetch is None:
        return None
    options = {"size": task.fetch.size, "number": task.fetch.number, "style": task.fetch.style}
    given = "".join(f" --{name} {value}" for name, value in options.items() if value is not None)
    return f"tf-translate data fetch {task.fetch.name}{given}"


def write_pretrained(comparison: Comparison, report: Callable[[str], None]) -> None:
    """Writes the pretrained networks of a task into its folder, unless they are there."""
    for name, each in comparison.task.pretrained.items():
        file = comparison.folder / PREPARED / f"{name}.keras"
        if not file.is_file():
            report(f"writing {each.network} to {file}")
            shape = (each.size, each.size, each.channels)
            write_atomically(file, load_pretrained(each.network).as_model(shape).save)


def check_judging_networks(cells: Iterable[Cell]) -> None:
    """Loads the pretrained networks that will measure the cells, so that none fails after training.

    Raises:
        DataError: If there is no such network, or its weights cannot be downloaded.
    """
    names = [name for cell in cells for name in cell.settings.get("evaluation.pretrained", ())]
    for name in dict.fromkeys(names):
        load_pretrained(name)


def check_record(comparison: Comparison, cells: list[Cell]) -> None:
    """Records the settings of cells; those of a method must be equal for all its cells.

    Raises:
        RunError: If cells of the folder were run with other settings.
    """
    file = comparison.folder / RECORD
    known = _read_record(file)
    for cell in cells:
        own = _record(cell)
        before = known.setdefault(cell.name, own)
        different = sorted(key for key in {*before, *own} if before.get(key) != own.get(key))
        if different and not any(comparison.folder.glob(f"{cell.name}-*/config.json")):
            known[cell.name] = own  # none was ever trained: a mistake may be corrected
        elif different:
            key = next((each for each in _BUDGET if each in different), different[0])
            was = f"{key} = {before[key]!r}" if key in before else f"the preset's {key}"
            now = repr(own[key]) if key in own else "that of the preset"
            raise RunError(
                f"the cells of {cell.name} in {comparison.folder} were run with {was}, not {now}; "
                "repeat these settings, or choose another --run"
            )
    write_atomically(
        file, lambda target: target.write_text(json.dumps(known, indent=2) + "\n", "utf-8")
    )


def _read_record(file: Path) -> dict[str, dict[str, Any]]:
    """The settings of cells by method; empty if there is no file."""
    if not file.is_file():
        return {}
    try:
        found = json.loads(file.read_text("utf-8"))
        if not all(isinstance(each, dict) for each in found.values()):
            raise ValueError("it has other values than settings by method")
    except (OSError, ValueError, AttributeError, RecursionError) as error:
        raise _broken(file, error) from error
    return found


def keeps_weights(folder: Path, requested: bool) -> bool:
    """Whether weights stay: because it is requested, or was before in this folder of a task."""
    file = folder / KEEP_WEIGHTS
    if requested:
        file.touch()
    return file.is_file()


def write_about(comparison: Comparison) -> None:
    """Writes what the report says of the task: title, data, layouts, what is not applicable."""
    values = json.dumps(about(comparison.task), indent=2, ensure_ascii=False) + "\n"
    write_text_atomically(comparison.folder / ABOUT, values)


def about(task: Task) -> dict[str, Any]:
    """Title, supervision and data of a task, what each method is shown, and who is left out."""
    return {
        "title": task.title,
        "remarks": list(task.remarks),
        "provides": list(task.provides),
        "data": fetch_command(task) or str(task.settings.get("data", {}).get("path", "")),
        "shown": {name: task.layouts[each.layout].shows for name, each in task.methods.items()},
        "texts": texts_of_methods(task),
        "not_applicable": not_compared(task),
    }


def texts_of_methods(task: Task) -> dict[str, dict[str, str]]:
    """What a task says of its methods that its registered method does not, by name and key."""
    return {
        name: {key: text for key in TEXTS if (text := getattr(method, key))}
        for name, method in task.methods.items()
        if any(getattr(method, key) for key in TEXTS)
    }


def read_about(folder: Path, name: str) -> dict[str, Any] | None:
    """What is said of a task: from its folder, else of the shipped task of that name, or None.

    Raises:
        RunError: If the file is broken.
    """
    file = folder / ABOUT
    if not file.is_file():
        return about(load_task(name)[1]) if name in tasks() else None
    try:
        found = json.loads(file.read_text("utf-8"))
        kinds = {"title": str, "provides": list, "data": str, "shown": dict, "not_applicable": dict}
        remarks = found.setdefault("remarks", [])  # older files have none
        if any(not isinstance(found[key], kind) for key, kind in kinds.items()):
            raise ValueError("its values have other types")
        if not (isinstance(remarks, list) and all(isinstance(each, str) for each in remarks)):
            raise ValueError("its remarks must be a list of texts")
        for method, own in found.setdefault("texts", {}).items():  # older files have none
            if not all(key in TEXTS and isinstance(text, str) for key, text in own.items()):
                raise ValueError(f"its texts of {method} must be texts by {' and '.join(TEXTS)}")
        json.dumps(found, ensure_ascii=False).encode("utf-8")  # a page must be able to hold it
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise _broken(file, error) from error
    return found


@dataclass(frozen=True)
class OwnSettings:
    """What the cells of a method were trained with.

    Attributes:
        preset: Its preset; empty if it is unknown.
        changed: Settings of networks, losses and training that the task gives: "group.setting" to
            value. Those of data, and the length of training, are left out.
    """

    preset: str = ""
    changed: Mapping[str, Any] = field(default_factory=dict)


def read_settings(folder: Path) -> dict[str, OwnSettings]:
    """The settings of each method of a task, from its folder; empty for an old one.

    Raises:
        RunError: If the file is broken.
    """
    found = {}
    for name, record in _read_record(folder / RECORD).items():
        changed = {
            key: value
            for key, value in record.items()
            if key.partition(".")[0] in _SHOWN_GROUPS and key not in _BUDGET
        }
        preset = record.get("preset")
        found[name] = OwnSettings(preset if isinstance(preset, str) else "", changed)
    return found


def _broken(file: Path, error: Exception) -> RunError:
    return RunError(f"{file} is broken: {error}; delete it and run the comparison again")


def _record(cell: Cell) -> dict[str, Any]:
    """What all cells of a method share, as JSON values."""
    shared = {key: value for key, value in cell.settings.items() if key != "training.seed"}
    values = {"preset": cell.preset, "direction": cell.direction, "uses": cell.uses, **shared}
    return json.loads(json.dumps(values))


def _options(data: FetchedData) -> FetchOptions:
    return FetchOptions(size=data.size, number=data.number, style=data.style)
