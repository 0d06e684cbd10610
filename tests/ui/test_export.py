import asyncio
import io
import json
import re
import subprocess
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from time import perf_counter

import pypdfium2
import pytest
from docx import Document
from fastapi import FastAPI
from fastapi.testclient import TestClient
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree
from lxml import html as parser
from markdown_it import MarkdownIt
from pypdf import PdfReader

from assistant.answer import Answer, Cell, Claim, ClaimKind, Notice, Refusal, RefusalReason, Row, Writer
from assistant.answer import Dropped as DroppedSentence
from assistant.citing import CitationBook
from assistant.noted import with_notes
from assistant.question import SIDES
from assistant.writers.noting import note_claims
from ingest.corpus import Corpus
from ingest.errors import UsageError
from ingest.identifiers import AI_ACT
from ingest.pinpoint import Pinpoint
from ingest.redline import redline
from tests.ui.still import StillDesk
from ui import views
from ui.api import create_app
from ui.checks import Checks, tick
from ui.export import pdf
from ui.export.asking import MOST_BYTES, MOST_QUESTIONS
from ui.export.exporting import Entry, Exported, Format, export_answers
from ui.export.markdown import escape
from ui.export.paper import clean
from ui.export.pdf import printable

ON = date(2026, 11, 23)
AT = datetime(2026, 11, 23, 10, 5, tzinfo=UTC)
W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
WRITTEN = (Format.DOCX, Format.PDF, Format.MARKDOWN)
EVIL = (
    '=cmd|"/C calc"!A1 [a](javascript:alert(1)) ![x](https://evil.example/x.png) <script>alert(1)</script> | a | b |\n'
    "# Head\n1. one\n---\nwww.evil.example https://evil.example {{7*7}} ${x} `code` \\ &amp; ]]>"
)


def export(
    answer: Answer, corpus: Corpus, fmt: Format, checks: Checks = (), *, citations: bool = True, times: int = 1
) -> Exported:
    return export_answers((Entry(answer, checks),) * times, fmt, corpus, ON, citations=citations)


def part(content: bytes, name: str) -> etree._Element:
    with zipfile.ZipFile(io.BytesIO(content)) as package:
        return etree.fromstring(package.read(name))


def word_text(content: bytes) -> str:
    """What a Word document says, footnotes after the text, and fields by what they show."""
    roots = [part(content, "word/document.xml")]
    with zipfile.ZipFile(io.BytesIO(content)) as package:
        if "word/footnotes.xml" in package.namelist():
            roots.append(part(content, "word/footnotes.xml"))
    return "\n".join(
        "".join((node.text or "") if node.tag == f"{W}t" else "\n" for node in line.iter(f"{W}t", f"{W}br"))
        for root in roots
        for line in root.iter(f"{W}p")
    )


def pdf_text(content: bytes) -> str:
    document = pypdfium2.PdfDocument(content)
    try:
        return "\n".join(page.get_textpage().get_text_range() for page in document)
    finally:
        document.close()


def markdown_html(content: bytes) -> parser.HtmlElement:
    rendered = MarkdownIt("commonmark", {"html": True}).enable("table").render(content.decode())
    return parser.fragment_fromstring(rendered, create_parent="div")


def text_of(fmt: Format, content: bytes) -> str:
    if fmt is Format.DOCX:
        return word_text(content)
    return pdf_text(content) if fmt is Format.PDF else markdown_html(content).text_content()


def spaced_text_of(fmt: Format, content: bytes) -> str:
    """The text with its cells and runs apart, where an element's end would join words."""
    return " ".join(markdown_html(content).itertext()) if fmt is Format.MARKDOWN else text_of(fmt, content)


def squeezed(text: str) -> str:
    """The text without white space and quotation marks: a line may break anywhere."""
    return re.sub(r"[\s“”\ufffe\u00ad]", "", text)


def words_of(text: str) -> set[str]:
    return set(re.findall(r"\w+", text.replace("\ufffe", "")))


