"""Pages of PDF sources as images, with quoted words marked (the only door to pypdfium2).

A page is drawn in a process of its own, with a limit on its time and memory, for a user's own document may be anything.
Which file is drawn comes from the manifest and from the user's list of documents, never from an address.
"""

import io
import unicodedata
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass
from difflib import SequenceMatcher
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING

from ingest.documents import documents_folder, list_documents
from ingest.errors import SourceMissing, SourceUnreadable
from ingest.instrument import Expression, Provision
from ingest.isolation import Limits, run_isolated
from ingest.manifest import Manifest, Source, SourceFormat, Use, load_manifest
from ingest.sources import find_sources

if TYPE_CHECKING:
    from pypdfium2 import PdfDocument, PdfPage, PdfTextPage

PDF_FORMATS = frozenset({SourceFormat.CETS_PDF, SourceFormat.OJ_PDF, SourceFormat.GUIDELINES_PDF, SourceFormat.PDF})
WIDTH = 1100
TALLEST = 3
LARGEST = 200 * 2**20
LIMITS = Limits(seconds=20, space=2 * 2**30)
KEPT = 24
PATIENCE = 30.0
LEAST_RUN = 18
LEAST_SHARE = 0.15
COLOURS = 48
MARK = (255, 229, 138)

_HYPHENS = frozenset("-\u00ad\u2010\u2011\ufffe\x02")

Box = tuple[float, float, float, float]
"""Left, bottom, right, top in the page's points."""


@dataclass(frozen=True, slots=True)
class Leaf:
    """A page of a source's PDF file, the first being 1."""

    source: Source
    page: int


def find_leaves(wording: Expression, provision: Provision) -> tuple[Leaf, ...]:
    """The page that a provision begins on and, where its words may run over, the one after; none without a PDF.

    An article that was read from Formex stands on the same page of the Official Journal's PDF, unless it was amended.
    """
    page = provision.source.page
    source = _source_of(wording, provision) if page else None
    if source is None:
        return ()
    following = _following(wording, provision)
    runs_over = following is None or following.source.page > page
    return tuple(Leaf(source, one) for one in (page, page + 1)[: 2 if runs_over and following else 1])


def _following(wording: Expression, provision: Provision) -> Provision | None:
    """The next provision that was read from the same file, after all that lies in this one."""
    place = wording.provisions.index(provision)
    later = (one for one in wording.provisions[place + 1 :] if not provision.pinpoint.contains(one.pinpoint))
    return next((one for one in later if one.source.file == provision.source.file and one.source.page), None)


def _source_of(wording: Expression, provision: Provision) -> Source | None:
    """The PDF that a provision was read from, or that prints what it was read from on the same pages."""
    own = [
        one
        for one in (*load_manifest().sources, *list_documents())
        if one.instrument == wording.instrument and one.language == wording.id.language and one.format in PDF_FORMATS
    ]
    for source in own:
        if provision.source.file in {Path(file.path).name for file in source.files}:
            return source
    unamended = not any(one.changed_by for one in wording.subtree(provision.pinpoint))
    return next((one for one in own if unamended and _prints(one, provision.source.file)), None)


def _prints(source: Source, file: str) -> bool:
    """Whether a source is the same text as the Formex file, whose pages are those of the Official Journal."""
    read = next((one for one in load_manifest().sources if one.id == source.alternate_of), None)
    return (
        read is not None and read.format is SourceFormat.FORMEX and file in {Path(one.path).name for one in read.files}
    )


def find_file(source: Source, corpus: Path | None) -> Path:
    """The checked file of a source: a user's own, or one of the search path; raises SourceMissing."""
    own = {one.id for one in list_documents()}
    folder = documents_folder() if source.id in own else corpus
    alone = source.model_copy(update={"use": Use.CORPUS, "alternate_of": ""})
    found = find_sources(Manifest(version=1, sources=(alone,)), folder, download=False).get(source.id)
    if found is None:
        raise SourceMissing(f"{source.short_title}: its file is not at hand, so that no page of it can be shown.")
    return found.paths[0]


class PageImages:
    """Draws pages, and keeps the last ones."""

    def __init__(self, corpus: Path | None) -> None:
        self._corpus = corpus
        self._kept: OrderedDict[tuple[str, int, str], bytes] = OrderedDict()
        self._lock = Lock()

    def png(self, leaf: Leaf, words: str) -> bytes:
        """A page as PNG with words marked where they stand on it; raises SourceError."""
        key = (leaf.source.files[0].sha256 or leaf.source.id, leaf.page, words)
        if not self._lock.acquire(timeout=PATIENCE):  # one page is drawn at a time
            raise SourceUnreadable("Other pages are being drawn at the moment; try again.")
        try:
            if key in self._kept:
                self._kept.move_to_end(key)
                return self._kept[key]
            file = find_file(leaf.source, self._corpus)
            name = f"{leaf.source.short_title}, page {leaf.page}"
            drawn = run_isolated(name, draw_page, file, leaf.page, words, limits=LIMITS)
            self._kept[key] = drawn
            if len(self._kept) > KEPT:
                self._kept.popitem(last=False)
            return drawn
        finally:
            self._lock.release()


