"""What a model is given to write from: passages under the numbers of the answer's citations, fenced."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import lru_cache
from hashlib import sha256
from importlib import resources
from string import Template

from assistant.answer import Citation, Claim, ClaimKind, Row
from assistant.drafting import DraftSentence, Fault, Passage
from assistant.standing import print_day
from ingest.corpus import Corpus
from ingest.outline import relation_words
from ingest.tokens import count_tokens

MOST_SENTENCES = 8
ANSWER_TOKENS = 1024
MARK_LENGTH = 12

_CONTROL = re.compile(r"[^\S\n ]|[\x00-\x09\x0b-\x1f\x7f]")


@dataclass(frozen=True, slots=True)
class Brief:
    """What a model is told of one question; `notes` are our reviewed sentences and the concordance's rows."""

    question: str
    as_of: date
    relationship: str
    passages: tuple[Passage, ...]
    notes: tuple[str, ...]

    @property
    def numbers(self) -> tuple[int, ...]:
        """The numbers that a sentence may cite."""
        return tuple(passage.n for passage in self.passages)


@dataclass(frozen=True, slots=True)
class Prompt:
    """The two messages that a model gets."""

    system: str
    user: str


def find_passages(citations: Iterable[Citation], corpus: Corpus) -> tuple[Passage, ...]:
    """The words that an answer quotes, each under the number of its citation."""
    found = []
    for one in citations:
        if one.quote is not None and one.expression is not None and one.pinpoint is not None:
            provision = corpus.provision(one.expression, one.pinpoint)
            found.append(Passage.of(corpus, one.n, provision, one.start or 0, one.end))
    return tuple(found)


def list_notes(rows: Iterable[Row], summary: Iterable[Claim]) -> tuple[str, ...]:
    """The rows of the table with their relation, and our reviewed sentences."""
    related = [f"{row.issue}: {relation_words(row)}." for row in rows if row.relation is not None]
    return (*related, *(claim.text for claim in summary if claim.kind is ClaimKind.NOTE))


def fit_brief(brief: Brief, context: int) -> Brief:
    """The brief without its last notes, and then its last passages, that a context of so many tokens cannot hold."""
    room = context - ANSWER_TOKENS - _size(_system(""), *map(_read_prompt, ("material.md", "form_json.md")))
    passages, room = _fit(map(_print_passage, brief.passages), room)
    notes, _ = _fit(brief.notes, room)
    return replace(brief, passages=brief.passages[:passages], notes=brief.notes[:notes])


def print_prompt(brief: Brief, form: str) -> Prompt:
    """The messages that ask for the sentences of a brief, in the form that the file `form` describes."""
    passages = "\n\n".join(map(_print_passage, brief.passages))
    notes = "\n".join(f"- {_clean(one)}" for one in brief.notes) or "none"
    parts = {
        "question": _clean(brief.question),
        "as_of": print_day(brief.as_of),
        "relationship": _clean(brief.relationship) or "not recorded",
        "passages": passages,
        "notes": notes,
    }
    return _print("material.md", form, parts)


def print_mending(sentence: DraftSentence, faults: Sequence[Fault], passages: Sequence[Passage], form: str) -> Prompt:
    """The messages that ask for one sentence again, with what is wrong with it."""
    parts = {
        "passages": "\n\n".join(map(_print_passage, passages)),
        "sentence": _clean(sentence.text),
        "faults": " ".join(_clean(fault.text) for fault in faults),
    }
    return _print("mend.md", form, parts)


def _print(name: str, form: str, parts: dict[str, str]) -> Prompt:
    fence = _make_fence("".join(parts.values()))
    filled = Template(_read_prompt(name)).substitute(parts, fence=fence, form=_read_prompt(form))
    return Prompt(_system(fence), filled)


def _make_fence(material: str) -> str:
    """A mark that the material cannot hold, for it is made from the whole of it; the same for the same material."""
    mark = sha256(material.encode()).hexdigest()[:MARK_LENGTH]
    while mark in material:
        mark = sha256(mark.encode()).hexdigest()[:MARK_LENGTH]
    return f"=== {mark}"


def _system(fence: str) -> str:
    return Template(_read_prompt("system.md")).substitute(fence=fence, most=MOST_SENTENCES)


def _print_passage(passage: Passage) -> str:
    return f"[{passage.n}] {passage.label} ({passage.authority})\n{_clean(passage.text)}"


def _clean(text: str) -> str:
    """A text without control characters, so that it reads as it prints."""
    return _CONTROL.sub(" ", text).strip()


def _fit(texts: Iterable[str], room: int) -> tuple[int, int]:
    """How many of the texts, from the first, have room, and the room that is left."""
    count = 0
    for text in texts:
        size = _size(text)
        if size > room:
            break
        count, room = count + 1, room - size
    return count, room


def _size(*texts: str) -> int:
    return sum(count_tokens(text) + 4 for text in texts)


@lru_cache
def _read_prompt(name: str) -> str:
    return resources.files("assistant.writers").joinpath("prompts", name).read_text(encoding="utf-8").strip()
