"""Advice from synthetic results: groups, ranks, refusals, warnings."""

import pytest

from scripts.results.methods_table import own_methods
from tests.experiment.advise.synthetic_results import cell, results
from tf_translate.errors import ConfigError
from tf_translate.experiment.advise.advice import advise
from tf_translate.experiment.advise.fit import Limits, limits
from tf_translate.experiment.advise.published import published
from tf_translate.experiment.advise.results import summarize
from tf_translate.experiment.advise.user_data import Given, decide

DECIDED = {"cyclegan": (0.7, 0.71, 0.72), "dualgan": (0.5, 0.51, 0.52)}
UNDECIDED = {"cyclegan": (0.5, 0.51, 0.52), "dualgan": (0.5, 0.51, 0.52)}


TWO_SETS = Given(sets=2)


def _advise(given=TWO_SETS, found=None, **options):
    summary = None if found is None else summarize(found)
    methods = {method.name: method for method in own_methods()}
    return advise(decide(given), methods, published(), summary=summary, **options)


def _ranked(advice):
    return [each["method"]["name"] for each in advice["ranks"]]


def _names(entries):
    return sorted(each["name"] for each in entries)


@pytest.mark.parametrize(
    ("given", "fitting"),
    [
        (Given(sets=2), {"cyclegan", "discogan", "dtn", "dualgan"}),
        (Given(object=True), {"cyclegan", "discogan", "dtn", "dualgan", "genegan"}),
        (Given(pairs=True), {"cyclegan", "discogan", "dtn", "dualgan", "pix2pix"}),
        (Given(sets=1), {"ian"}),
        (
            Given(attributes=True),
            {
                *("age_cgan", "cyclegan", "discogan", "dtn", "dualgan"),
                *("fader", "ian", "icgan"),
            },
        ),
    ],
)
def test_without_results_it_says_what_fits_and_ranks_nothing(given, fitting):
    advice = _advise(given)
    assert set(_names(advice["not_measured"])) == fitting
    rest = {method.name for method in own_methods()} - fitting
    assert set(_names(advice["does_not_fit"])) == rest
    assert all(each["reason"] and each["needed"] for each in advice["does_not_fit"])
    assert all(
        each["keeps_content_by"] and each["reaches_domain_by"] for each in advice["not_measured"]
    )
    assert not advice["ranked"]
    assert advice["ranks"] == []
    task = advice["task"]["name"]
    assert f"tf-translate compare run {task}" in advice["not_ranked_because"]


def test_decided_results_give_ranks_with_their_figures():
    advice = _advise(found=results(DECIDED))
    assert advice["ranked"]
    assert advice["not_ranked_because"] is None
    first, second = advice["ranks"]
    assert (first["method"]["name"], first["rank"]) == ("cyclegan", [1, 1])
    assert (second["method"]["name"], second["rank"]) == ("dualgan", [2, 2])
    metrics = first["method"]["metrics"]
    assert metrics["completeness"]["mean"] == pytest.approx(0.71)
    assert metrics["completeness"]["interval"] == pytest.approx((0.69, 0.73))
    assert metrics["completeness"]["range"] == (0.7, 0.72)
    assert metrics["content/margin"]["mean"] == pytest.approx(0.2)
    assert _names(advice["not_measured"]) == ["discogan", "dtn"]


def test_undecided_results_allow_all_ranks_and_nothing_is_ranked():
    advice = _advise(found=results(UNDECIDED))
    assert not advice["ranked"]
    assert advice["not_ranked_because"] == "the results do not decide between the methods"
    assert _ranked(advice) == ["cyclegan", "dualgan"]
    assert [each["rank"] for each in advice["ranks"]] == [[1, 2], [1, 2]]
    assert list(advice["ranks"][0]["undecided"]) == ["dualgan"]


def test_too_few_seeds_and_supervision_that_is_missing_give_no_rank():
    found = results({**DECIDED, "discogan": (0.9, 0.9)})
    found["cells"] += [cell("dtn", seed, 0.95, uses=["sets", "labels"]) for seed in range(3)]
    advice = _advise(found=found)
    reasons = {each["name"]: each["reason"] for each in advice["measured_without_rank"]}
    assert reasons == {
        "discogan": "it has 2 seeds, and a rank needs 3",
        "dtn": "it was measured with labels, which you do not have",
    }
    assert _ranked(advice) == ["cyclegan", "dualgan"]
    with_labels = _advise(Given(sets=2, labels="a"), found)
    assert _ranked(with_labels)[0] == "dtn"


