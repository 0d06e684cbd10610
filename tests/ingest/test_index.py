"""The index's mechanics on a small corpus: whole or not there, one step, no work twice, nothing swept that is held."""

import hashlib
import json
import os
import resource
import shutil
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from ingest import index
from ingest.corpus import Corpus, Lack, Missing
from ingest.errors import StoreError, StoreMissing, StoreStale, StoreUnwritable
from ingest.identifiers import ExpressionId, InstrumentId
from ingest.index import Current, Store
from ingest.instrument import Authority, Expression, ProvisionKind
from ingest.structure import Draft, build_provisions

TREATY, ACT = InstrumentId("garden-treaty"), InstrumentId("garden-act")
KEY = "a1b2"


@dataclass
class WordHasher:
    """An embedder that adds up a seeded vector for each word; it remembers what it was given."""

    fingerprint: str = "words"
    name: str = "word hasher"
    dimension: int = 16
    given: list[str] = field(default_factory=list)

    def embed(self, texts: Sequence[str], progress: Callable[[int], None] | None = None) -> NDArray[np.float32]:
        self.given.extend(texts)
        return np.array([self.embed_query(text) for text in texts], dtype=np.float32).reshape(-1, self.dimension)

    def embed_query(self, text: str) -> NDArray[np.float32]:
        seeds = [int(hashlib.sha256(word.encode()).hexdigest()[:8], 16) for word in text.lower().split()]
        total = np.sum([np.random.default_rng(seed).normal(size=self.dimension) for seed in seeds], axis=0)
        return (total / np.linalg.norm(total)).astype(np.float32)


def words(text: str) -> int:
    return len(text.split())


def silent(what: str, done: int, whole: int) -> None:
    pass


def expression(instrument: InstrumentId, *texts: str, authority: Authority = Authority.LAW) -> Expression:
    name = ExpressionId(instrument, date(2020, 1, 1), "en")
    drafts = [Draft(ProvisionKind.ARTICLE, str(n), heading="Of gardens", text=text) for n, text in enumerate(texts, 1)]
    return Expression(name, "", instrument, authority, "", date(2020, 1, 1), build_provisions(name, drafts))


def corpus(name: str = "first", *, last: str = "A hedge is never higher than a wall.") -> Corpus:
    return Corpus(
        name,
        "2026-11-23T00:00:00Z",
        (
            expression(TREATY, "Water the roses.", "Spare the bees."),
            expression(ACT, "Sell no seeds at night.", last),
        ),
    )


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "index"
    folder.mkdir()
    return folder


@pytest.fixture
def embedder() -> WordHasher:
    return WordHasher()


def build(root: Path, embedder: WordHasher, of: Corpus | None = None, *, anew: bool = False) -> Path:
    return index.build_index(of or corpus(), embedder, words, root, silent, anew=anew)


def serve(root: Path, embedder: WordHasher, of: Corpus | None = None) -> Path:
    folder = build(root, embedder, of)
    index.switch(root, KEY, Current(folder.name))
    return folder


