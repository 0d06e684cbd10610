import asyncio
import json
import logging
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, cast

import httpx
import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from pydantic import SecretStr

from assistant.errors import SettingsError
from ingest.errors import StoreError
from tests.conftest import CHECKOUT
from tests.load.chatting import Page, Tab
from tests.small_corpus import environment
from tests.ui.garden_server import garden_answer
from tests.ui.gardens import garden_corpus
from tests.ui.still import StillAssistant, StillDesk
from ui.access import Access, Limits, TokenFile
from ui.api import create_app
from ui.clients import Client, shorten
from ui.egress import configured_hosts
from ui.embedding.frames import Embedding
from ui.embedding.tokens import TokenEntrance
from ui.operation import health
from ui.operation.logs import open_log
from ui.operation.tracing import open_spans
from ui.operation.watch import Operation, open_operation
from ui.places import Places
from ui.refused import Refused
from ui.settings import Addresses, LogFormat, LogLevel, load_serve_settings

SECRET = "Does Rosamund's nursery water roses?"
LOCAL = ("127.0.0.1", 50000)


class Embedder:
    """Embeds nothing, or fails."""

    def __init__(self) -> None:
        self.trouble = ""

    def embed_query(self, text: str) -> None:
        if self.trouble:
            raise RuntimeError(self.trouble)


class Desk(StillDesk):
    """A desk that can be told to fail."""

    def __init__(self) -> None:
        corpus = garden_corpus()
        super().__init__(StillAssistant(corpus, garden_answer(corpus)))
        self.embedder = Embedder()
        cast(Any, self.current).embedder = self.embedder
        self.trouble = ""

    def check(self) -> None:
        if self.trouble:
            raise StoreError(self.trouble)


@pytest.fixture
def desk() -> Desk:
    return Desk()


@pytest.fixture
def access(tmp_path: Path) -> Access:
    return Access(TokenFile(tmp_path / "tokens.json"), limits=Limits(at_once=1, waiting=1, patience=0.2))


async def made(desk: Desk, access: Access, operation: Operation | None = None) -> FastAPI:
    return create_app(cast(Any, desk), access=access, operation=operation)


@pytest.fixture
def client(desk: Desk, access: Access) -> Iterator[TestClient]:
    app = asyncio.run(made(desk, access, Operation(Addresses.NETWORK)))
    with TestClient(app, base_url="http://127.0.0.1", client=LOCAL) as client:
        yield client


def ask(client: TestClient, question: str = SECRET) -> httpx.Response:
    return client.post("/api/v1/ask", json={"question": question})


# Health


def test_a_server_is_alive_and_ready(client: TestClient) -> None:
    assert client.get("/healthz").json()["status"] == "ok"
    ready = client.get("/readyz")
    assert (ready.status_code, ready.text) == (200, "ready\n")


@pytest.mark.parametrize(
    ("part", "line"), [("index", "the index cannot be searched"), ("embedder", "the embedding model does not work")]
)
def test_what_is_not_ready_is_503_with_one_line_that_names_no_path(
    client: TestClient, desk: Desk, part: str, line: str, caplog: pytest.LogCaptureFixture
) -> None:
    (desk if part == "index" else desk.embedder).trouble = "broken at /var/lib/secret"
    ready = client.get("/readyz")
    assert ready.status_code == 503 and line in ready.text
    assert len(ready.text.splitlines()) == 1 and "/var" not in ready.text
    assert "/var/lib/secret" in caplog.text
    assert client.get("/healthz").status_code == 200


