"""Standing in another site's page: who may frame ours, the script that places the frame, the way in with a token."""

import asyncio
import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from importlib import resources
from typing import Any

from fastapi import FastAPI, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import HTMLResponse, Response
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from assistant.errors import SettingsError
from ui.access import Meter, Refused, neighbourhood
from ui.clients import Client
from ui.embedding.tokens import LONGEST_TOKEN, SESSION_SECONDS, TokenEntrance, read_embed_key
from ui.language import page_words
from ui.people import Person
from ui.problems import problem
from ui.settings import ServeSettings
from ui.signin.origins import cookies_of
from ui.subpath import SubPath, prefix_of

SCRIPT = "/embed.js"
ENTRY = "/embed"
ENTRY_SCRIPT = "/embed/entry.js"
SESSION = "/embed/session"
COOKIE = "__Secure-visavis-embed"
BODY_SECONDS = 10
TRIES_A_MINUTE = 30
WORDS = ("embed_title", "embed_open", "embed_failed")
OWN = "frame-ancestors 'self'"
ENTRY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    f"base-uri 'none'; form-action 'none'; {OWN}"
)

log = logging.getLogger("visavis.embed")


@dataclass(frozen=True, slots=True)
class Embedding:
    """Where the pages stand: under which path, in whose frames, and the way in with a token, if there is one."""

    prefix: str = ""
    origins: tuple[str, ...] = ()
    entrance: TokenEntrance | None = None

    def identify(self, scope: Mapping[str, Any]) -> Person | None:
        """Who has come in with a token; None where nobody has, or the session is over."""
        if self.entrance is None:
            return None
        guest = self.entrance.guest(cookies_of(scope["headers"]).get(COOKIE, ""))
        return guest.person() if guest else None


def open_embedding(settings: ServeSettings) -> Embedding:
    """What the settings say; raises SettingsError where the key cannot be read, or nobody could use it."""
    origins, path = settings.embed_origins, settings.embed_key_file
    if path is None:
        return Embedding(settings.root_path, origins)
    if not origins:
        raise SettingsError(
            "VISAVIS_EMBED_KEY_FILE is set and VISAVIS_EMBED_ORIGINS is not; name the sites that embed."
        )
    return Embedding(settings.root_path, origins, TokenEntrance(read_embed_key(path), origins))


class Frames:
    """Lets the origins listed frame what may be framed at all, and load the script that places the frame."""

    def __init__(self, app: ASGIApp, origins: Sequence[str]) -> None:
        self.app = app
        self.ancestors = " ".join((OWN, *origins))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on; where the policy says `frame-ancestors 'self'`, the origins stand beside it."""

        async def send_with_ancestors(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                policy = headers.get("Content-Security-Policy", "")
                if OWN in policy:
                    headers["Content-Security-Policy"] = policy.replace(OWN, self.ancestors)
                    # It knows no list, and browsers that know the policy pay no heed to it.
                    del headers["X-Frame-Options"]
                if scope["path"].endswith(SCRIPT):
                    headers["Cross-Origin-Resource-Policy"] = "cross-origin"
            await send(message)

        await self.app(scope, receive, send_with_ancestors if scope["type"] == "http" else send)


def add_embedding(app: FastAPI, embedding: Embedding) -> None:
    """The script for other sites' pages, and the page that a token leads through."""

    @app.get(SCRIPT, response_class=Response)
    def script() -> Response:
        headers = {"Cache-Control": "public, max-age=600"}
        return Response(_script(), media_type="text/javascript", headers=headers)

    @app.get(ENTRY, response_class=HTMLResponse)
    def entry() -> HTMLResponse:
        headers = {"Content-Security-Policy": ENTRY_POLICY, "Cache-Control": "no-store"}
        return HTMLResponse(_static("embed.html"), headers=headers)

    @app.get(ENTRY_SCRIPT, response_class=Response)
    def entry_script() -> Response:
        return Response(_static("entry.js"), media_type="text/javascript", headers={"Cache-Control": "no-cache"})

    tries = Meter(TRIES_A_MINUTE)

    @app.post(SESSION, response_class=Response)
    async def session(request: Request) -> Response:
        address = request.client.host if request.client else ""
        try:
            return await _open_session(request, embedding.entrance)
        except Refused as error:
            wait = tries.take(neighbourhood(address))
            refused = _too_often(wait) if wait else error
            log.warning("embed: %d %s for %s", refused.status, refused.status.phrase, Client(address))
            return problem(refused.status, str(refused), refused.headers)


def place(app: FastAPI, embedding: Embedding) -> None:
    """Put the application where it stands: called last, for this goes around whatever else stands around it."""
    if embedding.origins:
        app.add_middleware(Frames, origins=embedding.origins)
    if embedding.prefix:
        app.add_middleware(SubPath, prefix=embedding.prefix)


async def _open_session(request: Request, entrance: TokenEntrance | None) -> Response:
    """The session's cookie for the token that the body is; raises Refused."""
    if entrance is None:
        raise Refused(HTTPStatus.NOT_FOUND, "this server takes no embed tokens; VISAVIS_EMBED_KEY_FILE is not set.")
    made = await run_in_threadpool(entrance.redeem, await _read_token(request))
    # Partitioned: kept apart for each site that embeds, and so not a third-party cookie that browsers block.
    cookie = (
        f"{COOKIE}={made}; Path={prefix_of(request.scope)}/; Max-Age={SESSION_SECONDS}; "
        "HttpOnly; Secure; SameSite=None; Partitioned"
    )
    return Response(status_code=HTTPStatus.NO_CONTENT, headers={"Set-Cookie": cookie, "Cache-Control": "no-store"})


def forget_guest(prefix: str) -> str:
    """The `Set-Cookie` that ends a session here which a token opened."""
    return f"{COOKIE}=; Path={prefix}/; Max-Age=0; HttpOnly; Secure; SameSite=None; Partitioned"


def _too_often(wait: int) -> Refused:
    return Refused(HTTPStatus.TOO_MANY_REQUESTS, f"come again in {wait} seconds.", Retry_After=str(wait))


async def _read_token(request: Request) -> str:
    """The body, no longer than a token may be."""
    body = b""
    try:
        async with asyncio.timeout(BODY_SECONDS):
            async for piece in request.stream():
                body += piece
                if len(body) > LONGEST_TOKEN:
                    break
    except TimeoutError:
        raise Refused(HTTPStatus.REQUEST_TIMEOUT, "the token came too slowly.", Connection="close") from None
    return body.decode("ascii", "replace")


def _script() -> str:
    """The script for other sites, with the words that it says."""
    said = {language: {key: words[key] for key in WORDS} for language, words in page_words().items()}
    return _static("embed.js").replace('"$WORDS"', json.dumps(said, ensure_ascii=False))


def _static(name: str) -> str:
    return resources.files("ui").joinpath("static", name).read_text(encoding="utf-8")
