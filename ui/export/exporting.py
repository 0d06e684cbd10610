"""Answers in, a file out: pure, nothing written to disk, the same bytes for the same answers, ticks and day."""

import json
from base64 import b64encode
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Any

from assistant.answer import Answer
from ingest.corpus import Corpus
from ui.checks import Checks, confirm_checks
from ui.export.annex import Annex, closing, works
from ui.export.body import ENGLISH, Sheet, law_as_at
from ui.export.markdown import render_markdown
from ui.export.paper import Block, Heading, Manner, Numbering, Paper, Paragraph, Words, clean, without_citations
from ui.language import Language, Wording, load_wording

SCHEMA = "visavis.export/1"
SHORT = 100


class Format(StrEnum):
    """What a file can be."""

    DOCX = "docx"
    PDF = "pdf"
    MARKDOWN = "markdown"
    JSON = "json"


MEDIA_TYPES = {
    Format.DOCX: "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    Format.PDF: "application/pdf",
    Format.MARKDOWN: "text/markdown; charset=utf-8",
    Format.JSON: "application/json",
}
SUFFIXES = {Format.MARKDOWN: "md"}


@dataclass(frozen=True, slots=True)
class Entry:
    """An answer, and which of its citations were ticked."""

    answer: Answer
    checks: Checks = ()


@dataclass(frozen=True, slots=True)
class Exported:
    """A file: a name that holds nothing of the question, its media type, its bytes."""

    name: str
    media_type: str
    content: bytes

    def record(self) -> dict[str, str]:
        """Its JSON form, the bytes in base64."""
        return {"name": self.name, "media_type": self.media_type, "base64": b64encode(self.content).decode("ascii")}


def export_answers(
    entries: tuple[Entry, ...],
    fmt: Format,
    corpus: Corpus,
    on: date,
    *,
    citations: bool = True,
    language: Language = Language.ENGLISH,
) -> Exported:
    """One answer or a conversation as a file made on a day; JSON holds the records as they are, citations included.

    The `language` is that of headings and labels; answers and texts stay English.

    Raises UsageError where a citation is ticked that its answer does not have.
    """
    kind = "answer" if len(entries) == 1 else "conversation"
    name = f"visavis-{kind}-{on.isoformat()}.{SUFFIXES.get(fmt, fmt)}"
    return Exported(name, MEDIA_TYPES[fmt], _content(entries, fmt, corpus, on, citations, load_wording(language)))


def _content(
    entries: tuple[Entry, ...], fmt: Format, corpus: Corpus, on: date, citations: bool, words: Wording
) -> bytes:
    if fmt is Format.JSON:
        return _json(entries, on)
    paper = build_paper(entries, corpus, on, citations=citations, words=words)
    if fmt is Format.MARKDOWN:
        return render_markdown(paper).encode()
    if fmt is Format.DOCX:
        from ui.export.word import render_word

        return render_word(paper, on)
    from ui.export.pdf import render_pdf

    return render_pdf(paper, on)


def build_paper(
    entries: tuple[Entry, ...], corpus: Corpus, on: date, *, citations: bool = True, words: Wording = ENGLISH
) -> Paper:
    """What the file says, before it has a format."""
    numbering = Numbering()
    sheets = [Sheet(place, entry.answer, corpus, numbering, words) for place, entry in enumerate(entries)]
    body: list[Block] = [Paragraph((Words("Visavis"),), Manner.TITLE), _subtitle(entries, words)]
    if words.language is not Language.ENGLISH:
        body.append(Paragraph((Words(words.say("file.english")),), Manner.SMALL))
    body += [block for sheet in sheets for block in sheet.blocks()]
    checks = _checks(entries, corpus, numbering, citations, words)
    title = entries[0].answer.question if len(entries) == 1 else words.say("file.questions", n=len(entries))
    paper = Paper(
        title=f"Visavis: {_one_line(title)}",
        body=tuple(body),
        checks=(Heading(1, words.say("file.checks")), *checks, closing(on, words)),
        foot=f"Visavis · {words.say('not_advice')}",
        official=words.say("file.official"),
        official_at=words.say("file.official_at"),
    )
    return paper if citations else without_citations(paper)


def _subtitle(entries: tuple[Entry, ...], words: Wording) -> Paragraph:
    """The day of the law, where it is one for all answers."""
    days = {entry.answer.as_of for entry in entries}
    dated = [law_as_at(days.pop(), words)] if len(days) == 1 else []
    return Paragraph((Words(" · ".join((*dated, words.say("not_advice")))),), Manner.SUBTITLE)


def _checks(
    entries: tuple[Entry, ...], corpus: Corpus, numbering: Numbering, citations: bool, words: Wording
) -> Iterator[Block]:
    for place, entry in enumerate(entries):
        if len(entries) > 1:
            yield Heading(2, clean(entry.answer.question))
        yield from Annex(place, entry.answer, entry.checks, corpus, numbering, words).blocks(citations=citations)
    if citations:
        yield from works((entry.answer for entry in entries), corpus, words)


def _one_line(text: str) -> str:
    line = " ".join(clean(text).split())
    return line if len(line) <= SHORT else f"{line[: SHORT - 1]}…"


def _json(entries: tuple[Entry, ...], on: date) -> bytes:
    answers: list[dict[str, Any]] = []
    for entry in entries:
        checks = confirm_checks(entry.answer, entry.checks)
        answers.append({"answer": entry.answer.record(), "checks": [check.record() for check in checks]})
    record = {"schema": SCHEMA, "made_on": on.isoformat(), "answers": answers}
    return json.dumps(record, ensure_ascii=False, indent=2).encode("utf-8", "replace") + b"\n"
