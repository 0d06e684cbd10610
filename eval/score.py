"""A score: its value, the answer it was taken from, why; what is unscored is not zero."""

from dataclasses import dataclass
from enum import StrEnum


@dataclass(frozen=True, slots=True)
class Score:
    """What a scorer makes of one answer; `value` is None where the case does not bear on the measure.

    `failed` says that it, or a part of it, could not be taken, and may be another time.
    """

    value: float | None
    answer: str = ""
    explanation: str = ""
    failed: bool = False


class Measure(StrEnum):
    """What is measured, by the name that records and gates use."""

    BOTH_SIDES = "both_sides_10"
    BOTH_SIDES_ALSO = "both_sides_10_also"
    HIT_ARTICLE = "hit_5_article"
    HIT_POINT = "hit_5_point"
    MRR = "mrr"
    RECALL = "recall_10"
    RECALL_CONVENTION = "recall_10_convention"
    RECALL_ACT = "recall_10_act"
    NDCG = "ndcg_10"
    MAP = "map_10"
    WRITTEN_OUT = "recall_10_written_out"
    FOLLOW_UP_GAP = "follow_up_gap"
    PRECISION_ARTICLE = "citation_precision_article"
    RECALL_ARTICLE = "citation_recall_article"
    PRECISION = "citation_precision"
    CITATION_RECALL = "citation_recall"
    EXISTENCE = "citation_existence"
    FIDELITY = "quote_fidelity"
    WORDING = "wording_of_the_day"
    MISMATCH = "instrument_mismatch"
    MUST_SAY = "must_say"
    MUST_NOT_SAY = "must_not_say"
    RIGHT_REFUSAL = "right_refusal"
    REASON = "refusal_reason"
    FALSE_REFUSAL = "false_refusal"
    CONSISTENCY = "leading_consistency"
    STABILITY = "stability"
    JUDGED_SUPPORT = "judged_support"


@dataclass(frozen=True, slots=True)
class Trait:
    """How a measure is printed: its title, whether each score is 0 or 1, whether less is better.

    An `exact` one has nothing between met and missed, though it is a share of several. A `judged` one is a language
    model's opinion: it stands in tables of its own, never beside the computed ones.
    """

    title: str
    share: bool = False
    less: bool = False
    exact: bool = False
    judged: bool = False


TRAITS = {
    Measure.BOTH_SIDES: Trait("both sides@10", share=True),
    Measure.BOTH_SIDES_ALSO: Trait("both sides@10, also counted", share=True),
    Measure.HIT_ARTICLE: Trait("hit@5, article", share=True),
    Measure.HIT_POINT: Trait("hit@5, point", share=True),
    Measure.MRR: Trait("MRR, article"),
    Measure.RECALL: Trait("recall@10, article"),
    Measure.RECALL_CONVENTION: Trait("recall@10, Convention's side"),
    Measure.RECALL_ACT: Trait("recall@10, AI Act's side"),
    Measure.NDCG: Trait("nDCG@10, article"),
    Measure.MAP: Trait("MAP@10, article"),
    Measure.WRITTEN_OUT: Trait("recall@10, written out"),
    Measure.FOLLOW_UP_GAP: Trait("follow-up gap", less=True),
    Measure.PRECISION_ARTICLE: Trait("citation precision, article"),
    Measure.RECALL_ARTICLE: Trait("citation recall, article"),
    Measure.PRECISION: Trait("citation precision, cover"),
    Measure.CITATION_RECALL: Trait("citation recall, cover"),
    Measure.EXISTENCE: Trait("cited provision exists", exact=True),
    Measure.FIDELITY: Trait("quote fidelity", exact=True),
    Measure.WORDING: Trait("wording of the day", exact=True),
    Measure.MISMATCH: Trait("instrument mismatch", less=True),
    Measure.MUST_SAY: Trait("must-say"),
    Measure.MUST_NOT_SAY: Trait("must-not-say present", less=True),
    Measure.RIGHT_REFUSAL: Trait("right refusals", share=True),
    Measure.REASON: Trait("refusal reason", share=True),
    Measure.FALSE_REFUSAL: Trait("false refusals", share=True, less=True),
    Measure.CONSISTENCY: Trait("same provisions, leading and neutral"),
    Measure.STABILITY: Trait("stable over repeats", share=True),
    Measure.JUDGED_SUPPORT: Trait("claims supported, judged", judged=True),
}

RETRIEVAL = (
    Measure.BOTH_SIDES,
    Measure.BOTH_SIDES_ALSO,
    Measure.HIT_ARTICLE,
    Measure.HIT_POINT,
    Measure.MRR,
    Measure.RECALL,
    Measure.RECALL_CONVENTION,
    Measure.RECALL_ACT,
    Measure.NDCG,
    Measure.MAP,
    Measure.WRITTEN_OUT,
    Measure.FOLLOW_UP_GAP,
)
"""The measures of what is found before anything is written: all that a naive pipeline is measured by."""
