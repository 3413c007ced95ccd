"""What the conformance tests must know of a method."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Conformance:
    """What the conformance tests check a method against, declared on its class.

    Attributes:
        settings: Settings of the smallest networks on 16x16 images; the tests build these.
        forward_passes: Calls of each network in one step of the last stage, with these settings. A
            step must make exactly these calls: the fewest that the paper's equations need.
        unchanged_variables: Number of variables of a player that a step may leave unchanged,
            such as the last bias of a Wasserstein discriminator, which cancels.
    """

    settings: Mapping[str, Any] = field(default_factory=dict)
    forward_passes: Mapping[str, int] = field(default_factory=dict)
    unchanged_variables: int = 0
