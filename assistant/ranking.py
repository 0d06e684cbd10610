"""Ranked evidence for each side: what was named, what was found, what the concordance brings from the other side."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import zip_longest

import numpy as np

from assistant import phrases
from assistant.analysis import Inquiry
from assistant.answer import Evidence
from assistant.noted import is_noted, locate_noted
from assistant.retrieval import Hit, Query, make_query, search_commentary, search_wording
from ingest.concordance import Concordance, Correspondence
from ingest.embedding import Embedder
from ingest.guide import Guide
from ingest.identifiers import InstrumentId
from ingest.index import Store
from ingest.instrument import RECITALS, Expression, Provision
from ingest.pinpoint import Pinpoint
from ingest.references import locate

NAMED_SCORE = 3.0
RECITAL_WEIGHT = 0.5
NOTE_WEIGHT = 0.8
ISSUE_WEIGHT = 0.8
GUIDE_WORDS = 0.3
PLACE_STEP = 0.06
GUIDE_DEPTH = 40
MATCH_FLOOR = 0.42
MATCH_SHARE = 0.88
MOST_MATCHES = 2
MATCHES_WEIGHED = 12
STANDING_WEIGHT = 0.4
APPLICATION = "when do the rules apply, date of application, deadline: {}"
TOPIC_WEIGHT = 0.7
LIST_OF_TOPICS = 3
COUNTERPART_WEIGHT = 0.35
UNNAMED_WEIGHT = 0.2
COUNTERPART_OF = 6
PER_UNIT = 2
EVIDENCE = 40
HEADING = 200
OF_CHAPTER = 8
FIRST_TEN = 10
EACH_SIDE = 4
COMMENTARY_PLACES = 1
OWN_FIRST = 6
OTHERS_FIRST = 3


@dataclass(frozen=True, slots=True)
class Match:
    """A correspondence that a question is about, and how well it fits, 0 to 1."""

    correspondence: Correspondence
    score: float


@dataclass(frozen=True, slots=True)
class Candidate:
    """A provision that may carry the answer, the part of it that fits best, and how well."""

    provision: Provision
    start: int
    end: int
    score: float

    @property
    def unit(self) -> Pinpoint:
        """The whole article, recital or annex."""
        return self.provision.pinpoint.unit


@dataclass(frozen=True, slots=True)
class Side:
    """What one instrument has: its wording on the day asked, its candidates, best first, and the places named.

    `found` are the candidates that the search alone gives, before the places named are put first; `nearest` is the
    best cosine of its words with each thing searched, empty where no words are held.
    """

    instrument: InstrumentId
    wording: Expression | None
    candidates: tuple[Candidate, ...]
    found: tuple[Candidate, ...] = ()
    named: tuple[Provision, ...] = ()
    unknown: tuple[Pinpoint, ...] = ()
    nearest: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class Findings:
    """All that was found for an inquiry: by the sides that it is about, and by the others.

    `nearness` is how near the texts come to the question, 0 to 2.
    """

    sides: tuple[Side, ...]
    others: tuple[Side, ...]
    matches: tuple[Match, ...]
    commentary: tuple[Candidate, ...]
    nearness: float
    neighbours: tuple[Match, ...] = ()

    @property
    def readable(self) -> tuple[Side, ...]:
        """The sides of which there is a wording on the day asked."""
        return tuple(side for side in self.sides if side.wording is not None)


@dataclass(frozen=True, slots=True)
class _Search:
    """One thing searched: the query, and how well each signpost of the guide fits it."""

    query: Query
    fit: np.ndarray[tuple[int], np.dtype[np.float32]]


def find_evidence(
    store: Store, guide: Guide, concordance: Concordance, embedder: Embedder, inquiry: Inquiry
) -> Findings:
    """Search each side of an inquiry on its own, and let the guide bring what shares no word with the question."""
    asked = _subjects(inquiry) or tuple(_headings(store, inquiry))[:1]
    searches = [_search(words, guide, embedder) for words in asked]
    ranked = [_rank_matches(guide, search) for search in searches]
    instruments = (*inquiry.sides, *(one for one in inquiry.scope if one not in inquiry.sides))
    every = [_search_side(store, guide, searches, inquiry, instrument) for instrument in instruments]
    sides, others = every[: len(inquiry.sides)], every[len(inquiry.sides) :]
    weight = COUNTERPART_WEIGHT if inquiry.named else UNNAMED_WEIGHT
    sides = [_lift_counterparts(concordance, side, [one for one in sides if one is not side], weight) for side in sides]
    others = [_lift_counterparts(concordance, side, sides, weight) for side in others]
    matches = (inquiry.subject and _matches(ranked, inquiry, sides)) or _touched(concordance, inquiry)
    commentary = _commentary(store, searches, inquiry)
    nearness = max((_nearness(guide, search, place, every) for place, search in enumerate(searches)), default=0.0)
    if any(_is_titled(match, inquiry) for match in matches):
        nearness = NAMED_SCORE
    return Findings(tuple(sides), tuple(others), matches, commentary, nearness, tuple(ranked[0][:8]) if ranked else ())


def _subjects(inquiry: Inquiry) -> tuple[str, ...]:
    """The whole subject first, then each of its topics; a question for a date asks for dates of application too."""
    if not inquiry.subject:
        return ()
    dates = (APPLICATION.format(inquiry.phrase),) if inquiry.wants_date and not inquiry.topics else ()
    return (inquiry.phrase, *inquiry.topics, *dates)


def _defined(store: Store, wording: Expression, inquiry: Inquiry) -> list[Provision]:
    """The definition of the term that a question asks the meaning of, the longest term that its words hold."""
    if not phrases.DEFINE.search(inquiry.text) or is_noted(wording):
        return []
    words = f" {inquiry.phrase.casefold()} "
    held = [
        (len(name), definition.place)
        for definition in store.corpus.definitions(wording.id)
        for name in definition.names
        if re.search(rf"\W{re.escape(name.casefold())}s?\W", words)
    ]
    longest = max(held, default=None, key=lambda one: one[0])
    enough = longest is not None and longest[0] * 2 > len(inquiry.subject)
    return [wording.at(longest[1])] if longest is not None and enough else []


def _quotable(wording: Expression, provision: Provision) -> list[Provision]:
    """A provision itself, or the first articles of a chapter or section, which holds no words of its own."""
    if not provision.is_container:
        return [provision]
    return [unit for unit in wording.units() if provision in wording.ancestors(unit)][:OF_CHAPTER]


def _headings(store: Store, inquiry: Inquiry) -> Iterable[str]:
    """The headings, or first words, of the articles named, where nothing else is asked."""
    for target in inquiry.targets:
        for instrument in [target.instrument] if target.instrument else inquiry.sides:
            wording = store.corpus.wording_on(instrument, inquiry.as_of)
            unit = wording.get(target.pinpoint.unit) if wording else None
            if unit is not None:
                yield unit.heading or unit.text[:HEADING]


def _search(phrase: str, guide: Guide, embedder: Embedder) -> _Search:
    query = make_query(phrase, embedder)
    return _Search(query, guide.score(query.words, query.vector, GUIDE_WORDS))


def _rank_matches(guide: Guide, search: _Search) -> list[Match]:
    """The correspondences by how well they fit, best first."""
    order = np.argsort(-search.fit, kind="stable")
    signposts = ((guide.signposts[int(number)], float(search.fit[number])) for number in order)
    return [Match(signpost.correspondence, fit) for signpost, fit in signposts if signpost.correspondence]


def _matches(ranked: Sequence[Sequence[Match]], inquiry: Inquiry, sides: Sequence[Side]) -> tuple[Match, ...]:
    """The correspondences that the question is about: one for each topic, or the few that fit the whole.

    A correspondence fits by its words, and by how high its places stand among the candidates of each side.
    """
    chosen: dict[str, Match] = {}
    most = 1 if inquiry.topics else MOST_MATCHES
    for found in ranked[1 : 1 + len(inquiry.topics)] or ranked[:1]:
        near = [replace(match, score=match.score + _standing(match, sides)) for match in found[:MATCHES_WEIGHED]]
        near.sort(key=lambda match: -match.score)
        near = [match for match in found if _is_titled(match, inquiry)][:1] or near
        for match in near[:most]:
            if match.score >= max(MATCH_FLOOR, MATCH_SHARE * near[0].score):
                chosen.setdefault(match.correspondence.id, match)
    return tuple(chosen.values())


def _is_titled(match: Match, inquiry: Inquiry) -> bool:
    """Whether a question gives a correspondence by its very title."""
    title, text = (" ".join(one.casefold().split()) for one in (match.correspondence.issue, inquiry.text))
    return len(title.split()) > 1 and title in text


def _standing(match: Match, sides: Sequence[Side]) -> float:
    """How high the places of a correspondence stand among the candidates, as a share of the best, over all sides."""
    total = 0.0
    for side in sides:
        places = match.correspondence.side(side.instrument)
        within = (
            one.score for one in side.candidates if any(place.contains(one.provision.pinpoint) for place in places)
        )
        total += max(within, default=0.0) / side.candidates[0].score if side.candidates else 0.0
    return STANDING_WEIGHT * total / max(len(sides), 1)


def _touched(concordance: Concordance, inquiry: Inquiry) -> tuple[Match, ...]:
    """The correspondences that the places named carry."""
    found: dict[str, Match] = {}
    for target in inquiry.targets:
        for instrument in [target.instrument] if target.instrument else inquiry.sides:
            for one in concordance.touching(instrument, target.pinpoint)[:MOST_MATCHES]:
                found.setdefault(one.id, Match(one, NAMED_SCORE))
    return tuple(found.values())


def _search_side(
    store: Store, guide: Guide, searches: Sequence[_Search], inquiry: Inquiry, instrument: InstrumentId
) -> Side:
    wording = store.corpus.wording_on(instrument, inquiry.as_of)
    if wording is None:
        return Side(instrument, None, ())
    rank, find = (_rank_notes, locate_noted) if is_noted(wording) else (_rank, locate)
    hits = [search_wording(store, search.query, wording) for search in searches]
    lists = [rank(found, guide, search, wording) for found, search in zip(hits, searches, strict=True)]
    own = [one.pinpoint for one in inquiry.targets if one.instrument in {None, instrument}]
    located = {place: find(wording, place) for place in own}
    named = [one for found in located.values() if found is not None for one in _quotable(wording, found)]
    first = [
        Candidate(provision, 0, len(provision.text), NAMED_SCORE - PLACE_STEP * rank)
        for rank, provision in enumerate((*named, *_defined(store, wording, inquiry)))
    ]
    found = _take_turns(lists) if len(inquiry.topics) >= LIST_OF_TOPICS else _blend(lists)
    unknown = tuple(place for place, found in located.items() if found is None)
    nearest = tuple(max(hit.cosine for hit in one) for one in hits if one)
    return Side(instrument, wording, tuple(_distinct([*first, *found])), tuple(found), tuple(named), unknown, nearest)


def _rank(hits: Sequence[Hit], guide: Guide, search: _Search, wording: Expression) -> list[Candidate]:
    """The passages of a wording by what the engines make of them and what the guide says of their places."""
    noted = _led(guide, search, wording, issues=False)
    issues = _led(guide, search, wording, issues=True)
    found: dict[Pinpoint, Candidate] = {}
    for hit in hits:
        weight = RECITAL_WEIGHT if hit.provision.kind in RECITALS else 1.0
        score = weight * (
            hit.score
            + NOTE_WEIGHT * _lift_of(noted, hit.provision.pinpoint)
            + ISSUE_WEIGHT * _lift_of(issues, hit.provision.pinpoint)
        )
        held = found.get(hit.provision.pinpoint)
        if held is None or score > held.score:
            found[hit.provision.pinpoint] = Candidate(hit.provision, hit.passage.start, hit.passage.end, score)
    return sorted(found.values(), key=lambda one: -one.score)


def _rank_notes(_: Sequence[Hit], guide: Guide, search: _Search, wording: Expression) -> list[Candidate]:
    """The places of a wording of which only our notes are held, by how well what is said of them fits."""
    noted = _led(guide, search, wording, issues=False)
    issues = _led(guide, search, wording, issues=True)
    found = []
    for provision in (wording.at(place) for place in {**noted, **issues} if place in wording):
        weight = RECITAL_WEIGHT if provision.kind in RECITALS else 1.0
        score = weight * (_lift_of(noted, provision.pinpoint) + _lift_of(issues, provision.pinpoint))
        found.append(Candidate(provision, 0, len(provision.text), score))
    return sorted(found, key=lambda one: -one.score)


def _led(guide: Guide, search: _Search, wording: Expression, *, issues: bool) -> dict[Pinpoint, float]:
    """The places of a wording that the best-fitting notes, or issues of the concordance, lead to, with the best fit."""
    led: dict[Pinpoint, float] = {}
    own = guide.leading_to(wording.instrument, issues=issues)
    for number in own[np.argsort(-search.fit[own], kind="stable")][:GUIDE_DEPTH]:
        fit = float(search.fit[number])
        for rank, place in enumerate(guide.signposts[int(number)].places[wording.instrument]):
            led[place] = max(led.get(place, 0.0), fit - PLACE_STEP * rank)
    return led


def _lift_of(led: Mapping[Pinpoint, float], at: Pinpoint) -> float:
    """The best that is said of a place or of what it lies in."""
    best = 0.0
    place: Pinpoint | None = at
    while place is not None:
        best = max(best, led.get(place, 0.0))
        place = place.parent
    return best


def _blend(lists: Sequence[Sequence[Candidate]]) -> list[Candidate]:
    """Each provision at the best that the whole question or a part of it makes of it, a part weighing less."""
    best: dict[Pinpoint, Candidate] = {}
    for n, candidates in enumerate(lists):
        for one in candidates:
            weighed = replace(one, score=one.score * (TOPIC_WEIGHT if n else 1.0))
            held = best.get(one.provision.pinpoint)
            if held is None or weighed.score > held.score:
                best[one.provision.pinpoint] = weighed
    return sorted(best.values(), key=lambda one: -one.score)


def _take_turns(lists: Sequence[Sequence[Candidate]]) -> list[Candidate]:
    """The searches in turn, so that each topic has its best provisions among the first."""
    if len(lists) < 2:
        return list(lists[0]) if lists else []
    return [one for turn in zip_longest(*lists) for one in turn if one is not None]


def _distinct(candidates: Iterable[Candidate]) -> list[Candidate]:
    """Each provision once, at its first place; scores never rise down the list."""
    kept: dict[Pinpoint, Candidate] = {}
    ceiling = NAMED_SCORE
    for one in candidates:
        if one.provision.pinpoint not in kept:
            ceiling = min(ceiling, one.score)
            kept[one.provision.pinpoint] = replace(one, score=ceiling)
    return list(kept.values())


def _lift_counterparts(concordance: Concordance, side: Side, others: Sequence[Side], weight: float) -> Side:
    """A side with the places lifted that the concordance sets beside the best places of the others."""
    if side.wording is None:
        return side
    lift: dict[Pinpoint, float] = {}
    for other in others:
        for candidate in spread(other.candidates, 1)[:COUNTERPART_OF]:
            share = candidate.score / other.candidates[0].score
            for one in concordance.touching(other.instrument, candidate.provision.pinpoint):
                for rank, place in enumerate(one.side(side.instrument)):
                    lift[place] = max(lift.get(place, 0.0), share * weight - PLACE_STEP * rank)
    if not lift:
        return side
    lifted = [replace(one, score=one.score + _lift_of(lift, one.provision.pinpoint)) for one in side.candidates]
    return replace(side, candidates=tuple(sorted(lifted, key=lambda one: -one.score)))


def _commentary(store: Store, searches: Sequence[_Search], inquiry: Inquiry) -> tuple[Candidate, ...]:
    if not inquiry.commentary or not searches:
        return ()
    hits = search_commentary(store, searches[0].query, inquiry.as_of)
    return tuple(Candidate(hit.provision, hit.passage.start, hit.passage.end, hit.score) for hit in hits[:10])


def _nearness(guide: Guide, search: _Search, place: int, sides: Iterable[Side]) -> float:
    """The best cosine of a question with our words and that with the law's, added up: neither alone tells."""
    near = guide.nearest(search.query.vector)
    return near + max((side.nearest[place] for side in sides if side.nearest), default=near)


