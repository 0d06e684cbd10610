"""`visavis audit`: the record verified, live and from a file, listed, exported, erased from, purged."""

import json
import random
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from eval.from_feedback import draft_cases
from tests.ui.records import ADA, BOB, START, answer, draft, opened, place, spoil
from ui.record.entry import Channel, FeedbackKind
from ui.record.errors import RecordError
from ui.record.exporting import verify_export, write_export
from ui.record.ledger import open_ledger
from ui.record.policy import Policy
from ui.record.recorder import Recorder
from visavis import main


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The address of a record with six answers, two remarks and a purge behind it."""
    address = f"sqlite:///{tmp_path}/kept/record.sqlite"
    if request.param == "postgresql":
        address = request.getfixturevalue("postgresql")
    monkeypatch.setenv("VISAVIS_RECORD_URL", address)
    fill(address)
    return address


@pytest.fixture
def file_url(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    address = f"sqlite:///{tmp_path}/kept/record.sqlite"
    monkeypatch.setenv("VISAVIS_RECORD_URL", address)
    fill(address)
    return address


def fill(url: str) -> None:
    with opened(url) as ledger:
        ledger.append([draft(BOB if day % 2 else ADA, f"of {day}", day=day) for day in range(6)])
        ledger.purge(START + timedelta(days=2), START + timedelta(days=6))
    recorder = Recorder(lambda: open_ledger(place(url)), Policy(questions=True, days=36_000))
    recorder.answered(ADA, Channel.CHAT, answer("words"), 1.0)
    recorder.commented(ADA, Channel.CHAT, "words", FeedbackKind.WRONG_CITATION, 6, "Zitat falsch.")
    recorder.close()
    recorder = Recorder(lambda: open_ledger(place(url)), Policy(days=36_000))
    recorder.answered(BOB, Channel.CHAT, answer("none"), 1.0)
    recorder.commented(BOB, Channel.API, "none", FeedbackKind.MISSING, None, "")
    recorder.close()


def run(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str, str]:
    code = main(["audit", *map(str, arguments)])
    out, err = capsys.readouterr()
    return code, out, err


def test_a_record_that_stands_is_verified(url: str, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, "verify")
    assert (code, out[:32]) == (0, "The record stands: 9 entries, 0 ")
    assert "2 deleted when their days were over" in out
    code, out, _ = run(capsys, "verify", "--json")
    verdict = json.loads(out)
    assert (verdict["verified"], verdict["deleted"], verdict["fault"]) == (True, 2, None)
    assert run(capsys, "verify", "--kept", verdict["head"])[0] == 0
    code, _, err = run(capsys, "verify", "--kept", verdict["head"][:-1] + "-")
    assert code == 1 and "entry 11: it is not the one that was kept" in err.lower()
    assert run(capsys, "verify", "--kept", "x")[0] == 2


def test_a_record_that_does_not_stand_exits_with_1_and_names_the_entry(
    url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with opened(url) as ledger:
        spoil(ledger, "UPDATE entry SET body = replace(body, 'chat', 'mcp') WHERE seq = 5")
    code, out, err = run(capsys, "verify")
    assert (code, out) == (1, "")
    assert err == "The record does not stand. Entry 5: its content is not what its hash was made of.\n"
    assert json.loads(run(capsys, "verify", "--json")[1])["fault"]["entry"] == 5


def test_an_export_is_verified_where_no_database_is(
    url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    whole, part = tmp_path / "whole.jsonl", tmp_path / "part.jsonl"
    assert run(capsys, "export", "-o", whole)[:2] == (0, f"9 entries are in {whole}.\n")
    assert run(capsys, "export", "--since", "2026-11-26", "-o", part)[:2] == (0, f"8 entries are in {part}.\n")
    assert whole.stat().st_mode & 0o077 == 0
    monkeypatch.setenv("VISAVIS_RECORD_URL", "postgresql://nobody@127.0.0.1:1/nothing")
    for file in (whole, part):
        code, out, err = run(capsys, "verify", "--file", file)
        assert (code, err) == (0, "") and out.startswith("The record stands")
    assert [path.name for path in tmp_path.glob(".*")] == []


def test_no_byte_of_an_export_can_be_spoilt_unseen(file_url: str, tmp_path: Path) -> None:
    path = tmp_path / "export.jsonl"
    with opened(file_url) as ledger:
        write_export(ledger, path)
    whole = path.read_bytes()
    places = random.Random(7)
    for _ in range(300):
        at = places.randrange(len(whole))
        path.write_bytes(whole[:at] + bytes([whole[at] ^ (1 << places.randrange(7))]) + whole[at + 1 :])
        try:
            assert verify_export(path).fault is not None, at
        except RecordError as error:  # the first line is no longer that of an export
            assert "is no export of the record" in str(error)
    for lines in (whole.splitlines(keepends=True)[:-1], whole.splitlines(keepends=True)[:4]):
        path.write_bytes(b"".join(lines))
        assert "half written" in str(verify_export(path).fault)
    path.write_bytes(whole[:-30])
    assert verify_export(path).fault is not None
    path.write_bytes(whole + b"{}\n")
    assert "goes on after its last line" in str(verify_export(path).fault)


def test_the_spoilt_entry_of_an_export_is_named(
    file_url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "export.jsonl"
    run(capsys, "export", "-o", path)
    lines = path.read_text().splitlines(keepends=True)
    lines[3] = lines[3].replace("art_5", "art_4")
    path.write_text("".join(lines))
    code, _, err = run(capsys, "verify", "--file", path)
    assert (code, err) == (1, "The record does not stand. Entry 5: its content is not what its hash was made of.\n")


def test_a_half_written_export_is_never_found(
    file_url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from tests.ui.test_record import no_file_beyond

    path = tmp_path / "export.jsonl"
    path.write_text("the one before\n")
    with opened(file_url) as ledger:
        ledger.append([draft(identity=str(number)) for number in range(60)])
    with no_file_beyond(40_000):
        code, _, err = run(capsys, "export", "-o", path)
    assert code == 2 and "cannot be written: File too large; what was there is as it was" in err
    assert path.read_text() == "the one before\n"
    assert [one.name for one in tmp_path.glob(".*")] == []
    assert run(capsys, "export", "-o", tmp_path / "no" / "where")[0] == 2


def test_feedback_is_exported_without_who_gave_it_and_drafts_are_made_of_it(
    url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "feedback.jsonl"
    assert run(capsys, "export", "--feedback", "-o", path)[1] == f"2 entries are in {path}.\n"
    text = path.read_text()
    assert "Ada" not in text and "bob-11" not in text
    drafted = draft_cases(path)
    assert drafted.without_words == 1
    first, second = drafted.drafts
    assert first["question"].startswith("Is the wizened gardener") and first["gold"] == {"eu-ai-act": ["art_5"]}
    assert second["draft"]["to_do"][0] == "write the question: its words were not kept"
    assert run(capsys, "export", "--feedback", "--since", "2026-11-23", "--json", "-o", path)[0] == 0


def test_a_person_hears_what_is_held_and_has_it_erased(
    url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "theirs.json"
    assert run(capsys, "subject", "export", "oidc:ada-7f3a", "-o", path)[0] == 0
    theirs: list[dict[str, Any]] = json.loads(path.read_text())
    assert [one["kind"] for one in theirs] == ["answer", "answer", "answer", "feedback"]
    assert {one["personal"]["person"]["id"] for one in theirs} == {"ada-7f3a"}
    code, out, _ = run(capsys, "subject", "erase", "oidc:ada-7f3a", "--yes")
    assert (code, out) == (0, "4 entries of 'oidc:ada-7f3a' hold nothing personal any more.\n")
    assert json.loads(run(capsys, "subject", "export", "oidc:ada-7f3a")[1]) == []
    assert "4 of them erased" in run(capsys, "verify")[1]
    listed = run(capsys, "list")[1]
    assert f"erased on {datetime.now(UTC):%Y-%m-%d}" in listed and "Ada" not in listed and "Bob" in listed
    for said in (" ", "ada-7f3a", "oidc:", "nobody:x", "OIDC:ada-7f3a"):
        code, _, err = run(capsys, "subject", "erase", said, "--yes")
        assert code == 2 and "how they are known" in err and len(err.splitlines()) == 1


def test_entries_are_listed_the_newest_last(url: str, capsys: pytest.CaptureFixture[str]) -> None:
    listed = json.loads(run(capsys, "list", "--newest", "3", "--json")[1])
    assert [one["seq"] for one in listed] == [9, 10, 11]
    shown = run(capsys, "list")[1]
    for words in ("wrong_citation, citation 6", "missing", "2 citations, 1 ms", "entries before 2026-11-25 deleted"):
        assert words in shown


def test_info_says_where_it_is_and_what_it_holds(url: str, capsys: pytest.CaptureFixture[str]) -> None:
    told = json.loads(run(capsys, "info", "--json")[1])
    assert told["state"] == "kept" and told["entries"] == 9 and told["retention"] == "365 days"
    assert told["questions"] == "not kept" and told["head"].startswith("11:")
    password = url.partition("@")[0].rpartition(":")[2]
    if url.startswith("postgresql"):
        assert password not in json.dumps(told)


def test_info_says_that_nothing_is_recorded(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "there is no record at" in run(capsys, "info")[1]
    assert run(capsys, "verify")[0] == 2
    monkeypatch.setenv("VISAVIS_RECORD", "off")
    assert "off (VISAVIS_RECORD=off)" in run(capsys, "info")[1]


def test_what_is_past_its_days_is_purged_by_hand(url: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert json.loads(run(capsys, "purge", "--json")[1])["deleted"] == 0
    code, out, _ = run(capsys, "purge", "--days", "1")
    assert code == 0 and "older than 1 days are deleted" in out
    assert run(capsys, "verify")[0] == 0
