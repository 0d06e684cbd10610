"""An answer as it stands on the page, in the page's own words and order, made ready for a file."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from itertools import chain

from assistant.answer import Answer, Citation, Claim, ClaimKind, Row
from ingest.corpus import Corpus
from ingest.identifiers import InstrumentId
from ingest.redline import Change
from ui.export.paper import (
    Block,
    Heading,
    Look,
    Manner,
    Note,
    Numbering,
    Paragraph,
    Piece,
    Reference,
    Sources,
    Table,
    TableRow,
    Words,
    clean,
)
from ui.language import Language, Wording, load_wording
from ui.views import (
    Run,
    blocks_below,
    column_name,
    columns_of,
    paragraphs_of,
    place_in,
    split_line,
    split_parts,
    web_address,
)

ENGLISH = load_wording(Language.ENGLISH)
ISSUE_WIDTH = 0.18
SIGNS = {Change.DELETED: (Look.STRUCK, "[−", "−]"), Change.INSERTED: (Look.INSERTED, "{+", "+}")}


@dataclass(frozen=True, slots=True)
class Sheet:
    """An answer in place `entry` of a file, the texts that it names, and the numbers that its citations get there.

    Marks are numbered as they are made: the blocks are to be read once, in order.
    """

    entry: int
    answer: Answer
    corpus: Corpus
    numbering: Numbering
    words: Wording = ENGLISH

    def blocks(self) -> Iterator[Block]:
        """The answer from its question to its foot."""
        answer = self.answer
        yield Heading(1, clean(answer.question))
        if answer.standalone_question and answer.standalone_question != answer.question:
            yield _said(self.words.say("understood", question=clean(answer.standalone_question)), Manner.SMALL)
        yield from self._refusal()
        for notice in answer.notices:
            yield _line(notice.text, Manner.ITEM)
        if answer.relationship is not None:
            yield self._sentence(answer.relationship)
        if answer.rows:
            yield self._table()
        if answer.summary:
            yield Heading(2, self.words.say("in_short"))
            yield from map(self._sentence, answer.summary)
        if answer.citations:
            yield from self._unmarked()
            yield Sources(
                self.words.say("sources"), tuple(sorted(map(self.note, answer.citations), key=lambda note: note.n))
            )
        yield _said(foot(answer, self.words), Manner.SMALL)

    def note(self, citation: Citation) -> Note:
        """What a citation's mark leads to."""
        number = self.numbering.number(self.entry, citation.n)
        return Note(number, clean(citation.label), weight_of(citation, self.words), web_address(citation.url))

    def _mark(self, n: int) -> Reference:
        return Reference(self.numbering.number(self.entry, n))

    def _unmarked(self) -> Iterator[Paragraph]:
        """The citations that no claim has a mark of."""
        left = [one for one in self.answer.citations if not self.numbering.has(self.entry, one.n)]
        if left:
            head = Words(f"{self.words.say('sources')}{self.words.say('colon')} ")
            yield Paragraph((head, *self._places(left)), Manner.SMALL)

    def name(self, instrument: InstrumentId) -> str:
        """The name of a work as a head of a column."""
        return clean(column_name(self.corpus, instrument))

    def _refusal(self) -> Iterator[Block]:
        refusal = self.answer.refusal
        if refusal is None:
            return
        yield Heading(2, self.words.say(f"refusal_{refusal.reason}"))
        yield _line(refusal.text)
        if refusal.searched:
            yield _said(self.words.say("searched", names=", ".join(map(self.name, refusal.searched))), Manner.SMALL)

    def _relation(self, row: Row) -> str:
        if row.only is not None:
            return self.words.say("relation_only", name=self.name(row.only))
        return self.words.say(f"relation_{row.relation}") if row.relation else ""

    def _table(self) -> Table:
        columns = columns_of(self.answer)
        widths = (ISSUE_WIDTH, *((1 - ISSUE_WIDTH) / len(columns),) * len(columns))
        rows = chain.from_iterable(self._rows(row, columns) for row in self.answer.rows)
        return Table((self.words.say("issue"), *map(self.name, columns)), tuple(rows), widths)

    def _rows(self, row: Row, columns: tuple[InstrumentId, ...]) -> Iterator[TableRow]:
        relation = self._relation(row)
        issue = [_said(clean(row.issue), look=Look.STRONG)]
        issue += [_said(relation, Manner.SMALL)] if relation else []
        yield TableRow((tuple(issue), *(tuple(self._cell(row, column)) for column in columns)))
        if row.redline:
            yield TableRow(((self._redline_key(row), *_redline(row)),))

    def _cell(self, row: Row, column: InstrumentId) -> Iterator[Paragraph]:
        cell = row.cell(column)
        if cell is None:
            yield _said(f"— {self.words.say('nothing')}", Manner.SMALL)
            return
        for claim in cell.claims:
            yield from self._claim(claim)

    def _claim(self, claim: Claim) -> Iterator[Paragraph]:
        """What is said, the words that it rests on, what was searched, and what the claim weighs."""
        yield Paragraph(tuple(self._parts(claim)))
        for quote in blocks_below(self.answer, claim):
            yield Paragraph((Words(clean(quote), Look.QUOTED),), Manner.QUOTE)
        searched = tuple(self._searched(claim))
        if searched:
            yield Paragraph(searched, Manner.SMALL)
        cited = [self.answer.citation(n) for n in claim.citations]
        mark = Words(claim_word(claim.kind, self.words), Look.SMALL)
        yield Paragraph((mark, *self._places(cited, before=" · ")), Manner.SMALL)

    def _sentence(self, claim: Claim) -> Paragraph:
        """A claim outside the table: its words, its marks, and what it weighs."""
        marks = (self._mark(n) for n in claim.citations)
        return Paragraph((*self._parts(claim), *marks, Words(f" {claim_word(claim.kind, self.words)}", Look.SMALL)))

    def _parts(self, claim: Claim) -> Iterator[Words]:
        quotes = (self.answer.citation(n).quote for n in claim.citations)
        for part in split_parts(claim.text, (quote for quote in quotes if quote)):
            yield Words(clean(part.text), Look.QUOTED if part.quoted else Look.PLAIN)

    def _searched(self, claim: Claim) -> Iterator[Piece]:
        search = claim.searched
        if search is None:
            return
        terms = [term for term in search.terms if term and term not in claim.text]
        if terms:
            yield Words(f"{self.words.say('searched_for', terms=clean(', '.join(terms)))} ")
        if search.nearest:
            yield Words(f"{self.words.say('nearest')} ")
            yield from self._places([self.answer.citation(n) for n in search.nearest])

    def _places(self, citations: Iterable[Citation], before: str = "") -> Iterator[Piece]:
        for number, citation in enumerate(citations):
            yield Words(f"{', ' if number else before}{clean(place_in(self.corpus, citation))}")
            yield self._mark(citation.n)

    def _redline_key(self, row: Row) -> Paragraph:
        first, second = (self.words.say("only_in", name=self.name(cell.instrument)) for cell in row.cells[:2])
        struck, inserted = _signed(Change.DELETED, first), _signed(Change.INSERTED, second)
        return Paragraph(
            (Words(f"{self.words.say('word_by_word', issue=clean(row.issue))} "), struck, Words(" "), inserted),
            Manner.SMALL,
        )


