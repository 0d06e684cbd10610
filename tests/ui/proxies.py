"""Proxies for tests: a real nginx and a real Apache with the lines of docs/embedding.md, on free ports."""

import os
import re
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from tests.conftest import CHECKOUT, require
from tests.ui.servers import apart

GUIDE = CHECKOUT / "docs" / "embedding.md"
MODULES = Path("/usr/lib/apache2/modules")
UPSTREAM = "127.0.0.1:7860"
PREFIX = "/intranet/ai-law"
PATIENCE = 30
_BLOCK = re.compile(r"^```(?P<kind>\w+) *(?P<name>[\w-]*)\n(?P<body>.*?)^```$", re.MULTILINE | re.DOTALL)


def read_block(name: str, guide: Path = GUIDE) -> str:
    """A block of the guide by the name behind its language: ```nginx strips."""
    found = [one["body"] for one in _BLOCK.finditer(guide.read_text(encoding="utf-8")) if one["name"] == name]
    assert len(found) == 1, f"{guide.name} has {len(found)} blocks named {name}"
    return found[0]


def free_port() -> int:
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        return int(listener.getsockname()[1])


@contextmanager
def placed(pace: float, sentences: int, **settings: str) -> Iterator[int]:
    """A server whose assistant writes a sentence every `pace` seconds; gives its port."""
    with apart("placed_server", 0, pace, sentences, end=signal.SIGKILL, **settings) as address:
        yield int(address.rpartition(":")[2])


@contextmanager
def running(command: list[str], port: int, log: Path) -> Iterator[None]:
    """A proxy, from the moment that it takes connections."""
    with (
        log.open("w", encoding="utf-8") as out,
        subprocess.Popen(command, stdout=out, stderr=out, start_new_session=True) as process,
    ):
        until = time.monotonic() + PATIENCE
        while True:
            try:
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
                break
            except OSError:
                if process.poll() is not None or time.monotonic() > until:
                    process.kill()
                    pytest.fail(f"{command[0]} did not start: {log.read_text()}")
                time.sleep(0.05)
        try:
            yield
        finally:
            # At once, with the workers: a proxy that is asked nicely waits for connections that are kept open.
            os.killpg(process.pid, signal.SIGKILL)


@contextmanager
def nginx(
    folder: Path, snippet: str, upstream: int, *, certificate: Path | None = None, port: int = 0
) -> Iterator[int]:
    """An nginx with the lines of the guide in its server, before the application on a port; gives its own port."""
    port = port or free_port()
    tls = f"ssl_certificate {certificate}; ssl_certificate_key {certificate};" if certificate else ""
    lines = snippet.replace(UPSTREAM, f"127.0.0.1:{upstream}")
    server = f"server {{ listen 127.0.0.1:{port}{' ssl' if certificate else ''}; server_name _; {tls}\n{lines}\n}}"
    with nginx_of(folder, server, port):
        yield port


@contextmanager
def nginx_of(folder: Path, servers: str, port: int) -> Iterator[None]:
    """An nginx with these servers, one of which listens on the port."""
    program = shutil.which("nginx") or "/usr/sbin/nginx"
    if not Path(program).exists():
        require("nginx", "nginx is not installed; install Debian's package nginx.")
    folder.mkdir(parents=True)
    temporary = "\n".join(
        f"{kind}_temp_path {folder}/{kind};" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    (folder / "nginx.conf").write_text(
        f"""{"user root;" if os.geteuid() == 0 else ""}
daemon off; worker_processes 1; pid {folder}/pid; error_log {folder}/errors notice;
events {{ worker_connections 256; }}
http {{
access_log {folder}/access;
{temporary}
{servers}
}}
""",
        encoding="utf-8",
    )
    start = [program, "-p", str(folder), "-e", f"{folder}/errors", "-c", f"{folder}/nginx.conf"]
    subprocess.run([*start, "-t"], check=True, capture_output=True)
    with running(start, port, folder / "said"):
        yield


@contextmanager
def apache(folder: Path, snippet: str, upstream: int) -> Iterator[int]:
    """An Apache with the lines of the guide in its server, before the application on a port; gives its own port."""
    program = shutil.which("apache2") or "/usr/sbin/apache2"
    if not Path(program).exists():
        require("apache2", "apache2 is not installed; install Debian's package apache2.")
    folder.mkdir(parents=True)
    port = free_port()
    names = ("mpm_event", "authz_core", "alias", "headers", "proxy", "proxy_http")
    modules = "\n".join(f"LoadModule {name}_module {MODULES}/mod_{name}.so" for name in names)
    (folder / "apache.conf").write_text(
        f"""{modules}
ServerRoot {folder}
ServerName localhost
DefaultRuntimeDir {folder}
PidFile {folder}/pid
ErrorLog {folder}/errors
Mutex file:{folder}
{"User nobody" if os.geteuid() == 0 else ""}
{"Group nogroup" if os.geteuid() == 0 else ""}
Listen 127.0.0.1:{port}
StartServers 1
{snippet.replace(UPSTREAM, f"127.0.0.1:{upstream}")}
""",
        encoding="utf-8",
    )
    command = [program, "-DFOREGROUND", "-f", f"{folder}/apache.conf"]
    with running(command, port, folder / "said"):
        yield port
