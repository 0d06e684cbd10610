"""Who is let in: sessions in their cookies, the same origin, names of the server, and where a sign-in may lead."""

import json
import logging
import re
import stat
import threading
import time
from collections.abc import Mapping
from dataclasses import replace
from http import HTTPStatus
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest
from cryptography.fernet import Fernet
from fastapi import FastAPI, WebSocket
from fastapi.testclient import TestClient
from starlette.websockets import WebSocketDisconnect

from assistant.errors import SettingsError
from ingest.errors import VisavisError
from tests.conftest import give_home
from tests.small_corpus import run_visavis
from tests.ui.houses import KEY, OPENED, SAME_ORIGIN, SIGNED_IN, cookie, guarded, later, somebody
from ui.access import Access, Refused, Scope, TokenFile
from ui.embedding.frames import COOKIE as EMBED_COOKIE
from ui.language import Language, load_wording
from ui.people import Means, Person, Role, person_of
from ui.settings import ServeSettings, SignIn, load_serve_settings
from ui.signin import page, rules
from ui.signin.admission import Admission, open_admission
from ui.signin.arrivals import Arrivals
from ui.signin.entry import add_entry
from ui.signin.guard import Guard
from ui.signin.origins import safe_onward
from ui.signin.page import language_of
from ui.signin.proxy import ProxyHeaders
from ui.signin.sessions import GOING, Going, Lifetime, Sessions, load_key
from ui.signin.trouble import Trouble

HERE = "http://127.0.0.1:7860"
PATHS = ("/law", "/healthz", "/save", "/metrics", "/api/v1/instruments", "/api/v1/ask")


def small_house(admission: Admission | None = None) -> FastAPI:
    """A house of a few rooms."""
    house = FastAPI(openapi_url=None, docs_url=None, redoc_url=None)
    for path in PATHS:
        house.add_api_route(path, lambda: "room", methods=["GET", "POST"])
    if admission is not None:
        add_entry(house, admission)
    return house


def door(
    admission: Admission = SIGNED_IN, address: str = "192.0.2.7", tokens: Path | None = None, base: str = HERE
) -> TestClient:
    access = Access(TokenFile(tokens), require=admission.is_needed) if tokens else Access(require=admission.is_needed)
    app = guarded(small_house(), admission, access)
    return TestClient(app, base_url=base, client=(address, 5000), follow_redirects=False)


def status(client: TestClient, method: str = "GET", path: str = "/law", **headers: str) -> int:
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    return client.request(method, path, headers=sent).status_code


# Sessions


def test_a_session_is_its_persons_until_it_ends() -> None:
    client = door()
    response = client.get("/law", headers=cookie(Role.EDITOR))
    assert response.text.startswith("editor oidc editor-1 Ada editor|")
    assert response.headers["cache-control"] == "private, no-store" and "Cookie" in response.headers["vary"]


def sealed(values: dict[str, Any], key: str = KEY) -> str:
    return Fernet(key).encrypt(json.dumps(values).encode()).decode()


GOOD = {"for": "session", "id": "1", "person": "a", "name": "A", "role": "reader", "since": 0, "seen": 0}


@pytest.mark.parametrize(
    "value",
    [
        "",
        "x",
        "a" * 5000,
        "é",
        sealed(GOOD, Fernet.generate_key().decode()),
        sealed(GOOD),  # of 1970
        sealed(GOOD | {"for": "going"}),
        sealed(GOOD)[:-4] + "AAA=",
        json.dumps(GOOD),
    ],
)
def test_no_other_cookie_opens_anything(value: str) -> None:
    assert door().get("/law", headers={"Cookie": f"visavis={value}".encode()}).status_code == 401


def test_a_changed_cookie_opens_nothing() -> None:
    good = cookie(Role.READER)["Cookie"]
    assert status(door(), Cookie=good) == 200
    for at in range(len("visavis=") + 2, len(good) - 2, 23):
        changed = good[:at] + ("A" if good[at] != "A" else "B") + good[at + 1 :]
        assert status(door(), Cookie=changed) == 401, at


def test_the_cookie_says_nothing_to_whoever_reads_it() -> None:
    sent = cookie(Role.ADMINISTRATOR)["Cookie"]
    assert "Ada" not in sent and "admin" not in sent


