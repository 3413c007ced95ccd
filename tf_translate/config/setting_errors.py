"""One sentence on the first setting that does not fit, for files, `--set` and Python alike."""

from collections.abc import Iterable, Mapping, Sequence
from difflib import get_close_matches
from typing import Any, get_args, get_origin

from pydantic import BaseModel, ValidationError

NAME = "NAME"  # in keys: any name, such as that of a method in a task
_LONGEST = 100  # characters of a value that a sentence repeats

# What a value must be, by pydantic's type of error; {} are its limits.
_RULES = {
    "bool_parsing": "true or false",
    "bool_type": "true or false",
    "dict_type": "a table of values by name",
    "finite_number": "a finite number",
    "float_parsing": "a number",
    "float_type": "a number",
    "greater_than": "above {gt:.10g}",
    "greater_than_equal": "{ge:.10g} or more",
    "int_from_float": "a whole number",
    "int_parsing": "a whole number",
    "int_type": "a whole number",
    "less_than": "below {lt:.10g}",
    "less_than_equal": "{le:.10g} or less",
    "list_type": "a list",
    "literal_error": "{expected}",
    "string_too_short": "a text that is not empty",
    "string_type": "a text",
    "tuple_type": "a list",
}


def sentence(model: type[BaseModel], error: ValidationError, *, prefix: str = "") -> str:
    """Key, value and rule of the first mistake; of an unknown key, the nearest valid one.

    Args:
        model: The settings class that was to be filled.
        error: What pydantic raised.
        prefix: Dotted path that leads to `model`.
    """
    errors = error.errors(include_url=False)
    # A misspelt key is also a missing one: the key that was written says more.
    first = next((each for each in errors if each["type"] == "extra_forbidden"), errors[0])
    key = prefix + _key(first["loc"], keys(model))
    if first["type"] == "extra_forbidden":
        return f"there is no {_noun(model)} {key!r}{_hint(key, first['loc'], model, prefix)}"
    if first["type"] == "missing":
        return f"the {_noun(model)} {key!r} is missing"
    value = repr(first["input"])
    value = value if len(value) <= _LONGEST else f"{value[: _LONGEST - 3]}..."
    if first["type"] == "frozen_instance":
        return (
            f"{key} cannot change to {value}, because settings are frozen; make new ones: "
            f"{model.__name__}(**{{**settings.model_dump(), {key!r}: {value}}})"
        )
    rule = _rule(model, first)
    if first["type"] == "value_error" and _settings_classes(_annotation(model, first["loc"])):
        return f"{key}: {rule}" if first["loc"] else rule  # on several settings together
    return f"{key} = {value} is not allowed: {rule}"


def keys(model: type[BaseModel], prefix: str = "") -> list[str]:
    """All dotted keys of a settings class, each once; NAME stands for a name that is free."""
    found: list[str] = []
    for name, field in model.model_fields.items():
        nested = _settings_classes(field.annotation)
        inner = f"{name}.{NAME}" if get_origin(field.annotation) is dict else name
        for kind in nested:
            found += keys(kind, f"{prefix}{inner}.")
        if not nested:
            found.append(prefix + name)
    return list(dict.fromkeys(found))


def _noun(model: type[BaseModel]) -> str:
    """What its keys are called: those of a task are no settings of runs."""
    return getattr(model, "noun", "setting")


def _rule(model: type[BaseModel], error: Mapping[str, Any]) -> str:
    """What the value must be. A rule of our own validators is a sentence already."""
    kind, limits = error["type"], error.get("ctx", {})
    if kind in ("value_error", "assertion_error"):
        return str(limits["error"])
    kinds = _settings_classes(_annotation(model, error["loc"])) if error["loc"] else [model]
    if kind.startswith("union_tag"):
        names = " or ".join(repr(each.model_fields["kind"].default) for each in kinds)
        classes = " or ".join(each.__name__ for each in kinds)
        return f"it must be a table of settings whose kind is {names} (in Python: {classes})"
    if kind.startswith("model_"):
        classes = " or ".join(each.__name__ for each in kinds)
        return f"it must be a table of settings (in Python: {classes})"
    if kind in _RULES:
        suggestion = _nearest(error["input"], limits.get("expected", ""))
        return f"it must be {_RULES[kind].format(**limits)}{suggestion}"
    message = error["msg"]
    return message[0].lower() + message[1:]


def _nearest(value: Any, expected: str) -> str:
    """The alternative that a misspelt word meant."""
    alternatives = [word.strip("'") for word in expected.replace(" or ", ", ").split(", ")]
    near = get_close_matches(value, alternatives, n=1) if isinstance(value, str) else []
    return f"; did you mean {near[0]!r}?" if near else ""


def _key(place: Sequence[int | str], valid: Sequence[str]) -> str:
    """The dotted key of an error's place, without pydantic's names for parts of a union."""
    if not place:
        return "settings"
    known = {segment for key in valid for segment in key.split(".")}
    named = {key.split(".")[0] for key in valid if key.split(".")[1:2] == [NAME]}
    *inner, last = (str(part) for part in place)
    kept = [part for i, part in enumerate(inner) if part in known or (i == 1 and inner[0] in named)]
    return ".".join([*kept, last])


def _hint(key: str, place: Sequence[int | str], model: type[BaseModel], prefix: str) -> str:
    """What to write in place of an unknown key."""
    valid = keys(model, prefix)
    group, _, name = key.rpartition(".")
    if key in valid:  # of another kind of optimizer than the given one
        kinds = _settings_classes(_annotation(model, place[:1]))
        fits = [each.model_fields["kind"].default for each in kinds if name in each.model_fields]
        return f" with this {group}.kind; it needs {group}.kind = {fits[0]!r}"
    if name == "loss_weights":
        return "; the weights of loss terms are no settings of the networks: " + (
            "they are [loss_weights], a table of its own"
            if prefix
            else "give `loss_weights` to `from_settings` or to the constructor of the method"
        )
    return _nearest_key(key, valid)


def _nearest_key(key: str, valid: Iterable[str]) -> str:
    valid = list(valid)
    same_name = [other for other in valid if other.split(".")[-1] == key.split(".")[-1]]
    near = same_name[:1] or get_close_matches(key, valid, n=1, cutoff=0.5)
    return f"; did you mean {near[0]!r}?" if near else f"; there are {', '.join(valid)}"


def _annotation(model: type[BaseModel], place: Sequence[int | str]) -> Any:
    """The type of the field at an error's place; `model` if it is no field."""
    annotation: Any = model
    for part in place:
        for each in _settings_classes(annotation):
            if part in each.model_fields:
                annotation = each.model_fields[str(part)].annotation
                break
    return annotation


def _settings_classes(annotation: Any) -> list[type[BaseModel]]:
    """The settings classes that a type is or has as alternatives."""
    alternatives = (annotation, *get_args(annotation))
    return [each for each in alternatives if isinstance(each, type) and issubclass(each, BaseModel)]


def first_reason(error: Exception) -> str:
    """What is wrong with a file, on one line; of a document that was checked, the first thing."""
    if not isinstance(error, ValidationError):
        return " ".join(str(error).split())
    first = error.errors()[0]
    return f"{'.'.join(map(str, first['loc'])) or 'the document'}: {first['msg']}"