def page_words(answer: Answer, corpus: Corpus) -> set[str]:
    """Every word of the page: its text, and the addresses that its links lead to."""
    page = parser.fragment_fromstring(
        views.render_masthead() + views.render_turn("abc", answer, corpus), create_parent="div"
    )
    spaced = " ".join(page.itertext())
    return words_of(page.text_content()) | words_of(spaced) | words_of(" ".join(page.xpath(".//a/@href")))


@pytest.fixture
def redlined(answer: Answer) -> Answer:
    segments = redline("a rose <b>red</b> & tended, that\ngrows", "a rose white & tended, that climbs")
    return replace(answer, rows=(replace(answer.rows[0], redline=segments), *answer.rows[1:]))


@pytest.fixture
def refused(answer: Answer) -> Answer:
    refusal = Refusal(RefusalReason.OUT_OF_CORPUS, "Nothing on cakes & pies; see `visavis doctor`.", SIDES)
    return replace(answer, refusal=refusal, rows=(), summary=(), citations=(), relationship=None)


# What the file says is what the page says


@pytest.mark.parametrize("fmt", WRITTEN)
@pytest.mark.parametrize("citations", [True, False])
def test_every_word_of_the_file_stands_on_the_page(
    redlined: Answer, refused: Answer, corpus: Corpus, fmt: Format, citations: bool
) -> None:
    for answer in (redlined, refused):
        content = export(answer, corpus, fmt, citations=citations).content
        text = spaced_text_of(fmt, content)
        body, _, checks = text.partition("The checks")
        assert checks
        if fmt is Format.DOCX and citations and answer.citations:
            body += "\n".join("".join(line.itertext()) for line in part(content, "word/footnotes.xml").iter(f"{W}p"))
        assert {word for word in words_of(body) - page_words(answer, corpus) if not word.isdigit()} == set()


@pytest.mark.parametrize("fmt", WRITTEN)
@pytest.mark.parametrize("citations", [True, False])
def test_every_claim_notice_and_quotation_is_in_the_file(
    redlined: Answer, corpus: Corpus, fmt: Format, citations: bool
) -> None:
    text = squeezed(text_of(fmt, export(redlined, corpus, fmt, citations=citations).content))
    said = [claim.text for claim in redlined.claims()] + [notice.text for notice in redlined.notices]
    said += [redlined.question, *(row.issue for row in redlined.rows), "Searched for tulip, bulb.", "[−grows−]"]
    said += [
        "{+climbs+}",
        "only the Convention",
        "nothing cited here",
        "Law as at 23 November 2026",
        "not legal advice",
    ]
    said += ["plant 12 means", "written by a model", "silence", "commentary", redlined.corpus_id]
    assert [one for one in said if squeezed(one) not in text] == []


@pytest.mark.parametrize("fmt", WRITTEN)
def test_citations_lead_to_the_official_texts_and_to_nothing_else(answer: Answer, corpus: Corpus, fmt: Format) -> None:
    addresses = {citation.url for citation in answer.citations if citation.url.startswith("https://")}
    held = {"https://law.example/text"}  # the works, in the list of texts cited
    assert links(fmt, export(answer, corpus, fmt).content) == addresses | held
    assert links(fmt, export(answer, corpus, fmt, citations=False).content) == set()


def links(fmt: Format, content: bytes) -> set[str]:
    if fmt is Format.MARKDOWN:
        html = markdown_html(content)
        notes = re.findall(r"^\[\^\d+\]: .*?\(<(.*?)>\)$", content.decode(), re.MULTILINE)
        return set(html.xpath(".//a/@href")) | set(notes)
    if fmt is Format.PDF:
        notes = (one.get_object() for page in PdfReader(io.BytesIO(content)).pages for one in page.get("/Annots", ()))
        return {str(one["/A"]["/URI"]) for one in notes if "/A" in one and "/URI" in one["/A"]}
    with zipfile.ZipFile(io.BytesIO(content)) as package:
        relations = [etree.fromstring(package.read(name)) for name in package.namelist() if name.endswith(".rels")]
    return {one.get("Target") for root in relations for one in root if one.get("TargetMode") == "External"}


