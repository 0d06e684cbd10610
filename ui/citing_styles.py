"""A provision cited in the style of a house (OSCOLA, plain words, Markdown): pure, shared by pages and exports.

OSCOLA (4th edition, 2.4 and 2.6, and its international part) cites the whole instrument, then a pinpoint with "art",
"recital" or "annex" and no full stops; a treaty with its series number and an instrument of the Union with its place in
the Official Journal.
"""

import re
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from ingest.identifiers import AI_ACT, CONVENTION, InstrumentId
from ingest.pinpoint import Pinpoint, Step, StepKind

_REGULATION = re.compile(r"eu-(?P<year>\d{4})-(?P<number>\d+)")
_ROOTS = {
    StepKind.ARTICLE: "art",
    StepKind.RECITAL: "recital",
    StepKind.PREAMBLE: "preamble para",
    StepKind.CITATION: "preamble citation",
    StepKind.ANNEX: "annex",
    StepKind.CHAPTER: "ch",
    StepKind.NUMBERED: "para",
    StepKind.PAGE: "p",
}
_SPECIAL = re.compile(r"([\\`*_\[\]<>])")


class Style(StrEnum):
    """The styles that a citation can be copied in."""

    OSCOLA = "OSCOLA"
    PLAIN = "plain"
    MARKDOWN = "Markdown"


@dataclass(frozen=True, slots=True)
class Cited:
    """What is cited: its printed label ("Article 5(1)(f) of the AI Act"), the full title of its work, the wording.

    `place` is None for a whole work; `amended` is the day from which a later wording is the one quoted; `quote` holds
    the quoted words, "" where none are.
    """

    instrument: InstrumentId
    title: str
    label: str
    place: Pinpoint | None
    published: date
    url: str = ""
    amended: date | None = None
    as_of: date | None = None
    quote: str = ""


def cite_in(style: Style, cited: Cited) -> str:
    """The citation in a style, on one line."""
    return {Style.OSCOLA: oscola, Style.PLAIN: plain, Style.MARKDOWN: markdown}[style](cited)


def oscola(cited: Cited) -> str:
    """The citation as OSCOLA prints it: the work, its series or journal, the pinpoint."""
    work = _work(cited)
    return f"{work}{'' if cited.place is None else f'{_joint(work)} {oscola_pinpoint(cited.place)}'}"


def plain(cited: Cited) -> str:
    """The label, the work's full title, the wording, the day and the address, in words."""
    parts = [cited.label, cited.title if cited.title != cited.label else ""]
    parts += [f"as amended with effect from {_day(cited.amended)}" if cited.amended else ""]
    parts += [f"as at {_day(cited.as_of)}" if cited.as_of else ""]
    said = ", ".join(part for part in parts if part)
    quoted = f"“{_one_line(cited.quote)}” ({said})" if cited.quote else said
    return f"{quoted}, {cited.url}" if cited.url else quoted


def markdown(cited: Cited) -> str:
    """The label as a link to the official text, after the quoted words as a quotation where there are any."""
    label = _escaped(cited.label)
    link = f"[{label}]({cited.url.replace(')', '%29').replace(' ', '%20')})" if cited.url else label
    wording = f" (as amended with effect from {_day(cited.amended)})" if cited.amended else ""
    return f"> “{_escaped(_one_line(cited.quote))}” — {link}{wording}" if cited.quote else f"{link}{wording}"


def oscola_pinpoint(place: Pinpoint) -> str:
    """A place as OSCOLA prints it: "art 5(1)(f)", "recital 44", "annex III, point 5(a)"."""
    root = place.root
    begun = f"{_ROOTS[root.kind]} {root.label}"
    if root.kind is StepKind.ANNEX:
        printed = place.house()
        return f"annex{printed.removeprefix('Annex')}"
    if root.kind is StepKind.PAGE:
        return ", ".join((begun, *(f"para {step.label}" for step in place.steps[1:])))
    if root.kind is StepKind.CHAPTER:
        return ", ".join((begun, *(f"s {step.label}" for step in place.steps[1:])))
    return begun + "".join(map(_step, place.steps[1:]))


def _step(step: Step) -> str:
    if step.kind is StepKind.SUBPARAGRAPH:
        return f" subpara {step.label}"
    if step.kind is StepKind.INDENT:
        return f" indent {step.label}"
    return f"({step.label})"


def _work(cited: Cited) -> str:
    """The work as OSCOLA prints it."""
    if cited.instrument == CONVENTION:
        opened = f"opened for signature {_day(cited.published)}"
        return f"{cited.title} ({opened}) CETS No 225"
    regulation = _REGULATION.fullmatch(cited.instrument)
    year, number = ("2024", "1689") if cited.instrument == AI_ACT else ("", "")
    if regulation:
        year, number = regulation["year"], regulation["number"]
    if number:
        amended = f", as amended with effect from {_day(cited.amended)}" if cited.amended else ""
        return f"{cited.title} [{cited.published.year}] OJ L {year}/{number}{amended}"
    return f"‘{cited.title}’ ({_day(cited.published)})"


def _joint(work: str) -> str:
    """A comma before the pinpoint of an act with a journal reference; none after a series number or brackets."""
    return "" if work.endswith(("No 225", ")")) else ","


def _day(day: date | None) -> str:
    return f"{day.day} {day:%B %Y}" if day else ""


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _escaped(text: str) -> str:
    return _SPECIAL.sub(r"\\\1", text)
