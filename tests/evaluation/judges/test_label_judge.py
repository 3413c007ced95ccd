"""The label judge: its training, its input checks, and its metric."""

import json

import numpy as np
import pytest

from tests.evaluation.toys import blobs
from tf_translate.errors import DataError
from tf_translate.evaluation.judges import label_judge
from tf_translate.evaluation.judges.judges import JudgeSettings, train_judges
from tf_translate.evaluation.judges.label_judge import LabelJudgeSettings, train_label_judge
from tf_translate.evaluation.metrics.evaluate_direction import evaluate_direction
from tf_translate.evaluation.metrics.metric_definitions import (
    LABEL_ACCURACY,
    LABEL_JUDGE_ACCURACY,
)
from tf_translate.evaluation.metrics.results import Direction
from tf_translate.evaluation.report import page

SETTINGS = LabelJudgeSettings(side=16, batch=32, steps=60)
CLASSES = ("bar", "dot", "ring")


def shapes(count, *, seed, side=16):
    """White shapes on black, `(count, side, side, 1)` in [-1, 1], and their labels."""
    random = np.random.default_rng(seed)
    rows, columns = np.mgrid[:side, :side]
    images = np.full((count, side, side, 1), -1.0, np.float32)
    labels = np.arange(count, dtype=np.int32) % 3
    for image, label in zip(images, labels, strict=True):
        y, x = random.uniform(6, 10, 2)
        distance = np.hypot(rows - y, columns - x)
        bar = (abs(columns - x) < 1.5) & (abs(rows - y) < 6)
        image[[bar, distance < 3, (distance > 3) & (distance < 5)][label]] = 1.0
    return images, labels


def in_colour(grey):
    """The same shapes in red on dark blue."""
    cover = (grey + 1.0) / 2.0
    return (cover * [0.9, -0.2, -0.2] + (1 - cover) * [-0.9, -0.9, -0.4]).astype(np.float32)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("judges")


@pytest.fixture(scope="module")
def judge(folder):
    return train_label_judge(*shapes(120, seed=1), CLASSES, folder=folder, settings=SETTINGS)


@pytest.mark.thorough
def test_the_label_judge_classifies_held_out_images_of_the_target(judge):
    images, labels = shapes(60, seed=2)
    assert judge.correct(images, labels).mean() > 0.95
    wrong = (labels + 1) % 3
    np.testing.assert_array_equal(
        judge.correct(images, wrong) + judge.correct(images, labels) <= 1.0, True
    )


def test_a_judge_of_grey_images_converts_colours_to_luminance(judge):
    images, labels = shapes(30, seed=3)
    np.testing.assert_array_equal(
        judge.predict(images), judge.predict(np.repeat(images, 3, axis=-1))
    )
    with_alpha = np.concatenate([np.repeat(images, 3, axis=-1), np.ones_like(images)], -1)
    np.testing.assert_array_equal(judge.predict(images), judge.predict(with_alpha))
    # Red (0.95, 0.4, 0.4) has luminance 0.299 * 0.95 + 0.701 * 0.4 = 0.56 of 1, dark blue
    # (0.05, 0.05, 0.3) 0.08: the shapes stay light on dark, only fainter.
    colour = in_colour(images)
    inputs = label_judge._network_input(colour, 16, grey=True)
    assert (inputs.max() + 1) / 2 == pytest.approx(0.564, abs=0.01)
    assert (inputs.min() + 1) / 2 == pytest.approx(0.0785, abs=0.01)
    assert judge.correct(colour, labels).mean() > 0.5
    assert label_judge._network_input(colour, 16, grey=False).shape == (30, 16, 16, 3)


def test_a_saved_judge_is_loaded_and_other_labels_train_another(judge, folder, monkeypatch):
    def never(*_):
        raise AssertionError("trained again")

    monkeypatch.setattr(label_judge, "fit", never)
    images, labels = shapes(120, seed=1)
    again = train_label_judge(images, labels, CLASSES, folder=folder, settings=SETTINGS)
    assert again.fingerprint == judge.fingerprint
    held_out = shapes(30, seed=4)[0]
    np.testing.assert_array_equal(again.predict(held_out), judge.predict(held_out))
    with pytest.raises(AssertionError, match="trained again"):
        train_label_judge(images, labels[::-1], CLASSES, folder=folder, settings=SETTINGS)
    (metadata,) = folder.glob("label-*.json")
    assert json.loads(metadata.read_text())["classes"] == list(CLASSES)


@pytest.mark.slow
def test_training_twice_gives_the_same_label_judge():
    short = LabelJudgeSettings(side=16, batch=8, steps=3)
    images, labels = shapes(12, seed=5)
    first, second = (train_label_judge(images, labels, CLASSES, settings=short) for _ in range(2))
    np.testing.assert_array_equal(first.predict(images), second.predict(images))


# The metric


