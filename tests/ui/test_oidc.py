"""Sign-in by OpenID Connect, against a provider on this machine that is made to lie."""

import re
import socket
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from httpx2 import Response
from joserfc.jwk import RSAKey

from ingest import egress
from tests.ui.houses import KEY, OPENED, SAME_ORIGIN, build_house
from tests.ui.provider import (
    CLIENT,
    SECRET,
    TestProvider,
    running_provider,
    signed_by_another,
    signed_by_nobody,
    signed_well,
    signed_with_the_public_key,
    tampered,
)
from ui.egress import configured_hosts
from ui.people import Role
from ui.settings import SignIn
from ui.signin.admission import Admission
from ui.signin.oidc import Client, Provider
from ui.signin.roles import Roles
from ui.signin.sessions import Sessions

HERE = "http://127.0.0.1:7860"
ROLES = Roles(editors=frozenset({"editors"}), administrators=frozenset({"Law society: IT"}))


@pytest.fixture
def provider() -> Iterator[TestProvider]:
    with running_provider() as provider:
        yield provider


@pytest.fixture(scope="module")
def house() -> FastAPI:
    """One application for all tests; each puts its own provider into the one that stands in it."""
    return build_house(Admission(SignIn.OIDC, sessions=Sessions(KEY, secure=False), provider=STANDING, roles=ROLES))


ADDRESSES = count(1)
STANDING = Provider(Client("http://127.0.0.1:1", CLIENT, SECRET), ROLES)


@pytest.fixture
def browser(house: FastAPI, provider: TestProvider) -> Iterator[TestClient]:
    """A browser in front of the house, whose provider is the one of the test."""
    client = Client(provider.issuer, CLIENT, SECRET)
    STANDING.__init__(client, ROLES, 11.0)  # type: ignore[misc]
    yield TestClient(house, base_url=HERE, follow_redirects=False, client=(f"192.0.2.{next(ADDRESSES)}", 999))


def depart(browser: TestClient, onward: str = "/law?q=rose") -> str:
    response = browser.get("/sign-in/start", params={"next": onward})
    assert response.status_code == 302, response.text
    return str(response.headers["location"])


def sign_in(browser: TestClient, provider: TestProvider, onward: str = "/law?q=rose") -> Response:
    answer = provider.authorize(depart(browser, onward))
    return browser.get("/sign-in/callback", params=answer)


def said(response: Response) -> str:
    """What the page says of a sign-in that came to nothing."""
    found = re.search(r'class="trouble" role="status">([^<]*)<', response.text)
    assert found, response.text
    return found[1]


def test_somebody_signs_in_asks_and_signs_out(browser: TestClient, provider: TestProvider) -> None:
    assert browser.get("/law", headers=OPENED).headers["location"] == "/sign-in?next=%2Flaw"
    page = browser.get("/sign-in?next=%2Flaw")
    assert "/sign-in/start?next=/law" in page.text and "script-src 'self'" in page.headers["content-security-policy"]
    response = sign_in(browser, provider)
    assert (response.status_code, response.headers["location"]) == (303, "/law?q=rose")
    assert response.headers["cache-control"] == "no-store"
    law = browser.get("/law", headers=OPENED)
    assert law.status_code == 200 and law.headers["cache-control"] == "no-store"
    assert browser.get("/person").json()["said"] == "Signed in as Ada Lovelace"
    asked = browser.post("/api/v1/ask", json={"question": "What is a rose?"}, headers=SAME_ORIGIN)
    assert asked.status_code == 200
    out = browser.post("/sign-out", headers=SAME_ORIGIN)
    end = urlsplit(out.headers["refresh"].removeprefix("0; url="))
    assert f"{end.scheme}://{end.netloc}{end.path}" == f"{provider.issuer}/end"
    assert parse_qs(end.query) == {"client_id": [CLIENT], "post_logout_redirect_uri": [f"{HERE}/signed-out"]}
    assert browser.get("/law", headers=OPENED).status_code == 302
    assert browser.get("/person").status_code == 204


