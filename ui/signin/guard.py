"""The guard before the whole application: for each request, which rule its route has, and whether who asks may pass.

The seam, for whoever adds something to the server:

* A new route needs a line in `ui.signin.rules.RULES`: without one, it is closed to everybody (404).
* What stands behind the guard asks `ui.people.person_of(scope)` who is there. Where no sign-in is set up that is
  NOBODY, a reader. The guard alone seats people.
* A further way to know somebody is an `Identifier`: it gets the ASGI scope of a request and gives the Person, or None
  where it knows nobody, or raises `ui.access.Refused` where what was sent is wrong. `Admission.beside` takes them:
  asked in their order, the first Person counts. A session and a proxy's header come before: no page elsewhere that
  brings a token in makes somebody else of who is signed in.
* A rule with a `scope` lets in programs with a token of that scope (`Authorization: Bearer`), seated as `Means.TOKEN`:
  an administrator where the token has the scope admin, else a reader. The guard has then checked the token; whoever
  meters calls does it behind. An `Authorization` that is no token of ours, a proxy's own, says nothing here.
* `scope["client"]`, `scope["scheme"]` and the header Host are the reader's own: X-Forwarded-For, -Proto and -Host are
  followed where a trusted proxy sent them, and taken out of every request (`ui.signin.arrivals`).
* Refusals are problems of RFC 9457; a page that somebody opens in a browser leads to /sign-in instead.
"""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from fastapi.responses import RedirectResponse, Response
from starlette._utils import get_route_path
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ingest.egress import is_this_machine
from ingest.errors import VisavisError
from ui.access import Access, Refused, carries_token, is_foreign
from ui.clients import Client
from ui.people import NOBODY, Means, Person, Role, seat
from ui.problems import problem
from ui.signin.admission import Admission, Identifier
from ui.signin.arrivals import seat_in
from ui.signin.origins import (
    LOOPBACK,
    RawHeaders,
    Seat,
    cookies_of,
    host_name,
    is_same_origin,
    is_within,
    values_of,
    without,
)
from ui.signin.page import refusal_page
from ui.signin.rules import REST, WEBSOCKET, RouteMap, Rule
from ui.signin.sessions import Session
from ui.subpath import prefix_of

if TYPE_CHECKING:
    from fastapi import FastAPI

__all__ = ["Admission", "Guard", "Identifier"]

SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
POLICY_VIOLATION = 1008
NEVER_KEPT = "no-store"
TOOLS = "/mcp"
NOWHERE = "an unknown address"
CLOSED = "there is nothing at this address."

log = logging.getLogger("visavis.sign_in")


@dataclass(frozen=True, slots=True)
class _Passed:
    """A request that may pass: by which rule, who sends it, and in which session."""

    rule: Rule
    person: Person
    session: Session | None = None


