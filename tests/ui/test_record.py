"""The record: its chain, its writers, what is erased and deleted from it, and what happens when its database fails."""

import multiprocessing
import os
import resource
import signal
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from pydantic import SecretStr

from assistant.errors import QuestionError, SettingsError
from ingest.errors import UsageError
from tests.postgres import running_postgresql
from tests.ui.records import (
    ADA,
    BOB,
    REFUSED,
    SECRET,
    START,
    answer,
    draft,
    loss,
    opened,
    place,
    spoil,
    until,
)
from ui.egress import _named
from ui.people import NOBODY, Means, Person, Role
from ui.record import ledger as ledgers
from ui.record import recorder as recorders
from ui.record.chain import Head
from ui.record.entry import Channel, Draft, Entry, FeedbackKind
from ui.record.errors import RecordAway, RecordError, UnknownAnswer
from ui.record.ledger import Ledger, migrate, newest_revision, open_ledger
from ui.record.place import FilePlace, ServerPlace, Tls, place_of
from ui.record.policy import Policy
from ui.record.recorder import Recorder, open_recorder
from ui.settings import ServeSettings, load_serve_settings

NOBODYS_ID = 65534


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address of an empty database."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/record.sqlite"
    address: str = request.getfixturevalue("postgresql")
    return address


@pytest.fixture
def file_url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/record.sqlite"


@pytest.fixture
def ledger(url: str) -> Iterator[Ledger]:
    with opened(url) as ledger:
        yield ledger


@contextmanager
def recording(url: str, policy: Policy | None = None, **given: int) -> Iterator[Recorder]:
    recorder = Recorder(lambda: open_ledger(place(url)), policy, **given)
    try:
        yield recorder
    finally:
        recorder.close()


# What an entry holds


def test_an_answer_is_entered_with_who_when_and_what_it_rests_on(url: str) -> None:
    with recording(url) as recorder:
        identity = recorder.answered(ADA, Channel.API, answer(), 41.26)
        recorder.answered(NOBODY, Channel.CHAT, answer("two"), 3.0)
        recorder.answered(BOB, Channel.MCP, replace(answer("three"), citations=(), refusal=REFUSED), 3.0)
    with opened(url) as ledger:
        first, second, third = (one.told() for one in ledger.entries())
        assert ledger.find(identity) == ledger.entries()[0]
    assert first.pop("id") == identity
    assert abs(datetime.fromisoformat(first.pop("at")) - datetime.now(UTC)) < timedelta(minutes=1)
    assert first == {
        "seq": 1,
        "kind": "answer",
        "refers": None,
        "channel": "api",
        "whole": True,
        "corpus": {"id": "0123456789abcdef", "built": "2026-11-23T10:00:00Z"},
        "writer": "model",
        "model": "openai:local",
        "intent": "comparison",
        "as_of": "2026-11-23",
        "scope": ["coe-ai-convention", "eu-ai-act"],
        "citations": [
            {"n": n, "instrument": "eu-ai-act", "pinpoint": f"art_{n}", "expression": "eu-ai-act@2026-07-27:en"}
            for n in (5, 6)
        ],
        "refusal": None,
        "dropped": [{"reason": "it names no citation", "mended": False}],
        "milliseconds": 41.3,
        "subject": "oidc:ada-7f3a",
        "personal": {
            "person": {"id": "ada-7f3a", "name": "Ada Lovelace", "role": "editor", "means": "oidc"},
            "answer": "one",
        },
        "is_erased": False,
    }
    assert second["personal"]["person"]["means"] == "nobody"
    assert (third["refusal"], third["channel"], third["citations"]) == ("unclear", "mcp", [])


@pytest.mark.parametrize("kept", [False, True])
def test_the_words_of_a_question_are_kept_only_where_the_policy_says_so(file_url: str, kept: bool) -> None:
    with recording(file_url, Policy(questions=kept)) as recorder:
        recorder.answered(ADA, Channel.CHAT, answer(), 1.0)
    path = Path(file_url.removeprefix("sqlite:///"))
    held = b"".join(one.read_bytes() for one in path.parent.iterdir())
    assert (b"wizened" in held) is kept and (b"is banned" in held) is kept
    with opened(file_url) as ledger:
        personal = ledger.entries()[0].told()["personal"]
    assert (personal.get("question"), personal.get("dropped")) == (
        (SECRET, ["The gardener of Ravenna is banned."]) if kept else (None, None)
    )


