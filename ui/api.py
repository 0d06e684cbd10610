"""The HTTP application: health, the library, the REST API and the page mounted on it, and the server that runs it."""

import os
import socket
import threading
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING

import click
import uvicorn
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.middleware.cors import CORSMiddleware
from fastapi.responses import HTMLResponse, JSONResponse, Response
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ingest.errors import VisavisError
from ui.access import Access
from ui.concordance import concordance_page
from ui.export.asking import MOST_BYTES
from ui.library import Page, library_script, library_style, show_instrument, show_library, show_provision
from ui.pages import PageImages
from ui.passage import find_leaf, show_passage, show_status
from ui.problems import describe_invalid, problem
from ui.reading import ReadingDesk
from ui.rest import create_rest, send_export

if TYPE_CHECKING:
    from assistant.desk import Desk

GRACE_SECONDS = 3
API = "/api/v1"

# Gradio compiles its templates in the browser, writes its settings and styles into the page and loads a worker from a
# blob: hence 'unsafe-inline', 'unsafe-eval' and blob:. No source outside this server is allowed for anything.
CONTENT_SECURITY_POLICY = "; ".join(
    (
        "default-src 'self'",
        "script-src 'self' 'unsafe-inline' 'unsafe-eval'",
        "style-src 'self' 'unsafe-inline'",
        "img-src 'self' data: blob:",
        "font-src 'self' data:",
        "worker-src 'self' blob:",
        "object-src 'none'",
        "base-uri 'self'",
        "form-action 'self'",
        "frame-ancestors 'self'",
    )
)
# The library's pages are ours alone: one sheet and one script from this server, and nothing else.
LIBRARY_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'self'",
    )
)
SECURITY_HEADERS = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "SAMEORIGIN",
    "Referrer-Policy": "no-referrer",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=(), payment=(), usb=(), browsing-topics=()",
    "Cross-Origin-Opener-Policy": "same-origin",
}


class SecurityHeaders:
    """Adds the security headers to every HTTP response, and leaves its body streaming."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on and add the headers to what comes back."""

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                own = headers.get("Content-Security-Policy", CONTENT_SECURITY_POLICY)
                headers.update(SECURITY_HEADERS | {"Content-Security-Policy": own})
            await send(message)

        await self.app(scope, receive, send_with_headers if scope["type"] == "http" else send)


def create_app(
    desk: "Desk", *, allowed_origins: Sequence[str] = (), corpus: Path | None = None, access: Access | None = None
) -> FastAPI:
    """The application over a desk, which it closes at its end; `allowed_origins` may call it from other sites' pages.

    `corpus` is the folder that the texts were looked for in, where one was named: pages of PDF files are drawn from it.
    `access` says who may call the REST API; without it, whoever reaches the port, until the first token is made.

    Its own CORS middleware stands there even when the list is empty: without one, Gradio echoes any origin.
    """
    os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
    from ui.app import mount_page

    reading = ReadingDesk(desk)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        stop = threading.Event()
        warming = threading.Thread(target=reading.reading().warm, args=(stop,), name="references", daemon=True)
        warming.start()
        yield
        stop.set()
        warming.join(timeout=1)
        desk.close()

    app = FastAPI(title="Visavis", docs_url=None, redoc_url=None, openapi_url=None, lifespan=lifespan)
    app.add_middleware(
        CORSMiddleware,
        allow_origins=list(allowed_origins),
        allow_methods=["GET", "POST"],
        allow_headers=["Authorization", "Content-Type"],
    )
    app.add_middleware(SecurityHeaders)
    app.add_exception_handler(VisavisError, _problem)
    app.add_exception_handler(RequestValidationError, _problem)

    @app.get("/healthz")
    def healthz() -> dict[str, str]:
        return {"status": "ok", "corpus": desk.assistant().corpus.id}

    @app.get("/concordance", response_class=HTMLResponse)
    def concordance() -> str:
        return concordance_page(desk.assistant().corpus)

    async def save(request: Request) -> Response:
        return await send_export(desk, request)

    # The page's own way to a file, for a reader who has no token of the API.
    app.router.add_api_route("/save", save, methods=["POST"], response_class=Response, max_body_size=MOST_BYTES)
    _add_library(app, reading, PageImages(corpus))
    app.mount(API, create_rest(desk, access or Access()))
    mount_page(app, desk)
    return app


def _add_library(app: FastAPI, desk: ReadingDesk, images: PageImages) -> None:
    """The library, the passages that the conversation opens, and the pages of PDF files."""

    @app.get("/law", response_class=HTMLResponse)
    def law() -> HTMLResponse:
        return _page(show_library(desk.reading()))

    @app.get("/law/{instrument}", response_class=HTMLResponse)
    def instrument(instrument: str, as_of: str = "", q: str = "") -> HTMLResponse:
        return _page(show_instrument(desk.reading(), instrument, as_of, q.strip()))

    @app.get("/law/{instrument}/{place:path}", response_class=HTMLResponse)
    def provision(instrument: str, place: str, as_of: str = "", compare: str = "") -> HTMLResponse:
        return _page(show_provision(desk.reading(), instrument, place, as_of, compare))

    @app.get("/passage", response_class=HTMLResponse)
    def passage(
        wording: str, place: str, start: int | None = None, end: int | None = None, check: str = "", as_of: str = ""
    ) -> HTMLResponse:
        return _page(show_passage(desk.reading(), wording, place, (start, end), check, as_of))

    @app.get("/passage/status", response_class=HTMLResponse)
    def status(instrument: str, as_of: str = "") -> HTMLResponse:
        return _page(show_status(desk.reading(), instrument, as_of))

    @app.get("/source/{instrument}/{page}.png", response_class=Response)
    def source(
        instrument: str, page: int, wording: str, place: str, start: int | None = None, end: int | None = None
    ) -> Response:
        leaf, words = find_leaf(desk.reading(), instrument, page, wording, place, (start, end))
        png = images.png(leaf, words)
        return Response(png, media_type="image/png", headers={"Cache-Control": "private, max-age=3600"})

    @app.get("/library.css", response_class=Response)
    def style() -> Response:
        return Response(library_style(), media_type="text/css", headers={"Cache-Control": "no-cache"})

    @app.get("/library.js", response_class=Response)
    def script() -> Response:
        return Response(library_script(), media_type="text/javascript", headers={"Cache-Control": "no-cache"})


def _page(page: Page) -> HTMLResponse:
    return HTMLResponse(page.html, page.status, headers={"Content-Security-Policy": LIBRARY_POLICY})


async def _problem(request: Request, error: Exception) -> JSONResponse:
    """What a user can put right."""
    detail = describe_invalid(error) if isinstance(error, RequestValidationError) else str(error)
    return problem(HTTPStatus(422), detail)


class AnnouncingServer(uvicorn.Server):
    """A server that prints a line once it answers."""

    def __init__(self, config: uvicorn.Config, greeting: str) -> None:
        super().__init__(config)
        self.greeting = greeting

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start, and say so."""
        await super().startup(sockets)
        if self.started:
            click.echo(self.greeting)


def run_server(app: FastAPI, listener: socket.socket, greeting: str) -> None:
    """Serve until a signal ends it, answers in flight first; raises VisavisError if it never starts."""
    # No access log: the text of a question is nobody's but the asker's.
    config = uvicorn.Config(
        app, log_level="warning", access_log=False, server_header=False, timeout_graceful_shutdown=GRACE_SECONDS
    )
    server = AnnouncingServer(config, greeting)
    server.run(sockets=[listener])
    if not server.started:
        raise VisavisError("the server could not start; the lines above say why.")
