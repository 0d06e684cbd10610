"""The Convention from its PDF, held against a table written with the printed text in hand."""

from collections import Counter
from datetime import date
from pathlib import Path

import pytest

from ingest.errors import SourceUnreadable
from ingest.identifiers import CONVENTION, ExpressionId
from ingest.instrument import Expression, Provision, ProvisionKind
from ingest.pinpoint import Pinpoint
from ingest.readers.reading import FurnitureKind, Reading
from ingest.readers.treaty_pdf import read_treaty
from ingest.structure import build_provisions, count_provisions, find_gaps

CHAPTER, ARTICLE = ProvisionKind.CHAPTER, ProvisionKind.ARTICLE
PARAGRAPH, POINT, SUBPARAGRAPH = ProvisionKind.PARAGRAPH, ProvisionKind.POINT, ProvisionKind.SUBPARAGRAPH
PREAMBLE = ProvisionKind.PREAMBLE_PARAGRAPH

# pinpoint, kind, page, first words, last words, heading
PLACES = [
    ("pre_1", PREAMBLE, 1, "Considering that the aim", "the rule of law;", ""),
    ("pre_3", PREAMBLE, 1, "Conscious of the accelerating", "enhancing progress and innovation;", ""),
    ("pre_8", PREAMBLE, 1, "Conscious of the fact", "are inherently interwoven;", ""),
    ("pre_9", PREAMBLE, 2, "Convinced of the need", "conducive to responsible innovation;", ""),
    ("pre_14", PREAMBLE, 2, "Mindful of applicable", "(Revised) (ETS No. 163);", ""),
    ("pre_17", PREAMBLE, 2, "Affirming the commitment", "through this Convention,", ""),
    ("cpt_I", CHAPTER, 2, "", "", "General provisions"),
    (
        "cpt_III",
        CHAPTER,
        4,
        "",
        "",
        "Principles related to activities within the lifecycle of artificial intelligence systems",
    ),
    ("cpt_V", CHAPTER, 6, "", "", "Assessment and mitigation of risks and adverse impacts"),
    ("cpt_VII", CHAPTER, 7, "", "", "Follow-up mechanism and co-operation"),
    ("cpt_VIII", CHAPTER, 9, "", "", "Final clauses"),
    ("art_1", ARTICLE, 2, "1 The provisions of", "for international co-operation.", "Object and purpose"),
    ("art_1/2", PARAGRAPH, 2, "2 Each Party shall", "type of technology used.", ""),
    ("art_1/3", PARAGRAPH, 3, "3 In order to", "for international co-operation.", ""),
    (
        "art_2",
        ARTICLE,
        3,
        "For the purposes of",
        "adaptiveness after deployment.",
        "Definition of artificial intelligence systems",
    ),
    ("art_3", ARTICLE, 3, "1 The scope of", "scope of this Convention.", "Scope"),
    ("art_3/1", PARAGRAPH, 3, "1 The scope of", "the rule of law.", ""),
    ("art_3/1/a", POINT, 3, "a Each Party shall", "on their behalf.", ""),
    ("art_3/1/b", POINT, 3, "b Each Party shall address", "the rule of law.", ""),
    ("art_3/1/b/sub_2", SUBPARAGRAPH, 3, "Each Party shall specify", "amend their declarations.", ""),
    ("art_3/1/b/sub_3", SUBPARAGRAPH, 3, "When implementing the obligation", "the rule of law.", ""),
    ("art_3/4", PARAGRAPH, 3, "4 Matters relating to", "scope of this Convention.", ""),
    ("art_4", ARTICLE, 4, "Each Party shall adopt", "in its domestic law.", "Protection of human rights"),
    ("art_5/2", PARAGRAPH, 4, "2 Each Party shall", "freely form opinions.", ""),
    ("art_6", ARTICLE, 4, "This chapter sets forth", "of this Convention.", "General approach"),
    ("art_8", ARTICLE, 4, "Each Party shall adopt", "artificial intelligence systems.", "Transparency and oversight"),
    ("art_10/2", PARAGRAPH, 4, "2 Each Party undertakes", "artificial intelligence systems.", ""),
    ("art_11/b", POINT, 5, "b effective guarantees and", "legal obligations.", ""),
    ("art_13", ARTICLE, 5, "With a view to", "its competent authorities.", "Safe innovation"),
    ("art_14/2/c", POINT, 5, "c an effective possibility", "to competent authorities.", ""),
    ("art_15/2", PARAGRAPH, 6, "2 Each Party shall seek", "than with a human.", ""),
    ("art_16/2", PARAGRAPH, 6, "2 Such measures shall", "are significantly modified.", ""),
    ("art_16/2/g", POINT, 6, "g require, where appropriate,", "are significantly modified.", ""),
    ("art_16/3", PARAGRAPH, 6, "3 Each Party shall", "described in paragraph 2.", ""),
    ("art_17", ARTICLE, 6, "The implementation of", "human rights obligations.", "Non-discrimination"),
    ("art_21", ARTICLE, 7, "Nothing in this Convention", "it is party.", "Safeguard for existing human rights"),
    ("art_23/2/f", POINT, 8, "f facilitating co-operation with", "hearings where appropriate.", ""),
    ("art_23/8", PARAGRAPH, 8, "8 The Conference of", "of the Statute.", ""),
    ("art_24/1", PARAGRAPH, 8, "1 Each Party shall", "sub-paragraphs a and b.", ""),
    ("art_26/4", PARAGRAPH, 9, "4 If a Party", "human rights structures.", ""),
    ("art_28/6", PARAGRAPH, 10, "6 Any amendment approved", "their acceptance thereof.", ""),
    ("art_30/3", PARAGRAPH, 10, "3 This Convention shall", "accordance with paragraph 2.", ""),
    ("art_31/1", PARAGRAPH, 10, "1 After the entry", "the Committee of Ministers.", ""),
    ("art_32/3", PARAGRAPH, 11, "3 Any declaration made", "the Secretary General.", ""),
    ("art_35/1", PARAGRAPH, 11, "1 Any Party may,", "Council of Europe.", ""),
    ("art_36", ARTICLE, 11, "The Secretary General of", "to this Convention.", "Notification"),
    ("art_36/a", POINT, 11, "a any signature;", "a any signature;", ""),
    ("art_36/h", POINT, 12, "h any other act,", "to this Convention.", ""),
]
# Articles that print numbered paragraphs, with how many; all others have none.
PARAGRAPHS = {
    1: 3, 3: 4, 5: 2, 10: 2, 14: 2, 15: 2, 16: 4, 23: 8, 24: 2, 25: 3, 26: 4, 27: 2, 28: 6, 30: 4, 31: 2, 32: 3, 33: 2,
    34: 2, 35: 2,
}  # fmt: skip
POINTS = {
    "art_3/1": "ab",
    "art_11": "ab",
    "art_14/2": "abc",
    "art_16/2": "abcdefg",
    "art_23/2": "abcdef",
    "art_36": "abcdefgh",
}
FIRST_ARTICLES = {"I": 1, "II": 4, "III": 6, "IV": 14, "V": 16, "VI": 17, "VII": 23, "VIII": 27}


