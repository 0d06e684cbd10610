"""The commands of a treaty's status: `visavis law status`, `visavis law status import`."""

import json
from datetime import date
from pathlib import Path

import click

from ingest.clock import parse_date, today
from ingest.console import AS_OF_OPTION, JSON_OPTION, print_once, read_day
from ingest.identifiers import CONVENTION, InstrumentId
from ingest.status import STALE_AFTER_DAYS, TreatyStatus, load_status


@click.group("status", invoke_without_command=True)
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
    print_once("Changes:", renewal.changes())
    click.echo("A running server shows it once it is started again.")
