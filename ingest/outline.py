"""How the instruments are divided, and what we call them: enough to show the concordance without the texts."""

from functools import lru_cache
from typing import Annotated, Protocol

from pydantic import Field

from ingest.concordance import Line, ReadExpression
from ingest.identifiers import InstrumentId
from ingest.instrument import Relation
from ingest.pinpoint import Pinpoint, Step, StepKind
from ingest.tables import Strict, read_own

FILE = "outline.toml"
RELATIONS = {
    Relation.EQUIVALENT: "equivalent",
    Relation.SIMILAR: "similar",
    Relation.DIFFERENT: "different",
    Relation.BROADER: "the Convention reaches further",
    Relation.NARROWER: "the Convention reaches less far",
}
"""How two instruments stand to each other, in words; where one alone speaks, `relation_words` names it."""


class Related(Protocol):
    """An issue on which instruments stand to each other in some way; `only` names the one that speaks alone."""

    @property
    def relation(self) -> Relation | None:
        """How they stand to each other, None where nobody said."""

    @property
    def only(self) -> str | None:
        """The id of the instrument that speaks, where the others are silent."""


class Chapter(Strict):
    """A chapter and the numbers of its articles, in order, with the headings of those that we give one.

    `sections` gives the articles of each section where it decides from when they apply.
    """

    label: Line
    heading: Line
    articles: Annotated[tuple[Line, ...], Field(min_length=1)]
    headings: dict[Line, Line] = Field(default_factory=dict)
    sections: dict[Line, tuple[Line, ...]] = Field(default_factory=dict)

    @property
    def pinpoint(self) -> Pinpoint:
        """Its place."""
        return Pinpoint((Step(StepKind.CHAPTER, self.label),))

    def holds(self, place: Pinpoint) -> bool:
        """Whether a place is this chapter, a section of it, or lies in one of its articles."""
        in_article = place.root.kind is StepKind.ARTICLE and place.root.label in self.articles
        return in_article or self.pinpoint.contains(place)

    def part_of(self, article: str) -> Pinpoint:
        """The section that an article stands in, or the chapter where no section is given."""
        own = self.pinpoint
        sections = (label for label, articles in self.sections.items() if article in articles)
        return next((own.child(StepKind.SECTION, label) for label in sections), own)


class Outline(Strict):
    """One instrument: the wording whose division this is, the name we give it ("the AI Act"), its chapters."""

    wording: ReadExpression
    name: Line
    chapter: tuple[Chapter, ...]

    def chapter_of(self, place: Pinpoint) -> Chapter | None:
        """The chapter that a place lies in; None for a recital, an annex or the preamble."""
        return next((chapter for chapter in self.chapter if chapter.holds(place)), None)


class _Table(Strict):
    outline: tuple[Outline, ...]


@lru_cache(maxsize=1)
def load_outlines() -> dict[InstrumentId, Outline]:
    """Our table by instrument; raises ManifestError when it is not what its schema says."""
    return {outline.wording.instrument: outline for outline in read_own(_Table, FILE).outline}


def relation_words(one: Related) -> str:
    """How the instruments stand to each other on an issue: "similar", "only the AI Act"; "" where nobody said."""
    if one.only is None:
        return RELATIONS[one.relation] if one.relation else ""
    outline = load_outlines().get(InstrumentId(one.only))
    return f"only {outline.name if outline else one.only}"
