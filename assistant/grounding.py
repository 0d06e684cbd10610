"""Does each cited provision exist, is each quotation verbatim at its offsets, does each claim have what carries it."""

from collections.abc import Iterator

from assistant.answer import Answer, Citation, Claim, ClaimKind
from assistant.errors import GroundingError
from assistant.noted import is_noted
from ingest.corpus import Corpus
from ingest.errors import PinpointError
from ingest.instrument import Authority, Expression, Relation


def ground_answer(answer: Answer, corpus: Corpus) -> Answer:
    """Hold an answer against the store; raises GroundingError for the first thing that does not stand."""
    for fault in find_faults(answer, corpus):
        raise GroundingError(fault)
    return answer


def find_faults(answer: Answer, corpus: Corpus) -> Iterator[str]:
    """What does not stand, a line each: numbers, provisions, quotations, claims without support, silent cells."""
    numbers = [citation.n for citation in answer.citations]
    if numbers != list(range(1, len(numbers) + 1)):
        yield f"citations are numbered {numbers}"
    for citation in answer.citations:
        yield from _citation_faults(citation, corpus)
    for claim in answer.claims():
        yield from _claim_faults(claim, set(numbers))
    for row in answer.rows:
        for cell in row.cells:
            yield from _cell_faults(row.issue, cell.claims, silent=row.only not in {None, cell.instrument})
        if row.relation is Relation.ONLY and row.only is None:
            yield f"row {row.issue!r} says that one instrument speaks, but not which"


def _citation_faults(citation: Citation, corpus: Corpus) -> Iterator[str]:
    if citation.authority is Authority.STATUS:
        if citation.pinpoint is not None or citation.as_seen is None:
            yield f"citation {citation.n} of the status table has a pinpoint or no day"
        return
    if citation.expression is None or citation.pinpoint is None:
        yield f"citation {citation.n} names no place"
        return
    try:
        provision = corpus.provision(citation.expression, citation.pinpoint)
    except PinpointError as error:
        yield f"citation {citation.n}: {error}"
        return
    if citation.expression.instrument != citation.instrument:
        yield f"citation {citation.n} gives {citation.expression} as a wording of {citation.instrument}"
    if is_noted(corpus.expression(citation.expression)) or citation.authority is Authority.NOTE:
        yield from _note_faults(citation, corpus.expression(citation.expression))
        return
    if not citation.quote or provision.text[citation.start : citation.end] != citation.quote:
        yield f"citation {citation.n}: the words are not those of {citation.pinpoint} at {citation.start}"


def _note_faults(citation: Citation, wording: Expression) -> Iterator[str]:
    """A note stands for a wording that is not held, and gives no words as the law's."""
    if not is_noted(wording) or citation.authority is not Authority.NOTE or citation.quote is not None:
        yield f"citation {citation.n}: {citation.authority} with a quotation or a text does not go with {wording.id}"


def _claim_faults(claim: Claim, numbers: set[int]) -> Iterator[str]:
    if claim.kind is ClaimKind.SILENCE:
        if claim.searched is None:
            yield f"silence without what was searched: {claim.text[:60]!r}"
        return
    if not claim.citations:
        yield f"a claim without a citation: {claim.text[:60]!r}"
    for number in claim.citations:
        if number not in numbers:
            yield f"a claim cites {number}, which does not exist"


def _cell_faults(issue: str, claims: tuple[Claim, ...], *, silent: bool) -> Iterator[str]:
    silences = sum(claim.kind is ClaimKind.SILENCE for claim in claims)
    if silent and (silences != 1 or len(claims) != 1):
        yield f"the silent cell of {issue!r} holds {len(claims)} claims, {silences} of them silence"
    if not claims:
        yield f"an empty cell in {issue!r}"
