"""Sets made from the store: the gold questions, and the kept sets of `data/beir`, whose texts are the law's own.

A document is a whole unit (article, recital, annex, numbered paragraph) in the wording of a day, called
`instrument:pinpoint`. Units do not overlap, so that a ranking of them can be judged: a place of the gold stands for the
unit that it lies in.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from eval.beir import CORPUS, ENDING, QRELS, QUERIES, BeirSet, Document, check_set, read_qrels, read_queries, write_set
from eval.case import Case, CaseKind, Located
from ingest.corpus import Corpus
from ingest.datafiles import CHECKOUT
from ingest.errors import UsageError
from ingest.identifiers import InstrumentId
from ingest.instrument import Authority, Expression
from ingest.manifest import Source, Use
from ingest.pinpoint import Pinpoint

GOLD = "gold"
GOLD_GRADE = 2
ALSO_GRADE = 1
README = "README.txt"

Grades = dict[str, int]


@dataclass(frozen=True, slots=True)
class Made:
    """A set made from the store: the wordings of its documents, and the cases of the gold that have no place in it."""

    set: BeirSet
    wordings: tuple[Expression, ...]
    day: date
    left_out: tuple[str, ...] = ()


def kept_folder() -> Path:
    """The sets of the checkout: their queries and judgements, without the texts."""
    return CHECKOUT / "beir"


def kept_sets() -> tuple[str, ...]:
    """The names of the sets that are made from the store: the gold, and those of `data/beir`."""
    return (GOLD, *sorted(path.parent.name for path in kept_folder().glob(f"*/{QUERIES}")))


def make_kept_set(name: str, corpus: Corpus, sources: Iterable[Source], day: date) -> Made:
    """A set of `data/beir` with its documents from the store; raises UsageError where the store lacks one."""
    folder = kept_folder() / name
    if not (folder / QUERIES).is_file():
        raise UsageError(f"there is no set {name!r}; there are {', '.join(kept_sets())}.")
    qrels = {path.stem: read_qrels(path) for path in sorted((folder / QRELS).glob(f"*{ENDING}"))}
    queries = read_queries(folder / QUERIES)
    return _complete(name, queries, qrels, corpus, sources, day)


def make_gold_set(cases: Iterable[Located], corpus: Corpus, sources: Iterable[Source], day: date) -> Made:
    """The gold questions as a set: 2 for what the answer must rest on, 1 for what is equally right.

    A dialogue is asked as its last question written out. Left out are questions to be refused, and those asked for a
    day whose wording is another one.
    """
    queries: dict[str, str] = {}
    qrels: dict[str, dict[str, Grades]] = {}
    left_out: list[str] = []
    for case in (located.case for located in cases):
        grades = _grade(case)
        if not grades or not _same_wordings(case, corpus, day):
            left_out.append(case.id)
            continue
        queries[case.id] = " ".join((case.standalone or case.question).split())
        qrels.setdefault(str(case.half), {})[case.id] = grades
    if not queries:
        raise UsageError("no case of these has a provision to find on that day; choose other cases.")
    return _complete(GOLD, queries, dict(sorted(qrels.items())), corpus, sources, day, tuple(left_out))


def name_document(instrument: InstrumentId, place: Pinpoint) -> str:
    """The id of the unit that a place lies in: `eu-ai-act:art_5`."""
    return f"{instrument}:{place.unit}"


def export_set(made: Made, folder: Path, sources: Iterable[Source]) -> None:
    """Write a set with its corpus and a README that names the texts' terms."""
    write_set(made.set, folder)
    try:
        (folder / README).write_text(describe_set(made, sources), encoding="utf-8", newline="\n")
    except OSError as error:
        raise UsageError(f"the set cannot be written to {folder} ({error.strerror}); name another folder.") from None


def check_folder(folder: Path, *, force: bool) -> None:
    """Refuse a folder that holds something, unless `force`; raises UsageError."""
    if folder.exists() and not folder.is_dir():
        raise UsageError(f"{folder} is a file; name a folder to write the set to.")
    if not force and folder.is_dir() and any(folder.iterdir()):
        raise UsageError(f"{folder} is not empty; name another folder, or write over it with --force.")


