"""A large folder taken in: ended in the middle and taken up again, what fails listed, all found afterwards."""

import os
import re
import signal
import subprocess
import time
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from ingest import bulk
from ingest.bulk import Job, run_job
from ingest.bulk_page import Progress, render_page
from ingest.documents import Description
from ingest.errors import StoreError, StoreUnwritable, UsageError
from ingest.instrument import Authority
from ingest.journal import Journal, Seen, Taken, Tally, journal_path, open_collections
from ingest.pipeline import Change, Options, ingest_corpus, open_store
from tests.small_corpus import SmallCorpus, command, environment, run_visavis

pytestmark = [pytest.mark.usefixtures("embedding"), pytest.mark.timeout(400)]

PLANTS = ("rose", "tulip", "hedge", "fern", "moss", "oak", "elm", "ivy", "reed", "thyme")
READ = bulk.read_document
DESCRIPTION = Description("", Authority.COMMENTARY, "en")


def write_documents(folder: Path, number: int, first: int = 0) -> Path:
    """Tiny documents, no two alike, some of them in a folder below."""
    for n in range(first, first + number):
        place = folder / f"shelf{n % 7}" if n % 3 else folder
        place.mkdir(parents=True, exist_ok=True)
        plant = PLANTS[n % len(PLANTS)]
        (place / f"note {n}.md").write_text(f"# Note {n}\n\nThe {plant} of garden {n} is watered on day {n % 31}.\n")
    return folder


def take_in(folder: Path) -> Tally:
    return run_job(Job(folder, DESCRIPTION), lambda *_: None)


