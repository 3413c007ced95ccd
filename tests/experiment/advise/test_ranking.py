"""The order of methods: decided, undecided, refused."""

import pytest

from tests.experiment.advise.synthetic_results import cell, results
from tf_translate.experiment.advise.ranking import cannot_rank, rank
from tf_translate.experiment.advise.results import summarize


def _measured(values, **options):
    return summarize(results(values, **options)).tasks["unpaired"].methods


def _ranks(found):
    return [(each.name, each.best, each.worst) for each in rank(found)]


def test_methods_are_ranked_where_neither_images_nor_seeds_overlap():
    found = _measured({"dtn": (0.3, 0.31, 0.32), "cyclegan": (0.6, 0.61, 0.62)})
    assert _ranks(found) == [("cyclegan", 1, 1), ("dtn", 2, 2)]
    assert [each.undecided for each in rank(found)] == [{}, {}]
    assert [each.above for each in rank(found)] == [("dtn",), ()]


def test_intervals_over_images_that_overlap_leave_it_undecided():
    values = {"dtn": (0.3, 0.31, 0.32), "cyclegan": (0.4, 0.41, 0.42)}
    assert _ranks(_measured(values, width=0.02)) == [("cyclegan", 1, 1), ("dtn", 2, 2)]
    wide = _measured(values, width=0.12)  # 0.34 to 0.48 and 0.24 to 0.38
    assert _ranks(wide) == [("cyclegan", 1, 2), ("dtn", 1, 2)]
    assert rank(wide)[0].undecided == {"dtn": "their intervals over images and seeds overlap"}


def test_one_seed_among_those_of_another_method_leaves_it_undecided():
    found = _measured({"dtn": (0.3, 0.31, 0.65), "cyclegan": (0.6, 0.7, 0.71)}, width=0.001)
    assert _ranks(found) == [("cyclegan", 1, 2), ("dtn", 1, 2)]


def test_a_method_that_overlaps_two_others_hides_no_difference_between_them():
    values = {
        "dtn": (0.3,) * 3,
        "dualgan": (0.35,) * 3,
        "cyclegan": (0.4,) * 3,
        "discogan": (0.9,) * 3,
    }
    found = _measured(values, width=0.06)
    assert _ranks(found) == [
        ("discogan", 1, 1),
        ("cyclegan", 2, 3),
        ("dualgan", 2, 4),
        ("dtn", 3, 4),
    ]
    assert rank(found)[1].above == ("dtn",)
    assert list(rank(found)[2].undecided) == ["cyclegan", "dtn"]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"budget_minutes": 5.0}, "different times"),
        ({"protocol": "another formula"}, "different formulas"),
    ],
)
def test_cells_that_were_run_otherwise_are_not_compared(change, reason):
    found = results({"cyclegan": (0.6, 0.61, 0.62)})
    found["cells"] += [cell("dtn", seed, 0.1, **change) for seed in range(3)]
    first, _ = rank(summarize(found).tasks["unpaired"].methods)
    assert reason in first.undecided["dtn"]


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ((0.5, 0.5), "it has 2 seeds, and a rank needs 3"),
        ((0.5,), "it has 1 seed, and"),
        ((0.5, None, 0.5), "undefined for a seed"),
    ],
)
def test_a_method_without_enough_figures_has_no_rank(values, reason):
    assert reason in cannot_rank(_measured({"dtn": values})["dtn"])


def test_a_seed_that_was_run_twice_counts_once():
    found = results({"dtn": (0.5, 0.5)})
    found["cells"].append(cell("dtn", 1, 0.5))
    assert "2 seeds" in cannot_rank(summarize(found).tasks["unpaired"].methods["dtn"])


def test_seeds_with_other_budgets_or_without_intervals_have_no_rank():
    found = results({"dtn": (0.5, 0.5, 0.5), "cyclegan": (0.5, 0.5, 0.5)})
    found["cells"][0]["budget_minutes"] = 1.0
    del found["cells"][3]["metrics"]["directions"]["a_to_b"]["confidence_intervals_95"]
    methods = summarize(found).tasks["unpaired"].methods
    assert "trained or measured differently" in cannot_rank(methods["dtn"])
    assert "no interval" in cannot_rank(methods["cyclegan"])