def describe_set(made: Made, sources: Iterable[Source]) -> str:
    """What the README of a set says: what is in it, and under whose terms its texts are."""
    counts = [f"{split}: {len(judged)} queries" for split, judged in made.set.qrels.items()]
    left_out = f"Left out, to be refused or asked for a day of other wordings: {len(made.left_out)} questions."
    return "\n".join(
        [
            f"The set {made.set.name!r} in BEIR format, made by Visavis from its store for {made.day}.",
            "",
            f"{CORPUS:<14} {len(made.set.documents)} documents: whole articles, recitals, annexes and numbered",
            "               paragraphs, each called instrument:pinpoint",
            f"{QUERIES:<14} {len(made.set.queries)} questions, written for Visavis",
            f"{QRELS + '/*.tsv':<14} {', '.join(counts)}; 2 is what the answer must rest on, 1 is right as well",
            *([left_out] if made.left_out else []),
            "",
            "The questions and the judgements are Visavis's, under the Apache License 2.0. The texts are not: they",
            "are the official ones, word for word, under the terms of those who publish them. Only the texts that",
            "the publisher calls authentic are. Keep this file with them.",
            "",
            *_terms(made.wordings, sources),
            "",
        ]
    )


def _terms(wordings: Iterable[Expression], sources: Iterable[Source]) -> Iterator[str]:
    known = tuple(one for one in sources if one.use is Use.CORPUS)
    for wording in wordings:
        own = [one for one in known if one.instrument == wording.instrument and one.language == wording.id.language]
        yield f"{wording.instrument}: {wording.title}"
        yield f"    wording {wording.id}, {wording.url}"
        yield from dict.fromkeys(f"    {one.attribution}. Terms: {one.licence}." for one in own)


def _grade(case: Case) -> Grades:
    """The units that answer a case; a question to be refused has none."""
    if case.kind is CaseKind.REFUSAL:
        return {}
    grades = {name_document(instrument, place): ALSO_GRADE for instrument, place in case.right_places}
    return grades | {name_document(instrument, place): GOLD_GRADE for instrument, place in case.gold_places}


def _same_wordings(case: Case, corpus: Corpus, day: date) -> bool:
    """Whether the case's day has the wordings that the set is made of."""
    if case.as_of is None:
        return True
    named = {instrument for instrument, _ in case.places()}
    return all(corpus.wording_on(one, case.as_of) == corpus.wording_on(one, day) for one in named)


def _complete(
    name: str,
    queries: Mapping[str, str],
    qrels: Mapping[str, Mapping[str, Grades]],
    corpus: Corpus,
    sources: Iterable[Source],
    day: date,
    left_out: tuple[str, ...] = (),
) -> Made:
    """The set with the texts that its judgements are about, and all that weigh the same."""
    judged = {document for split in qrels.values() for grades in split.values() for document in grades}
    wordings = tuple(_wordings(judged, corpus, sources, day))
    documents = tuple(document for wording in wordings for document in _documents(corpus, wording))
    lost = sorted(judged - {document.id for document in documents})
    if lost:
        raise UsageError(
            f"the set {name!r} judges {lost[0]!r} ({len(lost)} such in all), which the texts of {day} do not have;"
            " get the missing texts with `visavis ingest`, or give another day with --as-of."
        )
    return Made(check_set(BeirSet(name, documents, queries, qrels)), wordings, day, left_out)


def _wordings(judged: Iterable[str], corpus: Corpus, sources: Iterable[Source], day: date) -> Iterator[Expression]:
    """The wordings of a day that weigh what the judged ones weigh, without a user's own documents."""
    published = {one.instrument for one in sources if one.use is Use.CORPUS}
    named = {document.partition(":")[0] for document in judged}
    found = [corpus.wording_on(instrument, day) for instrument in corpus.instruments if instrument in published]
    known = [one for one in found if one is not None]
    weights: set[Authority] = {one.authority for one in known if one.instrument in named}
    return (one for one in known if one.authority in weights)


def _documents(corpus: Corpus, wording: Expression) -> Iterator[Document]:
    for unit in wording.units():
        title = f"{corpus.cite(unit)}: {unit.heading}" if unit.heading else corpus.cite(unit)
        yield Document(name_document(wording.instrument, unit.pinpoint), title, unit.text)
