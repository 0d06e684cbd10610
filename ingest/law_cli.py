"""More commands of the law, about whole texts: do their formats agree, which terms they define, what cites what."""

import json
import sys
from collections.abc import Iterable, Sequence
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ingest.cli import (
    AS_OF_OPTION,
    CORPUS_OPTION,
    JSON_OPTION,
    NOT_FOUND,
    ProgressBars,
    law,
    open_corpus,
    read_day,
)
from ingest.clock import parse_date, today
from ingest.corpus import Corpus
from ingest.errors import UsageError
from ingest.identifiers import CONVENTION, InstrumentId
from ingest.instrument import Authority, Expression, Provision
from ingest.pinpoint import Pinpoint
from ingest.status import STALE_AFTER_DAYS, TreatyStatus, load_status

if TYPE_CHECKING:
    from ingest.agreement import Agreement, Coverage, Difference
    from ingest.citing import CitedBy
    from ingest.definitions import Definition, Glossary
    from ingest.formats import FormatReport
    from ingest.references import Reference

MOST_LINES = 50


@law.command("agree")
@CORPUS_OPTION
@JSON_OPTION
def agree(corpus: Path | None, as_json: bool) -> None:
    """Compare the formats that an act is there in, and account for every character; exit code 1 below the limits."""
    from ingest.formats import compare_texts
    from ingest.pipeline import Options, find_texts

    with ProgressBars() as bars:
        report = compare_texts(find_texts(Options(corpus), bars, download=False), bars)
    if as_json:
        click.echo(json.dumps(_report_record(report), ensure_ascii=False, indent=2))
    else:
        _print_report(report)
    if not report.holds:
        sys.exit(NOT_FOUND)


def _report_record(report: "FormatReport") -> dict[str, Any]:
    from ingest.agreement import LEAST_COVERAGE, LEAST_WORDS

    return {
        "holds": report.holds,
        "limits": {"words": LEAST_WORDS, "coverage": LEAST_COVERAGE},
        "agreements": [_agreement_record(one) for one in report.agreements],
        "coverages": [_coverage_record(one) for one in report.coverages],
        "unreadable": report.unreadable,
    }


def _agreement_record(one: "Agreement") -> dict[str, Any]:
    return {
        "left": one.left,
        "right": one.right,
        "holds": one.holds,
        "places": one.places,
        "only_left": list(map(str, one.only_left)),
        "only_right": list(map(str, one.only_right)),
        "units": len(one.units),
        "same_to_the_letter": one.same,
        "share": one.share,
        "least_share": one.least,
        "below": {str(unit.place): unit.share for unit in one.units if unit.share < 1},
        "differences": [
            {"place": str(each.place), "left": each.left, "right": each.right, "in_heading": each.in_heading}
            for each in one.differences
        ],
    }


def _coverage_record(one: "Coverage") -> dict[str, Any]:
    return {
        "source": one.name,
        "format": one.format,
        "holds": one.holds,
        "printed": one.printed,
        "coverage": one.coverage,
        "furniture": dict(one.furniture),
        "left": list(one.left),
    }


def _print_report(report: "FormatReport") -> None:
    for one in report.agreements:
        _print_agreement(one)
    click.echo("Characters accounted for:")
    for covered in report.coverages:
        named = ", ".join(f"{count:,} {kind}" for kind, count in covered.furniture.items()) or "none"
        click.echo(f"  {covered.coverage:9.3%}  {covered.name} ({covered.format}), {covered.printed:,} printed")
        click.echo(f"             furniture: {named}")
        _print_lines("left: ", covered.left)
    for line in report.unreadable:
        click.echo(f"Not read: {line}", err=True)
    click.echo("All limits are kept." if report.holds else "Below the limits: see the lines above.")


def _print_agreement(one: "Agreement") -> None:
    click.echo(f"{one.left} and {one.right}:")
    click.echo(
        f"  {one.places:,} places the same, "
        f"{len(one.only_left)} only in the first, {len(one.only_right)} only in the second"
    )
    click.echo(f"  {one.share:.4%} of the words equal, {one.least:.4%} in the unit that agrees least")
    click.echo(f"  {one.same} of {len(one.units)} units the same to the letter\n")
    _print_lines("only in the first: ", map(str, one.only_left))
    _print_lines("only in the second: ", map(str, one.only_right))
    _print_lines("", map(_difference_line, one.differences))