@pytest.mark.parametrize("fmt", WRITTEN)
def test_a_file_without_citations_has_no_mark_of_one(answer: Answer, corpus: Corpus, fmt: Format) -> None:
    content = export(answer, corpus, fmt, citations=False).content
    assert "[1]" not in text_of(fmt, content)
    assert "[^1]" not in text_of(fmt, content)
    if fmt is Format.DOCX:
        assert "word/footnotes.xml" not in zipfile.ZipFile(io.BytesIO(content)).namelist()


def test_json_is_the_records_as_they_are(answer: Answer, corpus: Corpus) -> None:
    checks = tick((), 2, "AB", AT)
    exported = export(answer, corpus, Format.JSON, checks)
    assert json.loads(exported.content) == {
        "schema": "visavis.export/1",
        "made_on": "2026-11-23",
        "answers": [
            {
                "answer": json.loads(json.dumps(answer.record())),
                "checks": [{"n": 2, "initials": "AB", "at": "2026-11-23T10:05:00Z"}],
            }
        ],
    }


# The same answers, the same bytes


@pytest.mark.parametrize("fmt", list(Format))
def test_the_same_answer_gives_the_same_bytes(redlined: Answer, corpus: Corpus, fmt: Format) -> None:
    first, second = (export(redlined, corpus, fmt, tick((), 1, "AB", AT)) for _ in range(2))
    assert first == second
    assert export_answers((Entry(redlined),), fmt, corpus, date(2026, 11, 24)).content != first.content


def test_a_word_file_holds_no_clock(answer: Answer, corpus: Corpus) -> None:
    with zipfile.ZipFile(io.BytesIO(export(answer, corpus, Format.DOCX).content)) as package:
        assert {one.date_time for one in package.infolist()} == {(1980, 1, 1, 0, 0, 0)}
        assert b"2026-11-23T00:00:00Z" in package.read("docProps/core.xml")


@pytest.mark.parametrize(
    ("fmt", "times", "name"),
    [
        (Format.DOCX, 1, "visavis-answer-2026-11-23.docx"),
        (Format.PDF, 1, "visavis-answer-2026-11-23.pdf"),
        (Format.MARKDOWN, 2, "visavis-conversation-2026-11-23.md"),
        (Format.JSON, 2, "visavis-conversation-2026-11-23.json"),
    ],
)
def test_the_name_of_a_file_says_nothing_of_the_question(
    answer: Answer, corpus: Corpus, fmt: Format, times: int, name: str
) -> None:
    evil = replace(answer, question="../../etc/passwd\r\nSet-Cookie: a")
    assert export(evil, corpus, fmt, times=times).name == name


# The Word document


def test_word_has_headings_a_table_with_a_repeated_head_and_footnotes(redlined: Answer, corpus: Corpus) -> None:
    content = export(redlined, corpus, Format.DOCX).content
    document = Document(io.BytesIO(content))
    headings = [(one.style.name, one.text) for one in document.paragraphs if one.style.name.startswith("Heading")]
    assert headings == [
        ("Heading 1", redlined.question),
        ("Heading 2", "In short"),
        ("Heading 1", "The checks"),
        ("Heading 2", "The texts cited"),
    ]
    assert [cell.text for cell in document.tables[0].rows[0].cells] == ["Issue", "Convention", "AI Act"]
    for table in document.tables:
        assert table.rows[0]._tr.find(f"{W}trPr/{W}tblHeader") is not None
    notes = part(content, "word/footnotes.xml")
    numbered = [one.get(f"{W}id") for one in notes if one.get(f"{W}type") is None]
    assert numbered == [str(n) for n in range(1, len(redlined.citations) + 1)]
    marked = [one.get(f"{W}id") for one in part(content, "word/document.xml").iter(f"{W}footnoteReference")]
    assert marked == numbered


