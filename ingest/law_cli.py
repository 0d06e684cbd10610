"""The commands of the law: `visavis law`."""

import json
import sys
from datetime import date
from pathlib import Path
from typing import Any

import click

from ingest.agree_cli import agree
from ingest.clock import today
from ingest.compare_cli import compare, print_redline
from ingest.console import (
    AS_OF_OPTION,
    CORPUS_OPTION,
    JSON_OPTION,
    NOT_FOUND,
    find_provision,
    open_corpus,
    print_table,
    read_day,
    wording_of,
)
from ingest.corpus import Corpus
from ingest.identifiers import InstrumentId
from ingest.instrument import Authority, Expression, Provision
from ingest.pinpoint import Pinpoint
from ingest.status import load_status
from ingest.status_cli import status
from ingest.terms_cli import list_terms, show_citing


@click.group(
    epilog="""\b
Examples:
  visavis law list
  visavis law show eu-ai-act art_5/1/f
  visavis law show eu-ai-act art_113 --as-of 2025-01-01
  visavis law diff eu-ai-act art_4
  visavis law compare coe-ai-convention:art_2 eu-ai-act:art_3/1
  visavis law check my-notes.toml
"""
)
def law() -> None:
    """Look provisions up, and list the instruments with their status."""


for command in (agree, compare, list_terms, show_citing, status):
    law.add_command(command)


@law.command("list")
@CORPUS_OPTION
@AS_OF_OPTION
@JSON_OPTION
def list_instruments(corpus: Path | None, as_of: str | None, as_json: bool) -> None:
    """List the instruments, the wording of each on a day, and whether it is in force."""
    day = read_day(as_of)
    texts = open_corpus(corpus)
    rows = [instrument_record(texts, instrument, day) for instrument in texts.instruments]
    if as_json:
        click.echo(json.dumps(rows, ensure_ascii=False, indent=2))
        return
    print_table(
        ("instrument", "wording", "authority", "units", "status"),
        [
            (row["instrument"], row["expression"] or "none", row["authority"], str(row["units"]), row["status"])
            for row in rows
        ],
    )


def instrument_record(corpus: Corpus, instrument: InstrumentId, day: date) -> dict[str, Any]:
    """The JSON form of an instrument, with its wording and standing on a day."""
    wording = corpus.wording_on(instrument, day)
    known = corpus.wordings(instrument)
    return {
        "instrument": instrument,
        "title": (wording or known[0]).title if known else "",
        "expression": str(wording.id) if wording else None,
        "authority": (wording or known[0]).authority if known else "",
        "units": sum(1 for _ in wording.units()) if wording else 0,
        "status": _status_line(instrument, wording, day),
    }


def _status_line(instrument: InstrumentId, wording: Expression | None, day: date) -> str:
    treaty = load_status().get(instrument)
    if wording is None:
        return f"no text on {day}"
    if treaty is not None:
        state = "in force" if treaty.is_in_force(day) else "not in force"
        stale = "; the status table is older than 90 days: renew it" if treaty.is_stale(today()) else ""
        return f"{state}, {len(treaty.consents)} consent(s) to be bound, as seen on {treaty.as_seen}{stale}"
    if wording.authority is not Authority.LAW:
        return f"of {wording.published}"
    return f"wording of {wording.id.effective}; {wording.corrigenda_words}"


@law.command("show")
@click.argument("instrument")
@click.argument("pinpoint")
@CORPUS_OPTION
@AS_OF_OPTION
@JSON_OPTION
def show_provision(instrument: str, pinpoint: str, corpus: Path | None, as_of: str | None, as_json: bool) -> None:
    """Print a provision as it stood on a day; exit code 1 where that day has none."""
    day = read_day(as_of)
    place = Pinpoint.parse(pinpoint)
    texts = open_corpus(corpus)
    provision = find_provision(texts, instrument, place, day)
    if provision is None:
        click.echo(f"{instrument} has no {place.house()} ({place}) on {day}.", err=True)
        sys.exit(NOT_FOUND)
    if as_json:
        click.echo(json.dumps(provision_record(texts, provision, day), ensure_ascii=False, indent=2))
        return
    click.echo(f"{texts.cite(provision)}{f' – {provision.heading}' if provision.heading else ''}")
    click.echo(f"{provision.expression}, {_force_line(texts, provision, day)}\n")
    click.echo(provision.text)
    click.echo(f"\n{texts.official_url(provision)}")


def _force_line(corpus: Corpus, provision: Provision, day: date) -> str:
    application = corpus.application(provision, day)
    state = str(application.force).replace("_", " ") if application.force else corpus.authority(provision)
    since = f", applies from {application.applies_from}" if application.applies_from else ""
    changed = f", as changed by {provision.changed_by}" if provision.changed_by else ""
    corrected = "".join(f", as corrected by {name}" for name in _corrected_by(corpus, provision))
    return f"{state}{since}{changed}{corrected}"


def _corrected_by(corpus: Corpus, provision: Provision) -> list[str]:
    """The corrigenda that touch a provision."""
    held = corpus.expression(provision.expression).corrigenda
    return [one.name for one in held if one.touches(provision.pinpoint)]


def provision_record(corpus: Corpus, provision: Provision, day: date) -> dict[str, Any]:
    """The JSON form of a provision on a day."""
    application = corpus.application(provision, day)
    return {
        "instrument": provision.expression.instrument,
        "expression": str(provision.expression),
        "pinpoint": str(provision.pinpoint),
        "kind": provision.kind,
        "label": corpus.cite(provision),
        "heading": provision.heading,
        "text": provision.text,
        "authority": corpus.authority(provision),
        "force": application.force,
        "applies_from": application.applies_from.isoformat() if application.applies_from else None,
        "changed_by": provision.changed_by or None,
        "corrected_by": _corrected_by(corpus, provision),
        "page": provision.source.page or None,
        "url": corpus.official_url(provision),
    }


@law.command("diff")
@click.argument("instrument")
@click.argument("pinpoint")
@CORPUS_OPTION
@JSON_OPTION
def diff_provision(instrument: str, pinpoint: str, corpus: Path | None, as_json: bool) -> None:
    """Show the first and the last wording of a provision, with the words struck and inserted."""
    place = Pinpoint.parse(pinpoint)
    texts = open_corpus(corpus)
    wording_of(texts, instrument, today())
    wordings = texts.wordings(InstrumentId(instrument))
    old, new = wordings[0].get(place), wordings[-1].get(place)
    if old is None and new is None:
        click.echo(f"{instrument} has no {place.house()} ({place}) in any wording.", err=True)
        sys.exit(NOT_FOUND)
    header = f"{place.house()}: {wordings[0].id} → {wordings[-1].id}"
    print_redline(header, old.text if old else "", new.text if new else "", as_json)


@law.command("check")
@click.argument("notes", nargs=-1, type=click.Path(path_type=Path))
@CORPUS_OPTION
@JSON_OPTION
def check_notes(notes: tuple[Path, ...], corpus: Path | None, as_json: bool) -> None:
    """Hold the concordance and the notes, or files of NOTES alone, against the texts; exit code 1 where faults are."""
    from ingest.notes import read_note_file
    from ingest.review import find_faults, find_faults_of_notes

    files = tuple(read_note_file(file, str(file)) for file in notes)
    expressions = open_corpus(corpus).expressions
    faults = list(find_faults_of_notes(files, expressions) if files else find_faults(expressions))
    if as_json:
        click.echo(json.dumps(faults, ensure_ascii=False, indent=2))
    else:
        click.echo("\n".join(faults) or "No faults.")
    if faults:
        sys.exit(NOT_FOUND)
