"""The commands of sets and spreadsheets: `visavis eval beir | export | import | template`."""

import json
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ingest.console import AS_OF_OPTION, CORPUS_OPTION, JSON_OPTION, ProgressBars, read_day

if TYPE_CHECKING:
    from datetime import date

    from eval.exporting import Made
    from eval.ranking import Outcome
    from ingest.manifest import Source

SHOWN = 200

FORCE_OPTION = click.option("--force", is_flag=True, help="Write over what is there.")


@click.command(
    "beir",
    epilog="""\b
Examples:
  visavis eval beir ~/sets/scifact
  visavis eval beir ~/sets/scifact --split dev --limit 100 --json
  visavis eval beir gold --split dev
  visavis eval beir guidelines --run-files runs/
""",
)
@click.argument("name", metavar="DIR|NAME")
@click.option("--split", default="test", show_default=True, metavar="NAME", help="Which judgements: test, dev, train.")
@click.option("--limit", type=click.IntRange(min=1), metavar="N", help="Only the first N queries.")
@click.option("--run-files", type=click.Path(path_type=Path), metavar="DIR", help="Write TREC run files there.")
@AS_OF_OPTION
@CORPUS_OPTION
@JSON_OPTION
def beir_command(
    name: str,
    split: str,
    limit: int | None,
    run_files: Path | None,
    as_of: str | None,
    corpus: Path | None,
    as_json: bool,
) -> None:
    """Measure the retrieval on a BEIR-format set: a folder, or a set made from the texts here (gold, guidelines)."""
    from eval.beir import read_set
    from eval.ranking import run_set, write_run_files
    from ingest.embedding import open_embedder

    with ProgressBars() as bars:
        kept = not Path(name).is_dir()
        found = _make_set(name, (), read_day(as_of), corpus, bars).set if kept else read_set(Path(name), split)
        found.judged(split)
        outcome = run_set(found, split, open_embedder(), bars, limit)
    if as_json:
        click.echo(json.dumps(outcome_record(outcome), ensure_ascii=False, indent=2))
    else:
        _print_outcome(outcome)
    for path in write_run_files(outcome, run_files) if run_files else ():
        click.echo(f"Run file: {path}", err=True)


@click.command(
    "export",
    epilog="""\b
Examples:
  visavis eval export --beir out/gold
  visavis eval export --beir out/definitions --set definitions --as-of 2026-11-23
  visavis eval export --beir out/guidelines --set guidelines
""",
)
@click.option("--beir", "folder", required=True, type=click.Path(path_type=Path), metavar="DIR", help="Where to.")
@click.option("--set", "sets", multiple=True, metavar="NAME", help="A set of the gold, or one of data/beir.")
@FORCE_OPTION
@AS_OF_OPTION
@CORPUS_OPTION
def export_command(folder: Path, sets: tuple[str, ...], force: bool, as_of: str | None, corpus: Path | None) -> None:
    """Write the gold, or a set of data/beir, as a BEIR-format set whose texts come from the store."""
    from eval.exporting import check_folder, export_set

    check_folder(folder, force=force)
    name, gold = _choose(sets)
    with ProgressBars() as bars:
        made = _make_set(name, gold, read_day(as_of), corpus, bars)
    export_set(made, folder, _sources(corpus))
    counts = ", ".join(f"{split} {len(judged)}" for split, judged in made.set.qrels.items())
    left_out = f"; {len(made.left_out)} questions left out (to be refused, or of other days)" if made.left_out else ""
    click.echo(f"{folder}: {len(made.set.documents)} documents, {len(made.set.queries)} queries ({counts}){left_out}.")
    click.echo(f"The texts keep their publishers' terms: see {folder / 'README.txt'}.")


@click.command(
    "import",
    epilog="""\b
Examples:
  visavis eval import questions.xlsx --output mine.jsonl
  visavis eval import questions.csv --output mine.jsonl --force
  visavis eval run --cases mine.jsonl
""",
)
@click.argument("file", type=click.Path(path_type=Path))
@click.option(
    "--output", required=True, type=click.Path(path_type=Path), metavar="FILE", help="The cases, for --cases."
)
@FORCE_OPTION
@AS_OF_OPTION
@CORPUS_OPTION
def import_command(file: Path, output: Path, force: bool, as_of: str | None, corpus: Path | None) -> None:
    """Read a spreadsheet of questions (CSV or XLSX) as cases; `visavis eval template` writes one to fill in."""
    from eval.importing import import_cases, write_cases
    from ingest.console import open_corpus
    from ingest.errors import UsageError

    _check_free(output, force=force)
    found = import_cases(file, open_corpus(corpus), read_day(as_of))
    if found.problems:
        for problem in found.problems[:SHOWN]:
            click.echo(problem, err=True)
        more = f", of which the first {SHOWN} are shown" if len(found.problems) > SHOWN else ""
        raise UsageError(f"{file.name} has {len(found.problems)} problems{more}; {output} was not written.")
    write_cases(found.cases, output)
    kinds = Counter(str(case.kind) for case in found.cases)
    halves = Counter(str(case.half) for case in found.cases)
    click.echo(f"{output}: {len(found.cases)} cases ({_counted(kinds)}; {_counted(halves)}).")


