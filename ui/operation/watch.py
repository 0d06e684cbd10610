"""What an operator sees of a running server: readiness, metrics, and a line in the log for each request."""

from dataclasses import dataclass
from http import HTTPStatus
from importlib.metadata import version
from typing import TYPE_CHECKING

from fastapi import FastAPI
from fastapi.responses import PlainTextResponse, Response

from assistant.answer import Answer
from ui.operation.health import READY, Health
from ui.operation.logs import Inside, RequestLog, open_log
from ui.operation.metrics import Metrics
from ui.operation.tracing import Spans, open_spans
from ui.places import Places
from ui.record.entry import Channel
from ui.record.recorder import Recorder
from ui.settings import Addresses, ServeSettings
from ui.signin.rules import RouteMap

if TYPE_CHECKING:
    from assistant.desk import Desk


@dataclass(frozen=True, slots=True)
class Operation:
    """How a server shows itself to its operator: how much of an address it logs, and where its traces go."""

    addresses: Addresses = Addresses.NETWORK
    spans: Spans | None = None

    def close(self) -> None:
        """Send what is left of the traces."""
        if self.spans is not None:
            self.spans.close()


def open_operation(settings: ServeSettings) -> Operation:
    """What the settings ask for, its log opened; raises SettingsError."""
    open_log(settings.log_format, settings.log_level, settings.log_addresses)
    endpoint = settings.trace_endpoint
    return Operation(settings.log_addresses, open_spans(endpoint, version("visavis")) if endpoint else None)


def add_operation(app: FastAPI, desk: "Desk", places: Places, recorder: Recorder, operation: Operation) -> None:
    """The routes `/readyz` and `/metrics`, and the outermost layer of the application, which numbers requests."""
    metrics = Metrics(desk, places, recorder, version("visavis"))
    spans = operation.spans
    health = Health(desk, places, recorder)

    def counting(channel: Channel, answer: Answer, milliseconds: float) -> None:
        metrics.answered(channel, answer, milliseconds)
        if spans is not None:
            spans.answered(channel, answer, milliseconds)

    recorder.counting = counting
    routes: list[RouteMap] = []

    def route_of(method: str, path: str) -> str:
        if not routes:
            routes.append(RouteMap(app.routes))
        return routes[0].find(method, path)[1]

    app.add_middleware(
        RequestLog, route_of=route_of, addresses=operation.addresses, responded=metrics.responded, spans=spans
    )

    @app.get("/readyz", response_class=PlainTextResponse)
    def readyz() -> PlainTextResponse:
        trouble = health.trouble()
        status = HTTPStatus.SERVICE_UNAVAILABLE if trouble else HTTPStatus.OK
        return PlainTextResponse(f"{trouble or READY}\n", status, headers={"Cache-Control": "no-store"})

    @app.get("/metrics", response_class=Response)
    def counted() -> Response:
        content, media_type = metrics.text()
        return Response(content, media_type=media_type, headers={"Cache-Control": "no-store"})


def add_inside(app: FastAPI) -> None:
    """The innermost layer, behind the guard: to be added before it."""
    app.add_middleware(Inside)
