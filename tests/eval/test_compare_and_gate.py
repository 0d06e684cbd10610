"""Two runs compared, and a run held against thresholds: arithmetic in comments."""

from collections.abc import Sequence
from datetime import date
from pathlib import Path

import pytest
from rich.console import Console

from eval.case import CaseKind, Half
from eval.compare import compare_runs, find_circumstances
from eval.gate import Gate, Gates, Outcome, judge_run, load_gates
from eval.record import CaseRecord, RunRecord, Settings, Stages
from eval.score import Measure, Score
from eval.tables import print_differences
from ingest.errors import UsageError

Values = dict[Measure, float | None]


def record(cases: Sequence[Values], *, name: str = "run", wall: float = 100.0, error: str = "") -> RunRecord:
    return RunRecord(
        name=name,
        system="scripted",
        writer="scripted",
        model=None,
        corpus_id="small",
        gold="gold",
        commit="",
        settings=Settings(as_of=date(2026, 11, 23)),
        measures=tuple(Measure),
        complete=True,
        started="2026-11-23T00:00:00+00:00",
        seconds=1.0,
        peak_mb=1.0,
        cases=tuple(
            CaseRecord(
                id=f"case-{number}",
                kind=CaseKind.SINGLE,
                half=Half.DEV,
                question="?",
                answered="answer",
                scores={measure: Score(value) for measure, value in values.items()},
                stages=Stages(wall=wall, processor=wall / 2),
                error=error,
            )
            for number, values in enumerate(cases)
        ),
    )


def shares(*values: float) -> list[Values]:
    return [{Measure.HIT_ARTICLE: value} for value in values]


def judge(run: RunRecord, **gate: object) -> Outcome:
    gates = Gates.model_validate({"gate": [{"measure": "hit_5_article", **gate}]})
    return judge_run(run, gates)[1].outcome


def test_gains_and_losses() -> None:
    # four cases in common: 0→1, 1→0, 0→1, 1→1: means 1/2 and 3/4, two gains, one loss; the fifth is not in the first.
    before, after = record(shares(0, 1, 0, 1)), record(shares(1, 0, 1, 1, 0), name="later")
    (found,) = compare_runs(before, after)
    assert (found.n, found.before, found.after, found.change) == (4, 0.5, 0.75, 0.25)
    assert [one.id for one in found.gains] == ["case-0", "case-2"]
    assert [one.id for one in found.losses] == ["case-1"]
    assert found.interval is not None
    assert found.interval.low < 0.25 < found.interval.high


def test_less_of_a_fault_is_a_gain() -> None:
    before, after = record([{Measure.MISMATCH: 2.0}]), record([{Measure.MISMATCH: 0.0}])
    (found,) = compare_runs(before, after)
    assert len(found.gains) == 1
    assert found.losses == ()


def test_what_one_run_left_unscored_is_left_out() -> None:
    before, after = record([{Measure.MRR: None}]), record([{Measure.MRR: 1.0}])
    assert compare_runs(before, after) == ()


def test_runs_without_a_case_in_common() -> None:
    with pytest.raises(UsageError, match="no case in common"):
        compare_runs(record(shares(1)), record([]))


def test_what_changed_in_the_settings() -> None:
    before = record(shares(1))
    after = before.model_copy(
        update={"corpus_id": "large", "settings": before.settings.model_copy(update={"limit": 3})}
    )
    assert list(find_circumstances(before, after)) == ["corpus_id: small → large", "limit: None → 3"]


def test_what_either_run_lacks_is_said() -> None:
    before, after = record(shares(1, 1, 1)), record(shares(1, 0), name="later", error="broken")
    assert list(find_circumstances(before, after)) == [
        "cases: 1 only in the first run, 0 only in the second, which are left out",
        "later: 2 in error and unscored",
    ]


def test_a_change_beyond_chance() -> None:
    # 20 of 20 gained: every resample gains, the interval is from 1 to 1; 1 of 20: some resamples gain nothing.
    zeros = record(shares(*[0] * 20))
    (all_gained,) = compare_runs(zeros, record(shares(*[1] * 20)))
    (one_gained,) = compare_runs(zeros, record(shares(1, *[0] * 19)))
    assert (all_gained.is_beyond_chance, one_gained.is_beyond_chance) == (True, False)


def test_the_table_marks_what_is_beyond_chance(capsys: pytest.CaptureFixture[str]) -> None:
    opinion = [{Measure.JUDGED_SUPPORT: 0.0, **one} for one in shares(*[0] * 20)]
    after = record([{Measure.JUDGED_SUPPORT: 1.0, **one} for one in shares(1, *[0] * 19)])
    print_differences(compare_runs(record(opinion), after), 2, Console(width=160))
    first, _, second = capsys.readouterr().out.partition("judged by a model")
    assert "+0.050 " in first
    assert "+0.050 *" not in first
    assert "+1.000 *" in second
    assert "case-0 0.00 → 1.00" in second
    assert "18 more" in second


