"""Our own sentences held against the law: the places they name, their figures, their length, words not their own.

Every fault is one line that says where it is and what is wrong. A note, a concordance or a table that has none is not
thereby right: it names places that exist, carries no figure that its places lack, and borrows no sentence.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache

from ingest.application import EVERYTHING, Wording, load_wordings
from ingest.citation import find_citations
from ingest.concordance import Concordance, Correspondence, load_concordance
from ingest.figures import Figures, read_figures
from ingest.identifiers import AI_ACT, CONVENTION, ExpressionId, InstrumentId
from ingest.instrument import Authority, Expression, Provision, ProvisionKind
from ingest.notes import Note, NoteFile, load_note_files
from ingest.pinpoint import Pinpoint, StepKind

CORRESPONDENCES = 70
"""How many correspondences a concordance has at least."""

RECITALS = 60
"""How many recitals of the AI Act are noted at least."""

NOTED = frozenset({ProvisionKind.ARTICLE, ProvisionKind.ANNEX, ProvisionKind.PREAMBLE_PARAGRAPH})
"""What has a note, each and every one, in an instrument that has notes at all."""

LONGEST_RUN = 12
"""How many consecutive words a sentence of ours may share with the law outside quotation marks."""

CONCORDANCE_LENGTH = range(3, 7)
NOTE_LENGTH = range(2, 7)
RECITAL_LENGTH = range(1, 7)

Place = tuple[ExpressionId, Pinpoint]
Wordings = Mapping[ExpressionId, Expression]

_QUOTED = re.compile(r"“[^”]*”|\"[^\"]*\"|‘[^’]*’|(?<!\w)'[^']*'(?!\w)")
_WORDS = re.compile(r"\w+(?:[-'.,/]\w+)*")
_ONE_SIGN = str.maketrans("‐‑‒–—’‘", "-----''")
_PRINTED_LABEL = re.compile(r"^(?:\(\w{1,6}\)|\d{1,3}[a-z]{0,2}[.)]?)\s", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Statement:
    """A text of ours, where it stands, and the places that carry it; `cites` is empty for words that claim nothing."""

    where: str
    text: str
    cites: tuple[Place, ...] = ()


class LawWords:
    """All runs of LONGEST_RUN + 1 words in the law, whatever the case, the hyphens and the quotation marks."""

    def __init__(self, expressions: Iterable[Expression]) -> None:
        self._runs = {
            run
            for expression in expressions
            if expression.authority is Authority.LAW
            for unit in expression.units()
            for run in _runs(_words(unit.text))
        }

    def borrowed(self, text: str) -> Iterator[str]:
        """The stretches of a text that are the law's, longest possible, what is in quotation marks left out."""
        for part in _QUOTED.split(text):
            words = _words(part)
            found = [place for place, run in enumerate(_runs(words)) if run in self._runs]
            for start, end in _join(found, LONGEST_RUN + 1):
                yield " ".join(words[start:end])


def find_faults(expressions: Sequence[Expression]) -> Iterator[str]:
    """What is wrong with the program's own concordance, notes and table of dates, a line each."""
    wordings, law = {one.id: one for one in expressions}, LawWords(expressions)
    files = load_note_files()
    yield from find_concordance_faults(load_concordance(), wordings, law)
    yield from find_note_faults(files, wordings, law)
    yield from find_unnoted(files, wordings)
    yield from find_application_faults(load_wordings().values(), wordings)


def find_faults_of_notes(files: Sequence[NoteFile], expressions: Sequence[Expression]) -> Iterator[str]:
    """What is wrong with anybody's notes, which need not cover an instrument, a line each."""
    return find_note_faults(files, {one.id: one for one in expressions}, LawWords(expressions))


def find_concordance_faults(concordance: Concordance, wordings: Wordings, law: LawWords) -> Iterator[str]:
    """What is wrong with a concordance: its size, what it leaves out, and each of its correspondences."""
    count = len(concordance.correspondence)
    if count < CORRESPONDENCES:
        yield f"the concordance has {count} correspondences, not {CORRESPONDENCES}"
    written_on = {InstrumentId(name): wording for name, wording in concordance.wordings.items()}
    yield from _find_missing_wordings("the concordance", written_on.values(), wordings)
    yield from _find_uncovered(concordance, wordings)
    for one in concordance.correspondence:
        where = f"correspondence {one.id}"
        yield from _find_wrong_length(where, len(one.note), CONCORDANCE_LENGTH)
        yield from find_absent(where, _sides(one, written_on), wordings)
        yield from find_statement_faults(_correspondence_statements(one, written_on), wordings, law)


