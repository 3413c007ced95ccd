"""Runs read back: for evaluating, exporting and translating."""

import dataclasses
from pathlib import Path

import keras
import numpy as np

from tf_translate.config.schema import Config
from tf_translate.core.signature import Signature
from tf_translate.core.translator import Translator
from tf_translate.data.pipeline import ImageData, open_data
from tf_translate.errors import ConfigError, RunError
from tf_translate.experiment.build import build
from tf_translate.experiment.configure import read_config
from tf_translate.methods import registry
from tf_translate.training.run_dir import RunDir


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
    data: ImageData


def load_trained(path: str | Path) -> Trained:
    """Reads a run back for evaluating, exporting or translating.

    Raises:
        RunError: If there is no run or it holds no model yet.
        DataError: If its images are gone.
    """
    config = read_config(path)
    translator = load_model(path)
    data = open_data(config.data, paired=translator.layout == "paired")
    return Trained(RunDir.open(path), config, translator, data)


def load_model(path: str | Path) -> Translator:
    """The translator of a run, in float32 and ready for inference.

    Raises:
        RunError: If there is no run, it holds no model yet or the model cannot be read.
    """
    config = read_config(path)
    file = RunDir.open(path).finished_model()
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


def pick_signature(translator: Translator, name: str | None) -> Signature:
    """The signature of that name; without a name, the only one.

    Raises:
        ConfigError: If there is none of that name, or several and no name is given.
    """
    signatures = translator.signatures()
    if name is None and len(signatures) == 1:
        return next(iter(signatures.values()))
    if name not in signatures:
        raise ConfigError(f"--signature must be one of {', '.join(signatures)}, got {name}")
    return signatures[name]


def golden_images(trained: Trained, count: int) -> dict[str, dict[str, np.ndarray]]:
    """Held-out images to verify each signature with: `{signature: {input: batch}}`."""
    a, b = trained.data.arrays(held_out(trained.data), limit=count)
    count = min(len(a), len(b))
    return trained.translator.examples(a[:count], b[:count])


def source_of(trained: Trained) -> dict[str, object]:
    """What a bundle was made from, for its manifest."""
    return {
        "run": trained.run.path.name,
        "step": int(trained.translator.steps_taken.numpy()),
        "config": trained.config.model_dump(mode="json"),
        "data_fingerprint": trained.data.fingerprint,
    }


def held_out(data: ImageData) -> str:
    """The split that results are measured on."""
    return next(split for split in ("test", "validation", "train") if split in data.splits)
