"""The run with a scripted respondent: scores, timings, errors, interruption, the record on the disk."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

import pytest

from assistant.answer import Answer, Evidence, Timings
from assistant.errors import GroundingError, QuestionError
from assistant.question import Question
from eval.case import Case, CaseKind, Half
from eval.record import RunRecord, Settings, load_run, save_run
from eval.run import Entrant, run_entrant
from eval.score import RETRIEVAL, Measure
from eval.summary import HIDDEN, find_latencies, find_worst, summarise_measure, summary_record
from ingest.corpus import Corpus
from ingest.errors import UsageError
from ingest.identifiers import AI_ACT, CONVENTION

MakeCase = Callable[..., Case]
Reply = Callable[..., Answer]
Find = Callable[..., tuple[Evidence, ...]]
Run = Callable[..., RunRecord]

SETTINGS = Settings(as_of=date(2026, 11, 23))


@dataclass
class Script:
    """Answers by question; an exception is raised instead."""

    answers: dict[str, Answer | BaseException]
    asked: list[Question] = field(default_factory=list)

    def ask(self, question: Question) -> Answer:
        self.asked.append(question)
        answer = self.answers[question.text]
        if isinstance(answer, BaseException):
            raise answer
        return answer


def silent(_: str, __: int, ___: int) -> None:
    pass


@pytest.fixture
def run(corpus: Corpus) -> Run:
    def start(script: Script, *cases: Case, measures: tuple[Measure, ...] = tuple(Measure)) -> RunRecord:
        return run_entrant(Entrant("scripted", script, measures), cases, corpus, SETTINGS, "gold", silent)

    return start


@pytest.fixture
def good(reply: Reply, find: Find) -> Answer:
    return reply(evidence=find(f"{CONVENTION}:art_3/a", f"{AI_ACT}:art_2/b"), timings=Timings(1, 2, 3, 4))


@pytest.fixture
def bad(reply: Reply, find: Find) -> Answer:
    return reply(evidence=find(f"{CONVENTION}:art_9"))


def test_a_run_scores_every_case(run: Run, case: MakeCase, good: Answer, bad: Answer) -> None:
    cases = [case(id="one", question="good?"), case(id="two", question="bad?"), case(id="three", question="good?")]
    record = run(Script({"good?": good, "bad?": bad}), *cases)
    assert [one.id for one in record.cases] == ["one", "two", "three"]
    # both sides: 1, 0, 1.
    assert summarise_measure(record, Measure.BOTH_SIDES).mean == pytest.approx(2 / 3)
    assert record.complete
    assert record.writer == "scripted"


def test_the_case_without_a_day_is_asked_for_the_runs(run: Run, case: MakeCase, good: Answer) -> None:
    script = Script({"good?": good})
    run(script, case(id="one", question="good?"), case(id="two", question="good?", as_of=date(2025, 3, 1)))
    assert [question.as_of for question in script.asked[1:]] == [date(2026, 11, 23), date(2025, 3, 1)]


def test_the_first_question_warms_up_and_is_not_counted(run: Run, case: MakeCase, good: Answer) -> None:
    script = Script({"good?": good})
    record = run(script, case(question="good?"))
    assert len(script.asked) == 2
    assert [latency.n for latency in find_latencies(record)] == [1, 1, 1]
    assert record.cases[0].stages is not None
    assert record.cases[0].stages.retrieve == 2


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (QuestionError("The question holds no word."), "The question holds no word."),
        (GroundingError("[1] is not verbatim"), "GroundingError: [1] is not verbatim (test_run.py, line "),
        (ValueError("empty"), "ValueError: empty (test_run.py, line "),
    ],
)
def test_an_error_leaves_the_other_cases_standing(
    run: Run, case: MakeCase, good: Answer, error: Exception, message: str
) -> None:
    script = Script({"?": error, "good?": good})
    record = run(script, case(id="one", question="?"), case(id="two", question="good?"))
    assert record.cases[0].error.startswith(message)
    assert record.cases[0].score(Measure.BOTH_SIDES).value is None
    assert summarise_measure(record, Measure.BOTH_SIDES).n == 1
    assert find_worst(record)[0].case.id == "one"
    assert summary_record(record, hide_test=False)["errors"] == 1


def test_ctrl_c_keeps_what_was_scored(run: Run, case: MakeCase, good: Answer) -> None:
    script = Script({"good?": good, "stop?": KeyboardInterrupt()})
    record = run(script, case(id="one", question="good?"), case(id="two", question="stop?"), case(id="three"))
    assert not record.complete
    assert [one.id for one in record.cases] == ["one"]
    assert load_run(save_run(record).stem) == record


def test_a_dialogue_is_asked_with_its_history_and_written_out(
    run: Run, case: MakeCase, good: Answer, bad: Answer
) -> None:
    dialogue = case(
        kind="dialogue", question="and under the Act?", history=["Who is bound?"], standalone="Who does the Act bind?"
    )
    script = Script({"and under the Act?": bad, "Who does the Act bind?": good})
    record = run(script, dialogue)
    assert [question.history for question in script.asked[1:]] == [("Who is bound?",), ()]
    # with history neither gold article is found, written out both are.
    assert record.cases[0].score(Measure.RECALL).value == 0.0
    assert record.cases[0].score(Measure.WRITTEN_OUT).value == 1.0


def test_only_what_an_entrant_is_measured_by_is_scored(run: Run, case: MakeCase, good: Answer) -> None:
    record = run(Script({"good?": good}), case(question="good?"), measures=RETRIEVAL)
    assert set(record.cases[0].scores) <= set(RETRIEVAL)


def test_the_worst_come_first_and_the_faultless_are_left_out(
    run: Run, case: MakeCase, good: Answer, bad: Answer
) -> None:
    cases = [case(id="fine", question="good?"), case(id="poor", question="bad?")]
    worst = find_worst(run(Script({"good?": good, "bad?": bad}), *cases, measures=RETRIEVAL))
    assert [fault.case.id for fault in worst] == ["poor"]
    # lost: both sides 1 of 1, MRR 1 of 1, recall 1 of 1: a loss of 1.
    assert worst[0].loss == 1.0


def test_what_was_wrong_in_the_test_half_is_not_shown(run: Run, case: MakeCase, bad: Answer) -> None:
    cases = [case(id=f"c-{number}", question="bad?") for number in range(6)]
    record = run(Script({"bad?": bad}), *cases)
    hidden = {one["id"] for one in summary_record(record, hide_test=True)["worst"] if one["why"] == [HIDDEN]}
    assert hidden == {one.id for one in cases if one.half is Half.TEST}
    assert 0 < len(hidden) < len(cases)


def test_by_kind_and_half(run: Run, case: MakeCase, good: Answer, bad: Answer) -> None:
    cases = [case(id=f"c-{number}", question="good?") for number in range(10)]
    single = case(id="s-1", kind="single", gold={AI_ACT: ["art_2/b"]}, question="bad?")
    record = run(Script({"good?": good, "bad?": bad}), *cases, single)
    assert summarise_measure(record, Measure.MRR, CaseKind.COMPARISON).n == 10
    assert summarise_measure(record, Measure.MRR, CaseKind.SINGLE).mean == 0.0
    halves = [summarise_measure(record, Measure.MRR, half=half).n for half in Half]
    assert sum(halves) == 11
    assert halves[0] == sum(one.half is Half.DEV for one in (*cases, single))


# The record on the disk


def test_a_record_is_kept_in_the_users_data_folder(run: Run, case: MakeCase, good: Answer, home: Path) -> None:
    record = run(Script({"good?": good}), case(question="good?"))
    path = save_run(record)
    assert path.is_relative_to(home)
    assert load_run(str(path)) == load_run(record.name) == record


def test_last_is_the_assistants_newest(run: Run, case: MakeCase, good: Answer) -> None:
    record = run(Script({"good?": good}), case(question="good?"))
    for name in ("20261123T000000000-visavis", "20261124T000000000-visavis", "20261125T000000000-naive-a"):
        save_run(record.model_copy(update={"name": name}))
    assert load_run("last").name == "20261124T000000000-visavis"


def test_another_folder_can_be_named(
    run: Run, case: MakeCase, good: Answer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VISAVIS_RUNS", str(tmp_path / "runs"))
    assert save_run(run(Script({"good?": good}), case(question="good?"))).parent == tmp_path / "runs"
    (tmp_path / "file").touch()
    monkeypatch.setenv("VISAVIS_RUNS", str(tmp_path / "file"))
    with pytest.raises(UsageError, match="cannot be kept"):
        save_run(run(Script({"good?": good}), case(question="good?")))


def test_a_run_that_is_none(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="there is no run 'yesterday'"):
        load_run("yesterday")
    path = tmp_path / "other.json"
    for text, message in [("{", "no record of a run"), ('{"name": "x"}', "no record of a run")]:
        path.write_text(text, encoding="utf-8")
        with pytest.raises(UsageError, match=message):
            load_run(str(path))
