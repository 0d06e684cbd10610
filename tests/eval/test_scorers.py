"""Each scorer on answers written by hand, its arithmetic in a comment."""

import warnings
from collections.abc import Callable
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assistant.answer import (
    Answer,
    Cell,
    Citation,
    Claim,
    ClaimKind,
    Evidence,
    Notice,
    Refusal,
    RefusalReason,
    Row,
)
from eval import scorers
from eval.case import Case
from eval.score import Measure
from eval.scorers import SCORERS, found_units, score_case, score_consistency
from ingest.corpus import Corpus
from ingest.identifiers import AI_ACT, CONVENTION
from ingest.instrument import Authority, Relation
from ingest.pinpoint import Pinpoint
from tests.eval.conftest import find as make_evidence
from tests.eval.conftest import reply as make_reply

C, A = CONVENTION, AI_ACT
MakeCase = Callable[..., Case]
Reply = Callable[..., Answer]
Find = Callable[..., tuple[Evidence, ...]]
Cite = Callable[..., Citation]

SINGLE: dict[str, Any] = {"kind": "single", "gold": {A: ["art_2/b"]}}
REFUSED: dict[str, Any] = {"kind": "refusal", "refusal": "out_of_corpus", "gold": {}}


def refuse(reason: RefusalReason = RefusalReason.OUT_OF_CORPUS) -> Refusal:
    return Refusal(reason, "Nothing here is about that.")


# What was found


@pytest.mark.parametrize(
    ("places", "convention", "act", "ndcg", "average"),
    [
        # gold: Article 3 of the Convention, Article 2 of the Act; the best order gains 1/log2(2) + 1/log2(3) = 1.6309.
        ([f"{C}:art_3/b", f"{A}:art_2"], 1.0, 1.0, 1.0, 1.0),
        # ranks 2 and 4: (1/log2(3) + 1/log2(5)) / 1.6309 = (0.6309 + 0.4307) / 1.6309; (1/2 + 2/4) / 2.
        ([f"{A}:art_9", f"{A}:art_2/a", f"{A}:rct_1", f"{C}:art_3"], 1.0, 1.0, 0.6509, 0.5),
        # rank 1 of one side alone: 1 / 1.6309; (1/1) / 2.
        ([f"{A}:art_2", f"{A}:art_3"], 0.0, 1.0, 0.6131, 0.5),
        ([f"{C}:art_9"], 0.0, 0.0, 0.0, 0.0),
    ],
)
def test_ranks_of_both_sides(
    case: MakeCase, reply: Reply, find: Find, corpus: Corpus, places: list[str],
    convention: float, act: float, ndcg: float, average: float,
) -> None:  # fmt: skip
    wanted = (Measure.RECALL_CONVENTION, Measure.RECALL_ACT, Measure.NDCG, Measure.MAP)
    found = score_case(case(), reply(evidence=find(*places)), corpus, wanted)
    values = [found[measure].value for measure in wanted]
    assert values == pytest.approx([convention, act, ndcg, average], abs=1e-4)


def test_a_side_that_gold_does_not_name_is_unscored(case: MakeCase, reply: Reply, corpus: Corpus) -> None:
    found = score_case(case(**SINGLE), reply(), corpus, (Measure.RECALL_CONVENTION, Measure.RECALL_ACT))
    assert [found[measure].value for measure in found] == [None, 0.0]
    assert score_case(case(**REFUSED), reply(), corpus, (Measure.NDCG,))[Measure.NDCG].value is None


@given(st.lists(st.integers(1, 12), max_size=14), st.sets(st.integers(1, 12), min_size=1), st.sets(st.integers(1, 12)))
def test_ranks_are_what_pytrec_eval_computes(found: list[int], act: set[int], convention: set[int]) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import pytrec_eval
    gold = {side: [f"art_{n}" for n in sorted(labels)] for side, labels in ((A, act), (C, convention)) if labels}
    asked = Case.model_validate({"id": "x", "kind": "single", "question": "?", "gold": gold, "author": "tests"})
    places = [f"{A if number % 2 else C}:art_{number}" for number in found]
    answer = make_reply(evidence=make_evidence(*places))
    right = {f"{side}:{place}": 1 for side, all_of_it in gold.items() for place in all_of_it}
    distinct = {unit: float(-rank) for rank, unit in enumerate(dict.fromkeys(places))}
    theirs = pytrec_eval.RelevanceEvaluator({"q": right}, {"ndcg_cut.10", "map_cut.10", "recall.10"})
    expected = theirs.evaluate({"q": distinct}).get("q", {"ndcg_cut_10": 0.0, "map_cut_10": 0.0, "recall_10": 0.0})
    nowhere = Corpus("none", "", ())
    ours = score_case(asked, answer, nowhere, (Measure.NDCG, Measure.MAP, Measure.RECALL))
    assert ours[Measure.NDCG].value == pytest.approx(expected["ndcg_cut_10"])
    assert ours[Measure.MAP].value == pytest.approx(expected["map_cut_10"])
    assert ours[Measure.RECALL].value == pytest.approx(expected["recall_10"])


