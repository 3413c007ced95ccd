"""Takes the steps in TensorFlow, and writes all that an independent computation starts from."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from scripts.benchmarks.parity.cases import Case
from scripts.benchmarks.parity.random_values import random_values
from tf_translate.core.player import Player
from tf_translate.core.translator import Translator
from tf_translate.layers.dropout import Dropout
from tf_translate.methods.registry import find


def write_stages(case: Case, folder: Path, seed: int) -> list[Path]:
    """Takes a case's steps in each of its stages.

    Returns:
        A folder for each stage: task.json and task.npz to start from, ours.npz with the results.
    """
    keras.backend.clear_session()  # layers are named as if there were no other case
    keras.utils.set_random_seed(seed)
    translator = _translator(case)
    translator.compile()
    folders = []
    for index, stage in enumerate(translator.stages):
        translator.enter_stage(stage)
        target = folder / stage
        target.mkdir(parents=True, exist_ok=True)
        _write_stage(translator, case, target, np.random.default_rng([seed, index]))
        folders.append(target)
    return folders


def take_steps(translator: Translator, batches: list[Mapping[str, np.ndarray]]) -> dict:
    """Takes one training step on each batch, by the function that `fit` calls.

    Returns:
        By name: `losses/STEP/TERM`, before loss weights; `gradients/PLAYER/TURN/WEIGHT`, as the
        optimizer gets them, turns counted over all steps; `end/WEIGHT`. A weight is named
        "NETWORK/LAYER/VARIABLE".
    """
    names = weight_names(translator)
    gradients = [_Gradients(translator, player, names) for player in translator.active_players()]
    translator.make_train_function(force=True)
    stacked = {key: np.stack([batch[key] for batch in batches]) for key in batches[0]}
    iterator = iter(tf.data.Dataset.from_tensor_slices(stacked))
    results = {}
    for step in range(len(batches)):
        translator.reset_metrics()
        logs = translator.train_function(iterator)
        for term, value in logs.items():
            results[f"losses/{step}/{term.split('/')[-1]}"] = np.float64(value)
        for each in gradients:
            results |= each.of_step()
    return results | {f"end/{name}": value for name, value in weight_values(translator).items()}


def weight_names(translator: Translator) -> dict[int, str]:
    """The name of each variable of the networks, by its `id`: "NETWORK/LAYER/VARIABLE".

    Raises:
        ValueError: If two variables of a layer have the same name.
    """
    names = {}
    for network in translator.network_names:
        for layer in getattr(translator, network).layers:
            for variable in layer.weights:
                if np.dtype(variable.dtype).kind == "f":  # not the counters of dropout
                    names[id(variable)] = f"{network}/{layer.name}/{variable.name}"
    if len(set(names.values())) < len(names):
        raise ValueError(f"two variables of a layer have one name: {sorted(names.values())}")
    return names


def weight_values(translator: Translator) -> dict[str, np.ndarray]:
    """The value of each variable of the networks by its name."""
    names = weight_names(translator)
    variables = [
        each for name in translator.network_names for each in getattr(translator, name).variables
    ]
    return {names[id(v)]: v.numpy() for v in variables if id(v) in names}


class _Gradients:
    """The gradients that a player's optimizer gets, kept in variables of the traced step."""

    def __init__(self, translator: Translator, player: Player, names: Mapping[int, str]) -> None:
        self._player = player.name
        variables = translator.variables_of(player)
        self._names = [names[id(each)] for each in variables]
        self._kept = [
            [tf.Variable(tf.fill(each.shape, np.nan), trainable=False) for each in variables]
            for _ in range(player.turns)
        ]
        self._calls = self._turns = 0
        optimizer = translator.player_optimizers[player.name]
        apply = optimizer.apply

        def keep_and_apply(gradients, variables=None):
            kept = self._kept[self._calls % player.turns]  # each trace calls it once a turn
            self._calls += 1
            for variable, gradient in zip(kept, gradients, strict=True):
                variable.assign(tf.zeros_like(variable) if gradient is None else gradient)
            return apply(gradients, variables)

        optimizer.apply = keep_and_apply

    def of_step(self) -> dict[str, np.ndarray]:
        """Those of the step that was taken last; none if the player took no turn in it."""
        results = {}
        for kept in self._kept:
            values = [variable.numpy() for variable in kept]
            if np.isnan(values[0]).all():
                continue
            for name, variable, value in zip(self._names, kept, values, strict=True):
                results[f"gradients/{self._player}/{self._turns}/{name}"] = value
                variable.assign(tf.fill(variable.shape, np.nan))
            self._turns += 1
        return results


def _translator(case: Case) -> Translator:
    method = find(case.method)
    settings = method.settings.model_validate(case.settings)
    more: dict[str, Any] = {} if case.attributes is None else {"attributes": case.attributes}
    return method.translator.from_settings(
        settings, *case.shapes, loss_weights=dict(case.loss_weights), **more
    )


