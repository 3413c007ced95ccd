import hashlib
import json

import keras
import numpy as np
import pytest

from tests.evaluation.toys import blobs
from tf_translate.errors import DataError
from tf_translate.evaluation.metrics import (
    completeness,
    kernel_distance,
    metric_definitions,
    pixel_distance,
)
from tf_translate.evaluation.metrics.evaluate_direction import evaluate_direction
from tf_translate.evaluation.metrics.results import Direction, MetricValue
from tf_translate.pretrained import preprocessing
from tf_translate.pretrained.registry import PretrainedNetwork

KID = "domain/kid/judge@32"


@pytest.fixture(scope="module")
def direction():
    source, target = blobs(32, seed=3)
    return Direction(
        "a_to_b",
        source,
        target,
        outputs=(0.9 * target + 0.1 * source).astype(np.float32),  # a good translation
        truth=target,
        train_source=blobs(60, seed=1)[0],
        train_target=blobs(50, seed=2)[1],
    )


@pytest.fixture(scope="module")
def report(direction, judges):
    return evaluate_direction(direction, judges, resamples=200)


@pytest.mark.thorough
def test_results_hold_the_output_and_the_baselines_in_a_fixed_order(report):
    assert list(report.results) == ["output", "identity", "random target", "ground truth"]
    for values in report.results.values():
        assert set(values) == {metric.name for metric in report.metrics}


def test_metrics_are_frozen_until_their_protocol_has_another_number(report):
    texts = json.dumps([[metric.name, metric.protocol] for metric in report.metrics])
    frozen = {2: "253ab232465e8557"}
    digest = hashlib.sha256(texts.encode()).hexdigest()[:16]
    assert report.protocol["metrics"] == metric_definitions.PROTOCOL
    assert digest == frozen[metric_definitions.PROTOCOL], "increase PROTOCOL, then add its digest"


def test_identity_preserves_content_and_misses_the_domain(report):
    assert report.value("identity", "content/retrieval@1") == 1.0  # by construction
    assert report.value("identity", "content/skill") == 0.0
    assert report.value("identity", "domain/accuracy") < 0.2
    assert report.value("identity", "completeness") == 0.0


def test_random_target_reaches_the_domain_and_preserves_no_content(report):
    assert report.value("random target", "content/retrieval@1") < 0.2
    assert report.value("random target", "domain/accuracy") > 0.8
    assert report.value("random target", "completeness") == 0.0
    near_zero = report.results["random target"][KID]
    assert abs(near_zero.value) < 2 * near_zero.standard_error


def test_ground_truth_is_perfect_and_a_good_translation_is_between_the_baselines(report):
    truth, output = report.results["ground truth"], report.results["output"]
    assert truth["content/l1"].value == 0.0
    assert truth["content/psnr"].value == 100.0
    assert truth["content/ssim"].value == pytest.approx(1.0)
    assert truth["completeness"].value == pytest.approx(1.0)
    assert 0.85 < output["content/skill"].value < 0.95  # nine tenths of the L1 distance removed
    assert output["completeness"].value > 0.5
    assert output[KID].value < report.value("identity", KID) / 3


def test_pixel_metrics_are_means_over_the_held_out_images(report, direction):
    expected = np.abs(direction.outputs - direction.truth).mean()
    assert report.value("output", "content/l1") == pytest.approx(float(expected), rel=1e-5)
    assert report.per_image["l1"].mean() == pytest.approx(float(expected), rel=1e-5)


def _scores(margin, in_target, feature):
    """Scores of four images; the feature is 0 as in sources or 1 as in real targets."""
    margin, none = np.array(margin, float), np.zeros(4)
    features = np.array(feature, float)[:, None]
    absent = np.full(4, -1)
    return completeness.JudgeScores(
        none, np.array(in_target, float), none, margin, none, features, absent
    )


TARGET = completeness.TargetScores(np.ones(5), np.ones((5, 1)))
RANDOM = _scores([-1, -1, -1, -1], [1, 1, 1, 1], [1, 1, 1, 1])
IDENTITY = _scores([1, 1, 1, 1], [0, 0, 0, 0], [0, 0, 0, 0])


