"""Findings on integer files that are slower than float32.

No graph says so: it depends on the processor. On an AVX-512 processor without VNNI the public
generators' `int8` took from 0.56 (U-Net) to 1.37 times (AnimeGAN) as long as float32, and 1.12
times with all operations on XNNPACK (Zero-DCE). So the finding is what `benchmark` measured. What
the graph shows is added: the operations that only the integer file runs outside XNNPACK.
"""

from collections import Counter
from collections.abc import Iterator, Mapping

from exporters.bundle.manifest import LatencyRecord, Manifest
from exporters.convert.recipes import RECIPES
from exporters.lint.device_operations import device_operations
from exporters.lint.findings import Finding
from exporters.lint.operation_support import unsupported_reason
from exporters.tflite_graph.operators import SignatureGraph

_SLOWER = 1.05  # times float32's median; medians of equal files differ by less
_NAMED = 3  # operations
Graphs = Mapping[str, Mapping[str, SignatureGraph]]  # by recipe and signature


def latency_findings(manifest: Manifest, graphs: Graphs) -> Iterator[Finding]:
    """A warning for each measured integer file that is slower, a note if none was measured.

    Args:
        manifest: With the latency that `benchmark --card` recorded.
        graphs: Of every .tflite file.
    """
    integer = tuple(name for name in graphs if RECIPES[name].settings.weights == "int8")
    if "float32" not in graphs or not integer:
        return
    measured = {_key(each): each for each in manifest.latency if each.recipe == "float32"}
    compared = [
        (each, measured[_key(each)])
        for each in manifest.latency
        if each.recipe in integer and _key(each) in measured
    ]
    for record, float32 in compared:
        if record.median_ms > _SLOWER * float32.median_ms:
            yield _slower(record, float32, graphs)
    if unmeasured := [
        name for name in integer if name not in {each.recipe for each, _ in compared}
    ]:
        verb = "is" if len(unmeasured) == 1 else "are"
        yield Finding(
            "note", "latency", ("xnnpack",), tuple(unmeasured), tuple(graphs["float32"]),
            "the whole graph", "",
            f"not measured whether {', '.join(unmeasured)} {verb} faster than float32, which "
            f"depends on the processor{_only_outside(graphs, unmeasured)}",
            "run tf-translate benchmark --card on a processor like those of the app",
        )  # fmt: skip


def _key(record: LatencyRecord) -> tuple[str, str, str, int]:
    return record.machine, record.runtime, record.signature, record.threads


def _slower(record: LatencyRecord, float32: LatencyRecord, graphs: Graphs) -> Finding:
    threads = f"{record.threads} thread{'s' if record.threads > 1 else ''}"
    return Finding(
        "warning", "latency", (record.machine,), (record.recipe,), (record.signature,),
        record.signature, "",
        f"{record.recipe} took {record.median_ms:.3g} ms and float32 {float32.median_ms:.3g} ms "
        f"({threads}, {record.date}){_only_outside(graphs, [record.recipe], record.signature)}",
        "on such processors use float32 or float16, unless the size of the file matters more",
    )  # fmt: skip


def _only_outside(graphs: Graphs, recipes: list[str], signature: str | None = None) -> str:
    """The operations that integer files run outside XNNPACK and float32 does not, in words."""
    found: Counter[str] = Counter()
    for recipe in recipes:
        for name in [signature] if signature is not None else graphs[recipe]:
            found |= _outside(graphs[recipe], name) - _outside(graphs["float32"], name)
    if not found:
        return ""
    named = ", ".join(name for name, _ in found.most_common(_NAMED))
    more = ", ..." if len(found) > _NAMED else ""
    return f"; {found.total()} operations more than in float32 run outside XNNPACK ({named}{more})"


def _outside(graphs: Mapping[str, SignatureGraph], signature: str) -> Counter[str]:
    target = device_operations().targets["xnnpack"]
    nodes = graphs[signature].nodes if signature in graphs else ()
    return Counter(node.operation for node in nodes if unsupported_reason(node, target))
