"""From files to the index that serves: find, read, check, amend, cut, embed, switch."""

import hashlib
import json
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path

from ingest import index, lexical
from ingest.corpus import Corpus
from ingest.embedding import Embedder, count_word_pieces, open_embedder
from ingest.errors import SourceError, StoreMissing, VisavisError
from ingest.identifiers import AI_ACT, ExpressionId, InstrumentId
from ingest.index import Current, Progress, Store
from ingest.instrument import Expression
from ingest.isolation import run_isolated
from ingest.manifest import Source, SourceFormat, Use, load_manifest
from ingest.passages import BUDGET
from ingest.sources import Findings, Found, find_sources, search_path
from ingest.structure import Draft, build_provisions, check_counts
from ingest.tokens import count_tokens

READING = 1
"""The version of the readers: a change of what they make of the same bytes raises it."""

READERS_AT_ONCE = 2
AMENDMENTS = {InstrumentId("eu-2026-1744"): AI_ACT}
CONSOLIDATED = "https://eur-lex.europa.eu/legal-content/EN/TXT/?uri=CELEX:02024R1689-{:%Y%m%d}"
DEFAULT_LANGUAGE = "en"


class Change(StrEnum):
    """What an ingest came to."""

    UNCHANGED = "unchanged"
    SWITCHED = "switched"
    BUILT = "built"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What serves after an ingest, what it came to, and a line for each source that could not be read."""

    folder: Path
    corpus_id: str
    change: Change
    missing: tuple[str, ...]
    broken: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Options:
    """How an ingest goes about its work."""

    corpus: Path | None = None
    accept_changed: bool = False
    rebuild: bool = False
    offline: bool = False


def ingest_corpus(options: Options, progress: Progress) -> Outcome:
    """Bring the index of a search path up to date.

    A source that cannot be read stops the ingest while an index serves, and is left out where none does yet. Raises
    VisavisError; whatever happens, the index that served goes on serving.
    """
    root = index.index_root()
    with index.building(root):
        progress("finding", 0, 1)
        findings = _find(options, progress)
        embedder = open_embedder()
        identity = identify(findings, embedder)
        key = findings.path.key
        serving = index.read_current(root, key)
        if not options.rebuild and index.is_whole(root / identity):
            return _take_up(root, key, Current(identity, _missing_lines(findings)), serving)
        return _build(root, key, findings, identity, embedder, serving, progress)


def open_store(corpus: Path | None = None, *, build: bool = True, progress: Progress | None = None) -> Store:
    """Open the index that serves a search path, building a missing one first; raises StoreMissing with build=False."""
    root = index.index_root()
    key = search_path(corpus).key
    current = index.read_current(root, key)
    if current is None and not build:
        raise StoreMissing("there is no index for these texts yet; run `visavis ingest`, or leave out --no-build.")
    if current is None:
        ingest_corpus(Options(corpus), progress or _silent)
        current = index.read_current(root, key)
    if current is None:
        raise StoreMissing(f"the index in {root} vanished while it was opened; run `visavis ingest`.")
    return Store.open(root / current.corpus_id, current.missing)


def identify(findings: Findings, embedder: Embedder) -> str:
    """The corpus id: a hash of all that is indexed, the sources' bytes and how they are read, cut and embedded."""
    sources = [[found.source.model_dump(mode="json"), found.hashes] for found in _read_sources(findings)]
    rules = [index.FORMAT, READING, BUDGET, embedder.fingerprint, lexical.fingerprint(DEFAULT_LANGUAGE)]
    return hashlib.sha256(json.dumps([rules, sources]).encode()).hexdigest()[:16]


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
        case SourceFormat.CETS_PDF:
            from ingest.readers.treaty_pdf import read_treaty

            return read_treaty(file).drafts
        case SourceFormat.OJ_PDF:
            from ingest.readers.oj_pdf import read_oj_pdf

            return read_oj_pdf(file).drafts
        case SourceFormat.GUIDELINES_PDF:
            from ingest.readers.guidelines_pdf import read_guidelines

            return read_guidelines(file).drafts
        case SourceFormat.PDF:
            from ingest.readers.paragraphs import read_paragraphs_pdf

            return read_paragraphs_pdf(file).drafts
        case SourceFormat.MARKDOWN:
            from ingest.readers.markdown import read_markdown

            return read_markdown(file).drafts
        case SourceFormat.TEXT:
            from ingest.readers.text import read_text

            return read_text(file).drafts
        case SourceFormat.DOCX:
            from ingest.readers.docx import read_docx

            return read_docx(file).drafts


