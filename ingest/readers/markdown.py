"""The only door to markdown-it: Markdown's paragraphs, list items, code blocks and table rows under their headings."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from ingest.instrument import SourceSpan
from ingest.readers.opening import read_utf8
from ingest.readers.paragraphs import number_paragraphs
from ingest.readers.reading import Furniture, FurnitureKind, Reading

if TYPE_CHECKING:
    from markdown_it.token import Token

_LITERAL = frozenset({"fence", "code_block"})
_CELL_BORDER = " | "


def read_markdown(path: Path) -> Reading:
    """A Markdown file's paragraphs and table rows, labelled 1, 2, …; raises SourceMissing or SourceUnreadable."""
    from markdown_it import MarkdownIt

    tokens = MarkdownIt("commonmark", {"html": True}).enable("table").parse(read_utf8(path))
    pieces = tuple(_pieces(tokens))
    furniture = (Furniture(kind, text, SourceSpan(path.name)) for kind, _, text in pieces if kind is not None)
    return number_paragraphs(path, ((heading, text) for kind, heading, text in pieces if kind is None), furniture)


def _pieces(tokens: "list[Token]") -> Iterator[tuple[FurnitureKind | None, str, str]]:
    """Each paragraph, code block and table row with the headings over it; headings, header rows, HTML as furniture."""
    headings: dict[int, str] = {}
    level = 0
    row: list[str] = []
    inside: list[str] = []
    for token in tokens:
        if token.nesting > 0:
            inside.append(token.type)
            level = int(token.tag[1:]) if token.type == "heading_open" else level
            row = [] if token.type == "tr_open" else row
        elif token.type == "tr_close":
            yield FurnitureKind.HEADING if "thead_open" in inside else None, _path(headings), _CELL_BORDER.join(row)
        elif token.type in _LITERAL:
            yield None, _path(headings), token.content
        elif token.type == "html_block":
            yield FurnitureKind.UNNUMBERED, "", token.content
        elif token.type == "inline" and inside[-1] == "heading_open":
            headings = {above: name for above, name in headings.items() if above < level} | {level: _plain(token)}
            yield FurnitureKind.HEADING, "", _plain(token)
        elif token.type == "inline" and "tr_open" in inside:
            row += [_plain(token)] if token.content else []
        elif token.type == "inline":
            yield None, _path(headings), _plain(token)
        if token.nesting < 0:
            inside.pop()


def _path(headings: dict[int, str]) -> str:
    """The headings in force, the document's title left out where there are others."""
    named = [name for _, name in sorted(headings.items())]
    return " > ".join(named[1:] or named)


def _plain(token: "Token") -> str:
    """The words of inline Markdown without its signs; a link or an image gives its text."""
    parts: list[str] = []
    for child in token.children or ():
        if child.type in ("softbreak", "hardbreak"):
            parts.append("\n")
        elif child.type == "image":
            parts.append(_plain(child))
        elif child.type in ("text", "code_inline", "html_inline"):
            parts.append(child.content)
    return "".join(parts)
