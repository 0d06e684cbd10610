"""What a server does with its record: answers, ticks and feedback go in, and no reader waits for a database.

One thread writes. Who hands something in waits for it a moment and no longer; while the database is away, entries wait
in memory and go in when it is back. Where the policy is strict, what could not be entered is withheld instead.
"""

import logging
import threading
import time
from collections import OrderedDict, deque
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from assistant.answer import Answer, Citation
from assistant.question import Question
from ingest.errors import UsageError
from ui.people import Person
from ui.record.entry import Channel, Draft, EntryKind, FeedbackKind, Record, now, say_moment
from ui.record.errors import RecordAway, RecordError, UnknownAnswer
from ui.record.ledger import Ledger, open_ledger
from ui.record.place import place_of
from ui.record.policy import Policy, policy_of
from ui.settings import ServeSettings

if TYPE_CHECKING:
    from assistant.answering import Assistant

MOST_WAITING = 10_000
MOST_AT_ONCE = 200
MOST_REMEMBERED = 5_000
A_MOMENT = 0.25
STRICT_SECONDS = 5.0
RETRIES = (0.2, 0.5, 1.0, 2.0)
PURGES_EVERY = 24 * 3600.0
JUMP = 3600.0
CLOSES_WITHIN = 3.0
NOT_RECORDED = "the answer cannot be shown, for it cannot be entered in the record; ask again in a minute."
NOT_NOW = "the record cannot be reached now; try again in a minute."

log = logging.getLogger("visavis.record")


@dataclass(frozen=True, slots=True)
class Given:
    """An answer that somebody was given: its entry, and the numbers of its citations."""

    entry: str
    citations: frozenset[int]


@dataclass(slots=True, eq=False)
class _Waiting:
    """A draft on its way into the record."""

    draft: Draft
    written: threading.Event = field(default_factory=threading.Event)


