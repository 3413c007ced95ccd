"""Steps that differ from the usual, chosen in Python ahead of each."""

from collections.abc import Callable


class StepVariants:
    """Chooses between two traces of a step.

    TensorFlow freezes what Python decides while it traces, and statistics that devices share
    cannot be gathered in one branch of a graph: so each kind of step has a graph of its own.

    Args:
        asked: Whether the coming step is special; called ahead of each call of a step.

    Attributes:
        now: Whether the step that is being traced or taken is special.
    """

    def __init__(self, asked: Callable[[], bool]):
        self._asked = asked
        self.now = False

    def in_turns(self, usual: Callable, special: Callable) -> Callable:
        """A step that is, each time, the one or the other."""

        def take_steps(iterator):
            self.now = self._asked()
            try:
                return (special if self.now else usual)(iterator)
            finally:
                self.now = False

        return take_steps
