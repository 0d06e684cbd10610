"""Three real replicas behind nginx: the index switched, one killed, all renewed, while a client asks on and on."""

import os
import re
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

import httpx
import pytest

from ingest.errors import UsageError, VisavisError
from tests.conftest import give_home, require
from tests.small_corpus import ACT, ARTICLES, SmallCorpus, command, environment, make_act, run_visavis
from ui.operation.replicas import find_nginx
from ui.operation.replicas_cli import _ports

pytestmark = pytest.mark.timeout(600)

COUNT = 3
PATIENCE = 240.0
QUESTION = {"question": "How do the Convention and the AI Act define an AI system?"}


@dataclass(frozen=True)
class Request:
    """One request and what came of it; a status of 0 is a connection that broke."""

    what: str
    status: int
    corpus: str = ""


@dataclass
class Fleet:
    """`visavis replicas`, and what it says."""

    process: "subprocess.Popen[str]"
    corpus: SmallCorpus
    surroundings: dict[str, str]
    said: list[str] = field(default_factory=list)
    address: str = ""

    def await_line(self, pattern: str, count: int = 1) -> list["re.Match[str]"]:
        deadline = time.monotonic() + PATIENCE
        while True:
            found = [match for line in list(self.said) if (match := re.search(pattern, line))]
            if len(found) >= count:
                return found
            assert time.monotonic() < deadline and self.process.poll() is None, self.said
            time.sleep(0.05)

    def replicas(self) -> dict[int, tuple[str, int]]:
        """The address and the process of each replica, as last announced."""
        found = self.await_line(rf"replica (\d) of {COUNT} answers on (http://\S+) \((\d+)\)", COUNT)
        return {int(one[1]): (one[2], int(one[3])) for one in found}

    def corpora(self) -> set[str]:
        """The corpus that each replica answers from."""
        return {httpx.get(f"{at}/healthz", trust_env=False).json()["corpus"] for at, _ in self.replicas().values()}


@contextmanager
def asking_on_and_on(fleet: Fleet) -> Iterator[list[Request]]:
    """Two programs that ask, and a reader whose page is loaded again and again, until the end of the block."""
    log: list[Request] = []
    stop = threading.Event()

    def ask() -> None:
        with httpx.Client(base_url=fleet.address, timeout=60, trust_env=False) as client:
            for number in count():
                if stop.wait(0.02):
                    return
                # Each from an address of its own, for one may ask no more than so often a minute.
                whence = {"X-Forwarded-For": f"203.0.113.{number % 250}"}
                log.append(send("ask", lambda whence=whence: client.post("/api/v1/ask", json=QUESTION, headers=whence)))

    def read() -> None:
        with httpx.Client(base_url=fleet.address, timeout=60, trust_env=False) as client:
            while not stop.is_set():
                for path in ("/", "/law", "/healthz"):
                    log.append(send(path, lambda path=path: client.get(path)))
                time.sleep(0.1)

    threads = [threading.Thread(target=one) for one in (ask, ask, read)]
    for thread in threads:
        thread.start()
    try:
        yield log
    finally:
        stop.set()
        for thread in threads:
            thread.join()


def send(what: str, call: Callable[[], httpx.Response]) -> Request:
    try:
        answer = call()
    except httpx.HTTPError as error:
        return Request(f"{what} {error!r}", 0)
    if what != "ask" or answer.status_code != 200:
        return Request(what, answer.status_code)
    return Request(what, answer.status_code, answer.json()["corpus"]["id"])


Noting = Callable[[str, object], None]


