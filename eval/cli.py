"""The commands of the measurement: `visavis eval run | baselines | ablate | compare | gate | schema`."""

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from functools import reduce, wraps
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ingest.cli import AS_OF_OPTION, CORPUS_OPTION, JSON_OPTION, ProgressBars, read_day

if TYPE_CHECKING:
    from assistant.answering import Assistant
    from eval.case import Located
    from eval.compare import Difference
    from eval.record import RunRecord, Settings
    from eval.run import Entrant

FALLS_SHORT = 1
SHOWN = 12


@dataclass(frozen=True, slots=True)
class Request:
    """What was typed: which cases, which day, which texts."""

    sets: tuple[str, ...]
    half: str | None
    file: Path | None
    limit: int | None
    as_of: str | None
    corpus: Path | None


def case_options(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the options that choose cases, day and texts, as one Request."""

    @wraps(command)
    def gather(
        *,
        sets: tuple[str, ...],
        half: str | None,
        file: Path | None,
        limit: int | None,
        as_of: str | None,
        corpus: Path | None,
        **rest: object,
    ) -> None:
        command(Request(sets, half, file, limit, as_of, corpus), **rest)

    options = (
        click.option("--set", "sets", multiple=True, metavar="NAME", help="A set of the gold; repeat it for more."),
        click.option("--half", type=click.Choice(["dev", "test"]), help="Only this half of the cases."),
        click.option(
            "--cases",
            "file",
            type=click.Path(path_type=Path),
            metavar="FILE",
            help="Cases of your own, in JSON Lines, instead of the gold.",
        ),
        click.option("--limit", type=click.IntRange(min=1), metavar="N", help="Only the first N cases."),
        AS_OF_OPTION,
        CORPUS_OPTION,
        JSON_OPTION,
    )
    return reduce(lambda decorated, option: option(decorated), reversed(options), gather)


@dataclass(frozen=True)
class Bench:
    """What a measurement works on: the cases chosen, the assistant on its texts, and for what was asked."""

    cases: "tuple[Located, ...]"
    assistant: "Assistant"
    settings: "Settings"

    @classmethod
    def set_up(cls, request: Request, progress: ProgressBars) -> "Bench":
        """Choose the cases, open the texts and hold the cases' places against them; raises VisavisError."""
        from eval.case import Half, check_places
        from eval.gold import Choice, choose_cases
        from eval.record import Settings
        from ingest.errors import UsageError

        if request.file is not None and request.sets:
            raise UsageError("--cases names a file of your own, --set a part of the gold: give one of the two.")
        day, half = read_day(request.as_of), Half(request.half) if request.half else None
        cases = choose_cases(Choice(request.sets, request.file, half, request.limit))
        from assistant.answering import Assistant
        from ingest.pipeline import open_store

        assistant = Assistant.of(open_store(request.corpus, progress=progress))
        check_places(cases, assistant.corpus, day)
        settings = Settings(
            sets=request.sets,
            cases=str(request.file or ""),
            half=half,
            as_of=day,
            limit=request.limit,
            corpus=str(request.corpus or ""),
        )
        return cls(cases, assistant, settings)

    def run(self, entrant: "Entrant", progress: ProgressBars) -> "RunRecord":
        """Ask an entrant every case, and keep the record."""
        from eval.gold import fingerprint
        from eval.record import save_run
        from eval.run import run_entrant

        cases = [located.case for located in self.cases]
        run = run_entrant(entrant, cases, self.assistant.corpus, self.settings, fingerprint(self.cases), progress)
        click.echo(f"Record: {save_run(run)}", err=True)
        return run

    def own_entrant(self) -> "Entrant":
        """The assistant itself."""
        from eval.record import SYSTEM
        from eval.run import Entrant

        return Entrant(SYSTEM, self.assistant)


@click.group(
    name="eval",
    epilog="""\b
Examples:
  visavis eval run --half dev
  visavis eval run --set refusals --json
  visavis eval run --cases mine.jsonl
  visavis eval baselines --half test
  visavis eval compare 20261123T101500042-visavis last
  visavis eval gate
""",
)
def eval_() -> None:
    """Measure the answers against the gold questions."""


@eval_.command("run")
@case_options
def run_command(request: Request, as_json: bool) -> None:
    """Ask the cases and score the answers."""
    with ProgressBars() as bars:
        bench = Bench.set_up(request, bars)
        run = bench.run(bench.own_entrant(), bars)
    print_one(run, as_json=as_json, hide_test=request.file is None)
    stop_if_interrupted(run)


@eval_.command("baselines")
@case_options
def baselines_command(request: Request, as_json: bool) -> None:
    """Ask the assistant and the naive pipelines the same cases, side by side."""
    from eval.baselines import build_baselines

    runs: list[RunRecord] = []
    with ProgressBars() as bars:
        bench = Bench.set_up(request, bars)
        naive = build_baselines(bench.assistant.corpus, bench.assistant.embedder, bench.settings.as_of, bars)
        for entrant in (bench.own_entrant(), *naive):
            runs.append(bench.run(entrant, bars))
            if not runs[-1].complete:
                break
    print_many(runs, as_json=as_json, hide_test=request.file is None)
    stop_if_interrupted(runs[-1])


@eval_.command("ablate")
@case_options
def ablate_command(request: Request, as_json: bool) -> None:
    """Ask the assistant the same cases with and without its notes and its concordance, side by side."""
    from eval.ablation import build_ablations

    runs: list[RunRecord] = []
    with ProgressBars() as bars:
        bench = Bench.set_up(request, bars)
        for entrant in (bench.own_entrant(), *build_ablations(bench.assistant)):
            runs.append(bench.run(entrant, bars))
            if not runs[-1].complete:
                break
    print_many(runs, as_json=as_json, hide_test=request.file is None)
    stop_if_interrupted(runs[-1])


@eval_.command("compare")
@click.argument("before", metavar="RUN_A")
@click.argument("after", metavar="RUN_B")
@JSON_OPTION
def compare_command(before: str, after: str, as_json: bool) -> None:
    """Show what the second run gained and lost, case by case; a run is a name, a path, or "last"."""
    from eval.compare import compare_runs, find_settings_changes
    from eval.record import load_run

    first, second = load_run(before), load_run(after)
    differences = compare_runs(first, second)
    changes = list(find_settings_changes(first, second))
    if as_json:
        record = {
            "before": first.name,
            "after": second.name,
            "changed": changes,
            "measures": [*map(asdict, differences)],
        }
        click.echo(json.dumps(record, ensure_ascii=False, indent=2))
        return
    for line in changes:
        click.echo(line)
    print_differences(differences)


@eval_.command("gate")
@click.argument("name", metavar="[RUN]", required=False)
@click.option("--gates", type=click.Path(path_type=Path), metavar="FILE", help="Thresholds of your own, in TOML.")
@case_options
def gate_command(request: Request, name: str | None, gates: Path | None, as_json: bool) -> None:
    """Hold a run, else a new one on the test half, against the thresholds; exit code 1 where it falls short."""
    from eval.gate import judge_run, load_gates
    from eval.record import load_run

    thresholds = load_gates(gates)
    if name is not None:
        run = load_run(name)
    else:
        with ProgressBars() as bars:
            bench = Bench.set_up(replace(request, half=request.half or "test"), bars)
            run = bench.run(bench.own_entrant(), bars)
    verdicts = judge_run(run, thresholds)
    if as_json:
        click.echo(json.dumps([asdict(one) for one in verdicts], ensure_ascii=False, indent=2))
    else:
        for one in verdicts:
            click.echo(f"{one.outcome:<13} {one.name}: {one.found}, {one.threshold}")
    if not all(one.passes for one in verdicts):
        click.get_current_context().exit(FALLS_SHORT)


@eval_.command("schema")
def schema_command() -> None:
    """Print the JSON schema of a case: one JSON object a line makes a file for --cases."""
    from eval.case import Case

    click.echo(json.dumps(Case.model_json_schema(), indent=2))


def print_one(run: "RunRecord", *, as_json: bool, hide_test: bool) -> None:
    """Print a run as tables or as JSON."""
    from eval.summary import summary_record

    if as_json:
        click.echo(json.dumps(summary_record(run, hide_test=hide_test), ensure_ascii=False, indent=2))
        return
    from eval.tables import open_console, print_run

    print_run(run, open_console(), hide_test=hide_test)


def print_many(runs: "list[RunRecord]", *, as_json: bool, hide_test: bool) -> None:
    """Print several systems side by side as a table or as JSON."""
    from eval.summary import summary_record

    if as_json:
        click.echo(json.dumps([summary_record(run, hide_test=hide_test) for run in runs], ensure_ascii=False, indent=2))
        return
    from eval.tables import open_console, print_side_by_side

    print_side_by_side(runs, open_console())


def print_differences(differences: "tuple[Difference, ...]") -> None:
    """Print what each measure gained and lost, and in which cases."""
    from eval.tables import open_console, write_differences

    console = open_console()
    table, lines = write_differences(differences, SHOWN)
    console.print(table)
    for line in lines:
        console.print(line, markup=False, soft_wrap=True)


def stop_if_interrupted(run: "RunRecord") -> None:
    """End with the exit code of an interruption when a run was; its record is kept."""
    if not run.complete:
        click.echo(f"interrupted after {len(run.cases)} cases, which are kept in the record {run.name}.", err=True)
        raise click.Abort
