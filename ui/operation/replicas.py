"""Several replicas of the server behind one nginx, on this machine: started, watched, restarted, ended together."""

import ctypes
import grp
import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from time import monotonic
from typing import IO

import click

from ingest.errors import VisavisError
from ui.operation.nginx import Site, write_configuration
from ui.places import GRACE

LOOK_EVERY = 0.25
CLOSING = 20.0  # seconds beyond its grace until a replica that is asked to end is ended: it has things to close
YOUNG = 20.0  # seconds: a replica that ends sooner is started again later each time
LONGEST_WAIT = 30.0
PR_SET_PDEATHSIG = 1
HERE = "127.0.0.1"


@dataclass
class Replica:
    """One `visavis serve` on a port of this machine, and when it may be started again."""

    number: int
    port: int
    arguments: Sequence[str]
    process: "subprocess.Popen[bytes] | None" = None
    started: float = 0.0
    failures: int = 0
    not_before: float = 0.0
    is_announced: bool = False

    @property
    def place(self) -> str:
        """Where nginx finds it."""
        return f"{HERE}:{self.port}"

    def start(self) -> None:
        """Start it."""
        command = [sys.executable, "-m", "visavis", "serve", "--host", HERE, "--port", str(self.port), *self.arguments]
        self.process = _start(command, stdout=subprocess.DEVNULL)
        self.started = monotonic()
        self.is_announced = False

    def is_running(self) -> bool:
        """Whether its process lives."""
        return self.process is not None and self.process.poll() is None

    def answers(self) -> bool:
        """Whether it answers requests."""
        connection = HTTPConnection(HERE, self.port, timeout=2)
        try:
            connection.request("GET", "/healthz")
            return connection.getresponse().status < 500
        except (OSError, HTTPException):
            return False
        finally:
            connection.close()

    def note_end(self) -> str:
        """Take note that it ended, and decide when it is started again; gives how it ended."""
        assert self.process is not None
        code = self.process.returncode
        is_young = monotonic() - self.started < YOUNG
        self.failures = self.failures + 1 if is_young else 0
        wait = min(2.0**self.failures, LONGEST_WAIT) if self.failures > 1 else 0.0
        self.not_before = monotonic() + wait
        self.process = None
        return f"signal {-code}" if code < 0 else f"exit code {code}"


