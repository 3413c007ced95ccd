"""Content and domain on their scales, worked out by hand."""

import pytest

from tf_translate.experiment.compare.report.parts import Parts, parts_of, scale_of

KID = "domain/kid/judge@64"


def _row(margin, accuracy, kid):
    return {"content/margin": margin, "domain/accuracy": accuracy, KID: kid}


RESULTS = {
    "output": _row(0.05, 0.75, 0.02),
    "identity": _row(0.5, 0.25, 0.08),
    "random target": _row(-0.3, 0.95, 0.0),
    "ground truth": _row(0.2, 0.95, 0.0),
}


def test_content_and_domain_by_hand():
    scale = scale_of(RESULTS)
    found = parts_of(RESULTS["output"], scale)
    assert found.content == pytest.approx((0.05 + 0.3) / (0.2 + 0.3))  # 0.7
    # accuracy (0.75 - 0.25) / (0.95 - 0.25) = 0.714, KID 1 - 0.02 / 0.08 = 0.75: the smaller
    assert found.domain == pytest.approx(0.5 / 0.7)


def test_fixed_rows_are_corners():
    scale = scale_of(RESULTS)
    assert parts_of(RESULTS["identity"], scale) == Parts(1.0, 0.0)
    assert parts_of(RESULTS["random target"], scale) == Parts(0.0, 1.0)
    assert parts_of(RESULTS["ground truth"], scale) == Parts(1.0, 1.0)


def test_without_truth_the_unchanged_input_has_all_content():
    known = {name: row for name, row in RESULTS.items() if name != "ground truth"}
    assert parts_of(known["output"], scale_of(known)).content == pytest.approx(0.35 / 0.8)


def test_judges_that_separate_nothing_and_old_metrics_leave_it_undefined():
    assert scale_of(RESULTS | {"random target": _row(0.3, 0.95, 0.0)}) is None
    assert scale_of(RESULTS | {"random target": _row(-0.3, 0.25, 0.0)}) is None
    assert scale_of(RESULTS | {"identity": _row(0.5, 0.25, 0.0)}) is None
    assert scale_of({name: {"domain/accuracy": 1.0} for name in RESULTS}) is None
    assert parts_of(RESULTS["output"], None) is None
