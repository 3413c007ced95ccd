"""The table of ablations: what a term's role says, and what its removal changed."""

import pytest

from tests.experiment.compare.collected import ablated, cell
from tf_translate.errors import RunError
from tf_translate.experiment.compare.ablation_table import (
    AS_SAID,
    NO_CHANGE,
    NOT_COUNTED,
    NOTHING_TO_LOSE,
    OTHER_FALLS,
    ablation_table,
    result_of,
)


@pytest.mark.parametrize(
    ("role", "content", "domain", "result"),
    [
        ("content", 0.30, 0.10, AS_SAID),
        ("content", 0.10, 0.30, OTHER_FALLS),
        ("domain", 0.12, 0.30, AS_SAID),
        ("domain", 0.30, 0.10, OTHER_FALLS),
        ("content", 0.30, 0.30, OTHER_FALLS),  # not more than the other
        ("content", 0.099, -0.5, NO_CHANGE),  # below the least fall
        ("domain", -0.2, -0.1, NO_CHANGE),
        ("regularization", 0.5, 0.1, NOT_COUNTED),
    ],
)
def test_a_term_does_what_its_role_says_if_its_own_half_falls_more(role, content, domain, result):
    before = {"content": 0.9, "domain": 0.9}
    assert result_of(role, before, {"content": content, "domain": domain}) == result


def test_a_half_that_is_not_there_with_all_terms_has_nothing_to_lose():
    before = {"content": 0.9, "domain": 0.09}
    assert result_of("domain", before, {"content": 0.5, "domain": 0.05}) == NOTHING_TO_LOSE
    assert result_of("content", before, {"content": 0.5, "domain": 0.05}) == AS_SAID


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
    for pair in ("coarse", "fine"):
        assert rows["l1"]["falls"][pair]["content"] == pytest.approx(0.5)
        assert rows["l1"]["falls"][pair]["domain"] == pytest.approx(0.1)
    assert rows["l1"]["result"] == AS_SAID
    assert rows["adversarial"]["result"] == NO_CHANGE
    assert (table["counted"], table["as_said"], table["share"]) == (2, 1, 0.5)
    assert table["interval"] is None  # of one method
    assert not table["left_out"]


def test_a_fine_half_that_is_not_there_has_nothing_to_lose():
    cells = [
        ablated("ian", "", "", content=0.8, domain=0.8),
        ablated("ian", "adversarial", "domain", content=0.8, domain=0.8),
    ]
    for name in ("ian-all-terms", "ian-without-adversarial"):
        _without(cells, name, "domain/kid/judge@32", 2.0)  # that of the sources
    (row,) = ablation_table({"cells": cells})["rows"]
    assert (row["decided_by"], row["result"]) == ("fine", NOTHING_TO_LOSE)


def _without(cells, name, metric, value):
    """Changes one metric of the outputs of a cell."""
    (found,) = [each for each in cells if each["name"] == name]
    found["metrics"]["directions"]["add"]["results"]["output"][metric] = value


def test_the_fine_scores_decide_where_the_coarse_ones_hardly_change():
    cells = [
        ablated("ian", "", "", content=0.8, domain=0.8),
        ablated("ian", "adversarial", "domain", content=0.8, domain=0.8),
        ablated("ian", "pixel", "content", content=0.8, domain=0.8),
    ]
    # A blur: the kernel distance falls by half of its range, accuracy and rank stay.
    _without(cells, "ian-without-adversarial", "domain/kid/judge@32", 1.4)
    # Noise, by which the source is recognized less, and the kernel distance falls more than that.
    _without(cells, "ian-without-pixel", "domain/kid/judge@32", 1.8)
    _without(cells, "ian-without-pixel", "content/reciprocal_rank", 0.4)
    blur, noise = ablation_table({"cells": cells})["rows"]
    assert (blur["decided_by"], blur["result"]) == ("fine", AS_SAID)
    assert blur["falls"]["fine"]["domain"] == pytest.approx(0.5)
    assert (noise["decided_by"], noise["result"]) == ("coarse", AS_SAID)
    assert noise["falls"]["fine"]["domain"] > noise["falls"]["coarse"]["content"]


def test_the_interval_draws_methods_with_all_their_rows():
    cells = []
    for index in range(6):
        left = 0.2 if index < 3 else 0.8  # three methods lose content, three do not
        cells += [
            ablated(f"m{index}", "", "", content=0.8, domain=0.8),
            *(ablated(f"m{index}", t, "content", content=left, domain=0.8) for t in "abcd"),
        ]
    table = ablation_table({"cells": cells})
    assert (table["counted"], table["share"]) == (24, 0.5)
    low, high = table["interval"]
    assert low <= 1 / 6  # of 24 independent rows it would be 0.29
    assert high >= 5 / 6


def test_seeds_that_both_have_are_averaged():
    cells = [
        *(
            ablated("fader", "", "", content=c, domain=0.5, seed=s)
            for s, c in enumerate((0.8, 0.6, 0.4))
        ),
        *(ablated("fader", "r", "content", content=0.2, domain=0.5, seed=s) for s in (0, 1)),
    ]
    row = ablation_table({"cells": cells})["rows"][0]
    assert row["all_terms"]["coarse"]["content"] == pytest.approx(0.7)  # not 0.6, of all three
    assert row["seeds"] == 2


def test_variants_of_a_method_are_one_in_the_interval():
    cells = []
    for name in (f"age_cgan_{index}" for index in range(6)):
        cells += [
            ablated(name, "", "", content=0.8, domain=0.8),
            ablated(name, "latent", "content", content=0.2, domain=0.8),
        ]
    assert ablation_table({"cells": cells})["interval"] == (1.0, 1.0)
    for each in cells:
        each["method"] = "age_cgan"
    assert ablation_table({"cells": cells})["interval"] is None


def test_what_cannot_be_compared_is_named():
    other = ablated("ian", "pixel", "content", content=0.1, domain=0.5) | {"budget_minutes": 5.0}
    cells = [
        ablated(
            "ian", "", "", content=0.8, domain=0.5, others=["ian-without-pixel", "ian-without-kl"]
        ),
        other,
        ablated("dtn", "constancy", "content", content=0.1, domain=0.5),
        ablated("fader", "", "", content=0.8, domain=0.5),
    ]
    table = ablation_table({"cells": cells})
    assert table["left_out"] == {
        "glasses: ian-without-pixel": "the cells have different budgets, 5 and 10 minutes",
        "glasses: ian-without-kl, seed 0": "it is not finished",
        "glasses: dtn-without-constancy": "there is no cell dtn-all-terms of the same seed to "
        "compare with",
        "glasses: fader-all-terms": "there is no cell without a term",
    }
    assert table["share"] is None


def test_a_folder_without_ablations_is_refused():
    with pytest.raises(RunError, match="no cell of an ablation; `tf-translate compare run TASK"):
        ablation_table({"cells": [cell("ian", content=0.1, domain=0.1)]})
