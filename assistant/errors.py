"""What can go wrong with a question, each as one line that says what to do."""

from ingest.errors import VisavisError


class QuestionError(VisavisError):
    """The question cannot be asked: it is empty, too long, or holds no word."""


class GroundingError(Exception):
    """An answer cites what is not in the store: a defect of ours, never shown to a reader."""


class SettingsError(VisavisError):
    """A setting is unknown, is not what it must be, or a key lies open to others."""


class ModelError(VisavisError):
    """The model that is set cannot be used: its package is missing, or it does not answer."""
