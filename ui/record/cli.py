"""The commands of the record: `visavis audit`."""

import json
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ingest.clock import parse_date
from ingest.console import JSON_OPTION, print_table
from ingest.errors import UsageError

if TYPE_CHECKING:
    from ui.record.chain import Verdict
    from ui.record.entry import Entry
    from ui.record.ledger import Ledger

BROKEN = 1
SHOWN = 20

FILE_OPTION = click.option(
    "-o", "--output", type=click.Path(dir_okay=False, path_type=Path), required=True, help="The file to be written."
)
SINCE_OPTION = click.option("--since", metavar="DATE", help="From the first entry of this day on, YYYY-MM-DD, in UTC.")


@click.group(
    epilog="""\b
Examples:
  visavis audit info
  visavis audit verify
  visavis audit list --newest 5
  visavis audit export -o record.jsonl
  visavis audit verify --file record.jsonl       where there is no database
  visavis audit export --feedback -o feedback.jsonl
  visavis audit subject export oidc:7f3a -o theirs.json
  visavis audit subject erase oidc:7f3a
  visavis audit purge
"""
)
def audit() -> None:
    """Look into the record of answers and feedback, verify, export and erase it."""


@audit.command("info")
@JSON_OPTION
def info(as_json: bool) -> None:
    """Say where the record is, what it holds, and for how long."""
    told = _describe()
    if as_json:
        click.echo(json.dumps(told, indent=2))
        return
    for name, value in told.items():
        click.echo(f"{name:<12}{value}")


def _describe() -> dict[str, Any]:
    from ui.record.errors import RecordError
    from ui.record.place import place_of
    from ui.settings import load_serve_settings

    settings = load_serve_settings()
    if not settings.record:
        return {"state": "off (VISAVIS_RECORD=off): nothing is recorded, and feedback goes nowhere"}
    place = place_of(settings)
    policy = {
        "place": str(place),
        "retention": f"{settings.record_days} days",
        "questions": "kept" if settings.record_questions else "not kept",
        "strict": "yes: no record, no answer" if settings.record_strict else "no: answers go on without it",
    }
    try:
        ledger = _open_to_read()
    except RecordError as error:
        return {"state": str(error), **policy}
    try:
        bounds = ledger.bounds()
        return {
            "state": "kept",
            **policy,
            "entries": ledger.count(),
            "from": bounds[0] if bounds else None,
            "to": bounds[1] if bounds else None,
            "head": str(ledger.head()),
        }
    finally:
        ledger.close()


@audit.command("verify")
@click.option("--file", type=click.Path(dir_okay=False, path_type=Path), help="An export, in place of the database.")
@click.option("--kept", metavar="SEQ:HASH", help="A head noted earlier, which the chain must still contain.")
@JSON_OPTION
def verify_command(file: Path | None, kept: str | None, as_json: bool) -> None:
    """Verify the chain over the entries; exit code 1 and the first bad entry where it does not stand.

    Keep the head that is printed somewhere else: whoever can write the whole database can make a whole new chain, but
    none that contains it.
    """
    verdict = _verify(file, kept)
    if as_json:
        click.echo(json.dumps(verdict.record(), indent=2))
    elif verdict.fault is None:
        click.echo(
            f"The record stands: {verdict.entries} entries, {verdict.erased} of them erased, "
            f"{verdict.deleted} deleted when their days were over. Head {verdict.head}"
        )
    else:
        click.echo(f"The record does not stand. {str(verdict.fault).capitalize()}.", err=True)
    if verdict.fault is not None:
        click.get_current_context().exit(BROKEN)


def _verify(file: Path | None, kept: str | None) -> "Verdict":
    from ui.record.exporting import read_head, verify_export

    try:
        head = None if kept is None else read_head(kept)
    except ValueError:
        raise UsageError(f"--kept {kept!r} is no head; write it as verify prints it, SEQ:HASH.") from None
    if file is not None:
        return verify_export(file, head)
    ledger = _open_to_read()
    try:
        return ledger.verify(head)
    finally:
        ledger.close()


@audit.command("list")
@click.option("--newest", type=click.IntRange(1), default=SHOWN, show_default=True, help="How many entries at most.")
@JSON_OPTION
def list_entries(newest: int, as_json: bool) -> None:
    """List the newest entries, the last one last."""
    ledger = _open_to_read()
    try:
        entries = ledger.entries(newest=newest)
        erasures = ledger.erasures()
    finally:
        ledger.close()
    if as_json:
        click.echo(json.dumps([one.told() for one in entries], indent=2))
        return
    print_table(("entry", "when", "what", "who", "channel", "said"), [_row(one, erasures) for one in entries])


def _row(entry: "Entry", erasures: list[tuple[int, int, str]]) -> tuple[str, ...]:
    told = entry.told()
    person = (told["personal"] or {}).get("person", {})
    who = person.get("name") or person.get("id") or ""
    if entry.is_erased:
        who = next((f"erased on {day}" for first, last, day in erasures if first <= entry.seq <= last), "missing")
    return (str(entry.seq), entry.at, entry.kind, who, str(told.get("channel", "")), _say(told))


