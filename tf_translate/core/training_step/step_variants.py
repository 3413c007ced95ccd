"""Two variants of the training step, chosen in Python before each call."""

import contextlib
from collections.abc import Callable, Iterator


class StepVariants:
    """Chooses between two traced functions of a training step: the usual one and a variant.

    Decisions of Python are fixed when TensorFlow traces a function, and statistics that replicas
    share cannot be gathered in a branch of a graph. So the variant of the step has its own graph.

    Args:
        next_step_is_variant: Called in Python before each call of the train function.

    Attributes:
        in_variant: Whether the step being traced or executed is the variant. Two methods read it:
            GeneGAN, where only the discriminators take turns in a step of a burst, and
            `InvertibleGAN`, where the generator runs in training mode in a step that recalibrates
            its batch norm.
    """

    def __init__(self, next_step_is_variant: Callable[[], bool]):
        self._next_step_is_variant = next_step_is_variant
        self.in_variant = False
        self._only: bool | None = None

    @contextlib.contextmanager
    def only(self, variant: bool) -> Iterator[None]:
        """Within it, all steps are the variant, or none is; to measure the time of each."""
        self._only = variant
        try:
            yield
        finally:
            self._only = None

    def choose_between(self, usual: Callable, variant: Callable) -> Callable:
        """A train function that chooses between two functions at each call.

        Each of the two is traced at its first call, while `in_variant` has its value.
        """

        def take_steps(iterator):
            is_variant = self._next_step_is_variant() if self._only is None else self._only
            self.in_variant = is_variant
            try:
                return (variant if self.in_variant else usual)(iterator)
            finally:
                self.in_variant = False

        return take_steps
