"""Any page of HTML: its paragraphs, list items and table rows under their headings."""

import re
from collections.abc import Iterator
from pathlib import Path

from lxml import etree

from ingest.errors import SourceUnreadable
from ingest.instrument import SourceSpan
from ingest.readers.opening import check_file, shown
from ingest.readers.paragraphs import number_paragraphs
from ingest.readers.reading import Furniture, FurnitureKind, Reading
from ingest.structure import normalise

LARGEST = 32_000_000  # bytes
_DECLARED = re.compile(rb"<meta[^>]{0,200}charset|<\?xml[^>]{0,200}encoding", re.IGNORECASE)
_DECLARED_WITHIN = 16_384  # bytes from the top

_IGNORED = frozenset(
    {"head", "script", "style", "noscript", "template", "nav", "header", "footer", "form", "aside", "svg", "iframe"}
)
_HEADINGS = frozenset({"h1", "h2", "h3", "h4", "h5", "h6"})
_CELLS = frozenset({"td", "th"})
_INLINE = frozenset(
    {
        "a", "abbr", "acronym", "b", "bdi", "bdo", "big", "cite", "code", "data", "del", "dfn", "em", "font", "i",
        "img", "ins", "kbd", "label", "mark", "q", "s", "samp", "small", "span", "strike", "strong", "sub", "sup",
        "time", "tt", "u", "var", "wbr",
    }
)  # fmt: skip
_CELL_BORDER = " | "


def read_html(path: Path) -> Reading:
    """A page's paragraphs and table rows, labelled 1, 2, …; raises SourceMissing or SourceUnreadable."""
    check_file(path, LARGEST)
    walk = _Walk()
    pieces = tuple(walk.pieces(_parse(path)))
    furniture = (Furniture(FurnitureKind.HEADING, heading, SourceSpan(path.name)) for heading in walk.passed)
    return number_paragraphs(path, pieces, furniture)


def _parse(path: Path) -> etree._Element:
    content = path.read_bytes()
    if b"\0" in content:
        raise SourceUnreadable(f"{shown(path)}: it holds NUL bytes, so it is no HTML. Give it its true ending.")
    if b"<" not in content:
        raise SourceUnreadable(
            f"{shown(path)}: it has no element of HTML in it. Give it its true ending, such as .txt."
        )
    encoding = _encoding(content)
    parser = etree.HTMLParser(encoding=encoding, no_network=True, remove_comments=True, remove_pis=True, huge_tree=True)
    try:
        root = etree.fromstring(content, parser)
    except etree.XMLSyntaxError as error:
        raise SourceUnreadable(f"{shown(path)}: it is no HTML ({normalise(str(error))}). Save the page anew.") from None
    # The parser gives what it has got to when it stops in the middle, at an element too deep for instance.
    stopped = [error.message for error in parser.error_log if error.level_name == "FATAL"]
    if root is None or stopped:
        reason = f" that can be read to its end ({normalise(stopped[0])})" if stopped else ""
        raise SourceUnreadable(f"{shown(path)}: it is no HTML{reason}. Save the page anew.")
    return root


def _encoding(content: bytes) -> str | None:
    """UTF-8 where that fits, else what the page declares, else Windows' Latin letters."""
    try:
        content.decode("utf-8")
        return "utf-8"
    except UnicodeDecodeError:
        return None if _DECLARED.search(content[:_DECLARED_WITHIN]) else "cp1252"


class _Walk:
    """Goes through a page from top to bottom, gathering the text of one block at a time."""

    def __init__(self) -> None:
        self.passed: list[str] = []
        self._headings: dict[str, str] = {}
        self._text: list[str] = []
        self._row: list[str] | None = None

    def pieces(self, root: etree._Element) -> Iterator[tuple[str, str]]:
        """Each block with the headings over it."""
        walk = etree.iterwalk(root, events=("start", "end"))
        for event, element in walk:
            tag = str(element.tag)
            if event == "start" and tag in _IGNORED:
                walk.skip_subtree()
            elif event == "start":
                if tag == "br":
                    self._text.append(" ")
                elif tag not in _INLINE:
                    yield from self._end_block(tag)
                self._text.append(element.text or "")
            else:
                if tag != "br" and tag not in _INLINE and tag not in _IGNORED:
                    yield from self._end_block(tag, closed=True)
                self._text.append(element.tail or "")

    def _end_block(self, tag: str, *, closed: bool = False) -> Iterator[tuple[str, str]]:
        """What has gathered when a block begins or ends; in a table it waits for the row's end."""
        if self._row is not None and not (closed and tag in {"tr", *_CELLS}):
            self._text.append(" ")
            return
        text = normalise("".join(self._text))
        self._text = []
        if tag == "tr":
            row, self._row = self._row, None if closed else []
            text = _CELL_BORDER.join(row or ()) if closed else text
        elif closed and tag in _CELLS and self._row is not None:
            self._row += [text] if text else []
            return
        if closed and tag in _HEADINGS and text:
            self._take_heading(tag, text)
        elif text:
            yield " > ".join(name for _, name in sorted(self._headings.items())), text

    def _take_heading(self, tag: str, text: str) -> None:
        self._headings = {above: name for above, name in self._headings.items() if above < tag} | {tag: text}
        self.passed.append(text)