@pytest.fixture(scope="module")
def report(judge):
    target, target_labels = shapes(24, seed=7)
    source, source_labels = shapes(24, seed=8)
    outputs = source.copy()
    outputs[:12] = shapes(25, seed=9)[0][1:13]  # the first half changes to the next class
    direction = Direction(
        "a_to_b",
        in_colour(source),
        target,
        outputs,
        train_source=in_colour(shapes(30, seed=6)[0]),
        train_target=shapes(30, seed=5)[0],
        source_labels=source_labels,
        target_labels=target_labels,
        train_target_labels=shapes(30, seed=5)[1],
    )
    assert direction.has_labels
    settings = JudgeSettings(side=16, batch=8, domain_steps=3, content_steps=3)
    judges = train_judges(direction.train_source, direction.train_target, settings=settings)
    return evaluate_direction(direction, judges, labels=judge, resamples=20)


@pytest.mark.slow
def test_label_accuracy_is_a_half_if_half_of_the_outputs_change_class(report):
    assert report.value("output", LABEL_ACCURACY) == pytest.approx(0.5, abs=0.1)
    assert report.per_image["label_kept"][:12].mean() < 0.1
    assert report.per_image["label_kept"][12:].mean() > 0.9
    # sqrt(0.5 * 0.5 / 24) = 0.102
    assert report.results["output"][LABEL_ACCURACY].standard_error == pytest.approx(0.102, abs=0.01)


def test_output_and_baselines_have_label_accuracy_and_the_judge_its_own(report):
    assert list(report.results) == ["output", "identity", "random target"]
    assert all(LABEL_ACCURACY in values for values in report.results.values())
    assert report.reference_values[LABEL_JUDGE_ACCURACY].value > 0.9
    metric = next(metric for metric in report.metrics if metric.name == "content/label_accuracy")
    assert "3 classes gives about 0.333" in metric.meaning
    assert "on luminance" in metric.protocol
    assert report.protocol["label judge"]["classes"] == "bar, dot, ring"


def test_the_page_states_the_label_accuracy(report):
    text = page.render([report], title="t", metadata={}, protocol_name="p")
    assert "of the outputs. Its accuracy is" in text
    assert "class preserved" in text
    assert "class changed" in text


@pytest.mark.slow
def test_without_labels_there_is_no_label_accuracy():
    source, target = blobs(8, seed=1, side=16)
    settings = JudgeSettings(side=16, batch=8, domain_steps=3, content_steps=3)
    judges = train_judges(source, target, settings=settings)
    plain = evaluate_direction(Direction("a_to_b", source, target, target), judges, resamples=5)
    assert LABEL_ACCURACY not in plain.results["output"]
    assert "label_kept" not in plain.per_image
    assert "classifier of the target" not in page.render(
        [plain], title="t", metadata={}, protocol_name="p"
    )


# Input checks


@pytest.mark.parametrize(
    ("training_labels", "expected"),
    [([0, 1, 2, 0], True), ([0, 1, 1, 0], False), ([1, 1, 1, 1], False), (None, False)],
)
def test_labels_count_if_the_target_has_training_images_of_every_class(training_labels, expected):
    images = shapes(4, seed=0)[0]
    labels = np.array([0, 1, 2, 0])
    training_labels = None if training_labels is None else np.array(training_labels)
    direction = Direction(
        "a_to_b",
        images,
        images,
        images,
        train_target=images,
        source_labels=labels,
        target_labels=labels,
        train_target_labels=training_labels,
    )
    assert direction.has_labels is expected


def test_labels_that_do_not_match_the_images_are_refused(judge):
    images, labels = shapes(6, seed=0)
    with pytest.raises(ValueError, match="one integer for each of the 6 images, got shape"):
        train_label_judge(images, labels[:5], CLASSES)
    with pytest.raises(ValueError, match=r"must lie in 0\.\.1, one per class, got 0\.\.2"):
        train_label_judge(images, labels, CLASSES[:2])
    with pytest.raises(DataError, match="at least 2 classes, got 1"):
        train_label_judge(images, labels * 0, CLASSES)
    with pytest.raises(ValueError, match="`labels` must hold one for each of the 6 images, got 5"):
        judge.correct(images, labels[:5])
    with pytest.raises(ValueError, match="`target_labels` must hold one label for each of the 6"):
        Direction("x", images, images, images, target_labels=labels[:5])
    with pytest.raises(ValueError, match="needs `source_labels` and `target_labels`"):
        evaluate_direction(Direction("x", images, images, images), None, labels=judge)


@pytest.mark.parametrize(
    ("settings", "message"),
    [({"side": 20}, "multiple of 8"), ({"steps": 0}, "at least 1"), ({"batch": 1}, "at least 2")],
)
def test_invalid_settings_of_a_label_judge_are_refused(settings, message):
    with pytest.raises(ValueError, match=message):
        LabelJudgeSettings(**settings)
