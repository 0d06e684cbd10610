"""Every character of a file accounted for: in a provision, named as furniture, or left over and listed.

The print is followed in its order beside the drafts' text: a run that goes on where that stands is held by a provision.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ingest.instrument import SourceSpan
from ingest.readers.reading import Furniture, FurnitureKind, Reading, count_accounted, each_draft
from ingest.structure import Draft, normalise

LOST_SIGHT = 2_000  # characters: how far ahead in the drafts a run is looked for that does not come next
TELLING = 12  # characters: a shorter run is not looked for ahead, for it may stand anywhere

_LINE_END = re.compile(r"[’”»;.,]*\n")
_PLAIN = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻", "0123456789+-")


@dataclass(frozen=True, slots=True)
class Run:
    """A run of print: its text, what its markup says it is, and what it is `otherwise`, where no draft has it.

    A run with an `otherwise` is a whole line.
    """

    text: str
    place: str
    kind: FurnitureKind | None = None
    otherwise: FurnitureKind | None = None


def account(drafts: tuple[Draft, ...], runs: Iterable[Run], file: str) -> Reading:
    """The reading of a file whose drafts and whose runs of print are in one order."""
    lines = (line for draft in each_draft(drafts) for line in draft.own().split("\n"))
    held = "".join(f"{_compact(line)}\n" for line in lines if line)
    position, printed = 0, 0
    furniture: list[Furniture] = []
    left: list[str] = []
    for run in runs:
        piece = _compact(run.text)
        printed += len(piece)
        end = -1 if run.kind else _follow(held, position, piece, whole=run.otherwise is not None)
        if end >= 0:
            position = end
        elif kind := run.kind or run.otherwise:
            furniture.append(Furniture(kind, run.text, SourceSpan(file, anchor=run.place)))
        else:
            left.append(f"{run.place}: {normalise(run.text)}".removeprefix(": "))
    return Reading(drafts, tuple(piece for piece in furniture if piece.text.strip()), printed, tuple(left))


def find_left(
    lines: Sequence[str], drafts: tuple[Draft, ...], furniture: Sequence[Furniture], printed: int
) -> tuple[str, ...]:
    """The lines that stand neither in one draft nor in one piece of furniture, where characters are missing."""
    if count_accounted(drafts, furniture) >= printed:
        return ()
    held = [*(_compact(draft.own()) for draft in each_draft(drafts)), *(_compact(piece.text) for piece in furniture)]
    whole = "\n".join(held)
    return tuple(line for line in lines if _compact(line) not in whole)


def _compact(text: str) -> str:
    """A text without white space, normalised, raised figures lowered: what print and draft have in common."""
    return "".join(normalise(text).split()).translate(_PLAIN)


def _follow(held: str, position: int, piece: str, *, whole: bool) -> int:
    """Where a piece ends that goes on at a position; -1 where it does not.

    What may be furniture is held as a `whole` line or not at all; any other piece may come a little later.
    """
    position += held.startswith("\n", position)
    end = position + len(piece)
    if held.startswith(piece, position) and (not whole or _LINE_END.match(held, end)):
        return end
    if whole:
        return -1
    found = held.find(piece, position, position + LOST_SIGHT) if len(piece) >= TELLING else -1
    return -1 if found < 0 else found + len(piece)
