"""An amending act read into operations on named provisions; `amend` applies them to the act that it amends.

An instruction ("in Article 5, the following paragraphs are inserted:") is read to its last word or refused with
AmendmentError. From when a changed text applies is not decided here.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ingest.errors import AmendmentError
from ingest.identifiers import InstrumentId
from ingest.instrument import ProvisionKind, SourceSpan
from ingest.operations import Operation, OperationKind, Part, apply_operations, correct_operations, find_draft
from ingest.pinpoint import ORDINALS, Pinpoint, Step, StepKind
from ingest.readers.entries import Entry, Role, draft_quoted, is_punctuation, is_quotation, strip_quotation
from ingest.readers.eurlex_html import ActPage, open_act_page
from ingest.structure import Draft, bare_label

__all__ = [
    "Operation",
    "OperationKind",
    "Part",
    "amend",
    "apply_operations",
    "find_draft",
    "read_operations",
    "read_order",
    "read_target",
]

AMENDED = "(EU) 2024/1689"
AMENDING = InstrumentId("eu-2026-1744")
LONGEST_SHOWN = 200  # characters of an instruction, in an error

_END = re.compile(r"[\s:;.,]+$")
_LABEL = r"(?:\d+[a-z]*|(?:\([0-9a-z]+\))+)"
_PLACE = re.compile(
    rf"""(?:\barticle\ (?P<article>\d+[a-z]*)(?P<steps>(?:\([0-9a-z]+\))*)
      | \bannex\ (?P<annex>[IVXLC]+)\b
      | \brecital\ \(?(?P<recital>\d+)\)?
      | \bsection\ (?P<section>[A-Z]|\d+)\b
      | \b(?:paragraph|point)s?\ (?P<labels>{_LABEL}(?:(?:,\ and\ |,\ |\ and\ |\ to\ ){_LABEL})*)
      | \b(?P<ordinal>{"|".join(ORDINALS)})\ (?:subparagraph|paragraph)\b
      | \b(?P<part>heading|title|introductory\ (?:part|wording|phrase|sentence))\b)""",
    re.IGNORECASE | re.VERBOSE,
)
_BETWEEN = re.compile(r"\b(?:in|of|the)\b|[\s,]", re.IGNORECASE)
_PLACES = r"(?P<places>.*?),? ?"
_OLD, _NEW = (rf"(?:the )?(?:words? )?[‘'](?P<{name}>[^‘’']+)[’']" for name in ("old", "new"))
_FORMS = {
    form: re.compile(pattern, re.IGNORECASE)
    for form, pattern in {
        "words replaced": rf"{_PLACES}{_OLD} (?:is|are) replaced by {_NEW}",
        "words deleted": rf"{_PLACES}{_OLD} (?:is|are) deleted",
        "words inserted": rf"{_PLACES}{_NEW} (?:is|are) inserted after {_OLD}",
        "words inserted after": rf"{_PLACES}after {_OLD},? {_NEW} (?:is|are) inserted",
        "inserted": rf"{_PLACES}the following (?:(?:article|(?:sub)?paragraph|point)s?|annex(?:es)?)"
        r" (?:is|are) (?:inserted|added)",
        "replaced": rf"{_PLACES}(?:is|are) replaced by the following",
        "amended": rf"{_PLACES}(?:is|are) amended as follows",
        "deleted": rf"{_PLACES}(?:is|are) deleted",
        "renumbered": rf"{_PLACES}(?:(?:is|are) renumbered(?: as)?|becomes?) (?P<becomes>.+)",
    }.items()
}
_LABEL_PARTS = re.compile(r"[0-9a-z]+", re.IGNORECASE)
_ROMAN = {"l": 50, "xl": 40, "x": 10, "ix": 9, "v": 5, "iv": 4, "i": 1}


@dataclass(frozen=True, slots=True)
class _Place:
    """A place while an instruction is read: none is the whole act; an ordinal awaits what it counts."""

    pinpoint: Pinpoint | None = None
    ordinal: int = 0
    within: Pinpoint | None = None
    part: Part = Part.WHOLE

    def below(self, *labels: str) -> "_Place":
        if self.pinpoint is None:
            raise AmendmentError(f"{'/'.join(labels)}: no article or annex is named that it lies in.")
        steps = (Step(StepKind.LABEL, label) for label in labels)
        subparagraph = self.pinpoint.child(StepKind.SUBPARAGRAPH, str(self.ordinal))
        within = subparagraph if self.ordinal > 1 else self.within
        return _Place(Pinpoint((*self.pinpoint.steps, *steps)), within=within)

    def settled(self) -> "_Place":
        """The place once nothing more can follow: an ordinal counts a subparagraph."""
        if self.pinpoint is None or not self.ordinal:
            return self
        if self.ordinal == 1:
            part = Part.FIRST_SUBPARAGRAPH if self.part is Part.WHOLE else self.part
            return _Place(self.pinpoint, part=part)
        return _Place(self.pinpoint.child(StepKind.SUBPARAGRAPH, str(self.ordinal)), part=self.part)


@dataclass(frozen=True, slots=True)
class _Instruction:
    """One instruction of the amending act: where it stands, what it says, what is set under it."""

    amending: Pinpoint
    text: str
    entries: tuple[Entry, ...]
    place: _Place
    source: SourceSpan

    def fail(self, reason: str) -> AmendmentError:
        return AmendmentError(
            f"{self.source.file}, {self.amending}: {reason} in {self.text[:LONGEST_SHOWN]!r}; it is not applied."
        )

    def order(self, kind: OperationKind, place: _Place) -> Operation:
        """An operation on a place."""
        settled = place.settled()
        if settled.pinpoint is None:
            raise self.fail("no article or annex is named")
        return Operation(self.amending, kind, settled.pinpoint, settled.part, settled.within)


def amend(
    base: tuple[Draft, ...],
    amending_path: Path,
    amending: InstrumentId = AMENDING,
    amended: str = AMENDED,
    corrections: Sequence[Operation] = (),
) -> tuple[tuple[Draft, ...], tuple[Operation, ...]]:
    """An act as the amending act's page changes it, and the operations that do; raises AmendmentError.

    `amending` is the id of the amending act, `amended` the number by which it names the other: "(EU) 2024/1689";
    `corrections` are those of corrigenda to the amending act.
    """
    operations = correct_operations(read_operations(amending_path, amended), corrections)
    return apply_operations(base, operations, amending), operations


def read_operations(path: Path, amended: str = AMENDED) -> tuple[Operation, ...]:
    """What an act's page in EUR-Lex HTML orders for the act numbered `amended`, in the order of print."""
    return _read_page(open_act_page(path), amended)


