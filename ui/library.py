"""The library: the instruments, each as a tree that can be searched, each provision with all that stands around it.

Plain pages made here: they work without a script, and the one there is only opens definitions sooner and copies.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import date, timedelta
from functools import cache
from importlib import resources
from urllib.parse import urlencode

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from assistant.noted import is_noted
from ingest.application import Application, load_wordings
from ingest.clock import today
from ingest.definitions import Definition
from ingest.errors import PinpointError, VisavisError
from ingest.identifiers import InstrumentId
from ingest.instrument import CONTAINERS, RECITALS, Authority, Expression, Force, Provision, ProvisionKind
from ingest.pinpoint import Pinpoint, StepKind
from ingest.redline import Change, Segment, redline
from ingest.status import load_status
from ui.addresses import law_address, page_address
from ui.citing_styles import Cited, Style, cite_in
from ui.excerpt import Excerpt, read_unit
from ui.language import Language, NoDate, Wording, load_wording, read_day
from ui.pages import find_leaves
from ui.reading import Hit, Reading, mark_words
from ui.surroundings import Lead, cite, find_surroundings, in_order, lead_to, name_place, official_url
from ui.tenure import find_tenure, say_tenure
from ui.views import AUTHORITY_MARKS, Mark, Run, paragraphs_of, web_address

DAY = "as_of"
COMPARED = "compare"
MARKED = "#marked"
ENGLISH = load_wording(Language.ENGLISH)
MARKED_BY = {mark: authority for authority, mark in AUTHORITY_MARKS.items()}
SNIPPET = 280
LONGEST_DEFINITION = 700
MOST_SUGGESTED = 6
LONGEST_TYPED = 60
GROUPS = {
    "law.group_articles": frozenset({*CONTAINERS, ProvisionKind.ARTICLE}),
    "law.group_annexes": frozenset({ProvisionKind.ANNEX}),
    "law.group_recitals": frozenset({ProvisionKind.RECITAL}),
    "law.group_preamble": frozenset({ProvisionKind.PREAMBLE_PARAGRAPH}),
    "law.group_citations": frozenset({ProvisionKind.PREAMBLE_CITATION}),
    "law.group_paragraphs": frozenset({ProvisionKind.NUMBERED_PARAGRAPH, ProvisionKind.PAGE_PARAGRAPH}),
}
COUNTED = {
    ProvisionKind.CHAPTER: "law.chapters",
    ProvisionKind.ARTICLE: "law.articles",
    ProvisionKind.RECITAL: "law.recitals",
    ProvisionKind.PREAMBLE_PARAGRAPH: "law.preamble",
    ProvisionKind.ANNEX: "law.annexes",
    ProvisionKind.NUMBERED_PARAGRAPH: "law.numbered",
    ProvisionKind.PAGE_PARAGRAPH: "law.paragraphs",
}


@dataclass(frozen=True, slots=True)
class Page:
    """A page and the status that it is answered with."""

    html: str
    status: int = 200


@dataclass(frozen=True, slots=True)
class Place:
    """Where a page stands: how many steps below the root, the day that was asked for, None for today, its language.

    `further` is what else its address asks for, such as a search.
    """

    depth: int
    asked: date | None
    language: Language = Language.ENGLISH
    further: tuple[tuple[str, str], ...] = ()

    @property
    def root(self) -> str:
        """The way up to the root of the house."""
        return "../" * self.depth or "./"

    @property
    def day(self) -> date:
        """The day that the page is of."""
        return self.asked or today()

    @property
    def is_elsewhen(self) -> bool:
        """Whether the page is of another day than the one that it is."""
        return self.day != today()

    @property
    def words(self) -> Wording:
        """The words of the page."""
        return load_wording(self.language)

    @property
    def lang(self) -> str | None:
        """The language as an address has it; English needs no name."""
        return None if self.language is Language.ENGLISH else self.language

    @property
    def query(self) -> str:
        """What a link to a page outside the library carries on."""
        return f"?lang={self.lang}" if self.lang else ""

    def turned(self, language: str) -> str:
        """This page in another language."""
        asked = [(DAY, self.asked.isoformat())] if self.asked else []
        return f"?{urlencode([*asked, *self.further, ('lang', language)])}"

    def law(self, lead: Lead | None = None, *, day: date | None = None, compare: date | None = None) -> str:
        """Another page of the library, on the same day unless another is named."""
        if lead is None:
            return f"{self.root}{law_address(lang=self.lang)}"
        address = law_address(lead.instrument, lead.place, day or lead.day or self.asked, compare, self.lang)
        return f"{self.root}{address}{'' if compare else _fragment(lead.place)}"

    def now(self, instrument: InstrumentId, place: Pinpoint | None = None) -> str:
        """A place of an instrument on the day that it is."""
        return replace(self, asked=None).at(instrument, place)

    def at(self, instrument: InstrumentId, place: Pinpoint | None = None) -> str:
        """A place of an instrument on the same day."""
        return f"{self.root}{law_address(instrument, place, self.asked, lang=self.lang)}{_fragment(place)}"

    def on(self, day: date, instrument: InstrumentId, place: Pinpoint | None = None) -> str:
        """A place of an instrument on another day."""
        return f"{self.root}{law_address(instrument, place, day, lang=self.lang)}"


@dataclass(frozen=True, slots=True)
class Holding:
    """An instrument as the library lists it."""

    wording: Expression
    mark: Mark
    standing: str
    dates: tuple[tuple[date, str], ...]
    units: str


@dataclass(frozen=True, slots=True)
class Node:
    """A branch of an instrument's tree: a place, its heading, whether it was changed, and what lies in it."""

    lead: Lead
    heading: str
    changed: bool
    children: tuple["Node", ...] = ()


