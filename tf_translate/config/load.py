"""Reads configurations: presets, TOML files and `--set key=value`."""

import tomllib
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from importlib import resources
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from tf_translate.config.import_file import import_file
from tf_translate.config.renamed import refuse_renamed
from tf_translate.config.schema import Config
from tf_translate.config.setting_errors import sentence
from tf_translate.errors import ConfigError, UnknownMethodError

Model = TypeVar("Model", bound=BaseModel)
_PRESET_FOLDERS: dict[str, Path] = {}  # of methods outside the package, by method


def presets() -> dict[str, str]:
    """All presets, the shipped ones and those of imported methods: name to TOML text."""
    folder = resources.files("tf_translate.config") / "presets"
    files = sorted(folder.iterdir(), key=lambda file: file.name)
    shipped = {f.name[:-5]: f.read_text("utf-8") for f in files if f.name.endswith(".toml")}
    return {**_presets_of_others(), **shipped}


def add_preset_folder(method: str, folder: Path) -> None:
    """Makes `METHOD.toml` and `METHOD_*.toml` of a folder presets."""
    _PRESET_FOLDERS[method] = folder


def _presets_of_others() -> dict[str, str]:
    files = (
        file
        for method, folder in _PRESET_FOLDERS.items()
        for file in (folder / f"{method}.toml", *sorted(folder.glob(f"{method}_*.toml")))
    )
    return {file.stem: file.read_text("utf-8") for file in files if file.is_file()}


def load(source: str, overrides: Sequence[str] | Mapping[str, Any] = ()) -> Config:
    """Reads and validates a configuration.

    Args:
        source: A method ("cyclegan": its small preset), a preset or a `.toml` file. Such a file
            may name Python files that register methods: `import = ["FILE.py"]`, relative to it.
        overrides: "key=value" with dotted keys; values are TOML, or else text. Or a mapping of
            dotted keys to values.

    Raises:
        UnknownMethodError: If `source` is no method or preset; the nearest is named.
        ConfigError: If the file is missing or broken, or a key or value is not allowed.
    """
    text, origin = _find(source)
    try:
        values = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{origin} is not valid TOML: {error}") from error
    for file in _imports(values.pop("import", []), origin):
        import_file(Path(source).parent / file)
    apply_overrides(values, overrides)
    return validate(Config, values, origin)


def apply_overrides(values: dict, overrides: Sequence[str] | Mapping[str, Any]) -> None:
    """Writes "key=value" texts, or dotted keys and their values, into nested `values`.

    Raises:
        ConfigError: If one is not of that form, or a key leads through a value.
    """
    given = overrides.items() if isinstance(overrides, Mapping) else map(_parse, overrides)
    for key, value in given:
        _put(values, key, value)


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
    if issubclass(model, Config) and isinstance(values, dict):
        refuse_renamed({k: v for k, v in values.items() if k != "model"}, (), origin)
    try:
        return model.model_validate(values)
    except ValidationError as error:
        raise ConfigError(f"{origin}: {sentence(model, error, prefix=prefix)}") from error


def _imports(files: Any, origin: str) -> list[str]:
    """The Python files that a configuration imports for their methods."""
    if isinstance(files, list) and all(isinstance(file, str) for file in files):
        return files
    raise ConfigError(f"{origin}: import must be a list of Python files, got {files!r}")


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


def _parse(override: str) -> tuple[str, Any]:
    """Key and value of a "key=value" text."""
    key, equals, text = override.partition("=")
    if not equals or not key.strip():
        raise ConfigError(f"--set takes key=value, as in training.steps=100, got {override!r}")
    try:
        return key.strip(), tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return key.strip(), text


def _put(values: dict, key: str, value: Any) -> None:
    target = values
    *parents, last = key.split(".")
    for parent in parents:
        target = target.setdefault(parent, {})
        if not isinstance(target, dict):
            raise ConfigError(f"{key} = {value!r}: {parent!r} is a value, not a group of settings")
    target[last] = value
