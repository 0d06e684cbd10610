"""The checks at the end of a file: quotations held against the texts again, what a person ticked, what was used."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date

from assistant.answer import Answer, Citation
from assistant.grounding import find_faults
from ingest.corpus import Corpus
from ingest.errors import PinpointError
from ingest.identifiers import ExpressionId
from ingest.instrument import Authority
from ui.checks import Check, Checks, confirm_checks, unchecked
from ui.citing_styles import Cited, oscola
from ui.export.body import weight_of
from ui.export.paper import Block, Heading, Look, Manner, Numbering, Paragraph, Table, TableRow, Words, clean
from ui.views import long_date, web_address

WIDTHS = (0.11, 0.33, 0.16, 0.2, 0.2)
ADVICE = (
    "Not legal advice. Only the official publications are authentic; each citation leads to the one that it is from."
)


@dataclass(frozen=True, slots=True)
class Annex:
    """The checks of the answer in place `entry` of a file."""

    entry: int
    answer: Answer
    checks: Checks
    corpus: Corpus
    numbering: Numbering

    def blocks(self, *, citations: bool) -> Iterator[Block]:
        """What was checked and how it came out; the table of citations only where these are wanted."""
        confirm_checks(self.answer, self.checks)
        yield _said(self._quotations())
        for fault in find_faults(self.answer, self.corpus):
            yield _said(f"Does not stand: {clean(fault)}", Manner.ITEM)
        if self.answer.dropped:
            yield _said(f"Sentences of the model that the check let no reader see: {len(self.answer.dropped)}.")
        if self.answer.citations:
            yield _said(self._ticked())
        if citations and self.answer.citations:
            yield self._table()
        yield _said(self._made_from(), Manner.SMALL)

    def _quotations(self) -> str:
        quoted = [citation for citation in self.answer.citations if citation.quote]
        if not quoted:
            return "No words of the texts are quoted."
        standing = sum(_stands(citation, self.corpus) for citation in quoted)
        return (
            f"Quotations that stand word for word in the texts, held against them again for this file: "
            f"{standing} of {len(quoted)}."
        )

    def _ticked(self) -> str:
        total, left = len(self.answer.citations), len(unchecked(self.answer, self.checks))
        return f"Citations ticked as checked by a person: {total - left} of {total}; not checked: {left}."

    def _table(self) -> Table:
        ticks = {check.n: check for check in self.checks}
        rows = tuple(self._row(citation, ticks.get(citation.n)) for citation in self.answer.citations)
        same = all(self._number(citation) == citation.n for citation in self.answer.citations)
        return Table(("No." if same else "No. (chat)", "Citation", "Weight", "Quotation", "Checked by"), rows, WIDTHS)

    def _row(self, citation: Citation, check: Check | None) -> TableRow:
        number = self._number(citation)
        shown = str(number) if number == citation.n else f"{number} ({citation.n})"
        label = Words(clean(citation.label), url=web_address(citation.url))
        texts = (weight_of(citation), self._result(citation), _ticked_by(check))
        small = ((_said(text, Manner.SMALL),) for text in texts)
        return TableRow(((_said(shown, Manner.SMALL),), (Paragraph((label,), Manner.SMALL),), *small))

    def _number(self, citation: Citation) -> int:
        return self.numbering.number(self.entry, citation.n)

    def _result(self, citation: Citation) -> str:
        if citation.quote:
            return "word for word" if _stands(citation, self.corpus) else "NOT the words of the text"
        if citation.authority is Authority.STATUS and citation.as_seen is not None:
            return f"none: status as seen on {_day(citation.as_seen)}"
        return "none: a note in our own words"

    def _made_from(self) -> str:
        answer = self.answer
        writer = f"{answer.writer.name}, {clean(answer.writer.model)}" if answer.writer.model else answer.writer.name
        return (
            f"Law as at {long_date(answer.as_of)}; texts {answer.corpus_id}, built {answer.corpus_built}; "
            f"writer: {writer}; answer {clean(answer.id)}."
        )


def works(answers: Iterable[Answer], corpus: Corpus) -> Iterator[Block]:
    """The texts that are cited, each in the wording that is quoted, as OSCOLA cites a whole work."""
    cited = (citation.expression for answer in answers for citation in answer.citations)
    wordings = dict.fromkeys(wording for wording in cited if wording is not None)
    if wordings:
        yield Heading(2, "The texts cited")
    for wording in wordings:
        yield _work(wording, corpus)


def _work(wording: ExpressionId, corpus: Corpus) -> Paragraph:
    known = corpus.wordings(wording.instrument)
    held = next((one for one in known if one.id == wording), None)
    if held is None:
        return _said(f"{wording}: not among the texts any more", Manner.ITEM)
    amended = wording.effective if wording != known[0].id else None
    work = oscola(Cited(wording.instrument, clean(held.title), "", None, known[0].published, amended=amended))
    said = Words(f"{work}, wording of {long_date(wording.effective)}")
    address = web_address(held.url)
    link = (Words(", "), Words(address, url=address)) if address else ()
    return Paragraph((said, *link), Manner.ITEM)


def closing(on: date) -> Paragraph:
    """What stands at the end of every file."""
    return Paragraph((Words(f"File made on {long_date(on)} by Visavis. {ADVICE}", Look.STRONG),))


def _said(text: str, manner: Manner = Manner.BODY) -> Paragraph:
    return Paragraph((Words(text),), manner)


def _ticked_by(check: Check | None) -> str:
    if check is None:
        return "not checked"
    at = check.at.astimezone(UTC)
    return f"{clean(check.initials)}, {_day(at.date())}, {at:%H:%M} UTC"


def _day(day: date) -> str:
    """A date that may break across the lines of a narrow cell."""
    return long_date(day).replace("\u00a0", " ")


def _stands(citation: Citation, corpus: Corpus) -> bool:
    """Whether the quotation is what the provision has at its offsets."""
    if citation.expression is None or citation.pinpoint is None:
        return False
    try:
        text = corpus.provision(citation.expression, citation.pinpoint).text
    except PinpointError:
        return False
    return text[citation.start : citation.end] == citation.quote