def read_order(amending: Pinpoint, text: str, file: str) -> tuple[Operation, ...]:
    """What one instruction that quotes no provision orders ("in Article 2, the word ‘x’ is deleted")."""
    return tuple(_read(_Instruction(amending, text, (), _Place(), SourceSpan(file))))


def read_target(amending: Pinpoint, text: str, file: str) -> Operation:
    """An operation, still without words, on the one place that a text names ("Annex III, point 5(b)")."""
    instruction = _Instruction(amending, text, (), _Place(), SourceSpan(file))
    return instruction.order(OperationKind.REPLACE_WORDS, _only(instruction, _places(instruction, text)))


def _read_page(page: ActPage, amended: str) -> tuple[Operation, ...]:
    act = re.compile(rf"(?:\b(?:of|to) )?\b(?:Regulation|Directive|Decision) {re.escape(amended)}")
    operations: list[Operation] = []
    for label, entries in page.articles().items():
        if entries and act.search(entries[0].text):
            amending = Pinpoint((Step(StepKind.ARTICLE, label),))
            text = act.sub("", entries[0].text).strip()
            source = SourceSpan(page.file, anchor=str(amending))
            operations += _read(_Instruction(amending, text, entries[1:], _Place(), source))
    if not operations:
        raise AmendmentError(f"{page.file}: no article of it amends {amended}; give the page of an act that does.")
    return tuple(operations)


