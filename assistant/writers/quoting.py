"""The writer that needs no model: it quotes the law, row by row, and says our reviewed notes as notes."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

from assistant.analysis import Inquiry
from assistant.answer import Cell, Citation, Claim, ClaimKind, Row, Search, Writer
from assistant.citing import LONGEST_QUOTE, CitationBook, fit_quote
from assistant.noted import is_noted
from assistant.question import Intent
from assistant.ranking import Candidate, Findings, Side
from assistant.standing import name_of, relationship_text, status_sentences
from assistant.writers.noting import find_age, is_held_as_note, note_claims
from ingest.concordance import Correspondence, Sentence, load_concordance
from ingest.corpus import Corpus
from ingest.identifiers import ExpressionId, InstrumentId
from ingest.instrument import RECITALS, Authority, Expression, Provision, ProvisionKind, Relation
from ingest.notes import load_notes, note_wordings
from ingest.pinpoint import Pinpoint
from ingest.redline import Change, Segment, redline
from ingest.status import load_status

WRITER = Writer("quoting")

PLACES = 2
ROW_PLACES = 3
RECITAL_SHARE = 0.7
MOST_PLACES = 4
AS_GOOD = 0.9
UNITS = 2
NOTE_SENTENCES = 4
EXPLAINED = 2
NEAREST = 1
MOST_BEARING = 3
COMMENTARY = 1
CLOSE = 0.8
NOTE_QUOTE = 300
PAIR = 2
NEARLY_SAME = 0.5
COLUMN_FLOOR = 0.45

_TERM = re.compile(r"[‘“\"]([^’”\"]+)[’”\"]")
_LABEL = re.compile(r"^(?:\([0-9a-z]+\)|\d+[a-z]*\.?|[a-z])\s")


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
            said = cells.setdefault(instrument, [])
            said += [*_claims(_as_candidate(provision), book, said)]
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
    named = [side.instrument for side in findings.sides if side.named]
    compared = len(findings.sides) > 1
    if named and len(inquiry.subject.split()) < 2 and not (findings.matches and {*inquiry.named} - {*named}):
        yield from _named_rows(findings, book)
    elif compared and _is_defined_by_one(findings):
        yield _definition_row(inquiry, findings, book)
    elif compared and findings.matches:
        yield from (_matched_row(match.correspondence, findings, inquiry, book) for match in findings.matches)
    elif compared:
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


def _is_defined_by_one(findings: Findings) -> bool:
    """Whether one instrument alone defines the term asked about, and the concordance sets nothing beside it."""
    defining = [side for side in findings.sides if side.defined is not None]
    if len(defining) != 1 or defining[0].defined is None:
        return False
    place, instrument = defining[0].defined.pinpoint, defining[0].instrument
    first = (one for one in load_concordance().touching(instrument, place) if one.side(instrument)[0] == place)
    return all(one.relation is Relation.ONLY for one in first)


def _definition_row(inquiry: Inquiry, findings: Findings, book: CitationBook) -> Row:
    """What the one instrument says that defines the term asked about; the other has no such definition."""
    only = next(side for side in findings.sides if side.defined is not None)
    term = _TERM.search(only.defined.text) if only.defined else None
    issue = f"Definition of ‘{term[1]}’" if term else _sentence(inquiry.subject)
    cells = []
    for side in findings.readable:
        words = tuple(_claims(_as_candidate(side.defined), book)) if side.defined is not None else ()
        cells.append(Cell(side.instrument, words or (_silence(side, inquiry, issue, book),)))
    relation = Relation.ONLY if len(cells) == len(findings.sides) else None
    return Row(issue, relation, tuple(cells), only.instrument if relation else None)


def _matched_row(correspondence: Correspondence, findings: Findings, inquiry: Inquiry, book: CitationBook) -> Row:
    """A row of the concordance, in the wordings of the day asked."""
    cells = []
    for side in findings.readable:
        claims = _side_claims(_with_best(correspondence, side, findings), side, book)
        claims = claims or _column_claims(side, book)
        bearing = correspondence.nearest.get(side.instrument, ())
        cells.append(Cell(side.instrument, claims or (_silence(side, inquiry, correspondence.issue, book, bearing),)))
    speaking = [cell.instrument for cell in cells if cell.claims[0].kind is not ClaimKind.SILENCE]
    if len(cells) < len(findings.sides):
        return Row(correspondence.issue, None, tuple(cells))
    if len(speaking) == 1:
        return Row(correspondence.issue, Relation.ONLY, tuple(cells), speaking[0])
    relation = correspondence.relation if correspondence.relation is not Relation.ONLY else Relation.DIFFERENT
    return Row(correspondence.issue, relation, tuple(cells), redline=_redline(cells, book))


def _redline(cells: Sequence[Cell], book: CitationBook) -> tuple[Segment, ...]:
    """The words that the first quotations of two cells share and those that each has alone, where most are shared."""
    if len(cells) != PAIR:
        return ()
    first = [next((one for one in cell.claims if one.kind is ClaimKind.LAW), None) for cell in cells]
    left, right = (_bare(book.text(one.citations[0])) if one else "" for one in first)
    if not left or not right:
        return ()
    segments = redline(left, right)
    kept = sum(len(one.text) for one in segments if one.change is Change.KEPT)
    return segments if kept >= NEARLY_SAME * max(len(left), len(right)) else ()


def _bare(words: str) -> str:
    """A quotation without its printed label and its last sign."""
    return _LABEL.sub("", words).rstrip(" ;.,")


def _column_claims(side: Side, book: CitationBook) -> tuple[Claim, ...]:
    """What a column of the user's own, which the concordance does not know, has that comes near enough."""
    near = side.wording is not None and side.wording.column and side.candidates[:1]
    return tuple(_claims(near[0], book)) if near and near[0].score >= COLUMN_FLOOR else ()


