"""Predicts what in an exported model will not run fast, or not correctly, on a device."""

from exporters.lint.findings import FastPathCoverage, Finding, LintReport
from exporters.lint.lint_bundle import lint

__all__ = ["FastPathCoverage", "Finding", "LintReport", "lint"]
