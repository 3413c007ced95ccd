"""Measures whether XLA makes the steps of a stage faster on this hardware.

The measurement takes a few steps on real batches, and restores all variables afterwards.
"""

import time
from collections.abc import Callable, Iterator
from statistics import median

import tensorflow as tf

from tf_translate.core.translator import Translator
from tf_translate.training.workers import Workers

WARM_UP_STEPS, TIMED_STEPS = 2, 5  # the first step compiles
MAX_RELATIVE_TIME = 0.95  # with XLA, relative to the time without, for XLA to be used


def use_xla_if_faster(
    translator: Translator,
    batches: tf.data.Dataset,
    report: Callable[[str], None],
    measure: Callable[[Translator, Iterator], float] | None = None,
) -> None:
    """Compiles the steps of the current stage with XLA if that makes them faster.

    Takes a few steps without XLA and with it. All variables are restored and the data starts
    again, so training is the same as without the measurement. With XLA, sums are rounded in
    another order. Of several workers the chief decides.

    Args:
        translator: Compiled, and in the stage to train next.
        batches: The training data of the stage.
        report: Called with a sentence about the result.
        measure: Returns the seconds per step for a translator and batches. None: the median of
            a few steps.
    """
    measure = measure or seconds_per_step
    seconds: dict[bool, float] = {}
    for jit_compile in (False, True):
        variables = _all_variables(translator)
        saved_values = [variable.numpy() for variable in variables]
        _retrace(translator, jit_compile)
        try:
            seconds[jit_compile] = measure(translator, distributed_iterator(translator, batches))
        except tf.errors.OpError as error:
            if not jit_compile:
                raise
            report(f"XLA is off: it cannot compile this step ({error.message.splitlines()[0]})")
            seconds[jit_compile] = float("inf")
        finally:
            for variable, value in zip(variables, saved_values, strict=True):
                variable.assign(value)
    workers = Workers(translator.distribute_strategy)
    is_faster = seconds[True] <= MAX_RELATIVE_TIME * seconds[False]
    use_xla = workers.any_worker(workers.is_chief and is_faster)
    _retrace(translator, use_xla)
    if seconds[True] < float("inf"):
        without_xla, with_xla = (f"{1000 * seconds[key]:.1f} ms" for key in (False, True))
        state = "on" if use_xla else "off"
        report(f"a step takes {without_xla}, with XLA {with_xla}: XLA is {state}")


def seconds_per_step(translator: Translator, batches: Iterator) -> float:
    """The median of a few steps, after those that trace and compile."""
    seconds = []
    for _ in range(WARM_UP_STEPS + TIMED_STEPS):
        start = time.perf_counter()
        logs = translator.train_function(batches)
        for value in logs.values():
            float(value)  # waits for the device
        seconds.append((time.perf_counter() - start) / translator.steps_per_execution)
    return median(seconds[WARM_UP_STEPS:])


def _retrace(translator: Translator, jit_compile: bool) -> None:
    translator.jit_compile = jit_compile
    translator.make_train_function(force=True)


def distributed_iterator(translator: Translator, batches: tf.data.Dataset) -> Iterator:
    """Iterates over batches as a step gets them, divided among the devices of the strategy."""
    strategy = translator.distribute_strategy
    is_distributed = not isinstance(batches, tf.data.Dataset)  # the data of several workers is
    if is_distributed or strategy.num_replicas_in_sync == 1:
        return iter(batches)
    return iter(strategy.experimental_distribute_dataset(batches))


def _all_variables(translator: Translator) -> list:
    """All variables that a step changes."""
    optimizers = translator.player_optimizers.values()
    variables = [*translator.variables, *(v for each in optimizers for v in each.variables)]
    variables += [v for metric in translator.metrics for v in metric.variables]
    return list({id(variable): variable for variable in variables}.values())
