"""The places of a server: how many questions are answered at once, how many may wait, and what those over it are told.

One room for the chat, the REST API and the MCP endpoint, whose questions all need the same processor. A line that is
short is what keeps the answers quick that are given; who does not get into it is told at once when to come again.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Generator
from contextlib import asynccontextmanager, suppress
from http import HTTPStatus
from math import ceil
from typing import TypeVar

from ui.refused import Refused

Shown = TypeVar("Shown")

FULL = "too many questions are being asked at the moment; ask again in a little while."
ENDING = "the server is about to stop and takes no more questions; ask again in a little while."
AT_ONCE = 4
WAITING = 24
PATIENCE = 20.0
GRACE = 20.0
LONGEST_RETRY = 60
WEIGHT = 0.1  # of the newest in the mean of the seconds that a place is held
FIRST_GUESS = 0.2
LOOK_EVERY = 0.05


class Places:
    """`at_once` places for questions under way, a line of `waiting` for them, and `patience` seconds in it."""

    def __init__(
        self, at_once: int, waiting: int, patience: float, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.at_once = at_once
        self.most_waiting = waiting
        self.patience = patience
        self.taken = 0
        self.waiting = 0
        self.refused = 0
        self.is_ending = False
        self._free = asyncio.Semaphore(at_once)
        self._held_for = FIRST_GUESS
        self._clock = clock

    @asynccontextmanager
    async def place(self) -> AsyncIterator[None]:
        """A place, when one comes free; raises Refused where the line is full, takes too long, or the server ends."""
        if self.is_ending:
            raise Refused(HTTPStatus.SERVICE_UNAVAILABLE, ENDING, Retry_After="10", Connection="close")
        if self._free.locked() and self.waiting >= self.most_waiting:
            raise self._full()
        await self._wait()
        self.taken += 1
        begun = self._clock()
        try:
            yield
        finally:
            self._held_for += WEIGHT * (self._clock() - begun - self._held_for)
            self.taken -= 1
            self._free.release()

    async def _wait(self) -> None:
        self.waiting += 1
        try:
            async with asyncio.timeout(self.patience):
                await self._free.acquire()
        except TimeoutError:
            raise self._full() from None
        finally:
            self.waiting -= 1

    def _full(self) -> Refused:
        self.refused += 1
        return Refused(HTTPStatus.TOO_MANY_REQUESTS, FULL, Retry_After=str(self.seconds_to_wait()))

    def seconds_to_wait(self) -> int:
        """When to come again: once those in the line have had their turn, by how long each took of late."""
        ahead = self.taken + self.waiting
        return min(max(1, ceil(ahead * self._held_for / max(self.at_once, 1))), LONGEST_RETRY)

    async def end(self, seconds: float, is_urgent: Callable[[], bool] = lambda: False) -> bool:
        """Take no more questions and wait for those under way; gives whether all were answered in so many seconds."""
        self.is_ending = True
        until = self._clock() + seconds
        while self.taken or self.waiting:
            if self._clock() > until or is_urgent():
                return False
            await asyncio.sleep(LOOK_EVERY)
        return True


def any_place() -> Places:
    """Places for a page that shares them with nobody."""
    return Places(AT_ONCE, WAITING, PATIENCE)


async def show_in_place(
    places: Places, begin: Callable[[], Generator[Shown, None, None]], refused: Callable[[Refused], Shown]
) -> AsyncIterator[Shown]:
    """What a generator gives, run in threads while it holds a place; what `refused` makes of it where it gets none."""
    from anyio import to_thread

    try:
        async with places.place():
            states = begin()
            try:
                while (shown := await to_thread.run_sync(next, states, None)) is not None:
                    yield shown
            finally:
                with suppress(ValueError):  # a thread is in it still, and closes it when it comes out
                    await to_thread.run_sync(states.close)
    except Refused as error:
        yield refused(error)
