"""The command of the concordance: `visavis concordance`."""

import json
import sys
from collections.abc import Iterable, Sequence
from typing import Any

import click

from ingest.concordance import Concordance, Correspondence, load_concordance
from ingest.errors import UsageError
from ingest.identifiers import InstrumentId
from ingest.instrument import Relation
from ingest.outline import load_outlines, relation_words
from ingest.pinpoint import Pinpoint, StepKind

NOT_FOUND = 1
WIDE = 200  # columns, where nobody looks at a terminal


@click.command(
    epilog="""\b
Examples:
  visavis concordance
  visavis concordance --article eu-ai-act:art_14 --full
  visavis concordance --article coe-ai-convention:cpt_IV
  visavis concordance --relation only --json
"""
)
@click.option("--article", metavar="INSTRUMENT:PINPOINT", help="Only what a place carries, lies in or holds.")
@click.option("--relation", type=click.Choice([str(one) for one in Relation]), help="Only this relation.")
@click.option("--full", is_flag=True, help="Print the notes and the basis too.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def concordance(article: str | None, relation: str | None, full: bool, as_json: bool) -> None:
    """Show where the two instruments meet, and where one of them is silent; exit code 1 where nothing fits."""
    table = load_concordance()
    found = [
        one
        for one in (find_touching(table, article) if article else table.correspondence)
        if relation is None or one.relation == relation
    ]
    if as_json:
        click.echo(json.dumps([record(one) for one in found], ensure_ascii=False, indent=2))
    elif found:
        _print_full(table, found) if full else _print_table(table, found)
    if not found:
        click.echo(f"No correspondence fits {article or relation}.", err=True)
        sys.exit(NOT_FOUND)


def find_touching(table: Concordance, article: str) -> tuple[Correspondence, ...]:
    """The correspondences that `instrument:pinpoint` carries, a chapter meaning its articles; raises UsageError."""
    name, colon, pinpoint = article.partition(":")
    if not colon or name not in table.wordings:
        known = ", ".join(f"{one}:art_5" for one in table.wordings)
        raise UsageError(f"--article {article!r} names no instrument of the concordance; write it as {known}.")
    instrument, place = InstrumentId(name), Pinpoint.parse(pinpoint)
    outline = load_outlines().get(instrument)
    if place.root.kind is not StepKind.CHAPTER or outline is None:
        return table.touching(instrument, place)
    if len(place.steps) > 1:
        raise UsageError(f"--article {article!r} is a section; name its chapter {place.unit} or an article.")
    chapter = outline.chapter_of(place)
    sides = ((one, one.side(instrument)) for one in table.correspondence)
    return tuple(one for one, places in sides if chapter is not None and any(map(chapter.holds, places)))


def record(one: Correspondence) -> dict[str, Any]:
    """The JSON form of a correspondence."""
    return {
        "id": one.id,
        "issue": one.issue,
        "relation": one.relation,
        "only": one.only,
        "relation_words": relation_words(one),
        "sides": {
            name: [{"pinpoint": str(place), "label": place.house()} for place in places]
            for name, places in one.sides.items()
        },
        "addressees": one.addressees,
        "note": [{"text": sentence.text, "cites": sentence.cites} for sentence in one.note],
        "words": one.words,
        "basis": one.basis,
        "reviewed": one.reviewed.isoformat(),
    }


def _places(places: Iterable[Pinpoint]) -> str:
    return "; ".join(place.house() for place in places)


def _side(one: Correspondence, instrument: str) -> str:
    places = _places(one.side(InstrumentId(instrument)))
    bound = one.addressees.get(instrument, "")
    return "\n".join(line for line in (places, f"({bound})" if bound else "") if line) or "silent"


def _names(table: Concordance) -> dict[str, str]:
    outlines = load_outlines()
    return {name: outlines[InstrumentId(name)].name if name in outlines else name for name in table.wordings}


def _print_table(table: Concordance, found: Sequence[Correspondence]) -> None:
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    names = _names(table)
    printed = Table("issue", "relation", *names.values(), show_lines=True)
    for one in found:
        sides = (escape(_side(one, name)) for name in names)
        printed.add_row(escape(one.issue), relation_words(one), *sides)
    console = Console()
    if not console.is_terminal:
        console.width = WIDE
    console.print(printed)


def _print_full(table: Concordance, found: Iterable[Correspondence]) -> None:
    names = _names(table)
    for one in found:
        click.secho(f"{one.issue} [{one.id}]", bold=True)
        click.echo(f"  {relation_words(one)}; {one.basis} on {one.reviewed}")
        for instrument, name in names.items():
            places = _places(one.side(InstrumentId(instrument))) or "silent"
            bound = one.addressees.get(instrument)
            click.echo(f"  {name}: {places}{f' – {bound}' if bound else ''}")
        for sentence in one.note:
            cited = "; ".join(f"{names.get(name, name)}, {place.house()}" for name, place in sentence.places)
            click.echo(f"  - {sentence.text} ({cited})")
        click.echo()
