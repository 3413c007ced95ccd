"""Hooks of mkdocs: pages may link to files of the repository as they do in the repository itself.

README.md, SECURITY.md and some others become pages. Any other file that a page links to is added:
images and results as they are, source and text as pages with highlighted code.
"""

import os
import posixpath
import re
from collections.abc import Iterator
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT = Path(__file__).parents[2]
DOCS = "docs"
PAGES = {  # files outside docs/ that are pages of the site
    "README.md": "index.md",
    "CONTRIBUTING.md": "contributing.md",
    "SECURITY.md": "explanation/security.md",
    "CHANGELOG.md": "changelog.md",
    "assets/results/README.md": "benchmarks/results.md",
}
_LINK = re.compile(r"(?<=\]\()(?!https?:|mailto:|#)([^)\s#]+)(#[^)\s]*)?(?=\))")
_BINARY = {".png", ".jpg", ".json", ".npz", ".tflite"}
_LANGUAGES = {
    ".py": "python", ".toml": "toml", ".kt": "kotlin", ".swift": "swift", ".cfg": "ini",
    ".md": "markdown", ".yml": "yaml", ".js": "javascript", "": "bash",
}  # fmt: skip


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Adds the pages outside docs/ and every file of the repository that some page links to."""
    for path, uri in PAGES.items():
        text = (ROOT / path).read_text("utf-8")
        files.append(File.generated(config, uri, content=with_links(text, path)))
    for path in sorted(linked_files()):
        uri = site_uri(path)
        if files.get_file_from_path(uri) is not None:
            continue
        if (ROOT / path).suffix in _BINARY:
            files.append(File.generated(config, uri, abs_src_path=str(ROOT / path)))
        else:
            files.append(File.generated(config, uri, content=source_page(path)))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Leads the links of a page of docs/ that leave this folder to the site's copies."""
    uri = page.file.src_uri
    if page.file.generated_by is not None:
        return markdown
    return with_links(markdown, f"{DOCS}/{uri}")


def linked_files() -> set[str]:
    """Paths of all files and folders outside docs/ to which a page links."""
    pages = [*PAGES, *(path.relative_to(ROOT).as_posix() for path in (ROOT / DOCS).rglob("*.md"))]
    linked = {
        target
        for page in pages
        for target in targets((ROOT / page).read_text("utf-8"), page)
        if not target.startswith(f"{DOCS}/") and target not in PAGES
    }
    return linked | {file for path in linked for file in _shown_files(path)}


def targets(text: str, path: str) -> Iterator[str]:
    """The existing files and folders of the repository to which a page links."""
    for match in _LINK.finditer(text):
        target = _target(path, match[1])
        if (ROOT / target).exists():
            yield target


def with_links(text: str, path: str) -> str:
    """A page's Markdown with links to files of the repository replaced by links in the site.

    Args:
        text: The Markdown of a page.
        path: Its path in the repository.
    """
    here = posixpath.dirname(site_uri(path))

    def lead(match: re.Match) -> str:
        target = _target(path, match[1])
        if not (ROOT / target).exists():
            return match[0]  # mkdocs reports it
        return posixpath.relpath(site_uri(target), here or ".") + (match[2] or "")

    return _LINK.sub(lead, text)


def site_uri(path: str) -> str:
    """Where a file of the repository is in the site, as Markdown or as it is."""
    if path in PAGES:
        return PAGES[path]
    if path.startswith(f"{DOCS}/"):
        return path.removeprefix(f"{DOCS}/")
    if (ROOT / path).suffix in _BINARY:
        return f"files/{path}"
    return f"source/{path}/index.md" if (ROOT / path).is_dir() else f"source/{path}.md"


def source_page(path: str) -> str:
    """A page that shows a source file, or the names in a folder; left out of the search."""
    head = f"---\nsearch:\n  exclude: true\n---\n\n# {posixpath.basename(path)}\n\n`{path}`\n\n"
    if (ROOT / path).is_dir():
        names = (posixpath.basename(file) for file in _shown_files(path))
        return head + "".join(f"- [{name}]({name}.md)\n" for name in names)
    text = (ROOT / path).read_text("utf-8")
    fence = "`" * 6
    language = _LANGUAGES.get(Path(path).suffix, "text")
    return f"{head}{fence} {language}\n{text.rstrip()}\n{fence}\n"


def _shown_files(path: str) -> list[str]:
    """The source files in a folder; none of a file."""
    if not (ROOT / path).is_dir():
        return []
    names = sorted(os.listdir(ROOT / path))
    return [f"{path}/{name}" for name in names if Path(name).suffix in (".py", ".toml")]


def _target(path: str, link: str) -> str:
    return posixpath.normpath(posixpath.join(posixpath.dirname(path), link))