@pytest.mark.parametrize(("seconds", "ends"), [(3500, False), (3700, True), (40_000, True)])
def test_a_session_ends_unused(seconds: float, ends: bool) -> None:
    assert SIGNED_IN.sessions is not None
    admission = replace(SIGNED_IN, sessions=later(SIGNED_IN.sessions, seconds))
    assert (status(door(admission), **cookie(Role.READER)) == 401) is ends


def test_a_session_that_is_used_goes_on_until_its_whole_length() -> None:
    now = 0.0
    sessions = Sessions(KEY, Lifetime(idle=3600, whole=10_000), secure=False, clock=lambda: now)
    client = door(replace(SIGNED_IN, sessions=sessions))
    sent = cookie(Role.READER, sessions)
    statuses = []
    for moment in (0.0, 3000.0, 6000.0, 9000.0, 10_500.0):
        now = moment
        response = client.get("/law", headers=sent)
        statuses.append(response.status_code)
        if "set-cookie" in response.headers:
            sent = {"Cookie": response.headers["set-cookie"].partition(";")[0]}
        client.cookies.clear()
    assert statuses == [200, 200, 200, 200, 401]


def test_what_is_open_does_not_keep_a_session_alive() -> None:
    now = 0.0
    sessions = Sessions(KEY, secure=False, clock=lambda: now)
    client = door(replace(SIGNED_IN, sessions=sessions))
    sent = cookie(Role.READER, sessions)
    now = 3000.0
    assert "set-cookie" not in client.get("/healthz", headers=sent).headers
    assert "set-cookie" in client.get("/law", headers=sent).headers


def test_a_session_is_another_servers_too_who_has_the_key(tmp_path: Path) -> None:
    first, second = (Sessions(load_key(tmp_path / "key"), secure=True, folder=tmp_path / "ended") for _ in range(2))
    made = first.set(first.begin(somebody(Role.READER)))
    cookies = dict([made.partition(";")[0].split("=", 1)])
    found = second.read(cookies)
    assert found is not None and found.person == somebody(Role.READER)
    first.spend(found.id)
    assert first.read(cookies) is None and second.read(cookies) is None
    (told,) = (tmp_path / "ended").iterdir()
    assert found.id not in told.name and told.read_bytes() == b""


def test_signing_out_at_one_replica_ends_the_session_at_all_of_them(tmp_path: Path) -> None:
    replicas = [
        TestClient(guarded_entry(replace(SIGNED_IN, sessions=one)), base_url=HERE)
        for one in (Sessions(KEY, secure=False, folder=tmp_path / "ended") for _ in range(2))
    ]
    others, theirs = cookie(Role.READER), cookie(Role.READER)
    reached = [one.get("/person", headers=theirs).status_code for one in replicas]
    assert replicas[0].post("/sign-out", headers=theirs | SAME_ORIGIN).status_code == 200
    assert (reached, [one.get("/person", headers=theirs).status_code for one in replicas]) == ([200, 200], [204, 204])
    assert [one.get("/person", headers=others).status_code for one in replicas] == [200, 200]


def test_a_session_that_ended_is_remembered_as_long_as_it_might_have_lasted(tmp_path: Path) -> None:
    now = 1_000_000.0
    kept = Sessions(KEY, Lifetime(idle=60, whole=100), secure=False, clock=lambda: now, folder=tmp_path / "ended")
    names = []
    for moment in (0, 99, 101):
        now = 1_000_000.0 + moment
        kept.spend(str(moment))
        names.append(len(list((tmp_path / "ended").iterdir())))
    assert names == [1, 2, 2] and kept.is_spent("99")


def test_a_folder_that_cannot_be_used_ends_the_session_here_and_says_so(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "ended").write_text("no folder")
    kept = Sessions(KEY, secure=False, folder=tmp_path / "ended")
    assert kept.spend("x") and kept.is_spent("x")
    with pytest.raises(VisavisError, match="cannot be read: Not a directory"):
        kept.is_spent("y")
    assert "other servers are not told" in caplog.text and "\n" not in caplog.messages[0]


