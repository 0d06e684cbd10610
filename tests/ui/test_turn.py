from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date
from threading import Event

import pytest

from assistant.answer import Answer, Cell, Claim, ClaimKind, Row
from assistant.question import Question
from ingest.corpus import Corpus
from ingest.errors import StoreStale
from ingest.identifiers import CONVENTION
from tests.ui.still import StillAssistant, StillDesk, WritingAssistant
from ui.record.recorder import Recorder
from ui.session import Session
from ui.turn import Shown, Underway, halt_turn, show_bug, show_state, take_turn

ID = "0123456789abcdef"


def take(
    desk: StillDesk,
    text: str,
    day: str = "2026-11-23",
    choices: Mapping[str, object] | None = None,
    history: Sequence[str] = (),
) -> list[Shown]:
    sent = {"id": ID, "question": text, "choices": {"day": day, **(choices or {})}, "history": history}
    return list(take_turn(desk, sent, Session(), Underway()))


def test_the_rows_come_at_once_and_the_sentences_after_them(corpus: Corpus, answer: Answer) -> None:
    desk = StillDesk(WritingAssistant(corpus, replace(answer, summary=()), sentences=2))
    shown = take(desk, "What is a rose?")
    assert ['data-state="growing"' in one.html for one in shown] == [True, True, True, False]
    assert [one.html.count("is written.") for one in shown] == [0, 1, 2, 2]
    assert all('class="vv-table"' in one.html for one in shown)
    assert all(f'id="turn-{ID}"' in one.html for one in shown)
    assert [one.session.answer(ID) is not None for one in shown] == [False, False, False, True]
    assert "the model is writing" in shown[0].html
    assert "Answer ready" in shown[-1].html


def test_a_turn_that_is_stopped_ends_with_what_was_written(corpus: Corpus, answer: Answer) -> None:
    writing = WritingAssistant(corpus, replace(answer, summary=()), sentences=50, pace=5)
    underway = Underway()
    turn = take_turn(StillDesk(writing), {"id": ID, "question": "Why?"}, Session(), underway)
    next(turn)
    assert underway.stop(ID)
    assert not underway.stop("another")
    assert "The model was stopped." in list(turn)[-1].html
    assert writing.ended == 1
    assert not underway.stop(ID)


class HaltedAssistant(StillAssistant):
    """An assistant without a model whose reader stops it while it looks things up."""

    def __init__(self, corpus: Corpus, answer: Answer, underway: Underway) -> None:
        super().__init__(corpus, answer)
        self.underway = underway

    def stream(self, question: Question, stop: Event | None = None) -> Iterator[Answer]:
        assert self.underway.stop(ID)
        yield from super().stream(question, stop)


def test_a_turn_that_is_stopped_before_its_quotations_are_there_says_nothing_more(
    corpus: Corpus, answer: Answer
) -> None:
    underway, entered = Underway(), Recorder(None)
    counted: list[Answer] = []
    entered.counting = lambda channel, answer, milliseconds: counted.append(answer)
    desk = StillDesk(HaltedAssistant(corpus, answer, underway))
    assert list(take_turn(desk, {"id": ID, "question": "Why?"}, Session(), underway, entered)) == []
    assert counted == []
    anew = {"id": ID[::-1], "question": "Why?"}
    *_, shown = take_turn(StillDesk(StillAssistant(corpus, answer)), anew, Session(), underway)
    assert 'data-state="answered"' in shown.html


def test_a_turn_that_is_stopped_while_it_waits_for_a_place_is_not_answered(corpus: Corpus, answer: Answer) -> None:
    underway = Underway()
    assert not underway.stop(ID)
    writing = WritingAssistant(corpus, answer)
    assert list(take_turn(StillDesk(writing), {"id": ID, "question": "Why?"}, Session(), underway)) == []
    assert writing.asked == []
    again = {"id": ID, "question": "Why?"}
    assert list(take_turn(StillDesk(StillAssistant(corpus, answer)), again, Session(), underway)) != []


@pytest.mark.parametrize("sent", [None, 7, "", "x" * 12, "a" * 2_000_000, {"id": ID}])
def test_a_stop_of_what_is_no_turn_is_let_be(sent: object) -> None:
    underway = Underway()
    halt_turn(underway, sent)
    assert underway.early == ()
    halt_turn(underway, ID)
    assert underway.early == (ID,)


