"""Every route of the application has a rule, and refuses everybody whom its rule does not let pass."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from starlette.routing import Mount, Route

from tests.ui.houses import OPENED, SAME_ORIGIN, SIGNED_IN, build_house, cookie, guarded
from ui.access import Access, Scope, TokenFile
from ui.people import Role
from ui.signin.admission import Admission
from ui.signin.rules import RULES, WEBSOCKET, RouteMap, Rule, collect_routes, rule_of, table_of_routes

OPEN = {
    "/healthz",
    "/readyz",
    "/library.css",
    "/library.js",
    "/embed.js",
    "/embed",
    "/embed/entry.js",
    "/embed/session",
    "/sign-in",
    "/sign-in/start",
    "/sign-in/callback",
    "/sign-in.css",
    "/sign-in.js",
    "/sign-out",
    "/signed-out",
    "/person",
    "/person.js",
    "/favicon.ico",
    "/robots.txt",
    "/api/v1/docs",
    "/api/v1/openapi.json",
}
"""What anybody may have: not a word of a text, of a question or of a person is in it."""

ADMINISTRATORS = {"/metrics"}
TOKENS = {
    "/api/v1/ask": {Scope.ASK},
    "/api/v1/feedback": {Scope.ASK},
    "/api/v1/instruments": {Scope.READ},
    "/api/v1/provisions/{instrument}/{pinpoint:path}": {Scope.READ},
    "/api/v1/diff": {Scope.READ},
    "/api/v1/compare": {Scope.READ},
    "/api/v1/concordance": {Scope.READ},
    "/api/v1/export": {Scope.EXPORT},
    "/mcp": {Scope.ASK, Scope.READ, Scope.EXPORT},
    "/metrics": {Scope.ADMIN},
}
WAYS = ["nobody", *Role, *Scope, "a wrong token"]


@pytest.fixture(scope="module")
def tokens(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("tokens") / "tokens.json"


@pytest.fixture(scope="module")
def house(tokens: Path) -> FastAPI:
    """The application as the server runs it."""
    return build_house(SIGNED_IN, tokens)


@pytest.fixture(scope="module")
def headers(tokens: Path) -> dict[str, dict[str, str]]:
    """What each sends who may come."""
    kept = TokenFile(tokens)
    sent = {scope: {"Authorization": f"Bearer {kept.create('a program', [scope], None)[1]}"} for scope in Scope}
    browsers = {role: cookie(role) | SAME_ORIGIN for role in Role}
    return {"nobody": {}, "a wrong token": {"Authorization": "Bearer vv_00000000_" + "S" * 43}, **browsers, **sent}


@pytest.fixture(scope="module")
def door(house: FastAPI, tokens: Path) -> Iterator[TestClient]:
    """The guard of the house, before a room in which everybody learns who they are."""
    app = guarded(house, SIGNED_IN, Access(TokenFile(tokens), require=True))
    yield TestClient(app, client=("192.0.2.7", 5000))


def routes(house: FastAPI) -> Iterator[tuple[str, str]]:
    for found in collect_routes(house.routes):
        assert WEBSOCKET not in found.methods, "a websocket needs a test of its own"
        yield from ((method, found.path) for method in found.methods or {"GET", "POST"})


def filled(path: str) -> str:
    """An address that leads to a route."""
    return re.sub(r"\{\w+\}", "one", re.sub(r"\{\w+:path\}", "one/two", path))


def test_every_route_has_a_rule(house: FastAPI) -> None:
    assert sorted({path for method, path in routes(house) if rule_of(method, path) is None}) == []
    assert len(list(routes(house))) > 100


def test_no_rule_is_of_a_route_that_is_not_there(house: FastAPI) -> None:
    later = {"/metrics", "/readyz", "/sign-in/start", "/sign-in/callback"}
    assert set(RULES) - {path for _, path in routes(house)} <= later


def test_what_is_open_is_known_by_name(house: FastAPI) -> None:
    assert {path for path, rule in RULES.items() if rule.role is None and not rule.closed} == OPEN
    assert {path for path, rule in RULES.items() if rule.role is Role.ADMINISTRATOR} == ADMINISTRATORS
    assert {path: set(rule.scopes) for path, rule in RULES.items() if rule.scopes} == TOKENS


def may_pass(rule: Rule, path: str, who: str) -> bool:
    if rule.closed:
        return False
    if path in OPEN:
        return True
    if who in list(Role):
        return who == Role.ADMINISTRATOR or path not in ADMINISTRATORS
    return who in TOKENS.get(path, ())


@pytest.mark.parametrize("who", WAYS)
def test_each_route_lets_pass_whom_it_should_and_nobody_else(
    house: FastAPI, door: TestClient, headers: dict[str, dict[str, str]], who: str
) -> None:
    wrong = []
    for method, path in routes(house):
        rule = rule_of(method, path)
        assert rule is not None
        status = door.request(method, filled(path), headers=headers[who]).status_code
        if (status == 200) != may_pass(rule, path, who):
            wrong.append((method, path, status))
        assert status in {200, 401, 403, 404, 429}
    assert wrong == []


def test_the_guard_stands_before_every_route_of_the_application(house: FastAPI) -> None:
    client = TestClient(house, client=("192.0.2.9", 5000))
    for method, path in routes(house):
        if path in OPEN:
            continue
        response = client.request(method, filled(path), headers={"Accept": "application/json"})
        assert response.status_code in {401, 404}, (method, path)
        if method != "HEAD":
            assert response.headers["content-type"] == "application/problem+json", (method, path)
        assert response.headers["x-content-type-options"] == "nosniff"


def test_a_page_that_somebody_opens_leads_to_the_sign_in_and_back(house: FastAPI) -> None:
    client = TestClient(house)
    response = client.get("/law/eu-ai-act?q=a%20b", headers=OPENED, follow_redirects=False)
    assert response.status_code == 302
    assert response.headers["location"] == "/sign-in?next=%2Flaw%2Feu-ai-act%3Fq%3Da%2520b"
    assert client.get("/law", headers=OPENED | cookie(Role.READER)).status_code == 200
    assert client.get("/nowhere", headers=OPENED).status_code == 404


def test_a_route_without_a_rule_is_closed_to_everybody() -> None:
    house = FastAPI(openapi_url=None, docs_url=None, redoc_url=None)

    @house.get("/new")
    def new() -> str:
        return "new"

    assert table_of_routes(house.routes) == [("GET", "/new", "no rule: closed", "")]
    for admission in (SIGNED_IN, Admission()):
        door = TestClient(guarded(house, admission, Access(require=True)))
        sent = cookie(Role.ADMINISTRATOR) if admission.is_needed else {}
        assert door.get("/new", headers=sent).status_code == 404


def test_an_application_mounted_without_a_rule_is_closed() -> None:
    async def anything(scope: object, receive: object, send: object) -> None:
        raise AssertionError("it was reached")

    house = FastAPI(openapi_url=None, docs_url=None, redoc_url=None, routes=[Mount("/files", app=anything)])
    assert [one.path for one in collect_routes(house.routes)] == ["/files/{path:path}"]
    assert TestClient(guarded(house, Admission(), Access())).get("/files/passwd").status_code == 404


@pytest.mark.parametrize(
    ("path", "rule"),
    [
        ("/law", Role.READER),
        ("/law/", None),
        ("/LAW", None),
        ("//law", None),
        ("/law/../healthz", Role.READER),
        ("/healthz", "open"),
        ("/healthz/", None),
        ("/healthz%00", None),
        ("/api/v1/nowhere", "open"),
        ("/api/v1/ask/", "open"),
        ("/api/v1", None),
        ("/gradio_api/queue/join", Role.READER),
        ("/gradio_api/proxy=http://127.0.0.1/", "closed"),
        ("/gradio_api/file=/etc/passwd", "closed"),
    ],
)
def test_an_address_has_the_rule_of_the_route_that_it_leads_to(house: FastAPI, path: str, rule: str | None) -> None:
    method = "POST" if path.endswith("join") else "GET"
    found, _ = RouteMap(house.routes).find(method, path)
    said = None if found is None else "closed" if found.closed else found.role or "open"
    assert said == rule


def test_of_two_routes_that_an_address_may_lead_to_the_stricter_rule_holds() -> None:
    async def nothing(scope: object) -> None:
        """Never called."""

    both = [Route("/law/{instrument}", nothing), Route("/law/{instrument}/{place:path}", nothing)]
    found, route = RouteMap([*both, Route("/healthz", nothing), Route("/{anything}", nothing)]).find("GET", "/healthz")
    assert found is None and route == "/{anything}"
    assert RouteMap(both).find("DELETE", "/law/x")[0] == RULES["/law/{instrument}"]


def test_the_table_names_every_route_with_its_rule(house: FastAPI) -> None:
    table = {(method, path): (who, scopes) for method, path, who, scopes in table_of_routes(house.routes)}
    assert table["POST", "/api/v1/ask"] == ("reader", "ask")
    assert table["GET", "/healthz"] == ("anybody", "")
    assert table["POST", "/gradio_api/call/{api_name}"] == ("closed", "")
    assert not [who for who, _ in table.values() if who.startswith("no rule")]
