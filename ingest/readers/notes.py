"""Small print: the notes at a page's foot and their marks in the text, told by the size of their letters."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from ingest.readers.blocks import furnish
from ingest.readers.pdf import Line, Run
from ingest.readers.reading import Furniture, FurnitureKind
from ingest.structure import normalise

SMALLER = 1.4  # points: how much smaller than the text notes are set
RAISED = 0.8  # of the text's size: what is smaller is a note's mark or an exponent

_NOTE = re.compile(r"\d{1,4}\s")
_POWER = re.compile(r"(?<!\d)10[⁰¹²³⁴⁵⁶⁷⁸⁹]*$")
_SUPERSCRIPTS = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")


def main_size(line: Line) -> float:
    """The size of most of a line's characters, in points."""
    sizes: Counter[float] = Counter()
    for run in line.runs:
        sizes[run.size] += len(run.text.strip())
    return sizes.most_common(1)[0][0]


def usual_size(bodies: Iterable[Sequence[Line]]) -> float:
    """The size that most lines are set in, in points."""
    sizes = Counter(main_size(line) for body in bodies for line in body)
    return sizes.most_common(1)[0][0] if sizes else 0.0


def split_notes(
    bodies: Iterable[Sequence[Line]], file: str
) -> tuple[tuple[tuple[Line, ...], ...], tuple[Furniture, ...]]:
    """Each page's lines without notes and without their marks; and these, named."""
    bodies = tuple(bodies)
    limit = usual_size(bodies) - SMALLER
    texts: list[tuple[Line, ...]] = []
    furniture: list[Furniture] = []
    for body in bodies:
        notes = [line for line in body if main_size(line) <= limit]
        furniture.extend(_name_notes(notes, file))
        unmarked = [_unmark(line, file) for line in body if main_size(line) > limit]
        texts.append(tuple(line for line, _ in unmarked if line.text))
        furniture.extend(mark for _, marks in unmarked for mark in marks)
    return tuple(texts), tuple(furniture)


def _name_notes(notes: Sequence[Line], file: str) -> Iterator[Furniture]:
    """The notes of a page, one by one: each begins with its number in still smaller print."""
    gathered: list[Line] = []
    for line in notes:
        if gathered and _NOTE.match(line.text) and line.size < main_size(line):
            yield furnish(FurnitureKind.FOOTNOTE, gathered, file)
            gathered = []
        gathered.append(line)
    if gathered:
        yield furnish(FurnitureKind.FOOTNOTE, gathered, file)


def _unmark(line: Line, file: str) -> tuple[Line, list[Furniture]]:
    """The line without the marks of notes, and these; a raised figure after a ten is its exponent and stays raised."""
    size = main_size(line)
    kept: list[str] = []
    marks: list[Furniture] = []
    for run in line.runs:
        figure = run.text.strip()
        if run.size > size * RAISED or not figure.isdigit():
            kept.append(run.text)
        elif _POWER.search("".join(kept)):
            kept.append(run.text.translate(_SUPERSCRIPTS))
        else:
            marks.append(furnish(FurnitureKind.FOOTNOTE_MARK, (replace(line, text=figure),), file))
            kept.append(run.text.replace(figure, ""))
    return replace(line, text=normalise("".join(kept)), runs=_unraised(line.runs, size)), marks


def _unraised(runs: Iterable[Run], size: float) -> tuple[Run, ...]:
    """The runs without raised figures, so that a mark does not change a line's font."""
    return tuple(run for run in runs if run.size > size * RAISED or not run.text.strip().isdigit())
