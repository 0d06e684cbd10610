"""The assistant on the official texts, and on none."""

from pathlib import Path

import pytest

from assistant.answering import Assistant
from ingest.index import Store
from ingest.pipeline import open_store


@pytest.fixture(scope="session")
def assistant(official_store: Store, model_cache: Path) -> Assistant:
    """The assistant on the official texts."""
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("XDG_CACHE_HOME", str(model_cache))
        return Assistant.of(official_store)


@pytest.fixture(scope="session")
def empty_index(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the index of no texts is kept for the session."""
    return tmp_path_factory.mktemp("empty-index")


@pytest.fixture(scope="session")
def noting(empty_index: Path, empty_corpus: Path, model_cache: Path) -> Assistant:
    """The assistant where there are no texts at all."""
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("XDG_CACHE_HOME", str(model_cache))
        environment.setenv("VISAVIS_INDEX", str(empty_index))
        return Assistant.of(open_store(empty_corpus))


@pytest.fixture(scope="session")
def empty_corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with no text in it."""
    return tmp_path_factory.mktemp("no-texts")
