"""What counts as saying a fact."""

import pytest

from eval.matching import normalise, says


@pytest.mark.parametrize(
    ("text", "fact"),
    [
        ("fines of up to EUR 35 000 000 or 7 %", "35 000 000"),
        ("fines of up to EUR 35,000,000", "35 000 000"),
        ("fines of up to EUR 35\u202f000\u202f000.", "35000000"),
        ("up to 35.000.000 euro", "35 000 000"),
        ("or 7 % of turnover", "7%"),
        ("or 7 per cent of turnover", "7 %"),
        ("applies from 2 December 2027", "2 December 2027"),
        ("applies from December 2, 2027", "2 December 2027"),
        ("applies from 2027-12-02", "2 December 2027"),
        ("applies from the 2nd of December 2027", "2 December 2027"),
        ("applies from 02 December 2027", "2 December 2027"),
        ("It is NOT  in\nforce", "not in force"),
        ("the Party’s obligations", "party's obligations"),
        ("real‑time identification", "real-time"),
        ("public authorities and bodies", "public authorities"),
        ("the providers of systems", "provider"),
        ("thirty-six articles", "36 articles | thirty-six articles"),
        ("Regulation (EU) 2024/1689", "2024/1689"),
    ],
)
def test_said(text: str, fact: str) -> None:
    assert says(normalise(text), fact)


@pytest.mark.parametrize(
    ("text", "fact"),
    [
        ("within 36 months", "6 months"),
        ("a bank's systems", "ban"),
        ("up to 135 000 000", "35 000 000"),
        ("up to 35 000 000", "35 000"),
        ("35 000 000", "35 000 001"),
        ("applies from 12 December 2027", "2 December 2027"),
        ("the Convention is in force", "not in force"),
        ("in 2024 and 1689", "2024/1689"),
        ("Article 50", "Article 5"),
        ("anything at all", " | "),
    ],
)
def test_not_said(text: str, fact: str) -> None:
    assert not says(normalise(text), fact)


def test_years_are_not_joined_to_what_follows() -> None:
    assert normalise("in 2027 100 systems") == "in 2027 100 systems"
