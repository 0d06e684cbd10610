"""The texts read whole, with all that their files print, and each act that is there in several formats compared."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ingest.agreement import Agreement, Coverage, all_hold, compare_formats, measure_coverage
from ingest.errors import VisavisError
from ingest.instrument import RECITALS, Provision
from ingest.isolation import Call, run_side_by_side
from ingest.manifest import Source, SourceFormat, Use
from ingest.readers.reading import Reading
from ingest.sources import Findings
from ingest.structure import build_provisions
from ingest.wordings import amend_source, amended_by, name_of

AT_ONCE = 2

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True, slots=True)
class FormatReport:
    """How the formats of each act agree, how much of each file is accounted for, and which could not be read."""

    agreements: tuple[Agreement, ...]
    coverages: tuple[Coverage, ...]
    unreadable: tuple[str, ...]

    @property
    def holds(self) -> bool:
        """Whether all was read, agrees, and is accounted for."""
        return not self.unreadable and all_hold(self.agreements, self.coverages)


def compare_texts(findings: Findings, progress: Progress) -> FormatReport:
    """Read every text that was found, samples aside, and hold the alternates against what they are of."""
    texts = [found for found in findings.found if found.source.use in {Use.CORPUS, Use.ALTERNATE}]
    calls: list[Call[Reading]] = [Call(name_of(found), read_whole, (found.source, found.paths)) for found in texts]
    readings: dict[str, Reading] = {}
    unreadable: list[str] = []
    results = run_side_by_side(calls, AT_ONCE)
    progress("reading", 0, len(calls))
    for done, (number, result) in enumerate(results, start=1):
        if isinstance(result, VisavisError):
            unreadable.append(str(result))
        else:
            readings[texts[number].source.id] = result
        progress("reading", done, len(calls))
    read = [found.source for found in texts if found.source.id in readings]
    coverages = tuple(measure_coverage(one.id, one.format.value, readings[one.id]) for one in read)
    pages: dict[str, Path] = {found.source.id: found.paths[0] for found in texts}
    agreements = (*_agreements(read, readings), *compare_published(read, readings, pages))
    return FormatReport(agreements, coverages, tuple(unreadable))


def _agreements(read: Sequence[Source], readings: Mapping[str, Reading]) -> Iterator[Agreement]:
    for source in read:
        if source.alternate_of in readings:
            base = next(one for one in read if one.id == source.alternate_of)
            yield compare_formats(
                _format_name(base), _build(base, readings), _format_name(source), _build(source, readings)
            )


def compare_published(
    read: Sequence[Source], readings: Mapping[str, Reading], pages: Mapping[str, Path]
) -> Iterator[Agreement]:
    """Our consolidation of an act beside the published one, where that was read; it has no preamble.

    `pages` are the files of the amending acts, by source.
    """
    for amending, base, identity in amended_by({source.id: source for source in read}):
        for published in (one for one in read if one.expression == identity):
            ours = amend_source(base, readings[base.id].drafts, amending, pages[amending.id])
            ours_built, theirs = build_provisions(identity, ours), _build(published, readings)
            yield compare_formats(
                f"{base.id} as we amend it", _enacting(ours_built), _format_name(published), _enacting(theirs)
            )


def _enacting(provisions: Iterable[Provision]) -> tuple[Provision, ...]:
    """The articles and annexes with what is in them."""
    return tuple(one for one in provisions if one.kind not in RECITALS)


def _format_name(source: Source) -> str:
    return f"{source.id} ({source.format.value})"


def _build(source: Source, readings: Mapping[str, Reading]) -> tuple[Provision, ...]:
    return build_provisions(source.expression, readings[source.id].drafts)


def read_whole(source: Source, paths: Sequence[Path]) -> Reading:
    """Read a source's files by its format, with all that is printed in them; raises SourceError."""
    match source.format:
        case SourceFormat.FORMEX:
            from ingest.readers.formex import account_formex

            return account_formex(paths)
        case SourceFormat.EURLEX_HTML:
            from ingest.readers.eurlex_html import account_eurlex_html

            return account_eurlex_html(paths[0])
        case _:
            return _reader_of(source.format)(paths[0])


def _reader_of(layout: SourceFormat) -> Callable[[Path], Reading]:
    """The reader of a format whose reader always reads the whole file."""
    match layout:
        case SourceFormat.HTML:
            from ingest.readers.html import read_html

            return read_html
        case SourceFormat.MARKDOWN:
            from ingest.readers.markdown import read_markdown

            return read_markdown
        case SourceFormat.TEXT:
            from ingest.readers.text import read_text

            return read_text
        case SourceFormat.DOCX:
            from ingest.readers.docx import read_docx

            return read_docx
        case _:
            return _pdf_reader_of(layout)


def _pdf_reader_of(layout: SourceFormat) -> Callable[[Path], Reading]:
    match layout:
        case SourceFormat.CETS_PDF:
            from ingest.readers.treaty_pdf import read_treaty

            return read_treaty
        case SourceFormat.OJ_PDF:
            from ingest.readers.oj_pdf import read_oj_pdf

            return read_oj_pdf
        case SourceFormat.GUIDELINES_PDF:
            from ingest.readers.guidelines_pdf import read_guidelines

            return read_guidelines
        case _:
            from ingest.readers.paragraphs import read_paragraphs_pdf

            return read_paragraphs_pdf
