"""What the answer contract asks of a record, as a list of what a record lacks."""

import re
from collections.abc import Iterator
from datetime import date, datetime
from typing import Any

from ingest.corpus import Corpus
from ingest.identifiers import ExpressionId, InstrumentId
from ingest.instrument import Provision
from ingest.pinpoint import Pinpoint

Record = dict[str, Any]

FIELDS = {
    "schema", "id", "kind", "question", "standalone_question", "intent", "as_of", "scope", "relationship", "rows",
    "summary", "citations", "evidence", "refusal", "notices", "suggestions", "writer", "corpus", "timings_ms",
}  # fmt: skip
CITED = {
    "n", "instrument", "pinpoint", "label", "authority", "force", "applies_from", "expression", "quote", "start", "end",
    "url",
}  # fmt: skip
INTENTS = {"comparison", "single", "provision", "definition", "status", "other"}
RELATIONS = {"equivalent", "similar", "different", "broader", "narrower", "only", None}
CLAIMS = {"law", "recital", "note", "guidance", "commentary", "model", "status", "silence"}
REASONS = {"out_of_corpus", "no_such_provision", "false_premise", "legal_advice", "unclear", "injection"}
AUTHORITIES = {"law", "recital", "explanatory_report", "guidance", "commentary", "note", "status"}
FORCES = {"in_force", "not_in_force", "not_yet_applicable", "repealed", None}
STAGES = {"analyse", "retrieve", "write", "ground"}
CARRIED_BY = {
    "law": {"law"},
    "recital": {"recital"},
    "guidance": {"guidance", "explanatory_report"},
    "commentary": {"commentary"},
    "status": {"status"},
}
LEAST_UNITS = 10


def faults(record: Record, corpus: Corpus) -> Iterator[str]:
    """What a record lacks, a line each."""
    if record["kind"] == "error":
        if set(record) != {"schema", "id", "kind", "reason"} or not record["reason"]:
            yield f"an error record has {sorted(record)}"
        return
    fields = FIELDS | ({"dropped"} if record.get("writer", {}).get("model") or record.get("dropped") else set())
    if set(record) != fields:
        yield f"fields {sorted(set(record) ^ fields)}"
        return
    if any(set(one) != {"text", "reason", "mended"} or not one["reason"] for one in record.get("dropped", [])):
        yield f"dropped {record['dropped']}"
    yield from _head(record)
    for citation in record["citations"]:
        yield from _citation(citation, corpus)
    if [one["n"] for one in record["citations"]] != list(range(1, len(record["citations"]) + 1)):
        yield "citations are not numbered from 1"
    used = {
        n for claim in _claims(record) for n in (*claim["citations"], *claim.get("searched", {}).get("nearest", []))
    }
    if used != {one["n"] for one in record["citations"]}:
        yield f"citations and what claims cite differ by {used ^ {one['n'] for one in record['citations']}}"
    for claim in _claims(record):
        yield from _claim(claim, {one["n"]: one for one in record["citations"]})
    for row in record["rows"]:
        yield from _row(row, record)
    yield from _evidence(record, corpus)


def _head(record: Record) -> Iterator[str]:
    yield from _stamp(record)
    yield from _outcome(record)
    if any(set(notice) != {"kind", "text"} or not notice["text"] for notice in record["notices"]):
        yield f"notices {record['notices']}"
    if not all(isinstance(one, str) and one for one in record["suggestions"]):
        yield f"suggestions {record['suggestions']}"


def _stamp(record: Record) -> Iterator[str]:
    if record["schema"] != "visavis.answer/1":
        yield f"schema {record['schema']}"
    if record["intent"] not in INTENTS:
        yield f"intent {record['intent']}"
    if not record["id"] or not record["question"] or not record["standalone_question"] or not record["scope"]:
        yield "an empty id, question or scope"
    date.fromisoformat(record["as_of"])
    datetime.fromisoformat(record["corpus"]["built"])
    if not record["corpus"]["id"] or set(record["corpus"]) != {"id", "built"}:
        yield f"corpus {record['corpus']}"
    if set(record["timings_ms"]) != STAGES or min(record["timings_ms"].values()) < 0:
        yield f"timings {record['timings_ms']}"
    if set(record["writer"]) != {"name", "model"} or not record["writer"]["name"]:
        yield f"writer {record['writer']}"


def _outcome(record: Record) -> Iterator[str]:
    if (record["kind"], record["refusal"] is None) not in {("answer", True), ("refusal", False)}:
        yield f"kind {record['kind']} with refusal {record['refusal']}"
    refusal = record["refusal"]
    if refusal and (set(refusal) != {"reason", "text", "searched"} or refusal["reason"] not in REASONS):
        yield f"refusal {refusal}"
    if record["kind"] == "answer" and not record["rows"]:
        yield "an answer without a row"


