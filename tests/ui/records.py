"""Records for tests: a place in a folder or in PostgreSQL, answers to enter, rows to spoil."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

from pydantic import SecretStr

from assistant.answer import Answer, Citation, Dropped, Refusal, RefusalReason, Writer
from assistant.question import SIDES, Intent
from ingest.identifiers import AI_ACT, ExpressionId
from ingest.instrument import Authority
from ingest.pinpoint import Pinpoint
from ui.people import Means, Person, Role
from ui.record.entry import Channel, Draft, EntryKind
from ui.record.ledger import Ledger, open_ledger
from ui.record.place import Place, place_of
from ui.record.policy import Policy
from ui.record.recorder import draft_answer
from ui.settings import ServeSettings

SECRET = "Is the wizened gardener of Ravenna banned?"
ADA = Person("ada-7f3a", "Ada Lovelace", Role.EDITOR, Means.OIDC)
BOB = Person("bob-11", "Bob", Role.READER, Means.TOKEN)
START = datetime(2026, 11, 23, 10, 0, tzinfo=UTC)


def citation(n: int) -> Citation:
    expression = ExpressionId.parse("eu-ai-act@2026-07-27:en")
    return Citation(
        n, AI_ACT, f"Article {n}", Authority.LAW, Pinpoint.parse(f"art_{n}"), expression=expression, quote="w"
    )


def answer(identity: str = "one", *, refusal: Refusal | None = None) -> Answer:
    """An answer of a model, one sentence of which was dropped."""
    return Answer(
        id=identity,
        question=SECRET,
        standalone_question=SECRET,
        intent=Intent.COMPARISON,
        as_of=date(2026, 11, 23),
        scope=SIDES,
        writer=Writer("model", "openai:local"),
        corpus_id="0123456789abcdef",
        corpus_built="2026-11-23T10:00:00Z",
        citations=() if refusal else (citation(5), citation(6)),
        refusal=refusal,
        dropped=(Dropped("The gardener of Ravenna is banned.", "it names no citation"),),
    )


REFUSED = Refusal(RefusalReason.UNCLEAR, "Say more.")


def draft(person: Person = ADA, identity: str = "one", *, day: int = 0, policy: Policy | None = None) -> Draft:
    """The entry of an answer, made a day after another."""
    made = draft_answer(person, Channel.CHAT, answer(identity), 12.5, policy or Policy())
    return replace(made, at=START + timedelta(days=day))


def loss(number: int) -> Draft:
    return Draft(EntryKind.LOSS, {"entries": number})


def place(url: str) -> Place:
    return place_of(ServeSettings(record_url=SecretStr(url)))


@contextmanager
def opened(url: str) -> Iterator[Ledger]:
    """The record at a URL."""
    ledger = open_ledger(place(url))
    try:
        yield ledger
    finally:
        ledger.close()


def spoil(ledger: Ledger, statement: str, **values: Any) -> None:  # noqa: ANN401 - whatever a column takes
    """Change the database behind the record's back."""
    from sqlalchemy import text

    with ledger._engine.begin() as connection:
        connection.execute(text(statement), values)


def until(condition: Callable[[], bool], seconds: float = 20.0) -> bool:
    """Wait for a condition; gives whether it came."""
    import time

    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.02)
    return True
