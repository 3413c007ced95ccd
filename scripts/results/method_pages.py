"""The generated parts of docs/methods/NAME.md, and what is missing on these pages.

python -m scripts.results.method_pages            writes the tables of networks and of presets
python -m scripts.results.method_pages --check    writes nothing; exits with 1 if a page is stale,
                                                  incomplete or missing, and says where
"""

import argparse
import math
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from scripts.results.methods_table import own_methods
from tf_translate.cli.describe import describe
from tf_translate.config.load import presets
from tf_translate.core.departures import split_departures
from tf_translate.core.loss_terms import LossTerm
from tf_translate.core.schedules import Schedule
from tf_translate.experiment.configure import resolve
from tf_translate.methods.registry import find

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "docs" / "methods"
RESULTS = ROOT / "assets" / "results"
EQUATIONS, DEPARTURES = "From the paper to the code", "Departures"
HEADINGS = ["Players and losses", EQUATIONS, "Networks", "Training", DEPARTURES, "Presets",
            "Results", "Questions"]  # fmt: skip
_END = "<!-- end -->"
_NUMBER = re.compile(r"\d+(?:,\d{3})*(?:\.\d+)?(?:e-?\d+)?")
_LINK = re.compile(r"\]\(([^)\s]+)\)")
_CODE = re.compile(r"`([^`]+)`")


def page_path(method: str) -> Path:
    """The page of a method."""
    return FOLDER / f"{method}.md"


# Generated parts


def networks_table(description: dict[str, Any]) -> str:
    """Each network with its inputs, outputs and trainable parameters at the paper's size.

    Args:
        description: What `describe` of `tf_translate.cli.describe` returns, which builds them.
    """
    rows = ["| network | input | output | parameters |", "|---|---|---|---:|"]
    for name, network in description["networks"].items():
        shapes = (_shapes(network[key]) for key in ("input_shape", "output_shape"))
        rows.append("| " + " | ".join((f"`{name}`", *shapes, f"{network['parameters']:,}")) + " |")
    return "\n".join(rows) + "\n"


def presets_table(method: str) -> str:
    """Each preset with the first sentences of its file, its numbers and its command."""
    heads = "preset", "what it is", "pixels", "batch", "steps", "command"
    rows = [f"| {' | '.join(heads)} |", "|---" * len(heads) + "|"]
    for name, text in presets().items():
        config = resolve(name)
        if config.method != method:
            continue
        about, command = _comment(name, method, text)
        size = "×".join(map(str, config.data.size))
        numbers = size, str(config.training.batch_size), f"{config.training.steps:,}"
        rows.append("| " + " | ".join((f"`{name}`", about, *numbers, f"`{command}`")) + " |")
    return "\n".join(rows) + "\n"


def _comment(name: str, method: str, text: str) -> tuple[str, str]:
    """What a preset's comment says before its first command, and the command that trains it."""
    lines = [line.removeprefix("#") for line in text.splitlines() if line.startswith("#")]
    commands = [line.strip() for line in lines if line.startswith("   ")]
    own = {name, method} if name == f"{method}_small" else {name}
    trains = [line for line in commands if line.startswith("tf-translate train ")]
    command = next(line for line in trains if line.split()[2] in own)
    before = lines[: next(i for i, line in enumerate(lines) if line.startswith("   "))]
    return " ".join(line.strip() for line in before), command


PARTS: dict[str, Callable[[str], str]] = {
    "networks": lambda method: networks_table(describe(method)),
    "presets": presets_table,
}


def with_part(text: str, part: str, rendered: str) -> str:
    """A page with one generated part replaced; unchanged if it has no such part."""
    start = f"<!-- generated: {part} -->\n"
    before, mark, rest = text.partition(start)
    if not mark or _END not in rest:
        return text
    return f"{before}{start}{rendered}{_END}{rest.partition(_END)[2]}"


def _shapes(shape: list) -> str:
    """Text of a shape without its batch, or of several."""
    if shape and isinstance(shape[0], list):
        return ", ".join(_shapes(one) for one in shape)
    return "×".join(map(str, shape))


# What is missing


def stale_parts(method: str, text: str, parts: tuple[str, ...] = tuple(PARTS)) -> list[str]:
    """The generated parts that a page lacks or that have changed since it was written."""
    found = []
    for part in parts:
        if f"<!-- generated: {part} -->\n" not in text:
            found.append(f"has no line <!-- generated: {part} -->")
        elif with_part(text, part, PARTS[part](method)) != text:
            found.append(f"{part} are stale; run: python -m scripts.results.method_pages")
    return found


