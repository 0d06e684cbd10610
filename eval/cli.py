"""The commands of the measurement: `visavis eval run | baselines | ablate | compare | gate | schema`."""

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from functools import reduce, wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from eval.feedback_cli import from_feedback_command
from eval.judges_cli import JUDGE_OPTION, judges_command
from eval.sets_cli import beir_command, export_command, import_command, template_command
from ingest.console import AS_OF_OPTION, CORPUS_OPTION, JSON_OPTION, ProgressBars, read_day

if TYPE_CHECKING:
    from assistant.answering import Assistant
    from eval.case import Located
    from eval.judging import ModelJudge
    from eval.record import RunRecord, Settings
    from eval.run import Entrant

FALLS_SHORT = 1
DEFAULTS = {"writer": "quoting", "repeat": 1}
SHOWN = 12


@dataclass(frozen=True, slots=True)
class Request:
    """What was typed: which cases, which day, which texts, who writes, how often each is asked."""

    sets: tuple[str, ...]
    half: str | None
    file: Path | None
    limit: int | None
    as_of: str | None
    corpus: Path | None
    writer: str = "quoting"
    repeat: int = 1

    def like(self, run: "RunRecord") -> "Request":
        """What is not typed is what a run was asked with; raises UsageError where something typed differs."""
        from ingest.errors import UsageError

        for name, old in self._asked(run.settings).items():
            typed = getattr(self, name)
            if typed and typed != old and typed != DEFAULTS.get(name):
                raise UsageError(
                    f"the run {run.name} was asked with {name} = {old or 'none'}, not {typed}; "
                    "leave it out to take the run up, or begin a new run without --resume."
                )
        return Request(**self._asked(run.settings))

    @staticmethod
    def _asked(settings: "Settings") -> dict[str, Any]:
        return {
            "sets": settings.sets,
            "half": settings.half,
            "file": Path(settings.cases) if settings.cases else None,
            "limit": settings.limit,
            "as_of": settings.as_of.isoformat(),
            "corpus": Path(settings.corpus) if settings.corpus else None,
            "writer": settings.writer,
            "repeat": settings.repeat,
        }


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
        writer: str,
        **rest: object,
    ) -> None:
        command(Request(sets, half, file, limit, as_of, corpus, writer), **rest)

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
        click.option(
            "--writer",
            type=click.Choice(["quoting", "model"]),
            default=DEFAULTS["writer"],
            show_default=True,
            help="Who writes: no model, or the one that VISAVIS_MODEL names.",
        ),
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
    judge: "ModelJudge | None" = None

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
        from assistant.settings import load_settings
        from ingest.pipeline import open_store

        written_by = load_settings(writer=request.writer)
        assistant = Assistant.of(open_store(request.corpus, progress=progress), written_by)
        check_places(cases, assistant.corpus, day)
        settings = Settings(
            sets=request.sets,
            cases=str(request.file or ""),
            half=half,
            as_of=day,
            limit=request.limit,
            corpus=str(request.corpus or ""),
            writer=request.writer,
            model=written_by.model or "" if request.writer == "model" else "",
            repeat=request.repeat,
        )
        return cls(cases, assistant, settings)

    def run(self, entrant: "Entrant", progress: ProgressBars, earlier: "RunRecord | None" = None) -> "RunRecord":
        """Ask an entrant every case, or those that an earlier run lacks, and keep the record."""
        from eval.gold import fingerprint
        from eval.run import Paper, run_entrant

        cases = tuple(located.case for located in self.cases)
        paper = Paper(cases, self.assistant.corpus, self.settings, fingerprint(self.cases))
        run = run_entrant(entrant, paper, progress, earlier)
        click.echo(f"Record: {run.path}", err=True)
        return run

    def own_entrant(self) -> "Entrant":
        """The assistant itself."""
        from eval.record import SYSTEM, hash_prompts
        from eval.run import Entrant

        prompts = hash_prompts() if self.settings.model else ""
        return Entrant(SYSTEM, self.assistant, prompts=prompts, judge=self.judge)

    def judged_by(self, name: str | None, earlier: "RunRecord | None" = None) -> "Bench":
        """With the judge that was named, or else that of the run taken up; raises SettingsError or ModelError."""
        from eval.egress import permit_judge
        from eval.judging import open_judge

        judge = open_judge(earlier.settings.judge if earlier and not name else name)
        if judge is None:
            return self
        permit_judge(judge.name)
        settings = self.settings.model_copy(update={"judge": judge.name, "judge_prompt": judge.prompt_hash})
        return replace(self, settings=settings, judge=judge)


@click.group(
    name="eval",
    epilog="""\b
Examples:
  visavis eval run --half dev
  visavis eval run --set refusals --json
  visavis eval run --cases mine.jsonl
  visavis eval baselines --half test
  visavis eval compare 20261123T101500042-visavis last
  visavis eval report last --output report.html
  visavis eval gate
  visavis eval judges
""",
)
def eval_() -> None:
    """Measure the answers against the gold questions."""


