"""The shell around the application: what browsers are told, what is closed, and what strangers may send."""

import asyncio
import json
import logging
import re
import socket
import time
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from ipaddress import IPv4Network
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from assistant.errors import SettingsError
from ingest.errors import UsageError
from tests.ui.gardens import garden_corpus
from tests.ui.servers import threaded
from tests.ui.test_mcp import garden_desk
from ui.access import Access, Limits, Scope, TokenFile, neighbourhood
from ui.api import create_app
from ui.headers import SECURITY_HEADERS, page_policy, still_policy
from ui.settings import load_serve_settings
from ui.signin.admission import Admission
from ui.signin.rules import GRADIO, RULES, collect_routes
from ui.waiting import HastyProtocol

SECRET = "secret rose"
LOCAL = IPv4Network("127.0.0.0/8")
NEEDED = {
    "app_id",
    "app_id/",
    "cancel",
    "heartbeat/{session_hash}",
    "queue/data",
    "queue/join",
    "queue/status",
    "run/{api_name}",
    "startup-events",
    "theme.css",
}
"""What the page asks of Gradio; all else of it is closed."""


async def create_in_a_loop(access: Access | None = None, **more: object) -> FastAPI:
    """The application made where a loop runs: elsewhere Gradio opens loops of its own and never closes them."""
    return create_app(garden_desk(garden_corpus()), access=access, **more)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def app() -> FastAPI:
    return asyncio.run(create_in_a_loop(Access(limits=Limits(calls=10_000))))


@pytest.fixture(scope="module")
def client(app: FastAPI) -> Iterator[TestClient]:
    with TestClient(app, base_url="http://localhost:7860") as client:
        yield client


# What browsers are told


def directives(policy: str) -> dict[str, list[str]]:
    return {name: values for name, *values in (one.split() for one in policy.split("; "))}


def test_the_chats_page_runs_its_own_inline_scripts_and_no_other(client: TestClient) -> None:
    response = client.get("/")
    allowed = directives(response.headers["content-security-policy"])
    assert allowed["default-src"] == ["'none'"] and allowed["connect-src"] == ["'self'"]
    assert "'unsafe-inline'" not in allowed["script-src"]
    inline = re.findall(r"<script(?![^>]*\bsrc=)[^>]*>(.*?)</script>", response.text, re.DOTALL)
    assert len(inline) >= 3
    wanted = {f"'sha256-{b64encode(sha256(one.encode()).digest()).decode()}'" for one in inline}
    assert set(allowed["script-src"]) == {"'self'", "'unsafe-eval'"} | wanted
    assert len(response.content) == int(response.headers["content-length"])


@pytest.mark.parametrize(
    "path",
    [
        "/law",
        "/law/eu-ai-act",
        "/law/eu-ai-act/art_4",
        "/passage/status?instrument=coe-ai-convention",
        "/concordance",
        "/api/v1/docs",
    ],
)
def test_every_page_of_ours_allows_nothing_unsafe(client: TestClient, path: str) -> None:
    response = client.get(path)
    assert response.status_code == 200
    policy = response.headers["content-security-policy"]
    assert "unsafe" not in policy and directives(policy)["default-src"] == ["'none'"]


@pytest.mark.parametrize("path", ["/healthz", "/api/v1/instruments", "/config", "/nowhere", "/api/v1/nowhere"])
def test_what_is_no_page_may_load_nothing_and_is_not_kept(client: TestClient, path: str) -> None:
    headers = client.get(path).headers
    assert directives(headers["content-security-policy"])["default-src"] == ["'none'"]
    assert headers["cache-control"] == "no-store"
    assert {name: headers[name] for name in SECURITY_HEADERS} == SECURITY_HEADERS


