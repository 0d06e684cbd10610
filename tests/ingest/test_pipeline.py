"""From files to the index that serves, on the small corpus: what is read, what is refused, what goes on serving."""

import shutil
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from ingest import index
from ingest.corpus import Lack
from ingest.embedding import MiniLmEmbedder
from ingest.errors import ManifestError, SourceError, SourceMissing, StoreMissing
from ingest.identifiers import AI_ACT, InstrumentId
from ingest.index import Store
from ingest.instrument import RECITALS
from ingest.manifest import load_manifest
from ingest.pinpoint import Pinpoint
from ingest.pipeline import (
    Change,
    Options,
    Outcome,
    ingest_corpus,
    load_manifest_of,
    open_store,
)
from ingest.sources import search_path
from ingest.wordings import take_published
from tests.small_corpus import ACT, ARTICLES, GUIDE, NEWS, TREATY, SmallCorpus, make_act

pytestmark = pytest.mark.usefixtures("embedding")


@pytest.fixture
def stages() -> list[tuple[str, int, int]]:
    return []


def ingest(corpus: SmallCorpus, **options: bool) -> Outcome:
    return ingest_corpus(Options(corpus.folder, **options), lambda *_: None)


def texts(corpus: SmallCorpus) -> dict[str, str]:
    """What serves: each article's text by its instrument and number."""
    store = open_store(corpus.folder, build=False)
    found = {f"{one.instrument} {unit.pinpoint}": unit.text for one in store.corpus.expressions for unit in one.units()}
    store.close()
    return found


def changed_act(text: str = "A hedge may be planted anywhere.") -> bytes:
    return make_act(ARTICLES | {"3": ("Hedges", text)})


