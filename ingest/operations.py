"""Operations of amending acts, applied to the tree of drafts that they change.

Nothing is guessed: a target that is not there, an insertion that is there already, old words that do not stand there
exactly once raise AmendmentError.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from enum import StrEnum

from ingest.errors import AmendmentError
from ingest.identifiers import ExpressionId, InstrumentId
from ingest.instrument import CONTAINERS, Provision, ProvisionKind
from ingest.pinpoint import Pinpoint, StepKind
from ingest.structure import Draft, build_provisions

Path = tuple[int, ...]  # from the outermost drafts down: the place among the siblings

_SCRATCH = ExpressionId(InstrumentId("draft"), date.min, "en")
_UNITS = {
    StepKind.ARTICLE: ProvisionKind.ARTICLE,
    StepKind.ANNEX: ProvisionKind.ANNEX,
    StepKind.RECITAL: ProvisionKind.RECITAL,
}


class OperationKind(StrEnum):
    """What an operation does to its target."""

    REPLACE = "replace"
    INSERT = "insert"
    DELETE = "delete"
    RENUMBER = "renumber"
    REPLACE_WORDS = "replace_words"
    INSERT_WORDS = "insert_words"


class Part(StrEnum):
    """How much of its target an operation is about."""

    WHOLE = "whole"
    HEADING = "heading"
    INTRODUCTION = "introduction"
    FIRST_SUBPARAGRAPH = "first_subparagraph"
    NEW_SUBPARAGRAPH = "new_subparagraph"


@dataclass(frozen=True, slots=True)
class Operation:
    """One change that an amending act makes to one provision.

    `target` is the provision that changes, or that an insertion brings about (with `part` NEW_SUBPARAGRAPH: the
    provision that gets one more); an insertion stands right `after` another. `within` is the second or later
    subparagraph in which the act says that both stand. `content` is the new wording; operations on words have `old` and
    `new` (INSERT_WORDS puts `new` after `old`), RENUMBER has the `new` label.
    """

    amending: Pinpoint
    kind: OperationKind
    target: Pinpoint
    part: Part = Part.WHOLE
    within: Pinpoint | None = None
    after: Pinpoint | None = None
    content: Draft | None = None
    old: str = ""
    new: str = ""

    def fail(self, reason: str) -> AmendmentError:
        """The error that says why this operation does not fit."""
        return AmendmentError(f"{self.amending}: {self.kind} at {self.target}: {reason}; nothing is amended.")


def apply_operations(
    drafts: tuple[Draft, ...], operations: Iterable[Operation], amending: InstrumentId | None
) -> tuple[Draft, ...]:
    """The drafts as the operations change them, one after the other.

    What changes or is new says by which point of the amending act: `eu-2026-1744:art_1/7/a`. None is a corrigendum,
    whose words are those of the act itself.
    """
    for operation in operations:
        drafts = _apply(drafts, operation, f"{amending}:{operation.amending}" if amending else "")
    return drafts


def correct_operations(operations: Sequence[Operation], corrections: Iterable[Operation]) -> tuple[Operation, ...]:
    """What an amending act orders once a corrigendum has corrected words that it quotes.

    A correction's target is a place of the amending act; words that stand in none of its quotations order nothing.
    """
    corrected = tuple(operations)
    for correction in corrections:
        reached = [one for one in corrected if _is_ordered_by(one, correction.target)]
        holding = [one for one in reached if one.content is not None and _count_words(one.content, correction)]
        if len(holding) > 1:
            raise correction.fail(f"the words {correction.old!r} stand in {len(holding)} quotations instead of one")
        corrected = tuple(_correct_quoted(one, correction) if one in holding else one for one in corrected)
    return corrected


def _is_ordered_by(operation: Operation, place: Pinpoint) -> bool:
    """Whether an operation is ordered at a place of the amending act, in it, or around it."""
    return place.contains(operation.amending) or operation.amending.contains(place)


def _correct_quoted(operation: Operation, correction: Operation) -> Operation:
    whole = replace(correction, part=Part.WHOLE)
    return replace(operation, content=_change_words(_content(operation), whole, correction.new, ""))


def find_draft(drafts: tuple[Draft, ...], pinpoint: Pinpoint) -> Draft | None:
    """The draft of an article, annex or recital, or in one, as `structure.build_provisions` numbers them; or None."""
    path = _find(drafts, pinpoint, None)
    return None if path is None else _at(drafts, path)


def _apply(drafts: tuple[Draft, ...], operation: Operation, changed_by: str) -> tuple[Draft, ...]:
    if operation.kind is OperationKind.INSERT and operation.part is Part.WHOLE:
        return _insert(drafts, operation, changed_by)
    path = _find(drafts, operation.target, operation.within)
    if path is None:
        raise operation.fail("there is no such provision")
    changed = _change(_at(drafts, path), operation, changed_by)
    return _edit(drafts, path, lambda _: changed)


def _insert(drafts: tuple[Draft, ...], operation: Operation, changed_by: str) -> tuple[Draft, ...]:
    if operation.after is None:
        raise operation.fail("nothing says after which provision it comes")
    if _find(drafts, operation.target, operation.within) is not None:
        raise operation.fail("there is such a provision already")
    path = _find(drafts, operation.after, operation.within)
    if path is None:
        raise operation.fail(f"there is no {operation.after} that it could stand after")
    new = _stamp(_content(operation), changed_by)
    return _edit(drafts, path, lambda before: (before, new))


def _change(draft: Draft, operation: Operation, changed_by: str) -> tuple[Draft, ...]:
    """What stands in the place of one draft once it is changed."""
    match operation.kind:
        case OperationKind.DELETE:
            return ()
        case OperationKind.RENUMBER:
            printed = draft.printed.replace(draft.label, operation.new, 1)
            return (replace(draft, label=operation.new, printed=printed, changed_by=changed_by),)
        case OperationKind.REPLACE_WORDS:
            return (_change_words(draft, operation, operation.new, changed_by),)
        case OperationKind.INSERT_WORDS:
            space = "" if re.match(r"[,;.:)]", operation.new) else " "
            return (_change_words(draft, operation, f"{operation.old}{space}{operation.new}", changed_by),)
        case _:
            return (_replace(draft, operation.part, _stamp(_content(operation), changed_by)),)


def _replace(draft: Draft, part: Part, new: Draft) -> Draft:
    """A draft with new wording for a part of it; `new` is stamped."""
    further = tuple(child for child in draft.children if child.kind is ProvisionKind.SUBPARAGRAPH)
    match part:
        case Part.HEADING:
            return replace(draft, heading=new.heading, changed_by=new.changed_by)
        case Part.INTRODUCTION:
            return replace(draft, text=new.text, changed_by=new.changed_by)
        case Part.FIRST_SUBPARAGRAPH:
            children = (*new.children, *further)
            return replace(draft, text=new.text, children=children, quoted=new.quoted, changed_by=new.changed_by)
        case Part.NEW_SUBPARAGRAPH:
            return replace(draft, children=(*draft.children, new))
        case Part.WHOLE:
            return new


def _content(operation: Operation) -> Draft:
    if operation.content is None:
        raise operation.fail("it has no new wording")
    return operation.content


def _stamp(draft: Draft, changed_by: str) -> Draft:
    """The draft and all below it, changed by one amending point."""
    children = tuple(_stamp(child, changed_by) for child in draft.children)
    return replace(draft, children=children, changed_by=changed_by)


def _change_words(draft: Draft, operation: Operation, new: str, changed_by: str) -> Draft:
    """Words changed where they stand, which must be in one place of the target alone."""
    words = _words(operation.old, new)
    times = _count_words(draft, operation)
    if times != 1:
        raise operation.fail(f"the words {operation.old!r} stand there {times} times instead of once")
    return _with_words(draft, operation.part, lambda text: words.sub(lambda _: new, text), changed_by)


def _words(old: str, new: str) -> re.Pattern[str]:
    """Finds words as they stand, with the space before them where nothing takes their place."""
    space = r"\s?" if not new else ""
    return re.compile(rf"{space}(?<!\w){re.escape(old)}(?!\w)")


def _count_words(draft: Draft, operation: Operation) -> int:
    words = _words(operation.old, operation.new)
    return sum(len(words.findall(text)) for text in _wordings(draft, operation.part))


def _wordings(draft: Draft, part: Part) -> Iterator[str]:
    yield draft.heading if part is Part.HEADING else draft.text
    yield from draft.quoted if part is Part.WHOLE else ()
    for child in _reached(draft, part):
        yield from _wordings(child, Part.WHOLE)


def _reached(draft: Draft, part: Part) -> tuple[Draft, ...]:
    """The subdivisions that a part of a draft holds."""
    if part in (Part.HEADING, Part.INTRODUCTION):
        return ()
    first = part is Part.FIRST_SUBPARAGRAPH
    return tuple(child for child in draft.children if not (first and child.kind is ProvisionKind.SUBPARAGRAPH))


def _with_words(draft: Draft, part: Part, change: Callable[[str], str], changed_by: str) -> Draft:
    if part is Part.HEADING:
        return replace(draft, heading=change(draft.heading), changed_by=changed_by)
    reached = _reached(draft, part)
    children = tuple(
        _with_words(child, Part.WHOLE, change, changed_by) if child in reached else child for child in draft.children
    )
    text = change(draft.text)
    quoted = tuple(map(change, draft.quoted)) if part is Part.WHOLE else draft.quoted
    mark = draft.changed_by if (text, quoted) == (draft.text, draft.quoted) else changed_by
    return replace(draft, text=text, children=children, quoted=quoted, changed_by=mark)


def _find(drafts: tuple[Draft, ...], pinpoint: Pinpoint, within: Pinpoint | None) -> Path | None:
    """The path to the draft at a place; with `within`, to the one that is printed under that subparagraph."""
    path = _find_unit(drafts, pinpoint)
    if path is None:
        return None
    unit = _at(drafts, path)
    provisions = {one.pinpoint: one for one in build_provisions(_SCRATCH, (unit,))}
    place = pinpoint if within is None else _printed_under(provisions, pinpoint, within)
    paths = dict(zip(provisions, ((), *_walk(unit.children)), strict=True))
    return (*path, *paths[place]) if place in paths else None


def _printed_under(provisions: Mapping[Pinpoint, Provision], pinpoint: Pinpoint, within: Pinpoint) -> Pinpoint | None:
    """The pinpoint of a point under a second or later subparagraph: for the most part it has no step for that."""
    full = Pinpoint((*within.steps, *pinpoint.steps[len(within.steps) - 1 :]))
    if full in provisions:
        return full
    above = provisions[pinpoint].parent if pinpoint in provisions else None
    while above is not None and above != within and above in provisions:
        above = provisions[above].parent
    return pinpoint if above == within else None


def _find_unit(drafts: tuple[Draft, ...], pinpoint: Pinpoint) -> Path | None:
    """The path to the whole article, annex or recital that a place lies in."""
    kind, label = _UNITS.get(pinpoint.root.kind), pinpoint.root.label
    for place, draft in enumerate(drafts):
        if draft.kind in CONTAINERS:
            below = _find_unit(draft.children, pinpoint)
            if below is not None:
                return (place, *below)
        elif draft.kind is kind and draft.label == label:
            return (place,)
    return None


def _walk(drafts: tuple[Draft, ...]) -> Iterator[Path]:
    """The paths to all drafts, in the order of print."""
    for place, draft in enumerate(drafts):
        yield (place,)
        yield from ((place, *below) for below in _walk(draft.children))


def _at(drafts: tuple[Draft, ...], path: Path) -> Draft:
    for place in path[:-1]:
        drafts = drafts[place].children
    return drafts[path[-1]]


def _edit(drafts: tuple[Draft, ...], path: Path, change: Callable[[Draft], tuple[Draft, ...]]) -> tuple[Draft, ...]:
    """The drafts with those in the place of one that `change` gives for it."""
    place, *below = path
    draft = drafts[place]
    new = (replace(draft, children=_edit(draft.children, tuple(below), change)),) if below else change(draft)
    return (*drafts[:place], *new, *drafts[place + 1 :])
