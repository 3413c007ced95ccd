"""A few training steps on each device, compared with those on the CPU."""

import contextlib
import math
import time
from collections.abc import Iterator
from dataclasses import dataclass
from statistics import median

import keras
import numpy as np
import tensorflow as tf

from tf_translate.core.translator import Translator
from tf_translate.experiment.from_preset import from_preset

STEPS = 20
# Devices sum in another order. With plain Keras convolutions in place of our CPU kernels, losses
# differed by up to 5e-7 and weights by up to 3e-5; half precision differs by about 1e-2.
LOSS_TOLERANCE = 1e-4
WEIGHT_TOLERANCE = 1e-3
_SETTINGS = {
    "data.size": (32, 32),
    "model.base_filters": 8,
    "model.residual_blocks": 1,
    "model.input_skip": False,  # generators would start as the identity, and learn too slowly
    "model.upsampling": "transposed",
    "model.discriminator_layers": 1,
    "model.discriminator_filters": 8,
    "model.pool_size": 4,
    # With Adam's 1e-8, gradients that are rounding errors only would move weights like others.
    "model.optimizer.epsilon": 1e-4,
    "training.steps": STEPS,
}


State = list[np.ndarray]  # values of all variables that a step changes


@dataclass(frozen=True, eq=False)
class DeviceRun:
    """What a device computed.

    Attributes:
        device: Its name, such as "GPU:0".
        losses: The losses of each step, `(steps, terms)`.
        weights: All trained weights before the first step and after each one,
            `(steps + 1, weights)`.
        states: All variables before each step.
        seconds_per_step: Without the first step, which compiles.
    """

    device: str
    losses: np.ndarray
    weights: np.ndarray
    states: list[State]
    seconds_per_step: float

    @property
    def finite(self) -> bool:
        """Whether all losses and weights are finite."""
        return bool(np.isfinite(self.losses).all() and np.isfinite(self.weights).all())


@dataclass(frozen=True)
class Comparison:
    """How far a device is from the CPU.

    Attributes:
        loss_difference: Largest difference of a loss.
        weight_difference: Largest difference of the weights after a step, relative to what the step
            changed on the CPU; both are Euclidean norms.
    """

    loss_difference: float
    weight_difference: float

    @property
    def passed(self) -> bool:
        """Whether both are within their tolerance; not a number is not."""
        return self.loss_difference <= LOSS_TOLERANCE and self.weight_difference <= WEIGHT_TOLERANCE


def devices() -> list[str]:
    """Names of the devices that TensorFlow can compute on, such as "CPU:0"; the CPU is first."""
    found = [device.name.removeprefix("/device:") for device in tf.config.list_logical_devices()]
    return sorted(found, key=lambda name: (not name.startswith("CPU"), name))


def train_on(device: str, *, follow: DeviceRun | None = None, steps: int = STEPS) -> DeviceRun:
    """Trains a small CycleGAN on noise, always the same, in full float32.

    Args:
        device: Such as "GPU:0".
        follow: The run of another device; each step starts from its variables. In a GAN rounding
            errors grow from step to step, and would hide what one step computes.
        steps: Number of steps.

    Raises:
        tf.errors.OpError: If the device cannot run a step.
    """
    images = np.random.default_rng(0).uniform(-1, 1, (2, steps, 2, 32, 32, 3)).astype("float32")
    batches = iter(tf.data.Dataset.from_tensor_slices({"a": images[0], "b": images[1]}))
    losses: list[list[float]] = []
    states: list[State] = []
    seconds = []
    with _full_float32(), tf.distribute.OneDeviceStrategy(f"/device:{device}").scope():
        keras.utils.set_random_seed(0)
        model = from_preset("cyclegan_small", _SETTINGS)
        variables = _variables(model)
        model.make_train_function()
        weights = [_weights(model)]
        for index in range(steps):
            if follow is not None:
                for variable, value in zip(variables, follow.states[index], strict=True):
                    variable.assign(value)
            states.append([variable.numpy() for variable in variables])
            start = time.perf_counter()
            model.reset_metrics()
            logs = model.train_function(batches)
            losses.append([float(value) for value in logs.values()])  # waits for the device
            seconds.append(time.perf_counter() - start)
            weights.append(_weights(model))
    return DeviceRun(
        device=device,
        losses=np.array(losses),
        weights=np.stack(weights),
        states=states,
        seconds_per_step=median(seconds),
    )


def compare(run: DeviceRun, reference: DeviceRun) -> Comparison:
    """Compares a device with the CPU that it followed."""
    if not run.finite:
        return Comparison(loss_difference=math.inf, weight_difference=math.inf)
    changes = np.linalg.norm(np.diff(reference.weights, axis=0), axis=1)
    differences = np.linalg.norm(run.weights[1:] - reference.weights[1:], axis=1)
    return Comparison(
        loss_difference=float(np.abs(run.losses - reference.losses).max()),
        weight_difference=float((differences / np.maximum(changes, 1e-12)).max()),
    )


def _variables(model: Translator) -> list:
    """All variables that a step changes: weights, image pools, counters, optimizers."""
    optimizers = [each for one in model.player_optimizers.values() for each in one.variables]
    return list({id(each): each for each in [*model.variables, *optimizers]}.values())


def _weights(model: Translator) -> np.ndarray:
    values = [each.numpy().ravel() for each in model.trainable_variables]
    return np.concatenate(values).astype("float64")


@contextlib.contextmanager
def _full_float32() -> Iterator[None]:
    """Without TensorFloat-32, with which recent GPUs round the inputs of convolutions."""
    enabled = tf.config.experimental.tensor_float_32_execution_enabled()
    tf.config.experimental.enable_tensor_float_32_execution(False)
    try:
        yield
    finally:
        tf.config.experimental.enable_tensor_float_32_execution(enabled)
