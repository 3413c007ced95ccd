"""Verdicts on collected results in which the right one is known, both ways."""

import json
from functools import partial

import numpy as np
import pytest

from tests.experiment.compare.collected import ablated, cell
from tf_translate.errors import RunError
from tf_translate.experiment.compare.claims import consistency
from tf_translate.experiment.compare.claims.all_claims import find_all
from tf_translate.experiment.compare.claims.consistency import necessary, sufficient
from tf_translate.experiment.compare.claims.hidden_input import hidden
from tf_translate.experiment.compare.claims.intervals import bootstrap
from tf_translate.experiment.compare.claims.methods import adversary, features, identity, stages
from tf_translate.experiment.compare.claims.verdict import (
    NOT_MEASURED,
    NOT_SUPPORTED,
    SUPPORTED,
    UNDECIDED,
    decide,
)
from tf_translate.experiment.compare.scores import scores_of

JITTER = (-0.01, 0.0, 0.01)  # of three seeds


@pytest.fixture(autouse=True)
def fewer_resamples(monkeypatch):
    """A tenth of the resamples is enough for intervals that are far from their thresholds."""
    monkeypatch.setattr(consistency, "bootstrap", partial(bootstrap, resamples=200))


@pytest.mark.parametrize(
    ("interval", "side", "verdict"),
    [
        ((0.6, 0.9), "above", SUPPORTED),
        ((0.1, 0.4), "above", NOT_SUPPORTED),
        ((0.4, 0.6), "above", UNDECIDED),
        ((0.5, 0.9), "above", UNDECIDED),  # it holds the threshold
        ((0.1, 0.4), "below", SUPPORTED),
        ((0.6, 0.9), "below", NOT_SUPPORTED),
        (None, "above", UNDECIDED),
    ],
)
def test_a_claim_is_decided_if_its_interval_is_on_one_side(interval, side, verdict):
    assert decide(0.5, interval, 0.5, side) == verdict


def _ablations(effective, count=10):
    """Methods with one content and one domain term that do, or do not, what their role says."""
    cells = []
    for index in range(count):
        name = f"m{index}"
        falls = (0.4, 0.1) if effective else (0.1, 0.4)
        cells += [
            ablated(name, "", "", content=0.8, domain=0.8),
            ablated(name, "l1", "content", content=0.8 - falls[0], domain=0.8 - falls[1]),
            ablated(name, "gan", "domain", content=0.8 - falls[1], domain=0.8 - falls[0]),
        ]
    return {"cells": cells}


def test_terms_that_do_what_they_say_make_consistency_necessary():
    found = necessary(_ablations(True))
    assert (found.verdict, found.value) == (SUPPORTED, 1.0)
    assert not found.counterexamples
    found = necessary(_ablations(False))
    assert (found.verdict, found.value) == (NOT_SUPPORTED, 0.0)
    assert len(found.counterexamples) == 20
    assert "m0 without l1 (content): the other one falls more" in found.counterexamples[0]
    assert necessary(_ablations(True, count=1)).verdict == UNDECIDED  # of one method


def test_both_roles_must_be_necessary():
    good, bad = _ablations(True), _ablations(False)
    of = {"content": [], "domain": []}
    for results, role in ((good, "content"), (bad, "domain")):
        of[role] = [c for c in results["cells"] if c["ablation"]["role"] in ("", role)]
    mixed = {cell["name"]: cell for cell in (*of["content"], *of["domain"])}
    found = necessary({"cells": [*mixed.values()]})
    counts = {
        role: (each["as_said"], each["rows"]) for role, each in found.details["by_role"].items()
    }
    assert counts == {"content": (10, 10), "domain": (0, 10)}
    assert (found.verdict, found.value) == (NOT_SUPPORTED, 0.0)
    one_role = necessary({"cells": of["content"]})
    assert one_role.verdict == UNDECIDED
    assert one_role.details["without_rows"] == ["domain"]
    assert one_role.to_run