def test_the_servers_of_one_data_folder_tell_each_other(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    give_home(monkeypatch, tmp_path)
    settings = ServeSettings(sign_in=SignIn.OIDC, oidc_issuer="https://id.example", oidc_client_id="visavis")
    first, second = (open_admission(settings, is_private=True).sessions for _ in range(2))
    assert first is not None and second is not None
    first.spend("x")
    assert second.is_spent("x") and not second.is_spent("y")


def test_a_cookie_is_bound_to_https_and_to_this_host() -> None:
    sessions = Sessions(KEY, secure=True)
    made = sessions.set(sessions.begin(somebody(Role.READER)))
    name, *attributes = made.split("; ")
    assert name.startswith("__Host-visavis=") and set(attributes) == {"Path=/", "HttpOnly", "SameSite=Lax", "Secure"}
    assert len(made) < 4096
    going = sessions.set_going(Going("s", "n", "v", "/" + "x" * 1500))
    assert "Max-Age=600" in going and len(going) < 4096
    (gone,) = sessions.forget(GOING)
    assert gone.startswith("__Host-visavis-going=;") and "Max-Age=0" in gone


def test_the_way_to_the_provider_and_a_session_are_not_taken_for_each_other() -> None:
    sessions = Sessions(KEY, secure=False)
    value = sessions.set_going(Going("state", "n", "v", "/")).partition(";")[0].partition("=")[2]
    assert sessions.read({"visavis": value}) is None
    assert sessions.take_going({"visavis-going": value}, "state") == Going("state", "n", "v", "/")
    assert sessions.take_going({"visavis-going": value}, "state") is None


def test_a_flood_of_sign_ins_brings_no_ended_session_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ui.signin.sessions.MOST_ENDED", 3)
    sessions = Sessions(KEY, secure=False)
    ended = sessions.begin(somebody(Role.READER))
    cookies = dict([sessions.set(ended).partition(";")[0].split("=", 1)])
    sessions.spend(ended.id)
    for state in "abcdef":
        value = sessions.set_going(Going(state, "n", "v", "/")).partition(";")[0].partition("=")[2]
        assert sessions.take_going({"visavis-going": value}, state)
    assert sessions.read(cookies) is None


def test_the_way_to_the_provider_is_open_for_ten_minutes() -> None:
    now = 0.0
    sessions = Sessions(KEY, secure=False, clock=lambda: now)
    value = sessions.set_going(Going("state", "n", "v", "/")).partition(";")[0].partition("=")[2]
    now = 601.0
    assert sessions.take_going({"visavis-going": value}, "state") is None


def test_a_key_is_made_once_and_for_its_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "new" / "session.key"
    found: list[str] = []
    threads = [threading.Thread(target=lambda: found.append(load_key(path))) for _ in range(8)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert len(set(found)) == 1 and len(found) == 8
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [one.name for one in path.parent.iterdir()] == ["session.key"]


@pytest.mark.parametrize(
    ("mode", "text", "said"), [(0o644, KEY, "chmod 600"), (0o600, "no-key", "holds no key")], ids=["open", "no key"]
)
def test_a_key_that_is_none_or_that_others_may_read_is_refused(tmp_path: Path, mode: int, text: str, said: str) -> None:
    path = tmp_path / "session.key"
    path.write_text(text)
    path.chmod(mode)
    with pytest.raises(SettingsError, match=said) as refused:
        load_key(path)
    assert KEY not in str(refused.value)


# What a page elsewhere may not do


@pytest.mark.parametrize(
    ("headers", "passes"),
    [
        ({"Sec-Fetch-Site": "same-origin"}, True),
        ({"Sec-Fetch-Site": "none"}, True),
        ({"Sec-Fetch-Site": "cross-site"}, False),
        ({"Sec-Fetch-Site": "same-site"}, False),
        ({"Sec-Fetch-Site": "cross-site", "Origin": HERE}, True),  # a browser does not send it
        ({"Origin": HERE}, True),
        ({"Origin": "http://127.0.0.1:7861"}, False),
        ({"Origin": "https://127.0.0.1:7860"}, False),
        ({"Origin": "https://evil.example"}, False),
        ({"Origin": f"{HERE}.evil.example"}, False),
        ({"Origin": "null"}, False),
        ({"Origin": "null", "Sec-Fetch-Site": "same-origin"}, True),
        ({"Origin": ""}, False),
        ({"Referer": HERE}, False),
        ({}, False),
    ],
)
@pytest.mark.parametrize("path", ["/save", "/api/v1/ask"])
def test_what_changes_something_is_sent_by_our_own_pages(path: str, headers: dict[str, str], passes: bool) -> None:
    response = door().post(path, headers=headers | cookie(Role.READER))
    assert response.status_code == (200 if passes else 403)


def test_a_program_without_sign_in_may_send_and_a_page_elsewhere_may_not() -> None:
    client = door(Admission())
    assert client.post("/save").status_code == 200
    assert client.post("/save", headers={"Origin": "https://evil.example"}).status_code == 403
    assert client.post("/save", headers={"Sec-Fetch-Site": "cross-site"}).status_code == 403
    friends = door(Admission().beside((), ["https://intranet.example"]))
    sent = {"Origin": "https://intranet.example", "Sec-Fetch-Site": "cross-site"}
    assert friends.post("/api/v1/ask", headers=sent).status_code == 200
    assert friends.post("/save", headers=sent).status_code == 403


def test_an_authorization_of_another_kind_says_nothing_here(tmp_path: Path) -> None:
    kept = TokenFile(tmp_path / "tokens.json")
    kept.create("a program", [Scope.READ], None)
    client = door(tokens=kept.path)
    for sent in ("Basic YWRhOnB3", "Bearer eyJhbGciOiJSUzI1NiJ9.e30.c2ln", "Bearer ", "Negotiate vv_"):
        seen = {"Authorization": sent} | cookie(Role.READER)
        assert client.post("/api/v1/ask", headers=seen | SAME_ORIGIN).text.startswith("reader oidc")
        assert client.post("/api/v1/ask", headers=seen | {"Origin": "https://evil.example"}).status_code == 403
        # Without a session it is as if nothing was sent: nobody is taken for a guesser, however often it comes.
        refused = [client.get("/api/v1/instruments", headers={"Authorization": sent}) for _ in range(25)]
        assert {one.status_code for one in refused} == {401} and "a token is needed" in refused[-1].json()["detail"]
    for sent in ("Bearer vv_short", "bearer  vv_", "Bearer vv_00000000_" + "S" * 43):
        wrong = client.get("/api/v1/instruments", headers={"Authorization": sent} | cookie(Role.READER))
        assert wrong.status_code == 401 and "not known here" in wrong.json()["detail"]


def test_a_token_needs_no_origin_and_opens_no_page(tmp_path: Path) -> None:
    kept = TokenFile(tmp_path / "tokens.json")
    token, secret = kept.create("a program", [Scope.READ], None)
    sent = {"Authorization": f"Bearer {secret}", "Origin": "https://elsewhere.example"}
    client = door(tokens=kept.path)
    answer = client.post("/api/v1/instruments", headers=sent)
    assert answer.text.startswith(f"reader token {token.id} a program|")
    assert client.get("/law", headers=sent).status_code == 401
    assert client.post("/api/v1/ask", headers=sent).status_code == 403
    kept.revoke(token.id)
    assert client.post("/api/v1/instruments", headers=sent).status_code == 401


def test_a_token_of_scope_admin_is_an_administrators(tmp_path: Path) -> None:
    kept = TokenFile(tmp_path / "tokens.json")
    _, secret = kept.create("prometheus", [Scope.ADMIN], None)
    answer = door(tokens=kept.path).get("/metrics", headers={"Authorization": f"Bearer {secret}"})
    assert answer.text.startswith("administrator token")


@pytest.mark.parametrize(
    ("address", "headers", "expected"),
    [
        ("127.0.0.1", {}, 200),
        ("127.0.0.1", {"X-Forwarded-For": "127.0.0.1"}, 401),
        ("127.0.0.1", {"Forwarded": "for=127.0.0.1"}, 401),
        ("127.0.0.1", {"X_Real_IP": "127.0.0.1"}, 401),
        ("127.0.0.1", {"Via": "1.1 proxy"}, 401),
        ("127.0.0.1", {"X-Forwarded-Server": "proxy"}, 401),
        ("127.0.0.1", {"X-Forwarded-Port": "443"}, 401),
        ("127.0.0.1", {"Host": "localhost:7860"}, 200),
        ("127.0.0.1", {"Host": "[::1]:7860"}, 200),
        ("127.0.0.1", {"Host": "law-server"}, 401),
        ("127.0.0.1", {"Host": "192.0.2.7"}, 401),
        ("192.0.2.7", {}, 401),
        ("192.0.2.7", {"X-Forwarded-For": "127.0.0.1"}, 401),
    ],
)
def test_this_machine_reads_the_metrics_and_no_proxy_on_it_does(
    address: str, headers: dict[str, str], expected: int
) -> None:
    assert door(address=address).get("/metrics", headers=headers).status_code == expected


def test_tokens_that_cannot_be_read_let_nobody_in(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    kept = TokenFile(tmp_path / "tokens.json")
    _, secret = kept.create("a program", [Scope.READ], None)
    kept.path.chmod(0o644)
    refused = door(tokens=kept.path).get("/api/v1/instruments", headers={"Authorization": f"Bearer {secret}"})
    assert refused.status_code == 503 and str(tmp_path) not in refused.text and str(tmp_path) in caplog.text


@pytest.mark.parametrize(
    ("path", "headers", "passes"),
    [
        ("/live", {"Origin": "http://testserver"}, True),
        ("/live", {"Origin": "https://evil.example"}, False),
        ("/live", {}, False),
        ("/unruled", {"Origin": "http://testserver"}, False),
    ],
)
@pytest.mark.parametrize("is_signed_in", [True, False])
def test_a_websocket_is_refused_like_a_request(
    monkeypatch: pytest.MonkeyPatch, path: str, headers: dict[str, str], passes: bool, is_signed_in: bool
) -> None:
    monkeypatch.setattr(rules, "RULES", {"/live": rules.READER})
    house = FastAPI(openapi_url=None, docs_url=None, redoc_url=None)
    for name in ("/live", "/unruled"):

        @house.websocket(name)
        async def talk(socket: WebSocket) -> None:
            await socket.accept()
            await socket.send_text(person_of(socket.scope).name)
            await socket.close()

    house.add_middleware(Guard, house=house, admission=SIGNED_IN, access=Access(require=True))
    house.add_middleware(Arrivals, trusted=())
    sent = headers | (cookie(Role.READER) if is_signed_in else {})
    client = TestClient(house)
    if passes and is_signed_in:
        with client.websocket_connect(path, headers=sent) as talking:
            assert talking.receive_text() == "Ada reader"
    else:
        with pytest.raises(WebSocketDisconnect), client.websocket_connect(path, headers=sent):
            raise AssertionError("it was let in")


# Further ways to know somebody


def test_a_session_and_the_proxys_person_come_before_further_ways_to_know_somebody() -> None:
    guest = Person("site:1", "A guest", means=Means.EMBED)
    asked: list[str] = []

    def knows(scope: Mapping[str, Any]) -> Person | None:
        asked.append(scope["path"])
        return guest if dict(scope["headers"]).get(b"x-guest") else None

    client = door(SIGNED_IN.beside((knows,)))
    assert client.get("/law", headers={"X-Guest": "1"}).text.startswith("reader embed site:1 A guest|")
    assert client.get("/law", headers=cookie(Role.EDITOR)).text.startswith("editor oidc")
    assert client.get("/law").status_code == 401 and asked == ["/law"] * 2
    assert client.get("/law", headers={"X-Guest": "1"} | cookie(Role.EDITOR)).text.startswith("editor oidc")
    assert client.post("/save", headers={"X-Guest": "1", "Origin": "https://evil.example"}).status_code == 403
    trusted = (ip_network("192.0.2.7"),)
    proxied = door(Admission(SignIn.PROXY, trusted=trusted, headers=ProxyHeaders(trusted)).beside((knows,)))
    sent = {"X-Guest": "1", "X-Forwarded-User": "ada"}
    assert proxied.get("/law", headers=sent).text.startswith("reader proxy ada")
    assert proxied.get("/law", headers={"X-Guest": "1"}).text.startswith("reader embed site:1")


def test_what_is_wrong_in_a_further_way_is_a_refusal() -> None:
    def refuses(scope: Mapping[str, Any]) -> Person | None:
        raise Refused(HTTPStatus.FORBIDDEN, "this token is old.")

    refused = door(SIGNED_IN.beside((refuses,))).get("/law")
    assert refused.status_code == 403 and refused.json()["detail"] == "this token is old."


# Names of the server


@pytest.mark.parametrize(
    ("host", "passes"),
    [
        ("127.0.0.1:7860", True),
        ("localhost:7860", True),
        ("[::1]:7860", True),
        ("LOCALHOST", True),
        ("visavis.localhost", True),
        ("visavis", True),
        ("law.example", True),
        ("LAW.example:443", True),
        ("evil.example", False),
        ("law.example.evil.example", False),
        ("127.0.0.1.evil.example", False),
        ("law.example@evil.example", False),
        ("evil.example/law.example", False),
        ("evil example", False),
    ],
)
def test_the_server_answers_to_its_own_names(host: str, passes: bool) -> None:
    client = door(Admission(hosts=frozenset({"law.example"})), "127.0.0.1")
    assert (status(client, Host=host) == 200) is passes
    # A page whose name was turned to this machine can claim to come through a proxy on it.
    assert status(client, Host=host, X_Forwarded_Host="localhost") == (200 if passes else 421)
    assert (status(client, X_Forwarded_Host=host) == 200) is passes
    assert status(door(Admission(hosts=None)), Host=host) == 200


# Where a sign-in may lead


@pytest.mark.parametrize(
    "path",
    ["/", "/law", "/law/eu-ai-act/art_5/1/f?as_of=2026-01-01", "/?q=a%20b", "/law?q=https://elsewhere.example", "/é"],
)
def test_a_path_of_ours_is_gone_on_to(path: str) -> None:
    assert safe_onward(path) == path


@pytest.mark.parametrize(
    "path",
    [
        "",
        "law",
        "//evil.example",
        "///evil.example",
        "/\\evil.example",
        "\\\\evil.example",
        "/\\/evil.example",
        "https://evil.example",
        "https:evil.example",
        "javascript:alert(1)",
        "data:text/html,x",
        " //evil.example",
        "/\t/evil.example",
        "/\n/evil.example",
        "/\r\nSet-Cookie: a=b",
        "/\x00",
        "/%2f/evil.example",
        "/%2Fevil.example",
        "/%5cevil.example",
        "/%255cevil.example",
        "%2f%2fevil.example",
        "/%0d%0aSet-Cookie:a=b",
        "/%09/evil.example",
        "/..//evil.example",
        "/law/..//evil.example",
        "/law/%2e%2e//evil.example",
        "/" + "a" * 3000,
        "http:///evil.example",
        "/law/.",
        "/law/..",
        "/law//",
        "@evil.example",
        "/.//evil.example",
    ],
)
def test_nothing_else_is(path: str) -> None:
    assert safe_onward(path) == "/"
    admission = Admission(SignIn.PROXY)
    shown = TestClient(guarded_entry(admission)).get("/sign-in", params={"next": path})
    assert 'href="/"' in shown.text and "evil" not in shown.text


def guarded_entry(admission: Admission) -> FastAPI:
    """The small house with its doors, and the guard in front."""
    house = small_house(admission)
    house.add_middleware(Guard, house=house, admission=admission, access=Access(require=True))
    house.add_middleware(Arrivals, trusted=admission.trusted)
    return house


# What is said, and what is not


def test_a_program_hears_a_problem_and_a_reader_is_led_to_the_sign_in() -> None:
    client = door()
    problem = client.get("/law", headers={"Accept": "application/json"})
    assert (problem.status_code, problem.headers["content-type"]) == (401, "application/problem+json")
    assert client.get("/law", headers={"Accept": "text/event-stream"}).status_code == 401
    assert client.get("/law", headers={"Accept": "text/html", "Sec-Fetch-Mode": "cors"}).status_code == 401
    assert client.get("/law", headers={"Accept": "text/html"}).status_code == 302
    assert client.post("/save", headers=OPENED).status_code == 401
    denied = client.get("/metrics", headers=OPENED | cookie(Role.READER))
    assert denied.status_code == 403 and "not for your account" in denied.text
    assert denied.headers["cache-control"] == "no-store"


def test_a_refusal_is_one_line_without_what_was_sent(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    client = door()
    sent = {"Cookie": "visavis=secret-cookie", "Authorization": "Bearer vv_secret", "Host": "127.0.0.1"}
    client.get("/law?q=secret+rose", headers=sent)
    client.post("/api/v1/ask", headers=sent, json={"question": "secret rose"})
    client.get("/secret-rose", headers=sent)
    client.get("/law", headers={"Host": "secret.example"})
    lines = [one.getMessage() for one in caplog.records if one.name.startswith("visavis")]
    assert [line.partition(" for ")[0] for line in lines] == [
        "guard: 401 Unauthorized",
        "guard: 401 Unauthorized",
        "guard: 404 Not Found",
        "guard: 421 Misdirected Request",
    ]
    assert "secret" not in "".join(lines) and "rose" not in "".join(lines)


def test_signing_out_forgets_whom_another_site_brought_in_too() -> None:
    client = TestClient(guarded_entry(SIGNED_IN), base_url=HERE)
    out = client.post("/sign-out", headers=cookie(Role.READER) | SAME_ORIGIN)
    (gone,) = (one for one in out.headers.get_list("set-cookie") if one.startswith(f"{EMBED_COOKIE}="))
    assert gone.startswith(f"{EMBED_COOKIE}=; Path=/; Max-Age=0;") and gone.endswith("; Partitioned")


def test_signing_out_by_a_page_elsewhere_does_nothing() -> None:
    assert SIGNED_IN.sessions is not None
    client = TestClient(guarded_entry(SIGNED_IN), base_url=HERE)
    sent = cookie(Role.READER)
    assert client.post("/sign-out", headers=sent | {"Sec-Fetch-Site": "cross-site"}).status_code == 403
    assert client.get("/sign-out", headers=sent).status_code == 405
    assert client.get("/law", headers=sent).status_code == 200
    out = client.post("/sign-out", headers=sent | SAME_ORIGIN)
    assert out.status_code == 200 and "visavis=;" in out.headers["set-cookie"]
    assert client.get("/law", headers=sent).status_code == 401  # a copy of the cookie is worth nothing either


@pytest.mark.parametrize(
    ("accepted", "language"),
    [
        ("", Language.ENGLISH),
        ("fr-BE,fr;q=0.9,en;q=0.8", Language.FRENCH),
        ("nl, de;q=0.5, en;q=0.4", Language.GERMAN),
        ("nl,it", Language.ENGLISH),
        ("en;q=0.1,de;q=0.2", Language.GERMAN),
        ("fr;q=0,en", Language.ENGLISH),
        ("de;q=many", Language.ENGLISH),
        ("<script>" * 200, Language.ENGLISH),
    ],
)
def test_the_language_that_the_browser_asks_for(accepted: str, language: Language) -> None:
    assert language_of({"headers": [(b"accept-language", accepted.encode())]}) is language


def test_the_sign_in_has_the_same_words_in_every_language() -> None:
    english = load_wording(Language.ENGLISH).entry
    template = (Path(page.__file__).parent.parent / "templates" / "sign_in.html").read_text("utf-8")
    for language in Language:
        entry = load_wording(language).entry
        assert set(entry) == set(english) and all(entry.values())
        assert all(("{" in entry[key]) == ("{" in english[key]) for key in english)
    assert {f"trouble_{one}" for one in Trouble} | {f"role_{one}" for one in Role} <= set(english)
    assert set(re.findall(r'words\["(\w+)"\]', template)) <= set(english)


def test_a_name_is_text_and_nothing_else() -> None:
    assert SIGNED_IN.sessions is not None
    nasty = Person("1", '<img src=x onerror=alert(1)> & "Ada"', Role.READER, Means.OIDC)
    sent = SIGNED_IN.sessions.set(SIGNED_IN.sessions.begin(nasty)).partition(";")[0]
    shown = TestClient(guarded_entry(SIGNED_IN)).get("/sign-in", headers={"Cookie": sent})
    assert "<img" not in shown.text and "&lt;img src=x onerror=alert(1)&gt; &amp; &#34;Ada&#34;" in shown.text


# What the settings say


NETWORK = ip_network("10.0.0.7")
OIDC = {"sign_in": "oidc", "oidc_issuer": "https://login.example", "oidc_client_id": "visavis"}


@pytest.mark.parametrize(
    ("given", "is_private", "said"),
    [
        ({}, False, "--open-to-all"),
        ({"sign_in": "proxy"}, True, "VISAVIS_PROXY_TRUSTED"),
        ({"sign_in": "oidc"}, True, "VISAVIS_OIDC_ISSUER"),
        ({"sign_in": "oidc", "oidc_issuer": "https://login.example"}, True, "VISAVIS_OIDC_CLIENT_ID"),
        (OIDC, False, "VISAVIS_SIGN_IN_ADDRESS"),
        (OIDC | {"sign_in_hosts": ["law.example"]}, True, "VISAVIS_SIGN_IN_ADDRESS"),
        (OIDC | {"sign_in_address": "https://law.example/ai"}, False, "VISAVIS_ROOT_PATH"),
    ],
)
def test_settings_that_leave_something_open_are_refused(
    given: dict[str, Any], is_private: bool, said: str, tmp_path: Path
) -> None:
    settings = ServeSettings(**given, session_key_file=tmp_path / "key")
    with pytest.raises(SettingsError, match=said) as refused:
        open_admission(settings, is_private=is_private)
    assert "\n" not in str(refused.value)


def test_settings_that_fit_are_taken(tmp_path: Path) -> None:
    key = tmp_path / "key"
    assert open_admission(ServeSettings(), is_private=True).hosts == frozenset()
    assert open_admission(ServeSettings(), is_private=False, is_open=True).hosts is None
    one = open_admission(ServeSettings(sign_in="proxy", proxy_trusted=[NETWORK]), is_private=False)
    assert one.trusted == one.headers.trusted == (NETWORK,)
    given = OIDC | {"sign_in_address": "https://law.example", "session_key_file": key, "sign_in_hosts": ["ai.example"]}
    two = open_admission(ServeSettings(**given), is_private=False)
    assert two.hosts == {"law.example", "ai.example"} and two.origins == ("https://law.example",)
    assert two.sessions is not None and two.sessions.secure and key.is_file()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SIGN_IN", "ldap"),
        ("SIGN_IN_ADDRESS", "http://law.example"),
        ("SIGN_IN_ADDRESS", "https://ada:pw@law.example"),
        ("SIGN_IN_ADDRESS", "law.example"),
        ("PROXY_TRUSTED", "10.0.0.0/33"),
        ("PROXY_TRUSTED", "0.0.0.0/0"),
        ("PROXY_TRUSTED", "::/0"),
        ("PROXY_TRUSTED", "proxy.example"),
        ("PROXY_USER_HEADER", "X_User"),
        ("PROXY_USER_HEADER", "X-User: a"),
        ("PROXY_SIGN_OUT", "//evil.example"),
        ("PROXY_SIGN_OUT", "javascript:alert(1)"),
        ("OIDC_ISSUER", "http://login.example"),
        ("OIDC_ALGORITHMS", "none"),
        ("OIDC_ALGORITHMS", "RS256,HS256"),
        ("SESSION_IDLE", "0"),
        ("SESSION_LENGTH", "9999"),
        ("OIDC_ISSUERS", "https://login.example"),
        ("ROLE_KING", "ada"),
    ],
)
def test_a_setting_that_is_none_is_refused_in_one_line(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(f"VISAVIS_{name}", value)
    with pytest.raises(SettingsError, match=f"VISAVIS_{name}") as refused:
        load_serve_settings()
    assert "\n" not in str(refused.value)


def test_groups_are_written_with_commas_or_in_the_file_as_a_list(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("VISAVIS_ROLE_READERS", "Law society, Members of the bar")
    assert load_serve_settings().role_readers == ("Law society", "Members of the bar")
    monkeypatch.delenv("VISAVIS_ROLE_READERS")
    file = tmp_path / "visavis.toml"
    file.write_text('[serve]\nrole_readers = ["CN=Law,OU=Groups"]\nproxy_trusted = ["10.0.0.7"]\n')
    monkeypatch.setenv("VISAVIS_CONFIG", str(file))
    assert load_serve_settings().role_readers == ("CN=Law,OU=Groups",)
    assert load_serve_settings().proxy_trusted == (NETWORK,)


@pytest.mark.parametrize(
    ("arguments", "settings", "said"),
    [
        (("--host", "0.0.0.0"), {}, "--open-to-all"),
        ((), {"VISAVIS_SIGN_IN": "proxy"}, "VISAVIS_PROXY_TRUSTED"),
        ((), {"VISAVIS_SIGN_IN": "saml"}, "VISAVIS_SIGN_IN 'saml'"),
    ],
)
def test_a_server_that_would_stand_open_does_not_start(
    arguments: tuple[str, ...], settings: dict[str, str], said: str
) -> None:
    began = time.monotonic()
    ran = run_visavis("serve", "--port", "0", "--no-build", *arguments, **settings)
    assert ran.code == 2 and said in ran.err and ran.err.count("\n") == 1
    assert time.monotonic() - began < 60
