"""The README's table of the published comparison: one row for each method, then the fixed rows."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import fmean
from typing import Any

from tf_translate.experiment.compare.cells.read_cell import OUTPUT, results_of
from tf_translate.experiment.compare.collect import FIXED_ROWS, collect
from tf_translate.experiment.compare.parts import COMPLETENESS, content_of, domain_of
from tf_translate.methods import registry

PUBLISHED = Path(__file__).parents[2] / "assets" / "results" / "compare"
TASK = "glasses"
OUTSIDE = "content/l1_outside_edit"
HEADS = (
    *("method", "learns from", "content ↑", "domain ↑", "completeness ↑", "outside ↓", "seeds"),
    *("dynamic_int8 file", "dynamic_int8 latency"),
)
SHOWN = {
    **{each: each for each in ("pairs", "attributes", "labels", "images")},
    "sets": "two unpaired sets",
}


def compared_table() -> str:
    """The table in Markdown, most complete first; values are means over seeds."""
    results = collect(PUBLISHED)
    cells = [c for c in results["cells"] if c["task"] == TASK and "ablation" not in c]
    costs = results["costs"].get(TASK, {"methods": {}})["methods"]
    by_name: dict[str, list[Mapping[str, Any]]] = {}
    for cell in cells:
        by_name.setdefault(cell["name"], []).append(cell)
    rows = [_method(own, costs) for own in by_name.values()]
    rows.sort(key=lambda row: row[0], reverse=True)
    lines = [HEADS, ["---"] * len(HEADS), *(cells for _, cells in rows)]
    lines += [
        [name, "", *_values([results_of(cell) for cell in cells], name), "", "", ""]
        for name in FIXED_ROWS
    ]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"


def _method(
    cells: Sequence[Mapping[str, Any]], costs: Mapping[str, Any]
) -> tuple[float, list[str]]:
    """Its mean completeness, to sort by, and its row."""
    name, method = cells[0]["name"], registry.find(cells[0]["method"])
    found = [results_of(cell) for cell in cells]
    cost = costs.get(name, {}).get("dynamic_int8")
    return fmean(each[OUTPUT][COMPLETENESS] for each in found), [
        f"[{method.title}](docs/methods/{method.name}.md)",
        ", ".join(SHOWN[each] for each in cells[0]["uses"]),
        *_values(found, OUTPUT),
        str(len(cells)),
        f"{cost['size_bytes'] / 1e6:.2f} MB" if cost else "–",
        f"{cost['median_ms']:.1f} ms" if cost else "–",
    ]


def _values(found: Sequence[Mapping[str, Any]], row: str) -> list[str]:
    """Content, domain, completeness and the error outside of the edit, each a mean over cells."""
    values = (
        [content_of(results, row) for results in found],
        [domain_of(results, row) for results in found],
        [results[row][COMPLETENESS] for results in found],
        [results[row][OUTSIDE] for results in found],
    )
    return [f"{fmean(each):.{digits}f}" for each, digits in zip(values, (2, 2, 2, 3), strict=True)]
