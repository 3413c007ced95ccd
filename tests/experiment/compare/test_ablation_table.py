"""The table of ablations: what a term's role says, and what its removal changed."""

import pytest

from tests.experiment.compare.collected import ablated, cell
from tf_translate.errors import RunError
from tf_translate.experiment.compare.ablation_table import (
    AS_SAID,
    NO_CHANGE,
    NOT_COUNTED,
    OTHER_HALF,
    ablation_table,
    result_of,
)


@pytest.mark.parametrize(
    ("role", "content", "domain", "result"),
    [
        ("content", 0.30, 0.10, AS_SAID),
        ("content", 0.10, 0.30, OTHER_HALF),
        ("domain", 0.10, 0.30, AS_SAID),
        ("domain", 0.30, 0.10, OTHER_HALF),
        ("content", 0.30, 0.30, OTHER_HALF),  # not more than the other half
        ("content", 0.019, -0.5, NO_CHANGE),  # below the least fall
        ("domain", -0.2, -0.1, NO_CHANGE),
        ("regularization", 0.5, 0.1, NOT_COUNTED),
    ],
)
def test_a_term_does_what_its_role_says_if_its_own_half_falls_more(role, content, domain, result):
    assert result_of(role, {"content": content, "domain": domain}) == result


def test_a_row_has_the_scores_with_all_terms_and_without_one():
    cells = [
        ablated("pix2pix", "", "", content=0.8, domain=0.6),
        ablated("pix2pix", "l1", "content", content=0.3, domain=0.5),
        ablated("pix2pix", "adversarial", "domain", content=0.8, domain=0.6),
        ablated("pix2pix", "weight_decay", "regularization", content=0.1, domain=0.1),
        cell("pix2pix", content=0.1, domain=0.1),  # of the headline: not in the table
    ]
    table = ablation_table({"cells": cells})
    rows = {row["without"]: row for row in table["rows"]}
    assert list(rows) == ["l1", "adversarial", "weight_decay"]
    assert rows["l1"]["fall"]["content"] == pytest.approx(0.5)
    assert rows["l1"]["fall"]["domain"] == pytest.approx(0.1)
    assert rows["l1"]["result"] == AS_SAID
    assert rows["adversarial"]["result"] == NO_CHANGE
    assert (table["counted"], table["as_said"], table["share"]) == (2, 1, 0.5)
    # Clopper and Pearson, 1 of 2: (1 - 0.025)^2 of none, so 1 - sqrt(0.975) and sqrt(0.975).
    assert table["interval"] == pytest.approx([1 - 0.975**0.5, 0.975**0.5])
    assert not table["left_out"]


def test_seeds_are_averaged():
    cells = [
        ablated("fader", "", "", content=0.8, domain=0.5, seed=0),
        ablated("fader", "", "", content=0.6, domain=0.5, seed=1),
        ablated("fader", "reconstruction", "content", content=0.2, domain=0.5),
    ]
    row = ablation_table({"cells": cells})["rows"][0]
    assert row["all_terms"]["content"] == pytest.approx(0.7)


def test_what_cannot_be_compared_is_named():
    other = ablated("ian", "pixel", "content", content=0.1, domain=0.5) | {"budget_minutes": 5.0}
    cells = [
        ablated("ian", "", "", content=0.8, domain=0.5),
        other,
        ablated("dtn", "constancy", "content", content=0.1, domain=0.5),
        ablated("fader", "", "", content=0.8, domain=0.5),
    ]
    table = ablation_table({"cells": cells})
    assert table["left_out"] == {
        "glasses: ian-without-pixel": "the cells have different budgets, 5 and 10 minutes",
        "glasses: dtn-without-constancy": "there is no cell dtn-all-terms to compare with",
        "glasses: fader-all-terms": "there is no cell without a term",
    }
    assert table["share"] is None


def test_a_folder_without_ablations_is_refused():
    with pytest.raises(RunError, match="no cell of an ablation; `tf-translate compare run TASK"):
        ablation_table({"cells": [cell("ian", content=0.1, domain=0.1)]})
