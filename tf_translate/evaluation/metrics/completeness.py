"""Completeness: one metric for content and domain, normalized by baselines that lack one of them.

    c = (margin - that of random targets) / (that of the ground truth - that of random targets)
    a = (accuracy - that of the sources) / (that of real targets - that of the sources)
    k = 1 - KID / (KID of the sources)
    completeness = 2 c d / (c + d), with d = min(a, k), and c, a and k clipped to [0, 1]

`margin` is how much nearer the own source is than the hardest other one. `accuracy` is the fraction
that the domain judge classifies as the target; KID sees the set of images as a whole. A judge of
single images is fooled by tints, and KID by nothing that changes all images alike, so the domain
counts only as far as both agree. Without ground truth, the identity map takes its place.
"""

from dataclasses import dataclass

import numpy as np

from tf_translate.evaluation.judges.judges import Judges, retrieval_hits
from tf_translate.evaluation.metrics import content_ranking
from tf_translate.evaluation.metrics.kernel_distance import (
    Kernels,
    polynomial_kernel,
    weighted_mean_of_pairs,
)
from tf_translate.evaluation.metrics.results import Direction, MetricValue, metric_value


@dataclass(frozen=True, eq=False)
class Candidates:
    """Images to measure: the outputs or a baseline.

    Attributes:
        name: "output", "identity", "random target" or "ground truth".
        images: One for each source.
        counterparts: For each image the index of the target image it depends on, or -1.
    """

    name: str
    images: np.ndarray
    counterparts: np.ndarray


@dataclass(frozen=True, eq=False)
class JudgeScores:
    """The scores of the judges for each image."""

    retrieved: np.ndarray
    in_target: np.ndarray
    similarity: np.ndarray
    margin: np.ndarray
    reciprocal_rank: np.ndarray
    domain_features: np.ndarray
    counterparts: np.ndarray


@dataclass(frozen=True, eq=False)
class TargetScores:
    """The scores of the real target images: whether the judge takes each as one; features."""

    in_target: np.ndarray
    features: np.ndarray

    @classmethod
    def of(cls, target: np.ndarray, judges: Judges) -> "TargetScores":
        """Scores the real target images of a direction."""
        in_target = judges.domain.predicts_target(target).astype(np.float64)
        return cls(in_target, judges.domain.features(target))


def headline_metrics(direction: Direction, judges: Judges, *, seed: int = 0) -> dict[str, float]:
    """Computes the metrics that select checkpoints, without confidence intervals.

    Args:
        direction, judges, seed: As for `evaluate_direction`.

    Returns:
        `content/retrieval@1`, `domain/accuracy` and `completeness`, each in [0, 1];
        completeness is 0 where a judge cannot separate the baselines.
    """
    source_features = judges.content.features(direction.source)
    scores = {
        each.name: score(each, source_features, judges) for each in candidate_sets(direction, seed)
    }
    scale = CompletenessScale(scores, TargetScores.of(direction.target, judges))
    return {
        "content/retrieval@1": float(scores["output"].retrieved.mean()),
        "domain/accuracy": float(scores["output"].in_target.mean()),
        "completeness": float(np.nan_to_num(scale.harmonic_mean(scores["output"]))),
    }


def candidate_sets(direction: Direction, seed: int) -> list[Candidates]:
    """The outputs and the baselines: identity, random target and, if known, ground truth."""
    own = np.full(len(direction.source), -1)
    if direction.truth is not None:
        own = _positions(direction.truth, direction.target)
    candidates = [
        Candidates("output", direction.outputs, own),
        Candidates("identity", direction.source, own),
    ]
    if direction.truth is None:
        chosen = _random_targets(len(direction.source), len(direction.target), seed)
        candidates.append(Candidates("random target", direction.target[chosen], chosen))
    else:
        others = _derangement(len(direction.source), seed)
        candidates.append(Candidates("random target", direction.truth[others], own[others]))
        candidates.append(Candidates("ground truth", direction.truth, own))
    return candidates


def _positions(images: np.ndarray, among: np.ndarray) -> np.ndarray:
    """Finds the index of each image in a set by its pixels; -1 if absent."""
    positions = {image.tobytes(): position for position, image in enumerate(among)}
    return np.array([positions.get(image.tobytes(), -1) for image in images])


def _derangement(count: int, seed: int) -> np.ndarray:
    """A permutation of `count` indices without fixed points: one random cycle."""
    order = np.random.default_rng(seed).permutation(count)
    partner = np.empty(count, np.int64)
    partner[order] = np.roll(order, 1)
    return partner