def draw_page(file: Path, page: int, words: str) -> bytes:
    """A page of a PDF file as PNG, words marked; raises SourceUnreadable, or SourceMissing for a page there is not."""
    import pypdfium2

    if file.stat().st_size > LARGEST:
        raise SourceUnreadable(f"{file.name}: it is larger than {LARGEST >> 20} MB, so that no page of it is drawn.")
    try:
        document = pypdfium2.PdfDocument(file)
    except pypdfium2.PdfiumError as error:
        raise SourceUnreadable(f"{file.name}: it cannot be drawn ({error}).") from None
    try:
        return _draw(document, file.name, page, words)
    finally:
        document.close()


def _draw(document: "PdfDocument", name: str, page: int, words: str) -> bytes:
    from PIL import Image, ImageChops, ImageDraw

    if not 1 <= page <= len(document):
        raise SourceMissing(f"{name}: it has {len(document)} pages, and none that is number {page}.")
    leaf = document[page - 1]
    width, height = leaf.get_size()
    if width <= 0 or height / width > TALLEST:
        raise SourceUnreadable(f"{name}: page {page} has a shape that is not drawn ({width:.0f} × {height:.0f}).")
    scale = WIDTH / width
    image = leaf.render(scale=scale, may_draw_forms=False).to_pil().convert("RGB")
    marks = Image.new("RGB", image.size, "white")
    pen = ImageDraw.Draw(marks)
    for left, bottom, right, top in find_boxes(leaf, words):
        pen.rectangle((*_at(leaf, left, top, scale, height), *_at(leaf, right, bottom, scale, height)), fill=MARK)
    drawn = io.BytesIO()
    ImageChops.multiply(image, marks).quantize(COLOURS).save(drawn, "PNG", optimize=True)
    return drawn.getvalue()


def _at(leaf: "PdfPage", x: float, y: float, scale: float, height: float) -> tuple[float, float]:
    """A point of the page in pixels of its image: the crop box is what is drawn."""
    left, bottom, _, _ = leaf.get_cropbox()
    return (x - left) * scale, (height - (y - bottom)) * scale


def find_boxes(leaf: "PdfPage", words: str) -> tuple[Box, ...]:
    """The rectangles of words on a page, a line each; none on a page that is turned, and where they are not on it."""
    if not words.strip() or leaf.get_rotation():
        return ()
    text = leaf.get_textpage()
    letters = list(_letters(text))
    numbers = find_letters("".join(letter for _, letter in letters), words)
    return tuple(_lines(text, [letters[number][0] for number in numbers]))


def find_letters(printed: str, words: str) -> list[int]:
    """Where the letters of words stand in a page's letters: in runs, for a running head or a note may lie between."""
    wanted = "".join(folded for letter in words for folded in _fold(letter))
    if not wanted:
        return []
    whole = printed.find(wanted)
    if whole >= 0:
        return list(range(whole, whole + len(wanted)))
    blocks = SequenceMatcher(None, wanted, printed, autojunk=False).get_matching_blocks()
    runs = [block for block in blocks if block.size >= min(LEAST_RUN, len(wanted))]
    if sum(block.size for block in runs) < LEAST_SHARE * len(wanted):
        return []
    return [number for block in runs for number in range(block.b, block.b + block.size)]


def _letters(text: "PdfTextPage") -> Iterator[tuple[int, str]]:
    """The letters of a page, folded, each with its number: without white space, hyphens and case."""
    from pypdfium2.raw import FPDFText_GetUnicode

    for number in range(text.count_chars()):
        code = FPDFText_GetUnicode(text.raw, number)
        for letter in _fold(chr(code)) if 0 < code < 0x110000 else ():
            yield number, letter


def _fold(letter: str) -> Iterator[str]:
    if letter in _HYPHENS:
        return
    for one in unicodedata.normalize("NFKD", letter).casefold():
        if one.isalnum():
            yield one


def _lines(text: "PdfTextPage", numbers: list[int]) -> Iterator[Box]:
    """The boxes of letters, those that follow each other on a line made one."""
    line: Box | None = None
    before = -2
    for number in dict.fromkeys(numbers):
        left, bottom, right, top = text.get_charbox(number, loose=True)
        follows = (
            line is not None and number - before < 8 and left >= line[0] and abs(bottom - line[1]) < (top - bottom) / 2
        )
        if line is not None and follows:
            line = (line[0], min(line[1], bottom), max(line[2], right), max(line[3], top))
        else:
            if line is not None:
                yield line
            line = (left, bottom, right, top)
        before = number
    if line is not None:
        yield line
