"""The guard warns of what points to a person or a case, and not of questions about the law."""

import json
from pathlib import Path

import pytest

from assistant.confiding import Confidence, confidence_notice, find_confidences

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


def test_the_notice_names_kinds_and_host_and_repeats_nothing() -> None:
    notice = confidence_notice("Is Mr John Smith (j.smith@firm.example) a deployer?", "models.example")
    assert notice is not None and "models.example" in notice.text
    assert "Smith" not in notice.text and "an e-mail address" in notice.text
    assert confidence_notice("Who is a deployer?", "models.example") is None
