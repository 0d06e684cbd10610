"""The command that lays two provisions beside each other, `visavis law compare`; and redlines as text."""

import json
from collections.abc import Iterable, Sequence
from datetime import date
from pathlib import Path
from textwrap import shorten
from typing import TYPE_CHECKING, Any

import click

from ingest.beside import Beside, Term, lay_beside
from ingest.concordance import Correspondence
from ingest.concordance_cli import record as correspondence_record
from ingest.console import AS_OF_OPTION, CORPUS_OPTION, JSON_OPTION, find_provision, open_corpus, read_day
from ingest.corpus import Corpus
from ingest.errors import PinpointError
from ingest.instrument import Provision
from ingest.outline import relation_words
from ingest.pinpoint import Pinpoint
from ingest.redline import Change, Segment, redline

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text

WIDTH = 80  # columns, where nobody looks at a terminal
WIDEST = 160
LONGEST = 400  # characters of a definition; the whole is in the JSON
MARKS = {Change.KEPT: ("", ""), Change.DELETED: ("[-", "-]"), Change.INSERTED: ("{+", "+}")}


@click.command(
    "compare",
    epilog="""\b
Examples:
  visavis law compare coe-ai-convention:art_2 eu-ai-act:art_3/1
  visavis law compare eu-ai-act:art_4 eu-ai-act:art_4a
  visavis law compare coe-ai-convention:art_16 eu-ai-act:art_9 --as-of 2025-03-01 --json
""",
)
@click.argument("left", metavar="INSTRUMENT:PINPOINT")
@click.argument("right", metavar="INSTRUMENT:PINPOINT")
@CORPUS_OPTION
@AS_OF_OPTION
@JSON_OPTION
def compare(left: str, right: str, corpus: Path | None, as_of: str | None, as_json: bool) -> None:
    """Show any two provisions side by side: redline, how they correspond, and the defined terms that each uses."""
    day = read_day(as_of)
    texts = open_corpus(corpus)
    one, other = (find_side(texts, side, day) for side in (left, right))
    beside = lay_beside(texts, one, other)
    if as_json:
        click.echo(json.dumps(beside_record(texts, beside), ensure_ascii=False, indent=2))
    else:
        _print_beside(texts, beside)


def find_side(corpus: Corpus, side: str, day: date) -> Provision:
    """The provision at `instrument:pinpoint` on a day; raises PinpointError where there is none."""
    instrument, _, pinpoint = side.partition(":")
    provision = find_provision(corpus, instrument, Pinpoint.parse(pinpoint), day)
    if provision is None:
        raise PinpointError(f"{instrument} has no {pinpoint} on {day}; `visavis law list` shows what there is.")
    return provision


def beside_record(corpus: Corpus, beside: Beside) -> dict[str, Any]:
    """The JSON form of two provisions beside each other."""
    return {
        "left": _side_record(corpus, beside.left, beside.left_terms),
        "right": _side_record(corpus, beside.right, beside.right_terms),
        "redline": segment_records(beside.redline),
        "correspondences": [correspondence_record(one) for one in beside.correspondences],
    }


def _side_record(corpus: Corpus, provision: Provision, terms: Iterable[Term]) -> dict[str, Any]:
    return {
        "instrument": provision.expression.instrument,
        "expression": str(provision.expression),
        "pinpoint": str(provision.pinpoint),
        "label": corpus.cite(provision),
        "heading": provision.heading,
        "text": provision.text,
        "url": corpus.official_url(provision),
        "terms": [
            {
                "term": one.definition.term,
                "names": one.definition.names,
                "pinpoint": str(one.definition.place),
                "label": corpus.cite(one.provision),
                "defined_here": one.own,
                "text": one.provision.text,
            }
            for one in terms
        ],
    }


def segment_records(segments: Iterable[Segment]) -> list[dict[str, str]]:
    """The JSON form of a redline."""
    return [{"change": one.change, "text": one.text} for one in segments]