def test_two_answers_that_cite_nothing_are_not_alike(reply: Reply, cite: Cite) -> None:
    assert score_consistency(reply(), reply()).value is None
    assert score_consistency(reply(citations=(cite(1, f"{A}:art_2"),)), reply()).value == 0.0


def test_units_are_distinct_and_ordered_by_rank(find: Find, reply: Reply) -> None:
    evidence = find(f"{A}:art_3/1", f"{A}:art_3/2", f"{C}:art_3", f"{A}:rct_3")
    units = [f"{instrument}:{unit}" for instrument, unit in found_units(reply(evidence=tuple(reversed(evidence))))]
    assert units == [f"{A}:art_3", f"{C}:art_3", f"{A}:rct_3"]


@pytest.mark.parametrize(
    ("places", "value"),
    [
        ([f"{A}:art_2", f"{C}:art_3/b"], 1.0),  # both articles are there, if not the points
        ([f"{A}:art_2", f"{A}:art_3"], 0.0),  # Article 3 of the other instrument is no gold
        ([f"{C}:art_3"], 0.0),
        ([f"{A}:art_2", *(f"{A}:rct_{n}" for n in range(1, 9)), f"{C}:art_3"], 1.0),  # the tenth unit
        ([f"{A}:art_2", *(f"{A}:rct_{n}" for n in range(1, 10)), f"{C}:art_3"], 0.0),  # the eleventh
        ([f"{A}:art_2/a", *([f"{A}:art_2/b"] * 12), f"{C}:art_3"], 1.0),  # fourteen entries, two units
        ([], 0.0),
    ],
)
def test_both_sides(places: list[str], value: float, case: MakeCase, reply: Reply, find: Find, corpus: Corpus) -> None:
    assert scorers.score_both_sides(case(), reply(evidence=find(*places)), corpus).value == value


def test_both_sides_counts_gold_alone_and_the_second_column_also(
    case: MakeCase, reply: Reply, find: Find, corpus: Corpus
) -> None:
    gold = case(also={C: ["art_9"]})
    answer = reply(evidence=find(f"{A}:art_2", f"{C}:art_9/a"))
    assert scorers.score_both_sides(gold, answer, corpus).value == 0.0
    assert scorers.score_both_sides_also(gold, answer, corpus).value == 1.0


def test_both_sides_is_unscored_with_one_side(case: MakeCase, reply: Reply, corpus: Corpus) -> None:
    assert scorers.score_both_sides(case(**SINGLE), reply(), corpus).value is None


@pytest.mark.parametrize(
    ("places", "article", "point"),
    [
        ([f"{A}:art_2/b/i"], 1.0, 1.0),  # finer than gold
        ([f"{A}:art_2/a"], 1.0, 0.0),
        ([f"{A}:art_2"], 1.0, 0.0),  # coarser than gold
        ([*(f"{A}:art_{n}" for n in range(5, 9)), f"{A}:art_2/b"], 1.0, 1.0),  # the fifth
        ([*(f"{A}:art_{n}" for n in range(5, 10)), f"{A}:art_2/b"], 0.0, 0.0),  # the sixth
        ([*([f"{A}:art_5"] * 5), f"{A}:art_2/b"], 1.0, 0.0),  # the second unit, the sixth rank
    ],
)
def test_hits(
    places: list[str], article: float, point: float, case: MakeCase, reply: Reply, find: Find, corpus: Corpus
) -> None:
    answer = reply(evidence=find(*places))
    assert scorers.score_hit_article(case(**SINGLE), answer, corpus).value == article
    assert scorers.score_hit_point(case(**SINGLE), answer, corpus).value == point


def test_a_hit_below_the_article_needs_gold_below_the_article(
    case: MakeCase, reply: Reply, find: Find, corpus: Corpus
) -> None:
    gold = case(kind="single", gold={A: ["art_2"]})
    assert scorers.score_hit_point(gold, reply(evidence=find(f"{A}:art_2")), corpus).value is None


def test_reciprocal_rank(case: MakeCase, reply: Reply, find: Find, corpus: Corpus) -> None:
    # units in order: A 5, A 6, C 3, A 2: the first gold one is third, 1/3.
    answer = reply(evidence=find(f"{A}:art_5/1", f"{A}:art_5/2", f"{A}:art_6", f"{C}:art_3", f"{A}:art_2"))
    assert scorers.score_reciprocal_rank(case(), answer, corpus).value == pytest.approx(1 / 3)
    assert scorers.score_reciprocal_rank(case(), reply(), corpus).value == 0.0