@dataclass(frozen=True, slots=True)
class Found:
    """A search's hit as it is shown: a lead, and its words around the first that was searched for."""

    lead: Lead
    runs: tuple[tuple[str, bool], ...]
    is_exact: bool


@dataclass(frozen=True, slots=True)
class Term:
    """A definition as it is shown: the term, where it is defined, and the words."""

    term: str
    lead: Lead
    text: str


@dataclass(frozen=True, slots=True)
class Side:
    """One of two wordings beside each other: its name and day, and its words with what becomes of them."""

    name: str
    day: date
    paragraphs: tuple[tuple[Run, ...], ...]
    absent: str = ""


def _fragment(place: Pinpoint | None) -> str:
    """A part of a unit is gone to in the page of the whole."""
    inside = place is not None and place != place.unit and place.root.kind is not StepKind.CHAPTER
    return MARKED if inside else ""


class NotHere(VisavisError):
    """The library has no such instrument, place or wording; `exists` leads to what there is."""

    def __init__(self, line: str, exists: tuple[Lead, ...] = ()) -> None:
        super().__init__(line)
        self.exists = exists


def show_library(reading: Reading, language: Language = Language.ENGLISH) -> Page:
    """The list of the instruments."""
    place = Place(0, None, language)
    laws: list[Holding] = []
    others: list[Holding] = []
    for instrument in reading.corpus.instruments:
        holding = _holding(reading, instrument, place)
        (laws if holding.wording.authority in {Authority.LAW, Authority.NOTE} else others).append(holding)
    return Page(render("library.html", place, laws=laws, others=others, missing=len(reading.corpus.missing)))


def show_instrument(
    reading: Reading, instrument: str, as_of: str, query: str, language: Language = Language.ENGLISH
) -> Page:
    """One instrument as a tree, or what a search of it found."""
    place = Place(1, None, language, (("q", query),) if query else ())
    try:
        place = replace(place, asked=_read_day(as_of, place.words))
        wording = _find_wording(reading, instrument, place)
        found = tuple(_found(reading, wording, hit, query) for hit in reading.search(wording, query)) if query else ()
    except VisavisError as error:
        return _trouble(place, error)
    return Page(
        render(
            "library_instrument.html",
            place,
            wording=wording,
            noted=is_noted(wording),
            holding=_holding(reading, wording.instrument, place),
            groups=() if query else tuple(_tree(reading, wording)),
            changed=() if query else tuple(_changed_units(reading, wording)),
            earlier=_earlier(reading, wording),
            until=_until(reading, wording),
            query=query,
            found=found,
        )
    )


def show_provision(
    reading: Reading, instrument: str, pinpoint: str, as_of: str, compare: str, language: Language = Language.ENGLISH
) -> Page:
    """A provision in its unit with all that stands around it; or, with `compare`, two wordings beside each other."""
    further = ((COMPARED, compare),) if compare.strip() else ()
    place = Place(1 + len(pinpoint.split("/")), None, language, further)
    try:
        place = replace(place, asked=_read_day(as_of, place.words))
        compared = _read_day(compare, place.words)
        wording = _find_wording(reading, instrument, place)
        point = Pinpoint.parse(pinpoint[:LONGEST_TYPED])
        if compared is not None:
            return _show_comparison(reading, wording, point, compared, place)
        provision = _find_provision(reading, wording, point, place.words)
    except VisavisError as error:
        return _trouble(place, error)
    return Page(render("library_provision.html", place, **_provision_values(reading, wording, provision, place)))


