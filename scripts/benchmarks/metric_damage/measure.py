"""The metrics of one set of images after the other, against fixed sources and targets."""

from collections.abc import Sequence

import numpy as np

from tf_translate.evaluation.judges.judges import Judges
from tf_translate.evaluation.metrics import kernel_distance, pixel_distance
from tf_translate.evaluation.metrics.completeness import (
    Candidates,
    CompletenessScale,
    JudgeScores,
    TargetScores,
    candidate_sets,
    score,
)
from tf_translate.evaluation.metrics.frechet_distance import frechet_distance
from tf_translate.evaluation.metrics.results import Direction
from tf_translate.pretrained.registry import PretrainedNetwork


class Metrics:
    """Measures sets of images of one direction; features of sources and targets are kept.

    Args:
        direction: With its ground truth.
        judges: Of its two domains.
        networks: Pretrained networks, for KID and FID by features of each.
        seed: Seed of random targets and of the kernel distance's subsets.
    """

    def __init__(
        self,
        direction: Direction,
        judges: Judges,
        networks: Sequence[PretrainedNetwork] = (),
        *,
        seed: int = 0,
    ):
        self._direction, self._judges, self._seed = direction, judges, seed
        self._source_features = judges.content.features(direction.source)
        self._features = {f"judge@{judges.domain.side}": judges.domain.features}
        self._features |= {network.name: network.embed for network in networks}
        self._target = {name: embed(direction.target) for name, embed in self._features.items()}
        self._candidates = candidate_sets(direction, seed)
        self._own = next(each for each in self._candidates if each.name == "output").counterparts
        scores = {each.name: self._score(each) for each in self._candidates}
        self._scale = CompletenessScale(scores, TargetScores.of(direction.target, judges))

    def of(self, images: np.ndarray, counterparts: np.ndarray | None = None) -> dict[str, float]:
        """Values by name of images, one for each source, in the order of the sources."""
        direction = self._direction
        own = self._own if counterparts is None else counterparts
        scores = self._score(Candidates("damaged", images, own))
        parts = self._scale.parts(scores)
        values = {
            "completeness": parts.harmonic_mean()[0],
            "completeness/content": parts.content[0],
            "completeness/accuracy": parts.accuracy[0],
            "completeness/kid": parts.kernel[0],
            "content/retrieval@1": scores.retrieved.mean(),
            "content/reciprocal_rank": scores.reciprocal_rank.mean(),
            "content/margin": scores.margin.mean(),
            "domain/accuracy": scores.in_target.mean(),
        }
        for name, embed in self._features.items():
            features = embed(images)
            distance = kernel_distance.kernel_distance(
                features, self._target[name], counterparts=own, seed=self._seed
            )
            values[f"domain/kid/{name}"] = distance.value
            values[f"domain/fid/{name}"] = frechet_distance(features, self._target[name])
        if direction.truth is not None and direction.truth.shape == images.shape:
            values["content/l1"] = pixel_distance.l1(images, direction.truth).mean()
            edit = images, direction.source, direction.truth
            if direction.counterfactual:
                values["content/l1_inside_edit"] = np.nanmean(pixel_distance.l1_inside_edit(*edit))
                values["content/l1_outside_edit"] = np.nanmean(
                    pixel_distance.l1_outside_edit(*edit)
                )
        return {name: float(value) for name, value in values.items()}

    def _score(self, candidates: Candidates) -> JudgeScores:
        return score(candidates, self._source_features, self._judges)

    def baselines(self) -> dict[str, dict[str, float]]:
        """The same values of identity, random target and ground truth."""
        return {
            each.name: self.of(each.images, each.counterparts)
            for each in self._candidates
            if each.name != "output"
        }
