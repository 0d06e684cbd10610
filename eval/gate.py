"""Thresholds that a run must reach (`data/gates.toml`), and the lines of a run that fall short of them.

A gate has a floor, which has been reached and is not to be lost, and may have a target, which is still to be reached.
Only the floor closes the gate; how far it is to the target is printed.
"""

import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Self

from pydantic import Field, ValidationError, model_validator

from eval.case import CaseKind
from eval.metrics import Interval, Summary
from eval.record import RunRecord
from eval.score import TRAITS, Measure
from eval.summary import find_latencies, summarise_measure, write_interval
from ingest.datafiles import data_file
from ingest.errors import UsageError
from ingest.tables import Strict

FILE = "gates.toml"


class Gate(Strict):
    """The floor and the target of a measure, over all cases or one kind; `exact` leaves no room for noise.

    With `relative_to` both are for the measure's mean over that of the other.
    """

    measure: Measure
    at_least: float | None = None
    at_most: float | None = None
    target: float | None = None
    kind: CaseKind | None = None
    relative_to: Measure | None = None
    exact: bool = False

    @model_validator(mode="after")
    def _agree(self) -> Self:
        if (self.at_least is None) == (self.at_most is None):
            raise ValueError("a gate has either at_least or at_most")
        if self.target is not None and not self.threshold.is_met(self.target):
            raise ValueError("the target asks for less than the floor")
        return self

    @property
    def threshold(self) -> "Threshold":
        """The floor."""
        if self.at_least is not None:
            return Threshold(self.at_least, least=True)
        assert self.at_most is not None
        return Threshold(self.at_most, least=False)


class LatencyGate(Strict):
    """The most milliseconds that the median and the 95th percentile of a stage may take, and their targets."""

    stage: str
    p50: Annotated[float, Field(gt=0)] | None = None
    p95: Annotated[float, Field(gt=0)] | None = None
    target_p50: Annotated[float, Field(gt=0)] | None = None
    target_p95: Annotated[float, Field(gt=0)] | None = None


class Gates(Strict):
    """All thresholds, and how many cases may end in an error."""

    errors: int = 0
    gate: tuple[Gate, ...]
    latency: tuple[LatencyGate, ...] = ()


@dataclass(frozen=True, slots=True)
class Threshold:
    """The least that a value may be, or the most."""

    value: float
    least: bool
    unit: str = ""

    def __str__(self) -> str:
        return f"{'≥' if self.least else '≤'} {self.value:g}{self.unit}"

    def is_met(self, value: float) -> bool:
        """Whether a value is on its right side."""
        return value >= self.value if self.least else value <= self.value

    def distance(self, value: float) -> str:
        """How far a value is from it, as a target."""
        if self.is_met(value):
            return f"target {self} reached"
        apart = f"{abs(self.value - value):.1f}{self.unit}" if self.unit else f"{abs(self.value - value):.3f}"
        return f"{apart} from the target {self}"


class Outcome(StrEnum):
    """How a measure stands to its threshold."""

    MET = "met"
    NOISE = "within noise"
    FAILS = "fails"
    UNMEASURED = "not measured"


@dataclass(frozen=True, slots=True)
class Verdict:
    """One line of the gate: what was held against what, and how far it is to the target where there is one."""

    name: str
    found: str
    threshold: str
    outcome: Outcome
    target: str = ""

    @property
    def passes(self) -> bool:
        """Whether the gate stays open."""
        return self.outcome in {Outcome.MET, Outcome.NOISE}


def load_gates(path: Path | None = None) -> Gates:
    """Read the thresholds, the program's own by default; raises UsageError naming what is wrong."""
    source = path or data_file(FILE)
    try:
        return Gates.model_validate(tomllib.loads(source.read_text(encoding="utf-8")))
    except OSError as error:
        raise UsageError(f"the thresholds {source} cannot be read ({error.strerror}).") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"{source}: broken TOML ({error}).") from None
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(map(str, first["loc"])) or "the file"
        raise UsageError(f"{source}: {place}: {first['msg'].removeprefix('Value error, ')}.") from None


def judge_run(run: RunRecord, gates: Gates) -> tuple[Verdict, ...]:
    """Hold a run against every threshold."""
    return (_judge_errors(run, gates.errors), *(_judge(run, gate) for gate in gates.gate), *_judge_times(run, gates))


def _judge_errors(run: RunRecord, most: int) -> Verdict:
    failed = run.errors > most or not run.complete or not run.cases
    found = f"{run.errors} of {len(run.cases)}" + ("" if run.complete else ", interrupted")
    return Verdict("cases in error", found, f"at most {most}", Outcome.FAILS if failed else Outcome.MET)


def _judge(run: RunRecord, gate: Gate) -> Verdict:
    found = summarise_measure(run, gate.measure, gate.kind)
    name = TRAITS[gate.measure].title + (f", {gate.kind}" if gate.kind else "")
    threshold = str(gate.threshold)
    if gate.relative_to is not None:
        whole = summarise_measure(run, gate.relative_to, gate.kind)
        threshold += f" of {TRAITS[gate.relative_to].title}"
        found = _relative(found, whole.mean)
    if found.mean is None:
        return Verdict(name, "–", threshold, Outcome.UNMEASURED)
    written = f"{found.mean:.3f} (n {found.n}, {write_interval(found.interval)})"
    target = "" if gate.target is None else replace(gate.threshold, value=gate.target).distance(found.mean)
    return Verdict(name, written, threshold, _outcome(found.mean, found.interval, gate), target)


def _relative(found: Summary, whole: float | None) -> Summary:
    if found.mean is None or not whole:
        return Summary(0, None, None, None)
    interval = Interval(found.interval.low / whole, found.interval.high / whole) if found.interval else None
    return Summary(found.n, found.mean / whole, found.error, interval)


def _outcome(mean: float, interval: Interval | None, gate: Gate) -> Outcome:
    if gate.threshold.is_met(mean):
        return Outcome.MET
    if gate.exact or interval is None:
        return Outcome.FAILS
    within = gate.threshold.is_met(interval.high if gate.threshold.least else interval.low)
    return Outcome.NOISE if within else Outcome.FAILS


def _judge_times(run: RunRecord, gates: Gates) -> Iterator[Verdict]:
    by_stage = {latency.stage: latency for latency in find_latencies(run)}
    for gate in gates.latency:
        latency = by_stage.get(gate.stage)
        for name, most, target in (("p50", gate.p50, gate.target_p50), ("p95", gate.p95, gate.target_p95)):
            if most is None:
                continue
            title, threshold = f"{gate.stage}, {name}", Threshold(most, least=False, unit=" ms")
            if latency is None:
                yield Verdict(title, "–", str(threshold), Outcome.UNMEASURED)
                continue
            took = latency.p50 if name == "p50" else latency.p95
            distance = "" if target is None else replace(threshold, value=target).distance(took)
            outcome = Outcome.MET if threshold.is_met(took) else Outcome.FAILS
            yield Verdict(title, f"{took:.1f} ms", str(threshold), outcome, distance)
