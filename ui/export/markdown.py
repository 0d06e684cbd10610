"""A paper as Markdown (GitHub's, with footnotes): whatever is not ours is escaped and stays the text that it is."""

import re
from collections.abc import Iterator
from itertools import chain

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
    Table,
    TableRow,
    Words,
)

_SPECIAL = re.compile(r"[\\`*_\[\]<>|~&$@#^{}!]")
_INDENT = re.compile(r"^[ \t]+", re.MULTILINE)
_LINE_START = re.compile(r"^([-+=:]|\d+(?=[.)]))", re.MULTILINE)
_AUTOLINK = re.compile(r"(?i)(www)(?=\.)|(?<=[a-z])(:)(?=//)|(mailto|xmpp)(?=:)")
_UNSAFE = re.compile(r"[<>\\|\s]")
_WRAPS = {
    Look.STRONG: ("**", "**"),
    Look.STRUCK: ("<del>", "</del>"),
    Look.INSERTED: ("<ins>", "</ins>"),
    Look.QUOTED: ("“", "”"),
}


def render_markdown(paper: Paper) -> str:
    """The paper, its footnotes last."""
    blocks = chain.from_iterable(map(_block, (*paper.body, *paper.checks)))
    notes = (_note(note, paper.official) for note in paper.notes())
    return "\n\n".join((*blocks, *notes)) + "\n"


def escape(text: str) -> str:
    """The text with every sign escaped that Markdown would read as more than itself, and no line indented like code."""
    text = _SPECIAL.sub(r"\\\g<0>", text)
    text = _INDENT.sub("", text)
    text = _LINE_START.sub(_keep_from_starting, text)
    return _AUTOLINK.sub(_keep_from_linking, text)


def _keep_from_starting(match: re.Match[str]) -> str:
    """A list, a rule or a number at a line's start."""
    return f"{match[0]}\\" if match[0].isdigit() else f"\\{match[0]}"


def _keep_from_linking(match: re.Match[str]) -> str:
    """A reference in place of a sign breaks what GitHub would take for an address."""
    return f"&#{ord(match[0][0])};{match[0][1:]}"


def _block(block: Block) -> Iterator[str]:
    if isinstance(block, Heading):
        yield f"{'#' * (block.level + 1)} {escape(' '.join(block.text.split()))}"
    elif isinstance(block, Paragraph):
        yield _paragraph(block)
    elif isinstance(block, Table):
        yield from _table(block)


def _paragraph(paragraph: Paragraph) -> str:
    text = "".join(_piece(piece) for piece in paragraph.pieces).strip()
    lines = [line.strip() for line in text.split("\n")]
    if paragraph.manner is Manner.TITLE:
        return f"# {' '.join(lines)}"
    if paragraph.manner is Manner.QUOTE:
        return "> " + "\\\n> ".join(lines)
    if paragraph.manner is Manner.ITEM:
        return "- " + "\\\n  ".join(lines)
    return "\\\n".join(lines)


def _table(table: Table) -> Iterator[str]:
    """The rows; one that goes across the table, which Markdown has not, follows it as paragraphs of its own."""
    heads = " | ".join(map(escape, table.heads))
    lines = [f"| {heads} |", f"|{' --- |' * len(table.heads)}"]
    lines += [_row(row) for row in table.rows if len(row.cells) == len(table.heads)]
    yield "\n".join(lines)
    for row in table.rows:
        if len(row.cells) != len(table.heads):
            yield from (_paragraph(paragraph) for cell in row.cells for paragraph in cell)


def _row(row: TableRow) -> str:
    cells = ("<br>".join(_in_cell(paragraph) for paragraph in cell) for cell in row.cells)
    return f"| {' | '.join(cells)} |"


def _in_cell(paragraph: Paragraph) -> str:
    text = "".join(_piece(piece) for piece in paragraph.pieces)
    return "<br>".join(line.strip() for line in text.split("\n"))


def _piece(piece: Piece) -> str:
    if isinstance(piece, Reference):
        return f"[^{piece.n}]"
    return _link(_wrapped(piece), piece.url) if piece.url else _wrapped(piece)


def _wrapped(words: Words) -> str:
    opening, closing = _WRAPS.get(words.look, ("", ""))
    bare = words.text.strip()
    if not bare:
        return words.text
    before, _, after = words.text.partition(bare)
    return f"{before}{opening}{escape(bare)}{closing}{after}"


def _link(text: str, url: str) -> str:
    return f"[{text}](<{_UNSAFE.sub(_percent, url)}>)"


def _percent(match: re.Match[str]) -> str:
    return "".join(f"%{byte:02X}" for byte in match[0].encode())


def _note(note: Note, official: str) -> str:
    link = f", {_link(official, note.url)}" if note.url else ""
    return f"[^{note.n}]: {escape(note.label)} ({escape(note.weight)}){link}"