def _difference_line(one: "Difference") -> str:
    where = f"{one.place}, heading" if one.in_heading else str(one.place)
    return f"{where}: {one.left!r} against {one.right!r}"


def _print_lines(label: str, lines: Iterable[str]) -> None:
    """Print lines, the first of many where there are too many."""
    every: Sequence[str] = tuple(lines)
    for line in every[:MOST_LINES]:
        click.echo(f"  {label}{line}")
    if len(every) > MOST_LINES:
        click.echo(f"  {label}and {len(every) - MOST_LINES} more; --json lists all")


@law.command("terms")
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


@law.command("cites")
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
    _print_once(f"{corpus.cite(provision)} cites:", map(_reference_line, cited))
    _print_once("It is cited by:", by_number)
    for whole in dict.fromkeys(one.target for one in citing if one.is_to_whole(place)):
        lines = (corpus.cite(one.provision) for one in citing if one.target == whole)
        _print_once(f"As part of {whole.house()}:", lines)


def _reference_line(one: "Reference") -> str:
    where = ", ".join(map(str, one.targets)) or one.external or "not found"
    lost = f"; not found: {', '.join(one.unresolved)}" if one.unresolved else ""
    return f"{one.text}: {where}{lost}"


def _print_once(title: str, lines: Iterable[str]) -> None:
    """Print lines under a title, each once."""
    click.echo(title)
    for line in dict.fromkeys(lines) or ["nothing"]:
        click.echo(f"  {line}")


@law.group("status", invoke_without_command=True)
@AS_OF_OPTION
@JSON_OPTION
@click.pass_context
def status(context: click.Context, as_of: str | None, as_json: bool) -> None:
    """Show where each treaty stands: consents, declarations, entry into force, as the dated table says."""
    if context.invoked_subcommand is not None:
        return
    day = read_day(as_of)
    treaties = load_status().values()
    if as_json:
        records = [{**one.model_dump(mode="json"), "stale": one.is_stale(today())} for one in treaties]
        click.echo(json.dumps(records, ensure_ascii=False, indent=2))
        return
    for treaty in treaties:
        _print_status(treaty, day)


def _print_status(treaty: TreatyStatus, day: date) -> None:
    click.echo(f"{treaty.instrument}: {'in force' if treaty.is_in_force(day) else 'not in force'} on {day}")
    needed = f"{treaty.consents_needed} consents are needed, {treaty.member_consents_needed} by member States"
    click.echo(f"  {len(treaty.participant)} participants, {len(treaty.consents)} of them bound; {needed}")
    for one in treaty.participant:
        bound = f"{one.consent} on {one.consented}" if one.consented else "no consent to be bound"
        signed = f", signed on {one.signed}" if one.signed else ""
        declared = f"; declares: {one.declaration}" if one.declaration else ""
        click.echo(f"  {one.name}{' (member State)' if one.member_state else ''}: {bound}{signed}{declared}")
    click.echo(f"  as seen on {treaty.as_seen}, {treaty.source} ({treaty.basis})")
    if treaty.is_stale(today()):
        click.echo(f"  This is older than {STALE_AFTER_DAYS} days: renew it with `visavis law status import FILE.csv`.")


@status.command(
    "import",
    epilog="""\b
The first line of FILE names the columns; name and member_state are needed:
  name,member_state,signed,consented,consent,declaration,as_seen
  Iceland,true,2024-09-05,,,,2026-11-20
""",
)
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--treaty", default=CONVENTION, show_default=True, help="The treaty that the table is of.")
@click.option("--as-seen", metavar="DATE", help="The day the table was seen, where it has no column for that.")
@click.option("--source", default="", help="Where the table is from. Default: as before.")
@click.option("--in-force-since", metavar="DATE", help="The day of entry into force, once there is one.")
def import_status(file: Path, treaty: str, as_seen: str | None, source: str, in_force_since: str | None) -> None:
    """Renew a treaty's status from a CSV FILE; the table is kept in the user's data folder."""
    from ingest.renewal import read_renewal, save_renewal

    renewal = read_renewal(
        file,
        InstrumentId(treaty),
        as_seen=parse_date(as_seen, "--as-seen") if as_seen else None,
        source=source,
        in_force_since=parse_date(in_force_since, "--in-force-since") if in_force_since else None,
    )
    kept = save_renewal(renewal)
    click.echo(f"Status of {treaty} as seen on {renewal.after.as_seen}, kept in {kept}.")
    _print_once("Changes:", renewal.changes())
    click.echo("A running server shows it once it is started again.")
