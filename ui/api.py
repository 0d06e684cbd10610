"""The HTTP application: health, one question to one record, the page mounted on it, and the server that runs it."""

import os
import socket
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import date
from typing import TYPE_CHECKING

import click
import uvicorn
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.middleware.cors import CORSMiddleware
from fastapi.responses import HTMLResponse, JSONResponse
from pydantic import BaseModel, ConfigDict
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from assistant.answer import Record
from assistant.question import Question
from ingest.clock import today
from ingest.errors import VisavisError
from ui.concordance import concordance_page

if TYPE_CHECKING:
    from assistant.desk import Desk

GRACE_SECONDS = 3

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
                MutableHeaders(scope=message).update(SECURITY_HEADERS)
            await send(message)

        await self.app(scope, receive, send_with_headers if scope["type"] == "http" else send)


class Asked(BaseModel):
    """A question over HTTP: the earlier user turns oldest first, and the day of the law, today when left out."""

    model_config = ConfigDict(extra="forbid")

    question: str
    history: tuple[str, ...] = ()
    as_of: date | None = None


def create_app(desk: "Desk", *, allowed_origins: Sequence[str] = ()) -> FastAPI:
    """The application over a desk, which it closes at its end; `allowed_origins` may call it from other sites' pages.

    Its own CORS middleware stands there even when the list is empty: without one, Gradio echoes any origin.
    """
    os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
    from ui.app import mount_page

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        yield
        desk.close()

    app = FastAPI(title="Visavis", docs_url=None, redoc_url=None, openapi_url=None, lifespan=lifespan)
    app.add_middleware(CORSMiddleware, allow_origins=list(allowed_origins), allow_methods=["GET", "POST"])
    app.add_middleware(SecurityHeaders)
    app.add_exception_handler(VisavisError, _problem)
    app.add_exception_handler(RequestValidationError, _problem)

    @app.get("/healthz")
    def healthz() -> dict[str, str]:
        return {"status": "ok", "corpus": desk.assistant().corpus.id}

    @app.post("/api/v1/ask")
    def ask(asked: Asked) -> Record:
        question = Question(asked.question, asked.history, asked.as_of or today())
        return desk.assistant().ask(question).record()

    @app.get("/concordance", response_class=HTMLResponse)
    def concordance() -> str:
        return concordance_page(desk.assistant().corpus)

    mount_page(app, desk)
    return app


async def _problem(request: Request, error: Exception) -> JSONResponse:
    """What a user can put right, in the form of RFC 9457."""
    detail = _invalid(error) if isinstance(error, RequestValidationError) else str(error)
    problem = {"type": "about:blank", "title": "The question cannot be answered", "status": 422, "detail": detail}
    return JSONResponse(problem, status_code=422, media_type="application/problem+json")


def _invalid(error: RequestValidationError) -> str:
    """Each wrong field and what is wrong with it, in one line; what was typed is not repeated."""
    wrong = (f"{'.'.join(str(step) for step in one['loc'][1:]) or 'the body'}: {one['msg']}" for one in error.errors())
    return f"{'; '.join(wrong)}."


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
