"""Whether XLA makes the steps of a stage quicker here: timed on real batches, and put back."""

import time
from collections.abc import Callable, Iterator
from statistics import median

import tensorflow as tf

from tf_translate.core.translator import Translator
from tf_translate.training.workers import Workers

WARM, TIMED = 2, 5  # steps: the first one compiles
WORTH = 0.95  # of the time without, from which on it is taken


def take_if_quicker(
    translator: Translator,
    batches: tf.data.Dataset,
    tell: Callable[[str], None],
    timed: Callable[[Translator, Iterator], float] | None = None,
) -> None:
    """Compiles the steps of the present stage with XLA if they are quicker for it.

    Takes a few steps without and with it. All variables are put back, and the data that depends_on
    begins where it did, so the run is the same whatever was found; but the sums of XLA are
    rounded in another order. Of several workers the chief decides.

    Args:
        translator: Compiled; in the stage that is to come.
        batches: The training data of the stage.
        tell: Gets a sentence on what was found.
        timed: From translator and batches to seconds a step; a median over a few by default.
    """
    timed = timed or seconds_a_step
    found: dict[bool, float] = {}
    for compiled in (False, True):
        variables = _variables(translator)
        before = [variable.numpy() for variable in variables]
        _trace(translator, compiled)
        try:
            found[compiled] = timed(translator, _distributed(translator, batches))
        except tf.errors.OpError as error:
            if not compiled:
                raise
            tell(f"XLA is left out: it cannot compile this step ({error.message.splitlines()[0]})")
            found[compiled] = float("inf")
        finally:
            for variable, value in zip(variables, before, strict=True):
                variable.assign(value)
    workers = Workers(translator.distribute_strategy)
    quicker = workers.anyone(workers.chief and found[True] <= WORTH * found[False])
    _trace(translator, quicker)
    if found[True] < float("inf"):
        without, with_it = (f"{1000 * found[each]:.1f} ms" for each in (False, True))
        choice = "taken" if quicker else "left out"
        tell(f"a step takes {without}, with XLA {with_it}: XLA is {choice}")


def seconds_a_step(translator: Translator, batches: Iterator) -> float:
    """The median of a few steps, after those that trace and compile."""
    seconds = []
    for _ in range(WARM + TIMED):
        began = time.perf_counter()
        logs = translator.train_function(batches)
        for value in logs.values():
            float(value)  # waits for the device
        seconds.append((time.perf_counter() - began) / translator.steps_per_execution)
    return median(seconds[WARM:])


def _trace(translator: Translator, compiled: bool) -> None:
    translator.jit_compile = compiled
    translator.make_train_function(force=True)


def _distributed(translator: Translator, batches: tf.data.Dataset) -> Iterator:
    strategy = translator.distribute_strategy
    spread = not isinstance(batches, tf.data.Dataset)  # several workers' data are already
    if spread or strategy.num_replicas_in_sync == 1:
        return iter(batches)
    return iter(strategy.experimental_distribute_dataset(batches))


def _variables(translator: Translator) -> list:
    """All that a step changes."""
    optimizers = translator.player_optimizers.values()
    held = [*translator.variables, *(v for each in optimizers for v in each.variables)]
    held += [v for metric in translator.metrics for v in metric.variables]
    return list({id(variable): variable for variable in held}.values())
