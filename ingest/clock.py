"""The one clock: what day it is, for every room."""

import os
from datetime import date

from ingest.errors import UsageError

VARIABLE = "VISAVIS_TODAY"


def parse_date(text: str, what: str = "date") -> date:
    """Read an ISO date; raises UsageError naming `what` when the text is none."""
    try:
        return date.fromisoformat(text.strip())
    except ValueError:
        raise UsageError(f"{what} {text!r} is no date; write it as YYYY-MM-DD, for example 2026-11-23.") from None


def today() -> date:
    """The day it is, or the day that VISAVIS_TODAY names."""
    fixed = os.environ.get(VARIABLE, "")
    return parse_date(fixed, VARIABLE) if fixed else date.today()
