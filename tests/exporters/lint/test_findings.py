"""What `lint` tells people: a line for each kind of finding."""

from exporters.lint import Finding, LintReport


def _finding(layer, share=0.0, message="PRELU is not supported", severity="warning"):
    return Finding(
        severity, "operation", ("gpu",), ("float32",), ("a_to_b",), layer, "PRELU", message,
        "use LEAKY_RELU", share,
    )  # fmt: skip


def test_findings_of_a_kind_share_a_line_that_names_their_layers():
    same = [_finding(f"prelu_{index}", 0.1) for index in range(5)]
    other = _finding("prelu_0", severity="note", message="PRELU is at an output")
    report = LintReport("bundle", (*same, other), ())
    assert report.sentences() == [
        (
            "warning",
            "gpu: 5 layers, prelu_0, prelu_1, prelu_2, ...: PRELU is not supported "
            "(50.0% of the multiply-adds); use LEAKY_RELU",
        ),
        ("note", "gpu: prelu_0: PRELU is at an output; use LEAKY_RELU"),
    ]
    assert len(report.as_dict()["findings"]) == 6
