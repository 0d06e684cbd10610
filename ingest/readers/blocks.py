"""Lines of a PDF gathered into blocks, freed of what repeats on every page, and grown into drafts."""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from statistics import median
from typing import Self

from ingest.instrument import ProvisionKind, SourceSpan
from ingest.readers.accounting import find_left
from ingest.readers.pdf import Line, Page
from ingest.readers.reading import Furniture, FurnitureKind, Reading, count_characters
from ingest.structure import Draft

MARGIN = 0.12  # of the page's height, at the top and at the foot: where running heads stand
REPEATED = 0.2  # of the pages: a line as common as this in the margins is a running head
WIDE_GAP = 1.3  # times the usual distance of two lines: a new block begins
FULL_LINE = 0.95  # of the usual number of characters: a line that long is not the last of its paragraph for certain
BESIDE = 20.0  # points: a line that begins so far to the right of the one before it, and higher, is the next cell

_DIGITS = re.compile(r"\d+")
_RULE = re.compile(r"[_\-–—=\s]+")
_PAGE_NUMBER = re.compile(r"[-–—\s]*(?:\d{1,4}|[ivxl]{1,6}|\d{1,4}\s*/\s*\d{1,4})[-–—\s]*", re.IGNORECASE)
_SUSPENDED = re.compile(r"(?:and|or|to|et|ou|en|of)\b")
_ADDRESS = re.compile(r"://\S*[/._=]$")
_BULLET = re.compile("[•▪➢❖✓\uf0a7\uf0b7\uf0d8\uf0fc]")
_MARK = re.compile(
    rf"(?P<mark>(?:{_BULLET.pattern}|[-–o]) |\(?[a-z]\) |\(?[ivx]{{1,5}}\) ?|(?:\d{{1,2}}|[a-z]|[ivx]{{2,4}})\. )"
    r"(?P<text>\S.*)"
)
_CLAUSE_END = (".", ";", ":", ",")
SENTENCE_END = (".", ";", ":", "”", "?", "!")


@dataclass(frozen=True, slots=True)
class Block:
    """Lines that stand together: a paragraph, a labelled point, a heading."""

    lines: tuple[Line, ...]

    @property
    def page(self) -> int:
        """The page that it begins on."""
        return self.lines[0].page

    @property
    def x(self) -> float:
        """Where its first line begins, in points from the left."""
        return self.lines[0].x

    @property
    def text(self) -> str:
        """Its lines joined."""
        return join_lines(line.text for line in self.lines)

    @property
    def bold(self) -> bool:
        """Whether all of it is set in a bold font."""
        return all(line.bold for line in self.lines)


def join_lines(texts: Iterable[str]) -> str:
    """Lines as one text; a hyphen at a line's end stays, without space ("well-/being") unless "and" or "or" follows."""
    joined = ""
    for text in texts:
        joined = f"{joined}{text}" if not joined or _is_glued(joined, text) else f"{joined} {text}"
    return joined


def _is_glued(before: str, after: str) -> bool:
    """Whether a line goes on from the one before it without a space: a hyphened word, an address."""
    if before.endswith("-") and not before.endswith(" -"):
        return not _SUSPENDED.match(after)
    return _ADDRESS.search(before) is not None and not after[:1].isupper()


def split_mark(text: str) -> tuple[str, str]:
    """The mark of a list's item (bullet, dash, letter, number), and the text after it; no mark is an empty one."""
    match = _MARK.match(text)
    return (match["mark"].strip(), match["text"]) if match else ("", text)


def is_item(before: Line, line: Line) -> bool:
    """Whether an item of a list begins: a mark after a clause's end or another item, not "(b)" in mid-sentence."""
    mark, _ = split_mark(line.text)
    if not mark or _BULLET.match(mark):
        return bool(mark)
    return before.text.endswith(_CLAUSE_END) or bool(split_mark(before.text)[0])


def furnish(kind: FurnitureKind, lines: Iterable[Line], file: str) -> Furniture:
    """Name lines as furniture."""
    kept = tuple(lines)
    return Furniture(kind, join_lines(line.text for line in kept), SourceSpan(file, kept[0].page))


def split_margins(pages: Sequence[Page], file: str) -> tuple[tuple[tuple[Line, ...], ...], tuple[Furniture, ...]]:
    """Each page's lines without running heads, rules and page numbers; and these, named."""
    common = _repeated(pages)
    bodies: list[tuple[Line, ...]] = []
    furniture: list[Furniture] = []
    for page in pages:
        body: list[Line] = []
        for line in page.lines:
            kind = _margin_kind(page, line, common)
            if kind is None:
                body.append(line)
            else:
                furniture.append(furnish(kind, (line,), file))
        bodies.append(tuple(body))
    return tuple(bodies), tuple(furniture)


