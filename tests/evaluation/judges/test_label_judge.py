"""The judge of labels: what it learns from, what it accepts, and the metric it gives."""

import json

import numpy as np
import pytest

from tests.evaluation.toys import blobs
from tf_translate.errors import DataError
from tf_translate.evaluation.judges import label_judge as judging
from tf_translate.evaluation.judges.judges import JudgeSettings, train_judges
from tf_translate.evaluation.judges.label_judge import LabelSettings, train_label_judge
from tf_translate.evaluation.metrics import protocol
from tf_translate.evaluation.metrics.consistency import evaluate_direction
from tf_translate.evaluation.metrics.results import Direction
from tf_translate.evaluation.report import page

SETTINGS = LabelSettings(side=16, batch=32, steps=60)
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


def test_it_reads_held_out_images_of_the_target(judge):
    images, labels = shapes(60, seed=2)
    assert judge.hits(images, labels).mean() > 0.95
    wrong = (labels + 1) % 3
    np.testing.assert_array_equal(
        judge.hits(images, wrong) + judge.hits(images, labels) <= 1.0, True
    )


def test_a_judge_of_grey_images_turns_colours_to_luminance(judge):
    images, labels = shapes(30, seed=3)
    np.testing.assert_array_equal(judge.says(images), judge.says(np.repeat(images, 3, axis=-1)))
    with_alpha = np.concatenate([np.repeat(images, 3, axis=-1), np.ones_like(images)], -1)
    np.testing.assert_array_equal(judge.says(images), judge.says(with_alpha))
    # Red (0.95, 0.4, 0.4) has luminance 0.299 * 0.95 + 0.701 * 0.4 = 0.56 of 1, dark blue
    # (0.05, 0.05, 0.3) 0.08: the shapes stay light on dark, only fainter.
    colour = in_colour(images)
    seen = judging._seen(colour, 16, grey=True)
    assert (seen.max() + 1) / 2 == pytest.approx(0.564, abs=0.01)
    assert (seen.min() + 1) / 2 == pytest.approx(0.0785, abs=0.01)
    assert judge.hits(colour, labels).mean() > 0.5
    assert judging._seen(colour, 16, grey=False).shape == (30, 16, 16, 3)


def test_a_kept_judge_is_loaded_and_other_labels_make_another(judge, folder, monkeypatch):
    def never(*_):
        raise AssertionError("trained again")

    monkeypatch.setattr(judging, "fit", never)
    images, labels = shapes(120, seed=1)
    again = train_label_judge(images, labels, CLASSES, folder=folder, settings=SETTINGS)
    assert again.fingerprint == judge.fingerprint
    held_out = shapes(30, seed=4)[0]
    np.testing.assert_array_equal(again.says(held_out), judge.says(held_out))
    with pytest.raises(AssertionError, match="trained again"):
        train_label_judge(images, labels[::-1], CLASSES, folder=folder, settings=SETTINGS)
    (note,) = folder.glob("label-*.json")
    assert json.loads(note.read_text())["classes"] == list(CLASSES)


def test_training_again_gives_the_same_judge():
    short = LabelSettings(side=16, batch=8, steps=3)
    images, labels = shapes(12, seed=5)
    first, second = (train_label_judge(images, labels, CLASSES, settings=short) for _ in range(2))
    np.testing.assert_array_equal(first.says(images), second.says(images))


# The metric


@pytest.fixture(scope="module")
def report(judge):
    target, target_labels = shapes(24, seed=7)
    source, source_labels = shapes(24, seed=8)
    outputs = source.copy()
    outputs[:12] = shapes(25, seed=9)[0][1:13]  # the first half turned to the next class
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


def test_a_translation_that_changes_half_of_the_classes_keeps_half(report):
    assert report.value("output", protocol.LABEL) == pytest.approx(0.5, abs=0.1)
    assert report.of_images["label_kept"][:12].mean() < 0.1
    assert report.of_images["label_kept"][12:].mean() > 0.9
    # sqrt(0.5 * 0.5 / 24) = 0.102
    assert report.rows["output"][protocol.LABEL].standard_error == pytest.approx(0.102, abs=0.01)


def test_every_row_has_the_metric_and_the_judge_its_own_accuracy(report):
    assert list(report.rows) == ["output", "identity", "random target"]
    assert all(protocol.LABEL in row for row in report.rows.values())
    assert report.references[protocol.LABEL_REFERENCE].value > 0.9
    metric = next(metric for metric in report.metrics if metric.name == "content/label")
    assert "3 classes gives about 0.333" in metric.meaning
    assert "on luminance" in metric.protocol
    assert report.protocol["label judge"]["classes"] == "bar, dot, ring"


def test_the_page_says_it_in_words(report):
    text = page.render([report], title="t", metadata={}, protocol_name="p")
    assert "of the outputs; it reads" in text
    assert "class kept" in text
    assert "class lost" in text


def test_without_labels_there_is_no_such_metric():
    source, target = blobs(8, seed=1, side=16)
    settings = JudgeSettings(side=16, batch=8, domain_steps=3, content_steps=3)
    judges = train_judges(source, target, settings=settings)
    plain = evaluate_direction(Direction("a_to_b", source, target, target), judges, resamples=5)
    assert protocol.LABEL not in plain.rows["output"]
    assert "label_kept" not in plain.of_images
    assert "classifier of the target" not in page.render(
        [plain], title="t", metadata={}, protocol_name="p"
    )


# The door


@pytest.mark.parametrize(
    ("taught", "expected"),
    [([0, 1, 2, 0], True), ([0, 1, 1, 0], False), ([1, 1, 1, 1], False), (None, False)],
)
def test_labels_count_when_the_target_was_taught_every_class(taught, expected):
    images = shapes(4, seed=0)[0]
    labels = np.array([0, 1, 2, 0])
    taught = None if taught is None else np.array(taught)
    known = {"source_labels": labels, "target_labels": labels, "train_target_labels": taught}
    direction = Direction("a_to_b", images, images, images, train_target=images, **known)
    assert direction.has_labels is expected


def test_labels_that_do_not_fit_are_refused(judge):
    images, labels = shapes(6, seed=0)
    with pytest.raises(ValueError, match="one integer for each of the 6 images, got shape"):
        train_label_judge(images, labels[:5], CLASSES)
    with pytest.raises(ValueError, match=r"must lie in 0\.\.1, one a class, got 0\.\.2"):
        train_label_judge(images, labels, CLASSES[:2])
    with pytest.raises(DataError, match="at least 2 classes, got 1"):
        train_label_judge(images, labels * 0, CLASSES)
    with pytest.raises(ValueError, match="`labels` must hold one for each of the 6 images, got 5"):
        judge.hits(images, labels[:5])
    with pytest.raises(ValueError, match="`target_labels` must hold one label for each of the 6"):
        Direction("x", images, images, images, target_labels=labels[:5])
    with pytest.raises(ValueError, match="needs `source_labels` and `target_labels`"):
        evaluate_direction(Direction("x", images, images, images), None, labels=judge)


@pytest.mark.parametrize(
    ("settings", "told"),
    [({"side": 20}, "multiple of 8"), ({"steps": 0}, "at least 1"), ({"batch": 1}, "at least 2")],
)
def test_impossible_settings_are_refused(settings, told):
    with pytest.raises(ValueError, match=told):
        LabelSettings(**settings)