def test_completeness_by_hand():
    scores = {"random target": RANDOM, "identity": IDENTITY}
    # Content: mean margin .5 between -1 and 1. Accuracy: 2/4. Of kernels 1 (0 with 0 or 1) and 8,
    # KID is 26/12 + 8 - 9 = 7/6 for two features of each kind, and 1 + 8 - 2 = 7 for the sources.
    output = _scores([1, 1, 1, -1], [1, 1, 0, 0], [0, 0, 1, 1])
    scale = completeness.CompletenessScale(scores, TARGET)
    parts = scale.parts(output)
    assert parts.content == pytest.approx(0.75)
    assert parts.accuracy == pytest.approx(0.5)
    assert parts.kernel == pytest.approx(1 - 1 / 6)
    # The smaller of both counts as the domain: 2 * 0.75 * 0.5 / 1.25 = 0.6.
    value = scale.completeness(output, resamples=400, seed=0)
    assert value.value == pytest.approx(0.6)
    low, high = value.interval
    assert 0.0 <= low < 0.6 < high <= 1.0
    assert value == scale.completeness(output, resamples=400, seed=0)
    # All images are taken for targets, but their features are the sources': no domain.
    fooling = _scores([1, 1, 1, 1], [1, 1, 1, 1], [0, 0, 0, 0])
    assert scale.harmonic_mean(fooling) == 0
    # The ground truth has a mean margin of 0, so .5 is clipped to content 1: 2 * 0.5 / 1.5 = 2/3.
    scores["ground truth"] = _scores([1, 1, -1, -1], [1, 1, 1, 1], [1, 1, 1, 1])
    scale = completeness.CompletenessScale(scores, TARGET)
    assert scale.harmonic_mean(output) == pytest.approx(2 / 3)


def test_completeness_is_undefined_if_a_judge_does_not_separate_the_baselines():
    scale = completeness.CompletenessScale({"random target": RANDOM, "identity": RANDOM}, TARGET)
    assert scale.completeness(RANDOM, resamples=10, seed=0) == MetricValue(None)


def test_a_resampled_kernel_distance_is_that_of_the_drawn_images():
    random = np.random.default_rng(0)
    images, reference = random.normal(size=(2, 6, 3))
    own = np.array([0, 1, -1, -1, -1, -1])
    kernels = kernel_distance.Kernels.of(images, reference, own)
    within = kernel_distance.polynomial_kernel(reference, reference)
    ones = np.ones((1, 6))
    of_reference = kernel_distance.weighted_mean_of_pairs(within, ones)
    included = np.ones((6, 6), bool)
    included[[0, 1], [0, 1]] = False
    expected = kernel_distance.unbiased_mmd(
        kernels.within, within, kernel_distance.polynomial_kernel(images, reference), included
    )
    assert kernels.distance(ones, ones, of_reference) == pytest.approx(expected)
    # Images 0 to 2 alone: weights of 0 leave the others out.
    some = np.array([[1.0, 1, 1, 0, 0, 0]])
    expected = kernel_distance.unbiased_mmd(
        kernels.within[:3, :3],
        within,
        kernel_distance.polynomial_kernel(images[:3], reference),
        included[:3],
    )
    assert kernels.distance(some, ones, of_reference) == pytest.approx(expected)


@pytest.mark.parametrize("count", [2, 3, 10, 101])
def test_a_derangement_moves_every_index(count):
    partner = completeness._derangement(count, seed=count)
    assert sorted(partner) == list(range(count))
    assert (partner != np.arange(count)).all()


def test_positions_are_found_by_pixels():
    images = np.arange(12, dtype=np.float32).reshape(3, 2, 2, 1)
    positions = completeness._positions(
        images[[2, 0]] + np.array([0, 100]).reshape(2, 1, 1, 1), images
    )
    np.testing.assert_array_equal(completeness._positions(images[[2, 0]], images), [2, 0])
    assert positions[1] == -1


def test_without_ground_truth_there_are_no_distances_to_it(judges):
    source, _ = blobs(12, seed=4)
    _, target = blobs(9, seed=5)  # other shapes, another count
    outputs = blobs(12, seed=4)[1]
    report = evaluate_direction(Direction("a_to_b", source, target, outputs), judges, resamples=50)
    assert list(report.results) == ["output", "identity", "random target"]
    assert not any(name.startswith("content/l1") for name in report.results["output"])
    assert report.protocol["ground-truth images"] == 0
    assert report.protocol["held-out images that are also training images"] is None


