"""An instrument of which no text is at hand, as our notes give it: its places, and our sentences on each of them."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date
from functools import lru_cache

from ingest.application import Application, application_of
from ingest.concordance import load_concordance
from ingest.corpus import DEFAULT_LANGUAGE, Corpus
from ingest.identifiers import InstrumentId
from ingest.instrument import Authority, Expression, Provision, ProvisionKind, SourceSpan
from ingest.manifest import Source, SourceFormat, Use, load_manifest
from ingest.notes import load_notes, note_wordings
from ingest.outline import Chapter, load_outlines
from ingest.pinpoint import Pinpoint, Step, StepKind

_UNITS = {
    StepKind.ARTICLE: ProvisionKind.ARTICLE,
    StepKind.RECITAL: ProvisionKind.RECITAL,
    StepKind.PREAMBLE: ProvisionKind.PREAMBLE_PARAGRAPH,
    StepKind.CITATION: ProvisionKind.PREAMBLE_CITATION,
    StepKind.ANNEX: ProvisionKind.ANNEX,
}
_IN_FIRST_WORDING = frozenset({StepKind.RECITAL, StepKind.CITATION})
_NUMBERED_SECTIONS = frozenset({Step(StepKind.ANNEX, "XI")})


@dataclass(frozen=True, slots=True)
class Said:
    """A sentence of our notes, and the places of its instrument that carry it."""

    text: str
    places: tuple[Pinpoint, ...]


def is_noted(expression: Expression) -> bool:
    """Whether only our notes on a wording are held, and none of its words."""
    return expression.authority is Authority.NOTE


def with_notes(corpus: Corpus) -> Corpus:
    """A corpus with our notes standing in for each instrument that we wrote notes on and that it has no text of."""
    absent = [instrument for instrument in load_notes() if instrument not in corpus.instruments]
    noted = tuple(noted_wording(instrument) for instrument in absent)
    return replace(corpus, expressions=(*noted, *corpus.expressions)) if noted else corpus


@lru_cache
def noted_wording(instrument: InstrumentId) -> Expression:
    """The wording that our notes on an instrument were written on, with our sentences where its words would be.

    A provision's text is what we say of it, and no part of its unit's text.
    """
    identity = note_wordings()[instrument]
    chapters = {chapter.pinpoint: chapter for chapter in _chapters(instrument)}
    source = _sources(instrument)[-1]
    skeleton = Expression(
        id=identity,
        title=source.title,
        short_title=load_outlines()[instrument].name,
        authority=Authority.NOTE,
        url=_page(source),
        published=source.published,
        provisions=(),
    )
    containers = (_container(skeleton, chapter, place) for chapter in chapters.values() for place in _parts(chapter))
    places = (_noted(skeleton, place, chapters.values()) for place in _places(instrument))
    return replace(skeleton, provisions=(*containers, *places))


def say(instrument: InstrumentId, place: Pinpoint) -> tuple[Said, ...]:
    """Our sentences on a place: those that it carries itself, else those on what it lies in; all, on a whole unit."""
    notes, beside = (held.get(place.unit, ()) for held in (_notes(instrument), _beside(instrument)))
    around: Pinpoint | None = place
    while around is not None and around != place.unit:
        for every in (notes, beside):
            own = tuple(one for one in every if any(around.contains(cited) for cited in one.places))
            if own:
                return own
        around = around.parent
    return notes or beside


def locate_noted(wording: Expression, place: Pinpoint) -> Provision | None:
    """What our notes have at a place, or at the nearest that it lies in."""
    around: Pinpoint | None = place
    while around is not None and around not in wording:
        around = around.parent
    return wording.get(around) if around else None


def noted_application(expression: Expression, provision: Provision, day: date) -> Application:
    """Whether a provision applies of which only our notes are held, and from when where that day is still to come.

    An earlier day is left out: without the texts nobody can tell what an amending act inserted later.
    """
    application = application_of(replace(expression, authority=Authority.LAW), provision, day)
    known = application.applies_from is not None and application.applies_from > expression.id.effective
    return application if known else replace(application, applies_from=None)


def official_address(instrument: InstrumentId, place: Pinpoint) -> str:
    """The official address of a place, from the manifest; recitals stand in an instrument's first wording alone."""
    listed = _sources(instrument)
    source = listed[0] if place.root.kind in _IN_FIRST_WORDING else listed[-1]
    return _page(source) if source.format is SourceFormat.CETS_PDF else f"{source.url}#{place.unit}"


