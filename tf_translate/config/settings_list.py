"""Lists the keys of settings classes: type, range, default, description and source of each."""

import dataclasses
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, get_args

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from tf_translate.config.settings import conditions

# "number of filters (paper, appendix)": what a setting does, then where its value is from.
_SOURCE = re.compile(r"(.*\S) \(([^()]*)\)", re.DOTALL)


@dataclass(frozen=True)
class SettingInfo:
    """One key and what a reader needs to set it.

    Attributes:
        key: Dotted, as `--set` takes it.
        type: Allowed values in words, such as "integer" or `"a" or "b"`.
        range: Their range in words, such as "1 or more"; "" for none.
        default: Value if a configuration leaves the key out, as JSON.
        value: Value in the given settings, as JSON; equal to `default` without such settings.
        description: What the setting does.
        source: Where its value is from, such as a section of the paper; "" for none.
        group: What the settings that share its parent key are for; "" for none.
        only_with: Condition under which the key exists or has an effect, such as
            `model.optimizer.kind = "adam"`; "" for none.
        required: Whether a configuration must hold the key, because it has no default.
    """

    key: str
    type: str
    range: str
    default: Any
    value: Any
    description: str
    source: str
    group: str = ""
    only_with: str = ""
    required: bool = False

    def as_dict(self) -> dict[str, Any]:
        """All attributes by name."""
        return dataclasses.asdict(self)


def list_settings(
    model: type[BaseModel],
    values: BaseModel | None = None,
    *,
    defaults: BaseModel | None = None,
    prefix: str = "",
    group: str = "",
) -> list[SettingInfo]:
    """Lists all keys of a settings class; those of nested settings come last.

    Args:
        model: The settings class.
        values: Settings of that class, for `value`; None: the defaults.
        defaults: Settings of that class, for `default`; None: the defaults of its fields.
        prefix: Dotted path that leads to `model`, with its last dot.
        group: What these settings are for.
    """
    schema = model.model_json_schema()
    properties, definitions = schema.get("properties", {}), schema.get("$defs", {})
    plain: list[SettingInfo] = []
    nested: list[SettingInfo] = []
    for name, field in model.model_fields.items():
        default = _default(name, field, defaults)
        value = default if values is None else getattr(values, name)
        kinds = [one for one in (field.annotation, *get_args(field.annotation)) if _is_model(one)]
        if kinds:
            of = field.description or ""
            nested += _list_nested(kinds, value, default, prefix=f"{prefix}{name}.", group=of)
            continue
        description, source = split_source(field.description or "")
        plain.append(
            SettingInfo(
                key=f"{prefix}{name}",
                type=_type(properties[name], definitions),
                range=_range(properties[name]),
                default=_plain(default),
                value=_plain(value),
                description=description,
                source=source,
                group=group,
                required=field.is_required(),
                only_with=_condition(field, prefix),
            )
        )
    return [*plain, *nested]


def _condition(field: FieldInfo, prefix: str) -> str:
    """What other settings of its group must be for a field to have an effect; "" if none must."""
    return " and ".join(
        f"{prefix}{other} not set"
        if values == [None]
        else f"{prefix}{other} = " + _alternatives(f'"{each}"' for each in values)
        for other, values in conditions(field).items()
    )


def split_source(description: str) -> tuple[str, str]:
    """Splits the source in brackets off the end of a description.

    Returns:
        The description and the source, or "" if there is none.
    """
    match = _SOURCE.fullmatch(description)
    return (match[1], match[2]) if match else (description, "")


def _default(name: str, field: FieldInfo, defaults: BaseModel | None) -> Any:
    """The default of a field; None if there is none."""
    if defaults is not None:
        return getattr(defaults, name)
    return None if field.is_required() else field.get_default()