def _shape(line: Line) -> tuple[int, str]:
    """A margin line's height on the page and its words, numbers aside: what repeats from page to page."""
    return round(line.y / 4), _DIGITS.sub("#", line.text)


def _in_margin(page: Page, line: Line) -> bool:
    return not page.height * MARGIN < line.y < page.height * (1 - MARGIN)


def _repeated(pages: Sequence[Page]) -> frozenset[tuple[int, str]]:
    shapes: Counter[tuple[int, str]] = Counter()
    for page in pages:
        shapes.update({_shape(line) for line in page.lines if _in_margin(page, line)})
    least = max(2, REPEATED * len(pages))
    return frozenset(shape for shape, times in shapes.items() if times >= least)


def _margin_kind(page: Page, line: Line, common: frozenset[tuple[int, str]]) -> FurnitureKind | None:
    if not _in_margin(page, line):
        return None
    if len(line.text) > 10 and _RULE.fullmatch(line.text):
        return FurnitureKind.RULE
    edge = not page.height * MARGIN / 1.5 < line.y < page.height * (1 - MARGIN / 1.5)
    if edge and _PAGE_NUMBER.fullmatch(line.text):
        return FurnitureKind.PAGE_NUMBER
    return FurnitureKind.RUNNING_HEAD if _shape(line) in common else None


def gather_blocks(
    bodies: Iterable[Sequence[Line]], begins: Callable[[Line, Line], bool] | None = None
) -> Iterator[Block]:
    """Blocks parted by wide gaps, or where `begins(previous line, line)` says so.

    Over a page's end a block goes on unless its last line ends a sentence short of the margin.
    """
    lines = [line for body in bodies for line in body]
    usual = Usual.of(lines)
    gathered: list[Line] = []
    for line in lines:
        if gathered and (_parted(gathered[-1], line, usual) or (begins is not None and begins(gathered[-1], line))):
            yield Block(tuple(gathered))
            gathered = []
        gathered.append(line)
    if gathered:
        yield Block(tuple(gathered))


@dataclass(frozen=True, slots=True)
class Usual:
    """What is usual in a document: the distance of two lines in points, the characters of a line."""

    leading: float
    length: float

    @classmethod
    def of(cls, lines: Sequence[Line]) -> Self:
        """What is usual among a document's lines."""
        gaps = [before.y - after.y for before, after in pairwise(lines) if before.page == after.page]
        lengths = [len(line.text) for line in lines]
        return cls(median([gap for gap in gaps if 0 < gap < 40] or [12.0]), median(lengths or [0]))


def _parted(before: Line, after: Line, usual: Usual) -> bool:
    if before.bold != after.bold and not after.text[:1].islower():
        return True
    if before.page != after.page:
        return before.text.endswith(SENTENCE_END) and len(before.text) < usual.length * FULL_LINE
    gap = before.y - after.y
    beside = after.x > before.x + BESIDE
    return gap > usual.leading * WIDE_GAP or (gap < -usual.leading and not beside)


@dataclass(slots=True)
class Branch:
    """A draft while it grows: where its label and its text begin on the page, and what lies under it."""

    kind: ProvisionKind
    label: str = ""
    printed: str = ""
    heading: str = ""
    texts: list[str] = field(default_factory=list)
    quoted: list[str] = field(default_factory=list)
    children: list["Branch"] = field(default_factory=list)
    source: SourceSpan = SourceSpan("")
    label_x: float = -1.0
    body_x: float = -1.0

    @property
    def is_empty(self) -> bool:
        """Whether it has neither a text nor anything under it."""
        return not self.texts and not self.children

    def draft(self) -> Draft:
        """The draft that it has grown to."""
        return Draft(
            kind=self.kind,
            label=self.label,
            printed=self.printed,
            heading=self.heading,
            text=join_lines(self.texts),
            children=tuple(child.draft() for child in self.children),
            source=self.source,
            quoted=tuple(self.quoted),
        )


def finish(branches: Iterable[Branch], furniture: Iterable[Furniture], pages: Iterable[Page]) -> Reading:
    """The reading of a PDF."""
    lines = [line.text for page in pages for line in page.lines]
    drafts, named, printed = tuple(branch.draft() for branch in branches), tuple(furniture), count_characters(*lines)
    return Reading(drafts, named, printed, find_left(lines, drafts, named, printed))
