"""The addresses of sign-in and sign-out."""

import logging
from collections.abc import Iterable
from http import HTTPStatus
from typing import TYPE_CHECKING

from fastapi import FastAPI, Request
from fastapi.responses import HTMLResponse, JSONResponse, RedirectResponse, Response

from ui.access import Meter, neighbourhood
from ui.clients import Client
from ui.embedding.frames import forget_guest
from ui.language import Language
from ui.people import NOBODY, Means, person_of
from ui.problems import problem
from ui.signin.admission import Admission
from ui.signin.origins import cookies_of, safe_onward, values_of
from ui.signin.page import person_words, sign_in_page, signed_out_page, static_text
from ui.signin.sessions import COOKIE, GOING, Sessions
from ui.signin.trouble import NotSignedIn, Trouble
from ui.subpath import prefix_of

if TYPE_CHECKING:
    from ui.signin.oidc import Provider

CALLBACK = "/sign-in/callback"
SIGNED_OUT = "/signed-out"
TRIES_A_MINUTE = 30
NEVER_KEPT = {"Cache-Control": "no-store"}
FILE = {"Cache-Control": "no-cache"}
STATUSES = {
    Trouble.UNREACHABLE: HTTPStatus.BAD_GATEWAY,
    Trouble.DECLINED: HTTPStatus.FORBIDDEN,
    Trouble.LOST: HTTPStatus.BAD_REQUEST,
    Trouble.NOT_BELIEVED: HTTPStatus.BAD_GATEWAY,
    Trouble.NOT_ADMITTED: HTTPStatus.FORBIDDEN,
}

log = logging.getLogger("visavis.sign_in")


def add_entry(app: FastAPI, admission: Admission) -> None:
    """The way in and the way out, and who is there."""
    _add_files(app)
    _add_way_in(app, admission)
    if admission.provider is not None and admission.sessions is not None:
        _add_provider(app, admission, admission.provider, admission.sessions)
    _add_way_out(app, admission)

    @app.get("/person", response_class=Response)
    def person(request: Request, language: Language = Language.ENGLISH) -> Response:
        somebody = person_of(request.scope)
        if somebody.means not in {Means.PROXY, Means.OIDC}:
            return Response(status_code=HTTPStatus.NO_CONTENT, headers=NEVER_KEPT)
        is_ours = somebody.means is Means.OIDC
        leave = f"{prefix_of(request.scope)}/sign-out" if is_ours else admission.way_out
        said = {"role": somebody.role.value, "leave": leave, "post": is_ours}
        return JSONResponse(person_words(somebody, language) | said, headers=NEVER_KEPT)


def _add_files(app: FastAPI) -> None:
    @app.get("/sign-in.css", response_class=Response)
    def style() -> Response:
        return Response(static_text("sign_in.css"), media_type="text/css", headers=FILE)

    @app.get("/sign-in.js", response_class=Response)
    def script() -> Response:
        return Response(static_text("sign_in.js"), media_type="text/javascript", headers=FILE)

    @app.get("/person.js", response_class=Response)
    def person_script() -> Response:
        return Response(static_text("person.js"), media_type="text/javascript", headers=FILE)


def _add_way_in(app: FastAPI, admission: Admission) -> None:
    @app.get("/sign-in", response_class=HTMLResponse)
    def sign_in(request: Request) -> Response:
        person = person_of(request.scope)
        onward = _onward(request)
        if not admission.is_needed:
            return _go(request, onward)
        return sign_in_page(admission, request.scope, onward=onward, person=None if person == NOBODY else person)


