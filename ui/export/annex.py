"""The checks at the end of a file: quotations held against the texts again, what a person ticked, what was used."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime

from assistant.answer import Answer, Citation
from assistant.grounding import find_faults
from ingest.corpus import Corpus
from ingest.errors import PinpointError
from ingest.identifiers import ExpressionId
from ingest.instrument import Authority
from ui.checks import Check, Checks, confirm_checks, unchecked
from ui.citing_styles import Cited, oscola
from ui.export.body import ENGLISH, weight_of
from ui.export.paper import Block, Heading, Look, Manner, Numbering, Paragraph, Table, TableRow, Words, clean
from ui.language import Wording
from ui.views import web_address

WIDTHS = (0.1, 0.3, 0.2, 0.2, 0.2)


@dataclass(frozen=True, slots=True)
class Annex:
    """The checks of the answer in place `entry` of a file."""

    entry: int
    answer: Answer
    checks: Checks
    corpus: Corpus
    numbering: Numbering
    words: Wording = ENGLISH

    def blocks(self, *, citations: bool) -> Iterator[Block]:
        """What was checked and how it came out; the table of citations only where these are wanted."""
        confirm_checks(self.answer, self.checks)
        yield _said(self._quotations())
        for fault in find_faults(self.answer, self.corpus):
            yield _said(self.words.say("file.fallen", fault=clean(fault)), Manner.ITEM)
        if self.answer.dropped:
            yield _said(self.words.say("file.dropped", n=len(self.answer.dropped)))
        if self.answer.citations:
            yield _said(self._ticked())
        if citations and self.answer.citations:
            yield self._table()
        yield _said(self._made_from(), Manner.SMALL)

    def _quotations(self) -> str:
        quoted = [citation for citation in self.answer.citations if citation.quote]
        if not quoted:
            return self.words.say("file.no_quotes")
        standing = sum(_stands(citation, self.corpus) for citation in quoted)
        return self.words.say("file.standing", n=standing, total=len(quoted))

    def _ticked(self) -> str:
        total, left = len(self.answer.citations), len(unchecked(self.answer, self.checks))
        return self.words.say("file.ticked", n=total - left, total=total, left=left)

    def _table(self) -> Table:
        ticks = {check.n: check for check in self.checks}
        rows = tuple(self._row(citation, ticks.get(citation.n)) for citation in self.answer.citations)
        same = all(self._number(citation) == citation.n for citation in self.answer.citations)
        heads = ("number" if same else "number_chat", "citation", "weight", "quotation", "checked_by")
        return Table(tuple(self.words.say(f"file.{head}") for head in heads), rows, WIDTHS)

    def _row(self, citation: Citation, check: Check | None) -> TableRow:
        number = self._number(citation)
        shown = str(number) if number == citation.n else f"{number} ({citation.n})"
        label = Words(clean(citation.label), url=web_address(citation.url))
        texts = (weight_of(citation, self.words), self._result(citation), _ticked_by(check, self.words))
        small = ((_said(text, Manner.SMALL),) for text in texts)
        return TableRow(((_said(shown, Manner.SMALL),), (Paragraph((label,), Manner.SMALL),), *small))

    def _number(self, citation: Citation) -> int:
        return self.numbering.number(self.entry, citation.n)

    def _result(self, citation: Citation) -> str:
        if citation.quote:
            return self.words.say("file.word_for_word" if _stands(citation, self.corpus) else "file.not_the_words")
        if citation.authority is Authority.STATUS and citation.as_seen is not None:
            return self.words.say("file.none_status", day=_day(citation.as_seen, self.words))
        return self.words.say("file.none_note")

    def _made_from(self) -> str:
        answer = self.answer
        model = clean(answer.writer.model or "")
        writer = self.words.say("file.by_model", model=model) if model else self.words.say("file.by_quoting")
        day, built = self.words.long_date(answer.as_of), _built(answer.corpus_built, self.words)
        made = {"day": day, "id": answer.corpus_id, "built": built, "writer": writer, "answer": clean(answer.id)}
        return self.words.say("file.made_from", **made)


def works(answers: Iterable[Answer], corpus: Corpus, words: Wording = ENGLISH) -> Iterator[Block]:
    """The texts that are cited, each in the wording that is quoted, as OSCOLA cites a whole work."""
    cited = (citation.expression for answer in answers for citation in answer.citations)
    wordings = dict.fromkeys(wording for wording in cited if wording is not None)
    if wordings:
        yield Heading(2, words.say("file.works"))
    for wording in wordings:
        yield _work(wording, corpus, words)


def _work(wording: ExpressionId, corpus: Corpus, words: Wording) -> Paragraph:
    known = corpus.wordings(wording.instrument)
    held = next((one for one in known if one.id == wording), None)
    if held is None:
        return _said(words.say("file.gone", wording=wording), Manner.ITEM)
    amended = wording.effective if wording != known[0].id else None
    work = oscola(Cited(wording.instrument, clean(held.title), "", None, known[0].published, amended=amended))
    said = Words(words.say("file.work", work=work, day=words.long_date(wording.effective)))
    address = web_address(held.url)
    link = (Words(", "), Words(address, url=address)) if address else ()
    return Paragraph((said, *link), Manner.ITEM)


def closing(on: date, words: Wording = ENGLISH) -> Paragraph:
    """What stands at the end of every file."""
    return Paragraph((Words(words.say("file.closing", day=words.long_date(on)), Look.STRONG),))


def _said(text: str, manner: Manner = Manner.BODY) -> Paragraph:
    return Paragraph((Words(text),), manner)


def _ticked_by(check: Check | None, words: Wording) -> str:
    if check is None:
        return words.say("file.not_checked")
    at = check.at.astimezone(UTC)
    return f"{clean(check.initials)}, {_day(at.date(), words)}, {at:%H:%M} UTC"


def _built(moment: str, words: Wording) -> str:
    """When the texts were built, from the record's `2026-11-23T10:00:00Z`."""
    at = datetime.fromisoformat(moment).astimezone(UTC)
    return f"{words.long_date(at.date())}, {at:%H:%M} UTC"


def _day(day: date, words: Wording) -> str:
    """A date that may break across the lines of a narrow cell."""
    return words.long_date(day).replace("\u00a0", " ")


def _stands(citation: Citation, corpus: Corpus) -> bool:
    """Whether the quotation is what the provision has at its offsets."""
    if citation.expression is None or citation.pinpoint is None:
        return False
    try:
        text = corpus.provision(citation.expression, citation.pinpoint).text
    except PinpointError:
        return False
    return text[citation.start : citation.end] == citation.quote