def test_the_role_that_is_less_sure_is_shown():
    good, bad = _ablations(True)["cells"], _ablations(False)["cells"]
    terms = [c for c in good if c["ablation"]["role"] != "domain"][:20]  # 10 content terms
    terms[-1] = next(c for c in bad if c["name"] == terms[-1]["name"])  # 9 of them do
    terms += [c for c in good if c["ablation"]["role"] == "domain"][:2]  # 2 of 2
    found = necessary({"cells": terms})
    assert (found.verdict, found.value) == (UNDECIDED, 1.0)
    assert found.interval is None  # of two methods
    few = [c for c in good if c["ablation"]["role"] != "domain"][:2]
    wrong = [c for c in bad if c["ablation"]["role"] == "domain"][:1]
    found = necessary({"cells": [*few, *wrong]})  # neither has an interval
    assert (found.value, found.interval) == (0.0, None)


def test_a_truth_of_another_hand_is_no_truth():
    cells = _cells(lambda x: 1 - x)["cells"]
    for each in cells:
        for values in each["metrics"]["directions"]["add"]["results"].values():
            inside = values.pop("content/l1_inside_edit", None)
            values.pop("content/l1_outside_edit", None)
            if inside is not None:
                values["content/l1"] = inside
    found = sufficient({"cells": cells})
    assert found.value is None
    assert "the truth is not known to be exact" in next(iter(found.details["left_out"].values()))
    cells[0]["uses"] = ["pairs"]
    assert sufficient({"cells": cells}).value == pytest.approx(-1)


def test_cells_of_ablations_are_no_methods_of_the_correlation():
    results = _cells(lambda x: 1 - x)
    more = [ablated(f"m{i}", "l1", "content", content=0.9, domain=0.9, error=0.9) for i in range(9)]
    assert sufficient({"cells": results["cells"] + more}).value == pytest.approx(-1)


def _cells(errors, count=12):
    """Cells of rising completeness, with errors as a function of their position from 0 to 1."""
    return {
        "cells": [
            cell(f"m{i}", content=x, domain=x, error=errors(x), seed=seed)
            for i, x in enumerate(np.linspace(0.1, 0.9, count))
            for seed in range(2)
        ]
    }


def test_scores_are_sufficient_if_they_rank_cells_as_the_error_does():
    found = sufficient(_cells(lambda x: 1 - x))
    assert found.verdict == SUPPORTED
    assert found.value == pytest.approx(-1)
    assert not found.counterexamples
    found = sufficient(_cells(lambda x: x))
    assert found.verdict == NOT_SUPPORTED
    assert found.value == pytest.approx(1)
    assert len(found.counterexamples) == 5
    assert "better than" in found.counterexamples[0]
    assert sufficient(_cells(lambda x: 1 - x if x < 0.7 else x)).verdict == UNDECIDED


def test_the_one_cell_that_contradicts_is_named():
    results = _cells(lambda x: 1 - x)
    results["cells"].append(cell("tint", content=0.95, domain=0.95, error=0.99))
    found = sufficient(results)
    assert found.counterexamples[0].startswith("glasses: tint-0: completeness 0.950")
    assert len(found.counterexamples) == 3
    (said,) = found.depends_on
    worse = [each["name"] for each in results["cells"] if scores_of(each).error > 0.5]
    assert f"{len(worse)} of {len(results['cells'])} cells of edits have more: " in said
    assert said.endswith(", tint-0")


def test_cells_without_truth_are_left_out_of_the_correlation_and_named():
    results = _cells(lambda x: 1 - x)
    results["cells"].append(cell("digits", content=0.5, domain=0.5, task="digits"))
    assert sufficient(results).details["left_out"] == {"digits: digits-0": "no known truth"}
    few = {"cells": results["cells"][:4]}
    assert sufficient(few).verdict == NOT_MEASURED


def _seeds(name, content, *, jitter=1.0, seeds=3, **options):
    return [
        cell(name, content=content + jitter * JITTER[i], domain=0.5, seed=i, **options)
        for i in range(seeds)
    ]


def _staged(staged, direct, **options):
    return {
        "cells": [
            *(each for name in ("icgan", "age_cgan") for each in _seeds(name, staged, **options)),
            *(each for name in ("fader", "genegan") for each in _seeds(name, direct, **options)),
        ]
    }


def _of_means(content):
    return [each for name, value in content.items() for each in _seeds(name, value)]