def foot(answer: Answer, words: Wording = ENGLISH) -> str:
    """The line below an answer: the day of the law, who wrote, from which texts."""
    if answer.writer.model:
        wrote = words.say("worded", model=clean(answer.writer.model))
    elif any(citation.quote for citation in answer.citations):
        wrote = words.say("quoted")
    else:
        wrote = words.say("no_model")
    said = (
        law_as_at(answer.as_of, words),
        wrote,
        words.say("texts", id=answer.corpus_id[:12]),
        words.say("not_advice"),
    )
    return " · ".join(said)


def law_as_at(day: date, words: Wording = ENGLISH) -> str:
    """The day of the law, in the words of the page."""
    return words.say("law_as_at", day=words.long_date(day))


def claim_word(kind: ClaimKind, words: Wording = ENGLISH) -> str:
    """What a claim rests on, in the word of the page."""
    return words.turn.get(f"claim_{kind}") or words.say(f"authority_{kind}")


def weight_of(citation: Citation, words: Wording = ENGLISH) -> str:
    """What a citation weighs, in words: "law, not in force"."""
    said = [words.say(f"authority_{citation.authority}")]
    said += [words.say(f"force_{citation.force}")] if citation.force else []
    return ", ".join(said)


def _said(text: str, manner: Manner = Manner.BODY, look: Look = Look.PLAIN) -> Paragraph:
    return Paragraph((Words(text, look),), manner)


def _line(text: str, manner: Manner = Manner.BODY) -> Paragraph:
    """A line of ours, with its official addresses as links."""
    return Paragraph(tuple(Words(clean(piece.text), url=piece.url) for piece in split_line(text)), manner)


def _redline(row: Row) -> Iterator[Paragraph]:
    for runs in paragraphs_of(row.redline):
        yield Paragraph(tuple(chain.from_iterable(map(_run, runs))))


def _run(run: Run) -> Iterator[Words]:
    if run.space:
        yield Words(run.space)
    if run.words:
        yield Words(clean(run.words)) if run.change is Change.KEPT else _signed(run.change, run.words)


def _signed(change: Change, words: str) -> Words:
    """Struck or inserted words, told apart by signs too: they stay apart where the setting is lost."""
    look, opening, closing = SIGNS[change]
    return Words(f"{opening}{clean(words)}{closing}", look)