def _add_provider(app: FastAPI, admission: Admission, provider: "Provider", sessions: Sessions) -> None:
    """The way to the provider and back."""
    starts, returns = Meter(TRIES_A_MINUTE), Meter(TRIES_A_MINUTE)

    @app.get("/sign-in/start", response_class=Response)
    async def start(request: Request) -> Response:
        wait = starts.take(neighbourhood(_from(request)))
        if wait:
            return _too_often(request, wait)
        try:
            address, going = await provider.depart(_address(admission, request, CALLBACK), _onward(request))
        except NotSignedIn as error:
            return _not_signed_in(admission, request, error)
        headers = NEVER_KEPT | {"Set-Cookie": sessions.set_going(going)}
        return RedirectResponse(address, HTTPStatus.FOUND, headers=headers)

    @app.get(CALLBACK, response_class=Response)
    async def callback(request: Request) -> Response:
        wait = returns.take(neighbourhood(_from(request)))
        if wait:
            return _too_often(request, wait)
        going = sessions.take_going(cookies_of(request.scope["headers"]), request.query_params.get("state", ""))
        try:
            if going is None:
                raise NotSignedIn(Trouble.LOST, "the state is unknown, old or was used before")
            person = await provider.arrive(request.query_params, going, _address(admission, request, CALLBACK))
        except NotSignedIn as error:
            return _with_cookies(_not_signed_in(admission, request, error), sessions.forget(GOING))
        log.info("sign-in: %s as %s", Client(_from(request)), person.role)
        onward = _go(request, safe_onward(going.onward))
        return _with_cookies(onward, [sessions.set(sessions.begin(person)), *sessions.forget(GOING)])


def _with_cookies(response: Response, cookies: Iterable[str]) -> Response:
    for cookie in cookies:
        response.headers.append("Set-Cookie", cookie)
    return response


def _go(request: Request, onward: str) -> Response:
    """On to a path of ours."""
    return RedirectResponse(f"{prefix_of(request.scope)}{onward}", HTTPStatus.SEE_OTHER, headers=NEVER_KEPT)


def _add_way_out(app: FastAPI, admission: Admission) -> None:
    sessions, provider = admission.sessions, admission.provider

    @app.post("/sign-out", response_class=HTMLResponse)
    async def sign_out(request: Request) -> Response:
        session = sessions.read(cookies_of(request.scope["headers"])) if sessions else None
        if sessions and session:
            sessions.spend(session.id)
        end = await provider.end_address(_address(admission, request, SIGNED_OUT)) if provider else admission.way_out
        page = signed_out_page(admission, request.scope, end)
        ended = sessions.forget(COOKIE, GOING) if sessions else []
        return _with_cookies(page, [*ended, forget_guest(prefix_of(request.scope))])

    @app.get(SIGNED_OUT, response_class=HTMLResponse)
    def signed_out(request: Request) -> Response:
        return signed_out_page(admission, request.scope)


def _not_signed_in(admission: Admission, request: Request, error: NotSignedIn) -> HTMLResponse:
    """One line in the log, and one on the page."""
    status = STATUSES[error.trouble]
    log.warning("sign-in: %d %s for %s: %s", status, error.trouble, Client(_from(request)), error)
    return sign_in_page(admission, request.scope, status=status, trouble=error.trouble)


def _too_often(request: Request, wait: int) -> Response:
    status = HTTPStatus.TOO_MANY_REQUESTS
    log.warning("sign-in: %d %s for %s", status, status.phrase, Client(_from(request)))
    line = f"{TRIES_A_MINUTE} sign-ins a minute from one address are allowed: come again in {wait} seconds."
    return problem(status, line, NEVER_KEPT | {"Retry-After": str(wait)})


def _onward(request: Request) -> str:
    return safe_onward(request.query_params.get("next", "/"))


def _address(admission: Admission, request: Request, path: str) -> str:
    """An address of ours as the reader's browser must know it: the one that is set, or the one that it asked."""
    if admission.address:
        return f"{admission.address}{path}"
    host = "".join(values_of(request.scope["headers"], "host"))
    return f"{request.scope['scheme']}://{host}{prefix_of(request.scope)}{path}"


def _from(request: Request) -> str:
    return request.client.host if request.client else ""
