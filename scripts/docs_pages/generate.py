"""Writes the generated pages of docs/reference.

python -m scripts.docs_pages.generate            writes them
python -m scripts.docs_pages.generate --check    writes nothing; exits with 1 if one is stale
"""

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

from scripts.docs_pages import cli_reference, settings_reference

FOLDER = Path(__file__).parents[2] / "docs" / "reference"
GENERATED: dict[str, Callable[[], str]] = {
    "cli.md": cli_reference.page,
    "settings.md": settings_reference.page,
}


def stale_pages() -> list[str]:
    """Names of the pages that are not what would be generated now."""
    return [name for name, page in GENERATED.items() if _read(FOLDER / name) != page()]


def _read(path: Path) -> str:
    return path.read_text("utf-8") if path.is_file() else ""


def main() -> None:
    """Writes or checks the pages."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 if stale")
    if parser.parse_args().check:
        stale = stale_pages()
        for name in stale:
            print(f"{name} is stale; run: python -m scripts.docs_pages.generate", file=sys.stderr)
        sys.exit(1 if stale else 0)
    for name, page in GENERATED.items():
        (FOLDER / name).write_text(page(), "utf-8")


if __name__ == "__main__":
    main()
