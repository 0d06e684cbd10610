"""Ranked evidence for each side: what was named, what was found, what the concordance brings from the other side."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice, zip_longest

from assistant import phrases
from assistant.analysis import Inquiry
from assistant.answer import Evidence
from assistant.leading import PLACE_STEP, Leading, Search
from assistant.noted import is_noted, locate_noted
from assistant.retrieval import Hit, search_commentary, search_wording
from ingest.concordance import Concordance, Correspondence
from ingest.embedding import Embedder
from ingest.identifiers import InstrumentId
from ingest.index import Store
from ingest.instrument import Expression, Provision
from ingest.pinpoint import Pinpoint
from ingest.references import locate
from ingest.status import load_status

NAMED_SCORE = 3.0
# Learnt on the development half: a linear model of which provision carries the answer.
MEANING_WEIGHT = 0.56
WORDS_WEIGHT = 0.33
FIGURE_LIFT = 0.2
CLAUSES_OF = 3
CLAUSE_LIFT = 0.6
MATCH_FLOOR = 0.6
MATCH_SHARE = 0.9
MOST_MATCHES = 2
MATCHES_WEIGHED = 12
WHOLE_SHARE = 0.5
STANDING_WEIGHT = 0.7
SILENT_SHARE = 0.25
APPLICATION = "when do the rules apply, date of application, deadline: {}"
TOPIC_WEIGHT = 0.7
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
    best cosine of its words with each thing searched, empty where no words are held; `defined` is where it defines the
    term that the question asks the meaning of.
    """

    instrument: InstrumentId
    wording: Expression | None
    candidates: tuple[Candidate, ...]
    found: tuple[Candidate, ...] = ()
    named: tuple[Provision, ...] = ()
    unknown: tuple[Pinpoint, ...] = ()
    nearest: tuple[float, ...] = ()
    defined: Provision | None = None


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


def find_evidence(
    store: Store, leading: Leading, concordance: Concordance, embedder: Embedder, inquiry: Inquiry
) -> Findings:
    """Search each side of an inquiry on its own, and let the guide bring what shares no word with the question."""
    asked = _subjects(inquiry) or tuple(_headings(store, inquiry))[:1]
    searches = [leading.search(words, embedder) for words in asked]
    ranked = [_rank_matches(leading, search) for search in searches]
    instruments = (*inquiry.sides, *(one for one in inquiry.scope if one not in inquiry.sides))
    every = [_search_side(store, leading, searches, inquiry, instrument) for instrument in instruments]
    sides, others = every[: len(inquiry.sides)], every[len(inquiry.sides) :]
    weight = COUNTERPART_WEIGHT if inquiry.named else UNNAMED_WEIGHT
    sides = [_lift_counterparts(concordance, side, [one for one in sides if one is not side], weight) for side in sides]
    others = [_lift_counterparts(concordance, side, sides, weight) for side in others]
    matches = (inquiry.subject and _matches(ranked, inquiry, sides)) or _touched(concordance, inquiry)
    commentary = _commentary(store, searches, inquiry)
    nearness = max((_nearness(search, place, every) for place, search in enumerate(searches)), default=0.0)
    if any(_is_titled(match, inquiry.text) for match in matches):
        nearness = NAMED_SCORE
    return Findings(tuple(sides), tuple(others), matches, commentary, nearness, tuple(ranked[0][:8]) if ranked else ())


def _subjects(inquiry: Inquiry) -> tuple[str, ...]:
    """The whole subject first, then each of its topics; a question for a date asks for dates of application too."""
    if not inquiry.subject:
        return ()
    dates = (APPLICATION.format(inquiry.phrase),) if inquiry.wants_date and not inquiry.topics else ()
    return (inquiry.phrase, *inquiry.topics, *dates)


def _defined(store: Store, wording: Expression, inquiry: Inquiry) -> Provision | None:
    """The definition of the term that a question asks the meaning of, the longest term that its words hold."""
    if not phrases.DEFINE.search(inquiry.text) or is_noted(wording):
        return None
    words = f" {inquiry.phrase.casefold()} "
    held = [
        (len(name), definition.place)
        for definition in store.corpus.definitions(wording.id)
        for name in definition.names
        if re.search(rf"\W{re.escape(name.casefold())}s?\W", words)
    ]
    longest = max(held, default=None, key=lambda one: one[0])
    enough = longest is not None and longest[0] * 2 > len(inquiry.subject)
    return wording.at(longest[1]) if longest is not None and enough else None


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


