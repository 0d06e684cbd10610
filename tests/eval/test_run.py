"""The run with a scripted respondent: scores, timings, errors, interruption, the record on the disk."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from assistant.answer import Answer, Citation, Evidence, Notice, Timings, Writer
from assistant.errors import GroundingError, QuestionError
from assistant.question import Question
from eval.case import Case, CaseKind, Half
from eval.record import RunRecord, Settings, load_run, runs_folder, save_run
from eval.run import Entrant, Paper, run_entrant
from eval.score import RETRIEVAL, Measure, Score
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
    def start(
        script: Script,
        *cases: Case,
        measures: tuple[Measure, ...] = tuple(Measure),
        earlier: RunRecord | None = None,
        **changes: Any,  # noqa: ANN401
    ) -> RunRecord:
        paper = replace(Paper(cases, corpus, SETTINGS, "gold"), **changes)
        return run_entrant(Entrant("scripted", script, measures), paper, silent, earlier)

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
    assert [latency.n for latency in find_latencies(record)] == [1] * 6
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


def test_the_gap_of_a_follow_up(run: Run, case: MakeCase, good: Answer, find: Find, reply: Reply) -> None:
    dialogue = case(kind="dialogue", question="and the Act?", history=["Who is bound?"], standalone="Who does it bind?")
    half = reply(evidence=find(f"{CONVENTION}:art_3/a"))
    record = run(Script({"and the Act?": half, "Who does it bind?": good}), dialogue, case(id="no-dialogue"))
    # one of two gold articles with history, both written out: 1 - 0.5.
    assert record.cases[0].score(Measure.FOLLOW_UP_GAP).value == 0.5
    assert summarise_measure(record, Measure.FOLLOW_UP_GAP).n == 1


def test_a_leading_question_is_held_against_the_neutral_one(
    run: Run, case: MakeCase, reply: Reply, cite: Callable[..., Citation]
) -> None:
    leading = case(question="Surely nobody is bound?", neutral="Who is bound?")
    led = reply(citations=(cite(1, f"{CONVENTION}:art_3/a"), cite(2, f"{AI_ACT}:art_2/b")))
    asked = reply(citations=(cite(1, f"{AI_ACT}:art_2/b"), cite(2, f"{AI_ACT}:art_4")))
    record = run(Script({"Surely nobody is bound?": led, "Who is bound?": asked}), leading)
    # art_2/b is in both, art_3/a and art_4 in one each: 1 of 3.
    assert record.cases[0].score(Measure.CONSISTENCY).value == pytest.approx(1 / 3)


@dataclass
class Wavering:
    """Gives the same answer, now with other timings, now with other evidence."""

    answers: list[Answer]
    asked: int = -2

    def ask(self, _: Question) -> Answer:
        self.asked += 1
        return self.answers[max(self.asked, 0)]


@pytest.mark.parametrize(("other", "value"), [("timings", 1.0), ("evidence", 0.0)])
def test_stability_is_the_same_record_but_for_id_and_times(
    corpus: Corpus, case: MakeCase, good: Answer, find: Find, other: str, value: float
) -> None:
    later = replace(good, id="another", timings=Timings(9, 9, 9, 9), corpus_built="2027-01-01T00:00:00Z")
    last = later if other == "timings" else replace(later, evidence=find(f"{CONVENTION}:art_9"))
    paper = Paper((case(),), corpus, SETTINGS.model_copy(update={"repeat": 3}), "gold")
    record = run_entrant(Entrant("scripted", Wavering([good, later, last])), paper, silent)
    score = record.cases[0].score(Measure.STABILITY)
    assert score.value == value
    assert score.explanation == ("differ in: nothing" if value else "differ in: evidence")


def test_without_repeats_stability_is_not_measured(run: Run, case: MakeCase, good: Answer) -> None:
    assert run(Script({"good?": good}), case(question="good?")).cases[0].score(Measure.STABILITY).value is None


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


# Stopped, and taken up

ALL = {"one": "good?", "two": "stop?", "three": "more?"}


@pytest.fixture
def three(case: MakeCase) -> list[Case]:
    return [case(id=name, question=question) for name, question in ALL.items()]


def test_what_is_missing_is_asked_and_the_rest_stays(run: Run, three: list[Case], good: Answer) -> None:
    stopped = run(Script({"good?": good, "stop?": KeyboardInterrupt(), "more?": good}), *three)
    script = Script({"stop?": good, "more?": good})
    whole = run(script, *three, earlier=load_run(stopped.name))
    assert [one.id for one in whole.cases] == ["one", "two", "three"]
    assert {question.id for question in script.asked} == {"two", "three"}
    assert (whole.complete, whole.name, whole.started) == (True, stopped.name, stopped.started)
    assert whole.cases[0] == stopped.cases[0]
    assert whole.seconds > stopped.seconds
    assert load_run(whole.name) == whole


def test_what_ended_in_an_error_is_asked_again(run: Run, three: list[Case], good: Answer) -> None:
    failed = run(Script({"good?": good, "stop?": TimeoutError("no answer"), "more?": good}), *three)
    assert failed.errors == 1
    script = Script({"stop?": good})
    whole = run(script, *three, earlier=failed)
    assert {question.id for question in script.asked} == {"two"}
    assert (whole.errors, len(whole.cases)) == (0, 3)


def test_a_model_that_fails_leaves_the_case_unscored_and_is_asked_again(
    run: Run, three: list[Case], good: Answer
) -> None:
    lame = replace(good, notices=(Notice("model_unavailable", "The model did not answer in time."),))
    failed = run(Script({"good?": good, "stop?": lame, "more?": good}), *three)
    assert failed.cases[1].error == "The model did not answer in time."
    assert failed.cases[1].scores == {}
    script = Script({"stop?": good})
    assert run(script, *three, earlier=failed).errors == 0
    assert {question.id for question in script.asked} == {"two"}


def test_a_score_that_failed_is_taken_again(run: Run, three: list[Case], good: Answer) -> None:
    whole = run(Script(dict.fromkeys(ALL.values(), good)), *three)
    opinion = {Measure.JUDGED_SUPPORT: Score(None, explanation="the judge is busy", failed=True)}
    last = whole.cases[2].model_copy(update={"scores": {**whole.cases[2].scores, **opinion}})
    script = Script({"more?": good})
    again = run(script, *three, earlier=whole.model_copy(update={"cases": (*whole.cases[:2], last)}))
    assert {question.id for question in script.asked} == {"three"}
    assert Measure.JUDGED_SUPPORT not in again.cases[2].scores


def test_the_model_is_named_though_it_did_not_write_the_first_answer(run: Run, three: list[Case], good: Answer) -> None:
    written = replace(good, writer=Writer("model", "openai:local"))
    record = run(Script({"good?": good, "stop?": written, "more?": written}), *three)
    assert (record.writer, record.model) == ("model", "openai:local")


def test_a_whole_run_asks_nothing_more(run: Run, three: list[Case], good: Answer) -> None:
    whole = run(Script(dict.fromkeys(ALL.values(), good)), *three)
    script = Script({})
    assert run(script, *three, earlier=whole).cases == whole.cases
    assert script.asked == []


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"gold": "other"}, "for its gold changed since"),
        ({"settings": SETTINGS.model_copy(update={"repeat": 2})}, "for its settings changed since"),
        ({"corpus": Corpus("large", "", ())}, "for its corpus changed since"),
        ({"gold": "other", "corpus": Corpus("large", "", ())}, "for its gold and its corpus changed since"),
    ],
)
def test_another_run_is_not_taken_up(
    run: Run, three: list[Case], good: Answer, changes: dict[str, object], message: str
) -> None:
    earlier = run(Script(dict.fromkeys(ALL.values(), good)), *three)
    script = Script({})
    with pytest.raises(UsageError, match=message):
        run(script, *three, earlier=earlier, **changes)
    assert script.asked == []


def test_what_nothing_could_catch_leaves_a_journal(run: Run, three: list[Case], good: Answer) -> None:
    with pytest.raises(SystemExit):
        run(Script({"good?": good, "stop?": SystemExit(), "more?": good}), *three)
    (path,) = runs_folder().iterdir()
    with path.open("a", encoding="utf-8") as journal:
        journal.write('{"id": "two", "kind": "comp')
    stopped = load_run(path.stem)
    assert [one.id for one in stopped.cases] == ["one"]
    assert (stopped.complete, stopped.writer) == (False, "scripted")
    assert stopped.cases[0].answer == good.record()
    whole = run(Script({"stop?": good, "more?": good}), *three, earlier=stopped)
    assert [one.id for one in whole.cases] == ["one", "two", "three"]
    assert [kept.name for kept in runs_folder().iterdir()] == [f"{whole.name}.json"]


def test_a_journal_that_was_tampered_with_is_refused(run: Run, three: list[Case], good: Answer) -> None:
    with pytest.raises(SystemExit):
        run(Script({"good?": good, "stop?": SystemExit()}), *three)
    (path,) = runs_folder().iterdir()
    for text in ("", "{}\n", path.read_text(encoding="utf-8") + "nonsense\n"):
        path.write_text(text, encoding="utf-8")
        with pytest.raises(UsageError, match="no record of a run"):
            load_run(path.stem)


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