def test_ticks_and_feedback_are_entries_that_refer_to_the_answer(url: str) -> None:
    with recording(url) as recorder:
        given = recorder.answered(ADA, Channel.CHAT, answer(), 1.0)
        recorder.checked(ADA, Channel.CHAT, answer(), 5, "AL", START)
        recorder.checked(ADA, Channel.CHAT, answer(), 5, "", START)
        recorder.commented(ADA, Channel.CHAT, "one", FeedbackKind.WRONG_CITATION, 6, "It is Article 7.")
    with recording(url) as later:
        until(lambda: later._ledger is not None)
        later.commented(ADA, Channel.API, "one", FeedbackKind.RIGHT, None, "")
    with opened(url) as ledger:
        _, ticked, unticked, wrong, right = (one.told() for one in ledger.entries())
        assert ledger.verify().fault is None
    assert {one["refers"] for one in (ticked, unticked, wrong, right)} == {given}
    assert (ticked["kind"], ticked["citation"], ticked["checked"]) == ("check", 5, True)
    assert (ticked["ticked_at"], ticked["personal"]["initials"]) == ("2026-11-23T10:00:00.000Z", "AL")
    assert unticked["checked"] is False
    assert (wrong["feedback"], wrong["citation"]) == ("wrong_citation", 6)
    assert wrong["personal"]["comment"] == "It is Article 7."
    assert (right["feedback"], right["channel"]) == ("right", "api")


def test_feedback_is_taken_from_whoever_was_given_the_answer_and_on_what_it_cites(url: str) -> None:
    with recording(url) as recorder:
        recorder.answered(ADA, Channel.CHAT, answer(), 1.0)
        assert until(lambda: recorder._ledger is not None)
        with pytest.raises(UnknownAnswer, match="no such answer that was given to you"):
            recorder.commented(BOB, Channel.API, "one", FeedbackKind.RIGHT, None, "")
        with pytest.raises(UsageError, match="the answer has no citation 9"):
            recorder.commented(ADA, Channel.API, "one", FeedbackKind.WRONG_CITATION, 9, "")
    with opened(url) as ledger:
        assert ledger.count() == 1


def test_what_a_client_sends_as_an_id_does_not_break_a_database(url: str) -> None:
    odd = "a\x00b\ud800c"
    with recording(url) as recorder:
        recorder.answered(replace(ADA, id="x\x00"), Channel.API, answer(odd), 1.0)
    with opened(url) as ledger:
        assert ledger.verify().entries == 1
        assert ledger.find_answer("a\ufffdb?c", "oidc:x\ufffd") is not None


def test_without_a_record_nothing_is_entered_and_feedback_hears_of_it() -> None:
    off = open_recorder(ServeSettings(record=False))
    assert not off.is_on
    assert off.answered(ADA, Channel.CHAT, answer(), 1.0) == ""
    assert list(off.following(iter([answer()]), ADA, Channel.CHAT)) == [answer()]
    off.checked(ADA, Channel.CHAT, answer(), 5, "AL", START)
    with pytest.raises(UsageError, match="keeps no record"):
        off.commented(ADA, Channel.CHAT, "one", FeedbackKind.RIGHT, None, "")
    off.close()


# A growing answer


def test_a_growing_answer_is_entered_once_when_it_is_whole(url: str) -> None:
    states = [answer(), replace(answer(), writer=replace(answer().writer, model="last"))]
    with recording(url) as recorder:
        assert list(recorder.following(iter(states), ADA, Channel.CHAT)) == states
    with opened(url) as ledger:
        (only,) = ledger.entries()
    assert (only.told()["model"], only.told()["whole"]) == ("last", True)


@pytest.mark.parametrize("strict", [False, True])
def test_an_answer_that_breaks_off_is_entered_as_far_as_it_was_shown(url: str, strict: bool) -> None:
    closed = []

    def growing() -> Iterator[object]:
        try:
            yield answer()
            raise QuestionError("the model went away.")
        finally:
            closed.append(True)

    with recording(url, Policy(strict=strict)) as recorder:
        with pytest.raises(QuestionError):
            list(recorder.following(growing(), ADA, Channel.CHAT))  # type: ignore[arg-type]
        states = recorder.following(growing(), BOB, Channel.CHAT)  # type: ignore[arg-type]
        if not strict:
            next(states)
        states.close()
    assert closed == [True] if strict else [True, True]
    with opened(url) as ledger:
        assert [one.told()["whole"] for one in ledger.entries()] == ([] if strict else [False, False])


# The chain


