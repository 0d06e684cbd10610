"""References inside a wording, resolved to its provisions: relative ones by the provision that holds them.

Printed structure decides: "point (a)" is looked for in the list that the words stand in, then ever further out. What is
not found is reported as unresolved, never guessed.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from ingest.citation import Citation, Level, Part, Place, find_citations, find_instruments
from ingest.identifiers import InstrumentId
from ingest.instrument import Expression, Provision, ProvisionKind
from ingest.pinpoint import Pinpoint, Step, StepKind

_KINDS = {
    Level.ARTICLE: (ProvisionKind.ARTICLE,),
    Level.ANNEX: (ProvisionKind.ANNEX,),
    Level.CHAPTER: (ProvisionKind.CHAPTER,),
    Level.SECTION: (ProvisionKind.ANNEX_SECTION, ProvisionKind.SECTION),
    Level.PARAGRAPH: (ProvisionKind.PARAGRAPH,),
    Level.SUBPARAGRAPH: (ProvisionKind.SUBPARAGRAPH, ProvisionKind.PARAGRAPH, ProvisionKind.ARTICLE),
    Level.POINT: (ProvisionKind.POINT,),
}
_ROOTS = {
    Level.ARTICLE: StepKind.ARTICLE,
    Level.ANNEX: StepKind.ANNEX,
    Level.RECITAL: StepKind.RECITAL,
    Level.PREAMBLE: StepKind.PREAMBLE,
    Level.CITATION: StepKind.CITATION,
    Level.CHAPTER: StepKind.CHAPTER,
    Level.NUMBERED: StepKind.NUMBERED,
}
_LEVELS = {kind: level for level, kind in _ROOTS.items()}
_EXCEPTED = re.compile(r"\s*,?\s+with the exception of\s+(?:the\s+)?")
_AMENDED = re.compile(r"(?P<name>.{1,120}?) (?:is|are) amended as follows")


@dataclass(frozen=True, slots=True)
class Reference:
    """A reference in a provision, at [start, end) of its text.

    `targets` are places of `instrument`: of this wording, checked to exist, or as cited in another instrument of ours;
    `external` names an act that is not ours, or the words that point back at one; `unresolved` holds what was meant to
    be a place of this wording and is none.
    """

    start: int
    end: int
    text: str
    targets: tuple[Pinpoint, ...]
    instrument: InstrumentId | None
    external: str = ""
    unresolved: tuple[str, ...] = ()

    @property
    def is_internal(self) -> bool:
        """Whether it means a provision of the wording that holds it."""
        return not self.external and (bool(self.unresolved) or self.instrument is not None)


def resolve_references(expression: Expression, provision: Provision) -> tuple[Reference, ...]:
    """The references in a provision's text, its subdivisions' included, in order."""
    if provision.is_container:
        return ()
    unit = expression.at(provision.pinpoint.unit)
    end = provision.offset + len(provision.text)
    found: list[Reference] = []
    before: Citation | None = None
    for citation in find_citations(unit.text):
        completed = _complete(unit.text, citation, before)
        if provision.offset <= citation.start and citation.end <= end:
            found += _resolve(expression, unit, completed, provision.offset)
        before = completed
    return tuple(found)


def locate(expression: Expression, pinpoint: Pinpoint) -> Provision | None:
    """The provision that a pinpoint as cited means: a point cited with its subparagraph, a paragraph counted."""
    exact = expression.get(pinpoint)
    if exact is not None or pinpoint.root.kind not in _LEVELS:
        return exact
    return _descend(expression, _parts(pinpoint))


def _parts(pinpoint: Pinpoint) -> Place:
    parts = [Part(_LEVELS[pinpoint.root.kind], pinpoint.root.label)]
    for step in pinpoint.steps[1:]:
        level = {
            StepKind.SUBPARAGRAPH: Level.SUBPARAGRAPH,
            StepKind.INDENT: Level.INDENT,
            StepKind.SECTION: Level.SECTION,
        }.get(step.kind, Level.PARAGRAPH if step.label[0].isdigit() else Level.POINT)
        parts.append(Part(level, step.label))
    return tuple(parts)


def _complete(text: str, citation: Citation, before: Citation | None) -> Citation:
    """A "point (b) thereof" with what it is a point of: the citation before, unless an act stands between.

    So too the points excepted from others: "points 1 to 10 of Annex VIII, with the exception of point 6".
    """
    if before is None or not citation.relative:
        return citation
    between = text[before.end : citation.start]
    if citation.external != "thereof" and not _EXCEPTED.fullmatch(between):
        return citation
    if before.external or find_instruments(between):
        return replace(citation, external=before.external or citation.external)
    outer = _above(before.places[-1], citation.places[0][0].level)
    return replace(citation, external="", places=tuple(outer + place for place in citation.places))


def _above(place: Place, level: Level) -> Place:
    """The parts of a place above the first of a level."""
    depth = next((depth for depth, part in enumerate(place) if part.level is level), len(place))
    return place[:depth]


def _resolve(expression: Expression, unit: Provision, citation: Citation, shift: int) -> Iterator[Reference]:
    """The reference; nothing for "this section" where there is no section that holds the words."""
    words = unit.text[citation.start : citation.end]
    reference = Reference(citation.start - shift, citation.end - shift, words, (), None)
    holder = expression.smallest(unit.pinpoint, citation.start, citation.end)
    external = citation.external or _amended_act(expression, holder, citation.start)
    if external:
        yield replace(reference, external=external)
        return
    if citation.instrument not in (None, expression.instrument):
        yield replace(reference, targets=citation.pinpoints, instrument=citation.instrument)
        return
    found = [(place, _find(expression, holder, place)) for place in citation.places]
    targets = tuple(provision.pinpoint for _, provision in found if provision is not None)
    unresolved = tuple(_words(place) for place, provision in found if provision is None)
    instrument = expression.instrument if targets else None
    if targets or any(len(place) > 1 or place[0].label for place in citation.places):
        yield replace(reference, targets=targets, instrument=instrument, unresolved=unresolved)


def _words(place: Place) -> str:
    return ", ".join(f"{part.level} {part.label or '(this)'}" for part in place)


def _amended_act(expression: Expression, holder: Provision, start: int) -> str:
    """The act that the words are about where they amend one: they quote its new text, or say where in it that goes."""
    if "\n‘" in holder.text[: start - holder.offset]:
        return "quoted in an amendment"
    for provision in _outwards(expression, holder):
        amended = _AMENDED.match(provision.text)
        names = find_instruments(amended["name"]) if amended and provision is not holder else ()
        if names and names[0].external:
            return names[0].external
    return ""


def _outwards(expression: Expression, holder: Provision) -> Iterator[Provision]:
    """The provision and what it lies in, innermost first."""
    yield holder
    yield from reversed(expression.ancestors(holder))


def _find(expression: Expression, holder: Provision, place: Place) -> Provision | None:
    """The provision that a place means, seen from the provision that holds the words."""
    first = place[0]
    if first.level in _ROOTS and first.label:
        return _descend(expression, place)
    for base in _bases(expression, holder, first):
        found = _walk(expression, base, place[1:])
        if found is not None:
            return found
    return None


def _bases(expression: Expression, holder: Provision, first: Part) -> Iterator[Provision]:
    """What the outermost part of a relative place can mean, nearest first."""
    for provision in _outwards(expression, holder):
        if not first.label:
            if provision.kind in _KINDS.get(first.level, ()):
                yield _whole_point(expression, provision)
                return
            continue
        if first.level is Level.PARAGRAPH and not provision.is_unit:
            continue
        base = _child(expression, provision, first, counted=first.level is Level.SUBPARAGRAPH)
        if base is not None:
            yield base


def _whole_point(expression: Expression, provision: Provision) -> Provision:
    """A later part of a lettered point calls that point "this subparagraph", as the Council of Europe does."""
    above = expression.get(provision.parent) if provision.parent else None
    is_part = provision.kind is ProvisionKind.SUBPARAGRAPH and above is not None and above.kind is ProvisionKind.POINT
    return above if is_part and above is not None else provision


def _descend(expression: Expression, place: Place) -> Provision | None:
    root = expression.get(Pinpoint((Step(_ROOTS[place[0].level], place[0].label),)))
    if root is None:
        return None
    return _walk(expression, root, place[1:]) or _in_sections(expression, root, place[1:])


def _in_sections(expression: Expression, annex: Provision, parts: Place) -> Provision | None:
    """A point of an annex cited without its section, where only one section has such a point."""
    if annex.kind is not ProvisionKind.ANNEX:
        return None
    sections = [one for one in expression.children(annex.pinpoint) if one.kind is ProvisionKind.ANNEX_SECTION]
    found = [point for one in sections if (point := _walk(expression, one, parts)) is not None]
    return found[0] if len(found) == 1 else None


def _walk(expression: Expression, base: Provision, parts: Place) -> Provision | None:
    provision: Provision | None = base
    strict = False
    for part in parts:
        if provision is None:
            return None
        above = provision
        provision = _child(expression, above, part)
        if provision is not None and strict and provision.parent != above.pinpoint:
            return None
        strict = part.level is Level.SUBPARAGRAPH and part.label == "1"
    return provision


def _child(expression: Expression, above: Provision, part: Part, *, counted: bool = False) -> Provision | None:
    """The subdivision of a provision that a part names; `counted` asks that a first subparagraph has a second."""
    carrier = above.pinpoint
    if part.level is Level.SENTENCE:
        return above
    if part.level is Level.SUBPARAGRAPH:
        if above.kind is ProvisionKind.SUBPARAGRAPH:
            return None
        second = expression.get(carrier.child(StepKind.SUBPARAGRAPH, "2" if part.label == "1" else part.label))
        return above if part.label == "1" and (second is not None or not counted) else second
    if part.level is Level.INDENT:
        return expression.get(carrier.child(StepKind.INDENT, part.label))
    if part.level is Level.SECTION and above.is_container:
        return expression.get(carrier.child(StepKind.SECTION, part.label))
    if part.level is Level.SECTION and above.kind is not ProvisionKind.ANNEX:
        return None
    return _labelled(expression, above, part.label) or _unnumbered(expression, above, part)


def _labelled(expression: Expression, above: Provision, label: str) -> Provision | None:
    whole, dot, _ = label.partition(".")
    if dot and above.pinpoint.steps[-1].label != whole:
        outer = _labelled(expression, above, whole)
        return None if outer is None else _labelled(expression, outer, label)
    found = expression.get(above.pinpoint.child(StepKind.LABEL, label))
    if found is not None or above.kind is not ProvisionKind.SUBPARAGRAPH or above.parent is None:
        return found
    beside = expression.get(above.parent.child(StepKind.LABEL, label))
    return beside if beside is not None and beside.parent == above.pinpoint else None


def _unnumbered(expression: Expression, above: Provision, part: Part) -> Provision | None:
    """An "Article 113(3)" where the article's paragraphs have no numbers: its third."""
    if above.kind is not ProvisionKind.ARTICLE or part.level is not Level.PARAGRAPH or part.label == "1":
        return None
    return expression.get(above.pinpoint.child(StepKind.SUBPARAGRAPH, part.label))