def _rank_matches(leading: Leading, search: Search) -> list[Match]:
    """The correspondences by how well they fit."""
    issues = leading.guide.issues
    return [Match(issues[number].correspondence, fit) for number, fit in leading.rank_issues(search)]


def _matches(ranked: Sequence[Sequence[Match]], inquiry: Inquiry, sides: Sequence[Side]) -> tuple[Match, ...]:
    """The correspondences that the question is about: one for each topic and one for the whole, or the few that fit it.

    A correspondence fits by its words, and by how high its places stand among the candidates of each side.
    """
    best = {side.instrument: _best_shares(side) for side in sides}
    whole = {match.correspondence.id: match.score for match in ranked[0]}
    lists = [_within(whole, found) for found in ranked[1 : 1 + len(inquiry.topics)]]
    chosen: dict[str, Match] = {}
    for asked, found in zip([*inquiry.topics[: len(lists)], inquiry.text], [*lists, ranked[0]], strict=True):
        near = [replace(match, score=match.score + _standing(match, best)) for match in found[:MATCHES_WEIGHED]]
        near.sort(key=lambda match: -match.score)
        near = [match for match in found if _is_titled(match, asked)][:1] or near
        for match in near[: 1 if lists else MOST_MATCHES]:
            if match.score >= max(MATCH_FLOOR, MATCH_SHARE * near[0].score):
                chosen.setdefault(match.correspondence.id, match)
    return tuple(chosen.values())


def _within(whole: Mapping[str, float], found: Iterable[Match]) -> list[Match]:
    """How well the correspondences fit a topic within the whole question, best first."""
    fits = (replace(match, score=match.score + WHOLE_SHARE * whole[match.correspondence.id]) for match in found)
    return sorted(fits, key=lambda match: -match.score)


def _is_titled(match: Match, asked: str) -> bool:
    """Whether a question, or a topic of it, gives a correspondence by its very title."""
    title, text = (" ".join(one.casefold().split()) for one in (match.correspondence.issue, asked))
    return len(title.split()) > 1 and title in text


def _standing(match: Match, best: Mapping[InstrumentId, Mapping[Pinpoint, float]]) -> float:
    """How high the places of a correspondence stand among the candidates, as a share of the best, over all sides.

    A side that is silent counts for less than one whose places stand low.
    """
    speaking = [side for side in best if match.correspondence.side(side)]
    shares = (max(best[side].get(place, 0.0) for place in match.correspondence.side(side)) for side in speaking)
    counted = len(speaking) + SILENT_SHARE * (len(best) - len(speaking))
    return STANDING_WEIGHT * sum(shares) / max(counted, 1)


def _best_shares(side: Side) -> dict[Pinpoint, float]:
    """The best score within each place, as a share of the best of all."""
    best: dict[Pinpoint, float] = {}
    for one in side.candidates:
        for place in one.provision.pinpoint.lineage:
            best.setdefault(place, one.score / side.candidates[0].score)
    return best


def _touched(concordance: Concordance, inquiry: Inquiry) -> tuple[Match, ...]:
    """The correspondences that the places named carry."""
    found: dict[str, Match] = {}
    for target in inquiry.targets:
        for instrument in [target.instrument] if target.instrument else inquiry.sides:
            for one in concordance.touching(instrument, target.pinpoint)[:MOST_MATCHES]:
                found.setdefault(one.id, Match(one, NAMED_SCORE))
    return tuple(found.values())


