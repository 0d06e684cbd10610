"""What a run comes to: each measure over all, by kind and by half; latencies; the worst cases."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

from eval.case import CaseKind, Half
from eval.metrics import Interval, Summary, percentile, summarise
from eval.record import CaseRecord, RunRecord
from eval.score import TRAITS, Measure

WORST = 10
STAGES = {
    "wall": "whole answer",
    "processor": "processor",
    "analyse": "analyse",
    "retrieve": "retrieve",
    "write": "write",
    "ground": "ground",
}
ALWAYS = frozenset({"wall", "processor"})
HIDDEN = "(test half: not shown)"
NOT_BLAMED = frozenset({Measure.BOTH_SIDES_ALSO, Measure.WRITTEN_OUT, Measure.FOLLOW_UP_GAP})


@dataclass(frozen=True, slots=True)
class Latency:
    """Milliseconds: the median and the 95th percentile of n answers, of a stage or of all."""

    stage: str
    n: int
    p50: float
    p95: float


@dataclass(frozen=True, slots=True)
class Fault:
    """A case that went wrong: how badly, from 0 to 1, and what was wrong by measure."""

    case: CaseRecord
    loss: float
    reasons: tuple[str, ...]


def summarise_measure(
    run: RunRecord, measure: Measure, kind: CaseKind | None = None, half: Half | None = None
) -> Summary:
    """A measure over a run's cases, or those of one kind or half."""
    return summarise(run.scores(measure, kind, half), share=TRAITS[measure].share)


def find_latencies(run: RunRecord) -> tuple[Latency, ...]:
    """The wall-clock and processor times of the cases that were answered, and those of the stages that took any."""
    timed = [case.stages for case in run.cases if case.stages is not None]
    if not timed:
        return ()
    stages = {name: [getattr(one, name) for one in timed] for name in STAGES}
    taken = {title: stages[name] for name, title in STAGES.items() if name in ALWAYS or any(stages[name])}
    return tuple(
        Latency(title, len(values), percentile(values, 50), percentile(values, 95)) for title, values in taken.items()
    )


def find_worst(run: RunRecord, most: int = WORST) -> tuple[Fault, ...]:
    """The cases that lose most, worst first; those that lose nothing are left out."""
    faults = [fault for fault in map(find_fault, run.cases) if fault.loss > 0]
    return tuple(sorted(faults, key=lambda fault: (-fault.loss, fault.case.id))[:most])


def summary_record(run: RunRecord, *, hide_test: bool) -> dict[str, Any]:
    """The JSON form of what a run comes to; `hide_test` keeps what was wrong in the test half from being read."""
    return {
        "run": run.name,
        "system": run.system,
        "corpus": run.corpus_id,
        "complete": run.complete,
        "cases": len(run.cases),
        "errors": run.errors,
        "measures": list(_measure_records(run)),
        "latency_ms": [asdict(latency) for latency in find_latencies(run)],
        "worst": [
            {
                "id": fault.case.id,
                "loss": round(fault.loss, 4),
                "why": [HIDDEN] if hide_test and fault.case.half is Half.TEST else list(fault.reasons),
            }
            for fault in find_worst(run)
        ],
    }


def _measure_records(run: RunRecord) -> Iterator[dict[str, Any]]:
    for measure in run.measures:
        for kind in (None, *CaseKind):
            for half in (None, *Half):
                found = summarise_measure(run, measure, kind, half)
                if found.n:
                    yield {"measure": measure, "kind": kind, "half": half, **asdict(found)}


def find_fault(case: CaseRecord) -> Fault:
    """What went wrong with a case, by how much: the mean of what its measures lost."""
    if case.error:
        return Fault(case, 1.0, (case.error,))
    losses: list[float] = []
    reasons: list[str] = []
    for measure, score in case.scores.items():
        if score.value is None or measure in NOT_BLAMED or TRAITS[measure].judged:
            continue
        loss = min(score.value, 1.0) if TRAITS[measure].less else 1 - score.value
        losses.append(loss)
        if loss > 0:
            reasons.append(f"{TRAITS[measure].title} {score.value:.2f} ({score.explanation or score.answer})")
    return Fault(case, sum(losses) / len(losses) if losses else 0.0, tuple(reasons))


def title(measure: Measure) -> str:
    """A measure's title, with an arrow where less is better."""
    trait = TRAITS[measure]
    return f"{trait.title} ↓" if trait.less else trait.title


def write_number(value: float | None) -> str:
    """Three decimals, or a dash."""
    return "–" if value is None else f"{value:.3f}"


def write_interval(interval: Interval | None) -> str:
    """An interval as "0.912–0.984", or a dash."""
    return "–" if interval is None else f"{interval.low:.3f}–{interval.high:.3f}"


def write_summary(found: Summary, decimals: int = 3) -> str:
    """A mean with its standard error and n as "0.970 ±0.012 (40)", or a dash where nothing is scored."""
    if found.mean is None:
        return "–"
    error = "" if found.error is None else f" ±{found.error:.{decimals}f}"
    return f"{found.mean:.{decimals}f}{error} ({found.n})"
