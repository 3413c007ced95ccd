"""All content and domain metrics of one direction of translation, with baselines.

Either half alone is trivial: the identity map preserves all content, and a random target image is
perfectly in the domain. Both are baselines of every table, with the ground truth if known.
"""

from collections.abc import Sequence

import numpy as np

from tf_translate.evaluation.judges.judges import Judges
from tf_translate.evaluation.judges.label_judge import LabelJudge
from tf_translate.evaluation.metrics import kernel_distance, metric_definitions, pixel_distance
from tf_translate.evaluation.metrics.completeness import (
    CompletenessScale,
    JudgeScores,
    TargetScores,
    candidate_sets,
    score,
)
from tf_translate.evaluation.metrics.pretrained_metrics import PretrainedMetrics
from tf_translate.evaluation.metrics.results import Direction, MetricValue, Report, metric_value
from tf_translate.pretrained import preprocessing
from tf_translate.pretrained.registry import PretrainedNetwork

RESAMPLES = 1000


def evaluate_direction(
    direction: Direction,
    judges: Judges,
    *,
    labels: LabelJudge | None = None,
    networks: Sequence[PretrainedNetwork] = (),
    split: str = "test",
    seed: int = 0,
    resamples: int = RESAMPLES,
) -> Report:
    """Measures one direction of translation on held-out images.

    Args:
        direction: Sources, outputs, and the ground truth if known.
        judges: Trained on the training split of the same two domains, source first.
        labels: Label judge of the target domain, if both domains have labels; None skips its
            metric.
        networks: Pretrained networks that add metrics to those of the judges.
        split: Name of the held-out split, for the protocol.
        seed: Seed of random targets, KID's subsets and the bootstrap.
        resamples: Bootstrap samples of the test images.

    Returns:
        The report, with results of `output`, `identity`, `random target` and, if known,
        `ground truth`.

    Raises:
        ValueError: If there is a label judge, but no labels of the held-out images.
    """
    if labels and (direction.source_labels is None or direction.target_labels is None):
        raise ValueError(
            "`labels` needs `source_labels` and `target_labels` of the direction, got a judge only"
        )
    candidates = candidate_sets(direction, seed)
    source_features = judges.content.features(direction.source)
    scores = {each.name: score(each, source_features, judges) for each in candidates}
    target = TargetScores.of(direction.target, judges)
    scale = CompletenessScale(scores, target)
    kid = metric_definitions.kid_name(judges)
    pretrained = PretrainedMetrics(direction, networks, seed=seed)
    results: dict[str, dict[str, MetricValue]] = {}
    for each in candidates:
        own = scores[each.name]
        distance = kernel_distance.kernel_distance(
            own.domain_features,
            target.features,
            counterparts=each.counterparts,
            seed=seed,
        )
        values = {
            "completeness": scale.completeness(own, resamples=resamples, seed=seed),
            "content/retrieval@1": metric_value(own.retrieved.mean()),
            "content/reciprocal_rank": metric_value(own.reciprocal_rank.mean()),
            "content/margin": metric_value(own.margin.mean()),
            **_label_accuracy(each.images, direction, labels),
            **_distances_to_truth(each.images, direction),
            "domain/accuracy": metric_value(own.in_target.mean()),
            kid: metric_value(distance.value, standard_error=distance.standard_error),
            **pretrained.of(each.images, each.counterparts),
        }
        results[each.name] = metric_definitions.applicable(values, direction)
    return Report(
        direction=direction,
        metrics=metric_definitions.metric_definitions(
            direction,
            judges,
            labels=labels,
            networks=networks,
            split=split,
            seed=seed,
            resamples=resamples,
        ),
        results=results,
        reference_values=_reference_values(direction, judges, scores, seed)
        | _label_judge_accuracy(direction, labels)
        | {"kid ceiling (source vs target)": results["identity"][kid]}
        | pretrained.reference_values(),
        protocol=metric_definitions.protocol(
            direction, judges, labels=labels, split=split, seed=seed
        ),
        per_image=_per_image(direction, scores["output"], labels),
    )