def test_an_answer_is_not_kept_whichever_way_it_comes(client: TestClient) -> None:
    for accept in ("application/json", "text/event-stream"):
        response = client.post("/api/v1/ask", json={"question": SECRET}, headers={"Accept": accept})
        assert (response.status_code, response.headers["cache-control"]) == (200, "no-store")
    saved = client.post("/save", json={"format": "json", "questions": [{"question": SECRET}]})
    assert (saved.status_code, saved.headers["cache-control"]) == (200, "no-store")


def test_scripts_and_styles_may_be_kept(client: TestClient) -> None:
    script = re.search(r'src="\./(assets/[^"]+\.js)"', client.get("/").text)
    assert script is not None
    for path in (script[1], "library.css"):
        assert client.get(f"/{path}").headers.get("cache-control") != "no-store"


def test_https_alone_asks_for_https_from_then_on(app: FastAPI) -> None:
    for scheme, said in (("http", None), ("https", "max-age=31536000")):
        answering = TestClient(app, base_url=f"{scheme}://localhost")
        assert answering.get("/healthz").headers.get("strict-transport-security") == said


def test_a_policy_hashes_what_the_browser_parses() -> None:
    digest = b64encode(sha256(b"a\nb").digest()).decode()
    assert f"'sha256-{digest}'" in page_policy(b"<script>a\r\nb</script>")
    assert page_policy(b"<script src='x.js'></script>").count("sha256") == 0
    assert f"style-src 'sha256-{digest}'" in still_policy("<style>a\nb</style>")


# What is closed


def test_of_gradio_only_what_the_page_needs_answers(app: FastAPI, client: TestClient) -> None:
    found = [one for one in collect_routes(app.routes) if one.path.startswith(f"{GRADIO}/")]
    assert len(found) > 40
    closed = [one for one in found if one.path.removeprefix(f"{GRADIO}/") not in NEEDED]
    assert len(closed) > len(NEEDED)
    for one in closed:
        path = re.sub(r"\{[^}]*\}", "x", one.path)
        for method in one.methods or {"GET"}:
            response = client.request(method, path)
            assert response.status_code == 404, (method, path)


def test_every_rule_of_gradio_is_of_a_route_that_there_is(app: FastAPI) -> None:
    there = {one.path for one in collect_routes(app.routes)}
    assert {f"{GRADIO}/{one}" for one in NEEDED} <= there & set(RULES)


OUTSIDE = [
    "/gradio_api/file=/etc/passwd",
    "/gradio_api/file/etc/passwd",
    "/gradio_api/proxy=https://evil.example/",
    "/static/../../../../etc/passwd",
    "/static/%2e%2e/%2e%2e/%2e%2e/etc/passwd",
    "/assets/..%2f..%2f..%2f..%2fetc%2fpasswd",
    "/svelte/..%2f..%2fetc/passwd",
    "/law/..%2f..%2fetc/passwd",
    "/law/eu-ai-act/..%2f..%2f..%2fetc%2fpasswd",
    "/passage?wording=../../etc/passwd&place=art_1",
    "/passage?wording=eu-ai-act@2026-07-27:en&place=../../../etc/passwd",
    "/source/..%2f..%2fetc%2fpasswd/1.png?wording=x&place=art_1",
    "/source/eu-ai-act/1.png?wording=..%2f..%2fetc%2fpasswd&place=art_1",
    "/api/v1/provisions/..%2f..%2fetc/passwd",
    "//etc/passwd",
    "/\\etc\\passwd",
    "/%00/etc/passwd",
    "/assets/%00",
    "/static/%ff%fe",
]


