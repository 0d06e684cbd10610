"""Documents without numbered provisions: paragraphs counted from the top, and for a PDF from the top of each page."""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

from ingest.errors import SourceUnreadable
from ingest.instrument import ProvisionKind, SourceSpan
from ingest.readers.accounting import find_left
from ingest.readers.blocks import SENTENCE_END, Block, Usual, furnish, gather_blocks, is_item, split_margins
from ingest.readers.notes import main_size, split_notes, usual_size
from ingest.readers.opening import shown
from ingest.readers.pdf import Line, Page, read_pages
from ingest.readers.reading import Furniture, FurnitureKind, Reading, count_characters
from ingest.structure import Draft, normalise

EDGE = 0.06  # of the page's height, at the top and at the foot: outside the text
APART = 1.1  # times the usual distance of two lines: after a sentence's end, a new paragraph
LARGER = 1.0  # points: how much larger than the text a heading is set
SHORT_TITLE = 40  # characters

_HEADING = re.compile(r"[^a-z].{0,200}")
_LEADERS = "....."
_BULLETS = str.maketrans(dict.fromkeys("\uf0a7\uf0b7\uf0d8\uf0fc", "•"))


def read_paragraphs_pdf(path: Path) -> Reading:
    """A PDF's paragraphs, each labelled by its place on the page it begins on; raises SourceUnreadable."""
    pages = read_pages(path)
    bodies, margins = split_margins(pages, path.name)
    inner, edges = _split_edges(pages, bodies, path.name)
    texts, notes = split_notes(inner, path.name)
    drafts, furniture = _read_blocks(texts, path.name)
    if not drafts:
        raise SourceUnreadable(f"{shown(path)}: it has headings but no paragraph of text. Add a file with a text.")
    lines = [line.text for page in pages for line in page.lines]
    named, printed = (*furniture, *notes, *edges, *margins), count_characters(*lines)
    return Reading(drafts, named, printed, find_left(lines, drafts, named, printed))


def _read_blocks(texts: Sequence[Sequence[Line]], file: str) -> tuple[tuple[Draft, ...], tuple[Furniture, ...]]:
    size = usual_size(texts)
    usual = Usual.of([line for text in texts for line in text])
    drafts: list[Draft] = []
    furniture: list[Furniture] = []
    heading = ""
    places: Counter[int] = Counter()
    for block in gather_blocks(texts, lambda before, line: _begins(before, line, size, usual)):
        kind = _furniture_kind(block, size)
        if kind is not None:
            furniture.append(furnish(kind, block.lines, file))
            heading = _text(block) if kind is FurnitureKind.HEADING else heading
        else:
            places[block.page] += 1
            label, source = str(places[block.page]), SourceSpan(file, block.page)
            drafts.append(Draft(ProvisionKind.PAGE_PARAGRAPH, label, heading=heading, text=_text(block), source=source))
    return tuple(drafts), tuple(furniture)


def _text(block: Block) -> str:
    """A block's text, its font's own bullets written as plain ones."""
    return block.text.translate(_BULLETS)


def _split_edges(
    pages: Sequence[Page], bodies: Iterable[Sequence[Line]], file: str
) -> tuple[tuple[tuple[Line, ...], ...], tuple[Furniture, ...]]:
    """Each page's lines without what stands at its very top and foot; and this, named."""
    inner: list[tuple[Line, ...]] = []
    edges: list[Furniture] = []
    for page, body in zip(pages, bodies, strict=True):
        outer = [line for line in body if not page.height * EDGE < line.y < page.height * (1 - EDGE)]
        edges.extend(furnish(FurnitureKind.RUNNING_HEAD, (line,), file) for line in outer)
        inner.append(tuple(line for line in body if line not in outer))
    return tuple(inner), tuple(edges)


def _begins(before: Line, line: Line, size: float, usual: Usual) -> bool:
    """Whether a block begins: a list's item, an entry of the contents, a heading or its text, a sentence apart."""
    apart = before.page == line.page and before.y - line.y > usual.leading * APART
    return (
        is_item(before, line)
        or _LEADERS in before.text
        or _is_large(before, size) != _is_large(line, size)
        or (apart and before.text.endswith(SENTENCE_END))
    )


def _is_large(line: Line, size: float) -> bool:
    return main_size(line) >= size + LARGER


def _furniture_kind(block: Block, size: float) -> FurnitureKind | None:
    """What a block is that is no paragraph, or None."""
    if any(_LEADERS in line.text for line in block.lines):
        return FurnitureKind.CONTENTS
    large = all(_is_large(line, size) for line in block.lines)
    titled = large or block.bold or _is_short_title(block)
    return FurnitureKind.HEADING if titled and _HEADING.fullmatch(block.text) else None


def _is_short_title(block: Block) -> bool:
    """Whether a block is a few words in italics, and no sentence."""
    short = len(block.text) <= SHORT_TITLE and not block.text.endswith((*SENTENCE_END, ","))
    return short and all(line.emphasised for line in block.lines)


def number_paragraphs(path: Path, pieces: Iterable[tuple[str, str]], furniture: Iterable[Furniture] = ()) -> Reading:
    """A reading of (heading, text) pieces in the file's order, labelled 1, 2, …; raises SourceUnreadable for none."""
    kept = [(heading, text) for heading, text in pieces if normalise(text)]
    if not kept:
        raise SourceUnreadable(f"{shown(path)}: it has no paragraph of text. Add a file with a text.")
    drafts = tuple(
        Draft(ProvisionKind.NUMBERED_PARAGRAPH, str(number), heading=heading, text=text, source=SourceSpan(path.name))
        for number, (heading, text) in enumerate(kept, start=1)
    )
    named = tuple(furniture)
    held = count_characters(*(text for _, text in kept), *(piece.text for piece in named))
    return Reading(drafts, named, held)
