"""Where requests come from, settled before all else: what trusted proxies forwarded counts, the rest is dropped."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from starlette.types import ASGIApp, Receive, Scope, Send

from ui.signin.origins import FORWARDED, Network, Seat, seat_of, without

KEY = "visavis.seat"


class Arrivals:
    """Puts the reader's own address, scheme and host into each request, where a trusted proxy says them."""

    def __init__(self, app: ASGIApp, *, trusted: Sequence[Network]) -> None:
        self.app = app
        self._trusted = trusted

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on as its reader sent it."""
        if scope["type"] in {"http", "websocket"}:
            scope = self._settle(scope)
        await self.app(scope, receive, send)

    def _settle(self, scope: Scope) -> Scope:
        seat = seat_of(scope, self._trusted)
        headers = without(scope["headers"], FORWARDED)
        if len(headers) < len(scope["headers"]):
            seat = replace(seat, is_forwarded=True)
        if seat.is_proxied and seat.host:
            headers = [*without(headers, frozenset({b"host"})), (b"host", seat.host.encode("latin-1", "replace"))]
        scheme = {"http": "ws", "https": "wss"}[seat.scheme] if scope["type"] == "websocket" else seat.scheme
        port = 0 if seat.client != seat.peer else (scope.get("client") or ("", 0))[1]
        client = (seat.client, port) if scope.get("client") else None
        return {**scope, KEY: seat, "headers": headers, "scheme": scheme, "client": client}


def seat_in(scope: Mapping[str, Any]) -> Seat:
    """Where a request is at home, as it was settled when it arrived."""
    seat = scope[KEY]
    assert isinstance(seat, Seat)
    return seat
