"""What is to be refused is refused, and what only looks like it is answered: a table of people's questions."""

import csv
from datetime import date
from pathlib import Path

import numpy as np
import pytest
from pydantic import ValidationError

from assistant.analysis import analyse
from assistant.answer import RefusalReason
from assistant.answering import Assistant
from assistant.likeness import Bounds, Likeness, Remembering
from assistant.matching import holds_words
from assistant.outside import Matter, find_matter, load_matters
from assistant.question import Question
from ingest.embedding import Embedder
from ingest.index import Store

TABLE = Path(__file__).with_name("refusals.tsv")
ANSWER = "answer"
RIGHT, FALSE = 0.95, 0.03
TODAY = date(2026, 11, 23)


@pytest.fixture(scope="module")
def assistant(official_store: Store, model_cache: object) -> Assistant:
    return Assistant.of(official_store)


@pytest.fixture(scope="module")
def replies(assistant: Assistant) -> dict[tuple[str, str], str]:
    """What each question of the table gets, by the question and what it is to get."""
    with TABLE.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file, delimiter="\t"))
    answers = {(row["question"], row["expected"]): assistant.ask(Question(row["question"])) for row in rows}
    return {asked: str(answer.refusal.reason) if answer.refusal else ANSWER for asked, answer in answers.items()}


def test_what_is_to_be_refused_is_refused(replies: dict[tuple[str, str], str]) -> None:
    wanted = {asked: got for asked, got in replies.items() if asked[1] != ANSWER}
    answered = [question for (question, _), got in wanted.items() if got == ANSWER]
    assert len(wanted) > 90
    assert 1 - len(answered) / len(wanted) >= RIGHT, answered


def test_what_only_looks_like_it_is_answered(replies: dict[tuple[str, str], str]) -> None:
    wanted = {asked: got for asked, got in replies.items() if asked[1] == ANSWER}
    refused = [question for (question, _), got in wanted.items() if got != ANSWER]
    assert len(wanted) > 90
    assert len(refused) / len(wanted) <= FALSE, refused


def test_the_reason_is_the_right_one(replies: dict[tuple[str, str], str]) -> None:
    refused = {asked: got for asked, got in replies.items() if asked[1] != ANSWER}
    wrong = [asked for asked, got in refused.items() if got != asked[1]]
    assert {asked[1] for asked in refused} == set(RefusalReason)
    assert 1 - len(wrong) / len(refused) >= RIGHT, wrong


@pytest.mark.parametrize(
    ("question", "shows"),
    [
        ("How high are the fines that the Convention lays down for companies?", "art_26/1"),
        ("How many member states still have to ratify the AI Act?", "art_113"),
        ("Does Article 11 of the Convention on remedies give a right to be heard?", "art_11"),
    ],
)
def test_a_false_premise_is_put_right_with_the_place_that_shows_it(
    question: str, shows: str, assistant: Assistant
) -> None:
    answer = assistant.ask(Question(question))
    assert answer.refusal is not None and answer.refusal.reason is RefusalReason.FALSE_PREMISE
    assert shows in [str(one.pinpoint) for one in answer.citations]


def test_more_articles_than_there_are_is_put_right_with_their_number(assistant: Assistant) -> None:
    answer = assistant.ask(Question("Which of the Convention's 50 articles is on remedies?"))
    assert answer.refusal is not None and "has 36 articles" in answer.refusal.text
    assert assistant.ask(Question("Which of the Convention's 36 articles is on remedies?")).refusal is None


def test_a_matter_outside_says_what_was_asked_for(assistant: Assistant) -> None:
    refusal = assistant.ask(Question("How many companies have been fined under the AI Act so far?")).refusal
    assert refusal is not None and refusal.reason is RefusalReason.OUT_OF_CORPUS
    assert "in practice" in refusal.text


def test_a_matter_is_told_by_its_words_or_by_nearness_with_a_lead() -> None:
    matter = load_matters()[0]
    outside = Likeness((matter.id,), np.array([[1.0, 0.0]], dtype=np.float32))
    asked = analyse(Question("When is a kettle drum tuned?", as_of=TODAY))
    near = np.array([1.0, 0.0], dtype=np.float32)
    assert find_matter(outside, asked, near, nearest=0.9) is matter
    assert find_matter(outside, asked, near, nearest=1.0) is None
    assert find_matter(outside, asked, None, nearest=0.0) is None
    said = find_matter(
        Likeness.none(), analyse(Question("Is there any case law on kettle drums?", as_of=TODAY)), None, 1.0
    )
    assert said is not None and said.id == "judgments"


@pytest.mark.parametrize("change", [{"colour": "red"}, {"means": []}, {"words": [[[]]]}, {"says": 3}])
def test_a_matter_that_the_schema_does_not_allow_is_refused(change: dict[str, object]) -> None:
    right = {"id": "roses", "says": "The texts have no roses.", "means": ["roses in bloom"]}
    Matter.model_validate(right)
    with pytest.raises(ValidationError):
        Matter.model_validate(right | change)


@pytest.mark.parametrize(
    ("word", "text", "held"),
    [
        ("rul*", "the court rules", True),
        ("rule", "the ruler", False),
        ("did … court* … decide", "did any courts ever decide", True),
        ("did … court* … decide", "did court decide", True),
        ("did … court* … decide", "did it? the court may decide", False),
        ("case law", "case  law", True),
    ],
)
def test_words_are_found_with_their_gaps_within_a_sentence(word: str, text: str, *, held: bool) -> None:
    assert holds_words(((word,),), text) is held


def test_likeness_ranks_what_is_spoken_for_by_its_nearest_statement() -> None:
    likeness = Likeness(("tea", "tea", "tin"), np.array([[0.0, 1.0], [0.6, 0.8], [1.0, 0.0]], dtype=np.float32))
    ranked = likeness.rank(np.array([1.0, 0.0], dtype=np.float32))
    assert list(ranked) == ["tin", "tea"] and ranked["tea"] == pytest.approx(0.6)
    assert Bounds().outside.rank(np.array([1.0], dtype=np.float32)) == {}


def test_a_question_is_embedded_once(assistant: Assistant) -> None:
    asked: list[str] = []

    class Counting(Remembering):
        def embed_query(self, text: str) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
            asked.append(text)
            return super().embed_query(text)

    embedder: Embedder = Remembering(Counting(assistant.embedder))
    assert embedder.embed_query("tea") is embedder.embed_query("tea")
    assert asked == ["tea"]
