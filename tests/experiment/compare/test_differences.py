"""The paired bootstrap against values that are known another way."""

import itertools
import math

import numpy as np
import pytest
from scipy import stats

from tf_translate.experiment.compare.cells.cell_images import PerImage
from tf_translate.experiment.compare.cells.cell_scores import CellScores
from tf_translate.experiment.compare.differences import differences
from tf_translate.experiment.compare.parts import ContentScale, DomainScale

SCALES = ContentScale(0.0, 1.0), DomainScale(0.0, 1.0, 1.0)


def _cell(l1, *, keys=None, **scores):
    keys = np.arange(len(l1), dtype=np.uint64) if keys is None else keys
    values = {"l1": np.asarray(l1, np.float32), **scores}
    return CellScores(PerImage(keys, values, "l1"), *SCALES, 0.0, 0.0)


def _one(first, second, metric="l1"):
    return differences({"first": first, "second": second}, metric)["first", "second"]


def test_the_interval_of_one_seed_is_that_of_paired_differences():
    random = np.random.default_rng(0)
    shared, extra = random.normal(0, 5, 200), random.normal(0.3, 1, 200)
    found = _one([_cell(shared + extra)], [_cell(shared)])
    margin = 1.96 * extra.std(ddof=1) / math.sqrt(200)  # unpaired, it would be 5 times as wide
    assert found.value == pytest.approx(extra.mean(), abs=1e-5)
    assert found.interval == pytest.approx(
        (extra.mean() - margin, extra.mean() + margin), abs=0.15 * margin
    )
    assert found.is_real


def test_images_are_paired_by_key_and_not_by_order():
    values, order = np.arange(50.0), np.random.default_rng(0).permutation(50)
    keys = np.arange(50, dtype=np.uint64)
    found = _one([_cell(values + 1)], [_cell(values[order], keys=keys[order])])
    assert found.value == pytest.approx(1.0)
    assert found.interval == pytest.approx((1.0, 1.0))


def test_only_shared_images_count_and_undefined_scores_do_not():
    first = _cell([1.0, 2.0, np.nan, 100.0])
    second = _cell([0.0, 0.0, 0.0], keys=np.arange(3, dtype=np.uint64))
    found = _one([first], [second])
    assert (found.value, found.images) == (pytest.approx(1.5), 3)
    apart = _cell([0.0, 0.0], keys=np.array([8, 9], np.uint64))
    assert differences({"first": [first], "second": [apart]}, "l1") == {}


def test_seeds_have_student_s_interval_and_one_seed_shares_the_spread_of_the_others():
    # Equal images: only seeds spread. Variances 1 and 1, 4 degrees of freedom: t = 2.776.
    seeds = [[_cell(np.full(20, value + each)) for each in (-1.0, 0.0, 1.0)] for value in (0, 1)]
    half = 2.776445 * (2 / 3) ** 0.5
    found = _one(*seeds)
    assert found.value == pytest.approx(-1)
    assert found.interval == pytest.approx((-1 - half, -1 + half))
    # The two-sided p-value of t = 1 / sqrt(2 / 3); one pair needs no correction.
    assert found.p == pytest.approx(2 * stats.t.sf(1.5**0.5, 4))
    methods = {"a": seeds[0], "b": seeds[1], "c": [_cell(np.full(20, 9.0))] * 1}
    # c has the pooled variance of 4 degrees, a its own of 2: t of 4.57 degrees (Welch) is 2.65.
    half = stats.t.ppf(0.975, (4 / 3) ** 2 / (1 / 4 + 1 / 9 / 2)) * (4 / 3) ** 0.5
    found = differences(methods, "l1")["c", "a"]
    assert found.over_seeds
    assert found.interval == pytest.approx((9 - half, 9 + half), rel=1e-6)
    alone = differences({"a": seeds[0][:1], "c": methods["c"]}, "l1")["c", "a"]
    assert alone.interval == pytest.approx((10, 10))
    assert alone.is_real
    assert not alone.over_seeds


def test_images_and_seeds_add_up_to_one_interval():
    # Images and two seeds of a method: a normal and a t distribution, added by numerical integral.
    images = np.random.default_rng(0).normal(0, 3, 400)
    seeds = [_cell(images + each) for each in (-0.1, 0.1)]
    found = _one(seeds, [_cell(np.zeros(400))] * 2)
    sample, error = images.std() / 20, 0.1  # sqrt(0.02 / 2), one degree of freedom
    spots = np.linspace(-8, 8, 4001) * sample
    density = stats.norm.pdf(spots, scale=sample) * (spots[1] - spots[0])
    for end, at in zip(found.interval, (0.025, 0.975), strict=True):
        below = stats.t.cdf((end - found.value - spots) / error, 1) @ density
        assert below == pytest.approx(at, rel=0.02 if at < 0.5 else 0.001)


def test_ends_of_a_scale_far_above_1_are_found():
    # 50 standard errors of seeds, and images that do not vary: Student's interval of 1 degree.
    pair = [[_cell(np.full(4, value)) for value in values] for values in ((0, 100), (3, 3))]
    found = _one(*pair)
    assert found.interval == pytest.approx((47 - 12.7062 * 50, 47 + 12.7062 * 50), rel=1e-5)