def find_note_faults(files: Sequence[NoteFile], wordings: Wordings, law: LawWords) -> Iterator[str]:
    """What is wrong with notes, each for itself."""
    yield from _find_missing_wordings("the notes", {file.wording for file in files}, wordings)
    for file in files:
        for note in file.note:
            where = f"note {file.wording.instrument} {note.pinpoint}"
            recital = note.pinpoint.root.kind in {StepKind.RECITAL, StepKind.PREAMBLE}
            yield from _find_wrong_length(where, len(note.sentences), RECITAL_LENGTH if recital else NOTE_LENGTH)
            own = (note.pinpoint, *(plain.at for plain in note.plain))
            yield from find_absent(where, ((file.wording, place) for place in own), wordings)
            yield from find_statement_faults(_note_statements(where, note, file.wording), wordings, law)


def find_unnoted(files: Sequence[NoteFile], wordings: Wordings) -> Iterator[str]:
    """The articles, annexes and preamble paragraphs without a note, and whether too few recitals have one."""
    for wording in sorted({file.wording for file in files}):
        noted = {note.pinpoint.unit for file in files if file.wording == wording for note in file.note}
        units = tuple(wordings[wording].units()) if wording in wordings else ()
        for unit in units:
            if unit.kind in NOTED and unit.pinpoint not in noted:
                yield f"{wording.instrument} {unit.pinpoint} has no note"
        recitals = sum(unit.kind is ProvisionKind.RECITAL and unit.pinpoint in noted for unit in units)
        if wording.instrument == AI_ACT and recitals < RECITALS:
            yield f"{recitals} recitals of {AI_ACT} have a note, not {RECITALS}"


def find_application_faults(tables: Iterable[Wording], wordings: Wordings) -> Iterator[str]:
    """The places named in the table of dates of application that its wordings do not have."""
    for table in tables:
        wording = ExpressionId.parse(table.expression)
        says = [table.in_force_says]
        for rule in table.rule:
            says += [place for place in rule.pinpoints if place != EVERYTHING]
            says += [rule.says, *([rule.later.says] if rule.later else [])]
        for earlier in table.earlier:
            says += [*earlier.pinpoints, earlier.says]
        where = f"application of {wording}"
        yield from _find_missing_wordings(where, [wording], wordings)
        yield from find_absent(where, ((wording, Pinpoint.parse(place)) for place in dict.fromkeys(says)), wordings)


def find_statement_faults(statements: Iterable[Statement], wordings: Wordings, law: LawWords) -> Iterator[str]:
    """Places that do not exist, figures and references that the cited places do not carry, and the law's own words."""
    for statement in statements:
        for run in law.borrowed(statement.text):
            count = len(run.split())
            yield f"{statement.where} has {count} consecutive words of the law outside quotation marks: {run}"
        if statement.cites:
            yield from find_absent(statement.where, statement.cites, wordings)
            yield from _find_unsupported(statement, wordings)
            yield from _find_dangling(statement, wordings)


def find_absent(where: str, places: Iterable[Place], wordings: Wordings) -> Iterator[str]:
    """The places that a wording does not have; a wording that was not read has no say."""
    for wording, place in places:
        if wording in wordings and place not in wordings[wording]:
            yield f"{where} names {place}, which {wording} does not have"


def _find_missing_wordings(where: str, written_on: Iterable[ExpressionId], wordings: Wordings) -> Iterator[str]:
    for wording in sorted(set(written_on)):
        if wording not in wordings:
            yield f"{where}: the wording {wording} is not among the texts, so nothing on it can be checked"


def _find_wrong_length(where: str, length: int, allowed: range) -> Iterator[str]:
    if length not in allowed:
        yield f"{where} has {length} sentences, not {allowed.start} to {allowed.stop - 1}"


def _sides(one: Correspondence, written_on: Mapping[InstrumentId, ExpressionId]) -> Iterator[Place]:
    for name, places in (*one.sides.items(), *one.nearest.items()):
        yield from ((written_on[InstrumentId(name)], place) for place in places)


def _correspondence_statements(
    one: Correspondence, written_on: Mapping[InstrumentId, ExpressionId]
) -> Iterator[Statement]:
    where = f"correspondence {one.id}"
    for number, sentence in enumerate(one.note, 1):
        places = tuple((written_on[instrument], place) for instrument, place in sentence.places)
        yield Statement(f"{where}, sentence {number},", sentence.text, places)
    yield Statement(f"{where}, issue,", one.issue)
    yield from (Statement(f"{where}, addressees,", text) for text in one.addressees.values())
    yield from (Statement(f"{where}, words,", text) for text in one.words)


