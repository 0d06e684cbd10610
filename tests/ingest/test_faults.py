"""What goes wrong with the disk while an index is built or served: nothing is lost, and nothing wrong is shown."""

import os
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from assistant import desk as desks
from assistant.desk import Desk
from assistant.question import Question
from ingest import index
from ingest.errors import StoreError
from ingest.pipeline import Change, Options, Outcome, ingest_corpus, open_store
from tests.ingest.test_index import DAMAGE
from tests.small_corpus import ACT, ARTICLES, SmallCorpus, command, environment, make_act, run_visavis

pytestmark = [pytest.mark.usefixtures("embedding"), pytest.mark.timeout(400)]

QUESTION = Question("How do the Convention and the AI Act define an AI system?")
HEDGES = "garden-act@2020-01-01:en"


def ingest(corpus: SmallCorpus, **options: bool) -> Outcome:
    return ingest_corpus(Options(corpus.folder, **options), lambda *_: None)


def change(corpus: SmallCorpus, text: str = "A hedge may be planted anywhere.") -> None:
    corpus.change(ACT, make_act(ARTICLES | {"3": ("Hedges", text)}))


def folders() -> list[str]:
    return sorted(path.name for path in index.index_root().iterdir() if path.is_dir())


@pytest.fixture
def tiny_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of its own, of two megabytes."""
    if os.getuid() != 0:
        pytest.skip("only root mounts a disk.")
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(folder)], check=False)
    if mounted.returncode:
        pytest.skip("no disk can be mounted here.")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


@pytest.fixture
def looking(monkeypatch: pytest.MonkeyPatch) -> None:
    """A desk that looks at each question for another index."""
    monkeypatch.setattr(desks, "LOOK_EVERY", 0.0)
    monkeypatch.setattr(desks, "TRY_AGAIN", 0.0)


def found(desk: Desk) -> tuple[str, str]:
    """The article on hedges as it is found by words and by meaning."""
    store, vector = desk.assistant().store, desk.assistant().embedder.embed_query("prohibited hedges")
    shelf = store.shelves[HEDGES]
    [(by_words, _), *_] = shelf.search_words("prohibited hedge", 1, shelf.instruments)
    [(by_meaning, _), *_] = shelf.search_meaning(vector, 1, shelf.instruments)
    return shelf.passages[by_words].text, shelf.passages[by_meaning].text


def served(desk: Desk, corpus_id: str) -> bool:
    """Whether a corpus is served within some seconds."""
    deadline = time.monotonic() + 20
    while desk.assistant().corpus.id != corpus_id and time.monotonic() < deadline:
        time.sleep(0.05)
    return desk.assistant().corpus.id == corpus_id


class TestTheDisk:
    def test_full_in_mid_ingest_what_served_serves_on_and_nothing_half_is_left(
        self, small_corpus: SmallCorpus, tiny_disk: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("VISAVIS_INDEX", str(tiny_disk))
        first = ingest(small_corpus)
        free = shutil.disk_usage(tiny_disk).free
        (tiny_disk / "ballast").write_bytes(b"\0" * max(free - 150_000, 0))
        change(small_corpus)
        ran = run_visavis("ingest", "--corpus", small_corpus.folder)
        assert (ran.code, "No space left on device" in ran.complaint or "full" in ran.complaint) == (2, True), ran.err
        assert folders() == [first.folder.name]
        store = open_store(small_corpus.folder, build=False)
        assert store.corpus.id == first.corpus_id
        store.close()
        (tiny_disk / "ballast").unlink()
        assert ingest(small_corpus).change is Change.BUILT

    def test_that_cannot_be_written_is_served_from_and_an_ingest_into_it_is_one_line(
        self, small_corpus: SmallCorpus, tiny_disk: Path, monkeypatch: pytest.MonkeyPatch, looking: None
    ) -> None:
        monkeypatch.setenv("VISAVIS_INDEX", str(tiny_disk))
        ingest(small_corpus)
        subprocess.run(["mount", "-o", "remount,ro", str(tiny_disk)], check=True)
        desk = Desk(small_corpus.folder, build=False)
        assert all("more than three metres" in text for text in found(desk))
        desk.close()
        ran = run_visavis("ingest", "--corpus", small_corpus.folder)
        assert ran.code == 2 and "cannot be written (Read-only file system)" in ran.complaint
        told = run_visavis("ask", QUESTION.text, "--json", "--corpus", small_corpus.folder)
        assert "visavis.answer/1" in told.out, told.err


class TestADamagedIndex:
    @pytest.mark.parametrize("damage", ["the database is cut", "the vectors are cut", "the texts are gone"])
    def test_a_new_one_that_is_damaged_is_passed_over_and_the_one_before_serves_on(
        self, small_corpus: SmallCorpus, looking: None, damage: str, caplog: pytest.LogCaptureFixture
    ) -> None:
        first = ingest(small_corpus)
        desk = Desk(small_corpus.folder)
        change(small_corpus)
        second = ingest(small_corpus)
        DAMAGE[damage](second.folder)
        before = found(desk)
        deadline = time.monotonic() + 20
        while "the one before it serves on" not in caplog.text and time.monotonic() < deadline:
            desk.assistant()
            time.sleep(0.05)
        assert "visavis ingest --rebuild" in caplog.text
        assert desk.assistant().ask(QUESTION).corpus_id == first.corpus_id and found(desk) == before
        ingest(small_corpus, rebuild=True)
        assert served(desk, second.corpus_id)
        desk.close()

    def test_a_server_that_starts_on_one_says_what_to_do(self, small_corpus: SmallCorpus) -> None:
        outcome = ingest(small_corpus)
        DAMAGE["the database is overwritten"](outcome.folder)
        ran = run_visavis("serve", "--port", 0, "--corpus", small_corpus.folder)
        assert ran.code == 2 and "is damaged" in ran.complaint and "visavis ingest --rebuild" in ran.complaint

    def test_a_half_written_one_is_none_and_goes_with_the_next_ingest(self, small_corpus: SmallCorpus) -> None:
        outcome = ingest(small_corpus)
        half = index.index_root() / "0123456789abcdef"
        shutil.copytree(outcome.folder, half)
        (half / index.LABEL).unlink()
        assert not index.is_whole(half)
        assert index.find_whole(index.index_root(), half.name) is None
        with pytest.raises(StoreError):
            index.Store.open(half)
        ingest(small_corpus)
        assert folders() == [outcome.folder.name]


class TestTheProcess:
    def test_killed_in_mid_ingest_what_served_serves_on_and_the_next_clears_up(self, small_corpus: SmallCorpus) -> None:
        first = ingest(small_corpus)
        change(small_corpus)
        with subprocess.Popen(
            command("ingest", "--rebuild", "--corpus", small_corpus.folder),
            env=environment(PYTHONWARNINGS=""),
            stderr=subprocess.DEVNULL,
        ) as running:
            deadline = time.monotonic() + 60
            while not any(name.startswith(".building-") for name in folders()):
                assert time.monotonic() < deadline and running.poll() is None
                time.sleep(0.005)
            running.send_signal(signal.SIGKILL)
        store = open_store(small_corpus.folder, build=False)
        assert store.corpus.id == first.corpus_id
        store.close()
        second = ingest(small_corpus)
        assert second.change is Change.BUILT and folders() == [second.folder.name]

    def test_two_ingests_at_once_come_one_after_the_other(self, small_corpus: SmallCorpus) -> None:
        ingest(small_corpus)
        change(small_corpus)
        results: list[tuple[int, str, str]] = []

        def run() -> None:
            ran = run_visavis("ingest", "--corpus", small_corpus.folder)
            results.append((ran.code, ran.out, ran.err))

        threads = [threading.Thread(target=run) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert [code for code, _, _ in results] == [0, 0], results
        changes = sorted(out.split()[-1] for _, out, _ in results)
        assert changes in (["built.", "unchanged."], ["built.", "switched."])
        assert len(folders()) == 1
        open_store(small_corpus.folder, build=False).close()
