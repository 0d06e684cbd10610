"""A paper as a Word document: the only door to python-docx for writing.

python-docx has no footnotes of its own: their part is made here. Word numbers them; a place that is cited again has a
field that shows the number of its footnote and leads to it.
"""

import io
import zipfile
from datetime import UTC, date, datetime, time
from typing import TYPE_CHECKING, cast

from ui.export.paper import (
    Block,
    Heading,
    Look,
    Manner,
    Note,
    Paper,
    Reference,
    Table,
    TableRow,
    Words,
)
from ui.export.paper import Paragraph as PaperParagraph

if TYPE_CHECKING:
    from docx.document import Document
    from docx.opc.part import XmlPart
    from docx.oxml.table import CT_Tbl
    from docx.oxml.text.paragraph import CT_P
    from docx.oxml.xmlchemy import BaseOxmlElement
    from docx.table import _Cell
    from docx.text.font import Font
    from docx.text.paragraph import Paragraph

ZIP_DAY = (1980, 1, 1, 0, 0, 0)
STYLES = {
    Manner.TITLE: "Title",
    Manner.SUBTITLE: "Subtitle",
    Manner.BODY: "Normal",
    Manner.ITEM: "List Bullet",
    Manner.QUOTE: "Quote",
    Manner.SMALL: "Small",
}
INK, FAINT, LINK, SHADE = "1F2933", "52606D", "0B4F9E", "E4E7EB"
SEPARATORS = (("separator", "-1"), ("continuationSeparator", "0"))


def render_word(paper: Paper, on: date) -> bytes:
    """The document's bytes, the same for the same paper and day."""
    writing = _Writing(paper)
    for block in (*paper.body, *paper.checks):
        writing.block(block)
    writing.finish(on)
    out = io.BytesIO()
    writing.document.save(out)
    return _with_fixed_days(out.getvalue())


