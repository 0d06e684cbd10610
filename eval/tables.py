"""A run, or several side by side, as tables on the terminal."""

from collections.abc import Mapping, Sequence

from rich.console import Console
from rich.table import Table

from eval.case import CaseKind, Half
from eval.compare import Difference
from eval.metrics import Summary
from eval.record import RunRecord
from eval.score import TRAITS, Measure
from eval.summary import (
    HIDDEN,
    find_latencies,
    find_worst,
    summarise_measure,
    title,
    write_interval,
    write_number,
    write_summary,
)
from eval.worth import MEASURES, Worth

WIDTH = 165
SHOWN = 160
REASONS = 6


def open_console() -> Console:
    """Standard output, wide where it is no terminal, so that no figure is broken."""
    console = Console(highlight=False)
    return console if console.is_terminal else Console(highlight=False, width=WIDTH)


def print_run(run: RunRecord, console: Console, *, hide_test: bool) -> None:
    """Print the tables of a run; `hide_test` keeps the questions of the test half from being read."""
    computed = [measure for measure in run.measures if not TRAITS[measure].judged]
    console.print(_overall_table(run, computed))
    console.print(_kind_table(run, computed))
    if run.settings.judge:
        console.print(_judged_table(run))
    console.print(_latency_table([run]))
    _print_worst(run, console, hide_test=hide_test)


def print_side_by_side(runs: Sequence[RunRecord], console: Console) -> None:
    """Print several systems over the same cases; n is the first one's, whose lead over the best other stands last."""
    table = Table(title="Over the same cases: mean ± standard error")
    table.add_column("measure")
    for heading in ("n", *(run.system for run in runs), "lead"):
        table.add_column(heading, justify="right")
    for measure in dict.fromkeys(measure for run in runs for measure in run.measures):
        if TRAITS[measure].judged:
            continue
        first, *others = (summarise_measure(run, measure) for run in runs)
        if first.n or any(one.n for one in others):
            means = (write_summary(one).partition(" (")[0] for one in (first, *others))
            table.add_row(title(measure), str(first.n), *means, _lead(measure, first, others))
    if any(run.errors for run in runs):
        table.add_row("cases in error, unscored ↓", "", *(str(run.errors) for run in runs), "")
    console.print(table)
    console.print(_latency_table(runs))


def print_worths(worths: Mapping[str, Mapping[Measure, Worth]], legend: Mapping[str, str], console: Console) -> None:
    """Print what each part adds to each measure, a part a row, and below what each part does."""
    table = Table(
        title="What each part is worth: the whole less the whole without it, ± standard error of the paired changes",
        caption="Positive where it helps; * is more than chance, – no change. Fusion: both engines less the better.",
    )
    measures = [measure for measure in MEASURES if any(measure in worth for worth in worths.values())]
    table.add_column("part")
    for measure in measures:
        n = max(one[measure].n for one in worths.values() if measure in one)
        table.add_column(f"{title(measure)} (n {n})", justify="right")
    for name, worth in worths.items():
        table.add_row(name, *(_write_worth(worth.get(measure)) for measure in measures))
    console.print(table)
    for name, does in legend.items():
        console.print(f"{name}: {does}", markup=False)


def _write_worth(worth: Worth | None) -> str:
    if worth is None:
        return "unscored"
    if not worth.gain and not worth.error:
        return "–"
    error = "" if worth.error is None else f" ±{worth.error:.3f}"
    return f"{worth.gain:+.3f}{error}{' *' if worth.is_beyond_chance else ''}"


def _lead(measure: Measure, first: Summary, others: Sequence[Summary]) -> str:
    """How far a system is better than the best of the others."""
    means = [one.mean for one in others if one.mean is not None]
    if first.mean is None or not means:
        return "–"
    return f"{min(means) - first.mean if TRAITS[measure].less else first.mean - max(means):+.3f}"


def _judged_table(run: RunRecord) -> Table:
    """A model's opinion, in a table of its own."""
    judged = [measure for measure in run.measures if TRAITS[measure].judged]
    table = _overall_table(run, judged)
    table.title = f"Judged by {run.settings.judge}, prompt {run.settings.judge_prompt}"
    return table


