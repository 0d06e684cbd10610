"""Gold questions drafted from what readers said of answers, for a person to complete: a draft is no case yet.

A line of feedback is what `visavis audit export --feedback` writes. A draft has the fields of a case and one more,
`draft`, with what was said and what is still to do; while that stands there, no command takes it for a case.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, ValidationError

from assistant.answer import RefusalReason
from assistant.question import Intent
from eval.case import CaseKind
from ingest.errors import UsageError
from ingest.tables import Strict

AUTHOR = "a reader's feedback"
LONGEST_LINE = 1_000_000
SIDES_OF_A_COMPARISON = 2


class Verdict(StrEnum):
    """What a reader said of an answer."""

    RIGHT = "right"
    WRONG_CITATION = "wrong_citation"
    MISSING = "missing"


class Cited(Strict):
    """A place that the answer cited; the status of a treaty has none."""

    n: int
    instrument: str
    pinpoint: str | None
    expression: str | None


class Corpus(Strict):
    """The texts that the answer was made from."""

    id: str
    built: str


class Feedback(Strict):
    """What was said of an answer, and what the record still holds of it.

    `question` is None where its words are not kept, `as_of` and what follows where the answer's entry was deleted.
    """

    schema_: Annotated[Literal["visavis.feedback/1"], Field(alias="schema")]
    id: Annotated[str, Field(pattern=r"^[0-9a-f]{8,64}$")]
    at: datetime
    feedback: Verdict
    citation: int | None
    comment: str
    question: str | None
    as_of: date | None
    intent: Intent | None
    scope: tuple[str, ...]
    citations: tuple[Cited, ...]
    refusal: RefusalReason | None
    corpus: Corpus | None


@dataclass(frozen=True, slots=True)
class Drafted:
    """The drafts, and for how many of them the question's words were not kept."""

    drafts: tuple[dict[str, Any], ...]
    without_words: int


def read_feedback(path: Path) -> Iterator[Feedback]:
    """The lines of a file of feedback; raises UsageError naming the line that is none."""
    try:
        with path.open(encoding="utf-8") as lines:
            for number, line in enumerate(lines, start=1):
                yield _read_line(path, number, line)
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is no UTF-8"
        raise UsageError(f"{path} cannot be read: {reason}.") from None


def _read_line(path: Path, number: int, line: str) -> Feedback:
    try:
        return Feedback.model_validate_json(line[:LONGEST_LINE])
    except ValidationError as error:
        fault = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(map(str, fault["loc"])) or "the line"
        raise UsageError(
            f"{path}, line {number}: {place}: {fault['msg']}; "
            "`visavis audit export --feedback -o FILE` writes what is read here."
        ) from None


def draft_cases(path: Path) -> Drafted:
    """A draft for each line of a file; raises UsageError, also where it holds none."""
    said = tuple(read_feedback(path))
    if not said:
        raise UsageError(f"{path} holds no feedback; nobody has said anything of an answer since it begins.")
    return Drafted(tuple(map(draft_case, said)), sum(1 for one in said if one.question is None))


def draft_case(said: Feedback) -> dict[str, Any]:
    """A draft of a case: the places that the answer cited as its gold, without the one that is said to be wrong."""
    gold: dict[str, list[str]] = {}
    for cited in said.citations:
        if cited.pinpoint is not None and cited.n != said.citation:
            places = gold.setdefault(cited.instrument, [])
            if cited.pinpoint not in places:
                places.append(cited.pinpoint)
    kind = _kind(said, len(gold))
    drafted: dict[str, Any] = {
        "id": f"fb-{said.id[:8]}",
        "kind": kind,
        "question": said.question or "",
        "as_of": None if said.as_of is None else said.as_of.isoformat(),
        "gold": gold,
        "also": {},
        "author": AUTHOR,
        "checker": "",
        "draft": _told(said),
    }
    return drafted | ({"refusal": said.refusal} if kind is CaseKind.REFUSAL else {})


def _kind(said: Feedback, sides: int) -> CaseKind:
    if said.refusal is not None:
        return CaseKind.REFUSAL
    if said.intent is Intent.DEFINITION:
        return CaseKind.DEFINITION
    return CaseKind.COMPARISON if sides >= SIDES_OF_A_COMPARISON else CaseKind.SINGLE


def _told(said: Feedback) -> dict[str, Any]:
    on = said.at.date().isoformat()
    return {"said": said.feedback, "comment": said.comment, "on": on, "to_do": _to_do(said)}


def _to_do(said: Feedback) -> list[str]:
    """What a person still has to do before it is a case."""
    steps = []
    if said.question is None:
        steps.append("write the question: its words were not kept")
    if said.corpus is None:
        steps.append("find the places: the answer's entry was deleted")
    wrong = next((one for one in said.citations if one.n == said.citation), None)
    if wrong is not None:
        steps.append(f"put the right place for {wrong.instrument} {wrong.pinpoint}, which is said to be wrong")
    elif said.feedback is Verdict.WRONG_CITATION:
        steps.append("find which of the places is wrong, and put the right one")
    if said.feedback is Verdict.MISSING:
        steps.append("add the place or the fact that was missing")
    steps.append("move places that are right but not needed from gold to also, and add must_say and must_not_say")
    return [*steps, "hold each place against the text, name the checker, and take this field, draft, away"]


def write_drafts(drafted: Drafted, path: Path) -> None:
    """Write the drafts to a file, whole or not at all."""
    beside = path.with_name(f".{path.name}.part")
    lines = "".join(json.dumps(one, ensure_ascii=False) + "\n" for one in drafted.drafts)
    try:
        beside.write_text(lines, encoding="utf-8")
        beside.replace(path)
    except OSError as error:
        beside.unlink(missing_ok=True)
        raise UsageError(f"{path} cannot be written: {error.strerror}.") from None
