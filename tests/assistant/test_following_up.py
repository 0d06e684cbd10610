"""A question that leans on the one before takes its subject up; one that stands alone does not."""

from datetime import date

import pytest

from assistant.analysis import analyse
from assistant.question import Question
from ingest.identifiers import AI_ACT, CONVENTION

DAY = date(2026, 11, 23)


def subject(question: str, *history: str) -> str:
    return analyse(Question(question, history, DAY)).phrase


@pytest.mark.parametrize(
    ("before", "question", "taken_up"),
    [
        ("What must be reported after a serious incident?", "Within how many days?", "serious incident"),
        ("How high are the fines for banned practices?", "How high at most?", "banned practices"),
        ("What does the Convention say about transparency?", "Show me the recitals too", "transparency"),
        ("How do both texts protect children?", "and people with disabilities?", "children"),
        ("Is emotion recognition at work allowed?", "What if it is for safety?", "emotion recognition"),
        ("Compare oversight in both instruments", "Only the Convention, please", "oversight"),
        ("Face recognition by police: what does the Act say?", "Welche Ausnahmen gibt es?", "recognition"),
        ("What does the Act say on deep fakes?", "Und wann gilt das?", "deep fakes"),
        ("What does the Act say on deep fakes?", "Qu'en est-il de la convention ?", "deep fakes"),
        ("What is a regulatory sandbox?", "who sets it up?", "regulatory sandbox"),
    ],
)
def test_a_follow_up_takes_the_subject_up(before: str, question: str, taken_up: str) -> None:
    assert taken_up in subject(question, before)


@pytest.mark.parametrize(
    "question",
    [
        "What does the Convention provide on remedies?",
        "How many ratifications does the Convention need?",
        "Which exceptions does Article 5 of the AI Act have?",
        "Wer darf dem Übereinkommen beitreten?",
    ],
)
def test_a_question_that_stands_alone_takes_nothing_up(question: str) -> None:
    assert "deep fakes" not in subject(question, "What does the Act say on deep fakes?")


def test_a_french_follow_up_changes_the_instrument() -> None:
    asked = Question("Qu'en est-il de la convention ?", ("What does the AI Act say on deep fakes?",), DAY)
    assert CONVENTION in analyse(asked).named and AI_ACT not in analyse(asked).named


@pytest.mark.parametrize(
    ("question", "language"),
    [
        ("Was müssen Importeure prüfen?", "de"),
        ("Was bedeutet „biometrische Fernidentifizierung“ genau?", "de"),
        ("Wie kann ein Staat dem Übereinkommen beitreten?", "de"),
        ("Quelles amendes pour les fournisseurs de grands modèles ?", "fr"),
        ("deepfake - legal meaning in EU law?", "en"),
        ("What was the resumé of Article 5?", "en"),
    ],
)
def test_the_language_of_a_short_question_is_told(question: str, language: str) -> None:
    inquiry = analyse(Question(question, as_of=DAY))
    assert inquiry.language == language and inquiry.foreign == ()
