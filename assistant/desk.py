"""The assistant that serves now: taken up anew when another index becomes the current one."""

import threading
from pathlib import Path
from time import monotonic

from assistant.answering import Assistant
from assistant.settings import Settings, load_settings
from ingest import index
from ingest.index import Current, Progress, Store
from ingest.pipeline import open_store
from ingest.sources import search_path

LOOK_EVERY = 2.0


class Desk:
    """Holds the current assistant; answers in flight keep the one that they began with.

    Without `settings` these are read from the environment and the user's file.
    """

    def __init__(
        self,
        corpus: Path | None = None,
        *,
        settings: Settings | None = None,
        build: bool = True,
        progress: Progress | None = None,
    ) -> None:
        self.settings = load_settings() if settings is None else settings
        self._root = index.index_root()
        self._key = search_path(corpus).key
        self._lock = threading.Lock()
        self._assistant = Assistant.of(open_store(corpus, build=build, progress=progress), self.settings)
        self._current = index.read_current(self._root, self._key)
        self._looked = monotonic()
        self._is_tidy = True

    def assistant(self) -> Assistant:
        """The assistant on the index that is current, at most LOOK_EVERY seconds late."""
        if monotonic() - self._looked > LOOK_EVERY:
            with self._lock:
                self._look()
        return self._assistant

    def _look(self) -> None:
        self._looked = monotonic()
        current: Current | None = index.read_current(self._root, self._key)
        if current is not None and current != self._current:
            self._assistant = Assistant.of(Store.open(self._root / current.folder, current.missing), self.settings)
            self._current = current
            self._is_tidy = False
        if not self._is_tidy:
            self._is_tidy = index.tidy(self._root)

    def close(self) -> None:
        """Let go of the index."""
        self._assistant.store.close()
