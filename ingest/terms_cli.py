"""The commands of terms and references: `visavis law terms`, `visavis law cites`."""

import json
import sys
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ingest.console import AS_OF_OPTION, CORPUS_OPTION, JSON_OPTION, NOT_FOUND, open_corpus, print_once, read_day
from ingest.corpus import Corpus
from ingest.errors import UsageError
from ingest.identifiers import InstrumentId
from ingest.instrument import Authority, Expression, Provision
from ingest.pinpoint import Pinpoint

if TYPE_CHECKING:
    from ingest.citing import CitedBy
    from ingest.definitions import Definition, Glossary
    from ingest.references import Reference


@click.command("terms")
@click.argument("instrument", required=False)
@click.option("--provision", metavar="PINPOINT", help="Only the terms that this provision uses.")
@CORPUS_OPTION
@AS_OF_OPTION
@JSON_OPTION
def list_terms(
    instrument: str | None, provision: str | None, corpus: Path | None, as_of: str | None, as_json: bool
) -> None:
    """List the terms that an instrument defines, or that one of its provisions uses; without one, of every law."""
    from ingest.definitions import load_glossary

    if provision is not None and instrument is None:
        raise UsageError(f"--provision {provision!r} needs the instrument it is a provision of, before it.")
    day = read_day(as_of)
    texts = open_corpus(corpus)
    records: list[dict[str, Any]] = []
    for wording in _wordings(texts, instrument, day):
        glossary = load_glossary(wording)
        place = None if provision is None else _at(wording, provision, day)
        records += _defined_records(glossary) if place is None else _used_records(glossary, place)
    if as_json:
        click.echo(json.dumps(records, ensure_ascii=False, indent=2))
        return
    for record in records:
        times = f" ({record['times']} times)" if record.get("times", 1) > 1 else ""
        click.echo(f"{' or '.join(record['names'])}: {record['label']} of {record['instrument']}{times}")


def _wordings(corpus: Corpus, instrument: str | None, day: date) -> tuple[Expression, ...]:
    """The wording of an instrument on a day, or of every law."""
    if instrument is not None and instrument not in corpus.instruments:
        raise UsageError(f"instrument {instrument!r} is not in the corpus; it has {', '.join(corpus.instruments)}.")
    wanted = corpus.instruments if instrument is None else (InstrumentId(instrument),)
    found = [wording for one in wanted if (wording := corpus.wording_on(one, day)) is not None]
    if instrument is not None and not found:
        click.echo(f"{instrument} has no text on {day}.", err=True)
        sys.exit(NOT_FOUND)
    return tuple(one for one in found if instrument is not None or one.authority is Authority.LAW)


def _at(wording: Expression, pinpoint: str, day: date) -> Provision:
    """The provision at a place; exit code 1 where that day has none."""
    place = Pinpoint.parse(pinpoint)
    found = wording.get(place)
    if found is None:
        click.echo(f"{wording.instrument} has no {place.house()} ({place}) on {day}.", err=True)
        sys.exit(NOT_FOUND)
    return found


def _defined_records(glossary: "Glossary") -> list[dict[str, Any]]:
    return [_term_record(glossary.expression, one) for one in glossary.definitions]


def _used_records(glossary: "Glossary", provision: Provision) -> list[dict[str, Any]]:
    """The terms that a provision uses, with how often and in which words."""
    uses = glossary.find_uses(provision)
    records = []
    for definition in dict.fromkeys(use.definition for use in uses):
        spans = [(use.start, use.end) for use in uses if use.definition == definition]
        record = _term_record(glossary.expression, definition)
        records.append({**record, "times": len(spans), "spans": spans})
    return records


def _term_record(expression: Expression, one: "Definition") -> dict[str, Any]:
    return {
        "term": one.term,
        "names": one.names,
        "instrument": expression.instrument,
        "expression": str(expression.id),
        "pinpoint": str(one.place),
        "label": expression.at(one.place).label,
        "kind": one.kind.value,
        "scope": str(one.scope) if one.scope else None,
        "matter": one.matter or None,
    }


@click.command("cites")
@click.argument("instrument")
@click.argument("pinpoint")
@CORPUS_OPTION
@AS_OF_OPTION
@JSON_OPTION
def show_citing(instrument: str, pinpoint: str, corpus: Path | None, as_of: str | None, as_json: bool) -> None:
    """Print what a provision cites, and what cites it; exit code 1 where that day has no such provision."""
    from ingest.citing import find_cited, find_citing

    day = read_day(as_of)
    texts = open_corpus(corpus)
    [wording] = _wordings(texts, instrument, day)
    provision = _at(wording, pinpoint, day)
    others = [found for one in texts.instruments if (found := texts.wording_on(one, day)) is not None]
    cited, citing = find_cited(wording, provision), find_citing(wording, provision, others)
    if as_json:
        record = {
            "pinpoint": str(provision.pinpoint),
            "expression": str(wording.id),
            "cites": [_reference_record(one) for one in cited],
            "cited_by": [_citing_record(texts, one, provision.pinpoint) for one in citing],
        }
        click.echo(json.dumps(record, ensure_ascii=False, indent=2))
    else:
        _print_citing(texts, provision, cited, citing)


def _reference_record(one: "Reference") -> dict[str, Any]:
    return {
        "text": one.text,
        "start": one.start,
        "end": one.end,
        "instrument": one.instrument,
        "targets": list(map(str, one.targets)),
        "external": one.external or None,
        "unresolved": list(one.unresolved),
    }


def _citing_record(corpus: Corpus, one: "CitedBy", place: Pinpoint) -> dict[str, Any]:
    return {
        "instrument": one.provision.expression.instrument,
        "pinpoint": str(one.provision.pinpoint),
        "label": corpus.cite(one.provision),
        "text": one.text,
        "target": str(one.target),
        "as_part": one.is_to_whole(place),
    }


def _print_citing(
    corpus: Corpus, provision: Provision, cited: Sequence["Reference"], citing: Sequence["CitedBy"]
) -> None:
    place = provision.pinpoint
    by_number = [f"{corpus.cite(one.provision)}: {one.text!r}" for one in citing if not one.is_to_whole(place)]
    print_once(f"{corpus.cite(provision)} cites:", map(_reference_line, cited))
    print_once("It is cited by:", by_number)
    for whole in dict.fromkeys(one.target for one in citing if one.is_to_whole(place)):
        lines = (corpus.cite(one.provision) for one in citing if one.target == whole)
        print_once(f"As part of {whole.house()}:", lines)


def _reference_line(one: "Reference") -> str:
    where = ", ".join(map(str, one.targets)) or one.external or "not found"
    lost = f"; not found: {', '.join(one.unresolved)}" if one.unresolved else ""
    return f"{one.text}: {where}{lost}"
