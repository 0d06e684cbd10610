"""What stands around a provision: neighbours, who changed it, recitals, guidance, notes, what leads to it."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import date

from assistant.noted import Said, is_noted, locate_noted, official_address, say
from ingest.citing import CitedBy, find_cited
from ingest.concordance import load_concordance
from ingest.errors import PinpointError
from ingest.identifiers import InstrumentId
from ingest.instrument import RECITALS, Authority, Expression, Provision
from ingest.notes import changed_places, load_notes, note_wordings
from ingest.outline import load_outlines
from ingest.pinpoint import Pinpoint, StepKind
from ui.language import Wording, say_relation
from ui.reading import Reading

NEAR_IN_WORDS = 3
OPENING = 110
ROMAN = {"I": 1, "V": 5, "X": 10, "L": 50, "C": 100}
LONGEST_QUERY = 1_500
MOST_NAMING = 40
MOST_OF_WHOLE = 6
TEACHING = frozenset({Authority.EXPLANATORY_REPORT, Authority.GUIDANCE})


@dataclass(frozen=True, slots=True)
class Lead:
    """A place that a page leads to, how it is called there, a word on why, and how its text begins.

    Where `is_headed` the word is the place's own heading. `place` is None for a whole instrument; `day` is another than
    the page's, where the page's has no such place.
    """

    instrument: InstrumentId
    place: Pinpoint | None
    label: str
    remark: str = ""
    opening: str = ""
    day: date | None = None
    is_headed: bool = False


@dataclass(frozen=True, slots=True)
class Amended:
    """Places of a unit that an amending act's place changed or brought, and the day that it took effect."""

    labels: tuple[str, ...]
    by: Lead | None
    name: str
    effective: date
    before: date | None


@dataclass(frozen=True, slots=True)
class PlainNote:
    """Our sentences on a place, whom it binds, and how many are left out as written on another wording."""

    sentences: tuple[Said, ...]
    binds: str
    left_out: int
    written_on: date | None


@dataclass(frozen=True, slots=True)
class Meeting:
    """A correspondence of our concordance at a place: the issue, the relation in words, the other side's places.

    `unheld` are those that the texts at hand do not have.
    """

    id: str
    issue: str
    relation: str
    others: tuple[Lead, ...]
    unheld: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Referring:
    """Places that refer to a place, those that name it or a part of it first; `left_out` counts those not listed."""

    leads: tuple[Lead, ...]
    left_out: int = 0


@dataclass(frozen=True, slots=True)
class Surroundings:
    """All that a page shows beside the words of a provision."""

    before: Lead | None
    after: Lead | None
    amended: tuple[Amended, ...]
    note: PlainNote | None
    recitals: tuple[Lead, ...]
    guidance: Referring
    commentary: Referring
    cites: tuple[Lead, ...]
    elsewhere: tuple[str, ...]
    cited_by: Referring
    meetings: tuple[Meeting, ...]
    url: str


def find_surroundings(
    reading: Reading, wording: Expression, place: Pinpoint, day: date, words: Wording
) -> Surroundings:
    """What stands around a place of a wording on a day; raises PinpointError where the wording has no such place."""
    provision = wording.at(place)
    before, after = find_neighbours(reading, wording, provision)
    noted = is_noted(wording)
    citing = () if noted or provision.is_container else reading.citing(wording, provision, day)
    cites, elsewhere = ((), ()) if noted else _cites(reading, wording, provision, day)
    return Surroundings(
        before=before,
        after=after,
        amended=() if noted else tuple(_amended(reading, wording, provision, day)),
        note=find_note(reading, wording, place),
        recitals=() if provision.kind in RECITALS else tuple(_recitals(reading, wording, provision, citing, words)),
        guidance=_referring(reading, citing, place, TEACHING, words),
        commentary=_referring(reading, citing, place, frozenset({Authority.COMMENTARY}), words),
        cites=cites,
        elsewhere=elsewhere,
        cited_by=_referring(reading, citing, place, frozenset({Authority.LAW}), words),
        meetings=tuple(_meetings(reading, wording.instrument, place, day, words)),
        url=official_url(reading, wording, provision),
    )


