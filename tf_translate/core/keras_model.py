"""What Keras expects of a model and a translator does in its own way."""

import inspect
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import keras
import tensorflow as tf

from tf_translate.core.called_inputs import check_ranges, inputs_by_name
from tf_translate.core.multi_worker import MultiWorkerModel
from tf_translate.core.player import Player
from tf_translate.core.player_optimizers import PlayerOptimizers
from tf_translate.core.signature import Signature
from tf_translate.core.training_step.batch_check import (
    SeenRanges,
    WarnOfUnitRange,
    explain_values,
)


class KerasTranslator(MultiWorkerModel):
    """A model of several players that takes the calls Keras users make: see each method."""

    players: tuple[Player, ...]
    player_optimizers: dict[str, keras.optimizers.Optimizer]
    steps_taken: Any
    seen_ranges: SeenRanges

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

    def fit(self, *args: Any, **options: Any) -> keras.callbacks.History:
        """Trains as Keras's `fit` does, on batches of the form in the class's docstring.

        It warns after the first step if images are all in [0, 1], unless `callbacks` is a
        `CallbackList`, to which nothing is added.

        Raises:
            ValueError: If a batch does not fit: a key is missing, or images are not float, not of
                the networks' shape or not in [-1, 1].
        """
        call = inspect.signature(keras.Model.fit).bind(self, *args, **options)
        callbacks = call.arguments.get("callbacks")
        if hasattr(self, "seen_ranges") and not isinstance(callbacks, keras.callbacks.CallbackList):
            warn = WarnOfUnitRange(self.seen_ranges)
            call.arguments["callbacks"] = [*keras.tree.flatten(callbacks or []), warn]
        with explain_values():
            return super().fit(*call.args[1:], **call.kwargs)

    def evaluate(self, *args: Any, **options: Any) -> Any:
        """Computes the loss terms as Keras's `evaluate` does; see `test_step`.

        Raises:
            ValueError: If a batch does not fit, as for `fit`.
        """
        with explain_values():
            return super().evaluate(*args, **options)

    def train_on_batch(self, *args: Any, **options: Any) -> Any:
        """Takes one training step as Keras's `train_on_batch` does.

        Raises:
            ValueError: If the batch does not fit, as for `fit`.
        """
        with explain_values():
            return super().train_on_batch(*args, **options)

    def test_on_batch(self, *args: Any, **options: Any) -> Any:
        """Computes the loss terms of one batch; see `test_step`.

        Raises:
            ValueError: If the batch does not fit, as for `fit`.
        """
        with explain_values():
            return super().test_on_batch(*args, **options)

    def predict(self, x: Any, *args: Any, **options: Any) -> Any:
        """Translates as Keras's `predict` does, by the first signature.

        Args:
            x: Images, a data set of them, or where the signature has more inputs a mapping such as
                `{"image": images, "attributes": attributes}`.
            *args, **options: As in Keras.

        Raises:
            ValueError: If an input is missing or not one of the signature's, or of another type,
                shape or range than the signature states.
        """
        if isinstance(x, list | tuple) and len(x) == 1 and hasattr(x[0], "shape"):
            x = x[0]
        if isinstance(x, Mapping) or hasattr(x, "shape"):
            signature = self._called_signature()
            check_ranges(signature, inputs_by_name(signature, x, type(self).__name__))
        return super().predict(x, *args, **options)

    def call(self, images: tf.Tensor, training: bool = False) -> tf.Tensor:
        """Translates by the first signature: images in [-1, 1] to images in [-1, 1].

        Args:
            images: Images, or where the signature has more inputs a mapping of them by name, such
                as `{"image": images, "attributes": attributes}`.
            training: Ignored: signatures run in inference mode.

        Raises:
            ValueError: If an input is missing or not one of the signature's, or has another type
                or shape.
        """
        signature = self._called_signature()
        outputs = signature.function(**inputs_by_name(signature, images, type(self).__name__))
        return outputs[signature.outputs[0].name]

    def _called_signature(self) -> Signature:
        """The signature that the model computes when it is called."""
        return next(iter(self.signatures().values()))

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
            given = ", ".join([f"format={format!r}", *(f"{k}={v!r}" for k, v in options.items())])
            raise ValueError(
                f"`export` writes format='tf_saved_model' without further options, got {given}; "
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
