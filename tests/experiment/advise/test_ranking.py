"""The order of methods: decided, undecided, refused."""

import pytest

from tests.experiment.advise.synthetic_results import cell, results
from tf_translate.experiment.advise.ranking import cannot_rank, rank
from tf_translate.experiment.advise.results import summarize


def _measured(values, **options):
    return summarize(results(values, **options)).tasks["unpaired"]


def _ranks(found):
    return [(each.name, each.best, each.worst) for each in rank(found.methods, found.differences)]


def test_methods_are_ranked_where_their_difference_is_real():
    found = _measured({"dtn": (0.3, 0.31, 0.32), "cyclegan": (0.6, 0.61, 0.62)})
    assert _ranks(found) == [("cyclegan", 1, 1), ("dtn", 2, 2)]
    first, second = rank(found.methods, found.differences)
    assert (first.undecided, second.undecided) == ({}, {})
    assert (first.above, second.above) == (("dtn",), ())


def test_a_difference_that_may_be_chance_leaves_it_undecided():
    found = _measured({"dtn": (0.3, 0.31, 0.65), "cyclegan": (0.6, 0.7, 0.71)})
    assert _ranks(found) == [("cyclegan", 1, 2), ("dtn", 1, 2)]
    first, _ = rank(found.methods, found.differences)
    assert first.undecided == {"dtn": "their difference may be chance"}


def test_a_pair_that_was_not_tested_is_undecided():
    found = _measured({"dtn": (0.3, 0.31, 0.32), "cyclegan": (0.6, 0.61, 0.62)})
    first, _ = rank(found.methods, ())
    assert (first.best, first.worst) == (1, 2)
    assert "no scores of the same images" in first.undecided["dtn"]


def test_a_method_that_is_undecided_with_two_others_hides_no_difference_between_them():
    values = {
        "dtn": (0.3, 0.34, 0.32),
        "dualgan": (0.33, 0.36, 0.39),
        "cyclegan": (0.38, 0.4, 0.42),
        "discogan": (0.9,) * 3,
    }
    found = _measured(values)
    assert _ranks(found) == [
        ("discogan", 1, 1),
        ("cyclegan", 2, 3),
        ("dualgan", 2, 4),
        ("dtn", 3, 4),
    ]
    ranks = rank(found.methods, found.differences)
    assert ranks[1].above == ("dtn",)
    assert list(ranks[2].undecided) == ["cyclegan", "dtn"]


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
    task = summarize(found).tasks["unpaired"]
    first, _ = rank(task.methods, task.differences)
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
    assert reason in cannot_rank(_measured({"dtn": values}).methods["dtn"])


def test_a_seed_that_was_run_twice_counts_once():
    found = results({"dtn": (0.5, 0.5)})
    found["cells"].append(cell("dtn", 1, 0.5))
    assert "2 seeds" in cannot_rank(summarize(found).tasks["unpaired"].methods["dtn"])


def test_seeds_with_other_budgets_have_no_rank():
    found = results({"dtn": (0.5, 0.5, 0.5)})
    found["cells"][0]["budget_minutes"] = 1.0
    methods = summarize(found).tasks["unpaired"].methods
    assert "trained or measured differently" in cannot_rank(methods["dtn"])


def test_a_method_has_no_rank_if_one_of_its_seeds_takes_no_part_in_differences():
    found = results({"dtn": (0.3, 0.31, 0.32), "cyclegan": (0.6, 0.61, 0.62)})
    found["cells"][1]["missing"] = ["per_image.npz"]
    methods = summarize(found).tasks["unpaired"].methods
    assert "of seed 1, no scores of each image" in cannot_rank(methods["dtn"])
    assert cannot_rank(methods["cyclegan"]) is None
