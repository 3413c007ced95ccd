"""An extension of griffe, which reads docstrings for the site: sections of our own as paragraphs.

Docstrings of methods have sections such as `Departs:` beside those of Google's style, which would
run together or be taken for notes.
"""

import sys
from pathlib import Path
from typing import Any

import griffe

sys.path.insert(0, str(Path(__file__).parents[2]))  # griffe runs this file by itself

from scripts.docs_pages.docstring_sections import with_own_sections


class OwnSections(griffe.Extension):
    """Writes `**Departs:** text` and a blank line around each section of our own."""

    def on_object(self, *, obj: griffe.Object, **options: Any) -> None:
        """Rewrites the docstring of a class, function or attribute before it is parsed."""
        if obj.docstring is not None:
            obj.docstring.value = with_own_sections(obj.docstring.value)
