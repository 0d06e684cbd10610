"""The command that holds the formats of an act against each other: `visavis law agree`."""

import json
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ingest.console import CORPUS_OPTION, JSON_OPTION, NOT_FOUND, ProgressBars

if TYPE_CHECKING:
    from ingest.agreement import Agreement, Coverage, Difference
    from ingest.formats import FormatReport

MOST_LINES = 50


@click.command(
    "agree",
    epilog="""\b
Examples:
  visavis law agree                      PDF, HTML and Formex of the Act, and a published consolidation beside ours
  visavis law agree --json
""",
)
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
        "shared_labels": list(map(str, one.shared_labels)),
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
    if one.shared_labels:
        places = ", ".join(map(str, one.shared_labels))
        click.echo(f"  points of one label under two subparagraphs, the later with a step for theirs: {places}")
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
