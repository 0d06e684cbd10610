"""What a file says before it is Word, PDF or Markdown: headings, paragraphs, tables and notes, all frozen and plain.

What is not ours (a question, a text, a name) passes through `clean`, and the format that prints it escapes it.
"""

import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import StrEnum

WIDE = 4

_BIDI_CONTROLS = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
_UNPRINTABLE = frozenset({"Cc", "Cs"})


class Numbering:
    """The numbers of a file's citations: 1, 2, 3, … as their marks first come in the text, as a word processor counts.

    In the file of one answer they are, as a rule, the numbers of the page.
    """

    def __init__(self) -> None:
        self._given: dict[tuple[int, int], int] = {}

    def number(self, entry: int, n: int) -> int:
        """The number of citation `n` of the answer in place `entry`; the next one where it has none yet."""
        return self._given.setdefault((entry, n), len(self._given) + 1)

    def has(self, entry: int, n: int) -> bool:
        """Whether a mark of the citation has come."""
        return (entry, n) in self._given


class Look(StrEnum):
    """How a run of words is set."""

    PLAIN = "plain"
    QUOTED = "quoted"
    STRONG = "strong"
    SMALL = "small"
    STRUCK = "struck"
    INSERTED = "inserted"


class Manner(StrEnum):
    """How a paragraph is set."""

    TITLE = "title"
    SUBTITLE = "subtitle"
    BODY = "body"
    ITEM = "item"
    QUOTE = "quote"
    SMALL = "small"


@dataclass(frozen=True, slots=True)
class Words:
    """A run of words; with an address it is a link."""

    text: str
    look: Look = Look.PLAIN
    url: str = ""


@dataclass(frozen=True, slots=True)
class Reference:
    """The mark of a citation in the text: number `n` of the file."""

    n: int


Piece = Words | Reference


@dataclass(frozen=True, slots=True)
class Heading:
    """A heading of level 1 to 3."""

    level: int
    text: str


@dataclass(frozen=True, slots=True)
class Paragraph:
    """Pieces in a row."""

    pieces: tuple[Piece, ...]
    manner: Manner = Manner.BODY


@dataclass(frozen=True, slots=True)
class TableRow:
    """Cells of paragraphs; a single cell under several heads goes right across the table."""

    cells: tuple[tuple[Paragraph, ...], ...]


@dataclass(frozen=True, slots=True)
class Table:
    """A table whose heads stand again on every page; `widths` are parts of the page's width that sum to 1."""

    heads: tuple[str, ...]
    rows: tuple[TableRow, ...]
    widths: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Note:
    """What mark `n` leads to: the place, what it weighs, and the address of the official text, "" where none is."""

    n: int
    label: str
    weight: str
    url: str = ""


@dataclass(frozen=True, slots=True)
class Sources:
    """The notes of an answer as a list, in a format that has no footnotes."""

    head: str
    notes: tuple[Note, ...]


Block = Heading | Paragraph | Table | Sources


@dataclass(frozen=True, slots=True)
class Paper:
    """A whole file: what the page says (`body`), what became of the checks (`checks`), and the line at each foot.

    `official` is what the official text behind a note is called, `official_at` that before its address.
    """

    title: str
    body: tuple[Block, ...]
    checks: tuple[Block, ...]
    foot: str
    official: str = "official text"
    official_at: str = "official text: "

    def notes(self) -> tuple[Note, ...]:
        """The notes of all answers, in the order of the text."""
        return tuple(note for block in self.body if isinstance(block, Sources) for note in block.notes)

    def is_wide(self) -> bool:
        """Whether a table has so many columns that the page is better laid on its side."""
        return any(isinstance(block, Table) and len(block.heads) >= WIDE for block in self.body)


def clean(text: str) -> str:
    """The text without what no file can carry or a reader cannot see: control signs and turns of direction.

    Line breaks stay, and a tab becomes a space.
    """
    return "".join(map(_printable, text.replace("\r\n", "\n").replace("\t", " ")))


def _printable(sign: str) -> str:
    if sign == "\n":
        return sign
    is_noncharacter = ord(sign) & 0xFFFE == 0xFFFE
    hidden = sign in _BIDI_CONTROLS or is_noncharacter or unicodedata.category(sign) in _UNPRINTABLE
    return "" if hidden else sign


def without_citations(paper: Paper) -> Paper:
    """The paper without marks and notes; what is said, and of which place, stays."""
    return replace(paper, body=tuple(_bare(paper.body)))


def _bare(blocks: tuple[Block, ...]) -> Iterator[Block]:
    for block in blocks:
        if isinstance(block, Paragraph):
            yield _bare_paragraph(block)
        elif isinstance(block, Table):
            yield replace(block, rows=tuple(map(_bare_row, block.rows)))
        elif isinstance(block, Heading):
            yield block


def _bare_row(row: TableRow) -> TableRow:
    return TableRow(tuple(tuple(map(_bare_paragraph, cell)) for cell in row.cells))


def _bare_paragraph(paragraph: Paragraph) -> Paragraph:
    return replace(paragraph, pieces=tuple(piece for piece in paragraph.pieces if isinstance(piece, Words)))
