"""Documents without numbered provisions: PDF by pages, plain text, Markdown, Word."""

import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from docx import Document

from ingest.errors import SourceMissing, SourceUnreadable
from ingest.instrument import ProvisionKind
from ingest.readers import docx as docx_reader
from ingest.readers.docx import read_docx
from ingest.readers.markdown import read_markdown
from ingest.readers.paragraphs import read_paragraphs_pdf
from ingest.readers.reading import FurnitureKind, Reading
from ingest.readers.text import read_text

HLEG = "HLEG_ethics_guidelines_trustworthy_AI_2019_EN.pdf"
EPRS = "EPRS_PE_775.890_GPAI_code_at_a_glance_EN.pdf"
PRESS = "EC_IP_24_4864_AI_Pact_press_release_EN.pdf"
GAZETTE = "law_society_gazette_2024-05-21_first_binding_treaty_on_AI.txt"
MATRIX = "hummbl_cets225_coverage_matrix.md"


def pieces(reading: Reading) -> list[tuple[str, str, str]]:
    return [(draft.label, draft.heading, draft.own()) for draft in reading.drafts]


def write(path: Path, content: str | bytes) -> Path:
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


@pytest.mark.parametrize(
    ("name", "page", "label", "first", "last", "heading"),
    [
        (EPRS, 1, "1", "As part of its efforts", "heated discussions.", "The European Union's AI code of practice"),
        (EPRS, 1, "3", "Most of the AI Act's", "without adoption.", "Regulating GPAI models"),
        (
            EPRS,
            1,
            "8",
            "The fourth and final version",
            "Markup Language.",
            "The challenge of operationalising the rules",
        ),
        (EPRS, 2, "7", "In a few years", "the AI Act.", "Next steps and considerations for the European Parliament"),
        (PRESS, 1, "4", "High-risk AI systems mapping: Identifying", "the AI Act", "Brussels, 25 September 2024"),
        (PRESS, 1, "9", "The AI Act entered into force", "after 36 months.", "Background"),
        (HLEG, 7, "3", "1. it should be lawful,", "laws and regulations;", "Trustworthy AI"),
        (HLEG, 16, "12", "Including traceability,", "and communication", "4 Transparency"),
        (HLEG, 29, "2", "• Did you assess", "AI system could be vulnerable?", "Resilience to attack and security:"),
    ],
)
def test_a_paragraph_of_a_pdf_stands_on_its_page(
    corpus_dir: Path, name: str, page: int, label: str, first: str, last: str, heading: str
) -> None:
    reading = read_paragraphs_pdf(corpus_dir / "commentary" / name)
    [draft] = [one for one in reading.drafts if (one.source.page, one.label) == (page, label)]
    assert draft.kind is ProvisionKind.PAGE_PARAGRAPH and draft.source.file == name
    assert draft.own().startswith(first) and draft.own().endswith(last)
    assert draft.heading == heading


@pytest.mark.parametrize("name", [HLEG, EPRS, PRESS])
def test_labels_begin_again_on_each_page_and_nothing_is_lost(corpus_dir: Path, name: str) -> None:
    reading = read_paragraphs_pdf(corpus_dir / "commentary" / name)
    for page in {draft.source.page for draft in reading.drafts}:
        labels = [draft.label for draft in reading.drafts if draft.source.page == page]
        assert labels == [str(number) for number in range(1, len(labels) + 1)]
    assert reading.coverage == 1.0


def test_page_numbers_heads_and_notes_are_furniture(corpus_dir: Path) -> None:
    hleg = read_paragraphs_pdf(corpus_dir / "commentary" / HLEG)
    numbers = [piece for piece in hleg.furniture if piece.kind is FurnitureKind.PAGE_NUMBER]
    assert len(numbers) == 39
    eprs = read_paragraphs_pdf(corpus_dir / "commentary" / EPRS)
    assert not [draft for draft in eprs.drafts if "PE 775.890" in draft.text or "thinktank" in draft.text]


def test_the_gazette_article_by_paragraphs(corpus_dir: Path) -> None:
    reading = read_text(corpus_dir / "commentary" / GAZETTE)
    assert [draft.label for draft in reading.drafts] == [str(number) for number in range(1, 32)]
    assert {draft.kind for draft in reading.drafts} == {ProvisionKind.NUMBERED_PARAGRAPH}
    assert reading.drafts[22].own().startswith("“‘AI system’ means a machine-based")


def test_the_matrix_by_rows_under_headings(corpus_dir: Path) -> None:
    reading = read_markdown(corpus_dir / "commentary" / MATRIX)
    rows = [draft for draft in reading.drafts if " | " in draft.text]
    assert len(rows) > 30 and not any("Obligation | Coverage" in row.text for row in rows)
    assert rows[0].heading == "Obligations + coverage > General obligations (Chapter II, Arts. 4–5)"
    assert not any(sign in draft.text for draft in reading.drafts for sign in ("**", "](", "|---"))