def _search_side(
    store: Store, leading: Leading, searches: Sequence[Search], inquiry: Inquiry, instrument: InstrumentId
) -> Side:
    wording = store.corpus.wording_on(instrument, inquiry.as_of)
    if wording is None:
        return Side(instrument, None, ())
    rank, find = (_rank_notes, locate_noted) if is_noted(wording) else (_rank, locate)
    hits = [search_wording(store, search.query, wording) for search in searches]
    lists = [rank(found, leading, search, wording) for found, search in zip(hits, searches, strict=True)]
    if inquiry.wants_figure:
        lists = [_lift_figures(found) for found in lists]
    own = [one.pinpoint for one in inquiry.targets if one.instrument in {None, instrument}]
    located = {place: find(wording, place) for place in own}
    named = [one for found in located.values() if found is not None for one in _quotable(wording, found)]
    defined = _defined(store, wording, inquiry)
    first = [
        Candidate(provision, 0, len(provision.text), NAMED_SCORE - PLACE_STEP * rank)
        for rank, provision in enumerate(one for one in (*named, defined) if one is not None)
    ]
    found = _blend(lists)
    if inquiry.wants_date or inquiry.is_on_earlier:
        found = _with_clauses(store, wording, found, inquiry)
    unknown = tuple(place for place, found in located.items() if found is None)
    nearest = tuple(max(hit.cosine for hit in one) for one in hits if one)
    return Side(
        instrument, wording, tuple(_distinct([*first, *found])), tuple(found), tuple(named), unknown, nearest, defined
    )


def _rank(hits: Sequence[Hit], leading: Leading, search: Search, wording: Expression) -> list[Candidate]:
    """The passages of a wording by what the engines make of them and what the guide says of their places."""
    lift = leading.lift(search, wording)
    found: dict[Pinpoint, Candidate] = {}
    for hit in hits:
        place = hit.provision.pinpoint
        score = MEANING_WEIGHT * max(hit.cosine, 0.0) + WORDS_WEIGHT * hit.words + lift[place]
        held = found.get(place)
        if held is None or score > held.score:
            found[place] = Candidate(hit.provision, hit.passage.start, hit.passage.end, score)
    return sorted(found.values(), key=lambda one: -one.score)


def _lift_figures(candidates: Sequence[Candidate]) -> list[Candidate]:
    """The candidates with those lifted whose words hold a figure: a sum, a share, a number of days."""
    lifted = [
        _raised(one, FIGURE_LIFT if phrases.FIGURE.search(one.provision.text, one.start, one.end) else 0.0)
        for one in candidates
    ]
    return sorted(lifted, key=lambda one: -one.score)


def _with_clauses(
    store: Store, wording: Expression, candidates: Sequence[Candidate], inquiry: Inquiry
) -> list[Candidate]:
    """The candidates with the clauses lifted that say from when the best ones apply."""
    clauses = {clause for one in candidates[:CLAUSES_OF] for clause in _clauses_of(store, one.provision, inquiry)}
    found = {one.provision.pinpoint: one for one in candidates}
    for place in sorted(clause for clause in clauses if clause in wording):
        provision = wording.at(place)
        near = next((found[at].score for at in place.lineage if at in found), 0.0)
        held = found.get(place, Candidate(provision, 0, len(provision.text), near))
        found[place] = replace(held, score=held.score + CLAUSE_LIFT)
    return sorted(found.values(), key=lambda one: -one.score)


def _clauses_of(store: Store, provision: Provision, inquiry: Inquiry) -> Iterable[Pinpoint]:
    application = store.corpus.application(provision, inquiry.as_of)
    treaty = load_status().get(provision.expression.instrument)
    if application.earlier is not None and inquiry.is_on_earlier:
        yield application.earlier
    if not inquiry.wants_date:
        return
    if application.says is not None:
        yield application.says
    if application.later is not None:
        yield Pinpoint.parse(application.later.says)
    if treaty is not None and treaty.instrument in inquiry.named:
        yield Pinpoint.parse(treaty.entry_clause)


def _rank_notes(_: Sequence[Hit], leading: Leading, search: Search, wording: Expression) -> list[Candidate]:
    """The places of a wording of which only our notes are held, by how well what is said of them fits."""
    lift = leading.lift(search, wording)
    places = map(wording.at, leading.places(search, wording))
    found = [Candidate(one, 0, len(one.text), lift[one.pinpoint]) for one in places]
    return sorted(found, key=lambda one: -one.score)


