"""How many steps fit into a time: each stage of a translator takes a few steps on real batches."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from statistics import median

import tensorflow as tf

from tf_translate.config.schema import TrainingConfig
from tf_translate.core.translator import Translator
from tf_translate.training.xla import distributed_iterator

_LEAST_EXECUTIONS, _MOST_EXECUTIONS, _SECONDS = 5, 40, 10.0  # timed after the first, which traces
_MANY = 100_000  # steps; more than any method has of a variant that ends
# Of the time that is left after tracing. The rest goes to previews, rows and checkpoints. If it is
# not enough, training ends before its last step, when the time is used up.
_FRACTION_OF_STEPS = 0.95


@dataclass(frozen=True)
class SlowStart:
    """First steps of a stage that take longer than the others.

    Attributes:
        steps: How many.
        seconds: What each of them takes more.
        fraction: Fraction of all steps that the stage has; it may have fewer than `steps`.
    """

    steps: int
    seconds: float
    fraction: float = 1.0


@dataclass(frozen=True)
class StageTime:
    """Measured times of a stage of training.

    Attributes:
        first: Seconds of the first executions, which trace and compile the step and its variant.
        seconds: Seconds of a step, the median of a few; where a fraction of the steps is the
            variant (`StepVariants`), the mean of both kinds.
        slow_start: The first steps, if they are the variant.
    """

    first: float
    seconds: float
    slow_start: SlowStart | None = None


def time_stages(
    translator: Translator,
    batches: Callable[[], tf.data.Dataset],
    clock: Callable[[], float] = time.monotonic,
) -> dict[str, StageTime]:
    """Takes a few steps of each stage, and returns their times by stage.

    Args:
        translator: Compiled, in its first stage, and not used for anything else: its weights
            change.
        batches: Returns the training data of the translator's current stage.
        clock: Gives the time in seconds.
    """
    times = {}
    for stage in translator.stages:
        if translator.stage != stage:
            translator.enter_stage(stage)
        translator.make_train_function(force=True)
        times[stage] = _time_stage(translator, distributed_iterator(translator, batches()), clock)
    return times


def _time_stage(translator: Translator, batches: Iterator, clock: Callable[[], float]) -> StageTime:
    """Times the usual steps of a stage and its variant, each forced, and weights them."""
    with translator.step_variants.only(False):
        usual = _time_steps(translator, batches, clock)
    in_many = translator.variant_steps(_MANY)
    if in_many == 0:
        return usual
    with translator.step_variants.only(True):
        variant = _time_steps(translator, batches, clock)
    fraction = (translator.variant_steps(2 * _MANY) - in_many) / _MANY
    longer = variant.seconds - usual.seconds
    starting = round(in_many - fraction * _MANY)
    return StageTime(
        usual.first + variant.first,
        usual.seconds + fraction * longer,
        SlowStart(starting, longer) if starting else None,
    )


def _time_steps(translator: Translator, batches: Iterator, clock: Callable[[], float]) -> StageTime:
    seconds: list[float] = []
    start = clock()
    while len(seconds) <= _LEAST_EXECUTIONS or (
        len(seconds) <= _MOST_EXECUTIONS and clock() - start < seconds[0] + _SECONDS
    ):
        before = clock()
        for value in translator.train_function(batches).values():
            float(value)  # waits for the device
        seconds.append(clock() - before)
    return StageTime(seconds[0], median(seconds[1:]) / translator.steps_per_execution)


@dataclass(frozen=True)
class StepTime:
    """Measured times of a whole training.

    Attributes:
        first: Seconds of the first executions of all stages, together.
        seconds: Seconds of a step: the mean over stages, each with its fraction of the steps.
        unit: Steps of an execution.
        stages: Seconds of a step of each stage.
        slow_starts: First steps that take longer, by stage.
    """

    first: float
    seconds: float
    unit: int
    stages: Mapping[str, float]
    slow_starts: Mapping[str, SlowStart] = field(default_factory=dict)

    def scaled(self, factor: float) -> "StepTime":
        """The times on a machine that takes `factor` times as long."""
        return StepTime(
            factor * self.first,
            factor * self.seconds,
            self.unit,
            {stage: factor * seconds for stage, seconds in self.stages.items()},
            {
                stage: replace(each, seconds=factor * each.seconds)
                for stage, each in self.slow_starts.items()
            },
        )

    def steps_in(self, minutes: float) -> int:
        """The number of steps that fit into a time; at least one execution for each stage."""
        time = _FRACTION_OF_STEPS * max(0.0, 60 * minutes - self.first)
        # Without slow starts, and then as few less as they take. (First steps that take less time
        # than the others gain no steps.)
        executions = int(time / self.seconds / self.unit)
        while executions > 0 and self._seconds_of(self.unit * executions) > time:
            executions -= 1
        # A stage gets at least one execution, by rounding of its fraction: see `build.stage_ends`.
        return self.unit * max(executions, 2 * len(self.stages))

    def _seconds_of(self, steps: int) -> float:
        """Seconds of so many steps, without the first executions."""
        return steps * self.seconds + sum(
            min(each.steps, each.fraction * steps) * each.seconds
            for each in self.slow_starts.values()
        )


def step_time(
    training: TrainingConfig,
    ends: Sequence[tuple[str, int]],
    times: Mapping[str, StageTime],
) -> StepTime:
    """The times of a whole training, from those of its stages.

    Args:
        training: Settings of training.
        ends: Each stage with the step it ends at, of `training.steps`.
        times: Measured times by stage.
    """
    starts = [0, *(end for _, end in ends)]
    fractions = {
        stage: (end - start) / training.steps
        for (stage, end), start in zip(ends, starts, strict=False)
    }
    return StepTime(
        sum(each.first for each in times.values()),
        sum(fraction * times[stage].seconds for stage, fraction in fractions.items()),
        training.steps_per_execution,
        {stage: each.seconds for stage, each in times.items()},
        {
            stage: replace(each.slow_start, fraction=fractions[stage])
            for stage, each in times.items()
            if each.slow_start is not None
        },
    )