def test_text_is_parted_at_blank_lines(tmp_path: Path) -> None:
    path = write(tmp_path / "a.txt", "\ufeffOne\r\nstill one.\r\n \t\r\n\r\nTwo.\n")
    assert pieces(read_text(path)) == [("1", "", "One still one."), ("2", "", "Two.")]


def test_markdown_blocks(tmp_path: Path) -> None:
    path = write(
        tmp_path / "a.md",
        "# Title\n\nIntro with *stress*, `code` and a [link](http://x).\n\n## A\n\n- one\n- two\n  - deep\n\n"
        "> said\n\n### B\n\n| h | i |\n|---|---|\n| a | |\n| b | c |\n\n```\nx = 1\n```\n\n<!-- aside -->\n\n"
        "## C\nEnd  \nhere\n",
    )
    assert pieces(read_markdown(path)) == [
        ("1", "Title", "Intro with stress, code and a link."),
        ("2", "A", "one"),
        ("3", "A", "two"),
        ("4", "A", "deep"),
        ("5", "A", "said"),
        ("6", "A > B", "a"),
        ("7", "A > B", "b | c"),
        ("8", "A > B", "x = 1"),
        ("9", "C", "End here"),
    ]
    named = [(piece.kind, piece.text.strip()) for piece in read_markdown(path).furniture]
    assert (FurnitureKind.HEADING, "h | i") in named and (FurnitureKind.UNNUMBERED, "<!-- aside -->") in named


@pytest.fixture
def word(tmp_path: Path) -> Path:
    document = Document()
    document.add_heading("Terms", level=1)
    document.add_paragraph("First  paragraph.")
    document.add_paragraph("   ")
    table = document.add_table(rows=2, cols=2)
    for cell, text in zip([c for row in table.rows for c in row.cells], ["a", "b", "c", ""], strict=True):
        cell.text = text
    document.add_heading("Scope", level=2)
    document.add_paragraph("Second paragraph.")
    document.save(str(tmp_path / "a.docx"))
    return tmp_path / "a.docx"


def test_word_paragraphs_and_rows(word: Path) -> None:
    reading = read_docx(word)
    assert pieces(reading) == [
        ("1", "Terms", "First paragraph."),
        ("2", "Terms", "a | b"),
        ("3", "Terms", "c"),
        ("4", "Scope", "Second paragraph."),
    ]
    assert [piece.text for piece in reading.furniture] == ["Terms", "Scope"]


def bomb(path: Path) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as package:
        package.writestr("word/document.xml", b" " * 50_000_000)
    return path


def without_document(path: Path) -> Path:
    with zipfile.ZipFile(path, "w") as package:
        package.writestr("[Content_Types].xml", "<Types/>")
    return path


@pytest.mark.parametrize(
    ("make", "read", "said"),
    [
        (lambda folder: bomb(folder / "bomb.docx"), read_docx, "zip bomb"),
        (lambda folder: write(folder / "b.docx", "no zip at all"), read_docx, "no Word document"),
        (lambda folder: write(folder / "b.docx", b"PK\x03\x04" + b"\0" * 40), read_docx, "no Word document"),
        (lambda folder: without_document(folder / "b.docx"), read_docx, "no Word document"),
        (lambda folder: write(folder / "b.docx", b""), read_docx, "empty (0 bytes)"),
        (lambda folder: write(folder / "b.txt", b""), read_text, "empty (0 bytes)"),
        (lambda folder: write(folder / "b.txt", b"\xff\xfe\x00"), read_text, "no UTF-8 text"),
        (lambda folder: write(folder / "b.txt", b"a\0b"), read_text, "NUL bytes"),
        (lambda folder: write(folder / "b.txt", " \n\n "), read_text, "nothing but white space"),
        (lambda folder: write(folder / "b.md", "# Only a heading\n"), read_markdown, "no paragraph of text"),
    ],
)
def test_a_bad_file_is_refused_in_one_line(
    tmp_path: Path, make: Callable[[Path], Path], read: Callable[[Path], Reading], said: str
) -> None:
    path = make(tmp_path)
    with pytest.raises(SourceUnreadable) as refused:
        read(path)
    text = str(refused.value)
    assert text.startswith(f"{path.name}: ") and said in text and "\n" not in text


def test_a_word_document_cut_short_is_refused(word: Path, tmp_path: Path) -> None:
    whole = word.read_bytes()
    for end in range(1, len(whole), len(whole) // 20):
        with pytest.raises(SourceUnreadable):
            read_docx(write(tmp_path / "cut.docx", whole[:end]))


def test_too_many_parts_are_refused(word: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(docx_reader, "MAX_PARTS", 2)
    with pytest.raises(SourceUnreadable, match="zip bomb"):
        read_docx(word)


@pytest.mark.parametrize("read", [read_text, read_markdown, read_docx, read_paragraphs_pdf])
def test_a_missing_file_is_missing(tmp_path: Path, read: Callable[[Path], Reading]) -> None:
    with pytest.raises(SourceMissing, match=r"^absent: there is no such file"):
        read(tmp_path / "absent")