def _note_statements(where: str, note: Note, wording: ExpressionId) -> Iterator[Statement]:
    for number, sentence in enumerate(note.sentences, 1):
        places = tuple((wording, place) for place in sentence.cites)
        yield Statement(f"{where}, sentence {number},", sentence.text, places)
    yield Statement(f"{where}, binds,", note.binds)
    yield from (Statement(f"{where}, plain words,", words) for plain in note.plain for words in plain.words)


def _find_uncovered(concordance: Concordance, wordings: Wordings) -> Iterator[str]:
    """Each article of the Convention and each chapter of the AI Act that no correspondence touches."""
    for name, kind in ((CONVENTION, ProvisionKind.ARTICLE), (AI_ACT, ProvisionKind.CHAPTER)):
        wording = wordings.get(concordance.wordings[name]) if name in concordance.wordings else None
        if wording is None:
            continue
        places = {place for one in concordance.correspondence for place in one.side(name)}
        touched = {above for place in places if place in wording for above in _above(wording, place)}
        for provision in wording.provisions:
            if provision.kind is kind and provision.pinpoint not in touched:
                yield f"{name} {provision.pinpoint} is in no correspondence"


def _above(wording: Expression, place: Pinpoint) -> tuple[Pinpoint, ...]:
    return (place, *(provision.pinpoint for provision in wording.ancestors(wording.at(place))))


def _find_unsupported(statement: Statement, wordings: Wordings) -> Iterator[str]:
    """The dates and numbers of a statement that no place it cites has; what it counts is counted in these."""
    provisions = [wordings[wording].get(place) for wording, place in statement.cites if wording in wordings]
    held = Figures(numbers=frozenset(map(str, count_places(statement.cites, wordings))))
    for provision in provisions:
        held |= law_figures(provision) if provision else Figures()
    for figure in read_figures(without_references(statement.text)).missing_from(held):
        yield f"{statement.where} says {figure}, which {_cited(statement)} does not"


def count_places(places: Sequence[Place], wordings: Wordings) -> Iterator[int]:
    """How many subdivisions a cited place has, and how many places of one kind are cited side by side."""
    beside = defaultdict(set)
    for wording, place in places:
        for depth, step in enumerate(place.steps):
            beside[wording, place.steps[:depth], step.kind].add(step.label)
        if wording in wordings and place in wordings[wording]:
            yield len(wordings[wording].children(place))
    yield from map(len, beside.values())


def _find_dangling(statement: Statement, wordings: Wordings) -> Iterator[str]:
    """The references in a statement to places that neither the cited instruments have nor the cited places name."""
    read = {wording.instrument: wordings[wording] for wording, _ in statement.cites if wording in wordings}
    cited = [wordings[wording].get(place) for wording, place in statement.cites if wording in wordings]
    named = {place for provision in cited if provision for place in _law_references(provision)}
    for citation in find_citations(statement.text):
        if citation.external:
            continue
        meant = [read[citation.instrument]] if citation.instrument in read else list(read.values())
        for place in citation.pinpoints:
            if meant and place not in named and not any(place in expression for expression in meant):
                yield f"{statement.where} speaks of {place.house()}, which {_cited(statement)} does not lead to"


def _cited(statement: Statement) -> str:
    return ", ".join(f"{wording.instrument}:{place}" for wording, place in statement.cites)


@cache
def law_figures(provision: Provision) -> Figures:
    """The figures that the text of a provision holds, those of its references left out."""
    return read_figures(without_references(_PRINTED_LABEL.sub("", provision.text)))


@cache
def _law_references(provision: Provision) -> frozenset[Pinpoint]:
    return frozenset(place for citation in find_citations(provision.text) for place in citation.pinpoints)


def without_references(text: str) -> str:
    """A text in which "Article 5" is no five; the number of a foreign act stays."""
    for citation in reversed(find_citations(text)):
        text = f"{text[: citation.start]} {citation.external or '…'} {text[citation.end :]}"
    return text


def _words(text: str) -> list[str]:
    return _WORDS.findall(text.translate(_ONE_SIGN).lower())


def _runs(words: Sequence[str]) -> Iterator[str]:
    length = LONGEST_RUN + 1
    return (" ".join(words[start : start + length]) for start in range(len(words) - length + 1))


def _join(starts: Iterable[int], length: int) -> Iterator[tuple[int, int]]:
    """Overlapping runs of one length as the stretches that they cover."""
    stretch: tuple[int, int] | None = None
    for start in starts:
        if stretch and start <= stretch[1]:
            stretch = (stretch[0], start + length)
            continue
        if stretch:
            yield stretch
        stretch = (start, start + length)
    if stretch:
        yield stretch
