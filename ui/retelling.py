"""Answers that stand in a page, told anew when its reader chooses another language."""

import json
import logging
from typing import TYPE_CHECKING, Annotated
from uuid import uuid4

from pydantic import Field

from ingest.errors import VisavisError
from ui.language import load_wording
from ui.sending import say_withheld
from ui.session import Choices, Session, Strict, Turn, TurnId, read_sent
from ui.turn import render_whole

if TYPE_CHECKING:
    from assistant.desk import Desk

MOST_AT_ONCE = 10

log = logging.getLogger("visavis.page")


class Standing(Strict):
    """The turns of a page that are in another language than its reader chose now, and which of them were held back."""

    turns: Annotated[tuple[TurnId, ...], Field(max_length=MOST_AT_ONCE)]
    withheld: Annotated[tuple[TurnId, ...], Field(max_length=MOST_AT_ONCE)] = ()
    choices: Choices


def retell(desk: "Desk", sent: object, session: Session, *, is_recorded: bool) -> str:
    """The turns that this server still holds, each as HTML in the language chosen, in a JSON list; none in trouble.

    The browser sees a new value each time: `wish` sets one apart from another.
    """
    wish = {"wish": uuid4().hex}
    try:
        standing = read_sent(Standing, sent)
        corpus = desk.assistant().corpus
    except VisavisError as error:
        log.warning("page: no answer is told anew: %s", error)
        return json.dumps({"turns": []} | wish)
    words = load_wording(standing.choices.language)
    told = []
    for one in standing.turns:
        answer = session.answer(one)
        if answer is None:
            continue
        turn = Turn(id=one, question=answer.question, choices=standing.choices)
        line = say_withheld(desk.settings, turn, answer, session, words) if one in standing.withheld else ""
        told.append(render_whole(turn, answer, corpus, line, is_recorded=is_recorded))
    return json.dumps({"turns": told} | wish)
