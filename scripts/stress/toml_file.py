"""Writes configurations as TOML."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any


def write_toml(path: Path, tables: Mapping[str, Any]) -> None:
    """Writes values and tables of values; a table inside a table becomes an inline table."""
    lines = [f"{key} = {_toml(v)}" for key, v in tables.items() if not isinstance(v, Mapping)]
    for table, values in tables.items():
        if isinstance(values, Mapping):
            lines += ["", f"[{table}]", *(f"{key} = {_toml(v)}" for key, v in values.items())]
    path.write_text("\n".join(lines) + "\n")


def _toml(value: object) -> str:
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{key} = {_toml(one)}" for key, one in value.items()) + " }"
    return json.dumps(value)