def test_an_index_that_hangs_holds_nobody_up_and_is_not_ready_after_a_while(
    client: TestClient, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, seconds in {"A_MOMENT": 0.05, "TOO_LONG": 0.6, "TRIED_EVERY": 0.0}.items():
        monkeypatch.setattr(health, name, seconds)
    assert client.get("/readyz").text == "ready\n"
    going_on = threading.Event()
    looks: list[None] = []

    def hang() -> None:
        looks.append(None)
        going_on.wait(20)

    monkeypatch.setattr(desk, "check", hang)
    try:
        begun = time.monotonic()
        assert [client.get("/readyz").status_code for _ in range(3)] == [200] * 3, "the look before counts"
        assert time.monotonic() - begun < 0.6
        time.sleep(0.6)
        hung = client.get("/readyz")
        assert (hung.status_code, len(looks)) == (503, 1), "one look at a time"
        assert "does not answer" in hung.text and len(hung.text.splitlines()) == 1
    finally:
        going_on.set()
    deadline = time.monotonic() + 5
    while client.get("/readyz").status_code != 200:
        assert time.monotonic() < deadline


def test_a_server_that_ends_is_not_ready_and_takes_no_question(client: TestClient, access: Access) -> None:
    access.places.is_ending = True
    assert client.get("/readyz").status_code == 503
    refused = ask(client)
    assert refused.status_code == 503 and int(refused.headers["retry-after"]) >= 1


# Metrics


def sample(text: str, name: str) -> float:
    found = re.search(rf"^{re.escape(name)} (\S+)$", text, re.MULTILINE)
    assert found is not None, f"{name} is not in\n{text}"
    return float(found[1])


def test_metrics_count_what_was_answered_and_say_nothing_of_it(client: TestClient) -> None:
    assert ask(client).status_code == 200
    assert ask(client, "").status_code == 422
    counted = client.get("/metrics")
    assert counted.headers["content-type"].startswith("text/plain")
    text = counted.text
    assert sample(text, 'visavis_questions_total{channel="api",intent="comparison",writer="quoting"}') == 1
    assert sample(text, 'visavis_answer_seconds_count{channel="api",writer="quoting"}') == 1
    assert sample(text, 'visavis_http_responses_total{status="422"}') == 1
    assert sample(text, 'visavis_corpus_info{built="2026-11-23T10:00:00Z",id="fedcba9876543210"}') == 1
    assert sample(text, "visavis_index_age_seconds") >= 0
    assert "visavis_build_info{version=" in text
    assert "Rosamund" not in text and "testclient" not in text


@pytest.mark.parametrize("headers", [{"X-Forwarded-For": "192.0.2.7"}, {}])
def test_metrics_are_for_this_machine_alone(desk: Desk, access: Access, headers: dict[str, str]) -> None:
    where = LOCAL if headers else ("192.0.2.7", 1)
    app = asyncio.run(made(desk, access))
    with TestClient(app, base_url="http://127.0.0.1", client=where) as elsewhere:
        assert elsewhere.get("/metrics", headers=headers).status_code in {401, 403}


def test_what_the_chat_answers_is_counted_too(client: TestClient) -> None:
    put_in_the_page(client, SECRET)
    text = client.get("/metrics").text
    assert sample(text, 'visavis_questions_total{channel="chat",intent="comparison",writer="quoting"}') == 1


# One admission


def put_in_the_page(client: TestClient, question: str) -> str:
    config = client.get("/config").json()
    [number] = [one["id"] for one in config["dependencies"] if [*one["targets"][0]][1:] == ["put"]]
    turn = {"id": "0123456789abcdef", "question": question, "history": [], "choices": {}}
    body = {"data": [None], "event_data": {"turn": turn}, "fn_index": number, "session_hash": "tab1"}
    assert client.post("/gradio_api/queue/join", json=body).status_code == 200
    sent = client.get("/gradio_api/queue/data", params={"session_hash": "tab1"}).text
    [done] = [line for line in sent.splitlines() if '"process_completed"' in line]
    return str(json.loads(done.removeprefix("data:"))["output"]["data"][0])


def test_over_the_line_the_api_says_429_and_the_page_a_calm_line_with_the_question(
    client: TestClient, access: Access
) -> None:
    access.places.most_waiting = 0
    access.places._free = asyncio.Semaphore(0)
    refused = ask(client)
    assert refused.status_code == 429 and int(refused.headers["retry-after"]) >= 1
    assert refused.json()["request"] == refused.headers["x-request-id"]
    html = put_in_the_page(client, "Are roses plants?")
    assert 'data-state="trouble"' in html and "ask it again in a little while" in html and "Are roses plants?" in html
    assert sample(client.get("/metrics").text, "visavis_questions_turned_away_total") == 2


def test_a_place_is_waited_for_in_order_and_not_for_ever() -> None:
    async def scene() -> None:
        places = Places(1, 1, 0.3)
        order: list[str] = []

        async def take(name: str, seconds: float) -> None:
            async with places.place():
                order.append(name)
                await asyncio.sleep(seconds)

        first, second = asyncio.create_task(take("first", 0.1)), asyncio.create_task(take("second", 0.6))
        await asyncio.sleep(0.02)
        assert (places.taken, places.waiting) == (1, 1)
        with pytest.raises(Refused) as third:
            await take("third", 0)
        assert third.value.status == 429 and int(third.value.headers["Retry-After"]) >= 1
        await first
        await asyncio.sleep(0.02)
        with pytest.raises(Refused):  # the line is free, and the place is not in time
            await take("fourth", 0)
        await second
        assert order == ["first", "second"] and (places.taken, places.waiting, places.refused) == (0, 0, 2)
        await take("fifth", 0)

    asyncio.run(scene())


# Log


@pytest.fixture
def as_it_was() -> Iterator[None]:
    root = logging.getLogger()
    kept = (root.handlers[:], root.level)
    names = ("visavis", "assistant", "ingest", "uvicorn.error")
    levels = [logging.getLogger(name).level for name in names]
    yield
    root.handlers[:], root.level = kept
    for name, level in zip(names, levels, strict=True):
        logging.getLogger(name).setLevel(level)


@pytest.mark.usefixtures("as_it_was")
def test_each_request_is_one_line_of_json_without_its_words(
    desk: Desk, access: Access, capsys: pytest.CaptureFixture[str]
) -> None:
    open_log(LogFormat.JSON, None)
    app = asyncio.run(made(desk, access, Operation(Addresses.NETWORK)))
    with TestClient(app, base_url="http://127.0.0.1", client=("127.0.0.9", 1)) as client:
        answered = client.post("/api/v1/ask", json={"question": SECRET}, headers={"X-Request-ID": "from-the-proxy.7"})
        client.get("/law/eu-ai-act", params={"q": "Rosamund"})
        client.get("/nowhere/Rosamund")
        refused = ask(client, "")
    assert answered.headers["x-request-id"] == "from-the-proxy.7"
    lines = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    requests = [one for one in lines if one["logger"] == "visavis.request"]
    told = [(one["method"], one["route"], one["status"]) for one in requests]
    assert told == [
        ("POST", "/api/v1/ask", 200),
        ("GET", "/law/{instrument}", 200),
        ("GET", "an unknown address", 404),
        ("POST", "/api/v1/ask", 422),
    ]
    assert requests[0]["request"] == "from-the-proxy.7" and requests[0]["client"] == "127.0.0.0/24"
    assert requests[3]["request"] == refused.json()["request"] == refused.headers["x-request-id"]
    assert "Rosamund" not in json.dumps(lines)


@pytest.mark.usefixtures("as_it_was")
def test_a_request_under_a_prefix_is_logged_by_its_route(
    desk: Desk, access: Access, capsys: pytest.CaptureFixture[str]
) -> None:
    async def build() -> FastAPI:
        return create_app(cast(Any, desk), access=access, embedding=Embedding("/intranet/ai-law"))

    open_log(LogFormat.JSON, None)
    with TestClient(asyncio.run(build()), base_url="http://127.0.0.1", client=LOCAL) as client:
        for path in ("/intranet/ai-law/law/eu-ai-act", "/law/eu-ai-act", "/intranet/ai-law/nowhere"):
            client.get(path)
    lines = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    told = [one["route"] for one in lines if one["logger"] == "visavis.request"]
    assert told == ["/law/{instrument}", "/law/{instrument}", "an unknown address"]


@pytest.mark.parametrize("given", ["a b", "x" * 65, "<script>", ""])
def test_a_request_id_that_is_not_plain_is_replaced(client: TestClient, given: str) -> None:
    number = client.get("/healthz", headers={"X-Request-ID": given}).headers["x-request-id"]
    assert re.fullmatch(r"[0-9a-f]{32}", number)


@pytest.mark.parametrize(
    ("address", "policy", "told"),
    [
        ("192.0.2.77", Addresses.NETWORK, "192.0.2.0/24"),
        ("2001:db8:1:2::7", Addresses.NETWORK, "2001:db8:1::/48"),
        ("192.0.2.77", Addresses.FULL, "192.0.2.77"),
        ("192.0.2.77", Addresses.NONE, ""),
        ("testclient", Addresses.NETWORK, ""),
    ],
)
def test_the_log_holds_as_much_of_an_address_as_it_may(address: str, policy: Addresses, told: str) -> None:
    assert shorten(address, policy) == told


@pytest.mark.usefixtures("as_it_was")
@pytest.mark.parametrize(
    ("policy", "told"),
    [(Addresses.NONE, "somebody"), (Addresses.NETWORK, "192.0.2.0/24"), (Addresses.FULL, "192.0.2.77")],
)
def test_every_line_that_names_an_address_obeys_the_setting(
    desk: Desk, tmp_path: Path, policy: Addresses, told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    open_log(LogFormat.PLAIN, LogLevel.INFO, policy)
    access = Access(TokenFile(tmp_path / "tokens.json"), limits=Limits(calls=2))
    entrance = TokenEntrance(SecretStr("k" * 40), ("https://site.example",), folder=tmp_path / "used")

    async def build() -> FastAPI:
        embedding = Embedding(origins=("https://site.example",), entrance=entrance)
        return create_app(cast(Any, desk), access=access, embedding=embedding, operation=Operation(policy))

    with TestClient(asyncio.run(build()), base_url="http://127.0.0.1", client=("192.0.2.77", 50000)) as client:
        ask(client, "")
        called = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "ask", "arguments": {}}}
        client.post("/mcp", json=called, headers={"Accept": "application/json, text/event-stream"})
        assert ask(client).status_code == 429
        client.post("/embed/session", json={"token": "x"})
        client.get("/nowhere")
        client.get("/law", headers={"Host": "elsewhere.example"})
    lines = [one for one in capsys.readouterr().err.splitlines() if " visavis.request: " not in one]
    begun = ["api: 422", "mcp: 422", "api: 429", "embed: ", "guard: 404", "guard: 421"]
    for beginning in begun:
        [line] = [one for one in lines if beginning in one]
        assert f" for {told}" in line or f" at {told}" in line, line
    if policy is not Addresses.FULL:
        assert "192.0.2.77" not in "".join(lines)


