"""One turn of the conversation: a question put to the assistant, and what the page shows for it as it is answered."""

from collections import deque
from collections.abc import Generator, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from http import HTTPStatus
from threading import Event, Lock
from typing import TYPE_CHECKING

from pydantic import TypeAdapter, ValidationError

from assistant.answer import Answer
from ingest.corpus import Corpus
from ingest.errors import UsageError, VisavisError
from ui import views
from ui.language import Language, load_wording
from ui.people import NOBODY, Person
from ui.record.entry import Channel
from ui.record.recorder import Recorder
from ui.refused import Refused
from ui.sending import clear, say_withheld
from ui.session import Choices, Length, Session, Turn, TurnId, read_sent

if TYPE_CHECKING:
    from assistant.desk import Desk

MOST_EARLY = 256
_TURN_ID = TypeAdapter(TurnId)


@dataclass(frozen=True, slots=True)
class Shown:
    """A turn as HTML, and the session after it."""

    html: str
    session: Session


class Underway:
    """The turns that are being answered, each with the event that ends it; a turn's id is known to its tab alone.

    One that is stopped before it is begun, while it waits for a place, is never answered.
    """

    def __init__(self) -> None:
        self._stops: dict[str, Event] = {}
        self._early: deque[str] = deque(maxlen=MOST_EARLY)
        self._lock = Lock()

    @contextmanager
    def answering(self, turn: str) -> Iterator[Event]:
        """The event that `stop` sets while the turn is answered."""
        stop = Event()
        with self._lock:
            self._stops[turn] = stop
            if turn in self._early:
                self._early.remove(turn)
                stop.set()
        try:
            yield stop
        finally:
            stop.set()
            with self._lock:
                self._stops.pop(turn, None)

    @property
    def early(self) -> tuple[str, ...]:
        """The turns that were stopped before they were begun."""
        return tuple(self._early)

    def stop(self, turn: str) -> bool:
        """End a turn, with what the page has of it; gives whether it was under way."""
        with self._lock:
            stop = self._stops.get(turn)
            if stop is None:
                self._early.append(turn)
        if stop is not None:
            stop.set()
        return stop is not None


def halt_turn(underway: Underway, sent: object) -> None:
    """Stop the turn that a page names; what is no turn's id is let be."""
    with suppress(ValidationError):
        underway.stop(_TURN_ID.validate_python(sent))


def take_turn(
    desk: "Desk",
    sent: object,
    session: Session,
    underway: Underway,
    recorder: Recorder | None = None,
    person: Person = NOBODY,
) -> Generator[Shown]:
    """The turn as its answer grows, whole each time, or with the line that says why there is none; it is entered.

    Nothing comes, and nothing is entered, of a turn that is stopped before its quotations are there.
    """
    recorder = recorder or Recorder(None)
    try:
        turn = read_sent(Turn, sent)
    except UsageError as error:
        yield Shown(views.render_trouble("", "", str(error)), session)
        return
    try:
        assistant = desk.assistant()
        question = turn.ask(views.offered_instruments(assistant.corpus))
        answer: Answer | None = None
        held: list[str] = []
        words = load_wording(turn.choices.language)

        def asked(stop: Event) -> Generator[Answer]:
            with closing(assistant.stream(question, stop)) as states:
                for state in _unless_stopped(states, stop):
                    held.extend(filter(None, [say_withheld(desk.settings, turn, state, session, words)]))
                    yield state
                    if held:
                        break

        with (
            underway.answering(turn.id) as stop,
            closing(recorder.following(asked(stop), person, Channel.CHAT)) as growing,
        ):
            for answer in growing:
                if not held and assistant.writes:
                    yield Shown(_render(turn, answer, assistant.corpus, is_whole=False), session)
    except VisavisError as error:
        yield Shown(views.render_trouble(turn.id, turn.question, str(error), turn.choices.language), session)
    else:
        if answer is None:
            return
        line = next(iter(held), "")
        shown = render_whole(turn, answer, assistant.corpus, line, is_recorded=recorder.is_on)
        yield Shown(shown, clear(turn, answer, session).after(turn.id, answer))


def _unless_stopped(states: Generator[Answer], stop: Event) -> Iterator[Answer]:
    """The states of an answer, none where it was stopped before the first was there."""
    if stop.is_set():
        return
    for number, state in enumerate(states):
        if number == 0 and stop.is_set():
            return
        yield state


def render_whole(turn: Turn, answer: Answer, corpus: Corpus, withheld: str, *, is_recorded: bool) -> str:
    """A turn with its whole answer, or with the line on why its question stays here, as HTML."""
    return _render(turn, answer, corpus, is_whole=True, withheld=withheld, is_recorded=is_recorded)


def _render(
    turn: Turn, answer: Answer, corpus: Corpus, *, is_whole: bool, withheld: str = "", is_recorded: bool = False
) -> str:
    is_short = turn.choices.length is Length.SHORT
    manner = views.Manner(turn.choices.language, is_short, is_whole, withheld, is_recorded)
    return views.render_turn(turn.id, answer, corpus, manner)


def show_state(desk: "Desk", sent: object) -> tuple[str, str]:
    """The state of the law on a day as typed, or the line that says why there is none; and what texts are missing."""
    choices = Choices()
    try:
        choices = read_sent(Choices, sent)
        corpus = desk.assistant().corpus
        missing = views.render_missing(corpus, choices.language)
        return views.render_state(corpus, choices.as_of(), choices.language, _look_of(choices)), missing
    except VisavisError as error:
        return views.render_state_trouble(str(error), _look_of(choices)), ""


def _look_of(choices: Choices) -> str:
    """What a look at a day was at: the page looks again where its reader has chosen otherwise since."""
    return f"{choices.language} {choices.day}"


def show_full(sent: object, session: Session, refused: Refused) -> Shown:
    """What stands in place of an answer where the server has no place for the question now; it is kept in the box."""
    try:
        turn = read_sent(Turn, sent)
    except UsageError as error:
        return Shown(views.render_trouble("", "", str(error)), session)
    language = turn.choices.language
    key = "full" if refused.status is HTTPStatus.TOO_MANY_REQUESTS else "ending"
    return Shown(views.render_trouble(turn.id, turn.question, load_wording(language).say(key), language), session)


def show_bug(language: Language = Language.ENGLISH) -> str:
    """What stands in place of an answer when the program itself failed."""
    return views.render_trouble("", "", load_wording(language).say("bug"), language)
