"""The run: each case asked, timed and scored; what goes wrong with one leaves the others standing."""

import resource
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Protocol

from assistant.answer import Answer
from assistant.errors import ModelError
from assistant.question import Question
from eval.case import Case, CaseKind, Half
from eval.judging import ModelJudge
from eval.record import CaseRecord, Journal, RunRecord, Settings, Stages, find_commit, find_writer, save_run
from eval.score import Measure, Score
from eval.scorers import score_case, score_consistency, score_gap, score_recall, score_stability
from ingest.corpus import Corpus
from ingest.errors import UsageError, VisavisError

Progress = Callable[[str, int, int], None]


class Respondent(Protocol):
    """Whoever answers: the assistant, or a naive pipeline beside it."""

    def ask(self, question: Question) -> Answer:
        """Answer one question; raises VisavisError for one that cannot be asked."""


@dataclass(frozen=True, slots=True)
class Entrant:
    """A respondent with its name, the measures that it is measured by, and a hash of its prompts where it has any.

    A `judge` gives its opinion of each answer too.
    """

    name: str
    respondent: Respondent
    measures: tuple[Measure, ...] = tuple(Measure)
    prompts: str = ""
    judge: ModelJudge | None = None


@dataclass(frozen=True, slots=True)
class Paper:
    """What every entrant of a run is asked, from which texts; `gold` tells the cases from others."""

    cases: tuple[Case, ...]
    corpus: Corpus
    settings: Settings
    gold: str


def run_entrant(entrant: Entrant, paper: Paper, progress: Progress, earlier: RunRecord | None = None) -> RunRecord:
    """Ask an entrant every case and score it; Ctrl-C gives a record of what was scored until then.

    The run is journalled on the disk until it is saved. With an `earlier` run it is taken up: what was scored stays,
    what is missing or ended in an error is asked; raises UsageError when the earlier run was another one.
    """
    clock, cases = time.perf_counter(), [_on_day(case, paper.settings.as_of) for case in paper.cases]
    head = _begin(entrant, paper) if earlier is None else _take_up(earlier, entrant, paper)
    records = {record.id: record for record in head.cases}
    missing = [case for case in cases if case.id not in records]
    complete = True
    with Journal(head) as journal:
        try:
            if missing:
                _warm_up(entrant, missing[0])
            for case in missing:
                progress(entrant.name, len(records), len(cases))
                records[case.id] = _run_case(entrant, case, paper)
                journal.add(records[case.id])
            progress(entrant.name, len(cases), len(cases))
        except KeyboardInterrupt:
            complete = False
    asked = tuple(records[case.id] for case in cases if case.id in records)
    run = head.model_copy(
        update={
            "cases": asked,
            "complete": complete,
            "seconds": round(head.seconds + time.perf_counter() - clock, 3),
            "peak_mb": max(head.peak_mb, round(_peak_memory(), 1)),
            **find_writer(asked),
        }
    )
    save_run(run)
    journal.remove()
    return run


def _begin(entrant: Entrant, paper: Paper) -> RunRecord:
    """The head of a new run."""
    started = datetime.now(UTC)
    return RunRecord(
        name=f"{started:%Y%m%dT%H%M%S}{started.microsecond // 1000:03d}-{entrant.name}",
        system=entrant.name,
        writer="",
        model=None,
        prompts=entrant.prompts,
        corpus_id=paper.corpus.id,
        gold=paper.gold,
        commit=find_commit(),
        settings=paper.settings,
        measures=entrant.measures,
        complete=False,
        started=started.isoformat(timespec="seconds"),
        seconds=0.0,
        peak_mb=0.0,
        cases=(),
    )


def _take_up(earlier: RunRecord, entrant: Entrant, paper: Paper) -> RunRecord:
    """The head of a run that is taken up, with the cases that stay; raises UsageError when it was another one."""
    differences = {
        "gold": (earlier.gold, paper.gold),
        "corpus": (earlier.corpus_id, paper.corpus.id),
        "settings": (earlier.settings, paper.settings),
        "prompts": (earlier.prompts, entrant.prompts),
    }
    changed = [name for name, (old, new) in differences.items() if old != new]
    if changed:
        raise UsageError(
            f"the run {earlier.name} cannot be taken up, for its {' and its '.join(changed)} changed since; "
            "begin a new run without --resume."
        )
    commit = find_commit()
    known = earlier.commit == commit or earlier.commit.endswith(f", then {commit}")
    return earlier.model_copy(
        update={
            "cases": tuple(case for case in earlier.cases if case.is_settled),
            "commit": earlier.commit if known else f"{earlier.commit}, then {commit}",
            "complete": False,
        }
    )


