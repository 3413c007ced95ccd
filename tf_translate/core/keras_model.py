"""What Keras expects of a model and a translator does in its own way."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import keras
import tensorflow as tf

from tf_translate.core.multi_worker import MultiWorkerModel
from tf_translate.core.player import Player
from tf_translate.core.player_optimizers import PlayerOptimizers
from tf_translate.core.signature import Signature


class KerasTranslator(MultiWorkerModel):
    """A model of several players that takes the calls Keras users make: see each method."""

    players: tuple[Player, ...]
    player_optimizers: dict[str, keras.optimizers.Optimizer]
    steps_taken: Any

    @property
    def optimizer(self) -> PlayerOptimizers | None:
        """The learning rates of all players, for callbacks; None until `compile`."""
        optimizers = getattr(self, "player_optimizers", None)
        return PlayerOptimizers(optimizers, self.steps_taken) if optimizers else None

    @optimizer.setter
    def optimizer(self, optimizer: None) -> None:
        if optimizer is not None:
            names = [player.name for player in self.players]
            raise ValueError(
                f"a {type(self).__name__} has one optimizer for each player: "
                f"{_example_of_compile(names)}"
            )

    def signatures(self) -> dict[str, Signature]:
        """The functions to deploy, by name."""
        raise NotImplementedError

    def _called_signature(self) -> Signature:
        raise NotImplementedError

    def export(
        self,
        filepath: str | Path,
        format: str = "tf_saved_model",
        verbose: Any = None,
        **options: Any,
    ) -> None:
        """Writes a TensorFlow SavedModel with an endpoint for each signature, by its name.

        They take their inputs in order and return outputs by name. `serve` is the one that the
        model itself computes when it is called. If it has one output, that is returned alone:
        `model = tf.saved_model.load(filepath)`, then `model.serve(images)`.
        `tf-translate export` and `exporters.export` write whole bundles, with LiteRT files that are
        verified.

        Args:
            filepath: Folder to write.
            format: "tf_saved_model".
            verbose: Whether Keras prints the endpoints.
            **options: None.

        Raises:
            ValueError: If another format is asked for.
        """
        if format != "tf_saved_model" or options:
            asked = ", ".join([f"format={format!r}", *(f"{k}={v!r}" for k, v in options.items())])
            raise ValueError(
                f"`export` writes format='tf_saved_model' without further options, got {asked}; "
                "`tf-translate export` converts to LiteRT"
            )
        archive = keras.export.ExportArchive()
        archive.track(self)
        signatures = self.signatures()
        called = self._called_signature()
        only = called.outputs[0].name if len(called.outputs) == 1 else None
        _add_endpoint(archive, "serve", called, only)
        for name, signature in signatures.items():
            _add_endpoint(archive, name, signature)
        archive.write_out(filepath, verbose=True if verbose is None else verbose)


def check_compile_arguments(
    model: str, players: list[str], optimizers: Any, options: Mapping[str, Any]
) -> None:
    """Refuses what `compile` of a single network takes and a translator cannot.

    Raises:
        ValueError: If `optimizers` is no mapping of optimizers by player, one optimizer serves
            two players, or losses or metrics are given.
    """
    example = _example_of_compile(players)
    for name in ("loss", "loss_weights", "metrics", "weighted_metrics"):
        if options.get(name) is not None:
            raise ValueError(
                f"`{name}` must not be given to `compile`: the loss terms of a {model} are part of "
                "it (`model.terms`), their weights are an argument of its constructor, and each "
                "is logged"
            )
    if "optimizer" in options:
        raise ValueError(f"`optimizer` must be `optimizers`, one for each player: {example}")
    if optimizers is None:
        return
    if not isinstance(optimizers, Mapping):
        raise ValueError(
            f"`optimizers` must map players to optimizers, got {optimizers!r}: {example}"
        )
    unknown = sorted(set(optimizers) - set(players))
    if unknown:
        raise ValueError(f"`optimizers` names {unknown}, but the players are {players}")
    seen: dict[int, str] = {}
    for name, optimizer in optimizers.items():
        if not isinstance(optimizer, keras.optimizers.Optimizer):
            raise ValueError(
                f"`optimizers[{name!r}]` must be an optimizer, got {optimizer!r}: {example}"
            )
        if id(optimizer) in seen:
            raise ValueError(
                f"`optimizers` gives {seen[id(optimizer)]!r} and {name!r} the same optimizer, "
                "which holds the state of one: make one for each"
            )
        seen[id(optimizer)] = name


def inputs_by_name(signature: Signature, given: Any, model: str) -> dict[str, Any]:
    """The inputs of a signature, from what `predict` or a call of a model is given.

    Args:
        signature: Its inputs are asked for.
        given: A mapping of inputs by name, or the input of a signature that has one.
        model: Name of the model, for the error message.

    Raises:
        ValueError: If an input is missing or is not one of the signature's.
    """
    names = [each.name for each in signature.inputs]
    inputs = dict(given) if isinstance(given, Mapping) else {names[0]: given}
    if set(inputs) != set(names):
        wanted = ", ".join(f'"{each.name}": {_shape_text(each)}' for each in signature.inputs)
        got = sorted(inputs) if isinstance(given, Mapping) else f"one {type(given).__name__}"
        raise ValueError(
            f"the input of a {model} must be {{{wanted}}}, as in predict({{...}}), got {got}"
        )
    return inputs


def _shape_text(spec) -> str:
    sides = ", ".join("any" if side is None else str(side) for side in spec.shape[1:])
    labels = f" for {', '.join(spec.labels)}" if spec.labels else ""
    return f"(batch, {sides}){labels}"


def _add_endpoint(archive, name: str, signature: Signature, only: str | None = None) -> None:
    """Adds a signature, called with its inputs in their order; `only` is an output to return."""
    specs = [tf.TensorSpec(each.shape, each.dtype, each.name) for each in signature.inputs]

    def endpoint(*tensors):
        names = [each.name for each in signature.inputs]
        outputs = signature.function(**dict(zip(names, tensors, strict=True)))
        return dict(outputs) if only is None else outputs[only]

    archive.add_endpoint(name, endpoint, input_signature=specs)


def _example_of_compile(players: list[str]) -> str:
    each = ", ".join(f'"{name}": keras.optimizers.Adam(2e-4)' for name in players)
    return f"compile({{{each}}}), or compile() for those of the settings"
