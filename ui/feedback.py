"""What a reader says of an answer: right, a wrong citation, something missing; from the page and over the API."""

import json
import logging
from typing import TYPE_CHECKING, Annotated
from uuid import uuid4

from pydantic import AwareDatetime, Field, model_validator

from ingest.errors import UsageError, VisavisError
from ui.checks import tick
from ui.people import Person
from ui.record.entry import Channel, FeedbackKind
from ui.session import Session, Strict, TurnId, read_sent

if TYPE_CHECKING:
    from ui.record.recorder import Recorder

LONGEST_COMMENT = 2_000
LONGEST_ID = 200

log = logging.getLogger("visavis.record")

Comment = Annotated[str, Field(max_length=LONGEST_COMMENT, description="In words, where there is more to say.")]
Number = Annotated[int, Field(ge=1, description="The number of the citation that is wrong.")]


class Said(Strict):
    """What is said of an answer: which kind, of which citation, in which words."""

    kind: FeedbackKind
    citation: Number | None = None
    comment: Comment = ""

    @model_validator(mode="after")
    def _agree(self) -> "Said":
        if self.citation is not None and self.kind is not FeedbackKind.WRONG_CITATION:
            raise ValueError("a citation is named only where the kind is wrong_citation")
        return self


class Feedback(Said):
    """What is said of the answer with an id, that of its record."""

    id: Annotated[str, Field(min_length=1, max_length=LONGEST_ID, description="The id of the answer's record.")]

    def enter(self, recorder: "Recorder", person: Person, channel: Channel) -> str:
        """Enter it; gives the entry's id. Raises UnknownAnswer, and UsageError for a citation that is none."""
        return recorder.commented(person, channel, self.id, self.kind, self.citation, self.comment.strip())


class SaidOfTurn(Said):
    """What is said of the answer of a turn of the page."""

    turn: TurnId


class TickOfTurn(Strict):
    """A citation ticked in the page, or with no initials a tick taken back."""

    turn: TurnId
    n: int
    initials: Annotated[str, Field(max_length=20)]
    at: AwareDatetime


def take_feedback(recorder: "Recorder", sent: object, session: Session, person: Person) -> str:
    """Enter what the page sends; gives JSON that names the turn, with a line of trouble where it was not entered."""
    told = {"wish": uuid4().hex}
    try:
        said = read_sent(SaidOfTurn, sent)
        told["turn"] = said.turn
        answer = session.answer(said.turn)
        if answer is None:
            raise UsageError("this server no longer holds that answer; ask again, and then say.")
        recorder.commented(person, Channel.CHAT, answer.id, said.kind, said.citation, said.comment.strip())
    except VisavisError as error:
        return json.dumps(told | {"line": str(error)})
    return json.dumps(told)


def take_tick(recorder: "Recorder", sent: object, session: Session, person: Person) -> None:
    """Enter a tick of the page, where this server still holds the answer; the tick in the page stands in any case."""
    try:
        ticked = read_sent(TickOfTurn, sent)
        answer = session.answer(ticked.turn)
        if answer is None:
            return
        if ticked.initials:
            tick((), ticked.n, ticked.initials, ticked.at)
        recorder.checked(person, Channel.CHAT, answer, ticked.n, ticked.initials.strip(), ticked.at)
    except VisavisError as error:
        log.warning("record: a tick was not entered: %s", error)
