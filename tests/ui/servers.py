"""Servers of the invented law, each in a process of its own for as long as a test needs it."""

import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from tests.conftest import CHECKOUT
from tests.small_corpus import environment


@contextmanager
def writing(pace: float, sentences: int, port: int = 0, **settings: str) -> Iterator[str]:
    """A server whose assistant writes a sentence every `pace` seconds, or with none looks things up for so long."""
    command = [sys.executable, "-m", "tests.ui.writing_server", str(port), str(pace), str(sentences)]
    surroundings = environment(PYTHONWARNINGS="", PYTHONPATH=str(CHECKOUT), **settings)
    with subprocess.Popen(command, env=surroundings, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        address = re.search(r"http://127\.0\.0\.1:\d+", process.stdout.readline())
        assert address is not None
        try:
            yield address[0]
        finally:
            process.send_signal(signal.SIGKILL)
