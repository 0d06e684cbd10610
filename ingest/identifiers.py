"""Names of works and of their wordings: our instrument ids, CELEX, ELI, CETS numbers, expression ids."""

import re
from dataclasses import dataclass
from datetime import date
from typing import NewType, Self

from ingest.errors import IdentifierError

InstrumentId = NewType("InstrumentId", str)

CONVENTION = InstrumentId("coe-ai-convention")
AI_ACT = InstrumentId("eu-ai-act")

_INSTRUMENT = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_LANGUAGE = re.compile(r"[a-z]{2}")
_CELEX = re.compile(r"([0-9CE])(\d{4})([A-Z]{1,2})(\d{4,5})(R\(\d{2}\)|-\d{8})?")
_ELI = re.compile(
    r"https?://data\.europa\.eu/eli/(?P<type>[a-z_]+)/(?P<year>\d{4})/(?P<number>\d+)(?P<rest>(/[A-Za-z0-9_.-]+)*)"
)
_CETS = re.compile(r"(?:CETS|ETS)(?:\s+No\.?)?\s*(?P<number>\d{1,3})", re.IGNORECASE)


def parse_instrument_id(text: str) -> InstrumentId:
    """Read an instrument id such as `eu-ai-act`; raises IdentifierError."""
    if not _INSTRUMENT.fullmatch(text):
        raise IdentifierError(
            f"instrument {text!r} is no identifier; write lower-case letters, digits and hyphens, such as eu-ai-act."
        )
    return InstrumentId(text)


@dataclass(frozen=True, slots=True, order=True)
class ExpressionId:
    """One wording of an instrument: `eu-ai-act@2026-07-27:en`, the date being when it takes legal effect."""

    instrument: InstrumentId
    effective: date
    language: str

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read `instrument@YYYY-MM-DD:ll`; raises IdentifierError."""
        instrument, _, rest = text.partition("@")
        day, _, language = rest.partition(":")
        try:
            effective = date.fromisoformat(day)
        except ValueError:
            effective = None
        if effective is None or not _LANGUAGE.fullmatch(language):
            raise IdentifierError(f"expression {text!r} cannot be read; write instrument@YYYY-MM-DD:language.")
        return cls(parse_instrument_id(instrument), effective, language)

    def __str__(self) -> str:
        return f"{self.instrument}@{self.effective.isoformat()}:{self.language}"


@dataclass(frozen=True, slots=True)
class Celex:
    """A CELEX number: sector, year, document type, number, and a corrigendum or consolidation tail."""

    sector: str
    year: int
    kind: str
    number: str
    tail: str = ""

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read `32024R1689`, `22026A01081`, `02024R1689-20260727` or `32024R1689R(01)`; raises IdentifierError."""
        match = _CELEX.fullmatch(text.strip())
        if match is None:
            raise IdentifierError(f"CELEX {text!r} cannot be read; it looks like 32024R1689 or 22026A01081.")
        sector, year, kind, number, tail = match.groups()
        return cls(sector, int(year), kind, number, tail or "")

    @property
    def citation(self) -> str:
        """How acts since 2015 cite the number in their text: "(EU) 2024/1689"."""
        return f"(EU) {self.year}/{int(self.number)}"

    def __str__(self) -> str:
        return f"{self.sector}{self.year}{self.kind}{self.number}{self.tail}"


@dataclass(frozen=True, slots=True)
class Eli:
    """A European Legislation Identifier: type, year, number, and what follows (subdivisions, `oj`)."""

    kind: str
    year: int
    number: int
    rest: tuple[str, ...] = ()

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read `http://data.europa.eu/eli/reg/2024/1689/art_6/oj`; raises IdentifierError."""
        match = _ELI.fullmatch(text.strip())
        if match is None:
            raise IdentifierError(
                f"ELI {text!r} cannot be read; it looks like http://data.europa.eu/eli/reg/2024/1689/oj."
            )
        rest = tuple(part for part in match["rest"].split("/") if part)
        return cls(match["type"], int(match["year"]), int(match["number"]), rest)

    def __str__(self) -> str:
        return "/".join(("http://data.europa.eu/eli", self.kind, str(self.year), str(self.number), *self.rest))


@dataclass(frozen=True, slots=True)
class Cets:
    """A number of the Council of Europe Treaty Series."""

    number: int

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read `CETS 225`, `CETS No. 225` or `ETS No. 5`; raises IdentifierError."""
        match = _CETS.fullmatch(text.strip())
        if match is None:
            raise IdentifierError(f"treaty number {text!r} cannot be read; it looks like CETS No. 225.")
        return cls(int(match["number"]))

    def __str__(self) -> str:
        series = "CETS" if self.number >= 194 else "ETS"
        return f"{series} No. {self.number}"
