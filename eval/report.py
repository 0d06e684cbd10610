"""A run, or several side by side, as a report: one HTML page that needs nothing else, Markdown, JSON or JUnit.

The only door of this room to jinja2. What was asked and answered in the test half of the gold is not shown, save where
that is asked for: whoever reads it can no longer measure by it.
"""

import math
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree

from eval.case import Case, CaseKind, Half
from eval.metrics import Summary
from eval.record import CaseRecord, RunRecord
from eval.score import TRAITS, Measure, Score
from eval.summary import (
    HIDDEN,
    NOT_BLAMED,
    Latency,
    find_fault,
    find_latencies,
    summarise_measure,
    summary_record,
    title,
    write_interval,
    write_number,
    write_summary,
)
from ingest.identifiers import AI_ACT, CONVENTION
from ingest.pinpoint import Pinpoint

if TYPE_CHECKING:
    from jinja2 import Environment

BINS = 16
ANSWERED = "answered"
ERROR = "error"
NAMES = {CONVENTION: "Convention", AI_ACT: "AI Act"}
LONG_HASH = re.compile(r"\b([0-9a-f]{12})[0-9a-f]{28}\b")
NOT_IN_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


class ReportFormat(StrEnum):
    """What a report is written as."""

    HTML = "html"
    MARKDOWN = "md"
    JSON = "json"
    JUNIT = "junit"


@dataclass(frozen=True, slots=True)
class Line:
    """A measure of the runs: each run's summary, of the first one both halves and each kind too."""

    measure: Measure
    title: str
    runs: tuple[Summary, ...]
    halves: tuple[Summary, Summary]
    kinds: tuple[tuple[CaseKind, Summary], ...]

    @property
    def gap(self) -> float | None:
        """How far the development half is above the test half."""
        dev, test = (half.mean for half in self.halves)
        return None if dev is None or test is None else dev - test


@dataclass(frozen=True, slots=True)
class Bin:
    """How many answers took from `low` to `high` milliseconds, the last bin's end included."""

    low: float
    high: float
    n: int


