"""All seven claims from collected cells and measured cycles.

docs/guides/compare.md says which rules were changed after the first cells of the headline.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from tf_translate.experiment.compare.claims import consistency, hidden_input, methods
from tf_translate.experiment.compare.claims.verdict import Finding
from tf_translate.experiment.compare.collect import check_unique


def find_all(results: Mapping[str, Any], cycles: Sequence[Mapping[str, Any]]) -> list[Finding]:
    """The verdict of every claim, in order.

    Args:
        results: What `collect` returns.
        cycles: What `cycle_noise.read_all` returns.

    Raises:
        RunError: If a method has two cells of a seed at one budget.
    """
    check_unique(results["cells"], also_by=["budget_minutes"])
    return [
        consistency.necessary(results),
        consistency.sufficient(results),
        methods.stages(results),
        methods.identity(results),
        methods.features(results),
        methods.adversary(results),
        hidden_input.hidden(cycles),
    ]