def _provision_values(reading: Reading, wording: Expression, provision: Provision, place: Place) -> dict[str, object]:
    noted = is_noted(wording)
    whole = provision.is_unit or provision.is_container
    excerpt = None
    if not noted and not provision.is_container:
        marked = None if whole else (0, len(provision.text))
        excerpt = read_unit(wording, provision.pinpoint, marked, reading.glossary(wording), whole=True)
    around = find_surroundings(reading, wording, provision.pinpoint, place.day, place.words)
    return {
        "wording": wording,
        "noted": noted,
        "provision": provision,
        "unit": wording.at(provision.pinpoint.unit) if provision.pinpoint.unit in wording else provision,
        "label": cite(reading, wording, provision),
        "above": tuple(lead_to(reading, wording, one, short=True) for one in wording.ancestors(provision)),
        "facts": tuple(find_facts(reading, wording, provision, place.day, place.words)),
        "mark": AUTHORITY_MARKS[Authority.NOTE if noted else reading.corpus.authority(provision)],
        "excerpt": excerpt,
        "terms": find_terms(reading, wording, excerpt),
        "inside": tuple(
            _branch(reading, wording, one) for one in in_order(wording, wording.children(provision.pinpoint))
        )
        if provision.is_container
        else (),
        "around": replace(around, note=None) if noted else around,
        "note": around.note,
        "itself": lead_to(reading, wording, provision),
        "pages": list_pages(wording, provision),
        "earlier": _earlier(reading, wording),
        "styles": cite_styles(reading, wording, provision, place.day),
    }


def find_facts(reading: Reading, wording: Expression, provision: Provision, day: date, words: Wording) -> Iterator[str]:
    """What a reader must know of a provision: whether it binds on a day, from when it applies, which wording it is."""
    if is_noted(wording):
        yield words.say("law.own_words")
    elif not provision.is_container:
        yield from _application_facts(reading, wording, provision, day, words)
    language = words.law.get(f"language_{wording.id.language}", wording.id.language)
    yield words.say("law.fact_wording", day=words.long_date(wording.id.effective), language=language)


def _application_facts(
    reading: Reading, wording: Expression, provision: Provision, day: date, words: Wording
) -> Iterator[str]:
    """Whether a provision binds on a day, unless it has other words then, and from and until when these apply."""
    application = reading.corpus.application(provision, day)
    tenure = find_tenure(reading, wording, provision)
    replaced = tenure.replaced if tenure else None
    if replaced is None or day < replaced:
        yield from _force_facts(application, day, words)
    if replaced is None:
        yield from _date_facts(application, day, words)
    if tenure is not None:
        yield from say_tenure(tenure, words)


def _force_facts(application: Application, day: date, words: Wording) -> Iterator[str]:
    if application.force is Force.NOT_IN_FORCE and application.applies_from is not None:
        yield words.say("law.not_before", day=words.long_date(application.applies_from))
    elif application.force is not None:
        yield words.say("law.fact_force", force=words.say(f"force_{application.force}"), day=words.long_date(day))


def _date_facts(application: Application, day: date, words: Wording) -> Iterator[str]:
    if application.applies_from is not None and application.force is not Force.NOT_IN_FORCE:
        key = "law.applies" if application.applies_from <= day else "law.will_apply"
        yield words.say(key, day=words.long_date(application.applies_from))
    if application.later is not None:
        yield words.say("law.later", day=words.long_date(application.later.date), cases=application.later.cases)


def list_pages(
    wording: Expression, provision: Provision, span: tuple[int, int] | None = None
) -> tuple[tuple[int, str], ...]:
    """The pages of the PDF that a provision stands on, each with the address of its image; none without a PDF."""
    if is_noted(wording) or provision.is_container:
        return ()
    return tuple(
        (leaf.page, page_address(wording.id, provision.pinpoint, leaf.page, span))
        for leaf in find_leaves(wording, provision)
    )


def find_terms(reading: Reading, wording: Expression, excerpt: Excerpt | None) -> dict[Definition, tuple[int, Term]]:
    """The definitions of the terms that an excerpt explains, numbered in order."""
    if excerpt is None:
        return {}
    return {
        one: (
            number,
            Term(one.term, lead_to(reading, wording, wording.at(one.place), short=True), _definition(wording, one)),
        )
        for number, one in enumerate(excerpt.definitions, start=1)
    }


