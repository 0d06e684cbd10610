"""A PostgreSQL server of the tests' own: on a free port of this machine, with its data in a temporary folder."""

import os
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

DEBIAN = Path("/usr/lib/postgresql")
OWNER = "visavis"
STARTS_WITHIN = 30.0


def find_postgresql() -> Path | None:
    """The folder of the newest server's programs, or None."""
    found = shutil.which("postgres")
    versions = sorted(DEBIAN.glob("*/bin/postgres"), key=lambda path: int(path.parent.parent.name))
    programs = versions[-1] if versions else Path(found).resolve() if found else None
    return programs.parent if programs else None


def unprivileged() -> dict[str, Any]:
    """How a process is started that must not be root's."""
    if os.getuid() != 0:
        return {}
    nobody = pwd.getpwnam("nobody")
    return {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}


def free_port() -> int:
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        port: int = listener.getsockname()[1]
        return port


class PostgresServer:
    """A server that may be stopped and started again, on the same port and with the same data."""

    def __init__(self, programs: Path, folder: Path) -> None:
        self.programs = programs
        self.folder = folder
        self.port = free_port()
        self.password = secrets.token_urlsafe(12)
        self._process: subprocess.Popen[bytes] | None = None
        self._prepare()

    def _prepare(self) -> None:
        secret = self.folder / "password"
        secret.write_text(self.password, encoding="utf-8")
        if owner := unprivileged():
            for path in (self.folder, secret):
                os.chown(path, owner["user"], owner["group"])
        subprocess.run(
            [
                self.programs / "initdb",
                f"--pgdata={self.folder / 'data'}",
                f"--username={OWNER}",
                f"--pwfile={secret}",
                "--auth=scram-sha-256",
                "--encoding=UTF8",
                "--locale=C",
                "--no-sync",
            ],
            check=True,
            capture_output=True,
            cwd=self.folder,
            **unprivileged(),
        )

    def start(self) -> None:
        """Start it, and wait until it answers."""
        settings = ("fsync=off", "listen_addresses=127.0.0.1", "unix_socket_directories=", f"port={self.port}")
        arguments = [argument for setting in settings for argument in ("-c", setting)]
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [self.programs / "postgres", "-D", self.folder / "data", *arguments],
                stdout=log,
                stderr=log,
                cwd=self.folder,
                **unprivileged(),
            )
        until = time.monotonic() + STARTS_WITHIN
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > until:
                self.stop()
                raise RuntimeError((self.folder / "log").read_text(encoding="utf-8"))
            time.sleep(0.05)

    def stop(self) -> None:
        """Stop it as a machine that goes away does: connections are cut."""
        if self._process is not None:
            self._process.send_signal(signal.SIGQUIT)
            self._process.wait(STARTS_WITHIN)
            self._process = None

    def create_database(self) -> str:
        """The address of a new and empty database, password included."""
        name = f"test_{secrets.token_hex(6)}"
        self.run(f"CREATE DATABASE {name}")
        return f"postgresql+pg8000://{OWNER}:{self.password}@127.0.0.1:{self.port}/{name}"

    def run(self, statement: str, database: str = "postgres") -> list[Any]:
        """Run one statement outside a transaction; gives its rows."""
        import pg8000.native

        connection = pg8000.native.Connection(
            OWNER, password=self.password, host="127.0.0.1", port=self.port, database=database, timeout=10
        )
        try:
            return list(connection.run(statement) or ())
        finally:
            connection.close()

    def _answers(self) -> bool:
        command = [self.programs / "pg_isready", "-q", "-h", "127.0.0.1", "-p", str(self.port)]
        return subprocess.run(command, check=False).returncode == 0


@contextmanager
def running_postgresql(programs: Path) -> Iterator[PostgresServer]:
    """A server that is started, and gone with its data at the end; for a test that stops one in between."""
    with tempfile.TemporaryDirectory(prefix="visavis-postgresql-") as folder:
        server = PostgresServer(programs, Path(folder))
        try:
            server.start()
            yield server
        finally:
            server.stop()
