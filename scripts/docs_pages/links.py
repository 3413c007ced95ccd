"""Links of pages: which files of the repository they lead to, and where these are in the site."""

import posixpath
import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
DOCS = "docs"
PAGES = {  # files outside docs/ that are pages of the site
    "README.md": "index.md",
    "CONTRIBUTING.md": "contributing.md",
    "SECURITY.md": "explanation/security.md",
    "CHANGELOG.md": "changelog.md",
    "assets/results/README.md": "benchmarks/results.md",
}
BINARY = {".png", ".jpg", ".json", ".npz", ".tflite"}
_LINK = re.compile(r"(?<=\]\()(?!https?:|mailto:)([^)\s#]*)(#[^)\s]*)?(?=\))")


def all_pages() -> list[str]:
    """Paths of all pages in the repository."""
    inside = (path.relative_to(ROOT).as_posix() for path in (ROOT / DOCS).rglob("*.md"))
    return [*PAGES, *sorted(inside)]


def links(text: str, path: str) -> Iterator[tuple[str, str]]:
    """Each link of a page to a file of the repository: path of the file, and anchor or "".

    Args:
        text: The page in Markdown; code blocks are left out.
        path: Its path in the repository.
    """
    for match in _LINK.finditer(without_code(text)):
        yield target(path, match[1]), (match[2] or "").removeprefix("#")


def with_links(text: str, path: str) -> str:
    """A page's Markdown with links to files of the repository replaced by links in the site.

    Args:
        text: The page in Markdown.
        path: Its path in the repository.
    """
    here = posixpath.dirname(site_uri(path))

    def lead(match: re.Match) -> str:
        linked = target(path, match[1])
        if not match[1] or not (ROOT / linked).exists():
            return match[0]  # mkdocs reports what is missing
        return posixpath.relpath(site_uri(linked), here or ".") + (match[2] or "")

    return _LINK.sub(lead, text)


def site_uri(path: str) -> str:
    """Where a file of the repository is in the site, as Markdown or as it is."""
    if path in PAGES:
        return PAGES[path]
    if path.startswith(f"{DOCS}/"):
        return path.removeprefix(f"{DOCS}/")
    if Path(path).suffix in BINARY:
        return f"files/{path}"
    return f"source/{path}/index.md" if (ROOT / path).is_dir() else f"source/{path}.md"


def without_code(text: str) -> str:
    """A page without its code blocks."""
    return re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL)


def target(path: str, link: str) -> str:
    """The path in the repository to which a relative link of a page leads."""
    return posixpath.normpath(posixpath.join(posixpath.dirname(path), link)) if link else path