@click.command(
    "template",
    epilog="""\b
Examples:
  visavis eval template questions.xlsx
  visavis eval template questions.csv
""",
)
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--format", "layout", type=click.Choice(["csv", "xlsx"]), help="Default: by the ending of its name.")
@FORCE_OPTION
def template_command(file: Path, layout: str | None, force: bool) -> None:
    """Write a spreadsheet to fill in with questions, for `visavis eval import`."""
    from eval.importing import write_case_template

    _check_free(file, force=force)
    write_case_template(file, layout or "")
    click.echo(f"{file}: one question a row; write over the examples, then `visavis eval import {file}`.")


def _check_free(file: Path, *, force: bool) -> None:
    from ingest.errors import UsageError

    if file.exists() and not force:
        raise UsageError(f"{file} is there already; name another file, or write over it with --force.")


def _counted(numbers: Mapping[str, int]) -> str:
    return ", ".join(f"{name} {number}" for name, number in numbers.items())


def _choose(sets: tuple[str, ...]) -> tuple[str, tuple[str, ...]]:
    """Which set is meant, and which sets of the gold where it is the gold; raises UsageError for a mixture."""
    from eval.exporting import GOLD, kept_sets
    from ingest.errors import UsageError

    kept = [name for name in sets if name in kept_sets()]
    if kept and len(sets) > 1:
        raise UsageError(f"{kept[0]!r} is a set by itself; export it alone, the sets of the gold into another folder.")
    return (kept[0], ()) if kept else (GOLD, sets)


def _make_set(name: str, gold: tuple[str, ...], day: "date", corpus: Path | None, bars: ProgressBars) -> "Made":
    """A set whose documents are the store's; raises UsageError where there is none of that name."""
    from eval.case import check_places
    from eval.exporting import GOLD, kept_sets, make_gold_set, make_kept_set
    from eval.gold import Choice, choose_cases
    from ingest.errors import UsageError
    from ingest.pipeline import open_store

    if name not in kept_sets():
        known = ", ".join(kept_sets())
        raise UsageError(f"{name!r} is neither a folder nor a set made from the texts here; those are {known}.")
    cases = choose_cases(Choice(gold)) if name == GOLD else ()
    store = open_store(corpus, progress=bars)
    check_places(cases, store.corpus, day)
    sources = _sources(corpus)
    if name == GOLD:
        return make_gold_set(cases, store.corpus, sources, day)
    return make_kept_set(name, store.corpus, sources, day)


def _sources(corpus: Path | None) -> "tuple[Source, ...]":
    """The sources of the manifest, which a user's own documents are none of."""
    from ingest.pipeline import load_manifest_of
    from ingest.sources import search_path

    return load_manifest_of(search_path(corpus)).sources


def outcome_record(outcome: "Outcome") -> dict[str, Any]:
    """What `--json` prints of a run on a set."""
    return {
        "schema": "visavis.beir/1",
        "set": outcome.name,
        "split": outcome.split,
        "embedder": outcome.embedder,
        "documents": outcome.documents,
        "passages": outcome.passages,
        "queries": outcome.queries,
        "right_documents_without_text": outcome.unknown,
        "engines": {
            engine: {measure: {"mean": one.mean, "standard_error": one.error} for measure, one in means.items()}
            for engine, means in outcome.means.items()
        },
        "seconds": dict(outcome.seconds),
    }


def _print_outcome(outcome: "Outcome") -> None:
    from rich.table import Table

    from eval.ranking_metrics import RankingMeasure
    from eval.tables import open_console

    table = Table(title=f"{outcome.name}, {outcome.split}: mean ± standard error")
    table.add_column("engine")
    for measure in RankingMeasure:
        table.add_column(measure, justify="right")
    for engine, means in outcome.means.items():
        errors = (f" ± {one.error:.4f}" if one.error is not None else "" for one in means.values())
        table.add_row(engine, *(f"{one.mean:.4f}{error}" for one, error in zip(means.values(), errors, strict=True)))
    open_console().print(table)
    click.echo(f"{outcome.queries} queries, {outcome.documents} documents, {outcome.passages} passages.")
    click.echo("Seconds: " + ", ".join(f"{stage} {spent:.1f}" for stage, spent in outcome.seconds.items()))
    if outcome.unknown:
        click.echo(f"{outcome.unknown} right documents are not in the set's corpus; they count as never found.")
