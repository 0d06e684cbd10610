"""One turn of the conversation: a question put to the assistant, and what the page shows for it."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING
from uuid import uuid4

from ingest.clock import parse_date, today
from ingest.errors import VisavisError
from ui import views
from ui.session import Session

if TYPE_CHECKING:
    from assistant.desk import Desk

DAY = "the day of the law,"
BUG = "Something went wrong in the program itself. The question is still in the box; the server's log says more."


@dataclass(frozen=True, slots=True)
class Shown:
    """A turn as HTML, the session after it, and whether the question has been answered."""

    html: str
    session: Session
    answered: bool = False


def take_turn(desk: "Desk", text: str, day: str, session: Session) -> Iterator[Shown]:
    """The turn while it is looked up, then answered, or with the line that says why it cannot be."""
    turn = _new_id()
    yield Shown(views.render_pending(turn, text), session)
    try:
        question = session.question(text, _read_day(day))
        assistant = desk.assistant()
        html = views.render_turn(turn, assistant.ask(question), assistant.corpus)
    except VisavisError as error:
        yield Shown(views.render_trouble(turn, text, str(error)), session)
    else:
        yield Shown(html, session.after(question), answered=True)


def show_state(desk: "Desk", day: str) -> str:
    """The state of the law on a day as typed, or the line that says why there is none."""
    try:
        return views.render_state(desk.assistant().corpus, _read_day(day))
    except VisavisError as error:
        return views.render_state_trouble(str(error))


def show_bug() -> str:
    """What stands in place of an answer when the program itself failed."""
    return views.render_trouble(_new_id(), "", BUG)


def _read_day(text: str) -> date:
    """The day typed, or today where nothing is; raises UsageError for what is no day."""
    return parse_date(text, DAY) if text.strip() else today()


def _new_id() -> str:
    return uuid4().hex[:12]
