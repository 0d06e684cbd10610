"""What a reader hands back: the drafts of the law, and all else that the file prints, each piece named."""

from collections.abc import Iterator
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


@dataclass(frozen=True, slots=True)
class Furniture:
    """A piece of a file that is no provision's text: what it is, what it says, where it stands."""

    kind: FurnitureKind
    text: str
    source: SourceSpan


@dataclass(frozen=True, slots=True)
class Reading:
    """A file read: its drafts and its furniture, and `printed`, how many characters it prints, white space aside."""

    drafts: tuple[Draft, ...]
    furniture: tuple[Furniture, ...]
    printed: int

    def each_draft(self) -> Iterator[Draft]:
        """All drafts, those inside others included, in the order of print."""
        stack = list(reversed(self.drafts))
        while stack:
            draft = stack.pop()
            yield draft
            stack.extend(reversed(draft.children))

    @property
    def accounted(self) -> int:
        """Characters, white space aside, that stand in a provision's text or in furniture."""
        held = sum(count_characters(draft.own()) for draft in self.each_draft())
        return held + sum(count_characters(piece.text) for piece in self.furniture)

    @property
    def coverage(self) -> float:
        """The share of the printed characters that is accounted for: 1.0 is all; more is a piece told twice."""
        return self.accounted / self.printed if self.printed else 1.0


def count_characters(text: str) -> int:
    """The characters of a text that are no white space."""
    return sum(map(len, text.split()))
