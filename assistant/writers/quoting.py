"""The writer that needs no model: it quotes the law, row by row, and says our reviewed notes as notes."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from assistant.analysis import Inquiry
from assistant.answer import Cell, Claim, ClaimKind, Row, Search, Writer
from assistant.citing import LONGEST_QUOTE, CitationBook, fit_quote
from assistant.question import Intent
from assistant.ranking import Candidate, Findings, Side
from assistant.standing import relationship_text, status_sentences
from ingest.concordance import Correspondence, Sentence
from ingest.corpus import Corpus
from ingest.identifiers import InstrumentId
from ingest.instrument import Authority, Provision, ProvisionKind, Relation
from ingest.pinpoint import Pinpoint
from ingest.status import load_status

WRITER = Writer("quoting")

PLACES = 2
UNITS = 2
NOTE_SENTENCES = 4
NEAREST = 1
COMMENTARY = 1
CLOSE = 0.85
NOTE_QUOTE = 300


@dataclass(frozen=True, slots=True)
class Draft:
    """What a writer gives: everything of an answer that has claims in it."""

    relationship: Claim | None
    rows: tuple[Row, ...]
    summary: tuple[Claim, ...]


def write(corpus: Corpus, inquiry: Inquiry, findings: Findings, book: CitationBook) -> Draft:
    """Write the answer to an inquiry from what was found, citing into the book."""
    if inquiry.intent is Intent.STATUS:
        return _status_draft(inquiry, findings, book)
    relationship = _relationship(corpus, inquiry, book) if len(findings.sides) > 1 else None
    rows = tuple(_rows(inquiry, findings, book))
    summary = (*_notes(findings, inquiry, book), *_guidance(findings, inquiry, book))
    return Draft(relationship, rows, summary)


def write_correction(inquiry: Inquiry, correction: Sentence, book: CitationBook) -> Draft:
    """The provisions that put a false premise right, and for a treaty where it stands."""
    cells: dict[InstrumentId, list[Claim]] = {}
    for instrument, place in correction.places:
        wording = book.corpus.wording_on(instrument, inquiry.as_of)
        provision = wording.get(place) if wording else None
        if provision is not None:
            cells.setdefault(instrument, []).extend(_claims(_as_candidate(provision), book))
    for instrument, claims in cells.items():
        if instrument in load_status() and instrument in inquiry.sides:
            treaty = load_status()[instrument]
            claims.insert(
                0, Claim(status_sentences(treaty, inquiry.as_of)[0], ClaimKind.STATUS, (book.status(treaty),))
            )
    row = Row("What the texts say", None, tuple(Cell(one, tuple(claims)) for one, claims in cells.items()))
    return Draft(None, (row,) if cells else (), ())


def _relationship(corpus: Corpus, inquiry: Inquiry, book: CitationBook) -> Claim | None:
    text = relationship_text(corpus, inquiry.sides, inquiry.as_of)
    treaties = [load_status()[side] for side in inquiry.sides if side in load_status()]
    numbers = tuple(book.status(treaty) for treaty in treaties)
    return Claim(text, ClaimKind.STATUS, numbers) if text and numbers else None


def _rows(inquiry: Inquiry, findings: Findings, book: CitationBook) -> Iterable[Row]:
    named = [side for side in findings.sides if side.named]
    if named and len(inquiry.subject.split()) < 2:
        yield from _named_rows(findings, book)
    elif len(findings.sides) > 1 and findings.matches:
        yield from (_matched_row(match.correspondence, findings, inquiry, book) for match in findings.matches)
    elif len(findings.sides) > 1:
        yield _found_row(inquiry, findings, book)
    else:
        yield from _single_rows(findings.sides[0], findings, inquiry, book)


def _named_rows(findings: Findings, book: CitationBook) -> Iterable[Row]:
    """A row for each place that was named, told apart where both instruments have it."""
    places = dict.fromkeys(provision.pinpoint for side in findings.sides for provision in side.named)
    for place in places:
        having = [
            (side, provision) for side in findings.sides for provision in side.named if provision.pinpoint == place
        ]
        cells = tuple(Cell(side.instrument, tuple(_whole(provision, book))) for side, provision in having)
        headings = "; ".join(dict.fromkeys(_heading(provision, book) for _, provision in having))
        relation = Relation.DIFFERENT if len(cells) > 1 else None
        yield Row(headings, relation, cells)


def _matched_row(correspondence: Correspondence, findings: Findings, inquiry: Inquiry, book: CitationBook) -> Row:
    """A row of the concordance, in the wordings of the day asked."""
    cells = []
    for side in findings.sides:
        claims = _side_claims(_with_best(correspondence, side, findings), side, book)
        cells.append(Cell(side.instrument, claims or (_silence(side, inquiry, correspondence, book),)))
    speaking = [cell.instrument for cell in cells if cell.claims[0].kind is not ClaimKind.SILENCE]
    if len(speaking) == 1:
        return Row(correspondence.issue, Relation.ONLY, tuple(cells), speaking[0])
    relation = correspondence.relation if correspondence.relation is not Relation.ONLY else Relation.DIFFERENT
    return Row(correspondence.issue, relation, tuple(cells))


def _with_best(correspondence: Correspondence, side: Side, findings: Findings) -> tuple[Pinpoint, ...]:
    """The places of a row, and in the first row the best place of the side where no row has it."""
    places = correspondence.side(side.instrument)
    shown = [place for match in findings.matches for place in match.correspondence.side(side.instrument)]
    first = correspondence is findings.matches[0].correspondence
    if not first or not places or not side.candidates:
        return places
    best = side.candidates[0].provision.pinpoint
    return places if any(place.unit == best.unit for place in shown) else (best, *places)


def _side_claims(places: Sequence[Pinpoint], side: Side, book: CitationBook) -> tuple[Claim, ...]:
    """The words of the places of a side that exist in its wording, those first that answer the question best."""
    if side.wording is None:
        return ()
    existing = [place for place in places if place in side.wording]
    chosen = [(_best_within(place, side), place) for place in existing]
    chosen.sort(key=lambda one: -one[0].score if one[0] else 0.0)
    claims: list[Claim] = []
    for best, place in chosen[:PLACES]:
        provision = side.wording.at(place)
        short = len(provision.text) <= LONGEST_QUOTE or best is None
        claims += _claims(_as_candidate(provision) if short else best or _as_candidate(provision), book)
    return tuple(dict.fromkeys(claims))


def _best_within(place: Pinpoint, side: Side) -> Candidate | None:
    within = [one for one in side.candidates if place.contains(one.provision.pinpoint)]
    return max(within, key=lambda one: one.score, default=None)


def _as_candidate(provision: Provision) -> Candidate:
    return Candidate(provision, 0, len(provision.text), 0.0)


def _found_row(inquiry: Inquiry, findings: Findings, book: CitationBook) -> Row:
    """One row of what the search alone found on each side; nobody reviewed how the two stand to each other."""
    cells = tuple(
        Cell(side.instrument, _found_claims(side, book) or (_silence(side, inquiry, None, book),))
        for side in findings.sides
    )
    speaking = [cell.instrument for cell in cells if cell.claims[0].kind is not ClaimKind.SILENCE]
    issue = inquiry.subject[:1].upper() + inquiry.subject[1:]
    if len(speaking) == 1:
        return Row(issue, Relation.ONLY, cells, speaking[0])
    return Row(issue, Relation.DIFFERENT, cells)


def _found_claims(side: Side, book: CitationBook) -> tuple[Claim, ...]:
    claims = (claim for candidate in side.candidates[:PLACES] for claim in _claims(candidate, book))
    return tuple(dict.fromkeys(claims))


def _single_rows(side: Side, findings: Findings, inquiry: Inquiry, book: CitationBook) -> Iterable[Row]:
    """A row for each of the best units of the one instrument asked about."""
    if not side.candidates:
        yield Row(inquiry.subject, None, (Cell(side.instrument, (_silence(side, inquiry, None, book),)),))
        return
    best = side.candidates[0].score
    units: dict[Pinpoint, list[Candidate]] = {}
    for candidate in side.candidates:
        if candidate.score >= CLOSE * best and (candidate.unit in units or len(units) < UNITS):
            units.setdefault(candidate.unit, []).append(candidate)
    for candidates in units.values():
        claims = (claim for candidate in candidates[:PLACES] for claim in _claims(candidate, book))
        cell = Cell(side.instrument, tuple(dict.fromkeys(claims)))
        yield Row(_heading(candidates[0].provision, book), None, (cell,))


def _claims(candidate: Candidate, book: CitationBook) -> Iterable[Claim]:
    """The words of a candidate, after the opening words that a point hangs from."""
    provision = candidate.provision
    expression = book.corpus.expression(provision.expression)
    parent = expression.get(provision.parent) if provision.parent else None
    if provision.kind is ProvisionKind.POINT and candidate.start == 0 and parent is not None:
        opening = expression.children(parent.pinpoint)[0].offset - parent.offset - 1
        defines = "definitions" in parent.heading.lower()
        if 0 < opening <= NOTE_QUOTE and parent.text[:opening].rstrip().endswith(":") and not defines:
            yield _law(parent, 0, opening, book)
    end = len(provision.text) if _is_opening(provision, candidate) else candidate.end
    yield _law(provision, *fit_quote(provision.text, candidate.start, end), book)


def _is_opening(provision: Provision, candidate: Candidate) -> bool:
    """Whether only the opening words of a list fit the question, so that the list belongs to the answer."""
    return candidate.end < len(provision.text) and provision.text[: candidate.end].rstrip().endswith(":")


def _whole(provision: Provision, book: CitationBook) -> Iterable[Claim]:
    """A provision that was asked for, up to twice the usual length."""
    start, end = fit_quote(provision.text, 0, len(provision.text), 2400)
    yield _law(provision, start, end, book)


def _law(provision: Provision, start: int, end: int, book: CitationBook) -> Claim:
    number = book.quote(provision, start, end)
    cited = book.citations[number - 1]
    before = "[…] " if cited.start else ""
    whole = book.corpus.expression(provision.expression).at(cited.pinpoint or provision.pinpoint).text
    after = " […]" if cited.end is not None and cited.end < len(whole) else ""
    return Claim(f"{before}{cited.quote}{after}", _kind(cited.authority), (number,))


def _kind(authority: Authority) -> ClaimKind:
    if authority is Authority.EXPLANATORY_REPORT:
        return ClaimKind.GUIDANCE
    return ClaimKind(authority.value)


def _silence(side: Side, inquiry: Inquiry, correspondence: Correspondence | None, book: CitationBook) -> Claim:
    """That an instrument says nothing on the issue, what was searched, and what comes nearest."""
    nearest = [candidate for candidate in side.candidates if candidate.provision.kind is not ProvisionKind.RECITAL]
    numbers = []
    for candidate in nearest[:NEAREST]:
        start, end = fit_quote(candidate.provision.text, candidate.start, candidate.end, NOTE_QUOTE)
        numbers.append(book.quote(candidate.provision, start, end))
    terms = (inquiry.subject, *inquiry.topics)
    name = side.wording.short_title if side.wording else side.instrument
    issue = f' on "{correspondence.issue}"' if correspondence else ""
    text = f"Nothing found in {name}{issue}; searched: {', '.join(term for term in terms if term)}."
    return Claim(text, ClaimKind.SILENCE, (), Search((side.instrument,), terms, tuple(numbers)))


def _heading(provision: Provision, book: CitationBook) -> str:
    unit = book.corpus.expression(provision.expression).at(provision.pinpoint.unit)
    label = unit.label[0].upper() + unit.label[1:]
    return f"{label} – {unit.heading}" if unit.heading else label


def _notes(findings: Findings, inquiry: Inquiry, book: CitationBook) -> Iterable[Claim]:
    """What our reviewed notes say of the rows shown, each sentence with the law that carries it."""
    if len(findings.sides) < 2 or (inquiry.subject and not findings.matches):
        return
    each = NOTE_SENTENCES if len(findings.matches) == 1 else 2
    cited = {(one.instrument, one.pinpoint.unit) for one in book.citations if one.pinpoint}
    for match in findings.matches:
        carried = [one for one in match.correspondence.note if _units(one) <= cited] or match.correspondence.note[:1]
        for sentence in carried[:each]:
            numbers = _sentence_numbers(sentence, findings, book)
            if numbers:
                yield Claim(sentence.text, ClaimKind.NOTE, numbers)


def _units(sentence: Sentence) -> set[tuple[InstrumentId, Pinpoint]]:
    return {(instrument, place.unit) for instrument, place in sentence.places}


def _sentence_numbers(sentence: Sentence, findings: Findings, book: CitationBook) -> tuple[int, ...]:
    """The citations that carry a sentence of a note; none unless every place of it exists on the day asked."""
    wordings = {side.instrument: side.wording for side in findings.sides}
    provisions: list[Provision] = []
    for instrument, place in sentence.places:
        wording = wordings.get(instrument)
        provision = wording.get(place) if wording else None
        if provision is None:
            return ()
        provisions.append(provision)
    return tuple(dict.fromkeys(_note_number(provision, book) for provision in provisions))


def _note_number(provision: Provision, book: CitationBook) -> int:
    """The number under which words of the provision are cited already, else a new one for its first words."""
    for one in book.citations:
        if one.expression == provision.expression and one.pinpoint and provision.pinpoint.contains(one.pinpoint):
            return one.n
    start, end = fit_quote(provision.text, 0, len(provision.text), NOTE_QUOTE)
    return book.quote(provision, start, end)


def _guidance(findings: Findings, inquiry: Inquiry, book: CitationBook) -> Iterable[Claim]:
    """The nearest guidance, where it is near enough to help and after the law."""
    if inquiry.intent is Intent.PROVISION:
        return
    best = max((side.candidates[0].score for side in findings.sides if side.candidates), default=1.0)
    for candidate in findings.commentary[:COMMENTARY]:
        expression = book.corpus.expression(candidate.provision.expression)
        if candidate.score >= 0.9 * best and expression.authority is not Authority.COMMENTARY:
            start, end = fit_quote(candidate.provision.text, candidate.start, candidate.end, NOTE_QUOTE)
            yield _law(candidate.provision, start, end, book)


def _status_draft(inquiry: Inquiry, findings: Findings, book: CitationBook) -> Draft:
    """What the status table says of a treaty, and the clause on its entry into force."""
    rows: list[Row] = []
    for side in findings.sides:
        treaty = load_status().get(side.instrument)
        if treaty is None or side.wording is None:
            continue
        number = book.status(treaty)
        claims = [Claim(text, ClaimKind.STATUS, (number,)) for text in status_sentences(treaty, inquiry.as_of)]
        clause = side.wording.get(Pinpoint.parse(treaty.entry_clause))
        if clause is not None:
            claims.append(_law(clause, *fit_quote(clause.text, 0, len(clause.text)), book))
        rows.append(Row("Signatures, consents and entry into force", None, (Cell(side.instrument, tuple(claims)),)))
    rest = [side for side in findings.sides if side.instrument not in load_status()]
    if rest and rows:
        cells = tuple(Cell(side.instrument, _found_claims(side, book)) for side in rest if side.candidates)
        rows[0] = Row(rows[0].issue, Relation.DIFFERENT, (*rows[0].cells, *cells))
    return Draft(None, tuple(rows), ())


def next_questions(findings: Findings, asked: Sequence[str], instruments: Sequence[InstrumentId]) -> tuple[str, ...]:
    """Questions on neighbouring issues of the concordance."""
    if len(instruments) < 2:
        return ()
    shown = {match.correspondence.id for match in findings.matches} | set(asked)
    others = [match.correspondence for match in findings.neighbours if match.correspondence.id not in shown]
    return tuple(f"{one.issue}: how do the two compare?" for one in others[:3])
