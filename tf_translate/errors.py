"""Errors a user can cause; the command line prints their sentence and exits with 2."""


class TranslateError(Exception):
    """Base of every error below. Its text is one clear sentence for the user."""


class ConfigError(TranslateError):
    """A setting is unknown, misspelt or impossible (file, key, value and rule are named)."""


class DataError(TranslateError):
    """Images or folders are missing, broken, unequal or of the wrong form."""


class UnknownMethodError(TranslateError):
    """A method or preset was asked for that does not exist."""


class RunError(TranslateError):
    """A run directory is missing, full, broken or belongs to something else."""


class TrainingError(TranslateError):
    """Training cannot go on, for example because a loss is no longer finite."""


class WorkerLostError(TrainingError):
    """Another worker of the same training is gone; the command line exits with 1."""