def test_results_of_other_tasks_only_are_named():
    advice = _advise(found=results({"pix2pix": (0.5,) * 3}, task="paired"))
    assert "no runs of the task unpaired, but of paired" in advice["not_ranked_because"]
    advice = _advise(found=results(DECIDED, task="mine"))
    assert advice["task"]["name"] == "mine"
    assert advice["ranked"]


def test_variants_of_a_method_are_ranked_by_their_names():
    values = {"age_cgan": (0.2,) * 3, "age_cgan_pixelwise": (0.4,) * 3}
    advice = _advise(Given(levels=True), results(values, task="ordinal"))
    assert _ranked(advice) == [
        "age_cgan_pixelwise",
        "age_cgan",
    ]
    assert "age_cgan" not in _names(advice["not_measured"])


def test_a_method_that_is_not_registered_is_named():
    found = results(DECIDED)
    found["cells"].append(cell("dtn", 0, 0.1, method="cut"))
    assert _advise(found=found)["unknown_methods"] == ["cut"]


def test_few_images_are_warned_of_with_the_source():
    (warning,) = [
        text for text in _advise(Given(sets=2, images=600))["warnings"] if "to learn from" in text
    ]
    assert warning.startswith("dtn: you have 600 images")
    assert "700 (dtn_small)" in warning
    assert len(_advise(Given(sets=2, images=400))["warnings"]) == 4
    assert _advise(Given(sets=2, images=700))["warnings"] == []


def test_a_file_above_the_budget_does_not_fit():
    advice = _advise(limits=Limits(megabytes=2.0, milliseconds=10.0))
    left_out = {each["name"]: each["reason"] for each in advice["does_not_fit"]}
    assert "smallest file (dynamic_int8) had 2.8 MB, and the limit is 2 MB" in left_out["discogan"]
    assert "cyclegan" in _names(advice["not_measured"])
    assert any("latency" in text and "benchmark" in text for text in advice["warnings"])
    with pytest.raises(ConfigError, match="--max-megabytes must be a number above 0, got 0"):
        limits(0.0, None)
    with pytest.raises(ConfigError, match="--max-milliseconds must be a number above 0, got nan"):
        limits(None, float("nan"))


def test_costs_of_the_comparison_rule_methods_out():
    found = results(DECIDED)
    found["costs"] = {
        task: {
            "methods": {
                name: {"float32": {"size_bytes": 1_000_000, "median_ms": milliseconds}}
                for name, milliseconds in (("cyclegan", 30.0), ("dualgan", 5.0))
            }
        }
        for task in dict.fromkeys(cell["task"] for cell in found["cells"])
    }
    advice = _advise(found=found, limits=Limits(milliseconds=10.0))
    assert "float32 1.0 MB, 30.0 ms" in next(
        each["reason"] for each in advice["does_not_fit"] if each["name"] == "cyclegan"
    )
    assert _ranked(advice) == ["dualgan"]


def test_files_count_whatever_supervision_they_were_measured_with():
    found = results({"dtn": (0.7, 0.71, 0.72)}, uses=["sets", "labels"])
    files = {"float32": {"size_bytes": 14_000_000, "median_ms": 7.0}}
    found["costs"] = {"unpaired": {"methods": {"dtn": files}}}
    advice = _advise(found=found, limits=Limits(megabytes=1.0))
    assert "float32 14.0 MB" in next(
        each["reason"] for each in advice["does_not_fit"] if each["name"] == "dtn"
    )


def test_a_method_that_loses_the_identity_is_left_out_on_request():
    found = results({"dualgan": DECIDED["dualgan"]})
    found["cells"] += [cell("cyclegan", seed, 0.9, margin=-0.1) for seed in range(3)]
    assert _ranked(_advise(found=found))[0] == "cyclegan"
    advice = _advise(found=found, keep_identity=True)
    assert _ranked(advice) == ["dualgan"]
    reasons = {each["name"]: each["reason"] for each in advice["does_not_fit"]}
    assert "content/margin -0.100 to -0.100" in reasons["cyclegan"]
    few = results({"dualgan": DECIDED["dualgan"]})
    few["cells"] += [cell("cyclegan", seed, 0.9, margin=-0.1) for seed in range(2)]
    advice = _advise(found=few, keep_identity=True)
    assert "cyclegan" in _names(advice["measured_without_rank"])
    assert any("in fewer than 3 seeds, outputs of cyclegan" in text for text in advice["warnings"])
    unknown = _advise(keep_identity=True)["warnings"]
    assert any("was not measured" in text for text in unknown)
