"""Loading of trained runs, to evaluate, export and translate."""

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
from tf_translate.experiment.dataset import Data, held_out_split, open_dataset, preview
from tf_translate.methods import registry
from tf_translate.training.run_dir import RunDir

Examples = dict[str, dict[str, np.ndarray]]  # by signature and input, a batch of values


@dataclasses.dataclass(frozen=True)
class TrainedRun:
    """A trained run, loaded.

    Attributes:
        run: Its directory.
        config: Its resolved configuration.
        translator: The trained model, with averaged weights if the run has them.
        data: Its dataset.
    """

    run: RunDir
    config: Config
    translator: Translator
    data: Data


def load_run(path: str | Path) -> TrainedRun:
    """Loads a run to evaluate, export or translate.

    Raises:
        RunError: If there is no run or it has no model yet.
        DataError: If its images are missing.
    """
    config = read_config(path)
    translator = load_model(path)
    return TrainedRun(RunDir.open(path), config, translator, open_dataset(config))


def load_model(path: str | Path) -> Translator:
    """Loads the translator of a run, in float32, for inference.

    Raises:
        RunError: If there is no run, it has no model yet, or the model cannot be read.
    """
    return load_model_file(RunDir.open(path).finished_model(), read_config(path))


def load_model_file(file: Path, config: Config) -> Translator:
    """Loads the translator in a file of a run, in float32, for inference.

    Raises:
        RunError: If it cannot be read.
    """
    registry.find(config.method)  # registers its classes
    try:
        translator = keras.models.load_model(file)
    except (ValueError, OSError, TypeError) as error:
        raise RunError(f"{file} cannot be read: {error}") from error
    translator.use_averaged_weights()
    return translator if config.training.precision == "float32" else _in_float32(translator, config)


def _in_float32(trained: Translator, config: Config) -> Translator:
    """Copies the weights to a translator that computes in float32, like exported models."""
    keras.mixed_precision.set_global_policy("float32")
    translator = build(config)
    for name in translator.network_names:
        getattr(translator, name).set_weights(getattr(trained, name).get_weights())
    translator.steps_taken.assign(trained.steps_taken)
    return translator


def golden_images(trained: TrainedRun, count: int) -> Examples:
    """Held-out images, or their latents, to verify each signature with."""
    samples = preview(trained.data, held_out_split(trained.data), count)
    size = min(map(len, samples.values()))
    translator = trained.translator
    examples = translator.examples({key: values[:size] for key, values in samples.items()})
    return with_latents(translator.signatures(), examples)


def with_latents(signatures: Mapping[str, Signature], examples: Mapping) -> Examples:
    """Adds examples for signatures that have none, from the outputs of `encode`.

    Inputs that `encode` does not output, such as attributes of `decode`, come from the inputs of
    other signatures.
    """
    known = {key: value for inputs in examples.values() for key, value in inputs.items()}
    if "encode" in signatures and "encode" in examples:
        outputs = signatures["encode"].function(**examples["encode"])
        known |= {name: np.asarray(value) for name, value in outputs.items()}
    complete: Examples = {}
    for name, signature in signatures.items():
        names = [tensor.name for tensor in signature.inputs]
        inputs = examples.get(name) or {key: known[key] for key in names if key in known}
        complete[name] = {key: np.asarray(value) for key, value in inputs.items()}
    return complete
