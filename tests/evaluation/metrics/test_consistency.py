import json

import keras
import numpy as np
import pytest

from tests.evaluation.toys import blobs
from tf_translate.errors import DataError
from tf_translate.evaluation.judges.judges import JudgeSettings, network_inputs, train_judges
from tf_translate.evaluation.metrics import completeness, pixel_distance
from tf_translate.evaluation.metrics.consistency import evaluate_direction
from tf_translate.evaluation.metrics.results import Direction, Measured
from tf_translate.pretrained.registry import Features

SETTINGS = JudgeSettings(side=32, batch=32, domain_steps=40, content_steps=8)
KID = "domain/kid/judge@32"


@pytest.fixture(scope="module")
def judges():
    return train_judges(blobs(60, seed=1)[0], blobs(50, seed=2)[1], settings=SETTINGS)


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


def test_rows_stand_beside_the_output_in_a_fixed_order(report):
    assert list(report.rows) == ["output", "identity", "random target", "ground truth"]
    for row in report.rows.values():
        assert set(row) == {metric.name for metric in report.metrics}


def test_identity_keeps_content_and_misses_the_domain(report):
    assert report.value("identity", "content/retrieval@1") == 1.0  # by construction
    assert report.value("identity", "content/skill") == 0.0
    assert report.value("identity", "domain/accuracy") < 0.2
    assert report.value("identity", "completeness") == 0.0


def test_random_target_reaches_the_domain_and_keeps_nothing(report):
    assert report.value("random target", "content/retrieval@1") < 0.2
    assert report.value("random target", "domain/accuracy") > 0.8
    assert report.value("random target", "completeness") == 0.0
    near_zero = report.rows["random target"][KID]
    assert abs(near_zero.value) < 2 * near_zero.standard_error


def test_truth_is_perfect_and_a_good_translation_lies_between(report):
    truth, output = report.rows["ground truth"], report.rows["output"]
    assert truth["content/l1"].value == 0.0
    assert truth["content/psnr"].value == 100.0
    assert truth["content/ssim"].value == pytest.approx(1.0)
    assert truth["completeness"].value == pytest.approx(1.0)
    assert 0.85 < output["content/skill"].value < 0.95  # nine tenths of the way
    assert output["completeness"].value > 0.5
    assert output[KID].value < report.value("identity", KID) / 3


def test_pixel_metrics_are_means_over_the_held_out_images(report, direction):
    expected = np.abs(direction.outputs - direction.truth).mean()
    assert report.value("output", "content/l1") == pytest.approx(float(expected), rel=1e-5)
    assert report.of_images["l1"].mean() == pytest.approx(float(expected), rel=1e-5)


def test_completeness_by_hand():
    # Content 3/4 found where nothing is 0 and everything 1; domain 2/4 where source is 0
    # and real target 1: harmonic mean 2 * 0.75 * 0.5 / 1.25 = 0.6.
    def seen(found, says):
        found = np.array(found, float)
        return completeness.Seen(found, np.array(says, float), found)

    rows = {
        "random target": seen([0, 0, 0, 0], [1, 1, 1, 1]),
        "identity": seen([1, 1, 1, 1], [0, 0, 0, 0]),
    }
    output = seen([1, 1, 1, 0], [1, 1, 0, 0])
    anchors = completeness.Anchors(rows, np.ones(5, bool))
    measured = anchors.completeness(output, resamples=400, seed=0)
    assert measured.value == pytest.approx(0.6)
    low, high = measured.interval
    assert 0.0 <= low < 0.6 < high <= 1.0
    assert measured == anchors.completeness(output, resamples=400, seed=0)
    # Where truth finds its source only half the time, 3/4 counts as everything: 2/3.
    rows["ground truth"] = seen([1, 1, 0, 0], [1, 1, 1, 1])
    anchors = completeness.Anchors(rows, np.ones(5, bool))
    measured = anchors.completeness(output, resamples=10, seed=0)
    assert measured.value == pytest.approx(2 / 3)


def test_completeness_is_not_told_by_a_judge_that_cannot_tell():
    chance_level = completeness.Seen(np.ones(4), np.ones(4), np.ones(4))
    anchors = completeness.Anchors(
        {"random target": chance_level, "identity": chance_level}, np.ones(4, bool)
    )
    assert anchors.completeness(chance_level, resamples=10, seed=0) == Measured(None)


@pytest.mark.parametrize("count", [2, 3, 10, 101])
def test_a_derangement_moves_every_number(count):
    partner = completeness._derangement(count, seed=count)
    assert sorted(partner) == list(range(count))
    assert (partner != np.arange(count)).all()


