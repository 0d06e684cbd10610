"""Whether a server can answer: what `/readyz` says, and why not, in one line that names no path."""

import logging
import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ingest.errors import VisavisError
from ui.places import ENDING, Places
from ui.record.recorder import Recorder

if TYPE_CHECKING:
    from assistant.desk import Desk

TRIED_EVERY = 5.0  # seconds
A_MOMENT = 1.0  # seconds that whoever asks waits for a look that is under way
TOO_LONG = 5.0  # seconds after which a look that has not ended is an answer too
READY = "ready"
NOT_YET = "the server has not looked at its index yet; ask again in a moment."
NO_END = "the index or the embedding model does not answer; the server's log says why."

log = logging.getLogger("visavis.health")


@dataclass(frozen=True, slots=True)
class _Look:
    """A look at what questions are answered from, under way in a thread of its own."""

    begun: float
    ended: threading.Event = field(default_factory=threading.Event)


class Health:
    """Looks after the index, the embedding model and the record, at most every few seconds.

    Nobody who asks waits for a look longer than a moment: the one before counts, until the new one takes too long.
    """

    def __init__(self, desk: "Desk", places: Places, recorder: Recorder) -> None:
        self._desk, self._places, self._recorder = desk, places, recorder
        self._lock = threading.Lock()
        self._look: _Look | None = None
        self._trouble = NOT_YET

    def trouble(self) -> str:
        """Why no question can be answered now, "" where one can."""
        if self._places.is_ending:
            return ENDING
        if self._recorder.is_on and self._recorder.policy.strict and self._recorder.is_away:
            return "the record, without which nothing is shown here, cannot be reached."
        look = self._looking()
        if look.ended.wait(A_MOMENT) or time.monotonic() - look.begun < TOO_LONG:
            return self._trouble
        return NO_END

    def _looking(self) -> _Look:
        """The look that is under way or was the last one, a new one where that is long ago."""
        with self._lock:
            look = self._look
            if look is None or (look.ended.is_set() and time.monotonic() - look.begun > TRIED_EVERY):
                look = self._look = _Look(time.monotonic())
                threading.Thread(target=self._go, args=(look,), name="health", daemon=True).start()
            return look

    def _go(self, look: _Look) -> None:
        trouble = NO_END
        try:
            trouble = self._try()
        finally:
            self._trouble = trouble
            look.ended.set()

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