def official_url(reading: Reading, wording: Expression, provision: Provision) -> str:
    """The official address of a provision, from the manifest where only our notes are held."""
    if is_noted(wording):
        return official_address(wording.instrument, provision.pinpoint)
    return reading.corpus.official_url(provision)


def lead_to(
    reading: Reading, wording: Expression, provision: Provision, remark: str = "", *, short: bool = False
) -> Lead:
    """A lead to a provision, called with its instrument unless `short`, and the beginning of its words."""
    label = f"{provision.label[0].upper()}{provision.label[1:]}"
    text = " ".join(provision.text.split())
    opening = text if len(text) <= OPENING else f"{text[:OPENING].rsplit(' ', 1)[0]} …"
    name = label if short else cite(reading, wording, provision)
    return Lead(wording.instrument, provision.pinpoint, name, remark, opening)


def cite(reading: Reading, wording: Expression, provision: Provision) -> str:
    """The printed citation with its instrument; of our notes too, as of the law that they are on."""
    if is_noted(wording):
        return f"{provision.label[0].upper()}{provision.label[1:]} of {wording.short_title}"
    return reading.corpus.cite(provision)


def find_neighbours(reading: Reading, wording: Expression, provision: Provision) -> tuple[Lead | None, Lead | None]:
    """The units before and after the one that a provision lies in; containers have none."""
    if provision.is_container:
        return None, None
    units = in_order(wording, wording.units())
    unit = wording.at(provision.pinpoint.unit) if provision.pinpoint.unit in wording else provision
    here = units.index(unit) if unit in units else -1
    if here < 0:
        return None, None
    before = units[here - 1] if here else None
    after = units[here + 1] if here + 1 < len(units) else None
    return (
        lead_to(reading, wording, before, before.heading, short=True) if before else None,
        lead_to(reading, wording, after, after.heading, short=True) if after else None,
    )


def in_order(wording: Expression, provisions: Iterable[Provision]) -> list[Provision]:
    """Provisions in the order of print; of our notes, which have none, in that of their numbers."""
    if not is_noted(wording):
        return list(provisions)
    return sorted(provisions, key=lambda one: [_rank(step.label) for step in one.pinpoint.steps])


def _rank(label: str) -> tuple[int, str]:
    """A label by its number, Arabic or Roman, and by its letters after that: 4, 4a, 5; IX, X."""
    digits = re.match(r"\d+", label)
    if digits:
        return int(digits[0]), label[digits.end() :]
    values = [ROMAN.get(sign, 0) for sign in label]
    signed = (-value if value < after else value for value, after in zip(values, [*values[1:], 0], strict=True))
    return (sum(signed), "") if all(values) else (0, label)


def find_note(reading: Reading, wording: Expression, place: Pinpoint) -> PlainNote | None:
    """Our note on a place; sentences on what reads otherwise in this wording are left out, and counted."""
    held = load_notes().get(wording.instrument, {})
    if place.root.kind is StepKind.CHAPTER or not held:
        return None
    sentences = say(wording.instrument, place)
    if not sentences:
        return None
    written = note_wordings()[wording.instrument]
    changed = _changed(reading, wording, sentences)
    kept = tuple(one for one in sentences if changed.isdisjoint(one.places))
    binds = next((held[one].binds for one in (place, place.unit) if one in held and kept), "")
    other = written.effective if written != wording.id else None
    return PlainNote(kept, binds, len(sentences) - len(kept), other)


def _changed(reading: Reading, wording: Expression, sentences: Iterable[Said]) -> frozenset[Pinpoint]:
    """The places of our sentences that read otherwise in a wording than in the one that they were written on."""
    written = note_wordings()[wording.instrument]
    base = next((one for one in reading.wordings(wording.instrument) if one.id == written), None)
    if base is None or base.id == wording.id or is_noted(base):
        return frozenset()
    return frozenset(changed_places({place for one in sentences for place in one.places}, base, wording))