def test_more_pairs_make_a_difference_harder_to_show():
    random = np.random.default_rng(1)
    shifts = {"low": 0.0, "high": 0.28, **{f"low {i}": 0.0 for i in range(6)}}
    methods = {name: [_cell(random.normal(shift, 1, 100))] for name, shift in shifts.items()}
    alone = differences({n: methods[n] for n in ("low", "high")}, "l1")["low", "high"]
    among = differences(methods, "l1")
    assert among["low", "high"].interval == alone.interval
    assert alone.p < among["low", "high"].p
    assert among["low", "high"].p == among["high", "low"].p
    ps = [  # the correction by its definition: the smallest of p * pairs / rank from there on
        differences({n: methods[n] for n in pair}, "l1")[pair].p
        for pair in itertools.combinations(methods, 2)
    ]
    rank = sorted(ps).index(alone.p)
    expected = min(p * len(ps) / (i + 1) for i, p in enumerate(sorted(ps)) if i >= rank)
    assert among["low", "high"].p == pytest.approx(min(1, expected))


def test_another_seed_that_changes_nothing_leaves_the_interval():
    margin, accepted = np.full(30, 0.5, np.float32), np.ones(30, np.float32)
    good = _cell(np.zeros(30), margin=margin, in_target=accepted)
    bad = CellScores(good.per_image, *SCALES, 0.5, 0.1)
    one = _one([good], [bad], "completeness")
    for first, second in (([good], [bad] * 2), ([good] * 2, [bad] * 3)):
        again = _one(first, second, "completeness")
        assert again.interval == pytest.approx(one.interval, abs=1e-9)


def test_equal_methods_seldom_differ():
    random, real = np.random.default_rng(0), 0
    for _ in range(60):
        pair = [[_cell(random.normal(size=60)) for _ in range(2)] for _ in range(2)]
        found = differences({"a": pair[0], "b": pair[1]}, "l1", resamples=400)["a", "b"]
        real += found.is_real
    assert real <= 7  # 5 % of 60 is 3; 8 or more have a probability of 1 %


def test_equal_methods_of_few_seeds_that_spread_seldom_differ():
    random, real = np.random.default_rng(0), 0
    for _ in range(60):
        pair = [[_cell(np.full(4, random.normal())) for _ in range(3)] for _ in range(2)]
        found = differences({"a": pair[0], "b": pair[1]}, "l1", resamples=400)["a", "b"]
        real += found.is_real
    assert real <= 7  # see above


def test_an_unstable_method_among_stable_ones_seldom_differs():
    random, real = np.random.default_rng(0), 0
    for _ in range(60):
        spreads = {"unstable": 0.3, **{f"stable {i}": 0.01 for i in range(5)}}
        methods = {
            name: [_cell(np.full(4, spread * random.normal())) for _ in range(3)]
            for name, spread in spreads.items()
        }
        found = differences(methods, "l1", resamples=400)
        real += found["unstable", "stable 0"].is_real
    assert real <= 7  # see above; by one pooled spread it is 21 % (1.26 standard errors)


def test_completeness_by_hand_and_its_kernel_distance_varies():
    margin, accepted = np.full(30, 0.5, np.float32), np.ones(30, np.float32)
    good = _cell(np.zeros(30), margin=margin, in_target=accepted)
    bad = CellScores(good.per_image, *SCALES, 0.5, 0.1)  # d = min(1, 1 - 0.5)
    found = _one([good], [bad], "completeness")
    # c = 0.5: 2 * 0.5 * 1 / 1.5 - 2 * 0.5 * 0.5 / 1
    assert found.value == pytest.approx(2 / 3 - 0.5)
    # d of bad varies by 0.1: at d = 0.5 +- 0.196, completeness is d / (0.5 + d)
    low, high = (2 / 3 - d / (0.5 + d) for d in (0.696, 0.304))
    assert found.interval == pytest.approx((low, high), abs=0.02)
    assert found.is_real
    both = differences({"first": [good], "second": [bad]}, "completeness")
    assert both["second", "first"].interval == pytest.approx(
        (-found.interval[1], -found.interval[0])
    )


def test_cells_without_the_metric_are_left_out():
    with_truth, without = _cell(np.zeros(5)), _cell(np.zeros(5))
    scores = {name: each for name, each in without.per_image.scores.items() if name != "l1"}
    bare = CellScores(PerImage(without.per_image.keys, scores, ""), None, None, math.nan, math.nan)
    assert differences({"a": [with_truth], "b": [bare]}, "l1") == {}
    assert differences({"a": [with_truth], "b": [with_truth, bare]}, "l1").keys() == {
        ("a", "b"),
        ("b", "a"),
    }


def test_a_score_that_no_image_has_is_no_difference():
    known, unknown = _cell(np.zeros(5)), _cell(np.full(5, np.nan))
    assert differences({"a": [known], "b": [unknown]}, "l1") == {}