def _with_fixed_days(packed: bytes) -> bytes:
    """The package with the same day on each of its parts."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(packed)) as source, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as target:
        for name in source.namelist():
            part = zipfile.ZipInfo(name, ZIP_DAY)
            part.compress_type = zipfile.ZIP_DEFLATED
            target.writestr(part, source.read(name))
    return out.getvalue()


class _Writing:
    """A document while it is written."""

    def __init__(self, paper: Paper) -> None:
        from docx import Document as new_document

        self.document: Document = new_document()
        self.paper = paper
        self.notes = {note.n: note for note in paper.notes()}
        self.footnotes = _Footnotes(self.document)
        _set_styles(self.document)
        # Looked up once: python-docx reads every style anew for each paragraph that names one.
        self.styles = {manner: self.document.styles[name].style_id for manner, name in STYLES.items()}
        self._lay_out()

    def block(self, block: Block) -> None:
        """Add a block; a list of sources is what the footnotes say already."""
        if isinstance(block, Heading):
            self.document.add_heading(block.text, block.level)
        elif isinstance(block, PaperParagraph):
            self._fill(self.document.add_paragraph(), block)
        elif isinstance(block, Table):
            self._table(block)

    def finish(self, on: date) -> None:
        """Put the footnotes in, and say in the properties what the document is."""
        self.footnotes.finish()
        properties = self.document.core_properties
        properties.title, properties.author, properties.language = self.paper.title, "Visavis", "en"
        properties.created = properties.modified = datetime.combine(on, time(), UTC)
        _drop_thumbnail(self.document)
        properties.last_modified_by, properties.comments, properties.revision = "Visavis", "", 1

    def _lay_out(self) -> None:
        """A4 with margins of 2 cm, on its side for many columns; the line and the number at the foot."""
        from docx.enum.section import WD_ORIENT
        from docx.shared import Cm

        section = self.document.sections[0]
        width, height = Cm(21), Cm(29.7)
        if self.paper.is_wide():
            section.orientation = WD_ORIENT.LANDSCAPE
            width, height = height, width
        section.page_width, section.page_height = width, height
        section.left_margin = section.right_margin = section.top_margin = section.bottom_margin = Cm(2)
        self.room = width - section.left_margin - section.right_margin
        foot = section.footer.paragraphs[0]
        foot.style = self.document.styles["Small"]
        foot.add_run(f"{self.paper.foot} · ")
        _add_field(foot, "PAGE")

    def _table(self, table: Table) -> None:
        made = self.document.add_table(rows=1, cols=len(table.heads))
        made.style, made.autofit = "Table Grid", False
        _pad_cells(made._tbl)
        widths = [round(self.room * width) for width in table.widths]
        for column, width in zip(made.columns, widths, strict=True):
            column.width = width
        for cell, head, width in zip(made.rows[0].cells, table.heads, widths, strict=True):
            cell.width = width
            cell.paragraphs[0].add_run(head).bold = True
            _shade(cell, SHADE)
        _repeat_on_every_page(made.rows[0]._tr)
        for row in table.rows:
            self._row(made.add_row().cells, row)
        self.document.add_paragraph()._p.style = self.styles[Manner.SMALL]

    def _row(self, cells: "tuple[_Cell, ...]", row: TableRow) -> None:
        if len(row.cells) < len(cells):
            cells = (cells[0].merge(cells[-1]),)
        for cell, paragraphs in zip(cells, row.cells, strict=True):
            for number, said in enumerate(paragraphs):
                self._fill(cell.add_paragraph() if number else cell.paragraphs[0], said)

    def _fill(self, paragraph: "Paragraph", said: PaperParagraph) -> None:
        paragraph._p.style = self.styles[said.manner]
        for place, piece in enumerate(said.pieces):
            if isinstance(piece, Words):
                _add_words(paragraph, piece)
                continue
            if place and isinstance(said.pieces[place - 1], Reference):
                paragraph.add_run(",").font.superscript = True
            self.footnotes.refer(paragraph, self.notes[piece.n], self.paper.official_at)


class _Footnotes:
    """The part of a package that holds the footnotes, and the marks that lead to them."""

    def __init__(self, document: "Document") -> None:
        self.document = document
        self.part: XmlPart | None = None
        self.marked: set[int] = set()

    def refer(self, paragraph: "Paragraph", note: Note, official_at: str) -> None:
        """Mark a place: with a footnote the first time, later with a field that leads to it."""
        if note.n in self.marked:
            _add_field(paragraph, f"NOTEREF {_bookmark(note.n)} \\f \\h", str(note.n), "footnotereference")
            return
        self.marked.add(note.n)
        mark = _run_in("footnotereference")
        mark.append(_element("w:footnoteReference", id=str(note.n)))
        paragraph._p.append(_element("w:bookmarkStart", id=str(note.n), name=_bookmark(note.n)))
        paragraph._p.append(mark)
        paragraph._p.append(_element("w:bookmarkEnd", id=str(note.n)))
        self.part = self.part or _add_footnotes_part(self.document)
        self.part.element.append(_footnote(note, official_at, self.part))

    def finish(self) -> None:
        """Name the separators in the settings, as Word expects where there are footnotes."""
        if self.part is None:
            return
        settings = self.document.settings.element
        named = _element("w:footnotePr")
        for _, number in SEPARATORS:
            named.append(_element("w:footnote", id=number))
        compat = settings.find(_tag("w:compat"))
        settings.insert(len(settings) if compat is None else list(settings).index(compat), named)


def _footnote(note: Note, official_at: str, part: "XmlPart") -> "BaseOxmlElement":
    from docx.text.paragraph import Paragraph as WordParagraph

    footnote = _element("w:footnote", id=str(note.n))
    line = cast("CT_P", _element("w:p"))
    footnote.append(line)
    paragraph = WordParagraph(line, part)
    line.get_or_add_pPr().append(_element("w:pStyle", val="footnotetext"))
    mark = _run_in("footnotereference")
    mark.append(_element("w:footnoteRef"))
    line.append(mark)
    paragraph.add_run(f" {note.label} ({note.weight})")
    if note.url:
        paragraph.add_run(f", {official_at}")
        _add_link(paragraph, note.url, note.url)
    return footnote


def _add_footnotes_part(document: "Document") -> "XmlPart":
    """The part that holds the footnotes, with the two lines that Word draws above them."""
    from docx.opc.constants import CONTENT_TYPE, RELATIONSHIP_TYPE
    from docx.opc.packuri import PackURI
    from docx.opc.part import XmlPart

    root = _element("w:footnotes")
    for kind, number in SEPARATORS:
        separator = _element("w:footnote", type=kind, id=number)
        paragraph = _element("w:p")
        run = _element("w:r")
        run.append(_element(f"w:{kind}"))
        paragraph.append(run)
        separator.append(paragraph)
        root.append(separator)
    package = document.part.package
    part = XmlPart(PackURI("/word/footnotes.xml"), CONTENT_TYPE.WML_FOOTNOTES, root, package)
    document.part.relate_to(part, RELATIONSHIP_TYPE.FOOTNOTES)
    return part


def _drop_thumbnail(document: "Document") -> None:
    """Leave out the template's picture of its own first page."""
    from docx.opc.constants import RELATIONSHIP_TYPE

    relations = document.part.package.rels
    for key in [key for key, one in relations.items() if one.reltype == RELATIONSHIP_TYPE.THUMBNAIL]:
        del relations[key]