@dataclass(frozen=True, slots=True)
class Confusion:
    """How many of the cases that expect a row's reply were given a column's."""

    expected: tuple[str, ...]
    given: tuple[str, ...]
    counts: Counter[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Shown:
    """A case as the report shows it: its record, what it lost, the other runs' records, whether it is hidden."""

    record: CaseRecord
    loss: float
    missed: tuple[str, ...]
    others: tuple[CaseRecord | None, ...]
    hidden: bool

    @property
    def scored(self) -> tuple[Measure, ...]:
        """The measures that have a value here."""
        return tuple(measure for measure, score in self.record.scores.items() if score.value is not None)


@dataclass(frozen=True, slots=True)
class Report:
    """All that a report prints, whatever it is written as."""

    runs: tuple[RunRecord, ...]
    computed: tuple[Line, ...]
    judged: tuple[Line, ...]
    latencies: tuple[tuple[str, tuple[Latency, ...]], ...]
    bins: tuple[Bin, ...]
    confusion: Confusion
    cases: tuple[Shown, ...]
    hides: bool

    @property
    def first(self) -> RunRecord:
        """The run whose cases are shown."""
        return self.runs[0]

    @property
    def shared(self) -> list[tuple[str, tuple[str, ...]]]:
        """The circumstances that all runs have in common, each with every run's value."""
        return [(name, values) for name, values in self._facts() if len({*values}) == 1]

    @property
    def differing(self) -> list[tuple[str, tuple[str, ...]]]:
        """The circumstances that the runs differ in, each with every run's value."""
        return [(name, values) for name, values in self._facts() if len({*values}) > 1]

    def _facts(self) -> Iterator[tuple[str, tuple[str, ...]]]:
        found = [dict(facts_of(run)) for run in self.runs]
        for name in dict.fromkeys(name for facts in found for name in facts):
            yield name, tuple(facts.get(name, "–") for facts in found)

    @property
    def kinds(self) -> tuple[CaseKind, ...]:
        """The kinds of question that were asked."""
        return tuple(kind for kind in CaseKind if any(case.kind is kind for case in self.first.cases))

    def of_kind(self, kind: CaseKind, *, faultless: bool) -> list[Shown]:
        """The cases of a kind that lost something, worst first, or that lost nothing."""
        chosen = [one for one in self.cases if one.record.kind is kind and (one.loss == 0) is faultless]
        return sorted(chosen, key=lambda one: (-one.loss, one.record.id))


def render_report(runs: Sequence[RunRecord], form: ReportFormat, *, show_test: bool = False) -> str:
    """A report on the first run, with the others beside it."""
    report = build_report(runs, show_test=show_test)
    if form is ReportFormat.HTML:
        return _environment().get_template("report.html").render(report=report)
    if form is ReportFormat.MARKDOWN:
        return _write_markdown(report)
    return _write_junit(report) if form is ReportFormat.JUNIT else _write_json(report)


def build_report(runs: Sequence[RunRecord], *, show_test: bool = False) -> Report:
    """What a report says of the first run, and of the others in the same lines; there is at least one."""
    first = runs[0]
    hides = not show_test and not first.settings.cases
    lines = [line for measure in _measures(runs) if (line := _line(measure, runs)) is not None]
    return Report(
        runs=tuple(runs),
        computed=tuple(line for line in lines if not TRAITS[line.measure].judged),
        judged=tuple(line for line in lines if TRAITS[line.measure].judged),
        latencies=tuple((run.system, find_latencies(run)) for run in runs),
        bins=find_bins([case.stages.wall for case in first.cases if case.stages]),
        confusion=_confuse(first.cases),
        cases=tuple(_show(case, runs, hides=hides and case.half is Half.TEST) for case in first.cases),
        hides=hides and any(case.half is Half.TEST for case in first.cases),
    )


def find_bins(times: Sequence[float], most: int = BINS) -> tuple[Bin, ...]:
    """A histogram of milliseconds in at most so many bins of one round width, from the least to the greatest."""
    if not times:
        return ()
    rough = max((max(times) - min(times)) / most, 0.1)
    scale = 10 ** math.floor(math.log10(rough))
    width = next(step * scale for step in (1, 2, 5, 10, 20) if step * scale >= rough)
    start = math.floor(min(times) / width)
    counts = Counter(math.floor(time / width) - start for time in times)
    return tuple(
        Bin((start + number) * width, (start + number + 1) * width, counts[number]) for number in range(max(counts) + 1)
    )


def _measures(runs: Iterable[RunRecord]) -> Iterator[Measure]:
    return iter(dict.fromkeys(measure for run in runs for measure in run.measures))


def _line(measure: Measure, runs: Sequence[RunRecord]) -> Line | None:
    found = tuple(summarise_measure(run, measure) for run in runs)
    if not any(one.n for one in found):
        return None
    dev, test = (summarise_measure(runs[0], measure, half=half) for half in (Half.DEV, Half.TEST))
    by_kind = ((kind, summarise_measure(runs[0], measure, kind)) for kind in CaseKind)
    return Line(measure, title(measure), found, (dev, test), tuple((kind, one) for kind, one in by_kind if one.n))


def _show(case: CaseRecord, runs: Sequence[RunRecord], *, hides: bool) -> Shown:
    others = tuple(next((one for one in run.cases if one.id == case.id), None) for run in runs[1:])
    return Shown(case, find_fault(case).loss, tuple(_missed(case)), others, hides)


def _missed(case: CaseRecord) -> Iterator[str]:
    """The measures that a case missed, of those that it can only meet or miss."""
    for measure, score in case.scores.items():
        trait = TRAITS[measure]
        if (
            score.value is None
            or measure in NOT_BLAMED
            or trait.judged
            or not (trait.share or trait.less or trait.exact)
        ):
            continue
        if score.value > 0 if trait.less else score.value < 1:
            yield trait.title


def _confuse(cases: Sequence[CaseRecord]) -> Confusion:
    pairs = Counter((_expected(case.case), _given(case)) for case in cases if case.case is not None)
    expected = sorted({one for one, _ in pairs}, key=lambda one: (one != ANSWERED, one))
    given = sorted({one for pair in pairs for one in pair}, key=lambda one: (one != ANSWERED, one == ERROR, one))
    return Confusion(tuple(expected), tuple(given), pairs)


def _expected(case: Case) -> str:
    return str(case.refusal or ANSWERED)


def _given(case: CaseRecord) -> str:
    return ERROR if case.error else ANSWERED if case.answered == "answer" else case.answered


# Words


def name_instrument(instrument: str) -> str:
    """An instrument as the report calls it."""
    return NAMES.get(instrument, instrument)  # type: ignore[call-overload, no-any-return]


def write_places(named: dict[str, tuple[str, ...]]) -> str:
    """Places as "Convention: Article 2; AI Act: Article 3(1), Recital 12"."""
    sides = (
        f"{name_instrument(side)}: {', '.join(Pinpoint.parse(place).house() for place in places)}"
        for side, places in named.items()
        if places
    )
    return "; ".join(sides) or "none"


def write_score(score: Score) -> str:
    """A value in two decimals, or a dash."""
    return "–" if score.value is None else f"{score.value:.2f}"


def write_label(reply: str) -> str:
    """A reply of the confusion as words."""
    return reply.replace("_", " ")


def facts_of(run: RunRecord) -> Iterator[tuple[str, str]]:
    """Under what circumstances a run was made: name and value."""
    settings = run.settings
    yield "Run", run.name
    yield "Begun", run.started.replace("T", " ").replace("+00:00", " UTC")
    yield "Cases", f"{len(run.cases)}{_from(run)}" + ("" if run.complete else ", interrupted")
    yield "In error, unscored", str(run.errors)
    yield "The law as at", settings.as_of.isoformat()
    yield "Writer", run.writer or "none"
    yield "Model", run.model or settings.model or "none"
    if run.prompts:
        yield "Prompts", run.prompts
    if settings.judge:
        yield "Judge", f"{settings.judge}, prompt {settings.judge_prompt}"
    yield "Corpus", run.corpus_id
    yield "Gold", run.gold
    yield "Commit", LONG_HASH.sub(r"\1", run.commit) or "unknown"
    if settings.repeat > 1:
        yield "Each asked", f"{settings.repeat} times"
    yield "Took", f"{run.seconds:.1f} s, {run.peak_mb:.0f} MB at most"


def _from(run: RunRecord) -> str:
    settings = run.settings
    source = settings.cases or (f"gold sets {', '.join(settings.sets)}" if settings.sets else "the whole gold")
    half = f", half {settings.half}" if settings.half else ""
    return f" of {source}{half}" + (f", the first {settings.limit}" if settings.limit else "")


# Markdown


def _write_markdown(report: Report) -> str:
    names = [run.system for run in report.runs]
    parts = [f"# Evaluation of {names[0]}", "", *(f"- {name}: {fact}" for name, fact in facts_of(report.first)), ""]
    for heading, lines in (("Measures", report.computed), ("Judged by a model", report.judged)):
        if lines:
            parts += [f"## {heading}", "", *_markdown_measures(lines, names), ""]
    parts += ["## By kind of question", "", *_markdown_kinds(report), ""]
    parts += ["## Milliseconds, warm", "", *_markdown_latencies(report), ""]
    if report.confusion.counts:
        parts += ["## Refusals: expected by row, given by column", "", *_markdown_confusion(report.confusion), ""]
    parts += ["## Cases", "", *_markdown_cases(report), ""]
    return "\n".join(parts)


def _markdown_measures(lines: Sequence[Line], names: Sequence[str]) -> Iterator[str]:
    if len(names) > 1:
        rows = [[line.title, str(line.runs[0].n), *(write_summary(one) for one in line.runs)] for line in lines]
        return _table(["measure", "n", *names], rows)
    rows = [
        [
            line.title,
            write_number(line.runs[0].mean),
            write_number(line.runs[0].error),
            str(line.runs[0].n),
            write_interval(line.runs[0].interval),
            *(write_summary(half) for half in line.halves),
        ]
        for line in lines
    ]
    return _table(["measure", "mean", "std. error", "n", "95 % interval", "development", "test"], rows)


def _markdown_kinds(report: Report) -> Iterator[str]:
    rows = []
    for line in (*report.computed, *report.judged):
        by_kind = dict(line.kinds)
        rows.append([line.title, *(write_summary(by_kind[kind]) if kind in by_kind else "–" for kind in report.kinds)])
    return _table(["measure", *report.kinds], rows)


def _markdown_latencies(report: Report) -> Iterator[str]:
    rows = [
        [system, one.stage, f"{one.p50:.1f}", f"{one.p95:.1f}", str(one.n)]
        for system, latencies in report.latencies
        for one in latencies
    ]
    return _table(["system", "stage", "p50", "p95", "n"], rows)


def _markdown_confusion(found: Confusion) -> Iterator[str]:
    rows = [[write_label(row), *(str(found.counts[row, column]) for column in found.given)] for row in found.expected]
    return _table(["expected", *map(write_label, found.given)], rows)


def _markdown_cases(report: Report) -> Iterator[str]:
    rows = []
    for one in sorted(report.cases, key=lambda one: (-one.loss, one.record.id)):
        gold = write_places(one.record.case.gold) if one.record.case and not one.hidden else ""
        question = HIDDEN if one.hidden else one.record.question
        missed = ", ".join(one.missed) or "nothing"
        rows.append([one.record.id, one.record.half, f"{one.loss:.2f}", question, gold, one.record.answered, missed])
    return _table(["case", "half", "loss", "question", "gold", "given", "missed"], rows)


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    yield f"| {' | '.join(head)} |"
    yield f"|{' --- |' * len(head)}"
    for row in rows:
        yield f"| {' | '.join(_cell(text) for text in row)} |"


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("\\", "\\\\").replace("|", "\\|")


# JSON and JUnit


def _write_json(report: Report) -> str:
    import json

    runs = [summary_record(run, hide_test=report.hides) for run in report.runs]
    cases = [_case_record(one) for one in report.cases]
    return json.dumps({"runs": runs, "cases": cases}, ensure_ascii=False, indent=2)


def _case_record(one: Shown) -> dict[str, Any]:
    record = one.record.model_dump(mode="json")
    if one.hidden:
        record |= {"question": HIDDEN, "answer": None, "case": None, "error": one.record.error and HIDDEN}
        record["scores"] = {name: {"value": score["value"]} for name, score in record["scores"].items()}
    return {**record, "loss": round(one.loss, 4), "missed": list(one.missed)}


def _write_junit(report: Report) -> str:
    """JUnit: a suite for each kind, a failure for each case that missed what it can only meet or miss."""
    root = ElementTree.Element("testsuites", name=report.first.name)
    for kind in report.kinds:
        cases = [one for one in report.cases if one.record.kind is kind]
        failed = [one for one in cases if one.missed and not one.record.error]
        errors = sum(bool(one.record.error) for one in cases)
        counts = {"name": str(kind), "tests": str(len(cases)), "failures": str(len(failed)), "errors": str(errors)}
        suite = ElementTree.SubElement(root, "testsuite", counts)
        for one in cases:
            seconds = one.record.stages.wall / 1000 if one.record.stages else 0.0
            case = ElementTree.SubElement(suite, "testcase", classname=kind, name=one.record.id, time=f"{seconds:.3f}")
            if one.record.error:
                ElementTree.SubElement(case, "error", message=_plain(HIDDEN if one.hidden else one.record.error))
            elif one.missed:
                failure = ElementTree.SubElement(case, "failure", message=_plain(f"missed: {', '.join(one.missed)}"))
                failure.text = HIDDEN if one.hidden else _plain("\n".join(_reasons(one.record)))
    ElementTree.indent(root)
    return ElementTree.tostring(root, encoding="unicode", xml_declaration=True)


def _reasons(record: CaseRecord) -> Iterator[str]:
    yield record.question
    yield from find_fault(record).reasons


def _plain(text: str) -> str:
    return NOT_IN_XML.sub("\ufffd", text)


@cache
def _environment() -> "Environment":
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("eval"), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters |= {
        "name": name_instrument,
        "places": write_places,
        "score": write_score,
        "words": write_label,
        "number": write_number,
        "interval": write_interval,
        "summary": write_summary,
    }
    environment.globals |= {"title": title, "hidden": HIDDEN, "answered": ANSWERED}
    return environment
