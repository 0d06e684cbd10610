"""From files to the index that serves: find, read, check, amend, cut, embed, switch.

What serves is never lost to an accident: a text that the serving index has, and that now cannot be read, has changed,
or is gone though the manifest requires it, stops the ingest. One that the serving index lacks as well is left out.
"""

import hashlib
import json
import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path

from ingest import index, lexical
from ingest.corpus import Corpus, Lack, Missing, load_corpus
from ingest.documents import find_documents
from ingest.embedding import Embedder, count_word_pieces, open_embedder
from ingest.errors import SourceError, StoreMissing, StoreStale, VisavisError
from ingest.index import Current, Progress, Store
from ingest.instrument import Expression
from ingest.isolation import Call, run_side_by_side
from ingest.journal import Collections, open_collections
from ingest.manifest import MANIFEST, TAKEN_IN, Manifest, Source, SourceFormat, Use, load_manifest
from ingest.passages import BUDGET
from ingest.sources import Absent, Findings, Found, SearchPath, find_sources, search_path
from ingest.structure import Draft, build_provisions, check_counts
from ingest.tokens import count_tokens
from ingest.wordings import amend_texts, correct_texts, express, name_of, take_published

log = logging.getLogger(__name__)

READING = 3
"""The version of the readers: a change of what they make of the same bytes raises it."""

READERS_AT_ONCE = 2
DEFAULT_LANGUAGE = "en"


class Change(StrEnum):
    """What an ingest came to."""

    UNCHANGED = "unchanged"
    SWITCHED = "switched"
    BUILT = "built"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What serves after an ingest, what it came to, and the texts that it lacks.

    `broken` are those of the missing ones that should be there: required, or found and not fit to use.
    """

    folder: Path
    corpus_id: str
    change: Change
    missing: tuple[Missing, ...]
    broken: tuple[Missing, ...] = ()


@dataclass(frozen=True, slots=True)
class Options:
    """How an ingest goes about its work."""

    corpus: Path | None = None
    accept_changed: bool = False
    rebuild: bool = False
    offline: bool = False


def ingest_corpus(options: Options, progress: Progress) -> Outcome:
    """Bring the index of a search path up to date.

    A text that cannot be used is left out, with a line in the outcome; raises SourceError where the index that serves
    has it. Whatever happens, the index that served goes on serving.
    """
    root = index.index_root()
    with index.building(root, progress):
        progress("finding", 0, 1)
        findings = find_texts(options, progress)
        serving = index.read_current(root, findings.path.key)
        broken: dict[str, Absent] = {absent.source.id: absent for absent in _accidents(findings)}
        _keep_what_serves(root, serving, broken.values())
        built, unreadable = _bring_up(root, _texts(findings), serving, options, progress)
        broken |= {absent.source.id: absent for absent in unreadable}
        unfit = tuple(absent.missing for absent in broken.values())
        current = Current(built.folder.name, (*unfit, *_others_missing(findings, broken)))
        index.switch(root, findings.path.key, current)
        index.sweep(root)
        return replace(built, missing=current.missing, broken=unfit)


def open_store(corpus: Path | None = None, *, build: bool = True, progress: Progress | None = None) -> Store:
    """Open the index that serves a search path, building one first where there is none, or a stale one.

    With build=False it raises StoreMissing or StoreStale instead.
    """
    try:
        return _open_current(corpus)
    except (StoreMissing, StoreStale) as error:
        if not build:
            raise
        if isinstance(error, StoreStale):
            log.warning("the index was built by another version; it is built anew before anything is answered.")
    ingest_corpus(Options(corpus), progress or _silent)
    return _open_current(corpus)


def _open_current(corpus: Path | None) -> Store:
    root = index.index_root()
    store = index.open_current(root, search_path(corpus).key)
    if store is None:
        raise StoreMissing("there is no index for these texts yet; run `visavis ingest`, or leave out --no-build.")
    return store


def load_manifest_of(path: SearchPath) -> Manifest:
    """The manifest that a named folder brings with it, else the program's own."""
    own = path.folders[0] / MANIFEST
    return load_manifest(own if path.alone and own.is_file() else None)