def _find(options: Options, progress: Progress) -> Findings:
    return find_sources(
        load_manifest(),
        options.corpus,
        accept_changed=options.accept_changed,
        offline=options.offline,
        progress=lambda what, done, whole: progress(what, done, whole or 0),
    )


def _read_sources(findings: Findings) -> tuple[Found, ...]:
    return tuple(found for found in findings.found if found.source.use is Use.CORPUS)


def _missing_lines(findings: Findings) -> tuple[str, ...]:
    absent = (*findings.changed, *findings.missing)
    return tuple(one.text for one in absent if one.source.language == DEFAULT_LANGUAGE)


def _take_up(root: Path, key: str, current: Current, serving: Current | None) -> Outcome:
    """Serve an index that is already whole."""
    change = Change.UNCHANGED if serving and serving.corpus_id == current.corpus_id else Change.SWITCHED
    if serving != current:
        index.switch(root, key, current)
        index.sweep(root)
    return Outcome(root / current.corpus_id, current.corpus_id, change, current.missing)


def _build(
    root: Path,
    key: str,
    findings: Findings,
    identity: str,
    embedder: Embedder,
    serving: Current | None,
    progress: Progress,
) -> Outcome:
    expressions, broken = read_expressions(_read_sources(findings), progress)
    if broken and serving is not None:
        raise SourceError(f"{'; '.join(broken)} The last good index goes on serving.")
    missing = (*broken, *_missing_lines(findings))
    corpus = Corpus(identity, datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"), expressions)
    folder = index.build_index(corpus, embedder, passage_size, root, progress)
    index.switch(root, key, Current(identity, missing))
    index.sweep(root)
    return Outcome(folder, identity, Change.BUILT, missing, broken)


def read_expressions(sources: Sequence[Found], progress: Progress) -> tuple[tuple[Expression, ...], tuple[str, ...]]:
    """Read sources side by side, each in a process of its own: the expressions, and a line for each that is broken."""
    drafts: dict[str, tuple[Draft, ...]] = {}
    broken: list[str] = []
    with ThreadPoolExecutor(READERS_AT_ONCE) as pool:
        readings = {found.source.id: pool.submit(_read_isolated, found) for found in sources}
        for done, found in enumerate(sources):
            progress("reading", done, len(sources))
            try:
                drafts[found.source.id] = readings[found.source.id].result()
            except VisavisError as error:
                broken.append(str(error))
    progress("reading", len(sources), len(sources))
    readable = [found for found in sources if found.source.id in drafts]
    expressions = [_express(found.source, drafts[found.source.id]) for found in readable]
    return (*expressions, *_amended(readable, drafts, {one.id for one in expressions})), tuple(broken)


def _read_isolated(found: Found) -> tuple[Draft, ...]:
    """Read one source and hold it against the manifest's counts."""
    drafts = run_isolated(found.source.short_title, read_source, found.source, found.paths)
    provisions = build_provisions(found.source.expression, drafts)
    check_counts(found.source.short_title, provisions, found.source.expected.stated())
    return drafts


def _express(
    source: Source, drafts: tuple[Draft, ...], identity: ExpressionId | None = None, url: str = ""
) -> Expression:
    identity = identity or source.expression
    pdf = source.format in {SourceFormat.CETS_PDF, SourceFormat.GUIDELINES_PDF, SourceFormat.PDF}
    return Expression(
        id=identity,
        title=source.title,
        short_title=source.short_title,
        authority=source.authority,
        url=url or (source.addresses[0].url if pdf and source.addresses else source.url),
        published=source.published,
        provisions=build_provisions(identity, drafts),
        column=source.column,
    )


def _amended(
    sources: Iterable[Found], drafts: dict[str, tuple[Draft, ...]], known: set[ExpressionId]
) -> Iterable[Expression]:
    """The wordings that amending acts make of the acts that they amend, unless a published one was read."""
    from ingest.amendment import amend

    by_id: dict[str, Found] = {found.source.id: found for found in sources}
    for amending_id, base_id in AMENDMENTS.items():
        amending, base = by_id.get(amending_id), by_id.get(base_id)
        if amending is None or base is None:
            continue
        effective = amending.source.in_force or amending.source.version
        identity = ExpressionId(base.source.instrument, effective, base.source.language)
        if identity not in known:
            amended, _ = amend(drafts[base_id], amending.paths[0])
            yield _express(base.source, amended, identity, CONSOLIDATED.format(effective))


def _silent(what: str, done: int, whole: int) -> None:
    """Report nothing."""