def official_page(instrument: InstrumentId) -> str:
    """Where the latest listed text of an instrument can be had."""
    return _page(_sources(instrument)[-1])


def _page(source: Source) -> str:
    return source.addresses[0].url if source.format is SourceFormat.CETS_PDF and source.addresses else source.url


@lru_cache
def _sources(instrument: InstrumentId) -> tuple[Source, ...]:
    """The texts of an instrument that the manifest lists in the reader's language, oldest first."""
    own = (one for one in load_manifest().sources if one.instrument == instrument and one.use is Use.CORPUS)
    return tuple(sorted((one for one in own if one.language == DEFAULT_LANGUAGE), key=lambda one: one.version))


@lru_cache
def _notes(instrument: InstrumentId) -> Mapping[Pinpoint, tuple[Said, ...]]:
    """The sentences of our notes by the unit that they are on."""
    found: dict[Pinpoint, list[Said]] = {}
    for place, note in load_notes().get(instrument, {}).items():
        found.setdefault(place.unit, []).extend(Said(one.text, one.cites) for one in note.sentences)
    return {unit: tuple(sentences) for unit, sentences in found.items()}


@lru_cache
def _beside(instrument: InstrumentId) -> Mapping[Pinpoint, tuple[Said, ...]]:
    """The sentences of the concordance that are on one unit alone, by that unit."""
    found: dict[Pinpoint, list[Said]] = {}
    for one in (sentence for correspondence in load_concordance().correspondence for sentence in correspondence.note):
        units = {(whose, place.unit) for whose, place in one.places}
        if len(units) == 1 and (whose := next(iter(units)))[0] == instrument:
            found.setdefault(whose[1], []).append(Said(one.text, tuple(place for _, place in one.places)))
    return {unit: tuple(sentences) for unit, sentences in found.items()}


def _places(instrument: InstrumentId) -> list[Pinpoint]:
    """Every place that our notes and the concordance speak of, and what these lie in, in a settled order."""
    held = (*_notes(instrument).values(), *_beside(instrument).values())
    named = {place for sentences in held for one in sentences for place in one.places}
    named |= {plain.at for note in load_notes()[instrument].values() for plain in note.plain}
    named |= {place for one in load_concordance().correspondence for place in one.side(instrument)}
    known = {place for place in named if place.unit in _notes(instrument) or place.unit in _beside(instrument)}
    whole = {Pinpoint(place.steps[:depth]) for place in known for depth in range(1, len(place.steps) + 1)}
    return sorted(whole)


def _noted(wording: Expression, place: Pinpoint, chapters: Iterable[Chapter]) -> Provision:
    chapter = next((one for one in chapters if one.holds(place)), None)
    sentences = say(wording.instrument, place)
    heading = chapter.headings.get(place.root.label, "") if chapter and len(place.steps) == 1 else ""
    return Provision(
        expression=wording.id,
        pinpoint=place,
        kind=_kind(place),
        label=place.house(sections=int(place.root in _NUMBERED_SECTIONS)),
        heading=heading,
        text="\n".join(one.text for one in sentences),
        offset=0,
        parent=place.parent or (chapter.part_of(place.root.label) if chapter else None),
        source=SourceSpan("", anchor="" if place.root.kind in _IN_FIRST_WORDING else str(place.unit)),
    )


def _kind(place: Pinpoint) -> ProvisionKind:
    last = place.steps[-1]
    if len(place.steps) == 1:
        return _UNITS[last.kind]
    if last.kind is StepKind.SUBPARAGRAPH:
        return ProvisionKind.SUBPARAGRAPH
    return ProvisionKind.PARAGRAPH if last.label[0].isdigit() else ProvisionKind.POINT


def _chapters(instrument: InstrumentId) -> tuple[Chapter, ...]:
    return load_outlines()[instrument].chapter


def _parts(chapter: Chapter) -> Iterator[Pinpoint]:
    """A chapter and its sections."""
    yield chapter.pinpoint
    yield from (chapter.pinpoint.child(StepKind.SECTION, label) for label in chapter.sections)


def _container(wording: Expression, chapter: Chapter, place: Pinpoint) -> Provision:
    is_section = len(place.steps) > 1
    return Provision(
        expression=wording.id,
        pinpoint=place,
        kind=ProvisionKind.SECTION if is_section else ProvisionKind.CHAPTER,
        label=place.house(),
        heading="" if is_section else chapter.heading,
        text="",
        offset=0,
        parent=place.parent,
        source=SourceSpan(""),
    )
