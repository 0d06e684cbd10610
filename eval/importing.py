"""A spreadsheet of questions as cases: every fault is named by row and column, all at once."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from hashlib import sha256
from pathlib import Path
from typing import TypeVar

from pydantic import ValidationError

from assistant.answer import RefusalReason
from eval.case import Case, CaseKind, Half
from eval.places import Named, read_places
from eval.spreadsheet import Row, TemplateColumn, read_spreadsheet, write_template
from ingest.clock import parse_date, today
from ingest.corpus import Corpus
from ingest.errors import UsageError
from ingest.identifiers import InstrumentId


class Column(StrEnum):
    """The columns, as the template heads them."""

    QUESTION = "question"
    GOLD = "expected provisions"
    ALSO = "also right"
    MUST_SAY = "expected facts"
    MUST_NOT_SAY = "must not say"
    KIND = "kind"
    AS_OF = "as of"
    REFUSAL = "refusal"
    HISTORY = "earlier turns"
    STANDALONE = "written out"
    NEUTRAL = "asked neutrally"
    ID = "id"
    HALF = "half"
    AUTHOR = "author"
    COMMENT = "comment"


ALIASES = {
    "provisions": Column.GOLD,
    "gold": Column.GOLD,
    "also": Column.ALSO,
    "facts": Column.MUST_SAY,
    "must say": Column.MUST_SAY,
    "date": Column.AS_OF,
    "history": Column.HISTORY,
    "standalone": Column.STANDALONE,
    "neutral": Column.NEUTRAL,
    "comments": Column.COMMENT,
}
_FIELDS = {
    "gold": Column.GOLD,
    "also": Column.ALSO,
    "must_say": Column.MUST_SAY,
    "must_not_say": Column.MUST_NOT_SAY,
    "as_of": Column.AS_OF,
    "history": Column.HISTORY,
    "standalone": Column.STANDALONE,
    "neutral": Column.NEUTRAL,
}

EXPLANATIONS: Mapping[Column, tuple[str, int, tuple[str, ...]]] = {
    Column.QUESTION: ("What is asked, as a user would type it. Needed.", 60, ()),
    Column.GOLD: (
        "The provisions without which the answer is wrong, parted by semicolons or line breaks. Needed, save for a"
        " question to be refused. “AI Act Art. 5(1)(f); CETS 225 art 14” and “eu-ai-act:art_5/1/f” are both read.",
        40,
        (),
    ),
    Column.ALSO: ("Provisions that are equally right to cite.", 30, ()),
    Column.MUST_SAY: (
        "Words or figures that the answer must contain, parted by semicolons or line breaks; “a | b” is satisfied by"
        " either.",
        40,
        (),
    ),
    Column.MUST_NOT_SAY: ("Words that the answer must not contain.", 30, ()),
    Column.KIND: (
        "comparison, only, single, definition, dated, refusal or dialogue. Empty: comparison where provisions of two"
        " instruments are expected, else single.",
        13,
        tuple(CaseKind),
    ),
    Column.AS_OF: ("The day that the question is asked for, YYYY-MM-DD. Empty: the day of the run.", 12, ()),
    Column.REFUSAL: ("Why a question of the kind refusal is to be refused.", 20, tuple(RefusalReason)),
    Column.HISTORY: ("The user's turns before the question of a dialogue, oldest first, a line each.", 30, ()),
    Column.STANDALONE: ("The last question of a dialogue, written out so that it needs no history.", 30, ()),
    Column.NEUTRAL: ("A leading question, asked without its lead; both should be answered alike.", 30, ()),
    Column.ID: (
        "A name of its own in small letters, digits and hyphens. Empty: made from the question, and the same whenever"
        " the question is.",
        12,
        (),
    ),
    Column.HALF: (
        "dev, to improve on, or test, only to measure. It follows from the id; leave one empty.",
        8,
        tuple(Half),
    ),
    Column.AUTHOR: ("Who wrote the question. Empty: the file's name.", 14, ()),
    Column.COMMENT: ("For yourself; it is not read.", 30, ()),
}
TEMPLATE_COLUMNS = tuple(TemplateColumn(column, *EXPLANATIONS[column]) for column in Column)
EXAMPLES: tuple[Mapping[Column, str], ...] = (
    {
        Column.QUESTION: "Which remedies does each text give to somebody harmed by an AI system?",
        Column.GOLD: "CETS 225 art 14; AI Act Art. 85; AI Act Art. 86",
        Column.MUST_SAY: "lodge a complaint; explanation",
        Column.COMMENT: "An example: write over it.",
    },
    {
        Column.QUESTION: "On 1 March 2025, did the Act already ban reading emotions at work?",
        Column.GOLD: "AI Act Art. 5(1)(f)",
        Column.KIND: CaseKind.DATED,
        Column.AS_OF: "2025-03-01",
    },
    {
        Column.QUESTION: "What does Article 400 of the AI Act say?",
        Column.KIND: CaseKind.REFUSAL,
        Column.REFUSAL: RefusalReason.NO_SUCH_PROVISION,
    },
)

Places = dict[InstrumentId, list[str]]
Value = TypeVar("Value")
Choice = TypeVar("Choice", bound=StrEnum)

_PARTS = re.compile(r"[;\n]")
_UNFIT = re.compile(r"[^a-z0-9]+")
_HALVES_TRIED = 64


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong with a cell, or with a row."""

    place: str
    column: Column | None
    what: str

    def __str__(self) -> str:
        column = f", column {self.column.value!r}" if self.column else ""
        return f"{self.place}{column}: {self.what}."


