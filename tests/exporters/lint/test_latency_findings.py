"""Whether integer files are slower than float32: what was measured, or that nothing was."""

from types import SimpleNamespace

import pytest

import exporters
from exporters.bundle.manifest import LatencyRecord
from exporters.lint.latency_findings import latency_findings
from exporters.tflite_graph.operators import Node, SignatureGraph
from exporters.tflite_graph.operators import Tensor as GraphTensor

DATA = GraphTensor(0, "data", (1, 8, 8, 4), "int8", None, None)


def graph(*operations):
    nodes = tuple(Node(name, True, (DATA,), (DATA,), {}) for name in operations)
    return {"a_to_b": SignatureGraph(0, nodes, (DATA,), (DATA,))}


def record(recipe, median, *, machine="Intel", threads=1, runtime="LiteRT 2.3.0"):
    return LatencyRecord(
        machine=machine,
        runtime=runtime,
        date="2026-11-30",
        recipe=recipe,
        signature="a_to_b",
        threads=threads,
        runs=20,
        median_ms=median,
        p90_ms=median,
    )


GRAPHS = {"float32": graph("TANH"), "int8": graph("TANH", "RSQRT", "RSQRT")}


def found(*latency, graphs=GRAPHS):
    return list(latency_findings(SimpleNamespace(latency=latency), graphs))


def test_a_slower_integer_file_is_a_warning_with_both_times_and_what_the_graph_shows():
    (finding,) = found(record("float32", 30.18), record("int8", 41.4))
    assert (finding.severity, finding.rule, finding.targets) == ("warning", "latency", ("Intel",))
    assert finding.sentence() == (
        "Intel: a_to_b: int8 took 41.4 ms and float32 30.2 ms (1 thread, 2026-11-30); 2 operations "
        "more than in float32 run outside XNNPACK (RSQRT); on such processors use float32 or "
        "float16, unless the size of the file matters more"
    )


def test_a_faster_integer_file_is_no_finding():
    assert found(record("float32", 8.05), record("int8", 4.38)) == []


@pytest.mark.parametrize(
    "latency",
    [
        (),
        (record("int8", 9.0),),
        (record("float32", 1.0), record("int8", 9.0, machine="AMD")),
        (record("float32", 1.0), record("int8", 9.0, threads=2)),
        (record("float32", 1.0), record("int8", 9.0, runtime="LiteRT 2.2.0")),
    ],
)
def test_times_that_cannot_be_compared_say_what_to_run(latency):
    (finding,) = found(*latency)
    assert finding.severity == "note"
    assert finding.message.startswith("not measured whether int8 is faster than float32")
    assert "2 operations more than in float32 run outside XNNPACK (RSQRT)" in finding.message
    assert finding.suggestion.startswith("run tf-translate benchmark --card")


def test_without_integer_files_or_float32_nothing_is_said():
    assert found(graphs={"float32": GRAPHS["float32"]}) == []
    assert found(graphs={"int8": GRAPHS["int8"]}) == []


def test_lint_reads_the_latency_of_the_bundle(exported, tmp_path):
    report = exporters.lint(exported, isolated=False)
    (finding,) = [each for each in report.findings if each.rule == "latency"]
    assert finding.artifacts == ("dynamic_int8",)
    assert "not measured whether dynamic_int8 is faster" in finding.message
