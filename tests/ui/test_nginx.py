"""What nginx does with the configuration that it is given: who is sent where, and what is asked again elsewhere."""

import json
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx
import pytest

from tests.chroma import free_port
from tests.conftest import require
from ui.operation import replicas
from ui.operation.nginx import COOKIE, Site, write_configuration
from ui.operation.replicas import Fleet, Replica, find_nginx, worker_user

COUNT = 3


@dataclass
class Stub:
    """A server in a replica's place: it answers with its number, or goes away in mid-answer."""

    number: int
    is_dying: bool = False
    is_ending: bool = False
    is_asked_in_vain: bool = False
    received: list[tuple[str, str, str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        stub = self

        class Answering(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                self.answer()

            def do_POST(self) -> None:
                self.answer()

            def answer(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
                stub.received.append((self.command, self.path, body))
                if stub.is_dying:
                    self.connection.close()
                    self.close_connection = True
                    return
                said = json.dumps({"replica": stub.number, "headers": dict(self.headers)}).encode()
                in_vain = stub.is_asked_in_vain and self.path.endswith(("/ask", "/save"))
                self.send_response(503 if stub.is_ending or in_vain else 200)
                self.send_header("Content-Length", str(len(said)))
                self.end_headers()
                self.wfile.write(said[:10])
                self.wfile.flush()
                time.sleep({"/slow": 0.3, "/very-slow": 6.5}.get(self.path, 0))
                self.wfile.write(said[10:])

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Answering)
        self.server.handle_error = lambda *_: None  # type: ignore[method-assign]
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()

    @property
    def place(self) -> str:
        return f"127.0.0.1:{self.server.server_port}"

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()


@dataclass
class Front:
    address: str
    stubs: list[Stub]
    process: "subprocess.Popen[bytes]"

    def number(self, path: str = "/", **headers: str) -> int:
        answer = httpx.get(self.address + path, headers=headers, trust_env=False)
        assert answer.status_code == 200
        number: int = answer.json()["replica"]
        return number


@pytest.fixture
def front(tmp_path: Path) -> Iterator[Front]:
    try:
        program = find_nginx()
    except Exception as error:
        require("nginx", str(error))
    stubs = [Stub(number) for number in range(COUNT)]
    site = Site(f"127.0.0.1:{free_port()}", [stub.place for stub in stubs])
    for folder in (tmp_path, *tmp_path.parents[:2]):
        folder.chmod(folder.stat().st_mode | 0o011)
    (tmp_path / "nginx.conf").write_text(write_configuration(site, tmp_path, worker_user()))
    process = subprocess.Popen([program, "-e", "stderr", "-p", str(tmp_path), "-c", "nginx.conf"])
    address = f"http://{site.listen}"
    deadline = time.monotonic() + 10
    while True:
        try:
            httpx.get(address, trust_env=False)
            break
        except httpx.TransportError:
            assert time.monotonic() < deadline and process.poll() is None
            time.sleep(0.05)
    for stub in stubs:
        stub.received.clear()
    yield Front(address, stubs, process)
    process.terminate()
    process.wait()
    for stub in stubs:
        stub.close()


def test_a_reader_stays_with_a_replica_by_the_cookie_that_nginx_sets_once(front: Front) -> None:
    first = httpx.get(front.address, trust_env=False)
    cookie = first.headers["Set-Cookie"]
    assert cookie.startswith(f"{COOKIE}=") and "HttpOnly" in cookie and "SameSite=Lax" in cookie
    assert "Secure" not in cookie
    value = cookie.partition(";")[0]
    again = [httpx.get(f"{front.address}/page{n}", headers={"Cookie": value}, trust_env=False) for n in range(12)]
    assert len({answer.json()["replica"] for answer in again}) == 1
    assert not any("Set-Cookie" in answer.headers for answer in again)
    behind = httpx.get(front.address, headers={"X-Forwarded-Proto": "https"}, trust_env=False)
    assert behind.headers["Set-Cookie"].endswith("; Secure")
    assert behind.json()["headers"]["X-Forwarded-Proto"] == "https"


def test_readers_are_spread_and_one_without_a_cookie_stays_by_the_address(front: Front) -> None:
    spread = {front.number(Cookie=f"{COOKIE}={n:032x}") for n in range(40)}
    assert spread == set(range(COUNT))
    assert len({front.number() for _ in range(12)}) == 1


def test_a_program_goes_to_any_replica(front: Front) -> None:
    assert {front.number("/api/v1/instruments") for _ in range(12)} == set(range(COUNT))


@pytest.mark.parametrize("path", ["/api/v1/ask", "/api/v1/export", "/save", "/intranet/ai-law/api/v1/ask"])
def test_a_question_whose_replica_goes_away_in_mid_answer_is_put_to_another(front: Front, path: str) -> None:
    front.stubs[0].is_dying = front.stubs[1].is_dying = True
    for number in range(6):
        answer = httpx.post(
            front.address + path,
            content=f"question {number}",
            headers={"Cookie": f"{COOKIE}={number}"},
            trust_env=False,
        )
        assert (answer.status_code, answer.json()["replica"]) == (200, 2)
    assert front.stubs[0].received or front.stubs[1].received
    assert [body for _, _, body in front.stubs[2].received] == [f"question {number}" for number in range(6)]


def test_a_question_whose_replica_ends_is_put_to_another_and_where_all_do_told_to_come_again(front: Front) -> None:
    for stub in front.stubs[1:]:
        stub.is_ending = True
    for number in range(4):
        answer = httpx.post(f"{front.address}/api/v1/ask", json={"question": str(number)}, trust_env=False)
        assert (answer.status_code, answer.json()["replica"]) == (200, 0)
    front.stubs[0].is_ending = True
    assert httpx.post(f"{front.address}/api/v1/ask", json={}, trust_env=False).status_code == 503


def test_where_every_replica_refuses_to_answer_all_else_is_served_still(front: Front) -> None:
    for stub in front.stubs:
        stub.is_asked_in_vain = True
    for path in ("/api/v1/ask", "/save") * 3:
        answer = httpx.post(front.address + path, json={}, trust_env=False)
        assert (answer.status_code, "replica" in answer.json()) == (503, True), "a replica's own words"
        for other in ("/api/v1/law", "/"):
            front.number(other)


def test_no_replica_is_skipped_for_a_status_that_is_asked_again_elsewhere() -> None:
    text = Site("80", ["127.0.0.1:7861"]).text()
    places = [part.partition("}")[0] for part in text.split("location ")[1:]]
    retried = {one.partition("proxy_pass http://")[2].partition(";")[0] for one in places if "http_503" in one}
    upstreams = {part.split()[0]: part.partition("}")[0] for part in text.split("upstream visavis")[1:]}
    assert len(retried) == 2
    assert all("max_fails=0" in upstreams[one.removeprefix("visavis")] for one in retried)


def test_what_is_no_question_is_sent_once_and_its_reader_told_to_ask_again(front: Front) -> None:
    for stub in front.stubs:
        stub.is_dying = True
    answer = httpx.post(f"{front.address}/feedback", content="well", trust_env=False)
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
    assert answer.headers["Content-Type"] == "application/problem+json" and answer.json()["status"] == 503
    assert sum(len(stub.received) for stub in front.stubs) == 1


def test_a_replica_that_does_not_listen_is_passed_over_even_for_what_is_sent_once(front: Front) -> None:
    gone = front.number(Cookie=f"{COOKIE}=one")
    front.stubs[gone].close()
    for _ in range(5):
        answer = httpx.post(f"{front.address}/feedback", headers={"Cookie": f"{COOKIE}=one"}, trust_env=False)
        assert answer.status_code == 200 and answer.json()["replica"] != gone
    for stub in front.stubs:
        if stub.number != gone:
            stub.close()
    assert httpx.get(front.address, trust_env=False).status_code == 503
    for stub in front.stubs:
        stub.server = ThreadingHTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler)
        threading.Thread(target=stub.server.serve_forever, daemon=True).start()


def test_an_answer_is_passed_on_as_it_is_written(front: Front) -> None:
    with httpx.stream("GET", f"{front.address}/slow", trust_env=False) as answer:
        began = time.monotonic()
        arrived = [time.monotonic() - began for _ in answer.iter_raw()]
    assert len(arrived) >= 2 and arrived[-1] - arrived[0] > 0.2


def test_an_answer_under_way_is_finished_when_nginx_is_told_to_quit(front: Front) -> None:
    with httpx.stream("GET", f"{front.address}/very-slow", timeout=30, trust_env=False) as answer:
        front.process.send_signal(signal.SIGQUIT)
        whole = json.loads(answer.read())
    assert "replica" in whole
    assert front.process.wait(5) == 0, "and with the last answer it ends"


def test_its_grace_is_the_servers_own(tmp_path: Path) -> None:
    site = Site("127.0.0.1:80", ["127.0.0.1:7861"])
    assert "worker_shutdown_timeout 121s;" in write_configuration(site, tmp_path, seconds=120.5)
    fleet = Fleet([], site, "nginx", grace=200)
    assert fleet._patience > 200


def test_replicas_that_do_not_end_are_given_their_time_together(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(replicas, "CLOSING", 0.5)
    deaf = [
        subprocess.Popen(["sleep", "60"], preexec_fn=lambda: signal.signal(signal.SIGTERM, signal.SIG_IGN))
        for _ in range(4)
    ]
    fleet = Fleet([Replica(n, 1, (), process) for n, process in enumerate(deaf)], Site("80", []), "nginx", grace=0.5)
    begun = time.monotonic()
    fleet._end()
    assert 1 <= time.monotonic() - begun < 2.5, "four times as long would be more than a supervisor waits"
    assert {one.poll() for one in deaf} == {-signal.SIGKILL}


def test_who_asks_and_where_is_passed_on_and_the_numbers_of_a_replica_are_not(front: Front) -> None:
    answer = httpx.get(f"{front.address}/law", headers={"X-Forwarded-For": "203.0.113.9"}, trust_env=False)
    headers = answer.json()["headers"]
    assert headers["X-Forwarded-For"] == "203.0.113.9, 127.0.0.1"
    assert headers["Host"] == front.address.removeprefix("http://")
    assert httpx.get(f"{front.address}/metrics", trust_env=False).status_code == 404