def test_word_marks_a_place_that_is_cited_again_with_the_number_of_its_footnote(answer: Answer, corpus: Corpus) -> None:
    root = part(export(answer, corpus, Format.DOCX).content, "word/document.xml")
    fields = {one.text.split()[1] for one in root.iter(f"{W}instrText") if "NOTEREF" in (one.text or "")}
    assert fields
    assert fields <= {one.get(f"{W}name") for one in root.iter(f"{W}bookmarkStart")}


def test_a_redline_is_struck_and_underlined_and_signed(redlined: Answer, corpus: Corpus) -> None:
    table = Document(io.BytesIO(export(redlined, corpus, Format.DOCX).content)).tables[0]
    runs = [run for line in table.rows[2].cells[0].paragraphs for run in line.runs]
    assert {run.text for run in runs if run.font.strike} >= {"[−grows−]", "[−<b>red</b>−]"}
    assert {run.text for run in runs if run.underline} >= {"{+climbs+}", "{+white+}"}


@pytest.mark.parametrize("fmt", WRITTEN)
def test_the_numbers_of_a_conversation_run_through(answer: Answer, corpus: Corpus, fmt: Format) -> None:
    content = export(answer, corpus, fmt, times=2).content
    text = text_of(fmt, content)
    assert squeezed("No. (chat)") in squeezed(text)
    if fmt is Format.DOCX:
        marked = [one.get(f"{W}id") for one in part(content, "word/document.xml").iter(f"{W}footnoteReference")]
        assert marked == [str(n) for n in range(1, 13)]
    else:
        assert ("[12]" if fmt is Format.PDF else "[^12]:") in text


def test_libreoffice_opens_it(
    redlined: Answer, refused: Answer, corpus: Corpus, libreoffice: Path, tmp_path: Path
) -> None:
    evil = replace(redlined, question=EVIL)
    entries = (Entry(evil, tick((), 1, "AB", AT)), Entry(refused), Entry(redlined))
    exported = export_answers(entries, Format.DOCX, corpus, ON)
    (tmp_path / exported.name).write_bytes(exported.content)
    ran = subprocess.run(
        [
            libreoffice,
            f"-env:UserInstallation=file://{tmp_path}/profile",
            "--headless",
            *("--convert-to", "pdf", "--outdir", tmp_path),
            tmp_path / exported.name,
        ],
        capture_output=True,
        text=True,
        timeout=100,
        check=True,
    )
    text = squeezed(pdf_text((tmp_path / exported.name).with_suffix(".pdf").read_bytes()))
    assert "Error" not in ran.stdout + ran.stderr
    assert [claim.text for claim in evil.claims() if squeezed(claim.text) not in text] == []
    assert squeezed("12 Article") not in text
    assert squeezed("Article 1(1)(a) of the Convention (law, not in force), official text: https://law.example") in text


# The PDF


def test_pdf_has_its_faces_in_it_a_side_bar_and_numbered_pages(redlined: Answer, corpus: Corpus) -> None:
    reader = PdfReader(io.BytesIO(export(redlined, corpus, Format.PDF, times=4).content))
    assert len(reader.pages) > 2
    fonts = {font for page in reader.pages for font in page["/Resources"]["/Font"].values()}
    used = [font.get_object() for font in fonts]
    assert all("/FontFile2" in one["/FontDescriptor"] for one in used if one["/Subtype"] == "/TrueType")
    assert "Vera" in str(used)
    assert clean(redlined.question) in {one.title for one in reader.outline if not isinstance(one, list)}
    assert "not legal advice\n2\n" in reader.pages[1].extract_text()
    assert reader.metadata is not None
    assert reader.metadata.title == "Visavis: 4 questions"
    assert (reader.metadata.author, reader.metadata.creator) == ("Visavis", "Visavis")
    assert reader.metadata.creation_date == reader.metadata.modification_date == datetime(2026, 11, 23, tzinfo=UTC)
    assert reader.metadata.subject == "Visavis · not legal advice"