class Guard:
    """Lets a request through to the routes of `house`, as their rules and the admission say, or refuses it."""

    def __init__(self, app: ASGIApp, *, house: "FastAPI", admission: Admission, access: Access) -> None:
        self.app = app
        self._house = house
        self._admission = admission
        self._access = access
        self._routes: RouteMap | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on with its person seated, or answer it with a refusal."""
        if scope["type"] not in {"http", "websocket"}:
            await self.app(scope, receive, send)
            return
        method = scope.get("method", WEBSOCKET)
        rule, route = self._map().find(method, get_route_path(scope) or "/")
        place = seat_in(scope)
        try:
            passed = self._examine(scope, rule, place)
        except Refused as refused:
            log.warning("guard: %d %s for %s at %s: %s", *_said(refused, place, route))
            await self._refuse(refused, scope, receive, send)
            return
        except VisavisError as error:
            log.error("guard: 503 Service Unavailable for %s at %s: %s", Client(place.client), route, error)
            later = Refused(HTTPStatus.SERVICE_UNAVAILABLE, "nobody can be let in now; the server's log says why.")
            await self._refuse(later, scope, receive, send)
            return
        inside = {**scope, "headers": without(scope["headers"], self._admission.headers.names)}
        seat(inside, passed.person)
        await self.app(inside, receive, self._sending(passed, send) if scope["type"] == "http" else send)

    def _map(self) -> RouteMap:
        """The routes of the house, found when the first request comes, for then all are there."""
        if self._routes is None:
            self._routes = RouteMap(self._house.routes)
        return self._routes

    def _examine(self, scope: Scope, rule: Rule | None, place: Seat) -> _Passed:
        """Whether a request may pass, and as whose; raises Refused."""
        headers: RawHeaders = scope["headers"]
        self._check_hosts(place)
        if rule is None or rule.closed:
            raise Refused(HTTPStatus.NOT_FOUND, CLOSED)
        session = self._admission.sessions.read(cookies_of(headers)) if self._admission.sessions else None
        person = self._identify(scope, rule, place, session)
        if rule.role is not None:
            self._check_role(rule, rule.role, person, place)
        if scope.get("method", WEBSOCKET) not in SAFE and (person is None or person.means is not Means.TOKEN):
            self._check_origin(scope, place, lenient=person is None or not person.is_signed_in)
        is_own = session is not None and person == session.person
        return _Passed(rule, person or NOBODY, session if is_own else None)

    def _check_hosts(self, place: Seat) -> None:
        """Refuse a name that is not this server's: a page elsewhere may have turned its own name to this address."""
        known = self._admission.hosts
        if known is None:
            return
        for host in {place.asked, place.host} - {""}:
            name = host_name(host)
            if not name or (is_foreign(name) and name not in known and not name.endswith(".localhost")):
                raise Refused(
                    HTTPStatus.MISDIRECTED_REQUEST,
                    "this server does not answer to the name in the header Host; whoever runs it adds the name to "
                    "VISAVIS_SIGN_IN_HOSTS.",
                )

    def _identify(self, scope: Scope, rule: Rule, place: Seat, session: Session | None) -> Person | None:
        """Who sends a request; None for nobody. Raises Refused where what was sent is wrong."""
        headers: RawHeaders = scope["headers"]
        authorizations = values_of(headers, "authorization")
        if rule.scopes and carries_token(authorizations):
            person = self._access.holder(authorizations, place.client, rule.scopes)
            if person is not None:
                return person
        if session is not None:
            return session.person
        try:
            named = self._admission.headers.identify(headers, place.peer, self._admission.roles)
        except Refused:
            # Whom the headers leave in doubt is nobody, which is enough for an open route.
            if rule.role is None:
                return None
            raise
        further = (identify(scope) for identify in self._admission.identifiers)
        return named or next((person for person in further if person is not None), None)

    def _check_role(self, rule: Rule, role: Role, person: Person | None, place: Seat) -> None:
        if person is None and rule.local and _is_local(place):
            return
        if person is None and rule.scopes:
            self._access.holder((), place.client, rule.scopes)
        if person is None and self._admission.is_needed:
            raise Refused(HTTPStatus.UNAUTHORIZED, "this needs somebody who is signed in.")
        if not (person or NOBODY).role.covers(role):
            raise Refused(HTTPStatus.FORBIDDEN, f"this is for the role {role} or above.")

    def _check_origin(self, scope: Scope, place: Seat, *, lenient: bool) -> None:
        """Refuse what a page elsewhere sends; those that may call programs' addresses may send nothing else."""
        called = get_route_path(scope)
        callers = self._admission.callers if called == TOOLS or called.startswith(f"{REST}/") else ()
        if not is_same_origin(scope["headers"], (place.origin, *self._admission.origins, *callers), lenient=lenient):
            raise Refused(HTTPStatus.FORBIDDEN, "this may be sent by a page of this server alone.")

    def _sending(self, passed: _Passed, send: Send) -> Send:
        """Send on, with the session's cookie renewed where it is due, and keep pages of somebody out of caches."""
        sessions = self._admission.sessions

        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                if self._admission.is_needed and passed.rule.role is not None:
                    if _is_page(headers):
                        headers["Cache-Control"] = NEVER_KEPT
                    headers.setdefault("Cache-Control", f"private, {NEVER_KEPT}")
                    headers.add_vary_header("Cookie")
                session = passed.session
                is_used = session is not None and passed.rule.role is not None
                if sessions and session and is_used and sessions.is_due(session) and not sessions.is_spent(session.id):
                    headers.append("Set-Cookie", sessions.set(session))
            await send(message)

        return sending

    async def _refuse(self, refused: Refused, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            await receive()
            await send({"type": "websocket.close", "code": POLICY_VIOLATION})
            return
        await self._refusal(refused, scope)(scope, receive, send)

    def _refusal(self, refused: Refused, scope: Scope) -> Response:
        """A problem for a program; for a page that somebody opens, the way in, or a page that says why not."""
        keep = {"Cache-Control": NEVER_KEPT}
        if not _is_opened(scope) or not self._admission.is_needed or refused.status is HTTPStatus.NOT_FOUND:
            return problem(refused.status, str(refused), {**refused.headers, **keep})
        if refused.status is HTTPStatus.UNAUTHORIZED and not refused.headers:
            query = scope.get("query_string", b"").decode("latin-1")
            onward = quote(f"{get_route_path(scope)}{'?' if query else ''}{query}", safe="")
            return RedirectResponse(f"{prefix_of(scope)}/sign-in?next={onward}", 302, headers=keep)
        return refusal_page(self._admission, scope, refused.status)


def _is_local(place: Seat) -> bool:
    """Whether a request comes from this machine, by one of its own names, and through no proxy."""
    is_named = is_this_machine(host_name(place.asked) or "-")
    return is_named and is_within(place.peer, LOOPBACK) and not place.is_forwarded


def _is_opened(scope: Mapping[str, Any]) -> bool:
    """Whether somebody opens a page in a browser, rather than a script or a program asking for something."""
    modes = values_of(scope["headers"], "sec-fetch-mode")
    accepted = ",".join(values_of(scope["headers"], "accept"))
    return scope["method"] in {"GET", "HEAD"} and (modes == ["navigate"] if modes else "text/html" in accepted)


def _is_page(headers: MutableHeaders) -> bool:
    return headers.get("content-type", "").startswith("text/html")


def _said(refused: Refused, place: Seat, route: str) -> Sequence[object]:
    return refused.status, refused.status.phrase, Client(place.client), route or NOWHERE, refused
