"""Two runs side by side: what was gained and lost, case by case, and whether the difference is more than chance."""

import statistics
from collections.abc import Iterator
from dataclasses import dataclass

from eval.metrics import Interval, paired_bootstrap
from eval.record import CaseRecord, RunRecord
from eval.score import TRAITS, Measure
from ingest.errors import UsageError


@dataclass(frozen=True, slots=True)
class Change:
    """A case that a measure scores otherwise in the second run."""

    id: str
    before: float
    after: float


@dataclass(frozen=True, slots=True)
class Difference:
    """A measure over the n cases that both runs scored: the mean change, its interval, who gained and who lost."""

    measure: Measure
    n: int
    before: float
    after: float
    interval: Interval | None
    gains: tuple[Change, ...]
    losses: tuple[Change, ...]

    @property
    def change(self) -> float:
        """How much the mean rose."""
        return self.after - self.before

    @property
    def is_beyond_chance(self) -> bool:
        """Whether the interval leaves no change out."""
        return self.interval is not None and not self.interval.low <= 0 <= self.interval.high


def compare_runs(before: RunRecord, after: RunRecord) -> tuple[Difference, ...]:
    """Every measure that both runs took, over the cases that both asked; raises UsageError when there is none."""
    first = {case.id: case for case in before.cases}
    pairs = [(first[case.id], case) for case in after.cases if case.id in first]
    if not pairs:
        raise UsageError(f"the runs {before.name} and {after.name} have no case in common.")
    measures = [measure for measure in before.measures if measure in after.measures]
    return tuple(difference for measure in measures if (difference := _compare(measure, pairs)) is not None)


def find_circumstances(before: RunRecord, after: RunRecord) -> Iterator[str]:
    """What differed between the runs besides the scores, and what either lacks, a line each."""
    for name in ("system", "writer", "model", "prompts", "corpus_id", "gold", "commit"):
        old, new = getattr(before, name), getattr(after, name)
        if old != new:
            yield f"{name}: {old} → {new}"
    lost = len({case.id for case in before.cases} - {case.id for case in after.cases})
    new_cases = len({case.id for case in after.cases} - {case.id for case in before.cases})
    if lost or new_cases:
        yield f"cases: {lost} only in the first run, {new_cases} only in the second, which are left out"
    for run in (before, after):
        if run.errors or not run.complete:
            yield f"{run.name}: {run.errors} in error and unscored{'' if run.complete else ', interrupted'}"
    old_settings, new_settings = before.settings.model_dump(mode="json"), after.settings.model_dump(mode="json")
    for name, old in old_settings.items():
        if old != new_settings[name]:
            yield f"{name}: {old} → {new_settings[name]}"


def _compare(measure: Measure, pairs: list[tuple[CaseRecord, CaseRecord]]) -> Difference | None:
    changes = [
        Change(old.id, before, after)
        for old, new in pairs
        if (before := old.score(measure).value) is not None and (after := new.score(measure).value) is not None
    ]
    if not changes:
        return None
    sign = -1 if TRAITS[measure].less else 1
    return Difference(
        measure=measure,
        n=len(changes),
        before=statistics.fmean(one.before for one in changes),
        after=statistics.fmean(one.after for one in changes),
        interval=paired_bootstrap([one.after - one.before for one in changes]),
        gains=tuple(one for one in changes if sign * (one.after - one.before) > 0),
        losses=tuple(one for one in changes if sign * (one.after - one.before) < 0),
    )
