"""Comparison tasks: which methods learn what from which data, as TOML files give it."""

import tomllib
from difflib import get_close_matches
from importlib import resources
from pathlib import Path
from typing import Any, ClassVar, Literal

from pydantic import Field, model_validator

from tf_translate.config.load import validate
from tf_translate.config.settings import Settings
from tf_translate.errors import ConfigError

Supervision = Literal["images", "sets", "pairs", "attributes", "labels"]
GROUPS = ("model", "loss_weights", "data", "training", "evaluation")  # of a run's configuration
MethodSettings = dict[str, dict[str, Any]]  # group -> setting -> value
_TITLE, _SENTENCE = 40, 120  # characters that a report has room for
_IMPLIED: dict[Supervision, tuple[Supervision, ...]] = {
    "pairs": ("sets", "images"),
    "sets": ("images",),
    "attributes": ("images",),
}


class FetchedData(Settings):
    """A data set that `tf-translate data fetch` writes."""

    name: str = Field(description="its name, such as dicebear; see `tf-translate data list`")
    size: int | None = Field(default=None, description="side of rendered images in pixels")
    number: int | None = Field(default=None, description="number of people or icons")
    style: str | None = Field(default=None, description="style of rendered images")


class PretrainedFile(Settings):
    """A pretrained network that is written as a file, for methods that train with one."""

    network: str = Field(description="its name, see `tf-translate pretrained`")
    size: int = Field(default=64, ge=8, description="height and width of its input images")
    channels: Literal[1, 3, 4] = Field(default=3, description="channels of its input images")


class Layout(Settings):
    """One way to show the data of a task to methods."""

    shows: str = Field(description="what a method is shown, in words")
    uses: list[Supervision] = Field(
        min_length=1,
        description="supervision that learning from it takes: images, one set; sets, two sets; "
        "pairs; attributes; labels",
    )
    direction: str = Field(
        default="a_to_b",
        description="the direction in the results of `evaluate` that is the task: a_to_b, b_to_a, "
        "or for attributes such as add_glasses",
    )
    settings: MethodSettings = Field(
        default={}, description="settings of runs by group, such as data.path"
    )


class TaskMethod(Settings):
    """A method of a task, or a variant of it."""

    title: str = Field(
        default="", description="its name in reports; not set: its method's, and NAME of a variant"
    )
    keeps_content_by: str = Field(
        default="",
        description="how it keeps the content, in words; not set: as its method does",
    )
    preset: str = Field(default="", description="its preset; not set: NAME_small")
    layout: str = Field(description="name of one of the layouts of the task")
    uses: list[Supervision] | None = Field(
        default=None, description="supervision it uses; not set: that of the layout"
    )
    direction: str | None = Field(
        default=None, description="its direction; not set: that of the layout"
    )
    same_training_as: str | None = Field(
        default=None,
        description="another method of the task that is trained in the same way and only used in "
        "another; both take the same number of steps after `compare steps`",
    )
    settings: MethodSettings = Field(
        default={}, description="settings of its runs that differ from the preset and the layout"
    )


