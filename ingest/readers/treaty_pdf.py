"""Treaties of the Council of Europe from their PDF: chapters, articles, paragraphs, points, by their place on the page.

Labels stand without punctuation in a smaller font left of their text ("1", "a"), so what a block belongs to is told by
where its label and its text begin: a block without a label continues the innermost provision whose text begins there.
"""

import re
from pathlib import Path

from ingest.errors import SourceUnreadable
from ingest.instrument import ProvisionKind, SourceSpan
from ingest.readers.blocks import Block, Branch, finish, furnish, gather_blocks, join_lines, split_margins
from ingest.readers.pdf import Line, read_pages
from ingest.readers.reading import Furniture, FurnitureKind, Reading
from ingest.structure import counted_label

_PREAMBLE = re.compile(r"Preamble|Préambule", re.IGNORECASE)
_AGREED = re.compile(r"Have agreed as follows|Sont convenus de ce qui suit", re.IGNORECASE)
_CHAPTER = re.compile(r"(?:Chapter|Chapitre) (?P<label>[IVXLC]+|\d+) [–-] (?P<heading>.+)")
_ARTICLE = re.compile(r"Article (?P<label>\d+[a-z]*|premier) [–-] (?P<heading>.+)")
_WITNESS = re.compile(r"In witness whereof|En foi de quoi", re.IGNORECASE)
_LABEL = re.compile(r"\d{1,3}|[a-z]{1,4}")

SAME_PLACE = 3.0  # points: closer than this is the same indentation
SMALLER = 1.0  # points: how much smaller than the text a label is set


def read_treaty(path: Path) -> Reading:
    """A treaty's preamble paragraphs and chapters of articles; raises SourceUnreadable when it has no article."""
    pages = read_pages(path)
    bodies, margins = split_margins(pages, path.name)
    reader = _TreatyReader(path.name)
    for block in gather_blocks(bodies, _begins):
        reader.take(block)
    if reader.article is None:
        raise SourceUnreadable(
            f"{path.name}: no heading like “Article 1 – …” was found. Give the Council of Europe's own PDF."
        )
    return finish(reader.branches, (*reader.furniture, *margins), pages)


def _begins(before: Line, line: Line) -> bool:
    """A labelled line begins a block, whatever stands before it."""
    return _label(line) is not None


def _label(line: Line) -> tuple[str, float] | None:
    """A line's label and where its text begins, when it has one: a first run in a smaller font, alone."""
    runs = [run for run in line.runs if run.text.strip()]
    if len(runs) < 2 or runs[1].size - runs[0].size < SMALLER or not _LABEL.fullmatch(runs[0].text.strip()):
        return None
    return runs[0].text.strip(), runs[1].x


class _TreatyReader:
    """Takes a treaty's blocks one after the other; which part it is in follows from what came before."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.branches: list[Branch] = []
        self.furniture: list[Furniture] = []
        self.article: Branch | None = None
        self._open: list[Branch] = []
        self._part = self._title

    def take(self, block: Block) -> None:
        """Take the next block."""
        self._part(block)

    def _name(self, kind: FurnitureKind, block: Block) -> None:
        self.furniture.append(furnish(kind, block.lines, self.file))

    def _title(self, block: Block) -> None:
        if _PREAMBLE.fullmatch(block.text):
            self._name(FurnitureKind.HEADING, block)
            self._part = self._opening
        else:
            self._name(FurnitureKind.TITLE, block)

    def _opening(self, block: Block) -> None:
        """The first block of the preamble says who agrees."""
        self._name(FurnitureKind.FORMULA, block)
        self._part = self._preamble

    def _preamble(self, block: Block) -> None:
        if _AGREED.match(block.text):
            self._name(FurnitureKind.FORMULA, block)
            self._part = self._articles
            return
        branch = self._branch(ProvisionKind.PREAMBLE_PARAGRAPH, str(len(self.branches) + 1), block)
        branch.texts.append(block.text)
        self.branches.append(branch)

    def _articles(self, block: Block) -> None:
        if block.bold and (match := _CHAPTER.fullmatch(block.text)):
            self._name(FurnitureKind.HEADING, block)
            self.branches.append(self._branch(ProvisionKind.CHAPTER, match["label"], block, match["heading"]))
        elif block.bold and (match := _ARTICLE.fullmatch(block.text)):
            self._name(FurnitureKind.HEADING, block)
            label = counted_label(match["label"])
            self._begin_article(self._branch(ProvisionKind.ARTICLE, label, block, match["heading"]))
        elif _WITNESS.match(block.text):
            self._name(FurnitureKind.CLOSING, block)
            self._part = self._closing
        elif self.article is None:
            self._name(FurnitureKind.UNNUMBERED, block)
        else:
            self._provision(block)

    def _closing(self, block: Block) -> None:
        self._name(FurnitureKind.CLOSING, block)

    def _begin_article(self, article: Branch) -> None:
        chapter = self.branches[-1] if self.branches and self.branches[-1].kind is ProvisionKind.CHAPTER else None
        (chapter.children if chapter else self.branches).append(article)
        self.article = article
        self._open = [article]

    def _provision(self, block: Block) -> None:
        labelled = _label(block.lines[0])
        if labelled is None:
            self._unlabelled(block)
            return
        label, body_x = labelled
        while self._open[-1].label_x >= block.x - SAME_PLACE:
            self._open.pop()
        kind = ProvisionKind.PARAGRAPH if label.isdigit() else ProvisionKind.POINT
        branch = self._branch(kind, label, block)
        branch.printed, branch.label_x, branch.body_x = label, block.x, body_x
        branch.texts.append(block.text.removeprefix(label).strip())
        self._open[-1].children.append(branch)
        self._open.append(branch)

    def _unlabelled(self, block: Block) -> None:
        """A first text is the provision's own; a later one is a subparagraph of the innermost that begins there."""
        while len(self._open) > 1 and self._open[-1].body_x > block.x + SAME_PLACE:
            self._open.pop()
        above = self._open[-1]
        if above.is_empty:
            above.texts.append(block.text)
            return
        branch = self._branch(ProvisionKind.SUBPARAGRAPH, "", block)
        branch.texts.append(block.text)
        above.children.append(branch)

    def _branch(self, kind: ProvisionKind, label: str, block: Block, heading: str = "") -> Branch:
        return Branch(kind, label, heading=join_lines([heading]), source=SourceSpan(self.file, block.page))