def _definition(wording: Expression, definition: Definition) -> str:
    text = wording.at(definition.place).text
    return text if len(text) <= LONGEST_DEFINITION else f"{text[:LONGEST_DEFINITION].rsplit(' ', 1)[0]} …"


def cite_styles(
    reading: Reading, wording: Expression, provision: Provision, day: date, quote: str = ""
) -> tuple[tuple[Style, str], ...]:
    """The citation of a provision in each style."""
    first = reading.wordings(wording.instrument)[0]
    cited = Cited(
        instrument=wording.instrument,
        title=wording.title,
        label=cite(reading, wording, provision),
        place=provision.pinpoint,
        published=wording.published,
        url=official_url(reading, wording, provision),
        amended=wording.id.effective
        if wording.id != first.id or (is_noted(wording) and len(_dates(reading, wording)) > 1)
        else None,
        as_of=day,
        quote=quote,
    )
    return tuple((style, cite_in(style, cited)) for style in Style)


def _show_comparison(reading: Reading, wording: Expression, point: Pinpoint, compared: date, place: Place) -> Page:
    words = place.words
    older, newer = _find_wording(reading, wording.instrument, replace(place, asked=compared)), wording
    if older.id.effective > newer.id.effective:
        older, newer = newer, older
    if is_noted(wording):
        raise NotHere(words.say("law.notes_uncompared", name=words.name(wording.short_title)))
    if point.root.kind is StepKind.CHAPTER:
        raise NotHere(words.say("law.chapter_uncompared", place=point.house()))
    old, new = older.get(point), newer.get(point)
    if old is None and new is None:
        _find_provision(reading, newer, point, words)
    known = new or old
    assert known is not None
    old_side, new_side = _sides(old, new)
    sides = tuple(
        Side(
            "older" if one is older else "newer",
            one.id.effective,
            paragraphs_of(segments),
            "" if held else words.say("law.absent", place=point.house()),
        )
        for one, held, segments in ((older, old, old_side), (newer, new, new_side))
    )
    changes = sum(one.change is not Change.KEPT and not one.text.isspace() for one in (*old_side, *new_side))
    return Page(
        render(
            "library_compare.html",
            place,
            wording=newer,
            provision=known,
            label=cite(reading, newer, known),
            above=tuple(lead_to(reading, newer, one, short=True) for one in newer.ancestors(known)) if new else (),
            sides=sides,
            same=older.id == newer.id,
            changes=changes,
            itself=lead_to(reading, newer if new else older, known),
            amended=find_surroundings(reading, newer, point, place.day, words).amended if new else (),
            days=_dates(reading, newer, words),
            compared=compared,
        )
    )


def _sides(old: Provision | None, new: Provision | None) -> tuple[tuple[Segment, ...], tuple[Segment, ...]]:
    """The old words with what was struck, the new ones with what was put in."""
    if old is None or new is None:
        return (
            (Segment(Change.DELETED, old.text),) if old else (),
            (Segment(Change.INSERTED, new.text),) if new else (),
        )
    every = redline(old.text, new.text)
    return (
        tuple(one for one in every if one.change is not Change.INSERTED),
        tuple(one for one in every if one.change is not Change.DELETED),
    )


def _read_day(text: str, words: Wording) -> date | None:
    return read_day(text[:LONGEST_TYPED], words)


def _find_wording(reading: Reading, instrument: str, place: Place) -> Expression:
    """The wording of an instrument on the page's day; raises NotHere with what there is."""
    words = place.words
    if instrument not in reading.corpus.instruments:
        there = tuple(_whole(reading, one, words) for one in reading.corpus.instruments)
        raise NotHere(words.say("law.no_instrument", name=instrument[:LONGEST_TYPED]), there)
    wording = reading.wording_on(InstrumentId(instrument), place.day)
    if wording is None:
        own = reading.wordings(InstrumentId(instrument))
        first = own[0].id.effective
        name, day = words.name(own[0].short_title), words.long_date(place.day)
        raise NotHere(
            words.say("law.no_text_yet", day=day, name=name, first=words.long_date(first)),
            tuple(_whole(reading, InstrumentId(instrument), words, one) for one in own),
        )
    return wording


