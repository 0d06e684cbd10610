"""The assistant that serves: which index it takes up, and when."""

import shutil
from pathlib import Path

import pytest

from assistant import desk as desks
from assistant.desk import Desk
from assistant.settings import Settings
from ingest import index
from ingest.index import Current, Store
from ingest.pipeline import open_store
from ingest.sources import search_path
from tests.small_corpus import SmallCorpus
from tests.ui.records import until

pytestmark = pytest.mark.usefixtures("embedding")


def test_an_index_that_comes_while_the_first_is_opened_is_taken_up(
    small_corpus: SmallCorpus, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(desks, "LOOK_EVERY", 0.05)

    def overtaken(corpus: Path | None, **given: object) -> Store:
        store = open_store(corpus)
        root = index.index_root()
        shutil.copytree(store.folder, root / f"{store.folder.name}.2")
        index.switch(root, search_path(corpus).key, Current(f"{store.folder.name}.2"))
        return store

    monkeypatch.setattr(desks, "open_store", overtaken)
    desk = Desk(small_corpus.folder, settings=Settings())
    first = desk.assistant().store.folder
    assert until(lambda: desk.assistant().store.folder.name == f"{first.name}.2")
    desk.close()