def test_no_module_writes_an_address_into_the_log_but_as_a_client() -> None:
    """Each call of a log in the server's modules, held for words by which addresses go."""
    bare = re.compile(r"\b(?:address|place\.client|client\.host|client\[0\]|address_of\([^()]*\)|_from\([^()]*\))")
    said = re.compile(r"^ *log\.\w+\((?:.|\n)*?\)\n", re.MULTILINE)
    found = 0
    for path in sorted((CHECKOUT / "ui").rglob("*.py")):
        for call in said.findall(path.read_text(encoding="utf-8")):
            found += "Client(" in call
            words = re.sub(r'"[^"]*"', "", call)
            assert not bare.search(re.sub(r"\bClient\((?:[^()]|\([^()]*\))*\)", "", words)), (path.name, call)
    assert found >= 6
    assert str(Client("192.0.2.77")) == "192.0.2.0/24" and str(Client("")) == "nowhere"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("LOG_FORMAT", "yaml"),
        ("LOG_LEVEL", "loud"),
        ("SERVE_AT_ONCE", "0"),
        ("SERVE_GRACE", "-1"),
        ("TRACE_ENDPOINT", "ftp://collector"),
        ("TRACE_ENDPOINT", "http://collector:4318/v1/traces"),
    ],
)
def test_a_setting_that_cannot_be_is_one_line(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(f"VISAVIS_{name}", value)
    with pytest.raises(SettingsError) as raised:
        load_serve_settings()
    assert name in str(raised.value).upper() and "\n" not in str(raised.value)


# Traces


class Collector(BaseHTTPRequestHandler):
    """Takes OTLP over HTTP."""

    def do_POST(self) -> None:
        length = int(self.headers["Content-Length"])
        cast(Any, self.server).taken.append((self.path, self.rfile.read(length)))
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def collector() -> Iterator[ThreadingHTTPServer]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Collector)
    cast(Any, server).taken = []
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.usefixtures("as_it_was")
def test_traces_go_to_the_collector_without_a_word_of_the_question(
    desk: Desk, access: Access, collector: ThreadingHTTPServer
) -> None:
    settings = load_serve_settings(trace_endpoint=f"http://127.0.0.1:{collector.server_port}")
    operation = open_operation(settings)
    app = asyncio.run(made(desk, access, operation))
    trace = "0af7651916cd43dd8448eb211c80319c"
    with TestClient(app, base_url="http://127.0.0.1", client=LOCAL) as client:
        body = {"question": SECRET}
        client.post("/api/v1/ask", json=body, headers={"traceparent": f"00-{trace}-b7ad6b7169203331-01"})
        client.get("/law/eu-ai-act", params={"q": "Rosamund"})
    taken = cast(Any, collector).taken
    assert {path for path, _ in taken} == {"/v1/traces"}
    sent = b"".join(content for _, content in taken)
    assert b"POST /api/v1/ask" in sent and b"/law/{instrument}" in sent and b"visavis.intent" in sent
    assert bytes.fromhex(trace) in sent
    assert b"Rosamund" not in sent and b"nursery" not in sent and b"127.0.0.1" not in sent


