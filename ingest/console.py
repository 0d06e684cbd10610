"""What the commands share: their options, progress bars, opening the texts, looking a wording up, printing."""

from collections.abc import Iterable, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import click

from ingest.clock import parse_date, today
from ingest.corpus import Corpus
from ingest.errors import UsageError
from ingest.identifiers import InstrumentId
from ingest.instrument import Expression, Provision
from ingest.pinpoint import Pinpoint

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


def open_corpus(corpus: Path | None) -> Corpus:
    """The texts of a search path, its index built first where there is none."""
    from ingest.pipeline import open_store

    with ProgressBars() as bars:
        return open_store(corpus, progress=bars).corpus


def read_day(as_of: str | None) -> date:
    """The day that an option names, or today."""
    return parse_date(as_of, "--as-of") if as_of else today()


def wording_of(corpus: Corpus, instrument: str, day: date) -> Expression | None:
    """The wording of a named instrument on a day, None before its first; raises UsageError for an unknown one."""
    if instrument not in corpus.instruments:
        known = ", ".join(corpus.instruments) or "none"
        raise UsageError(f"instrument {instrument!r} is not in the corpus; it has {known}.")
    return corpus.wording_on(InstrumentId(instrument), day)


def find_provision(corpus: Corpus, instrument: str, place: Pinpoint, day: date) -> Provision | None:
    """The provision of a named instrument as on a day, or None."""
    wording = wording_of(corpus, instrument, day)
    return None if wording is None else wording.get(place)


def print_table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
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


def print_once(title: str, lines: Iterable[str]) -> None:
    """Print lines under a title, each once."""
    click.echo(title)
    for line in dict.fromkeys(lines) or ["nothing"]:
        click.echo(f"  {line}")
