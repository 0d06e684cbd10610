"""What the page saves: its answers as they were shown, made into a file that goes straight to the browser."""

import json
from typing import TYPE_CHECKING, Annotated
from uuid import uuid4

from pydantic import Field

from ingest.clock import today
from ingest.errors import VisavisError
from ui.checks import Check, confirm_checks, tick
from ui.export.exporting import Entry, Format, export_answers
from ui.language import Language
from ui.session import MOST_TURNS, Session, Strict, Wanted, read_sent

if TYPE_CHECKING:
    from assistant.desk import Desk


class Saving(Strict):
    """The turns to be saved, in which format, with their citations or without."""

    format: Format
    citations: bool
    language: Language = Language.ENGLISH
    turns: Annotated[tuple[Wanted, ...], Field(min_length=1, max_length=MOST_TURNS)]


def make_file(desk: "Desk", sent: object, session: Session) -> str:
    """The file as JSON, or its line of trouble; `again` where this server does not hold what was shown.

    The browser sees a new value each time: `wish` sets one apart from another.
    """
    wish = {"wish": uuid4().hex}
    try:
        saving = read_sent(Saving, sent)
        entries = tuple(entry for one in saving.turns if (entry := _entry(one, session)) is not None)
        if len(entries) < len(saving.turns):
            return json.dumps({"again": True} | wish)
        corpus = desk.assistant().corpus
        made = export_answers(
            entries, saving.format, corpus, today(), citations=saving.citations, language=saving.language
        )
    except VisavisError as error:
        return json.dumps({"line": str(error)} | wish)
    return json.dumps(made.record() | wish)


def _entry(wanted: Wanted, session: Session) -> Entry | None:
    answer = session.answer(wanted.id)
    if answer is None:
        return None
    checks: tuple[Check, ...] = ()
    for one in wanted.ticks:
        checks = tick(checks, one.n, one.initials, one.at)
    return Entry(answer, confirm_checks(answer, checks))
