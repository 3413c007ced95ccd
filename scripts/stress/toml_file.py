"""Writes configurations as TOML."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tf_translate.experiment.compare.cells.cell import toml_value


def write_toml(path: Path, tables: Mapping[str, Any]) -> None:
    """Writes values and tables of values; a table inside a table becomes an inline table."""
    lines = [f"{key} = {toml_value(v)}" for key, v in tables.items() if not isinstance(v, Mapping)]
    for table, values in tables.items():
        if isinstance(values, Mapping):
            lines += ["", f"[{table}]", *(f"{key} = {toml_value(v)}" for key, v in values.items())]
    path.write_text("\n".join(lines) + "\n")
