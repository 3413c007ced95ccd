"""The project's generators pass the lint, as the README says."""

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
    return exporters.lint(bundle, isolated=False)


@pytest.mark.thorough
def test_the_resnet_generator_runs_whole_on_xnnpack(report):
    (found,) = [c for c in report.coverage if (c.signature, c.target) == ("a_to_b", "xnnpack")]
    assert found.fast_fraction == 1.0
    assert found.fast_operations == found.operations


def test_the_installed_runtime_delegates_the_whole_resnet_generator(bundle):
    content = (bundle / "float32.tflite").read_bytes()
    graph = read_signatures(content)["a_to_b"]
    assert really_delegated(content) == set(range(len(graph.nodes)))


def test_the_resnet_generator_has_findings_for_casts_of_pixels_only(report):
    assert {finding.operation for finding in report.findings} == {"CAST"}
    assert {finding.severity for finding in report.findings} == {"note"}
