"""A paper as PDF: the only door to reportlab.

The face is Bitstream Vera, which comes with reportlab and may be embedded. A sign that it lacks is taken from DejaVu
Sans, the wider face of the same drawing, where the machine has that installed, and is else printed as its code point,
never left out; so are signs of scripts from right to left, which reportlab cannot set. Word, Markdown and JSON keep
every sign.
"""

import io
import unicodedata
from collections.abc import Iterator
from datetime import date
from functools import cache
from itertools import chain, count, groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any
from xml.sax.saxutils import escape, quoteattr

from ui.export.paper import (
    Block,
    Heading,
    Look,
    Manner,
    Note,
    Paper,
    Paragraph,
    Piece,
    Reference,
    Sources,
    Table,
    Words,
)

if TYPE_CHECKING:
    from reportlab.lib.styles import ParagraphStyle
    from reportlab.pdfgen.canvas import Canvas
    from reportlab.platypus import BaseDocTemplate, Flowable

FACE = "Vera"
FILES = {"Vera": "Vera.ttf", "Vera-Bold": "VeraBd.ttf", "Vera-Italic": "VeraIt.ttf", "Vera-BoldItalic": "VeraBI.ttf"}
SECOND = "DejaVuSans"
FROM_RIGHT = frozenset({"R", "AL", "AN", "RLE", "RLO", "RLI"})
INK, FAINT, LINK, SHADE, RULE = "#1F2933", "#52606D", "#0B4F9E", "#E4E7EB", "#9AA5B1"
MARGIN = 54  # points
LEAST_PART = 24  # points of a row that may stand alone on a page
SIZES = {Manner.TITLE: 18.0, Manner.SUBTITLE: 9.0, Manner.SMALL: 7.5}
BODY_SIZE = 8.5
HEADING_SIZES = {1: 12.5, 2: 10.0, 3: 9.0}
TAGS = {Look.STRONG: "b", Look.SMALL: "i", Look.STRUCK: "strike", Look.INSERTED: "u"}


def render_pdf(paper: Paper, on: date) -> bytes:
    """The bytes of a document made on a day, the same for the same paper and day."""
    from reportlab.lib.pagesizes import A4, landscape
    from reportlab.platypus import Frame, PageTemplate

    _register_faces()
    size = landscape(A4) if paper.is_wide() else A4
    out = io.BytesIO()
    document = _document(out, paper, size, on)
    frame = Frame(MARGIN, MARGIN, size[0] - 2 * MARGIN, size[1] - 2 * MARGIN, 0, 0, 0, 0, id="text")
    document.addPageTemplates(PageTemplate(frames=[frame], onPage=lambda canvas, _: _print_foot(canvas, paper)))
    room = size[0] - 2 * MARGIN
    document.build(
        list(chain.from_iterable(_block(block, room, paper.official_at) for block in (*paper.body, *paper.checks)))
    )
    return out.getvalue()


def _document(out: io.BytesIO, paper: Paper, size: tuple[float, float], on: date) -> "BaseDocTemplate":
    """A document of a day that lists its headings in the reader's side bar."""
    from reportlab.platypus import BaseDocTemplate

    numbers = count(1)

    class Outlined(BaseDocTemplate):  # type: ignore[misc]
        def beforeDocument(self) -> None:
            self.canv.setDateFormatter(lambda *_: f"D:{on:%Y%m%d}000000Z")

        def afterFlowable(self, flowable: "Flowable") -> None:
            level = getattr(flowable, "outline_level", None)
            if level is not None:
                key = f"heading-{next(numbers)}"
                self.canv.bookmarkPage(key)
                self.canv.addOutlineEntry(flowable.getPlainText(), key, level)

    named = {"title": printable(paper.title), "author": "Visavis", "creator": "Visavis", "subject": paper.foot}
    return Outlined(out, pagesize=size, **named, keywords="", lang="en", invariant=1)


def _print_foot(canvas: "Canvas", paper: Paper) -> None:
    """The line and the number at the foot of a page."""
    canvas.saveState()
    canvas.setFont(FACE, SIZES[Manner.SMALL])
    canvas.setFillColor(FAINT)
    canvas.drawString(MARGIN, MARGIN / 2, paper.foot)
    canvas.drawRightString(canvas._pagesize[0] - MARGIN, MARGIN / 2, str(canvas.getPageNumber()))
    canvas.restoreState()


def _block(block: Block, room: float, official_at: str) -> Iterator["Flowable"]:
    if isinstance(block, Heading):
        yield _heading(block)
    elif isinstance(block, Paragraph):
        yield _paragraph(block)
    elif isinstance(block, Table):
        yield from _table(block, room)
    elif isinstance(block, Sources):
        yield _heading(Heading(2, block.head))
        yield from (_note(note, official_at) for note in block.notes)


def _heading(heading: Heading) -> "Flowable":
    from reportlab.platypus import Paragraph as Flowing

    size = HEADING_SIZES[heading.level]
    style = _style(f"heading {heading.level}", size, fontName=f"{FACE}-Bold", spaceBefore=size, keepWithNext=1)
    flowing = Flowing(_escaped(heading.text), style)
    flowing.outline_level = heading.level - 1
    return flowing


def _paragraph(paragraph: Paragraph) -> "Flowable":
    from reportlab.platypus import Paragraph as Flowing

    text = "".join(map(_piece, paragraph.pieces))
    if paragraph.manner is Manner.ITEM:
        return Flowing(text, _style("item", BODY_SIZE, leftIndent=12), bulletText="•")
    return Flowing(text, _manner(paragraph.manner))