def _whole(reading: Reading, instrument: InstrumentId, words: Wording, wording: Expression | None = None) -> Lead:
    """A lead to a whole instrument, on the day of one of its wordings where that is named."""
    shown = wording or reading.wordings(instrument)[-1]
    return Lead(
        instrument, None, capitalised(words.name(shown.short_title)), day=wording.id.effective if wording else None
    )


def _find_provision(reading: Reading, wording: Expression, point: Pinpoint, words: Wording) -> Provision:
    """The provision at a place; raises NotHere with the nearest that there is."""
    provision = wording.get(point)
    if provision is not None:
        return provision
    around: Pinpoint | None = point
    near: list[Provision] = []
    while around is not None and not near:
        around = around.parent
        held = wording.get(around) if around else None
        near = [held, *wording.children(held.pinpoint)][:MOST_SUGGESTED] if held else []
    others = [one for one in reading.wordings(wording.instrument) if point in one]
    name, day = capitalised(words.name(wording.short_title)), words.long_date(wording.id.effective)
    line = words.say("law.no_place", name=name, place=name_place(point), day=day)
    elsewhere = (words.say("law.other_has", day=words.long_date(one.id.effective)) for one in others[-1:])
    raise NotHere(
        " ".join((line, *elsewhere)),
        (
            *(replace(lead_to(reading, one, one.at(point)), day=one.id.effective) for one in others[-1:]),
            *(lead_to(reading, wording, one) for one in near),
            _whole(reading, wording.instrument, words),
        ),
    )


def _trouble(place: Place, error: VisavisError) -> Page:
    """A page of one calm line, and of what there is instead: 404 for what is not here, 422 for what cannot be read."""
    exists = error.exists if isinstance(error, NotHere) else ()
    status = 404 if isinstance(error, NotHere | PinpointError) else 422
    ours = isinstance(error, NotHere | NoDate)
    return Page(render("library_trouble.html", place, line=_sentence(str(error)), ours=ours, exists=exists), status)


def _sentence(line: str) -> str:
    return f"{capitalised(line)}" if line.endswith(".") else f"{capitalised(line)}."


def _holding(reading: Reading, instrument: InstrumentId, place: Place) -> Holding:
    wording = reading.wording_on(instrument, place.day) or reading.wordings(instrument)[0]
    return Holding(
        wording,
        AUTHORITY_MARKS[wording.authority],
        _standing(reading, wording, place.day, place.words),
        _dates(reading, wording, place.words),
        ", ".join(_counted(wording, place.words)),
    )


def _dates(reading: Reading, wording: Expression, words: Wording = ENGLISH) -> tuple[tuple[date, str], ...]:
    """The days of a work's wordings, the latest first, each with what it is."""
    own = reading.wordings(wording.instrument)
    if len(own) == 1:
        return ((own[0].id.effective, ""),)
    named = [words.say("adopted"), *[words.say("amended")] * (len(own) - 1)]
    return tuple((one.id.effective, name) for one, name in zip(own, named, strict=True))[::-1]


def _standing(reading: Reading, wording: Expression, day: date, words: Wording) -> str:
    """How an instrument stands on a day, in a few words."""
    treaty = load_status().get(wording.instrument)
    if treaty is not None:
        state = words.say("force_in_force" if treaty.is_in_force(day) else "force_not_in_force")
        seen = words.long_date(treaty.as_seen)
        return words.say("law.standing_treaty", state=state, day=words.long_date(day), seen=seen)
    held = load_wordings().get(str(wording.id))
    if held is not None and wording.authority in {Authority.LAW, Authority.NOTE}:
        first = load_wordings().get(str(reading.wordings(wording.instrument)[0].id), held)
        key = "in_force_since" if first.in_force <= day else "law.not_before"
        parts = [words.say("law.parts_apply")] if len(held.rule) > 1 else []
        return words.joined(words.say(key, day=words.long_date(first.in_force)), *parts)
    return words.say("law.published", day=words.long_date(wording.published))


def _counted(wording: Expression, words: Wording) -> Iterator[str]:
    """How much there is of an instrument: "119 articles"."""
    for kind, key in COUNTED.items():
        number = sum(one.kind is kind for one in wording.provisions)
        if number:
            yield words.count(key, number)


def _earlier(reading: Reading, wording: Expression) -> tuple[date, ...]:
    """The days of the other wordings that this one can be laid beside."""
    return tuple(one.id.effective for one in reading.wordings(wording.instrument) if one.id != wording.id)


def _until(reading: Reading, wording: Expression) -> date | None:
    """The last day of a wording; None where no later one takes its place."""
    days = (one.id.effective for one in reading.wordings(wording.instrument))
    later = [day for day in days if day > wording.id.effective]
    return min(later) - timedelta(days=1) if later and not is_noted(wording) else None


