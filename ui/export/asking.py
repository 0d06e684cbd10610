"""An export over HTTP: questions come in, are asked again, and go out as a file.

No record is taken from a client. That its quotations stand could be checked against the texts, but not that its other
sentences are ours, and a file in our name would carry whatever was put into them. The same corpus, questions and day
give the same answers, so that asking again loses nothing where no model writes; where one does, the file holds what it
writes this time, checked like every answer. A page that must give exactly what it showed keeps its answers with the
server.
"""

from collections.abc import Callable
from datetime import date
from typing import TYPE_CHECKING, Annotated

from pydantic import Field, ValidationError

from assistant.answer import Answer
from assistant.question import Question
from ingest.clock import today
from ingest.errors import UsageError
from ui.checks import Checks, tick
from ui.export.exporting import Entry, Exported, Format, export_answers
from ui.language import Language
from ui.sending import quote_withheld
from ui.session import Sending, Strict, Ticked

if TYPE_CHECKING:
    from assistant.answering import Assistant
    from assistant.settings import Settings

MOST_QUESTIONS = 100
MOST_TICKS = 200
MOST_BYTES = 2_000_000


class Again(Strict):
    """A question to be asked again, on the day that it was asked for, and the ticks on its citations."""

    question: str
    as_of: date | None = None
    checked: Annotated[tuple[Ticked, ...], Field(max_length=MOST_TICKS)] = ()
    sending: Sending = Sending.GUARDED

    def checks(self) -> Checks:
        """The ticks; raises UsageError for initials that are none."""
        checks: Checks = ()
        for one in self.checked:
            checks = tick(checks, one.n, one.initials, one.at)
        return checks


class Wish(Strict):
    """What is to be exported: the questions of one conversation in order, each with those before it as its history.

    `history` holds the turns before the first of them; `corpus` names the texts that the ticks were made on.
    """

    format: Format
    questions: Annotated[tuple[Again, ...], Field(min_length=1, max_length=MOST_QUESTIONS)]
    history: Annotated[tuple[str, ...], Field(max_length=MOST_QUESTIONS)] = ()
    citations: bool = True
    corpus: str = ""
    language: Language = Language.ENGLISH


def export_asked(
    assistant: "Assistant",
    body: bytes,
    asking: Callable[[Question], Answer] | None = None,
    settings: "Settings | None" = None,
) -> Exported:
    """The file for a request's body; raises VisavisError, in one line, for what cannot be read, asked or exported.

    Questions go to the assistant by `asking`, where one is given. By the `settings` of a guard, one that may point to a
    person or a case is quoted without a model elsewhere.
    """
    ask = asking or assistant.ask
    wish = _read(body)
    if wish.corpus and wish.corpus != assistant.corpus.id:
        raise UsageError(
            f"the texts are now {assistant.corpus.id}, and the request names {wish.corpus[:64]!r}; "
            "ask again, for the answers may cite other places."
        )
    history = wish.history
    entries = []
    for again in wish.questions:
        asked = Question(again.question, history, again.as_of or today())
        answer = quote_withheld(settings, assistant, asked, again.sending) or ask(asked)
        entries.append(Entry(answer, again.checks()))
        history = (*history, again.question)
    return export_answers(
        tuple(entries), wish.format, assistant.corpus, today(), citations=wish.citations, language=wish.language
    )


def _read(body: bytes) -> Wish:
    if len(body) > MOST_BYTES:
        raise UsageError(f"the request has more than {MOST_BYTES:,} bytes; export fewer questions at a time.")
    try:
        return Wish.model_validate_json(body)
    except ValidationError as error:
        fault = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(map(str, fault["loc"])) or "the body"
        raise UsageError(f"{place}: {fault['msg']}.") from None