def counted(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The documents that are read from now on."""
    read: list[str] = []
    work = bulk.take_batch

    def take(folder: Path, description: Description, seconds: float, paths: list[str]) -> list[Taken]:
        read.extend(paths)
        return work(folder, description, seconds, paths)

    monkeypatch.setattr(bulk, "take_batch", take)
    return read


def test_a_folder_that_cannot_be_listed_is_not_taken_for_an_empty_one(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be listed: No such file or directory; nothing was changed"):
        list(bulk.find_files(tmp_path / "gone"))


class TestTheJob:
    def test_documents_are_taken_in_once_and_found_with_the_others(
        self, small_corpus: SmallCorpus, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        folder = write_documents(tmp_path / "notes", 30)
        (folder / "note 0 again.md").write_bytes((folder / "note 0.md").read_bytes())
        (folder / "broken.docx").write_bytes(b"no document")
        (folder / "empty.md").write_text("")
        (folder / ".hidden.md").write_text("hidden")
        (folder / "picture.jpg").write_bytes(b"no text")
        read = counted(monkeypatch)
        tally = take_in(folder)
        assert (tally.done, tally.double, tally.failed, tally.waiting) == (30, 1, 2, 0)
        assert len(read) == 33
        with closing(Journal.open(journal_path(folder))) as held:
            failed = held.failed()
        assert [path for path, _ in failed] == ["broken.docx", "empty.md"]
        assert all("\n" not in line and path in line for path, line in failed)
        embedded: list[str] = []
        outcome = ingest_corpus(Options(small_corpus.folder), lambda stage, *_: embedded.append(stage))
        assert outcome.change is Change.BUILT
        store = open_store(small_corpus.folder, build=False)
        shelf = store.shelves["commentary:en"]
        [(found, _), *_] = shelf.search_words("fern garden 13", 3, shelf.instruments)
        assert shelf.passages[found].text == "The fern of garden 13 is watered on day 13."
        assert str(shelf.passages[found].expression).startswith("own-note-13-")
        store.close()
        assert ingest_corpus(Options(small_corpus.folder), lambda *_: None).change is Change.UNCHANGED
        read.clear()
        (folder / "note 0 again.md").write_text("# Note 0\n\nThe lily is new.\n")
        (folder / "note 3.md").unlink()
        tally = take_in(folder)
        assert sorted(read) == ["broken.docx", "empty.md", "note 0 again.md", "note 0.md"]
        assert (tally.done, tally.double, tally.failed) == (30, 0, 2)

    def test_its_vectors_are_those_that_an_ingest_would_make(self, small_corpus: SmallCorpus, tmp_path: Path) -> None:
        take_in(write_documents(tmp_path / "notes", 5))
        ingest_corpus(Options(small_corpus.folder), lambda *_: None)
        store = open_store(small_corpus.folder, build=False)
        shelf = store.shelves["commentary:en"]
        number = next(n for n, one in enumerate(shelf.passages) if one.text.startswith("The rose of garden 0"))
        from ingest.embedding import open_embedder

        vector = open_embedder().embed_query(shelf.passages[number].searchable)
        [(nearest, cosine), *_] = shelf.search_meaning(vector, 1, shelf.instruments)
        assert nearest == number and cosine == pytest.approx(1, abs=1e-5)
        store.close()

    def test_killed_in_the_middle_it_goes_on_where_it_was(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        folder = write_documents(tmp_path / "notes", 2000)
        arguments = command("ingest", "bulk", folder, "--no-build")
        with subprocess.Popen(arguments, env=environment(PYTHONWARNINGS=""), stdout=subprocess.PIPE, text=True) as job:
            assert job.stdout is not None
            page = Path(re.sub("^.*file://", "", job.stdout.readline()).strip())
            held = Journal.open(journal_path(folder))
            deadline = time.monotonic() + 90
            while held.tally().done < 300:
                assert time.monotonic() < deadline and job.poll() is None
                time.sleep(0.02)
            with pytest.raises(UsageError, match="another job takes this folder in already"):
                take_in(folder)
            job.send_signal(signal.SIGKILL)
        before = held.tally()
        held.close()
        assert 300 <= before.done < 2000 and before.whole == 2000
        assert '<meta http-equiv="refresh"' in page.read_text() and "of 2,000 documents" in page.read_text()
        read = counted(monkeypatch)
        after = take_in(folder)
        assert (after.done, after.failed, after.waiting, after.passages) == (2000, 0, 0, 2000)
        assert len(read) == len(set(read)) == 2000 - before.done
        assert "all done" in page.read_text() and "refresh" not in page.read_text()

    def test_a_reader_that_dies_costs_its_document_alone(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        folder = write_documents(tmp_path / "notes", 12)
        monkeypatch.setattr(bulk, "read_document", dying_reader)
        tally = take_in(folder)
        assert (tally.done, tally.failed) == (11, 1)
        assert tries(folder, "dying") == 2

    def test_a_document_that_hangs_is_tried_twice_and_set_aside_with_its_reason(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        folder = write_documents(tmp_path / "notes", 40)
        monkeypatch.setattr(bulk, "read_document", hanging_reader)
        begun = time.monotonic()
        tally = run_job(Job(folder, DESCRIPTION, seconds=2), lambda *_: None)
        assert time.monotonic() - begun < 2 * 2 + 45, "two tries, and the starts of three processes"
        assert (tally.done, tally.failed, tally.waiting) == (39, 1, 0)
        assert tries(folder, "hanging") == 2
        with closing(Journal.open(journal_path(folder))) as held:
            [(path, line)] = held.failed()
        assert path.endswith("note 7.md") and path in line and "took more than 2 s and was stopped" in line

    def test_dask_does_the_same_with_workers_of_its_own(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        folder = write_documents(tmp_path / "notes", 6)
        ran = run_visavis("ingest", "bulk", folder, "--no-build", "--workers", 2, PYTHONWARNINGS="")
        assert ran.code == 0, ran.err
        assert "6 documents with 6 passages are taken in" in ran.out

    def test_a_folder_is_forgotten_with_its_documents(self, small_corpus: SmallCorpus, tmp_path: Path) -> None:
        folder = write_documents(tmp_path / "notes", 3)
        take_in(folder)
        with open_collections() as collections:
            assert len(list(collections.expressions())) == 3 and collections.digests()
        ran = run_visavis("ingest", "bulk", folder, "--forget", "--no-build")
        assert ran.code == 0, ran.err
        with open_collections() as collections:
            assert collections.digests() == [] and collections.journals == ()
        assert "was never taken in" in run_visavis("ingest", "bulk", folder, "--forget").complaint

    def test_another_description_reads_all_anew(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        folder = write_documents(tmp_path / "notes", 4)
        take_in(folder)
        read = counted(monkeypatch)
        take_in(folder)
        assert read == []
        run_job(Job(folder, replace(DESCRIPTION, authority=Authority.GUIDANCE)), lambda *_: None)
        assert len(read) == 4


def dying_reader(folder: Path, description: Description, path: str) -> object:
    """A reader that a document ends: in the process that reads it."""
    if path.endswith("note 7.md"):
        note_try(folder, "dying")
        os._exit(9)
    return READ(folder, description, path)


def hanging_reader(folder: Path, description: Description, path: str) -> object:
    """A reader that never comes back from a document."""
    if path.endswith("note 7.md"):
        note_try(folder, "hanging")
        time.sleep(600)
    return READ(folder, description, path)


def note_try(folder: Path, name: str) -> None:
    with (folder.parent / name).open("a") as tried:
        tried.write("x")


def tries(folder: Path, name: str) -> int:
    return len((folder.parent / name).read_text())


class TestTheJournal:
    def test_a_full_disk_leaves_what_was_done(self, tmp_path: Path) -> None:
        held = Journal.open(tmp_path / "j.sqlite")
        held.see([Seen("a.md", 1, 1), Seen("b.md", 1, 1)])
        held.note([Taken("a.md", "h1", "{}", (("k1", b"\0" * 8),))])
        held._database.execute("PRAGMA max_page_count = 12")
        with pytest.raises(StoreUnwritable) as refused:
            held.note([Taken("b.md", "h2", "x" * 500_000, (("k2", b"\0" * 500_000),))])
        assert "full" in str(refused.value) and "\n" not in str(refused.value)
        assert (held.tally().done, held.tally().waiting) == (1, 1) and held.keys() == {"k1"}
        held.close()

    def test_a_damaged_one_is_one_line(self, tmp_path: Path) -> None:
        path = tmp_path / "j.sqlite"
        path.write_bytes(b"no database" * 1000)
        with pytest.raises(StoreError, match="is damaged"):
            Journal.open(path)

    def test_a_folder_that_is_none_is_refused(self, tmp_path: Path) -> None:
        with pytest.raises(UsageError, match="is no folder"):
            take_in(tmp_path / "nowhere")

    def test_the_page_says_how_far_it_is_and_escapes_what_it_shows(self) -> None:
        before = Tally(10, 0, 0, 90, 10)
        now = Progress("<notes>", 0.0, before, 10.0, Tally(58, 1, 1, 40, 60), (("a<b.md", "a<b.md: no text"),))
        page = render_page(now)
        assert "60 of 100 documents (60%), 5.0 a second, less than two minutes left." in page
        assert "&lt;notes&gt;" in page and "<notes>" not in page and "a&lt;b.md" in page
        assert "just begun" in render_page(Progress("notes", 0.0, before))
