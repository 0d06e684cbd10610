"""What one browser tab asks, as its page sends it, and what the server keeps of it while it is open."""

import pickle
import zlib
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date
from enum import StrEnum
from typing import Annotated, Self, TypeVar

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from assistant.answer import Answer
from assistant.question import SIDES, Question
from ingest.clock import today
from ingest.errors import UsageError
from ingest.identifiers import InstrumentId
from ui.language import Language, load_wording, read_day

MOST_TURNS = 500

TurnId = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{12,32}$")]
Sent = TypeVar("Sent", bound="Strict")


class Length(StrEnum):
    """How much of an answer stands open in the page."""

    FULL = "full"
    SHORT = "short"


class Sending(StrEnum):
    """Whether a question may go to a model elsewhere although it seems to point to a person or a case."""

    GUARDED = "guarded"
    CLEARED = "cleared"


class Strict(BaseModel):
    """What a page sends: nothing but what is named here."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Choices(Strict):
    """What the reader chose: the day as typed, the instruments, commentary or none, the page's language, the length."""

    day: Annotated[str, Field(max_length=100)] = ""
    instruments: Annotated[tuple[str, ...], Field(max_length=50)] = tuple(SIDES)
    commentary: bool = True
    language: Language = Language.ENGLISH
    length: Length = Length.FULL

    def as_of(self) -> date:
        """The day typed, or today where nothing is; raises UsageError for what is no day."""
        return read_day(self.day, load_wording(self.language)) or today()


class Turn(Strict):
    """A question of a tab, with the turns before it in its conversation, oldest first."""

    id: TurnId
    question: str
    history: Annotated[tuple[str, ...], Field(max_length=MOST_TURNS)] = ()
    choices: Choices = Choices()
    sending: Sending = Sending.GUARDED

    def ask(self, offered: Iterable[InstrumentId]) -> Question:
        """The question to the assistant; of the instruments offered, those chosen and no other column.

        Raises UsageError for a day that is none, and where no instrument that is offered was chosen.
        """
        chosen = tuple(one for one in offered if one in self.choices.instruments)
        if not chosen:
            raise UsageError("none of the texts chosen is held here; open Choices and choose one of those offered.")
        return Question(
            text=self.question,
            history=self.history,
            as_of=self.choices.as_of(),
            scope=chosen,
            commentary=self.choices.commentary,
            columns=False,
        )


class Ticked(Strict):
    """A citation ticked as checked: its number, the initials, and the moment in UTC."""

    n: int
    initials: Annotated[str, Field(max_length=20)]
    at: AwareDatetime


class Wanted(Strict):
    """A turn to be exported, with its ticks."""

    id: TurnId
    ticks: Annotated[tuple[Ticked, ...], Field(max_length=1000)] = ()


@dataclass(frozen=True, slots=True)
class Session:
    """The answers that the tab was given, by turn, so that what is exported is what was shown.

    They are packed, to a sixth of their size, for those of a closed tab are kept for an hour. `cleared` are the words
    that its reader let go to a model elsewhere.
    """

    answers: tuple[tuple[str, bytes], ...] = ()
    cleared: frozenset[str] = frozenset()

    def after(self, turn: str, answer: Answer) -> Self:
        """The session once a turn has its answer; the oldest go where there are too many."""
        kept = [one for one in self.answers if one[0] != turn]
        return replace(self, answers=(*kept[1 - MOST_TURNS :], (turn, zlib.compress(pickle.dumps(answer), 1))))

    def clearing(self, words: Iterable[str]) -> Self:
        """The session once its reader let words go."""
        return replace(self, cleared=self.cleared.union(words))

    def answer(self, turn: str) -> Answer | None:
        """The answer of a turn, or None where this server did not give it."""
        packed = dict(self.answers).get(turn)
        if packed is None:
            return None
        answer = pickle.loads(zlib.decompress(packed))  # nosec B301 # what this process packed itself
        assert isinstance(answer, Answer)
        return answer


def read_sent(kind: type[Sent], sent: object) -> Sent:
    """What a page sent; raises UsageError, in one line, for what no page of ours sends."""
    try:
        return kind.model_validate(sent)
    except ValidationError as error:
        fault = error.errors(include_url=False)[0]
        place = ".".join(str(step) for step in fault["loc"]) or "the request"
        raise UsageError(f"{place} was not understood: {fault['msg']}; load the page anew and ask again.") from None
