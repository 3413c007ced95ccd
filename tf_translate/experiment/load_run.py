"""Runs read back: for evaluating, exporting and translating."""

import dataclasses
from collections.abc import Mapping
from pathlib import Path

import keras
import numpy as np

from tf_translate.config.schema import Config
from tf_translate.core.signature import Signature
from tf_translate.core.translator import Translator
from tf_translate.errors import RunError
from tf_translate.experiment.build import build
from tf_translate.experiment.configure import read_config
from tf_translate.experiment.dataset import Data, held_out, open_for, preview
from tf_translate.methods import registry
from tf_translate.training.run_dir import RunDir

Examples = dict[str, dict[str, np.ndarray]]  # for each signature and input a batch


@dataclasses.dataclass(frozen=True)
class Trained:
    """A run read back.

    Attributes:
        run: Its directory.
        config: What it was made from.
        translator: With averaged weights in place, if the run kept any.
        data: Its images.
    """

    run: RunDir
    config: Config
    translator: Translator
    data: Data


def load_trained(path: str | Path) -> Trained:
    """Reads a run back for evaluating, exporting or translating.

    Raises:
        RunError: If there is no run or it holds no model yet.
        DataError: If its images are gone.
    """
    config = read_config(path)
    translator = load_model(path)
    return Trained(RunDir.open(path), config, translator, open_for(config))


def load_model(path: str | Path) -> Translator:
    """The translator of a run, in float32 and ready for inference.

    Raises:
        RunError: If there is no run, it holds no model yet or the model cannot be read.
    """
    return load_file(RunDir.open(path).finished_model(), read_config(path))


def load_file(file: Path, config: Config) -> Translator:
    """The translator in a file of a run, in float32 and ready for inference.

    Raises:
        RunError: If it cannot be read.
    """
    registry.find(config.method).load()  # registers its classes
    try:
        translator = keras.models.load_model(file)
    except (ValueError, OSError, TypeError) as error:
        raise RunError(f"{file} cannot be read: {error}") from error
    translator.use_averaged_weights()
    return translator if config.training.precision == "float32" else _in_float32(translator, config)


def _in_float32(trained: Translator, config: Config) -> Translator:
    """The same weights in networks that compute in float32, as devices do."""
    keras.mixed_precision.set_global_policy("float32")
    plain = build(config)
    for name in plain.network_names:
        getattr(plain, name).set_weights(getattr(trained, name).get_weights())
    plain.steps_taken.assign(trained.steps_taken)
    return plain


def golden_images(trained: Trained, count: int) -> Examples:
    """Held-out images to verify each signature with, or latents of them."""
    shown = preview(trained.data, held_out(trained.data), count)
    least = min(map(len, shown.values()))
    translator = trained.translator
    examples = translator.examples({key: values[:least] for key, values in shown.items()})
    return with_latents(translator.signatures(), examples)


def with_latents(signatures: Mapping[str, Signature], examples: Mapping) -> Examples:
    """Adds examples for signatures that have none, from what `encode` makes of its own.

    What `encode` does not give (attributes of `decode`) is taken from other signatures' inputs.
    """
    known = {key: value for inputs in examples.values() for key, value in inputs.items()}
    if "encode" in signatures and "encode" in examples:
        outputs = signatures["encode"].function(**examples["encode"])
        known |= {name: np.asarray(value) for name, value in outputs.items()}
    found: Examples = {}
    for name, signature in signatures.items():
        wanted = [tensor.name for tensor in signature.inputs]
        given = examples.get(name) or {key: known[key] for key in wanted if key in known}
        found[name] = {key: np.asarray(value) for key, value in given.items()}
    return found