def _set_styles(document: "Document") -> None:
    """One face and one ink; headings by size and weight; the styles of footnotes, which the template lacks."""
    from docx.enum.style import WD_STYLE_TYPE
    from docx.shared import Pt, RGBColor

    styles = document.styles
    _set_face(styles["Normal"].font, 10.5, INK)
    styles["Normal"].paragraph_format.space_after = Pt(5)
    for name, size in (("Title", 20), ("Subtitle", 10.5), ("Heading 1", 14), ("Heading 2", 11.5), ("Quote", 10)):
        _set_face(styles[name].font, size, FAINT if name == "Subtitle" else INK)
    styles["Heading 1"].paragraph_format.space_before = Pt(16)
    styles["Heading 1"].paragraph_format.space_after = Pt(6)
    styles["Quote"].paragraph_format.left_indent = Pt(9)
    for name in ("Small", "footnote text"):
        added = styles.add_style(name, WD_STYLE_TYPE.PARAGRAPH)
        added.base_style = styles["Normal"]
        _set_face(added.font, 9, FAINT if name == "Small" else INK)
        added.paragraph_format.space_after = Pt(3)
    mark = styles.add_style("footnote reference", WD_STYLE_TYPE.CHARACTER)
    mark.font.superscript = True
    link = styles.add_style("Hyperlink", WD_STYLE_TYPE.CHARACTER)
    link.font.underline = True
    link.font.color.rgb = RGBColor.from_string(LINK)


def _set_face(font: "Font", size: float, colour: str) -> None:
    from docx.shared import Pt, RGBColor

    font.name, font.size, font.color.rgb = "Calibri", Pt(size), RGBColor.from_string(colour)
    fonts = font.element.rPr.rFonts
    for theme in ("asciiTheme", "hAnsiTheme", "eastAsiaTheme", "cstheme"):
        fonts.attrib.pop(_tag(f"w:{theme}"), None)


def _add_words(paragraph: "Paragraph", words: Words) -> None:
    if words.url:
        _add_link(paragraph, words.text, words.url)
        return
    if words.look is Look.QUOTED:
        paragraph.add_run(f"“{words.text}”")
        return
    run = paragraph.add_run(words.text)
    if words.look is Look.STRONG:
        run.bold = True
    elif words.look is Look.SMALL:
        run.italic = True
    elif words.look is Look.STRUCK:
        run.font.strike = True
    elif words.look is Look.INSERTED:
        run.underline = True


def _add_link(paragraph: "Paragraph", text: str, url: str) -> None:
    from docx.opc.constants import RELATIONSHIP_TYPE

    relation = paragraph.part.relate_to(url, RELATIONSHIP_TYPE.HYPERLINK, is_external=True)
    link = _element("w:hyperlink")
    link.set(_tag("r:id"), relation)
    run = _run_in("Hyperlink")
    run.append(_text_of(text))
    link.append(run)
    paragraph._p.append(link)


def _add_field(paragraph: "Paragraph", instruction: str, shown: str = "1", style: str = "") -> None:
    begin, end = (_element("w:fldChar", fldCharType=kind) for kind in ("begin", "end"))
    code = _element("w:instrText")
    code.text = f" {instruction} "
    for part in (begin, code, _element("w:fldChar", fldCharType="separate"), _text_of(shown), end):
        run = _run_in(style)
        run.append(part)
        paragraph._p.append(run)


def _shade(cell: "_Cell", colour: str) -> None:
    cell._tc.get_or_add_tcPr().append(_element("w:shd", val="clear", color="auto", fill=colour))


def _pad_cells(table: "CT_Tbl") -> None:
    """A little room above and below the words of each cell, in twentieths of a point."""
    margins = _element("w:tblCellMar")
    margins.append(_element("w:top", w="60", type="dxa"))
    margins.append(_element("w:bottom", w="20", type="dxa"))
    table.tblPr.insert(len(table.tblPr) - 1, margins)  # before the look, which the schema has last


def _repeat_on_every_page(row: "BaseOxmlElement") -> None:
    properties = _element("w:trPr")
    properties.append(_element("w:cantSplit"))
    properties.append(_element("w:tblHeader"))
    row.insert(0, properties)


def _bookmark(number: int) -> str:
    return f"note_{number}"


def _run_in(style: str) -> "BaseOxmlElement":
    run = _element("w:r")
    if style:
        properties = _element("w:rPr")
        properties.append(_element("w:rStyle", val=style))
        run.append(properties)
    return run


def _text_of(text: str) -> "BaseOxmlElement":
    made = _element("w:t")
    made.text = text
    return made


def _element(element: str, **attributes: str) -> "BaseOxmlElement":
    """An element of Word's vocabulary with attributes of the same."""
    from docx.oxml import OxmlElement

    made = OxmlElement(element, {_tag(f"w:{key}"): value for key, value in attributes.items()})
    return cast("BaseOxmlElement", made)


def _tag(name: str) -> str:
    from docx.oxml.ns import qn

    return qn(name)
