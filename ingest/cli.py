"""The commands of the law: `visavis ingest`, `visavis law`, `visavis doctor`."""

import json
import sys
from datetime import date
from pathlib import Path
from typing import Any

import click

from ingest.clock import parse_date, today
from ingest.corpus import Corpus
from ingest.errors import PinpointError, UsageError, VisavisError
from ingest.identifiers import InstrumentId
from ingest.instrument import Authority, Expression, Provision
from ingest.pinpoint import Pinpoint
from ingest.status import load_status

NOT_FOUND = 1

CORPUS_OPTION = click.option(
    "--corpus",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Look for the texts in this folder alone, and never download. Default: $VISAVIS_CORPUS.",
)
AS_OF_OPTION = click.option("--as-of", metavar="DATE", help="The law as at this day, YYYY-MM-DD. Default: today.")
JSON_OPTION = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


class ProgressBars:
    """One bar a stage on standard error; nothing where that is no terminal, save a line when a stage ends."""

    def __init__(self) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

        self.console = Console(stderr=True)
        self.bars = Progress(
            TextColumn("{task.description:<12}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            console=self.console,
            disable=not self.console.is_terminal,
        )
        self.tasks: dict[str, Any] = {}

    def __enter__(self) -> "ProgressBars":
        self.bars.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.bars.stop()

    def __call__(self, stage: str, done: int, whole: int) -> None:
        """Show that `done` of `whole` steps of a stage are done."""
        if stage not in self.tasks:
            self.tasks[stage] = self.bars.add_task(stage, total=whole or None)
        self.bars.update(self.tasks[stage], completed=done, total=whole or None)
        if done == whole and whole and not self.console.is_terminal:
            self.console.print(f"{stage}: {done} of {whole}", highlight=False)


@click.group(
    invoke_without_command=True,
    epilog="""\b
Examples:
  visavis ingest                         find, read and index the texts; nothing to do if nothing changed
  visavis ingest --corpus ~/law/texts    use the texts of one folder alone
  visavis ingest --check-updates         look for new versions and corrigenda
""",
)
@CORPUS_OPTION
@click.option("--accept-changed", is_flag=True, help="Use files that differ from the manifest's hashes.")
@click.option("--rebuild", is_flag=True, help="Build the index again, even if nothing changed.")
@click.option("--offline", is_flag=True, help="Download nothing.")
@click.option("--check-updates", is_flag=True, help="Only report new versions, corrigenda and changed files.")
@JSON_OPTION
@click.pass_context
def ingest(
    context: click.Context,
    corpus: Path | None,
    accept_changed: bool,
    rebuild: bool,
    offline: bool,
    check_updates: bool,
    as_json: bool,
) -> None:
    """Find the official texts, read them and build the index."""
    if context.invoked_subcommand is not None:
        return
    if check_updates:
        _print_updates(as_json)
        return
    from ingest.pipeline import Options, ingest_corpus

    with ProgressBars() as bars:
        outcome = ingest_corpus(Options(corpus, accept_changed, rebuild, offline), bars)
    if as_json:
        click.echo(json.dumps({"corpus": outcome.corpus_id, "change": outcome.change, "missing": outcome.missing}))
    else:
        click.echo(f"Index {outcome.corpus_id}: {outcome.change}.")
        for line in outcome.missing:
            click.echo(f"- {line}")
    if outcome.broken:
        raise VisavisError(f"{len(outcome.broken)} of the texts could not be read: {'; '.join(outcome.broken)}")


def _print_updates(as_json: bool) -> None:
    from ingest.manifest import load_manifest
    from ingest.sources import check_updates

    updates = check_updates(load_manifest())
    if as_json:
        click.echo(json.dumps([{"kind": one.kind, "about": one.about, "text": one.text} for one in updates]))
        return
    for update in updates:
        click.echo(f"{update.kind}: {update.text}")
    if not updates:
        click.echo("No new versions, corrigenda or changed files.")


@click.group(
    epilog="""\b
Examples:
  visavis law list
  visavis law show eu-ai-act art_5/1/f
  visavis law show eu-ai-act art_113 --as-of 2025-01-01
  visavis law diff eu-ai-act art_4
  visavis law compare coe-ai-convention:art_2 eu-ai-act:art_3/1
"""
)
def law() -> None:
    """Look provisions up, and list the instruments with their status."""


def open_corpus(corpus: Path | None) -> Corpus:
    """The texts of a search path, its index built first where there is none."""
    from ingest.pipeline import open_store

    with ProgressBars() as bars:
        return open_store(corpus, progress=bars).corpus


def read_day(as_of: str | None) -> date:
    """The day that an option names, or today."""
    return parse_date(as_of, "--as-of") if as_of else today()


def _wording(corpus: Corpus, instrument: str, day: date) -> Expression | None:
    if instrument not in corpus.instruments:
        known = ", ".join(corpus.instruments) or "none"
        raise UsageError(f"instrument {instrument!r} is not in the corpus; it has {known}.")
    return corpus.wording_on(InstrumentId(instrument), day)


@law.command("list")
@CORPUS_OPTION
@AS_OF_OPTION
@JSON_OPTION
def list_instruments(corpus: Path | None, as_of: str | None, as_json: bool) -> None:
    """List the instruments, the wording of each on a day, and whether it is in force."""
    day = read_day(as_of)
    texts = open_corpus(corpus)
    rows = [_instrument_record(texts, instrument, day) for instrument in texts.instruments]
    if as_json:
        click.echo(json.dumps(rows, ensure_ascii=False, indent=2))
        return
    from rich.console import Console
    from rich.table import Table

    table = Table("instrument", "wording", "authority", "units", "status")
    for row in rows:
        table.add_row(
            row["instrument"], row["expression"] or "none", row["authority"], str(row["units"]), row["status"]
        )
    Console().print(table)


def _instrument_record(corpus: Corpus, instrument: InstrumentId, day: date) -> dict[str, Any]:
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
    return f"wording of {wording.id.effective}" if wording.authority is Authority.LAW else f"of {wording.published}"


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
    provision = _find_provision(texts, instrument, place, day)
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


def _find_provision(corpus: Corpus, instrument: str, place: Pinpoint, day: date) -> Provision | None:
    wording = _wording(corpus, instrument, day)
    return None if wording is None else wording.get(place)


def _force_line(corpus: Corpus, provision: Provision, day: date) -> str:
    application = corpus.application(provision, day)
    state = str(application.force).replace("_", " ") if application.force else corpus.authority(provision)
    since = f", applies from {application.applies_from}" if application.applies_from else ""
    changed = f", as changed by {provision.changed_by}" if provision.changed_by else ""
    return f"{state}{since}{changed}"


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
    _wording(texts, instrument, today())
    wordings = texts.wordings(InstrumentId(instrument))
    old, new = wordings[0].get(place), wordings[-1].get(place)
    if old is None and new is None:
        click.echo(f"{instrument} has no {place.house()} ({place}) in any wording.", err=True)
        sys.exit(NOT_FOUND)
    header = f"{place.house()}: {wordings[0].id} → {wordings[-1].id}"
    _print_redline(header, old.text if old else "", new.text if new else "", as_json)


@law.command("compare")
@click.argument("left", metavar="INSTRUMENT:PINPOINT")
@click.argument("right", metavar="INSTRUMENT:PINPOINT")
@CORPUS_OPTION
@AS_OF_OPTION
@JSON_OPTION
def compare_provisions(left: str, right: str, corpus: Path | None, as_of: str | None, as_json: bool) -> None:
    """Show any two provisions with the words that each has and the other lacks."""
    day = read_day(as_of)
    texts = open_corpus(corpus)
    one, other = (_read_side(texts, side, day) for side in (left, right))
    _print_redline(f"{texts.cite(one)} → {texts.cite(other)}", one.text, other.text, as_json)


def _read_side(corpus: Corpus, side: str, day: date) -> Provision:
    instrument, _, pinpoint = side.partition(":")
    provision = _find_provision(corpus, instrument, Pinpoint.parse(pinpoint), day)
    if provision is None:
        raise PinpointError(f"{instrument} has no {pinpoint} on {day}; `visavis law list` shows what there is.")
    return provision


def _print_redline(header: str, old: str, new: str, as_json: bool) -> None:
    from ingest.redline import redline

    segments = redline(old, new)
    if as_json:
        click.echo(json.dumps([{"change": one.change, "text": one.text} for one in segments], ensure_ascii=False))
        return
    marks = {"kept": ("", ""), "deleted": ("[-", "-]"), "inserted": ("{+", "+}")}
    styles: dict[str, dict[str, Any]] = {
        "kept": {},
        "deleted": {"strikethrough": True, "fg": "red"},
        "inserted": {"underline": True, "fg": "green"},
    }
    click.echo(header + "\n")
    for segment in segments:
        before, after = marks[segment.change]
        click.secho(f"{before}{segment.text}{after}", nl=False, **styles[segment.change])
    click.echo()


@click.command(
    epilog="""\b
Examples:
  visavis doctor
  visavis doctor --json
"""
)
@CORPUS_OPTION
@JSON_OPTION
def doctor(corpus: Path | None, as_json: bool) -> None:
    """Say what is missing or out of date, and what to do about it."""
    from ingest.diagnosis import diagnose

    checks = diagnose(corpus)
    if as_json:
        click.echo(json.dumps([{"name": one.name, "state": one.state, "text": one.text} for one in checks], indent=2))
    else:
        for check in checks:
            click.echo(f"{check.state:<8} {check.name}: {check.text}")
    if any(check.state == "broken" for check in checks):
        sys.exit(NOT_FOUND)