@pytest.mark.parametrize(
    ("text", "printed"),
    [
        ("Ποιος; Кто? Łódź ◆", "Ποιος; Кто? Łódź ◆"),
        ("<b>Кто</b> & я", "<b>Кто</b> & я"),
        ("Кто نعم 日", "Кто [U+0646][U+0639][U+0645] [U+65E5]"),
    ],
)
def test_where_the_wider_face_is_installed_it_lends_its_signs(
    answer: Answer, corpus: Corpus, text: str, printed: str
) -> None:
    if not pdf._second_signs():
        pytest.skip("DejaVu Sans is not installed; Debian's package fonts-dejavu-core has it.")
    content = export(replace(answer, question=text), corpus, Format.PDF).content
    assert squeezed(printed) in squeezed(pdf_text(content))


@pytest.mark.parametrize(
    ("text", "printed"),
    [
        ("§ 5 – ‘a’ “b” … é ß Œ €", "§ 5 – ‘a’ “b” … é ß Œ €"),
        ("◆", "[U+25C6]"),
        ("🌹", "[U+1F339]"),
        ("نعم", "[U+0646][U+0639][U+0645]"),
    ],
)
def test_a_sign_that_the_face_lacks_is_printed_as_its_code_and_never_left_out(
    answer: Answer, corpus: Corpus, text: str, printed: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pdf, "_second_signs", frozenset)
    assert printable(text) == printed
    content = export(replace(answer, question=text), corpus, Format.PDF).content
    assert squeezed(printed) in squeezed(pdf_text(content))


def test_many_columns_lay_the_page_on_its_side(answer: Answer, corpus: Corpus) -> None:
    cells = tuple(
        Cell(wording.instrument, (Claim("Said.", ClaimKind.NOTE, (1,)),))
        for wording in corpus.expressions
        if wording.id.effective.year < 2026
    )
    wide = replace(answer, rows=(Row("Wide", None, cells),))
    assert len(cells) == 3
    page = PdfReader(io.BytesIO(export(wide, corpus, Format.PDF).content)).pages[0]
    assert page.mediabox.width > page.mediabox.height
    section = Document(io.BytesIO(export(wide, corpus, Format.DOCX).content)).sections[0]
    assert section.page_width > section.page_height


def test_a_cell_longer_than_a_page_goes_on_on_the_next(answer: Answer, corpus: Corpus) -> None:
    long = Claim("hyacinth " * 3000 + "end-of-it", ClaimKind.NOTE, (1,))
    row = replace(answer.rows[0], cells=(Cell(answer.rows[0].cells[0].instrument, (long,)), answer.rows[0].cells[1]))
    content = export(replace(answer, rows=(row,)), corpus, Format.PDF).content
    text = pdf_text(content)
    assert "end-of-it" in text
    assert text.count("hyacinth") == 3000


# What was checked


@pytest.mark.parametrize("fmt", WRITTEN)
def test_the_checks_say_what_stands_and_who_ticked_what(answer: Answer, corpus: Corpus, fmt: Format) -> None:
    checks = tick(tick((), 1, "AB", AT), 4, "J.D.", AT)
    text = squeezed(text_of(fmt, export(answer, corpus, fmt, checks).content))
    for said in (
        "held against them again for this file: 4 of 4.",
        "Citations ticked as checked by a person: 2 of 6; not checked: 4.",
        "AB, 23 November 2026, 10:05 UTC",
        "J.D., 23 November 2026, 10:05 UTC",
        "not checked",
        "none: status as seen on 24 September 2026",
        "none: a note in our own words",
        "texts 0123456789abcdef, built 23 November 2026, 10:00 UTC; "
        "writer: quotations alone, no language model; answer one.",
        "File made on 23 November 2026 by Visavis. Not legal advice.",
        "the Convention in full",
    ):
        assert squeezed(said) in text