@pytest.fixture(scope="module")
def reading(corpus_dir: Path) -> Reading:
    return read_treaty(corpus_dir / "convention" / "CETS_225_EN.pdf")


@pytest.fixture(scope="module")
def convention(reading: Reading) -> Expression:
    name = ExpressionId(CONVENTION, date(2024, 9, 5), "en")
    provisions = build_provisions(name, reading.drafts)
    return Expression(name, "", "the Convention", "law", "", date(2024, 9, 5), provisions)  # type: ignore[arg-type]


def at(convention: Expression, place: str) -> Provision:
    return convention.at(Pinpoint.parse(place))


@pytest.mark.parametrize(("place", "kind", "page", "first", "last", "heading"), PLACES)
def test_a_place_holds_what_is_printed_there(
    convention: Expression, place: str, kind: ProvisionKind, page: int, first: str, last: str, heading: str
) -> None:
    provision = at(convention, place)
    assert (provision.kind, provision.source.page, provision.heading) == (kind, page, heading)
    assert provision.source.file == "CETS_225_EN.pdf"
    assert provision.text.startswith(first) and provision.text.endswith(last)


def test_the_counts(convention: Expression) -> None:
    counts = count_provisions(convention.provisions)
    assert (counts["preamble_paragraphs"], counts["chapters"], counts["articles"]) == (17, 8, 36)
    assert find_gaps(convention.provisions) == ()


