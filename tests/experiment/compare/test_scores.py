"""Content and domain of a cell on the scales of completeness."""

import numpy as np
import pytest

from tests.experiment.compare.collected import cell
from tf_translate.evaluation.judges.judges import JudgeSettings, train_judges
from tf_translate.evaluation.metrics.evaluate_direction import evaluate_direction
from tf_translate.evaluation.metrics.results import Direction
from tf_translate.experiment.compare.scores import scores_of


def test_scores_are_scaled_by_the_fixed_rows():
    scores = scores_of(cell("a", content=0.25, domain=0.5, error=0.4, labels=0.75))
    assert scores.content == pytest.approx(0.25)
    assert scores.domain == pytest.approx(0.5)
    assert scores.error == pytest.approx(0.4)
    assert scores.labels == pytest.approx(0.75)
    assert scores.completeness == pytest.approx(2 * 0.25 * 0.5 / 0.75)


def test_the_domain_is_the_smaller_of_accuracy_and_kernel_distance():
    one = cell("a", content=0.5, domain=0.75)
    output = one["metrics"]["directions"]["add"]["results"]["output"]
    output["domain/kid/judge@32"] = 1.0
    assert scores_of(one).domain == pytest.approx(0.5)
    output["domain/accuracy"] = 0.05  # below that of the sources
    assert scores_of(one).domain == 0.0


def test_without_truth_the_input_is_all_content_and_there_is_no_error():
    one = cell("a", content=0.5, domain=0.5, error=0.1)
    del one["metrics"]["directions"]["add"]["results"]["ground truth"]
    scores = scores_of(one)
    assert scores.content == pytest.approx((0.3 - 0.1) / (0.6 - 0.1))
    assert scores.error is None


def test_scores_are_undefined_where_the_fixed_rows_are_equal():
    one = cell("a", content=0.5, domain=0.5)
    rows = one["metrics"]["directions"]["add"]["results"]
    rows["random target"]["content/margin"] = rows["ground truth"]["content/margin"]
    rows["output"]["domain/kid/judge@32"] = None
    scores = scores_of(one)
    assert scores.content is None
    assert scores.domain is None
    assert scores.error is None


@pytest.mark.slow
def test_both_scores_give_the_completeness_of_an_evaluation():
    random = np.random.default_rng(0)
    shades = random.uniform(-0.8, 0.2, (24, 1, 1, 3))
    source = np.clip(shades + 0.2 * random.standard_normal((24, 16, 16, 3)), -1, 1)
    target = np.clip(source + 0.6, -1, 1)
    outputs = 0.6 * target + 0.4 * source[random.permutation(24)]
    direction = Direction(
        name="add",
        source=source.astype(np.float32),
        target=target.astype(np.float32),
        outputs=outputs.astype(np.float32),
        truth=target.astype(np.float32),
        train_source=source.astype(np.float32),
        train_target=target.astype(np.float32),
    )
    settings = JudgeSettings(side=16, batch=8, domain_steps=8, content_steps=2)
    judges = train_judges(direction.train_source, direction.train_target, settings=settings)
    found = evaluate_direction(direction, judges, resamples=2).as_dict()
    scores = scores_of({"direction": "add", "metrics": {"directions": {"add": found}}})
    expected = found["results"]["output"]["completeness"]
    both = max(scores.content + scores.domain, 1e-12)
    assert 0 < expected < 1
    assert 2 * scores.content * scores.domain / both == pytest.approx(expected, abs=0.02)
