"""`tf-translate settings`: every key of a configuration, with its values, meaning and source."""

import itertools
import json
import textwrap
from types import SimpleNamespace
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.text import Text

from tf_translate.cli.completion import complete_presets
from tf_translate.cli.output import JSON_HELP, load_tensorflow, message_console, print_json
from tf_translate.config.settings_list import SettingInfo, list_settings

if TYPE_CHECKING:  # loading TensorFlow would slow every command down
    from tf_translate.config.settings import MethodSettings
    from tf_translate.core.schedules import Schedule
    from tf_translate.methods.registry import Method

NAME = "settings"
_SHARED = ("data", "training", "evaluation")
_INDENT = "    "
_TITLES = {
    "model": "Networks and losses of the method",
    "loss_weights": "Weights of the losses",
    "data": "Images",
    "training": "Training",
    "evaluation": "Evaluation",
}


def main(
    source: Annotated[
        str | None,
        typer.Argument(
            metavar="[METHOD|PRESET|FILE.toml]",
            autocompletion=complete_presets,
            help="A method: its own settings too, with the defaults of its paper. A preset or a "
            "configuration file: with its values. None: the settings that all methods share.",
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help=JSON_HELP)] = False,
) -> None:
    """List all settings: values, default, allowed range, what each one does, and its source.

    Examples:

      tf-translate settings

      tf-translate settings cyclegan

      tf-translate settings cyclegan_small --json
    """
    listed = _listed(source)
    if as_json:
        print_json({**listed, "settings": [one.as_dict() for one in listed["settings"]]})
        return
    console = message_console()
    lines = [_introduction(listed)]
    for section, settings in itertools.groupby(listed["settings"], _section):
        lines += ["", _TITLES[section].upper()]
        for group, members in itertools.groupby(settings, lambda one: one.group):
            listing = list(members)
            if group:
                lines += ["", f"{listing[0].key.rpartition('.')[0]}: {group}"]
            for one in listing:
                lines += ["", *_entry(one)]
    for line in lines:
        console.print(Text(_wrapped(line, console.width)), soft_wrap=True)


def _listed(source: str | None) -> dict[str, Any]:
    """The method, the preset and all settings; both are None for what all methods share."""
    from tf_translate.config.schema import Config

    if source is None:
        return {"method": None, "preset": None, "settings": _shared(list_settings(Config))}
    load_tensorflow()
    from tf_translate.experiment.configure import method_settings, resolve
    from tf_translate.methods import registry

    is_method = source in registry.names()
    config = None if is_method else resolve(source)
    method = registry.find(source if config is None else config.method)
    model = None if config is None else method_settings(config, source)
    return {
        "method": method.name,
        "title": method.title,
        "paper": method.paper,
        "preset": None if is_method else source,
        "settings": [
            *list_settings(method.settings, model, prefix="model."),
            *_loss_weights(method, model, {} if config is None else config.loss_weights),
            *_shared(list_settings(Config, config)),
        ],
    }


def _shared(settings: list[SettingInfo]) -> list[SettingInfo]:
    return [one for one in settings if _section(one) in _SHARED]


def _loss_weights(
    method: "Method", model: "MethodSettings | None", given: dict[str, float]
) -> list[SettingInfo]:
    """The weight of each loss term, and of each group of terms."""
    from tf_translate.core.loss_terms import Role, with_loss_weights

    meanings = {
        Role.CONTENT: "content, what must survive translation",
        Role.DOMAIN: "domain, what must become the target",
        Role.REGULARIZATION: "regularization, how the networks must behave",
    }
    terms = method.translator.terms
    # Weights follow from the settings alone; networks are not needed for them.
    translator: Any = SimpleNamespace(settings=model or method.settings())
    chosen = with_loss_weights(terms, method.translator.choose_loss_weights(translator, given))
    rows = []
    groups: dict[str, list[str]] = {}
    for term, value in zip(terms, chosen, strict=True):
        what = f": {term.description}" if term.description else ""
        description = f"weight of the loss term {term.name}{what}; role: {meanings[term.role]}"
        if term.follows:
            description += f"; if not given, in proportion to loss_weights.{term.follows}"
        rows.append(
            SettingInfo(
                key=f"loss_weights.{term.name}",
                type="number",
                range="0 or more; 0 switches it off",
                default=_weight(term.weight),
                value=_weight(value.weight),
                description=description,
                source=term.source,
            )
        )
        if term.group:
            groups.setdefault(term.group, []).append(term.name)
    return rows + [
        SettingInfo(
            key=f"loss_weights.{group}",
            type="number or not set",
            range="0 or more",
            default=None,
            value=None,
            description=f"weight of {' and '.join(names)} at once",
            source="",
        )
        for group, names in groups.items()
    ]


def _weight(weight: "float | Schedule") -> float | str:
    return weight if isinstance(weight, int | float) else str(weight)


def _introduction(listed: dict[str, Any]) -> str:
    from tf_translate.config.load import presets

    change = "Change a setting with --set KEY=VALUE, or in a TOML file."
    if listed["method"] is None:
        return (
            f"The settings that all methods share, with their defaults. {change} For those of a "
            "method: tf-translate settings METHOD."
        )
    of = f"{listed['title']} ({listed['paper']})" if listed["paper"] else listed["title"]
    if listed["preset"] is not None:
        return (
            f"The settings of {of} with the values of {listed['preset']}, and the default where "
            f"it is another. {change}"
        )
    small = f"{listed['method']}_small"
    if small not in presets():
        return f"The settings of {of} with their defaults. {change}"
    return (
        f"The settings of {of} with their defaults. {change} `tf-translate train "
        f"{listed['method']}` trains the preset {small}: tf-translate settings {small} shows its "
        "values."
    )


def _section(setting: SettingInfo) -> str:
    return setting.key.partition(".")[0]


def _entry(setting: SettingInfo) -> list[str]:
    """A setting as lines: key and value; allowed values; what it does; the source."""
    first = f"{setting.key} = {_toml(setting.value)}"
    if setting.required and setting.value is None:
        first = f"{setting.key} must be given"
    elif setting.value != setting.default and not setting.required:
        first += f"  (default: {_toml(setting.default)})"
    condition = f"only with {setting.only_with}" if setting.only_with else ""
    source = f"source: {setting.source}" if setting.source else ""
    allowed = "; ".join(part for part in (setting.type, setting.range, condition) if part)
    details = (allowed, setting.description, source)
    return [first, *(f"{_INDENT}{detail}" for detail in details if detail)]


def _toml(value: Any) -> str:
    """A value as `--set` takes it; a schedule in words."""
    if value is None:
        return "not set"
    return value if isinstance(value, str) and " " in value else json.dumps(value)


def _wrapped(line: str, width: int) -> str:
    """A line with line ends, at least at `width`; no word is cut."""
    indent = _INDENT if line.startswith(_INDENT) else ""
    return textwrap.fill(
        line.strip(),
        width,
        initial_indent=indent,
        subsequent_indent=indent,
        break_long_words=False,
        break_on_hyphens=False,
    )
