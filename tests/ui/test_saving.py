"""What the page saves: the answers that it was shown, or the line that says why not."""

import json
from base64 import b64decode
from typing import Any

import pytest

from assistant.answer import Answer
from tests.ui.still import StillDesk
from ui.saving import make_file
from ui.session import Session

FIRST, SECOND = "0123456789ab", "ba9876543210"
TICK = {"n": 2, "initials": "AB", "at": "2026-11-23T10:00:00Z"}


def save(desk: StillDesk, session: Session, *turns: object, **fields: object) -> dict[str, Any]:
    made: dict[str, Any] = json.loads(
        make_file(desk, {"format": "markdown", "citations": True, "turns": turns} | fields, session)
    )
    return made


def test_what_is_saved_is_what_was_shown_with_its_ticks(desk: StillDesk, answer: Answer) -> None:
    session = Session().after(FIRST, answer)
    made = save(desk, session, {"id": FIRST, "ticks": [TICK]})
    text = b64decode(made["base64"]).decode()
    assert made["media_type"].startswith("text/markdown")
    assert "Both tend roses." in text
    assert "AB" in text
    assert desk.current.asked == []


def test_an_answer_that_this_server_did_not_give_is_asked_for_again(desk: StillDesk, answer: Answer) -> None:
    made = save(desk, Session().after(FIRST, answer), {"id": FIRST}, {"id": SECOND})
    assert made["again"]
    assert "base64" not in made


@pytest.mark.parametrize(
    ("turn", "fields", "line"),
    [
        ({"id": FIRST, "ticks": [TICK | {"n": 99}]}, {}, "citation 99 is ticked"),
        ({"id": FIRST, "ticks": [TICK | {"initials": "a b"}]}, {}, "initials"),
        ({"id": FIRST, "ticks": [TICK | {"at": "yesterday"}]}, {}, "was not understood"),
        ({"id": FIRST}, {"format": "exe"}, "format was not understood"),
    ],
)
def test_what_cannot_be_saved_is_one_line(
    desk: StillDesk, answer: Answer, turn: object, fields: dict[str, Any], line: str
) -> None:
    assert line in save(desk, Session().after(FIRST, answer), turn, **fields)["line"]


def test_two_wishes_alike_are_two_values(desk: StillDesk, answer: Answer) -> None:
    session = Session().after(FIRST, answer)
    assert save(desk, session, {"id": FIRST}) != save(desk, session, {"id": FIRST})