def find_texts(options: Options, progress: Progress | None = None, *, download: bool = True) -> Findings:
    """Look up the texts of a search path, and the user's own documents with them."""
    report = progress or _silent
    findings = find_sources(
        load_manifest_of(search_path(options.corpus)),
        options.corpus,
        accept_changed=options.accept_changed,
        download=download,
        offline=options.offline,
        progress=lambda what, done, whole: report(what, done, whole or 0),
    )
    own = find_documents()
    return replace(
        findings,
        found=(*findings.found, *own.found),
        missing=(*findings.missing, *own.missing),
        changed=(*findings.changed, *own.changed),
    )


def identify(texts: Iterable[Found], embedder: Embedder, collections: Sequence[str] = ()) -> str:
    """The corpus id: a hash of all that is indexed, the sources' bytes and how they are read, cut and embedded.

    `collections` are the hashes of the collections that are indexed with them.
    """
    sources = [[found.source.model_dump(mode="json"), found.hashes] for found in texts]
    rules = [index.FORMAT, READING, BUDGET, embedder.fingerprint, lexical.fingerprint(DEFAULT_LANGUAGE)]
    indexed = [rules, sources, *([list(collections)] if collections else [])]
    return hashlib.sha256(json.dumps(indexed).encode()).hexdigest()[:16]


def passage_size(text: str) -> int:
    """How long a text is for a passage: its tokens, or its word pieces where the embedder counts more."""
    return max(count_tokens(text), count_word_pieces(text))


def read_source(source: Source, paths: Sequence[Path]) -> tuple[Draft, ...]:
    """Read a source's files by its format; raises SourceError."""
    file = paths[0]
    match source.format:
        case SourceFormat.FORMEX:
            from ingest.readers.formex import read_formex

            return read_formex(paths)
        case SourceFormat.EURLEX_HTML:
            from ingest.readers.eurlex_html import read_eurlex_html

            return read_eurlex_html(file)
        case SourceFormat.HTML:
            from ingest.readers.html import read_html

            return read_html(file).drafts
        case SourceFormat.MARKDOWN:
            from ingest.readers.markdown import read_markdown

            return read_markdown(file).drafts
        case SourceFormat.TEXT:
            from ingest.readers.text import read_text

            return read_text(file).drafts
        case SourceFormat.DOCX:
            from ingest.readers.docx import read_docx

            return read_docx(file).drafts
        case SourceFormat.CETS_PDF | SourceFormat.OJ_PDF | SourceFormat.GUIDELINES_PDF | SourceFormat.PDF:
            return _read_pdf(source.format, file)


def _read_pdf(layout: SourceFormat, file: Path) -> tuple[Draft, ...]:
    match layout:
        case SourceFormat.CETS_PDF:
            from ingest.readers.treaty_pdf import read_treaty

            return read_treaty(file).drafts
        case SourceFormat.OJ_PDF:
            from ingest.readers.oj_pdf import read_oj_pdf

            return read_oj_pdf(file).drafts
        case SourceFormat.GUIDELINES_PDF:
            from ingest.readers.guidelines_pdf import read_guidelines

            return read_guidelines(file).drafts
        case _:
            from ingest.readers.paragraphs import read_paragraphs_pdf

            return read_paragraphs_pdf(file).drafts


def read_checked(source: Source, paths: Sequence[Path]) -> tuple[Draft, ...]:
    """Read a source's files and hold them against the manifest's counts; raises SourceError."""
    drafts = read_source(source, paths)
    check_counts(source.short_title, build_provisions(source.expression, drafts), source.expected.stated())
    return drafts


def _texts(findings: Findings) -> tuple[Found, ...]:
    return tuple(found for found in findings.found if found.source.use in TAKEN_IN)


def _accidents(findings: Findings) -> Iterator[Absent]:
    """What is there and not as the manifest has it, and what is required and nowhere."""
    yield from (absent for absent in findings.changed if absent.source.use in TAKEN_IN)
    yield from (absent for absent in findings.missing if absent.source.required)


def _others_missing(findings: Findings, broken: Mapping[str, Absent]) -> Iterator[Missing]:
    """Each text of the reader's language that is nowhere and need not be."""
    for absent in findings.missing:
        if absent.source.language == DEFAULT_LANGUAGE and absent.source.id not in broken:
            yield absent.missing


