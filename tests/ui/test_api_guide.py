"""The guide to the API: its commands and its Python client run, in its order, against a server on this machine."""

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path

import pytest

from tests.conftest import CHECKOUT, require
from tests.small_corpus import FRONT_DOOR, environment
from tests.ui.servers import apart
from ui.access import Scope, TokenFile

GUIDE = CHECKOUT / "docs" / "api.md"
BLOCK = re.compile(r"^```(?P<kind>\w+)\n(?P<body>.*?)^```$", re.MULTILINE | re.DOTALL)
ADDRESS = "127.0.0.1:7860"


@dataclass(frozen=True, slots=True)
class Served:
    """A running server: where it is, and the file of what it says on standard error."""

    address: str
    log: Path


@pytest.fixture
def served(home: Path, tmp_path: Path) -> Iterator[Served]:
    log = tmp_path / "log"
    with log.open("w", encoding="utf-8") as errors, apart("garden_server", errors=errors) as address:
        yield Served(address.removeprefix("http://"), log)


def read_blocks(kind: str) -> list[str]:
    text = GUIDE.read_text(encoding="utf-8")
    return [found["body"] for found in BLOCK.finditer(text) if found["kind"] == kind]


def run(script: str, folder: Path, served: Served, **more: str) -> list[str]:
    """Run lines of the shell with `visavis` as the guide writes it; gives the lines that it printed."""
    if shutil.which("curl") is None:
        require("curl", "curl is not on the PATH; install it.")
    script = f'visavis() {{ "{sys.executable}" "{FRONT_DOOR}" "$@"; }}\n' + script.replace(ADDRESS, served.address)
    ran = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script],
        cwd=folder,
        env=environment(**more),
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return ran.stdout.splitlines()


def read_all(line: str) -> Iterator[object]:
    """The JSON that calls printed one after the other, with no end of line between."""
    while line:
        record, end = json.JSONDecoder().raw_decode(line)
        yield record
        line = line[end:]


@pytest.mark.timeout(300)
def test_every_command_of_the_guide_runs_and_the_client_too(served: Served, tmp_path: Path) -> None:
    first, *between, last = read_blocks("sh")
    client = tmp_path / "client.py"
    (source,) = read_blocks("python")
    client.write_text(source.replace(ADDRESS, served.address), encoding="utf-8")
    middle = "\necho\n".join(between)
    run_client = f'\nTOKEN="$TOKEN" "{sys.executable}" client.py\n'
    printed = run(f'{first}\necho "$TOKEN" > token\n{middle}\n{run_client}', tmp_path, served)
    records = [record for line in printed if line.startswith(("{", "[")) for record in read_all(line)]
    schemas = [one.get("schema") for one in records if isinstance(one, dict)]
    assert schemas.count("visavis.answer/1") == 1
    assert "(a) cutting a rose;" in [one.get("text") for one in records if isinstance(one, dict)]
    assert "event: done" in printed
    assert printed[-3:] == ["answer", "done", "(a) cutting a rose;"]
    assert (tmp_path / "answer.docx").read_bytes().startswith(b"PK")
    (token,) = TokenFile().tokens()
    assert token.scopes == (Scope.ASK, Scope.READ, Scope.EXPORT)
    secret = (tmp_path / "token").read_text().strip()
    run(last, tmp_path, served, TOKEN=secret)
    with pytest.raises(AssertionError, match="was revoked on"):
        run(between[0], tmp_path, served, TOKEN=secret)
    with pytest.raises(AssertionError, match="Unauthorized: the token was revoked"):
        run(run_client, tmp_path, served, TOKEN=secret)
    said = served.log.read_text()
    assert "401 Unauthorized for 127.0.0.0/24 at /api/v1/ask" in said
    assert "prohibited" not in said and secret not in said


def test_ten_megabytes_are_refused_before_they_are_read(served: Served) -> None:
    connection = HTTPConnection(served.address, timeout=20)
    connection.putrequest("POST", "/api/v1/ask")
    connection.putheader("Content-Type", "application/json")
    connection.putheader("Content-Length", str(10 * 1024 * 1024))
    connection.endheaders(b'{"question": "a very secret rose')
    response = connection.getresponse()
    assert response.status == 413
    assert json.load(response)["detail"].startswith("the body is larger")
    assert response.getheader("Connection") == "close"
    connection.close()
    lines = served.log.read_text().splitlines()
    assert len(lines) == 1 and "413" in lines[0] and "secret" not in lines[0]


def test_a_reader_who_leaves_in_mid_stream_harms_nobody(served: Served) -> None:
    for _ in range(6):
        connection = HTTPConnection(served.address, timeout=20)
        headers = {"Content-Type": "application/json", "Accept": "text/event-stream"}
        connection.request("POST", "/api/v1/ask", b'{"question": "Why?"}', headers)
        connection.getresponse().read(20)
        connection.close()
    connection = HTTPConnection(served.address, timeout=20)
    connection.request("POST", "/api/v1/ask", b'{"question": "Why?"}', {"Content-Type": "application/json"})
    assert connection.getresponse().status == 200
    connection.close()
    assert "Traceback" not in served.log.read_text()