@pytest.mark.parametrize(
    ("values", "gate", "outcome"),
    [
        ([1] * 20, {"at_least": 0.97}, Outcome.MET),
        # 18 of 20: 0.9, Wilson's interval reaches to 0.972.
        ([1] * 18 + [0] * 2, {"at_least": 0.97}, Outcome.NOISE),
        ([1] * 18 + [0] * 2, {"at_least": 0.97, "exact": True}, Outcome.FAILS),
        # 10 of 20: to 0.70.
        ([1] * 10 + [0] * 10, {"at_least": 0.97}, Outcome.FAILS),
        # 1 of 20 is 0.05, and from 0.009; 10 of 20 from 0.30.
        ([1] + [0] * 19, {"at_most": 0.03}, Outcome.NOISE),
        ([1] * 10 + [0] * 10, {"at_most": 0.03}, Outcome.FAILS),
        ([1] * 20, {"at_least": 0.97, "kind": "dated"}, Outcome.UNMEASURED),
    ],
)
def test_thresholds_and_their_noise(values: list[float], gate: dict[str, object], outcome: Outcome) -> None:
    assert judge(record(shares(*values)), **gate) is outcome


@pytest.mark.parametrize(
    ("values", "gate", "outcome", "target"),
    [
        # 9 of 10: the floor is met, the target 0.97 is 0.07 away.
        ([1] * 9 + [0], {"at_least": 0.9, "target": 0.97}, Outcome.MET, "0.070 from the target ≥ 0.97"),
        ([1] * 10, {"at_least": 0.9, "target": 0.97}, Outcome.MET, "target ≥ 0.97 reached"),
        ([1] * 2 + [0] * 8, {"at_most": 0.5, "target": 0.1}, Outcome.MET, "0.100 from the target ≤ 0.1"),
        ([1] * 2 + [0] * 8, {"at_least": 0.9, "target": 0.97}, Outcome.FAILS, "0.770 from the target ≥ 0.97"),
        ([1] * 10, {"at_least": 0.9}, Outcome.MET, ""),
    ],
)
def test_the_floor_decides_and_the_target_is_only_shown(
    values: list[float], gate: dict[str, object], outcome: Outcome, target: str
) -> None:
    gates = Gates.model_validate({"gate": [{"measure": "hit_5_article", **gate}]})
    verdict = judge_run(record(shares(*values)), gates)[1]
    assert (verdict.outcome, verdict.target) == (outcome, target)


def test_a_ratio() -> None:
    # recall 0.9 with history, 1.0 written out: 0.9 of it.
    values: Values = {Measure.RECALL: 0.9, Measure.WRITTEN_OUT: 1.0}
    gate = Gate(measure=Measure.RECALL, relative_to=Measure.WRITTEN_OUT, at_least=0.95)
    verdict = judge_run(record([values] * 3), Gates(gate=(gate,)))[1]
    assert not verdict.passes
    assert verdict.found.startswith("0.900 (n 3")


def test_noise_lets_a_run_pass() -> None:
    gates = Gates.model_validate({"gate": [{"measure": "hit_5_article", "at_least": 0.97}]})
    assert all(one.passes for one in judge_run(record(shares(*[1] * 18, 0, 0)), gates))


def test_latency_and_errors() -> None:
    gates = Gates.model_validate({"gate": [], "latency": [{"stage": "whole answer", "p50": 120, "p95": 90}]})
    assert [one.outcome for one in judge_run(record(shares(1)), gates)] == [Outcome.MET, Outcome.MET, Outcome.FAILS]
    assert judge_run(record(shares(1), error="broken"), gates)[0].outcome is Outcome.FAILS
    interrupted = record(shares(1)).model_copy(update={"complete": False})
    assert judge_run(interrupted, gates)[0].outcome is Outcome.FAILS


def test_the_programs_own_thresholds_are_valid() -> None:
    gates = load_gates()
    assert {gate.measure for gate in gates.gate} >= {Measure.BOTH_SIDES, Measure.FIDELITY, Measure.EXISTENCE}
    assert all(gate.target is not None for gate in gates.gate)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[[gate]", "broken TOML"),
        ('[[gate]]\nmeasure = "luck"\nat_least = 1', "gate.0.measure"),
        ('[[gate]]\nmeasure = "mrr"', "either at_least or at_most"),
        ('[[gate]]\nmeasure = "mrr"\nat_lest = 1', "gate.0.at_lest"),
        ('[[gate]]\nmeasure = "mrr"\nat_least = 0.9\ntarget = 0.8', "the target asks for less than the floor"),
        ('[[gate]]\nmeasure = "false_refusal"\nat_most = 0.1\ntarget = 0.2', "the target asks for less than the floor"),
    ],
)
def test_bad_thresholds(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "gates.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(UsageError, match=message):
        load_gates(path)
    with pytest.raises(UsageError, match="cannot be read"):
        load_gates(tmp_path / "absent.toml")
