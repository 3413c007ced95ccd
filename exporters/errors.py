"""Errors a user can cause; a command line prints their sentence and exits with 2."""


class ExportError(Exception):
    """A signature, recipe or target folder cannot be exported. Its text is one clear sentence."""


class BundleError(ExportError):
    """A folder is no bundle, is damaged or unsafe, or comes from a newer version."""


def first_line(message: str) -> str:
    """The first line of a message that says anything: converters and runtimes write pages."""
    first = next((line for line in message.splitlines() if line.strip()), "no reason given")
    return first.strip()
