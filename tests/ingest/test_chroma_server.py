"""The index with its vectors on a real Chroma server: the same findings, one switch, away and back."""

import json
import shutil
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import chromadb
import httpx
import pytest
from chromadb.config import Settings
from fastapi.testclient import TestClient

from assistant.answering import Assistant
from assistant.desk import Desk
from assistant.question import Question
from eval.case import Half, read_cases
from ingest import chroma, index
from ingest.chroma import TIMEOUT_VARIABLE, TOKEN_VARIABLE, Vectors, find_server
from ingest.egress import CHROMA_VARIABLE, hosts_of_environment
from ingest.embedding import MiniLmEmbedder, open_embedder
from ingest.errors import StoreAway, StoreError, StoreStale, UsageError
from ingest.index import Store
from ingest.pipeline import Change, Options, Outcome, ingest_corpus, open_store
from tests.chroma import ChromaServer
from tests.conftest import CHECKOUT, give_home
from tests.small_corpus import ACT, ARTICLES, SmallCorpus, make_act, run_visavis
from ui.access import Access
from ui.operation import backup
from ui.operation.backup import BackupError, Wanted, make_backup, restore_backup
from ui.rest import create_rest
from ui.session import Session
from ui.turn import Underway, take_turn

if TYPE_CHECKING:
    from chromadb.api.client import Client

pytestmark = pytest.mark.timeout(400)

QUESTIONS = (
    "How high may a hedge be?",
    "Who shall water the gardens?",
    "What is a seed?",
    "Compare penalties and denunciation.",
    "Water in the evening",
)
ASKED = 50
FIRST = 10


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ChromaServer]:
    server = ChromaServer(tmp_path_factory.mktemp("chroma")).start()
    yield server
    server.stop()


@pytest.fixture
def afar(server: ChromaServer, monkeypatch: pytest.MonkeyPatch, embedding: None) -> Iterator[ChromaServer]:
    """The server, named and answering, and empty again afterwards."""
    monkeypatch.setenv(CHROMA_VARIABLE, server.url)
    yield server
    if not server.answers():
        server.start()
    with client(server) as opened:
        for one in opened.list_collections():
            opened.delete_collection(one.name)


@contextmanager
def client(server: ChromaServer) -> Iterator["Client"]:
    opened: Any = chromadb.HttpClient("127.0.0.1", server.port, settings=Settings(anonymized_telemetry=False))
    yield opened
    for one in (opened, opened._admin_client):
        one._server._session.close()


def collections(server: ChromaServer) -> list[str]:
    """The names of all collections of the server."""
    with client(server) as opened:
        return sorted(one.name for one in opened.list_collections())


def ingest(corpus: SmallCorpus, **options: bool) -> Outcome:
    return ingest_corpus(Options(corpus.folder, **options), lambda *_: None)


def found(store: Store, questions: Sequence[str]) -> list[list[tuple[str, str]]]:
    """The evidence for each question, best first."""
    assistant = Assistant.of(store)
    answers = [assistant.search(Question(text)) for text in questions]
    return [[(one.instrument, str(one.pinpoint)) for one in answer.evidence] for answer in answers]


def neighbours(store: Store, questions: Sequence[str]) -> list[dict[str, list[tuple[int, float]]]]:
    """The nearest passages of each shelf to each question."""
    embedder = open_embedder()
    return [
        {
            name: shelf.search_meaning(embedder.embed_query(text), 20, shelf.instruments)
            for name, shelf in store.shelves.items()
        }
        for text in questions
    ]


def lasting(record: dict[str, Any]) -> dict[str, Any]:
    """What two answers to one question have in common."""
    return {name: value for name, value in record.items() if name not in {"id", "timings_ms"}}


def changed_act() -> bytes:
    return make_act(ARTICLES | {"3": ("Hedges", "A hedge may be planted anywhere.")})