def test_positions_are_found_by_pixels():
    images = np.arange(12, dtype=np.float32).reshape(3, 2, 2, 1)
    places = completeness._positions(
        images[[2, 0]] + np.array([0, 100]).reshape(2, 1, 1, 1), images
    )
    np.testing.assert_array_equal(completeness._positions(images[[2, 0]], images), [2, 0])
    assert places[1] == -1


def test_without_truth_there_are_no_truth_metrics(judges):
    source, _ = blobs(12, seed=4)
    _, target = blobs(9, seed=5)  # other shapes, another count
    outputs = blobs(12, seed=4)[1]
    report = evaluate_direction(Direction("a_to_b", source, target, outputs), judges, resamples=50)
    assert list(report.rows) == ["output", "identity", "random target"]
    assert not any(name.startswith("content/l1") for name in report.rows["output"])
    assert report.protocol["known counterparts"] == 0
    assert report.protocol["held-out images that are also training images"] is None


def test_grey_to_colour_of_another_size_compares_as_colour_at_the_targets_size(judges):
    source, target = blobs(8, seed=6)
    grey = source[:, ::2, ::2].mean(-1, keepdims=True)
    report = evaluate_direction(
        Direction("a_to_b", grey, target, target, truth=target), judges, resamples=20
    )
    enlarged = network_inputs.at_size(np.repeat(grey, 3, axis=-1), (32, 32))
    expected = pixel_distance.l1(enlarged, target).mean()
    assert report.value("identity", "content/l1") == pytest.approx(float(expected), rel=1e-5)


def test_images_too_small_for_ssim_are_measured_without_it(judges):
    source, target = blobs(4, seed=7, side=16)
    source, target = source[:, 3:11, 3:11], target[:, 3:11, 3:11]
    report = evaluate_direction(
        Direction("a_to_b", source, target, target, truth=target), judges, resamples=20
    )
    assert "content/ssim" not in report.rows["output"]
    assert "content/ssim" not in {metric.name for metric in report.metrics}


def test_judges_accuracies_and_kid_bounds_stand_beside(report):
    references = report.references
    assert references["domain judge: accuracy on real held-out images"].value > 0.8
    floor = references["kid floor (target vs target, halves)"]
    ceiling = references["kid ceiling (source vs target)"]
    assert abs(floor.value) < 3 * floor.standard_error
    assert ceiling.value == report.value("identity", KID) > 0.5
    found = references["content judge: true counterparts that find their source"]
    assert found.value == report.value("ground truth", "content/retrieval@1")


def test_held_out_images_that_were_trained_on_are_counted(direction, judges):
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


def test_a_report_is_plain_json_and_every_number_has_its_protocol(report):
    content = json.loads(json.dumps(report.as_dict(), allow_nan=False))
    for numbers in content["rows"].values():
        assert set(numbers) <= set(content["metrics"])
    for metric in content["metrics"].values():
        assert metric["protocol"]
        assert "n = 32 of split test" in metric["protocol"]
    assert (
        content["intervals_95"]["output"]["completeness"][0]
        <= (content["rows"]["output"]["completeness"])
    )
    assert content["standard_errors"]["output"][KID] > 0
    assert content["protocol"]["judges"]["domain_steps"] == 40


def test_a_seed_gives_one_report(direction, judges, report):
    assert evaluate_direction(direction, judges, resamples=200).as_dict() == report.as_dict()


def test_unequal_counts_and_too_few_images_are_refused():
    images = np.zeros((4, 8, 8, 3), np.float32)
    with pytest.raises(ValueError, match="`outputs` must hold one image for each of the 4"):
        Direction("a_to_b", images, images, images[:3])
    with pytest.raises(ValueError, match="`truth` must hold one image for each of the 4"):
        Direction("a_to_b", images, images, images, truth=images[:2])
    with pytest.raises(
        DataError, match=r"at least 4 held-out images .* there are 4 and 3: add images"
    ):
        Direction("a_to_b", images, images[:3], images)


def test_pretrained_networks_stand_beside_the_judges(direction, judges):
    network = keras.Sequential([keras.Input((16, 16, 3)), keras.layers.Conv2D(2, 8, 8)])
    report = evaluate_direction(
        direction, judges, networks=[Features("toy", network)], resamples=20
    )
    names = {"content/identity/toy@32", "domain/kid/toy@32"}
    for row in report.rows.values():
        assert names < set(row) == {metric.name for metric in report.metrics}
    assert report.value("identity", "content/identity/toy@32") == pytest.approx(1.0)
    truth = report.rows["ground truth"]["domain/kid/toy@32"]
    assert abs(truth.value) < 4 * truth.standard_error
    assert "kid/toy@32 floor (target vs target, halves)" in report.references
