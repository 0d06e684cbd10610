"""The HTTP application: health, the library, the REST API and the page mounted on it, and the server that runs it."""

import logging
import os
import socket
import threading
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING

import click
import uvicorn
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.middleware.cors import CORSMiddleware
from fastapi.responses import HTMLResponse, JSONResponse, Response

from ingest.errors import VisavisError
from ui.access import Access
from ui.concordance import concordance_page
from ui.embedding.frames import Embedding, add_embedding, place
from ui.export.asking import MOST_BYTES
from ui.headers import LIBRARY_POLICY, SecurityHeaders, still_policy
from ui.language import read_language
from ui.library import Page, library_script, library_style, show_instrument, show_library, show_provision
from ui.operation.memory import follow
from ui.operation.watch import Operation, add_inside, add_operation
from ui.pages import PageImages
from ui.passage import find_leaf, show_passage, show_status
from ui.places import GRACE, Places
from ui.problems import describe_invalid, problem
from ui.reading import ReadingDesk
from ui.record.recorder import Recorder
from ui.rest import SLACK, BodyLimit, create_rest, send_export
from ui.signin.admission import Admission
from ui.signin.arrivals import Arrivals
from ui.signin.entry import add_entry
from ui.signin.guard import Guard
from ui.tools import ToolDoor, add_tools
from ui.waiting import KEEP_ALIVE_SECONDS, MOST_CONNECTIONS, HastyProtocol

if TYPE_CHECKING:
    from assistant.desk import Desk

log = logging.getLogger("visavis.server")

GRACE_SECONDS = 3
BODY_SECONDS = 60.0
API = "/api/v1"
GRADIO_SETTINGS = {
    "GRADIO_ANALYTICS_ENABLED": "False",
    # It tabulates its last 10,000 events after each one, analytics or not: more work and memory with each question.
    "GRADIO_ANALYTICS_MAX_EVENTS": "1",
    "GRADIO_ANALYTICS_CACHE_FREQUENCY": str(10**12),
}


def create_app(
    desk: "Desk",
    *,
    allowed_origins: Sequence[str] = (),
    corpus: Path | None = None,
    access: Access | None = None,
    embedding: Embedding | None = None,
    recorder: Recorder | None = None,
    admission: Admission | None = None,
    operation: Operation | None = None,
) -> FastAPI:
    """The application over a desk, which it closes at its end; `allowed_origins` may call it from other sites' pages.

    `corpus` is the folder that the texts were looked for in, where one was named: pages of PDF files are drawn from it.
    `access` says who may call the REST API; without it, whoever reaches the port, until the first token is made.
    `recorder` enters what is answered and said of it, and is closed at the end; without it nothing is recorded.
    `admission` says how somebody signs in; without it nobody has to, and whoever reaches the port is a reader.
    `operation` says what its operator sees of it, and where its traces go.
    `embedding` says under which path the application stands, and in whose frames: at the root, and in its own alone.

    Its own CORS middleware stands there even when the list is empty: without one, Gradio echoes any origin.
    """
    os.environ |= GRADIO_SETTINGS
    from ui.app import mount_page

    reading = ReadingDesk(desk)
    access = access or Access()
    record = recorder or Recorder(None)
    admission = admission or Admission()
    tools = ToolDoor(desk, access, (*allowed_origins, *admission.origins), record)
    stands = embedding or Embedding()
    shown = operation or Operation()
    lifespan = _lifespan(desk, reading, tools, (record, shown))
    app = FastAPI(title="Visavis", docs_url=None, redoc_url=None, openapi_url=None, lifespan=lifespan)
    entry = admission.beside((stands.identify,), allowed_origins)
    if entry.is_needed:
        access.require()
    _surround(app, entry, access, allowed_origins)
    _add_pages(app, desk, record)
    _add_library(app, reading, PageImages(corpus))
    app.mount(API, create_rest(desk, access, record))
    add_tools(app, tools)
    add_embedding(app, stands)
    add_entry(app, entry)
    add_operation(app, desk, access.places, record, shown)
    app.state.places = access.places
    mount_page(app, desk, stands.origins, record, access.places)
    place(app, stands)
    return app