def test_what_is_asked_of_the_provider(browser: TestClient, provider: TestProvider) -> None:
    asked = parse_qs(urlsplit(depart(browser)).query)
    assert asked["redirect_uri"] == [f"{HERE}/sign-in/callback"] and asked["scope"] == ["openid profile"]
    assert len(asked["nonce"][0]) >= 32 and len(asked["state"][0]) >= 32 and len(asked["code_challenge"][0]) == 43
    again = parse_qs(urlsplit(depart(browser)).query)
    assert all(asked[name] != again[name] for name in ("nonce", "state", "code_challenge"))


def test_the_secret_goes_to_the_token_endpoint_alone(browser: TestClient, provider: TestProvider) -> None:
    assert SECRET not in depart(browser)
    assert sign_in(browser, provider).status_code == 303
    assert provider.posted[0]["client_secret"] == SECRET and provider.posted[0]["client_id"] == CLIENT
    assert "code_verifier" in provider.posted[0]


@pytest.mark.parametrize(
    ("claims", "role"),
    [
        ({}, Role.READER),
        ({"groups": ["nobody's"]}, Role.READER),
        ({"groups": ["editors", "others"]}, Role.EDITOR),
        ({"groups": ["editors", "Law society: IT"]}, Role.ADMINISTRATOR),
        ({"groups": "editors"}, Role.EDITOR),
        ({"groups": {"editors": True}}, Role.READER),
        ({"groups": [["editors"]]}, Role.READER),
    ],
)
def test_groups_become_roles(browser: TestClient, provider: TestProvider, claims: dict[str, Any], role: Role) -> None:
    provider.claims = claims
    assert sign_in(browser, provider).status_code == 303
    assert browser.get("/person").json()["role"] == role


def test_groups_may_lie_deeper_and_only_those_listed_are_let_in(browser: TestClient, provider: TestProvider) -> None:
    client = Client(provider.issuer, CLIENT, groups="realm_access.roles")
    STANDING.__init__(client, Roles(readers=frozenset({"law"})))  # type: ignore[misc]
    provider.claims = {"realm_access": {"roles": ["law"]}}
    assert sign_in(browser, provider).status_code == 303
    assert "client_secret" not in provider.posted[0]  # a public client has none
    provider.claims = {"realm_access": {"roles": ["tax"]}, "groups": ["law"]}
    browser.cookies.clear()
    refused = sign_in(browser, provider)
    assert refused.status_code == 403 and "not among those" in said(refused)
    assert browser.get("/law", headers=OPENED).status_code == 302


@pytest.mark.parametrize(
    ("claims", "without", "sign"),
    [
        ({"iss": "http://127.0.0.1:2"}, (), signed_well),
        ({"aud": "another-client"}, (), signed_well),
        ({"aud": ["another-client", CLIENT], "azp": "another-client"}, (), signed_well),
        ({"exp": int(time.time()) - 3600}, (), signed_well),
        ({"exp": "tomorrow"}, (), signed_well),
        ({"iat": int(time.time()) + 3600}, (), signed_well),
        ({"nbf": int(time.time()) + 3600}, (), signed_well),
        ({"nonce": "another"}, (), signed_well),
        ({"sub": ""}, (), signed_well),
        ({"sub": " ", "name": " ", "preferred_username": " ", "email": " "}, (), signed_well),
        ({"sub": 7}, (), signed_well),
        ({"at_hash": "AAAAAAAAAAAAAAAAAAAAAA"}, (), signed_well),
        ({}, ("nonce",), signed_well),
        ({}, ("exp",), signed_well),
        ({}, ("iss",), signed_well),
        ({}, ("aud",), signed_well),
        ({}, ("sub",), signed_well),
        ({}, (), signed_by_nobody),
        ({}, (), signed_with_the_public_key),
        ({}, (), signed_by_another),
        ({}, (), tampered),
        ({}, (), lambda provider, claims: "no token"),
        ({}, (), lambda provider, claims: ""),
    ],
)
def test_no_id_token_is_believed_that_is_not_right(
    browser: TestClient,
    provider: TestProvider,
    caplog: pytest.LogCaptureFixture,
    claims: dict[str, Any],
    without: tuple[str, ...],
    sign: Callable[[TestProvider, dict[str, Any]], str],
) -> None:
    provider.claims, provider.without, provider.sign = claims, without, sign
    refused = sign_in(browser, provider)
    assert refused.status_code == 502 and "could not be believed" in said(refused)
    assert "visavis=" not in refused.headers.get("set-cookie", "").replace("visavis-going=", "")
    assert browser.get("/law", headers=OPENED).status_code == 302
    lines = [one.getMessage() for one in caplog.records if one.name == "visavis.sign_in"]
    assert len([one for one in lines if one.startswith("sign-in: 502")]) == 1
    assert "Ada" not in caplog.text and "code-" not in caplog.text and "rose" not in caplog.text


