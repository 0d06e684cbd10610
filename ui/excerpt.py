"""A quotation where it stands: the article, recital or paragraph around it, line by line, its words marked."""

from collections.abc import Iterator
from dataclasses import dataclass

from assistant.answer import Citation
from ingest.errors import VisavisError
from ingest.instrument import Expression, Provision

WHOLE_UP_TO = 5_000
AROUND = 2_500


@dataclass(frozen=True, slots=True)
class Line:
    """One subdivision as printed: how deep it is set, and its words before, in and after the quotation.

    `skipped` counts the subdivisions left out before it.
    """

    depth: int
    before: str
    quoted: str
    after: str
    skipped: int = 0


@dataclass(frozen=True, slots=True)
class Excerpt:
    """The unit that a quotation lies in; `skipped_after` counts the subdivisions left out at its end."""

    unit: Provision
    path: tuple[str, ...]
    lines: tuple[Line, ...]
    skipped_after: int


@dataclass(frozen=True, slots=True)
class _Span:
    start: int
    end: int
    depth: int


def find_excerpt(expression: Expression, citation: Citation) -> Excerpt | None:
    """The surroundings of a citation's quote, or None where it has no place in a text.

    Raises VisavisError when the wording does not have the quoted words at their offsets.
    """
    if citation.pinpoint is None or citation.quote is None or citation.start is None or citation.end is None:
        return None
    provision = expression.at(citation.pinpoint)
    unit = expression.at(citation.pinpoint.unit)
    start, end = provision.offset + citation.start, provision.offset + citation.end
    if unit.text[start:end] != citation.quote:
        raise VisavisError(
            f"citation {citation.n}: {expression.id} has other words at {citation.pinpoint}; ask the question again."
        )
    spans = tuple(_spans(expression, unit))
    shown = _choose(spans, start, end, len(unit.text))
    lines = tuple(
        _line(unit.text, spans[place], start, end, place - (shown[order - 1] + 1 if order else 0))
        for order, place in enumerate(shown)
    )
    above = tuple(f"{one.label} {one.heading}".strip() for one in expression.ancestors(unit))
    return Excerpt(unit, above, lines, len(spans) - 1 - shown[-1])


def _spans(expression: Expression, unit: Provision) -> Iterator[_Span]:
    """The lines of a unit's text, each as deep as the deepest provision that begins there."""
    depths: dict[int, int] = {}
    known = {unit.pinpoint: 0}
    for provision in expression.subtree(unit.pinpoint):
        depth = known[provision.pinpoint] = known.get(provision.parent, -1) + 1 if provision.parent else 0
        depths[provision.offset] = depth
    cursor = 0
    for text in unit.text.split("\n"):
        yield _Span(cursor, cursor + len(text), depths.get(cursor, 0))
        cursor += len(text) + 1


def _choose(spans: tuple[_Span, ...], start: int, end: int, length: int) -> list[int]:
    """Which lines to show: all of a short unit; else the quoted ones, what they stand under, and their neighbours."""
    if length <= WHOLE_UP_TO:
        return list(range(len(spans)))
    quoted = [place for place, span in enumerate(spans) if span.start < end and start < span.end]
    first, last = quoted[0], quoted[-1]
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


def _line(text: str, span: _Span, start: int, end: int, skipped: int) -> Line:
    first, last = max(span.start, min(start, span.end)), min(span.end, max(end, span.start))
    return Line(span.depth, text[span.start : first], text[first:last], text[last : span.end], skipped)
