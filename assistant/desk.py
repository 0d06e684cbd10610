"""The assistant that serves now: taken up anew when another index becomes the current one."""

import logging
import threading
from pathlib import Path
from time import monotonic

from assistant.answering import Assistant
from assistant.settings import Settings, load_settings
from ingest import index
from ingest.errors import StoreMissing, VisavisError
from ingest.index import Current, Progress, Store
from ingest.pipeline import open_store
from ingest.sources import search_path

LOOK_EVERY = 2.0
TRY_AGAIN = 30.0  # seconds after which an index that could not be opened is tried again

log = logging.getLogger(__name__)


class Desk:
    """Holds the current assistant; answers in flight keep the one that they began with.

    Another index is opened beside the one that serves, which goes on answering until the other is ready, and after it
    where the other cannot be opened. Without `settings` these are read from the environment and the user's file.
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
        self._looking = threading.Lock()
        store = open_store(corpus, build=build, progress=progress)
        self._assistant = Assistant.of(store, self.settings)
        self._current = Current(store.folder.name, store.corpus.missing)
        self._next_look = monotonic() + LOOK_EVERY
        self._opening: threading.Thread | None = None
        self._is_tidy = True

    def assistant(self) -> Assistant:
        """The assistant on the index that is current, late by LOOK_EVERY seconds at most and the time to open it."""
        if monotonic() > self._next_look and self._looking.acquire(blocking=False):
            try:
                self._look()
            finally:
                self._looking.release()
        return self._assistant

    def check(self) -> None:
        """Raise StoreAway where no question can be answered now."""
        self._assistant.store.check()

    def _look(self) -> None:
        self._next_look = monotonic() + LOOK_EVERY
        if self._opening is not None and self._opening.is_alive():
            return
        current = index.read_current(self._root, self._key)
        if current is not None and current != self._current:
            self._opening = threading.Thread(target=self._open, args=(current,), name="next index", daemon=True)
            self._opening.start()
        elif not self._is_tidy:
            self._is_tidy = index.tidy(self._root)

    def _open(self, current: Current) -> None:
        """Take up another index; one that cannot be opened is left for later."""
        try:
            opened = Store.open(self._root / current.folder, current.missing)
            self._assistant = Assistant.of(opened, self.settings)
        except StoreMissing:
            return  # another one was switched to since, and this one swept away
        except VisavisError as error:
            self._next_look = monotonic() + TRY_AGAIN
            log.warning("the index that was built last cannot be opened, and the one before it serves on: %s", error)
        else:
            self._current = current
            self._is_tidy = False

    def close(self) -> None:
        """Let go of the index."""
        if self._opening is not None:
            self._opening.join()
        self._assistant.store.close()
