"""A score: its value, the answer it was taken from, why; what is unscored is not zero."""

from dataclasses import dataclass
from enum import StrEnum


@dataclass(frozen=True, slots=True)
class Score:
    """What a scorer makes of one answer; `value` is None where the case does not bear on the measure."""

    value: float | None
    answer: str = ""
    explanation: str = ""


class Measure(StrEnum):
    """What is measured, by the name that records and gates use."""

    BOTH_SIDES = "both_sides_10"
    BOTH_SIDES_ALSO = "both_sides_10_also"
    HIT_ARTICLE = "hit_5_article"
    HIT_POINT = "hit_5_point"
    MRR = "mrr"
    RECALL = "recall_10"
    WRITTEN_OUT = "recall_10_written_out"
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


@dataclass(frozen=True, slots=True)
class Trait:
    """How a measure is printed: its title, whether each score is 0 or 1, whether less is better."""

    title: str
    share: bool = False
    less: bool = False


TRAITS = {
    Measure.BOTH_SIDES: Trait("both sides@10", share=True),
    Measure.BOTH_SIDES_ALSO: Trait("both sides@10, also counted", share=True),
    Measure.HIT_ARTICLE: Trait("hit@5, article", share=True),
    Measure.HIT_POINT: Trait("hit@5, point", share=True),
    Measure.MRR: Trait("MRR, article"),
    Measure.RECALL: Trait("recall@10, article"),
    Measure.WRITTEN_OUT: Trait("recall@10, written out"),
    Measure.PRECISION_ARTICLE: Trait("citation precision, article"),
    Measure.RECALL_ARTICLE: Trait("citation recall, article"),
    Measure.PRECISION: Trait("citation precision, cover"),
    Measure.CITATION_RECALL: Trait("citation recall, cover"),
    Measure.EXISTENCE: Trait("cited provision exists"),
    Measure.FIDELITY: Trait("quote fidelity"),
    Measure.WORDING: Trait("wording of the day"),
    Measure.MISMATCH: Trait("instrument mismatch", less=True),
    Measure.MUST_SAY: Trait("must-say"),
    Measure.MUST_NOT_SAY: Trait("must-not-say present", less=True),
    Measure.RIGHT_REFUSAL: Trait("right refusals", share=True),
    Measure.REASON: Trait("refusal reason", share=True),
    Measure.FALSE_REFUSAL: Trait("false refusals", share=True, less=True),
}

RETRIEVAL = (
    Measure.BOTH_SIDES,
    Measure.BOTH_SIDES_ALSO,
    Measure.HIT_ARTICLE,
    Measure.HIT_POINT,
    Measure.MRR,
    Measure.RECALL,
    Measure.WRITTEN_OUT,
)
"""The measures of what is found before anything is written: all that a naive pipeline is measured by."""
