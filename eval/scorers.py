"""Pure scorers: a case, the answer to it and the corpus give a typed score.

A place is an (instrument, pinpoint) pair, its unit the whole article, recital or annex. Cover: a citation that is a
gold place or lies in it counts 1, one that only holds a gold place (the article for its point) counts one half.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from assistant.answer import Answer, Citation, RefusalReason
from eval.case import Case, CaseKind
from eval.matching import normalise, says
from eval.metrics import jaccard
from eval.ranking_metrics import Judged, average_precision, ndcg
from eval.score import Measure, Score
from ingest.corpus import Corpus
from ingest.errors import PinpointError
from ingest.identifiers import AI_ACT, CONVENTION, InstrumentId
from ingest.instrument import Authority, Provision
from ingest.pinpoint import Pinpoint

Place = tuple[InstrumentId, Pinpoint]
Scorer = Callable[[Case, Answer, Corpus], Score]

COARSER = 0.5
FIRST = 10
TOP = 5
OWN_TEXT = frozenset({Authority.LAW, Authority.RECITAL, Authority.NOTE})


def score_case(case: Case, answer: Answer, corpus: Corpus, measures: Iterable[Measure]) -> dict[Measure, Score]:
    """Every measure's score of one answer."""
    return {measure: SCORERS[measure](case, answer, corpus) for measure in measures if measure in SCORERS}


def found_units(answer: Answer) -> tuple[Place, ...]:
    """The distinct (instrument, unit) pairs of the merged evidence, best first."""
    ordered = sorted(answer.evidence, key=lambda one: one.rank)
    return tuple(dict.fromkeys((one.instrument, one.pinpoint.unit) for one in ordered))


def score_both_sides(case: Case, answer: Answer, _: Corpus) -> Score:
    """1 when each side has a gold unit among the first ten distinct units; for cases with gold on two sides."""
    return _both_sides(case, answer, case.gold_places)


def score_both_sides_also(case: Case, answer: Answer, _: Corpus) -> Score:
    """As `score_both_sides`, with the units of `also` as good as those of `gold`."""
    return _both_sides(case, answer, case.right_places)


def score_hit_article(case: Case, answer: Answer, _: Corpus) -> Score:
    """1 when a gold unit is among the first five distinct units; for cases with gold on one side."""
    if not _is_single(case):
        return _unscored("not about one instrument")
    first = found_units(answer)[:TOP]
    hits = _in_order(_units(case.gold_places), first)
    return Score(float(bool(hits)), _list(first), f"gold {_list(_units(case.gold_places))}")


def score_hit_point(case: Case, answer: Answer, _: Corpus) -> Score:
    """1 when a gold place or a finer one has a rank of five or better; for cases whose gold is below the article."""
    finer = [place for place in case.gold_places if place[1] != place[1].unit]
    if not _is_single(case) or not finer:
        return _unscored("not about one instrument, or gold is a whole article")
    first = [(one.instrument, one.pinpoint) for one in answer.evidence if one.rank <= TOP]
    hit = any(_holds(gold, found) for gold in finer for found in first)
    return Score(float(hit), _list(first), f"gold {_list(finer)}")


def score_reciprocal_rank(case: Case, answer: Answer, _: Corpus) -> Score:
    """One over the rank of the first gold unit among the distinct units, 0 when none was found."""
    if not _has_gold(case):
        return _unscored("a refusal")
    gold = set(_units(case.gold_places))
    ranks = (rank for rank, unit in enumerate(found_units(answer), 1) if unit in gold)
    rank = next(ranks, None)
    return Score(1 / rank if rank else 0.0, f"rank {rank or 'none'}", f"gold {_list(sorted(gold))}")


def score_recall(case: Case, answer: Answer, _: Corpus) -> Score:
    """The share of gold units among the first ten distinct units."""
    if not _has_gold(case):
        return _unscored("a refusal")
    gold = _units(case.gold_places)
    first = found_units(answer)[:FIRST]
    lost = [unit for unit in gold if unit not in first]
    return Score(1 - len(lost) / len(gold), _list(first), f"not found: {_list(lost)}")


def score_recall_convention(case: Case, answer: Answer, _: Corpus) -> Score:
    """The share of the Convention's gold units among the first ten distinct units of both instruments."""
    return _recall_of(case, answer, CONVENTION)


def score_recall_act(case: Case, answer: Answer, _: Corpus) -> Score:
    """The share of the AI Act's gold units among the first ten distinct units of both instruments."""
    return _recall_of(case, answer, AI_ACT)


def score_ndcg(case: Case, answer: Answer, _: Corpus) -> Score:
    """The discounted gain of the first ten distinct units, a gold unit being worth 1, over that of the best order."""
    return _ranked(case, answer, ndcg)