class Recorder:
    """The record of a running server; `Recorder(None)` keeps none, and says so to who gives feedback."""

    def __init__(
        self,
        opening: Callable[[], Ledger] | None,
        policy: Policy | None = None,
        *,
        most: int = MOST_WAITING,
    ) -> None:
        self.policy = policy or Policy()
        self.counting: Callable[[Channel, Answer, float], object] = lambda channel, answer, milliseconds: None
        self._opening = opening
        self._most = most
        self._ledger: Ledger | None = None
        self._queue: deque[_Waiting] = deque()
        self._given: OrderedDict[tuple[str, str], Given] = OrderedDict()
        self._change = threading.Condition()
        self._away = False
        self._ending = False
        self._lost = 0
        self._loss: Draft | None = None
        self._clocks = (time.time(), time.monotonic())
        self._doubted = False
        self._scrubbing: threading.Thread | None = None
        self._unscrubbed = False
        self._thread = threading.Thread(target=self._run, name="record", daemon=True)
        if opening is not None:
            self._thread.start()

    @property
    def is_on(self) -> bool:
        """Whether a record is kept."""
        return self._opening is not None

    @property
    def waiting(self) -> int:
        """How many entries are not written yet."""
        return len(self._queue)

    @property
    def is_away(self) -> bool:
        """Whether the database took nothing when it was last tried."""
        return self._away

    # What goes in

    def answered(
        self, person: Person, channel: Channel, answer: Answer, milliseconds: float, *, whole: bool = True
    ) -> str:
        """Enter that somebody was given an answer, after so many milliseconds; gives the entry's id.

        `whole` is false where it broke off. Raises RecordError where the policy is strict and it cannot be entered.
        """
        self.counting(channel, answer, milliseconds)
        if not self.is_on:
            return ""
        draft = draft_answer(person, channel, answer, milliseconds, self.policy, whole=whole)
        self._enter(draft)
        self._remember(person, answer, Given(draft.id, frozenset(one.n for one in answer.citations)))
        return draft.id

    def following(
        self, states: Generator[Answer] | Iterator[Answer], person: Person, channel: Channel
    ) -> Generator[Answer]:
        """The states of a growing answer as they come, the last entered before this ends, or where it is broken off.

        Where the policy is strict there is one state, the whole answer, after it was entered.
        """
        begun = time.perf_counter()
        last: Answer | None = None
        whole = False
        try:
            for last in states:
                if not self._withholds:
                    yield last
            whole = True
        finally:
            close = getattr(states, "close", None)
            if close is not None:
                close()
            if last is not None and (whole or not self._withholds):
                self.answered(person, channel, last, (time.perf_counter() - begun) * 1000, whole=whole)
        if self._withholds and last is not None:
            yield last

    def asking(self, assistant: "Assistant", person: Person, channel: Channel) -> Callable[[Question], Answer]:
        """What asks a question of the assistant, and enters the answer before it gives it."""

        def ask(question: Question) -> Answer:
            begun = time.perf_counter()
            answer = assistant.ask(question)
            self.answered(person, channel, answer, (time.perf_counter() - begun) * 1000)
            return answer

        return ask

    @property
    def _withholds(self) -> bool:
        return self.is_on and self.policy.strict

    def checked(self, person: Person, channel: Channel, answer: Answer, n: int, initials: str, at: datetime) -> None:
        """Enter that a citation was ticked by whoever has these initials; "" where the tick was taken back."""
        if not self.is_on:
            return
        given = self._find(person, answer.id)
        _confirm(n, given)
        body: Record = {"channel": channel, "citation": n, "checked": bool(initials), "ticked_at": say_moment(at)}
        personal = {"person": _person(person), "initials": initials}
        self._enter(_said_of(EntryKind.CHECK, given, body, personal, person))

    def commented(
        self, person: Person, channel: Channel, answer: str, kind: FeedbackKind, citation: int | None, comment: str
    ) -> str:
        """Enter what somebody says of the answer with an id that they were given; gives the entry's id.

        Raises UnknownAnswer where they were given none, and UsageError for a citation that it does not have.
        """
        if not self.is_on:
            raise UsageError("this server keeps no record, so that feedback would go nowhere; tell whoever runs it.")
        given = self._find(person, answer)
        if citation is not None:
            _confirm(citation, given)
        body: Record = {"channel": channel, "feedback": kind, "citation": citation}
        personal = {"person": _person(person), "comment": comment}
        draft = _said_of(EntryKind.FEEDBACK, given, body, personal, person)
        self._enter(draft)
        return draft.id

    def close(self) -> None:
        """Write what waits, if the database takes it soon, and let go of it."""
        with self._change:
            self._ending = True
            self._change.notify_all()
        if self.is_on:
            self._thread.join(CLOSES_WITHIN)
        if self._scrubbing is not None:
            self._scrubbing.join(CLOSES_WITHIN)
        if self._queue:
            log.error("record: %d entries could not be written before the end and are lost", len(self._queue))

    # Answers that were given

    def _remember(self, person: Person, answer: Answer, given: Given) -> None:
        with self._change:
            self._given[(person.subject, answer.id)] = given
            self._given.move_to_end((person.subject, answer.id))
            while len(self._given) > MOST_REMEMBERED:
                self._given.popitem(last=False)

    def _find(self, person: Person, answer: str) -> Given:
        given = self._given.get((person.subject, answer))
        if given is not None:
            return given
        if self._ledger is None:
            raise RecordAway(NOT_NOW)
        try:
            entry = self._ledger.find_answer(answer, subject_of(person))
        except RecordAway as error:
            log.error("record: %s", error)
            raise RecordAway(NOT_NOW) from None
        if entry is None:
            raise UnknownAnswer("the record has no such answer that was given to you; ask again, and then say.")
        return Given(entry.id, frozenset(one["n"] for one in entry.told()["citations"]))

    # Handing in

    def _enter(self, draft: Draft) -> None:
        """Hand a draft to the writing thread; raises RecordError where the policy is strict and it is not written."""
        waiting = _Waiting(draft)
        with self._change:
            if self._ending:
                log.error("record: an entry came after the end and is lost")
                if self.policy.strict:
                    raise RecordAway(NOT_RECORDED)
                return
            if len(self._queue) >= self._most and not self.policy.strict:
                self._lost += 1
                log.error("record: %d entries are lost, for %d are waiting already", self._lost, self._most)
                return
            self._queue.append(waiting)
            self._change.notify_all()
        if self.policy.strict:
            self._insist(waiting)
        elif not self._away:
            waiting.written.wait(A_MOMENT)

    def _insist(self, waiting: _Waiting) -> None:
        if waiting.written.wait(STRICT_SECONDS):
            return
        with self._change:
            if waiting not in self._queue:  # written at the last moment
                return
            self._queue.remove(waiting)
        raise RecordAway(NOT_RECORDED)

    # Writing

    def _run(self) -> None:
        """Write until the end; a bug is said aloud, and from then on the record counts as away."""
        try:
            self._write()
        except Exception:
            self._away = True
            log.exception("record: a bug has ended the writing; nothing is entered until the server is started anew.")

    def _write(self) -> None:
        """Write what waits until the end, again and again while the database is away."""
        purge_at = time.monotonic()
        failures = 0
        while True:
            try:
                batch = self._next(purge_at)
                if batch:
                    self._write_batch(batch, again=failures > 0)
                elif self._ending:
                    break
                elif self._away:
                    self._open().append(())
                self._say_it_is_back()
                if time.monotonic() >= purge_at:
                    purge_at = time.monotonic() + PURGES_EVERY
                    self._purge()
                failures = 0
            except RecordError as error:
                if failures == 0:
                    log.error("record: %s %d entries wait for it.", error, len(self._queue))
                self._away = True
                if self._ending:
                    break
                self._pause(RETRIES[min(failures, len(RETRIES) - 1)])
                failures += 1
        if self._ledger is not None:
            self._ledger.close()

    def _next(self, purge_at: float) -> list[_Waiting]:
        with self._change:
            while not (self._queue or self._ending or self._away or time.monotonic() >= purge_at):
                self._change.wait(purge_at - time.monotonic())
            return list(self._queue)[:MOST_AT_ONCE]

    def _write_batch(self, batch: list[_Waiting], *, again: bool) -> None:
        ledger = self._open()
        loss = self._noted_loss()
        ledger.append([*(one.draft for one in batch), *loss], again=again)
        self._loss = None
        with self._change:
            for one in batch:
                if one in self._queue:
                    self._queue.remove(one)
                one.written.set()

    def _noted_loss(self) -> list[Draft]:
        """The entry of what was lost, the same one until it is written, so that another try does not count it twice."""
        with self._change:
            if self._loss is None and self._lost:
                self._loss, self._lost = Draft(EntryKind.LOSS, {"entries": self._lost}), 0
        return [] if self._loss is None else [self._loss]

    def _say_it_is_back(self) -> None:
        if self._away:
            self._away = False
            log.warning("record: the database is back; what waited is written.")

    def _pause(self, seconds: float) -> None:
        with self._change:
            self._change.wait_for(lambda: self._ending, seconds)

    def _open(self) -> Ledger:
        if self._ledger is None:
            assert self._opening is not None
            self._ledger = self._opening()
        return self._ledger

    def _purge(self) -> None:
        """Delete what is older than the policy allows, unless the clock cannot be trusted with that.

        What it could not once be trusted with it is not trusted with until the server is started anew.
        """
        wall, monotonic = self._clocks
        if not self._doubted and abs((time.time() - wall) - (time.monotonic() - monotonic)) > JUMP:
            log.warning("record: the clock has jumped, so nothing is deleted; see to it and run visavis audit purge.")
            self._doubted = True
        if self._doubted:
            return
        moment = now()
        before = moment - timedelta(days=self.policy.days)
        ledger = self._open()
        bounds = ledger.bounds()
        if bounds is not None and bounds[1] < say_moment(before):
            log.warning("record: every entry is past its days; if the clock is right, run visavis audit purge.")
            self._doubted = True
            return
        purged = ledger.purge(before, moment)
        if purged:
            log.info("record: %d entries older than %d days were deleted", purged, self.policy.days)
        if purged or self._unscrubbed:
            self._unscrubbed = True
            self._scrubbing = threading.Thread(target=self._scrub, name="record scrubbing", daemon=True)
            self._scrubbing.start()

    def _scrub(self) -> None:
        """Take what was deleted out of the database's files, beside the thread that writes, for it may take a while."""
        assert self._opening is not None
        try:
            ledger = self._opening()
            try:
                ledger.compact()
            finally:
                ledger.close()
        except RecordError as error:
            log.warning("record: what was deleted is in the database's files until tomorrow's try: %s", error)
        else:
            self._unscrubbed = False