def ask_case(case: Case) -> Question:
    """The question as a user would put it, on the case's day."""
    return Question(text=case.question, history=case.history, as_of=case.day, id=case.id)


def _on_day(case: Case, day: date) -> Case:
    """A case that names no day is asked for the run's."""
    return case if case.as_of else case.model_copy(update={"as_of": day})


def _warm_up(entrant: Entrant, case: Case) -> None:
    """Load everything before the clock runs: the first question's answer, or its error, is kept the second time."""
    with suppress(Exception):
        entrant.respondent.ask(ask_case(case))


def _run_case(entrant: Entrant, case: Case, paper: Paper) -> CaseRecord:
    """Ask one case and score the answer; whatever goes wrong leaves it unscored, with the reason."""
    scores: dict[Measure, Score] = {}
    stages, answer, error = None, None, ""
    try:
        answer, stages = _ask_timed(entrant.respondent, ask_case(case))
        _check_model(answer)
        scores = score_case(case, answer, paper.corpus, entrant.measures)
        scores.update(_score_asked_again(entrant, case, answer, paper))
        if entrant.judge is not None:
            scores[Measure.JUDGED_SUPPORT] = entrant.judge.score(answer, paper.corpus)
    except Exception as raised:  # one answer's defect must not lose the other cases: it is recorded, and fails the gate
        error, scores = _name_error(raised), {}
    return CaseRecord(
        id=case.id,
        kind=case.kind,
        half=Half(case.half),
        question=case.question,
        answered=_answered(answer),
        scores=scores,
        stages=stages,
        error=error,
        case=case,
        answer=answer.record() if answer else None,
    )


def _check_model(answer: Answer) -> None:
    """Raise ModelError where the model that was to write failed: what is left of the answer says nothing of it."""
    failures = [notice.text for notice in answer.notices if notice.kind == "model_unavailable"]
    if failures:
        raise ModelError(failures[0])


def _score_asked_again(entrant: Entrant, case: Case, answer: Answer, paper: Paper) -> Iterator[tuple[Measure, Score]]:
    """What only a second question shows: the last turn written out, the neutral question, the same one again."""
    ask, wanted = entrant.respondent.ask, entrant.measures
    if case.kind is CaseKind.DIALOGUE and Measure.WRITTEN_OUT in wanted:
        written_out = score_recall(case, ask(replace(ask_case(case), text=case.standalone, history=())), paper.corpus)
        yield Measure.WRITTEN_OUT, written_out
        yield Measure.FOLLOW_UP_GAP, score_gap(written_out, score_recall(case, answer, paper.corpus))
    if case.neutral and Measure.CONSISTENCY in wanted:
        yield Measure.CONSISTENCY, score_consistency(answer, ask(replace(ask_case(case), text=case.neutral)))
    if paper.settings.repeat > 1 and Measure.STABILITY in wanted:
        again = [ask(ask_case(case)) for _ in range(paper.settings.repeat - 1)]
        yield Measure.STABILITY, score_stability(answer, again)


def _ask_timed(respondent: Respondent, question: Question) -> tuple[Answer, Stages]:
    wall, processor = time.perf_counter(), time.process_time()
    answer = respondent.ask(question)
    wall, processor = time.perf_counter() - wall, time.process_time() - processor
    own = answer.timings
    stages = Stages(
        wall=round(wall * 1000, 2),
        processor=round(processor * 1000, 2),
        analyse=round(own.analyse, 2),
        retrieve=round(own.retrieve, 2),
        write=round(own.write, 2),
        ground=round(own.ground, 2),
    )
    return answer, stages


def _name_error(raised: Exception) -> str:
    """What went wrong in one line; for a defect, where."""
    if isinstance(raised, VisavisError):
        return str(raised)
    where = traceback.extract_tb(raised.__traceback__)[-1]
    return f"{type(raised).__name__}: {raised} ({Path(where.filename).name}, line {where.lineno})"


def _answered(answer: Answer | None) -> str:
    if answer is None:
        return "error"
    return str(answer.refusal.reason) if answer.refusal else answer.kind


def _peak_memory() -> float:
    """The most memory that this process has held, in megabytes."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 1e6 if sys.platform == "darwin" else peak / 1e3
