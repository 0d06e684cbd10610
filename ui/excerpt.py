"""A unit of law as it is printed: line by line, with words marked, references that lead on and terms defined."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from itertools import groupby

from ingest.citing import find_cited
from ingest.definitions import Definition, Glossary
from ingest.identifiers import InstrumentId
from ingest.instrument import Expression, Provision
from ingest.pinpoint import Pinpoint

WHOLE_UP_TO = 5_000
AROUND = 2_500


class Role(StrEnum):
    """What a run of words does on the page."""

    WORDS = "words"
    LABEL = "label"
    REFERENCE = "reference"
    TERM = "term"


@dataclass(frozen=True, slots=True)
class Piece:
    """A run of words: marked or not, and what it leads to; `place` of a label is its own."""

    text: str
    marked: bool
    role: Role = Role.WORDS
    instrument: InstrumentId | None = None
    place: Pinpoint | None = None
    definition: Definition | None = None


@dataclass(frozen=True, slots=True)
class Line:
    """One subdivision as printed: how deep it is set, the place that begins there, and its words.

    `skipped` counts the subdivisions left out before it; `changed_by` is the amending act's place.
    """

    depth: int
    place: Pinpoint
    pieces: tuple[Piece, ...]
    changed_by: str = ""
    skipped: int = 0

    @property
    def text(self) -> str:
        """All its words."""
        return "".join(piece.text for piece in self.pieces)

    @property
    def is_marked(self) -> bool:
        """Whether words of it are marked."""
        return any(piece.marked for piece in self.pieces)

    @property
    def runs(self) -> tuple[tuple[bool, tuple[Piece, ...]], ...]:
        """Its pieces in runs, each with whether it is marked."""
        return tuple((marked, tuple(pieces)) for marked, pieces in groupby(self.pieces, lambda piece: piece.marked))


@dataclass(frozen=True, slots=True)
class Excerpt:
    """The unit that marked words lie in; `skipped_after` counts the subdivisions left out at its end."""

    unit: Provision
    path: tuple[Provision, ...]
    lines: tuple[Line, ...]
    skipped_after: int = 0

    @property
    def definitions(self) -> tuple[Definition, ...]:
        """The terms that its lines explain, each once."""
        every = (piece.definition for line in self.lines for piece in line.pieces)
        return tuple(dict.fromkeys(one for one in every if one is not None))


@dataclass(frozen=True, slots=True)
class _Span:
    """A line's range in its unit's text, and the provisions that begin at its start, the outermost first."""

    start: int
    end: int
    depth: int
    places: tuple[Provision, ...]


@dataclass(frozen=True, slots=True)
class _Role:
    """A range of a unit's text, and what its words do."""

    start: int
    end: int
    piece: Piece


def read_unit(
    expression: Expression,
    place: Pinpoint,
    marked: tuple[int, int] | None = None,
    glossary: Glossary | None = None,
    *,
    whole: bool = False,
) -> Excerpt:
    """The unit that a place lies in; `marked` is a range of the place's text.

    A long unit is shown around the marked words unless `whole`. Raises PinpointError where the wording has no such
    place.
    """
    provision, unit = expression.at(place), expression.at(place.unit)
    start, end = (provision.offset + marked[0], provision.offset + marked[1]) if marked else (0, 0)
    spans = tuple(_spans(expression, unit))
    shown = list(range(len(spans)))
    if marked and not whole and len(unit.text) > WHOLE_UP_TO:
        shown = _choose(spans, start, end)
    roles = tuple(_roles(expression, unit, spans, glossary))
    lines = tuple(
        _line(unit, spans[place], (start, end), roles, place - (shown[order - 1] + 1 if order else 0))
        for order, place in enumerate(shown)
    )
    return Excerpt(unit, expression.ancestors(unit), lines, len(spans) - 1 - shown[-1])


def _spans(expression: Expression, unit: Provision) -> Iterator[_Span]:
    """The lines of a unit's text, each as deep as the deepest provision that begins there."""
    beginning: dict[int, list[Provision]] = {}
    depths: dict[Pinpoint, int] = {}
    for provision in expression.subtree(unit.pinpoint):
        above = depths.get(provision.parent) if provision.parent else None
        depths[provision.pinpoint] = 0 if above is None else above + 1
        beginning.setdefault(provision.offset, []).append(provision)
    cursor, last = 0, unit
    for text in unit.text.split("\n"):
        places = tuple(beginning.get(cursor, ()))
        depth = depths[places[-1].pinpoint] if places else 0
        last = places[-1] if places else last
        yield _Span(cursor, cursor + len(text), depth, places or (last,))
        cursor += len(text) + 1