def failed(log: list[Request], note: Noting) -> list[Request]:
    """The requests that failed; their number and that of all goes into the report of the run."""
    lost = [one for one in log if one.status != 200]
    note("requests", len(log))
    note("failed", len(lost))
    return lost


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory, model_cache: Path) -> Iterator[Fleet]:
    """Three replicas over the small corpus, whose index the first one builds."""
    try:
        find_nginx()
    except VisavisError as error:
        require("nginx", str(error))
    home = tmp_path_factory.mktemp("fleet")
    corpus = SmallCorpus(home / "garden").write()
    with pytest.MonkeyPatch.context() as patch:
        give_home(patch, home)
        patch.setenv("XDG_CACHE_HOME", str(model_cache))
        surroundings = environment(PYTHONWARNINGS="", PYTHONUNBUFFERED="1")
        process = subprocess.Popen(
            command("replicas", "--count", COUNT, "--port", 0, "--corpus", corpus.folder),
            env=surroundings,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        fleet = Fleet(process, corpus, surroundings)
        listening = threading.Thread(target=lambda: fleet.said.extend(process.stdout or ()))
        listening.start()
        try:
            fleet.address = fleet.await_line(r"Visavis answers on (http://\S+) from 3 replicas")[0][1]
            yield fleet
        finally:
            process.terminate()
            process.wait(60)
            listening.join()
            assert process.stdout is not None
            process.stdout.close()


def test_an_index_is_switched_without_a_failed_request(fleet: Fleet, record_property: Noting) -> None:
    [before] = fleet.corpora()
    fleet.corpus.change(ACT, make_act(ARTICLES | {"3": ("Hedges", "No hedge may be more than four metres high.")}))
    with asking_on_and_on(fleet) as log:
        ran = run_visavis("ingest", "--corpus", fleet.corpus.folder, **fleet.surroundings)
        assert ran.code == 0, ran.err
        deadline = time.monotonic() + PATIENCE
        while len(fleet.corpora()) > 1 or before in fleet.corpora():
            assert time.monotonic() < deadline
            time.sleep(0.2)
        asked = len(log)
        time.sleep(1)
    [after] = fleet.corpora()
    assert failed(log, record_property) == []
    served = [one.corpus for one in log if one.what == "ask"]
    assert {before, after} == set(served) and len(served) > 20
    assert {one.corpus for one in log[asked:] if one.what == "ask"} == {after}


def test_a_replica_killed_in_mid_answer_costs_no_request_and_comes_back(fleet: Fleet, record_property: Noting) -> None:
    number, (place, process) = next(iter(fleet.replicas().items()))
    with asking_on_and_on(fleet) as log:
        time.sleep(1)
        os.kill(process, signal.SIGSTOP)  # so that answers are surely under way in it
        time.sleep(1)
        os.kill(process, signal.SIGKILL)
        fleet.await_line(rf"replica {number} ended \(signal 9\); it is started again")
        fleet.await_line(rf"replica {number} of {COUNT} answers on {place} ", 2)
        time.sleep(1)
    assert failed(log, record_property) == []
    assert len([one for one in log if one.what == "ask"]) > 20
    assert fleet.replicas()[number][1] != process
    assert len(fleet.corpora()) == 1


def test_all_are_renewed_one_after_another_without_a_failed_request(fleet: Fleet, record_property: Noting) -> None:
    before = fleet.replicas()
    with asking_on_and_on(fleet) as log:
        fleet.process.send_signal(signal.SIGHUP)
        deadline = time.monotonic() + PATIENCE
        while any(fleet.replicas()[number] == one for number, one in before.items()):
            assert time.monotonic() < deadline, fleet.said
            time.sleep(0.2)
        time.sleep(1)
    assert failed(log, record_property) == []


def test_all_end_together_and_nothing_is_left(fleet: Fleet) -> None:
    processes = [process for _, process in fleet.replicas().values()]
    fleet.process.send_signal(signal.SIGTERM)
    assert fleet.process.wait(60) == 0
    for process in processes:
        with pytest.raises(ProcessLookupError):
            os.kill(process, 0)
    with pytest.raises(httpx.ConnectError):
        httpx.get(fleet.address, trust_env=False)


def test_a_replica_that_cannot_start_ends_the_others_with_one_line(small_corpus: SmallCorpus) -> None:
    ran = run_visavis("replicas", "--count", 2, "--port", 0, "--no-build", "--corpus", small_corpus.folder)
    lines = [line for line in ran.err.splitlines() if line.startswith("visavis: ")]
    assert ran.code == 2
    assert "there is no index" in lines[0] and "replica 1 did not start" in lines[1]


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({}, "nobody would have to sign in"),
        ({"VISAVIS_SIGN_IN": "proxy", "VISAVIS_PROXY_TRUSTED": "127.0.0.1"}, "could reach nginx past the proxy"),
    ],
)
def test_nginx_opens_to_others_nothing_that_serve_would_not(settings: dict[str, str], said: str) -> None:
    ran = run_visavis("replicas", "--host", "0.0.0.0", "--port", 0, **settings)
    assert (ran.code, said in ran.complaint) == (2, True), ran.err
    ran = run_visavis("replicas", "--host", "0.0.0.0", "--port", 0, "--open-to-all")
    assert "VISAVIS_SIGN_IN_HOSTS" in ran.complaint


def test_ports_that_do_not_exist_are_refused() -> None:
    assert _ports(2, 7861) == [7861, 7862] and len(set(_ports(4, 0))) == 4
    with pytest.raises(UsageError, match="65535 is the last"):
        _ports(2, 65535)
