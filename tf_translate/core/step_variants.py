"""Two variants of the training step, chosen in Python before each call."""

from collections.abc import Callable


class StepVariants:
    """Chooses between two traced functions of a training step.

    Decisions of Python are fixed when TensorFlow traces a function, and statistics that replicas
    share cannot be gathered in a branch of a graph. So each variant of the step has its own graph.

    Args:
        is_alternate: Whether the next step is the alternate variant; called before each call.

    Attributes:
        alternate: Whether the step being traced or executed is the alternate variant.
    """

    def __init__(self, is_alternate: Callable[[], bool]):
        self._is_alternate = is_alternate
        self.alternate = False

    def choose_between(self, usual: Callable, alternate: Callable) -> Callable:
        """A train function that chooses between two functions at each call."""

        def take_steps(iterator):
            self.alternate = self._is_alternate()
            try:
                return (alternate if self.alternate else usual)(iterator)
            finally:
                self.alternate = False

        return take_steps