def _random_targets(count: int, available: int, seed: int) -> np.ndarray:
    """Random indices of targets, repeated only if there are fewer targets than `count`."""
    return np.random.default_rng(seed).permutation(available)[np.arange(count) % available]


def score(candidates: Candidates, source_features: np.ndarray, judges: Judges) -> JudgeScores:
    """Scores images; `source_features` are the content features of their sources."""
    images = candidates.images
    features = judges.content.features(images)
    similarity = content_ranking.similarities(features, source_features)
    return JudgeScores(
        retrieved=retrieval_hits(features, source_features),
        in_target=judges.domain.predicts_target(images).astype(np.float64),
        similarity=np.diagonal(similarity),
        margin=content_ranking.margins(similarity),
        reciprocal_rank=content_ranking.reciprocal_ranks(similarity),
        domain_features=judges.domain.features(images),
        counterparts=candidates.counterparts,
    )


class CompletenessScale:
    """The baselines that define 0 and 1 of content and domain; see the formula of the module.

    Args:
        scores: By name of the candidates.
        target: Scores of the real target images.
    """

    def __init__(self, scores: dict[str, JudgeScores], target: TargetScores):
        self._no_content = scores["random target"].margin
        self._all_content = scores.get("ground truth", scores["identity"]).margin
        self._no_domain = scores["identity"]
        self._target = target
        self._within_target = polynomial_kernel(target.features, target.features)
        self._of_sources = self._kernels(scores["identity"])

    def completeness(self, scores: JudgeScores, *, resamples: int, seed: int) -> MetricValue:
        """Computes completeness with its 95 % bootstrap confidence interval."""
        value = self.harmonic_mean(scores)
        count, targets = len(scores.margin), len(self._target.in_target)
        random = np.random.default_rng(seed)
        weights = _resampled(random, count, resamples)
        resampled = self._parts(scores, weights, _resampled(random, targets, resamples))
        if not np.isfinite(value):
            return MetricValue(None)
        low, high = np.nanpercentile(resampled.harmonic_mean(), [2.5, 97.5])
        return metric_value(value, interval=(float(low), float(high)))

    def harmonic_mean(self, scores: JudgeScores) -> float:
        """Computes completeness; NaN where a judge cannot separate the baselines."""
        return float(self.parts(scores).harmonic_mean()[0])

    def parts(self, scores: JudgeScores) -> "Parts":
        """Content and domain of a set of images, each between 0 and 1."""
        ones = np.ones((1, len(scores.margin)))
        return self._parts(scores, ones, np.ones((1, len(self._target.in_target))))

    def _parts(self, scores: JudgeScores, weights: np.ndarray, targets: np.ndarray) -> "Parts":
        """Parts for each row of weights of the images, and of the real targets."""
        count = weights.sum(1)
        content = _normalized(
            weights @ scores.margin / count,
            weights @ self._no_content / count,
            weights @ self._all_content / count,
        )
        accuracy = _normalized(
            weights @ scores.in_target / count,
            weights @ self._no_domain.in_target / count,
            targets @ self._target.in_target / targets.sum(1),
        )
        within = weighted_mean_of_pairs(self._within_target, targets)
        distance = self._kernels(scores).distance(weights, targets, within)
        of_sources = self._of_sources.distance(weights, targets, within)
        kernel = _normalized(-distance, -of_sources, np.zeros_like(distance))
        return Parts(content, accuracy, kernel)

    def _kernels(self, scores: JudgeScores) -> Kernels:
        return Kernels.of(scores.domain_features, self._target.features, scores.counterparts)


@dataclass(frozen=True, eq=False)
class Parts:
    """Content, accuracy and kernel distance on their scales from 0 to 1; one for each resample."""

    content: np.ndarray
    accuracy: np.ndarray
    kernel: np.ndarray

    def harmonic_mean(self) -> np.ndarray:
        """Completeness; see the formula of the module."""
        domain = np.minimum(self.accuracy, self.kernel)
        return 2.0 * self.content * domain / np.maximum(self.content + domain, 1e-12)


def _resampled(random: np.random.Generator, count: int, resamples: int) -> np.ndarray:
    """How often each of `count` images is drawn in each resample, float64."""
    drawn = random.integers(0, count, (resamples, count))
    return np.stack([np.bincount(each, minlength=count) for each in drawn]).astype(np.float64)


def _normalized(values: np.ndarray, zero: np.ndarray, one: np.ndarray) -> np.ndarray:
    """Maps `zero` to 0 and `one` to 1, clipped; NaN where `one` does not exceed `zero`."""
    span = np.where(one > zero, one - zero, np.nan)
    return np.clip((values - zero) / span, 0.0, 1.0)
