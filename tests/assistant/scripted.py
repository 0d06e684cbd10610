"""A model that says what a test wrote for it, behind an OpenAI-compatible server on loopback."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from time import monotonic
from typing import Any

PIECE = 24
KEY = "sk-of-the-tests-0123456789"


@dataclass(frozen=True)
class Play:
    """What the model does with one request: the text it streams, and how that ends."""

    text: str = ""
    status: int = 200
    hang: bool = False
    cut: bool = False
    reason: str = "stop"
    refuses_schema: bool = False


@dataclass
class Scripted:
    """The plays of a server, the last of which is repeated, what it was asked, and how its hanging calls ended."""

    plays: list[Play]
    address: str = ""
    asked: list[dict[str, Any]] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)
    ended: threading.Event = field(default_factory=threading.Event)

    def next_play(self) -> Play:
        return self.plays[min(len(self.asked), len(self.plays)) - 1]

    @property
    def last_prompt(self) -> str:
        return "\n".join(message["content"] for message in self.asked[-1]["messages"])


class _Door(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    script: Scripted

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        pass

    def do_GET(self) -> None:
        self._answer(200, {"object": "list", "data": [{"id": "scripted", "object": "model", "meta": {"n_ctx": 4096}}]})

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.script.asked.append(asked)
        self.script.keys.append(self.headers.get("Authorization", ""))
        play = self.script.next_play()
        if play.refuses_schema and "response_format" in asked:
            self._answer(400, {"error": {"message": "response_format is not supported"}})
        elif play.status != 200:
            self._answer(play.status, {"error": {"message": f"no, {self.headers.get('Authorization')}"}})
        else:
            try:
                self._stream(play)
            except ConnectionError:
                self.close_connection = True
                self.script.ended.set()

    def _answer(self, status: int, record: dict[str, Any]) -> None:
        body = json.dumps(record).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _stream(self, play: Play) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for start in range(0, len(play.text), PIECE):
            self._event({"delta": {"role": "assistant", "content": play.text[start : start + PIECE]}})
        if play.hang:
            self._hang()
        elif play.cut:
            self.close_connection = True
        else:
            self._event({"delta": {}, "finish_reason": play.reason})
            self._chunk(b"data: [DONE]\n\n")
            self._chunk(b"")

    def _hang(self) -> None:
        """Say nothing until the other side hangs up."""
        self.connection.settimeout(0.05)
        until = monotonic() + 20
        while monotonic() < until:
            try:
                if not self.connection.recv(1):
                    self.script.ended.set()
                    break
            except TimeoutError:
                continue
        self.close_connection = True

    def _event(self, choice: dict[str, Any]) -> None:
        record = {"id": "1", "object": "chat.completion.chunk", "created": 1, "model": "scripted"}
        self._chunk(f"data: {json.dumps(record | {'choices': [{'index': 0} | choice]})}\n\n".encode())

    def _chunk(self, data: bytes) -> None:
        self.wfile.write(f"{len(data):x}\r\n".encode() + data + b"\r\n")
        self.wfile.flush()


@contextmanager
def serve(*plays: Play) -> Iterator[Scripted]:
    """A server that plays its part while the block runs."""
    script = Scripted(list(plays))
    door = type("Door", (_Door,), {"script": script})
    with ThreadingHTTPServer(("127.0.0.1", 0), door) as server:
        script.address = f"http://127.0.0.1:{server.server_address[1]}/v1"
        thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        try:
            yield script
        finally:
            server.shutdown()
            thread.join()


def claims(*sentences: tuple[list[int], str, str]) -> str:
    """The JSON form of sentences: passages, words quoted, text."""
    listed = [{"passages": numbers, "quotes": [quote], "text": text} for numbers, quote, text in sentences]
    return json.dumps({"claims": listed}, ensure_ascii=False)