def _with_best(correspondence: Correspondence, side: Side, findings: Findings) -> tuple[Pinpoint, ...]:
    """The places of a row, and in the first row the best place of the side where no row has it."""
    places = correspondence.side(side.instrument)
    shown = [place for match in findings.matches for place in match.correspondence.side(side.instrument)]
    first = correspondence is findings.matches[0].correspondence
    if not first or not places or not side.candidates or (side.wording and is_noted(side.wording)):
        return places
    best = side.candidates[0].provision.pinpoint
    return places if any(place.unit == best.unit for place in shown) else (best, *places)


def _side_claims(places: Sequence[Pinpoint], side: Side, book: CitationBook) -> tuple[Claim, ...]:
    """The words of the places of a side that exist in its wording, those first that answer the question best."""
    if side.wording is None:
        return ()
    chosen = [(_best_within(place, side), place) for place in _existing(places, side.wording)]
    if not is_noted(side.wording):
        chosen.sort(key=lambda one: -one[0].score if one[0] else 0.0)
        chosen = _without_idle_recitals(chosen, side.wording)
    claims: list[Claim] = []
    quoted: list[Pinpoint] = []
    best_score = max((best.score for best, _ in chosen if best), default=0.0)
    for best, place in chosen:
        near = place.unit in quoted or (best is not None and best.score >= AS_GOOD * best_score)
        if len(quoted) >= (MOST_PLACES if near else ROW_PLACES):
            continue
        provision = side.wording.at(place)
        short = len(provision.text) <= LONGEST_QUOTE or best is None
        candidate = _as_candidate(provision) if short else best or _as_candidate(provision)
        new = [claim for claim in _claims(candidate, book, claims) if claim not in claims]
        claims += new
        quoted += [place.unit] if new else []
    return tuple(claims)


def _without_idle_recitals(
    chosen: Sequence[tuple[Candidate | None, Pinpoint]], wording: Expression
) -> list[tuple[Candidate | None, Pinpoint]]:
    """The places, best first, without the recitals that fit the question much worse than the article beside them."""
    scores = [best.score if best else 0.0 for best, _ in chosen]
    recitals = [wording.at(place).kind in RECITALS for _, place in chosen]
    if all(recitals):
        return list(chosen)
    return [
        one
        for one, score, is_recital in zip(chosen, scores, recitals, strict=True)
        if not is_recital or score >= RECITAL_SHARE * scores[0]
    ]


