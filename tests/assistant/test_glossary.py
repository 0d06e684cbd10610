"""German and French questions are searched in English key words, and English ones are left alone."""

import json
import re
from pathlib import Path

import pytest

from assistant.analysis import analyse
from assistant.answering import Assistant
from assistant.glossary import to_english
from assistant.question import Intent, Question
from ingest.concordance import load_concordance
from ingest.identifiers import AI_ACT, CONVENTION
from ingest.pinpoint import Pinpoint

ABROAD = [json.loads(line) for line in (Path(__file__).parent / "questions_abroad.jsonl").read_text().splitlines()]
EVERY = 6
FOUND = 0.9


@pytest.mark.parametrize(
    ("language", "text", "english"),
    [
        ("de", "Welche Geldbußen drohen dem Betreiber?", {"fine", "deployer"}),
        ("de", "Hochrisiko-KI-Systeme", {"high-risk", "system"}),
        ("fr", "Les hypertrucages sont-ils interdits ?", {"deep", "fake", "prohibited"}),
        ("fr", "L’organisme notifié", {"notified", "body"}),
        ("de", "Xyzzy", set()),
    ],
)
def test_a_word_is_turned_into_the_english_ones(language: str, text: str, english: set[str]) -> None:
    said = to_english(text, language).split()
    assert all(any(word.startswith(one) for word in said) for one in english)
    assert bool(said) == bool(english)


def test_a_place_and_the_instruments_are_understood_in_german_and_french() -> None:
    german = analyse(Question("Was sagt Artikel 5 der KI-Verordnung?"))
    assert german.language == "de"
    assert [target.pinpoint for target in german.targets] == [Pinpoint.parse("art_5")]
    french = analyse(Question("Que disent la convention du Conseil de l'Europe et le règlement sur l'IA des amendes ?"))
    assert french.language == "fr"
    assert set(french.named) == {CONVENTION, AI_ACT}


def test_a_clause_of_its_own_asks_the_other_side_too() -> None:
    asked = analyse(Question("Wer darf Gesichtserkennung einsetzen, und was sagt die Konvention dazu?"))
    assert asked.intent is Intent.COMPARISON


FOREIGN = re.compile(
    r"[äöüßéèêàçœ]|\b(?:der|die|das|den|dem|und|oder|ist|wer|wo|gibt|für|von|im|beide|kennt|nur|auch|nach|mit|zur|"
    r"les?|la|des?|du|une?|est|qui|que|et|ou|dans|pour|par|quels?|quelles?|sur|deux|entre)\b",
    re.IGNORECASE,
)


def test_an_english_question_is_taken_as_english() -> None:
    asked = [question for one in load_concordance().correspondence for question in one.asked]
    abroad = [question for question in asked if analyse(Question(question)).language != "en"]
    assert len(abroad) < len(asked) / 10
    assert [question for question in abroad if not FOREIGN.search(question)] == []


def test_what_is_asked_in_german_or_french_is_found(assistant: Assistant) -> None:
    sample = ABROAD[::EVERY]
    lost = [one["question"] for one in sample if not _is_found(assistant, one["issue"], one["question"])]
    assert len(lost) <= (1 - FOUND) * len(sample), lost


def _is_found(assistant: Assistant, issue: str, question: str) -> bool:
    """Whether the answer cites a place of the issue."""
    correspondence = next(one for one in load_concordance().correspondence if one.id == issue)
    answer = assistant.ask(Question(question))
    cited = [(one.instrument, one.pinpoint) for one in answer.citations if one.pinpoint]
    return any(
        place.contains(pinpoint) or pinpoint.contains(place)
        for instrument, pinpoint in cited
        for place in correspondence.side(instrument)
    )