@pytest.mark.parametrize("fmt", WRITTEN)
def test_a_quotation_that_does_not_stand_is_said_aloud(answer: Answer, corpus: Corpus, fmt: Format) -> None:
    forged = replace(answer.citations[0], quote="roses are banned")
    content = export(replace(answer, citations=(forged, *answer.citations[1:])), corpus, fmt).content
    text = squeezed(text_of(fmt, content))
    assert squeezed("held against them again for this file: 3 of 4.") in text
    assert squeezed("Does not stand: citation 1: the words are not those of art_1/1/a at 0") in text
    assert squeezed("NOT the words of the text") in text


def test_a_model_is_named_with_the_number_of_its_sentences_that_were_left_out(answer: Answer, corpus: Corpus) -> None:
    dropped = (DroppedSentence("It is so.", "no support"),) * 2
    written = replace(answer, writer=Writer("model", "gpt-x"), dropped=dropped)
    text = text_of(Format.DOCX, export(written, corpus, Format.DOCX).content)
    assert "worded by gpt-x, every quotation checked" in text
    assert "writer: model, gpt-x" in text
    assert "Sentences of the model that the check let no reader see: 2." in text


@pytest.mark.parametrize("fmt", list(Format))
def test_a_tick_on_no_citation_is_refused(answer: Answer, corpus: Corpus, fmt: Format) -> None:
    with pytest.raises(UsageError, match="citation 7 is ticked"):
        export(answer, corpus, fmt, tick((), 7, "AB", AT))


# Answers of every kind


@pytest.mark.parametrize("fmt", WRITTEN)
def test_a_refusal_says_why_and_what_was_searched(refused: Answer, corpus: Corpus, fmt: Format) -> None:
    text = squeezed(text_of(fmt, export(refused, corpus, fmt).content))
    assert squeezed("The texts say nothing on this") in text
    assert squeezed("Nothing on cakes & pies; see visavis doctor.") in text
    assert squeezed("Searched: Convention, AI Act.") in text
    assert squeezed("No words of the texts are quoted.") in text


@pytest.mark.parametrize("fmt", WRITTEN)
def test_an_answer_from_our_notes_alone_has_no_quotation(answer: Answer, corpus: Corpus, fmt: Format) -> None:
    noted = with_notes(replace(corpus, expressions=corpus.expressions[-1:]))
    book = CitationBook(noted, answer.as_of)
    claims = tuple(note_claims(noted.wordings(AI_ACT)[0].at(Pinpoint.parse("art_4")), book))
    row = Row("Literacy", None, (Cell(AI_ACT, claims),))
    alone = replace(answer, rows=(row,), relationship=None, summary=(), citations=tuple(book.citations))
    text = squeezed(text_of(fmt, export(alone, noted, fmt).content))
    assert squeezed("No words of the texts are quoted.") in text
    assert squeezed("no language model") in text
    assert squeezed("quoted from the texts") not in text


@pytest.mark.parametrize("fmt", WRITTEN)
def test_a_citation_that_no_claim_marks_is_listed(answer: Answer, corpus: Corpus, fmt: Format) -> None:
    bare = replace(answer, rows=(), summary=())
    text = squeezed(text_of(fmt, export(bare, corpus, fmt).content))
    for citation in answer.citations:
        assert squeezed(citation.label) in text
    if fmt is Format.DOCX:
        notes = part(export(bare, corpus, fmt).content, "word/footnotes.xml")
        assert len(notes) == 2 + len(answer.citations)


# Hostile and odd text


