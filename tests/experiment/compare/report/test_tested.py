"""Claims and loss terms in the report: rows of words, and nothing where nothing is measured."""

from tests.experiment.compare.collected import ablated, cell
from tf_translate.experiment.compare.claims.verdict import Claim, Finding
from tf_translate.experiment.compare.report.comparison_markdown import render_markdown
from tf_translate.experiment.compare.report.comparison_page import render
from tf_translate.experiment.compare.report.tested import (
    TERM_HEADS,
    Tested,
    find_tested,
    interval_text,
)

HOSTILE = "<b>x</b> | `y`"


def test_a_report_of_two_methods_says_nothing_of_claims_or_terms(tmp_path):
    cells = [cell(name, content=0.5, domain=0.5) for name in ("pix2pix", "cyclegan")]
    found = find_tested({"cells": cells}, tmp_path)
    assert not [*found.claims, *found.against, *found.terms, *found.remarks]


def test_terms_have_scores_before_and_after_with_what_decided(tmp_path):
    control = ablated(
        "ian", "", "", content=0.8, domain=0.8, others=["ian-without-feature", "ian-without-l2"]
    )
    without = ablated("ian", "pixel", "content", content=0.3, domain=0.7)
    without["starts_as_identity"] = True
    found = find_tested({"cells": [control, without]}, tmp_path)
    assert found.terms == [
        (
            *("glasses", "ian", "pixel", "content", "coarse", "0.80 → 0.30", "0.80 → 0.70"),
            "as its role says (its untrained generator returns the input)",
        )
    ]
    assert len(found.terms[0]) == len(TERM_HEADS)
    share, trained, left_out, title = found.remarks
    assert title == "glasses is the task: Put glasses on drawn people."
    assert share.startswith("1 of 1 content and domain terms do what their role says, 1.00.")
    assert trained == (
        "These cells trained for the steps that were timed to take 10 minutes, with seed 0."
    )
    assert left_out == (
        "Left out: glasses: ian-without-feature, seed 0; glasses: ian-without-l2, seed 0: "
        "of each, it is not finished."
    )


def test_terms_that_only_the_fine_scores_leave_out_are_named(tmp_path):
    cells = [
        ablated("dtn", "", "", content=0.8, domain=0.8),
        ablated("dtn", "adversarial", "domain", content=0.8, domain=0.8),
        ablated("dtn", "classes", "content", content=0.2, domain=0.8),
    ]
    for each in cells:  # the set is no nearer to real targets than the inputs are: d is 0
        rows = each["metrics"]["directions"]["add"]["results"]
        rows["output"]["domain/kid/judge@32"] = 2.0
    share, left_out, *_ = find_tested({"cells": cells}, tmp_path).remarks
    assert share.startswith("1 of 1 content and domain terms")
    assert left_out.startswith("1 of the terms with nothing to lose have a coarse score")
    assert left_out.endswith("(glasses: dtn adversarial). If they counted, it would be 1 of 2.")


def test_an_end_that_rounds_to_the_threshold_has_a_third_digit():
    claim = Claim(2, "a", "b", "c", "supported if the interval is below -0.5")
    by_interval = {
        (-0.944, -0.502): "−0.944 to −0.502",
        (-0.944, -0.51): "−0.94 to −0.51",
        (-0.944, -0.497): "−0.944 to −0.497",
    }
    for interval, text in by_interval.items():
        assert interval_text(Finding(claim, "supported", -0.8, interval, -0.5)) == text
    assert interval_text(Finding(claim, "undecided", -0.8, None, -0.5)) == "none"
    assert interval_text(Finding(claim, "not measured")) == "–"


def test_claims_are_there_when_one_of_them_is_measured(tmp_path):
    cells = [cell(f"m{i}", content=i / 9, domain=0.9, error=1 - i / 9) for i in range(9)]
    found = find_tested({"cells": cells}, tmp_path)
    assert [row[0][:2] for row in found.claims] == ["1.", "2.", "3.", "4.", "5.", "6.", "7."]
    second = found.claims[1]
    assert (second[1], second[2]) == ("supported", "−1.00")
    assert found.claims[0][1] == "not measured: there is no cell of an ablation"
    assert found.claims[0][2] == "–"


def test_both_pages_escape_the_words(summary):
    row = tuple(HOSTILE for _ in TERM_HEADS)
    found = Tested([row[:6]], [HOSTILE], [HOSTILE], [row], [HOSTILE])
    page = render([summary], found)
    assert page.count("&lt;b&gt;x&lt;/b&gt;") == 6 + 2 + len(row) + 1
    text = render_markdown([summary], {}, found)
    assert text.count("&lt;b&gt;x&lt;/b&gt; \\| \\`y\\`") == 6 + 2 + len(row) + 1
    assert "<b>" not in page + text
