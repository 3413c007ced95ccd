"""Our own generators against the lint: what the README promises of them."""

import pytest

import exporters
from exporters.tflite_graph.operators import read_signatures
from tests.exporters.fakes import of_model
from tests.exporters.lint.test_delegated import really_delegated
from tf_translate.networks.resnet import resnet_generator


@pytest.fixture(scope="module")
def bundle(tmp_path_factory):
    model = resnet_generator((16, 16, 3), 3, residual_blocks=1, base_filters=4)
    folder = tmp_path_factory.mktemp("resnet") / "bundle"
    return exporters.export({"a_to_b": of_model("a_to_b", model)}, folder)


@pytest.fixture(scope="module")
def report(bundle):
    return exporters.lint(bundle)


def test_the_resnet_generator_runs_whole_on_xnnpack(report):
    (share,) = [s for s in report.shares if (s.signature, s.target) == ("a_to_b", "xnnpack")]
    assert share.on_path == 1.0
    assert share.operations_on_path == share.operations


def test_the_installed_runtime_delegates_it_whole(bundle):
    content = (bundle / "float32.tflite").read_bytes()
    graph = read_signatures(content)["a_to_b"]
    assert really_delegated(content) == set(range(len(graph.nodes)))


def test_only_the_casts_of_pixels_are_found(report):
    assert {finding.operation for finding in report.findings} == {"CAST"}
    assert {finding.severity for finding in report.findings} == {"note"}
