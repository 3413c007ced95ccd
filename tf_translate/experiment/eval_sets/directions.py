"""The directions of translation that a run is evaluated on, with their images."""

from collections.abc import Collection, Iterator, Mapping
from functools import partial
from typing import Any

import numpy as np

from tf_translate.config.attributes import Attributes
from tf_translate.config.schema import Config
from tf_translate.core.signature import Signature
from tf_translate.core.translator import Translator
from tf_translate.data.attribute_dataset import AttributeDataset
from tf_translate.data.domain_dataset import DomainDataset, open_domain_dataset
from tf_translate.data.image_dataset import ImageDataset
from tf_translate.errors import ConfigError
from tf_translate.evaluation.metrics.results import Direction
from tf_translate.experiment.dataset import Data
from tf_translate.experiment.eval_sets.attribute_edits import edit_attributes, edits
from tf_translate.experiment.eval_sets.latent_edits import (
    PAINTED,
    LatentEditor,
    open_with_attributes,
)
from tf_translate.experiment.eval_sets.reconstructions import RECONSTRUCT, reconstruction
from tf_translate.methods import registry

_SIDES = {"a_to_b": ("a", "b"), "b_to_a": ("b", "a")}
_BATCH = 16
_OWN = "own_attributes"  # input of signatures that take the attributes of the image too


def directions(
    config: Config,
    data: Data,
    translator: Translator,
    *,
    split: str,
    limit: int,
    training_limit: int,
    names: Collection[str] = (),
) -> Iterator[Direction]:
    """Generates translations between domains, attribute edits, or reconstructions.

    Args:
        config: With `data.group_column`, ground truth differs from the source in the edit only.
        data: Images of the method's layout.
        translator: The translator to evaluate.
        split: Held-out split.
        limit: Maximum number of held-out images of each side.
        training_limit: Maximum number of training images of each side, for the judges; between
            domains, 0 omits them.
        names: Names of the directions, see `direction_names`; empty: all.

    Raises:
        ConfigError: If there is no direction of such a name.
    """
    known = direction_names(config)
    for name in names:
        if name not in known:
            raise ConfigError(
                f"--direction must be one of {', '.join(known)} for this run, got {name!r}"
            )
    wanted = set(names or known)
    signatures = translator.signatures()
    limits: dict[str, Any] = {"limit": limit, "training_limit": training_limit}
    if isinstance(data, AttributeDataset):
        edit = partial(_edit, signatures[config.evaluation.signature or "translate"])
        return edits(data, edit, split=split, names=wanted, **limits)
    if isinstance(data, ImageDataset):
        return _of_image_set(config, data, signatures, split=split, names=wanted, **limits)
    counterfactual = config.data.group_column is not None
    judge_path = config.evaluation.judge_path
    # Training images are stored at load_size. Judges learn from images of the size that they judge,
    # so that methods with and without random crops have equal judges.
    if (
        judge_path is None
        and training_limit
        and config.data.load_size not in (None, config.data.size)
    ):
        judge_path = config.data.path
    return _between_domains(
        data,
        translator,
        judge_data=data if judge_path is None else _open_judge_data(config, judge_path),
        split=split,
        counterfactual=counterfactual,
        names=wanted,
        **limits,
    )


def direction_names(config: Config) -> list[str]:
    """Names of the directions that the results of a method can have, without its data.

    A setting may leave one out, as `model.variant = "recongan"` of DiscoGAN does.
    """
    method = registry.find(config.method)
    if method.layout == "attributes":
        return list(edit_attributes(Attributes(config.data.attributes)))
    if method.layout == "images":
        given = config.evaluation.attributes
        names = list(edit_attributes(Attributes(given))) if given else []
        return [*names, *(name + PAINTED for name in names), RECONSTRUCT]
    deployed, ways = method.translator.deploys, method.translator.directions
    return [name for name, signature in ways.items() if not deployed or signature in deployed]


def _open_judge_data(config: Config, path: str) -> DomainDataset:
    return open_domain_dataset(
        config.data.model_copy(update={"path": path, "load_size": None}), paired=False
    )