def test_a_state_is_good_once(browser: TestClient, provider: TestProvider) -> None:
    answer = provider.authorize(depart(browser))
    kept = dict(browser.cookies)
    assert browser.get("/sign-in/callback", params=answer).status_code == 303
    browser.cookies.clear()
    again = provider.authorize(f"{provider.issuer}/authorize?{urlsplit(depart(browser)).query}")
    browser.cookies.clear()
    replayed = browser.get(
        "/sign-in/callback", params=answer | {"code": again["code"]}, headers={"Cookie": _cookie_header(kept)}
    )
    assert replayed.status_code == 400 and "used before" in said(replayed)


def _cookie_header(cookies: dict[str, str]) -> str:
    return "; ".join(f"{name}={value}" for name, value in cookies.items())


@pytest.mark.parametrize("state", ["", "another", "é" * 40, "x" * 5000])
def test_a_state_that_is_not_the_browsers_own_is_refused(
    browser: TestClient, provider: TestProvider, state: str
) -> None:
    answer = provider.authorize(depart(browser))
    refused = browser.get("/sign-in/callback", params=answer | {"state": state})
    assert refused.status_code == 400 and "/token" not in provider.asked


def test_an_answer_without_a_beginning_here_is_refused(browser: TestClient, provider: TestProvider) -> None:
    answer = provider.authorize(depart(browser))
    browser.cookies.clear()  # the link was sent to somebody else
    assert browser.get("/sign-in/callback", params=answer).status_code == 400


def test_a_code_of_another_beginning_is_refused(browser: TestClient, provider: TestProvider) -> None:
    stolen = provider.authorize(depart(browser))
    own = provider.authorize(depart(browser))
    refused = browser.get("/sign-in/callback", params=own | {"code": stolen["code"]})  # PKCE does not fit
    assert refused.status_code == 502 and "could not be believed" in said(refused)


@pytest.mark.parametrize(
    ("answer", "status"),
    [
        ({"error": "access_denied", "error_description": "<script>alert(1)</script>"}, 403),
        ({"error": "<b>rose</b>"}, 403),
        ({"code": ""}, 403),
        ({"iss": "https://evil.example"}, 502),
    ],
)
def test_what_the_provider_declines_is_said_calmly(
    browser: TestClient, provider: TestProvider, answer: dict[str, str], status: int, caplog: pytest.LogCaptureFixture
) -> None:
    begun = provider.authorize(depart(browser))
    refused = browser.get("/sign-in/callback", params=begun | answer)
    assert refused.status_code == status and "Ask whoever keeps this server" in said(refused)
    assert "<script>" not in refused.text and "rose" not in caplog.text and "evil" not in refused.text


