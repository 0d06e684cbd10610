"""A provision for the panel beside the conversation: the quoted words where they stand, and what stands around them."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date

from assistant.noted import is_noted
from assistant.standing import status_citation, status_sentences
from ingest.clock import parse_date, today
from ingest.errors import SourceMissing, UsageError, VisavisError
from ingest.identifiers import ExpressionId, InstrumentId
from ingest.instrument import Authority, Expression, Provision
from ingest.pinpoint import Pinpoint
from ingest.status import load_status
from ui.addresses import fingerprint, passage_address
from ui.excerpt import Excerpt, read_unit
from ui.language import Language, Wording, load_wording
from ui.library import ENGLISH, Page, Place, calm, capitalised, cite_styles, find_facts, find_terms, list_pages, render
from ui.pages import Leaf, find_leaves
from ui.reading import Reading
from ui.surroundings import cite, find_changer, find_surroundings, lead_to, locate_held
from ui.views import AUTHORITY_MARKS


class Changed(UsageError):
    """The texts do not have what was asked for any more, said in the reader's language."""


def show_passage(
    reading: Reading,
    wording: str,
    place: str,
    span: tuple[int | None, int | None],
    check: str,
    as_of: str,
    language: Language = Language.ENGLISH,
) -> Page:
    """The fragment of a provision, words of it marked; one calm line where there is none, or has other words."""
    try:
        day = parse_date(as_of, "as_of") if as_of else today()
        expression = reading.corpus.expression(ExpressionId.parse(wording))
        provision = locate_held(expression, Pinpoint.parse(place))
        marked = _read_span(provision, span, check, load_wording(language))
    except VisavisError as error:
        return _trouble(error, language)
    return Page(_render_passage(reading, expression, provision, marked, Place(0, day, language)))


def show_status(reading: Reading, instrument: str, as_of: str, language: Language = Language.ENGLISH) -> Page:
    """The fragment of a treaty's status, from the dated table."""
    try:
        day = parse_date(as_of, "as_of") if as_of else today()
    except VisavisError as error:
        return _trouble(error, language)
    words = load_wording(language)
    treaty = load_status().get(InstrumentId(instrument))
    if treaty is None:
        return _trouble(Changed(words.say("law.no_status", name=instrument)), language)
    held = reading.wordings(InstrumentId(instrument))
    return Page(
        render(
            "passage_status.html",
            Place(0, day, language),
            label=status_citation(treaty, held[-1] if held else None, 1).label,
            mark=AUTHORITY_MARKS[Authority.STATUS],
            facts=(words.say("law.fact_seen", day=words.long_date(treaty.as_seen)),),
            said=status_sentences(treaty, day),
            url=treaty.source,
        )
    )


def find_leaf(
    reading: Reading, instrument: str, page: int, wording: str, place: str, span: tuple[int | None, int | None]
) -> tuple[Leaf, str]:
    """A page that a provision stands on and the words to mark; raises VisavisError where it stands on no such page."""
    expression = reading.corpus.expression(ExpressionId.parse(wording))
    provision = locate_held(expression, Pinpoint.parse(place))
    marked = _read_span(provision, span, "", ENGLISH)
    leaves = () if is_noted(expression) else find_leaves(expression, provision)
    for leaf in leaves:
        if leaf.page == page and expression.instrument == instrument:
            return leaf, provision.text[slice(*marked)] if marked else provision.text
    raise SourceMissing(f"{provision.label} of {expression.instrument} stands on no page {page} of a PDF file.")


def _read_span(
    provision: Provision, span: tuple[int | None, int | None], check: str, words: Wording
) -> tuple[int, int] | None:
    """The range to mark, None for none; raises Changed where it is no range, or has other words than were quoted."""
    start, end = span
    if start is None or end is None:
        return None
    if not 0 <= start < end <= len(provision.text):
        line = words.say("law.no_range", start=start, end=end, place=provision.label)
        raise Changed(f"{line} {words.say('law.texts_changed')}")
    if check and fingerprint(provision.text[start:end]) != check:
        raise Changed(words.say("law.texts_changed"))
    return start, end


def _render_passage(
    reading: Reading, wording: Expression, provision: Provision, marked: tuple[int, int] | None, place: Place
) -> str:
    noted = is_noted(wording)
    excerpt = None
    if not noted and not provision.is_container:
        excerpt = read_unit(wording, provision.pinpoint, marked or _whole(provision), reading.glossary(wording))
    quote = provision.text[slice(*marked)] if marked else ""
    day = place.day
    around = find_surroundings(reading, wording, provision.pinpoint, day, place.words)
    return render(
        "passage.html",
        place,
        wording=wording,
        noted=noted,
        provision=provision,
        itself=lead_to(reading, wording, provision),
        label=cite(reading, wording, provision),
        path=tuple(_path(wording, provision, excerpt)),
        mark=AUTHORITY_MARKS[Authority.NOTE if noted else reading.corpus.authority(provision)],
        facts=tuple(_facts(reading, wording, provision, excerpt, place)),
        excerpt=excerpt,
        terms=find_terms(reading, wording, excerpt),
        around=replace(around, note=None) if noted else around,
        note=around.note,
        pages=list_pages(wording, provision, marked),
        otherwise=() if noted or provision.is_container else tuple(_otherwise(reading, wording, provision)),
        styles=cite_styles(reading, wording, provision, day, quote),
        panel=lambda instrument, held: _panel(reading, instrument, held, day),
    )


def _otherwise(reading: Reading, wording: Expression, provision: Provision) -> Iterator[date]:
    """The days of the wordings that have other words for a provision, or do not have it."""
    for one in reading.wordings(wording.instrument):
        other = one.get(provision.pinpoint)
        if one.id != wording.id and (other is None or other.text.split() != provision.text.split()):
            yield one.id.effective


def _whole(provision: Provision) -> tuple[int, int] | None:
    """A part of a unit is marked whole where no words are named; a unit is not."""
    return None if provision.is_unit else (0, len(provision.text))


def _path(wording: Expression, provision: Provision, excerpt: Excerpt | None) -> Iterator[str]:
    yield capitalised(wording.short_title) if wording.authority is Authority.LAW else wording.title
    if excerpt is not None:
        yield from (f"{capitalised(one.label)} {calm(one.heading)}".strip() for one in (*excerpt.path, excerpt.unit))


def _facts(
    reading: Reading, wording: Expression, provision: Provision, excerpt: Excerpt | None, place: Place
) -> Iterator[str]:
    yield from find_facts(reading, wording, provision, place.day, place.words)
    if provision.changed_by:
        yield place.words.say("law.fact_changed", act=find_changer(reading, provision.changed_by)[1])
    if excerpt is not None and provision.source.page:
        yield place.words.say("law.fact_page", n=provision.source.page)


def _panel(reading: Reading, instrument: InstrumentId, place: Pinpoint | None, day: date) -> str:
    """The panel's address of a place, on the wording of the day; "" where there is none."""
    wording = reading.wording_on(instrument, day)
    return passage_address(wording.id, place, day) if wording is not None and place is not None else ""


def _trouble(error: VisavisError, language: Language) -> Page:
    ours = isinstance(error, Changed)
    return Page(render("passage_trouble.html", Place(0, None, language), line=capitalised(str(error)), ours=ours), 404)
