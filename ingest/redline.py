"""Two wordings word by word: what stays, what is struck, what is put in."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from difflib import SequenceMatcher
from enum import StrEnum

_TOKENS = re.compile(r"\s*\w+|\s*[^\w\s]|\s+")  # a word or a sign, with the white space before it


class Change(StrEnum):
    """What becomes of a run of text."""

    KEPT = "kept"
    DELETED = "deleted"
    INSERTED = "inserted"


@dataclass(frozen=True, slots=True)
class Segment:
    """A run of text and what becomes of it."""

    change: Change
    text: str


def redline(old: str, new: str) -> tuple[Segment, ...]:
    """The new wording against the old, by words; where words are replaced, the deletion comes first.

    What is kept and deleted is `old` to the character, white space included; what is kept and inserted is `new`.
    """
    return tuple(_compare(_TOKENS.findall(old), _TOKENS.findall(new)))


def _compare(old: list[str], new: list[str]) -> Iterator[Segment]:
    matcher = SequenceMatcher(None, old, new, autojunk=False)
    for tag, old_start, old_end, new_start, new_end in matcher.get_opcodes():
        if tag == "equal":
            yield Segment(Change.KEPT, "".join(old[old_start:old_end]))
            continue
        if old_end > old_start:
            yield Segment(Change.DELETED, "".join(old[old_start:old_end]))
        if new_end > new_start:
            yield Segment(Change.INSERTED, "".join(new[new_start:new_end]))
