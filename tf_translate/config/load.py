"""Reads configurations: presets, TOML files and `--set key=value`."""

import tomllib
from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from importlib import resources
from pathlib import Path
from typing import Any, TypeVar, get_args

from pydantic import BaseModel, ValidationError

from tf_translate.config.schema import Config
from tf_translate.errors import ConfigError, UnknownMethodError

Model = TypeVar("Model", bound=BaseModel)


def presets() -> dict[str, str]:
    """The shipped presets: name to TOML text."""
    folder = resources.files("tf_translate.config") / "presets"
    files = sorted(folder.iterdir(), key=lambda file: file.name)
    return {f.name[:-5]: f.read_text("utf-8") for f in files if f.name.endswith(".toml")}


def load(source: str, overrides: Sequence[str] = ()) -> Config:
    """Reads and validates a configuration.

    Args:
        source: A method ("cyclegan": its small preset), a preset or a `.toml` file.
        overrides: "key=value" with dotted keys; values are TOML, or else text.

    Raises:
        UnknownMethodError: If `source` is no method or preset; the nearest is named.
        ConfigError: If the file is missing or broken, or a key or value is not allowed.
    """
    text, origin = _find(source)
    try:
        values = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{origin} is not valid TOML: {error}") from error
    apply_overrides(values, overrides)
    return validate(Config, values, origin)


def apply_overrides(values: dict, overrides: Sequence[str]) -> None:
    """Writes "key=value" texts into nested `values`.

    Raises:
        ConfigError: If one is not of that form, or a key leads through a value.
    """
    for override in overrides:
        _apply(values, override)


def validate(model: type[Model], values: Any, origin: str, *, prefix: str = "") -> Model:
    """Fills a settings class, or says in one sentence what does not fit.

    Args:
        model: The settings class.
        values: Mapping to fill it from.
        origin: File or preset the values are from, for the message.
        prefix: Dotted path that leads to `model`, for the message.

    Raises:
        ConfigError: Naming origin, key, value, rule and the nearest valid key.
    """
    try:
        return model.model_validate(values)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        key = prefix + _key(first["loc"], keys(model))
        if first["type"] == "extra_forbidden":
            hint = _nearest_key(key, keys(model, prefix))
            raise ConfigError(f"{origin}: there is no setting {key!r}{hint}") from error
        if first["type"] == "missing":
            raise ConfigError(f"{origin}: the setting {key!r} is missing") from error
        rule = first["msg"][0].lower() + first["msg"][1:]
        rule = rule.removeprefix("value error, ")
        raise ConfigError(f"{origin}: {key} = {first['input']!r} is not allowed: {rule}") from error


def keys(model: type[BaseModel], prefix: str = "") -> list[str]:
    """All dotted keys of a settings class."""
    found = []
    for name, field in model.model_fields.items():
        inner = field.annotation
        nested = [t for t in (inner, *get_args(inner)) if _is_settings(t)]
        if nested:
            for kind in nested:
                found += keys(kind, f"{prefix}{name}.")
        else:
            found.append(prefix + name)
    return found


def _key(place: Sequence[int | str], valid: Sequence[str]) -> str:
    """The dotted key of an error's place, without pydantic's names for parts of a union."""
    known = {segment for key in valid for segment in key.split(".")}
    *inner, last = (str(part) for part in place)
    return ".".join([*(part for part in inner if part in known), last])


def _is_settings(annotation: Any) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, BaseModel)


def _nearest_key(key: str, valid: Iterable[str]) -> str:
    valid = list(valid)
    same_name = [other for other in valid if other.split(".")[-1] == key.split(".")[-1]]
    near = same_name[:1] or get_close_matches(key, valid, n=1, cutoff=0.5)
    return f"; did you mean {near[0]!r}?" if near else f"; there are {', '.join(valid)}"


def _find(source: str) -> tuple[str, str]:
    if source.endswith(".toml"):
        path = Path(source)
        if not path.is_file():
            raise ConfigError(f"there is no configuration file {path}")
        try:
            return path.read_text("utf-8"), str(path)
        except UnicodeDecodeError as error:
            raise ConfigError(f"{path} is not UTF-8 text: {error}") from error
    known = presets()
    name = source if source in known else f"{source}_small"
    if name not in known:
        methods = sorted(known)
        near = get_close_matches(source, methods, n=1, cutoff=0.4)
        hint = f"; did you mean {near[0]!r}?" if near else ""
        raise UnknownMethodError(
            f"there is no method or preset {source!r}; presets are {', '.join(methods)}, "
            f"a configuration file ends in .toml{hint}"
        )
    return known[name], f"preset {name}"


def _apply(values: dict, override: str) -> None:
    key, equals, text = override.partition("=")
    if not equals or not key.strip():
        raise ConfigError(f"--set takes key=value, as in training.steps=100, got {override!r}")
    try:
        value = tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        value = text
    target = values
    *parents, last = key.strip().split(".")
    for parent in parents:
        target = target.setdefault(parent, {})
        if not isinstance(target, dict):
            raise ConfigError(f"--set {override}: {parent!r} is a value, not a group of settings")
    target[last] = value
