"""Provisions cut into what is searched: a passage follows its provision and never crosses an article."""

import hashlib
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from ingest.identifiers import ExpressionId
from ingest.instrument import Authority, Expression, Provision, ProvisionKind
from ingest.pinpoint import Pinpoint

BUDGET = 240
CUT_FURTHER = frozenset(
    {
        ProvisionKind.ARTICLE,
        ProvisionKind.ANNEX,
        ProvisionKind.ANNEX_SECTION,
        ProvisionKind.PARAGRAPH,
        ProvisionKind.SUBPARAGRAPH,
    }
)
COMMENTARY_SHELF = "commentary"

Size = Callable[[str], int]

_SENTENCE_END = re.compile(r"(?<=[.;:!?])\s+(?=\S)|\n")


@dataclass(frozen=True, slots=True)
class Passage:
    """A range [start, end) of a provision's text, with the headings and the opening words that it hangs from."""

    expression: ExpressionId
    pinpoint: Pinpoint
    start: int
    end: int
    context: str
    text: str

    @property
    def searchable(self) -> str:
        """What the engines index: the context, then the words."""
        return f"{self.context}\n{self.text}" if self.context else self.text

    @property
    def key(self) -> str:
        """A hash of what the engines index: the same words in two wordings are embedded once."""
        return hashlib.sha256(self.searchable.encode()).hexdigest()


def shelf_of(expression: Expression) -> str:
    """The part of the index that an expression stands on: law and columns by themselves, all commentary together."""
    own = expression.authority in {Authority.LAW, Authority.RECITAL} or expression.column
    return str(expression.id) if own else f"{COMMENTARY_SHELF}:{expression.id.language}"


def cut_expression(expression: Expression, size: Size, budget: int = BUDGET) -> Iterator[Passage]:
    """Cut every unit of an expression into passages of at most `budget` by `size`, context included."""
    for unit in expression.units():
        yield from _cut(expression, unit, "", size, budget)


def cut_plain(title: str, text: str, size: Size, budget: int = BUDGET) -> Iterator[str]:
    """What the engines index of a text that is no law: its title with each run of sentences that fits the budget."""
    context = _fit(title.strip(), size, budget // 3)
    room = budget - size(context)
    for start, end in _pack(text, 0, len(text), size, room):
        for piece in _halved(text[start:end], size, room):
            yield f"{context}\n{piece}".strip()


def _halved(text: str, size: Size, room: int) -> Iterator[str]:
    """A run of letters without white space, halved until it fits."""
    if size(text) <= room or len(text) < 2:
        yield text
        return
    for half in (text[: len(text) // 2], text[len(text) // 2 :]):
        yield from _halved(half, size, room)


def _cut(expression: Expression, provision: Provision, opening: str, size: Size, budget: int) -> Iterator[Passage]:
    """Cut one provision along its children, its own words first."""
    children = expression.children(provision.pinpoint)
    context = _context(expression, provision, opening, size, budget)
    if not _is_cut_further(expression, provision, children, context, size, budget):
        yield from _pieces(provision, 0, len(provision.text), context, size, budget)
        return
    own_end = children[0].offset - provision.offset - 1
    if own_end > 0:
        yield from _pieces(provision, 0, own_end, context, size, budget)
    own = provision.text[: max(own_end, 0)]
    for child in children:
        yield from _cut(expression, child, own if own else opening, size, budget)


def _is_cut_further(
    expression: Expression,
    provision: Provision,
    children: tuple[Provision, ...],
    context: str,
    size: Size,
    budget: int,
) -> bool:
    if not children:
        return False
    if provision.kind in CUT_FURTHER and expression.authority is Authority.LAW:
        return True
    return size(f"{context}\n{provision.text}") > budget


def _context(expression: Expression, provision: Provision, opening: str, size: Size, budget: int) -> str:
    """The heading path, and the opening words of what the provision hangs from where both fit half the budget."""
    path = _fit(expression.heading_path(provision), size, budget // 3)
    whole = f"{path}\n{opening}".strip()
    return whole if opening and size(whole) <= budget // 2 else path


def _fit(text: str, size: Size, budget: int) -> str:
    """The tail of a heading path that fits: the nearest headings say most."""
    parts = text.split(" > ")
    while len(parts) > 1 and size(" > ".join(parts)) > budget:
        parts = parts[1:]
    words = " > ".join(parts).split(" ")
    while len(words) > 1 and size(" ".join(words)) > budget:
        words = words[: len(words) * 3 // 4]
    return " ".join(words)


def _pieces(provision: Provision, start: int, end: int, context: str, size: Size, budget: int) -> Iterator[Passage]:
    """A range of a provision's text as passages, cut at sentence ends, at words where a sentence is too long."""
    room = budget - size(context)
    for first, last in _pack(provision.text, start, end, size, room):
        yield Passage(provision.expression, provision.pinpoint, first, last, context, provision.text[first:last])


def _pack(text: str, start: int, end: int, size: Size, room: int) -> Iterator[tuple[int, int]]:
    if size(text[start:end]) <= room:
        yield start, end
        return
    first: int | None = None
    last = start
    for begin, stop in _atoms(text, start, end, size, room):
        if first is not None and size(text[first:stop]) > room:
            yield first, last
            first = None
        first = begin if first is None else first
        last = stop
    if first is not None:
        yield first, last


def _atoms(text: str, start: int, end: int, size: Size, room: int) -> Iterator[tuple[int, int]]:
    """Sentences, or runs of words of a sentence that is too long by itself."""
    for begin, stop in _split(_SENTENCE_END, text, start, end):
        if size(text[begin:stop]) <= room:
            yield begin, stop
        else:
            yield from _split(re.compile(r"\s+"), text, begin, stop)


def _split(pattern: re.Pattern[str], text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    cursor = start
    for match in pattern.finditer(text, start, end):
        if match.start() > cursor:
            yield cursor, match.start()
        cursor = match.end()
    if cursor < end:
        yield cursor, end