def _of_image_set(
    config: Config,
    data: ImageDataset,
    signatures: Mapping[str, Signature],
    *,
    split: str,
    names: Collection[str],
    limit: int,
    training_limit: int,
) -> Iterator[Direction]:
    """The reconstruction and, with `evaluation.attributes`, edits of them through the latent."""
    limits: dict[str, Any] = {"split": split, "limit": limit, "training_limit": training_limit}
    settings = config.evaluation
    if settings.attributes and set(names) - {RECONSTRUCT}:
        given = open_with_attributes(config.data, settings.attributes)
        editor = LatentEditor(given, signatures, limit=settings.attribute_images)
        yield from edits(given, editor.by_arithmetic, **limits, names=names)
        if editor.can_paint:
            yield from edits(given, editor.by_painting, **limits, names=names, suffix=PAINTED)
    if RECONSTRUCT in names:
        yield reconstruction(data, partial(_reconstruct, signatures[RECONSTRUCT]), **limits)


def _between_domains(
    data: DomainDataset,
    translator: Translator,
    *,
    judge_data: DomainDataset,
    split: str,
    counterfactual: bool,
    names: Collection[str],
    limit: int,
    training_limit: int,
) -> Iterator[Direction]:
    images = dict(zip("ab", data.arrays(split, limit=limit), strict=True))
    training: dict[str, np.ndarray] = {}
    training_labels: dict[str, np.ndarray | None] = {}
    if training_limit:
        training = dict(zip("ab", judge_data.arrays("train", limit=training_limit), strict=True))
        training_labels = _labels(judge_data, "train", limit=training_limit)
    labels = _labels(data, split, limit=limit)
    for name, (source, target) in _SIDES.items():
        if name not in names or translator.directions.get(name) not in translator.signatures():
            continue
        yield Direction(
            name=name,
            source=images[source],
            target=images[target],
            outputs=translate(translator, name, images),
            truth=images[target] if data.has_truth(split) else None,
            counterfactual=data.has_truth(split) and counterfactual,
            train_source=training.get(source),
            train_target=training.get(target),
            source_labels=labels[source],
            target_labels=labels[target],
            train_target_labels=training_labels.get(target),
        )


def _labels(data: DomainDataset, split: str, *, limit: int) -> dict[str, np.ndarray | None]:
    """Labels of both domains of a split, in the order of `data.arrays` with the same limit."""
    return {
        "a": data.labels(split, "a", limit=limit),
        "b": data.labels(split, "b", limit=limit),
    }


def _reconstruct(signature: Signature, images: np.ndarray) -> np.ndarray:
    parts = [images[i : i + _BATCH] for i in range(0, len(images), _BATCH)]
    return np.concatenate([np.asarray(signature.function(image=p)["image"]) for p in parts])


def _edit(
    signature: Signature, images: np.ndarray, present: np.ndarray, attributes: np.ndarray
) -> np.ndarray:
    given = {"image": images, "attributes": attributes}
    if any(each.name == _OWN for each in signature.inputs):
        given[_OWN] = present
    outputs = [
        signature.function(**{name: values[i : i + _BATCH] for name, values in given.items()})
        for i in range(0, len(images), _BATCH)
    ]
    return np.concatenate([np.asarray(output["image"]) for output in outputs])


def translate(
    translator: Translator, direction: str, images: Mapping[str, np.ndarray]
) -> np.ndarray:
    """Translates all images of a domain, in order.

    If the signature needs an exemplar of the other domain, its index is shifted by half the size
    of that set, as neighbouring images may show the same person.

    Args:
        translator: Its `directions` map the direction to a signature.
        direction: "a_to_b" or "b_to_a".
        images: `{"a", "b"}`, float32 in [-1, 1]; the set sizes may differ.
    """
    source, other = _SIDES[direction]
    count, others = len(images[source]), len(images[other])
    exemplars = (np.arange(count) + others // 2) % others
    selected = {source: images[source], other: images[other][exemplars]}
    name = translator.directions[direction]
    signature = translator.signatures()[name]
    inputs = translator.examples(selected)[name]
    outputs = []
    for i in range(0, count, _BATCH):
        batch = {key: values[i : i + _BATCH] for key, values in inputs.items()}
        outputs.append(signature.function(**batch)[signature.outputs[0].name])
    return np.concatenate([np.asarray(output) for output in outputs])
