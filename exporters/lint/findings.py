"""Results of the lint: findings with layer and suggestion, and the coverage of fast paths."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

Severity = Literal["error", "warning", "note"]
_ORDER = ("error", "warning", "note")
_NAMED_LAYERS = 3  # of a kind of finding; `as_dict` has all


@dataclass(frozen=True)
class Finding:
    """Something that keeps a model from running fast, or correctly, on a device.

    Attributes:
        severity: `error` if it does not run or its results are wrong, `warning` if it is slower,
            `note` if that only concerns operations at the inputs or outputs.
        rule: `shape`, `operation`, `range`, `interface` or `latency`.
        targets: Names of the affected devices; for `latency` the machine it was measured on.
        artifacts: Recipes of the affected files.
        signatures: The affected signatures.
        layer: The Keras layer that causes it; for `latency` what was measured.
        operation: The operation that causes it, or "".
        message: What is wrong, without the layer.
        suggestion: What to do about it.
        multiply_adds: Fraction of one call's multiply-adds that leaves the fast path, in [0, 1].
    """

    severity: Severity
    rule: str
    targets: tuple[str, ...]
    artifacts: tuple[str, ...]
    signatures: tuple[str, ...]
    layer: str
    operation: str
    message: str
    suggestion: str
    multiply_adds: float = 0.0

    def sentence(self) -> str:
        """The finding in one line for people."""
        return _sentence([self])


@dataclass(frozen=True)
class FastPathCoverage:
    """How much of one signature's computation runs on a device's fast path.

    Attributes:
        multiply_adds: All multiply-adds of one call.
        fast_fraction: Fraction of them on the fast path, in [0, 1]; 1 if there are none.
        operations, fast_operations: Number of operations, and of those on the fast path.
    """

    artifact: str
    signature: str
    target: str
    multiply_adds: int
    fast_fraction: float
    operations: int
    fast_operations: int


@dataclass(frozen=True)
class LintReport:
    """All findings about a bundle, the most severe first, and the coverage of every file."""

    bundle: str
    findings: tuple[Finding, ...]
    coverage: tuple[FastPathCoverage, ...]

    @property
    def passed(self) -> bool:
        """Whether no finding is an error."""
        return all(finding.severity != "error" for finding in self.findings)

    def sentences(self) -> list[tuple[Severity, str]]:
        """The findings for people: a line for each kind, which names the layers of that kind."""
        kinds: dict[tuple, list[Finding]] = {}
        for each in self.findings:
            key = (each.severity, each.targets, each.message, each.suggestion)
            kinds.setdefault(key, []).append(each)
        return [(group[0].severity, _sentence(group)) for group in kinds.values()]

    def as_dict(self) -> dict[str, Any]:
        """JSON-able."""
        return {
            "bundle": self.bundle,
            "passed": self.passed,
            "findings": [asdict(finding) for finding in self.findings],
            "coverage": [asdict(each) for each in self.coverage],
        }


def _sentence(findings: Sequence[Finding]) -> str:
    """One line for findings of a kind."""
    first = findings[0]
    share = sum(each.multiply_adds for each in findings)
    fraction = f" ({share:.1%} of the multiply-adds)" if share else ""
    layers = list(dict.fromkeys(each.layer for each in findings))
    named = ", ".join(layers[:_NAMED_LAYERS])
    if len(layers) > _NAMED_LAYERS:
        named = f"{len(layers)} layers, {named}, ..."
    devices = ", ".join(first.targets)
    return f"{devices}: {named}: {first.message}{fraction}; {first.suggestion}"


def merged(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Merges equal findings of several devices, files, signatures or operations of a layer."""
    by_key: dict[tuple[str, ...], Finding] = {}
    for new in findings:
        key = (new.severity, new.rule, new.layer, new.operation, new.message)
        old = by_key.get(key)
        by_key[key] = new if old is None else _merge(old, new)
    return tuple(sorted(by_key.values(), key=lambda finding: _ORDER.index(finding.severity)))


def _merge(old: Finding, new: Finding) -> Finding:
    # Fractions of several operations in one graph add up; other files and devices repeat them.
    same_graph = (old.targets[:1], old.artifacts[:1], old.signatures[:1])
    more = new.multiply_adds if (new.targets, new.artifacts, new.signatures) == same_graph else 0.0
    return replace(
        old,
        targets=tuple(dict.fromkeys(old.targets + new.targets)),
        artifacts=tuple(dict.fromkeys(old.artifacts + new.artifacts)),
        signatures=tuple(dict.fromkeys(old.signatures + new.signatures)),
        multiply_adds=old.multiply_adds + more,
    )