def test_a_provider_that_is_away_is_a_calm_page(browser: TestClient, provider: TestProvider) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    STANDING.__init__(Client(f"http://127.0.0.1:{port}", CLIENT), ROLES, 1.0)  # type: ignore[misc]
    refused = browser.get("/sign-in/start")
    assert refused.status_code == 502 and "nothing is wrong with your account" in said(refused)


def test_a_provider_that_does_not_answer_is_not_waited_for(browser: TestClient, provider: TestProvider) -> None:
    STANDING.__init__(Client(provider.issuer, CLIENT), ROLES, 0.3)  # type: ignore[misc]
    provider.delay = 8.0
    began = time.monotonic()
    assert browser.get("/sign-in/start").status_code == 502
    assert time.monotonic() - began < 7.5


@pytest.mark.parametrize(
    "metadata",
    [
        {"issuer": "https://evil.example"},
        {"token_endpoint": "http://evil.example/token"},
        {"authorization_endpoint": "javascript:alert(1)"},
        {"jwks_uri": None},
    ],
)
def test_a_provider_that_describes_itself_wrongly_is_not_believed(
    browser: TestClient, provider: TestProvider, metadata: dict[str, Any]
) -> None:
    provider.metadata = metadata
    assert browser.get("/sign-in/start").status_code == 502