def _lift_of(led: Mapping[Pinpoint, float], at: Pinpoint) -> float:
    """The best that is said of a place or of what it lies in."""
    return max(led.get(place, 0.0) for place in at.lineage)


def _blend(lists: Sequence[Sequence[Candidate]]) -> list[Candidate]:
    """Each provision at the best that the whole question or a part of it makes of it, a part weighing less."""
    best: dict[Pinpoint, Candidate] = {}
    for n, candidates in enumerate(lists):
        for one in candidates:
            weighed = replace(one, score=one.score * TOPIC_WEIGHT) if n else one
            held = best.get(one.provision.pinpoint)
            if held is None or weighed.score > held.score:
                best[one.provision.pinpoint] = weighed
    return sorted(best.values(), key=lambda one: -one.score)


def _take_turns(lists: Sequence[Sequence[Candidate]]) -> list[Candidate]:
    """The lists in turn, so that each has its best among the first."""
    return [one for turn in zip_longest(*lists) for one in turn if one is not None]


def _distinct(candidates: Iterable[Candidate]) -> list[Candidate]:
    """Each provision once, at its first place; scores never rise down the list."""
    kept: dict[Pinpoint, Candidate] = {}
    ceiling = NAMED_SCORE
    for one in candidates:
        if one.provision.pinpoint not in kept:
            ceiling = min(ceiling, one.score)
            kept[one.provision.pinpoint] = one if one.score == ceiling else replace(one, score=ceiling)
    return list(kept.values())


def _lift_counterparts(concordance: Concordance, side: Side, others: Sequence[Side], weight: float) -> Side:
    """A side with the places lifted that the concordance sets beside the best places of the others."""
    if side.wording is None:
        return side
    lift: dict[Pinpoint, float] = {}
    for other in others:
        for candidate in islice(spread(other.candidates, 1), COUNTERPART_OF):
            share = candidate.score / other.candidates[0].score
            for one in concordance.touching(other.instrument, candidate.provision.pinpoint):
                for rank, place in enumerate(one.side(side.instrument)):
                    lift[place] = max(lift.get(place, 0.0), share * weight - PLACE_STEP * rank)
    if not lift:
        return side
    lifted = [_raised(one, _lift_of(lift, one.provision.pinpoint)) for one in side.candidates]
    return replace(side, candidates=tuple(sorted(lifted, key=lambda one: -one.score)))


def _raised(candidate: Candidate, lift: float) -> Candidate:
    return replace(candidate, score=candidate.score + lift) if lift else candidate


def _commentary(store: Store, searches: Sequence[Search], inquiry: Inquiry) -> tuple[Candidate, ...]:
    if not inquiry.commentary or not searches:
        return ()
    hits = search_commentary(store, searches[0].query, inquiry.as_of)
    return tuple(Candidate(hit.provision, hit.passage.start, hit.passage.end, hit.score) for hit in hits[:10])


def _nearness(search: Search, place: int, sides: Iterable[Side]) -> float:
    """The best cosine of a question with our words and that with the law's, added up: neither alone tells."""
    return search.nearest + max((side.nearest[place] for side in sides if side.nearest), default=search.nearest)


def spread(candidates: Iterable[Candidate], per_unit: int) -> Iterator[Candidate]:
    """The same order, with at most so many candidates of one unit."""
    taken: Counter[Pinpoint] = Counter()
    for candidate in candidates:
        unit = candidate.unit
        taken[unit] += 1
        if taken[unit] <= per_unit:
            yield candidate


def list_evidence(findings: Findings, inquiry: Inquiry) -> tuple[Evidence, ...]:
    """One merged list, best first: the sides in turn where they are compared, then guidance and commentary."""
    lists = [list(islice(spread(side.candidates, PER_UNIT), EVIDENCE)) for side in findings.sides]
    turns = _merge_sides(lists, alternate=len(inquiry.named) != 0)
    rest = _take_turns([list(islice(spread(side.candidates, 1), EVIDENCE)) for side in findings.others])
    turns = [*turns[:OWN_FIRST], *rest[:OTHERS_FIRST], *turns[OWN_FIRST:], *rest[OTHERS_FIRST:]]
    commentary = list(spread(findings.commentary, 1))
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
