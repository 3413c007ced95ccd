"""Content and domain on their scales, worked out by hand."""

import pytest

from tf_translate.experiment.compare.parts import (
    Parts,
    content_of,
    domain_of,
    other_domains_of,
    parts_of,
)

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
    found = parts_of(RESULTS, "output")
    assert found.content == pytest.approx((0.05 + 0.3) / (0.2 + 0.3))  # 0.7
    # accuracy (0.75 - 0.25) / (0.95 - 0.25) = 0.714, KID 1 - 0.02 / 0.08 = 0.75: the smaller
    assert found.domain == pytest.approx(0.5 / 0.7)
    worse = RESULTS | {"output": _row(0.05, 0.75, 0.06)}
    assert domain_of(worse, "output") == pytest.approx(0.25)


def test_fixed_rows_are_corners():
    assert parts_of(RESULTS, "identity") == Parts(1.0, 0.0)
    assert parts_of(RESULTS, "random target") == Parts(0.0, 1.0)
    assert parts_of(RESULTS, "ground truth") == Parts(1.0, 1.0)


def test_without_truth_the_unchanged_input_has_all_content():
    known = {name: row for name, row in RESULTS.items() if name != "ground truth"}
    assert content_of(known, "output") == pytest.approx(0.35 / 0.8)


def test_a_second_view_of_the_domain_is_clipped_and_only_where_it_was_taken():
    def seen(**kids):
        return {
            name: row | ({"domain/kid/lite0@64": kids[name]} if name in kids else {})
            for name, row in RESULTS.items()
        }

    assert other_domains_of(seen(output=0.01, identity=0.04), "output") == {"lite0": 0.75}
    assert other_domains_of(seen(output=0.05, identity=0.04), "output") == {"lite0": 0.0}
    assert other_domains_of(seen(output=-0.01, identity=0.04), "output") == {"lite0": 1.0}
    assert other_domains_of(seen(identity=0.04), "output") == {}
    assert other_domains_of(seen(output=0.01, identity=None), "output") == {}
    assert other_domains_of(RESULTS, "output") == {}


def test_judges_that_separate_nothing_and_old_metrics_leave_it_undefined():
    for row in (_row(0.3, 0.95, 0.0), _row(None, 0.95, 0.0)):
        results = RESULTS | {"random target": row}
        assert content_of(results, "output") is None
        assert domain_of(results, "output") == pytest.approx(0.5 / 0.7)  # the other half stays
        assert parts_of(results, "output") is None
    assert domain_of(RESULTS | {"random target": _row(-0.3, 0.25, 0.0)}, "output") is None
    assert domain_of(RESULTS | {"identity": _row(0.5, 0.25, 0.0)}, "output") is None
    assert parts_of({name: {"domain/accuracy": 1.0} for name in RESULTS}, "output") is None
    assert parts_of(RESULTS, "absent") is None