@pytest.mark.parametrize("fmt", WRITTEN)
def test_nothing_of_a_question_or_a_name_becomes_markup(answer: Answer, corpus: Corpus, fmt: Format) -> None:
    label = replace(answer.citations[0], label=EVIL)
    evil = replace(
        answer,
        question=EVIL,
        standalone_question=EVIL + "!",
        notices=(Notice("x", EVIL),),
        rows=(replace(answer.rows[0], issue=EVIL), *answer.rows[1:]),
        citations=(label, *answer.citations[1:]),
        writer=Writer("model", EVIL),
        id=EVIL,
    )
    content = export(evil, corpus, fmt).content
    text = squeezed(text_of(fmt, content))
    assert text.count(squeezed("<script>alert(1)</script>")) >= 6
    assert text.count(squeezed(EVIL.replace("`code`", ""))[:60]) >= 6
    assert not {one for one in links(fmt, content) if "law.example" not in one}
    if fmt is Format.MARKDOWN:
        html = markdown_html(content)
        assert {node.tag for node in html.iterdescendants()} <= {
            *("h1", "h2", "h3", "p", "ul", "li", "a", "table", "thead", "tbody", "tr", "th", "td"),
            *("br", "strong", "del", "ins", "blockquote"),
        }
        rows = html.xpath(".//table[1]//tr")
        assert {len(row) for row in rows} == {3}


def test_word_writes_fields_of_its_own_alone(answer: Answer, corpus: Corpus) -> None:
    content = export(replace(answer, question='DDEAUTO c:\\x "=1" HYPERLINK'), corpus, Format.DOCX).content
    codes = {(one.text or "").split()[0] for one in part(content, "word/document.xml").iter(f"{W}instrText")}
    assert codes <= {"NOTEREF"}


@pytest.mark.parametrize("fmt", list(Format))
@pytest.mark.parametrize(
    "odd", ["\x00\x07\x1b[31m", "\ufffe\uffff", "\ud800", "a\u202eb\u2066c", "نعم 🌹\u200d🌹", "\r\n\t"]
)
def test_odd_signs_break_no_file(answer: Answer, corpus: Corpus, fmt: Format, odd: str) -> None:
    strange = replace(answer, question=f"before {odd} after", standalone_question=f"before {odd} after")
    content = export(strange, corpus, fmt).content
    if fmt is Format.JSON:
        json.loads(content)
        return
    text = text_of(fmt, content)
    assert "before" in text
    assert "\u202e" not in text


@pytest.mark.parametrize(
    ("text", "kept"),
    [("a\tb\r\nc", "a b\nc"), ("\x00a\x1b", "a"), ("\u202ea\u2069", "a"), ("é ‘’ نعم 🌹", "é ‘’ نعم 🌹")],
)
def test_clean_keeps_what_can_be_read(text: str, kept: str) -> None:
    assert clean(text) == kept


@given(
    st.text(
        st.characters(codec="utf-8", exclude_categories=("Cc", "Zl", "Zp")) | st.sampled_from("\n`*_[]()<>|~&#+-=.!:\\")
    )
)
def test_escaped_text_is_the_same_text_to_markdown(text: str) -> None:
    text = clean(text)
    rendered = MarkdownIt("commonmark").enable("table").enable("strikethrough").render(f"x{escape(text)}x")
    lines = parser.fragment_fromstring(rendered or "<p></p>", create_parent="div")
    assert {node.tag for node in lines.iterdescendants()} <= {"p"}
    assert "".join(lines.text_content().split()) == "".join(f"x{text}x".split())


@pytest.mark.parametrize(
    "line", ["# a", "1. a", "2) a", "- a", "+ a", "=====", "    code", "> a", "www.a.example", "a://b", ":--|"]
)
def test_a_line_of_a_text_begins_nothing(line: str) -> None:
    html = MarkdownIt("commonmark").enable("table").render(f"text\n{escape(line)}\n\n{escape(line)}")
    assert set(re.findall(r"<(\w+)", html)) == {"p"}


@pytest.mark.parametrize("fmt", list(Format))
def test_sixty_turns_are_a_matter_of_seconds(redlined: Answer, corpus: Corpus, fmt: Format) -> None:
    started = perf_counter()
    assert export(redlined, corpus, fmt, tick((), 1, "AB", AT), times=60).content
    assert perf_counter() - started < 30


# Over HTTP


async def create_in_a_loop(desk: StillDesk) -> FastAPI:
    return create_app(desk)