def _say(told: dict[str, Any]) -> str:
    match told["kind"]:
        case "answer":
            cited = f"{len(told['citations'])} citations, {told['milliseconds']:.0f} ms"
            return f"refused: {told['refusal']}" if told["refusal"] else cited
        case "check":
            return f"citation {told['citation']} {'checked' if told['checked'] else 'no longer checked'}"
        case "feedback":
            cited = f", citation {told['citation']}" if told["citation"] else ""
            return f"{told['feedback']}{cited}"
        case "erasure":
            return f"{sum(last - first + 1 for first, last in told['erased'])} entries erased"
        case "purge":
            return f"entries before {told['before'][:10]} deleted"
    return f"{told['entries']} entries lost"


@audit.command("export")
@click.option("--feedback", is_flag=True, help="What readers said of answers, without who said it, and nothing else.")
@SINCE_OPTION
@FILE_OPTION
@JSON_OPTION
def export(feedback: bool, since: str | None, output: Path, as_json: bool) -> None:
    """Write the record as JSON lines, whole or not at all; `visavis audit verify --file` verifies it anywhere.

    The file of --feedback is what `visavis eval from-feedback` reads.
    """
    from ui.record.exporting import write_export, write_feedback

    moment = datetime.combine(parse_date(since, "--since"), time(), UTC) if since else None
    ledger = _open_to_read()
    try:
        count = (write_feedback if feedback else write_export)(ledger, output, moment)
    finally:
        ledger.close()
    _done(as_json, {"file": str(output), "entries": count}, f"{count} entries are in {output}.")


@audit.group("subject")
def subject() -> None:
    """What the record holds of one person, by the subject that `visavis audit list --json` shows."""


@subject.command("export")
@click.argument("person")
@click.option("-o", "--output", type=click.Path(dir_okay=False, path_type=Path), help="A file. Default: print it.")
@JSON_OPTION
def subject_export(person: str, output: Path | None, as_json: bool) -> None:
    """Give everything that the record holds of a PERSON, named by subject such as oidc:7f3a, as JSON."""
    from ui.record.exporting import write_text

    ledger = _open_to_read()
    try:
        entries = ledger.entries(subject=_known(person))
    finally:
        ledger.close()
    text = json.dumps([one.told() for one in entries], indent=2, ensure_ascii=False)
    if output is None:
        click.echo(text)
        return
    write_text(output, text + "\n")
    _done(as_json, {"file": str(output), "entries": len(entries)}, f"{len(entries)} entries are in {output}.")


@subject.command("erase")
@click.argument("person")
@click.option("--yes", is_flag=True, help="Do not ask first.")
@JSON_OPTION
def subject_erase(person: str, yes: bool, as_json: bool) -> None:
    """Erase for good what is personal in the entries of a PERSON, named by subject; the chain still stands."""
    from ui.record.entry import now

    who = _known(person)
    if not yes:
        click.confirm(f"Erase for good what is personal in the entries of {who!r}?", abort=True, err=True)
    ledger = _open()
    try:
        count = ledger.erase(who, now())
    finally:
        ledger.close()
    _done(as_json, {"person": who, "entries": count}, f"{count} entries of {who!r} hold nothing personal any more.")


@audit.command("purge")
@click.option("--days", type=click.IntRange(1), help="Older than so many days. Default: VISAVIS_RECORD_DAYS.")
@click.option("--rewrite", is_flag=True, help="Write the file or table anew: the disk has its room back, others wait.")
@JSON_OPTION
def purge(days: int | None, rewrite: bool, as_json: bool) -> None:
    """Delete for good the entries whose days are over; a running server does so by itself once a day."""
    from ui.record.entry import now
    from ui.settings import load_serve_settings

    most = days or load_serve_settings().record_days
    moment = now()
    ledger = _open()
    try:
        count = ledger.purge(moment - timedelta(days=most), moment)
        ledger.compact(rewrite=rewrite)  # of an earlier try that was broken off too
    finally:
        ledger.close()
    _done(as_json, {"deleted": count, "days": most}, f"{count} entries older than {most} days are deleted.")


def _known(person: str) -> str:
    from ui.people import Means

    means, _, identity = person.strip().partition(":")
    known = [one.value for one in Means if one is not Means.NOBODY]
    if means not in known or not identity:
        raise UsageError(
            f"{person!r} does not say whom it means and how they are known: one of {', '.join(known)} goes before the "
            "id, such as oidc:7f3a; `visavis audit list --json` shows it as subject."
        )
    return person.strip()


def _open_to_read() -> "Ledger":
    return _open(read_only=True)


def _open(*, read_only: bool = False) -> "Ledger":
    from ui.record.ledger import open_ledger
    from ui.record.place import place_of
    from ui.settings import load_serve_settings

    return open_ledger(place_of(load_serve_settings()), create=False, read_only=read_only)


def _done(as_json: bool, record: dict[str, Any], line: str) -> None:
    click.echo(json.dumps(record) if as_json else line)
