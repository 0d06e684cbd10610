"""The load, as Locust's scenario: readers at the page and programs at the API, and tabs that are only open.

`run.py` starts it with the server's address, the file of tokens and the phases in variables; each question goes to a
log of JSON lines, for a refusal in good order is no failure here.
"""

import json
import os
import time
from dataclasses import dataclass
from itertools import count, cycle
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import gevent
from gevent import socket
from locust import FastHttpUser, LoadTestShape, constant_throughput, events, task

from tests.load.questions import asked

USERS = 50
EACH = 0.2  # questions a second
SPAWNED = 10  # users a second
IDLE = int(os.environ.get("LOAD_IDLE", "500"))
PHASES = tuple((name, float(seconds), float(times)) for name, seconds, times in json.loads(os.environ["LOAD_PHASES"]))
TOKENS = cycle(json.loads(os.environ["LOAD_TOKENS"]))
LOG = Path(os.environ["LOAD_LOG"]).open("a", encoding="utf-8")  # noqa: SIM115
NUMBERS = count()
APART = 0.618  # of the time between two questions: how far one asker is behind the asker before
PREFIX = "/gradio_api"
WITHIN = 60.0


@dataclass
class Ending:
    """How a question ended: the status that its asker saw, when to come again, and what else was said."""

    status: int
    retry_after: str | None = None
    said: str = ""


class Phases(LoadTestShape):
    """The phases one after the other; in each as many users as its times of the load say."""

    use_common_options = False

    began = ""

    def tick(self) -> tuple[int, float] | None:
        """The users of now, and how many of them come or go in a second."""
        passed = self.get_run_time()
        for name, seconds, times in PHASES:
            if passed < seconds:
                if name != self.began:
                    self.began = name
                    write({"phase": name, "began": time.time()})
                return round(USERS * times), SPAWNED if name == PHASES[0][0] else 1000
            passed -= seconds
        return None


class Asker(FastHttpUser):
    """Somebody who asks every five seconds."""

    abstract = True
    wait_time = constant_throughput(EACH)
    connection_timeout = WITHIN
    network_timeout = WITHIN
    way = ""

    def on_start(self) -> None:
        """Take questions of one's own, and a moment of one's own to begin."""
        number = next(NUMBERS)
        self.questions = asked(number)
        gevent.sleep(number * APART % 1 / EACH)

    @task
    def ask(self) -> None:
        """Ask one, and log how it ended."""
        begun, clock = time.time(), time.perf_counter()
        try:
            ending = self.put(*next(self.questions))
        except Exception as error:
            ending = Ending(0, said=repr(error)[:200])
        ms = round((time.perf_counter() - clock) * 1000)
        line = {"began": begun, "way": self.way, "ms": ms, "status": ending.status, "retry_after": ending.retry_after}
        write(line | ({"said": ending.said} if ending.said else {}))

    def put(self, question: str, day: str | None) -> Ending:
        """Put a question in this asker's way."""
        raise NotImplementedError


class Program(Asker):
    """A program at the REST API, with a token."""

    weight = 1
    way = "api"

    def on_start(self) -> None:
        """Take a token."""
        super().on_start()
        self.headers = {"Authorization": f"Bearer {next(TOKENS)}"}

    def put(self, question: str, day: str | None) -> Ending:
        """Over REST."""
        body = {"question": question, "as_of": day}
        with self.client.post("/api/v1/ask", json=body, headers=self.headers, catch_response=True) as sent:
            sent.success()
            fine = sent.status_code == 200 and sent.json()["schema"] == "visavis.answer/1"
            said = "" if fine else (sent.text or "")[:200]
            return Ending(sent.status_code, (sent.headers or {}).get("Retry-After"), said)


class Reader(Asker):
    """A reader at the page: a tab with its heartbeat, whose questions go through Gradio's queue."""

    weight = 1
    way = "chat"

    def on_start(self) -> None:
        """Open the page and its heartbeat."""
        super().on_start()
        self.session = uuid4().hex[:12]
        config: dict[str, Any] = self.client.get("/config").json()
        targets = {event: (one["id"], room) for one in config["dependencies"] for room, event in one["targets"]}
        self.number, self.room = targets["put"]
        self.heart = gevent.spawn(beat, self.host or "", self.session)

    def on_stop(self) -> None:
        """Close the tab."""
        self.heart.kill()

    def put(self, question: str, day: str | None) -> Ending:
        """Through the queue, as the page does."""
        turn = {"id": uuid4().hex[:16], "question": question, "history": [], "choices": {"day": day or ""}}
        body = {
            "data": [None],
            "event_data": {"turn": turn},
            "fn_index": self.number,
            "trigger_id": self.room,
            "session_hash": self.session,
        }
        with self.client.post(f"{PREFIX}/queue/join", json=body, catch_response=True) as joined:
            joined.success()
            if joined.status_code != 200:
                said = (joined.text or "")[:200]
                return Ending(joined.status_code, (joined.headers or {}).get("Retry-After"), said)
        with self.client.get(
            f"{PREFIX}/queue/data?session_hash={self.session}", name=f"{PREFIX}/queue/data", catch_response=True
        ) as sent:
            sent.success()
            return how_it_ended(sent.text or "")


def how_it_ended(events_sent: str) -> Ending:
    """What the page would show."""
    last = ""
    for line in events_sent.splitlines():
        if '"process_completed"' in line:
            last = line
    if 'data-state=\\"answered\\"' in last:
        return Ending(200)
    if "Many questions are being asked" in last:
        return Ending(429, "said in the page")
    return Ending(0, said=(last or events_sent)[-200:])


def beat(address: str, session: str) -> None:
    """Hold a tab's heartbeat open until the test ends; log it where the server closes it."""
    parts = urlsplit(address)
    assert parts.hostname is not None
    with socket.create_connection((parts.hostname, parts.port), timeout=None) as held:
        request = (
            f"GET {PREFIX}/heartbeat/{session} HTTP/1.1\r\nHost: {parts.netloc}\r\nAccept: text/event-stream\r\n\r\n"
        )
        held.sendall(request.encode())
        while held.recv(4096):
            pass
    write({"began": time.time(), "way": "heartbeat", "ms": 0, "status": 0, "retry_after": None})


def write(line: dict[str, object]) -> None:
    """Put a line into the log."""
    LOG.write(json.dumps(line) + "\n")
    LOG.flush()


@events.test_start.add_listener
def open_idle_tabs(environment: Any, **_: Any) -> None:  # noqa: ANN401
    """Open the tabs in which nobody asks anything."""
    for _number in range(IDLE):
        gevent.spawn(beat, environment.host, uuid4().hex[:12])
        gevent.sleep(0.005)