@dataclass(frozen=True, slots=True)
class Imported:
    """The cases of a spreadsheet, or, where there are any, all its problems."""

    cases: tuple[Case, ...]
    problems: tuple[str, ...]


def write_case_template(path: Path, layout: str = "") -> None:
    """Write the template with its examples, "csv" or "xlsx" by `layout` or else by the file's ending."""
    examples = [[example.get(column, "") for column in Column] for example in EXAMPLES]
    write_template(path, TEMPLATE_COLUMNS, examples, layout)


def import_cases(path: Path, corpus: Corpus, day: date | None = None) -> Imported:
    """Read a CSV or XLSX file as cases, each place held against the wording of the case's day, by default `day`.

    Raises UsageError for a file that cannot be read at all; what is wrong in its rows is in `problems`.
    """
    sheet = read_spreadsheet(path)
    header, *rows = sheet.rows
    columns, faults = _read_header(path.name, header)
    if faults:
        return Imported((), faults)
    reading = _Reading(corpus, day or today(), columns, path.stem)
    problems: list[str] = [f"{path.name}, {problem}." for problem in sheet.problems]
    cases: list[Case] = []
    seen: dict[str, str] = {}
    for row in rows:
        found, wrong = reading.read(row)
        if found is not None and seen.setdefault(found.id, row.place) != row.place:
            what = "the same id as" if reading.cell(row, Column.ID) else "the same question as"
            wrong = (Problem(row.place, Column.ID, f"{what} {seen[found.id]}; each case has its own id"),)
        problems += [f"{path.name}, {problem}" for problem in wrong]
        cases += [found] if found is not None else []
    if not rows:
        problems.append(f"{path.name}: there is no row below the header; write one question a row.")
    return Imported(() if problems else tuple(cases), tuple(problems))


def _read_header(name: str, header: Row) -> tuple[dict[Column, int], tuple[str, ...]]:
    """Which column stands where, and what is wrong with the header."""
    columns: dict[Column, int] = {}
    faults: list[str] = []
    for place, cell in enumerate(header.cells):
        heading = " ".join(cell.replace("_", " ").casefold().split())
        if not heading:
            continue
        column = ALIASES.get(heading) or (Column(heading) if heading in list(Column) else None)
        if column is None:
            faults.append(f"{name}, {header.place}: column {cell!r} is unknown; allowed are {', '.join(Column)}.")
        elif columns.setdefault(column, place) != place:
            faults.append(f"{name}, {header.place}: column {column.value!r} stands there twice; keep one.")
    if Column.QUESTION not in columns:
        faults.append(f"{name}, {header.place}: there is no column 'question'; the first row names the columns.")
    return columns, tuple(faults)


class _Fault(Exception):
    """What is wrong with a cell of a column."""

    def __init__(self, column: Column, what: str) -> None:
        super().__init__(what)
        self.column = column
        self.what = what.removesuffix(".")


@dataclass(frozen=True, slots=True)
class _Fields:
    """What the cells of one row say."""

    question: str
    as_of: date | None
    gold: Places
    also: Places
    kind: CaseKind | None
    refusal: RefusalReason | None
    half: Half | None

    @property
    def inferred_kind(self) -> CaseKind:
        """The kind of a case whose cell for it is empty."""
        if self.refusal is not None:
            return CaseKind.REFUSAL
        return CaseKind.COMPARISON if len(self.gold) > 1 else CaseKind.SINGLE


def _attempt(faults: list[_Fault], instead: Value, read: Callable[..., Value], *arguments: object) -> Value:
    """What `read` gives; where it raises a fault, that is kept, and `instead` is given."""
    try:
        return read(*arguments)
    except _Fault as fault:
        faults.append(fault)
        return instead