@pytest.mark.parametrize("path", OUTSIDE)
def test_no_address_leads_out_of_the_house(served: str, path: str) -> None:
    status, head, body = exchange(served, f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
    assert status in {307, 400, 403, 404, 422}, (status, body[:200])
    assert b"root:" not in body
    assert not re.search(rb"(?im)^location: (//|https?://(?!localhost))", head)


# What strangers may send


@contextmanager
def serving(app: FastAPI, *, head_seconds: float = 20.0, most: int = 800) -> Iterator[str]:
    """The application as `visavis serve` runs it, on a free port, with a shorter patience."""

    class Hastier(HastyProtocol):
        pass

    Hastier.head_seconds = head_seconds
    options: dict[str, Any] = {"ws": "none", "limit_concurrency": most, "proxy_headers": False, "lifespan": "off"}
    with threaded(app, http=Hastier, **options) as address:
        yield address


@pytest.fixture(scope="module")
def served(app: FastAPI) -> Iterator[str]:
    with serving(app, head_seconds=1.0) as address:
        yield address


def connect(address: str) -> socket.socket:
    host, _, port = address.partition(":")
    return socket.create_connection((host, int(port)), timeout=15)


def read_all(connection: socket.socket) -> bytes:
    """Whatever comes until the other side closes."""
    found = bytearray()
    try:
        while piece := connection.recv(65536):
            found += piece
    except ConnectionResetError:
        pass
    return bytes(found)


def exchange(address: str, request: str | bytes) -> tuple[int, bytes, bytes]:
    """Send bytes as they are; the status, the head and the body of what comes back."""
    with connect(address) as connection:
        connection.sendall(request.encode("latin-1") if isinstance(request, str) else request)
        head, _, body = read_all(connection).partition(b"\r\n\r\n")
    return int(head.split(b" ", 2)[1]) if head else 0, head, body


def test_a_head_that_never_ends_is_not_waited_for(served: str, caplog: pytest.LogCaptureFixture) -> None:
    begun = time.monotonic()
    with connect(served) as connection:
        connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nX-Slow: ")
        for _ in range(3):
            time.sleep(0.2)
            connection.sendall(b"a")
        assert read_all(connection) == b""
    assert time.monotonic() - begun < 10
    (line,) = (one.getMessage() for one in caplog.records if one.name == "visavis.api")
    assert line == "api: 408 Request Timeout for 127.0.0.0/24: no whole request came in time"


def test_a_connection_that_says_nothing_is_closed(served: str) -> None:
    with connect(served) as connection:
        assert read_all(connection) == b""


def test_a_second_head_that_never_ends_is_not_waited_for_either(served: str) -> None:
    with connect(served) as connection:
        connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\nGET /healthz HTTP/1.1\r\nX: ")
        assert read_all(connection).count(b"HTTP/1.1 200") == 1


def test_a_body_that_drips_after_its_refusal_is_not_waited_for(tmp_path: Path) -> None:
    tokens = TokenFile(tmp_path / "tokens.json")
    tokens.create("a client", [Scope.ASK], None)
    with serving(asyncio.run(create_in_a_loop(Access(tokens))), head_seconds=1.0) as address, connect(address) as slow:
        slow.sendall(b"POST /api/v1/ask HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100000\r\n\r\n")
        said = slow.recv(65536)
        assert said.startswith(b"HTTP/1.1 401")  # before any of the body
        begun = time.monotonic()
        with pytest.raises(OSError):
            while time.monotonic() - begun < 12:
                slow.sendall(b"x")
                time.sleep(0.1)
        assert time.monotonic() - begun < 10


def test_more_connections_than_are_served_are_asked_to_come_again(app: FastAPI) -> None:
    with serving(app, most=3) as address:
        held = [connect(address) for _ in range(3)]
        status, _, _ = exchange(address, "GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        for one in held:
            one.close()
        time.sleep(0.2)
        again, _, _ = exchange(address, "GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
    assert (status, again) == (503, 200)


@pytest.mark.parametrize(
    ("request_head", "statuses"),
    [
        ("GET /healthz HTTP/1.1\r\nHost: localhost\r\nX: " + "a" * 1_000_000 + "\r\n\r\n", {400, 431}),
        ("GET /" + "a" * 1_000_000 + " HTTP/1.1\r\nHost: localhost\r\n\r\n", {400, 414, 431}),
        ("POST /save HTTP/1.1\r\nHost: localhost\r\nContent-Length: 4\r\nContent-Length: 5\r\n\r\n0\r\n\r\n", {400}),
        ("POST /save HTTP/1.1\r\nHost: localhost\r\nContent-Length: -1\r\n\r\n", {400}),
        ("POST /save HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked, gzip\r\n\r\n", {400, 501}),
        ("GET /healthz HTTP/1.1\r\nHost: localhost\r\nX: a\x00b\r\n\r\n", {400}),
        ("GET /healthz HTTP/1.1\r\nHost: localhost\r\n folded: yes\r\n\r\n", {400, 421}),
        ("GET /healthz HTTP/1.1\r\n\r\n", {400}),
        ("NONSENSE\r\n\r\n", {400}),
    ],
)
def test_requests_that_two_servers_may_read_differently_are_refused(
    served: str, request_head: str, statuses: set[int]
) -> None:
    status, _, body = exchange(served, request_head.replace("\r\n\r\n", "\r\nConnection: close\r\n\r\n", 1))
    assert status in statuses
    assert b"Traceback" not in body


BODIES: list[tuple[str, bytes, set[int]]] = [
    ("/api/v1/ask", json.dumps({"question": f"{SECRET} " * 1_000_000}).encode(), {413}),
    ("/gradio_api/queue/join", json.dumps({"data": [f"{SECRET} " * 1_000_000]}).encode(), {413}),
    ("/save", json.dumps({"questions": [f"{SECRET} " * 1_000_000]}).encode(), {413}),
    ("/mcp", json.dumps({"params": f"{SECRET} " * 1_000_000}).encode(), {413}),
    ("/api/v1/ask", b"[" * 100_000, {400, 422}),
    ("/api/v1/ask", b'{"question":' * 10_000 + b"1" + b"}" * 10_000, {400, 422}),
    ("/gradio_api/queue/join", b"[" * 100_000, {400, 422}),
    ("/save", b"[" * 100_000, {400, 422}),
    ("/api/v1/ask", b'{"question": "\\ud800 secret rose"}', {422}),
    ("/api/v1/ask", b'{"question": "secret rose", "as_of": "0000-01-01"}', {422}),
    ("/api/v1/ask", b'{"question": "secret rose", "as_of": 19000101}', {422}),
    ("/api/v1/ask", b'{"question": "secret rose", "__proto__": {}}', {422}),
    ("/api/v1/ask", b'{"question": "secret rose", "question": "twice"}', {200}),
    ("/api/v1/ask", b"\xff\xfe\x00", {400, 422}),
    ("/api/v1/ask", b'{"question": NaN}', {400, 422}),
    ("/api/v1/ask", b'{"question": 1e999999}', {400, 422}),
]


@pytest.mark.parametrize(("path", "body", "statuses"), BODIES)
def test_a_body_that_is_too_much_is_a_status_and_at_most_a_line(
    client: TestClient, caplog: pytest.LogCaptureFixture, path: str, body: bytes, statuses: set[int]
) -> None:
    headers = {"Content-Type": "application/json", "Accept": "application/json, text/event-stream"}
    response = client.post(path, content=body, headers=headers)
    assert response.status_code in statuses
    ours = [one for one in caplog.records if one.name.startswith(("visavis", "ui"))]
    assert len(ours) <= 1
    assert SECRET not in caplog.text and "Traceback" not in caplog.text


@pytest.mark.parametrize("path", ["/law/x%0d%0aSet-Cookie:%20a=b", "/law?x=%0d%0aX-Evil:%201", "/%0d%0aX-Evil:%201"])
def test_nothing_sent_becomes_a_header_or_a_line_of_the_log(
    served: str, path: str, caplog: pytest.LogCaptureFixture
) -> None:
    _, head, _ = exchange(served, f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
    assert not re.search(rb"(?im)^(set-cookie|x-evil):", head)
    assert all("\n" not in one.getMessage() and "Evil" not in one.getMessage() for one in caplog.records)


def test_wrong_tokens_are_counted_over_every_way_in(tmp_path: Path) -> None:
    tokens = TokenFile(tmp_path / "tokens.json")
    good = tokens.create("a client", [Scope.READ], None)[1]
    app = asyncio.run(create_in_a_loop(Access(tokens, limits=Limits(wrong_tokens=4))))
    wrong = {"Authorization": "Bearer vv_00000000_" + "S" * 43}
    with TestClient(app, base_url="http://localhost") as client:
        tried = [client.get("/api/v1/instruments", headers=wrong).status_code for _ in range(2)]
        tried += [client.post("/mcp", json={}, headers=wrong).status_code for _ in range(4)]
        assert tried[0] == 401 and tried[-1] == 429
        assert client.get("/api/v1/instruments", headers={"Authorization": f"Bearer {good}"}).status_code == 200


@pytest.mark.parametrize(("trusted", "locked_out"), [((LOCAL,), False), ((), True)])
def test_a_guesser_behind_the_proxy_locks_out_nobody_else(
    tmp_path: Path, trusted: tuple[IPv4Network, ...], locked_out: bool
) -> None:
    """The readers' own addresses count, where a trusted proxy says them; from anybody else they count for nothing."""
    tokens = TokenFile(tmp_path / "tokens.json")
    tokens.create("a client", [Scope.READ], None)
    access = Access(tokens, limits=Limits(wrong_tokens=4))
    app = asyncio.run(create_in_a_loop(access, admission=Admission(trusted=trusted)))
    wrong = {"Authorization": "Bearer vv_00000000_" + "S" * 43}
    with TestClient(app, base_url="http://localhost", client=("127.0.0.1", 5000)) as client:

        def tried(address: str) -> int:
            return client.get("/api/v1/instruments", headers=wrong | {"X-Forwarded-For": address}).status_code

        assert [tried("192.0.2.1") for _ in range(9)][-1] == 429
        assert (tried("192.0.2.2") == 429) is locked_out


def test_a_guesser_with_a_network_of_addresses_is_one_guesser() -> None:
    assert neighbourhood("2001:db8::1") == neighbourhood("2001:db8::ffff:1") == "2001:db8::/64"
    assert neighbourhood("2001:db8:0:1::1") != neighbourhood("2001:db8::1")
    assert neighbourhood("::ffff:192.0.2.1") == neighbourhood("192.0.2.1") == "192.0.2.1"
    assert neighbourhood("testclient") == "testclient"


def test_the_proxy_says_that_the_reader_came_by_https(app: FastAPI) -> None:
    with TestClient(app, base_url="http://localhost", client=("127.0.0.1", 5000)) as client:
        assert "strict-transport-security" in client.get("/healthz", headers={"X-Forwarded-Proto": "https"}).headers
        assert "strict-transport-security" not in client.get("/healthz").headers


def test_a_refusal_of_the_guard_has_the_headers_too(client: TestClient) -> None:
    response = client.get("/gradio_api/upload")
    assert response.status_code == 404
    assert {name: response.headers[name] for name in SECURITY_HEADERS} == SECURITY_HEADERS


def test_the_sites_that_may_call_are_a_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VISAVIS_API_ORIGINS", "https://a.example, https://b.example:8443/")
    assert load_serve_settings().api_origins == ("https://a.example", "https://b.example:8443")
    monkeypatch.setenv("VISAVIS_API_ORIGINS", "*")
    with pytest.raises(SettingsError, match="is no origin; write for example"):
        load_serve_settings()


NAMES = ["a\r\nX: b", "a\x1b[31m", "a\u202egnp.exe", "a\u2028b", "a\u200bb", "", "a" * 101, "\x00"]


@pytest.mark.parametrize("name", NAMES)
def test_a_clients_name_prints_as_it_is_or_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(UsageError, match="cannot be a name") as caught:
        TokenFile(tmp_path / "tokens.json").create(name, [Scope.READ], None)
    assert str(caught.value).isprintable()


def test_pages_of_other_sites_may_call_the_api_only_where_they_are_listed() -> None:
    app = asyncio.run(create_in_a_loop(allowed_origins=["https://intranet.example"]))
    with TestClient(app, base_url="http://localhost") as client:
        for origin, allowed in (("https://intranet.example", True), ("https://evil.example", False), ("null", False)):
            asked = {"Origin": origin, "Access-Control-Request-Method": "POST"}
            preflight = client.options("/api/v1/ask", headers=asked)
            assert (preflight.headers.get("access-control-allow-origin") == origin) is allowed
            assert "access-control-allow-credentials" not in preflight.headers
            plain = client.get("/api/v1/instruments", headers={"Origin": origin})
            assert ("access-control-allow-origin" in plain.headers) is allowed


def test_a_text_full_of_markup_is_text_wherever_it_is_shown(client: TestClient) -> None:
    """The invented law holds `<img src=x onerror=alert(1)> & "more"`; so do questions and addresses here."""
    nasty = "<img src=x onerror=alert(1)>"
    for path in (
        "/law/eu-ai-act/art_5",
        "/law/eu-ai-act",
        f"/law/eu-ai-act?q={nasty}",
        f"/law/{nasty}",
        f"/law?lang={nasty}",
    ):
        page = client.get(path)
        assert "<img src=x" not in page.text, path
    for fmt in ("markdown", "json"):
        saved = client.post(
            "/save", json={"format": fmt, "questions": [{"question": f"What of {nasty} [x](javascript:1)?"}]}
        )
        assert re.fullmatch(
            r'attachment; filename="visavis-[a-z]+-[0-9-]+\.[a-z]+"', saved.headers["content-disposition"]
        )
        assert fmt == "json" or not re.search(r"(?<!\\)<img|(?<!\\)\]\(javascript", saved.text)


def test_the_log_of_refusals_holds_one_line_each(client: TestClient, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    calls: list[tuple[str, str, dict[str, Any]]] = [
        ("POST", "/api/v1/ask", {"json": {"question": SECRET, "unknown": 1}}),
        ("POST", "/api/v1/ask", {"json": {"question": SECRET, "as_of": SECRET}}),
        ("POST", "/api/v1/ask", {"content": SECRET.encode(), "headers": {"Content-Type": "application/json"}}),
        ("GET", f"/api/v1/provisions/{SECRET}/art_1", {}),
        ("GET", f"/api/v1/{SECRET}", {}),
        ("PUT", "/api/v1/ask", {"json": {"question": SECRET}}),
        ("POST", "/mcp", {"json": {"question": SECRET}}),
    ]
    for method, path, sent in calls:
        caplog.clear()
        assert client.request(method, path, **sent).status_code in {400, 404, 405, 422}
        ours = [one for one in caplog.records if one.name.startswith("visavis")]
        assert [one.levelno for one in ours if one.levelno >= logging.WARNING] == [logging.WARNING], (path, ours)
        assert all("secret" not in one.getMessage() and "\n" not in one.getMessage() for one in ours)


def test_a_token_is_looked_at_before_the_body_comes(tmp_path: Path) -> None:
    """A refusal comes while the caller has sent a head and nothing more."""
    tokens = TokenFile(tmp_path / "tokens.json")
    tokens.create("a client", [Scope.ASK], None)
    with serving(asyncio.run(create_in_a_loop(Access(tokens)))) as address:
        for path in ("/api/v1/ask", "/api/v1/export", "/mcp"):
            with connect(address) as connection:
                head = f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n"
                connection.sendall(f"{head}Content-Type: application/json\r\n\r\n".encode())
                assert connection.recv(65536).startswith(b"HTTP/1.1 401"), path
