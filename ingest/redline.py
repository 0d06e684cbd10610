"""Two wordings word by word, paragraph by paragraph: what stays, what is struck, what is put in."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from enum import StrEnum
from itertools import groupby

_WORD = re.compile(r"\w+")
_PARAGRAPH = re.compile(r"\n?[^\n]*")
ALIKE = 0.3  # of the words of two paragraphs that both have: below, one is no rewording of the other


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
    """The new wording against the old, by words; where words of a paragraph are replaced, the deletion comes first.

    What is kept and deleted is `old` to the character, white space included; what is kept and inserted is `new`. Words
    are found again apart from their case and from the signs around them, which are struck and put in by themselves.
    """
    return tuple(_join(_compare(_PARAGRAPH.findall(old), _PARAGRAPH.findall(new))))


def _join(segments: Iterable[Segment]) -> Iterator[Segment]:
    for change, run in groupby((one for one in segments if one.text), key=lambda one: one.change):
        yield Segment(change, "".join(one.text for one in run))


def _compare(old: Sequence[str], new: Sequence[str]) -> Iterator[Segment]:
    """Paragraphs, each with the break before it: those that are the same, those reworded, those struck or put in."""
    matcher = SequenceMatcher(None, [tuple(_words(one)) for one in old], [tuple(_words(one)) for one in new], False)
    for tag, old_start, old_end, new_start, new_end in matcher.get_opcodes():
        ours, theirs = old[old_start:old_end], new[new_start:new_end]
        for before, after in zip(ours, theirs, strict=True) if tag == "equal" else _pair(ours, theirs):
            yield from _reword(before, after)


def _pair(old: Sequence[str], new: Sequence[str]) -> Iterator[tuple[str, str]]:
    """The paragraphs of a stretch side by side, in the pairing that has most in common; "" beside what has no other."""
    sums = [[0.0] * (len(new) + 1) for _ in range(len(old) + 1)]
    shares = _shares(old, new)
    for i in reversed(range(len(old))):
        for j in reversed(range(len(new))):
            sums[i][j] = max(sums[i + 1][j], sums[i][j + 1], sums[i + 1][j + 1] + shares[i][j])
    i = j = 0
    while i < len(old) and j < len(new):
        if shares[i][j] and sums[i][j] == sums[i + 1][j + 1] + shares[i][j]:
            yield old[i], new[j]
            i, j = i + 1, j + 1
        elif sums[i][j] == sums[i + 1][j]:
            yield old[i], ""
            i += 1
        else:
            yield "", new[j]
            j += 1
    yield from ((one, "") for one in old[i:])
    yield from (("", one) for one in new[j:])


def _shares(old: Sequence[str], new: Sequence[str]) -> list[list[float]]:
    """How much each two paragraphs have in common; nothing where that is too little."""
    if len(old) == len(new) == 1:
        return [[1.0]]
    ours, theirs = [frozenset(_words(one)) for one in old], [frozenset(_words(one)) for one in new]
    shares = [[2 * len(one & other) / max(len(one) + len(other), 1) for other in theirs] for one in ours]
    return [[share if share >= ALIKE else 0.0 for share in row] for row in shares]


def _words(text: str) -> list[str]:
    return _WORD.findall(text.casefold())


def _reword(old: str, new: str) -> Iterator[Segment]:
    """A paragraph against another: each word that both have, and what stands between two of these."""
    ours, theirs = tuple(_WORD.finditer(old)), tuple(_WORD.finditer(new))
    matcher = SequenceMatcher(None, [one[0].casefold() for one in ours], [one[0].casefold() for one in theirs], False)
    at, there = 0, 0
    for first, second, size in matcher.get_matching_blocks():
        for one, other in zip(ours[first : first + size], theirs[second : second + size], strict=True):
            yield from _replace(old[at : one.start()], new[there : other.start()])
            yield from _replace(one[0], other[0])
            at, there = one.end(), other.end()
    yield from _replace(old[at:], new[there:])


def _replace(old: str, new: str) -> Iterator[Segment]:
    """A stretch in which no word is the same: the signs and the white space at its ends may be."""
    if old == new:
        yield Segment(Change.KEPT, old)
        return
    before = _shared_signs(old, new)
    if old[:before].isspace():  # a space belongs to the word after it
        before = 0
    after = _shared_signs(old[before:][::-1], new[before:][::-1])
    if before == 0:
        before = _shared_signs(old[: len(old) - after], new[: len(new) - after])
    yield Segment(Change.KEPT, old[:before])
    yield Segment(Change.DELETED, old[before : len(old) - after])
    yield Segment(Change.INSERTED, new[before : len(new) - after])
    yield Segment(Change.KEPT, old[len(old) - after :])


def _shared_signs(old: str, new: str) -> int:
    """How many characters, none of a word, two texts begin with alike."""
    length = 0
    for one, other in zip(old, new, strict=False):
        if one != other or _WORD.match(one):
            break
        length += 1
    return length
