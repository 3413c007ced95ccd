"""What the lint says: findings with the layer to blame and the cure, and shares of the work."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

Severity = Literal["error", "warning", "note"]
_ORDER = ("error", "warning", "note")


@dataclass(frozen=True)
class Finding:
    """Something that keeps a model from running fast, or right, on some device.

    Attributes:
        severity: `error` where it does not run or runs wrong, `warning` where it runs slower,
            `note` where that is only at the model's edge.
        rule: `custom`, `shape`, `operation`, `range` or `interface`.
        targets: Names of the devices concerned.
        artifacts: Recipes of the files that have it.
        signatures: Their signatures that have it.
        layer: The Keras layer to blame.
        operation: The operation it is about, or "".
        message: What is wrong, without the layer.
        cure: What to do about it.
        multiply_adds: Share of one call's multiply-adds that it takes off the fast path, in [0, 1].
    """

    severity: Severity
    rule: str
    targets: tuple[str, ...]
    artifacts: tuple[str, ...]
    signatures: tuple[str, ...]
    layer: str
    operation: str
    message: str
    cure: str
    multiply_adds: float = 0.0

    def sentence(self) -> str:
        """The finding in one line for people."""
        share = f" ({self.multiply_adds:.1%} of the multiply-adds)" if self.multiply_adds else ""
        where = ", ".join(self.targets)
        return f"{where}: {self.layer}: {self.message}{share}; {self.cure}"


@dataclass(frozen=True)
class Share:
    """How much of one signature's work stays on a device's fast path.

    Attributes:
        multiply_adds: Of one call, everywhere.
        on_path: Share of them on the fast path, in [0, 1]; 1 where there are none.
        operations, operations_on_path: The same by number of operations.
    """

    artifact: str
    signature: str
    target: str
    multiply_adds: int
    on_path: float
    operations: int
    operations_on_path: int


@dataclass(frozen=True)
class LintReport:
    """All findings about a bundle, the gravest first, and the shares of every file."""

    bundle: str
    findings: tuple[Finding, ...]
    shares: tuple[Share, ...]

    @property
    def passed(self) -> bool:
        """Whether no finding is an error."""
        return all(finding.severity != "error" for finding in self.findings)

    def as_dict(self) -> dict[str, Any]:
        """JSON-able."""
        return {
            "bundle": self.bundle,
            "passed": self.passed,
            "findings": [asdict(finding) for finding in self.findings],
            "shares": [asdict(share) for share in self.shares],
        }


def merged(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """One finding for what several devices, files, signatures or operations of a layer share."""
    found: dict[tuple[str, ...], Finding] = {}
    for new in findings:
        key = (new.severity, new.rule, new.layer, new.operation, new.message)
        old = found.get(key)
        found[key] = new if old is None else _joined(old, new)
    return tuple(sorted(found.values(), key=lambda finding: _ORDER.index(finding.severity)))


def _joined(old: Finding, new: Finding) -> Finding:
    # Several operations of one layer in one graph add up; other files and devices repeat them.
    again = (old.targets[:1], old.artifacts[:1], old.signatures[:1])
    more = new.multiply_adds if (new.targets, new.artifacts, new.signatures) == again else 0.0
    return replace(
        old,
        targets=tuple(dict.fromkeys(old.targets + new.targets)),
        artifacts=tuple(dict.fromkeys(old.artifacts + new.artifacts)),
        signatures=tuple(dict.fromkeys(old.signatures + new.signatures)),
        multiply_adds=old.multiply_adds + more,
    )
