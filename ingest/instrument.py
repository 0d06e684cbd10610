"""The law's nouns: an instrument's wording at a date, and the provisions it is made of."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum

from ingest.errors import PinpointError
from ingest.identifiers import ExpressionId, InstrumentId
from ingest.pinpoint import Pinpoint


class Authority(StrEnum):
    """What a text weighs, heaviest first; whether it binds yet is its `Force`."""

    LAW = "law"
    RECITAL = "recital"
    EXPLANATORY_REPORT = "explanatory_report"
    GUIDANCE = "guidance"
    COMMENTARY = "commentary"
    NOTE = "note"
    STATUS = "status"


class Force(StrEnum):
    """Whether a provision binds on a day."""

    IN_FORCE = "in_force"
    NOT_IN_FORCE = "not_in_force"
    NOT_YET_APPLICABLE = "not_yet_applicable"
    REPEALED = "repealed"


class Relation(StrEnum):
    """How two instruments stand to each other on an issue, the Convention's side seen from the Act's."""

    EQUIVALENT = "equivalent"
    SIMILAR = "similar"
    DIFFERENT = "different"
    BROADER = "broader"
    NARROWER = "narrower"
    ONLY = "only"


class ProvisionKind(StrEnum):
    """What a provision is; containers (chapter, section) hold provisions and are never quoted."""

    PREAMBLE_CITATION = "preamble_citation"
    PREAMBLE_PARAGRAPH = "preamble_paragraph"
    RECITAL = "recital"
    CHAPTER = "chapter"
    SECTION = "section"
    ARTICLE = "article"
    ANNEX = "annex"
    ANNEX_SECTION = "annex_section"
    PARAGRAPH = "paragraph"
    SUBPARAGRAPH = "subparagraph"
    POINT = "point"
    INDENT = "indent"
    NUMBERED_PARAGRAPH = "numbered_paragraph"
    PAGE_PARAGRAPH = "page_paragraph"


CONTAINERS = frozenset({ProvisionKind.CHAPTER, ProvisionKind.SECTION})
RECITALS = frozenset({ProvisionKind.RECITAL, ProvisionKind.PREAMBLE_PARAGRAPH, ProvisionKind.PREAMBLE_CITATION})


@dataclass(frozen=True, slots=True)
class SourceSpan:
    """Where a provision stands in its file: page (1 is the first, 0 none), element id, character range."""

    file: str
    page: int = 0
    anchor: str = ""
    start: int = 0
    end: int = 0


@dataclass(frozen=True, slots=True)
class Provision:
    """A provision in one expression, with the text of its whole subtree.

    `text` is NFC, runs of white space one space, subdivisions joined by a line feed, labels included, headings and
    footnotes left out; it equals the unit's text from `offset` on. `parent` follows the printed structure: a point
    under a second subparagraph has that subparagraph as parent, though its pinpoint carries no step for it.
    """

    expression: ExpressionId
    pinpoint: Pinpoint
    kind: ProvisionKind
    label: str
    heading: str
    text: str
    offset: int
    parent: Pinpoint | None
    source: SourceSpan
    changed_by: str = ""

    @property
    def is_container(self) -> bool:
        """Whether it only holds others."""
        return self.kind in CONTAINERS

    @property
    def is_unit(self) -> bool:
        """Whether it is a whole article, recital, annex or numbered paragraph."""
        return not self.is_container and self.pinpoint.unit == self.pinpoint


@dataclass(frozen=True, slots=True)
class Corrigendum:
    """A corrigendum that a wording has in it: what it is called, and the places that it corrects, where they are known.

    It has effect from the day that the corrected text has, so it makes no wording of its own.
    """

    name: str
    places: tuple[Pinpoint, ...] = ()

    def touches(self, place: Pinpoint) -> bool:
        """Whether it corrects a place, something in it, or what it lies in."""
        return any(place.contains(own) or own.contains(place) for own in self.places)


@dataclass(frozen=True, slots=True)
class Expression:
    """One wording of an instrument: all its provisions in the order of print, containers included."""

    id: ExpressionId
    title: str
    short_title: str
    authority: Authority
    url: str
    published: date
    provisions: tuple[Provision, ...]
    column: bool = False
    corrigenda: tuple[Corrigendum, ...] = ()
    _places: dict[Pinpoint, int] = field(default_factory=dict, init=False, compare=False, repr=False)
    _children: dict[Pinpoint, list[Provision]] = field(default_factory=dict, init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        for place, provision in enumerate(self.provisions):
            self._places[provision.pinpoint] = place
            if provision.parent is not None:
                self._children.setdefault(provision.parent, []).append(provision)

    @property
    def instrument(self) -> InstrumentId:
        """The work that this is a wording of."""
        return self.id.instrument

    @property
    def corrigenda_words(self) -> str:
        """Which corrigenda it has in it, for a notice: "corrigenda not checked" where none is held."""
        return f"with {', '.join(one.name for one in self.corrigenda)}" if self.corrigenda else "corrigenda not checked"

    def __contains__(self, pinpoint: Pinpoint) -> bool:
        return pinpoint in self._places

    def get(self, pinpoint: Pinpoint) -> Provision | None:
        """The provision at a place, or None."""
        place = self._places.get(pinpoint)
        return None if place is None else self.provisions[place]

    def at(self, pinpoint: Pinpoint) -> Provision:
        """The provision at a place; raises PinpointError when this wording has none."""
        provision = self.get(pinpoint)
        if provision is None:
            raise PinpointError(f"{self.short_title} has no {pinpoint.house()} ({pinpoint}) in the wording {self.id}.")
        return provision

    def units(self) -> Iterator[Provision]:
        """The articles, recitals, annexes and numbered paragraphs, in order."""
        return (provision for provision in self.provisions if provision.is_unit)

    def subtree(self, pinpoint: Pinpoint) -> Iterator[Provision]:
        """The provision at a place and all that lies in its text, in order."""
        top = self.at(pinpoint)
        end = top.offset + len(top.text)
        for provision in self.provisions[self._places[pinpoint] :]:
            if provision.pinpoint.unit != pinpoint.unit or provision.offset >= end:
                return
            yield provision

    def children(self, pinpoint: Pinpoint) -> tuple[Provision, ...]:
        """What the printed structure has directly under a place."""
        return tuple(self._children.get(pinpoint, ()))

    def ancestors(self, provision: Provision) -> tuple[Provision, ...]:
        """What it lies in, outermost first: chapter, section, article, paragraph."""
        above: list[Provision] = []
        while provision.parent is not None:
            provision = self.at(provision.parent)
            above.append(provision)
        return tuple(reversed(above))

    def heading_path(self, provision: Provision) -> str:
        """The headings above and at a provision: "Chapter III High-risk AI systems > Article 9 Risk management"."""
        named = (*self.ancestors(provision), provision)
        return " > ".join(f"{one.label} {one.heading}".strip() for one in named if one.heading)

    def smallest(self, unit: Pinpoint, start: int, end: int) -> Provision:
        """The smallest provision whose text holds the range [start, end) of its unit's text."""
        holding = [
            provision
            for provision in self.subtree(unit)
            if provision.offset <= start and end <= provision.offset + len(provision.text)
        ]
        return min(holding, key=lambda provision: len(provision.text))
