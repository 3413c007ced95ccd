"""The lint itself: every .tflite file of a bundle against the tables, before a device is tried."""

from collections.abc import Iterator, Mapping
from pathlib import Path

from exporters.bundle.bundle import Bundle, open_bundle
from exporters.inference.runner import recipes_of
from exporters.lint.activation_ranges import FLOAT16_MAX, MARGIN, Peak, peaks
from exporters.lint.layer_names import layers_of
from exporters.lint.report import Finding, LintReport, Severity, Share, merged
from exporters.lint.rules import reason_against
from exporters.lint.tables import Target, tables
from exporters.tflite_graph.macs import multiply_adds, total_multiply_adds
from exporters.tflite_graph.operators import Node, SignatureGraph, read_signatures
from exporters.verification import golden

_EVERYWHERE = "every device"


def lint(path: str | Path) -> LintReport:
    """Says what of a bundle's .tflite files will not run fast, or not right, and whose fault it is.

    Operations, shapes and ranks are held against the tables of `operations.toml`; activations
    of the golden cases against float16's largest number. Nothing is timed.

    Args:
        path: The bundle.

    Raises:
        BundleError: If the folder is no bundle, or one of its files was changed.
    """
    bundle = open_bundle(path)
    findings: list[Finding] = []
    shares: list[Share] = []
    for recipe, file in recipes_of(bundle).items():
        for signature, graph in read_signatures(bundle.read(file)).items():
            findings += _of_shapes(recipe, signature, graph)
            findings += _of_operations(recipe, signature, graph)
            findings += _of_interface(recipe, signature, graph)
            shares += _shares(recipe, signature, graph)
    if all(finding.rule != "custom" for finding in findings):  # else the file cannot be run here
        findings += _of_ranges(bundle)
    return LintReport(str(path), merged(findings), tuple(shares))


def _of_shapes(recipe: str, signature: str, graph: SignatureGraph) -> Iterator[Finding]:
    layers = layers_of(graph)
    for place, node in enumerate(graph.nodes):
        if not node.built_in:
            yield Finding(
                "error", "custom", (_EVERYWHERE,), (recipe,), (signature,), layers[place],
                node.operation, f"{node.operation} is not built in, and needs a runtime of its own",
                "write that layer with simpler operations",
                _share_of(graph, place),
            )  # fmt: skip
        if any(side < 0 for tensor in node.outputs for side in tensor.shape):
            yield Finding(
                "error", "shape", (_EVERYWHERE,), (recipe,), (signature,), layers[place],
                node.operation, f"{node.operation} gives a shape that is not known before running",
                "export with every side known, batch 1 included",
            )  # fmt: skip


def _of_operations(recipe: str, signature: str, graph: SignatureGraph) -> Iterator[Finding]:
    layers, table = layers_of(graph), tables()
    for place, node in enumerate(graph.nodes):
        for name, target in table.targets.items() if node.built_in else ():
            if reason := reason_against(node, target):
                yield Finding(
                    _gravity(graph, place), "operation", (name,), (recipe,), (signature,),
                    layers[place], node.operation, f"{reason}, so {target.elsewhere}",
                    table.cures.get(node.operation, "write that layer with other operations"),
                    _share_of(graph, place),
                )  # fmt: skip


def _gravity(graph: SignatureGraph, place: int) -> Severity:
    """At the edge of the model an operation splits nothing; a warning if it computes much."""
    node = graph.nodes[place]
    if multiply_adds(node):
        return "warning"
    entering = {tensor.index for tensor in graph.inputs}
    leaving = {tensor.index for tensor in graph.outputs}
    taken = {tensor.index for tensor in node.given if tensor.buffer is None}
    return "note" if taken <= entering or {t.index for t in node.outputs} <= leaving else "warning"


def _of_interface(recipe: str, signature: str, graph: SignatureGraph) -> Iterator[Finding]:
    for name, target in tables().targets.items():
        for tensor in (*graph.inputs, *graph.outputs):
            if target.interface_types and tensor.dtype not in target.interface_types:
                allowed = ", ".join(target.interface_types)
                yield Finding(
                    "error", "interface", (name,), (recipe,), (signature,), tensor.name, "",
                    f"a tensor in or out is {tensor.dtype}, the runtime takes {allowed}",
                    "let the signature take and give one of those",
                )  # fmt: skip


def _of_ranges(bundle: Bundle) -> Iterator[Finding]:
    """Ranges hardly depend on how weights are stored, so the first float file stands for all."""
    files = recipes_of(bundle)
    if not files:
        return
    recipe = "float32" if "float32" in files else next(iter(files))
    content = bundle.read(files[recipe])
    cases = golden.read(bundle.read(bundle.manifest.golden.path), bundle.manifest)
    for signature, graph in read_signatures(content).items():
        record = bundle.manifest.signatures.get(signature)
        if record is not None and record.pixels_of is None:
            layers = layers_of(graph)
            for peak in peaks(content, signature, graph, cases[signature]):
                if finding := _of_peak(recipe, signature, graph, peak, layers):
                    yield finding


def _of_peak(
    recipe: str, signature: str, graph: SignatureGraph, peak: Peak, layers: Mapping[int, str]
) -> Finding | None:
    operation = graph.nodes[peak.place].operation
    if peak.largest * MARGIN > FLOAT16_MAX:
        over = peak.largest > FLOAT16_MAX
        severity: Severity = "error" if over else "warning"
        message = (
            f"{operation} reaches {peak.largest:.0f}, "
            f"{'above' if over else 'near'} float16's largest number {FLOAT16_MAX:.0f}"
        )
        cure = "scale what comes before it down, or ask the GPU for float32"
    elif peak.total > FLOAT16_MAX:
        severity = "note"
        message = f"{operation} adds up to {peak.total:.0f}, above float16's {FLOAT16_MAX:.0f}"
        # The open-source kernels add in float32, ML Drift's SUM does not; of MEAN nothing is known.
        cure = "check on the phone, reduce in two steps, or ask the GPU for float32 (LiteRT#9249)"
    else:
        return None
    return Finding(
        severity, "range", ("gpu",), (recipe,), (signature,), layers[peak.place], operation,
        message, cure,
    )  # fmt: skip


def _shares(recipe: str, signature: str, graph: SignatureGraph) -> Iterator[Share]:
    total = total_multiply_adds(graph)
    for name, target in tables().targets.items():
        on_path = [node for node in graph.nodes if _runs(node, target)]
        computed = sum(multiply_adds(node) for node in on_path)
        yield Share(
            recipe, signature, name, total, computed / total if total else 1.0,
            len(graph.nodes), len(on_path),
        )  # fmt: skip


def _runs(node: Node, target: Target) -> bool:
    return reason_against(node, target) is None


def _share_of(graph: SignatureGraph, place: int) -> float:
    total = total_multiply_adds(graph)
    return multiply_adds(graph.nodes[place]) / total if total else 0.0