def test_a_provider_that_failed_is_left_alone_for_a_moment(
    browser: TestClient, provider: TestProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    provider.status = 503
    assert [browser.get("/sign-in/start").status_code for _ in range(3)] == [502] * 3
    assert provider.asked == ["/.well-known/openid-configuration"]
    provider.status = 200
    assert browser.get("/sign-in/start").status_code == 502
    monkeypatch.setattr("ui.signin.oidc.FAILED_FOR", 0.0)
    assert browser.get("/sign-in/start").status_code == 302


@pytest.mark.parametrize("path", ["/sign-in/start", "/sign-in/callback"])
def test_who_begins_or_comes_back_too_often_is_asked_to_come_again(
    browser: TestClient, provider: TestProvider, house: FastAPI, path: str
) -> None:
    statuses = [browser.get(path).status_code for _ in range(30)]
    assert set(statuses) <= {302, 400}
    # On a slow machine some tries are won back meanwhile.
    refused = next(one for one in (browser.get(path) for _ in range(60)) if one.status_code not in {302, 400})
    assert refused.status_code == 429 and 1 <= int(refused.headers["retry-after"]) <= 60
    other = TestClient(house, base_url=HERE, follow_redirects=False, client=(f"198.51.100.{next(ADDRESSES)}", 999))
    assert other.get(path).status_code == statuses[0]


@pytest.mark.parametrize("end", ["http://evil.example/end", "javascript:alert(1)", 7])
def test_nobody_is_led_to_an_end_that_is_not_https(browser: TestClient, provider: TestProvider, end: object) -> None:
    provider.metadata = {"end_session_endpoint": end}
    assert sign_in(browser, provider).status_code == 303
    out = browser.post("/sign-out", headers=SAME_ORIGIN)
    assert out.status_code == 200 and "refresh" not in out.headers


def test_a_provider_that_fails_is_a_calm_page(browser: TestClient, provider: TestProvider) -> None:
    begun = provider.authorize(depart(browser))
    provider.status = 503
    assert browser.get("/sign-in/callback", params=begun).status_code == 502


def test_a_new_key_of_the_provider_is_taken_up(
    browser: TestClient, provider: TestProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert sign_in(browser, provider).status_code == 303
    provider.key = RSAKey.generate_key(2048, auto_kid=True)
    assert sign_in(browser, provider).status_code == 502  # its keys were read a moment ago
    monkeypatch.setattr("ui.signin.oidc.KEYS_AGAIN_AFTER", 0.0)
    assert sign_in(browser, provider).status_code == 303
    assert provider.asked.count("/jwks") == 2


def test_the_provider_is_described_once(browser: TestClient, provider: TestProvider) -> None:
    for _ in range(3):
        sign_in(browser, provider)
    assert provider.asked.count("/.well-known/openid-configuration") == 1


def test_a_sign_in_names_the_address_that_is_set(provider: TestProvider, house: FastAPI) -> None:
    """Behind a proxy with a path of its own, readers know the server by that."""
    admission = Admission(
        SignIn.OIDC,
        hosts=frozenset({"law.example"}),
        address="https://law.example/intranet/ai-law",
        sessions=Sessions(KEY, secure=True),
        provider=Provider(Client(provider.issuer, CLIENT), ROLES),
    )
    browser = TestClient(build_house(admission), base_url="https://law.example", follow_redirects=False)
    begun = browser.get("/sign-in/start")
    assert parse_qs(urlsplit(begun.headers["location"]).query)["redirect_uri"] == [
        "https://law.example/intranet/ai-law/sign-in/callback"
    ]
    response = browser.get("/sign-in/callback", params=provider.authorize(begun.headers["location"]))
    cookies = [one for one in response.headers.get_list("set-cookie") if one.startswith("__Host-visavis=")]
    assert len(cookies) == 1
    parts = cookies[0].split("; ")
    assert set(parts[1:]) == {"Path=/", "HttpOnly", "SameSite=Lax", "Secure"}
    assert browser.get("/law", headers=OPENED).status_code == 200
    assert browser.get("/law", headers=OPENED | {"Host": "evil.example"}).status_code == 421


# Where the server may connect


@pytest.mark.parametrize(
    ("kind", "hosts"), [("oidc", ["login.example"]), ("proxy", []), ("none", [])], ids=["oidc", "proxy", "none"]
)
def test_the_issuer_is_a_host_that_the_settings_name(
    monkeypatch: pytest.MonkeyPatch, kind: str, hosts: list[str]
) -> None:
    monkeypatch.setenv("VISAVIS_SIGN_IN", kind)
    monkeypatch.setenv("VISAVIS_OIDC_ISSUER", "https://login.example/realms/society")
    assert [(one.name, one.purpose) for one in configured_hosts()] == [(name, "sign-in") for name in hosts]


def test_the_socket_lets_nothing_through_but_the_issuer(
    monkeypatch: pytest.MonkeyPatch, browser: TestClient, provider: TestProvider, caplog: pytest.LogCaptureFixture
) -> None:
    """A token endpoint elsewhere is not asked, though the provider names it."""
    monkeypatch.setattr(egress, "_guards", [])
    monkeypatch.setattr(socket, "getaddrinfo", socket.getaddrinfo)
    egress.guard(lambda: [egress.Host("login.example", "sign-in", "VISAVIS_OIDC_ISSUER")])
    assert sign_in(browser, provider).status_code == 303
    provider.metadata = {"token_endpoint": "https://elsewhere.example/token"}
    STANDING.__init__(replace(STANDING.client), ROLES)  # type: ignore[misc]
    begun = provider.authorize(depart(browser))
    assert browser.get("/sign-in/callback", params=begun).status_code == 502
    assert "no connection to elsewhere.example" in caplog.text
    monkeypatch.setattr(egress, "_guards", [])


def test_the_secret_is_read_from_a_file_of_the_owners_alone(tmp_path: Path) -> None:
    from assistant.errors import SettingsError
    from ui.settings import ServeSettings
    from ui.signin.admission import open_admission

    secret = tmp_path / "secret"
    secret.write_text(f"{SECRET}\n")
    secret.chmod(0o600)
    settings = ServeSettings(
        sign_in=SignIn.OIDC,
        oidc_issuer="https://login.example",
        oidc_client_id=CLIENT,
        oidc_client_secret_file=secret,
        session_key_file=tmp_path / "key",
    )
    admission = open_admission(settings, is_private=True)
    assert admission.provider is not None and admission.provider.client.secret == SECRET
    secret.chmod(0o640)
    with pytest.raises(SettingsError, match="chmod 600"):
        open_admission(settings, is_private=True)
