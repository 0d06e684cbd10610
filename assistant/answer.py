"""What is answered: one frozen record, identical in chat, command line, API, export and evaluation.

The JSON form is `visavis.answer/1`: adding a field is allowed, changing the meaning of one makes version 2.
"""

from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Any

from assistant.question import Intent
from ingest.identifiers import ExpressionId, InstrumentId
from ingest.instrument import Authority, Force, Relation
from ingest.pinpoint import Pinpoint
from ingest.redline import Segment

SCHEMA = "visavis.answer/1"

Record = dict[str, Any]


class ClaimKind(StrEnum):
    """What a claim rests on."""

    LAW = "law"
    RECITAL = "recital"
    NOTE = "note"
    GUIDANCE = "guidance"
    COMMENTARY = "commentary"
    MODEL = "model"
    STATUS = "status"
    SILENCE = "silence"


class RefusalReason(StrEnum):
    """Why no answer is given."""

    OUT_OF_CORPUS = "out_of_corpus"
    NO_SUCH_PROVISION = "no_such_provision"
    FALSE_PREMISE = "false_premise"
    LEGAL_ADVICE = "legal_advice"
    UNCLEAR = "unclear"
    INJECTION = "injection"


@dataclass(frozen=True, slots=True)
class Citation:
    """Number `n` of an answer: a place in the law, the words taken from it, and what they weigh on the day asked.

    `quote` equals `text[start:end]` of the cited provision, in Unicode code points; it is None for a note in our own
    words and for a fact of the status table, which has no pinpoint either and carries the day it was seen.
    """

    n: int
    instrument: InstrumentId
    label: str
    authority: Authority
    pinpoint: Pinpoint | None = None
    force: Force | None = None
    applies_from: date | None = None
    expression: ExpressionId | None = None
    quote: str | None = None
    start: int | None = None
    end: int | None = None
    url: str = ""
    as_seen: date | None = None
    changed_by: str = ""

    def record(self) -> Record:
        """Its JSON form."""
        out: Record = {
            "n": self.n,
            "instrument": self.instrument,
            "pinpoint": _text(self.pinpoint),
            "label": self.label,
            "authority": self.authority,
            "force": self.force,
            "applies_from": _text(self.applies_from),
            "expression": _text(self.expression),
            "quote": self.quote,
            "start": self.start,
            "end": self.end,
            "url": self.url,
            "changed_by": self.changed_by or None,
        }
        if self.authority is Authority.STATUS:
            out["as_seen"] = _text(self.as_seen)
        return out


@dataclass(frozen=True, slots=True)
class Search:
    """What was searched where nothing was found, and the citations that come nearest."""

    instruments: tuple[InstrumentId, ...]
    terms: tuple[str, ...]
    nearest: tuple[int, ...] = ()

    def record(self) -> Record:
        """Its JSON form."""
        return {"instruments": list(self.instruments), "terms": list(self.terms), "nearest": list(self.nearest)}


@dataclass(frozen=True, slots=True)
class Claim:
    """One thing said, with the numbers of the citations that carry it; silence carries what was searched instead."""

    text: str
    kind: ClaimKind
    citations: tuple[int, ...] = ()
    searched: Search | None = None

    def record(self) -> Record:
        """Its JSON form."""
        out: Record = {"text": self.text, "kind": self.kind, "citations": list(self.citations)}
        if self.searched is not None:
            out["searched"] = self.searched.record()
        return out


@dataclass(frozen=True, slots=True)
class Cell:
    """What one instrument says on the issue of a row."""

    instrument: InstrumentId
    claims: tuple[Claim, ...]


@dataclass(frozen=True, slots=True)
class Row:
    """One issue across the instruments; `only` names the instrument that speaks where the relation is ONLY.

    `redline` holds the words that two near-identical quotations share, and those that each has and the other lacks:
    kept and deleted ones are the first instrument's, kept and inserted ones the second's.
    """

    issue: str
    relation: Relation | None
    cells: tuple[Cell, ...]
    only: InstrumentId | None = None
    redline: tuple[Segment, ...] = ()

    def cell(self, instrument: InstrumentId) -> Cell | None:
        """The cell of an instrument, or None."""
        return next((cell for cell in self.cells if cell.instrument == instrument), None)

    def record(self) -> Record:
        """Its JSON form."""
        out: Record = {
            "issue": self.issue,
            "relation": self.relation,
            "cells": {cell.instrument: [claim.record() for claim in cell.claims] for cell in self.cells},
        }
        if self.only is not None:
            out["only"] = self.only
        if self.redline:
            out["redline"] = [{"change": one.change, "text": one.text} for one in self.redline]
        return out