SPOILT: list[tuple[str, int, str]] = [
    ("UPDATE entry SET body = replace(body, 'art_5', 'art_4') WHERE seq = 3", 3, "its content is not"),
    ("UPDATE entry SET at = '2026-11-20T10:00:00.000Z' WHERE seq = 2", 2, "its content is not"),
    ("UPDATE entry SET personal = replace(personal, 'Ada', 'Eva') WHERE seq = 4", 4, "its personal part is not"),
    ("UPDATE entry SET personal = NULL, nonce = NULL WHERE seq = 4", 4, "missing, and no erasure accounts for it"),
    ("UPDATE entry SET nonce = 'ff' WHERE seq = 1", 1, "its personal part is not"),
    ("DELETE FROM entry WHERE seq = 3", 3, "it is missing, and no purge accounts for it"),
    ("DELETE FROM entry WHERE seq <= 2", 1, "entries 1 to 2 are missing"),
    ("DELETE FROM entry WHERE seq = 6", 6, "it is missing; the chain ends at entry 6"),
    ("UPDATE head SET seq = 5", 6, "the chain's end is kept as 5:"),
    ("UPDATE entry SET hash = 'f' WHERE seq = 2", 2, "its content is not"),
    ("UPDATE entry SET refers = 'another' WHERE seq = 5", 5, "its content is not"),
    ("UPDATE entry SET seq = -seq WHERE seq IN (2, 3); ", 2, ""),
]


@pytest.mark.parametrize(("statement", "seq", "reason"), SPOILT)
def test_the_first_spoilt_entry_is_named(file_url: str, statement: str, seq: int, reason: str) -> None:
    with opened(file_url) as ledger:
        ledger.append([draft(identity=str(number)) for number in range(6)])
        assert ledger.verify().fault is None
        spoil(ledger, statement)
        if "-seq" in statement:  # two entries that change places
            spoil(ledger, "UPDATE entry SET seq = 5 + seq WHERE seq < 0")
        fault = ledger.verify().fault
    assert fault is not None and fault.seq == seq and reason in fault.reason, fault


def test_a_new_chain_in_place_of_the_old_one_is_seen_by_whoever_kept_its_head(url: str) -> None:
    with opened(url) as ledger:
        ledger.append([draft(identity=str(number)) for number in range(3)])
        kept = ledger.head()
        ledger.append([draft()])
        assert ledger.verify(kept).fault is None
        spoil(ledger, "DELETE FROM entry")
        spoil(ledger, "UPDATE head SET seq = 0, hash = :hash", hash=Head().hash)
        ledger.append([draft(identity=str(number)) for number in range(3)])
        assert ledger.verify().fault is None
        fault = ledger.verify(kept).fault
    assert fault is not None and fault.seq == 3 and "not the one that was kept" in fault.reason


def test_a_clock_that_jumps_breaks_no_chain(ledger: Ledger) -> None:
    ledger.append([draft(day=day) for day in (0, 400, -9000, 1)])
    assert ledger.verify().fault is None
    assert [one.seq for one in ledger.entries()] == [1, 2, 3, 4]


def enter_many(url: str, writer: int, count: int) -> None:
    with opened(url) as ledger:
        for number in range(count):
            ledger.append([loss(writer * 1000 + number)])


