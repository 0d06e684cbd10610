"""The Commission's guidelines from their PDFs, held against tables written with the printed text in hand."""

import re
from datetime import date
from pathlib import Path

import pytest

from ingest.errors import SourceUnreadable
from ingest.identifiers import ExpressionId, InstrumentId
from ingest.instrument import Provision, ProvisionKind
from ingest.readers.guidelines_pdf import read_guidelines
from ingest.readers.reading import FurnitureKind, Reading
from ingest.structure import build_provisions, count_provisions, find_gaps

FILES = {
    "definition": "C_2025_5053_guidelines_definition_AI_system_EN.pdf",
    "prohibited": "C_2025_5052_guidelines_prohibited_practices_EN.pdf",
    "gpai": "C_2025_5045_annex_guidelines_GPAI_EN.pdf",
}
COUNTS = {"definition": 64, "prohibited": 433, "gpai": 144}
NOTES = {"definition": range(1, 7), "prohibited": range(1, 245), "gpai": (1, 2, 3, 4, *range(6, 15))}
AUTONOMY = "2. Autonomy"
OUTSIDE = "5.2. Systems outside the scope of the AI system definition"
CRIMES = "9.3.4. Localisation and identification of suspects of certain crimes"

# document, place, page, first words, last words, heading
PLACES = [
    ("definition", "para_1", 2, "(1) Regulation (EU) 2024/1689 of", "the rule of law.", "I. Purpose of the Guidelines"),
    ("definition", "para_7", 2, "(7) The Guidelines are", "European Union (CJEU).", "I. Purpose of the Guidelines"),
    ("definition", "para_8/sub_2", 3, "“‘AI system’ means a", "or virtual environments;”", ""),
    (
        "definition",
        "para_13",
        3,
        "(13) The term ‘machine-based’",
        "provide computational capacity.",
        "1. Machine-based system",
    ),
    ("definition", "para_14", 4, "(14) The second element", "without human intervention’.", AUTONOMY),
    (
        "definition",
        "para_46",
        10,
        "(46) Basic data processing",
        "general context.",
        f"{OUTSIDE} > Basic data processing",
    ),
    ("definition", "para_64", 13, "(64) The AI Act also", "these Guidelines.", "III. Concluding remarks"),
    ("prohibited", "para_1", 6, "(1) Regulation (EU) 2024/1689", "the rule of law.", "1. BACKGROUND AND OBJECTIVES"),
    ("prohibited", "para_2/ind_4", 6, "(iv) Minimal to no risk:", "codes of conduct.", ""),
    ("prohibited", "para_9/sub_8", 8, "Article 5(1)(f) Emotion recognition AI", "or safety reasons", ""),
    ("prohibited", "para_10", 8, "(10) The AI Act", "Article 114 TFEU.", "2.2. Legal basis of the prohibitions"),
    ("prohibited", "para_12/sub_2", 9, "For example, a RBI system", "other user interface.", ""),
    (
        "prohibited",
        "para_34",
        15,
        "(34) Article 2(10) AI Act",
        "continue to apply).",
        "2.5.4. Personal non-professional activity",
    ),
    ("prohibited", "para_60/ind_3", 23, "(iii) The techniques deployed", "not have otherwise made.", ""),
    ("prohibited", "para_65/ind_5", 25, "- Embedded Images:", "influence behaviour.", ""),
    (
        "prohibited",
        "para_120",
        44,
        "(120) Unlike Article 5(1)(a)",
        "of other persons.",
        "3.3.3. (Reasonably likely to) cause significant harm",
    ),
    ("prohibited", "para_266", 90, "(266) Emotion recognition systems", "prohibitions are met.", "7.4. Out of scope"),
    ("prohibited", "para_294", 97, "(294) However, where", "5(2)-(7) AI Act.", "9.1. Rationale and objectives"),
    (
        "prohibited",
        "para_350",
        110,
        "(350) Article 5(1)(h)(iii)",
        "II AI Act.",
        f"{CRIMES} > b) Suspects and Perpetrators",
    ),
    (
        "prohibited",
        "para_433",
        134,
        "(433) The Commission",
        "public consultation.",
        "12. REVIEW AND UPDATE OF THE COMMISSION GUIDELINES",
    ),
    (
        "gpai",
        "para_1",
        4,
        "(1) Regulation (EU) 2024/1689",
        "the rule of law.",
        "1. Background and objectives of the Commission guidelines",
    ),
    (
        "gpai",
        "para_17",
        7,
        "(17) Based on the",
        "or text-to-video.",
        "2.1. When is a model a general-purpose AI model?",
    ),
    ("gpai", "para_20/ind_1", 8, "• A model is trained", "using 10²⁴ FLOP.", ""),
    (
        "gpai",
        "para_21",
        9,
        "(21) The model can generate speech",
        "general-purpose AI model.",
        "2.1. When is a model a general-purpose AI model?",
    ),
    ("gpai", "para_45/ind_2", 16, "• under Article 52(1)", "Article 101 AI Act.", ""),
    (
        "gpai",
        "para_117",
        32,
        "(117) Article 51(2) AI Act",
        "(Section 2.1).",
        "Annex: Training compute of general-purpose AI models",
    ),
    ("gpai", "para_126", 34, "(126) To estimate training", "duration of use.", "A.2.1. Hardware-based approach"),
    ("gpai", "para_135/ind_8", 35, "o Model H", "6.5 ⋅ 10²³ FLOP", ""),
    (
        "gpai",
        "para_144",
        36,
        "(144) Model H.",
        "6.5 ⋅ 10²³ FLOP.",
        "A.3. Training compute of models with approximately one billion parameters",
    ),
]


