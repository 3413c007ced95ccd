"""Completeness: one metric for content and domain, normalized by baselines that lack one of them.

    c = (retrieval@1 - that of random targets) / (that of the ground truth - that of random targets)
    d = (accuracy - that of the sources) / (that of real targets - that of the sources)
    completeness = 2 c d / (c + d), with c and d clipped to [0, 1]

`accuracy` is the fraction that the domain judge classifies as the target. Without ground truth,
the identity map takes its place.
"""

from dataclasses import dataclass

import numpy as np

from tf_translate.evaluation.judges.judges import Judges, retrieval_hits
from tf_translate.evaluation.metrics import content_ranking
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
        each.name: score(each.images, source_features, judges)
        for each in candidate_sets(direction, seed)
    }
    scale = CompletenessScale(scores, judges.domain.predicts_target(direction.target))
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


def score(images: np.ndarray, source_features: np.ndarray, judges: Judges) -> JudgeScores:
    """Scores images; `source_features` are the content features of their sources."""
    features = judges.content.features(images)
    similarity = content_ranking.similarities(features, source_features)
    return JudgeScores(
        retrieved=retrieval_hits(features, source_features),
        in_target=judges.domain.predicts_target(images).astype(np.float64),
        similarity=np.diagonal(similarity),
        margin=content_ranking.margins(similarity),
        reciprocal_rank=content_ranking.reciprocal_ranks(similarity),
    )


class CompletenessScale:
    """The baselines that define 0 and 1 of content and domain; see the formula of the module.

    Args:
        scores: By name of the candidates.
        real_target: Whether the domain judge classifies each real target image as the target.
    """

    def __init__(self, scores: dict[str, JudgeScores], real_target: np.ndarray):
        self._no_content = scores["random target"].retrieved
        self._all_content = scores.get("ground truth", scores["identity"]).retrieved
        self._no_domain = scores["identity"].in_target
        self._all_domain = real_target.astype(np.float64)

    def completeness(self, scores: JudgeScores, *, resamples: int, seed: int) -> MetricValue:
        """Computes completeness with its 95 % bootstrap confidence interval."""
        value = self.harmonic_mean(scores)
        count, targets = len(scores.retrieved), len(self._all_domain)
        random = np.random.default_rng(seed)
        indices = random.integers(0, count, (resamples, count))
        target_indices = random.integers(0, targets, (resamples, targets))
        resampled = self._harmonic_means(scores, indices, target_indices)
        if not np.isfinite(value):
            return MetricValue(None)
        low, high = np.nanpercentile(resampled, [2.5, 97.5])
        return metric_value(value, interval=(float(low), float(high)))

    def harmonic_mean(self, scores: JudgeScores) -> float:
        """Computes completeness; NaN where a judge cannot separate the baselines."""
        indices, targets = np.arange(len(scores.retrieved)), np.arange(len(self._all_domain))
        return float(self._harmonic_means(scores, indices[None], targets[None])[0])

    def _harmonic_means(
        self, scores: JudgeScores, indices: np.ndarray, target_indices: np.ndarray
    ) -> np.ndarray:
        content = _normalized(
            scores.retrieved[indices].mean(1),
            self._no_content[indices].mean(1),
            self._all_content[indices].mean(1),
        )
        domain = _normalized(
            scores.in_target[indices].mean(1),
            self._no_domain[indices].mean(1),
            self._all_domain[target_indices].mean(1),
        )
        return 2.0 * content * domain / np.maximum(content + domain, 1e-12)


def _normalized(values: np.ndarray, zero: np.ndarray, one: np.ndarray) -> np.ndarray:
    """Maps `zero` to 0 and `one` to 1, clipped; NaN where `one` does not exceed `zero`."""
    span = np.where(one > zero, one - zero, np.nan)
    return np.clip((values - zero) / span, 0.0, 1.0)