def _existing(places: Sequence[Pinpoint], wording: Expression) -> list[Pinpoint]:
    """The places that a wording has; for a part of a unit which it does not divide, the unit."""
    held = (place if place in wording or wording.children(place.unit) else place.unit for place in places)
    return [place for place in dict.fromkeys(held) if place in wording and not wording.at(place).is_container]


def _best_within(place: Pinpoint, side: Side) -> Candidate | None:
    within = [one for one in side.candidates if place.contains(one.provision.pinpoint)]
    return max(within, key=lambda one: one.score, default=None)


def _as_candidate(provision: Provision) -> Candidate:
    return Candidate(provision, 0, len(provision.text), 0.0)


def _found_row(inquiry: Inquiry, findings: Findings, book: CitationBook) -> Row:
    """One row of what the search alone found on each side; nobody reviewed how the two stand to each other."""
    cells = tuple(
        Cell(side.instrument, _found_claims(side, book) or (_silence(side, inquiry, None, book),))
        for side in findings.readable
    )
    speaking = [cell.instrument for cell in cells if cell.claims[0].kind is not ClaimKind.SILENCE]
    issue = _sentence(inquiry.subject)
    if len(cells) < len(findings.sides):
        return Row(issue, None, cells)
    if len(speaking) == 1:
        return Row(issue, Relation.ONLY, cells, speaking[0])
    return Row(issue, Relation.DIFFERENT, cells)


def _sentence(subject: str) -> str:
    return subject[:1].upper() + subject[1:]


def _found_claims(side: Side, book: CitationBook) -> tuple[Claim, ...]:
    claims = (claim for candidate in side.candidates[:PLACES] for claim in _claims(candidate, book))
    return tuple(dict.fromkeys(claims))


def _single_rows(side: Side, findings: Findings, inquiry: Inquiry, book: CitationBook) -> Iterable[Row]:
    """A row for each of the best units of the one instrument asked about."""
    if not side.candidates:
        yield Row(inquiry.subject, None, (Cell(side.instrument, (_silence(side, inquiry, None, book),)),))
        return
    ordered = _articles_first(side.candidates)
    best = ordered[0].score
    units: dict[Pinpoint, list[Candidate]] = {}
    for candidate in ordered:
        if candidate.score >= CLOSE * best and (candidate.unit in units or len(units) < UNITS):
            units.setdefault(candidate.unit, []).append(candidate)
    for candidates in units.values():
        claims = (claim for candidate in candidates[:PLACES] for claim in _claims(candidate, book))
        cell = Cell(side.instrument, tuple(dict.fromkeys(claims)))
        yield Row(_heading(candidates[0].provision, book), None, (cell,))


def _articles_first(candidates: Sequence[Candidate]) -> list[Candidate]:
    """The best article before the recitals that come nearer: these explain it, and stand beside it."""
    first = next((one for one in candidates if one.provision.kind not in RECITALS), candidates[0])
    return [first, *(one for one in candidates if one is not first)]


def _claims(candidate: Candidate, book: CitationBook, said: Sequence[Claim] = ()) -> Iterable[Claim]:
    """The words of a candidate, after the opening words that a point hangs from; our notes where no words are held.

    Nothing is quoted again that `said` has within a longer quotation.
    """
    provision = candidate.provision
    if is_held_as_note(provision, book):
        yield from note_claims(provision, book)
        return
    expression = book.corpus.expression(provision.expression)
    parent = expression.get(provision.parent) if provision.parent else None
    if provision.kind is ProvisionKind.POINT and candidate.start == 0 and parent is not None:
        opening = expression.children(parent.pinpoint)[0].offset - parent.offset - 1
        defines = "definitions" in parent.heading.lower()
        introduces = 0 < opening <= NOTE_QUOTE and parent.text[:opening].rstrip().endswith(":") and not defines
        if introduces and not _is_said(parent, 0, opening, said, book):
            yield _law(parent, 0, opening, book)
    end = len(provision.text) if _is_opening(provision, candidate) else candidate.end
    start, end = fit_quote(provision.text, candidate.start, end)
    if not _is_said(provision, start, end, said, book):
        yield _law(provision, start, end, book)