def _overall_table(run: RunRecord, measures: Sequence[Measure]) -> Table:
    failed = f", {run.errors} IN ERROR AND UNSCORED" if run.errors else ""
    table = Table(title=f"{run.system}: {len(run.cases)} cases{failed}, corpus {run.corpus_id}")
    table.add_column("measure")
    for heading in ("mean", "std. error", "n", "95 % interval", "development", "test"):
        table.add_column(heading, justify="right")
    for measure in measures:
        found = summarise_measure(run, measure)
        if not found.n:
            continue
        halves = (write_summary(summarise_measure(run, measure, half=half)) for half in Half)
        table.add_row(
            title(measure),
            write_number(found.mean),
            write_number(found.error),
            str(found.n),
            write_interval(found.interval),
            *halves,
        )
    return table


def _kind_table(run: RunRecord, measures: Sequence[Measure]) -> Table:
    kinds = [kind for kind in CaseKind if any(case.kind is kind for case in run.cases)]
    table = Table(title="By kind of question: mean ± standard error (n)")
    table.add_column("measure")
    for kind in kinds:
        table.add_column(kind, justify="right")
    for measure in measures:
        found = [summarise_measure(run, measure, kind) for kind in kinds]
        if any(one.n for one in found):
            table.add_row(title(measure), *(write_summary(one, decimals=2) for one in found))
    return table


def _latency_table(runs: Sequence[RunRecord]) -> Table:
    table = Table(title="Milliseconds, warm")
    for heading in ("system", "stage"):
        table.add_column(heading)
    for heading in ("p50", "p95", "n"):
        table.add_column(heading, justify="right")
    for run in runs:
        for latency in find_latencies(run):
            table.add_row(run.system, latency.stage, f"{latency.p50:.1f}", f"{latency.p95:.1f}", str(latency.n))
    return table


def _print_worst(run: RunRecord, console: Console, *, hide_test: bool) -> None:
    worst = find_worst(run)
    if not worst:
        console.print("No case lost anything.")
        return
    console.print("Worst cases (loss from 0 to 1)")
    for fault in worst:
        hidden = hide_test and fault.case.half is Half.TEST
        question = HIDDEN if hidden else fault.case.question
        console.print(f"{fault.loss:.2f} {fault.case.id}: {_cut(question)}", markup=False, soft_wrap=True)
        for reason in () if hidden else fault.reasons[:REASONS]:
            console.print(f"     {_cut(reason)}", markup=False, soft_wrap=True)


def _cut(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= SHOWN else f"{line[: SHOWN - 1]}…"


def print_differences(differences: Sequence[Difference], most: int, console: Console) -> None:
    """Print what a second run gained and lost: a table by measure, and lines of at most so many cases each."""
    computed = [one for one in differences if not TRAITS[one.measure].judged]
    judged = [one for one in differences if TRAITS[one.measure].judged]
    for heading, chosen in (("", computed), (", judged by a model", judged)):
        if chosen:
            console.print(_difference_table(heading, chosen))
    for one in differences:
        for sign, changes in (("+", one.gains), ("-", one.losses)):
            for change in changes[:most]:
                line = f"{sign} {title(one.measure)}: {change.id} {change.before:.2f} → {change.after:.2f}"
                console.print(line, markup=False, soft_wrap=True)
            if len(changes) > most:
                console.print(f"{sign} {title(one.measure)}: {len(changes) - most} more", markup=False)


def _difference_table(heading: str, differences: Sequence[Difference]) -> Table:
    table = Table(
        title=f"Second run against the first{heading}, over the cases that both scored",
        caption="The interval is of the paired bootstrap; * marks a change that is more than chance.",
    )
    table.add_column("measure")
    for column in ("n", "before", "after", "change", "95 % interval", "gains", "losses"):
        table.add_column(column, justify="right")
    for one in differences:
        interval = "–" if one.interval is None else f"{one.interval.low:+.3f} to {one.interval.high:+.3f}"
        table.add_row(
            title(one.measure),
            str(one.n),
            write_number(one.before),
            write_number(one.after),
            f"{one.change:+.3f}{' *' if one.is_beyond_chance else ''}",
            interval,
            str(len(one.gains)),
            str(len(one.losses)),
        )
    return table