def test_images_are_compared_in_rgb_at_the_size_of_the_target_domain(judges):
    source, target = blobs(8, seed=6)
    grey = source[:, ::2, ::2].mean(-1, keepdims=True)
    report = evaluate_direction(
        Direction("a_to_b", grey, target, target, truth=target), judges, resamples=20
    )
    enlarged = preprocessing.resize(np.repeat(grey, 3, axis=-1), (32, 32))
    expected = pixel_distance.l1(enlarged, target).mean()
    assert report.value("identity", "content/l1") == pytest.approx(float(expected), rel=1e-5)


def test_images_too_small_for_ssim_have_no_ssim(judges):
    source, target = blobs(4, seed=7, side=16)
    source, target = source[:, 3:11, 3:11], target[:, 3:11, 3:11]
    report = evaluate_direction(
        Direction("a_to_b", source, target, target, truth=target), judges, resamples=20
    )
    assert "content/ssim" not in report.results["output"]
    assert "content/ssim" not in {metric.name for metric in report.metrics}


def test_reference_values_hold_judge_accuracies_and_kid_bounds(report):
    references = report.reference_values
    assert references["domain judge: accuracy on real held-out images"].value > 0.8
    floor = references["kid floor (target vs target, halves)"]
    ceiling = references["kid ceiling (source vs target)"]
    assert abs(floor.value) < 3 * floor.standard_error
    assert ceiling.value == report.value("identity", KID) > 0.5
    retrieval = references["content judge: retrieval@1 of the ground truth"]
    assert retrieval.value == report.value("ground truth", "content/retrieval@1")


def test_held_out_images_that_are_also_training_images_are_counted(direction, judges):
    leaky = Direction(
        "a_to_b",
        direction.source,
        direction.target,
        direction.outputs,
        train_source=np.concatenate([direction.source[:3], direction.train_source]),
        train_target=direction.target[5:7],
    )
    report = evaluate_direction(leaky, judges, resamples=10)
    assert report.protocol["held-out images that are also training images"] == 5


def test_a_report_is_json_serializable_and_every_metric_has_its_protocol(report):
    content = json.loads(json.dumps(report.as_dict(), allow_nan=False))
    for values in content["results"].values():
        assert set(values) <= set(content["metrics"])
    for metric in content["metrics"].values():
        assert metric["protocol"]
        assert "n = 32 of split test" in metric["protocol"]
    assert (
        content["confidence_intervals_95"]["output"]["completeness"][0]
        <= (content["results"]["output"]["completeness"])
    )
    assert content["standard_errors"]["output"][KID] > 0
    assert content["protocol"]["judges"]["domain_steps"] == 40


def test_evaluation_is_deterministic_for_a_seed(direction, judges, report):
    assert evaluate_direction(direction, judges, resamples=200).as_dict() == report.as_dict()


def test_directions_with_unequal_counts_or_too_few_images_are_refused():
    images = np.zeros((4, 8, 8, 3), np.float32)
    with pytest.raises(ValueError, match="`outputs` must hold one image for each of the 4"):
        Direction("a_to_b", images, images, images[:3])
    with pytest.raises(ValueError, match="`truth` must hold one image for each of the 4"):
        Direction("a_to_b", images, images, images, truth=images[:2])
    with pytest.raises(
        DataError, match=r"at least 4 held-out images .* there are 4 and 3: add images"
    ):
        Direction("a_to_b", images, images[:3], images)


def test_pretrained_networks_add_metrics_to_those_of_the_judges(direction, judges):
    network = keras.Sequential([keras.Input((16, 16, 3)), keras.layers.Conv2D(2, 8, 8)])
    report = evaluate_direction(
        direction, judges, networks=[PretrainedNetwork("toy", network)], resamples=20
    )
    names = {"content/identity/toy@32", "domain/kid/toy@32"}
    for values in report.results.values():
        assert names < set(values) == {metric.name for metric in report.metrics}
    assert report.value("identity", "content/identity/toy@32") == pytest.approx(1.0)
    truth = report.results["ground truth"]["domain/kid/toy@32"]
    assert abs(truth.value) < 4 * truth.standard_error
    assert "kid/toy@32 floor (target vs target, halves)" in report.reference_values