def _write_stage(
    translator: Translator, case: Case, folder: Path, random: np.random.Generator
) -> None:
    first = int(translator.steps_taken.numpy())
    count = case.batch * translator.microbatches_per_step
    batches = [_batch(case, count, random) for _ in range(case.steps)]
    arrays = {f"start/{name}": value for name, value in weight_values(translator).items()}
    for step, batch in enumerate(batches):
        arrays |= {f"batch/{step}/{key}": value for key, value in batch.items()}
        sampled = random_values(translator, batch, first + step, case.batch)
        arrays |= {f"random/{step}/{name}": value for name, value in sampled.items()}
    counters = {id(layer): layer.counter.numpy() for _, layer in _dropouts(translator)}
    results = take_steps(translator, batches)
    arrays |= _masks(translator, case.batch, counters)
    np.savez(folder / "task.npz", **arrays)
    np.savez(folder / "ours.npz", **results)
    (folder / "task.json").write_text(json.dumps(_task(translator, case), indent=1) + "\n")


def _task(translator: Translator, case: Case) -> dict[str, Any]:
    networks = {name: getattr(translator, name) for name in translator.network_names}
    names = weight_names(translator)
    settings = translator.settings
    return {
        "method": case.method,
        "stage": translator.stage,
        "steps": case.steps,
        "settings": settings.model_dump(mode="json"),
        "loss_weights": dict(case.loss_weights),
        "sizes": [len(values) for values in (case.attributes or {}).values()],
        "microbatches": translator.microbatches_per_step,
        "optimizers": {
            player.name: getattr(settings, player.optimizer_setting).model_dump(mode="json")
            for player in translator.active_players()
        },
        "trainable": {
            name: [names[id(v)].removeprefix(f"{name}/") for v in network.trainable_variables]
            for name, network in networks.items()
        },
        "architectures": {name: json.loads(each.to_json()) for name, each in networks.items()},
    }


def _batch(case: Case, count: int, random: np.random.Generator) -> dict[str, np.ndarray]:
    """A batch with all keys that a method of its layout may need."""
    keys = ("a", "b") if len(case.shapes) == 2 else ("image",)
    batch = {
        key: _images(count, shape, random, darkest=0.5 * index - 1)
        for index, (key, shape) in enumerate(zip(keys, case.shapes, strict=True))
    }
    if case.method == "dtn":
        batch["label_a"] = random.integers(0, 10, count)
    if case.attributes is not None:
        sizes = [len(values) for values in case.attributes.values()]
        # Every value occurs. The gradient of the maps of one that does not is zero, so that Adam
        # moves their weights by rounding; they matter in the next batch.
        own = [random.permutation(np.arange(count) % size) for size in sizes]
        other = [(value + 1) % size for value, size in zip(own, sizes, strict=True)]
        sampled = [random.permutation(value) for value in own]
        for key, values in (
            ("attributes", own), ("other_attributes", other), ("sampled_attributes", sampled)
        ):  # fmt: skip
            batch[key] = _columns(values, sizes)
    return batch


def _images(
    count: int, shape: tuple[int, int, int], random: np.random.Generator, darkest: float
) -> np.ndarray:
    """Images that differ: 4x4 random colours and a fifth of noise, from `darkest` to 1."""
    height, width, channels = shape
    colours = random.uniform(darkest, 1, (count, 4, 4, channels))
    blocks = colours.repeat(height // 4, 1).repeat(width // 4, 2)
    noise = random.uniform(darkest, 1, (count, *shape))
    return (0.8 * blocks + 0.2 * noise).astype(np.float32)


def _columns(values: list[np.ndarray], sizes: list[int]) -> np.ndarray:
    """One column for each binary attribute, one for each value of the others; float32."""
    columns = [
        value[:, None] if size == 2 else np.eye(size)[value]
        for value, size in zip(values, sizes, strict=True)
    ]
    return np.concatenate(columns, 1).astype(np.float32)


def _dropouts(translator: Translator) -> list[tuple[str, Dropout]]:
    """All dropout layers, named "NETWORK/LAYER"."""
    return [
        (f"{name}/{layer.name}", layer)
        for name in translator.network_names
        for layer in getattr(translator, name).layers
        if isinstance(layer, Dropout) and layer.rate
    ]


def _masks(translator: Translator, batch: int, before: Mapping[int, int]) -> dict[str, np.ndarray]:
    """What each dropout layer multiplied by in each pass since `before`, counters by `id`."""
    masks = {}
    for name, layer in _dropouts(translator):
        after = layer.counter.numpy()
        ones, passes = tf.ones([batch, *layer.output.shape[1:]]), []
        for counter in range(before[id(layer)], after):
            layer.counter.assign(counter)
            passes.append(layer(ones, training=True).numpy())
        layer.counter.assign(after)
        if passes:
            masks[f"masks/{name}"] = np.stack(passes)
    return masks
