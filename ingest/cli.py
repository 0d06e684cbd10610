"""The commands about the texts themselves: `visavis ingest`, `visavis doctor`."""

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ingest.clock import parse_date
from ingest.console import CORPUS_OPTION, JSON_OPTION, NOT_FOUND, ProgressBars, print_table
from ingest.errors import SourceError, UsageError, VisavisError
from ingest.instrument import Authority
from ingest.manifest import SOURCE_AUTHORITIES, SourceFormat

if TYPE_CHECKING:
    from ingest.documents import Description
    from ingest.pipeline import Outcome


@click.group(
    invoke_without_command=True,
    epilog="""\b
Examples:
  visavis ingest                         find, read and index the texts; nothing to do if nothing changed
  visavis ingest --corpus ~/law/texts    use the texts of one folder alone
  visavis ingest --check-updates         look for new versions and corrigenda
  visavis ingest add opinion.pdf --title "Opinion 3/2026" --authority commentary --lang en
  visavis ingest add corrigendum.html --corrects eu-ai-act --authority law --lang en
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
    from ingest.egress import is_offline, permitting
    from ingest.pipeline import load_manifest_of
    from ingest.sources import hosts_of_texts, search_path

    hosts = hosts_of_texts(load_manifest_of(search_path(corpus)))
    if check_updates:
        with permitting(hosts):
            _print_updates(as_json)
        return
    from ingest.embedding import open_embedder
    from ingest.guide import prepare_guide
    from ingest.pipeline import Options, ingest_corpus

    with permitting(hosts), ProgressBars() as bars:
        outcome = ingest_corpus(Options(corpus, accept_changed, rebuild, offline or is_offline()), bars)
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
@click.option("--corrects", default="", metavar="ID", help="It is a corrigendum of this text, read into it.")
@click.option("--celex", default="", metavar="NUMBER", help="Its CELEX number, so that --check-updates knows it.")
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
    corrects: str,
    celex: str,
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
        corrects,
        celex,
    )
    if file.is_dir():
        _add_folder(file, description, corpus)
    else:
        _add_file(file, description, corpus)
    if not no_build:
        _ingest_now(corpus)


def _add_folder(folder: Path, description: "Description", corpus: Path | None) -> None:
    """Add every document of a folder; raises SourceError for those that could not be, after the others."""
    from ingest.documents import find_files

    if description.title or description.short_title:
        raise UsageError("a folder takes no --title: each of its documents is called as its file.")
    refused: list[str] = []
    for file in find_files(folder):
        try:
            _add_file(file, description, corpus)
        except VisavisError as error:
            refused.append(str(error))
    if refused:
        raise SourceError(f"{' '.join(refused)} The others were added.")


def _add_file(file: Path, description: "Description", corpus: Path | None) -> None:
    from ingest.corrigendum import read_corrections
    from ingest.documents import check_document, check_words, keep_document
    from ingest.isolation import run_isolated
    from ingest.pipeline import load_manifest_of, read_checked
    from ingest.readers.opening import shown
    from ingest.sources import search_path

    source = check_document(file, description, load_manifest_of(search_path(corpus)).sources)
    drafts = run_isolated(shown(file), read_checked, source, (file,))
    check_words(file, source, drafts)
    corrections = f"{len(read_corrections(drafts, shown(file)))} corrections" if source.corrects else ""
    added = keep_document(file, source)
    if added.known:
        click.echo(f"{shown(file)} is there already as {added.source.id}; remove that first to describe it anew.")
    else:
        click.echo(f"{shown(file)} is added as {added.source.id}, with {corrections or f'{len(drafts)} paragraphs'}.")


@ingest.command(
    "bulk",
    epilog="""\b
Examples:
  visavis ingest bulk ~/opinions --authority commentary --lang en
  visavis ingest bulk ~/opinions --authority commentary --lang en --workers 4
  visavis ingest bulk ~/opinions --forget
""",
)
@click.argument("folder", type=click.Path(path_type=Path))
@click.option(
    "--authority",
    type=click.Choice([str(one) for one in SOURCE_AUTHORITIES if one is not Authority.LAW]),
    default=str(Authority.COMMENTARY),
    show_default=True,
    help="What the documents weigh.",
)
@click.option("--lang", "language", default="en", show_default=True, metavar="CODE", help="Their language.")
@click.option("--published", metavar="DATE", help="The day they are of, YYYY-MM-DD. Default: as before, or today.")
@click.option("--workers", type=click.IntRange(1, 256), default=1, show_default=True, help="Dask's, on this machine.")
@click.option("--scheduler", default="", metavar="ADDRESS", help="A Dask scheduler elsewhere: tcp://host:8786.")
@click.option("--page", type=click.Path(path_type=Path), help="Where the page that shows how far it is goes.")
@click.option(
    "--seconds",
    type=click.FloatRange(1, 3600),
    default=60.0,
    show_default=True,
    envvar="VISAVIS_BULK_SECONDS",
    show_envvar=True,
    help="What one document may take; tried twice, it is set aside.",
)
@CORPUS_OPTION
@click.option("--no-build", is_flag=True, help="Leave the index to the next ingest.")
@click.option("--forget", is_flag=True, help="Take the folder's documents out again.")
def take_bulk(
    folder: Path,
    authority: str,
    language: str,
    published: str | None,
    workers: int,
    scheduler: str,
    page: Path | None,
    seconds: float,
    corpus: Path | None,
    no_build: bool,
    forget: bool,
) -> None:
    """Take in a large folder of documents, and those below it; ended at any time, it goes on where it was.

    What was done stands in a journal. A document that cannot be read is listed, and the others go on. More than one
    worker needs the extra `bulk`.
    """
    if forget:
        _forget_folder(folder)
    else:
        from ingest.bulk import Job, run_job
        from ingest.documents import Description

        day = parse_date(published, "--published") if published else None
        description = Description("", Authority(authority), language, published=day)
        job = Job(folder, description, workers, scheduler, page, seconds)
        click.echo(f"How far it is: {job.shown_on.absolute().as_uri()}")
        with ProgressBars() as bars:
            tally = run_job(job, bars)
        _print_failed(folder)
        click.echo(
            f"{tally.done} documents with {tally.passages} passages are taken in, "
            f"{tally.double} are the same as others, {tally.failed} failed."
        )
    if not no_build:
        _ingest_now(corpus)


def _forget_folder(folder: Path) -> None:
    from ingest.journal import forget, journal_path, working_on

    path = journal_path(folder)
    if not path.is_file():
        raise UsageError(f"{folder} was never taken in; name the folder as it was named then.")
    with working_on(path):
        forget(path)


def _print_failed(folder: Path) -> None:
    from contextlib import closing

    from ingest.journal import Journal, journal_path

    with closing(Journal.open(journal_path(folder))) as journal:
        for _, line in journal.failed():
            click.echo(f"- {line}")


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
        keys = {"id", "title", "short_title", "language", "version", "format", "authority", "column", "url", "corrects"}
        rows = [document.model_dump(mode="json", include=keys) for document in documents]
        click.echo(json.dumps(rows, ensure_ascii=False, indent=2))
    elif documents:
        print_table(
            ("id", "title", "authority", "language", "column", "corrects"),
            [
                (one.id, one.title, one.authority, one.language, "yes" if one.column else "", one.corrects)
                for one in documents
            ],
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
        lacking = {"missing": list(map(str, outcome.missing)), "broken": list(map(str, outcome.broken))}
        click.echo(json.dumps(shown | lacking, ensure_ascii=False))
    else:
        click.echo(f"Index {outcome.corpus_id}: {outcome.change}.")
        for one in outcome.missing:
            if one not in outcome.broken:
                click.echo(f"- {one}")
    if outcome.broken:
        these = "this text" if len(outcome.broken) == 1 else f"these {len(outcome.broken)} texts"
        raise SourceError(f"{' '.join(map(str, outcome.broken))} The index is without {these}.")


def _print_updates(as_json: bool) -> None:
    from ingest.documents import list_documents
    from ingest.manifest import load_manifest
    from ingest.sources import check_updates

    updates = check_updates(load_manifest().extended(list_documents()))
    if as_json:
        click.echo(json.dumps([{"kind": one.kind, "about": one.about, "text": one.text} for one in updates]))
        return
    for update in updates:
        click.echo(f"{update.kind}: {update.text}")
    if not updates:
        click.echo("No new versions, corrigenda or changed files.")


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