class TestTheSameIndex:
    def test_the_small_corpus_is_found_alike_on_a_server_and_in_a_folder(
        self, small_corpus: SmallCorpus, afar: ChromaServer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with monkeypatch.context() as near:
            near.delenv(CHROMA_VARIABLE)
            ingest(small_corpus)
            folder = open_store(small_corpus.folder, build=False)
            here = neighbours(folder, QUESTIONS)
            folder.close()
        moved = ingest(small_corpus)
        assert moved.change is Change.BUILT and not (moved.folder / "chroma").exists()
        store = open_store(small_corpus.folder, build=False)
        assert neighbours(store, QUESTIONS) == here and all(any(one.values()) for one in here)
        store.close()

    def test_the_official_texts_give_the_same_evidence_in_the_same_order(
        self,
        official_store: Store,
        corpus_dir: Path,
        built_index: Path,
        afar: ChromaServer,
        home: Path,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        files = sorted((CHECKOUT / "data" / "gold").glob("*.jsonl"))
        asked = [
            case.question for file in files for case in read_cases(file) if case.half is Half.DEV and not case.history
        ]
        questions = sorted(asked)[:: len(asked) // ASKED][:ASKED]
        assert len(questions) == ASKED
        # The vectors of the folder's index are taken over: what is compared is where they lie.
        shutil.copytree(built_index, home / "index")
        ingest_corpus(Options(corpus_dir, offline=True), lambda *_: None)
        store = open_store(corpus_dir, build=False)
        assert len(collections(afar)) >= len(store.shelves)
        afar_found, here_found = found(store, questions), found(official_store, questions)
        # Chroma's search is an approximate one: two graphs of the same vectors may differ in a passage now and then.
        pairs = list(zip(afar_found, here_found, strict=True))
        assert sum(one[:FIRST] == other[:FIRST] for one, other in pairs) >= ASKED - 2
        assert sum(one == other for one, other in pairs) >= ASKED - 3
        store.close()


class TestSwitching:
    def test_collections_come_and_go_with_their_index(self, small_corpus: SmallCorpus, afar: ChromaServer) -> None:
        first = ingest(small_corpus)
        before = collections(afar)
        held = open_store(small_corpus.folder, build=False)
        small_corpus.change(ACT, changed_act())
        second = ingest(small_corpus)
        assert first.folder.exists() and set(before) < set(collections(afar))
        assert all(
            shelf.search_meaning(open_embedder().embed_query("hedge"), 1, shelf.instruments)
            for shelf in held.shelves.values()
        )
        held.close()
        assert index.tidy(index.index_root())
        assert set(collections(afar)).isdisjoint(before) and len(collections(afar)) == len(before)
        assert second.folder.exists() and not first.folder.exists()

    def test_an_unchanged_corpus_is_no_work_and_a_text_that_stays_is_not_embedded_again(
        self, small_corpus: SmallCorpus, afar: ChromaServer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        ingest(small_corpus)
        assert ingest(small_corpus).change is Change.UNCHANGED
        given: list[str] = []
        embed = MiniLmEmbedder.embed

        def counted(self: MiniLmEmbedder, texts: Sequence[str], progress: object = None) -> Vectors:
            given.extend(texts)
            return embed(self, texts)

        monkeypatch.setattr(MiniLmEmbedder, "embed", counted)
        small_corpus.change(ACT, changed_act())
        ingest(small_corpus)
        assert len(given) == 1

    def test_a_build_that_is_killed_leaves_nothing_on_the_server_for_long(
        self, small_corpus: SmallCorpus, afar: ChromaServer
    ) -> None:
        ingest(small_corpus)
        before = collections(afar)
        torn = index.index_root() / ".building-1-1"
        torn.mkdir()
        (torn / "vectors.json").write_text(json.dumps({"prefix": "torn-00000000."}))
        with client(afar) as opened:
            opened.create_collection("torn-00000000.garden.1")
        assert index.tidy(index.index_root()) and collections(afar) == before

    def test_an_index_whose_server_is_named_no_more_is_built_in_its_folder(
        self, small_corpus: SmallCorpus, afar: ChromaServer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        ingest(small_corpus)
        monkeypatch.delenv(CHROMA_VARIABLE)
        with pytest.raises(StoreStale, match="VISAVIS_CHROMA_URL"):
            open_store(small_corpus.folder, build=False)
        store = open_store(small_corpus.folder)
        assert (store.folder / "chroma").is_dir()
        store.close()
        monkeypatch.setenv(CHROMA_VARIABLE, afar.url)
        assert index.tidy(index.index_root())

    def test_vectors_that_are_gone_from_the_server_are_one_line(
        self, small_corpus: SmallCorpus, afar: ChromaServer
    ) -> None:
        ingest(small_corpus)
        with client(afar) as opened:
            opened.delete_collection(collections(afar)[0])
        with pytest.raises(StoreError, match=r"is damaged .* `visavis ingest --rebuild`") as refused:
            open_store(small_corpus.folder, build=False)
        assert "\n" not in str(refused.value)
        ingest(small_corpus, rebuild=True)
        open_store(small_corpus.folder, build=False).close()


class TestAwayAndBack:
    def test_questions_wait_calmly_and_are_answered_again_when_it_is_back(
        self, small_corpus: SmallCorpus, afar: ChromaServer
    ) -> None:
        ingest(small_corpus)
        desk = Desk(small_corpus.folder)
        app = create_rest(desk, Access())
        asked = {"question": "How do the Convention and the AI Act define an AI system?"}
        with TestClient(app) as caller:
            before = caller.post("/ask", json=asked).json()
            desk.check()
            afar.stop()
            away = caller.post("/ask", json=asked)
            assert (away.status_code, away.headers["Retry-After"]) == (503, "5")
            assert "127.0.0.1" not in away.text and "Traceback" not in away.text
            turn = {"id": "0123456789ab", "question": QUESTIONS[0], "choices": {}}
            (shown,) = take_turn(desk, turn, Session(), Underway())
            assert 'data-state="trouble"' in shown.html and "ask again in a moment" in shown.html
            assert afar.url not in shown.html
            with pytest.raises(StoreAway):
                desk.check()
            afar.start()
            desk.check()
            back = caller.post("/ask", json=asked)
        assert back.status_code == 200
        assert lasting(back.json()) == lasting(before)
        desk.close()

    def test_an_ingest_without_it_is_one_line_and_what_serves_is_as_it_was(
        self, small_corpus: SmallCorpus, afar: ChromaServer
    ) -> None:
        served = ingest(small_corpus)
        afar.stop()
        small_corpus.change(ACT, changed_act())
        ran = run_visavis("ingest", "--corpus", small_corpus.folder)
        assert (ran.code, ran.complaint.count("server does not answer")) == (2, 1)
        current = [file.read_text().splitlines()[0] for file in index.index_root().glob("CURRENT-*")]
        assert current == [served.folder.name]
        afar.start()
        assert ingest(small_corpus).change is Change.BUILT
        assert len({name.partition(".")[0] for name in collections(afar)}) == 1


class TestHanging:
    """A server that takes connections and answers none."""

    @pytest.fixture
    def hanging(self, small_corpus: SmallCorpus, afar: ChromaServer) -> Iterator[ChromaServer]:
        ingest(small_corpus)
        yield afar
        afar.go_on()

    def test_a_question_and_the_look_at_it_end_in_time_and_go_on_when_it_does(
        self, small_corpus: SmallCorpus, hanging: ChromaServer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv(TIMEOUT_VARIABLE, "1.5")
        desk = Desk(small_corpus.folder)
        asked = {"question": QUESTIONS[0]}
        with TestClient(create_rest(desk, Access())) as caller:
            hanging.hang()
            begun = time.monotonic()
            away = caller.post("/ask", json=asked)
            with pytest.raises(StoreAway, match="does not answer"):
                desk.check()
            assert (away.status_code, away.headers["Retry-After"]) == (503, "5")
            assert time.monotonic() - begun < 8
            hanging.go_on()
            assert caller.post("/ask", json=asked).status_code == 200
        desk.close()

    def test_a_start_ends_in_time_with_one_line(
        self,
        small_corpus: SmallCorpus,
        hanging: ChromaServer,
        monkeypatch: pytest.MonkeyPatch,
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        monkeypatch.setenv(TIMEOUT_VARIABLE, "1.5")
        hanging.hang()
        begun = time.monotonic()
        with pytest.raises(StoreAway, match="does not answer"):
            open_store(small_corpus.folder, build=False)
        assert time.monotonic() - begun < 8
        assert [one.getMessage() for one in caplog.records] == [
            f"the Chroma server {hanging.url} does not answer: nothing came in time"
        ]

    @pytest.mark.parametrize("given", ["soon", "0", "-1", "nan", "inf", "601"])
    def test_what_is_no_time_limit_is_one_line(self, given: str, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv(CHROMA_VARIABLE, "http://127.0.0.1:8000")
        monkeypatch.setenv(TIMEOUT_VARIABLE, given)
        with pytest.raises(UsageError, match=r"^VISAVIS_CHROMA_TIMEOUT '.*' is no number of seconds"):
            find_server()


class TestPatience:
    def test_every_vector_is_fetched_with_more_patience_than_a_question_has(
        self, small_corpus: SmallCorpus, afar: ChromaServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        given: list[float] = []
        connect = chroma._patient

        def noting(patience: httpx.Timeout, opened: ExitStack) -> type["Client"]:
            given.append(patience.read or 0)
            return connect(patience, opened)

        folder = ingest(small_corpus).folder
        monkeypatch.setattr(chroma, "_patient", noting)
        index.carry_vectors(folder, tmp_path / "vectors.npz")
        assert given == [chroma.PATIENT]
        assert list(index._vectors_of(folder, open_embedder())) and given == [chroma.PATIENT] * 2
        open_store(small_corpus.folder, build=False).close()
        assert given[2:] and set(given[2:]) == {chroma.ANSWERING}, "and a question with its own"


class TestBackup:
    """Vectors on a server are in a backup, and come back to a server or into the folder without being made again."""

    @pytest.fixture
    def here(self, small_corpus: SmallCorpus, afar: ChromaServer, tmp_path: Path) -> dict[str, Any]:
        """What the backed index finds; its backup is `all.tar.gz`."""
        ingest(small_corpus)
        store = open_store(small_corpus.folder, build=False)
        found = neighbours(store, QUESTIONS)
        store.close()
        make_backup(tmp_path / "all.tar.gz", Wanted())
        return {"found": found, "collections": collections(afar)}

    def restore(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[tuple[str, int, int]]:
        def refuse(*_: object, **__: object) -> Vectors:
            raise AssertionError("a vector is made again")

        steps: list[tuple[str, int, int]] = []
        with monkeypatch.context() as without:
            without.setattr(MiniLmEmbedder, "embed", refuse)
            restore_backup(tmp_path / "all.tar.gz", Wanted(), progress=lambda *step: steps.append(step))
        return steps

    def test_they_come_back_to_a_server_beside_those_that_are_there(
        self,
        small_corpus: SmallCorpus,
        afar: ChromaServer,
        here: dict[str, Any],
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        give_home(monkeypatch, tmp_path / "other")
        steps = self.restore(monkeypatch, tmp_path)
        assert steps[0][0] == "laying vectors" and steps[-1][1] == steps[-1][2] > 0
        after = collections(afar)
        assert set(here["collections"]) < set(after) and len(after) == 2 * len(here["collections"])
        store = open_store(small_corpus.folder, build=False)
        assert neighbours(store, QUESTIONS) == here["found"]
        assert not (store.folder / index.CARRIED).exists()
        store.close()
        assert ingest(small_corpus).change is Change.UNCHANGED

    def test_without_a_server_they_come_back_into_the_folder(
        self, small_corpus: SmallCorpus, here: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        give_home(monkeypatch, tmp_path / "other")
        monkeypatch.delenv(CHROMA_VARIABLE)
        self.restore(monkeypatch, tmp_path)
        store = open_store(small_corpus.folder, build=False)
        assert (store.folder / "chroma").is_dir() and neighbours(store, QUESTIONS) == here["found"]
        store.close()

    def test_what_cannot_be_put_back_leaves_nothing_on_the_server(
        self,
        afar: ChromaServer,
        here: dict[str, Any],
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        give_home(monkeypatch, tmp_path / "other")

        def fail(*_: object) -> None:
            raise OSError(28, "No space left on device")

        with monkeypatch.context() as full:
            full.setattr(backup, "_put_in_place", fail)
            with pytest.raises(BackupError, match="No space left"):
                restore_backup(tmp_path / "all.tar.gz", Wanted())
        assert collections(afar) == here["collections"]

    @pytest.mark.parametrize("is_there", [False, True])
    def test_a_restore_that_ends_half_way_keeps_on_the_server_what_its_index_is_searched_by(
        self,
        afar: ChromaServer,
        here: dict[str, Any],
        is_there: bool,
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        give_home(monkeypatch, tmp_path / "other")
        real = Path.rename

        def rename(self: Path, target: Path) -> Path:
            if self.name == f".{index.index_root().name}.restored":
                if is_there:
                    real(self, target)
                raise OSError(5, "Input/output error")
            return real(self, target)

        with monkeypatch.context() as failing:
            failing.setattr(Path, "rename", rename)
            with pytest.raises(BackupError, match="Input/output error"):
                restore_backup(tmp_path / "all.tar.gz", Wanted())
        assert len(collections(afar)) == (2 if is_there else 1) * len(here["collections"])

    def test_a_server_that_is_away_is_one_line_and_changes_nothing(
        self,
        afar: ChromaServer,
        here: dict[str, Any],
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        afar.stop()
        with pytest.raises(BackupError, match="Chroma server that does not answer; start it first"):
            make_backup(tmp_path / "again.tar.gz", Wanted())
        assert not (tmp_path / "again.tar.gz").exists()
        give_home(monkeypatch, tmp_path / "other")
        with pytest.raises(BackupError, match=r"names a server that does not answer.* Nothing was changed"):
            restore_backup(tmp_path / "all.tar.gz", Wanted())
        assert not index.index_root().exists()


class TestNaming:
    @pytest.mark.parametrize("url", ["localhost:8000", "ftp://host", "http://", "http://host/path", "http://a:b@host"])
    def test_what_is_no_address_is_one_line(self, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv(CHROMA_VARIABLE, url)
        with pytest.raises(UsageError, match="is no address; write for example"):
            find_server()

    def test_its_host_may_be_reached_and_its_token_is_read_from_a_closed_file(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        assert find_server() is None
        monkeypatch.setenv(CHROMA_VARIABLE, "https://chroma.example/")
        assert [(one.name, one.named_by) for one in hosts_of_environment()] == [("chroma.example", CHROMA_VARIABLE)]
        token = tmp_path / "token"
        token.write_text("open sesame\n")
        token.chmod(0o644)
        monkeypatch.setenv(TOKEN_VARIABLE, str(token))
        with pytest.raises(UsageError, match="mode 0644"):
            find_server()
        token.chmod(0o600)
        with pytest.raises(UsageError, match="holds 2 words"):
            find_server()
        token.write_text("sesame\n")
        server = find_server()
        assert server is not None and (server.token, server.place) == ("sesame", ("chroma.example", 443))