def _roles(
    expression: Expression, unit: Provision, spans: Iterable[_Span], glossary: Glossary | None
) -> Iterator[_Role]:
    """What leads on in a unit: its labels, its references, and the first use of each term in each paragraph."""
    for span in spans:
        yield from _label(unit.text, span)
    for reference in find_cited(expression, unit):
        if reference.targets and reference.instrument is not None:
            piece = Piece(reference.text, False, Role.REFERENCE, reference.instrument, reference.targets[0])
            yield _Role(reference.start, reference.end, piece)
    if glossary is not None:
        yield from _terms(expression, unit, glossary)


def _label(text: str, span: _Span) -> Iterator[_Role]:
    for provision in span.places:
        label = re.escape(provision.pinpoint.steps[-1].label)
        found = re.compile(rf"\(?{label}\)?\.?(?=\s)").match(text, span.start, span.end)
        if found and provision.offset == span.start:
            piece = Piece(found[0], False, Role.LABEL, provision.expression.instrument, provision.pinpoint)
            yield _Role(found.start(), found.end(), piece)
            return


def _terms(expression: Expression, unit: Provision, glossary: Glossary) -> Iterator[_Role]:
    paragraphs = [one.offset for one in expression.children(unit.pinpoint)]
    seen: set[tuple[str, int]] = set()
    for use in glossary.find_uses(unit):
        key = (use.definition.term, sum(start <= use.start for start in paragraphs))
        if key not in seen:
            seen.add(key)
            yield _Role(use.start, use.end, Piece(use.text, False, Role.TERM, definition=use.definition))


def _choose(spans: tuple[_Span, ...], start: int, end: int) -> list[int]:
    """Which lines of a long unit to show: the marked ones, what they stand under, and their neighbours."""
    marked = [place for place, span in enumerate(spans) if span.start < end and start < span.end] or [0]
    first, last = marked[0], marked[-1]
    room = AROUND
    while room > 0 and (first > 0 or last < len(spans) - 1):
        first, last = max(first - 1, 0), min(last + 1, len(spans) - 1)
        room -= sum(spans[place].end - spans[place].start for place in {first, last})
    return sorted({*_above(spans, first), *range(first, last + 1)})


def _above(spans: tuple[_Span, ...], place: int) -> Iterator[int]:
    """The lines that introduce a line: the nearest shallower one before it, and so on up."""
    depth = spans[place].depth
    for earlier in range(place - 1, -1, -1):
        if spans[earlier].depth < depth:
            depth = spans[earlier].depth
            yield earlier


def _line(unit: Provision, span: _Span, marked: tuple[int, int], roles: Iterable[_Role], skipped: int) -> Line:
    pieces = tuple(_pieces(unit.text, span, marked, roles))
    last = span.places[-1]
    return Line(span.depth, last.pinpoint, pieces, last.changed_by, skipped)


def _pieces(text: str, span: _Span, marked: tuple[int, int], roles: Iterable[_Role]) -> Iterator[Piece]:
    """A line cut where a role or the mark begins or ends; of roles that overlap the first is kept."""
    cursor = span.start
    for role in sorted((one for one in roles if span.start <= one.start < span.end), key=lambda one: one.start):
        if role.start < cursor or role.end > span.end:
            continue
        yield from _split(text, cursor, role.start, marked, None)
        yield from _split(text, role.start, role.end, marked, role.piece)
        cursor = role.end
    yield from _split(text, cursor, span.end, marked, None)


def _split(text: str, start: int, end: int, marked: tuple[int, int], piece: Piece | None) -> Iterator[Piece]:
    first, last = max(start, min(marked[0], end)), min(end, max(marked[1], start))
    for begin, stop, is_marked in ((start, first, False), (first, last, True), (last, end, False)):
        if begin >= stop:
            continue
        if piece is None:
            yield Piece(text[begin:stop], is_marked)
        else:
            yield Piece(text[begin:stop], is_marked, piece.role, piece.instrument, piece.place, piece.definition)
