"""Houses with a door: the application over the invented law as each way of signing in admits people to it."""

import asyncio
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from cryptography.fernet import Fernet
from fastapi import FastAPI
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from tests.ui.garden_server import garden_answer
from tests.ui.gardens import garden_corpus
from tests.ui.still import StillAssistant, StillDesk
from ui.access import Access, TokenFile
from ui.api import create_app
from ui.people import Means, Person, Role, person_of
from ui.settings import SignIn
from ui.signin.admission import Admission
from ui.signin.arrivals import Arrivals
from ui.signin.guard import Guard
from ui.signin.sessions import COOKIE, Sessions

KEY = Fernet.generate_key().decode()
SIGNED_IN = Admission(SignIn.OIDC, sessions=Sessions(KEY, secure=False))


def build_house(admission: Admission | None = None, tokens: Path | None = None) -> FastAPI:
    """The application, made where a loop runs: elsewhere Gradio opens loops of its own and never closes them."""

    async def build() -> FastAPI:
        corpus = garden_corpus()
        desk = StillDesk(StillAssistant(corpus, garden_answer(corpus)))
        access = Access(TokenFile(tokens)) if tokens else Access()
        return create_app(desk, access=access, admission=admission)

    return asyncio.run(build())


def somebody(role: Role) -> Person:
    return Person(f"{role}-1", f"Ada {role}", role, Means.OIDC)


def cookie(role: Role, sessions: Sessions | None = None) -> dict[str, str]:
    """The header of a browser in which somebody with a role is signed in."""
    kept = sessions or SIGNED_IN.sessions
    assert kept is not None
    return {"Cookie": kept.set(kept.begin(somebody(role))).partition(";")[0]}


def name_of_cookie(sessions: Sessions) -> str:
    return sessions.name(COOKIE)


def guarded(house: FastAPI, admission: Admission, access: Access) -> ASGIApp:
    """The guard of a house before a room in which everybody learns who they are."""

    async def room(scope: Scope, receive: Receive, send: Send) -> None:
        person = person_of(scope)
        said = f"{person.role} {person.means} {person.id} {person.name}|{scope['scheme']} {scope['client']}"
        kept = [name.decode() for name, _ in scope["headers"]]
        await PlainTextResponse(f"{said}|{' '.join(kept)}")(scope, receive, send)

    return Arrivals(Guard(room, house=house, admission=admission, access=access), trusted=admission.trusted)


def later(sessions: Sessions, seconds: float) -> Sessions:
    """The same sessions, seen from a while later."""
    return Sessions(KEY, sessions.lifetime, secure=sessions.secure, clock=lambda: time.time() + seconds)


def with_sessions(admission: Admission, sessions: Sessions) -> Admission:
    return replace(admission, sessions=sessions)


SAME_ORIGIN: Mapping[str, str] = {"Sec-Fetch-Site": "same-origin"}
OPENED: Mapping[str, str] = {"Sec-Fetch-Mode": "navigate", "Accept": "text/html"}