def _amended(reading: Reading, wording: Expression, provision: Provision, day: date) -> Iterator[Amended]:
    """Who changed a place or parts of it, by place of the amending act; on a later day where it was not there yet."""
    if provision.is_container:
        return
    groups: dict[str, list[Provision]] = {}
    for one in (*_holding(wording, provision), *wording.subtree(provision.pinpoint)):
        if one.changed_by and not any(
            one.pinpoint.unit == held.pinpoint.unit and held.pinpoint.contains(one.pinpoint)
            for held in groups.get(one.changed_by, ())
        ):
            groups.setdefault(one.changed_by, []).append(one)
    for changed_by, places in groups.items():
        by, name = find_changer(reading, changed_by)
        if by is not None and reading.wording_on(by.instrument, day) is None:
            by = replace(by, day=reading.wordings(by.instrument)[-1].id.effective)
        first, before = _since(reading, wording, places[0])
        yield Amended(tuple(one.label for one in places), by, name, first, before)


def _holding(wording: Expression, provision: Provision) -> Iterator[Provision]:
    return (one for one in wording.ancestors(provision) if not one.is_container)


def _since(reading: Reading, wording: Expression, changed: Provision) -> tuple[date, date | None]:
    """The day of the first wording that has a change, and that of the wording before."""
    own = [one for one in reading.wordings(wording.instrument) if one.id.effective <= wording.id.effective]
    for number, one in enumerate(own):
        there = one.get(changed.pinpoint)
        if there is not None and there.changed_by == changed.changed_by:
            return one.id.effective, own[number - 1].id.effective if number else None
    return wording.id.effective, None


def find_changer(reading: Reading, changed_by: str) -> tuple[Lead | None, str]:
    """The place of an amending act, from `eu-2026-1744:art_1/4`, and its name; as it stands where it was not read."""
    instrument, _, place = changed_by.partition(":")
    wordings = reading.wordings(InstrumentId(instrument))
    provision = wordings[-1].get(Pinpoint.parse(place)) if wordings and place else None
    if provision is None:
        return None, changed_by
    lead = lead_to(reading, wordings[-1], provision)
    return lead, lead.label


def _cites(
    reading: Reading, wording: Expression, provision: Provision, day: date
) -> tuple[tuple[Lead, ...], tuple[str, ...]]:
    """The places that a provision refers to, and the acts that are not ours, each once."""
    leads: dict[tuple[InstrumentId, Pinpoint], Lead] = {}
    elsewhere: list[str] = []
    for reference in find_cited(wording, provision):
        if reference.external:
            elsewhere.append(reference.text if reference.external in reference.text else reference.external)
        if reference.instrument is None:
            continue
        for target in reference.targets:
            lead = lead_to_place(reading, reference.instrument, target, day)
            if lead is not None:
                leads.setdefault((reference.instrument, target), lead)
    return tuple(leads.values()), tuple(dict.fromkeys(elsewhere))


def locate_held(wording: Expression, place: Pinpoint) -> Provision:
    """The provision at a place, or what our notes have nearest; raises PinpointError where there is nothing."""
    found = locate_noted(wording, place) if is_noted(wording) else wording.get(place)
    if found is None:
        raise PinpointError(f"{wording.short_title} has no {name_place(place)} in the wording {wording.id}.")
    return found


def name_place(place: Pinpoint) -> str:
    """A place as printed and as written; as written alone where it was typed so that it cannot be printed."""
    try:
        return f"{place.house()} ({place})"
    except (ValueError, LookupError):
        return str(place)


def lead_to_place(reading: Reading, instrument: InstrumentId, place: Pinpoint, day: date) -> Lead | None:
    """A lead to a place of a work on a day, or None where it has no such place then."""
    wording = reading.wording_on(instrument, day)
    if wording is None:
        return None
    provision = locate_noted(wording, place) if is_noted(wording) else wording.get(place)
    if provision is None:
        return None
    return replace(lead_to(reading, wording, provision, provision.heading), is_headed=True)