@eval_.command(
    "run",
    epilog="""\b
Examples:
  visavis eval run --half dev
  visavis eval run --cases mine.jsonl --repeat 3
  visavis eval run --resume                           the newest run, where it stopped
  visavis eval run --judge openai:gpt-5 --limit 20    with a model's opinion, in a table of its own
""",
)
@click.option(
    "--resume",
    is_flag=False,
    flag_value="last",
    metavar="[RUN]",
    help='Take a run up that was stopped, or that has cases in error: a name, a path, or "last" (the default).',
)
@click.option(
    "--repeat",
    type=click.IntRange(min=1),
    default=1,
    metavar="N",
    help="Ask each case N times, and hold the records against each other.",
)
@JUDGE_OPTION
@case_options
def run_command(request: Request, resume: str | None, repeat: int, judge: str | None, as_json: bool) -> None:
    """Ask the cases and score the answers.

    Each case is kept as soon as it is scored: whatever stops the run, --resume takes it up there.
    """
    from eval.record import load_run

    earlier = load_run(resume) if resume else None
    request = replace(request, repeat=repeat)
    with ProgressBars() as bars:
        bench = Bench.set_up(request.like(earlier) if earlier else request, bars).judged_by(judge, earlier)
        run = bench.run(bench.own_entrant(), bars, earlier)
    print_one(run, as_json=as_json, hide_test=not run.settings.cases)
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


@eval_.command(
    "ablate",
    epilog="""\b
Examples:
  visavis eval ablate --half dev
  visavis eval ablate --part words --part meaning --set comparisons
""",
)
@click.option("--part", "parts", multiple=True, metavar="NAME", help="Only this part; repeat it for more.")
@case_options
def ablate_command(request: Request, parts: tuple[str, ...], as_json: bool) -> None:
    """Ask the assistant the same cases with and without each of its parts, and say what each is worth."""
    from eval.ablation import build_ablations, choose_parts
    from eval.worth import weigh, weigh_fusion

    chosen = choose_parts(parts)
    with ProgressBars() as bars:
        bench = Bench.set_up(request, bars)
        whole = bench.run(bench.own_entrant(), bars)
        stop_if_interrupted(whole)
        worths = {}
        for part, entrant in zip(chosen, build_ablations(bench.assistant, chosen), strict=True):
            without = bench.run(entrant, bars)
            stop_if_interrupted(without)
            failed = f" ({without.errors} in error)" if without.errors else ""
            worths[f"{part.name}{failed}"] = weigh(whole, without)
    engines = [worth for part, worth in zip(chosen, worths.values(), strict=True) if part.is_engine]
    if len(engines) > 1:
        worths["fusion"] = weigh_fusion(engines)
    if as_json:
        from eval.summary import summary_record

        taken = {name: {measure: asdict(worth) for measure, worth in one.items()} for name, one in worths.items()}
        record = {"whole": summary_record(whole, hide_test=request.file is None), "worth": taken}
        click.echo(json.dumps(record, ensure_ascii=False, indent=2))
        return
    from eval.tables import open_console, print_worths

    print_worths(worths, {part.name: part.does for part in chosen}, open_console())


@eval_.command("compare")
@click.argument("before", metavar="RUN_A")
@click.argument("after", metavar="RUN_B")
@JSON_OPTION
def compare_command(before: str, after: str, as_json: bool) -> None:
    """Show what the second run gained and lost, case by case; a run is a name, a path, or "last"."""
    from eval.compare import compare_runs, find_circumstances
    from eval.record import load_run

    first, second = load_run(before), load_run(after)
    differences = compare_runs(first, second)
    changes = list(find_circumstances(first, second))
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
    from eval.tables import open_console, print_differences

    print_differences(differences, SHOWN, open_console())


@eval_.command(
    "report",
    epilog="""\b
Examples:
  visavis eval report last --output report.html
  visavis eval report 20261123T101500042-visavis 20261123T101530112-naive-a --output side-by-side.html
  visavis eval report last --format junit --output gold.xml
""",
)
@click.argument("names", metavar="RUN...", nargs=-1, required=True)
@click.option("--format", "form", type=click.Choice(["html", "md", "json", "junit"]), default="html", show_default=True)
@click.option(
    "--output", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE", help="Default: standard output."
)
@click.option("--show-test", is_flag=True, help="Show the questions and answers of the gold's test half as well.")
def report_command(names: tuple[str, ...], form: str, output: Path | None, *, show_test: bool) -> None:
    """Write a run as one self-contained page, or several side by side; a run is a name, a path, or "last".

    The cases shown are the first run's. What was asked and answered in the test half of the gold is left out, for
    whoever has read it can no longer measure by it.
    """
    from eval.record import load_run
    from eval.report import ReportFormat, render_report
    from ingest.errors import UsageError

    text = render_report([load_run(name) for name in names], ReportFormat(form), show_test=show_test)
    if output is None:
        click.echo(text)
        return
    try:
        output.write_text(text, encoding="utf-8")
    except OSError as error:
        raise UsageError(f"{output} cannot be written ({error.strerror}); name another file with --output.") from None
    click.echo(f"Report: {output}", err=True)


@eval_.command("gate")
@click.argument("name", metavar="[RUN]", required=False)
@click.option("--gates", type=click.Path(path_type=Path), metavar="FILE", help="Thresholds of your own, in TOML.")
@case_options
def gate_command(request: Request, name: str | None, gates: Path | None, as_json: bool) -> None:
    """Hold a run, else a new one on the test half, against the thresholds; exit code 1 where it falls short.

    A measure fails below its floor, by more than its noise; how far it is to its target is printed beside it.
    """
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
            distance = f"; {one.target}" if one.target else ""
            click.echo(f"{one.outcome:<13} {one.name}: {one.found}, {one.threshold}{distance}")
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


def stop_if_interrupted(run: "RunRecord") -> None:
    """End with the exit code of an interruption when a run was; its record is kept."""
    if not run.complete:
        kept = f"interrupted after {len(run.cases)} cases, which are kept in the record {run.name}"
        click.echo(f"{kept}; `visavis eval run --resume` takes it up." if run.is_own else f"{kept}.", err=True)
        raise click.Abort


for _command in (beir_command, export_command, import_command, template_command, judges_command, from_feedback_command):
    eval_.add_command(_command)
