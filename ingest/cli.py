"""The commands of the law: `visavis ingest`, `visavis law`, `visavis doctor`."""

import json
import sys
from collections.abc import Iterable, Sequence
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ingest.clock import parse_date, today
from ingest.corpus import Corpus
from ingest.errors import PinpointError, SourceError, UsageError, VisavisError
from ingest.identifiers import InstrumentId
from ingest.instrument import Authority, Expression, Provision
from ingest.manifest import SOURCE_AUTHORITIES, SourceFormat
from ingest.pinpoint import Pinpoint
from ingest.status import load_status

if TYPE_CHECKING:
    from ingest.documents import Description
    from ingest.pipeline import Outcome

NOT_FOUND = 1
WIDE = 200  # columns, where nobody looks at a terminal

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
        if self.console.is_terminal:
            self.bars.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self.console.is_terminal:
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
  visavis ingest add opinion.pdf --title "Opinion 3/2026" --authority commentary --lang en
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
    from ingest.embedding import open_embedder
    from ingest.guide import prepare_guide
    from ingest.pipeline import Options, ingest_corpus

    with ProgressBars() as bars:
        outcome = ingest_corpus(Options(corpus, accept_changed, rebuild, offline), bars)
        prepare_guide(open_embedder(), bars)
    _print_outcome(outcome, as_json)


@ingest.command("add")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--title", default="", help="What the document is called. Default: its file's name.")
@click.option("--short-title", default="", help="What citations call it. Default: its title.")
@click.option(
    "--authority",
    required=True,
    type=click.Choice([str(one) for one in SOURCE_AUTHORITIES]),
    help="What the document weighs.",
)
@click.option("--lang", "language", required=True, metavar="CODE", help="Its language, in two letters: en, fr, nl, de.")
@click.option("--column", is_flag=True, help="Give it a column of its own in comparisons.")
@click.option("--published", metavar="DATE", help="The day it is of, YYYY-MM-DD. Default: today.")
@click.option("--url", default="", metavar="ADDRESS", help="Where it is found, for the link beside its citations.")
@click.option(
    "--format",
    "layout",
    type=click.Choice([str(one) for one in SourceFormat if one is not SourceFormat.FORMEX]),
    help="How it is laid out. Default: by the ending of its name.",
)
@CORPUS_OPTION
@click.option("--no-build", is_flag=True, help="Only note it; the next ingest takes it into the index.")
def add_document(
    file: Path,
    title: str,
    short_title: str,
    authority: str,
    language: str,
    column: bool,
    published: str | None,
    url: str,
    layout: str | None,
    corpus: Path | None,
    no_build: bool,
) -> None:
    """Add a document of your own (PDF, HTML, DOCX, Markdown, text), each paragraph citable; or all those of a folder.

    A document that was added before is known by its bytes; so a folder may be added again for what is new in it.
    """
    from ingest.documents import Description

    description = Description(
        title,
        Authority(authority),
        language,
        short_title,
        url,
        parse_date(published, "--published") if published else None,
        column,
        SourceFormat(layout) if layout else None,
    )
    if file.is_dir():
        _add_folder(file, description)
    else:
        _add_file(file, description)
    if not no_build:
        _ingest_now(corpus)


def _add_folder(folder: Path, description: "Description") -> None:
    """Add every document of a folder; raises SourceError for those that could not be, after the others."""
    from ingest.documents import find_files

    if description.title or description.short_title:
        raise UsageError("a folder takes no --title: each of its documents is called as its file.")
    refused: list[str] = []
    for file in find_files(folder):
        try:
            _add_file(file, description)
        except VisavisError as error:
            refused.append(str(error))
    if refused:
        raise SourceError(f"{' '.join(refused)} The others were added.")


def _add_file(file: Path, description: "Description") -> None:
    from ingest.documents import check_document, check_words, keep_document
    from ingest.isolation import run_isolated
    from ingest.manifest import load_manifest
    from ingest.pipeline import read_checked
    from ingest.readers.opening import shown

    source = check_document(file, description, load_manifest().sources)
    drafts = run_isolated(shown(file), read_checked, source, (file,))
    check_words(file, source, drafts)
    added = keep_document(file, source)
    if added.known:
        click.echo(f"{shown(file)} is there already as {added.source.id}; remove that first to describe it anew.")
    else:
        click.echo(f"{shown(file)} is added as {added.source.id}, with {len(drafts)} paragraphs.")


@ingest.command("remove")
@click.argument("identity", metavar="ID")
@CORPUS_OPTION
@click.option("--no-build", is_flag=True, help="Only take it off the list; the next ingest takes it out of the index.")
def remove_document(identity: str, corpus: Path | None, no_build: bool) -> None:
    """Remove a document of your own, and its copy."""
    from ingest.documents import drop_document

    click.echo(f"{drop_document(identity).title} ({identity}) is removed.")
    if not no_build:
        _ingest_now(corpus)


@ingest.command("list-added")
@JSON_OPTION
def list_added(as_json: bool) -> None:
    """List the documents of your own."""
    from ingest.documents import list_documents

    documents = list_documents()
    if as_json:
        keys = {"id", "title", "short_title", "language", "version", "format", "authority", "column", "url"}
        rows = [document.model_dump(mode="json", include=keys) for document in documents]
        click.echo(json.dumps(rows, ensure_ascii=False, indent=2))
    elif documents:
        _print_table(
            ("id", "title", "authority", "language", "column"),
            [(one.id, one.title, one.authority, one.language, "yes" if one.column else "") for one in documents],
        )
    else:
        click.echo("No documents of your own.")


def _ingest_now(corpus: Path | None) -> None:
    from ingest.pipeline import Options, ingest_corpus

    with ProgressBars() as bars:
        outcome = ingest_corpus(Options(corpus), bars)
    _print_outcome(outcome, as_json=False)


def _print_outcome(outcome: "Outcome", as_json: bool) -> None:
    """Print what an ingest came to; raises SourceError for the texts that should be in the index and are not."""
    if as_json:
        shown = {"corpus": outcome.corpus_id, "change": outcome.change}
        click.echo(json.dumps(shown | {"missing": outcome.missing, "broken": outcome.broken}, ensure_ascii=False))
    else:
        click.echo(f"Index {outcome.corpus_id}: {outcome.change}.")
        for line in outcome.missing:
            if line not in outcome.broken:
                click.echo(f"- {line}")
    if outcome.broken:
        raise SourceError(f"{' '.join(outcome.broken)} The index is without {_these(outcome.broken)}.")


def _these(lines: Sequence[str]) -> str:
    return "this text" if len(lines) == 1 else f"these {len(lines)} texts"


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
  visavis law check my-notes.toml
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
    _print_table(
        ("instrument", "wording", "authority", "units", "status"),
        [
            (row["instrument"], row["expression"] or "none", row["authority"], str(row["units"]), row["status"])
            for row in rows
        ],
    )


def _print_table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Print a table whose first two columns, which hold names to copy, are never cut."""
    from rich.console import Console
    from rich.table import Column, Table

    console = Console()
    if not console.is_terminal:
        console.width = WIDE
    table = Table(*(Column(name, no_wrap=place < 2) for place, name in enumerate(columns)))
    for row in rows:
        table.add_row(*row)
    console.print(table)


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
    if wording.authority is not Authority.LAW:
        return f"of {wording.published}"
    return f"wording of {wording.id.effective}; corrigenda not checked"


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
