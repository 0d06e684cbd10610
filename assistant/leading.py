"""Where our own words lead: how far the guide lifts each place of a wording for a thing searched."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from assistant.retrieval import Query, make_query
from ingest.embedding import Embedder
from ingest.guide import ISSUES, Guide, Labels, SignpostKind
from ingest.identifiers import ExpressionId
from ingest.instrument import RECITALS, Expression
from ingest.pinpoint import Pinpoint

Floats = NDArray[np.float32]
Numbers = NDArray[np.intp]

# Learnt on the development half, as the weights of the ranking.
GUIDE_WEIGHTS = {SignpostKind.NOTE: 1.21, SignpostKind.ISSUE: 1.23, SignpostKind.ASKED: 1.08}
RECITAL_LOSS = 0.40
LIKELY_WEIGHT = 1.4
LIKELY_ISSUE = 0.6
CHANCE = 0.001
NEAREST_ASKED = 3
ASKED_SHARE = 0.5
GUIDE_WORDS = 0.3
GUIDE_DEPTH = 80
PLACE_STEP = 0.06
"""What a place has less than the one before it, where several are led to."""


@dataclass(frozen=True, slots=True)
class Search:
    """One thing searched: the query, how well each signpost fits it, the best cosine of any, the labels it may have."""

    query: Query
    fit: Floats
    nearest: float
    labels: Mapping[str, Labels]

    def likelihood(self, head: str, names: Sequence[str]) -> Floats:
        """How much likelier than by chance it has each label, 0 to 1, by what was learnt from the guide."""
        shares = self.labels.get(head, {})
        likely = np.array([shares.get(name, 0.0) for name in names], dtype=np.float32)
        beyond: Floats = 1 - np.log(likely + CHANCE) / np.float32(math.log(CHANCE))
        return beyond


@dataclass(frozen=True, slots=True)
class _Ways:
    """The ways from signposts to places, one beside another: the signposts, the places, what each way takes off."""

    signposts: Numbers
    places: Numbers
    losses: Floats


class _Terrain:
    """A wording as the guide leads to it: its places by number, what each lies in, and the ways there."""

    def __init__(self, guide: Guide, wording: Expression) -> None:
        self.wording = wording
        self.number = {one.pinpoint: place for place, one in enumerate(wording.provisions)}
        lines = [[self.number[up] for up in place.lineage if up in self.number] for place in self.number]
        depth = max(map(len, lines), default=1)
        self.lineage = np.array([(line * depth)[:depth] for line in lines], dtype=np.intp).reshape(-1, depth)
        units = {str(place.unit): None for place in self.number}
        self.units = list(units)
        at = {unit: place for place, unit in enumerate(units)}
        self.unit = np.array([at[str(place.unit)] for place in self.number], dtype=np.intp)
        self.loss = np.array([RECITAL_LOSS * (one.kind in RECITALS) for one in wording.provisions], dtype=np.float32)
        self.ways = {kind: self._ways(guide, kind) for kind in SignpostKind}

    def _ways(self, guide: Guide, kind: SignpostKind) -> _Ways:
        ways = list(self._list_ways(guide, kind))
        signposts, places, losses = zip(*ways, strict=True) if ways else ((), (), ())
        return _Ways(np.array(signposts, np.intp), np.array(places, np.intp), np.array(losses, np.float32))

    def _list_ways(self, guide: Guide, kind: SignpostKind) -> Iterator[tuple[int, int, float]]:
        """Each place that a signpost leads to, or what it lies in where this wording has it not."""
        for signpost in guide.leading_to(self.wording.instrument, kind).tolist():
            for rank, meant in enumerate(guide.signposts[signpost].places[self.wording.instrument]):
                place = next((one for one in meant.lineage if one in self.number), None)
                if place is not None:
                    yield signpost, self.number[place], PLACE_STEP * rank


class Leading:
    """The guide held against wordings."""

    def __init__(self, guide: Guide) -> None:
        self.guide = guide
        self._terrains: dict[ExpressionId, _Terrain] = {}

    def search(self, phrase: str, embedder: Embedder) -> Search:
        """What the guide makes of a phrase."""
        query = make_query(phrase, embedder)
        scored = self.guide.score(query.words, query.vector, GUIDE_WORDS)
        return Search(query, *scored, self.guide.classify(query.words, query.vector))

    def lift(self, search: Search, wording: Expression) -> dict[Pinpoint, float]:
        """What the guide adds to each provision of a wording, a recital having less."""
        terrain = self._terrain(wording)
        likely = search.likelihood(wording.instrument, terrain.units)
        lift = LIKELY_WEIGHT * likely[terrain.unit] - terrain.loss
        for kind, weight in GUIDE_WEIGHTS.items():
            lift += weight * self._led(search, terrain, kind)[terrain.lineage].max(axis=1) ** 2
        return dict(zip(terrain.number, lift.tolist(), strict=True))

    def places(self, search: Search, wording: Expression) -> list[Pinpoint]:
        """The places of a wording that the best-fitting signposts lead to."""
        terrain = self._terrain(wording)
        led = sum((self._led(search, terrain, kind) for kind in SignpostKind), np.float32(0))
        return [wording.provisions[number].pinpoint for number in np.flatnonzero(led)]

    def rank_issues(self, search: Search) -> list[tuple[int, float]]:
        """The numbers of the guide's issues, best first: how well their own words fit, and the nearest questions."""
        fit = np.append(search.fit, -np.inf)
        own, asked = (np.sort(fit[numbers], axis=1)[:, ::-1] for numbers in self._issues)
        nearest = asked[:, :NEAREST_ASKED]
        counted = np.isfinite(nearest)
        mean = np.where(counted, nearest, 0).sum(axis=1) / np.maximum(counted.sum(axis=1), 1)
        likely = search.likelihood(ISSUES, [one.correspondence.id for one in self.guide.issues])
        fits = own[:, 0] + ASKED_SHARE * mean + LIKELY_ISSUE * likely
        return [(int(place), float(fits[place])) for place in np.argsort(-fits, kind="stable")]

    @cached_property
    def _issues(self) -> tuple[Numbers, Numbers]:
        """The signposts of each issue's own words, and of the questions asked on it, filled up with none."""
        none = len(self.guide.signposts)
        issues = self.guide.issues
        return _fill([one.own for one in issues], none), _fill([one.asked for one in issues], none)

    def _terrain(self, wording: Expression) -> _Terrain:
        held = self._terrains.get(wording.id)
        if held is None or held.wording is not wording:
            held = self._terrains[wording.id] = _Terrain(self.guide, wording)
        return held

    def _led(self, search: Search, terrain: _Terrain, kind: SignpostKind) -> Floats:
        """By place the best fit of the signposts of a kind that lead there, of the best-fitting ones."""
        ways = terrain.ways[kind]
        led = np.zeros(len(terrain.number), dtype=np.float32)
        leading = self.guide.leading_to(terrain.wording.instrument, kind)
        if len(leading) > GUIDE_DEPTH:
            least = np.partition(search.fit[leading], -GUIDE_DEPTH)[-GUIDE_DEPTH]
            near = search.fit[ways.signposts] >= least
            np.maximum.at(led, ways.places[near], search.fit[ways.signposts[near]] - ways.losses[near])
        else:
            np.maximum.at(led, ways.places, search.fit[ways.signposts] - ways.losses)
        return led


def _fill(lists: Sequence[Sequence[int]], none: int) -> Numbers:
    """Lists as the rows of a table, filled up with `none`."""
    width = max((len(one) for one in lists), default=1) or 1
    return np.array([[*one, *[none] * (width - len(one))] for one in lists], dtype=np.intp).reshape(-1, width)