def test_eight_threads_and_two_processes_make_one_chain(url: str) -> None:
    with opened(url):
        pass
    threads = [threading.Thread(target=enter_many, args=(url, writer, 10)) for writer in range(8)]
    spawn = multiprocessing.get_context("spawn")
    processes = [spawn.Process(target=enter_many, args=(url, 10 + writer, 10)) for writer in range(2)]
    for one in (*processes, *threads):
        one.start()
    for one in (*processes, *threads):
        one.join()
    assert [one.exitcode for one in processes] == [0, 0]
    with opened(url) as ledger:
        verdict = ledger.verify()
        numbers = [one.told()["entries"] for one in ledger.entries()]
    assert (verdict.entries, verdict.fault) == (100, None)
    assert len(set(numbers)) == 100
    for writer in (*range(8), 10, 11):
        mine = [number for number in numbers if number // 1000 == writer]
        assert mine == sorted(mine)


def test_a_writer_that_is_killed_leaves_a_chain_that_goes_on(url: str) -> None:
    with opened(url) as ledger:
        writer = multiprocessing.get_context("spawn").Process(target=enter_many, args=(url, 1, 100_000))
        writer.start()
        assert until(lambda: ledger.count() > 20)
        writer.kill()
        writer.join()
        assert writer.exitcode == -signal.SIGKILL
        before = ledger.head().seq
        ledger.append([draft()])
        verdict = ledger.verify()
    assert (verdict.entries, verdict.fault) == (before + 1, None)


# Erasure and retention


def held(url: str, ledger: Ledger) -> bytes:
    """All the bytes of a record of SQLite."""
    path = Path(url.removeprefix("sqlite:///"))
    return b"".join(one.read_bytes() for one in path.parent.iterdir())


def test_what_is_erased_is_gone_and_the_chain_stands(url: str) -> None:
    with opened(url) as ledger:
        ledger.append([draft(identity=str(number), policy=Policy(questions=True)) for number in range(3)])
        ledger.append([draft(BOB, "b")])
        ledger.append([draft()])
        assert ledger.erase("oidc:ada-7f3a", START) == 4
        assert ledger.erase("oidc:ada-7f3a", START) == 0
        assert ledger.entries(subject="oidc:ada-7f3a") == []
        verdict = ledger.verify()
        assert (verdict.entries, verdict.erased, verdict.fault) == (6, 4, None)
        assert ledger.erasures() == [(1, 3, "2026-11-23"), (5, 5, "2026-11-23")]
        assert [one.is_erased for one in ledger.entries()] == [True, True, True, False, True, False]
        assert ledger.entries()[0].told()["citations"][0]["pinpoint"] == "art_5"
        assert ledger.find_answer("b", "token:bob-11") is not None
        if url.startswith("sqlite"):
            assert b"Ravenna" not in held(url, ledger) and b"Lovelace" not in held(url, ledger)
            assert b"bob-11" in held(url, ledger)


def test_people_whom_different_means_call_alike_are_different_people(url: str) -> None:
    alike = [Person("anna", "Anna", Role.READER, one) for one in Means if one is not Means.NOBODY]
    with recording(url) as recorder:
        for one in alike:
            recorder.answered(one, Channel.CHAT, answer("same"), 1.0)
        recorder.answered(NOBODY, Channel.CHAT, answer("same"), 1.0)
        recorder.answered(alike[0], Channel.CHAT, answer("hers alone"), 1.0)
        with pytest.raises(UnknownAnswer):
            recorder.commented(alike[1], Channel.CHAT, "hers alone", FeedbackKind.RIGHT, None, "")
    with opened(url) as ledger:
        for one in alike:
            assert {entry.told()["personal"]["person"]["means"] for entry in ledger.entries(subject=one.subject)} == {
                one.means
            }
        assert ledger.erase("proxy:anna", START) == 1
        assert [ledger.count(), ledger.verify().erased] == [len(alike) + 3, 1]
        assert [len(ledger.entries(subject=one.subject)) for one in alike] == [
            {Means.PROXY: 0, alike[0].means: 2}.get(one.means, 1) for one in alike
        ]
        assert ledger.find_answer("same", None) is not None


def test_what_is_past_its_days_is_gone_and_the_chain_stands(url: str) -> None:
    with opened(url) as ledger:
        ledger.append([draft(identity=str(day), day=day, policy=Policy(questions=day < 5)) for day in range(10)])
        assert ledger.purge(START + timedelta(days=5), START + timedelta(days=10)) == 5
        verdict = ledger.verify()
        assert (verdict.entries, verdict.deleted, verdict.fault) == (6, 5, None)
        ledger.compact()
        if url.startswith("sqlite"):
            assert b"Ravenna" not in held(url, ledger)
        assert ledger.purge(START + timedelta(days=5), START + timedelta(days=10)) == 0
        assert ledger.purge(START + timedelta(days=8), START + timedelta(days=11)) == 3
        verdict = ledger.verify()
        assert (verdict.entries, verdict.deleted, verdict.fault) == (4, 8, None)
        ledger.append([draft()])
        spoil(ledger, "DELETE FROM entry WHERE seq = 9")
        assert str(ledger.verify().fault).startswith("entry 1: entries 1 to 9 are missing")


def test_nothing_of_what_is_deleted_is_left_by_pages_and_indexes_that_were_split(file_url: str) -> None:
    """Many entries of many persons, some erased and some deleted: no word of theirs is in any file."""
    people = [replace(ADA, id=f"person-{number:04d}", name=f"Name {number:04d}") for number in range(600)]
    with opened(file_url) as ledger:
        for day in range(6):
            some = people[day * 100 : (day + 1) * 100]
            ledger.append([draft(one, f"answer-{one.id}", day=day) for one in reversed(some)])
        for one in people[300::50]:
            ledger.erase(one.subject, START)
        assert ledger.purge(START + timedelta(days=3), START + timedelta(days=10)) == 300
        ledger.compact()
        kept = held(file_url, ledger)
        gone = [*people[:300], *people[300::50]]
        assert [one.id for one in gone if one.id.encode() in kept or one.name.encode() in kept] == []
        assert people[301].id.encode() in kept and ledger.verify().fault is None


@pytest.mark.parametrize("rewrite", [False, True])
def test_the_record_is_compacted_with_its_room_given_back_or_without(url: str, rewrite: bool) -> None:
    with opened(url) as ledger:
        ledger.append([draft(identity=str(number), day=number % 2 * 90) for number in range(400)])
        ledger.purge(START + timedelta(days=60), START + timedelta(days=61))
        ledger.compact()
        room = size_of(ledger)
        ledger.compact(rewrite=rewrite)
        assert (size_of(ledger) < room * 0.8) is rewrite
        ledger.append([draft()])
        assert ledger.verify().fault is None


def size_of(ledger: Ledger) -> int:
    """The bytes of the table, or of the whole file."""
    if isinstance(ledger.place, FilePlace):
        return ledger.place.path.stat().st_size
    with ledger._reading() as connection:
        return int(connection.exec_driver_sql("SELECT pg_table_size('entry')").scalar_one())


def test_a_deletion_holds_no_answer_up_while_somebody_reads_for_long(url: str) -> None:
    now = datetime.now(UTC)
    with opened(url) as ledger:
        ledger.append([replace(draft(identity="old"), at=now - timedelta(days=31)), replace(draft(), at=now)])
        with ledger.walk() as (_, _, entries):
            next(entries)
            with recording(url, Policy(days=30, strict=True)) as recorder:
                assert until(lambda: recorder._scrubbing is not None)
                begun = time.monotonic()
                for number in range(5):
                    recorder.answered(ADA, Channel.CHAT, answer(str(number)), 1.0)
                assert time.monotonic() - begun < 2
        assert (ledger.count(), ledger.verify().fault) == (7, None)


def test_a_rewriting_waits_only_so_long_for_its_turn(postgresql: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ledgers, "REWRITING_WITHIN", 200)
    with opened(postgresql) as ledger:
        ledger.append([draft(), draft()])
        with ledger.walk() as (_, _, entries):
            next(entries)
            with opened(postgresql) as other:
                with pytest.raises(RecordAway, match="is being read: what was to be deleted is"):
                    other.compact(rewrite=True)
                other.append([draft()])
        ledger.compact(rewrite=True)


def test_a_purge_long_after_leaves_no_entry_but_its_own(ledger: Ledger) -> None:
    ledger.append([draft(day=day) for day in range(4)])
    ledger.erase("oidc:ada-7f3a", START)
    for year in (1, 2, 3):
        ledger.purge(START + timedelta(days=400 * year), START + timedelta(days=500 * year))
        assert ledger.verify().fault is None
    assert [one.kind for one in ledger.entries()] == ["purge"]
    assert ledger.purge(START + timedelta(days=9000), START + timedelta(days=9001)) == 0


def test_entries_in_the_midst_go_too_where_the_clock_had_jumped(ledger: Ledger) -> None:
    ledger.append([draft(day=day) for day in (0, 900, 1, 2, 901)])
    assert ledger.purge(START + timedelta(days=100), START + timedelta(days=902)) == 3
    verdict = ledger.verify()
    assert ([one.seq for one in ledger.entries()], verdict.deleted, verdict.fault) == ([2, 5, 6], 3, None)


def test_an_erasure_stays_as_long_as_it_accounts_for_something(ledger: Ledger) -> None:
    ledger.append([draft(day=900)])
    ledger.erase("oidc:ada-7f3a", START)
    ledger.append([draft(day=0)])
    assert ledger.purge(START + timedelta(days=100), START + timedelta(days=902)) == 1
    assert [one.kind for one in ledger.entries()] == ["answer", "erasure", "purge"]
    assert ledger.verify().fault is None


def test_a_server_deletes_what_is_past_its_days_by_itself(url: str) -> None:
    with opened(url) as ledger:
        now = datetime.now(UTC)
        ledger.append([replace(draft(), at=now - timedelta(days=31)), replace(draft(), at=now)])
    with recording(url, Policy(days=30)) as recorder:
        assert until(lambda: recorder._ledger is not None and recorder._ledger.verify().deleted == 1)
    with opened(url) as ledger:
        assert ledger.verify().fault is None


def test_a_clock_that_cannot_be_trusted_deletes_nothing(file_url: str, caplog: pytest.LogCaptureFixture) -> None:
    with opened(file_url) as ledger:
        ledger.append([draft(day=-9000), draft(day=-9001)])
    with recording(file_url) as recorder:
        assert until(lambda: "every entry is past its days" in caplog.text)
        recorder._purge()
    with recording(file_url) as recorder:
        recorder._clocks = (time.time() - 99_999, time.monotonic())
        recorder._doubted = False
        recorder._purge()
        assert "the clock has jumped" in caplog.text
    with opened(file_url) as ledger:
        assert ledger.count() == 2


# When the database fails


def test_the_database_away_loses_nothing_and_keeps_nobody_waiting(
    postgresql_programs: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with running_postgresql(postgresql_programs) as server:
        url = server.create_database()
        with recording(url) as recorder:
            recorder.answered(ADA, Channel.CHAT, answer("before"), 1.0)
            assert until(lambda: recorder.waiting == 0)
            server.stop()
            slowest = 0.0
            for number in range(20):
                begun = time.perf_counter()
                recorder.answered(ADA, Channel.CHAT, answer(str(number)), 1.0)
                slowest = max(slowest, time.perf_counter() - begun)
                if number == 0:
                    assert until(lambda: recorder.is_away)
            recorder.commented(ADA, Channel.CHAT, "7", FeedbackKind.RIGHT, None, "")
            assert slowest < 1 and recorder.waiting == 21
            with pytest.raises(RecordAway):
                recorder.commented(ADA, Channel.CHAT, "of yesterday", FeedbackKind.RIGHT, None, "")
            server.start()
            assert until(lambda: recorder.waiting == 0)
        assert server.password not in caplog.text
        with opened(url) as ledger:
            assert [one.told()["personal"].get("answer") for one in ledger.entries()] == [
                "before",
                *map(str, range(20)),
                None,
            ]
            assert ledger.verify().fault is None


def test_strict_without_a_record_there_is_no_answer(postgresql_programs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recorders, "STRICT_SECONDS", 0.5)
    with running_postgresql(postgresql_programs) as server:
        url = server.create_database()
        with recording(url, Policy(strict=True)) as recorder:
            assert until(lambda: recorder._ledger is not None)
            assert list(recorder.following(iter([answer("0"), answer("0")]), ADA, Channel.CHAT)) == [answer("0")]
            server.stop()
            with pytest.raises(RecordAway, match="the answer cannot be shown"):
                list(recorder.following(iter([answer("1")]), ADA, Channel.CHAT))
            assert recorder.waiting == 0
            server.start()
            assert until(lambda: not recorder.is_away)
        with opened(url) as ledger:
            assert [one.told()["personal"]["answer"] for one in ledger.entries()] == ["0"]


def test_a_server_starts_without_its_database_only_where_it_need_not_be_strict(
    postgresql_programs: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with running_postgresql(postgresql_programs) as server:
        url = SecretStr(server.create_database())
        server.stop()
        with pytest.raises(RecordAway, match="cannot be reached or written"):
            open_recorder(ServeSettings(record_url=url, record_strict=True))
        recorder = open_recorder(ServeSettings(record_url=url))
        assert "Entries wait for it" in caplog.text
        recorder.answered(ADA, Channel.CHAT, answer(), 1.0)
        server.start()
        assert until(lambda: recorder.waiting == 0)
        recorder.close()
        with opened(url.get_secret_value()) as ledger:
            assert ledger.count() == 1


def test_what_no_longer_fits_in_memory_is_counted_in_the_record(file_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recorders, "A_MOMENT", 0.0)
    away = threading.Event()

    def opening() -> Ledger:
        if not away.is_set():
            raise RecordAway("not now.")
        return open_ledger(place(file_url))

    recorder = Recorder(opening, most=3)
    for number in range(8):
        recorder.answered(ADA, Channel.CHAT, answer(str(number)), 1.0)
    away.set()
    assert until(lambda: recorder.waiting == 0)
    recorder.close()
    with opened(file_url) as ledger:
        assert [one.kind for one in ledger.entries()] == ["answer"] * 3 + ["loss"]
        assert ledger.entries()[-1].told()["entries"] == 5


def test_what_was_lost_is_counted_once_however_often_it_is_tried(
    file_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recorders, "A_MOMENT", 0.0)
    away, append, tries = threading.Event(), Ledger.append, []

    def opening() -> Ledger:
        if not away.is_set():
            raise RecordAway("not now.")
        return open_ledger(place(file_url))

    def unheard(ledger: Ledger, drafts: Sequence[Draft], *, again: bool = False) -> list[Entry]:
        entered = append(ledger, drafts, again=again)
        tries.append(len(entered))
        if len(tries) == 1:
            recorder._lost += 2
            raise RecordAway("the connection went after the commit.")
        return entered

    monkeypatch.setattr(Ledger, "append", unheard)
    recorder = Recorder(opening, most=1)
    for number in range(4):
        recorder.answered(ADA, Channel.CHAT, answer(str(number)), 1.0)
    away.set()
    assert until(lambda: recorder.waiting == 0)
    recorder.answered(ADA, Channel.CHAT, answer("last"), 1.0)
    assert until(lambda: recorder.waiting == 0)
    recorder.close()
    with opened(file_url) as ledger:
        told = [one.told() for one in ledger.entries()]
    assert [one["entries"] for one in told if one["kind"] == "loss"] == [3, 2]
    assert len([one for one in told if one["kind"] == "answer"]) == 2


def test_a_bug_in_the_writing_is_said_aloud(file_url: str, caplog: pytest.LogCaptureFixture) -> None:
    def opening() -> Ledger:
        raise ZeroDivisionError

    recorder = Recorder(opening)
    assert until(lambda: "a bug has ended the writing" in caplog.text)
    assert recorder.is_away
    recorder.close()


def test_a_purge_that_was_changed_is_one_line(ledger: Ledger) -> None:
    ledger.append([draft(), draft(day=9)])
    assert ledger.purge(START + timedelta(days=5), START + timedelta(days=10)) == 1
    spoil(ledger, "UPDATE entry SET body = '{}' WHERE kind = 'purge'")
    with pytest.raises(RecordError, match="entry 3 of the record was changed"):
        ledger.purge(START + timedelta(days=10), START + timedelta(days=11))


def test_what_waits_at_the_end_is_said_to_be_lost(caplog: pytest.LogCaptureFixture) -> None:
    def opening() -> Ledger:
        raise RecordAway("not now.")

    recorder = Recorder(opening)
    recorder.answered(ADA, Channel.CHAT, answer(), 1.0)
    recorder.close()
    assert "1 entries could not be written before the end and are lost" in caplog.text


def test_an_entry_whose_commit_was_not_heard_of_is_not_entered_twice(ledger: Ledger) -> None:
    first, second = draft(identity="1"), draft(identity="2")
    ledger.append([first])
    assert [one.seq for one in ledger.append([first, second], again=True)] == [2]
    assert ledger.verify().entries == 2


@contextmanager
def no_file_beyond(size: int) -> Iterator[None]:
    """A disk that is full as soon as a file reaches a size."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handled = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handled)


def test_a_full_disk_in_mid_record_loses_nothing(file_url: str) -> None:
    with opened(file_url) as ledger, recording(file_url) as recorder:
        recorder.answered(ADA, Channel.CHAT, answer("0"), 1.0)
        path = Path(file_url.removeprefix("sqlite:///"))
        full = max(one.stat().st_size for one in path.parent.iterdir())
        with no_file_beyond(full):
            for number in range(1, 60):
                recorder.answered(ADA, Channel.CHAT, answer(str(number)), 1.0)
            assert until(lambda: recorder.is_away)
            assert recorder.waiting > 0
        assert until(lambda: recorder.waiting == 0)
        verdict = ledger.verify()
    assert (verdict.entries, verdict.fault) == (60, None)


@contextmanager
def as_nobody() -> Iterator[None]:
    """Without the rights of root, who may write everywhere."""
    if os.getuid() != 0:
        yield
        return
    os.seteuid(NOBODYS_ID)
    try:
        yield
    finally:
        os.seteuid(0)


def test_a_folder_that_cannot_be_written_is_said_in_a_line_and_read_all_the_same() -> None:
    with tempfile.TemporaryDirectory() as folder:  # its parents are open to everybody, unlike those of tmp_path
        where = place(f"sqlite:///{folder}/record.sqlite")
        with closing(open_ledger(where)) as ledger:
            ledger.append([draft()])
        Path(folder, "record.sqlite").chmod(0o444)
        Path(folder).chmod(0o555)
        with as_nobody():
            with pytest.raises(RecordAway, match="cannot be written: Permission denied; make its folder writable"):
                open_ledger(where)
            with closing(open_ledger(where, read_only=True)) as reading:
                assert reading.verify().entries == 1
        Path(folder).chmod(0o700)


# Versions of the tables


def test_an_older_record_is_brought_up_to_date_with_what_it_holds(url: str) -> None:
    with opened(url) as ledger:
        ledger.append([draft(identity=str(number)) for number in range(3)])
        head = ledger.head()
    engine = opened_engine(url)
    with engine.begin() as connection:
        connection.exec_driver_sql("DROP INDEX ix_entry_answer")
        connection.exec_driver_sql("ALTER TABLE entry DROP COLUMN answer")
        connection.exec_driver_sql("UPDATE entry SET subject = 'ada-7f3a'")
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '0001'")
    engine.dispose()
    with pytest.raises(RecordError, match="is of an older version"):
        open_ledger(place(url), read_only=True)
    with opened(url) as ledger:
        assert ledger.verify(head).fault is None
        found = ledger.find_answer("1", "oidc:ada-7f3a")
        assert found is not None and found.seq == 2


def opened_engine(url: str):  # type: ignore[no-untyped-def]  # noqa: ANN201 - the engine is the door's own
    with opened(url) as ledger:
        return ledger._engine


def test_a_newer_record_is_left_alone(url: str) -> None:
    with opened(url) as ledger:
        spoil(ledger, "UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(RecordError, match="was made by a newer version of visavis"):
        open_ledger(place(url))


def test_the_first_revision_has_tables_of_its_own(tmp_path: Path) -> None:
    engine = ledgers._connect_file(tmp_path / "old.sqlite", read_only=False)
    with engine.begin() as connection:
        migrate(connection, "0001")
        assert ledgers.find_revision(connection) == "0001" < newest_revision()
    engine.dispose()


# Settings


@pytest.mark.parametrize(
    ("url", "place"),
    [
        ("postgresql://u@db.example/law", ServerPlace("db.example", 5432, "law", "u")),
        ("postgresql+pg8000://u:p%40@db:99/law?sslmode=disable", ServerPlace("db", 99, "law", "u", "p@", Tls.NONE)),
        (
            "postgresql://u@db/law?sslrootcert=/ca.pem",
            ServerPlace("db", 5432, "law", "u", "", Tls.VERIFIED, Path("/ca.pem")),
        ),
        ("sqlite:////srv/record.sqlite", FilePlace(Path("/srv/record.sqlite"))),
    ],
)
def test_a_place_is_read(url: str, place: object) -> None:
    assert place_of(ServeSettings(record_url=SecretStr(url))) == place


@pytest.mark.parametrize(
    ("url", "line"),
    [
        ("mysql://u:geheim@db/law", "does not name a user, a host and a database"),
        ("postgresql://db/law", "does not name a user"),
        ("postgresql://u:geheim@db:x/law", "is no address"),
        ("postgresql://u:geheim@db/law?sslmode=maybe", "sslmode 'maybe'; allowed: prefer, disable, verify-full"),
        ("postgresql://u:geheim@db/law?password=geheim", "has the parameter 'password'"),
        ("sqlite:///:memory:", "names no file"),
    ],
)
def test_a_place_that_is_none_is_one_line_without_the_password(url: str, line: str) -> None:
    with pytest.raises(RecordError) as caught:
        place_of(ServeSettings(record_url=SecretStr(url)))
    assert line in str(caught.value) and "geheim" not in str(caught.value)


def test_a_password_comes_from_a_file_and_is_printed_nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    secret = tmp_path / "password"
    secret.write_text("geheim\n")
    monkeypatch.setenv("VISAVIS_RECORD_URL", "postgresql://u:falsch@db/law")
    monkeypatch.setenv("VISAVIS_RECORD_PASSWORD_FILE", str(secret))
    with pytest.raises(SettingsError, match="chmod 600"):
        place_of(load_serve_settings())
    secret.chmod(0o600)
    settings = load_serve_settings()
    place = place_of(settings)
    assert isinstance(place, ServerPlace) and place.password == "geheim"
    assert "geheim" not in f"{place} {place!r}" and "falsch" not in f"{settings!r} {settings}"


def test_a_wrong_password_is_one_line_without_it(postgresql: str) -> None:
    wrong = ServeSettings(record_url=SecretStr(postgresql.replace("visavis:", "visavis:geheim")))
    with pytest.raises(RecordError, match="password authentication failed") as caught:
        open_ledger(place_of(wrong))
    assert "geheim" not in str(caught.value)


@pytest.mark.parametrize(("name", "value"), [("DAYS", "0"), ("STRICT", "perhaps"), ("PLACE", "x")])
def test_a_setting_that_is_none_is_refused(name: str, value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(f"VISAVIS_RECORD_{name}", value)
    with pytest.raises(SettingsError, match=f"VISAVIS_RECORD_{name}"):
        load_serve_settings()


def test_the_database_s_host_is_one_that_may_be_reached() -> None:
    url = SecretStr("postgresql://u@db.example/law")
    assert [host.name for host in _named(ServeSettings(record_url=url))] == ["db.example"]
    assert list(_named(ServeSettings(record_url=url, record=False))) == []
    assert list(_named(ServeSettings())) == []


def test_the_record_is_for_its_owner_alone(home: Path) -> None:
    place = place_of(load_serve_settings())
    assert isinstance(place, FilePlace) and place.path.is_relative_to(home)
    with closing(open_ledger(place)):
        assert place.path.stat().st_mode & 0o077 == 0
