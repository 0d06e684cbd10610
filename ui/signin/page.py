"""The pages of sign-in and sign-out, in the reader's language: one script, which forgets, and one sheet of style."""

from collections.abc import Mapping, MutableMapping
from functools import cache
from http import HTTPStatus
from importlib import resources
from typing import Any

from fastapi.responses import HTMLResponse
from jinja2 import Environment, PackageLoader, StrictUndefined

from ui.language import Language, load_wording
from ui.people import Person
from ui.signin.admission import Admission
from ui.signin.origins import values_of
from ui.subpath import prefix_of

POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'self'",
    )
)
LONGEST_ACCEPTED = 500


def language_of(scope: Mapping[str, Any]) -> Language:
    """The first of our languages that the browser asks for, English where it asks for none of them."""
    accepted = ",".join(values_of(scope["headers"], "accept-language"))[:LONGEST_ACCEPTED]
    wishes = [_wish(one) for one in accepted.split(",")]
    ours = [(weight, language) for weight, language in wishes if weight > 0 and language in list(Language)]
    return Language(max(ours, key=lambda one: one[0])[1]) if ours else Language.ENGLISH


def _wish(written: str) -> tuple[float, str]:
    name, _, rest = written.strip().partition(";")
    try:
        weight = float(rest.strip().removeprefix("q=") or 1)
    except ValueError:
        weight = 0.0
    return weight, name.strip().casefold().partition("-")[0]


def sign_in_page(
    admission: Admission,
    scope: MutableMapping[str, Any],
    *,
    status: HTTPStatus = HTTPStatus.OK,
    trouble: str = "",
    onward: str = "/",
    person: Person | None = None,
) -> HTMLResponse:
    """The way in; or who is signed in, or in one line what was in the way and whom to ask."""
    state = "in" if person else "proxy" if admission.provider is None else "enter"
    return _render(admission, scope, status, state=state, trouble=trouble, onward=onward, person=person, ended="")


def refusal_page(admission: Admission, scope: MutableMapping[str, Any], status: HTTPStatus) -> HTMLResponse:
    """Why a page that somebody opened is not shown to them."""
    trouble = {HTTPStatus.FORBIDDEN: "forbidden", HTTPStatus.UNAUTHORIZED: "not_believed"}.get(status, "closed")
    return _render(admission, scope, status, state="refused", trouble=trouble, onward="/", person=None, ended="")


def signed_out_page(admission: Admission, scope: MutableMapping[str, Any], ended: str = "") -> HTMLResponse:
    """That somebody is signed out; it goes on by itself to where the session is `ended` beyond this server too."""
    page = _render(admission, scope, HTTPStatus.OK, state="out", trouble="", onward="/", person=None, ended=ended)
    if ended:
        page.headers["Refresh"] = f"0; url={ended}"
    return page


def person_words(person: Person, language: Language) -> dict[str, str]:
    """What the head of a page says of somebody who is signed in."""
    words = load_wording(language).entry
    said = words["signed_in_as"].format(name=person.name or person.id)
    return {"said": said, "out": words["sign_out"], "over": words["session_over"], "again": words["title"]}


def _render(
    admission: Admission, scope: MutableMapping[str, Any], status: HTTPStatus, **values: object
) -> HTMLResponse:
    wording = load_wording(language_of(scope))
    host = admission.provider.host if admission.provider else ""
    html = (
        _environment()
        .get_template("sign_in.html")
        .render(
            words=wording.entry,
            language=wording.language,
            root=f"{prefix_of(scope)}/",
            host=host,
            contact=admission.contact,
            can_leave=bool(admission.provider or admission.way_out),
            **values,
        )
    )
    headers = {"Content-Security-Policy": POLICY, "Cache-Control": "no-store"}
    return HTMLResponse(html, status, headers=headers)


def static_text(name: str) -> str:
    """A file of the page."""
    return resources.files("ui").joinpath("static", name).read_text(encoding="utf-8")


@cache
def _environment() -> Environment:
    return Environment(
        loader=PackageLoader("ui"), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