def _is_said(provision: Provision, start: int, end: int, said: Sequence[Claim], book: CitationBook) -> bool:
    """Whether claims already hold the words [start, end) of a provision."""
    cited = (book.citations[number - 1] for claim in said for number in claim.citations)
    return any(_holds(one, provision, start, end, book) for one in cited)


def _holds(cited: Citation, provision: Provision, start: int, end: int, book: CitationBook) -> bool:
    """Whether a quotation has the words [start, end) of a provision in it."""
    place, first, last = cited.pinpoint, cited.start, cited.end
    if cited.expression != provision.expression or place is None or first is None or last is None:
        return False
    away = provision.offset - book.corpus.provision(provision.expression, place).offset
    return place.unit == provision.pinpoint.unit and first <= away + start and away + end <= last


def _is_opening(provision: Provision, candidate: Candidate) -> bool:
    """Whether only the opening words of a list fit the question, so that the list belongs to the answer."""
    return candidate.end < len(provision.text) and provision.text[: candidate.end].rstrip().endswith(":")


def _whole(provision: Provision, book: CitationBook) -> Iterable[Claim]:
    """A provision that was asked for, up to twice the usual length, or all that our notes say of it."""
    if is_held_as_note(provision, book):
        yield from note_claims(provision, book, NOTE_SENTENCES * 2)
        return
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


def _silence(
    side: Side, inquiry: Inquiry, issue: str | None, book: CitationBook, bearing: Sequence[Pinpoint] = ()
) -> Claim:
    """That an instrument says nothing on the issue, what was searched, and what comes nearest.

    That is what by our concordance still has a bearing on it, else the best that was found.
    """
    terms = (inquiry.subject, *inquiry.topics)
    name = name_of(book.corpus, side.instrument)
    on = f' on "{issue}"' if issue else ""
    text = f"Nothing found in {name}{on}; searched: {', '.join(term for term in terms if term)}."
    numbers = tuple(_quote_briefly(one, book) for one in _nearest(side, bearing))
    return Claim(text, ClaimKind.SILENCE, (), Search((side.instrument,), terms, numbers))


def _nearest(side: Side, bearing: Sequence[Pinpoint]) -> list[Candidate]:
    if side.wording is not None and bearing:
        return [_as_candidate(side.wording.at(place)) for place in _existing(bearing, side.wording)[:MOST_BEARING]]
    return [one for one in side.candidates if one.provision.kind is not ProvisionKind.RECITAL][:NEAREST]


def _quote_briefly(candidate: Candidate, book: CitationBook) -> int:
    start, end = fit_quote(candidate.provision.text, candidate.start, candidate.end, NOTE_QUOTE)
    return book.quote(candidate.provision, start, end)


def _heading(provision: Provision, book: CitationBook) -> str:
    unit = book.corpus.expression(provision.expression).at(provision.pinpoint.unit)
    label = unit.label[0].upper() + unit.label[1:]
    return f"{label} – {unit.heading}" if unit.heading else label


def _notes(findings: Findings, inquiry: Inquiry, book: CitationBook) -> Iterable[Claim]:
    """What our reviewed notes say of the rows shown, each sentence with the law that carries it."""
    if len(findings.sides) < 2:
        yield from _explanations(findings.sides[0], inquiry, book)
        return
    if inquiry.subject and not findings.matches:
        return
    each = NOTE_SENTENCES if len(findings.matches) == 1 else 2
    cited = {(one.instrument, one.pinpoint.unit) for one in book.citations if one.pinpoint}
    for match in findings.matches:
        carried = [one for one in match.correspondence.note if _units(one) <= cited] or match.correspondence.note[:1]
        claims = (_note_claim(one.text, one.places, _written(), inquiry, book) for one in carried)
        yield from islice((claim for claim in claims if claim is not None), each)


