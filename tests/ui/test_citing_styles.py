"""Citations in the styles of houses, as a table of examples."""

from dataclasses import replace
from datetime import date

import pytest

from ingest.identifiers import AI_ACT, CONVENTION, InstrumentId
from ingest.pinpoint import Pinpoint
from ui.citing_styles import Cited, Style, cite_in, oscola, oscola_pinpoint, plain

TREATY = Cited(
    CONVENTION,
    "Council of Europe Framework Convention on Artificial Intelligence",
    "Article 3(1)(a) of the Convention",
    Pinpoint.parse("art_3/1/a"),
    date(2024, 9, 5),
    "https://rm.coe.int/1",
)
ACT = Cited(
    AI_ACT,
    "Regulation (EU) 2024/1689 laying down harmonised rules",
    "Article 5(1)(f) of the AI Act",
    Pinpoint.parse("art_5/1/f"),
    date(2024, 7, 12),
    "https://eur-lex.example/?uri=CELEX:1(2)#art_5",
)
AMENDING = replace(
    ACT,
    instrument=InstrumentId("eu-2026-1744"),
    title="Regulation (EU) 2026/1744 amending others",
    place=Pinpoint.parse("art_1/7/a"),
    published=date(2026, 7, 24),
)
GUIDE = Cited(
    InstrumentId("ec-guidelines"),
    "Commission Guidelines, C(2025) 5052 final",
    "C(2025) 5052, para 241",
    Pinpoint.parse("para_241"),
    date(2025, 7, 29),
)


@pytest.mark.parametrize(
    ("cited", "printed"),
    [
        (
            TREATY,
            "Council of Europe Framework Convention on Artificial Intelligence "
            "(opened for signature 5 September 2024) CETS No 225 art 3(1)(a)",
        ),
        (ACT, "Regulation (EU) 2024/1689 laying down harmonised rules [2024] OJ L 2024/1689, art 5(1)(f)"),
        (
            replace(ACT, amended=date(2026, 7, 27)),
            "Regulation (EU) 2024/1689 laying down harmonised rules [2024] OJ L 2024/1689, "
            "as amended with effect from 27 July 2026, art 5(1)(f)",
        ),
        (AMENDING, "Regulation (EU) 2026/1744 amending others [2026] OJ L 2026/1744, art 1(7)(a)"),
        (GUIDE, "‘Commission Guidelines, C(2025) 5052 final’ (29 July 2025) para 241"),
        (replace(ACT, place=None), "Regulation (EU) 2024/1689 laying down harmonised rules [2024] OJ L 2024/1689"),
    ],
)
def test_oscola(cited: Cited, printed: str) -> None:
    assert oscola(cited) == cite_in(Style.OSCOLA, cited) == printed


@pytest.mark.parametrize(
    ("place", "printed"),
    [
        ("art_5/1/f", "art 5(1)(f)"),
        ("art_3/14a", "art 3(14a)"),
        ("art_6/1/sub_2", "art 6(1) subpara 2"),
        ("art_2/ind_3", "art 2 indent 3"),
        ("rct_44", "recital 44"),
        ("pre_3", "preamble para 3"),
        ("cit_2", "preamble citation 2"),
        ("anx_III/5/a", "annex III, point 5(a)"),
        ("anx_VIII/A/5", "annex VIII, Section A, point 5"),
        ("cpt_III/sec_2", "ch III, s 2"),
        ("para_241", "para 241"),
        ("page_12/para_3", "p 12, para 3"),
    ],
)
def test_a_pinpoint_in_oscola(place: str, printed: str) -> None:
    assert oscola_pinpoint(Pinpoint.parse(place)) == printed


def test_plain_words_say_the_wording_the_day_and_the_address() -> None:
    cited = replace(TREATY, as_of=date(2026, 11, 23), quote="Each Party\nshall apply")
    assert plain(cited) == (
        "“Each Party shall apply” (Article 3(1)(a) of the Convention, Council of Europe Framework Convention on "
        "Artificial Intelligence, as at 23 November 2026), https://rm.coe.int/1"
    )
    assert plain(GUIDE) == "C(2025) 5052, para 241, Commission Guidelines, C(2025) 5052 final"


def test_markdown_is_a_link_in_which_nothing_of_the_text_becomes_markup() -> None:
    assert cite_in(Style.MARKDOWN, ACT) == (
        "[Article 5(1)(f) of the AI Act](https://eur-lex.example/?uri=CELEX:1(2%29#art_5)"
    )
    quoted = replace(ACT, quote="*bold* [link](x)\nnext <b>", url="")
    assert cite_in(Style.MARKDOWN, quoted) == (r"> “\*bold\* \[link\](x) next \<b\>” — Article 5(1)(f) of the AI Act")


@pytest.mark.parametrize("style", Style)
@pytest.mark.parametrize("cited", [TREATY, ACT, AMENDING, GUIDE])
def test_every_style_gives_one_line(style: Style, cited: Cited) -> None:
    printed = cite_in(style, replace(cited, quote="two\nlines"))
    assert printed
    assert "\n" not in printed
