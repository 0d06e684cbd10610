"""A corrigendum read into operations on the act that it corrects; its words have effect from the act's original date.

What the Official Journal prints ("On page 5, Article 3(2): for: ‘…’, read: ‘…’.") is read to its last word or refused
with AmendmentError: nothing is corrected by halves.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from ingest.amendment import read_order, read_target
from ingest.errors import AmendmentError
from ingest.operations import Operation, OperationKind, apply_operations
from ingest.pinpoint import Pinpoint, Step, StepKind
from ingest.structure import Draft, bare_label, normalise

LONGEST = 20_000  # characters of one correction: more is another kind of document

_BEGINS = re.compile(r"(?:\(?\d+[.)] )?(?:on )?pages? [\divxlc/-]+(?:(?:,| and| to) [\divxlc/-]+)*, ?", re.IGNORECASE)
_FOOTER = re.compile(r"(?:ELI: |ISSN |https?://|\(\*?\d*\) ?OJ |\d+/\d+$|EN$|OJ L)", re.IGNORECASE)
_CELLS = re.compile(r"\s*\|\s*")  # between the cells of a row
_FOR = re.compile(r"[:,]?\s{1,3}for:?\s{0,3}[‘“'\"]", re.IGNORECASE)
_READ = re.compile(r"[’”'\"]\s{0,3}[,;.]?\s{1,3}read:?\s{0,3}[‘“'\"]", re.IGNORECASE)
_END = re.compile(r"[’”'\"]\s{0,3}[.,;]?\Z")
_LABELLED = re.compile(r"(?P<label>\(\w+\)|\d+[a-z]*\.|[a-z]\)) (?P<rest>.*)")


@dataclass(frozen=True, slots=True)
class _Entry:
    """One correction as it is printed, its lines joined by line feeds, and the paragraph that it begins in."""

    number: str
    text: str


def correct(
    base: tuple[Draft, ...], corrigendum: Sequence[Draft], name: str
) -> tuple[tuple[Draft, ...], tuple[Operation, ...]]:
    """An act as a corrigendum corrects it, and the operations that do; raises AmendmentError, which names `name`."""
    operations = read_corrections(corrigendum, name)
    try:
        return apply_operations(base, operations, None), operations
    except AmendmentError as error:
        raise AmendmentError(f"{name}: {error}") from None


def read_corrections(corrigendum: Sequence[Draft], name: str) -> tuple[Operation, ...]:
    """What the paragraphs of a corrigendum order, in the order of print."""
    operations = tuple(operation for entry in _entries(corrigendum, name) for operation in _read(entry, name))
    if not operations:
        raise AmendmentError(f"{name}: nothing in it begins like `On page 5, Article 3(2):`; give a corrigendum.")
    return operations


def _entries(corrigendum: Sequence[Draft], name: str) -> Iterator[_Entry]:
    """The corrections, each from the line on that names a page; what comes before the first is the title."""
    number, lines = "", list[str]()
    for draft in corrigendum:
        for line in (normalise(_CELLS.sub(" ", one)) for one in draft.whole().split("\n")):
            if _BEGINS.match(line):
                if lines:
                    yield _Entry(number, "\n".join(lines))
                number, lines = draft.label, [line]
            elif lines and line and not _FOOTER.match(line):
                lines.append(line)
    if lines:
        yield _Entry(number, "\n".join(lines))


def _read(entry: _Entry, name: str) -> Iterator[Operation]:
    amending = Pinpoint((Step(StepKind.NUMBERED, entry.number),))
    if len(entry.text) > LONGEST:
        raise AmendmentError(
            f"{name}, {amending}: {len(entry.text):,} characters are no correction; give a corrigendum."
        )
    text = _BEGINS.sub("", entry.text, count=1)
    parts = _part(text)
    if parts is None:
        yield from read_order(amending, " ".join(text.split()), name)
        return
    place, *quoted = parts
    target = read_target(amending, place, name)
    old, new = (one.split("\n") for one in quoted)
    if len(old) != len(new):
        raise target.fail(f"{name} has {len(old)} lines for and {len(new)} lines to read")
    for before, after in zip(old, new, strict=True):
        yield from _changes(target, before, after)


def _part(text: str) -> tuple[str, str, str] | None:
    """The place, the words printed and the words to read; None where a correction says it otherwise."""
    begins, ends = _FOR.search(text), _END.search(text)
    if begins is None or ends is None:
        return None
    quoted = _READ.split(text[begins.end() : ends.start()])
    return (text[: begins.start()], quoted[0], quoted[1]) if len(quoted) == 2 else None


def _changes(target: Operation, old: str, new: str) -> Iterator[Operation]:
    """The operations that make one line another; its label is no part of the words."""
    before, after = _LABELLED.fullmatch(old), _LABELLED.fullmatch(new)
    if before is not None and after is not None:
        old, new = before["rest"], after["rest"]
    if old != new:
        yield replace(target, kind=OperationKind.REPLACE_WORDS, old=old, new=new)
    if before is not None and after is not None and before["label"] != after["label"]:
        label = bare_label(after["label"])
        yield replace(target, kind=OperationKind.RENUMBER, new=label)