def _note(note: Note, official_at: str) -> "Flowable":
    from reportlab.platypus import Paragraph as Flowing

    link = f", {_escaped(official_at)}{_link(note.url, note.url)}" if note.url else ""
    text = f'<a name="note-{note.n}"/>{_escaped(note.label)} ({_escaped(note.weight)}){link}'
    return Flowing(text, _style("note", SIZES[Manner.SMALL], leftIndent=24), bulletText=f"[{note.n}]")


def _table(table: Table, room: float) -> Iterator["Flowable"]:
    from reportlab.platypus import Spacer
    from reportlab.platypus import Table as Grid

    heads = [_paragraph(Paragraph((Words(head, Look.STRONG),))) for head in table.heads]
    cells = [[list(map(_paragraph, cell)) for cell in row.cells] for row in table.rows]
    across = [number for number, row in enumerate(cells, start=1) if len(row) < len(heads)]
    filled = [row + [""] * (len(heads) - len(row)) for row in cells]
    style: list[tuple[Any, ...]] = [
        ("VALIGN", (0, 0), (-1, -1), "TOP"),
        ("GRID", (0, 0), (-1, -1), 0.5, RULE),
        ("BACKGROUND", (0, 0), (-1, 0), SHADE),
        ("LINEBELOW", (0, "inrowsplitstart"), (-1, "inrowsplitstart"), 0.5, RULE),
        ("LINEABOVE", (0, "inrowsplitend"), (-1, "inrowsplitend"), 0.5, RULE),
        *(("SPAN", (0, number), (-1, number)) for number in across),
    ]
    widths = [room * width for width in table.widths]
    yield Spacer(1, 4)
    yield Grid([heads, *filled], widths, style=style, repeatRows=1, splitByRow=0, splitInRow=LEAST_PART)
    yield Spacer(1, 8)


def _piece(piece: Piece) -> str:
    if isinstance(piece, Reference):
        return f'<super><a href="#note-{piece.n}" color="{LINK}">[{piece.n}]</a></super>'
    if piece.url:
        return _link(piece.text, piece.url)
    text = _escaped(piece.text)
    if piece.look is Look.QUOTED:
        return f"“{text}”"
    tag = TAGS.get(piece.look)
    return f"<{tag}>{text}</{tag}>" if tag else text


def _link(text: str, url: str) -> str:
    return f'<a href={quoteattr(url)} color="{LINK}"><u>{_escaped(text)}</u></a>'


def _escaped(text: str) -> str:
    """The text as reportlab's markup, in runs of one face."""
    second = _second_signs()
    runs = groupby(text, lambda sign: ord(sign) in second)
    return "".join(_run("".join(signs), is_second=is_second) for is_second, signs in runs)


def _run(text: str, *, is_second: bool) -> str:
    if is_second:
        return f'<font name="{SECOND}">{escape(text)}</font>'
    return escape(printable(text)).replace("\n", "<br/>")


def printable(text: str) -> str:
    """The text with each sign that the face lacks as its code point: "[U+2205]"."""
    known = _signs()
    return "".join(sign if sign == "\n" or ord(sign) in known else f"[U+{ord(sign):04X}]" for sign in text)


def _manner(manner: Manner) -> "ParagraphStyle":
    if manner is Manner.TITLE:
        return _style(manner, SIZES[manner], fontName=f"{FACE}-Bold")
    if manner is Manner.QUOTE:
        return _style(manner, BODY_SIZE, leftIndent=8)
    if manner in {Manner.SMALL, Manner.SUBTITLE}:
        return _style(manner, SIZES[manner], textColor=FAINT)
    return _style(manner, BODY_SIZE)


def _style(name: str, size: float, **more: str | float) -> "ParagraphStyle":
    """A style that breaks a word longer than its line, such as an address."""
    from reportlab.lib.styles import ParagraphStyle

    face: dict[str, str | float] = {"fontName": FACE, "fontSize": size, "leading": size * 1.35, "textColor": INK}
    rest = {"spaceAfter": size * 0.4, "splitLongWords": 1, "bulletFontName": FACE, "bulletFontSize": size}
    return ParagraphStyle(name, **(face | rest | more))


@cache
def _signs() -> frozenset[int]:
    """The code points that every weight of the face has."""
    from reportlab.pdfbase.ttfonts import TTFontFace

    faces = (TTFontFace(str(_folder() / name)) for name in FILES.values())
    return frozenset.intersection(*(frozenset(face.charToGlyph) for face in faces))


@cache
def _second_signs() -> frozenset[int]:
    """The code points that the second face adds to the first; none where it is not installed."""
    from reportlab.pdfbase.ttfonts import TTFError, TTFont

    try:
        face = TTFont(SECOND, f"{SECOND}.ttf").face
    except TTFError:
        return frozenset()
    added = frozenset(face.charToGlyph) - _signs()
    return frozenset(one for one in added if unicodedata.bidirectional(chr(one)) not in FROM_RIGHT)


@cache
def _register_faces() -> None:
    from reportlab.pdfbase.pdfmetrics import registerFont, registerFontFamily
    from reportlab.pdfbase.ttfonts import TTFont

    for name, file in FILES.items():
        registerFont(TTFont(name, str(_folder() / file)))
    registerFontFamily(FACE, *FILES)
    if _second_signs():
        registerFont(TTFont(SECOND, f"{SECOND}.ttf"))
        registerFontFamily(SECOND, *[SECOND] * len(FILES))


def _folder() -> Path:
    import reportlab

    return Path(reportlab.__file__).parent / "fonts"
