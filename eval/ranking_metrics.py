"""Rankings against judgements, to the letter of trec_eval: nDCG, recall and MAP at a depth.

`judged` gives the grade of each judged document of one query; from 1 on a document is right, below it is not. What was
retrieved and never judged counts as wrong.
"""

import math
import struct
from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum

DEPTH = 10

Judged = Mapping[str, int]
Scored = Mapping[str, float]


class RankingMeasure(StrEnum):
    """What a ranking is measured by, as the tables call it."""

    NDCG = "nDCG@10"
    RECALL = "recall@10"
    MAP = "MAP@10"


def order_documents(scored: Scored) -> list[str]:
    """The documents best first, in trec_eval's order: scores in single precision, of equals the later id first."""
    return sorted(sorted(scored, key=_bytes, reverse=True), key=lambda document: -_single(scored[document]))


def measure_ranking(ranked: Sequence[str], judged: Judged, depth: int = DEPTH) -> dict[RankingMeasure, float]:
    """Every measure of one ranking; 0 for a query without a right document."""
    return {measure: take(ranked, judged, depth) for measure, take in _TAKE.items()}


def ndcg(ranked: Sequence[str], judged: Judged, depth: int = DEPTH) -> float:
    """The discounted grades of the first `depth`, as a share of what the best order of the judged would give."""
    ideal = _discounted(sorted(judged.values(), reverse=True)[:depth])
    return _discounted([judged.get(document, 0) for document in ranked[:depth]]) / ideal if ideal else 0.0


def recall(ranked: Sequence[str], judged: Judged, depth: int = DEPTH) -> float:
    """The share of the right documents that stand among the first `depth`."""
    right = _right(judged)
    return sum(document in right for document in ranked[:depth]) / len(right) if right else 0.0


def average_precision(ranked: Sequence[str], judged: Judged, depth: int = DEPTH) -> float:
    """The precision at each right document among the first `depth`, summed and divided by all right ones."""
    right = _right(judged)
    found, gathered = 0, 0.0
    for place, document in enumerate(ranked[:depth], 1):
        if document in right:
            found += 1
            gathered += found / place
    return gathered / len(right) if right else 0.0


_TAKE: dict[RankingMeasure, Callable[[Sequence[str], Judged, int], float]] = {
    RankingMeasure.NDCG: ndcg,
    RankingMeasure.RECALL: recall,
    RankingMeasure.MAP: average_precision,
}


def _discounted(grades: Sequence[int]) -> float:
    return sum(max(grade, 0) / math.log2(place + 1) for place, grade in enumerate(grades, 1))


def _right(judged: Judged) -> frozenset[str]:
    return frozenset(document for document, grade in judged.items() if grade > 0)


def _single(score: float) -> float:
    """A score as trec_eval holds it, in four bytes."""
    value: float = struct.unpack("f", struct.pack("f", score))[0]
    return value


def _bytes(document: str) -> bytes:
    return document.encode("utf-8", "surrogatepass")
