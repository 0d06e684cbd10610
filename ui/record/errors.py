"""What can go wrong with the record, each as one line that says what to do."""

from ingest.errors import VisavisError


class RecordError(VisavisError):
    """The record cannot be opened, read or written."""


class RecordAway(RecordError):
    """The record's database cannot be reached, or takes nothing, for now: trying again later may do."""


class UnknownAnswer(RecordError):
    """What is referred to is no answer of the record."""
