"""Servers of the invented law, in a process of their own or a thread of this one, for as long as a test needs them."""

import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, Any

import pytest
import uvicorn
from starlette.types import ASGIApp

from tests.conftest import CHECKOUT
from tests.small_corpus import environment

ADDRESS = re.compile(r"http://127\.0\.0\.1:\d+")
STARTS_WITHIN = 20


@contextmanager
def apart(
    module: str,
    *arguments: object,
    end: signal.Signals = signal.SIGTERM,
    errors: IO[str] | None = None,
    **settings: str,
) -> Iterator[str]:
    """A server of `tests.ui` in a process that a signal ends at last; gives the address that it says first."""
    command = [sys.executable, "-m", f"tests.ui.{module}", *map(str, arguments)]
    surroundings = environment(PYTHONWARNINGS="", PYTHONPATH=str(CHECKOUT), **settings)
    with subprocess.Popen(command, env=surroundings, stdout=subprocess.PIPE, stderr=errors, text=True) as process:
        assert process.stdout is not None
        said = process.stdout.readline()
        address = ADDRESS.search(said)
        if address is None:
            process.kill()
            pytest.fail(f"the server said {said!r}")
        try:
            yield address[0]
        finally:
            process.send_signal(end)


@contextmanager
def writing(pace: float, sentences: int, port: int = 0, **settings: str) -> Iterator[str]:
    """A server whose assistant writes a sentence every `pace` seconds, or with none looks things up for so long."""
    with apart("writing_server", port, pace, sentences, end=signal.SIGKILL, **settings) as address:
        yield address


@contextmanager
def threaded(app: ASGIApp, **options: Any) -> Iterator[str]:  # noqa: ANN401 - what uvicorn.Config takes
    """An application on a free port, served by a thread until the test is done; gives its host and port."""
    server = uvicorn.Server(uvicorn.Config(app, log_level="error", **options))
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        deadline = time.monotonic() + STARTS_WITHIN
        while not server.started and time.monotonic() < deadline:
            time.sleep(0.02)
        try:
            yield f"127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join(STARTS_WITHIN)
