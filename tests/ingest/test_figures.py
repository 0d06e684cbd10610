import pytest

from ingest.figures import read_figures


def figures(text: str) -> set[str]:
    read = read_figures(text)
    return {*map(str, read.days), *read.numbers}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("It applies from 2 December 2027.", {"2 December 2027"}),
        ("by 2\u00a0August\u00a02026 and in August 2028", {"2 August 2026", "August 2028"}),
        ("the law may march on", set()),
        ("fines of up to EUR 35 000 000 or 7 %", {"35000000", "7"}),
        ("EUR 35\u00a0000\u00a0000, or EUR 7.5 million, or 1,5 %", {"35000000", "7500000", "1.5"}),
        ("more than 10²⁵ operations, or 10^25", {"10^25"}),
        ("within fifteen days, or 15 days", {"15"}),
        ("one of the two bodies", {"2"}),
        ("for at least one year, or a one-month stay", {"1"}),
        ("three quarters of the Members; the twentieth day", {"3", "20"}),
        ("Annex III and point 6a", set()),
        ("Regulation (EU) 2016/679", {"2016", "679"}),
        ("", set()),
    ],
)
def test_figures_are_read_alike_in_digits_and_in_words(text: str, expected: set[str]) -> None:
    assert figures(text) == expected


@pytest.mark.parametrize(
    ("ours", "law", "missing"),
    [
        ("from 2 August 2026", "from 2 August 2026", ()),
        ("in August 2026", "from 2 August 2026", ()),
        ("by the end of 2030", "by 31 December 2030", ()),
        ("from 2 August 2026", "from 2 August 2027", ("2 August 2026",)),
        ("from 2 August 2026", "in August 2026", ("2 August 2026",)),
        ("five consents", "three consents", ("5",)),
        ("10 days", "ten days", ()),
    ],
)
def test_a_figure_is_missing_unless_the_law_says_as_much(ours: str, law: str, missing: tuple[str, ...]) -> None:
    assert read_figures(ours).missing_from(read_figures(law)) == missing