@pytest.fixture(scope="module")
def readings(corpus_dir: Path) -> dict[str, Reading]:
    return {name: read_guidelines(corpus_dir / "commentary" / file) for name, file in FILES.items()}


@pytest.fixture(scope="module")
def provisions(readings: dict[str, Reading]) -> dict[str, tuple[Provision, ...]]:
    expressions = {name: ExpressionId(InstrumentId(name), date(2025, 7, 29), "en") for name in readings}
    return {name: build_provisions(expressions[name], reading.drafts) for name, reading in readings.items()}


def find(provisions: tuple[Provision, ...], place: str) -> Provision:
    return next(one for one in provisions if str(one.pinpoint) == place)


@pytest.mark.parametrize("name", FILES)
def test_every_number_is_there_in_order(provisions: dict[str, tuple[Provision, ...]], name: str) -> None:
    labels = [one.pinpoint.root.label for one in provisions[name] if one.is_unit]
    assert labels == [str(number) for number in range(1, COUNTS[name] + 1)]
    assert count_provisions(provisions[name])["numbered_paragraphs"] == COUNTS[name]
    assert find_gaps(provisions[name]) == ()


@pytest.mark.parametrize("name", FILES)
def test_every_paragraph_stands_under_a_heading(provisions: dict[str, tuple[Provision, ...]], name: str) -> None:
    assert [str(one.pinpoint) for one in provisions[name] if one.is_unit and not one.heading] == []


@pytest.mark.parametrize(("name", "place", "page", "first", "last", "heading"), PLACES)
def test_a_place_holds_what_is_printed_there(
    provisions: dict[str, tuple[Provision, ...]],
    name: str,
    place: str,
    page: int,
    first: str,
    last: str,
    heading: str,
) -> None:
    provision = find(provisions[name], place)
    assert (provision.source.file, provision.source.page) == (FILES[name], page)
    assert provision.text.startswith(first) and provision.text.endswith(last)
    assert provision.heading == heading


@pytest.mark.parametrize("name", FILES)
def test_every_character_is_in_a_paragraph_or_named_as_furniture(readings: dict[str, Reading], name: str) -> None:
    assert readings[name].coverage == 1.0


@pytest.mark.parametrize("name", FILES)
def test_notes_at_the_foot_are_furniture_and_all_there(readings: dict[str, Reading], name: str) -> None:
    notes = [piece.text for piece in readings[name].furniture if piece.kind is FurnitureKind.FOOTNOTE]
    numbers = [int(match[0]) for note in notes if (match := re.match(r"\d+(?= )", note))]
    assert numbers == list(NOTES[name])


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("definition", "OECD Artificial Intelligence Papers"),
        ("definition", "Act’)1"),
        ("definition", "February 20253"),
        ("prohibited", "Protocol No. 21"),
        ("prohibited", "TFEU.4"),
        ("prohibited", "EU:C:2020:791"),
        ("gpai", "Kaplan"),
        ("gpai", "benchmarks to determine"),
        ("gpai", "1023 FLOP"),
        ("gpai", "text2"),
    ],
)
def test_no_note_and_no_mark_of_one_is_in_a_paragraph(
    provisions: dict[str, tuple[Provision, ...]], name: str, words: str
) -> None:
    assert [str(one.pinpoint) for one in provisions[name] if words in one.text] == []


def test_a_letter_in_mid_sentence_begins_no_item(provisions: dict[str, tuple[Provision, ...]]) -> None:
    assert "Article 5(1)(a) and (b) AI Act" in find(provisions["prohibited"], "para_266").text
    first = [one for one in provisions["prohibited"] if str(one.pinpoint).startswith("para_266/ind")]
    assert first == []


def test_the_law_quoted_under_a_heading_is_no_part_of_the_paragraph_before(readings: dict[str, Reading]) -> None:
    loose = [piece for piece in readings["prohibited"].furniture if piece.kind is FurnitureKind.UNNUMBERED]
    assert any(piece.text == "Article 5(1)(h) AI Act" and piece.source.page == 97 for piece in loose)
    assert sum(len(piece.text) for piece in loose) < 15_000


def test_only_paragraphs_subparagraphs_and_indents(provisions: dict[str, tuple[Provision, ...]]) -> None:
    kinds = {one.kind for every in provisions.values() for one in every}
    assert kinds == {ProvisionKind.NUMBERED_PARAGRAPH, ProvisionKind.SUBPARAGRAPH, ProvisionKind.INDENT}


def test_a_pdf_without_numbered_paragraphs_is_refused(corpus_dir: Path) -> None:
    with pytest.raises(SourceUnreadable, match=r"EPRS_PE.*\.pdf: no paragraph numbered"):
        read_guidelines(corpus_dir / "commentary" / "EPRS_PE_775.890_GPAI_code_at_a_glance_EN.pdf")
