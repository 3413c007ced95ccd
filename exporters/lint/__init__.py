"""What of an exported model will not run fast or right on a device, said before it is shipped."""

from exporters.lint.check import lint
from exporters.lint.report import Finding, LintReport, Share

__all__ = ["Finding", "LintReport", "Share", "lint"]
