"""The measures of a ranking: by hand, and held equal to pytrec_eval."""

import math
import warnings

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from eval.ranking_metrics import RankingMeasure, measure_ranking, order_documents

THEIRS = {
    RankingMeasure.NDCG: "ndcg_cut_10",
    RankingMeasure.RECALL: "recall_10",
    RankingMeasure.MAP: "map_cut_10",
}
IDS = st.sampled_from([f"d{number}" for number in range(1, 30)] + ["é", "Z", "a b", "10", "9", "法"])
TIED = st.sampled_from([0.0, -1.5, 0.25, 0.5, 0.5 + 1e-12, 1.0, 16_777_217.0, 16_777_216.0])
SCORES = TIED | st.floats(-1e6, 1e6, width=64)


def test_three_measures_by_hand() -> None:
    # right: a (grade 2), b, c. Found: x, a, y, b.
    # nDCG: (2/log2(3) + 1/log2(5)) / (2/log2(2) + 1/log2(3) + 1/log2(4)); recall 2/3; MAP (1/2 + 2/4) / 3.
    found = measure_ranking(["x", "a", "y", "b"], {"a": 2, "b": 1, "c": 1, "x": 0})
    gained = 2 / math.log2(3) + 1 / math.log2(5)
    assert found[RankingMeasure.NDCG] == pytest.approx(gained / (2 + 1 / math.log2(3) + 0.5))
    assert found[RankingMeasure.RECALL] == pytest.approx(2 / 3)
    assert found[RankingMeasure.MAP] == pytest.approx(1 / 3)


def test_what_stands_below_the_tenth_place_counts_for_nothing() -> None:
    ranked = [f"x{place}" for place in range(10)] + ["a"]
    assert set(measure_ranking(ranked, {"a": 1}).values()) == {0.0}


def test_of_equals_the_later_id_comes_first() -> None:
    assert order_documents({"a": 1.0, "b": 1.0, "c": 2.0, "10": 1.0, "9": 1.0}) == ["c", "b", "a", "9", "10"]


def test_scores_are_compared_in_single_precision() -> None:
    assert order_documents({"a": 1.0 + 1e-9, "b": 1.0}) == ["b", "a"]


@given(st.dictionaries(IDS, st.integers(-1, 3), min_size=1), st.dictionaries(IDS, SCORES, min_size=1))
@example({"d1": 0}, {"d1": 1.0})
@example({"d1": 1, "d2": 1}, {f"d{number}": 0.5 for number in range(1, 20)})
def test_they_are_what_pytrec_eval_computes(judged: dict[str, int], scored: dict[str, float]) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import pytrec_eval
    theirs = pytrec_eval.RelevanceEvaluator({"q": judged}, {"ndcg_cut.10", "recall.10", "map_cut.10"})
    expected = theirs.evaluate({"q": scored})["q"]
    ours = measure_ranking(order_documents(scored), judged)
    for measure, name in THEIRS.items():
        assert ours[measure] == pytest.approx(expected[name], abs=1e-9), measure