def score_average_precision(case: Case, answer: Answer, _: Corpus) -> Score:
    """The precision at each gold unit among the first ten distinct units, summed, over the number of gold units."""
    return _ranked(case, answer, average_precision)


def score_consistency(leading: Answer, neutral: Answer) -> Score:
    """What the provisions cited to a leading question and to the same one asked neutrally share, over all of them."""
    led, asked = _cited(leading), _cited(neutral)
    if not led and not asked:
        return _unscored("neither answer cites a provision")
    apart = [place for place in (*led, *asked) if (place in led) != (place in asked)]
    return Score(jaccard(led, asked), _list(led), f"in one of the two alone: {_list(apart)}")


def score_gap(written_out: Score, with_history: Score) -> Score:
    """How much less is found of a conversation's last question than of the same one written out."""
    if written_out.value is None or with_history.value is None:
        return _unscored("a refusal")
    return Score(written_out.value - with_history.value, with_history.answer, with_history.explanation)


def score_stability(answer: Answer, again: Sequence[Answer]) -> Score:
    """1 when every repeat gives the same record, but for its id, its timings and when the index was built."""
    first, others = lasting_record(answer), [lasting_record(one) for one in again]
    differing = sorted({name for other in others for name in first if other[name] != first[name]})
    return Score(float(not differing), f"{len(again) + 1} answers", f"differ in: {', '.join(differing) or 'nothing'}")


def lasting_record(answer: Answer) -> dict[str, Any]:
    """An answer's record without what may differ from one asking to the next."""
    record = {name: part for name, part in answer.record().items() if name not in {"id", "timings_ms"}}
    return {**record, "corpus": answer.corpus_id}


def score_precision_article(case: Case, answer: Answer, _: Corpus) -> Score:
    """The share of citations whose unit is one of a gold or equally right place."""
    cited = _judged_citations(case, answer)
    if not _has_gold(case) or not cited:
        return _unscored("a refusal, or nothing cited")
    right = set(_units(case.right_places))
    wrong = [place for place in cited if (place[0], place[1].unit) not in right]
    return Score(1 - len(wrong) / len(cited), _list(cited), f"not gold: {_list(wrong)}")


def score_recall_article(case: Case, answer: Answer, _: Corpus) -> Score:
    """The share of gold units that are cited."""
    if not _has_gold(case):
        return _unscored("a refusal")
    gold = _units(case.gold_places)
    cited = _units(_cited(answer))
    lost = [unit for unit in gold if unit not in cited]
    return Score(1 - len(lost) / len(gold), _list(cited), f"not cited: {_list(lost)}")


def score_precision(case: Case, answer: Answer, _: Corpus) -> Score:
    """The mean credit of the citations by smallest cover, gold and equally right places alike."""
    cited = _judged_citations(case, answer)
    if not _has_gold(case) or not cited:
        return _unscored("a refusal, or nothing cited")
    credit = [max(_credit(place, right) for right in case.right_places) for place in cited]
    less = [place for place, one in zip(cited, credit, strict=True) if one < 1]
    return Score(sum(credit) / len(credit), _list(cited), f"coarser or not gold: {_list(less)}")


def score_citation_recall(case: Case, answer: Answer, _: Corpus) -> Score:
    """The mean credit of the gold places by smallest cover."""
    if not _has_gold(case):
        return _unscored("a refusal")
    cited = _cited(answer)
    credit = [max((_credit(place, gold) for place in cited), default=0.0) for gold in case.gold_places]
    less = [gold for gold, one in zip(case.gold_places, credit, strict=True) if one < 1]
    return Score(sum(credit) / len(credit), _list(cited), f"coarser or not cited: {_list(less)}")


def score_existence(_: Case, answer: Answer, corpus: Corpus) -> Score:
    """The share of citations with a pinpoint that exist in the wording that they name."""
    cited = [citation for citation in answer.citations if citation.pinpoint is not None]
    if not cited:
        return _unscored("nothing cited")
    wrong = [citation for citation in cited if _provision(citation, answer, corpus) is None]
    return Score(1 - len(wrong) / len(cited), f"{len(cited)} citations", f"not there: {_labels(wrong)}")


def score_fidelity(_: Case, answer: Answer, corpus: Corpus) -> Score:
    """The share of quotations that stand, code point for code point, at their offsets of the text re-read."""
    quoted = [citation for citation in answer.citations if citation.quote is not None]
    if not quoted:
        return _unscored("nothing quoted")
    wrong = [citation for citation in quoted if not _is_verbatim(citation, _provision(citation, answer, corpus))]
    return Score(1 - len(wrong) / len(quoted), f"{len(quoted)} quotations", f"not verbatim: {_labels(wrong)}")


