"""The table of methods from the registry, with links to their pages.

python -m scripts.results.methods_table    writes it between the two marks of each page that has it
"""

from pathlib import Path

from tf_translate.methods.registry import Method, all_methods

ROOT = Path(__file__).parents[2]
PAGES = {  # that hold the table, with the folder of the methods' pages as seen from them
    ROOT / "README.md": "docs/methods/",
    ROOT / "docs" / "methods" / "index.md": "",
}
START, END = "<!-- methods -->\n", "<!-- end of methods -->"


def own_methods() -> list[Method]:
    """The methods of this package, by year and name."""
    own = [m for m in all_methods().values() if m.translator.__module__.startswith("tf_translate.")]
    return sorted(own, key=lambda method: (method.paper[-4:], method.name))


def table(folder: str) -> str:
    """The table in Markdown, a row for each method.

    Args:
        folder: Where the pages of the methods are, such as "docs/methods/".
    """
    rows = [
        "| method | data | content preserved by | domain reached by | deploys |",
        "|---|---|---|---|---|",
    ]
    for method in own_methods():
        deploys = ", ".join(f"`{name}`" for name in method.translator.deploys)
        cells = (
            f"[`{method.name}`]({folder}{method.name}.md) ({method.paper})",
            method.data,
            method.keeps_content_by,
            method.reaches_domain_by,
        )
        rows.append("| " + " | ".join((*cells, deploys)) + " |")
    return "\n".join(rows) + "\n"


def with_table(text: str, rendered: str) -> str:
    """A page with its table of methods replaced."""
    before, _, rest = text.partition(START)
    return before + START + rendered + END + rest.partition(END)[2]


if __name__ == "__main__":
    for page, folder in PAGES.items():
        page.write_text(with_table(page.read_text("utf-8"), table(folder)), "utf-8")
