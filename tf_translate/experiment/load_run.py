"""Loading of trained runs, to evaluate, export and translate with them."""

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np
from rich.console import Console

from tf_translate.config.schema import Config
from tf_translate.core.signature import Signature
from tf_translate.core.translator import Translator
from tf_translate.errors import DataError, RunError
from tf_translate.experiment.configure import moved_config, read_config
from tf_translate.experiment.dataset import Data, evenly_spaced, report_found
from tf_translate.experiment.kept_images import (
    KeptImages,
    choose_kept_images,
    read_kept_images,
)
from tf_translate.experiment.run_data import DataRecord, open_run_data, read_record
from tf_translate.keras_files.loading import load_keras_file
from tf_translate.methods import registry
from tf_translate.training.run_dir import RunDir

Examples = dict[str, dict[str, np.ndarray]]  # by signature and input, a batch of values


@dataclasses.dataclass(frozen=True)
class TrainedRun:
    """A trained run, loaded with its data set.

    Attributes:
        run: Its directory.
        config: Its resolved configuration.
        translator: The trained model, with averaged weights if the run has them.
        data: Its dataset.
        data_changes: What differs from the images that the run was trained on; None if nothing
            does.
    """

    run: RunDir
    config: Config
    translator: Translator
    data: Data
    data_changes: str | None = None


@dataclasses.dataclass(frozen=True)
class ExportableRun:
    """A trained run, loaded without its data set.

    Attributes:
        run: Its directory.
        config: Its resolved configuration.
        translator: The trained model, with averaged weights if the run has them.
        data: Which images it was trained on.
        kept: A few of these images.
    """

    run: RunDir
    config: Config
    translator: Translator
    data: DataRecord
    kept: KeptImages


def load_run(
    path: str | Path, overrides: Sequence[str] = (), *, accept_data_changes: bool = False
) -> TrainedRun:
    """Loads a run with its data set, to evaluate it.

    Args:
        path: The run.
        overrides: "data.path=NEW" if its data set was moved; nothing else may change.
        accept_data_changes: Whether to take other images than those it was trained on.

    Raises:
        RunError: If there is no run, it has no model yet, or no record of its images.
        ConfigError: If an override is of another setting.
        DataError: If its images are missing, or differ and that is not accepted.
    """
    run, config = RunDir.open(path), moved_config(path, overrides)
    translator = load_model(path)
    opened = open_run_data(run, config, accept_changes=accept_data_changes)
    return TrainedRun(run, config, translator, opened.data, opened.changes)


def load_run_to_export(path: str | Path) -> ExportableRun:
    """Loads a run with the images that it keeps for its export.

    A run that has not ended yet keeps none: they are chosen from its data set.

    Raises:
        RunError: If there is no run, or it has no model yet.
        DataError: If it keeps no images, and its data set is missing or has changed.
    """
    run, config = RunDir.open(path), read_config(path)
    translator = load_model(path)
    if run.kept_images.exists():
        kept, record = read_kept_images(run), read_record(run)
        return ExportableRun(run, config, translator, record, kept)
    try:
        opened = open_run_data(run, config, accept_changes=False)
    except DataError as error:
        raise DataError(
            f"{run.path} keeps no images for its export yet, which it does when training ends or "
            f"is stopped, and its data set {config.data.path} is missing, damaged or changed; "
            f"continue the run first: {run.resume_command()}"
        ) from error
    report_found(opened.data)
    kept = choose_kept_images(opened.data, config.training.seed)
    step = int(translator.steps_taken.numpy())
    return ExportableRun(run, config, translator, opened.record(step), kept)


def load_model(path: str | Path) -> Translator:
    """Loads the translator of a run, in float32, for inference.

    Checkpoints that are broken, and so are not loaded, are named on stderr.

    Raises:
        RunError: If there is no run, it has no model yet, or the model cannot be read.
    """
    console = Console(stderr=True, highlight=False, markup=False, soft_wrap=True)
    return load_model_file(RunDir.open(path).finished_model(console.print), read_config(path))


def load_model_file(file: Path, config: Config) -> Translator:
    """Loads the translator in a file of a run, in float32, for inference.

    Raises:
        RunError: If it cannot be read.
    """
    registry.find(config.method)  # registers its classes
    try:
        translator = load_keras_file(file)
    except DataError as error:
        raise RunError(str(error)) from error
    translator.use_averaged_weights()
    return translator if config.training.precision == "float32" else _in_float32(translator)


def _in_float32(trained: Translator) -> Translator:
    """Copies the weights to a translator that computes in float32, like exported models.

    Its networks are built from their own descriptions. So a run of an earlier version keeps its
    networks where settings have other defaults by now.
    """
    keras.mixed_precision.set_global_policy("float32")
    translator = type(trained).from_config(_with_float32(trained.get_config()))
    for name in translator.network_names:
        getattr(translator, name).set_weights(getattr(trained, name).get_weights())
    translator.steps_taken.assign(trained.steps_taken)
    return translator


def _with_float32(config: Any) -> Any:
    """A serialized object whose layers compute in float32."""
    if isinstance(config, list):
        return [_with_float32(value) for value in config]
    if not isinstance(config, dict):
        return config
    if config.get("class_name") == "DTypePolicy":
        return {**config, "config": {**config["config"], "name": "float32"}}
    return {key: _with_float32(value) for key, value in config.items()}


def golden_images(trained: ExportableRun, count: int) -> Examples:
    """Held-out images, or their latents, to verify each signature with; at most those it keeps."""
    samples = {
        key: values[evenly_spaced(len(values), count)]
        for key, values in trained.kept.held_out.items()
    }
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
