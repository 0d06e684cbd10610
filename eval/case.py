"""A gold question: what is asked, which provisions carry the answer on each side, what must and must not be said."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, Field, ValidationError, model_validator

from assistant.answer import RefusalReason
from ingest.clock import today
from ingest.corpus import Corpus
from ingest.errors import UsageError, VisavisError
from ingest.identifiers import InstrumentId, parse_instrument_id
from ingest.pinpoint import Pinpoint
from ingest.tables import Strict

DEVELOPMENT_SHARE = 50


class CaseKind(StrEnum):
    """What kind of question it is."""

    COMPARISON = "comparison"
    ONLY = "only"
    SINGLE = "single"
    DEFINITION = "definition"
    DATED = "dated"
    REFUSAL = "refusal"
    DIALOGUE = "dialogue"


class Half(StrEnum):
    """The half that is tuned on, and the half that is only measured."""

    DEV = "dev"
    TEST = "test"


def _instrument(text: str) -> InstrumentId:
    try:
        return parse_instrument_id(text)
    except VisavisError as error:
        raise ValueError(str(error)) from None


def _pinpoint(text: str) -> str:
    try:
        return str(Pinpoint.parse(text))
    except VisavisError as error:
        raise ValueError(str(error)) from None


Side = Annotated[str, AfterValidator(_instrument)]
Place = Annotated[str, AfterValidator(_pinpoint)]
Places = dict[Side, tuple[Place, ...]]


def _places(named: Places) -> Iterator[tuple[InstrumentId, Pinpoint]]:
    for side, places in named.items():
        for place in places:
            yield InstrumentId(side), Pinpoint.parse(place)


class Case(Strict):
    """One gold question with what its answer must rest on.

    `gold` names the provisions without which the answer is wrong, by instrument; `also` those that are equally right.
    A case of kind REFUSAL names the reason; DIALOGUE has earlier turns in `history`, oldest first. A question that
    leads to an answer carries the same question asked neutrally in `neutral`: both are to rest on the same provisions.
    """

    id: Annotated[str, Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$")]
    kind: CaseKind
    question: str
    history: tuple[str, ...] = ()
    standalone: str = ""
    neutral: str = ""
    as_of: date | None = None
    gold: Places = Field(default_factory=dict)
    also: Places = Field(default_factory=dict)
    only: Side | None = None
    refusal: RefusalReason | None = None
    must_say: tuple[str, ...] = ()
    must_not_say: tuple[str, ...] = ()
    author: Annotated[str, Field(min_length=1)]
    checker: str = ""

    @model_validator(mode="after")
    def _agree(self) -> "Case":
        if (self.kind is CaseKind.REFUSAL) != (self.refusal is not None):
            raise ValueError("kind = refusal and refusal = <reason> go together")
        if (self.kind is CaseKind.ONLY) != (self.only is not None):
            raise ValueError("kind = only and only = <instrument> go together")
        if self.kind is CaseKind.DIALOGUE and not (self.history and self.standalone):
            raise ValueError("a dialogue has a history, and its last question written out in standalone")
        if self.kind is not CaseKind.REFUSAL and not any(self.gold.values()):
            raise ValueError("gold names no provision")
        if self.kind is CaseKind.COMPARISON and sum(1 for places in self.gold.values() if places) < 2:
            raise ValueError("a comparison has gold on two sides")
        if self.neutral and (self.history or self.neutral.split() == self.question.split()):
            raise ValueError("neutral is the question asked without its lead, of a case without a history")
        return self

    def places(self) -> Iterator[tuple[InstrumentId, Pinpoint]]:
        """Every place that `gold` and `also` name."""
        for named in (self.gold, self.also):
            yield from _places(named)

    @cached_property
    def gold_places(self) -> tuple[tuple[InstrumentId, Pinpoint], ...]:
        """The places of `gold`, in its order."""
        return tuple(_places(self.gold))

    @cached_property
    def right_places(self) -> tuple[tuple[InstrumentId, Pinpoint], ...]:
        """The places of `gold`, then those of `also`."""
        return tuple(self.places())

    @property
    def sides(self) -> tuple[InstrumentId, ...]:
        """The instruments that gold names a provision of."""
        return tuple(InstrumentId(side) for side, places in self.gold.items() if places)

    @property
    def day(self) -> date:
        """The day that the question is asked for."""
        return self.as_of or today()

    @property
    def half(self) -> Half:
        """Which half it belongs to, by a hash of its id."""
        return Half.DEV if sha256(self.id.encode()).digest()[0] % 100 < DEVELOPMENT_SHARE else Half.TEST


@dataclass(frozen=True, slots=True)
class Located:
    """A case with the file and the line that it was read from."""

    file: str
    line: int
    case: Case

    @property
    def place(self) -> str:
        """Where it stands, as an error message begins."""
        return f"{self.file}, line {self.line}"


def read_cases(path: Path) -> Iterator[Case]:
    """The cases of a JSON Lines file; raises UsageError naming the line."""
    return (located.case for located in read_located([path]))


def read_located(paths: Iterable[Path]) -> Iterator[Located]:
    """The cases of JSON Lines files with their places; raises UsageError naming the line.

    An id is used once over all the files, and no file is empty.
    """
    seen: dict[str, Located] = {}
    for path in paths:
        before = len(seen)
        for number, line in enumerate(_read_lines(path), 1):
            if not line.strip():
                continue
            located = Located(path.name, number, _read_case(path, number, line))
            earlier = seen.setdefault(located.case.id, located)
            if earlier is not located:
                raise UsageError(
                    f"{located.place}: id {located.case.id!r} is used twice, first in {earlier.place}; "
                    "each case has its own."
                )
            yield located
        if len(seen) == before:
            raise UsageError(f"{path} holds no case; write one JSON object a line.")


def check_places(cases: Iterable[Located], corpus: Corpus, day: date | None = None) -> None:
    """Hold every pinpoint of `gold` and `also` against the wording of the case's day, `day` where it names none.

    Raises UsageError naming the line of the first that does not exist.
    """
    for located in cases:
        case = located.case
        when = case.as_of or day or today()
        for instrument, place in case.places():
            _check_place(located, corpus, instrument, place, when)


def _check_place(located: Located, corpus: Corpus, instrument: InstrumentId, place: Pinpoint, day: date) -> None:
    if instrument not in corpus.instruments:
        known = ", ".join(corpus.instruments) or "none"
        raise UsageError(f"{located.place}: instrument {instrument!r} is not in the corpus; it has {known}.")
    wording = corpus.wording_on(instrument, day)
    if wording is None:
        raise UsageError(f"{located.place}: {instrument} has no wording on {day}; correct `as_of`.")
    if place not in wording:
        raise UsageError(
            f"{located.place}: {instrument} has no {place} in the wording {wording.id}; "
            f"`visavis law show {instrument} {place.unit} --as-of {day}` shows what there is."
        )


def _read_lines(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="utf-8-sig").split("\n")
    except OSError as error:
        raise UsageError(f"{path} cannot be read ({error.strerror}); name a file of cases in JSON Lines.") from None
    except UnicodeDecodeError as error:
        line = path.read_bytes()[: error.start].count(b"\n") + 1
        raise UsageError(f"{path.name}, line {line}: not UTF-8; save the file as UTF-8.") from None


def _read_case(path: Path, number: int, line: str) -> Case:
    try:
        return Case.model_validate(json.loads(line))
    except json.JSONDecodeError as error:
        raise UsageError(f"{path.name}, line {number}: broken JSON ({error.msg} at column {error.colno}).") from None
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(map(str, first["loc"])) or "the case"
        message = first["msg"].removeprefix("Value error, ")
        if first["type"] == "extra_forbidden":
            message = f"unknown key; allowed are {', '.join(Case.model_fields)}"
        raise UsageError(f"{path.name}, line {number}: {place}: {message.removesuffix('.')}.") from None