def test_a_tab_that_goes_away_ends_the_model(corpus: Corpus, answer: Answer) -> None:
    writing = WritingAssistant(corpus, answer, sentences=50)
    underway = Underway()
    turn = take_turn(StillDesk(writing), {"id": ID, "question": "Why?"}, Session(), underway)
    next(turn), next(turn)
    turn.close()  # type: ignore[attr-defined]
    assert writing.ended == 1
    assert not underway.stop(ID)


def test_the_day_the_conversation_and_the_choices_reach_the_assistant(desk: StillDesk) -> None:
    take(desk, "And a tulip?", " 2025-03-02 ", history=["What is a rose?"], choices={"commentary": False})
    (asked,) = desk.current.asked
    assert (asked.as_of, asked.history, asked.commentary) == (date(2025, 3, 2), ("What is a rose?",), False)


def test_no_day_is_today(desk: StillDesk) -> None:
    take(desk, "What is a rose?", " ")
    assert desk.current.asked[0].as_of == date(2026, 11, 23)
    assert "23\u00a0November\u00a02026" in show_state(desk, {"day": ""})[0]


@pytest.mark.parametrize(
    ("text", "day", "line"),
    [
        ("What is a rose?", "2026-02-31", "YYYY-MM-DD"),
        ("What is a rose?", "31 February", "31 February"),
        ("  ", "", "the question is empty; ask in a sentence."),
    ],
)
def test_what_cannot_be_asked_is_a_calm_line(desk: StillDesk, text: str, day: str, line: str) -> None:
    (shown,) = take(desk, text, day)
    assert line in shown.html
    assert 'data-state="trouble"' in shown.html
    assert shown.session == Session()


class RebuildingDesk(StillDesk):
    """A desk whose index is taken away for one question."""

    is_away = True

    def assistant(self) -> StillAssistant:
        if self.is_away:
            raise StoreStale("the index is being built anew; ask again in a minute.")
        return super().assistant()


def test_an_index_that_is_being_rebuilt_is_a_calm_line_and_the_next_question_is_answered(desk: StillDesk) -> None:
    rebuilding = RebuildingDesk(desk.current)
    (shown,) = take(rebuilding, "What is a rose?")
    assert "being built anew; ask again in a minute." in shown.html
    assert "What is a rose?" in shown.html
    assert "being built anew" in show_state(rebuilding, {})[0]
    rebuilding.is_away = False
    assert 'data-state="answered"' in take(rebuilding, "What is a rose?")[-1].html


def test_a_page_that_sends_what_no_page_sends_has_its_line(desk: StillDesk) -> None:
    (shown,) = take_turn(desk, {"id": "<b>", "question": "Why?"}, Session(), Underway())
    assert "load the page anew" in shown.html
    assert desk.current.asked == []


def test_a_short_answer_folds_all_but_the_first_quotation_of_a_side(corpus: Corpus, answer: Answer) -> None:
    claims = tuple(Claim(f"Claim {number}.", ClaimKind.LAW, (1,)) for number in range(3))
    desk = StillDesk(StillAssistant(corpus, replace(answer, rows=(Row("Roses", None, (Cell(CONVENTION, claims),)),))))
    *_, full = take(desk, "Why?")
    *_, short = take(desk, "Why?", choices={"length": "short"})
    assert "<details" not in full.html
    head, fold, tail = short.html.partition('<details class="vv-more"><summary>2 more quotations</summary>')
    assert fold
    assert "Claim 0." in head
    assert "Claim 1." in tail
    assert "Claim 2." in tail


@pytest.mark.parametrize(
    ("language", "words"),
    [("en", "Answer ready: 4 issues"), ("fr", "Réponse prête\u00a0: 4 points"), ("de", "Antwort fertig: 4 Punkte")],
)
def test_a_turn_speaks_the_readers_language_and_its_law_stays_english(
    corpus: Corpus, answer: Answer, language: str, words: str
) -> None:
    desk = StillDesk(StillAssistant(corpus, replace(answer, rows=(*answer.rows, answer.rows[0]))))
    *_, shown = take(desk, "Why?", choices={"language": language})
    assert words in shown.html
    assert f'lang="{language}"' in shown.html
    assert '<q class="vv-words" lang="en">(a) roses' in shown.html


def test_the_state_of_the_law_on_a_day_that_does_not_exist_is_a_calm_line(desk: StillDesk) -> None:
    assert "is no date" in show_state(desk, {"day": "31 February"})[0]
    assert "as adopted" in show_state(desk, {"day": "2025-01-01"})[0]
    assert "1. März 2025" in show_state(desk, {"day": "2025-03-01", "language": "de"})[0].replace("\u00a0", " ")


def test_a_failure_of_the_program_is_a_line() -> None:
    assert "the server&#39;s log says more" in show_bug()
