"""Pages of PDF files: the words are found across line ends, and no file is reached but a listed one."""

import io
from dataclasses import replace
from pathlib import Path

import pypdfium2
import pytest
from PIL import Image
from reportlab.pdfgen.canvas import Canvas

from ingest.documents import Description, check_document, keep_document
from ingest.errors import SourceMissing, SourceUnreadable
from ingest.instrument import Authority, SourceSpan
from ingest.pinpoint import Pinpoint
from tests.ui.gardens import garden_corpus
from ui.pages import MARK, PageImages, draw_page, find_boxes, find_leaves, find_letters

LINES = ("Gardeners shall water every well-", "tended rose with great devo-", "tion, and never cut it.")
WORDS = "shall water every well-tended rose with great devotion"


@pytest.fixture
def pdf(tmp_path: Path) -> Path:
    """Two pages; the words stand on the second, over three lines."""
    path = tmp_path / "garden.pdf"
    canvas = Canvas(str(path), pagesize=(300, 200))
    canvas.drawString(20, 150, "Nothing of note.")
    canvas.showPage()
    for number, line in enumerate(LINES):
        canvas.drawString(20, 150 - 15 * number, line)
    canvas.showPage()
    canvas.save()
    return path


def marked_share(png: bytes) -> float:
    """How much of an image has the colour of a mark."""
    image = Image.open(io.BytesIO(png)).convert("RGB")
    near = sum(
        count
        for count, colour in image.getcolors(1 << 24)
        if all(abs(a - b) < 12 for a, b in zip(colour, MARK, strict=True))
    )
    return near / (image.width * image.height)


def test_words_over_line_ends_are_boxed_line_by_line(pdf: Path) -> None:
    document = pypdfium2.PdfDocument(pdf)
    boxes = find_boxes(document[1], WORDS)
    assert len(boxes) == 3
    assert [round(bottom) for _, bottom, _, _ in boxes] == sorted((round(box[1]) for box in boxes), reverse=True)
    assert boxes[0][0] > 60  # "Gardeners" is left out
    assert find_boxes(document[0], WORDS) == ()
    assert find_boxes(document[1], "") == ()
    document.close()


@pytest.mark.parametrize(
    ("printed", "words", "found"),
    [
        ("aroseisred", "Rose", "rose"),
        ("thisconventionapplies", "this  Con-\nvention", "thisconvention"),
        ("ﬁrst".replace("ﬁ", "fi"), "ﬁrst", "first"),
        ("nothinghere", "rose", ""),
        ("roses", "", ""),
    ],
)
def test_letters_are_found_whatever_the_white_space_hyphens_and_case(printed: str, words: str, found: str) -> None:
    assert "".join(printed[number] for number in find_letters(printed, words)) == found


def test_words_that_a_running_head_interrupts_are_found_in_runs() -> None:
    first, second = "gardenersshallwatereveryrose", "andneverleaveitwithoutshade"
    printed = f"xx{first}runninghead7{second}yy"
    found = "".join(printed[number] for number in find_letters(printed, first + second))
    assert found == first + second


def test_a_page_is_drawn_with_its_words_marked(pdf: Path) -> None:
    assert marked_share(draw_page(pdf, 2, WORDS)) > 0.02
    assert marked_share(draw_page(pdf, 1, WORDS)) == 0
    assert Image.open(io.BytesIO(draw_page(pdf, 1, ""))).width == 1100


@pytest.mark.parametrize("page", [0, 3, 9999])
def test_a_page_that_there_is_not_is_said_to_be_none(pdf: Path, page: int) -> None:
    with pytest.raises(SourceMissing, match=r"garden\.pdf: it has 2 pages"):
        draw_page(pdf, page, "")


def test_what_is_no_pdf_is_a_calm_line(tmp_path: Path) -> None:
    file = tmp_path / "a.pdf"
    file.write_bytes(b"%PDF-1.7 nothing")
    with pytest.raises(SourceUnreadable, match=r"^a\.pdf: it cannot be drawn"):
        draw_page(file, 1, "")


def test_a_page_longer_than_a_page_is_not_drawn(tmp_path: Path) -> None:
    file = tmp_path / "long.pdf"
    canvas = Canvas(str(file), pagesize=(10, 10_000))
    canvas.showPage()
    canvas.save()
    with pytest.raises(SourceUnreadable, match="a shape that is not drawn"):
        draw_page(file, 1, "")


def test_a_users_document_is_drawn_from_its_listed_copy_alone(pdf: Path) -> None:
    source = keep_document(pdf, check_document(pdf, Description("Garden memo", Authority.COMMENTARY, "en"))).source
    guide = garden_corpus().expressions[4]
    at = SourceSpan(source.files[0].path, page=2)
    own = replace(
        guide,
        id=replace(guide.id, instrument=source.instrument),
        provisions=tuple(replace(one, source=at) for one in guide.provisions),
    )
    wording = replace(own, provisions=tuple(replace(one, expression=own.id) for one in own.provisions))
    leaves = find_leaves(wording, wording.at(Pinpoint.parse("para_7")))
    assert [(leaf.source.id, leaf.page) for leaf in leaves] == [(source.id, 2)]
    images = PageImages(None)
    drawn = images.png(leaves[0], WORDS)
    assert marked_share(drawn) > 0.02
    assert images.png(leaves[0], WORDS) is drawn  # kept
    pdf.unlink()
    assert find_leaves(guide, guide.at(Pinpoint.parse("para_7"))) == ()


def test_a_document_whose_copy_was_changed_is_not_drawn(pdf: Path, home: Path) -> None:
    source = keep_document(pdf, check_document(pdf, Description("Garden memo", Authority.COMMENTARY, "en"))).source
    [copy] = home.rglob(source.files[0].path)
    copy.write_bytes(copy.read_bytes() + b"\n")
    from ui.pages import Leaf

    with pytest.raises(SourceMissing, match="not at hand"):
        PageImages(None).png(Leaf(source, 1), "")


def test_a_page_of_the_treaty_has_its_words_marked(corpus_dir: Path) -> None:
    file = corpus_dir / "convention" / "CETS_225_EN.pdf"
    if not file.is_file():
        pytest.skip("the Convention's PDF is not among the texts")
    document = pypdfium2.PdfDocument(file)
    assert len(find_boxes(document[2], "Matters relating to national defence do not fall")) == 1
    document.close()
