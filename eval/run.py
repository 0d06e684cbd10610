"""The run: each case asked, timed and scored; what goes wrong with one leaves the others standing."""

import resource
import sys
import time
import traceback
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Protocol

from assistant.answer import Answer
from assistant.question import Question
from eval.case import Case, CaseKind, Half
from eval.record import CaseRecord, RunRecord, Settings, Stages, find_commit
from eval.score import Measure, Score
from eval.scorers import score_case, score_recall
from ingest.corpus import Corpus
from ingest.errors import VisavisError

Progress = Callable[[str, int, int], None]


class Respondent(Protocol):
    """Whoever answers: the assistant, or a naive pipeline beside it."""

    def ask(self, question: Question) -> Answer:
        """Answer one question; raises VisavisError for one that cannot be asked."""


@dataclass(frozen=True, slots=True)
class Entrant:
    """A respondent with its name and the measures that it is measured by."""

    name: str
    respondent: Respondent
    measures: tuple[Measure, ...] = tuple(Measure)


def run_entrant(
    entrant: Entrant, cases: Sequence[Case], corpus: Corpus, settings: Settings, gold: str, progress: Progress
) -> RunRecord:
    """Ask an entrant every case and score it; Ctrl-C gives a record of what was scored until then."""
    started, clock = datetime.now(UTC), time.perf_counter()
    dated = [_on_day(case, settings.as_of) for case in cases]
    records: list[CaseRecord] = []
    writers: list[Answer] = []
    complete = True
    try:
        _warm_up(entrant, dated[0])
        for done, case in enumerate(dated):
            progress(entrant.name, done, len(dated))
            record, answer = _run_case(entrant, case, corpus)
            records.append(record)
            writers.extend([answer] if answer else [])
        progress(entrant.name, len(dated), len(dated))
    except KeyboardInterrupt:
        complete = False
    return RunRecord(
        name=f"{started:%Y%m%dT%H%M%S}{started.microsecond // 1000:03d}-{entrant.name}",
        system=entrant.name,
        writer=writers[0].writer.name if writers else "",
        model=writers[0].writer.model if writers else None,
        corpus_id=corpus.id,
        gold=gold,
        commit=find_commit(),
        settings=settings,
        measures=entrant.measures,
        complete=complete,
        started=started.isoformat(timespec="seconds"),
        seconds=round(time.perf_counter() - clock, 3),
        peak_mb=round(_peak_memory(), 1),
        cases=tuple(records),
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


def _run_case(entrant: Entrant, case: Case, corpus: Corpus) -> tuple[CaseRecord, Answer | None]:
    """Ask one case and score the answer; whatever goes wrong leaves it unscored, with the reason."""
    scores: dict[Measure, Score] = {}
    stages, answer, error = None, None, ""
    try:
        answer, stages = _ask_timed(entrant.respondent, ask_case(case))
        scores = score_case(case, answer, corpus, entrant.measures)
        if case.kind is CaseKind.DIALOGUE and Measure.WRITTEN_OUT in entrant.measures:
            written_out = entrant.respondent.ask(Question(text=case.standalone, as_of=case.day, id=case.id))
            scores[Measure.WRITTEN_OUT] = score_recall(case, written_out, corpus)
    except Exception as raised:  # one answer's defect must not lose the other cases: it is recorded, and fails the gate
        error, scores = _name_error(raised), {}
    record = CaseRecord(
        id=case.id,
        kind=case.kind,
        half=Half(case.half),
        question=case.question,
        answered=_answered(answer),
        scores=scores,
        stages=stages,
        error=error,
    )
    return record, answer


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