@dataclass
class Fleet:
    """The replicas and their nginx; `stop` ends them, `renew` starts them anew one after another.

    Answers under way are given `grace` seconds, as the replicas' own settings say.
    """

    replicas: Sequence[Replica]
    site: Site
    nginx: str
    stop: threading.Event = field(default_factory=threading.Event)
    renew: threading.Event = field(default_factory=threading.Event)
    grace: float = GRACE
    _front: "subprocess.Popen[bytes] | None" = None

    def run(self, greeting: str) -> None:
        """Serve until `stop`; raises VisavisError where a replica or nginx cannot start."""
        with _folder() as folder:
            try:
                if self._begin(folder):
                    click.echo(greeting)
                    self._watch(folder)
            finally:
                self._end()

    def _begin(self, folder: Path) -> bool:
        """Start the first replica, which may have an index to build, then the others and nginx; False when stopped."""
        configuration = folder / "nginx.conf"
        configuration.write_text(
            write_configuration(self.site, folder, worker_user(), self._patience), encoding="utf-8"
        )
        self._check(folder)
        first, *others = self.replicas
        for some in ([first], others):
            for one in some:
                one.start()
            for one in some:
                if not self._await(one):
                    return False
        self._front = self._start_nginx(folder)
        return True

    def _await(self, replica: Replica) -> bool:
        """Wait until a new replica answers; raises VisavisError where it ends instead, False when stopped."""
        while not replica.answers():
            if self.stop.wait(LOOK_EVERY):
                return False
            if not replica.is_running():
                raise VisavisError(f"replica {replica.number} did not start; the lines above say why.")
        self._announce(replica)
        return True

    def _announce(self, replica: Replica) -> None:
        assert replica.process is not None
        replica.is_announced = True
        whole = len(self.replicas)
        click.echo(f"replica {replica.number} of {whole} answers on http://{replica.place} ({replica.process.pid})")

    def _watch(self, folder: Path) -> None:
        while not self.stop.wait(LOOK_EVERY):
            for replica in self.replicas:
                self._look(replica)
            if self._front is not None and self._front.poll() is not None:
                click.echo("nginx ended; it is started again")
                self._front = self._start_nginx(folder)
            if self.renew.is_set():
                self.renew.clear()
                self._renew()

    def _look(self, replica: Replica) -> None:
        """Start a replica again that ended, and say when it answers."""
        if replica.process is not None and not replica.is_running():
            click.echo(f"replica {replica.number} ended ({replica.note_end()}); it is started again")
        if replica.process is None and monotonic() >= replica.not_before:
            replica.start()
        if replica.is_running() and not replica.is_announced and replica.answers():
            self._announce(replica)

    @property
    def _patience(self) -> float:
        """Seconds for whatever is asked to end."""
        return self.grace + CLOSING

    def _renew(self) -> None:
        """End and start the replicas one after another, the others answering meanwhile."""
        for replica in self.replicas:
            if replica.process is not None:
                replica.process.terminate()
                _await_end(replica.process, self._patience)
            replica.start()
            while not self.stop.wait(LOOK_EVERY) and replica.is_running() and not replica.answers():
                pass
            if self.stop.is_set() or not replica.is_running():
                return
            self._announce(replica)

    def _end(self) -> None:
        """Let nginx take nothing new, then end the replicas, which answer what they were asked, and close what is open.

        With the last of its connections nginx ends too.
        """
        if self._front is not None and self._front.poll() is None:
            self._front.send_signal(signal.SIGQUIT)
            with suppress(subprocess.TimeoutExpired):
                self._front.wait(LOOK_EVERY)
        processes = [one.process for one in self.replicas if one.process is not None]
        for process in processes:
            with suppress(ProcessLookupError):
                process.terminate()
        deadline = monotonic() + self._patience
        for process in (*processes, *([self._front] if self._front is not None else [])):
            _await_end(process, max(0.0, deadline - monotonic()))

    def _check(self, folder: Path) -> None:
        tried = subprocess.run(
            [self.nginx, "-t", "-q", "-e", "stderr", "-p", str(folder), "-c", "nginx.conf"],
            capture_output=True,
            text=True,
            check=False,
        )
        if tried.returncode != 0:
            reason = next((line for line in tried.stderr.splitlines() if "emerg" in line), "no reason given")
            raise VisavisError(f"nginx does not take its configuration: {reason.partition(']')[2].strip()}")

    def _start_nginx(self, folder: Path) -> "subprocess.Popen[bytes]":
        return _start([self.nginx, "-e", "stderr", "-p", str(folder), "-c", "nginx.conf"])


def find_nginx() -> str:
    """The nginx program; raises VisavisError without one."""
    found = shutil.which("nginx", path=os.pathsep.join((os.environ.get("PATH", ""), "/usr/sbin", "/usr/local/sbin")))
    if found is None:
        raise VisavisError("nginx is not installed; install it, for example Debian's package nginx.")
    return found


@contextmanager
def listening_to_signals(signals: Mapping[signal.Signals, threading.Event]) -> Iterator[None]:
    """Set an event when a signal comes."""
    before = {number: signal.signal(number, lambda *_, one=event: one.set()) for number, event in signals.items()}
    try:
        yield
    finally:
        for number, handled in before.items():
            signal.signal(number, handled)


@contextmanager
def _folder() -> Iterator[Path]:
    """A folder for nginx that its workers, who may be somebody else, can pass through."""
    with tempfile.TemporaryDirectory(prefix="visavis-") as name:
        folder = Path(name)
        folder.chmod(0o711)
        yield folder


def worker_user() -> str:
    """Who nginx's workers are: nobody, where root starts them; else whoever starts them."""
    if os.geteuid() != 0:
        return ""
    nobody = pwd.getpwnam("nobody")
    return f"nobody {grp.getgrgid(nobody.pw_gid).gr_name}"


def _start(command: Sequence[str], stdout: int | IO[bytes] | None = None) -> "subprocess.Popen[bytes]":
    """Start a process that hears none of the terminal's signals, and ends with this one."""
    return subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=stdout, start_new_session=True, preexec_fn=_end_with_parent
    )


def _end_with_parent() -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


def _await_end(process: "subprocess.Popen[bytes]", seconds: float) -> None:
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