class TestBuilding:
    def test_a_built_index_gives_back_its_corpus_and_finds_by_words_and_by_meaning(
        self, root: Path, embedder: WordHasher
    ) -> None:
        store = Store.open(build(root, embedder))
        assert store.corpus.expressions == corpus().expressions and store.corpus.id == "first"
        shelf = store.shelves["garden-act@2020-01-01:en"]
        everyone = shelf.instruments
        [(found, score)] = shelf.search_words("hedges", 5, everyone)
        assert str(shelf.passages[found].pinpoint) == "art_2" and score > 0
        [(nearest, cosine), _] = shelf.search_meaning(embedder.embed_query(shelf.passages[1].searchable), 5, everyone)
        assert nearest == 1 and cosine == pytest.approx(1, abs=1e-5)
        store.close()

    def test_a_search_is_kept_to_the_instruments_that_are_asked_for(self, root: Path, embedder: WordHasher) -> None:
        both = tuple(expression(name, "Prune the roses.", authority=Authority.COMMENTARY) for name in (TREATY, ACT))
        store = Store.open(build(root, embedder, Corpus("notes", "", both)))
        [shelf] = store.shelves.values()
        vector = embedder.embed_query("prune the roses")
        for search in (lambda of: shelf.search_words("roses", 5, of), lambda of: shelf.search_meaning(vector, 5, of)):
            assert {shelf.passages[n].expression.instrument for n, _ in search(frozenset({ACT}))} == {ACT}
            assert len(search(frozenset({ACT, TREATY}))) == 2
        store.close()

    def test_a_large_shelf_is_searched_whole_in_parts_of_one_size(
        self, root: Path, embedder: WordHasher, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(index, "PART", 40)
        dice = np.random.default_rng(225)
        notes = tuple(
            expression(
                name,
                *(" ".join(f"w{n}" for n in dice.integers(0, 60, 12)) for _ in range(size)),
                authority=Authority.COMMENTARY,
            )
            for name, size in ((TREATY, 45), (ACT, 60))
        )
        folder = build(root, embedder, Corpus("notes", "", notes))
        store = Store.open(folder)
        [shelf] = store.shelves.values()
        assert [part.count() for part in shelf.parts] == [40, 40, 25] and len(shelf.passages) == 105
        held = embedder.embed([passage.searchable for passage in shelf.passages])
        own = np.array([passage.expression.instrument == ACT for passage in shelf.passages])
        for asked in ("w1 w2 w3", "w7", "w50 w51 w8 w9"):
            vector = embedder.embed_query(asked)
            exact = held @ vector
            for among, allowed in ((shelf.instruments, np.ones(105, dtype=bool)), (frozenset({ACT}), own)):
                found = shelf.search_meaning(vector, 12, among)
                best = np.sort(exact[allowed])[::-1][:12]
                assert [score for _, score in found] == pytest.approx(best.tolist(), abs=1e-5)
                assert all(allowed[number] for number, _ in found) and len({number for number, _ in found}) == 12
                assert [score for _, score in found] == pytest.approx(
                    [float(exact[number]) for number, _ in found], abs=1e-5
                )
        store.close()
        embedder.given.clear()
        build(root, embedder, Corpus("again", "", notes))
        assert embedder.given == []

    def test_one_changed_provision_is_the_only_one_embedded_again(self, root: Path, embedder: WordHasher) -> None:
        serve(root, embedder)
        assert len(embedder.given) == 4
        embedder.given.clear()
        build(root, embedder, corpus("second", last="A hedge may be as high as a wall."))
        assert embedder.given == ["Article 2 Of gardens\nA hedge may be as high as a wall."]

    def test_the_same_words_in_two_wordings_are_embedded_once(self, root: Path, embedder: WordHasher) -> None:
        same = expression(TREATY, "Spare the bees.", "Spare the bees.")
        build(root, embedder, Corpus("same", "", (same, expression(ACT, "Spare the bees."))))
        assert sorted(embedder.given) == [f"Article {n} Of gardens\nSpare the bees." for n in (1, 2)]

    def test_vectors_taken_over_find_as_vectors_made_anew(
        self, root: Path, embedder: WordHasher, tmp_path: Path
    ) -> None:
        serve(root, embedder)
        changed = corpus("second", last="Changed.")
        over, anew = build(root, embedder, changed), build(tmp_path, WordHasher(), changed)
        question = embedder.embed_query("seeds sold at night")
        answers = []
        for folder in (over, anew):
            store = Store.open(folder)
            answers.append(
                [store.shelves[name].search_meaning(question, 9, frozenset({ACT, TREATY})) for name in store.shelves]
            )
            store.close()
        assert answers[0] == answers[1]

    def test_another_embedder_takes_nothing_over(self, root: Path, embedder: WordHasher) -> None:
        serve(root, embedder)
        other = WordHasher("other words")
        build(root, other, corpus("second"))
        assert len(other.given) == 4

    def test_anew_takes_nothing_over_and_leaves_the_index_that_serves(self, root: Path, embedder: WordHasher) -> None:
        first = serve(root, embedder)
        held = Store.open(first)
        embedder.given.clear()
        second = build(root, embedder, anew=True)
        assert len(embedder.given) == 4
        assert (first.name, second.name) == ("first", "first.2") and Current(second.name).corpus_id == "first"
        assert build(root, embedder, anew=True).name == "first.3"
        assert held.shelves["garden-act@2020-01-01:en"].search_words("hedge", 1, frozenset({ACT}))
        held.close()

    def test_a_build_that_fails_leaves_nothing(self, root: Path) -> None:
        class Failing(WordHasher):
            def embed(self, texts: Sequence[str], progress: Callable[[int], None] | None = None) -> NDArray[np.float32]:
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            build(root, Failing())
        assert list(root.iterdir()) == []

    @pytest.mark.parametrize("room", [0, 200, 20_000, 100_000, 180_000])
    def test_a_disk_that_is_full_is_said_in_one_line(self, root: Path, embedder: WordHasher, room: int) -> None:
        _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (room, hard))  # bytes of one file
        try:
            with pytest.raises(StoreUnwritable) as refused:
                build(root, embedder)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
        assert "cannot be written" in str(refused.value) and "\n" not in str(refused.value)
        assert list(root.iterdir()) == []
        Store.open(build(root, embedder)).close()


