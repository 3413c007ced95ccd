"""The departures of a method from its paper, which its class docstring lists under `Departs:`."""

import inspect

_HEADING = "Departs:"


def split_departures(docstring: str | None) -> tuple[str, list[str]]:
    """Separates the section `Departs:` from the rest of a class docstring.

    Args:
        docstring: The docstring as written; the section may stand anywhere, or be missing.

    Returns:
        The docstring without the section, and the section's bullets, each on one line. A section
        without bullets is one departure.
    """
    lines = inspect.cleandoc(docstring or "").splitlines()
    start = next((i for i, line in enumerate(lines) if line.startswith(_HEADING)), len(lines))
    end = start + 1
    while end < len(lines) and lines[end].startswith(" "):
        end += 1
    departures: list[str] = []
    for line in (line.removeprefix(_HEADING).strip() for line in lines[start:end]):
        if line.startswith("- ") or (line and not departures):
            departures.append(line.removeprefix("- "))
        elif line:
            departures[-1] += f" {line}"
    return "\n".join((*lines[:start], *lines[end:])), departures
