from dataclasses import FrozenInstanceError, replace
from datetime import date
from typing import Any

import pytest

from assistant.answer import Answer
from assistant.question import SIDES
from ingest.clock import today
from ingest.errors import UsageError
from ingest.identifiers import AI_ACT, CONVENTION, InstrumentId
from ui.language import Language
from ui.session import MOST_TURNS, Choices, Length, Session, Turn, read_sent

ID = "0123456789abcdef"
HOUSE = InstrumentId("our-policy")


def sent(**fields: object) -> dict[str, Any]:
    return {"id": ID, "question": "What is a rose?", **fields}


def test_a_turn_is_a_question_with_the_conversation_the_day_and_the_choices() -> None:
    choices = {
        "day": " 2025-03-01 ",
        "instruments": ["eu-ai-act"],
        "commentary": False,
        "language": "fr",
        "length": "short",
    }
    turn = read_sent(Turn, sent(history=["And a tulip?"], choices=choices))
    question = turn.ask(SIDES)
    assert (question.text, question.history, question.as_of) == ("What is a rose?", ("And a tulip?",), date(2025, 3, 1))
    assert (question.scope, question.commentary) == ((AI_ACT,), False)
    assert (turn.choices.language, turn.choices.length) == (Language.FRENCH, Length.SHORT)


def test_nothing_chosen_is_both_instruments_today_with_commentary() -> None:
    question = read_sent(Turn, sent()).ask((*SIDES, HOUSE))
    assert (question.scope, question.as_of, question.commentary) == (SIDES, date(2026, 11, 23), True)


@pytest.mark.parametrize(
    ("chosen", "offered", "scope"),
    [
        ([AI_ACT, CONVENTION], SIDES, SIDES),
        ([HOUSE, CONVENTION], (*SIDES, HOUSE), (CONVENTION, HOUSE)),
        ([CONVENTION, "no-such-text"], SIDES, (CONVENTION,)),
    ],
)
def test_the_scope_is_what_was_chosen_of_what_is_offered(
    chosen: list[str], offered: tuple[InstrumentId, ...], scope: tuple[InstrumentId, ...]
) -> None:
    question = read_sent(Turn, sent(choices={"instruments": chosen})).ask(offered)
    assert (question.scope, question.columns) == (scope, False)


@pytest.mark.parametrize(
    ("fields", "line"),
    [
        ({"choices": {"day": "2026-02-31"}}, "'2026-02-31' is no date; write it as YYYY-MM-DD"),
        ({"choices": {"instruments": ["no-such-text"]}}, "none of the texts chosen is held here"),
        ({"id": "<script>"}, "id was not understood"),
        ({"choices": {"length": "endless"}}, "choices.length was not understood"),
        ({"secret": 1}, "secret was not understood"),
    ],
)
def test_what_cannot_be_asked_is_one_line(fields: dict[str, Any], line: str) -> None:
    with pytest.raises(UsageError) as raised:
        read_sent(Turn, sent(**fields)).ask(SIDES)
    assert line in str(raised.value)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("day", ["1 March 2025", "1.3.2025", "01. 03. 2025", "1er mars 2025", "1\u00a0mars\u00a02025"])
def test_a_day_is_read_as_the_page_prints_it(day: str) -> None:
    assert read_sent(Turn, sent(choices={"day": day})).ask(SIDES).as_of == date(2025, 3, 1)


@pytest.mark.parametrize("day", ["", " ", "today", "Today", "heute", "aujourd'hui", "aujourd’hui"])
def test_the_word_in_the_empty_box_is_today(day: str) -> None:
    assert read_sent(Turn, sent(choices={"day": day})).ask(SIDES).as_of == today()


@pytest.mark.parametrize("day", ["03/01/2025", "31.2.2025", "1 Marchember 2025", "March 2025", "soon", "1.1.99999"])
@pytest.mark.parametrize(("language", "line"), [("fr", "n’est pas une date"), ("de", "ist kein Datum")])
def test_what_is_no_day_is_said_in_the_readers_language(day: str, language: str, line: str) -> None:
    with pytest.raises(UsageError, match=line) as raised:
        read_sent(Turn, sent(choices={"day": day, "language": language})).ask(SIDES)
    assert day in str(raised.value)


@pytest.mark.parametrize("given", [None, "text", [1], 7])
def test_what_is_no_turn_at_all_is_one_line(given: object) -> None:
    with pytest.raises(UsageError, match="was not understood"):
        read_sent(Choices, given)


def test_a_session_is_a_value_that_holds_each_turns_last_answer(answer: Answer) -> None:
    empty = Session()
    first = empty.after("a", answer).after("b", replace(answer, id="two"))
    again = first.after("a", replace(answer, id="three"))
    assert empty.answer("a") is None
    assert [name for name, _ in again.answers] == ["b", "a"]
    assert (again.answer("a") or answer).id == "three"
    with pytest.raises(FrozenInstanceError):
        empty.answers = ()  # type: ignore[misc]


def test_a_session_holds_no_more_than_its_limit(answer: Answer) -> None:
    session = Session()
    for number in range(MOST_TURNS + 3):
        session = session.after(str(number), answer)
    assert len(session.answers) == MOST_TURNS
    assert session.answer("2") is None
    assert session.answer(str(MOST_TURNS + 2)) == answer
    assert sum(len(packed) for _, packed in session.answers) < MOST_TURNS * 4096