def _keep_what_serves(root: Path, serving: Current | None, lacking: Iterable[Absent]) -> None:
    """Raise SourceError where an index without these sources would lack what the serving one has."""
    absent = tuple(lacking)
    if serving is None or not absent:
        return
    try:
        served = load_corpus(root / serving.folder / index.TEXTS).expressions
    except StoreStale:
        return
    if any(_stands_in(one.source, served) for one in absent):
        raise SourceError(f"{' '.join(one.text for one in absent)} The last good index goes on serving.")


def _stands_in(source: Source, expressions: Iterable[Expression]) -> bool:
    """Whether a text is among wordings, or a corrigendum read into one."""
    if source.corrects:
        return any(one.name == source.short_title for expression in expressions for one in expression.corrigenda)
    return any(expression.id == source.expression for expression in expressions)


def _bring_up(
    root: Path, texts: tuple[Found, ...], serving: Current | None, options: Options, progress: Progress
) -> tuple[Outcome, tuple[Absent, ...]]:
    """An index of all texts that can be read: one that is there, or a new one; and the texts that cannot be."""
    with open_collections() as collections:
        return _bring_up_with(collections, root, texts, serving, options, progress)


def _bring_up_with(
    collections: Collections,
    root: Path,
    texts: tuple[Found, ...],
    serving: Current | None,
    options: Options,
    progress: Progress,
) -> tuple[Outcome, tuple[Absent, ...]]:
    embedder = open_embedder()
    digests = collections.digests()
    there = None if options.rebuild else _take_up(root, identify(texts, embedder, digests), serving)
    if there is not None:
        return there, ()
    read, expressions, unreadable = read_expressions(texts, progress)
    _keep_what_serves(root, serving, unreadable)
    identity = identify(read, embedder, digests)
    there = None if options.rebuild or not unreadable else _take_up(root, identity, serving)
    if there is not None:
        return there, unreadable
    built = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    corpus = Corpus(identity, built, (*expressions, *collections.expressions()))
    kept = collections if digests else None
    folder = index.build_index(corpus, embedder, passage_size, root, progress, anew=options.rebuild, kept=kept)
    return Outcome(folder, identity, Change.BUILT, ()), unreadable


def _take_up(root: Path, identity: str, serving: Current | None) -> Outcome | None:
    """An index that is already whole, or None."""
    folder = index.find_whole(root, identity, serving)
    if folder is None:
        return None
    change = Change.UNCHANGED if serving is not None and serving.folder == folder else Change.SWITCHED
    return Outcome(root / folder, identity, change, ())


def read_expressions(
    texts: Sequence[Found], progress: Progress
) -> tuple[tuple[Found, ...], tuple[Expression, ...], tuple[Absent, ...]]:
    """Read texts side by side, each in a process of its own, and apply the amending acts among them.

    Gives the texts that were read, their expressions, and a line for each text that cannot be used.
    """
    calls = [Call(name_of(found), read_checked, (found.source, found.paths)) for found in texts]
    results: dict[int, tuple[Draft, ...] | VisavisError] = {}
    progress("reading", 0, len(texts))
    for number, result in run_side_by_side(calls, READERS_AT_ONCE):
        results[number] = result
        progress("reading", len(results), len(texts))
    drafts: dict[str, tuple[Draft, ...]] = {}
    broken: list[Absent] = []
    for number, found in enumerate(texts):
        result = results[number]
        if isinstance(result, VisavisError):
            broken.append(Absent(found.source, str(result), Lack.UNREADABLE))
        else:
            drafts[found.source.id] = result
    by_id: dict[str, Found] = {found.source.id: found for found in texts}
    corrected = correct_texts(by_id, drafts, broken)
    amended = {one.id: one for one in amend_texts(by_id, drafts, corrected, broken)}
    read = tuple(found for found in texts if found.source.id in drafts)
    expressions = {
        found.source.expression: express(found.source, drafts[found.source.id], corrected)
        for found in read
        if found.source.use is Use.CORPUS
    }
    merged = {one: take_published(ours, expressions[one]) for one, ours in amended.items() if one in expressions}
    return read, tuple({**expressions, **amended, **merged}.values()), tuple(broken)


def _silent(what: str, done: int, whole: int) -> None:
    """Report nothing."""
