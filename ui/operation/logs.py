"""The log of a server, plain lines or JSON, one for each request, and the only door to pythonjsonlogger.

No word of a question stands in it. Each request has an id: that of the header X-Request-ID where it is a plain one,
else a new one. It stands in its lines of the log, in the response's header, and in problems.
"""

import logging
import re
import sys
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any
from uuid import uuid4

from starlette._utils import get_route_path
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ui.clients import Shortening, shorten
from ui.operation.tracing import Spans
from ui.people import person_of
from ui.problems import REQUEST
from ui.settings import Addresses, LogFormat, LogLevel

HEADER = "X-Request-ID"
NOTE = "visavis.arrival"
NOWHERE = "an unknown address"
PLAIN = "%(asctime)s %(levelname)s %(name)s: %(message)s"
QUIET = ("/static", "/assets", "/svelte", "/gradio_api/heartbeat", "/healthz", "/readyz", "/metrics")

_GIVEN = re.compile(r"[A-Za-z0-9._-]{1,64}")

log = logging.getLogger("visavis.request")


class _Numbered(logging.Filter):
    """Gives each line the id of its request."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Every line, with the id where there is one."""
        request = REQUEST.get()
        if request:
            record.request = request
        return True


def open_log(form: LogFormat, level: LogLevel | None, addresses: Addresses = Addresses.NETWORK) -> None:
    """Write the program's lines to standard error from now on, with as much of clients' addresses as they may have.

    Without a level, requests too where the lines are JSON.
    """
    out = logging.StreamHandler(sys.stderr)
    out.addFilter(_Numbered())
    out.addFilter(Shortening(addresses))
    if form is LogFormat.JSON:
        from pythonjsonlogger.json import JsonFormatter

        renamed = {"asctime": "time", "levelname": "level", "name": "logger"}
        out.setFormatter(JsonFormatter("%(asctime)s %(levelname)s %(name)s %(message)s", rename_fields=renamed))
    else:
        out.setFormatter(logging.Formatter(PLAIN))
    weight = level or (LogLevel.INFO if form is LogFormat.JSON else LogLevel.WARNING)
    root = logging.getLogger()
    root.handlers[:] = [out]
    root.setLevel(logging.WARNING)
    for name in ("visavis", "assistant", "ingest", "uvicorn.error"):
        logging.getLogger(name).setLevel(weight.upper())


class Arrival:
    """What is known of a request: those further in add to it."""

    def __init__(self, client: str) -> None:
        self.client = client
        self.means = ""


class RequestLog:
    """Numbers each request, and writes and counts how it ended."""

    def __init__(
        self,
        app: ASGIApp,
        *,
        route_of: Callable[[str, str], str],
        addresses: Addresses,
        responded: Callable[[int], None],
        spans: Spans | None = None,
    ) -> None:
        self.app = app
        self._route_of = route_of
        self._addresses = addresses
        self._responded = responded
        self._spans = spans

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, and say what became of it."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        given = Headers(scope=scope).get(HEADER, "")
        number = given if _GIVEN.fullmatch(given) else uuid4().hex
        arrival = Arrival((scope.get("client") or ("",))[0])
        scope[NOTE] = arrival
        status = 0

        async def numbered(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                MutableHeaders(scope=message)[HEADER] = number
            await send(message)

        route = self._route_of(scope["method"], get_route_path(scope) or "/") or NOWHERE
        token = REQUEST.set(number)
        begun = time.perf_counter()
        try:
            with self._traced(scope, route) as ended:
                try:
                    await self.app(scope, receive, numbered)
                finally:
                    ended(status or 500)
        finally:
            self._responded(status or 500)
            self._write(scope["method"], route, status or 500, (time.perf_counter() - begun) * 1000, arrival)
            REQUEST.reset(token)

    def _traced(self, scope: Scope, route: str) -> AbstractContextManager[Callable[[int], None]]:
        if self._spans is None or route.startswith(QUIET):
            return nullcontext(lambda status: None)
        return self._spans.request(scope["method"], route, Headers(scope=scope))

    def _write(self, method: str, route: str, status: int, milliseconds: float, arrival: Arrival) -> None:
        weight = logging.DEBUG if route.startswith(QUIET) else logging.INFO
        if not log.isEnabledFor(weight):
            return
        told: dict[str, Any] = {
            "method": method,
            "route": route,
            "status": status,
            "ms": round(milliseconds),
            "client": shorten(arrival.client, self._addresses),
            "known_by": arrival.means,
        }
        said = {name: value for name, value in told.items() if value != ""}
        log.log(weight, "%s", " ".join(f"{name}={value}" for name, value in said.items()), extra=said)


class Inside:
    """Stands behind the guard: notes who is known there, by which means and from where."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Note it and pass the request on."""
        arrival = scope.get(NOTE)
        if isinstance(arrival, Arrival):
            arrival.client = (scope.get("client") or (arrival.client,))[0]
            arrival.means = person_of(scope).means
        await self.app(scope, receive, send)