@pytest.fixture
def client(desk: StillDesk) -> Iterator[TestClient]:
    with TestClient(asyncio.run(create_in_a_loop(desk))) as client:
        yield client


def wish(**changes: object) -> dict[str, object]:
    return {"format": "docx", "questions": [{"question": "What of roses?", "as_of": "2026-11-23"}]} | changes


@pytest.mark.parametrize("fmt", list(Format))
def test_a_question_is_asked_again_and_comes_back_as_a_file(client: TestClient, fmt: Format) -> None:
    response = client.post("/api/v1/export", json=wish(format=fmt))
    assert response.status_code == 200
    assert response.headers["content-disposition"].startswith('attachment; filename="visavis-answer-2026-11-23.')
    assert response.headers["cache-control"] == "no-store"
    assert response.headers["x-content-type-options"] == "nosniff"
    assert {Format.DOCX: b"PK", Format.PDF: b"%PDF", Format.MARKDOWN: b"# Vi", Format.JSON: b"{"}[fmt] in (
        response.content[: len(start)] for start in (b"PK", b"%PDF", b"{")
    )


def test_the_questions_are_one_conversation(client: TestClient, desk: StillDesk) -> None:
    questions = [{"question": "One?"}, {"question": "Two?", "as_of": "2025-01-01"}]
    response = client.post("/api/v1/export", json=wish(format="json", history=["Zero?"], questions=questions))
    assert [one["answer"]["as_of"] for one in response.json()["answers"]] == ["2026-11-23", "2025-01-01"]
    assert [asked.history for asked in desk.current.asked] == [("Zero?",), ("Zero?", "One?")]


def test_ticks_come_through(client: TestClient) -> None:
    ticks = [{"n": 1, "initials": "AB", "at": "2026-11-23T12:05:00+02:00"}]
    response = client.post("/api/v1/export", json=wish(format="json", questions=[{"question": "?a", "checked": ticks}]))
    assert response.json()["answers"][0]["checks"] == [{"n": 1, "initials": "AB", "at": "2026-11-23T10:05:00Z"}]


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("{", "the body: Invalid JSON"),
        ("[]", "the body: Input should be an object"),
        (wish(format="exe"), "format: Input should be 'docx', 'pdf', 'markdown' or 'json'"),
        (wish(questions=[]), "questions: Tuple should have at least 1 item"),
        (wish(questions=[{"question": "a"}] * (MOST_QUESTIONS + 1)), "questions: Tuple should have at most 100 items"),
        (wish(questions=[{"question": " "}]), "the question is empty"),
        (wish(questions=[{"question": "a", "as_of": "2026-02-31"}]), "questions.0.as_of"),
        (wish(answers=[{"summary": "forged"}]), "answers: Extra inputs are not permitted"),
        (wish(corpus="another"), "the texts are now 0123456789abcdef, and the request names 'another'"),
        (
            wish(questions=[{"question": "a", "checked": [{"n": 9, "initials": "AB", "at": "2026-11-23T10:00:00Z"}]}]),
            "citation 9 is ticked, but the answer has 6",
        ),
        (
            wish(questions=[{"question": "a", "checked": [{"n": 1, "initials": "A B", "at": "2026-11-23T10:00:00Z"}]}]),
            "the initials 'A B' cannot be kept",
        ),
        (
            wish(questions=[{"question": "a", "checked": [{"n": 1, "initials": "AB", "at": "2026-11-23T10:00:00"}]}]),
            "questions.0.checked.0.at: Input should have timezone info",
        ),
        (wish(questions=[{"question": "a" * MOST_BYTES}]), "the request has more than 2,000,000 bytes"),
    ],
)
def test_a_bad_wish_is_one_calm_line(client: TestClient, body: object, said: str) -> None:
    response = client.post("/api/v1/export", content=body if isinstance(body, str) else json.dumps(body))
    assert response.status_code == 422
    assert response.headers["content-type"] == "application/problem+json"
    assert said in response.json()["detail"]
    assert "\n" not in response.json()["detail"]