def _read(instruction: _Instruction) -> Iterator[Operation]:
    """The operations of an instruction, or of those that are listed under it."""
    form, match = _match(instruction)
    if form != "amended" or is_quotation(instruction.entries):
        yield from _orders(instruction, form, match)
        return
    place = _only(instruction, _places(instruction, match["places"]))
    for entry in instruction.entries:
        if entry.role is Role.POINT:
            amending = instruction.amending.child(StepKind.LABEL, bare_label(entry.printed))
            yield from _read(
                replace(instruction, amending=amending, text=entry.text, entries=entry.within, place=place)
            )
        elif not is_punctuation(entry):
            raise instruction.fail(f"{entry.begins!r} is no numbered instruction")


def _match(instruction: _Instruction) -> tuple[str, re.Match[str]]:
    text = _END.sub("", instruction.text)
    for form, pattern in _FORMS.items():
        match = pattern.fullmatch(text)
        if match is not None:
            return form, match
    raise instruction.fail("no known order")


def _orders(instruction: _Instruction, form: str, match: re.Match[str]) -> Iterator[Operation]:
    places = _places(instruction, match["places"])
    if form == "inserted":
        place = _only(instruction, places)
        yield from (_insertion(instruction, place, draft) for draft in _quoted(instruction))
    elif form in ("replaced", "amended"):
        yield from _replacements(instruction, places)
    elif form == "deleted":
        yield from (instruction.order(OperationKind.DELETE, place) for place in places)
    elif form == "renumbered":
        yield from _renumberings(instruction, places, match["becomes"])
    else:
        kind = OperationKind.INSERT_WORDS if "inserted" in form else OperationKind.REPLACE_WORDS
        new = match.groupdict().get("new", "")
        yield from (replace(instruction.order(kind, place), old=match["old"], new=new) for place in places)


def _only(instruction: _Instruction, places: Sequence[_Place]) -> _Place:
    if len(places) != 1:
        raise instruction.fail(f"{len(places)} places are named instead of one")
    return places[0]


def _quoted(instruction: _Instruction) -> tuple[Draft, ...]:
    if not is_quotation(instruction.entries):
        raise instruction.fail("nothing is quoted")
    return draft_quoted(strip_quotation(instruction.entries), instruction.source)


def _insertion(instruction: _Instruction, place: _Place, draft: Draft) -> Operation:
    if draft.kind is ProvisionKind.SUBPARAGRAPH:
        operation = instruction.order(OperationKind.INSERT, replace(place, ordinal=0))
        return replace(operation, part=Part.NEW_SUBPARAGRAPH, content=draft)
    before = _label_before(draft.label, roman=draft.kind is ProvisionKind.ANNEX)
    if not before:
        raise instruction.fail(f"nothing says after which provision {draft.label!r} comes")
    operation = instruction.order(OperationKind.INSERT, _new_place(place, draft.kind, draft.label))
    return replace(operation, after=_new_place(place, draft.kind, before).pinpoint, content=draft)


def _new_place(place: _Place, kind: ProvisionKind, label: str) -> _Place:
    roots = {ProvisionKind.ARTICLE: StepKind.ARTICLE, ProvisionKind.ANNEX: StepKind.ANNEX}
    return _Place(Pinpoint((Step(roots[kind], label),))) if kind in roots else place.below(label)


def _label_before(label: str, *, roman: bool) -> str:
    """The label that a new one comes after: "14" for "14a", "ba" for "bb", "XIII" for "XIV"; "" for a first."""
    if (roman or len(label) > 1) and set(label.casefold()) <= set("ivxl"):
        before = _print_roman(_read_roman(label.casefold()) - 1)
        return before.upper() if label.isupper() else before
    if label.isdigit():
        return str(int(label) - 1) if int(label) > 1 else ""
    stem, last = label[:-1], label[-1]
    return stem if last in "aA" else f"{stem}{chr(ord(last) - 1)}"


