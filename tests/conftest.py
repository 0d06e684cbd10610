"""What tests share: the official texts where there are any, Debian's Chromium, and a home of their own."""

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import pytest

from tests.postgres import PostgresServer, find_postgresql, running_postgresql
from tests.small_corpus import SmallCorpus, run_visavis

if TYPE_CHECKING:
    from ingest.index import Store

CHECKOUT = Path(__file__).resolve().parent.parent
KEPT = ("VISAVIS_CORPUS", "VISAVIS_REQUIRE")
XDG = ("XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME")


def give_home(environment: pytest.MonkeyPatch, home: Path) -> None:
    """Put every folder that the program writes under `home`, and fix the day."""
    environment.setenv("HOME", str(home))
    environment.setenv("VISAVIS_INDEX", str(home / "index"))
    environment.setenv("VISAVIS_TODAY", "2026-11-23")
    environment.setenv("GRADIO_ANALYTICS_ENABLED", "False")
    for variable in XDG:
        environment.setenv(variable, str(home / variable.removeprefix("XDG_").lower()))


def require(name: str, reason: str) -> NoReturn:
    """Skip for want of `name`, or fail where VISAVIS_REQUIRE lists it."""
    required = os.environ.get("VISAVIS_REQUIRE", "").split(",")
    if name in (entry.strip() for entry in required):
        pytest.fail(f"VISAVIS_REQUIRE names {name}, but {reason}", pytrace=False)
    pytest.skip(reason)


@pytest.fixture(scope="session", autouse=True)
def clean_session(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keep the settings and folders of whoever runs the tests out of session-wide fixtures."""
    with pytest.MonkeyPatch.context() as environment:
        for variable in [name for name in os.environ if name.startswith("VISAVIS_") and name not in KEPT]:
            environment.delenv(variable)
        give_home(environment, tmp_path_factory.mktemp("session-home"))
        yield


@pytest.fixture(autouse=True)
def home(clean_session: None, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home of its own for every test, with the index in it."""
    folder = tmp_path_factory.mktemp("home")
    give_home(monkeypatch, folder)
    return folder


@pytest.fixture(scope="session")
def corpus_dir() -> Path:
    """The folder of the official texts: $VISAVIS_CORPUS, or the copy beside the checkout."""
    folder = Path(os.environ.get("VISAVIS_CORPUS") or CHECKOUT.parent / "shared" / "corpus")
    if not folder.is_dir():
        require("corpus", f"the official texts are not in {folder}; set VISAVIS_CORPUS to their folder.")
    return folder


@pytest.fixture(scope="session")
def chromium() -> Path:
    """Debian's Chromium."""
    found = shutil.which("chromium") or shutil.which("chromium-browser")
    if found is None:
        require("chromium", "no chromium is on the PATH; install Debian's package chromium.")
    return Path(found)


@pytest.fixture(scope="session")
def libreoffice() -> Path:
    """Debian's LibreOffice Writer."""
    found = shutil.which("soffice")
    if found is None:
        require("libreoffice", "no soffice is on the PATH; install Debian's package libreoffice-writer.")
    return Path(found)


@pytest.fixture(scope="session")
def postgresql_programs() -> Path:
    """The folder of Debian's PostgreSQL programs."""
    found = find_postgresql()
    if found is None:
        require("postgresql", "no PostgreSQL server is installed; install Debian's package postgresql.")
    return found


@pytest.fixture(scope="session")
def postgresql_server(postgresql_programs: Path) -> Iterator[PostgresServer]:
    """A PostgreSQL server of this session; a test that stops one takes `running_postgresql` instead."""
    with running_postgresql(postgresql_programs) as server:
        yield server


@pytest.fixture
def postgresql(postgresql_server: PostgresServer) -> str:
    """The address of a new database, `postgresql+pg8000://…`, password included."""
    return postgresql_server.create_database()


@pytest.fixture(scope="session")
def shared_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that all workers of this session share."""
    base = tmp_path_factory.getbasetemp()
    return base.parent if "PYTEST_XDIST_WORKER" in os.environ else base


@contextmanager
def alone(folder: Path, name: str) -> Iterator[Path]:
    """A file that stands for something done once a session; while it is held, the other workers wait."""
    with (folder / f"{name}.lock").open("w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield folder / f"{name}.done"


@pytest.fixture(scope="session")
def model_cache(shared_folder: Path, clean_session: None) -> Path:
    """A cache folder with the embedding graph in it; XDG_CACHE_HOME is set to it where a test embeds."""
    from ingest.embedding import open_embedder

    cache = shared_folder / "model-cache"
    with alone(shared_folder, "model-cache") as done, pytest.MonkeyPatch.context() as environment:
        environment.setenv("XDG_CACHE_HOME", str(cache))
        if not done.exists():
            open_embedder()
            done.touch()
    return cache


@pytest.fixture(scope="session")
def built_index(corpus_dir: Path, shared_folder: Path, model_cache: Path) -> Path:
    """The folder of the official texts' index, built once a session: for VISAVIS_INDEX, and only to be read."""
    folder = shared_folder / "built-index"
    with alone(shared_folder, "built-index") as done:
        if not done.exists():
            ran = run_visavis(
                "ingest",
                "--corpus",
                corpus_dir,
                VISAVIS_INDEX=str(folder),
                XDG_CACHE_HOME=str(model_cache),
                timeout=600,
            )
            assert ran.code == 0, ran.err
            done.touch()
    return folder


@pytest.fixture
def small_corpus(tmp_path: Path) -> SmallCorpus:
    """Invented texts with a manifest of their own, written and not yet ingested."""
    return SmallCorpus(tmp_path / "garden").write()


@pytest.fixture
def embedding(model_cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a test embed without building the graph anew."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(model_cache))


@pytest.fixture(scope="session")
def official_store(built_index: Path, corpus_dir: Path) -> Iterator["Store"]:
    """The index of the official texts, open."""
    from ingest.index import open_current
    from ingest.sources import search_path

    store = open_current(built_index, search_path(corpus_dir).key)
    assert store is not None
    yield store
    store.close()
