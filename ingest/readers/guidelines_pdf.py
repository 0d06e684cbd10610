"""The Commission's guidelines from their PDF: paragraphs numbered (1), (2), … under section headings.

What follows a numbered paragraph up to the next one, or to a heading, belongs to it: an unmarked block is a
subparagraph, a block with a bullet or a letter before it an indent (letters begin again within a paragraph, so they
name no place). Notes at the page's foot are told by their smaller print.
"""

import re
from collections import Counter
from collections.abc import Sequence
from itertools import zip_longest
from pathlib import Path

from ingest.errors import SourceUnreadable
from ingest.instrument import ProvisionKind, SourceSpan
from ingest.readers.blocks import (
    Block,
    Branch,
    finish,
    furnish,
    gather_blocks,
    is_item,
    split_margins,
    split_mark,
)
from ingest.readers.notes import split_notes
from ingest.readers.pdf import Line, read_pages
from ingest.readers.reading import Furniture, FurnitureKind, Reading

_NUMBER = re.compile(r"\((?P<label>\d{1,4})\)\s*(?P<text>.*)")
_SECTION = re.compile(r"(?:\d{1,2}(?:\.\d{1,2})*\.?|[IVX]+\.|[A-Z](?:\.\d)+\.?) \S|Annex: \S")
_LETTERED = re.compile(r"[a-z]\) \S|Scenario \d")
_TITLE = re.compile(r"[A-Z‘“].{,120}[^.;:”]")

OUTDENT = 5.0  # points: how far left of its text a paragraph's number stands
NEXT_ROW = 100.0  # points: a line that begins so far left of the one before it begins a table's next row


def read_guidelines(path: Path) -> Reading:
    """Numbered paragraphs, each under its section's heading; raises SourceUnreadable when the file has none."""
    pages = read_pages(path)
    bodies, margins = split_margins(pages, path.name)
    texts, notes = split_notes(bodies, path.name)
    reader = _GuidelinesReader(path.name, texts)
    blocks = tuple(gather_blocks(texts, reader.begins))
    for block, after in zip_longest(blocks, blocks[1:]):
        reader.take(block, after)
    if not reader.paragraphs:
        raise SourceUnreadable(
            f"{path.name}: no paragraph numbered (1), (2), … was found. Add it as a document without numbers."
        )
    return finish(reader.paragraphs, (*reader.furniture, *notes, *margins), pages)


class _GuidelinesReader:
    """Takes a document's blocks one after the other; paragraphs are numbered without a gap."""

    def __init__(self, file: str, texts: Sequence[Sequence[Line]]) -> None:
        self.file = file
        self.paragraphs: list[Branch] = []
        self.furniture: list[Furniture] = []
        self._numbers = _find_numbers(texts)
        self._headings: list[str] = []
        self._within = False

    def begins(self, before: Line, line: Line) -> bool:
        """Whether a block begins with this line: a number, a mark, a heading, a table's next row."""
        outdented = line.x < before.x - NEXT_ROW
        return line in self._numbers or is_item(before, line) or _is_heading(line) or outdented

    def take(self, block: Block, after: Block | None) -> None:
        """Take the next block; `after` is the one that follows it."""
        number = self._numbers.get(block.lines[0])
        if number is not None:
            self._begin_paragraph(number, block)
        elif block.page > 1 and (_is_heading(block.lines[0]) or self._is_title_of(block, after)):
            self._head(block)
        elif self._within:
            self._continue(block)
        else:
            self.furniture.append(furnish(self._kind_outside(block), block.lines, self.file))

    def _kind_outside(self, block: Block) -> FurnitureKind:
        """What a block is that stands under no number: cover, contents, or an unnumbered text under a heading."""
        if block.page == 1:
            return FurnitureKind.TITLE
        return FurnitureKind.UNNUMBERED if self.paragraphs else FurnitureKind.CONTENTS

    def _begin_paragraph(self, number: str, block: Block) -> None:
        printed = f"({number})"
        self._within = True
        self.paragraphs.append(
            Branch(
                ProvisionKind.NUMBERED_PARAGRAPH,
                number,
                printed,
                heading=" > ".join(self._headings),
                texts=[block.text.removeprefix(printed).strip()],
                source=SourceSpan(self.file, block.page),
            )
        )

    def _head(self, block: Block) -> None:
        """A section's heading replaces the one before it; one without a section's number stands under that."""
        self.furniture.append(furnish(FurnitureKind.HEADING, block.lines, self.file))
        self._within = False
        above = [] if _SECTION.match(block.text) else self._headings[:1]
        self._headings = [*above, block.text]

    def _is_title_of(self, block: Block, after: Block | None) -> bool:
        """Whether an unnumbered title stands over the numbered paragraph or the heading that follows it."""
        over = after is not None and (after.lines[0] in self._numbers or _is_heading(after.lines[0]))
        title = _TITLE.fullmatch(block.text) is not None
        return over and title and all(line.emphasised for line in block.lines)

    def _continue(self, block: Block) -> None:
        mark, text = split_mark(block.text)
        kind = ProvisionKind.INDENT if mark else ProvisionKind.SUBPARAGRAPH
        branch = Branch(kind, printed=mark, texts=[text], source=SourceSpan(self.file, block.page))
        self.paragraphs[-1].children.append(branch)


def _find_numbers(texts: Sequence[Sequence[Line]]) -> dict[Line, str]:
    """The lines that begin a numbered paragraph, with its number: outdented, and each one more than the last."""
    lines = [line for text in texts for line in text]
    left = Counter(line.x for line in lines).most_common(1)[0][0] if lines else 0.0
    numbers: dict[Line, str] = {}
    for line in lines:
        match = _NUMBER.match(line.text)
        if match and int(match["label"]) == len(numbers) + 1 and line.x < left - OUTDENT:
            numbers[line] = match["label"]
    return numbers


def _is_heading(line: Line) -> bool:
    """Whether a section's or subsection's heading begins: numbered or lettered, and bold or italic throughout."""
    return line.emphasised and (_SECTION.match(line.text) or _LETTERED.match(line.text)) is not None
