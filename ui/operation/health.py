"""Whether a server can answer: what `/readyz` says, and why not, in one line that names no path."""

import logging
import threading
import time
from typing import TYPE_CHECKING

from ingest.errors import VisavisError
from ui.places import ENDING, Places
from ui.record.recorder import Recorder

if TYPE_CHECKING:
    from assistant.desk import Desk

TRIED_EVERY = 5.0
READY = "ready"

log = logging.getLogger("visavis.health")


class Health:
    """Looks after the index, the embedding model and the record, at most every few seconds."""

    def __init__(self, desk: "Desk", places: Places, recorder: Recorder) -> None:
        self._desk, self._places, self._recorder = desk, places, recorder
        self._lock = threading.Lock()
        self._tried = -TRIED_EVERY
        self._trouble = ""

    def trouble(self) -> str:
        """Why no question can be answered now, "" where one can."""
        if self._places.is_ending:
            return ENDING
        if self._recorder.is_on and self._recorder.policy.strict and self._recorder.is_away:
            return "the record, without which nothing is shown here, cannot be reached."
        with self._lock:
            if time.monotonic() - self._tried > TRIED_EVERY:
                self._trouble = self._try()
                self._tried = time.monotonic()
            return self._trouble

    def _try(self) -> str:
        try:
            assistant = self._desk.assistant()
            self._desk.check()
        except VisavisError as error:
            log.warning("not ready: %s", error)
            return "the index cannot be searched; the server's log says why."
        try:
            assistant.embedder.embed_query("ready")
        except (VisavisError, RuntimeError, OSError, ValueError) as error:
            log.warning("not ready: the embedding model failed: %s", error)
            return "the embedding model does not work; the server's log says why."
        return ""
