"""The guard warns of what points to a person or a case, and not of questions about the law."""

import json
from pathlib import Path

import pytest

from assistant.confiding import Confidence, Destination, find_confidences, find_destination, find_withheld
from assistant.settings import Settings

GOLD = Path(__file__).parents[2] / "data" / "gold"


@pytest.mark.parametrize(
    ("text", "kinds"),
    [
        ("Write to jane.doe@firm.example about Article 5.", [Confidence.EMAIL]),
        ("Pay DE89 3704 0044 0532 0130 00 under the Act?", [Confidence.IBAN]),
        ("Call me on +49 30 1234 5678 about deployers.", [Confidence.PHONE]),
        ("Call 030 / 123 456 78 on logs.", [Confidence.PHONE]),
        ("What follows from C-634/21 for credit scoring?", [Confidence.CASE]),
        ("Our file no. 2026/A-118 concerns a chatbot.", [Confidence.CASE]),
        ("ECLI:EU:C:2023:957 and the AI Act", [Confidence.CASE]),
        ("Is Mr John Smith a deployer?", [Confidence.NAME]),
        ("Must my client, Anna Schmidt register?", [Confidence.NAME]),
        ("Is Acme Robotics GmbH a provider? Ask a@b.example.", [Confidence.NAME, Confidence.EMAIL]),
        ("What does Article 6(1), point (a), of the AI Act say?", []),
        ("Does Regulation (EU) 2024/1689 amend Directive 2013/36/EU?", []),
        ("Which fines of EUR 35 000 000 or 7 % are there from 2 August 2026?", []),
        ("Do the rules of CETS 225 bind Member States since 05/09/2024?", []),
        ("What is the Annex IV technical documentation?", []),
    ],
)
def test_what_is_found(text: str, kinds: list[Confidence]) -> None:
    assert [one.kind for one in find_confidences(text)] == kinds


def test_questions_about_the_law_bring_no_warning() -> None:
    asked = [
        json.loads(line)["question"]
        for path in sorted(GOLD.glob("*.jsonl"))
        for line in path.read_text(encoding="utf-8").splitlines()
        if "question" in json.loads(line)
    ]
    assert len(asked) > 100
    warned = [text for text in asked if find_confidences(text)]
    assert len(warned) <= 0.01 * len(asked), len(warned)


@pytest.mark.parametrize(
    ("given", "destination"),
    [
        ({}, None),
        ({"model": "openai:gpt-5"}, Destination("api.openai.com", "openai:gpt-5", True)),
        ({"model": "openai:gpt-5", "question_guard": False}, Destination("api.openai.com", "openai:gpt-5", False)),
        ({"model": "openai:gpt-5", "writer": "quoting"}, None),
        ({"model": "openai:local", "model_base_url": "http://127.0.0.1:8080/v1"}, None),
        ({"model": "openai:local", "model_base_url": "http://localhost:8080/v1"}, None),
        (
            {"model": "openai:local", "model_base_url": "http://10.0.0.7:8080/v1"},
            Destination("10.0.0.7", "openai:local", True),
        ),
        ({"model": "somebody:else"}, Destination("somebody", "somebody:else", True)),
    ],
)
def test_where_questions_go_is_known_from_the_settings(given: dict[str, str], destination: Destination | None) -> None:
    assert find_destination(Settings(**given)) == destination  # type: ignore[arg-type]


def test_what_was_cleared_is_not_withheld_again() -> None:
    text = "Is Mr John Smith (j.smith@firm.example) a deployer?"
    assert find_withheld(text) == (Confidence.NAME, Confidence.EMAIL)
    assert find_withheld(text, ["Mr John Smith"]) == (Confidence.EMAIL,)
    assert find_withheld("Who is a deployer?") == ()