def _recitals(
    reading: Reading, wording: Expression, provision: Provision, citing: Iterable[CitedBy], words: Wording
) -> Iterator[Lead]:
    """The recitals of a place: those that refer to it, those of our concordance, and those nearest in words."""
    found: dict[Pinpoint, str] = {}
    for recital, remark in (
        *((one, words.say("law.refers")) for one in _referring_recitals(wording, provision, citing)),
        *(
            (one, words.say("law.concordant", issue=_lowered(issue)))
            for one, issue in _concordant_recitals(wording, provision.pinpoint)
        ),
        *((one, words.say("law.near")) for one in _near_recitals(reading, wording, provision)),
    ):
        found.setdefault(recital, remark)
    for recital, remark in found.items():
        held = wording.get(recital)
        if held is not None:
            yield lead_to(reading, wording, held, remark, short=True)


def _referring_recitals(wording: Expression, provision: Provision, citing: Iterable[CitedBy]) -> Iterator[Pinpoint]:
    for one in citing:
        own = one.provision.expression == wording.id and one.provision.kind in RECITALS
        if own and not one.is_to_whole(provision.pinpoint):
            yield one.provision.pinpoint.unit


def _concordant_recitals(wording: Expression, place: Pinpoint) -> Iterator[tuple[Pinpoint, str]]:
    """The recitals that carry an issue of our concordance with a place or a part of it, each with the issue."""
    for correspondence in load_concordance().touching(wording.instrument, place):
        own = correspondence.side(wording.instrument)
        if any(place.contains(one) or (one.contains(place) and len(one.steps) > 1) for one in own):
            for one in own:
                if one.root.kind in {StepKind.RECITAL, StepKind.PREAMBLE}:
                    yield one.unit, correspondence.issue


def _near_recitals(reading: Reading, wording: Expression, provision: Provision) -> Iterator[Pinpoint]:
    """The recitals nearest to a provision in words."""
    if is_noted(wording) or provision.is_container or not provision.text:
        return
    words = f"{wording.at(provision.pinpoint.unit).heading} {provision.text}"[:LONGEST_QUERY]
    for kind in (StepKind.RECITAL, StepKind.PREAMBLE):
        for near in reading.nearest(wording, words, kind, NEAR_IN_WORDS):
            yield near.pinpoint


def _lowered(text: str) -> str:
    return text if text[:2].isupper() else f"{text[:1].lower()}{text[1:]}"


def _referring(
    reading: Reading, citing: Iterable[CitedBy], place: Pinpoint, authorities: frozenset[Authority], words: Wording
) -> Referring:
    """The places of some authority that refer to a place; of those that name what it is part of, the first few."""
    named: dict[tuple[InstrumentId, Pinpoint], CitedBy] = {}
    of_whole: dict[tuple[InstrumentId, Pinpoint], CitedBy] = {}
    for one in citing:
        if reading.corpus.expression(one.provision.expression).authority in authorities:
            held = of_whole if one.is_to_whole(place) else named
            held.setdefault((one.provision.expression.instrument, one.provision.pinpoint), one)
    further = [one for key, one in of_whole.items() if key not in named]
    shown = [*list(named.values())[:MOST_NAMING], *further[:MOST_OF_WHOLE]]
    leads = (
        lead_to(reading, reading.corpus.expression(one.provision.expression), one.provision, remark)
        for one in shown
        for remark in (words.say("law.refers_on", text=one.text),)
    )
    return Referring(tuple(leads), len(named) + len(further) - len(shown))


def _meetings(
    reading: Reading, instrument: InstrumentId, place: Pinpoint, day: date, words: Wording
) -> Iterator[Meeting]:
    """The issues of our concordance that a place carries, with the places of the other side."""
    if place.root.kind is StepKind.CHAPTER:
        return
    names = load_outlines()
    for one in load_concordance().touching(instrument, place):
        leads: list[Lead] = []
        unheld: list[str] = []
        for other, counterpart in ((InstrumentId(name), at) for name, places in one.sides.items() for at in places):
            if other == instrument:
                continue
            lead = lead_to_place(reading, other, counterpart, day)
            if lead is None:
                unheld.append(f"{counterpart.house()} of {names[other].name}")
            else:
                leads.append(lead)
        yield Meeting(one.id, one.issue, say_relation(one, words), tuple(leads), tuple(unheld))