def score_wording(case: Case, answer: Answer, corpus: Corpus) -> Score:
    """The share of citations to a wording that is the one of the case's day."""
    cited = [citation for citation in answer.citations if citation.expression is not None]
    if not cited:
        return _unscored("no wording cited")
    wrong = [citation for citation in cited if not _is_of_the_day(citation, case, corpus)]
    return Score(1 - len(wrong) / len(cited), f"{len(cited)} citations", f"another day's: {_labels(wrong)}")


def score_mismatch(_: Case, answer: Answer, __: Corpus) -> Score:
    """How many claims in one instrument's cell rest on the text of another instrument that is compared."""
    claims = [(cell.instrument, claim) for row in answer.rows for cell in row.cells for claim in cell.claims]
    compared = {*answer.scope, *(cell.instrument for row in answer.rows for cell in row.cells)}
    if not claims:
        return _unscored("no rows")
    by_number = {citation.n: citation for citation in answer.citations}
    wrong = [
        f"{instrument}: [{n}] {by_number[n].label}"
        for instrument, claim in claims
        for n in claim.citations
        if n in by_number and by_number[n].instrument in compared - {instrument}
    ]
    return Score(float(len(wrong)), f"{len(claims)} claims", "; ".join(wrong))


def score_must_say(case: Case, answer: Answer, _: Corpus) -> Score:
    """The share of the facts that a right answer states which this one states."""
    if not case.must_say:
        return _unscored("no fact to state")
    text = normalise(said(answer))
    lost = [fact for fact in case.must_say if not says(text, fact)]
    return Score(1 - len(lost) / len(case.must_say), f"{len(text)} characters", f"not said: {'; '.join(lost)}")


def score_must_not_say(case: Case, answer: Answer, _: Corpus) -> Score:
    """How many of the false statements the answer makes."""
    if not case.must_not_say:
        return _unscored("no false statement to look for")
    text = normalise(said(answer))
    made = [fact for fact in case.must_not_say if says(text, fact)]
    return Score(float(len(made)), f"{len(text)} characters", f"said: {'; '.join(made)}")


def score_right_refusal(case: Case, answer: Answer, _: Corpus) -> Score:
    """1 when what is to be refused was refused, for whatever reason."""
    if case.refusal is None:
        return _unscored("to be answered")
    return Score(float(answer.refusal is not None), _reason(answer), f"to be refused: {case.refusal}")


def score_reason(case: Case, answer: Answer, _: Corpus) -> Score:
    """1 when what is to be refused was refused for the gold reason."""
    if case.refusal is None:
        return _unscored("to be answered")
    given: RefusalReason | None = answer.refusal.reason if answer.refusal else None
    return Score(float(given is case.refusal), _reason(answer), f"to be refused: {case.refusal}")


def score_false_refusal(case: Case, answer: Answer, _: Corpus) -> Score:
    """1 when what is to be answered was refused."""
    if case.refusal is not None:
        return _unscored("to be refused")
    return Score(float(answer.refusal is not None), _reason(answer), "to be answered")


def said(answer: Answer) -> str:
    """All that a reader is told, line by line: claims, issues, citations, quotations, notices and refusal."""
    return "\n".join(_said(answer))


SCORERS: Mapping[Measure, Scorer] = {
    Measure.BOTH_SIDES: score_both_sides,
    Measure.BOTH_SIDES_ALSO: score_both_sides_also,
    Measure.HIT_ARTICLE: score_hit_article,
    Measure.HIT_POINT: score_hit_point,
    Measure.MRR: score_reciprocal_rank,
    Measure.RECALL: score_recall,
    Measure.RECALL_CONVENTION: score_recall_convention,
    Measure.RECALL_ACT: score_recall_act,
    Measure.NDCG: score_ndcg,
    Measure.MAP: score_average_precision,
    Measure.PRECISION_ARTICLE: score_precision_article,
    Measure.RECALL_ARTICLE: score_recall_article,
    Measure.PRECISION: score_precision,
    Measure.CITATION_RECALL: score_citation_recall,
    Measure.EXISTENCE: score_existence,
    Measure.FIDELITY: score_fidelity,
    Measure.WORDING: score_wording,
    Measure.MISMATCH: score_mismatch,
    Measure.MUST_SAY: score_must_say,
    Measure.MUST_NOT_SAY: score_must_not_say,
    Measure.RIGHT_REFUSAL: score_right_refusal,
    Measure.REASON: score_reason,
    Measure.FALSE_REFUSAL: score_false_refusal,
}