class TestSwitching:
    def test_nothing_serves_at_first(self, root: Path) -> None:
        assert index.read_current(root, KEY) is None and index.open_current(root, KEY) is None

    def test_current_is_replaced_in_one_step_and_has_its_missing_lines(self, root: Path, embedder: WordHasher) -> None:
        folder = build(root, embedder)
        gone = Missing("act", "the Act", "a/act.pdf", "https://law.example", Lack.MISSING, "the “Act”: open the page.")
        torn = Missing("code", "the Code", "code.pdf", "", Lack.UNREADABLE, "another")
        index.switch(root, KEY, Current(folder.name, (gone, torn)))
        assert index.read_current(root, KEY) == Current("first", (gone, torn))
        assert [path.name for path in root.iterdir() if path.name.startswith(".")] == []
        store = index.open_current(root, KEY)
        assert store is not None and store.corpus.missing == (gone, torn)
        assert (str(torn), torn.headline) == ("another", "the Code (code) cannot be read")
        store.close()

    def test_each_search_path_has_its_own(self, root: Path, embedder: WordHasher) -> None:
        serve(root, embedder)
        other = build(root, embedder, corpus("second"))
        index.switch(root, "c3d4", Current(other.name))
        assert [index.read_current(root, key) for key in (KEY, "c3d4")] == [Current("first"), Current("second")]
        index.sweep(root)
        assert index.is_whole(root / "first") and index.is_whole(root / "second")

    @pytest.mark.parametrize("content", [b"", b"\n", b"nowhere\n", b"../..\n", b"\xff\xfe", b"first"])
    def test_a_current_that_names_nothing_whole_is_none(self, root: Path, embedder: WordHasher, content: bytes) -> None:
        build(root, embedder)
        index.current_file(root, KEY).write_bytes(content)
        expected = Current("first") if content == b"first" else None
        assert index.read_current(root, KEY) == expected

    def test_an_index_swept_away_while_it_is_opened_gives_way_to_the_next(
        self, root: Path, embedder: WordHasher, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        serve(root, embedder)
        second = build(root, embedder, corpus("second"))
        opening = Store.open

        def overtaken(folder: Path, missing: Sequence[str] = ()) -> Store:
            monkeypatch.setattr(Store, "open", opening)
            index.switch(root, KEY, Current(second.name))
            index.sweep(root)
            return opening(folder, missing)

        monkeypatch.setattr(Store, "open", overtaken)
        store = index.open_current(root, KEY)
        assert store is not None and store.corpus.id == "second"
        store.close()


class TestSweeping:
    def test_only_what_is_unused_goes(self, root: Path, embedder: WordHasher) -> None:
        serve(root, embedder)
        build(root, embedder, corpus("second"))
        (root / ".building-1" / "chroma").mkdir(parents=True)
        (root / "broken").mkdir()
        (root / ".CURRENT-x-1").write_text("first\n")
        assert index.sweep(root)
        assert sorted(path.name for path in root.iterdir()) == [f"CURRENT-{KEY}", "first"]

    def test_a_held_index_stays_until_it_is_let_go(self, root: Path, embedder: WordHasher) -> None:
        held = Store.open(serve(root, embedder))
        index.switch(root, KEY, Current(build(root, embedder, corpus("second")).name))
        assert not index.tidy(root)
        assert held.shelves["garden-act@2020-01-01:en"].search_words("hedge", 1, frozenset({ACT}))
        held.close()
        assert index.tidy(root) and not (root / "first").exists()

    def test_a_store_that_is_dropped_lets_go(self, root: Path, embedder: WordHasher) -> None:
        held = Store.open(serve(root, embedder))
        index.switch(root, KEY, Current(build(root, embedder, corpus("second")).name))
        del held
        assert index.tidy(root) and not (root / "first").exists()

    def test_nothing_is_swept_while_another_builds(self, root: Path, embedder: WordHasher) -> None:
        build(root, embedder)
        with index.building(root, silent):
            assert not index.tidy(root)
        assert (root / "first").is_dir()
        assert index.tidy(root) and not (root / "first").exists()

    def test_one_builds_at_a_time_and_the_other_says_that_it_waits(self, root: Path) -> None:
        order: list[str] = []
        began, told = threading.Event(), threading.Event()

        def second() -> None:
            began.wait(10)

            def hear(what: str, done: int, whole: int) -> None:
                order.append(f"{what} {done}")
                told.set()

            with index.building(root, hear):
                order.append("second")

        thread = threading.Thread(target=second)
        thread.start()
        with index.building(root, silent):
            began.set()
            assert told.wait(10)
            order.append("first")
        thread.join(10)
        waiting = "waiting for another ingest"
        assert order == [f"{waiting} 0", "first", f"{waiting} 1", "second"]

    @pytest.mark.parametrize("place", ["file", "file/below", "dangling"])
    def test_a_folder_that_cannot_be_is_refused_in_one_line(self, tmp_path: Path, place: str) -> None:
        (tmp_path / "file").write_text("in the way")
        (tmp_path / "dangling").symlink_to(tmp_path / "nowhere" / "deep")
        with pytest.raises(StoreUnwritable) as refused, index.building(tmp_path / place, silent):
            pass
        assert "cannot be written" in str(refused.value) and "VISAVIS_INDEX" in str(refused.value)


def truncate(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


def overwrite(path: Path) -> None:
    path.write_bytes(b"\x07" * path.stat().st_size)


DAMAGE: dict[str, Callable[[Path], object]] = {
    "the database is cut": lambda folder: truncate(folder / "chroma" / "chroma.sqlite3"),
    "the database is overwritten": lambda folder: overwrite(folder / "chroma" / "chroma.sqlite3"),
    "the database is gone": lambda folder: (folder / "chroma" / "chroma.sqlite3").unlink(),
    "the vectors are cut": lambda folder: [truncate(path) for path in (folder / "chroma").glob("*/data_level0.bin")],
    "the vectors are gone": lambda folder: [shutil.rmtree(path) for path in (folder / "chroma").glob("*/")],
    "the words are cut": lambda folder: truncate(next((folder / "lexical").rglob("data*.npy"))),
    "the words are gone": lambda folder: shutil.rmtree(folder / "lexical"),
    "the texts are cut": lambda folder: truncate(folder / "corpus.json"),
    "the texts are gone": lambda folder: (folder / "corpus.json").unlink(),
    "the texts are overwritten": lambda folder: overwrite(folder / "corpus.json"),
    "the label is cut": lambda folder: truncate(folder / "shelves.json"),
    "the label is a list": lambda folder: (folder / "shelves.json").write_text("[]"),
    "the label is overwritten": lambda folder: overwrite(folder / "shelves.json"),
}


class TestDamage:
    @pytest.mark.parametrize("damage", DAMAGE)
    def test_a_damaged_index_is_one_line_and_builds_again(self, root: Path, embedder: WordHasher, damage: str) -> None:
        folder = serve(root, embedder)
        DAMAGE[damage](folder)
        with pytest.raises(StoreError) as refused:
            Store.open(folder)
        text = str(refused.value)
        assert str(folder) in text and "visavis ingest --rebuild" in text and "\n" not in text
        store = Store.open(build(root, embedder, anew=True))
        assert len(store.shelves) == 2
        store.close()

    @pytest.mark.parametrize("damage", [name for name in DAMAGE if "label" not in name and "texts" not in name])
    def test_a_damaged_index_lends_no_vectors(self, root: Path, embedder: WordHasher, damage: str) -> None:
        DAMAGE[damage](serve(root, embedder))
        embedder.given.clear()
        store = Store.open(build(root, embedder, corpus("second")))
        assert all(
            len(shelf.search_meaning(embedder.embed_query("bees"), 9, shelf.instruments)) == 2
            for shelf in store.shelves.values()
        )
        store.close()

    def test_an_index_of_another_format_is_stale(self, root: Path, embedder: WordHasher) -> None:
        folder = serve(root, embedder)
        record = json.loads((folder / "shelves.json").read_text())
        (folder / "shelves.json").write_text(json.dumps(record | {"format": index.FORMAT - 1}))
        with pytest.raises(StoreStale, match="built by another version"):
            Store.open(folder)

    def test_a_folder_without_its_label_is_no_index(self, root: Path, embedder: WordHasher) -> None:
        folder = serve(root, embedder)
        (folder / "shelves.json").unlink()
        assert index.read_current(root, KEY) is None
        with pytest.raises(StoreMissing, match="there is no index"):
            Store.open(folder)
