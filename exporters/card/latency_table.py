"""The latency section of the card: measured times, one table per machine."""

from collections.abc import Mapping, Sequence
from typing import Any

from exporters.bundle.manifest import LatencyRecord, Manifest
from exporters.card import tensor_text
from exporters.card.template_files import fill


def latency_section(template: Mapping[str, Any], manifest: Manifest) -> str:
    """A table for each machine, with a row for each file and each signature that apps call.

    Args:
        template: The templates of the card.
        manifest: The bundle's manifest; its `latency` may be empty.
    """
    shown = [
        row
        for row in manifest.latency
        if row.signature in tensor_text.app_signatures(manifest.signatures)
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
    by_key = {(row.recipe, row.signature, row.threads): row for row in measured}
    rows = [
        fill(
            template["latency_row"],
            path=paths[recipe],
            bytes=f"{manifest.files[paths[recipe]].size:,}",
            signature=signature,
            cells=" | ".join(_cell(by_key.get((recipe, signature, count))) for count in threads),
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