def spread(candidates: Iterable[Candidate], per_unit: int) -> list[Candidate]:
    """The same order, with at most so many candidates of one unit."""
    taken: dict[Pinpoint, int] = {}
    kept: list[Candidate] = []
    for candidate in candidates:
        taken[candidate.unit] = taken.get(candidate.unit, 0) + 1
        if taken[candidate.unit] <= per_unit:
            kept.append(candidate)
    return kept


def list_evidence(findings: Findings, inquiry: Inquiry) -> tuple[Evidence, ...]:
    """One merged list, best first: the sides in turn where they are compared, then guidance and commentary."""
    lists = [spread(side.candidates, 1 if len(findings.sides) > 1 else PER_UNIT) for side in findings.sides]
    turns = _merge_sides(lists, alternate=len(inquiry.named) != 0)
    rest = _take_turns([spread(side.candidates, 1) for side in findings.others])
    turns = [*turns[:OWN_FIRST], *rest[:OTHERS_FIRST], *turns[OWN_FIRST:], *rest[OTHERS_FIRST:]]
    commentary = spread(findings.commentary, 1)
    first = FIRST_TEN - COMMENTARY_PLACES if commentary else FIRST_TEN
    merged = [*turns[:first], *commentary[:COMMENTARY_PLACES], *turns[first:], *commentary[COMMENTARY_PLACES:]]
    return tuple(
        Evidence(rank, one.provision.expression.instrument, one.provision.pinpoint, one.score)
        for rank, one in enumerate(merged[:EVIDENCE], start=1)
    )


def _merge_sides(lists: Sequence[Sequence[Candidate]], *, alternate: bool) -> list[Candidate]:
    """The sides in turn; or, where the question names none, by score, with some of each among the first ten."""
    if len(lists) < 2 or alternate:
        return _take_turns(lists)
    assured = {id(one) for candidates in lists for one in candidates[:EACH_SIDE]}
    every = sorted((one for candidates in lists for one in candidates), key=lambda one: -one.score)
    room = FIRST_TEN - COMMENTARY_PLACES - len(assured)
    first = [*(one for one in every if id(one) in assured), *[one for one in every if id(one) not in assured][:room]]
    taken = {id(one) for one in first}
    return [*sorted(first, key=lambda one: -one.score), *(one for one in every if id(one) not in taken)]
