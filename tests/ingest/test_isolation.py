"""A reader that sleeps, toils, allocates, crashes or raises is ended and named, and the others go on."""

import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from ingest import isolation
from ingest.errors import ReaderError, SourceUnreadable, VisavisError
from ingest.isolation import Call, Limits, run_in_turn, run_isolated, run_side_by_side
from tests.ingest import reading_calls

BRIEF = Limits(seconds=3)


def is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True


def test_a_result_comes_back() -> None:
    assert run_isolated("a number", reading_calls.double, 21) == 42


def test_an_error_of_ours_comes_back_as_it_is() -> None:
    with pytest.raises(SourceUnreadable, match=r"^a\.pdf: it is a garden gnome\.$"):
        run_isolated("a.pdf", reading_calls.refuse, Path("a.pdf"))


@pytest.mark.parametrize(
    ("function", "arguments", "limits", "said"),
    [
        (reading_calls.sleep, (60,), BRIEF, "reading took more than 3 s and was stopped"),
        (reading_calls.toil, (), BRIEF, "reading took more than 3 s and was stopped"),
        (reading_calls.crash, (), Limits(), "the reader ended without a result (exit code -11)"),
        (reading_calls.leave, (), Limits(), "the reader ended without a result (exit code 7)"),
        (reading_calls.fail, (), Limits(), "the reader failed (KeyError: "),
        (reading_calls.unspeakable, (), Limits(), "the reader failed ("),
    ],
)
def test_a_reader_that_goes_wrong_is_named(
    function: Callable[..., object], arguments: tuple[object, ...], limits: Limits, said: str
) -> None:
    began = time.monotonic()
    with pytest.raises(SourceUnreadable) as refused:
        run_isolated("the Act (act.pdf)", function, *arguments, limits=limits)
    text = str(refused.value)
    assert text.startswith("the Act (act.pdf): ") and said in text and "\n" not in text
    assert time.monotonic() - began < 20


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux enforces a limit on memory")
def test_a_reader_that_allocates_is_stopped() -> None:
    tight = Limits(space=2**30)
    assert run_isolated("small", reading_calls.allocate, 2**20, limits=tight) == 2**20
    with pytest.raises(SourceUnreadable, match=r"^big: reading needs more than 1\.0 GB of memory"):
        run_isolated("big", reading_calls.allocate, 2**31, limits=tight)


@pytest.mark.parametrize(
    ("hard", "most", "set_to"),
    [(isolation.resource.RLIM_INFINITY, 5, (5, isolation.resource.RLIM_INFINITY)), (3, 5, (3, 3)), (9, 5, (5, 9))],
)
def test_a_limit_is_never_set_above_the_one_there_is(
    monkeypatch: pytest.MonkeyPatch, hard: int, most: int, set_to: tuple[int, int]
) -> None:
    monkeypatch.setattr(isolation.resource, "getrlimit", lambda _: (hard, hard))
    assert isolation._lowered(isolation.resource.RLIMIT_CPU, most) == set_to


def test_where_memory_is_not_limited_time_is(monkeypatch: pytest.MonkeyPatch) -> None:
    limited: list[int] = []
    monkeypatch.setattr(isolation.sys, "platform", "darwin")
    monkeypatch.setattr(isolation.resource, "setrlimit", lambda kind, _: limited.append(kind))
    isolation._limit(Limits())
    assert limited == [isolation.resource.RLIMIT_CPU]


def test_one_that_goes_wrong_leaves_the_others() -> None:
    calls: list[Call[object]] = [
        Call("one", reading_calls.double, (1,)),
        Call("two", reading_calls.fail, ()),
        Call("three", reading_calls.crash, ()),
        Call("four", reading_calls.double, (4,)),
    ]
    results = dict(run_side_by_side(calls, 2))
    assert results[0] == 2 and results[3] == 8
    assert all(isinstance(results[number], VisavisError) for number in (1, 2))


def test_at_most_so_many_run_at_once_and_all_end_with_the_iteration(tmp_path: Path) -> None:
    marks = [tmp_path / str(number) for number in range(4)]
    calls = [
        Call("quick", reading_calls.double, (1,)),
        *(Call("slow", reading_calls.write_process, (m,)) for m in marks),
    ]
    running = run_side_by_side(calls, 2)
    assert next(running) == (0, 2)
    while not marks[0].exists() or not marks[0].read_text():
        time.sleep(0.01)
    running.close()
    assert not marks[2].exists()
    assert not any(is_alive(int(mark.read_text())) for mark in marks if mark.exists() and mark.read_text())


def test_ctrl_c_reaches_the_parent_and_ends_the_readers(tmp_path: Path) -> None:
    mark = tmp_path / "mark"

    def interrupt() -> None:
        while not mark.exists() or not mark.read_text():
            time.sleep(0.01)
        os.kill(os.getpid(), signal.SIGINT)

    threading.Thread(target=interrupt).start()
    with pytest.raises(KeyboardInterrupt):
        run_isolated("slow", reading_calls.write_process, mark)
    assert not is_alive(int(mark.read_text()))


def test_a_reader_that_does_not_start_is_not_the_fault_of_what_it_was_to_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(isolation, "TO_START", 0.0)
    with pytest.raises(ReaderError, match=r"^no reader started within 0 s; free the machine"):
        list(run_in_turn([Call("act.pdf", reading_calls.double, (1,))], Limits(seconds=7)))


def test_a_reader_that_ends_as_it_starts_is_told_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(isolation, "_work_in_turn", reading_calls.end_at_once)
    with pytest.raises(ReaderError, match=r"^a reader ended as it started \(exit code 3\)"):
        list(run_in_turn([Call("act.pdf", reading_calls.double, (1,))], Limits(seconds=7)))


def test_a_reader_that_does_not_start_once_is_started_again(monkeypatch: pytest.MonkeyPatch) -> None:
    real, works = isolation._begin, [reading_calls.end_at_once, isolation._work_in_turn]
    monkeypatch.setattr(isolation, "_begin", lambda _, *rest: real(works.pop(0), *rest))
    assert list(run_in_turn([Call("act.pdf", reading_calls.double, (1,))], Limits(seconds=7))) == [2]


def test_calls_in_turn_are_made_in_one_process_and_each_has_its_own_time() -> None:
    calls = [Call(str(n), reading_calls.pause, (0.7,)) for n in range(4)]
    assert len(set(run_in_turn(calls, Limits(seconds=2)))) == 1, "the whole takes longer than one of them may"


@pytest.mark.parametrize(
    ("function", "line"),
    [
        (reading_calls.sleep, "third: reading took more than 1 s and was stopped"),
        (reading_calls.leave, "third: the reader ended without a result"),
        (reading_calls.refuse, "gnome.pdf: it is a garden gnome."),
    ],
)
def test_an_error_is_the_last_of_calls_in_turn(function: Callable[..., int], line: str) -> None:
    arguments = {"sleep": (60,), "leave": (), "refuse": (Path("gnome.pdf"),)}[function.__name__]
    calls = [
        Call("first", reading_calls.double, (1,)),
        Call("second", reading_calls.double, (2,)),
        Call("third", function, arguments),
        Call("fourth", reading_calls.double, (4,)),
    ]
    *done, last = run_in_turn(calls, Limits(seconds=1))
    assert done == [2, 4] and isinstance(last, SourceUnreadable) and line in str(last)
