"""Errors that a user can cause; the command line prints their sentence and exits with 2."""


class ExportError(Exception):
    """A signature, recipe or target folder cannot be exported. Its text is one clear sentence."""


class BundleError(ExportError):
    """A folder is not a bundle, is damaged or unsafe, or has another format version."""


class ModelError(BundleError):
    """A model of a bundle is refused, or running it failed. The command line exits with 1."""


def first_line(message: str) -> str:
    """The first line of a message that is not blank; converters write hundreds of lines."""
    first = next((line for line in message.splitlines() if line.strip()), "no reason given")
    return first.strip()