def _distances_to_truth(images: np.ndarray, direction: Direction) -> dict[str, MetricValue]:
    if direction.truth is None:
        return {}
    truth = _at_target_size(direction.truth, direction)
    outputs = _at_target_size(images, direction)
    source = _at_target_size(direction.source, direction)
    values = {
        "content/l1": metric_value(pixel_distance.l1(outputs, truth).mean()),
        "content/psnr": metric_value(pixel_distance.psnr(outputs, truth).mean()),
        "content/skill": metric_value(pixel_distance.skill_score(outputs, source, truth)),
    }
    if direction.counterfactual:
        outside = pixel_distance.l1_outside_edit(outputs, source, truth)
        values[metric_definitions.L1_OUTSIDE_EDIT] = metric_value(np.nanmean(outside))
        inside = pixel_distance.l1_inside_edit(outputs, source, truth)
        values[metric_definitions.L1_INSIDE_EDIT] = metric_value(np.nanmean(inside))
    if min(truth.shape[1:3]) >= pixel_distance.SSIM_WINDOW:
        values["content/ssim"] = metric_value(pixel_distance.ssim(outputs, truth).mean())
    return values


def _label_accuracy(
    images: np.ndarray, direction: Direction, judge: LabelJudge | None
) -> dict[str, MetricValue]:
    if judge is None or direction.source_labels is None:
        return {}
    correct = judge.correct(images, direction.source_labels)
    return {metric_definitions.LABEL_ACCURACY: _fraction(correct)}


def _label_judge_accuracy(direction: Direction, judge: LabelJudge | None) -> dict[str, MetricValue]:
    """The label judge's own accuracy on real target images."""
    if judge is None or direction.target_labels is None:
        return {}
    correct = judge.correct(direction.target, direction.target_labels)
    return {metric_definitions.LABEL_JUDGE_ACCURACY: _fraction(correct)}


def _fraction(correct: np.ndarray) -> MetricValue:
    """The mean of 0 and 1 values with its binomial standard error."""
    mean = float(correct.mean())
    return metric_value(mean, standard_error=float(np.sqrt(mean * (1.0 - mean) / len(correct))))


def _at_target_size(images: np.ndarray, direction: Direction) -> np.ndarray:
    """RGB images at the size of the target domain, so that all images are comparable."""
    return preprocessing.resize(preprocessing.to_rgb(images), direction.target.shape[1:3])


def _per_image(
    direction: Direction, scores: JudgeScores, labels: LabelJudge | None
) -> dict[str, np.ndarray]:
    values = {
        "retrieved": scores.retrieved,
        "similarity": scores.similarity,
        "margin": scores.margin,
        "reciprocal_rank": scores.reciprocal_rank,
        "in_target": scores.in_target,
    }
    if labels and direction.source_labels is not None:
        values["label_kept"] = labels.correct(direction.outputs, direction.source_labels)
    if direction.truth is not None:
        outputs, source, truth = (
            _at_target_size(images, direction)
            for images in (direction.outputs, direction.source, direction.truth)
        )
        values["l1"] = pixel_distance.l1(outputs, truth)
        if direction.counterfactual:
            values["l1_inside_edit"] = pixel_distance.l1_inside_edit(outputs, source, truth)
            values["l1_outside_edit"] = pixel_distance.l1_outside_edit(outputs, source, truth)
    return values


def _reference_values(
    direction: Direction, judges: Judges, scores: dict[str, JudgeScores], seed: int
) -> dict[str, MetricValue]:
    """The judges' own accuracies, and the KID between two halves of the target set."""
    other = direction.outputs if direction.reconstruction else direction.source
    restyled = judges.content.restyled_retrieval(direction.source, seed=seed)
    values = {
        metric_definitions.domain_judge_accuracy(direction): metric_value(
            judges.domain.accuracy(other, direction.target)
        ),
        metric_definitions.RESTYLED_RETRIEVAL: metric_value(restyled),
    }
    if "ground truth" in scores:
        values[metric_definitions.GROUND_TRUTH_RETRIEVAL] = metric_value(
            scores["ground truth"].retrieved.mean()
        )
    if len(direction.target) >= 8:
        order = np.random.default_rng(seed).permutation(len(direction.target))
        features = judges.domain.features(direction.target)
        halves = features[order[::2]], features[order[1::2]]
        floor = kernel_distance.kernel_distance(*halves, seed=seed)
        values["kid floor (target vs target, halves)"] = metric_value(
            floor.value, standard_error=floor.standard_error
        )
    return values
