"""Sections of docstrings that are ours, such as `Departs:`, as paragraphs of Markdown."""

import re

_NAMES = (
    *("Batch", "Call arguments", "Code to paper", "Departs", "Deploys", "Edit", "Moving average"),
    *("Players", "Recalibration", "Source", "Stages", "Variants", "Weights"),
)
_SECTION = re.compile(rf"({'|'.join(_NAMES)}):(?: (.*))?")


def with_own_sections(text: str) -> str:
    """A docstring whose own sections are paragraphs and lists of Markdown."""
    lines: list[str] = []
    inside = False
    for line in text.splitlines():
        section = _SECTION.fullmatch(line)
        if section:
            inside = True
            lines += ["", f"**{section[1]}:** {section[2] or ''}".rstrip()]
        elif inside and line.startswith("    "):
            inner = line[4:]
            starts_list = inner.startswith("- ") and not lines[-1].startswith(("- ", "  "))
            lines += ["", inner] if starts_list else [inner]
        else:
            if inside and line and not _ends(lines):
                lines.append(line)  # a sentence that goes on without indentation
                continue
            inside = False
            lines.append(line)
    return "\n".join(lines)


def _ends(lines: list[str]) -> bool:
    """Whether a section ended: by a blank line or the end of a list."""
    return not lines[-1] or lines[-1].startswith(("- ", "  "))
