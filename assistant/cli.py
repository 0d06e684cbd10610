"""The command that asks: `visavis ask`."""

import json
import sys
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import click

from ingest.clock import parse_date
from ingest.console import AS_OF_OPTION, CORPUS_OPTION, JSON_OPTION, ProgressBars, read_day
from ingest.errors import UsageError, VisavisError

if TYPE_CHECKING:
    from assistant.answering import Assistant
    from assistant.question import Question

SOME_FAILED = 1
BATCH_KEYS = frozenset({"id", "question", "history", "as_of"})


@click.command(
    epilog="""\b
Examples:
  visavis ask "How do the Convention and the AI Act define an AI system?"
  visavis ask "Article 14 of the AI Act" --json
  visavis ask "Which AI practices were banned?" --as-of 2025-03-01
  visavis ask "What remedies are there under each?" --writer quoting
  visavis ask --batch questions.jsonl --json > answers.jsonl
"""
)
@click.argument("question", required=False)
@CORPUS_OPTION
@AS_OF_OPTION
@JSON_OPTION
@click.option("--batch", type=click.File(encoding="utf-8"), metavar="FILE", help="Answer each line of a JSONL file.")
@click.option("--evidence-only", is_flag=True, help="Only find the evidence; write no answer.")
@click.option("--no-build", is_flag=True, help="Refuse where there is no index yet, instead of building one.")
@click.option(
    "--writer",
    type=click.Choice(["quoting", "model"]),
    help="Quote alone, or add checked sentences of $VISAVIS_MODEL, which is the default where it is set.",
)
def ask(
    question: str | None,
    corpus: Path | None,
    as_of: str | None,
    as_json: bool,
    batch: IO[str] | None,
    evidence_only: bool,
    no_build: bool,
    writer: str | None,
) -> None:
    """Answer a question in the law's own words, with citations."""
    day = read_day(as_of)
    if (question is None) == (batch is None):
        raise UsageError("ask takes one question, in quotation marks, or --batch FILE.")
    if batch is not None:
        if not _answer_batch(_open(corpus, no_build, writer), batch, day, evidence_only):
            sys.exit(SOME_FAILED)
        return
    from assistant.analysis import check_text
    from assistant.question import Question

    asked = Question(check_text(question or ""), as_of=day)
    assistant = _open(corpus, no_build, writer)
    if as_json:
        answer = assistant.search(asked) if evidence_only else assistant.ask(asked)
        click.echo(json.dumps(answer.record(), ensure_ascii=False, indent=2))
        return
    from assistant.printing import print_answer

    print_answer([assistant.search(asked)] if evidence_only else assistant.stream(asked), assistant.corpus)


def _open(corpus: Path | None, no_build: bool, writer: str | None) -> "Assistant":
    from assistant.answering import Assistant
    from assistant.settings import load_settings
    from ingest.pipeline import open_store

    settings = load_settings(writer=writer)
    with ProgressBars() as bars:
        return Assistant.of(open_store(corpus, build=not no_build, progress=bars), settings)


def _answer_batch(assistant: "Assistant", lines: IO[str], day: date, evidence_only: bool) -> bool:
    """Print a record for each line, in order; False when one of them was no question."""
    well = True
    for line in _read_lines(lines):
        if not line.strip():
            continue
        record = _batch_record(assistant, line, day, evidence_only)
        well = well and record["kind"] != "error"
        click.echo(json.dumps(record, ensure_ascii=False))
    return well


def _read_lines(lines: IO[str]) -> Iterator[str]:
    try:
        yield from lines
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"--batch {lines.name} cannot be read as UTF-8 text ({error}); save it as UTF-8.") from None


def _batch_record(assistant: "Assistant", line: str, day: date, evidence_only: bool) -> dict[str, Any]:
    from assistant.answer import SCHEMA

    identity = None
    try:
        entry = _parse_line(line)
        identity = entry.get("id")
        question = _read_question(entry, day)
        return (assistant.search(question) if evidence_only else assistant.ask(question)).record()
    except VisavisError as error:
        return {"schema": SCHEMA, "id": identity, "kind": "error", "reason": str(error)}


def _parse_line(line: str) -> dict[str, Any]:
    try:
        entry = json.loads(line)
    except json.JSONDecodeError as error:
        raise UsageError(f"broken JSON: {error.msg} at column {error.colno}.") from None
    if not isinstance(entry, dict):
        raise UsageError('a line of a batch is an object: {"id": "1", "question": "…"}.')
    return entry


def _read_question(entry: dict[str, Any], day: date) -> "Question":
    from assistant.question import Question

    unknown = sorted(set(entry) - BATCH_KEYS)
    if unknown:
        raise UsageError(f"unknown key {unknown[0]!r}; allowed: {', '.join(sorted(BATCH_KEYS))}.")
    text, history, as_of = entry.get("question"), entry.get("history", []), entry.get("as_of")
    if not isinstance(text, str):
        raise UsageError("question is missing or is no text.")
    if not isinstance(history, list) or not all(isinstance(turn, str) for turn in history):
        raise UsageError("history is a list of texts, the earlier user turns.")
    if as_of is not None and not isinstance(as_of, str):
        raise UsageError("as_of is a date, YYYY-MM-DD.")
    return Question(
        text,
        history=tuple(history),
        as_of=parse_date(as_of, "as_of") if as_of else day,
        id=str(entry.get("id", "")),
    )
