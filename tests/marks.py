"""Which cases of a test run in CI."""

from collections.abc import Iterable
from typing import Any

import pytest


def slow_but(cases: Iterable[Any], *chosen: Any) -> list[Any]:
    """The cases as parameters of a test; all but the chosen ones run before a release only.

    Args:
        cases: A value for each case, or a tuple of several.
        chosen: Those of them that CI runs.

    Raises:
        ValueError: If one that is chosen is no case.
    """
    cases = list(cases)
    missing = [each for each in chosen if each not in cases]
    if missing:
        raise ValueError(f"`chosen` must be some of the cases, got {missing}")
    return [
        pytest.param(
            *(each if isinstance(each, tuple) else (each,)),
            marks=() if each in chosen else pytest.mark.slow,
        )
        for each in cases
    ]
