"""Hooks of mkdocs: pages may link to files of the repository as they do in the repository itself.

README.md, SECURITY.md and some others become pages. Any other file that a page links to is added:
images and results as they are, source and text as pages with highlighted code.
"""

import os
import posixpath
import sys
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

sys.path.insert(0, str(Path(__file__).parents[2]))  # mkdocs runs this file by itself

from scripts.docs_pages.links import (
    BINARY,
    DOCS,
    PAGES,
    ROOT,
    all_pages,
    links,
    site_uri,
    with_links,
)

_LANGUAGES = {
    ".py": "python", ".toml": "toml", ".kt": "kotlin", ".swift": "swift", ".cfg": "ini",
    ".md": "markdown", ".yml": "yaml", ".js": "javascript", "": "text",
}  # fmt: skip


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Adds the pages outside docs/ and every file of the repository that some page links to."""
    for path, uri in PAGES.items():
        text = (ROOT / path).read_text("utf-8")
        files.append(File.generated(config, uri, content=with_links(text, path)))
    for path in sorted(_linked_files()):
        if Path(path).suffix in BINARY:
            file = File.generated(config, site_uri(path), abs_src_path=str(ROOT / path))
        else:
            file = File.generated(config, site_uri(path), content=_source_page(path))
        files.append(file)
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Leads the links of a page of docs/ that leave this folder to the site's copies."""
    if page.file.generated_by is not None:
        return markdown
    return with_links(markdown, f"{DOCS}/{page.file.src_uri}")


def _linked_files() -> set[str]:
    """Paths of all files and folders outside docs/ to which a page links."""
    linked = {
        path
        for page in all_pages()
        for path, _ in links((ROOT / page).read_text("utf-8"), page)
        if not path.startswith(f"{DOCS}/") and path not in PAGES and (ROOT / path).exists()
    }
    return linked | {file for path in linked for file in _shown_files(path)}


def _shown_files(path: str) -> list[str]:
    """The source files in a folder; none of a file."""
    if not (ROOT / path).is_dir():
        return []
    names = sorted(os.listdir(ROOT / path))
    return [f"{path}/{name}" for name in names if Path(name).suffix in (".py", ".toml")]


def _source_page(path: str) -> str:
    """A page that shows a source file, or the names in a folder; left out of the search."""
    head = f"---\nsearch:\n  exclude: true\n---\n\n# {posixpath.basename(path)}\n\n`{path}`\n\n"
    if (ROOT / path).is_dir():
        names = (posixpath.basename(file) for file in _shown_files(path))
        return head + "".join(f"- [{name}]({name}.md)\n" for name in names)
    text = (ROOT / path).read_text("utf-8")
    fence = "`" * 6
    language = _LANGUAGES.get(Path(path).suffix, "text")
    return f"{head}{fence} {language}\n{text.rstrip()}\n{fence}\n"
