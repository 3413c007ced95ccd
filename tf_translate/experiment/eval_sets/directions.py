"""What a run is measured on: its directions of translation, with the images of each."""

from collections.abc import Iterator, Mapping
from functools import partial

import numpy as np

from tf_translate.config.schema import Config
from tf_translate.core.signature import Signature
from tf_translate.core.translator import Translator
from tf_translate.data.attribute_dataset import LabelledData
from tf_translate.data.domain_dataset import ImageData
from tf_translate.data.image_dataset import ImageSet
from tf_translate.evaluation.metrics.results import Direction
from tf_translate.experiment.dataset import Data
from tf_translate.experiment.eval_sets.attribute_edits import edits
from tf_translate.experiment.eval_sets.reconstructions import reconstruction

_SIDES = {"a_to_b": ("a", "b"), "b_to_a": ("b", "a")}
_BATCH = 16


def directions(
    config: Config, data: Data, translator: Translator, *, split: str, limit: int, learn: int
) -> Iterator[Direction]:
    """What is measured: translations between domains, edits of attributes, or reconstructions.

    Args:
        config: Says whether truths are exact counterfactuals.
        data: Images of the method's layout.
        translator: What is measured.
        split: Held-out split.
        limit: Most held-out images of either side.
        learn: Most training images of either side, for the judges; between domains 0 leaves
            them out.
    """
    signatures = translator.signatures()
    limits = {"limit": limit, "learn": learn}
    if isinstance(data, LabelledData):
        translate = partial(_edited, signatures["translate"])
        return edits(data, translate, split=split, **limits)
    if isinstance(data, ImageSet):
        reconstruct = partial(_reconstructed, signatures["reconstruct"])
        return iter([reconstruction(data, reconstruct, split=split, **limits)])
    exact = config.data.group_column is not None
    return _between_domains(data, translator, split=split, counterfactual=exact, **limits)


def _between_domains(
    data: ImageData,
    translator: Translator,
    *,
    split: str,
    counterfactual: bool,
    limit: int,
    learn: int,
) -> Iterator[Direction]:
    images = dict(zip("ab", data.arrays(split, limit=limit), strict=True))
    learnt: dict[str, np.ndarray] = {}
    taught: dict[str, np.ndarray | None] = {}
    if learn:
        learnt = dict(zip("ab", data.arrays("train", limit=learn), strict=True))
        taught = _labels(data, "train", limit=learn)
    labels = _labels(data, split, limit=limit)
    for name, (source, target) in _SIDES.items():
        if translator.directions.get(name) not in translator.signatures():
            continue
        yield Direction(
            name=name,
            source=images[source],
            target=images[target],
            outputs=translate(translator, name, images),
            truth=images[target] if data.has_truth(split) else None,
            counterfactual=data.has_truth(split) and counterfactual,
            train_source=learnt.get(source),
            train_target=learnt.get(target),
            source_labels=labels[source],
            target_labels=labels[target],
            train_target_labels=taught.get(target),
        )


def _labels(data: ImageData, split: str, *, limit: int) -> dict[str, np.ndarray | None]:
    """Labels of both domains of a split, in the order of `data.arrays` under the same limit."""
    return {
        "a": data.labels(split, "a", limit=limit),
        "b": data.labels(split, "b", limit=limit),
    }


def _reconstructed(signature: Signature, images: np.ndarray) -> np.ndarray:
    parts = [images[i : i + _BATCH] for i in range(0, len(images), _BATCH)]
    return np.concatenate([np.asarray(signature.function(image=p)["image"]) for p in parts])


def _edited(signature: Signature, images: np.ndarray, attributes: np.ndarray) -> np.ndarray:
    parts = [slice(i, i + _BATCH) for i in range(0, len(images), _BATCH)]
    outputs = [signature.function(image=images[p], attributes=attributes[p]) for p in parts]
    return np.concatenate([np.asarray(output["image"]) for output in outputs])


def translate(
    translator: Translator, direction: str, images: Mapping[str, np.ndarray]
) -> np.ndarray:
    """Translates all images of a domain, in order.

    Where an exemplar of the other domain is needed too, it is the one half a set further on:
    neighbours may show one person.

    Args:
        translator: Its `directions` say which signature is meant.
        direction: "a_to_b" or "b_to_a".
        images: `{"a", "b"}`, float32 in [-1, 1]; as many as there are or not.
    """
    source, other = _SIDES[direction]
    count, others = len(images[source]), len(images[other])
    further = (np.arange(count) + others // 2) % others
    chosen = {source: images[source], other: images[other][further]}
    name = translator.directions[direction]
    signature = translator.signatures()[name]
    inputs = translator.examples(chosen)[name]
    outputs = []
    for i in range(0, count, _BATCH):
        batch = {key: values[i : i + _BATCH] for key, values in inputs.items()}
        outputs.append(signature.function(**batch)[signature.outputs[0].name])
    return np.concatenate([np.asarray(output) for output in outputs])