def test_recall(case: MakeCase, reply: Reply, find: Find, corpus: Corpus) -> None:
    # gold units C 3, A 2, A 4 (two points of it are one unit); found C 3 and A 4: 2/3.
    gold = case(gold={C: ["art_3"], A: ["art_2/a", "art_4/a", "art_4/b"]})
    answer = reply(evidence=find(f"{A}:art_4", f"{C}:art_3"))
    assert scorers.score_recall(gold, answer, corpus).value == pytest.approx(2 / 3)


# What is cited


def test_precision_and_recall_of_citations(case: MakeCase, reply: Reply, cite: Cite, corpus: Corpus) -> None:
    # gold C 3(a), A 2(b), also A 7. Cited: C 3(a) right; A 2 coarser; A 7(a) in `also`; A 9 wrong, twice one place.
    gold = case(also={A: ["art_7"]})
    places = (f"{C}:art_3/a", f"{A}:art_2", f"{A}:art_7/a", f"{A}:art_9", f"{A}:art_9")
    answer = reply(citations=tuple(cite(n, place) for n, place in enumerate(places, 1)))
    # article level: 3 of 4 citations are in a right article; both gold articles are cited.
    assert scorers.score_precision_article(gold, answer, corpus).value == pytest.approx(3 / 4)
    assert scorers.score_recall_article(gold, answer, corpus).value == 1.0
    # smallest cover: (1 + 1/2 + 1 + 0) / 4; gold: C 3(a) 1, A 2(b) 1/2.
    assert scorers.score_precision(gold, answer, corpus).value == pytest.approx(2.5 / 4)
    assert scorers.score_citation_recall(gold, answer, corpus).value == pytest.approx(0.75)


def test_an_answer_without_citations_has_no_precision_and_no_recall_left(
    case: MakeCase, reply: Reply, corpus: Corpus
) -> None:
    assert scorers.score_precision(case(), reply(), corpus).value is None
    assert scorers.score_precision_article(case(), reply(), corpus).value is None
    assert scorers.score_recall_article(case(), reply(), corpus).value == 0.0
    assert scorers.score_citation_recall(case(), reply(), corpus).value == 0.0


def test_guidance_beside_the_law_is_not_judged_unless_gold_names_it(
    case: MakeCase, reply: Reply, cite: Cite, corpus: Corpus
) -> None:
    guidance = Citation(
        2,
        "ec-guidelines",
        "paragraph 5",
        Authority.GUIDANCE,
        pinpoint=Pinpoint.parse("para_5"),  # type: ignore[arg-type]
    )
    answer = reply(citations=(cite(1, f"{C}:art_3/a"), guidance))
    assert scorers.score_precision(case(), answer, corpus).value == 1.0
    named = case(also={"ec-guidelines": ["para_6"]})
    assert scorers.score_precision(named, answer, corpus).value == 0.5


def test_existence_and_fidelity(case: MakeCase, reply: Reply, cite: Cite, corpus: Corpus) -> None:
    # the text of Article 3: "Opening words:\n(a) first\n(b) second"; of Article 3(a): "(a) first".
    good = cite(1, f"{C}:art_3", "words:\n(a)", start=8)
    shifted = cite(2, f"{C}:art_3/a", "first", start=3)
    nowhere = cite(3, f"{C}:art_99", "first")
    unquoted = cite(4, f"{A}:art_4a")
    answer = reply(citations=(good, shifted, nowhere, unquoted))
    # 3 of 4 places exist; 1 of 3 quotations stands: "first" begins at 4, and Article 99 has no text.
    assert scorers.score_existence(case(), answer, corpus).value == pytest.approx(3 / 4)
    assert scorers.score_fidelity(case(), answer, corpus).value == pytest.approx(1 / 3)


def test_a_place_of_another_wording_does_not_exist(case: MakeCase, reply: Reply, cite: Cite, corpus: Corpus) -> None:
    before = cite(1, f"{A}:art_4a", on="eu-ai-act@2024-07-12:en")
    unknown = cite(2, f"{A}:art_4", on="eu-ai-act@2025-01-01:en")
    other = cite(3, f"{A}:art_4", on="coe-ai-convention@2024-09-05:en")
    assert scorers.score_existence(case(), reply(citations=(before, unknown, other)), corpus).value == 0.0


def test_wording_of_the_day(case: MakeCase, reply: Reply, cite: Cite, corpus: Corpus) -> None:
    old, new = cite(1, f"{A}:art_4", on="eu-ai-act@2024-07-12:en"), cite(2, f"{A}:art_4")
    answer = reply(citations=(old, new))
    assert scorers.score_wording(case(as_of=date(2025, 3, 1)), answer, corpus).value == 0.5
    early = scorers.score_wording(case(as_of=date(2025, 3, 1)), reply(citations=(old,)), corpus)
    assert early.value == 1.0