@dataclass(frozen=True, slots=True)
class _Reading:
    """How the rows of one file are read."""

    corpus: Corpus
    day: date
    columns: Mapping[Column, int]
    author: str

    def cell(self, row: Row, column: Column) -> str:
        """The text of a cell, empty where the column is not there."""
        place = self.columns.get(column)
        return row.cells[place] if place is not None and place < len(row.cells) else ""

    def read(self, row: Row) -> tuple[Case | None, tuple[Problem, ...]]:
        """The case of a row, or what is wrong with it."""
        stray = [cell for place, cell in enumerate(row.cells) if cell and place not in self.columns.values()]
        if stray:
            what = f"{stray[0]!r} stands under no heading; put quotes round cells that hold the delimiter"
            return None, (Problem(row.place, None, what),)
        faults: list[_Fault] = []
        fields = _Fields(
            question=_attempt(faults, "", self._question, row),
            as_of=_attempt(faults, None, self._as_of, row),
            gold=_attempt(faults, {}, self._places, row, Column.GOLD),
            also=_attempt(faults, {}, self._places, row, Column.ALSO),
            kind=_attempt(faults, None, self._choice, row, Column.KIND, CaseKind),
            refusal=_attempt(faults, None, self._choice, row, Column.REFUSAL, RefusalReason),
            half=_attempt(faults, None, self._choice, row, Column.HALF, Half),
        )
        case = None if faults else _attempt(faults, None, self._make, row, fields)
        return case, tuple(Problem(row.place, fault.column, fault.what) for fault in faults)

    def _question(self, row: Row) -> str:
        question = " ".join(self.cell(row, Column.QUESTION).split())
        if not question:
            raise _Fault(Column.QUESTION, "it is empty; write what is asked")
        return question

    def _as_of(self, row: Row) -> date | None:
        cell = self.cell(row, Column.AS_OF)
        try:
            return parse_date(cell) if cell else None
        except UsageError as error:
            raise _Fault(Column.AS_OF, str(error)) from None

    def _places(self, row: Row, column: Column) -> Places:
        try:
            day = self._as_of(row) or self.day
        except _Fault:
            day = self.day
        try:
            return _by_instrument(read_places(self.cell(row, column), self.corpus, day))
        except UsageError as error:
            raise _Fault(column, str(error)) from None

    def _choice(self, row: Row, column: Column, choices: type[Choice]) -> Choice | None:
        cell = _UNFIT.sub("_", self.cell(row, column).casefold()).strip("_")
        if cell and cell not in list(choices):
            raise _Fault(column, f"{self.cell(row, column)!r} is none of {', '.join(choices)}")
        return choices(cell) if cell else None

    def _make(self, row: Row, fields: "_Fields") -> Case:
        """The case of cells that are all readable; raises _Fault."""
        kind = fields.kind or fields.inferred_kind
        own = _UNFIT.sub("-", self.cell(row, Column.ID).casefold()).strip("-")
        record = {
            "id": own or _name(fields.question, 0),
            "kind": kind,
            "question": fields.question,
            "as_of": fields.as_of,
            "gold": fields.gold,
            "also": fields.also,
            "refusal": fields.refusal,
            "only": next(iter(fields.gold), None) if kind is CaseKind.ONLY else None,
            "must_say": _parts(self.cell(row, Column.MUST_SAY)),
            "must_not_say": _parts(self.cell(row, Column.MUST_NOT_SAY)),
            "history": tuple(_parts(self.cell(row, Column.HISTORY), by="\n")),
            "standalone": self.cell(row, Column.STANDALONE),
            "neutral": self.cell(row, Column.NEUTRAL),
            "author": self.cell(row, Column.AUTHOR) or self.author,
        }
        try:
            case = Case.model_validate(record)
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            raise _Fault(_column_of(first["loc"]), first["msg"].removeprefix("Value error, ")) from None
        return _put_in_half(case, fields.half, named=bool(own))


def _by_instrument(places: Iterable[Named]) -> Places:
    found: Places = {}
    for one in places:
        found.setdefault(one.instrument, []).append(str(one.pinpoint))
    return found


def _column_of(loc: Sequence[int | str]) -> Column:
    """The column that a field of the case was read from."""
    name = str(loc[0]) if loc else ""
    if name in _FIELDS:
        return _FIELDS[name]
    return Column(name) if name in list(Column) else Column.KIND


def _parts(cell: str, by: str = "") -> tuple[str, ...]:
    parts = cell.split(by) if by else _PARTS.split(cell)
    return tuple(" ".join(part.split()) for part in parts if part.strip())


def _name(question: str, turn: int) -> str:
    """A name for a question, the same whenever the question is; each turn gives another one."""
    return f"q-{sha256(f'{question}{turn or str()}'.encode()).hexdigest()[:10]}"


def _put_in_half(case: Case, half: Half | None, *, named: bool) -> Case:
    """The case with a name that falls into the half wanted; raises _Fault for one whose name is its author's."""
    if half is None or case.half == half:
        return case
    made = (f"{case.id}-{turn}" if named else _name(case.question, turn) for turn in range(1, _HALVES_TRIED))
    fitting = next(name for name in made if case.model_copy(update={"id": name}).half == half)
    if named:
        raise _Fault(Column.HALF, f"the id {case.id!r} falls in {case.half}; name it {fitting!r}, or leave one empty")
    return case.model_copy(update={"id": fitting})


def write_cases(cases: Iterable[Case], path: Path) -> None:
    """Write cases as JSON Lines for --cases, without what is empty; raises UsageError."""
    lines = [case.model_dump_json(exclude_defaults=True) + "\n" for case in cases]
    try:
        path.write_text("".join(lines), encoding="utf-8", newline="\n")
    except OSError as error:
        raise UsageError(f"{path} cannot be written ({error.strerror}); name another file.") from None
