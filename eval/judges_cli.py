"""The command of the judges: `visavis eval judges`."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ingest.console import AS_OF_OPTION, CORPUS_OPTION, JSON_OPTION, ProgressBars, read_day

if TYPE_CHECKING:
    from rich.table import Table

    from eval.judges import Agreement, FactAgreement, Findings

JUDGE_OPTION = click.option(
    "--judge",
    "judge",
    metavar="PROVIDER:NAME",
    help="A language model that judges claims, such as anthropic:claude-sonnet-4-5; else $VISAVIS_JUDGE, else none.",
)


@click.command(
    "judges",
    epilog="""\b
Examples:
  visavis eval judges
  visavis eval judges --json
  visavis eval judges --judge openai:local            with VISAVIS_JUDGE_BASE_URL=http://127.0.0.1:8080/v1
""",
)
@JUDGE_OPTION
@AS_OF_OPTION
@CORPUS_OPTION
@JSON_OPTION
def judges_command(judge: str | None, as_of: str | None, corpus: Path | None, as_json: bool) -> None:
    """Hold each scorer against sentences labelled by hand, to say how far it can be trusted.

    Thresholds are chosen on the half dev; the half test only measures. Flags of a scorer that looks at the citation are
    held against "citation wrong", all others against "not fully supported".
    """
    from eval.egress import permit_judge
    from eval.judges import Bench, ModelBench, measure_facts, measure_judges
    from eval.judging import open_judge
    from eval.labelled import read_pairs, read_sentences
    from ingest.embedding import open_embedder
    from ingest.pipeline import open_store

    model = open_judge(judge)
    if model is not None:
        permit_judge(model.name)
    sentences, pairs = read_sentences(), read_pairs()
    with ProgressBars() as bars:
        store = open_store(corpus, progress=bars)
        embedder = open_embedder()
        bench = Bench(store.corpus, read_day(as_of), embedder)
        findings = measure_judges(bench.judges(), sentences, bars)
        opinions = measure_judges([ModelBench(bench, model).judge()], sentences, bars) if model else None
        facts = measure_facts(pairs, embedder)
    if as_json:
        record = {**findings_record(findings), "facts": [asdict(one) for one in facts]}
        if model and opinions:
            record["judged"] = {"model": model.name, "prompt": model.prompt_hash, **findings_record(opinions)}
        click.echo(json.dumps(record, ensure_ascii=False, indent=2))
        return
    _print(findings, "Scorers against the labelled sentences")
    if model and opinions:
        _print(opinions, f"The judge {model.name}, prompt {model.prompt_hash}")
    _print_facts(facts)


def findings_record(findings: "Findings") -> dict[str, Any]:
    """The JSON form of what the judges found, with why a sentence was left unjudged."""
    return {
        "agreement": [asdict(one) for one in findings.agreements],
        "flagged": [asdict(one) for one in findings.flagged if one.n],
        "unjudged": [
            {"judge": name, "id": identity, "why": score.explanation}
            for name, scores in findings.scores.items()
            for identity, score in scores.items()
            if score.value is None
        ],
    }


def _print(findings: "Findings", title: str) -> None:
    from eval.tables import open_console

    console = open_console()
    console.print(agreement_table(findings.agreements, title))
    console.print(flag_table(findings))
    for name, scores in findings.scores.items():
        reasons = [score.explanation for score in scores.values() if score.value is None]
        if reasons:
            console.print(f"{name}: {len(reasons)} unjudged, the first: {reasons[0]}", markup=False, soft_wrap=True)


def agreement_table(agreements: "Sequence[Agreement]", title: str) -> "Table":
    """The agreement of each judge with the labels, the halves side by side."""
    from rich.table import Table

    from eval.case import Half
    from eval.summary import write_interval, write_number

    table = Table(title=title)
    for heading in ("scorer", "its flags mean"):
        table.add_column(heading)
    for half in Half:
        for heading in ("n", "agreement", "95 % interval", "kappa", "precision", "recall"):
            table.add_column(f"{half}\n{heading}", justify="right")
    for name, target in dict.fromkeys((one.judge, one.target) for one in agreements):
        own = [one for half in Half for one in agreements if (one.judge, one.target, one.half) == (name, target, half)]
        cells = [
            cell
            for one in own
            for cell in (
                str(one.n),
                write_number(one.accuracy),
                write_interval(one.interval),
                *map(write_number, (one.kappa, one.precision, one.recall)),
            )
        ]
        graded = own[0].threshold < 1
        table.add_row(f"{name} ≥ {own[0].threshold:.2f}" if graded else name, target, *cells)
    return table


def flag_table(findings: "Findings") -> "Table":
    """How many of the sentences of each kind each judge flagged, both halves together."""
    from rich.table import Table

    table = Table(title="Flagged of those judged, by what is wrong with the sentence")
    table.add_column("kind")
    names = [*findings.scores]
    for name in names:
        table.add_column(name, justify="right")
    for kind in dict.fromkeys(one.kind for one in findings.flagged):
        row = {one.judge: f"{one.flagged}/{one.n}" for one in findings.flagged if one.kind is kind and one.n}
        table.add_row(kind, *(row.get(name, "–") for name in names))
    return table


def _print_facts(facts: "Iterable[FactAgreement]") -> None:
    from rich.table import Table

    from eval.judges import PRECISION
    from eval.summary import write_number
    from eval.tables import open_console

    table = Table(title="Must-say facts against labelled sentences: what is taken as said")
    for heading in ("matching", "half"):
        table.add_column(heading)
    for heading in ("n", "taken as said", "precision", "recall"):
        table.add_column(heading, justify="right")
    for one in facts:
        table.add_row(one.way, one.half, str(one.n), str(one.hits), *map(write_number, (one.precision, one.recall)))
    console = open_console()
    console.print(table)
    threshold = next((one.threshold for one in facts if one.threshold is not None), None)
    console.print(
        f"No threshold is {PRECISION} precise on dev."
        if threshold is None
        else f"By embedding from {threshold:.3f} on, the lowest that is {PRECISION} precise on dev. Answers are scored "
        "to the letter alone: what the embedding adds on test is in the table."
    )