def _tree(reading: Reading, wording: Expression) -> Iterator[tuple[str, tuple[Node, ...]]]:
    """The top of an instrument in groups, each with the key of its name: what binds first, then recitals."""
    top = in_order(wording, (one for one in wording.provisions if one.parent is None))
    top = [one for one in top if one.is_unit or one.is_container]
    groups: dict[str, list[Provision]] = {}
    for one in top:
        groups.setdefault(_group_name(one), []).append(one)
    for name in sorted(groups, key=list(GROUPS).index):
        yield name, tuple(_branch(reading, wording, one) for one in groups[name])


def _group_name(provision: Provision) -> str:
    return next((name for name, kinds in GROUPS.items() if provision.kind in kinds), "law.group_paragraphs")


def _branch(reading: Reading, wording: Expression, provision: Provision) -> Node:
    lead = lead_to(reading, wording, provision, short=True)
    children = in_order(wording, wording.children(provision.pinpoint)) if provision.is_container else ()
    heading = "" if provision.kind in RECITALS else provision.heading
    return Node(
        lead,
        calm(heading) if provision.is_container else heading,
        not provision.is_container and any(one.changed_by for one in wording.subtree(provision.pinpoint)),
        tuple(_branch(reading, wording, one) for one in children),
    )


def calm(heading: str) -> str:
    """A heading that is printed in capitals, in ordinary letters; names such as AI keep theirs."""
    if not heading.isupper():
        return heading
    words = [word if word.strip(",") in {"AI", "EU"} else word.lower() for word in heading.split(" ")]
    return capitalised(" ".join(words))


def _changed_units(reading: Reading, wording: Expression) -> Iterator[Lead]:
    """The units that an amendment changed or brought, in order."""
    if is_noted(wording):
        return
    changed = dict.fromkeys(one.pinpoint.unit for one in wording.provisions if one.changed_by)
    yield from (lead_to(reading, wording, wording.at(one), wording.at(one).heading, short=True) for one in changed)


def _found(reading: Reading, wording: Expression, hit: Hit, query: str) -> Found:
    provision = hit.provision
    lead = lead_to(reading, wording, provision, wording.at(provision.pinpoint.unit).heading, short=True)
    runs = tuple(mark_words(" ".join(provision.text.split()), query, wording.id.language))
    return Found(lead, tuple(_shorten(runs)), hit.is_exact)


def _shorten(runs: Iterable[tuple[str, bool]]) -> Iterator[tuple[str, bool]]:
    """A snippet of runs that begins shortly before the first that is marked."""
    room, begun = SNIPPET, False
    for text, marked in runs:
        if not begun and not marked and len(text) > SNIPPET // 3:
            text = f"… {text[-SNIPPET // 3 :].partition(' ')[2]}"
        begun = True
        if room <= 0:
            yield " …", False
            return
        cut = text if marked or len(text) <= room else f"{text[:room].rsplit(' ', 1)[0]} …"
        yield cut, marked
        if cut != text and not text.startswith("…"):
            return
        room -= len(cut)


def capitalised(text: str) -> str:
    """A text that begins with a capital."""
    return text[:1].upper() + text[1:]


def render(template: str, place: Place, **values: object) -> str:
    """A page or a fragment from its template, which escapes all that it prints."""
    words = place.words
    around = {"place": place, "root": place.root, "say": words.say, "count": words.count, "day_of": words.long_date}
    named = {"name_of": words.name, "mark_word": lambda mark: words.say(f"authority_{MARKED_BY[mark]}")}
    english = Markup("" if place.lang is None else ' lang="en"')  # nosec B704 # a constant
    return _environment().get_template(template).render(**around, **named, english=english, **values)


def library_style() -> str:
    """The sheet of the library's pages."""
    return _static("provision.css") + _static("library.css")


def library_script() -> str:
    """The script of the library's pages, which do without it as well."""
    return _static("provision.js") + _static("library.js")


def _static(name: str) -> str:
    return resources.files("ui").joinpath("static", name).read_text(encoding="utf-8")


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("ui"), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters |= {"capitalize_first": capitalised, "web_address": web_address}
    environment.globals |= {
        "law_address": law_address,
        "authority_marks": AUTHORITY_MARKS,
        "panel": None,
        "languages": {one.value: load_wording(one).page["language"] for one in Language},
    }
    return environment