class TestIngest:
    def test_everything_is_read_and_searched(self, small_corpus: SmallCorpus) -> None:
        outcome = ingest(small_corpus)
        assert (outcome.change, outcome.missing, outcome.broken) == (Change.BUILT, (), ())
        store = open_store(small_corpus.folder, build=False)
        assert list(store.shelves) == ["garden-treaty@2020-01-01:en", "garden-act@2020-01-01:en", "commentary:en"]
        [treaty] = store.corpus.wordings(InstrumentId("garden-treaty"))
        assert treaty.at(Pinpoint.parse("art_3/2")).source.page == 2
        assert texts(small_corpus)["garden-guide para_3"] == "Water in the evening, and never on the leaves."
        shelf = store.shelves["commentary:en"]
        [(found, _)] = shelf.search_words("trellis", 3, shelf.instruments)
        assert shelf.passages[found].context == "para 2 Hedges"
        store.close()

    def test_unchanged_texts_are_no_work(self, small_corpus: SmallCorpus, stages: list[tuple[str, int, int]]) -> None:
        built = ingest(small_corpus)
        again = ingest_corpus(Options(small_corpus.folder), lambda *stage: stages.append(stage))
        assert (again.change, again.folder) == (Change.UNCHANGED, built.folder)
        assert {stage for stage, _, _ in stages} == {"finding"}

    def test_a_manifest_that_says_the_same_otherwise_is_no_work(self, small_corpus: SmallCorpus) -> None:
        ingest(small_corpus)
        small_corpus.added = "# a remark\n"
        small_corpus.write_manifest()
        assert ingest(small_corpus).change is Change.UNCHANGED

    def test_one_changed_article_is_all_that_is_embedded_again(
        self, small_corpus: SmallCorpus, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        first = ingest(small_corpus)
        given: list[str] = []
        embed = MiniLmEmbedder.embed

        def counted(self: MiniLmEmbedder, texts: Sequence[str], progress: object = None) -> NDArray[np.float32]:
            given.extend(texts)
            return embed(self, texts)

        monkeypatch.setattr(MiniLmEmbedder, "embed", counted)
        small_corpus.change(ACT, changed_act())
        second = ingest(small_corpus)
        assert [text.splitlines()[-1] for text in given] == ["1. A hedge may be planted anywhere."]
        assert second.change is Change.BUILT and not first.folder.exists()
        given.clear()
        ingest(small_corpus, rebuild=True)
        assert len(given) > 10

    def test_going_back_to_earlier_texts_switches_where_their_index_is_held(self, small_corpus: SmallCorpus) -> None:
        first = ingest(small_corpus)
        held = open_store(small_corpus.folder, build=False)
        small_corpus.change(ACT, changed_act())
        ingest(small_corpus)
        assert first.folder.exists()
        small_corpus.change(ACT, make_act(ARTICLES))
        back = ingest(small_corpus)
        assert (back.change, back.folder) == (Change.SWITCHED, first.folder)
        held.close()

    def test_two_folders_with_the_same_texts_share_an_index(self, small_corpus: SmallCorpus, tmp_path: Path) -> None:
        first = ingest(small_corpus)
        copy = tmp_path / "copy"
        shutil.copytree(small_corpus.folder, copy)
        second = ingest(replace(small_corpus, folder=copy))
        assert (second.folder, second.change) == (first.folder, Change.SWITCHED)
        assert len(list(index.index_root().glob("CURRENT-*"))) == 2

    def test_a_missing_index_is_built_when_it_is_opened_unless_that_is_refused(self, small_corpus: SmallCorpus) -> None:
        with pytest.raises(StoreMissing, match="visavis ingest"):
            open_store(small_corpus.folder, build=False)
        store = open_store(small_corpus.folder)
        assert len(store.corpus.instruments) == 4
        store.close()

    def test_an_index_of_another_version_is_built_again_when_it_is_opened(
        self, small_corpus: SmallCorpus, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        ingest(small_corpus)
        monkeypatch.setattr(index, "FORMAT", index.FORMAT + 1)
        store = open_store(small_corpus.folder)
        assert len(store.corpus.instruments) == 4
        store.close()


class TestManifest:
    def test_a_named_folder_may_bring_its_own(self, small_corpus: SmallCorpus) -> None:
        own = load_manifest_of(search_path(small_corpus.folder))
        assert [source.id for source in own.sources] == ["garden-treaty", "garden-act", "garden-guide", "garden-news"]

    def test_another_folder_has_the_programs(self, tmp_path: Path) -> None:
        assert load_manifest_of(search_path(tmp_path)) == load_manifest() == load_manifest_of(search_path())

    def test_one_with_an_unknown_key_is_named(self, small_corpus: SmallCorpus) -> None:
        small_corpus.added = "colour = 3\n"
        small_corpus.write_manifest()
        with pytest.raises(ManifestError, match="unknown key 'colour'"):
            ingest(small_corpus)


class TestWhatIsMissing:
    def test_a_text_that_need_not_be_there_is_a_line(self, small_corpus: SmallCorpus) -> None:
        (small_corpus.folder / GUIDE).unlink()
        outcome = ingest(small_corpus)
        [line] = outcome.missing
        assert "https://law.example/garden-guide" in line.text and outcome.broken == ()
        assert (line.source, line.file, line.url) == ("garden-guide", GUIDE, "https://law.example/garden-guide")
        assert (line.reason, line.headline) == (Lack.MISSING, "the Garden guide (garden-guide) is missing")
        store = open_store(small_corpus.folder, build=False)
        assert store.corpus.missing == outcome.missing
        store.close()

    def test_one_that_was_taken_away_leaves_the_index(self, small_corpus: SmallCorpus) -> None:
        ingest(small_corpus)
        (small_corpus.folder / NEWS).unlink()
        assert ingest(small_corpus).missing[0].source == "garden-news"
        assert not any(name.startswith("garden-news") for name in texts(small_corpus))

    def test_a_required_text_that_vanished_stops_the_ingest(self, small_corpus: SmallCorpus) -> None:
        ingest(small_corpus)
        before = texts(small_corpus)
        (small_corpus.folder / TREATY).unlink()
        with pytest.raises(SourceError, match=r"garden-treaty.* The last good index goes on serving\."):
            ingest(small_corpus)
        assert texts(small_corpus) == before

    def test_without_an_index_the_others_are_ingested(self, small_corpus: SmallCorpus) -> None:
        (small_corpus.folder / TREATY).unlink()
        outcome = ingest(small_corpus)
        assert outcome.broken == outcome.missing and "garden-treaty" in outcome.broken[0].text
        assert {name.split()[0] for name in texts(small_corpus)} == {"garden-act", "garden-guide", "garden-news"}

    def test_an_empty_folder_gives_an_empty_index_that_says_so(self, small_corpus: SmallCorpus) -> None:
        for path in small_corpus.texts:
            (small_corpus.folder / path).unlink()
        outcome = ingest(small_corpus)
        assert len(outcome.missing) == 4 and len(outcome.broken) == 2 and texts(small_corpus) == {}

    def test_a_folder_that_is_not_there_is_named(self, tmp_path: Path) -> None:
        with pytest.raises(SourceMissing, match="does not exist"):
            ingest_corpus(Options(tmp_path / "nowhere"), lambda *_: None)


class TestWhatIsBroken:
    def test_a_shortfall_leaves_the_last_good_index(self, small_corpus: SmallCorpus) -> None:
        ingest(small_corpus)
        before = texts(small_corpus)
        small_corpus.change(ACT, make_act({label: ARTICLES[label] for label in "124"}))
        with pytest.raises(SourceError) as refused:
            ingest(small_corpus)
        assert "found 3 articles instead of 4 (Article 4 follows Article 2)" in str(refused.value)
        assert str(refused.value).endswith("The last good index goes on serving.") and "\n" not in str(refused.value)
        assert texts(small_corpus) == before

    def test_without_an_index_the_others_are_ingested_and_it_is_tried_again(self, small_corpus: SmallCorpus) -> None:
        small_corpus.change(ACT, make_act({label: ARTICLES[label] for label in "124"}))
        first = ingest(small_corpus)
        assert first.broken == first.missing and "the Garden act: found 3 articles" in first.broken[0].text
        assert {name.split()[0] for name in texts(small_corpus)} == {"garden-treaty", "garden-guide", "garden-news"}
        again = ingest(small_corpus)
        assert (again.change, again.broken, again.folder) == (Change.UNCHANGED, first.broken, first.folder)
        small_corpus.change(ACT, make_act(ARTICLES))
        mended = ingest(small_corpus)
        assert (mended.change, mended.missing) == (Change.BUILT, ()) and "garden-act art_3" in texts(small_corpus)

    def test_a_text_that_never_served_stops_nothing(self, small_corpus: SmallCorpus) -> None:
        (small_corpus.folder / GUIDE).unlink()
        ingest(small_corpus)
        small_corpus.change(ACT, changed_act())
        small_corpus.spoil(GUIDE, b"\0")
        outcome = ingest(small_corpus)
        assert "NUL bytes" in outcome.broken[0].text
        assert texts(small_corpus)["garden-act art_3"] == "1. A hedge may be planted anywhere."

    def test_a_file_that_differs_from_its_hash_leaves_the_last_good_index(self, small_corpus: SmallCorpus) -> None:
        small_corpus.pinned = True
        small_corpus.write()
        ingest(small_corpus)
        before = texts(small_corpus)
        small_corpus.spoil(ACT, changed_act())
        with pytest.raises(SourceError, match=r"garden-act\) has changed.*--accept-changed.*goes on serving"):
            ingest(small_corpus)
        assert texts(small_corpus) == before
        accepted = ingest(small_corpus, accept_changed=True)
        assert (
            accepted.broken == () and texts(small_corpus)["garden-act art_3"] == "1. A hedge may be planted anywhere."
        )

    def test_a_file_that_differs_from_its_hash_and_never_served_is_left_out(self, small_corpus: SmallCorpus) -> None:
        small_corpus.pinned = True
        small_corpus.write()
        small_corpus.spoil(ACT, changed_act())
        outcome = ingest(small_corpus)
        assert "has changed" in outcome.broken[0].text and outcome.broken[0].reason is Lack.CHANGED
        assert "garden-act art_3" not in texts(small_corpus)

    def test_a_manifest_that_lies_about_counts_is_told(self, small_corpus: SmallCorpus) -> None:
        small_corpus.expected[GUIDE] = "{ numbered_paragraphs = 300 }"
        small_corpus.write_manifest()
        [line] = ingest(small_corpus).broken
        assert "found 3 numbered paragraphs instead of 300" in line.text and "`expected` in the manifest" in line.text
        assert line.reason is Lack.UNREADABLE

    def test_two_places_of_one_name_are_a_misreading(self, small_corpus: SmallCorpus) -> None:
        twice = changed_act().replace(b'id="art_4"', b'id="art_3"')
        small_corpus.change(ACT, twice)
        assert "more than one provision at art_3" in ingest(small_corpus).broken[0].text


class TestOfficialTexts:
    def test_unchanged_official_texts_take_less_than_two_seconds(
        self, built_index: Path, corpus_dir: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        shutil.copytree(built_index, tmp_path / "index")
        monkeypatch.setenv("VISAVIS_INDEX", str(tmp_path / "index"))
        began = time.perf_counter()
        outcome = ingest_corpus(Options(corpus_dir), lambda *_: None)
        assert outcome.change is Change.UNCHANGED and time.perf_counter() - began < 2

    def test_a_published_consolidation_takes_our_preamble_and_who_changed_what(self, official_store: Store) -> None:
        ours = official_store.corpus.wordings(AI_ACT)[-1]
        bare = tuple(replace(one, changed_by="") for one in ours.provisions if one.kind not in RECITALS)
        taken = take_published(ours, replace(ours, provisions=bare, url="https://law.example/consolidated"))
        assert taken.provisions == ours.provisions and taken.url == "https://law.example/consolidated"