def _print_beside(corpus: Corpus, beside: Beside) -> None:
    from rich.console import Console

    console = Console(highlight=False)
    console.width = min(console.width, WIDEST) if console.is_terminal else WIDTH
    _print_texts(console, corpus, beside)
    console.print("[-words of the left alone-]  {+words of the right alone+}\n", markup=False, style="dim")
    if beside.correspondences:
        console.print("How they correspond", style="bold")
    else:
        console.print("Our concordance has no correspondence that touches both.\n")
    for one in beside.correspondences:
        _print_correspondence(console, corpus, one, (beside.left, beside.right))
    for side, terms in ((beside.left, beside.left_terms), (beside.right, beside.right_terms)):
        _print_terms(console, corpus, side, terms)


def _print_texts(console: "Console", corpus: Corpus, beside: Beside) -> None:
    """The two texts in two columns, each with the words marked that the other lacks."""
    from rich.markup import escape
    from rich.table import Column, Table

    heads = [f"{corpus.cite(one)}\n{one.expression}" for one in (beside.left, beside.right)]
    table = Table(*(Column(escape(head), ratio=1, overflow="fold") for head in heads), expand=True)
    headings = [one.heading for one in (beside.left, beside.right)]
    if any(headings):
        table.add_row(*map(escape, headings), style="italic")
    table.add_row(_marked(beside.redline, Change.DELETED), _marked(beside.redline, Change.INSERTED))
    console.print(table)


def _marked(segments: Sequence[Segment], change: Change) -> "Text":
    """One side of a redline: what is kept, and what is its own, in marks that need no colour."""
    from rich.text import Text

    style = {Change.DELETED: "red strike", Change.INSERTED: "green underline"}
    before, after = MARKS[change]
    text = Text()
    for one in segments:
        if one.change is Change.KEPT:
            text.append(one.text)
        elif one.change is change:
            words = one.text.strip()
            lead = one.text[: len(one.text) - len(one.text.lstrip())]
            text.append(f"{lead}{before}{words}{after}{one.text[len(lead) + len(words) :]}", style[change])
    return text


def _print_correspondence(console: "Console", corpus: Corpus, one: Correspondence, sides: Sequence[Provision]) -> None:
    """An issue: how the sides stand to each other, the places that carry it, whom they bind, what is alike and not."""
    _print_line(console, f"{one.issue}: {relation_words(one)} [{one.id}]", style="bold", indent=2)
    names = {side.expression.instrument: corpus.expression(side.expression).short_title for side in sides}
    for instrument, name in names.items():
        places = "; ".join(place.house() for place in one.side(instrument))
        bound = one.addressees.get(instrument)
        _print_line(console, f"{name}: {places}{f'; binds {bound}' if bound else ''}", indent=4)
    for sentence in one.note:
        cites = (f"{place.house()} of {names.get(instrument, instrument)}" for instrument, place in sentence.places)
        cited = "; ".join(cites)
        _print_line(console, f"- {sentence.text} ({cited})", indent=4)
    console.print()


def _print_terms(console: "Console", corpus: Corpus, side: Provision, terms: Sequence[Term]) -> None:
    _print_line(console, f"Defined terms of {corpus.cite(side)}", style="bold")
    if not terms:
        _print_line(console, "none that the instrument defines", indent=2)
    for one in terms:
        names = " or ".join(one.definition.names)
        here = ", defined here" if one.own else ""
        _print_line(console, f"{names}: {corpus.cite(one.provision)}{here}", indent=2)
        if not one.own:
            _print_line(console, shorten(one.provision.text, LONGEST, placeholder=" …"), indent=4, style="dim")
    console.print()


def _print_line(console: "Console", line: str, *, indent: int = 0, style: str = "") -> None:
    from rich.padding import Padding
    from rich.text import Text

    console.print(Padding(Text(line, style), (0, 0, 0, indent), expand=False))


def print_redline(header: str, old: str, new: str, as_json: bool) -> None:
    """Print one text with the words struck from the old and put into the new."""
    segments = redline(old, new)
    if as_json:
        click.echo(json.dumps(segment_records(segments), ensure_ascii=False))
        return
    styles: dict[str, dict[str, Any]] = {
        Change.KEPT: {},
        Change.DELETED: {"strikethrough": True, "fg": "red"},
        Change.INSERTED: {"underline": True, "fg": "green"},
    }
    click.echo(header + "\n")
    for segment in segments:
        before, after = MARKS[segment.change]
        click.secho(f"{before}{segment.text}{after}", nl=False, **styles[segment.change])
    click.echo()