def gaps(method: str, text: str) -> list[str]:
    """What a page lacks of what its method, its class and the published results have.

    Args:
        method: Name of the method.
        text: Its page in Markdown.

    Returns:
        One sentence for each gap; none if the page has all sections, loss terms with their
        weights, functions, departures and results, and its links lead to files.
    """
    translator = find(method).translator
    sections = _sections(text)
    if list(sections) != HEADINGS:
        return [f"its sections must be {HEADINGS}, got {list(sections)}"]
    results = sorted(RESULTS.glob(f"{method}_*.json"))
    return [
        *_term_gaps(translator.terms, _rows(sections[EQUATIONS])),
        *_function_gaps(method, _rows(sections[EQUATIONS])),
        *_departure_gaps(split_departures(translator.__doc__)[1], _rows(sections[DEPARTURES])),
        *(
            f"does not link the result {file.name}"
            for file in results
            if f"/{file.name})" not in sections["Results"]
        ),
        *(f"the link {link} leads nowhere" for link in _broken_links(text)),
    ]


def _sections(text: str) -> dict[str, str]:
    """The text of each section by its heading."""
    parts = re.split(r"^## (.+)\n", text, flags=re.MULTILINE)[1:]
    return dict(zip(parts[::2], parts[1::2], strict=True))


def _rows(section: str) -> list[list[str]]:
    """Cells of a section's table, without its two lines of heading."""
    lines = [line for line in section.splitlines() if line.startswith("|")][2:]
    return [
        [cell.strip().replace("\\|", "|") for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
        for line in lines
    ]


def _term_gaps(terms: tuple[LossTerm, ...], rows: list[list[str]]) -> Iterator[str]:
    for term in terms:
        cells = [row[2] for row in rows if len(row) == 4 and f"`{term.name}`" in row[2]]
        stated = {_number(n) for cell in cells for n in _NUMBER.findall(_CODE.sub("", cell))}
        for weight in _weights(term):
            if not any(math.isclose(weight, number, rel_tol=1e-6) for number in stated):
                yield f"the table of equations lacks `{term.name}` with its weight {weight:g}"


def _weights(term: LossTerm) -> list[float]:
    """The weight of a term; of a schedule its first and last values."""
    if not isinstance(term.weight, Schedule):
        return [float(term.weight)]
    values = (round(float(term.weight(step)), 9) for step in (0, 10**9))
    return [value for value in values if value]


def _number(text: str) -> float:
    return float(text.replace(",", ""))


def _function_gaps(method: str, rows: list[list[str]]) -> Iterator[str]:
    """Functions that the files beside them do not have."""
    own = ROOT / "tf_translate" / "methods" / f"{method}.py"
    for row in rows:
        links = [FOLDER / link for link in _LINK.findall(row[-1]) if link.endswith(".py")]
        source = "".join(file.read_text("utf-8") for file in links or [own] if file.is_file())
        for name in _CODE.findall(row[-1]):
            function = name.removesuffix("()").rpartition(".")[2]
            if function.isidentifier() and not re.search(rf"\b(def|class) {function}\b", source):
                yield f"there is no function {name} in {row[-1]}"


def _departure_gaps(departures: list[str], rows: list[list[str]]) -> Iterator[str]:
    written = [row[0] for row in rows]
    yield from (f"lacks the departure: {text}" for text in departures if text not in written)
    yield from (f"has a departure that the class has not: {text}" for text in written
                if text not in departures)  # fmt: skip
    for row in rows:
        if len(row) != 3 or not all(row):
            yield f"a departure needs a reason and an effect: {row[0]}"


def _broken_links(text: str) -> Iterator[str]:
    for link in _LINK.findall(text):
        inside = not link.startswith(("https://", "http://", "#"))
        if inside and not (FOLDER / link.partition("#")[0]).exists():
            yield link


def main() -> None:
    """Writes or checks all pages."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--check", action="store_true", help="write nothing; exit with 1 on a gap")
    check = parser.parse_args().check
    found = []
    for method in (method.name for method in own_methods()):
        path = page_path(method)
        if not path.is_file():
            found.append(f"{path.name} is missing")
            continue
        text = path.read_text("utf-8")
        if not check:
            for part, render in PARTS.items():
                text = with_part(text, part, render(method))
            path.write_text(text, "utf-8")
        found += [f"{path.name} {gap}" for gap in (*stale_parts(method, text), *gaps(method, text))]
    print("\n".join(found), file=sys.stderr)
    sys.exit(1 if found else 0)


if __name__ == "__main__":
    main()