@pytest.mark.usefixtures("as_it_was")
def test_what_a_bug_says_does_not_go_to_the_collector(collector: ThreadingHTTPServer) -> None:
    spans = open_spans(f"http://127.0.0.1:{collector.server_port}", "1")
    with pytest.raises(ZeroDivisionError), spans.request("POST", "/api/v1/ask", {}) as ended:
        try:
            raise ZeroDivisionError(SECRET)
        finally:
            ended(500)
    spans.close()
    [(_, sent)] = cast(Any, collector).taken
    assert b"POST /api/v1/ask" in sent and SECRET.encode() not in sent and b"ZeroDivision" not in sent


def test_the_collector_joins_the_allowed_hosts(monkeypatch: pytest.MonkeyPatch) -> None:
    assert not configured_hosts()
    monkeypatch.setenv("VISAVIS_TRACE_ENDPOINT", "https://collector.example:4318")
    [host] = configured_hosts()
    assert host.name == "collector.example" and "VISAVIS_TRACE_ENDPOINT" in str(host)


# The end


async def put_slowly(address: str, process: subprocess.Popen[str]) -> tuple[str, int, float]:
    """Ask, have the server told to end in the middle, and ask again; gives the answer and what the second was told."""
    async with httpx.AsyncClient(base_url=address, timeout=30, trust_env=False) as client:
        tab = Tab(client, await Page.load(client))
        tab.open()
        asked = asyncio.create_task(tab.ask("Are roses plants?", None))
        while "visavis_questions_under_way 1.0" not in (await client.get("/metrics")).text:
            await asyncio.sleep(0.05)
        process.send_signal(signal.SIGTERM)
        begun = time.monotonic()
        while (await client.get("/readyz")).status_code != 503 or "stop" not in (await client.get("/readyz")).text:
            await asyncio.sleep(0.05)
        late = await client.post("/api/v1/ask", json={"question": "And tulips?"})
        html = await asked
        took = time.monotonic() - begun
        await tab.close()
        return html, late.status_code, took


def test_an_answer_under_way_is_finished_before_the_server_ends() -> None:
    command = [sys.executable, "-m", "tests.ui.writing_server", "0", "0.2", "25"]
    surroundings = environment(PYTHONWARNINGS="", PYTHONPATH=str(CHECKOUT))
    with subprocess.Popen(command, env=surroundings, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            address = re.search(r"http://127\.0\.0\.1:\d+", process.stdout.readline())
            assert address is not None
            html, late, took = asyncio.run(put_slowly(address[0], process))
            assert 'data-state="answered"' in html and "Sentence 25 is written." in html
            assert late == 503 and took > 0.5
            process.wait(10)
        finally:
            process.kill()


def test_the_levels_and_forms_are_what_the_settings_name() -> None:
    settings = load_serve_settings(log_format="json", log_level="debug", log_addresses="none", serve_waiting=3)
    assert (settings.log_format, settings.log_level, settings.log_addresses) == (
        LogFormat.JSON,
        LogLevel.DEBUG,
        Addresses.NONE,
    )
    assert settings.serve_waiting == 3
