"""What is asked: the words, the conversation before them, the day, the instruments."""

from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum

from ingest.clock import today
from ingest.identifiers import AI_ACT, CONVENTION, InstrumentId

SIDES = (CONVENTION, AI_ACT)


class Intent(StrEnum):
    """What kind of answer is wanted."""

    COMPARISON = "comparison"
    SINGLE = "single"
    PROVISION = "provision"
    DEFINITION = "definition"
    STATUS = "status"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Question:
    """A question as asked; `history` holds the earlier user turns, oldest first, `scope` the instruments to compare.

    Where the scope is the two instruments, the user's own columns stand beside them unless `columns` says no.
    """

    text: str
    history: tuple[str, ...] = ()
    as_of: date = field(default_factory=today)
    scope: tuple[InstrumentId, ...] = SIDES
    commentary: bool = True
    id: str = ""
    columns: bool = True
