"""An act from the PDF of the Official Journal: recitals, articles, annexes, told by labels and by indentation.

A label stands alone left of its text ("(a)", "(i)", "—", in annexes "1."), only a paragraph's number is set with the
text; points of one rank begin their text at one indentation. Two readings need more than geometry: a point of an annex
that only names what follows ("1. Introduction") is a heading, and what an amending provision quotes is its own text.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import pairwise, zip_longest
from pathlib import Path

from ingest.errors import SourceUnreadable
from ingest.instrument import ProvisionKind, SourceSpan
from ingest.readers.blocks import Block, Branch, finish, furnish, gather_blocks, split_margins
from ingest.readers.notes import main_size, usual_size
from ingest.readers.pdf import Line, Page, Run, read_pages
from ingest.readers.reading import Furniture, FurnitureKind, Reading
from ingest.structure import bare_label, normalise

SMALL_PRINT = 0.9  # points: how much smaller than the text notes are set
RAISED = 0.8  # of the text's size: what is smaller is a note's mark or an exponent
SAME_PLACE = 3.0  # points: closer than this is the same indentation
CENTRED = 230.0  # points: a heading of an article, chapter or annex begins right of this
HEAD = 0.9  # of the first page's height: above it stands the journal's own title

_NOTE = re.compile(r"\(\d{1,3}\) ")
_PARAGRAPH = re.compile(r"(?P<printed>(?P<label>\d{1,3}[a-z]{0,2})\.) (?P<text>.+)", re.DOTALL)
_LABEL = re.compile(r"\((?:\d{1,3}[a-z]?|[a-z]{1,5})\)|\d{1,3}(?:\.\d{1,3})*\.|—")
_ARTICLE = re.compile(r"Article (?P<label>\d+[a-z]*)")
_CHAPTER = re.compile(r"CHAPTER (?P<label>[IVXLC]+)")
_SECTION = re.compile(r"SECTION (?P<label>\d+)")
_ANNEX = re.compile(r"ANNEX(?: (?P<label>[IVXLC]+))?")
_ANNEX_SECTION = re.compile(r"Section (?P<label>[A-Z]|\d+)(?:(?:\.| —) (?P<heading>.+))?")
_ENACTED = re.compile(r"THE EUROPEAN (?:PARLIAMENT|COMMISSION)|THE COUNCIL OF THE")
_WHEREAS = re.compile(r"Whereas:?")
_ADOPTED = re.compile(r"HA(?:VE|S) ADOPTED THIS")
_BINDING = re.compile(r"This (?:Regulation|Directive|Decision) (?:shall be binding in its entirety|is addressed to)")
_MARK = re.compile(r" ?\(\x00(\d+)\x00\)|(?<=\S) \((\*+)\)")
_WORD = re.compile(r"[^\W\d_]+(?:-[^\W\d_]+)*")
_HYPHENED = re.compile(r"(?:^|\s)([^\W\d_]{4,})-$")
_STARRED = re.compile(r"\(\*+\) ")
_QUOTE_END = re.compile(r"’[.;,]?$")
_SUPERSCRIPTS = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")


def read_oj_pdf(path: Path) -> Reading:
    """Recitals, chapters of articles, and annexes; raises SourceUnreadable when the file has no article."""
    pages = read_pages(path)
    bodies, margins = split_margins(pages, path.name)
    size = usual_size(bodies)
    reader = _ActReader(path.name)
    texts = [reader.clear(page, body, size) for page, body in zip(pages, bodies, strict=True)]
    blocks = tuple(gather_blocks([reader.mend(texts)], _begins))
    for block, after in zip_longest(blocks, blocks[1:]):
        reader.take(block, after)
    if not reader.articles:
        raise SourceUnreadable(
            f"{path.name}: no line that says “Article 1” was found. Give the PDF of the act from the Official Journal."
        )
    return finish(reader.branches, (*reader.furniture, *margins), pages)


def _begins(before: Line, line: Line) -> bool:
    """Whether a block begins with this line, whatever stands before it: a label apart, or a number at a page's top."""
    numbered = before.page != line.page and _PARAGRAPH.match(line.text) is not None
    centred = max(line.x, before.x) >= CENTRED and not (before.bold and line.bold)
    return numbered or _split_label(line) is not None or centred