def test_stages_lose_content_if_end_to_end_methods_keep_more():
    found = stages(_staged(0.3, 0.7))
    assert found.verdict == SUPPORTED
    assert found.value == pytest.approx(0.4)
    found = stages(_staged(0.7, 0.3))
    assert found.verdict == NOT_SUPPORTED
    assert "genegan is end-to-end and keeps 0.300, less than icgan" in found.counterexamples[1]
    assert stages(_staged(0.5, 0.5)).verdict == UNDECIDED
    # Means of methods .2, .4 and .6, .8: the t interval of two pairs with a spread of .1 sqrt(2)
    # each has 2 degrees of freedom, 4.303 * .1 * sqrt(2) = .61.
    pairs = {"icgan": 0.2, "age_cgan": 0.4, "fader": 0.6, "genegan": 0.8}
    apart = stages({"cells": _of_means(pairs)})
    (said,) = apart.depends_on
    assert "it is 0.40, -0.21 to 1.01, by which the claim is undecided at this size." in said
    assert said.endswith("sets icgan and age_cgan apart")
    # The same means in a second task are no further methods.
    again = [{**each, "task": "ordinal"} for each in _of_means(pairs)]
    assert stages({"cells": [*_of_means(pairs), *again]}).depends_on == apart.depends_on
    alone = stages(_staged(0.3, 0.7, seeds=1))
    assert alone.verdict == UNDECIDED
    assert alone.to_run
    only = {"cells": _seeds("dtn", 0.5) + _seeds("icgan", 0.5)}  # DTN is neither
    assert stages(only).verdict == NOT_MEASURED


def test_cells_of_ablations_and_of_other_budgets_are_not_mixed_in():
    results = _staged(0.3, 0.7)
    results["cells"] += [ablated("icgan", "r1", "regularization", content=1.0, domain=0.5)]
    results["cells"] += _seeds("icgan", 1.0, minutes=1.0)
    assert stages(results).value == pytest.approx(0.4)


def _age(preserving, encoder):
    options = {"method": "age_cgan", "task": "ordinal"}
    cells = [("age_cgan", preserving), ("age_cgan_encoder", encoder)]
    return {"cells": [each for name, value in cells for each in _seeds(name, value, **options)]}


def test_the_identity_preserving_step_recovers_content_if_it_keeps_more_than_the_encoder():
    found = identity(_age(0.6, 0.2))
    assert found.verdict == SUPPORTED
    recovered = found.details["ordinal, 45 minutes"]["recovered_fraction"]
    assert recovered == pytest.approx(0.4 / 0.8)
    assert identity(_age(0.2, 0.6)).verdict == NOT_SUPPORTED


def test_the_step_is_compared_at_the_same_seed():
    options = {"method": "age_cgan", "task": "ordinal", "domain": 0.5}
    cells = [
        cell(name, content=0.4 + 0.1 * seed + gain[seed], seed=seed, **options)
        for name, gain in (("age_cgan", (0.03, 0.04, 0.05)), ("age_cgan_encoder", (0, 0, 0)))
        for seed in range(3)
    ]
    found = identity({"cells": cells})
    assert found.verdict == SUPPORTED  # seeds differ by 0.2, and the step by 0.02
    assert found.value == pytest.approx(0.04)
    half = 4.302653 * 0.01 / 3**0.5  # t of 2 degrees of freedom
    assert found.interval == pytest.approx((0.04 - half, 0.04 + half), abs=1e-6)
    apart = [each for each in cells if (each["name"] == "age_cgan") == (each["seed"] == 0)]
    assert identity({"cells": apart}).verdict == NOT_MEASURED


def test_the_step_needs_both():
    assert identity({"cells": _seeds("age_cgan", 0.5)}).verdict == NOT_MEASURED


def _dtn(learned, other):
    """Cells of DTN: (class kept, rest kept) with an f that learned the labels, and another."""
    found = []
    for name, (labels, rest) in (("dtn", learned), ("dtn_lite0", other)):
        found += _seeds(name, rest, method="dtn", task="digits", labels=labels)
    return {"cells": found}


def test_dtn_keeps_what_f_encodes_if_another_f_keeps_less_of_the_class_or_more_of_the_rest():
    found = features(_dtn((0.9, 0.2), (0.4, 0.3)))
    assert found.verdict == SUPPORTED
    assert found.value == pytest.approx(0.7 - 0.1)
    assert features(_dtn((0.4, 0.3), (0.9, 0.2))).verdict == NOT_SUPPORTED
    assert features({"cells": _dtn((0.9, 0.2), (0, 0))["cells"][:3]}).verdict == NOT_MEASURED


