"""The commands of the law as a person types them: what is printed, the JSON, the exit codes."""

import json
import os
import pty
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import visavis
from tests.small_corpus import ACT, ARTICLES, GUIDE, SmallCorpus, command, environment, make_act, run_visavis

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    """Run a command in this process: its exit code, what it printed, and its complaints."""

    def start(*arguments: object) -> tuple[int, str, str]:
        try:
            code = visavis.main([*map(str, arguments)])
        except SystemExit as leaving:
            code = int(leaving.code or 0)
        printed = capsys.readouterr()
        return code, printed.out, printed.err

    return start


@pytest.fixture
def official(run: Run, built_index: Path, corpus_dir: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.setenv("VISAVIS_INDEX", str(built_index))
    monkeypatch.setenv("VISAVIS_CORPUS", str(corpus_dir))
    return run


def record(ran: tuple[int, str, str]) -> Any:  # noqa: ANN401
    code, printed, complaints = ran
    assert code == 0, complaints
    return json.loads(printed)


class TestList:
    def test_the_instruments_and_their_status(self, official: Run) -> None:
        code, printed, _ = official("law", "list")
        assert code == 0
        lines = {line.split("│")[1].strip(): line for line in printed.splitlines() if "│" in line}
        assert "coe-ai-convention@2024-09-05:en" in lines["coe-ai-convention"]
        assert "not in force, 1 consent(s) to be bound, as seen on 2026-09-24" in lines["coe-ai-convention"]
        assert "eu-ai-act@2026-07-27:en" in lines["eu-ai-act"] and "law" in lines["eu-ai-act"]
        assert "commentary" in lines["law-society-gazette-2024"]

    def test_on_an_earlier_day_in_json(self, official: Run) -> None:
        rows = {row["instrument"]: row for row in record(official("law", "list", "--as-of", "2025-01-01", "--json"))}
        assert rows["eu-ai-act"]["expression"] == "eu-ai-act@2024-07-12:en"
        assert rows["eu-ai-act"]["units"] == 180 + 113 + 13 + 7
        assert rows["eu-2026-1744"]["expression"] is None
        assert rows["eu-2026-1744"]["status"] == "no text on 2025-01-01"

    def test_a_status_that_is_old_is_said_to_be(self, official: Run, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("VISAVIS_TODAY", "2027-03-01")
        [convention, *_] = record(official("law", "list", "--json"))
        assert "the status table is older than 90 days" in convention["status"]


class TestShow:
    def test_a_point_as_it_stands(self, official: Run) -> None:
        code, printed, _ = official("law", "show", "eu-ai-act", "art_5/1/ba")
        assert code == 0
        head, state, _, text, *_ = printed.splitlines()
        assert head == "Article 5(1)(ba) of the AI Act"
        assert state.startswith("eu-ai-act@2026-07-27:en, not yet applicable, applies from 2026-12-02, as changed by")
        assert text.startswith("(ba) ")
        assert printed.splitlines()[-1].endswith("CELEX:02024R1689-20260727#art_5")

    def test_in_json_on_an_earlier_day(self, official: Run) -> None:
        found = record(official("law", "show", "eu-ai-act", "art_5/1/f", "--as-of", "2025-01-01", "--json"))
        assert found.pop("text").startswith("(f) ") and "page" in found
        del found["page"]
        assert found == {
            "instrument": "eu-ai-act",
            "expression": "eu-ai-act@2024-07-12:en",
            "pinpoint": "art_5/1/f",
            "kind": "point",
            "label": "Article 5(1)(f) of the AI Act",
            "heading": "",
            "authority": "law",
            "force": "not_yet_applicable",
            "applies_from": "2025-02-02",
            "changed_by": None,
            "corrected_by": [],
            "url": "https://eur-lex.europa.eu/legal-content/EN/TXT/?uri=CELEX:32024R1689#005.001",
        }

    @pytest.mark.parametrize(
        ("place", "day"),
        [("art_5/1/ba", "2026-07-26"), ("art_4a", "2025-01-01"), ("art_1", "2024-07-11"), ("art_999", "2026-11-23")],
    )
    def test_a_day_that_has_none_is_exit_code_1(self, official: Run, place: str, day: str) -> None:
        code, printed, complaints = official("law", "show", "eu-ai-act", place, "--as-of", day)
        assert (code, printed) == (1, "")
        assert complaints.startswith("eu-ai-act has no Article ") and f"({place}) on {day}." in complaints

    @pytest.mark.parametrize(
        ("arguments", "said"),
        [
            (("no-such-act", "art_1"), "instrument 'no-such-act' is not in the corpus; it has coe-ai-convention"),
            (("eu-ai-act", "Article 5"), "cannot be read"),
            (("eu-ai-act", "art_5", "--as-of", "soon"), "--as-of 'soon' is no date; write it as YYYY-MM-DD"),
            (("eu-ai-act",), "Missing argument 'PINPOINT'"),
        ],
    )
    def test_what_cannot_be_understood_is_exit_code_2(
        self, official: Run, arguments: tuple[str, ...], said: str
    ) -> None:
        code, printed, complaints = official("law", "show", *arguments)
        assert (code, printed) == (2, "") and said in complaints and complaints.count("\n") == 1


class TestDiffAndCompare:
    def test_the_words_struck_and_inserted(self, official: Run) -> None:
        code, printed, _ = official("law", "diff", "eu-ai-act", "art_4")
        assert code == 0
        head, _, text = printed.split("\n", 2)
        assert head == "Article 4: eu-ai-act@2024-07-12:en → eu-ai-act@2026-07-27:en"
        assert "[-" in text and "{+" in text and "\x1b" not in text

    def test_kept_and_struck_is_the_old_text_kept_and_inserted_the_new(self, official: Run) -> None:
        segments = record(official("law", "diff", "eu-ai-act", "art_113", "--json"))
        for day, changes in (("2025-01-01", {"kept", "deleted"}), ("2026-11-23", {"kept", "inserted"})):
            whole = record(official("law", "show", "eu-ai-act", "art_113", "--as-of", day, "--json"))["text"]
            assert "".join(one["text"] for one in segments if one["change"] in changes) == whole

    def test_what_was_inserted_and_what_is_nowhere(self, official: Run) -> None:
        assert {one["change"] for one in record(official("law", "diff", "eu-ai-act", "art_4a", "--json"))} == {
            "inserted"
        }
        code, printed, complaints = official("law", "diff", "eu-ai-act", "art_999")
        assert (code, printed) == (1, "") and "has no Article 999" in complaints

    def test_two_definitions_beside_each_other(self, official: Run) -> None:
        code, printed, _ = official("law", "compare", "coe-ai-convention:art_2", "eu-ai-act:art_3/1")
        assert code == 0
        assert "Article 2 of the Convention" in printed and "[-For the purposes of this" in printed
        found = record(official("law", "compare", "coe-ai-convention:art_2", "eu-ai-act:art_3/1", "--json"))
        assert {one["change"] for one in found["redline"]} == {"kept", "deleted", "inserted"}

    @pytest.mark.parametrize(
        ("side", "said"),
        [
            ("eu-ai-act:art_999", "eu-ai-act has no art_999 on 2026-11-23; `visavis law list` shows what there is."),
            ("eu-ai-act", "cannot be read"),
            ("gnomes:art_1", "instrument 'gnomes' is not in the corpus"),
        ],
    )
    def test_a_side_that_is_not_there(self, official: Run, side: str, said: str) -> None:
        code, printed, complaints = official("law", "compare", "coe-ai-convention:art_2", side)
        assert (code, printed) == (2, "") and said in complaints


class TestDoctor:
    def test_all_that_is_well_and_all_that_is_missing(self, official: Run, embedding: None) -> None:
        checks = record(official("doctor", "--json"))
        by_name: dict[str, list[dict[str, str]]] = {}
        for check in checks:
            by_name.setdefault(check["name"], []).append(check)
        assert {check["state"] for check in by_name["text"]} == {"well", "missing"}
        assert any("Explanatory Report" in one["text"] and "save it as" in one["text"] for one in by_name["text"])
        assert [(one["state"], "passages" in one["text"]) for one in by_name["index"]] == [("well", True)]
        assert [one["state"] for one in (*by_name["embedding"], *by_name["status"])] == ["well", "well"]

    def test_without_an_index(self, run: Run, small_corpus: SmallCorpus, embedding: None) -> None:
        code, printed, _ = run("doctor", "--corpus", small_corpus.folder)
        assert code == 0 and "missing  index: none in " in printed and "run `visavis ingest`" in printed

    def test_a_broken_index_is_exit_code_1(
        self, run: Run, small_corpus: SmallCorpus, home: Path, embedding: None
    ) -> None:
        assert run("ingest", "--corpus", small_corpus.folder)[0] == 0
        next((home / "index").glob("*/corpus.json")).write_text("{")
        code, printed, _ = run("doctor", "--corpus", small_corpus.folder)
        assert code == 1 and "broken   index: the index in " in printed and "--rebuild" in printed
        code, printed, complaints = run("law", "list", "--corpus", small_corpus.folder)
        assert (code, printed) == (2, "") and "is damaged" in complaints
        assert run("ingest", "--rebuild", "--corpus", small_corpus.folder)[0] == 0
        assert run("law", "list", "--corpus", small_corpus.folder)[0] == 0

    def test_a_changed_text_is_broken(self, run: Run, small_corpus: SmallCorpus, embedding: None) -> None:
        small_corpus.pinned = True
        small_corpus.write().spoil(ACT, b"<html>")
        code, printed, _ = run("doctor", "--corpus", small_corpus.folder)
        assert code == 1 and "broken   text: the Garden act (garden-act) has changed" in printed

    def test_no_corpus_folder(self, run: Run, tmp_path: Path) -> None:
        code, _, complaints = run("doctor", "--corpus", tmp_path / "nowhere")
        assert code == 2 and "does not exist" in complaints


@pytest.mark.usefixtures("embedding")
class TestIngest:
    def test_built_then_unchanged(self, run: Run, small_corpus: SmallCorpus) -> None:
        code, printed, progress = run("ingest", "--corpus", small_corpus.folder)
        assert code == 0 and printed.startswith("Index ") and printed.endswith(": built.\n")
        assert progress.splitlines() == [
            "reading: 4 of 4",
            "cutting: 4 of 4",
            "embedding: 18 of 18",
            "indexing: 3 of 3",
        ]
        (small_corpus.folder / GUIDE).unlink()
        code, printed, _ = run("ingest", "--corpus", small_corpus.folder)
        assert code == 0 and printed.splitlines()[1].startswith("- the Garden guide (garden-guide) is missing: ")
        again = record(run("ingest", "--corpus", small_corpus.folder, "--json"))
        assert again["change"] == "unchanged" and len(again["corpus"]) == 16 and len(again["missing"]) == 1

    def test_a_broken_text_is_exit_code_2(self, run: Run, small_corpus: SmallCorpus) -> None:
        small_corpus.change(ACT, make_act({"1": ARTICLES["1"]}))
        code, printed, complaints = run("ingest", "--corpus", small_corpus.folder, "--json")
        assert code == 2 and json.loads(printed)["broken"] == json.loads(printed)["missing"] != []
        assert "found 1 articles instead of 4" in complaints.splitlines()[-1]
        code, printed, complaints = run("ingest", "--corpus", small_corpus.folder)
        assert code == 2 and printed.count("\n") == 1 and "found 1 articles instead of 4" in complaints

    def test_offline_looks_nowhere_else(self, run: Run, small_corpus: SmallCorpus) -> None:
        assert run("ingest", "--offline", "--corpus", small_corpus.folder)[0] == 0

    def test_bars_on_a_terminal(self, small_corpus: SmallCorpus) -> None:
        ours, theirs = pty.openpty()
        with subprocess.Popen(
            command("ingest", "--corpus", small_corpus.folder),
            env=environment(TERM="xterm", COLUMNS="100"),
            stdout=subprocess.DEVNULL,
            stderr=theirs,
        ) as process:
            os.close(theirs)
            shown = b""
            while chunk := read_terminal(ours):
                shown += chunk
        os.close(ours)
        assert process.returncode == 0 and b"embedding" in shown and b"18/18" in shown


def read_terminal(handle: int) -> bytes:
    try:
        return os.read(handle, 4096)
    except OSError:  # the other end is closed
        return b""


@pytest.mark.usefixtures("embedding")
class TestInterrupted:
    def test_ctrl_c_in_mid_ingest(self, small_corpus: SmallCorpus, home: Path) -> None:
        folder = small_corpus.folder
        assert run_visavis("ingest", "--corpus", folder).code == 0
        before = run_visavis("law", "show", "garden-act", "art_3", "--corpus", folder).out
        small_corpus.change(ACT, make_act(ARTICLES | {"3": ("Hedges", "A hedge may be planted anywhere.")}))
        with subprocess.Popen(
            command("ingest", "--corpus", folder),
            env=environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        ) as process:
            assert process.stderr is not None
            while not (home / "index" / ".lock").exists():
                time.sleep(0.01)
            time.sleep(0.5)
            os.killpg(process.pid, signal.SIGINT)
            printed, complaints = process.communicate(timeout=30)
        assert process.returncode == 130, complaints
        assert printed == ""
        lines = [line for line in complaints.splitlines() if line and " of " not in line]
        assert lines == ["visavis: interrupted; the last good index is as it was."]
        assert (
            run_visavis("law", "show", "garden-act", "art_3", "--corpus", folder, VISAVIS_TODAY="2026-11-23").out
            == before
        )
        assert [path.name for path in (home / "index").iterdir() if path.name.startswith(".building")] == []
