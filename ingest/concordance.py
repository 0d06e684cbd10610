"""Our reviewed alignment of provisions across instruments: which answers which, and what is alike and what differs."""

from datetime import date
from functools import lru_cache
from typing import Annotated

from pydantic import Field, PrivateAttr, model_validator

from ingest.errors import VisavisError
from ingest.identifiers import ExpressionId, InstrumentId, parse_instrument_id
from ingest.instrument import Relation
from ingest.pinpoint import Pinpoint, Step
from ingest.tables import Strict, read_own, reading

FILE = "concordance.toml"


Instrument = Annotated[str, reading(parse_instrument_id)]
ReadPlace = Annotated[Pinpoint, reading(Pinpoint.parse)]
ReadExpression = Annotated[ExpressionId, reading(ExpressionId.parse)]
Line = Annotated[str, Field(min_length=1)]


class Sentence(Strict):
    """One sentence of ours, and the places that carry it: `coe-ai-convention:art_2`."""

    text: Line
    cites: Annotated[tuple[str, ...], Field(min_length=1)]

    @property
    def places(self) -> tuple[tuple[InstrumentId, Pinpoint], ...]:
        """The places, each with its instrument."""
        pairs = (cite.partition(":") for cite in self.cites)
        return tuple((InstrumentId(instrument), Pinpoint.parse(place)) for instrument, _, place in pairs)

    @model_validator(mode="after")
    def _readable(self) -> "Sentence":
        for cite in self.cites:
            instrument, colon, place = cite.partition(":")
            if not colon:
                raise ValueError(f"cite {cite!r} is not instrument:pinpoint")
            try:
                parse_instrument_id(instrument)
                Pinpoint.parse(place)
            except VisavisError as error:
                raise ValueError(str(error)) from None
        return self


class Correspondence(Strict):
    """One issue on which the instruments meet, or on which only one of them speaks.

    `sides` holds, by instrument, the places that carry the issue, the first being the one to quote first; `nearest`
    those of a silent one that still bear on it; `words` are what a lay person would search with, `asked` whole
    questions as people put them.
    """

    id: Annotated[str, Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$")]
    issue: Line
    relation: Relation
    only: Instrument | None = None
    sides: dict[Instrument, tuple[ReadPlace, ...]]
    nearest: dict[Instrument, tuple[ReadPlace, ...]] = Field(default_factory=dict)
    addressees: dict[Instrument, Line] = Field(default_factory=dict)
    note: Annotated[tuple[Sentence, ...], Field(min_length=1)]
    words: tuple[Line, ...] = ()
    asked: tuple[Line, ...] = ()
    basis: Line
    reviewed: date

    @model_validator(mode="after")
    def _agree(self) -> "Correspondence":
        speaking = [instrument for instrument, places in self.sides.items() if places]
        if (self.relation is Relation.ONLY) != (self.only is not None):
            raise ValueError("relation = only and only = <instrument> go together")
        if self.only is not None and speaking != [self.only]:
            raise ValueError(f"only {self.only} speaks, but sides has places for {', '.join(speaking) or 'none'}")
        if both := sorted({*self.nearest} & {*speaking}):
            raise ValueError(f"{both[0]} speaks, so it has no nearest places")
        if self.relation is not Relation.ONLY and len(speaking) < 2:
            raise ValueError("both sides speak, so both need places")
        return self

    def side(self, instrument: InstrumentId) -> tuple[Pinpoint, ...]:
        """The places of one instrument."""
        return self.sides.get(instrument, ())


_Rooted = dict[tuple[InstrumentId, Step], tuple[Correspondence, ...]]


class Concordance(Strict):
    """All correspondences, and the wordings that they were written against."""

    wordings: dict[Instrument, ReadExpression]
    correspondence: tuple[Correspondence, ...]
    _kept: tuple[tuple[Correspondence, ...], _Rooted] = PrivateAttr(default=((), {}))

    @model_validator(mode="after")
    def _distinct(self) -> "Concordance":
        ids = [one.id for one in self.correspondence]
        twice = sorted({name for name in ids if ids.count(name) > 1})
        if twice:
            raise ValueError(f"id {twice[0]!r} is used twice")
        return self

    def touching(self, instrument: InstrumentId, place: Pinpoint) -> tuple[Correspondence, ...]:
        """The correspondences that a place carries, or a part of it does, or that it is a part of.

        Those come first in which it stands before the other places of its side.
        """
        found = []
        for one in self._by_root.get((instrument, place.root), ()):
            own = enumerate(one.side(instrument))
            rank = next((rank for rank, other in own if place.contains(other) or other.contains(place)), None)
            if rank is not None:
                found.append((rank, one))
        return tuple(one for _, one in sorted(found, key=lambda ranked: ranked[0]))

    @property
    def _by_root(self) -> _Rooted:
        """By instrument and first step of a place the correspondences that have such a place; kept with their table."""
        kept, by_root = self._kept
        if kept is not self.correspondence:
            held: dict[tuple[InstrumentId, Step], dict[str, Correspondence]] = {}
            for one in self.correspondence:
                for instrument, places in one.sides.items():
                    for place in places:
                        held.setdefault((InstrumentId(instrument), place.root), {})[one.id] = one
            by_root = {root: tuple(found.values()) for root, found in held.items()}
            self._kept = (self.correspondence, by_root)
        return by_root


@lru_cache(maxsize=1)
def load_concordance() -> Concordance:
    """Our concordance; raises ManifestError when it is not what its schema says."""
    return read_own(Concordance, FILE)