def _read_roman(text: str) -> int:
    total = 0
    while text:
        numeral = next(one for one in _ROMAN if text.startswith(one))
        total, text = total + _ROMAN[numeral], text.removeprefix(numeral)
    return total


def _print_roman(number: int) -> str:
    text = ""
    for numeral, value in _ROMAN.items():
        text, number = text + numeral * (number // value), number % value
    return text


def _replacements(instruction: _Instruction, places: Sequence[_Place]) -> Iterator[Operation]:
    drafts = _quoted(instruction)
    if len(drafts) != len(places):
        raise instruction.fail(f"{len(drafts)} provisions are quoted for {len(places)}")
    for place, draft in zip(places, drafts, strict=True):
        operation = instruction.order(OperationKind.REPLACE, place)
        last = operation.target.steps[-1]
        label = "" if last.kind is StepKind.SUBPARAGRAPH else last.label
        if operation.part is Part.WHOLE and draft.label != label:
            raise instruction.fail(f"{draft.label!r} is quoted for {operation.target}")
        yield replace(operation, content=draft)


def _renumberings(instruction: _Instruction, places: Sequence[_Place], becomes: str) -> Iterator[Operation]:
    """One for each place, the last first, so that no label is given while it is still taken."""
    context = replace(places[0], pinpoint=places[0].pinpoint.parent if places[0].pinpoint else None)
    after = _places(replace(instruction, place=context), becomes)
    if len(after) != len(places):
        raise instruction.fail(f"{len(places)} provisions become {len(after)}")
    for place, new in reversed(list(zip(places, after, strict=True))):
        label = "" if new.pinpoint is None else new.pinpoint.steps[-1].label
        yield replace(instruction.order(OperationKind.RENUMBER, place), new=label)


def _places(instruction: _Instruction, text: str) -> tuple[_Place, ...]:
    """The places that an instruction names, from the one on that the instruction above it names."""
    if _BETWEEN.sub("", _PLACE.sub("", text)):
        raise instruction.fail(f"{text!r} names no place")
    outermost_first = ", ".join(reversed(text.split(" of ")))
    places: tuple[_Place, ...] = (instruction.place,)
    for match in _PLACE.finditer(outermost_first):
        places = tuple(below for place in places for below in _narrow(place, match))
    return places


def _narrow(place: _Place, match: re.Match[str]) -> Iterator[_Place]:
    """A place with one more part of its name read."""
    match match.lastgroup:
        case "steps":
            article = _Place(Pinpoint((Step(StepKind.ARTICLE, match["article"]),)))
            yield article.below(*_LABEL_PARTS.findall(match["steps"]))
        case "annex":
            yield _Place(Pinpoint((Step(StepKind.ANNEX, match["annex"].upper()),)))
        case "recital":
            yield _Place(Pinpoint((Step(StepKind.RECITAL, match["recital"]),)))
        case "section":
            yield place.below(match["section"])
        case "labels":
            yield from (place.below(*labels) for labels in _listed(match["labels"]))
        case "ordinal":
            yield replace(place, ordinal=ORDINALS.index(match["ordinal"].casefold()) + 1)
        case _:
            heading = match["part"].casefold() in ("heading", "title")
            yield replace(place, part=Part.HEADING if heading else Part.INTRODUCTION)


def _listed(labels: str) -> Iterator[tuple[str, ...]]:
    """The labels of a list or a range: "2 and 3", "(a) to (d)", "(h)(iii)"."""
    for match in re.finditer(rf"({_LABEL})(?: to ({_LABEL}))?", labels):
        first = tuple(_LABEL_PARTS.findall(match[1]))
        run = [match[2].strip("()") if match[2] else first[-1]]
        while run[-1] != first[-1] and run[-1]:
            run.append(_label_before(run[-1], roman=False))
        if not run[-1]:
            raise AmendmentError(f"the labels {match[0]!r} are no range.")
        yield from ((*first[:-1], label) for label in reversed(run))