def _split_label(line: Line) -> tuple[str, float] | None:
    """A line's label and where its text begins, when the label stands apart from the text."""
    runs = [run for run in line.runs if run.text.strip()]
    if len(runs) < 2 or not _LABEL.fullmatch(runs[0].text.strip()) or runs[1].x - runs[0].x < SAME_PLACE:
        return None
    return runs[0].text.strip(), runs[1].x


class _ActReader:
    """Takes an act's blocks one after the other; which part it is in follows from what came before."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.branches: list[Branch] = []
        self.furniture: list[Furniture] = []
        self.articles = 0
        self._part = self._title
        self._untitled: Branch | None = None
        self._open: list[Branch] = []
        self._quoting = False
        self._recitals = 0
        self._citations = 0

    def clear(self, page: Page, body: Sequence[Line], size: float) -> tuple[Line, ...]:
        """A page's lines from top to foot, without masthead, notes and their marks, which are named."""
        lines = sorted(body, key=lambda line: (-line.y, line.x))
        while page.number == 1 and lines and lines[0].y > page.height * HEAD:
            self._name(FurnitureKind.TITLE, (lines.pop(0),))
        foot = len(lines)
        while foot and main_size(lines[foot - 1]) <= size - SMALL_PRINT:
            foot -= 1
        self._name_notes(lines[foot:])
        return tuple(self._unmark(line) for line in lines[:foot])

    def _name_notes(self, lines: Sequence[Line]) -> None:
        """Name the notes at a page's foot, one by one."""
        starts = [place for place, line in enumerate(lines) if _NOTE.match(line.text)]
        bounds = sorted({0, len(lines), *starts})
        for start, end in pairwise(bounds):
            self._name(FurnitureKind.FOOTNOTE, lines[start:end])

    def _unmark(self, line: Line) -> Line:
        """The line without the marks of notes, "(5)" with a raised figure; other raised figures are exponents."""
        size = main_size(line)
        text = normalise("".join(_flag(run, size) for run in line.runs))
        for mark in _MARK.finditer(text):
            self._name(FurnitureKind.FOOTNOTE_MARK, (replace(line, text=f"({mark[1] or mark[2]})"),))
        kept = re.sub(r"\x00(\d+)\x00", lambda power: power[1].translate(_SUPERSCRIPTS), _MARK.sub("", text))
        return replace(line, text=kept.replace("\x00", ""))

    def mend(self, texts: Iterable[Iterable[Line]]) -> tuple[Line, ...]:
        """All lines, a word that is parted at a line's end put together where the text has it whole elsewhere."""
        lines = [line for text in texts for line in text]
        words = {word for line in lines for word in _WORD.findall(line.text)}
        for place, (before, after) in enumerate(pairwise(lines)):
            head, tail = _HYPHENED.search(before.text), _WORD.match(after.text)
            if head and tail and f"{head[1]}{tail[0]}" in words and f"{head[1]}-{tail[0]}" not in words:
                self._name(FurnitureKind.HYPHEN, (replace(before, text="-"),))
                lines[place] = replace(before, text=f"{before.text[:-1]}{tail[0]}")
                lines[place + 1] = replace(after, text=after.text[tail.end() :].lstrip())
        return tuple(lines)

    def _name(self, kind: FurnitureKind, lines: Iterable[Line]) -> None:
        self.furniture.append(furnish(kind, lines, self.file))

    def take(self, block: Block, after: Block | None) -> None:
        """Take the next block; `after` is the one that follows it."""
        if self._untitled is not None:
            self._untitled.heading = block.text
            self._untitled = None
            self._name(FurnitureKind.HEADING, block.lines)
        elif not self._take_container(block):
            self._part(block, after)

    def _take_container(self, block: Block) -> bool:
        """Open a chapter, section, article or annex where the block is such a heading."""
        text, centred = block.text, block.x >= CENTRED
        if not centred or self._part in (self._title, self._preamble):
            return False
        if match := _ANNEX.fullmatch(text):
            self._begin(self._branch(ProvisionKind.ANNEX, match["label"] or "", block), [])
            self._part = self._provisions
        elif self._open and self._open[0].kind is ProvisionKind.ANNEX:
            return False
        elif match := _CHAPTER.fullmatch(text):
            self._begin(self._branch(ProvisionKind.CHAPTER, match["label"], block), [])
        elif match := _SECTION.fullmatch(text):
            chapters = [one for one in self._open[:1] if one.kind is ProvisionKind.CHAPTER]
            self._begin(self._branch(ProvisionKind.SECTION, match["label"], block), chapters)
        elif match := _ARTICLE.fullmatch(text):
            containers = [one for one in self._open if one.kind in (ProvisionKind.CHAPTER, ProvisionKind.SECTION)]
            self._begin(self._branch(ProvisionKind.ARTICLE, match["label"], block), containers)
            self.articles += 1
        else:
            return False
        self._name(FurnitureKind.HEADING, block.lines)
        return True

    def _begin(self, branch: Branch, above: list[Branch]) -> None:
        """Open a branch whose heading comes next, under those above it."""
        (above[-1].children if above else self.branches).append(branch)
        self._open = [*above, branch]
        self._untitled = branch
        self._quoting = False

    def _title(self, block: Block, after: Block | None) -> None:
        enacted = _ENACTED.match(block.text) is not None
        self._name(FurnitureKind.FORMULA if enacted else FurnitureKind.TITLE, block.lines)
        if enacted:
            self._part = self._preamble

    def _preamble(self, block: Block, after: Block | None) -> None:
        labelled = _split_label(block.lines[0])
        if _ADOPTED.match(block.text):
            self._name(FurnitureKind.FORMULA, block.lines)
            self._part = self._provisions
        elif _WHEREAS.fullmatch(block.text):
            self._name(FurnitureKind.FORMULA, block.lines)
        elif labelled and labelled[0] == f"({self._recitals + 1})":
            self._recitals += 1
            self._open = [self._root(ProvisionKind.RECITAL, str(self._recitals), labelled[0], block)]
        elif self._recitals:
            self._subparagraph(block)
        else:
            self._citations += 1
            self._root(ProvisionKind.PREAMBLE_CITATION, str(self._citations), "", block)

    def _root(self, kind: ProvisionKind, label: str, printed: str, block: Block) -> Branch:
        branch = self._branch(kind, label, block)
        branch.printed = printed
        branch.texts.append(block.text.removeprefix(printed).strip())
        self.branches.append(branch)
        return branch

    def _provisions(self, block: Block, after: Block | None) -> None:
        if not self._open or _BINDING.match(block.text):
            self._name(FurnitureKind.CLOSING if self._open else FurnitureKind.UNNUMBERED, block.lines)
            self._part = self._closing if self._open else self._part
            return
        in_annex = self._open[0].kind is ProvisionKind.ANNEX
        labelled = _split_label(block.lines[0])
        numbered = None if in_annex else _PARAGRAPH.fullmatch(block.text)
        section = _ANNEX_SECTION.fullmatch(block.text) if in_annex else None
        if section:
            self._begin_annex_section(section, block)
        elif _STARRED.match(block.text):
            self._name(FurnitureKind.FOOTNOTE, block.lines)
            self._quoting = self._quoting and not _QUOTE_END.search(block.text)
        elif block.text.startswith("‘") or self._quoting:
            self._open[-1].quoted.append(block.text)
            self._quoting = not _QUOTE_END.search(block.text)
        elif numbered and block.x < CENTRED:
            self._paragraph(numbered, block)
        elif labelled:
            self._labelled(*labelled, block, after)
        else:
            self._subparagraph(block)

    def _closing(self, block: Block, after: Block | None) -> None:
        self._name(FurnitureKind.CLOSING, block.lines)

    def _begin_annex_section(self, match: re.Match[str], block: Block) -> None:
        self._name(FurnitureKind.HEADING, block.lines)
        branch = self._branch(ProvisionKind.ANNEX_SECTION, match["label"], block)
        annex = self._open[0]
        annex.children.append(branch)
        self._open = [annex, branch]
        branch.heading = match["heading"] or ""
        self._untitled = None if branch.heading else branch

    def _paragraph(self, match: re.Match[str], block: Block) -> None:
        while self._open[-1].kind is not ProvisionKind.ARTICLE:
            self._open.pop()
        branch = self._branch(ProvisionKind.PARAGRAPH, match["label"], block)
        branch.printed, branch.body_x = match["printed"], block.x
        branch.texts.append(match["text"])
        self._push(branch)

    def _labelled(self, printed: str, body_x: float, block: Block, after: Block | None) -> None:
        label = "" if printed == "—" else bare_label(printed)
        while self._is_beside(self._open[-1], label, body_x):
            self._open.pop()
        kind = ProvisionKind.POINT if label else ProvisionKind.INDENT
        branch = self._branch(kind, label, block)
        branch.body_x = body_x
        text = block.text.removeprefix(printed).strip()
        if _is_heading(block, printed, text, after):
            branch.heading = text
            self._name(FurnitureKind.HEADING, block.lines)
        else:
            branch.printed = printed
            branch.texts.append(text)
        self._push(branch)

    def _is_beside(self, one: Branch, label: str, body_x: float) -> bool:
        """Whether an open branch ends where a labelled text begins: it is of the same or a deeper rank."""
        within = bool(one.label) and label.startswith(f"{one.label}.")
        return one.body_x >= body_x - SAME_PLACE and not within

    def _subparagraph(self, block: Block) -> None:
        """A first text is the provision's own; a later one is a subparagraph of the innermost that begins there."""
        while len(self._open) > 1 and self._ends(self._open[-1], block.x):
            self._open.pop()
        above = self._open[-1]
        if above.is_empty:
            above.texts.append(block.text)
            return
        branch = self._branch(ProvisionKind.SUBPARAGRAPH, "", block)
        branch.texts.append(block.text)
        branch.body_x = above.body_x
        self._push(branch)

    def _ends(self, one: Branch, x: float) -> bool:
        if one.kind in (ProvisionKind.ARTICLE, ProvisionKind.ANNEX, ProvisionKind.ANNEX_SECTION):
            return False
        return one.kind is ProvisionKind.SUBPARAGRAPH or one.body_x > x + SAME_PLACE

    def _push(self, branch: Branch) -> None:
        self._open[-1].children.append(branch)
        self._open.append(branch)

    def _branch(self, kind: ProvisionKind, label: str, block: Block) -> Branch:
        return Branch(kind, label, source=SourceSpan(self.file, block.page))


def _flag(run: Run, size: float) -> str:
    """A run's text, a raised figure between NUL characters."""
    figure = run.text.strip()
    return f"\x00{figure}\x00" if run.size <= size * RAISED and figure.isdigit() else run.text


def _is_heading(block: Block, printed: str, text: str, after: Block | None) -> bool:
    """Whether a point only names what follows: one short line, then its unlabelled text or its first subpoint."""
    if after is None or len(block.lines) > 1 or text.endswith((":", ";", ",")) or not printed[0].isdigit():
        return False
    labelled = _split_label(after.lines[0])
    if labelled is None:
        return not text.endswith(".") and after.x > block.x + SAME_PLACE
    subpoint = labelled[0].startswith(printed) and labelled[0] != printed
    return subpoint or (after.x > block.x + SAME_PLACE and not text.endswith("."))
