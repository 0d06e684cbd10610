"""The AI Act from the PDF of the Official Journal, held against the same act from Formex and against a table."""

import re
from collections import Counter
from datetime import date
from pathlib import Path

import pytest

from ingest.errors import SourceUnreadable
from ingest.identifiers import AI_ACT, ExpressionId
from ingest.instrument import Provision
from ingest.readers.formex import read_formex
from ingest.readers.oj_pdf import read_oj_pdf
from ingest.readers.reading import FurnitureKind, Reading
from ingest.structure import build_provisions, count_provisions, find_gaps

NAME = ExpressionId(AI_ACT, date(2024, 7, 12), "en")
Provisions = dict[str, Provision]

# pinpoint, page, first words, last words
PLACES = [
    ("cit_7", 1, "Acting in accordance with", "legislative procedure,"),
    ("rct_3", 1, "(3) AI systems can be", "Data Protection Board."),
    ("rct_7", 2, "(7) In order to", "Intelligence (AI HLEG)."),
    ("rct_180", 44, "(180) The European Data", "18 June 2021,"),
    ("art_3/49/d", 49, "(d) serious harm to", "or the environment;"),
    ("art_5/1/c/ii", 51, "(ii) detrimental or", "or its gravity;"),
    ("art_5/1/h/iii", 52, "(iii) the localisation", "at least four years."),
    ("art_5/1/sub_2", 52, "Point (h) of the", "than law enforcement."),
    ("art_26/10/sub_4", 69, "This paragraph is without", "of biometric data."),
    ("art_51/2", 83, "2. A general-purpose AI", "greater than 10²⁵."),
    ("art_105", 119, "In Article 8 of", "of that Regulation."),
    ("art_108/2", 120, "(2) in Article 19", "taken into account.’;"),
    ("art_113/c", 123, "(c) Article 6(1)", "2 August 2027."),
    ("anx_I/B/20", 125, "20. Regulation (EU) 2018/1139", "remotely, are concerned."),
    ("anx_II/ind_12", 126, "— rape,", "— rape,"),
    ("anx_III/1/a/sub_2", 127, "This shall not include", "claims to be;"),
    ("anx_VII/3/3.4/sub_3", 134, "The notified body shall", "reasoned assessment decision."),
    ("anx_VIII/B/6", 136, "6. The condition or", "not-high-risk;"),
    ("anx_X/3", 139, "Regulation (EU) 2024/1358", "eu/eli/reg/2024/1358/oj)."),
    ("anx_XI/1/2/sub_2", 141, "With regard to point (e)", "computational resources used."),
]  # fmt: skip


@pytest.fixture(scope="module")
def reading(corpus_dir: Path) -> Reading:
    return read_oj_pdf(corpus_dir / "ai-act" / "OJ_L_202401689_EN_TXT.pdf")


@pytest.fixture(scope="module")
def printed(reading: Reading) -> Provisions:
    return {str(one.pinpoint): one for one in build_provisions(NAME, reading.drafts)}


@pytest.fixture(scope="module")
def formex(corpus_dir: Path) -> Provisions:
    files = sorted((corpus_dir / "ai-act" / "formex").glob("*.000101.fmx.xml"))
    files += sorted((corpus_dir / "ai-act" / "formex").glob("*.01[0-9]*.fmx.xml"))
    return {str(one.pinpoint): one for one in build_provisions(NAME, read_formex(files))}


def count_equal(left: str, right: str) -> tuple[int, int]:
    """Words that two texts have in common, and the words of the longer; a space between figures is a separator."""
    words = [re.findall(r"\w+", re.sub(r"(?<=\d)\s(?=\d{3}\b)", "", text)) for text in (left, right)]
    return sum((Counter(words[0]) & Counter(words[1])).values()), max(map(len, words))


def test_the_counts(printed: Provisions) -> None:
    counts = count_provisions(printed.values())
    assert (counts["recitals"], counts["chapters"], counts["articles"], counts["annexes"]) == (180, 13, 113, 13)
    assert find_gaps(printed.values()) == ()


def test_the_places_are_those_of_formex_in_the_same_order(printed: Provisions, formex: Provisions) -> None:
    assert list(printed) == list(formex)
    assert {place: one.kind for place, one in printed.items()} == {place: one.kind for place, one in formex.items()}
    assert {place: one.parent for place, one in printed.items()} == {place: one.parent for place, one in formex.items()}


def test_every_unit_has_the_words_of_formex(printed: Provisions, formex: Provisions) -> None:
    short = {}
    for place, one in formex.items():
        if one.is_unit:
            equal, words = count_equal(one.text, printed[place].text)
            if equal < 0.999 * words:
                short[place] = equal / words
    assert short == {}


@pytest.mark.parametrize(("place", "page", "first", "last"), PLACES)
def test_a_place_holds_what_is_printed_there(printed: Provisions, place: str, page: int, first: str, last: str) -> None:
    text = printed[place].text
    assert printed[place].source.page == page
    assert text.startswith(first) and text.endswith(last)


def test_headings(printed: Provisions) -> None:
    assert printed["art_59"].heading.endswith("in the AI regulatory sandbox")
    assert printed["anx_VIII"].heading.endswith("in accordance with Article 49")
    assert printed["anx_VII/1"].heading == "Introduction"
    assert printed["cpt_III/sec_1"].heading == "Classification of AI systems as high-risk"


def test_the_false_article_of_annex_viii_is_none(reading: Reading) -> None:
    labels = Counter(draft.label for draft in reading.each_draft() if draft.kind.value == "article")
    assert labels["49"] == 1 and sum(labels.values()) == 113


def test_every_character_is_in_a_provision_or_named_as_furniture(reading: Reading) -> None:
    assert reading.coverage == 1.0


@pytest.mark.parametrize(
    "piece",
    ["L series", "ELI: http://data.europa.eu/eli/reg/2024/1689/oj 1", "/144", "OJ C 517", "(*)", "R. METSOLA"],
)
def test_no_furniture_is_in_a_provision(printed: Provisions, piece: str) -> None:
    assert [place for place, one in printed.items() if piece in one.text] == []


def test_notes_are_named_one_by_one(reading: Reading) -> None:
    notes = [piece.text for piece in reading.furniture if piece.kind is FurnitureKind.FOOTNOTE]
    numbers = [int(match[1]) for note in notes if (match := re.match(r"\((\d+)\)", note))]
    assert numbers == list(range(1, len(numbers) + 1)) and len(numbers) == 58
    marks = [piece.text for piece in reading.furniture if piece.kind is FurnitureKind.FOOTNOTE_MARK]
    assert [mark for mark in marks if mark != "(*)"] == [f"({number})" for number in numbers]


def test_a_word_parted_at_a_line_end_is_whole(printed: Provisions) -> None:
    assert "experimenta-" not in printed["art_58"].text and "experimenta tion" not in printed["art_58"].text
    assert "non-discriminatory" in printed["rct_7"].text


def test_a_pdf_that_is_no_act_is_refused(corpus_dir: Path) -> None:
    with pytest.raises(SourceUnreadable, match=r"EC_IP_24_4864.*\.pdf: no line that says “Article 1”"):
        read_oj_pdf(corpus_dir / "commentary" / "EC_IP_24_4864_AI_Pact_press_release_EN.pdf")
