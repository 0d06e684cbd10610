from dataclasses import FrozenInstanceError
from datetime import date

import pytest

from ui.session import Session

DAY = date(2026, 11, 23)


def test_a_question_carries_the_turns_before_it() -> None:
    session = Session()
    first = session.question("What is a rose?", DAY)
    assert first.history == ()
    second = session.after(first).question("And a tulip?", DAY)
    assert second.history == ("What is a rose?",)
    assert second.as_of == DAY


def test_a_session_is_a_value() -> None:
    session = Session()
    assert session.after(session.question("Why?", DAY)) == Session(("Why?",))
    assert session == Session()
    with pytest.raises(FrozenInstanceError):
        session.turns = ("no",)  # type: ignore[misc]