class Task(Settings):
    """A task on which methods are compared.

    A path in `data.path` is relative to the folder of `fetch`, or else of the task's file. In any
    text of `settings`, {NAME} is the file of the entry NAME of `pretrained`.
    """

    noun: ClassVar[str] = "key"

    title: str = Field(description="what a translation does, for people")
    remarks: list[str] = Field(
        default=[],
        description="sentences that the report prints under Limits: what the data, the "
        "settings or the truth cannot say",
    )
    minutes: float = Field(
        gt=0, allow_inf_nan=False, description="wall-clock minutes of training of a cell, on a core"
    )
    provides: list[Supervision] = Field(
        min_length=1,
        description="supervision that the data of the task offers, as in uses; pairs are sets too",
    )
    fetch: FetchedData | None = Field(default=None, description="data set to fetch")
    pretrained: dict[str, PretrainedFile] = Field(
        default={}, description="pretrained networks that methods train with, by a name"
    )
    settings: MethodSettings = Field(default={}, description="settings of all runs, by group")
    layouts: dict[str, Layout] = Field(description="the ways to show the data, by name")
    methods: dict[str, TaskMethod] = Field(
        min_length=1, description="the methods, by name; a variant has a name of its own"
    )
    not_applicable: dict[str, str] = Field(
        default={}, description="why a method is left out, by its name"
    )

    @model_validator(mode="after")
    def _parts_fit(self) -> "Task":
        for name, method in self.methods.items():
            if not name.replace("_", "").isalnum():
                raise ValueError(
                    "names of methods must be letters, digits and underscores, because folders are "
                    f"named after them, got {name!r}"
                )
            if method.layout not in self.layouts:
                near = get_close_matches(method.layout, self.layouts, n=1)
                hint = f"did you mean {near[0]!r}?" if near else f"there are {list(self.layouts)}"
                raise ValueError(
                    f"methods.{name}.layout must be one of the layouts, got {method.layout!r}; "
                    f"{hint}"
                )
            self._check_same_training(name)
            self._check_texts(name)
        both = [name for name in self.not_applicable if name in self.methods]
        if both:
            raise ValueError(
                f"not_applicable must name methods that are left out, but {both[0]!r} is one of "
                "methods; delete one of the two"
            )
        places = {
            "settings": self.settings,
            **{f"layouts.{name}.settings": each.settings for name, each in self.layouts.items()},
            **{f"methods.{name}.settings": each.settings for name, each in self.methods.items()},
        }
        for place, settings in places.items():
            for group in settings:
                if group not in GROUPS:
                    raise ValueError(
                        f"{place} must hold the groups {', '.join(GROUPS)}, got {group!r}"
                    )
        return self

    def _check_texts(self, name: str) -> None:
        method = self.methods[name]
        for key, most in (("title", _TITLE), ("keeps_content_by", _SENTENCE)):
            text = getattr(method, key)
            if text != " ".join(text.split()) or len(text) > most:
                raise ValueError(
                    f"methods.{name}.{key} must be one line of at most {most} characters, without "
                    f"spaces at its ends, got {text!r}"
                )
        same = [n for n, each in self.methods.items() if n != name and each.title == method.title]
        if method.title and same:
            raise ValueError(
                f"methods.{name}.title must be its own, but {same[0]} has {method.title!r} too"
            )

    def _check_same_training(self, name: str) -> None:
        other = self.methods[name].same_training_as
        if other is None:
            return
        place = f"methods.{name}.same_training_as"
        if other == name or other not in self.methods or self.trained_as(other) != other:
            raise ValueError(
                f"{place} must be another of the methods that has no such key itself, got {other!r}"
            )
        own, shared = self._training_of(name), self._training_of(other)
        different = sorted(key for key in {*own, *shared} if own.get(key) != shared.get(key))
        if different:
            raise ValueError(
                f"{place} must be a method with the same preset, layout and settings but those of "
                f"model and evaluation, but {different[0]} of {other} is "
                f"{shared.get(different[0])!r}, not {own.get(different[0])!r}"
            )

    def _training_of(self, name: str) -> dict[str, Any]:
        """What must be equal in two methods that share a training."""
        settings = {
            key: value
            for key, value in self.settings_of(name).items()
            if key.partition(".")[0] not in ("model", "evaluation")  # which hold the use as well
        }
        return {**settings, "preset": self.preset_of(name), "layout": self.methods[name].layout}

    @property
    def offered(self) -> set[Supervision]:
        """What it provides, and what follows from that: pairs can be shown as two sets."""
        return {each for given in self.provides for each in (given, *_IMPLIED.get(given, ()))}

    def preset_of(self, name: str) -> str:
        """The preset of one of its methods."""
        return self.methods[name].preset or f"{name}_small"

    def direction_of(self, name: str) -> str:
        """The direction of one of its methods that is the task."""
        method = self.methods[name]
        return method.direction or self.layouts[method.layout].direction

    def uses_of(self, name: str) -> list[Supervision]:
        """The supervision that one of its methods uses."""
        method = self.methods[name]
        return method.uses or self.layouts[method.layout].uses

    def trained_as(self, name: str) -> str:
        """The method that one of its methods shares its training with: itself, or another."""
        return self.methods[name].same_training_as or name

    def settings_of(self, name: str) -> dict[str, Any]:
        """Settings of the runs of a method, "group.setting" to value; the most special one wins."""
        method = self.methods[name]
        return {
            f"{group}.{key}": value
            for settings in (self.settings, self.layouts[method.layout].settings, method.settings)
            for group, values in settings.items()
            for key, value in values.items()
        }


def tasks() -> dict[str, str]:
    """The shipped tasks: name to TOML text."""
    folder = resources.files("tf_translate.config") / "tasks"
    files = sorted(folder.iterdir(), key=lambda file: file.name)
    return {f.name[:-5]: f.read_text("utf-8") for f in files if f.name.endswith(".toml")}


def load_task(source: str) -> tuple[str, Task]:
    """Reads a task: a shipped one by its name, or a `.toml` file.

    Returns:
        Its name, for a file the name without `.toml`, and the task.

    Raises:
        ConfigError: If there is no such task, or a key or value is not allowed.
    """
    text, origin = _find(source)
    try:
        values = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{origin} is not valid TOML: {error}") from error
    return Path(source).stem, validate(Task, values, origin)


def _find(source: str) -> tuple[str, str]:
    if source.endswith(".toml"):
        path = Path(source)
        if not path.is_file():
            raise ConfigError(f"there is no task file {path}")
        try:
            return path.read_text("utf-8"), str(path)
        except UnicodeDecodeError as error:
            raise ConfigError(f"{path} is not UTF-8 text: {error}") from error
    known = tasks()
    if source not in known:
        near = get_close_matches(source, known, n=1, cutoff=0.4)
        hint = f"; did you mean {near[0]!r}?" if near else ""
        raise ConfigError(
            f"there is no task {source!r}; tasks are {', '.join(known)}, and a file of your own "
            f"ends in .toml{hint}"
        )
    return known[source], f"task {source}"
