"""Connections that are not waited for: the head of a request comes whole within a time, or the connection is closed."""

import asyncio
import logging
from typing import Any

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from ui.clients import Client

HEAD_SECONDS = 20.0
KEEP_ALIVE_SECONDS = 30
MOST_CONNECTIONS = 800

log = logging.getLogger("visavis.api")


class HastyProtocol(H11Protocol):
    """HTTP/1.1 as uvicorn speaks it, with an end to waiting for a request line and its headers.

    h11 takes no more than 16 KB of them; httptools, which uvicorn prefers, has no such limit.
    """

    head_seconds = HEAD_SECONDS

    def __init__(self, *arguments: Any, **named: Any) -> None:  # noqa: ANN401 - as its parent's
        super().__init__(*arguments, **named)
        self._ending: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # as its parent's
        """Begin to wait."""
        super().connection_made(transport)
        self._wait()

    def data_received(self, data: bytes) -> None:
        """Wait on where a head is not whole yet, or what is sent was answered already; no longer where it is whole."""
        super().data_received(data)
        if self._is_owed:
            self._wait()
        else:
            self._stop_waiting()

    def connection_lost(self, exc: Exception | None) -> None:
        """Nothing more to wait for."""
        self._stop_waiting()
        super().connection_lost(exc)

    @property
    def _is_owed(self) -> bool:
        return self.conn.their_state is h11.IDLE or self.conn.our_state is h11.DONE

    def _wait(self) -> None:
        if self._ending is None:
            self._ending = self.loop.call_later(self.head_seconds, self._give_up)

    def _stop_waiting(self) -> None:
        if self._ending is not None:
            self._ending.cancel()
            self._ending = None

    def _give_up(self) -> None:
        self._ending = None
        if self._is_owed and not self.transport.is_closing():
            client = Client(self.client[0] if self.client else "")
            log.warning("api: 408 Request Timeout for %s: no whole request came in time", client)
            self.transport.close()