def _claims(record: Record) -> Iterator[Record]:
    if record["relationship"]:
        yield record["relationship"]
    for row in record["rows"]:
        for cell in row["cells"].values():
            yield from cell
    yield from record["summary"]


def _citation(one: Record, corpus: Corpus) -> Iterator[str]:
    name = f"citation {one['n']} ({one['label']})"
    if not set(one) >= CITED or one["authority"] not in AUTHORITIES or one["force"] not in FORCES:
        yield f"{name}: {sorted(CITED - set(one))} {one['authority']} {one['force']}"
    if not one["label"] or not re.match(r"https?://|$", one["url"]):
        yield f"{name}: no label, or the address {one['url']!r}"
    if one["authority"] == "status":
        if one["pinpoint"] is not None or one["quote"] is not None or not one["as_seen"] or not one["url"]:
            yield f"{name}: {one}"
        return
    provision = corpus.provision(ExpressionId.parse(one["expression"]), Pinpoint.parse(one["pinpoint"]))
    if one["expression"].partition("@")[0] != one["instrument"]:
        yield f"{name}: {one['expression']} is no wording of {one['instrument']}"
    if provision.is_container:
        yield f"{name}: a chapter or section"
    if one["authority"] == "note":
        if one["quote"] is not None or one["start"] is not None or one["end"] is not None or not one["url"]:
            yield f"{name}: a note with a quotation"
        return
    yield from _words(name, one, provision, corpus)


def _words(name: str, one: Record, provision: Provision, corpus: Corpus) -> Iterator[str]:
    if not one["quote"] or one["quote"] != provision.text[one["start"] : one["end"]]:
        yield f"{name}: not the words at {one['start']}"
    if any(_holds(part, provision.offset + one["start"], provision.offset + one["end"])
           for part in corpus.expression(provision.expression).subtree(provision.pinpoint)
           if part is not provision and len(part.text) < len(provision.text)):  # fmt: skip
        yield f"{name}: a smaller provision holds the words"


def _holds(part: Provision, start: int, end: int) -> bool:
    return part.offset <= start and end <= part.offset + len(part.text)


def _claim(claim: Record, citations: dict[int, Record]) -> Iterator[str]:
    name = f"claim {claim['text'][:50]!r}"
    if claim["kind"] not in CLAIMS or not claim["text"]:
        yield f"{name}: kind {claim['kind']}"
    if claim["kind"] == "silence":
        if claim["citations"] or set(claim["searched"]) != {"instruments", "terms", "nearest"}:
            yield f"{name}: {claim}"
        return
    if not claim["citations"] or "searched" in claim:
        yield f"{name}: nothing carries it, or it says what was searched"
    if not set(claim["citations"]) <= set(citations):
        yield f"{name}: cites {claim['citations']}"
        return
    carried = {citations[n]["authority"] for n in claim["citations"]}
    if not carried <= CARRIED_BY.get(claim["kind"], AUTHORITIES):
        yield f"{name}: {claim['kind']} carried by {carried}"
    if claim["kind"] in {"law", "recital", "guidance", "commentary"}:
        quote = citations[claim["citations"][0]]["quote"]
        if claim["text"].removeprefix("[…] ").removesuffix(" […]") != quote:
            yield f"{name}: says other words than it quotes"


def _row(row: Record, record: Record) -> Iterator[str]:
    name = f"row {row['issue']!r}"
    if not row["issue"] or row["relation"] not in RELATIONS or not row["cells"]:
        yield f"{name}: {row['relation']}"
    if ("only" in row) != (row["relation"] == "only"):
        yield f"{name}: relation {row['relation']} and only {row.get('only')}"
    for instrument, cell in row["cells"].items():
        kinds = [claim["kind"] for claim in cell]
        whose = {one["instrument"] for claim in cell for one in record["citations"] if one["n"] in claim["citations"]}
        if not cell or not whose <= {instrument}:
            yield f"{name}: the cell of {instrument} is empty or cites {whose}"
        if ("silence" in kinds) != ("only" in row and row["only"] != instrument):
            yield f"{name}: {kinds} for {instrument}, only {row.get('only')}"
        if "silence" in kinds and len(kinds) != 1:
            yield f"{name}: silence beside {kinds}"


def _evidence(record: Record, corpus: Corpus) -> Iterator[str]:
    evidence = record["evidence"]
    if [one["rank"] for one in evidence] != list(range(1, len(evidence) + 1)):
        yield "evidence is not ranked from 1"
    day = date.fromisoformat(record["as_of"])
    units = set()
    for one in evidence:
        wording = corpus.wording_on(InstrumentId(one["instrument"]), day)
        if wording is None or Pinpoint.parse(one["pinpoint"]) not in wording:
            yield f"evidence {one['instrument']} {one['pinpoint']} does not exist on {day}"
        units.add((one["instrument"], str(Pinpoint.parse(one["pinpoint"]).unit)))
    if record["kind"] == "answer" and len(units) < LEAST_UNITS:
        yield f"evidence from {len(units)} units"