def _lifespan(
    desk: "Desk", reading: ReadingDesk, tools: ToolDoor, beside: Sequence[Recorder | Operation]
) -> Callable[[FastAPI], AbstractAsyncContextManager[None]]:
    """What goes on while the application runs; at its end the desk is closed, and then what stands beside it."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        stop = threading.Event()
        warming = threading.Thread(target=reading.reading().warm, args=(stop,), name="references", daemon=True)
        warming.start()
        following = threading.Thread(target=follow, args=(desk, stop), name="index", daemon=True)
        following.start()
        try:
            async with tools.open():
                yield
        finally:
            stop.set()
            warming.join(timeout=1)
            following.join(timeout=1)
            desk.close()
            for one in beside:
                one.close()

    return lifespan


def _surround(app: FastAPI, entry: Admission, access: Access, allowed_origins: Sequence[str]) -> None:
    """What each request passes before it reaches a route, the innermost first, and how errors are told."""
    add_inside(app)
    app.add_middleware(Guard, house=app, admission=entry, access=access)
    app.add_middleware(
        CORSMiddleware,
        allow_origins=list(allowed_origins),
        allow_methods=["GET", "POST"],
        allow_headers=["Authorization", "Content-Type"],
    )
    app.add_middleware(BodyLimit, most=MOST_BYTES + SLACK, seconds=BODY_SECONDS)
    app.add_middleware(SecurityHeaders)
    app.add_middleware(Arrivals, trusted=entry.trusted)
    app.add_exception_handler(VisavisError, _problem)
    app.add_exception_handler(RequestValidationError, _problem)


def _add_pages(app: FastAPI, desk: "Desk", record: Recorder) -> None:
    """Whether the server is alive, the concordance, and the page's own way to a file."""

    @app.get("/healthz")
    def healthz() -> dict[str, str]:
        return {"status": "ok", "corpus": desk.assistant().corpus.id}

    @app.get("/concordance", response_class=HTMLResponse)
    def concordance(lang: str = "") -> HTMLResponse:
        page = concordance_page(desk.assistant().corpus, read_language(lang))
        return HTMLResponse(page, headers={"Content-Security-Policy": still_policy(page)})

    async def save(request: Request) -> Response:
        return await send_export(desk, request, record)

    # For a reader who has no token of the API.
    app.router.add_api_route("/save", save, methods=["POST"], response_class=Response, max_body_size=MOST_BYTES)


def _add_library(app: FastAPI, desk: ReadingDesk, images: PageImages) -> None:
    """The library, the passages that the conversation opens, and the pages of PDF files."""

    @app.get("/law", response_class=HTMLResponse)
    def law(lang: str = "") -> HTMLResponse:
        return _page(show_library(desk.reading(), read_language(lang)))

    @app.get("/law/{instrument}", response_class=HTMLResponse)
    def instrument(instrument: str, as_of: str = "", q: str = "", lang: str = "") -> HTMLResponse:
        return _page(show_instrument(desk.reading(), instrument, as_of, q.strip(), read_language(lang)))

    @app.get("/law/{instrument}/{place:path}", response_class=HTMLResponse)
    def provision(instrument: str, place: str, as_of: str = "", compare: str = "", lang: str = "") -> HTMLResponse:
        return _page(show_provision(desk.reading(), instrument, place, as_of, compare, read_language(lang)))

    @app.get("/passage", response_class=HTMLResponse)
    def passage(
        wording: str,
        place: str,
        start: int | None = None,
        end: int | None = None,
        check: str = "",
        as_of: str = "",
        lang: str = "",
    ) -> HTMLResponse:
        span = (start, end)
        return _page(show_passage(desk.reading(), wording, place, span, check, as_of, read_language(lang)))

    @app.get("/passage/status", response_class=HTMLResponse)
    def status(instrument: str, as_of: str = "", lang: str = "") -> HTMLResponse:
        return _page(show_status(desk.reading(), instrument, as_of, read_language(lang)))

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

    def __init__(self, config: uvicorn.Config, greeting: str, places: Places, grace: float) -> None:
        super().__init__(config)
        self.greeting = greeting
        self.places = places
        self.grace = grace

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start, and say so."""
        await super().startup(sockets)
        if self.started:
            click.echo(self.greeting)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Answer what is being asked, and refuse what comes then; a second signal ends the waiting."""
        if not await self.places.end(self.grace, lambda: self.force_exit):
            log.warning("server: it ends with %d questions unanswered", self.places.taken + self.places.waiting)
        await super().shutdown(sockets)


def run_server(app: FastAPI, listener: socket.socket, greeting: str, grace: float = GRACE) -> None:
    """Serve until a signal ends it; answers under way then have `grace` seconds. Raises VisavisError if it cannot."""
    # No access log: the text of a question is nobody's but the asker's.
    config = uvicorn.Config(
        app,
        http=HastyProtocol,
        ws="none",
        limit_concurrency=MOST_CONNECTIONS,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        log_level="warning",
        access_log=False,
        log_config=None,
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=GRACE_SECONDS,
    )
    server = AnnouncingServer(config, greeting, app.state.places, grace)
    server.run(sockets=[listener])
    if not server.started:
        raise VisavisError("the server could not start; the lines above say why.")