def test_nothing_cited_is_unscored(case: MakeCase, reply: Reply, corpus: Corpus) -> None:
    for measure in (Measure.EXISTENCE, Measure.FIDELITY, Measure.WORDING, Measure.MISMATCH):
        assert SCORERS[measure](case(), reply(), corpus).value is None


def test_mismatch(case: MakeCase, reply: Reply, cite: Cite, corpus: Corpus) -> None:
    citations = (cite(1, f"{C}:art_3/a"), cite(2, f"{A}:art_2/b"))
    right = Claim("Parties are bound.", ClaimKind.LAW, (1,))
    wrong = Claim("Providers are bound.", ClaimKind.LAW, (1, 2))
    row = Row("Who is bound", Relation.DIFFERENT, (Cell(C, (right,)), Cell(A, (wrong, right))))
    # the Act's cell rests on the Convention twice: in [1] of `wrong` and in [1] of `right`.
    found = scorers.score_mismatch(case(), reply(rows=(row,), citations=citations), corpus)
    assert found.value == 2.0


def test_guidance_in_the_acts_cell_is_no_mismatch(case: MakeCase, reply: Reply, corpus: Corpus) -> None:
    guidance = Citation(1, "ec-guidelines", "paragraph 5", Authority.GUIDANCE)  # type: ignore[arg-type]
    row = Row("Bans", None, (Cell(A, (Claim("So the Commission.", ClaimKind.GUIDANCE, (1,)),)),))
    assert scorers.score_mismatch(case(), reply(rows=(row,), citations=(guidance,)), corpus).value == 0.0


# What is said


def test_must_say_reads_claims_quotations_notices_and_refusal(
    case: MakeCase, reply: Reply, cite: Cite, corpus: Corpus
) -> None:
    # said: in the summary, the quotation, its label and the notice; "never" is not: 4/5.
    gold = case(must_say=["7 %", "first", "Article 3", "not in force", "never"])
    answer = reply(
        summary=(Claim("Up to 7% of turnover.", ClaimKind.NOTE, (1,)),),
        citations=(cite(1, f"{C}:art_3/a", "first", start=4, label="Article 3(a)"),),
        notices=(Notice("not_in_force", "The Convention is not in force."),),
    )
    assert scorers.score_must_say(gold, answer, corpus).value == pytest.approx(4 / 5)
    refusal = reply(refusal=refuse())
    assert scorers.score_must_say(case(must_say=["nothing here"]), refusal, corpus).value == 1.0


def test_the_question_does_not_say_it(case: MakeCase, reply: Reply, corpus: Corpus) -> None:
    assert scorers.score_must_say(case(must_say=["bound"]), reply(), corpus).value == 0.0


def test_must_not_say_counts(case: MakeCase, reply: Reply, corpus: Corpus) -> None:
    gold = case(must_not_say=["imposes fines", "is in force", "is binding"])
    answer = reply(summary=(Claim("It is in force and imposes fines.", ClaimKind.NOTE, (1,)),))
    assert scorers.score_must_not_say(gold, answer, corpus).value == 2.0
    assert scorers.score_must_not_say(case(), answer, corpus).value is None


# What is refused


@pytest.mark.parametrize(
    ("changes", "refusal", "right", "reason", "false"),
    [
        (REFUSED, refuse(), 1.0, 1.0, None),
        (REFUSED, refuse(RefusalReason.UNCLEAR), 1.0, 0.0, None),
        (REFUSED, None, 0.0, 0.0, None),
        ({}, refuse(), None, None, 1.0),
        ({}, None, None, None, 0.0),
    ],
)
def test_refusals(
    changes: dict[str, Any],
    refusal: Refusal | None,
    right: float | None,
    reason: float | None,
    false: float | None,
    case: MakeCase,
    reply: Reply,
    corpus: Corpus,
) -> None:
    asked, answer = case(**changes), reply(refusal=refusal)
    assert scorers.score_right_refusal(asked, answer, corpus).value == right
    assert scorers.score_reason(asked, answer, corpus).value == reason
    assert scorers.score_false_refusal(asked, answer, corpus).value == false


def test_what_a_refusal_found_is_not_measured(case: MakeCase, reply: Reply, corpus: Corpus) -> None:
    asked = case(**{**REFUSED, "gold": {C: ["art_3"], A: ["art_2"]}})
    scores = score_case(asked, reply(refusal=refuse()), corpus, Measure)
    scored = {measure for measure, score in scores.items() if score.value is not None}
    assert scored == {Measure.RIGHT_REFUSAL, Measure.REASON}