@dataclass(frozen=True, slots=True)
class Evidence:
    """A provision that retrieval returned before writing, best rank 1."""

    rank: int
    instrument: InstrumentId
    pinpoint: Pinpoint
    score: float

    def record(self) -> Record:
        """Its JSON form."""
        return {
            "rank": self.rank,
            "instrument": self.instrument,
            "pinpoint": str(self.pinpoint),
            "score": round(self.score, 4),
        }


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why nothing, or only a correction, is said, and what was searched."""

    reason: RefusalReason
    text: str
    searched: tuple[InstrumentId, ...] = ()

    def record(self) -> Record:
        """Its JSON form."""
        return {"reason": self.reason, "text": self.text, "searched": list(self.searched)}


@dataclass(frozen=True, slots=True)
class Notice:
    """Something the reader must know beside the answer, of kind `not_in_force`, `amended`, `applies_from` and so on."""

    kind: str
    text: str

    def record(self) -> Record:
        """Its JSON form."""
        return {"kind": self.kind, "text": self.text}


@dataclass(frozen=True, slots=True)
class Writer:
    """Who wrote the answer, and with which model."""

    name: str
    model: str | None = None


@dataclass(frozen=True, slots=True)
class Dropped:
    """A sentence of a model that the check let no reader see, and why; `mended` is what became of it, if anything."""

    text: str
    reason: str
    mended: str | None = None

    def record(self) -> Record:
        """Its JSON form."""
        return {"text": self.text, "reason": self.reason, "mended": self.mended}


@dataclass(frozen=True, slots=True)
class Timings:
    """Milliseconds spent in each stage."""

    analyse: float = 0.0
    retrieve: float = 0.0
    write: float = 0.0
    ground: float = 0.0


@dataclass(frozen=True, slots=True)
class Answer:
    """The whole reply to a question, refusal included."""

    id: str
    question: str
    standalone_question: str
    intent: Intent
    as_of: date
    scope: tuple[InstrumentId, ...]
    writer: Writer
    corpus_id: str
    corpus_built: str
    relationship: Claim | None = None
    rows: tuple[Row, ...] = ()
    summary: tuple[Claim, ...] = ()
    citations: tuple[Citation, ...] = ()
    evidence: tuple[Evidence, ...] = ()
    refusal: Refusal | None = None
    notices: tuple[Notice, ...] = ()
    suggestions: tuple[str, ...] = ()
    dropped: tuple[Dropped, ...] = ()
    timings: Timings = Timings()

    @property
    def kind(self) -> str:
        """`answer` or `refusal`."""
        return "answer" if self.refusal is None else "refusal"

    def citation(self, n: int) -> Citation:
        """The citation with number `n`."""
        return next(citation for citation in self.citations if citation.n == n)

    def claims(self) -> tuple[Claim, ...]:
        """Every claim that it makes, in the order of reading."""
        cells = (claim for row in self.rows for cell in row.cells for claim in cell.claims)
        return (*((self.relationship,) if self.relationship else ()), *cells, *self.summary)

    def record(self) -> Record:
        """The contract's JSON form; `dropped` is in it where a model wrote."""
        relationship = self.relationship
        out: Record = {
            "schema": SCHEMA,
            "id": self.id,
            "kind": self.kind,
            "question": self.question,
            "standalone_question": self.standalone_question,
            "intent": self.intent,
            "as_of": self.as_of.isoformat(),
            "scope": list(self.scope),
            "relationship": None if relationship is None else relationship.record(),
            "rows": [row.record() for row in self.rows],
            "summary": [claim.record() for claim in self.summary],
            "citations": [citation.record() for citation in self.citations],
            "evidence": [evidence.record() for evidence in self.evidence],
            "refusal": None if self.refusal is None else self.refusal.record(),
            "notices": [notice.record() for notice in self.notices],
            "suggestions": list(self.suggestions),
            "writer": {"name": self.writer.name, "model": self.writer.model},
            "corpus": {"id": self.corpus_id, "built": self.corpus_built},
            "timings_ms": {
                "analyse": round(self.timings.analyse, 1),
                "retrieve": round(self.timings.retrieve, 1),
                "write": round(self.timings.write, 1),
                "ground": round(self.timings.ground, 1),
            },
        }
        if self.dropped or self.writer.model is not None:
            out["dropped"] = [one.record() for one in self.dropped]
        return out


def _text(value: object) -> str | None:
    return None if value is None else str(value)
