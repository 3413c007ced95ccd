"""How fast the files were, a table a machine."""

from collections.abc import Mapping, Sequence
from typing import Any

from exporters.bundle.manifest import LatencyRecord, Manifest
from exporters.card import templates
from exporters.card.templates import fill


def latency_section(template: Mapping[str, Any], manifest: Manifest) -> str:
    """A table for each machine, with a row a file and signature that apps call.

    Args:
        template: Of the card.
        manifest: Its `latency` may be empty.
    """
    shown = [
        row for row in manifest.latency if row.signature in templates.called(manifest.signatures)
    ]
    if not shown:
        return template["no_latency"]
    machines: dict[tuple, list[LatencyRecord]] = {}
    for row in shown:
        machines.setdefault((row.machine, row.runtime, row.date, row.runs), []).append(row)
    tables = [_table(template, manifest, rows) for rows in machines.values()]
    return fill(template["latency"], machines="".join(tables)).rstrip()


def _table(
    template: Mapping[str, Any], manifest: Manifest, measured: Sequence[LatencyRecord]
) -> str:
    paths = {
        each.recipe: each.path for each in manifest.artifacts.values() if each.kind == "tflite"
    }
    threads = sorted({row.threads for row in measured})
    by_place = {(row.recipe, row.signature, row.threads): row for row in measured}
    rows = [
        fill(
            template["latency_row"],
            path=paths[recipe],
            bytes=f"{manifest.files[paths[recipe]].size:,}",
            signature=signature,
            cells=" | ".join(_cell(by_place.get((recipe, signature, count))) for count in threads),
        )
        for recipe, signature in dict.fromkeys((row.recipe, row.signature) for row in measured)
    ]
    return fill(
        template["latency_machine"],
        machine=measured[0].machine,
        runtime=measured[0].runtime,
        date=measured[0].date,
        runs=measured[0].runs,
        threads=" | ".join(f"{count} thread{'s' if count > 1 else ''}" for count in threads),
        rules="---:|" * len(threads),
        rows="".join(rows),
    )


def _cell(row: LatencyRecord | None) -> str:
    return "" if row is None else f"{row.median_ms:.2f} ({row.p90_ms:.2f})"
