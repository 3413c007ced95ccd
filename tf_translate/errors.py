"""Errors that a user can cause. The command line prints the message and exits with code 2."""


class TranslateError(Exception):
    """Base class of the errors below. The message is one clear sentence for the user.

    Args:
        message: The sentence. It may hold names from foreign files.
        explanation: Lines of our own that follow it, such as a list of what is supported.

    Attributes:
        message, explanation: The arguments; `str(error)` has both.
    """

    def __init__(self, message: str = "", explanation: str = "") -> None:
        super().__init__(f"{message}; {explanation}" if explanation else message)
        self.message, self.explanation = message, explanation


class ConfigError(TranslateError):
    """A setting is unknown, misspelt or impossible. The message names file, key, value and rule."""


class DataError(TranslateError):
    """Images or folders are missing, damaged, inconsistent or in an unknown layout."""


class UnknownMethodError(TranslateError):
    """The requested method or preset does not exist."""


class RunError(TranslateError):
    """A run directory is missing, damaged, already in use, or belongs to something else."""


class TrainingError(TranslateError):
    """Training cannot go on, for example because a loss is no longer finite."""


class WorkerLostError(TrainingError):
    """Another worker of the same training has stopped. The command line exits with code 1."""


class InstallationError(TranslateError):
    """A package of the project is missing, or another one has its name."""
