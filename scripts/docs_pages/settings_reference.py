"""The page of every setting: docs/reference/settings.md."""

import types
from collections.abc import Iterator
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import annotated_types
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from scripts.results.methods_table import own_methods
from tf_translate.config.data import DataConfig
from tf_translate.config.schema import EvaluationConfig, TrainingConfig

_HEAD = """# Settings

This page is generated from the settings classes. Give a setting with `--set key=value`, or in a
TOML file in the table of its first word: `training.steps` is `steps` below `[training]`. Values are
TOML: `--set data.size='[128, 128]'`, `--set training.seed=3`. What is no TOML is taken as text.

A preset (`tf-translate train NAME`) changes some of the defaults below. The resolved settings of a
run are in its `config.json`.

`loss_weights.TERM` replaces the weight of a loss term of the method. `tf-translate describe METHOD`
lists its terms.

"""
_BOUNDS = (
    (annotated_types.Ge, "≥ {0.ge}"), (annotated_types.Gt, "> {0.gt}"),
    (annotated_types.Le, "≤ {0.le}"), (annotated_types.Lt, "< {0.lt}"),
)  # fmt: skip


def page() -> str:
    """The page in Markdown. `rows` is the place for `tf-translate settings --json`."""
    sections = [
        ("Data", "data", DataConfig),
        ("Training", "training", TrainingConfig),
        ("Evaluation", "evaluation", EvaluationConfig),
        *((f"Model: {each.name}", "model", each.settings) for each in own_methods()),
    ]
    return _HEAD + "\n".join(
        f"## {title}\n\n| setting | type | default | meaning |\n|---|---|---|---|\n"
        + "".join(f"| {' | '.join(cells)} |\n" for cells in rows(settings, prefix))
        for title, prefix, settings in sections
    )


def rows(settings: type[BaseModel], prefix: str) -> Iterator[tuple[str, str, str, str]]:
    """Key, type, default and description of each setting, those of nested classes too."""
    for name, field in settings.model_fields.items():
        nested = [each for each in _alternatives(field.annotation) if _is_settings(each)]
        if nested:
            yield f"`{prefix}.{name}`", "group", _default(field), _text(field)
            for kind in nested:
                yield from rows(kind, f"{prefix}.{name}")
        else:
            limits = _limits(field.metadata)
            kind = _type(field.annotation) + (f", {limits}" if limits else "")
            yield f"`{prefix}.{name}`", kind, _default(field), _text(field)


def _alternatives(annotation: Any) -> tuple:
    origin = get_origin(annotation)
    if origin is Annotated:
        return _alternatives(get_args(annotation)[0])
    if origin in (Union, types.UnionType):
        return tuple(one for each in get_args(annotation) for one in _alternatives(each))
    return (annotation,)


def _is_settings(annotation: Any) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, BaseModel)


def _type(annotation: Any) -> str:
    if get_origin(annotation) is Literal:
        return ", ".join(f"`{value}`" for value in get_args(annotation))
    if get_origin(annotation) is Annotated:
        return _type(get_args(annotation)[0])
    alternatives = _alternatives(annotation)
    if len(alternatives) > 1:
        return " or ".join("none" if each is types.NoneType else _type(each)
                           for each in alternatives)  # fmt: skip
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin in (list, tuple):
        inner = list(dict.fromkeys(_type(each) for each in arguments if each is not Ellipsis))
        return f"list of {' and '.join(_plural(kind) for kind in inner)}"
    if origin is dict:
        return f"table of {_type(arguments[1])}"
    names = {int: "whole number", float: "number", str: "text", bool: "true or false"}
    return names.get(annotation, getattr(annotation, "__name__", str(annotation)))


def _plural(kind: str) -> str:
    return {"whole number": "whole numbers", "number": "numbers", "text": "texts"}.get(kind, kind)


def _limits(metadata: list) -> str:
    return ", ".join(
        form.format(each) for each in metadata for kind, form in _BOUNDS if isinstance(each, kind)
    )


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "required"
    value = field.get_default(call_default_factory=True)
    if isinstance(value, BaseModel):
        return ""
    if value is None:
        return "none"
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    return f"`{list(value) if isinstance(value, tuple) else value}`"


def _text(field: FieldInfo) -> str:
    text = " ".join((field.description or "").split())
    return text.replace("|", "\\|").replace("<", "&lt;").replace("*", "\\*")