def test_an_f_that_learned_nothing_is_an_ablation_of_dtn():
    cells = [
        ablated("dtn", "", "", content=0.2, domain=0.5, labels=0.9, task="digits"),
        ablated("dtn", "classes", "content", content=0.2, domain=0.5, labels=0.3, task="digits"),
        ablated("dtn", "constancy", "content", content=0.9, domain=0.5, labels=0.0, task="digits"),
    ]
    found = features({"cells": cells})
    assert found.value == pytest.approx(0.6)
    assert found.verdict == UNDECIDED  # one seed


def _spreads(fader, others, seeds=3):
    cells = _seeds("fader", 0.5, jitter=fader, seeds=seeds)
    for index in range(9):
        cells += _seeds(f"m{index}", 0.5, jitter=others, seeds=seeds)
    return {"cells": cells}


def test_the_adversary_is_delicate_if_seeds_of_fader_spread_more():
    assert adversary(_spreads(20, 1)).verdict == SUPPORTED
    found = adversary(_spreads(0.05, 10))
    assert found.verdict == NOT_SUPPORTED
    assert "has the widest range over seeds" in found.counterexamples[0]
    assert adversary(_spreads(1, 1)).verdict == UNDECIDED
    # Scores near 1 spread less: from .99 to .999 what is missing falls tenfold, as from .9 to .99.
    near, far = (
        [cell(name, content=x, domain=x, seed=i) for i, x in enumerate(values)]
        for name, values in (("fader", (0.99, 0.999)), ("m0", (0.9, 0.99)))
    )
    found = adversary({"cells": near + far})
    assert found.value == pytest.approx(0.1)
    assert "the ratio is 1.00, " in found.depends_on[0]
    assert found.depends_on[0].endswith("the claim is undecided at this size")
    assert adversary(_spreads(1, 1, seeds=1)).verdict == NOT_MEASURED


def _cycle(generated, real, run="cyclegan-0"):
    random = np.random.default_rng(0)
    at_noise = {
        "generated": (generated + 0.01 * random.standard_normal(64)).tolist(),
        "real": (real + 0.01 * random.standard_normal(64)).tolist(),
        "lost": 0.5,
    }
    found = {"reconstruction": 0.1, "unrelated": 0.5, "noise 0.03": at_noise, "rounding": at_noise}
    return {
        "run": run,
        "method": "cyclegan",
        "seed": 0,
        "images": {"a": 64, "b": 64},
        "directions": {"a_to_b": found},
    }


def test_a_cycle_hides_its_input_if_noise_costs_twice_as_much_as_on_a_real_image():
    found = hidden([_cycle(0.5, 0.1), _cycle(0.1, 0.1, "dualgan-0")])
    assert found.verdict == SUPPORTED
    assert found.value == pytest.approx(5, rel=0.1)
    assert found.counterexamples == [
        "dualgan-0 a_to_b: noise costs 1.00 times what it costs real images"
    ]
    assert found.depends_on[0] == "measured in cyclegan-0, cyclegan-0: 64 images of each domain"
    assert "destroys 50.000% of a reconstruction" in found.depends_on[1]
    assert hidden([_cycle(0.1, 0.1)]).verdict == NOT_SUPPORTED
    assert hidden([_cycle(0.2, 0.1)]).verdict == UNDECIDED
    assert hidden([]).verdict == NOT_MEASURED


def test_two_cells_of_one_method_and_seed_are_refused():
    cells = [cell("fader", content=0.5, domain=0.5) for _ in range(2)]
    for number, each in enumerate(cells):
        each["folder"] = f"compare{number}/fader-0"
    with pytest.raises(RunError, match="compare0/fader-0 and compare1/fader-0 are both fader:0"):
        find_all({"cells": cells}, [])


def test_all_findings_are_json_and_say_what_is_missing():
    findings = find_all(_ablations(True), [])
    values = json.loads(json.dumps([each.as_dict() for each in findings], allow_nan=False))
    assert [each["number"] for each in values] == list(range(1, 8))
    for each in values:
        assert each["rule"]
        assert (each["verdict"] == NOT_MEASURED) == ("missing" in each["details"])
        if each["verdict"] == NOT_MEASURED:
            assert each["to_run"]
            assert all(command.startswith("tf-translate ") for command in each["to_run"])
