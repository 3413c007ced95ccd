"""Lints a bundle: compares its .tflite files with what devices support, without a device."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from exporters.bundle.bundle import Bundle, open_bundle
from exporters.errors import ModelError
from exporters.inference.runner import recipes_of
from exporters.lint.activation_ranges import FLOAT16_MAX, MARGIN, Peak, peaks
from exporters.lint.device_operations import device_operations
from exporters.lint.findings import FastPathCoverage, Finding, LintReport, Severity, merged
from exporters.lint.latency_findings import latency_findings
from exporters.lint.layer_names import layers_of
from exporters.lint.operation_support import unsupported_reason
from exporters.tflite_graph.macs import multiply_adds, total_multiply_adds
from exporters.tflite_graph.operators import SignatureGraph, read_signatures
from exporters.untrusted import tflite
from exporters.untrusted.limits import Limits, check_limits
from exporters.untrusted.model_process import ModelProcess
from exporters.verification import golden

_EVERYWHERE = "every device"
_DEFAULT_SUGGESTION = "write that layer with other operations"


def lint(path: str | Path, *, isolated: bool = True, limits: Limits | None = None) -> LintReport:
    """Predicts what in a bundle will not run fast, or not correctly, and names the layers.

    Operations, shapes and ranks are compared with `device_operations.toml`, activations of the
    golden cases with the largest float16 value. Nothing is timed: whether integers are slower
    than float32 is told by the latency that `benchmark` recorded in the bundle.

    Args:
        path: The bundle.
        isolated: Whether models are read and run in a child process with limits, where a forged
            one can neither end this process nor fill the memory. False saves a second and is for
            bundles that you trust.
        limits: Of the time and memory of the child; None for the defaults. Reading all files and
            each golden case may take as long as one call.

    Returns:
        The findings, the most severe first, and how much of each file a device runs fast.

    Raises:
        BundleError: If the folder is not a bundle, or one of its files was changed.
        ModelError: If a file is refused, or reading or running it fails.

    Example:
        `for severity, sentence in lint("bundles/first").sentences(): print(severity, sentence)`
    """
    bundle = open_bundle(path)
    check_limits(limits)
    return _isolated(bundle, limits or Limits()) if isolated else _lint(bundle)


def _isolated(bundle: Bundle, limits: Limits) -> LintReport:
    with ModelProcess(limits) as process:
        request = {"do": "lint", "bundle": str(bundle.root.absolute())}
        calls = 1 + sum(bundle.manifest.golden.cases.values())
        answer, _ = process.ask(str(bundle.root), request, calls=calls)
    try:
        report = TypeAdapter(LintReport).validate_python(answer["report"])
    except (KeyError, ValidationError) as error:
        raise ModelError(
            f"{bundle.root}: its process sent no valid report; do not use this bundle"
        ) from error
    return replace(report, bundle=str(bundle.root))


def _lint(bundle: Bundle) -> LintReport:
    findings: list[Finding] = []
    coverage: list[FastPathCoverage] = []
    graphs: dict[str, dict[str, SignatureGraph]] = {}
    for recipe, file in recipes_of(bundle).items():
        content = bundle.read(file)
        tflite.check(content, file)
        graphs[recipe] = read_signatures(content)
        for signature, graph in graphs[recipe].items():
            findings += _shape_findings(recipe, signature, graph)
            findings += _operation_findings(recipe, signature, graph)
            findings += _interface_findings(recipe, signature, graph)
            coverage += _coverage(recipe, signature, graph)
    findings += _range_findings(bundle)
    findings += latency_findings(bundle.manifest, graphs)
    return LintReport(str(bundle.root), merged(findings), tuple(coverage))


def _shape_findings(recipe: str, signature: str, graph: SignatureGraph) -> Iterator[Finding]:
    layers = layers_of(graph)
    for index, node in enumerate(graph.nodes):
        if any(side < 0 for tensor in node.outputs for side in tensor.shape):
            yield Finding(
                "error", "shape", (_EVERYWHERE,), (recipe,), (signature,), layers[index],
                node.operation, f"{node.operation} has an output shape not known before running",
                "export with every dimension known, including a batch of 1",
            )  # fmt: skip


def _operation_findings(recipe: str, signature: str, graph: SignatureGraph) -> Iterator[Finding]:
    layers, devices = layers_of(graph), device_operations()
    for index, node in enumerate(graph.nodes):
        for name, target in devices.targets.items():
            if reason := unsupported_reason(node, target):
                yield Finding(
                    _severity(graph, index), "operation", (name,), (recipe,), (signature,),
                    layers[index], node.operation, f"{reason}, so {target.fallback}",
                    devices.suggestions.get(node.operation, _DEFAULT_SUGGESTION),
                    _fraction_of(graph, index),
                )  # fmt: skip


def _severity(graph: SignatureGraph, index: int) -> Severity:
    """A note for operations at the inputs or outputs, which do not split the graph."""
    node = graph.nodes[index]
    if multiply_adds(node):
        return "warning"
    graph_inputs = {tensor.index for tensor in graph.inputs}
    graph_outputs = {tensor.index for tensor in graph.outputs}
    inputs = {tensor.index for tensor in node.present_inputs if tensor.buffer is None}
    outputs = {tensor.index for tensor in node.outputs}
    return "note" if inputs <= graph_inputs or outputs <= graph_outputs else "warning"


def _interface_findings(recipe: str, signature: str, graph: SignatureGraph) -> Iterator[Finding]:
    for name, target in device_operations().targets.items():
        for tensor in (*graph.inputs, *graph.outputs):
            if target.interface_types and tensor.dtype not in target.interface_types:
                allowed = ", ".join(target.interface_types)
                yield Finding(
                    "error", "interface", (name,), (recipe,), (signature,), tensor.name, "",
                    f"an input or output is {tensor.dtype}, but the runtime takes {allowed}",
                    "use one of these types in the signature",
                )  # fmt: skip


def _range_findings(bundle: Bundle) -> Iterator[Finding]:
    """Findings on activation ranges, which hardly depend on the recipe; one file is run."""
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
                if finding := _peak_finding(recipe, signature, graph, peak, layers):
                    yield finding


def _peak_finding(
    recipe: str, signature: str, graph: SignatureGraph, peak: Peak, layers: Mapping[int, str]
) -> Finding | None:
    operation = graph.nodes[peak.node_index].operation
    if peak.largest * MARGIN > FLOAT16_MAX:
        over = peak.largest > FLOAT16_MAX
        severity: Severity = "error" if over else "warning"
        message = (
            f"{operation} reaches {peak.largest:.0f}, "
            f"{'above' if over else 'near'} float16's largest number {FLOAT16_MAX:.0f}"
        )
        suggestion = "scale its inputs down, or run the GPU in float32"
    elif peak.total > FLOAT16_MAX:
        severity = "note"
        message = f"{operation} adds up to {peak.total:.0f}, above float16's {FLOAT16_MAX:.0f}"
        # The open-source kernels add in float32. ML Drift's SUM does not; its MEAN is unknown.
        suggestion = (
            "check on the phone, reduce in two steps, or run the GPU in float32 (LiteRT#9249)"
        )
    else:
        return None
    return Finding(
        severity, "range", ("gpu",), (recipe,), (signature,), layers[peak.node_index], operation,
        message, suggestion,
    )  # fmt: skip


def _coverage(recipe: str, signature: str, graph: SignatureGraph) -> Iterator[FastPathCoverage]:
    total = total_multiply_adds(graph)
    for name, target in device_operations().targets.items():
        fast = [node for node in graph.nodes if unsupported_reason(node, target) is None]
        computed = sum(multiply_adds(node) for node in fast)
        yield FastPathCoverage(
            recipe, signature, name, total, computed / total if total else 1.0,
            len(graph.nodes), len(fast),
        )  # fmt: skip


def _fraction_of(graph: SignatureGraph, index: int) -> float:
    total = total_multiply_adds(graph)
    return multiply_adds(graph.nodes[index]) / total if total else 0.0