def _list_nested(
    kinds: list[type[BaseModel]], value: Any, default: Any, *, prefix: str, group: str
) -> list[SettingInfo]:
    """The keys of nested settings: all of the given kind, then those that only others have."""
    given = type(value) if isinstance(value, BaseModel) else kinds[0]
    chosen = list_settings(
        given,
        value if isinstance(value, BaseModel) else None,
        defaults=default if type(default) is given else None,
        prefix=prefix,
        group=group,
    )
    if len(kinds) == 1:
        return chosen
    key, names = f"{prefix}kind", _alternatives(f'"{_kind(kind)}"' for kind in kinds)
    chosen = [
        dataclasses.replace(one, type=names, default=_kind(type(default)))
        if one.key == key
        else one
        for one in chosen
    ]
    known = {one.key for one in chosen}
    return chosen + [
        dataclasses.replace(one, only_with=f'{key} = "{_kind(kind)}"')
        for kind in kinds
        for one in list_settings(kind, prefix=prefix, group=group)
        if one.key not in known
    ]


def _kind(model: type[BaseModel]) -> str:
    return model.model_fields["kind"].default


def _is_model(annotation: Any) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, BaseModel)


def _plain(value: Any) -> Any:
    """As JSON values."""
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json")
    return list(value) if isinstance(value, tuple) else value


def _type(schema: Mapping[str, Any], definitions: Mapping[str, Any]) -> str:
    """A JSON schema's type in words."""
    if "$ref" in schema:
        return _type(definitions[schema["$ref"].rpartition("/")[2]], definitions)
    if "anyOf" in schema:
        kinds = [_type(one, definitions) for one in schema["anyOf"] if one.get("type") != "null"]
        unset = ["not set"] if len(kinds) < len(schema["anyOf"]) else []
        return " or ".join([*kinds, *unset])
    if "enum" in schema or "const" in schema:
        return _alternatives(_quoted(value) for value in schema.get("enum", [schema.get("const")]))
    kind = schema.get("type")
    if kind == "array" and "prefixItems" in schema:
        return f"[{', '.join(_type(one, definitions) for one in schema['prefixItems'])}]"
    if kind == "array":
        return f"list of {_plural(_type(schema.get('items', {}), definitions))}"
    if kind == "object":
        inner = schema.get("additionalProperties")
        of = _type(inner, definitions) if isinstance(inner, dict) else "value"
        return f"table of {_plural(of)} by name"
    return {"boolean": "true or false", "string": "text"}.get(str(kind), str(kind or "value"))


def _plural(words: str) -> str:
    if words.startswith(("list of", "table of")):
        return words.replace("list of", "lists of", 1).replace("table of", "tables of", 1)
    return words if words == "text" else f"{words}s"


def _alternatives(words: Iterable[str]) -> str:
    """`"a", "b" or "c"`."""
    *first, last = words
    return f"{', '.join(first)} or {last}" if first else last


def _quoted(value: Any) -> str:
    return f'"{value}"' if isinstance(value, str) else str(value)


def _range(schema: Mapping[str, Any]) -> str:
    """A JSON schema's limits in words; those of a list's values are the same for each."""
    for inner in schema.get("anyOf", ()):
        if words := _range(inner):
            return words
    for key in ("items", "additionalProperties"):
        inner = schema.get(key)
        if isinstance(inner, dict) and (words := _range(inner)):
            return f"each {words}"
    first = schema.get("prefixItems", [{}])[0]
    if words := _limits(first):
        return f"each {words}"
    return _limits(schema)


def _limits(schema: Mapping[str, Any]) -> str:
    low, above = schema.get("minimum"), schema.get("exclusiveMinimum")
    high, below = schema.get("maximum"), schema.get("exclusiveMaximum")
    if low is not None and high is not None:
        return f"{low:g} to {high:g}"
    words = [
        *([f"{low:g} or more"] if low is not None else []),
        *([f"above {above:g}"] if above is not None else []),
        *([f"{high:g} or less"] if high is not None else []),
        *([f"below {below:g}"] if below is not None else []),
    ]
    return " and ".join(words)