def _both_sides(case: Case, answer: Answer, right: Iterable[Place]) -> Score:
    if not _has_gold(case) or len(case.sides) < 2:
        return _unscored("not about two instruments")
    first = found_units(answer)[:FIRST]
    hits = _in_order(_units(right), first)
    absent = [side for side in case.sides if all(side != instrument for instrument, _ in hits)]
    return Score(float(not absent), _list(first), f"nothing from {', '.join(absent)}" if absent else "")


def _recall_of(case: Case, answer: Answer, side: InstrumentId) -> Score:
    gold = [unit for unit in _units(case.gold_places) if unit[0] == side]
    if not _has_gold(case) or not gold:
        return _unscored(f"gold has nothing of {side}")
    lost = [unit for unit in gold if unit not in found_units(answer)[:FIRST]]
    return Score(1 - len(lost) / len(gold), "", f"not found: {_list(lost)}")


def _ranked(case: Case, answer: Answer, take: Callable[[Sequence[str], Judged], float]) -> Score:
    """A ranking measure of the distinct units, every gold unit being right."""
    if not _has_gold(case):
        return _unscored("a refusal")
    gold = dict.fromkeys((f"{side}:{unit}" for side, unit in _units(case.gold_places)), 1)
    found = [f"{side}:{unit}" for side, unit in found_units(answer)]
    ranks = [str(rank) for rank, unit in enumerate(found[:FIRST], 1) if unit in gold]
    return Score(take(found, gold), f"ranks {', '.join(ranks) or 'none'}", f"gold {', '.join(gold)}")


def _has_gold(case: Case) -> bool:
    return case.kind is not CaseKind.REFUSAL and bool(case.gold_places)


def _is_single(case: Case) -> bool:
    return _has_gold(case) and len(case.sides) == 1


def _units(places: Iterable[Place]) -> tuple[Place, ...]:
    return tuple(dict.fromkeys((instrument, place.unit) for instrument, place in places))


def _in_order(wanted: Iterable[Place], found: Sequence[Place]) -> list[Place]:
    return [unit for unit in wanted if unit in found]


def _holds(outer: Place, inner: Place) -> bool:
    return outer[0] == inner[0] and outer[1].contains(inner[1])


def _credit(cited: Place, right: Place) -> float:
    if _holds(right, cited):
        return 1.0
    return COARSER if _holds(cited, right) else 0.0


def _cited(answer: Answer) -> tuple[Place, ...]:
    places = ((one.instrument, one.pinpoint) for one in answer.citations if one.pinpoint is not None)
    return tuple(dict.fromkeys(places))


def _judged_citations(case: Case, answer: Answer) -> tuple[Place, ...]:
    """The cited places that gold can judge: the law's own, and commentary where gold names that instrument."""
    known = {instrument for instrument, _ in case.right_places}
    judged = {one.instrument for one in answer.citations if one.authority in OWN_TEXT} | known
    return tuple(place for place in _cited(answer) if place[0] in judged)


def _provision(citation: Citation, answer: Answer, corpus: Corpus) -> Provision | None:
    wording = citation.expression
    if wording is None:
        of_the_day = corpus.wording_on(citation.instrument, answer.as_of)
        wording = of_the_day.id if of_the_day else None
    if wording is None or citation.pinpoint is None or wording.instrument != citation.instrument:
        return None
    try:
        return corpus.provision(wording, citation.pinpoint)
    except PinpointError:
        return None


def _is_verbatim(citation: Citation, provision: Provision | None) -> bool:
    if provision is None or citation.start is None or citation.end is None:
        return False
    return bool(citation.quote) and provision.text[citation.start : citation.end] == citation.quote


def _is_of_the_day(citation: Citation, case: Case, corpus: Corpus) -> bool:
    wording = corpus.wording_on(citation.instrument, case.day)
    return wording is not None and wording.id == citation.expression


def _said(answer: Answer) -> Iterator[str]:
    yield from (claim.text for claim in answer.claims())
    yield from (row.issue for row in answer.rows)
    yield from (f"{citation.label}: {citation.quote or ''}" for citation in answer.citations)
    yield from (notice.text for notice in answer.notices)
    if answer.refusal is not None:
        yield answer.refusal.text


def _unscored(why: str) -> Score:
    return Score(None, explanation=why)


def _list(places: Iterable[Place]) -> str:
    return ", ".join(f"{instrument}:{place}" for instrument, place in places) or "none"


def _labels(citations: Iterable[Citation]) -> str:
    return "; ".join(f"[{one.n}] {one.label}" for one in citations) or "none"


def _reason(answer: Answer) -> str:
    return str(answer.refusal.reason) if answer.refusal else "answered"
