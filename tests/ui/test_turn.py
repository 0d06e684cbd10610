from datetime import date

from tests.ui.still import StillDesk
from ui.session import Session
from ui.turn import Shown, show_bug, show_state, take_turn


def take(desk: StillDesk, text: str, day: str = "2026-11-23", session: Session | None = None) -> list[Shown]:
    return list(take_turn(desk, text, day, session or Session()))


def test_a_turn_is_first_shown_as_looked_up_and_then_answered_in_its_place(desk: StillDesk) -> None:
    pending, answered = take(desk, "What is a rose?")
    assert "Looking it up" in pending.html
    assert 'class="vv-table"' in answered.html
    assert pending.html.split('id="')[1].split('"')[0] == answered.html.split('id="')[1].split('"')[0]
    assert (pending.answered, answered.answered) == (False, True)
    assert answered.session == Session(("What is a rose?",))


def test_the_day_and_the_conversation_reach_the_assistant(desk: StillDesk) -> None:
    *_, first = take(desk, "What is a rose?", "2025-03-01")
    take(desk, "And a tulip?", " 2025-03-02 ", first.session)
    assert [(one.as_of, one.history) for one in desk.current.asked] == [
        (date(2025, 3, 1), ()),
        (date(2025, 3, 2), ("What is a rose?",)),
    ]


def test_no_day_is_today(desk: StillDesk) -> None:
    take(desk, "What is a rose?", " ")
    assert desk.current.asked[0].as_of == date(2026, 11, 23)
    assert "23\u00a0November\u00a02026" in show_state(desk, "")


def test_a_day_that_does_not_exist_is_a_calm_line(desk: StillDesk) -> None:
    *_, shown = take(desk, "What is a rose?", "2026-02-31")
    assert "2026-02-31" in shown.html
    assert "YYYY-MM-DD" in shown.html
    assert "What is a rose?" in shown.html
    assert (shown.answered, shown.session) == (False, Session())


def test_a_question_that_cannot_be_asked_is_a_calm_line(desk: StillDesk) -> None:
    *_, shown = take(desk, "  ")
    assert "the question is empty; ask in a sentence." in shown.html
    assert not shown.answered


def test_the_state_of_the_law_on_a_day_that_does_not_exist_is_a_calm_line(desk: StillDesk) -> None:
    assert "is no date" in show_state(desk, "31 February")
    assert "as adopted" in show_state(desk, "2025-01-01")


def test_a_failure_of_the_program_is_a_line_and_loses_no_turn_before_it() -> None:
    first, second = show_bug(), show_bug()
    assert "the server&#39;s log says more" in first
    assert first != second