@pytest.mark.parametrize("number", range(1, 37))
def test_an_article_has_its_paragraphs(convention: Expression, number: int) -> None:
    children = convention.children(Pinpoint.parse(f"art_{number}"))
    paragraphs = [str(child.pinpoint) for child in children if child.kind is PARAGRAPH]
    assert paragraphs == [f"art_{number}/{n}" for n in range(1, PARAGRAPHS.get(number, 0) + 1)]


def test_points_stand_where_they_are_printed_and_nowhere_else(convention: Expression) -> None:
    points = [str(one.pinpoint) for one in convention.provisions if one.kind is POINT]
    assert points == [f"{place}/{label}" for place, labels in POINTS.items() for label in labels]
    unlabelled = [str(one.pinpoint) for one in convention.provisions if one.kind is SUBPARAGRAPH]
    assert unlabelled == ["art_3/1/b/sub_2", "art_3/1/b/sub_3"]


def test_articles_lie_in_their_chapters(convention: Expression) -> None:
    above = {one.pinpoint.root.label: one.parent for one in convention.provisions if one.kind is ARTICLE}
    for label, number in FIRST_ARTICLES.items():
        assert str(above[str(number)]) == f"cpt_{label}"
        assert number == 1 or str(above[str(number - 1)]) != f"cpt_{label}"


def test_a_hyphen_at_a_line_end_stays(convention: Expression) -> None:
    assert "individual and societal well-being, sustainable" in at(convention, "pre_3").text


def test_a_letter_that_begins_a_line_is_no_label(convention: Expression) -> None:
    assert "not covered in subparagraph a in a manner" in at(convention, "art_3/1/b").text


def test_every_character_is_in_a_provision_or_named_as_furniture(reading: Reading) -> None:
    assert reading.coverage == 1.0


def test_the_furniture_is_named(reading: Reading) -> None:
    kinds = Counter(piece.kind for piece in reading.furniture)
    assert kinds == {
        FurnitureKind.TITLE: 3,
        FurnitureKind.HEADING: 1 + 8 + 36,
        FurnitureKind.FORMULA: 2,
        FurnitureKind.CLOSING: 2,
        FurnitureKind.RUNNING_HEAD: 11,
        FurnitureKind.RULE: 11,
        FurnitureKind.PAGE_NUMBER: 11,
    }
    said = " ".join(piece.text for piece in reading.furniture if piece.kind is FurnitureKind.FORMULA)
    assert said.endswith("signatories hereto, Have agreed as follows:")


@pytest.mark.parametrize("piece", ["CETS 225 –", "____", "Done in Vilnius", "Have agreed", "Vilnius, 5.IX.2024"])
def test_no_furniture_is_in_a_provision(convention: Expression, piece: str) -> None:
    assert not [str(one.pinpoint) for one in convention.provisions if piece in one.text]


def test_a_pdf_that_is_no_treaty_is_refused(corpus_dir: Path) -> None:
    with pytest.raises(SourceUnreadable, match=r"EC_IP_24_4864_AI_Pact_press_release_EN\.pdf: no heading like"):
        read_treaty(corpus_dir / "commentary" / "EC_IP_24_4864_AI_Pact_press_release_EN.pdf")