def _explanations(side: Side, inquiry: Inquiry, book: CitationBook) -> Iterable[Claim]:
    """What our note on the first provision quoted says of the places quoted, in plain words."""
    if side.wording is None or is_noted(side.wording):
        return
    quoted = [one.pinpoint for one in book.citations if one.instrument == side.instrument and one.pinpoint]
    note = load_notes().get(side.instrument, {}).get(quoted[0].unit) if quoted else None
    units = {place.unit for place in quoted}
    within = [one for one in (note.sentences if note else ()) if {place.unit for place in one.cites} <= units]
    near = sorted((one for one in within if _shared(one.cites, quoted)), key=lambda one: -_shared(one.cites, quoted))
    most = NOTE_SENTENCES if inquiry.intent is Intent.PROVISION else EXPLAINED
    claims = (
        _note_claim(one.text, [(side.instrument, place) for place in one.cites], note_wordings(), inquiry, book)
        for one in sorted(near[:most], key=within.index)
    )
    yield from (claim for claim in claims if claim is not None)


def _shared(cited: Sequence[Pinpoint], quoted: Sequence[Pinpoint]) -> int:
    """How many steps places cited and places quoted share; 0 where only an article as a whole is cited for a part."""
    pairs = [(a, b) for a in cited for b in quoted if b.contains(a) or (a.contains(b) and len(a.steps) > 1)]
    return max((min(len(a.steps), len(b.steps)) for a, b in pairs), default=0)


def _units(sentence: Sentence) -> set[tuple[InstrumentId, Pinpoint]]:
    return {(instrument, place.unit) for instrument, place in sentence.places}


def _written() -> dict[InstrumentId, ExpressionId]:
    """The wordings that the concordance was written on."""
    return {InstrumentId(name): wording for name, wording in load_concordance().wordings.items()}


def _note_claim(
    text: str,
    places: Sequence[tuple[InstrumentId, Pinpoint]],
    written: Mapping[InstrumentId, ExpressionId],
    inquiry: Inquiry,
    book: CitationBook,
) -> Claim | None:
    """A sentence of ours with the law that carries it; None where it does not fit the law of the day asked."""
    age = find_age(places, written, book.corpus, inquiry.as_of)
    if age is None:
        return None
    wordings = ((book.corpus.wording_on(instrument, inquiry.as_of), place) for instrument, place in places)
    numbers = dict.fromkeys(_note_number(wording.at(place), book) for wording, place in wordings if wording)
    return Claim(f"{text}{age}", ClaimKind.NOTE, tuple(numbers))


def _note_number(provision: Provision, book: CitationBook) -> int:
    """The number of a quotation of the provision, or of a short one with its first words; else a new one for these."""
    start, end = fit_quote(provision.text, 0, len(provision.text), NOTE_QUOTE)
    for one in book.citations:
        own = one.pinpoint == provision.pinpoint or len(one.quote or "") <= NOTE_QUOTE
        if own and _holds(one, provision, start, end, book):
            return one.n
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
            claims += _claims(_as_candidate(clause), book)
        rows.append(Row("Signatures, consents and entry into force", None, (Cell(side.instrument, tuple(claims)),)))
    rest = [side for side in findings.sides if side.instrument not in load_status()]
    if rest and rows:
        cells = tuple(Cell(side.instrument, _best_unit(side, book)) for side in rest if side.candidates)
        rows[0] = Row(rows[0].issue, Relation.DIFFERENT, (*rows[0].cells, *cells))
    return Draft(None, tuple(rows), ())


def _best_unit(side: Side, book: CitationBook) -> tuple[Claim, ...]:
    """The article that fits best, whole, so that no date in it stands without its exceptions."""
    wording = book.corpus.expression(side.candidates[0].provision.expression)
    return tuple(_whole(wording.at(side.candidates[0].unit), book))


def next_questions(findings: Findings, asked: Sequence[str], instruments: Sequence[InstrumentId]) -> tuple[str, ...]:
    """Questions on neighbouring issues of the concordance."""
    if len(instruments) < 2:
        return ()
    shown = {match.correspondence.id for match in findings.matches} | set(asked)
    others = [match.correspondence for match in findings.neighbours if match.correspondence.id not in shown]
    return tuple(f"{one.issue}: how do the two compare?" for one in others[:3])
