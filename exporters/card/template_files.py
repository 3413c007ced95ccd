"""Loads the templates of the card and the app examples, and fills them in."""

import string
import tomllib
from importlib.resources import files as resources
from typing import Any


class _Template(string.Template):
    delimiter = "%%"  # does not occur in Kotlin, Swift or Markdown


def load(name: str) -> dict[str, Any]:
    """Reads a file of the folder `templates` by its stem."""
    content = resources("exporters.card").joinpath("templates", f"{name}.toml").read_text("utf-8")
    return tomllib.loads(content)


def fill(template: str, **values: object) -> str:
    """Replaces every `%%{name}` of a template by its value; all must be given."""
    return _Template(template).substitute(values)