def open_recorder(settings: ServeSettings) -> Recorder:
    """The record that the settings ask for; raises RecordError or SettingsError, in one line.

    A database that is away is no error but where the policy is strict: what is entered waits for it.
    """
    if not settings.record:
        return Recorder(None)
    place = place_of(settings)
    try:
        open_ledger(place).close()
    except RecordAway as error:
        if settings.record_strict:
            raise
        log.error("record: %s Entries wait for it.", error)
    return Recorder(lambda: open_ledger(place), policy_of(settings))


def subject_of(person: Person) -> str | None:
    """By what a person's entries are found; None for nobody."""
    return _storable(person.subject) or None


def draft_answer(
    person: Person, channel: Channel, answer: Answer, milliseconds: float, policy: Policy, *, whole: bool = True
) -> Draft:
    """The entry of an answer; the words of the question and of dropped sentences only where the policy says so."""
    personal: Record = {"person": _person(person), "answer": answer.id}
    if policy.questions:
        personal |= {"question": answer.question, "dropped": [one.text for one in answer.dropped]}
    return Draft(
        EntryKind.ANSWER,
        body_of(answer, channel, milliseconds, whole=whole),
        personal,
        subject=subject_of(person),
        answer=_storable(answer.id),
    )


def body_of(answer: Answer, channel: Channel, milliseconds: float, *, whole: bool) -> Record:
    """What is entered of an answer, whoever was given it."""
    return {
        "channel": channel,
        "whole": whole,
        "corpus": {"id": answer.corpus_id, "built": answer.corpus_built},
        "writer": answer.writer.name,
        "model": answer.writer.model,
        "intent": answer.intent,
        "as_of": answer.as_of.isoformat(),
        "scope": list(answer.scope),
        "citations": [_citation(one) for one in answer.citations],
        "refusal": None if answer.refusal is None else answer.refusal.reason,
        "dropped": [{"reason": one.reason, "mended": one.mended is not None} for one in answer.dropped],
        "milliseconds": round(milliseconds, 1),
    }


def _citation(one: Citation) -> Record:
    place = {"pinpoint": _text(one.pinpoint), "expression": _text(one.expression)}
    return {"n": one.n, "instrument": one.instrument, **place}


def _said_of(kind: EntryKind, given: Given, body: Record, personal: Record, person: Person) -> Draft:
    return Draft(kind, body, personal, refers=given.entry, subject=subject_of(person))


def _confirm(n: int, given: Given) -> None:
    if n not in given.citations:
        raise UsageError(f"the answer has no citation {n}; it has {len(given.citations)}.")


def _person(person: Person) -> Record:
    return {"id": person.id, "name": person.name, "role": person.role, "means": person.means}


def _text(value: object) -> str | None:
    return None if value is None else str(value)


def _storable(text: str) -> str:
    """Text as a column of a database can hold it."""
    return text.replace("\x00", "\ufffd").encode("utf-8", "replace").decode("utf-8")
