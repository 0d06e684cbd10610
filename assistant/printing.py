"""An answer on a terminal: relationship, table, summary, notices, sources."""

from collections.abc import Iterable

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from assistant.answer import Answer, Citation, Claim, ClaimKind
from ingest.corpus import Corpus
from ingest.identifiers import InstrumentId
from ingest.outline import relation_words

SIGNS = {
    ClaimKind.LAW: "",
    ClaimKind.RECITAL: "recital: ",
    ClaimKind.NOTE: "note: ",
    ClaimKind.GUIDANCE: "guidance: ",
    ClaimKind.COMMENTARY: "commentary, not law: ",
    ClaimKind.STATUS: "status: ",
    ClaimKind.SILENCE: "silent: ",
    ClaimKind.MODEL: "model: ",
}


def print_answer(answers: Iterable[Answer], corpus: Corpus) -> None:
    """Print an answer for a person to read, as it grows: the table at once, then each sentence, then the sources."""
    console = Console()
    shown: Answer | None = None
    for answer in answers:
        if shown is None:
            _print_head(console, answer, corpus)
        for claim in answer.summary[len(shown.summary) if shown else 0 :]:
            console.print(f"- {_claim_text(claim)}")
        shown = answer
    if shown is not None:
        _print_tail(console, shown)


def _print_head(console: Console, answer: Answer, corpus: Corpus) -> None:
    if answer.refusal is not None:
        console.print(f"[bold]{escape(answer.refusal.text)}[/bold]\n")
    if answer.relationship is not None:
        console.print(_claim_text(answer.relationship) + "\n")
    if answer.rows:
        console.print(_table(answer, corpus))


def _print_tail(console: Console, answer: Answer) -> None:
    for notice in answer.notices:
        console.print(f"\n[italic]{escape(notice.text)}[/italic]")
    if answer.citations:
        console.print("\n[bold]Sources[/bold]")
        for citation in answer.citations:
            console.print(_source_line(citation), soft_wrap=True)
    console.print(f"\nThe law as at {answer.as_of}. Not legal advice.")


def _table(answer: Answer, corpus: Corpus) -> Table:
    instruments = list(dict.fromkeys(cell.instrument for row in answer.rows for cell in row.cells))
    table = Table("issue", *(_name(corpus, one, answer) for one in instruments), show_lines=True)
    for row in answer.rows:
        relation = f"\n({relation_words(row)})" if row.relation else ""
        cells = (row.cell(instrument) for instrument in instruments)
        table.add_row(
            escape(row.issue + relation),
            *("\n".join(map(_claim_text, cell.claims)) if cell else "" for cell in cells),
        )
    return table


def _name(corpus: Corpus, instrument: InstrumentId, answer: Answer) -> str:
    wording = corpus.wording_on(instrument, answer.as_of)
    return wording.short_title if wording else instrument


def _claim_text(claim: Claim) -> str:
    nearest = claim.searched.nearest if claim.searched else ()
    near = f" Nearest:{_numbers(nearest)}" if nearest else ""
    return escape(SIGNS[claim.kind] + claim.text) + near + _numbers(claim.citations)


def _numbers(numbers: Iterable[int]) -> str:
    return "".join(f" \\[{number}]" for number in numbers)


def _source_line(citation: Citation) -> str:
    force = f", {str(citation.force).replace('_', ' ')}" if citation.force else ""
    since = f", applies from {citation.applies_from}" if citation.applies_from else ""
    return f"\\[{citation.n}] {escape(citation.label)} ({citation.authority}{force}{since}) {escape(citation.url)}"
