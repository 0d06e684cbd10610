"""What a reader hands back: the drafts of the law, and all else that the file prints, each piece named."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from ingest.instrument import SourceSpan
from ingest.structure import Draft


class FurnitureKind(StrEnum):
    """What a piece of a file is that is no provision's text."""

    TITLE = "title"
    CONTENTS = "contents"
    HEADING = "heading"
    RUNNING_HEAD = "running head"
    RULE = "rule"
    PAGE_NUMBER = "page number"
    FOOTNOTE = "footnote"
    FOOTNOTE_MARK = "footnote mark"
    HYPHEN = "hyphen at a line's end"
    FORMULA = "formula"
    CLOSING = "closing formula"
    UNNUMBERED = "unnumbered text"
    NAVIGATION = "navigation"
    NOTICE = "bibliographic notice"
    MARKER = "amendment marker"


@dataclass(frozen=True, slots=True)
class Furniture:
    """A piece of a file that is no provision's text: what it is, what it says, where it stands."""

    kind: FurnitureKind
    text: str
    source: SourceSpan


@dataclass(frozen=True, slots=True)
class Reading:
    """A file read: its drafts and its furniture, and `printed`, how many characters it prints, white space aside.

    `left` lists the print that is in neither.
    """

    drafts: tuple[Draft, ...]
    furniture: tuple[Furniture, ...]
    printed: int
    left: tuple[str, ...] = ()

    def each_draft(self) -> Iterator[Draft]:
        """All drafts, those inside others included, in the order of print."""
        return each_draft(self.drafts)

    @property
    def accounted(self) -> int:
        """Characters, white space aside, that stand in a provision's text or in furniture."""
        return count_accounted(self.drafts, self.furniture)

    @property
    def coverage(self) -> float:
        """The share of the printed characters that is accounted for: 1.0 is all; more is a piece told twice."""
        return self.accounted / self.printed if self.printed else 1.0


def each_draft(drafts: tuple[Draft, ...]) -> Iterator[Draft]:
    """All drafts, those inside others included, in the order of print."""
    stack = list(reversed(drafts))
    while stack:
        draft = stack.pop()
        yield draft
        stack.extend(reversed(draft.children))


def count_accounted(drafts: tuple[Draft, ...], furniture: Iterable[Furniture]) -> int:
    """The characters, white space aside, of drafts and furniture."""
    held = count_characters(*(draft.own() for draft in each_draft(drafts)))
    return held + count_characters(*(piece.text for piece in furniture))


def count_characters(*texts: str) -> int:
    """The characters of texts that are no white space."""
    return sum(len(word) for text in texts for word in text.split())
