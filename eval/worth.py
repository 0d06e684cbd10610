"""What a part of the assistant is worth: the whole's scores less those of the whole without it, case by case."""

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from eval.compare import Difference, compare_runs
from eval.metrics import standard_error
from eval.record import RunRecord
from eval.score import TRAITS, Measure

BEYOND_CHANCE = 1.96
MEASURES = (
    Measure.BOTH_SIDES,
    Measure.HIT_ARTICLE,
    Measure.HIT_POINT,
    Measure.MRR,
    Measure.RECALL,
    Measure.PRECISION_ARTICLE,
    Measure.RECALL_ARTICLE,
    Measure.MUST_SAY,
    Measure.RIGHT_REFUSAL,
    Measure.FALSE_REFUSAL,
)
"""What a part may be worth something for."""


@dataclass(frozen=True, slots=True)
class Worth:
    """What a part adds to a measure over n cases, positive where it helps; the error is that of the paired changes."""

    n: int
    gain: float
    error: float | None

    @property
    def is_beyond_chance(self) -> bool:
        """Whether the gain, or loss, is more than about two standard errors."""
        return self.error is not None and abs(self.gain) > BEYOND_CHANCE * self.error


def weigh(whole: RunRecord, without: RunRecord) -> dict[Measure, Worth]:
    """What the part that the second run lacked is worth, by measure."""
    return {one.measure: _worth(one) for one in compare_runs(without, whole) if one.measure in MEASURES}


def weigh_fusion(engines: Sequence[Mapping[Measure, Worth]]) -> dict[Measure, Worth]:
    """What several engines together add to the best one of them, from what the whole adds to each of them alone."""
    return {measure: min((one[measure] for one in engines), key=lambda worth: worth.gain) for measure in engines[0]}


def _worth(difference: Difference) -> Worth:
    sign = -1 if TRAITS[difference.measure].less else 1
    changed = [sign * (one.after - one.before) for one in (*difference.gains, *difference.losses)]
    gains = [*changed, *[0.0] * (difference.n - len(changed))]
    return Worth(difference.n, statistics.fmean(gains), standard_error(gains))
