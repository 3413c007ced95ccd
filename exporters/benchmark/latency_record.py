"""Stores measured latency in a bundle's manifest and shows it on the card."""

import os
import platform
import tempfile
from collections.abc import Iterable
from datetime import date
from importlib.metadata import version
from pathlib import Path

from exporters.arguments import check_each
from exporters.benchmark.benchmark import Timing
from exporters.bundle.bundle import MANIFEST, Bundle, file_records, open_bundle, write_manifest
from exporters.bundle.manifest import LatencyRecord, Manifest
from exporters.card.write import CARD, card
from exporters.errors import BundleError

_PROCESSORS = Path("/proc/cpuinfo")  # on Linux the only source of the processor's name


def keep_latency(path: str | Path, timings: Iterable[Timing]) -> Path:
    """Writes timings into a bundle's manifest and onto its card.

    They replace earlier timings of a machine with the same description; those of other machines
    stay. The hashes of the card and the manifest are updated. No other file changes.

    Args:
        path: The bundle.
        timings: From `benchmark`, measured today on this machine.

    Returns:
        The card's path.

    Raises:
        BundleError: If the bundle cannot be read, or was changed after export: new hashes would
            hide that change.
    """
    bundle = open_bundle(path)
    measured = list(timings) if isinstance(timings, Iterable) else timings
    check_each("timings", measured, Timing, "what `benchmark` returns")
    check_unchanged(bundle)
    machine, runtime = this_machine(), f"LiteRT {version('ai-edge-litert')}"
    today = date.today().isoformat()
    others = [row for row in bundle.manifest.latency if row.machine != machine]
    rows = [
        LatencyRecord(
            machine=machine,
            runtime=runtime,
            date=today,
            recipe=each.recipe,
            signature=each.signature,
            threads=each.threads,
            runs=each.runs,
            median_ms=round(each.median_ms, 4),
            p90_ms=round(each.p90_ms, 4),
        )
        for each in measured
    ]
    _write(bundle, bundle.manifest.model_copy(update={"latency": (*others, *rows)}))
    return bundle.root / CARD


def check_unchanged(bundle: Bundle) -> None:
    """Raises BundleError if the manifest or a file that it lists was changed after export."""
    manifest = bundle.manifest
    changed = manifest.digest != manifest.expected_digest()
    fault = f"{MANIFEST} was changed after export" if changed else None
    fault = fault or next(filter(None, map(bundle.fault_of, manifest.files)), None)
    if fault is not None:
        raise BundleError(
            f"{bundle.root}: {fault}, and new hashes would hide that; export the bundle again"
        )


def this_machine() -> str:
    """Name of the processor, architecture and number of cores."""
    count = os.cpu_count() or 1
    return f"{processor()} ({platform.machine()}, {count} core{'s' if count > 1 else ''})"


def processor() -> str:
    """Name of the processor, if the system provides it."""
    lines = _PROCESSORS.read_text().splitlines() if _PROCESSORS.exists() else []
    named = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return next(filter(None, [*named, platform.processor()]), "unnamed processor")


def _write(bundle: Bundle, manifest: Manifest) -> None:
    """Writes card and manifest to temporary files, then replaces those of the bundle."""
    with tempfile.TemporaryDirectory(dir=bundle.root, prefix=".card.") as name:
        folder = Path(name)
        (folder / CARD).write_text(card(_title(bundle), manifest), encoding="utf-8")
        files = {**manifest.files, **file_records(folder)}
        write_manifest(folder, manifest.model_copy(update={"files": files}))
        for each in (CARD, MANIFEST):
            os.replace(folder / each, bundle.root / each)


def _title(bundle: Bundle) -> str:
    """The title on the card; the bundle's folder may have been renamed."""
    if CARD in bundle.manifest.files:
        first = bundle.read(CARD).decode("utf-8").partition("\n")[0]
        if first.startswith("# "):
            return first.removeprefix("# ")
    return bundle.root.resolve().name
